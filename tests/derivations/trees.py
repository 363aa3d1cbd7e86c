"""Reading and rebuilding expressions of backward passes."""

import ast
import copy
from collections.abc import Callable, Iterator

import numpy as np


def parse(text: str) -> ast.expr:
    """The expression that a text stands for."""
    return ast.parse(text, mode="eval").body


def replaced(tree: ast.expr, changes: dict[ast.AST, ast.AST]) -> ast.expr:
    """A copy of an expression with other nodes in place of some of its own."""

    def rebuild(node: ast.AST) -> ast.AST:
        if node in changes:
            return copy.deepcopy(changes[node])
        fields = {}
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                value = rebuild(value)
            elif isinstance(value, list):
                value = [rebuild(v) if isinstance(v, ast.AST) else v for v in value]
            fields[field] = value
        return ast.copy_location(type(node)(**fields), node)

    return rebuild(tree)


def expressions(tree: ast.expr) -> list[ast.expr]:
    """The expression and all inside it."""
    return [n for n in ast.walk(tree) if isinstance(n, ast.expr)]


def is_binary(node: ast.AST, *operators: type[ast.operator]) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, operators)


def called(node: ast.AST) -> str:
    """What a call calls, such as "dot" of `np.dot(a, b)`, or ""."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def product_operands(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The operands of a product of matrices."""
    if is_binary(node, ast.MatMult):
        return node.left, node.right
    return tuple(node.args[:2]) if called(node) in ("dot", "matmul") else None


def elementwise_operands(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The operands of a product of elements."""
    if is_binary(node, ast.Mult):
        return node.left, node.right
    return tuple(node.args[:2]) if called(node) == "multiply" else None


def factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a chain of elementwise products."""
    pair = elementwise_operands(node)
    return [node] if pair is None else [*factors(pair[0]), *factors(pair[1])]


def product(nodes: list[ast.expr]) -> ast.expr:
    """The elementwise product of expressions."""
    text = " * ".join(f"({ast.unparse(n)})" for n in nodes)
    return parse(text or "1")


def addends(node: ast.expr, sign: int = 1) -> list[tuple[int, ast.expr]]:
    """The terms of a sum with their signs."""
    if is_binary(node, ast.Add, ast.Sub):
        right = sign if isinstance(node.op, ast.Add) else -sign
        return [*addends(node.left, sign), *addends(node.right, right)]
    return [(sign, node)]


def total(terms: list[tuple[int, ast.expr]]) -> ast.expr:
    """The sum of terms with signs."""
    text = " ".join(f"{'+' if s > 0 else '-'} ({ast.unparse(n)})" for s, n in terms)
    return parse(text.removeprefix("+ "))


def is_one_minus(node: ast.AST) -> bool:
    """Whether it is 1 - something, the mark of a derivative of tanh and of a sigmoid."""
    one = is_binary(node, ast.Sub) and isinstance(node.left, ast.Constant)
    return one and node.left.value == 1


def is_mask(node: ast.AST) -> bool:
    """Whether it is a comparison, bare or made numbers of."""
    if called(node) == "astype":
        return is_mask(node.func.value)
    return isinstance(node, ast.Compare)


def derivative_factors(chain: list[ast.expr]) -> list[ast.expr]:
    """Those factors of a product that are the derivative of an activation."""
    found = []
    for node in chain:
        if called(node).endswith("derivative"):
            found.append(node)
        elif is_one_minus(node):
            squared = is_square(node.right)
            found += [node] if squared else [node, *twins(chain, node.right)]
    return found


def is_square(node: ast.AST) -> bool:
    if called(node) == "square" or is_binary(node, ast.Pow):
        return True
    return is_binary(node, ast.Mult) and ast.dump(node.left) == ast.dump(node.right)


def twins(chain: list[ast.expr], wanted: ast.expr) -> list[ast.expr]:
    """The factors that read as another expression does."""
    return [n for n in chain if ast.dump(n) == ast.dump(wanted)][:1]


def chains(tree: ast.expr) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """The longest elementwise products in an expression, with their factors.

    The whole expression is one, also where it has a single factor.
    """

    def walk(node: ast.AST) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
        parts = factors(node) if isinstance(node, ast.expr) else [node]
        if len(parts) > 1 or node is tree:
            yield node, parts
        for part in parts:
            for child in ast.iter_child_nodes(part):
                yield from walk(child)

    yield from walk(tree)


def is_operand(node: ast.AST) -> bool:
    """Whether it is a variable, or an entry of a dict, that is read."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name)
    return isinstance(node, ast.Name)


def operands(tree: ast.expr, value_of: Callable[[ast.expr], object]) -> list[ast.expr]:
    """The arrays that an expression reads, outermost first."""
    found: list[ast.expr] = []

    def walk(node: ast.AST) -> None:
        if is_operand(node) and isinstance(value_of(node), np.ndarray):
            found.append(node)
            return
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(tree)
    return found
