"""The kinds of mistakes: each takes a line, and yields what it could have been by mistake.

A mistake is the wrong value of the line, or a whole edit, with the causes that a reader of the line
may name for it.
"""

import ast
import re
from collections.abc import Callable, Iterator

import numpy as np

from derivations import trees
from derivations.lines import HELPERS, Edit, Line
from derivations.trees import parse, replaced

Mistake = tuple[ast.expr | Edit, set[str]]
Kind = Callable[[Line], Iterator[Mistake]]

KINDS: dict[str, Kind] = {}
OPPOSITE = {ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE, ast.LtE: ast.Gt}


def kind(function: Kind) -> Kind:
    """Register a kind of mistake under its name."""
    KINDS[function.__name__.replace("_", " ")] = function
    return function


@kind
def constant_factor(line: Line) -> Iterator[Mistake]:
    """Twice, half, N times or one N-th of the gradient."""
    if line.is_masking:
        return
    count = sample_count(line)
    text = ast.unparse(line.value)
    for pattern in ("2 * ({})", "0.5 * ({})", f"({{}}) * {count}", f"({{}}) / {count}"):
        yield parse(pattern.format(text)), {"factor"}


@kind
def factor_dropped(line: Line) -> Iterator[Mistake]:
    """A division by N, a 2 or another number left out."""
    for node in trees.expressions(line.value):
        if trees.is_binary(node, ast.Div) and is_number(line, node.right):
            yield replaced(line.value, {node: node.left}), factor_causes(line, node)
        if trees.is_binary(node, ast.Mult) and is_number(line, node.left):
            yield replaced(line.value, {node: node.right}), factor_causes(line, node)


@kind
def sign_flipped(line: Line) -> Iterator[Mistake]:
    """Minus the gradient."""
    if not line.is_masking:
        yield parse(f"-({ast.unparse(line.value)})"), {"sign"}


@kind
def sign_of_a_term(line: Line) -> Iterator[Mistake]:
    """Plus for minus, or minus for plus, in a sum."""
    for node in sums(line):
        terms = trees.addends(node)
        for i, (sign, term) in enumerate(terms[1:], 1):
            flipped = [*terms[:i], (-sign, term), *terms[i + 1 :]]
            yield replaced(line.value, {node: trees.total(flipped)}), {"sign", "term"}


@kind
def transposed_result(line: Line) -> Iterator[Mistake]:
    """The transpose of the gradient, in parentheses; of another shape unless it is square."""
    shape = line.result().shape
    if len(shape) == 2 and min(shape) > 1 and not line.is_masking:
        causes = {"transpose"} if shape[0] == shape[1] else {"transpose", "shape"}
        yield parse(f"({ast.unparse(line.value)}).T"), causes


@kind
def transposed_operand(line: Line) -> Iterator[Mistake]:
    """W for W.T, or W.T for W, in a product of square matrices."""
    for node in trees.expressions(line.value):
        for operand in trees.product_operands(node) or ():
            if is_square(line.at(operand)):
                other = untransposed(operand)
                yield replaced(line.value, {operand: other}), {"transpose", "operand"}


@kind
def unsummed(line: Line) -> Iterator[Mistake]:
    """The sum over the samples left out.

    Not where `+=` follows, which would write into the gradient that is not summed.
    """
    if line.is_one_of_many:
        return
    for node in trees.expressions(line.value):
        if trees.called(node) in ("sum", "mean") and is_outer(line, node):
            yield replaced(line.value, {node: summed_operand(node)}), {"unsummed"}


@kind
def keepdims_left_out(line: Line) -> Iterator[Mistake]:
    """A sum that loses an axis."""
    for node in trees.expressions(line.value):
        if trees.called(node) in ("sum", "mean") and is_outer(line, node):
            kept = [k for k in node.keywords if k.arg != "keepdims"]
            if kept != node.keywords:
                wrong = ast.Call(node.func, node.args, kept)
                yield replaced(line.value, {node: wrong}), {"shape"}


