"""Kinds of mistakes, as edits of one statement.

A kind yields, for each place in a statement where it applies, the edits and the causes that may be
named for it.
"""

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np

from derivations.hands.statements import COUNTS, RATES, Edit, Statement, called

Mistake = tuple[tuple[Edit, ...], set[str]]
Kind = Callable[[Statement], Iterator[Mistake]]

KINDS: dict[str, Kind] = {}
EXPLANATIONS: dict[str, Kind] = {}
ADDITIVE = (ast.Add, ast.Sub)
OTHERS_PER_OPERAND = 3


def kind(function: Kind) -> Kind:
    KINDS[function.__name__.replace("_", " ")] = function
    return function


def explanation(function: Kind) -> Kind:
    """A kind that nobody's mistake is, but that may explain one."""
    EXPLANATIONS[function.__name__.replace("_", " ")] = function
    return function


# What a chain of products and sums is made of


def is_binary(node: ast.AST, *operators: type[ast.operator]) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, operators)


def is_product(node: ast.AST) -> bool:
    return is_binary(node, ast.Mult) or called(node) == "multiply"


def pair_of(node: ast.AST) -> tuple[ast.expr, ast.expr]:
    """The operands of a binary operation, also of one that is called."""
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    if of_numpy(node):
        return node.args[0], node.args[1]
    return node.func.value, node.args[0]


def of_numpy(node: ast.Call) -> bool:
    """Whether it is np.f(...), or f(...), and no method."""
    function = node.func
    return not isinstance(function, ast.Attribute) or (
        isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
    )


def is_matrix_product(node: ast.AST) -> bool:
    if called(node) in ("dot", "matmul"):
        return len(node.args) == (2 if of_numpy(node) else 1)
    return is_binary(node, ast.MatMult)


def is_sum(node: ast.AST) -> bool:
    return called(node) in ("sum", "mean")


def summed(node: ast.Call) -> ast.expr:
    return node.args[0] if of_numpy(node) else node.func.value


def is_number(node: ast.AST, *values: float) -> bool:
    return isinstance(node, ast.Constant) and node.value in values


def is_square(node: ast.AST) -> bool:
    """Whether it is x ** 2, x * x, or np.square(x)."""
    if is_binary(node, ast.Pow):
        return is_number(node.right, 2)
    if is_binary(node, ast.Mult):
        return ast.dump(node.left) == ast.dump(node.right)
    return called(node) == "square"


def is_one_minus(node: ast.AST) -> bool:
    return is_binary(node, ast.Sub) and is_number(node.left, 1)


def is_derivative_call(node: ast.AST) -> bool:
    """Whether a helper of the text is called for a derivative."""
    name = called(node).lower()
    if any(k.arg and "deriv" in k.arg for k in getattr(node, "keywords", ())):
        return True
    flagged = isinstance(node, ast.Call) and any(is_number(a, True) for a in node.args[1:])
    marks = ("prime", "deriv", "grad", "d_", "dtanh", "dsigm", "drelu", "backward")
    return flagged or (bool(name) and any(name.startswith(m) or m in name[1:] for m in marks))


def is_mask(statement: Statement, node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return True
    if called(node) in ("astype", "float", "int"):
        return is_mask(statement, node.func.value if called(node) == "astype" else node.args[0])
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        value = statement.value(node)
        name = ast.unparse(node).lower()
        return getattr(value, "dtype", None) == np.dtype(bool) or "mask" in name or "keep" in name
    return False


def factors(node: ast.expr) -> list[ast.expr]:
    if is_product(node):
        left, right = pair_of(node)
        return [*factors(left), *factors(right)]
    return [node]


def chains(statement: Statement) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """The longest elementwise products, and the expressions that are the whole of a value."""
    nodes = statement.arithmetic()
    inner = {p for n in nodes if is_product(n) for p in pair_of(n) if is_product(p)}
    for node in nodes:
        if node not in inner and (is_product(node) or node in statement.values()):
            yield node, factors(node)


def derivatives(chain: list[ast.expr]) -> list[ast.expr]:
    """Those factors that are the derivative of an activation."""
    found = [n for n in chain if is_derivative_call(n)]
    for node in chain:
        if is_one_minus(node):
            found.append(node)
            if not is_square(node.right):
                found += [n for n in chain if ast.dump(n) == ast.dump(node.right)][:1]
    return found


def product(nodes: list[ast.expr]) -> str:
    return " * ".join(bracketed(n) for n in nodes) or "1.0"


def bracketed(node: ast.expr) -> str:
    text = ast.unparse(node)
    loose = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp | ast.BoolOp)
    return f"({text})" if loose else text


