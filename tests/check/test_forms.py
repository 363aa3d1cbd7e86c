"""Containers in which gradients are handed in: each taken as it is."""

import ast
import dataclasses
import linecache
import types
from collections import namedtuple

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import from_source
from autograd_lite.check.marking.assignments import written_by
from autograd_lite.check.marking.edits.trees import is_called
from autograd_lite.check.marking.execution import Event
from autograd_lite.check.marking.forms import Subject, bound_cost
from autograd_lite.check.marking.returned import those_returned

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))


@dataclasses.dataclass
class Weights:
    W1: np.ndarray
    W2: np.ndarray


Pair = namedtuple("Pair", "dW1 dW2")  # noqa: PYI024 - as people write it


def forward(W1, W2, X, Y):
    H = np.tanh(X @ W1)
    E = H @ W2 - Y
    return 0.5 * np.sum(E**2), (H, E)


RETURNS = {
    "a dataclass by name": "return Weights(W1=q, W2=r)",
    "a dataclass of expressions": "return Weights(W1=X.T @ p, W2=H.T @ E)",
    "a dataclass by place": "return Weights(q, r)",
    "a named tuple": "return Pair(q, r)",
    "a namespace": "return SimpleNamespace(dW1=q, dW2=r)",
    "a generator": "yield q\n    yield r",
    "a generator of another": "yield from (q, r)",
    "a generator expression": "return (g for g in (q, r))",
    "a map": "return map(np.asarray, (q, r))",
    "items of a dict": "return {'W1': q, 'W2': r}.items()",
    "values of a dict": "return {'W1': q, 'W2': r}.values()",
    "pairs with names": "return zip(('W1', 'W2'), (q, r))",
    "a flat array": "return np.concatenate([q.ravel(), r.ravel()])",
    "a flat array by columns": "return np.concatenate([q.ravel('F'), r.ravel('F')])",
    "a flat array by hstack": "return np.hstack((q.flatten(), r.flatten()))",
    "a flat array in a loop": "return np.concatenate([g.ravel() for g in (q, r)])",
    "a flat array of expressions": "return np.r_[(X.T @ p).ravel(), (H.T @ E).ravel()]",
    "a column": "return np.concatenate([(X.T @ p).reshape(-1, 1), (H.T @ E).reshape(-1, 1)])",
    "a flat array of named ones": (
        "dW1, dW2 = q, r\n    return np.concatenate([dW1.ravel(), dW2.ravel()])"
    ),
    "a flat array of a helper": "return flattened({'W1': q, 'W2': r})",
}


def flattened(grads):
    theta = None
    for name in ("W1", "W2"):
        vector = np.reshape(grads[name], (-1, 1))
        theta = vector if theta is None else np.concatenate((theta, vector), axis=0)
    return theta


def backward_with(text, slope):
    """A backward pass that ends with a statement, with its slope of tanh."""
    source = (
        "def backward(W1, W2, X, Y, cache):\n    H, E = cache\n    a = E @ W2.T\n"
        f"    p = a * {slope}\n    q = X.T @ p\n    r = H.T @ E\n    {text}\n"
    )
    filename = f"<form {text} {slope}>"
    linecache.cache[filename] = len(source), None, source.splitlines(True), filename
    names = {"np": np, "Weights": Weights, "Pair": Pair, "flattened": flattened}
    names["SimpleNamespace"] = types.SimpleNamespace
    exec(compile(source, filename, "exec"), names)
    return names["backward"]


@pytest.mark.parametrize("text", RETURNS.values(), ids=RETURNS)
def test_a_right_derivation_in_a_container(text):
    backward = backward_with(text, "(1 - H**2)")
    report = al.check_derivation(forward, backward, W1, W2, X, Y, show=False)
    assert report.ok, str(report)
    assert {"W1", "W2"} <= {line.tensor for line in report}


@pytest.mark.parametrize("text", RETURNS.values(), ids=RETURNS)
@pytest.mark.one_in(2)
def test_a_wrong_derivation_in_a_container(text):
    backward = backward_with(text, "(1 - H)")
    report = al.check_derivation(forward, backward, W1, W2, X, Y, show=False)
    assert [line.line for line in report if line.status == "wrong"] == [4], str(report)
    assert report.first_wrong.cause == "activation"


FORWARD = """
def forward(W1, W2, X, Y):
    H = np.tanh(X @ W1)
    E = H @ W2 - Y
    L = 0.5 * np.sum(E ** 2)
    {}
"""