@kind
def sum_over_another_axis(line: Line) -> Iterator[Mistake]:
    """A sum over the entries of each sample."""
    for node in trees.expressions(line.value):
        if trees.called(node) in ("sum", "mean") and is_outer(line, node):
            axis = next(k.value for k in node.keywords if k.arg == "axis")
            other = ast.Constant(1 - axis.value)
            yield replaced(line.value, {axis: other}), {"shape", "unsummed"}


@kind
def mean_for_sum(line: Line) -> Iterator[Mistake]:
    """np.mean for np.sum, or the other way round."""
    other = {"sum": "mean", "mean": "sum"}
    for node in trees.expressions(line.value):
        if trees.called(node) in other:
            function = ast.Attribute(node.func.value, other[node.func.attr], ast.Load())
            causes = {"factor"} if is_outer(line, node) else {"factor", "term"}
            yield replaced(line.value, {node.func: function}), causes


@kind
def mask_missing(line: Line) -> Iterator[Mistake]:
    """The derivative of ReLU left out."""
    if line.is_masking:
        yield masking_edit(line, None), {"mask", "activation"}
    for node, chain in trees.chains(line.value):
        masks = [n for n in chain if trees.is_mask(n)]
        if masks:
            rest = trees.product([n for n in chain if n not in masks])
            yield replaced(line.value, {node: rest}), {"mask", "activation"}
    for node in trees.expressions(line.value):
        if trees.called(node) == "where":
            yield replaced(line.value, {node: node.args[1]}), {"mask", "activation"}


@kind
def mask_inverted(line: Line) -> Iterator[Mistake]:
    """The mask of the other elements."""
    for node in comparisons(line):
        yield remasked(line, node, inverted(node)), {"mask"}


@kind
def mask_of_another_layer(line: Line) -> Iterator[Mistake]:
    """The mask of a tensor of the same shape."""
    for node in comparisons(line):
        for other in others_of_shape(line, node.left, limit=2):
            wrong = replaced(node, {node.left: other})
            yield remasked(line, node, wrong), {"mask", "operand", "index"}


@kind
def activation_missing(line: Line) -> Iterator[Mistake]:
    """The derivative of tanh or of a sigmoid left out."""
    for node, chain in numerators(line):
        found = trees.derivative_factors(chain)
        if found:
            rest = trees.product([n for n in chain if n not in found])
            yield replaced(line.value, {node: rest}), {"activation"}


@kind
def activation_of_another_kind(line: Line) -> Iterator[Mistake]:
    """The derivative of a sigmoid where it is tanh, and the other way round."""
    for node, chain in numerators(line):
        found = trees.derivative_factors(chain)
        marks = [n for n in found if trees.is_one_minus(n)]
        if marks:
            rest = [n for n in chain if n not in found]
            wrong = parse(other_derivative(marks[0]))
            yield replaced(line.value, {node: trees.product([*rest, wrong])}), {"activation"}


@kind
def derivative_at_another_place(line: Line) -> Iterator[Mistake]:
    """The derivative taken at the activation instead of before it, and the other way round."""
    for _, chain in numerators(line):
        found = trees.derivative_factors(chain)
        inside = [o for n in found for o in trees.operands(n, line.at)]
        for other in counterparts(line, inside[0]) if inside else ():
            wrong = replaced(line.value, dict.fromkeys(inside, other))
            yield wrong, {"activation", "operand"}


@kind
def other_operand(line: Line) -> Iterator[Mistake]:
    """Another tensor of the same shape, of this layer or of one beside it."""
    masks = {o for n in comparisons(line) for o in ast.walk(n)}
    for operand in () if line.is_masking else trees.operands(line.value, line.at):
        if operand in masks:
            continue
        for other in others_of_shape(line, operand, limit=2):
            wrong = replaced(line.value, {operand: other})
            yield wrong, operand_causes(line, operand)


@kind
def other_factor_in_derivative(line: Line) -> Iterator[Mistake]:
    """The whole derivative of the activation taken at another tensor of the same shape."""
    for _, chain in numerators(line):
        found = trees.derivative_factors(chain)
        inside = [o for n in found for o in trees.operands(n, line.at)]
        for other in others_of_shape(line, inside[0], limit=2) if inside else ():
            wrong = replaced(line.value, dict.fromkeys(inside, other))
            yield wrong, {"activation", "operand"}