def one(statement: Statement, node: ast.expr, text: str, *causes: str) -> Mistake:
    return (statement.edit(node, text),), set(causes)


def in_a_sum(statement: Statement, node: ast.AST) -> bool:
    """Whether it is a term, or part of one, of a sum within the statement or across several."""
    if isinstance(statement.node, ast.AugAssign) and isinstance(statement.node.op, ADDITIVE):
        return True
    while node in statement.parents:
        node = statement.parents[node]
        if is_binary(node, *ADDITIVE):
            return True
    return False


def term(statement: Statement, node: ast.AST) -> tuple[str, ...]:
    return ("term",) if in_a_sum(statement, node) else ()


def scalar(statement: Statement, *nodes: ast.expr) -> tuple[str, ...]:
    """ "factor" where what is changed are single numbers, which are factors of an array."""
    return ("factor",) if nodes and all(statement.shape(n) == () for n in nodes) else ()


def inside(statement: Statement, node: ast.AST, test: Callable[[ast.AST], bool]) -> bool:
    while node in statement.parents:
        node = statement.parents[node]
        if test(node):
            return True
    return False


def where(statement: Statement, node: ast.AST) -> tuple[str, ...]:
    """The causes besides "operand" that an operand may be called by, from where it stands."""
    causes = term(statement, node) + scalar(statement, node)
    if inside(statement, node, lambda n: is_binary(n, ast.Pow) or called(n) == "sqrt"):
        causes += ("activation",)
    if inside(statement, node, lambda n: isinstance(n, ast.Compare)):
        causes += ("mask",)
    for _, chain in chains(statement):
        if any(node in ast.walk(d) for d in derivatives(chain)):
            causes += ("activation",)
    if is_mask(statement, node):
        causes += ("mask", "activation")
    return causes


def numbers(statement: Statement) -> list[str]:
    """What the number of samples may be called."""
    return [n for n in COUNTS if type(statement.value(n)) is int and statement.value(n) > 1]


def is_gradient(statement: Statement, node: ast.expr) -> bool:
    """Whether the value is one of floating point, not an index, a flag or an object."""
    value = statement.value(node)
    if value is None:
        others = r"[A-Z]|forward|predict|loss|print|len|range|zip|list|dict|super|copy"
        unlike = isinstance(node, ast.Constant | ast.Tuple | ast.JoinedStr)
        return not unlike and not re.match(others, called(node))
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"


def gradients(statement: Statement) -> list[ast.expr]:
    """The values that are plausibly gradients: no copies, no names, no buffers of zeros."""
    fresh = ("zeros_like", "zeros", "empty", "empty_like", "copy", "ones_like", "pop", "reversed")
    added = isinstance(statement.node, ast.AugAssign | ast.Expr)
    return [
        n
        for n in statement.values()
        if called(n) not in fresh and (added or not is_operand(n)) and is_gradient(statement, n)
    ]


def is_bare_number(statement: Statement, node: ast.expr) -> bool:
    """Whether it is a number that is not written into an array."""
    return isinstance(node, ast.Constant) and not isinstance(statement.target, ast.Subscript)


@kind
def constant_factor(statement: Statement) -> Iterator[Mistake]:
    """Twice or half of it."""
    if statement.is_update:
        return
    for node in gradients(statement):
        if isinstance(statement.node, ast.Expr) or is_bare_number(statement, node):
            continue
        for factor in ("2", "0.5"):
            yield one(
                statement, node, f"{factor} * {bracketed(node)}", "factor", *term(statement, node)
            )


@kind
def count_once_more(statement: Statement) -> Iterator[Mistake]:
    """Divided by the number of samples where it must not be, or multiplied."""
    if statement.is_update:
        return
    for node in gradients(statement):
        for count in numbers(statement)[:1]:
            for text in (f"{bracketed(node)} / {count}", f"{bracketed(node)} * {count}"):
                yield one(statement, node, text, "factor", *term(statement, node))


@kind
def factor_of_a_part(statement: Statement) -> Iterator[Mistake]:
    """Twice, half, or minus one term of a sum."""
    if statement.is_update:
        return
    nodes = [n for n in statement.arithmetic() if is_binary(n, *ADDITIVE)]
    for node in nodes:
        if statement.is_factor(node) or any(is_number(n, 1) for n in pair_of(node)):
            continue
        for part in pair_of(node):
            if is_binary(part, *ADDITIVE) or not is_gradient(statement, part):
                continue
            counts = [t for n in numbers(statement)[:1] for t in (f"{{}} / {n}", f"{{}} * {n}")]
            for text in ("2 * {}", "0.5 * {}", "-{}", *counts):
                changed = statement.edit(part, text.format(bracketed(part)))
                yield (changed,), {"sign" if text.startswith("-") else "factor", "term"}


