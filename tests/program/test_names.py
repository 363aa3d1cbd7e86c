"""Names from anywhere become identifiers, and no text of a user's is read as code."""

import ast
import gc
import keyword
import linecache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.program.arguments import flatten, names_of
from autograd_lite.program.checked import SourceError, assert_assigns, checked
from autograd_lite.program.names import Names, identifier, in_docstring, literal

HOSTILE = [
    '""" + __import__("os").system("true") + """',
    "m²",
    "½",
    "back\\",
    "new\nline",
    "\r",
    "\x00",
    "__debug__",
    "__class__",
    "np",
    "cache",
    "forward",
    "lambda",
    "None",
    "x",
    "𝐱",
    "",
    " ",
    "'",
    '"',
    "{x}",
    "%s",
    "\\N{DIGIT ONE}",
    "\ud800",
    "a b",
    "dx",
    "put_back",
    "slice",
    "bool",
    "v0",
    "N",
    "workspace",
    "<b>",
    "$\\input{x}$",
]

names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))


@given(st.lists(names, max_size=8))
@example(HOSTILE)
def test_names_are_different_identifiers_for_python(texts):
    given = Names()
    found = [given.new(text) for text in texts]
    assert len(set(found)) == len(found)
    for name in found:
        assert not keyword.iskeyword(name)
        assert name != "np"
        [statement] = ast.parse(f"{name} = 1").body
        # As Python reads it: not another name under NFKC.
        assert statement.targets[0].id == name
        assert not name.startswith("__")


literals = st.recursive(
    st.one_of(
        st.text(),
        st.sampled_from(HOSTILE),
        st.integers(),
        st.booleans(),
        st.none(),
        st.binary(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.tuples(inner, inner) | st.tuples(inner),
    max_leaves=4,
)


@given(literals)
@pytest.mark.slow
def test_literals_are_what_they_were(value):
    text = literal(value)
    assert "\n" not in text
    found = ast.literal_eval(text)
    assert (found, type(found)) == (value, type(value))


def test_what_is_no_literal_is_refused():
    class Text(str):
        def __repr__(self):
            return "__import__('os')"

    for value in (Text("x"), object(), [1], float("nan"), np.float64(1)):
        with pytest.raises(TypeError, match="cannot be written as source"):
            literal(value)


@given(st.text())
@example('"""')
@example('\\"""')
@example('a"')
@example("\\")
@example("a\tb\u200bc\n")
def test_docstrings_end_where_they_end(text):
    [statement] = ast.parse(f'"""{in_docstring(text)}"""').body
    assert statement.value.value == text


@settings(max_examples=60, deadline=None)
@given(st.lists(names, min_size=1, max_size=3, unique=True))
@example(["x", "𝐱"])
@example(["x", "dx", "ddx"])
@example(['""" + 1 + """'])
@pytest.mark.slow
def test_programs_of_arguments_with_any_keys(keys):
    parameters = {key: np.arange(1.0, 4.0) + i for i, key in enumerate(keys)}

    def loss(parameters):
        total = 0.0
        for i, key in enumerate(keys):
            total = total + np.sum(parameters[key] ** (i + 2))
        J = total * 1.0
        return J

    expected, gradient = al.value_and_grad(loss)(parameters)
    value, found = al.compile(al.value_and_grad(loss))(parameters)
    derived = al.derive(loss, parameters)
    written, cache = derived.forward(parameters)
    gradients = list(derived.backward(parameters, cache).values())
    np.testing.assert_allclose([value, written], expected)
    for i, key in enumerate(keys):
        np.testing.assert_allclose(found[key], gradient[key])
        np.testing.assert_allclose(gradients[i], gradient[key])
    assert derived.latex.count(r"\begin{aligned}") == 1


@pytest.mark.parametrize("name", HOSTILE, ids=[str(i) for i in range(len(HOSTILE))])
@pytest.mark.one_in(3)
def test_tensors_functions_and_models_of_any_name(name):
    onnx = pytest.importorskip("onnx")
    weight = al.Tensor(np.ones(3), requires_grad=True, name=name)

    def loss(x):
        return np.sum(np.sin(weight * x))

    loss.__name__ = name
    x = np.arange(3.0)
    assert np.isclose(al.derive(loss, x).forward(x)[0], np.sum(np.sin(x)))
    assert np.isclose(al.compile(al.no_grad(loss))(x).item(), np.sum(np.sin(x)))
    if name.isprintable():
        onnx.checker.check_model(al.to_onnx(loss, x))
    assert al.draw(weight * x).source.startswith("digraph")


def test_parameters_called_as_what_the_source_uses():
    def cost(np_, cache, put_back):
        J = np.sum(np_ * cache[1:] * put_back)
        return J

    inputs = np.ones(2), np.arange(3.0), np.ones(2)
    derived = al.derive(cost, *inputs, wrt=("np_", "cache"))
    value, kept = derived.forward(*inputs)
    assert value == 3
    assert [g.tolist() for g in derived.backward(*inputs, kept).values()] == [[1, 2], [0, 1, 1]]


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "x = __import__('os')",
        "def f(x):\n    return x.__class__",
        "def f(x):\n    return y",
        "x = [y for y in (1,)]",
        "from os import path",
        "import os as np",
        "class A: pass",
        "x = (",
    ],
)
def test_source_that_says_something_else_is_not_run(source):
    with pytest.raises(SourceError, match="generated source"):
        checked(source, ())