@kind
def elementwise_for_matrix_product(line: Line) -> Iterator[Mistake]:
    """`*` for `@`, and np.multiply for np.dot."""
    for node in trees.expressions(line.value):
        pair = trees.product_operands(node)
        if pair is None:
            continue
        for left, right in (
            pair,
            (pair[0], untransposed(pair[1])),
            (untransposed(pair[0]), pair[1]),
        ):
            wrong = replaced(line.value, {node: elementwise(node, left, right)})
            shape = np.shape(line.at(wrong))
            causes = {"elementwise"} if shape == line.result().shape else {"elementwise", "shape"}
            if line.at(wrong) is not None:
                yield wrong, causes


@kind
def matrix_for_elementwise_product(line: Line) -> Iterator[Mistake]:
    """`@` for `*`, where the shapes allow it."""
    for node in trees.expressions(line.value):
        pair = trees.elementwise_operands(node)
        if pair and all(is_square(line.at(n)) for n in pair):
            wrong = ast.BinOp(pair[0], ast.MatMult(), pair[1])
            yield replaced(line.value, {node: wrong}), {"elementwise"}


@kind
def extra_term(line: Line) -> Iterator[Mistake]:
    """A term too many, such as a penalty on the weights that the cost lacks."""
    own = parse(line.first_name[1:])
    shape = line.result().shape
    choices = [own] if np.shape(line.at(own)) == shape else []
    choices += of_shape(line, shape)
    for other in () if line.is_helper or line.is_masking else choices[:1]:
        text = f"{ast.unparse(line.value)} + 0.3 * {ast.unparse(other)}"
        yield parse(text), {"term"}


@kind
def missing_term(line: Line) -> Iterator[Mistake]:
    """One term of a sum left out."""
    for node in sums(line):
        terms = trees.addends(node)
        for i in range(len(terms)):
            rest = trees.total([*terms[:i], *terms[i + 1 :]])
            yield replaced(line.value, {node: rest}), {"term"}


@kind
def accumulation_overwritten(line: Line) -> Iterator[Mistake]:
    """`=` where `+=` belongs."""
    if line.is_sum:
        target, text = ast.unparse(line.statement.target), ast.unparse(line.value)
        recorded = f"__record__({line.name_source}, {target} + ({text}), ({text}))"
        wrong = line.statement_edit(f"{target} = {text}", f"{target} = {recorded}")
        yield wrong, {"accumulate", "term"}


@kind
def accumulation_left_out(line: Line) -> Iterator[Mistake]:
    """A line with `+=` left out."""
    if line.is_sum:
        target, text = ast.unparse(line.statement.target), ast.unparse(line.value)
        recorded = f"__record__({line.name_source}, {target} + ({text}), {target})"
        yield line.statement_edit("pass", recorded), {"accumulate", "term"}


@kind
def index_off_by_one(line: Line) -> Iterator[Mistake]:
    """One index of a layer too high or too low."""
    for operand in trees.operands(line.value, line.at):
        for step in (1, -1):
            other = shifted(operand, step)
            if other is not None and line.at(other) is not None:
                yield replaced(line.value, {operand: other}), index_causes(line, operand, other)


@kind
def value_of_the_neighbour(line: Line) -> Iterator[Mistake]:
    """What the same line computes in the next layer or the one before."""
    for step in (1, -1):
        inside = trees.operands(line.value, line.at)
        changes = {o: shifted(o, step) for o in inside}
        if inside and all(changes.values()):
            wrong = replaced(line.value, changes)
            if line.at(wrong) is not None:
                causes = {"index", "operand"}
                same = np.shape(line.at(wrong)) == line.result().shape
                yield wrong, causes if same else causes | {"shape"}


def sample_count(line: Line) -> str:
    """What N is called."""
    return next((n for n in ("N", "m") if n in line.scope), "X.shape[1]")