@kind
def factor_dropped(statement: Statement) -> Iterator[Mistake]:
    """A count, a 2, a 0.5 or the strength of a penalty left out."""
    for node in statement.arithmetic():
        causes = ("factor", *term(statement, node))
        if is_derivative_of_power(statement, node):
            causes += ("activation", "operand")
        if is_binary(node, ast.Div) and statement.is_factor(node.right):
            if not (statement.is_update and not in_a_sum(statement, node)):
                yield one(statement, node, ast.unparse(node.left), *causes)
        if is_binary(node, ast.Mult):
            for kept, gone in ((node.left, node.right), (node.right, node.left)):
                plain = statement.is_factor(gone) and not statement.is_factor(kept)
                if plain and not (statement.is_update and rate_like(gone)):
                    yield one(statement, node, ast.unparse(kept), *causes)
    step = statement.node
    if isinstance(step, ast.AugAssign) and isinstance(step.op, ast.Div | ast.Mult):
        if statement.is_factor(step.value):
            yield removed(statement), {"factor"}


def rate_like(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.Name | ast.Attribute)


def is_derivative_of_power(statement: Statement, node: ast.expr) -> bool:
    return any(is_binary(n, ast.Pow) for n in ast.walk(node))


def removed(statement: Statement) -> tuple[Edit, ...]:
    """The statement left out."""
    begin, end = statement.span(statement.node)
    return (Edit(begin, end, "pass" + "\n" * (statement.node.end_lineno - statement.line)),)


@kind
def sign_flipped(statement: Statement) -> Iterator[Mistake]:
    """Minus the gradient."""
    for node in gradients(statement):
        if is_bare_number(statement, node):
            continue
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield one(statement, node, ast.unparse(node.operand), "sign", *term(statement, node))
        else:
            yield one(statement, node, f"-{bracketed(node)}", "sign", *term(statement, node))


@kind
def sign_of_a_term(statement: Statement) -> Iterator[Mistake]:
    """Plus for minus, or minus for plus, in a sum; a sign left out within a product."""
    for node in statement.arithmetic():
        if is_binary(node, *ADDITIVE) and not statement.is_factor(node):
            other = "-" if isinstance(node.op, ast.Add) else "+"
            causes = ["sign", "term"]
            if is_number(node.left, 1):
                causes.append("activation")
            if inside(statement, node, lambda n: isinstance(n, ast.Compare)):
                causes.append("mask")
            text = f"{ast.unparse(node.left)} {other} {bracketed(node.right)}"
            yield one(statement, node, text, *causes)
        unary = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        if unary and node not in statement.values() and not isinstance(node.operand, ast.Constant):
            yield one(statement, node, ast.unparse(node.operand), "sign", "term")
    step = statement.node
    if isinstance(step, ast.AugAssign) and isinstance(step.op, ADDITIVE):
        other = "-" if isinstance(step.op, ast.Add) else "+"
        yield operator_edit(statement, f"{other}="), {"sign", "term"}


def operator_edit(statement: Statement, operator: str) -> tuple[Edit, ...]:
    """Another operator of an augmented assignment."""
    begin, end = statement.span(statement.node.target)[1], statement.span(statement.node.value)[0]
    between = statement.hand.source[begin:end]
    return (Edit(begin, end, re.sub(r"\S+=|=", operator, between, count=1)),)


@kind
def transposed_result(statement: Statement) -> Iterator[Mistake]:
    """The transpose of a product of matrices."""
    for node in statement.values():
        shape = statement.shape(node)
        if shape is None or len(shape) != 2 or min(shape) < 2 or not is_matrix_product(node):
            continue
        left, right = pair_of(node)
        text = f"{flipped(right)} @ {flipped(left)}"
        causes = ("transpose",) if shape[0] == shape[1] else ("transpose", "shape")
        yield one(statement, node, text, *causes)


