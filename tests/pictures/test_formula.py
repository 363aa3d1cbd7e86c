"""Derivative rules as formulas: their texts, and that the texts compute what the rules do."""

import collections
import functools
import importlib
import inspect
import math
import pkgutil
import textwrap

import numpy as np
import pytest
from all_cases import CASES as ALL
from all_cases import NUMPY

import autograd_lite as al
import autograd_lite.rules
from autograd_lite.derivation.constants import array_text, number_text
from autograd_lite.derivation.expressions import NoExpression
from autograd_lite.derivation.rule import RulePrinter
from autograd_lite.derivation.standins import stand_in
from autograd_lite.gradients import TupleGradient
from autograd_lite.graph import Node, ancestors
from autograd_lite.operations import OPERATIONS
from autograd_lite.pictures.formulas import Formula, formula
from nn.layers import affine
from nn.losses import log_loss

CASES = collections.defaultdict(list)
for _case in ALL:
    CASES[_case.function].append(_case)

HELPERS = {"np": np}
for _module in pkgutil.iter_modules(autograd_lite.rules.__path__):
    _loaded = importlib.import_module(f"autograd_lite.rules.{_module.name}")
    HELPERS |= {n.lstrip("_"): v for n, v in vars(_loaded).items() if callable(v)}


def tensor(*shape, seed=0):
    return al.Tensor(np.random.default_rng(seed).uniform(0.5, 2, shape), requires_grad=True)


def calls(node, g):
    """What the rules of a node are called with, as backward does it: operand, rule, arguments."""
    kept = dict(zip(node.plan.names, node.kept, strict=False))
    for operand, rule in node.plan.operation.rules.items():
        needs = list(inspect.signature(rule).parameters)[1:] if rule else [None]
        if all(name in kept for name in needs):
            yield operand, rule, needs, (g, *(kept[name] for name in needs))


def formulas(result, **names):
    """The formulas of the operation that made `result`, with `dz` arriving and `z` for `out`."""
    node = result._node
    names = {"out": "z", **names}
    found = {}
    for operand, rule, needs, arguments in calls(node, np.ones(node.shape)):
        pairs = zip(needs, arguments[1:], strict=True)
        texts = [names.get(n, n if _array(v) else repr(v)) for n, v in pairs]
        found[operand] = formula(rule, arguments, ["dz", *texts])
    return found


def _array(value):
    return isinstance(value, (np.ndarray, np.generic))


x, y, W, V = tensor(4), tensor(4, seed=1), tensor(3, 4), tensor(4, 2)
mask = np.array([True, False, True, False])