@pytest.mark.parametrize(
    "text",
    [
        "return L, (H, E)",
        "return [L, (H, E)]",
        "return tuple([L, (H, E)])",
        "both = L, (H, E)\n    return both",
        "return tuple(v for v in (L, (H, E)))",
        # People look at what they were given.
        "return L if isinstance(E, np.ndarray) else None, (H, E)",
        "return (L, (H, E)) if isinstance(L, float) else None",
    ],
)
def test_what_a_forward_pass_returns(text):
    backward = backward_with("return q, r", "(1 - H**2)")
    ahead = from_source(FORWARD.format(text), np=np)
    report = al.check_derivation(ahead, backward, W1, W2, X, Y, show=False)
    assert report.ok, str(report)
    assert [line.tensor for line in report if line.tensor in ("W1", "W2")] == ["W1", "W2"]


ENTRIES = """def backward(W1, W2, X, Y, cache):
    H, E = cache
    p = E @ W2.T * (1 - H ** 2)
    return {
        "dW2": H.T @ E,
        "dW1":
            X.T @ p,
        "dX": p @ W1.T,
    }
"""


def test_entries_of_a_returned_dict_have_lines_of_their_own():
    for right, wrong in (("", ""), ("X.T @ p", "X.T @ -p")):
        backward = from_source(ENTRIES.replace(right, wrong), np=np)
        report = al.check_derivation(forward, backward, W1, W2, X, Y, show=False)
        lines = {line.name: (line.line, line.status) for line in report if line.name != "E"}
        lines.pop("p", None)
        assert lines == {
            "dW2": (5, "correct"),
            "dW1": (7, "wrong" if wrong else "correct"),
            "dX": (8, "correct"),
        }


def test_a_flat_array_that_nothing_is_known_of_is_not_right():
    backward = backward_with("return np.concatenate([q.ravel(), r.ravel(), [1.0]])", "(1 - H**2)")
    with pytest.raises(ValueError, match="finds no gradient in backward"):
        al.check_derivation(forward, backward, W1, W2, X, Y, show=False)


def test_loss_and_gradients_in_one_dataclass():
    @dataclasses.dataclass
    class Result:
        loss: float
        dW: np.ndarray

    def both(factor):
        def derivation(W, X, Y):
            E = X @ W - Y
            loss = 0.5 * np.sum(E**2)
            dW = factor * X.T @ E
            return Result(loss=loss, dW=dW)

        return derivation

    W = rng.normal(size=(3, 2))
    assert al.check_derivation(both(1), W, X, Y, show=False).ok
    assert al.check_derivation(both(1.5), W, X, Y, show=False).first_wrong.cause == "factor"


def test_batches_of_a_generator_without_end():
    def batches():
        while True:
            yield X, Y

    def loss(W):
        source = batches()
        x, y = next(source)
        E = x @ W - y
        loss = 0.5 * np.sum(E**2)
        x, _ = next(source)
        dW = x.T @ E
        return loss, dW

    assert al.check_derivation(loss, rng.normal(size=(3, 2)), show=False).ok


def test_what_the_cost_calls_an_output_the_backward_pass_may_take():
    def propagate(w, X):
        return 1 / (1 + np.exp(-X @ w))

    def cost(A, Y):
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / len(Y)

    def gradients(w, X, Y, A):
        return {"dw": X.T @ (A - Y) / len(Y)}

    labels = np.array([[1.0], [0.0], [1.0], [0.0], [1.0]])
    w = rng.normal(size=(3, 1))
    assert al.check_derivation(propagate, gradients, w, X, labels, loss=cost, show=False).ok


def backward(W1, W2, X, Y, cache):
    H, E = cache
    dW2 = H.T @ E
    dW1 = X.T @ (E @ W2.T * (1 - H**2))
    return {"dW1": dW1, "dW2": dW2}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: al.check_derivation(forward, backward, W1, W2, X, Y, names=["dW1"]),
            TypeError,
            'check_derivation() takes names= as in {"delta": "Z2"}, not [\'dW1\']',
        ),
        (
            lambda: al.check_derivation(3, backward, W1, W2, X, Y),
            TypeError,
            "check_derivation() takes forward as a function, not 3",
        ),
        (
            lambda: al.check_derivation(forward, backward, W1, W2, X, Y, names={"dQ": "W1"}),
            ValueError,
            "names= has 'dQ', which the backward pass does not have",
        ),
    ],
)
def test_what_is_handed_in_as_something_else_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("forward", "backward", "cost", "count", "names"),
    [
        (lambda W, X: 0, None, None, 2, ["W", "X"]),
        (lambda W, *rest: 0, None, None, 3, ["W", "input 1", "input 2"]),
        (lambda *rest: 0, lambda W, X, cache: 0, None, 2, ["input 0", "input 1"]),
        (lambda X: 0, lambda dout: 0, None, 3, ["X", "input 1", "input 2"]),
        (lambda X: 0, None, lambda out, Y: 0, 2, ["X", "Y"]),
        (lambda X: 0, lambda dout, W: 0, None, 2, ["X", "W"]),
        (lambda X, Y: 0, lambda dout, W: 0, None, 1, ["X"]),
    ],
)
def test_what_the_inputs_are_called(forward, backward, cost, count, names):
    subject = Subject(forward, backward, (np.ones(2),) * count, cost)
    assert subject.names == names