def is_number(line: Line, node: ast.expr) -> bool:
    """Whether it is a constant, N, or made of them, and not 1."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id != "np"]
    return np.ndim(line.at(node)) == 0 and line.at(node) not in (None, 1) and len(names) <= 1


def factor_causes(line: Line, node: ast.expr) -> set[str]:
    """A factor of one term of a sum may also be read as a part of that term left out."""
    in_a_term = any(node in ast.walk(t) for s in sums(line) for _, t in trees.addends(s))
    return {"factor", "term"} if in_a_term else {"factor"}


def sums(line: Line) -> list[ast.expr]:
    """The longest sums in a line: no denominators, and no derivatives of an activation."""
    below = denominators(line)
    inner = {n for _, chain in trees.chains(line.value) for n in trees.derivative_factors(chain)}
    found: list[ast.expr] = []
    for node in trees.expressions(line.value):
        if not trees.is_binary(node, ast.Add, ast.Sub) or node in inner:
            continue
        if node in {n for s in found for n in parts_of(s)} or is_index(line, node):
            continue
        if np.ndim(line.at(node)) and node not in below:
            found.append(node)
    return found


def numerators(line: Line) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """The elementwise products in a line by which nothing is divided, with their factors."""
    below = denominators(line)
    return ((node, chain) for node, chain in trees.chains(line.value) if node not in below)


def denominators(line: Line) -> set[ast.AST]:
    """All that is divided by."""
    divisions = [n for n in trees.expressions(line.value) if trees.is_binary(n, ast.Div)]
    return {n for division in divisions for n in ast.walk(division.right)}


def parts_of(node: ast.expr) -> Iterator[ast.expr]:
    """The sums of which a longer sum is made."""
    if trees.is_binary(node, ast.Add, ast.Sub):
        yield node
        yield from parts_of(node.left)
        yield from parts_of(node.right)


def is_index(line: Line, node: ast.expr) -> bool:
    """Whether it is part of an index, such as l - 1 of A[str(l - 1)]."""
    subscripts = [n for n in ast.walk(line.value) if isinstance(n, ast.Subscript)]
    return any(node in ast.walk(s.slice) for s in subscripts)


def is_outer(line: Line, node: ast.expr) -> bool:
    """Whether a call gives the whole gradient, but for a factor."""
    return node in chain_of(line.value)


def chain_of(node: ast.expr) -> list[ast.expr]:
    """The factors and numerators of a product."""
    if trees.is_binary(node, ast.Mult, ast.Div):
        return [*chain_of(node.left), *chain_of(node.right)]
    return [node]


def summed_operand(node: ast.Call) -> ast.expr:
    """What np.sum(x, ...) or x.sum(...) sums."""
    function = node.func
    of_numpy = isinstance(function.value, ast.Name) and function.value.id == "np"
    return node.args[0] if of_numpy else function.value


def is_square(value: object) -> bool:
    shape = np.shape(value) if value is not None else ()
    return len(shape) == 2 and shape[0] == shape[1] > 1


def untransposed(node: ast.expr) -> ast.expr:
    """x for x.T, and x.T for x."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def elementwise(node: ast.expr, left: ast.expr, right: ast.expr) -> ast.expr:
    """The product of elements in the style of a product of matrices."""
    if isinstance(node, ast.Call):
        return ast.Call(ast.Attribute(parse("np"), "multiply", ast.Load()), [left, right], [])
    return ast.BinOp(left, ast.Mult(), right)


def comparisons(line: Line) -> list[ast.Compare]:
    """The masks of a line, also one that is an index."""
    inside = line.statement if line.is_masking else line.value
    return [n for n in ast.walk(inside) if isinstance(n, ast.Compare)]


def inverted(node: ast.Compare) -> ast.expr:
    """The comparison that holds where this one does not."""
    return ast.Compare(node.left, [OPPOSITE[type(node.ops[0])]()], node.comparators)


def remasked(line: Line, node: ast.Compare, wrong: ast.expr) -> ast.expr | Edit:
    """The line with another mask."""
    if line.is_masking:
        return masking_edit(line, wrong)
    return replaced(line.value, {node: wrong})