ELEMENTWISE = {
    "add": (x + y, {"x": ("dz", "1"), "y": ("dz", "1")}),
    "subtract": (x - y, {"x": ("dz", "1"), "y": ("-dz", "-1")}),
    "multiply": (x * y, {"x": ("dz * y", "y"), "y": ("dz * x", "x")}),
    "by a number": (x * 2.5, {"x": ("dz * 2.5", "2.5")}),
    "broadcast": (W * y, {"x": ("dz * y", "y"), "y": ("dz * x", "x")}),
    "divide": (x / y, {"x": ("dz / y", "1 / y"), "y": ("-dz * z / y", "-z / y")}),
    "square": (x**2, {"x": ("dz * 2 * x", "2 * x")}),
    "cube": (x**3, {"x": ("dz * 3 * x ** 2", "3 * x ** 2")}),
    "float exponent": (x**2.5, {"x": ("dz * 2.5 * x ** 1.5", "2.5 * x ** 1.5")}),
    "exponent 1": (x**1, {"x": ("dz", "1")}),
    "exponent 0": (x**0, {"x": ("dz * 0", "0")}),
    "negative exponent": (x**-1, {"x": ("-dz * x ** -2", "-x ** -2")}),
    "power": (
        x**y,
        {
            "x": ("dz * y * x ** (y - (y != 0))", "y * x ** (y - (y != 0))"),
            "y": (
                "dz * z * np.log(np.where(x == 0, 1, x))",
                "z * np.log(np.where(x == 0, 1, x))",
            ),
        },
    ),
    "exp": (np.exp(x), {"x": ("dz * z", "z")}),
    "log": (np.log(x), {"x": ("dz / x", "1 / x")}),
    "log2": (np.log2(x), {"x": ("dz / (x * np.log(2))", "1 / (x * np.log(2))")}),
    "sqrt": (np.sqrt(x), {"x": ("dz / (2 * z)", "1 / (2 * z)")}),
    "tanh": (np.tanh(x), {"x": ("dz * (1 - z * z)", "1 - z * z")}),
    "cos": (np.cos(x), {"x": ("-dz * np.sin(x)", "-np.sin(x)")}),
    "degrees": (np.degrees(x), {"x": ("dz * (180 / np.pi)", "180 / np.pi")}),
    "abs": (abs(x), {"x": ("dz * np.sign(x)", "np.sign(x)")}),
    "sigmoid": (al.sigmoid(x), {"z": ("dz * z * (1 - z)", "z * (1 - z)")}),
    "relu": (al.relu(x), {"z": ("dz * (z >= 0)", "z >= 0")}),
    "relu, 0 at 0": (al.relu(x, at_zero=0.0), {"z": ("dz * (z > 0)", "z > 0")}),
    "relu, else": (
        al.relu(x, 0.5),
        {"z": ("dz * ((z > 0) + 0.5 * (z == 0))", "(z > 0) + 0.5 * (z == 0)")},
    ),
    "softplus": (al.softplus(x), {"z": ("dz * sigmoid(z)", "sigmoid(z)")}),
    "maximum": (
        np.maximum(x, y),
        {
            "x": (
                "np.where(x > y, dz, np.where(x == y, dz / 2, 0))",
                "np.where(x > y, 1, np.where(x == y, 1 / 2, 0))",
            ),
            "y": (
                "np.where(y > x, dz, np.where(y == x, dz / 2, 0))",
                "np.where(y > x, 1, np.where(y == x, 1 / 2, 0))",
            ),
        },
    ),
    "where": (
        np.where(mask, x, y),
        {
            "x": ("np.where(condition, dz, 0)", "np.where(condition, 1, 0)"),
            "y": (
                "np.where(np.logical_not(condition), dz, 0)",
                "np.where(np.logical_not(condition), 1, 0)",
            ),
        },
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_functions(name):
    result, expected = ELEMENTWISE[name]
    assert formulas(result) == {o: Formula(*texts) for o, texts in expected.items()}


ARRAYS = {
    "inner product": (np.dot(x, y), {"a": "dz * b", "b": "dz * a"}),
    "x @ y": (x @ y, {"x": "dz * y", "y": "dz * x"}),
    "matrix by vector": (np.dot(W, x), {"a": "dz[:, None] * b", "b": "a.T @ dz"}),
    "W @ x": (W @ x, {"x": "dz[:, None] * y", "y": "x.T @ dz"}),
    "vector by matrix": (x @ V, {"x": "y @ dz", "y": "x[:, None] * dz[None, :]"}),
    "dot": (np.dot(W, V), {"a": "dz @ b.T", "b": "a.T @ dz"}),
    "W @ V": (W @ V, {"x": "dz @ y.T", "y": "x.T @ dz"}),
    "outer": (np.outer(x, y), {"a": "dz @ b", "b": "a @ dz"}),
    "sum": (np.sum(W), {"x": "dz"}),
    "sum, axis": (np.sum(W, axis=0), {"x": "dz[None, :]"}),
    "sum, keepdims": (np.sum(W, axis=1, keepdims=True), {"x": "dz"}),
    "mean": (np.mean(W), {"x": "dz / 12"}),
    "mean, axis": (np.mean(W, axis=1), {"x": "(dz / 4)[:, None]"}),
    "transpose": (W.T, {"x": "dz.T"}),
    "reshape": (np.reshape(W, 12), {"x": "np.reshape(dz, (3, 4))"}),
    "swapaxes": (np.swapaxes(W, -1, -2), {"x": "dz.T"}),
    "getitem": (x[1:3], {"x": "put_back(dz, np.s_[1:3], (4,))"}),
    "getitem, column": (W[:, 1], {"x": "put_back(dz, np.s_[:, 1], (3, 4))"}),
    "concatenate": (np.concatenate([x, y]), {"arrays": "[dz[0:4], dz[4:8]]"}),
    "stack": (np.stack([x, y], 1), {"arrays": "[dz[:, 0], dz[:, 1]]"}),
    "inv": (np.linalg.inv(V.T @ V), {"a": "-(z.T @ dz @ z.T)"}),
    "cumsum": (np.cumsum(x, 0), {"x": "np.flip(np.cumsum(np.flip(dz, 0), 0), 0)"}),
    "log_loss": (
        log_loss(x, y),
        {"z": "(sigmoid(z) - y) * (dz / 4)", "y": "z * (-dz / 4)"},
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_whole_arrays_have_no_local_derivative(name):
    result, expected = ARRAYS[name]
    assert formulas(result) == {o: Formula(text, None) for o, text in expected.items()}


def test_a_layer_in_the_names_of_its_user():
    node = affine(W, V, tensor(3, 1))._node
    texts = {
        operand: formula(rule, arguments, ["dZ2", *({"W": "W2", "X": "A1"}[n] for n in needs)])
        for operand, rule, needs, arguments in calls(node, np.ones((3, 2)))
    }
    assert texts["W"].product == "dZ2 @ A1.T"
    assert texts["X"].product == "W2.T @ dZ2"
    assert texts["b"] == Formula("dZ2", "1")


def test_the_operands_of_a_sum_of_products_have_their_names():
    texts = formulas(np.einsum("ij,jk->ik", W, V), operands="[W, V]")
    expected = "[np.einsum('ik,jk->ij', dz, V), np.einsum('ik,ij->jk', dz, W)]"
    assert texts["operands"].product == expected
    # Under one name for both.
    texts = formulas(np.einsum("ij,jk->ik", W, V), operands="both of them")
    assert texts["operands"].product == expected.replace(", V", ", both of them[1]").replace(
        ", W", ", both of them[0]"
    )


g, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])


def test_lambdas_on_one_line_are_told_apart():
    rules = lambda g, v: g * v, lambda g, v: g / v, lambda g, v: g  # noqa: E731
    texts = [formula(rule, (g, v), ("dz", "v")).product for rule in rules]
    assert texts == ["dz * v", "dz / v", "dz"]


def test_a_declared_rule():
    @al.primitive
    def cube(t):
        return t**3

    al.defvjp(cube, t=lambda g, t: g * 3 * t**2)
    try:
        assert formulas(cube(x)) == {"t": Formula("dz * 3 * t ** 2", "3 * t ** 2")}
    finally:
        del OPERATIONS[cube]


def power_rule(n):
    return lambda g, v: g * n * v ** (n - 1)


def leaky(g, v):
    """A rule for numbers."""
    if v > 0:
        return g
    return 0.1 * g


def _doubled(value):
    return value + value


def stepwise(g, v, scale=2):
    total = _doubled(v) * scale
    first, second = total, np.shape(v)[0]
    return g * first / second


def unrolled(g, v):
    series = 0
    for i in range(3):
        series = series + v**i
    return g * series


def until_it_fits(g, v):
    scale = 1
    while scale < np.size(v):
        scale *= 2
    return g * scale * v


def in_place(g, v):
    total = g * v
    total *= 2
    return total


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (power_rule(3), Formula("dz * 3 * v ** 2", "3 * v ** 2")),
        (power_rule(2), Formula("dz * 2 * v", "2 * v")),
        (power_rule(v), Formula("dz * n * v ** (n - 1)", "n * v ** (n - 1)")),
        (power_rule(np.arange(40.0)[:2]), Formula("dz * n * v ** (n - 1)", "n * v ** (n - 1)")),
        (functools.partial(lambda n, g, v: g * n * v, 3), Formula("dz * 3 * v", "3 * v")),
        (stepwise, Formula("dz * (v + v) * 2 / 2", "(v + v) * 2 / 2")),
        (unrolled, Formula("dz * (1 + v + v ** 2)", "1 + v + v ** 2")),
        (until_it_fits, Formula("dz * 2 * v", "2 * v")),
        pytest.param(
            *(np.multiply, Formula("dz * v", "v")),
            marks=pytest.mark.skipif(NUMPY < "2.4.0", reason="its ufuncs name no parameters"),
        ),
        (eval("lambda g, v: g * v"), Formula("dz * v", "v")),
        (lambda g, v: np.multiply(g, v), Formula("dz * v", "v")),
        (lambda g, v: g + v, Formula("dz + v", None)),
        (lambda g, v: g * g, Formula("dz * dz", None)),
        (lambda g, v: np.cumsum(g) * v, Formula("np.cumsum(dz) * v", None)),
        (lambda g, v: -(g * -1), Formula("dz", "1")),
        (lambda g, v: g[::-1], Formula("dz[::-1]", None)),
    ],
)
def test_what_people_write(rule, expected):
    assert formula(rule, (g, v), ("dz", "v")) == expected