def test_a_variable_that_is_returned_is_told_from_entries_of_its_name():
    own, entry = (
        Event(None, (0, "", i), "dW", path, 1, np.full(2, float(i)), 0)
        for i, path in enumerate(("dW", "grads['dW']"))
    )
    assert those_returned("dW", [own, entry], own.value) == [own]
    assert those_returned("dW", [own, entry], entry.value) == [own, entry]
    assert those_returned("dW", [entry], entry.value) == [entry]
    assert those_returned("dW", [own, entry], None) == [own, entry]


def test_what_a_cost_function_is_given():
    def arguments(cost, scope=None, items=("note", X, {"a": 1}), inputs=(W1, Y)):
        return bound_cost(cost, [scope or {"W": W1}], list(items), list(inputs), 1)

    assert arguments(lambda pred, Y: 0)[0] is X
    assert arguments(lambda pred, Y: 0)[1] is Y
    assert arguments(lambda W1: 0, {"W1": W2})[0] is W2
    assert arguments(lambda scores, Y, factor=2: 0)[1] is Y
    assert arguments(lambda note: 0, items=("note",)) == ("note",)
    assert arguments(lambda pred, other: 0)[1] is Y
    with pytest.raises(TypeError, match="takes third, for which no value is found"):
        arguments(lambda one, two, third: 0, items=(X,), inputs=(Y,))


@pytest.mark.parametrize(
    ("call", "written"),
    [
        ("np.copyto(a, b)", ["a", "np"]),
        ("np.add(a, b, out=c.d)", ["c.d", "a", "np"]),
        ("a.sort(b)", ["b", "a"]),
        ("update(a[0], b)", ["a[0]"]),
        ("np.add.at(a, i, b)", ["a", "np.add"]),
        ("f(2, a)", []),
        ("f(g(a), where=b)", []),
        ("f()[0].fill(a)", ["a"]),
    ],
)
def test_what_a_call_may_write_into(call, written):
    assert [ast.unparse(n) for n in written_by(ast.parse(call, mode="eval").body)] == written


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("np.exp(a) + b", {"np.exp(a)", "a", "b"}),
        ("a.T @ b.mean(axis=c)", {"a.T", "a", "b", "b.mean(axis=c)"}),
        (
            "np.tan(np.sin(a.T), where=b)",
            {"np.tan(np.sin(a.T), where=b)", "np.sin(a.T)", "a.T", "a"},
        ),
        ("cache.a * f(b.c)", {"cache.a", "f(b.c)", "b.c"}),
    ],
)
def test_operands_are_told_from_what_is_called(text, operands):
    def walked(node, around=()):
        yield node, around
        for child in ast.iter_child_nodes(node):
            yield from walked(child, (*around, node))

    kinds = (ast.Name, ast.Attribute, ast.Call)
    root = ast.parse(text, mode="eval").body
    found = {
        ast.unparse(n) for n, a in walked(root) if isinstance(n, kinds) and not is_called(n, a)
    }
    assert found == operands


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("is_named", [False, True])
def test_gradients_that_are_joined_are_pieces_whatever_has_their_size(factor, is_named):
    def loss(X, T, W, b):
        return 0.5 * np.sum((X @ W + b - T) ** 2)

    def backward(X, T, W, b):
        d = X @ W + b - T
        return np.concatenate([(X.T @ d).ravel(), factor * d.sum(axis=0)])

    def backward_by_name(X, T, W, b):
        d = X @ W + b - T
        flat = np.concatenate([(X.T @ d).ravel(), factor * d.sum(axis=0)])
        return flat

    chosen = backward_by_name if is_named else backward
    given = [rng.normal(size=shape) for shape in ((4, 3), (4, 2), (3, 2), (1, 2))]
    report = al.check_derivation(loss, chosen, *given, show=False)
    assert {"W", "b"} <= {found.tensor for found in report}
    assert "T" not in {found.tensor for found in report}
    assert [found.tensor for found in report if found.status == "wrong"] == ["b"] * (factor - 1)