def flipped(node: ast.expr) -> str:
    """x for x.T, and x.T for x."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return bracketed(node.value)
    return f"{bracketed(node)}.T"


@kind
def transposed_operand(statement: Statement) -> Iterator[Mistake]:
    """W for W.T, or W.T for W, in a product; it often raises."""
    for node in statement.arithmetic():
        if is_matrix_product(node):
            for operand in pair_of(node):
                shape = statement.shape(operand)
                if shape is None or len(shape) == 2:
                    text = flipped(operand)
                    causes = {"transpose", "operand"}
                    if shape is None or shape[0] != shape[1]:
                        causes.add("shape")
                    yield (statement.edit(operand, text),), causes
        if called(node) == "outer":
            first, second = node.args[:2]
            text = f"np.outer({ast.unparse(second)}, {ast.unparse(first)})"
            yield one(statement, node, text, "transpose", "shape", "operand")
        if called(node) == "einsum" and isinstance(node.args[0], ast.Constant):
            yield from other_einsum(statement, node)
        if called(node) == "transpose" and not of_numpy(node) and node.args:
            yield one(statement, node, ast.unparse(node.func.value), "transpose", "shape")


def other_einsum(statement: Statement, node: ast.Call) -> Iterator[Mistake]:
    """Two indices of an einsum swapped, in the result or in an operand."""
    signature = node.args[0]
    parts = re.split(r"(,|->)", signature.value)
    for place in range(0, len(parts), 2):
        letters = parts[place]
        if len(letters) < 2:
            continue
        swapped = letters[:-2] + letters[-1] + letters[-2]
        text = repr("".join([*parts[:place], swapped, *parts[place + 1 :]]))
        yield (statement.edit(signature, text),), {"transpose", "shape", "index", "operand"}


@kind
def sum_left_out(statement: Statement) -> Iterator[Mistake]:
    """A sum over the samples, or within a term, left out."""
    for node in statement.arithmetic():
        if is_sum(node):
            causes = {"unsummed", "shape", *term(statement, node)}
            if is_product(summed(node)):
                causes.add("elementwise")
            yield (statement.edit(node, ast.unparse(summed(node))),), causes


@kind
def keepdims_left_out(statement: Statement) -> Iterator[Mistake]:
    """A sum that loses an axis."""
    for node in statement.arithmetic():
        if is_sum(node) and any(k.arg == "keepdims" for k in node.keywords):
            kept = [k for k in node.keywords if k.arg != "keepdims"]
            text = ast.unparse(ast.Call(node.func, node.args, kept))
            yield one(statement, node, text, "shape", "unsummed", *term(statement, node))


@kind
def other_axis(statement: Statement) -> Iterator[Mistake]:
    """A sum over another axis, over all, or over one less."""
    for node in statement.arithmetic():
        if not is_sum(node):
            continue
        positional = node.args[1:] if of_numpy(node) else node.args
        axes = [k.value for k in node.keywords if k.arg == "axis"] + list(positional[:1])
        causes = {"unsummed", "shape", *term(statement, node)}
        for axis in axes:
            try:
                known = ast.literal_eval(axis)
            except ValueError:
                continue
            ndim = len(statement.shape(summed(node)) or (0, 0))
            if isinstance(known, tuple):
                others = [known[:-1], known[1:]]
            else:
                others = [a for a in range(ndim) if a != known % ndim][:2]
            for other in others:
                yield (statement.edit(axis, repr(other)),), causes
            kept = [k for k in node.keywords if k.arg != "axis"]
            arguments = node.args[:1] if of_numpy(node) else []
            text = ast.unparse(ast.Call(node.func, arguments, kept))
            yield (statement.edit(node, text),), causes


@kind
def mean_for_sum(statement: Statement) -> Iterator[Mistake]:
    """A mean for a sum, or the other way round."""
    other = {"sum": "mean", "mean": "sum"}
    for node in statement.arithmetic():
        if is_sum(node) and isinstance(node.func, ast.Attribute):
            function = ast.Attribute(node.func.value, other[node.func.attr], ast.Load())
            text = ast.unparse(ast.Call(function, node.args, node.keywords))
            yield one(statement, node, text, "factor", *term(statement, node))


@kind
def accumulation_overwritten(statement: Statement) -> Iterator[Mistake]:
    """`=` for `+=`."""
    step = statement.node
    if statement.is_update:
        return
    if isinstance(step, ast.AugAssign) and isinstance(step.op, ast.Add):
        yield operator_edit(statement, "="), {"accumulate", "term", "index"}


@kind
def accumulated_again(statement: Statement) -> Iterator[Mistake]:
    """`+=` for `=`, where something is there already."""
    step = statement.node
    if isinstance(step, ast.Assign) and len(step.targets) == 1 and gradients(statement):
        target = statement.target
        if not isinstance(target, ast.Tuple | ast.List) and statement.value(target) is not None:
            begin, end = statement.span(target)[1], statement.span(step.value)[0]
            between = statement.hand.source[begin:end].replace("=", "+=", 1)
            causes = {"accumulate", "term"}
            if any(ast.unparse(n) == ast.unparse(target) for n in ast.walk(step.value)):
                causes |= {"mask", "activation", "operand"}
            yield (Edit(begin, end, between),), causes


@kind
def statement_left_out(statement: Statement) -> Iterator[Mistake]:
    """A term, a mask, or a seed that is not applied."""
    step = statement.node
    if statement.is_update:
        return
    if isinstance(step, ast.AugAssign) and not statement.is_factor(step.value):
        if isinstance(step.op, ADDITIVE):
            yield removed(statement), {"accumulate", "term"}
        else:
            causes = {"mask", "activation", "operand", "factor"}
            yield removed(statement), causes
    if isinstance(step, ast.AugAssign) and is_number(step.value, 1):
        yield removed(statement), {"accumulate", "term", "operand"}
    target = statement.target
    if isinstance(step, ast.Assign) and isinstance(target, ast.Subscript):
        if is_number(step.value, 0) and any(
            isinstance(n, ast.Compare) or is_mask(statement, n) for n in ast.walk(target.slice)
        ):
            yield removed(statement), {"mask", "activation"}


@kind
def repeated_indices(statement: Statement) -> Iterator[Mistake]:
    """`+=` for np.add.at."""
    call = getattr(statement.node, "value", None)
    if isinstance(statement.node, ast.Expr) and called(call) == "at":
        array, index, values = (ast.unparse(a) for a in call.args)
        begin, end = statement.span(statement.node)
        for operator in ("+=", "="):
            text = f"{array}[{index}] {operator} {values}"
            yield (Edit(begin, end, text),), {"accumulate", "index", "term"}


@kind
def mask_missing(statement: Statement) -> Iterator[Mistake]:
    """The mask left out of a product."""
    for node, chain in chains(statement):
        masks = [n for n in chain if is_mask(statement, n)]
        rest = [n for n in chain if n not in masks]
        if masks and rest:
            yield one(statement, node, product(rest), "mask", "activation")
    for node in statement.arithmetic():
        if called(node) == "where" and len(node.args) == 3:
            yield one(statement, node, ast.unparse(node.args[1]), "mask", "activation")


@kind
def mask_inverted(statement: Statement) -> Iterator[Mistake]:
    """The mask of the other elements."""
    opposite = {ast.Gt: "<=", ast.GtE: "<", ast.Lt: ">=", ast.LtE: ">", ast.Eq: "!="}
    for node in ast.walk(statement.node):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in opposite:
            sign = opposite[type(node.ops[0])]
            text = f"{ast.unparse(node.left)} {sign} {ast.unparse(node.comparators[0])}"
            yield (comparison_edit(statement, node, text),), {"mask", "activation"}


def comparison_edit(statement: Statement, node: ast.Compare, text: str) -> Edit:
    begin, end = statement.span(node)
    return Edit(begin, end, text)


@kind
def mask_of_another(statement: Statement) -> Iterator[Mistake]:
    """The mask of another array of the same shape."""
    for node in ast.walk(statement.node):
        if not isinstance(node, ast.Compare) or not is_operand(node.left):
            continue
        if statement.is_array(node.left):
            for other in others(statement, node.left):
                edit = comparison_edit(statement, node.left, other)
                yield (edit,), {"mask", "operand", "index", "activation"}


@kind
def activation_missing(statement: Statement) -> Iterator[Mistake]:
    """The derivative of an activation left out, or half of it."""
    for node, chain in chains(statement):
        found = derivatives(chain)
        rest = [n for n in chain if n not in found]
        if found and rest:
            yield one(statement, node, product(rest), "activation", *scalar(statement, *found))
        for gone in found if len(found) > 1 else ():
            rest = [n for n in chain if n is not gone]
            yield one(statement, node, product(rest), "activation", *scalar(statement, gone))
    for node in statement.arithmetic():
        flags = [k for k in getattr(node, "keywords", ()) if k.arg and "deriv" in k.arg]
        if flags:
            kept = [k for k in node.keywords if k not in flags]
            yield one(
                statement, node, ast.unparse(ast.Call(node.func, node.args, kept)), "activation"
            )


@kind
def activation_once_too_often(statement: Statement) -> Iterator[Mistake]:
    """A derivative applied twice."""
    for node, chain in chains(statement):
        found = derivatives(chain)
        if found and len(chain) > len(found):
            causes = ("activation", "operand", *scalar(statement, *found))
            yield one(statement, node, product([*chain, *found]), *causes)


@kind
def softmax_taken_for_elementwise(statement: Statement) -> Iterator[Mistake]:
    """The derivative of a sigmoid applied to the difference of predictions and targets."""
    for node in statement.arithmetic():
        if not is_binary(node, ast.Sub) or not is_operand(node.left) or not is_operand(node.right):
            continue
        value, other = statement.value(node.left), statement.value(node.right)
        if not all(isinstance(v, np.ndarray) for v in (value, other)) or not value.size:
            continue
        if (
            value.shape == other.shape
            and value.dtype.kind == "f"
            and value.min() > 0
            and value.max() < 1
        ):
            text = ast.unparse(node.left)
            causes = ("activation", "elementwise", "operand")
            yield one(statement, node, f"({ast.unparse(node)}) * {text} * (1 - {text})", *causes)


@kind
def activation_of_another_kind(statement: Statement) -> Iterator[Mistake]:
    """`1 - a` for `1 - a ** 2`, the derivative of a sigmoid for that of tanh, and back."""
    for node in statement.arithmetic():
        if not is_one_minus(node):
            continue
        if is_square(node.right):
            inner = node.right
            base = inner.args[0] if called(inner) == "square" else inner.left
            if is_operand(base) or isinstance(base, ast.Call):
                text = ast.unparse(base)
                yield one(statement, node, f"1 - {text}", "activation")
                yield one(statement, node, f"{text} * (1 - {text})", "activation")
        elif is_operand(node.right):
            yield one(statement, node, f"1 - {ast.unparse(node.right)} ** 2", "activation")
    for node in statement.arithmetic():
        if isinstance(node, ast.Call) and is_derivative_call(node):
            for other in other_helpers(statement, node):
                yield (statement.edit(node.func, other),), {"activation"}


def other_helpers(statement: Statement, node: ast.Call) -> list[str]:
    """Other functions of the text that may stand for a helper, such as the activation itself."""
    if not isinstance(node.func, ast.Name):
        return []
    own = statement.module.get(node.func.id)
    if own is None or not hasattr(own, "__code__"):
        return []
    count = own.__code__.co_argcount
    return [
        name
        for name, value in statement.module.items()
        if name != node.func.id
        and getattr(value, "__code__", None)
        and value.__code__.co_argcount == count == 1
        and not name.startswith("softmax")
    ][:2]


@kind
def other_power(statement: Statement) -> Iterator[Mistake]:
    """A power left out, or another root."""
    for node in statement.arithmetic():
        causes = ("activation", "factor", "operand", *term(statement, node))
        if is_binary(node, ast.Pow):
            yield one(statement, node, ast.unparse(node.left), *causes)
            if is_number(node.right, 3, 1.5):
                text = f"{bracketed(node.left)} ** {node.right.value - 1}"
                yield one(statement, node, text, *causes)
        if called(node) == "sqrt":
            yield one(statement, node, ast.unparse(node.args[0]), *causes)


@kind
def term_left_out(statement: Statement) -> Iterator[Mistake]:
    """`p` for `p - y`, also inside a product, and `- y`."""
    for node in statement.arithmetic():
        if not is_binary(node, *ADDITIVE) or statement.is_factor(node):
            continue
        causes = ["term", "operand"] if is_operand(node.left) else ["term"]
        causes += scalar(statement, node)
        if statement.target is not None and ast.unparse(statement.target) in (
            ast.unparse(node.left),
            ast.unparse(node.right),
        ):
            causes += ["accumulate", "operand"]
        if inside(statement, node, lambda n: isinstance(n, ast.Compare)):
            causes.append("mask")
        if any(is_number(n, 1) for n in (node.left, node.right)):
            causes.append("activation")
        left = ast.unparse(node.left)
        right = bracketed(node.right)
        yield one(statement, node, left, *causes)
        yield one(statement, node, right if isinstance(node.op, ast.Add) else f"-{right}", *causes)


@kind
def factor_of_arrays_left_out(statement: Statement) -> Iterator[Mistake]:
    """One array of an elementwise product left out."""
    causes = {"operand", "activation", "factor", "term", "elementwise", "mask", "shape"}
    for node, chain in chains(statement):
        found = derivatives(chain)
        for gone in chain if len(chain) > 1 else ():
            if gone in found or is_mask(statement, gone) or statement.is_factor(gone):
                continue
            if statement.is_update and ast.unparse(gone).split(".")[-1] in RATES:
                continue
            rest = [n for n in chain if n is not gone]
            if any(not statement.is_factor(n) for n in rest):
                yield (statement.edit(node, product(rest)),), causes


@kind
def divisor_left_out(statement: Statement) -> Iterator[Mistake]:
    """A division by an array left out, such as by a standard deviation."""
    for node in statement.arithmetic():
        if is_binary(node, ast.Div) and not statement.is_factor(node.right):
            causes = ("operand", "activation", "factor", *term(statement, node))
            yield one(statement, node, ast.unparse(node.left), *causes)


@kind
def product_of_another_kind(statement: Statement) -> Iterator[Mistake]:
    """`*` for `@`, and `@` for `*`, where the shapes allow it."""
    for node in statement.arithmetic():
        if is_matrix_product(node):
            left, right = pair_of(node)
            for one_side, other_side in (
                (bracketed(left), bracketed(right)),
                (bracketed(left), flipped(right)),
                (flipped(left), bracketed(right)),
            ):
                text = f"{one_side} * {other_side}"
                shape = statement.shape(text)
                if shape is not None and statement.shape(left) != ():
                    same = shape == statement.shape(node)
                    causes = ("elementwise",) if same else ("elementwise", "shape", "unsummed")
                    yield one(statement, node, text, *causes)
        if is_product(node):
            left, right = pair_of(node)
            text = f"{bracketed(left)} @ {bracketed(right)}"
            shapes = statement.shape(left), statement.shape(right)
            if all(s is not None and len(s) == 2 for s in shapes):
                if statement.shape(text) is not None:
                    yield one(statement, node, text, "elementwise", "shape")


def is_operand(node: ast.AST) -> bool:
    """Whether it is a variable, an attribute or an entry that is read."""
    if isinstance(node, ast.Subscript):
        return is_operand(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr not in ("T", "shape") and isinstance(node.value, ast.Name)
    return isinstance(node, ast.Name)


def operands(statement: Statement) -> list[ast.expr]:
    """The arrays that a statement computes with."""
    nodes = [n for n in statement.arithmetic() if is_operand(n) and statement.is_array(n)]
    inner = {c for n in nodes for c in ast.walk(n) if c is not n}
    found = [n for n in nodes if n not in inner]
    receivers = {n.func for n in statement.arithmetic() if isinstance(n, ast.Call)}
    return [n for n in found if n not in receivers]


def others(statement: Statement, node: ast.expr, limit: int = OTHERS_PER_OPERAND) -> list[str]:
    """Other values in scope of the same shape, those with a similar name first."""
    shape, own = statement.shape(node), ast.unparse(node)
    value = statement.value(node)
    found: list[str] = []
    assigned = ast.unparse(statement.target) if statement.target is not None else ""
    for text in in_scope(statement):
        other = statement.value(text)
        if text in (own, assigned) or not isinstance(other, np.ndarray | np.floating):
            continue
        if other.shape != shape or other.dtype != value.dtype:
            continue
        if not np.array_equal(other, value) and np.any(other):
            found.append(text)
    return sorted(found, key=lambda t: (-likeness(own, t), t))[:limit]


def likeness(one: str, other: str) -> int:
    """How many characters two names share in front and at the end."""
    front = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 3)
    back = next(
        (i for i, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), 3
    )
    return front + back


def in_scope(statement: Statement) -> Iterator[str]:
    """The arrays that can be read: variables, attributes, entries of dicts and of lists."""
    for name, value in statement.scope.items():
        yield from readable(name, value)


def readable(name: str, value: object, depth: int = 2) -> Iterator[str]:
    if isinstance(value, np.ndarray | np.floating):
        yield name
    elif not depth:
        return
    elif isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(key, str):
                yield from readable(f"{name}[{key!r}]", entry, depth - 1)
    elif (
        isinstance(value, SimpleNamespace) or isinstance(value, tuple) and hasattr(value, "_asdict")
    ):
        entries = value._asdict() if isinstance(value, tuple) else vars(value)
        for attribute, entry in entries.items():
            yield from readable(f"{name}.{attribute}", entry, depth)


@kind
def other_operand(statement: Statement) -> Iterator[Mistake]:
    """Another value of the same shape; before for after an activation, another layer's."""
    for operand in operands(statement):
        if inside(statement, operand, lambda n: isinstance(n, ast.Compare)):
            continue
        for other in others(statement, operand):
            causes = ("operand", "index", *where(statement, operand))
            if rise_together(statement.value(operand), statement.value(other)):
                causes += ("activation",)
            yield one(statement, operand, other, *causes)