def test_an_option_that_is_a_tuple_is_no_shape():
    found = formula(lambda g, v, pair: g * pair[1] * v, (g, v, (3, 5)), ("dz", "v", "(3, 5)"))
    assert found == Formula("dz * 5 * v", "5 * v")


def test_a_number_is_a_quotient_unless_it_was_given_as_it_is():
    rule = lambda g, v, scale: g * scale * v  # noqa: E731
    assert formula(rule, (g, v, 0.25), ("dz", "v", "0.25")).product == "dz * 0.25 * v"
    assert formula(rule, (g, v, np.float32(0.25)), ("dz", "v", "0.25")).product == "dz * 0.25 * v"
    assert formula(lambda g, v: 0.25 * g, (g, v), ("dz", "v")).product == "0.25 * dz"
    assert formula(power_rule(0.25), (g, v), ("dz", "v")).product == "dz * 0.25 * v ** -0.75"
    assert formula(lambda g, v: g * (1 / len(v)), (g, v), ("dz", "v")).product == "dz / 2"
    half = lambda g, v: g * (1 / np.size(v)), (g[0], v), ("dz", "v")  # noqa: E731
    assert formula(*half).product == "dz / 2"


def test_arrays_of_other_libraries_have_shapes_too():
    class Foreign:
        shape, dtype = (2,), np.dtype(float)

    assert formula(lambda g, v: g * np.exp(v), (g, Foreign()), ("dz", "v")).local == "np.exp(v)"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((math.log(7), "np.log(7)"), (math.pi, "np.pi"), (math.pi / 180, "np.pi / 180")),
        *((180 / math.pi, "180 / np.pi"), (-2 * math.pi, "-2 * np.pi"), (2 / 3, repr(2 / 3))),
        *((3.0, "3.0"), (0.25, "0.25"), (math.inf, "np.inf"), (2j / math.pi, "2j / np.pi")),
    ],
)
def test_constants_of_books_are_written_as_such(number, text):
    found = number_text(number) or RulePrinter().plain(number)
    assert found.text == text
    assert eval(text) == number


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.eye(3, dtype=bool), "np.eye(3, dtype=bool)"),
        (np.eye(2, 3, 1), "np.eye(2, 3, 1)"),
        (np.tri(20, 20, -1), "np.tri(20, 20, -1)"),
        (np.triu(np.ones((2, 3), bool)), "~np.tri(2, 3, -1, dtype=bool)"),
        (np.arange(3, 40, 2), "np.arange(3, 41, 2)"),
        (np.arange(9), "np.arange(9)"),
        (np.full((5, 5), 0.5), "np.full((5, 5), 0.5)"),
        (np.zeros((0, 3), np.float32), "np.zeros((0, 3), dtype=np.float32)"),
        (np.zeros(3, complex), "np.zeros(3, dtype=np.complex128)"),
        (np.ones(2, bool), "np.ones(2, dtype=bool)"),
        (np.array([0.0, -0.0]), "np.array([0.0, -0.0])"),
        (np.array([1, 2], np.float32), "np.array([1.0, 2.0], dtype=np.float32)"),
        (np.array([0.5, 2.0]), "np.array([0.5, 2.0])"),
        (np.stack([np.tri(2)] * 3), "np.broadcast_to(np.tri(2, 2, 0), (3, 2, 2))"),
    ],
)
def test_arrays_of_constants_are_written_as_what_makes_them(array, text):
    assert array_text(array, RulePrinter()) == text
    found = eval(text)
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("array", [np.sqrt(np.arange(40.0)), np.array(["a", "b"])])
def test_other_arrays_have_no_text(array):
    with pytest.raises(NoExpression):
        array_text(array, RulePrinter())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, "rule(dz, v)"),
        (leaky, "leaky(dz, v)"),
        (in_place, "in_place(dz, v)"),
        (lambda g, v: g * np.random.default_rng(0).random(99)[:, None] * v, "rule(dz, v)"),
        (lambda g, v: functools.reduce(lambda a, _: a * a + v, range(40), g), "rule(dz, v)"),
    ],
)
def test_a_rule_that_is_no_expression_is_shown_as_a_call(rule, expected):
    assert formula(rule, (g, v), ("dz", "v")) == Formula(expected, None)