def masking_edit(line: Line, wrong: ast.expr | None) -> Edit:
    """`dZ1[mask] = 0` with another mask, or none."""
    target = line.statement.targets[0]
    name, right = ast.unparse(target.value), ast.unparse(target.slice)
    text = "pass" if wrong is None else f"{name}[{ast.unparse(wrong)}] = 0"
    keep = f"masked_right = {name}.copy(); masked_right[{right}] = 0; {text}; "
    recorded = f"{keep}__record__({name!r}, masked_right, {name}.copy())"
    return line.statement_edit(text, recorded)


def other_derivative(mark: ast.expr) -> str:
    """The derivative of a sigmoid in place of that of tanh, or the other way round."""
    if trees.is_square(mark.right):
        inner = mark.right.args[0] if trees.called(mark.right) else mark.right.left
        text = ast.unparse(inner)
        return f"({text}) * (1 - {text})"
    return f"1 - ({ast.unparse(mark.right)}) ** 2"


def counterparts(line: Line, operand: ast.expr) -> list[ast.expr]:
    """Z1 for A1, H1 or T1, and the other way round, and likewise entries of dicts."""
    text = ast.unparse(operand)
    pairs = [("A", "Z"), ("Z", "A"), ("H", "Z"), ("Z", "H"), ("T", "Z"), ("Z", "T")]
    found = [parse(b + text[1:]) for a, b in pairs if text.startswith(a)]
    return [n for n in found if np.shape(line.at(n)) == np.shape(line.at(operand)) != ()]


def others_of_shape(line: Line, operand: ast.expr, limit: int) -> list[ast.expr]:
    """Other tensors that could stand in place of one; those of a like name first."""
    value = line.at(operand)
    stem = re.sub(r"\W.*|\d+$", "", ast.unparse(operand))
    present = {ast.unparse(n) for n in trees.operands(line.value, line.at)}
    found = [n for n in of_shape(line, np.shape(value)) if ast.unparse(n) not in present]
    found = [n for n in found if differs(line.at(n), value)]
    found.sort(key=lambda n: not ast.unparse(n).startswith(stem))
    return counterparts(line, operand)[:1] + found[:limit]


def of_shape(line: Line, shape: tuple[int, ...]) -> list[ast.expr]:
    """The arrays in scope of a shape, also those in dicts, by the index of a loop."""
    found = []
    for name, value in line.scope.items():
        if isinstance(value, np.ndarray) and value.shape == shape and name != line.first_name:
            found.append(parse(name))
        if isinstance(value, dict) and "l" in line.scope:
            entry = parse(f"{name}[str(l)]")
            if np.shape(line.at(entry)) == shape != ():
                found.append(entry)
    return found


def differs(one: object, other: object) -> bool:
    return not np.allclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-6)


def operand_causes(line: Line, operand: ast.expr) -> set[str]:
    """In a sum, another operand is also a term left out and one too many."""
    causes = {"operand", "index"}
    derivative = [f for _, c in trees.chains(line.value) for f in trees.derivative_factors(c)]
    if any(operand in ast.walk(f) for f in derivative):
        causes |= {"activation"}
    if any(operand in ast.walk(s) for s in sums(line)):
        causes |= {"term"}
    if line.is_seed or ast.unparse(operand).startswith(HELPERS):
        causes |= {"activation"}
    if ast.unparse(operand).startswith("mask"):
        causes |= {"mask"}
    return causes


def index_causes(line: Line, operand: ast.expr, other: ast.expr) -> set[str]:
    causes = operand_causes(line, operand)
    masks = [o for n in comparisons(line) for o in ast.walk(n)]
    if operand in masks:
        causes |= {"mask"}
    wrong = line.at(replaced(line.value, {operand: other}))
    return causes if np.shape(wrong) == line.result().shape else causes | {"shape"}


def shifted(operand: ast.expr, step: int) -> ast.expr | None:
    """The same tensor of the next layer, or of the one before."""
    text = ast.unparse(operand)
    if "str(" in text:
        return parse(re.sub(r"str\((.*)\)", rf"str(\1 + {step})", text).replace("+ -", "- "))
    text = {"X": "A0"}.get(text, text)
    match = re.fullmatch(r"([A-Za-z]+)(\d+)", text)
    if match is None or int(match[2]) + step < 0:
        return None
    name = f"{match[1]}{int(match[2]) + step}"
    return parse({"A0": "X"}.get(name, name))