def test_an_import_is_run_where_it_is_the_one_that_was_meant():
    meant = [("numpy", "sin", "sine")]
    checked("from numpy import sin as sine\nx = sine(1)", (), meant)
    for written in ("numpy import cos as sine", ".numpy import sin as sine", "numpy import sin"):
        with pytest.raises(SourceError, match="generated source"):
            checked(f"from {written}", (), meant)


@pytest.mark.parametrize(
    ("meant", "message"),
    [
        ([("a", "x + 1"), ("b", "a * 3")], "^generated source of f.. is not what it was meant"),
        ([("b", "a * 2"), ("a", "x + 1")], "^generated source of f.. is not what it was meant"),
        ([("a", "x + 1")], "^generated source of f.. is not what it was meant"),
        ([("a", "x +"), ("b", "a * 2")], "^a generated expression cannot be parsed: "),
    ],
    ids=["another expression", "another order", "one more", "no expression"],
)
def test_a_function_that_assigns_something_else_is_not_run(meant, message):
    (function,) = ast.parse("def f(x):\n    a = x+1\n    b = a*2\n    return b").body
    assert_assigns(function, [("a", "x + 1"), ("b", "(a * 2)")])
    with pytest.raises(SourceError, match=message):
        assert_assigns(function, meant)


def test_derivations_leave_nothing_behind():
    def cost(x):
        return np.sum(x * x)

    gc.collect()
    before = len(linecache.cache)
    for _ in range(20):
        al.derive(cost, np.ones(2))
    kept = al.derive(cost, np.ones(2)).backward
    gc.collect()
    assert len(linecache.cache) <= before + 1
    assert linecache.getlines(kept.__code__.co_filename)


def test_constants_of_the_module_keep_their_shape():
    empty, swapped = np.empty((0, 3)), np.arange(20.0).astype(">f8")

    def cost(x):
        J = np.sum(x * swapped) + np.sum(np.concatenate([empty, x[:3][np.newaxis]]))
        return J

    x = np.arange(20.0)
    derived = al.derive(cost, x)
    value, cache = derived.forward(x)
    assert np.isclose(value, cost(x))
    np.testing.assert_allclose(derived.backward(x, cache)["dx"], al.grad(cost)(x))


def test_identifiers_read_as_what_they_stand_for():
    assert [identifier(t) for t in ("W1", "m²", "learning rate", "2nd", "__x__", "λ", "")] == [
        *("W1", "m2", "learning_rate", "_2nd", "x", "λ", "value"),
    ]


def test_the_leaves_of_arguments_are_named_by_what_leads_to_them():
    def cost(W, params, states, *rest, rate):
        pass

    params = {"b": 1.0, "2nd": 2.0, "_": 3.0, ("c",): 4.0, "": 5.0, 6: 6.0, "deep": {"inner": 7.0}}
    arguments = (np.ones(1), params, [8.0, (9.0,)], 10.0, 11.0)
    leaves = []
    names = names_of(flatten((arguments, {"rate": 12.0}), leaves), cost)
    assert [name.label for name in names] == [
        *("W", "b", "params_2nd", "params__", "params_('c',)", "params_", "params_6", "inner"),
        *("states_0", "states_1_0", "argument_3", "argument_4", "rate"),
    ]
    assert [name.argument for name in names] == [0, *[1] * 7, 2, 2, 3, 4, None]
    assert names[7].keys == ("deep", "inner") and names[9].keys == (1, 0)
    assert len(names) == len(leaves)