def test_a_rule_without_a_name_is_called_after_its_operation():
    found = formula(lambda g, v: g if v > 0 else 0, (g, v), ("dz", "v"), "leaky")
    assert found == Formula("leaky_rule(dz, v)", None)


def test_places_are_written_where_they_are_few():
    few, many = np.array([0, 2]), np.arange(40) % 4
    for index, name, shown in [(few, str(few), "np.array([0, 2])"), (many, "index", "index")]:
        result = x[index]
        found = formula(*_called(result, name))
        assert found.product == f"put_back(dz, {shown}, (4,))"


def _called(result, index):
    """The arguments of `formula` for an item of an array."""
    _, rule, needs, arguments = next(calls(result._node, np.ones(result.shape)))
    return (
        rule,
        arguments,
        [
            "dz",
            *({"index": index}.get(n, repr(v)) for n, v in zip(needs, arguments[1:], strict=True)),
        ],
    )


def test_the_formulas_of_the_engine_s_rules_are_found_once(monkeypatch):
    a, b = tensor(5, 6), tensor(5, 6)
    first = formulas(a * b)
    module = importlib.import_module("autograd_lite.pictures.formulas.formula")
    monkeypatch.setattr(module, "written_rule", None)
    assert formulas(a * b) == first
    assert formulas(tensor(6, 5) * tensor(6, 5))["x"].product == "rule(dz, y)"