def rise_together(one_value: np.ndarray, other: np.ndarray) -> bool:
    """Whether one array may be an activation of the other, which rises with it."""
    rows = np.atleast_2d(one_value), np.atleast_2d(other)
    order = np.argsort(rows[0], axis=-1)
    rising = np.diff(np.take_along_axis(rows[1], order, axis=-1)) >= 0
    return rising.size > 3 and bool(np.all(rising))


@kind
def other_derivative(statement: Statement) -> Iterator[Mistake]:
    """The whole derivative of an activation taken at another value of the same shape."""
    for _, chain in chains(statement):
        found = derivatives(chain)
        nodes = [n for d in found for n in operands(statement) if n in ast.walk(d)]
        if len(nodes) > 1 and len({ast.unparse(n) for n in nodes}) == 1:
            for other in others(statement, nodes[0]):
                edits = tuple(statement.edit(n, other) for n in nodes)
                yield edits, {"activation", "operand", "index"}


@kind
def neighbouring_layer(statement: Statement) -> Iterator[Mistake]:
    """The operand of the layer before or after, whatever its shape."""
    for node in statement.arithmetic():
        if is_operand(node) and not isinstance(statement.parents.get(node), ast.Subscript):
            text = ast.unparse(node)
            for step in (1, -1):
                other = renumbered(text, step)
                if other and statement.is_array(other):
                    causes = {"index", "operand", *where(statement, node)}
                    if statement.shape(other) != statement.shape(node):
                        causes |= {"transpose", "shape"}
                    yield (statement.edit(node, other),), causes