def test_a_rule_of_large_arrays_takes_no_time_nor_memory():
    large = stand_in((10**6, 10**6), np.float64)
    rule = lambda g, v: np.where(v > 0, g @ v.T, 0) * np.exp(v)  # noqa: E731
    expected = "np.where(v > 0, dz @ v.T, 0) * np.exp(v)"
    assert formula(rule, (large, large), ("dz", "v")).product == expected


def test_a_source_without_a_file(monkeypatch):
    source = textwrap.dedent(
        """
        def rule(g, v):
            with np.errstate(all="ignore"):
                return g / v
        """
    )
    scope = {"np": np}
    exec(compile(source, "<cell 1>", "exec"), scope)
    lines = source.splitlines(keepends=True)
    monkeypatch.setitem(
        importlib.import_module("linecache").cache, "<cell 1>", (len(source), None, lines, "")
    )
    assert formula(scope["rule"], (g, v), ("dz", "v")).product == "dz / v"


@pytest.mark.parametrize(
    "name", ["a b", "<b>", "g", "np", "x.T", "\\N", "\\1", "🙂", "__0__", "a\nb", "lambda", "3"]
)
def test_names_may_be_anything(name):
    found = formula(lambda g, v: -g * np.exp(v), (g, v), (name, name))
    assert found == Formula(f"-{name} * np.exp({name})", f"-np.exp({name})")


def test_a_name_that_is_an_expression_stays_together():
    found = formula(lambda g, v: g * np.exp(v) * v, (g, v), ("dz", "x + y"))
    assert found.product == "dz * np.exp(x + y) * (x + y)"