def renumbered(text: str, step: int) -> str | None:
    """The name with its last digit one higher or lower."""
    found = list(re.finditer(r"\d", text))
    if not found or "[" in text and not re.search(r"\[['\"]", text):
        return None
    last = found[-1]
    number = int(last.group()) + step
    return f"{text[: last.start()]}{number}{text[last.end() :]}" if number >= 0 else None


@kind
def other_index(statement: Statement) -> Iterator[Mistake]:
    """An index one too high or too low, or two indices swapped."""
    nodes = [n for n in ast.walk(statement.node) if isinstance(n, ast.Subscript)]
    for node in nodes:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            continue
        causes = {"index", "operand", "term", *scalar(statement, node)}
        index = node.slice
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        for part in parts:
            for other in shifted(statement, part):
                yield (statement.edit(part, other),), causes
        plain = [p for p in parts if isinstance(p, ast.Name) and is_integer(statement, p)]
        for first, second in itertools.pairwise(plain):
            edits = (
                statement.edit(first, ast.unparse(second)),
                statement.edit(second, ast.unparse(first)),
            )
            yield edits, causes | {"transpose"}


def is_integer(statement: Statement, node: ast.expr) -> bool:
    value = statement.value(node)
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def shifted(statement: Statement, node: ast.expr) -> list[str]:
    """Indices beside an index."""
    if is_binary(node, *ADDITIVE) and is_number(node.right, 1):
        return [ast.unparse(node.left)]
    names = isinstance(node, ast.Name) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Name)
    )
    if names and is_integer(statement, node):
        text = ast.unparse(node)
        return [f"{text} - 1", f"{text} + 1"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return [f"-{node.operand.value + 1}"]
    return []


@kind
def neighbouring_slice(statement: Statement) -> Iterator[Mistake]:
    """A slice for another one of the same array, or with another stride."""
    sliced = [n for n in ast.walk(statement.node) if has_slice(n)]
    known = [n for other in statement.siblings for n in ast.walk(other.node) if has_slice(n)]
    for node in sliced:
        own, base = ast.unparse(node), ast.unparse(node.value)
        wanted: list[str] = []
        for other in known:
            text = ast.unparse(other)
            same = ast.unparse(other.value) == base and text != own and text not in wanted
            if same and statement.shape(text) == statement.shape(own) is not None:
                wanted.append(text)
        for text in wanted[:2]:
            yield (statement.edit(node, text),), {"index", "operand", "term"}
        for part in ast.walk(node.slice):
            if is_binary(part, ast.Mult) and all(
                isinstance(n, ast.Name | ast.Attribute) for n in pair_of(part)
            ):
                yield (statement.edit(part, ast.unparse(part.left)),), {"index", "shape"}


def has_slice(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and any(
        isinstance(n, ast.Slice) and (n.lower or n.upper) for n in ast.walk(node.slice)
    )


@explanation
def factor_of_what_is_read(statement: Statement) -> Iterator[Mistake]:
    """Twice, half, or minus an array that is given another name."""
    step = statement.node
    if not isinstance(step, ast.Assign) or not isinstance(statement.target, ast.Name):
        return
    if isinstance(step.value, ast.Subscript | ast.Attribute) and is_gradient(statement, step.value):
        counts = [t for n in numbers(statement)[:1] for t in (f"{{}} / {n}", f"{{}} * {n}")]
        for text in ("2 * {}", "0.5 * {}", "-{}", *counts):
            edit = statement.edit(step.value, text.format(ast.unparse(step.value)))
            yield (edit,), {"sign" if text.startswith("-") else "factor"}