def arriving(node, rng):
    """A gradient for a node; None where it has several results that the node does not keep."""
    kept = dict(zip(node.plan.names, node.kept, strict=False))
    if node.shape == TupleGradient.shape:
        results = kept.get("out")
        return results and TupleGradient(rng.uniform(0.5, 1.5, np.shape(r)) for r in results)
    gradient = rng.uniform(0.5, 1.5, node.shape).astype(node.dtype)
    return gradient * (1 + 0.5j) if node.dtype.kind == "c" else gradient


def named_values(needs, arguments):
    """A name for each argument, and what the names stand for."""
    names, values = ["g_"], {"g_": arguments[0]}
    for need, value in zip(needs, arguments[1:], strict=True):
        if isinstance(value, (tuple, list)) and any(map(_array, value)) and need != "index":
            parts = [f"{need}{i}" for i in range(len(value))]
            names.append(f"[{', '.join(parts)}]")
            values |= dict(zip(parts, value, strict=True))
        elif _array(value) or need == "index":
            names.append(f"{need}_")
            values[f"{need}_"] = value
        else:
            names.append(repr(value))
    return names, values


def dense(value):
    if isinstance(value, (TupleGradient, list, tuple)):
        return [dense(item) for item in value]
    return value.dense() if hasattr(value, "dense") else value


def assert_same(actual, expected):
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif expected is None:
        assert actual is None
    else:
        assert np.shape(actual) == np.shape(expected)
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


CALLED = {
    "i0": "the nodes of a quadrature are 64 numbers",
    "eigvals": "a matrix that has too few eigenvectors is refused",
    "lstsq": "of a matrix of less than full rank the smallest singular value decides",
    "truncated_pinv": "too long in some cases",
}
"""Operations with rules that are no expression, in some of their cases, and why."""

OF_REGULAR_MATRICES = {"det"}
"""Operations whose formulas are of matrices that have an inverse."""


def is_call(found, rule, names):
    """Whether a formula is just a call of the rule."""
    called = rule.__name__.lstrip("_")
    called = called if called.isidentifier() else "rule"
    return found.product == f"{called}({', '.join(names)})"


def recorded(case):
    """What the rules that a case records are called with: node, operand, rule and arguments."""
    result = case(*(al.Tensor(o, requires_grad=True) for o in case.operands))
    results = result if isinstance(result, (tuple, list)) else [result]
    roots = [r._node for r in results if isinstance(r, al.Tensor) and type(r._node) is Node]
    rng = np.random.default_rng(3)
    for node in ancestors(roots):
        gradient = arriving(node, rng) if node.plan.operation.rules else None
        if gradient is not None:
            for _, rule, needs, arguments in calls(node, gradient):
                yield node.plan.operation.name, rule, needs, arguments


def check_case(case):
    """The texts of all operations that a case records compute what the rules do."""
    for operation, rule, needs, arguments in recorded(case):
        names, values = named_values(needs, arguments)
        found = formula(rule, arguments, names)
        with np.errstate(all="ignore"):
            try:
                expected = dense(rule(*arguments))
            except ValueError:
                continue  # Such a gradient cannot arrive.
            if is_call(found, rule, names):
                assert operation in CALLED, found.product
                continue
            if operation in OF_REGULAR_MATRICES and not np.all(values["out_"]):
                continue
            assert_same(dense(eval(found.product, {**HELPERS, **values})), expected)
            if found.local is not None:
                local = eval(found.local, {**HELPERS, **values})
                assert_same(arguments[0] * local, expected)


@pytest.mark.parametrize("name", CALLED)
def test_what_is_called_is_no_expression_in_some_case(name):
    cases_of = [c for f in CASES for c in CASES[f] if f.__name__ in (name, name.split("_")[-1])]
    shown = (
        is_call(formula(rule, arguments, names), rule, names)
        for case in cases_of
        for operation, rule, needs, arguments in recorded(case)
        for names in [named_values(needs, arguments)[0]]
        if operation == name
    )
    assert any(shown)


@pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)
@pytest.mark.one_in(5)
def test_texts_compute_what_the_rules_do(function):
    for case in CASES[function][:: max(1, len(CASES[function]) // 6)]:
        check_case(case)


@pytest.mark.slow
@pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)
def test_all_texts_compute_what_the_rules_do(function):
    for case in CASES[function]:
        check_case(case)
