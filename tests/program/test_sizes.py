"""Derivations and models for other numbers of samples than the example's: right, or refused."""

import math

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.derivation import statements as writing
from autograd_lite.program.sizes import Fixed, fitted


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def columns(scale):
    """A cost of one layer, samples as columns, times a number made of lengths."""

    def cost(W, b, X, Y):
        A = sigmoid(np.dot(W, X) + b)
        J = np.sum((A - Y) ** 2) * scale(X, Y)
        return J

    return cost


SCALES = {
    "shape": lambda X, Y: 1 / X.shape[1],
    "two samples": lambda X, Y: 1 / (2 * X.shape[1]),
    "size": lambda X, Y: 2 / Y.size,
    "size of the inputs": lambda X, Y: 1 / X.size,
    "len": lambda X, Y: 1.0 / len(X.T),
    "len of the rows": lambda X, Y: 1.0 / len(Y),
    "prod": lambda X, Y: 1 / np.prod(Y.shape),
    "math.prod": lambda X, Y: 3 / math.prod(X.shape),
    "less one": lambda X, Y: 1 / (X.shape[1] - 1),
    "root": lambda X, Y: 1 / np.sqrt(X.shape[1]),
    "root of python": lambda X, Y: 1 / math.sqrt(X.shape[1]),
    "square": lambda X, Y: X.shape[1] ** -2.0,
    "float": lambda X, Y: 0.5 / float(X.shape[1]),
    "float32": lambda X, Y: np.float64(1) / np.float64(Y.shape[-1]),
    "quotient": lambda X, Y: X.shape[0] / X.shape[1],
    "multiple": lambda X, Y: 0.1 * X.shape[1],
    "whole": lambda X, Y: X.shape[1],
    "difference": lambda X, Y: X.shape[1] + 3,
    "nothing": lambda X, Y: 1.0,
    "logarithm": lambda X, Y: math.log(X.shape[1]),
    "remainder": lambda X, Y: 1 + X.shape[1] % 3,
}


def mean_of_squares(W, b, X, Y):
    return np.mean((np.dot(W, X) + b - Y) ** 2)


def mean_then_sum(W, b, X, Y):
    return np.sum(np.mean((np.tanh(np.dot(W, X) + b) - Y) ** 2, axis=1))


def variance(W, b, X, Y):
    return np.var(np.dot(W, X) + b - Y) + np.sum(np.std(np.dot(W, X), axis=1, ddof=1))


def log_loss(W, b, X, Y):
    N = Y.shape[1]
    A = sigmoid(np.dot(W, X) + b)
    J = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / N
    return J


def reshaped(W, b, X, Y):
    Z = np.dot(W, X) + b
    flat = Z.reshape(Z.shape[0] * Z.shape[1])
    J = np.mean(flat * Y.reshape(-1))
    return J


def normalised(W, b, X, Y):
    Z = np.dot(W, X) + b
    centred = Z - np.mean(Z, axis=1, keepdims=True)
    return np.sum((centred - Y) ** 2) / (2 * Z.shape[1])


def picked(W, b, X, Y):
    Z = np.dot(W, X) + b
    return np.mean(Z[np.argmax(Y, axis=0), np.arange(Y.shape[1])])


def looped(W, b, X, Y):
    total = 0.0
    for i in range(X.shape[1]):
        total = total + np.sum((np.dot(W, X[:, i : i + 1]) + b - Y[:, i : i + 1]) ** 2)
    return total / X.shape[1]


def penalised(W, b, X, Y):
    m = X.shape[1]
    return np.sum((np.dot(W, X) + b - Y) ** 2) / m + 0.1 / (2 * m) * np.sum(W**2)


def half(W, b, X, Y):
    m = X.shape[1] // 2
    return np.sum((np.dot(W, X)[:, :m] + b - Y[:, :m]) ** 2)


def of_nn(loss):
    return lambda W, b, X, Y: loss(np.dot(W, X) + b, Y)


COSTS = {
    **{name: columns(scale) for name, scale in SCALES.items()},
    **{
        f.__name__: f
        for f in (
            *(mean_of_squares, mean_then_sum, variance, log_loss, reshaped, normalised, picked),
            *(looped, penalised, half),
        )
    },
    "nn log-loss": of_nn(nn.binary_cross_entropy_with_logits),
    "nn mean squared error": of_nn(nn.mean_squared_error),
}


def example(outputs, features, samples, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(outputs, features)),
        rng.normal(size=(outputs, 1)),
        rng.normal(size=(features, samples)),
        rng.uniform(0.1, 0.9, size=(outputs, samples)),
    )


def assert_right_or_refused(derived, cost, arguments):
    """Whether it was right; it may be refused instead."""
    try:
        value, cache = derived.forward(*arguments)
        gradients = derived.backward(*arguments, cache)
    except ValueError as error:
        assert "for which this was derived" in str(error)
        return False
    expected, wanted = al.value_and_grad(cost, (0, 1))(*arguments)
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    for found, right in zip(gradients.values(), wanted, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-8, atol=1e-11)
    return True


REFUSED = {"logarithm", "remainder", "looped", "half"}


@pytest.mark.parametrize(
    ("simplified", "outputs", "features"),
    [
        pytest.param(True, 2, 3, id="sympy"),
        pytest.param(False, 2, 3, id="plain"),
        pytest.param(False, 2, 2, id="plain, as many outputs as features"),
        pytest.param(True, 1, 3, id="sympy, one output", marks=pytest.mark.slow),
        pytest.param(False, 1, 3, id="plain, one output", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", COSTS)
@pytest.mark.one_in(28)
def test_any_number_of_samples(name, simplified, outputs, features, monkeypatch):
    if not simplified:
        monkeypatch.setattr(writing, "available", lambda: False)
    cost = COSTS[name]
    derived = al.derive(cost, *example(outputs, features, 5), wrt=("W", "b"))
    right = [
        assert_right_or_refused(derived, cost, example(outputs, features, n, seed=n))
        for n in (5, 2, 8, 13)
    ]
    assert right[0]
    assert all(right) or name in REFUSED


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", ["shape", "mean_of_squares", "log_loss", "nn log-loss"])
def test_as_many_samples_as_features_or_only_one(name, samples):
    """Where a length cannot be told from another, nothing wrong is given."""
    cost = COSTS[name]
    derived = al.derive(cost, *example(1, 3, samples), wrt=("W", "b"))
    assert assert_right_or_refused(derived, cost, example(1, 3, samples, seed=1))
    for n in (1, 4, 7):
        assert_right_or_refused(derived, cost, example(1, 3, n, seed=n))


def test_samples_as_rows():
    def cost(w, X, y):
        n = len(y)
        error = X @ w - y
        J = np.sum(error**2) / (2 * n)
        return J

    rng = np.random.default_rng(0)
    derived = al.derive(
        cost, rng.normal(size=3), rng.normal(size=(6, 3)), rng.normal(size=6), wrt=0
    )
    for n in (2, 6, 11):
        w, X, y = rng.normal(size=3), rng.normal(size=(n, 3)), rng.normal(size=n)
        value, cache = derived.forward(w, X, y)
        assert np.isclose(value, cost(w, X, y))
        np.testing.assert_allclose(derived.backward(w, X, y, cache)["dw"], al.grad(cost)(w, X, y))
    assert "n = y.shape[0]" in derived.source or "n = X.shape[0]" in derived.source


def test_labels_of_a_softmax():
    def cost(W, X, y):
        Z = W @ X
        P = np.exp(Z) / np.sum(np.exp(Z), axis=0, keepdims=True)
        J = -np.mean(np.log(P[y, np.arange(y.size)]))
        return J

    rng = np.random.default_rng(0)
    derived = al.derive(
        cost, rng.normal(size=(3, 4)), rng.normal(size=(4, 6)), rng.integers(0, 3, 6), wrt="W"
    )
    for n in (2, 6, 9):
        W, X, y = rng.normal(size=(3, 4)), rng.normal(size=(4, n)), rng.integers(0, 3, n)
        value, cache = derived.forward(W, X, y)
        assert np.isclose(value, cost(W, X, y))
        np.testing.assert_allclose(derived.backward(W, X, y, cache)["dW"], al.grad(cost)(W, X, y))


def test_a_number_that_only_equals_the_samples_stays_a_number():
    def cost(w, X):
        J = np.sum((w * X) ** 2) / 5
        return J

    derived = al.derive(cost, np.ones((3, 1)), np.ones((3, 5)), wrt="w")
    assert "N" not in derived.source
    X = np.ones((3, 8))
    value, cache = derived.forward(np.ones((3, 1)), X)
    assert np.isclose(value, 24 / 5)
    np.testing.assert_allclose(derived.backward(np.ones((3, 1)), X, cache)["dw"], 16 / 5)


@pytest.mark.slow
def test_what_belongs_to_the_example_is_checked_by_name():
    derived = al.derive(looped, *example(1, 3, 5), wrt=("W", "b"))
    with pytest.raises(ValueError, match=r"^X\.shape\[1\] must be 5, for which this was derived"):
        derived.forward(*example(1, 3, 6))


def softmax_of_columns(W, b, X, Y):
    Z = np.dot(W, X) + b
    return al.softmax(Z, axis=0)


def cut(W, b, X, Y):
    return (np.dot(W, X) + b)[:, 1:-1][..., ::-1]


def flattened(W, b, X, Y):
    return np.reshape(np.dot(W, X) + b, (-1,)) / X.shape[1], b + Y


MODELS = {**COSTS, "softmax": softmax_of_columns, "cut": cut, "flattened": flattened}
OPERATORS_LACK = {"variance", "picked"}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.one_in(4)
def test_models_for_any_number_of_samples(name):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    W, b, X, Y = example(2, 3, 5)
    function = MODELS[name]
    try:
        model = al.to_onnx(lambda X, Y: function(W, b, X, Y), X, Y)
    except TypeError:
        assert name in OPERATORS_LACK
        return
    session = runtime.InferenceSession(model.SerializeToString())
    shapes = [i.shape for i in session.get_inputs()]
    if name in REFUSED:
        assert shapes[0] == [3, 5]
        return
    assert shapes[0] == [3, "N"]
    for samples in (5, 2 if name != "cut" else 3, 9):
        _, _, X, Y = example(2, 3, samples, seed=samples)
        given = dict(zip([i.name for i in session.get_inputs()], (X, Y), strict=False))
        found = session.run(None, given)
        expected = function(W, b, X, Y)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for one, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-9)


def of_features(W, b, X, Y):
    N = W.shape[1]
    J = np.mean((np.dot(W, X) + b - Y) ** 2) + np.sum(W**2) / N
    return J


def in_turn(W, b, X, Y):
    N = X.shape[1]
    J = np.sum((np.dot(W, X) + b - Y) ** 2) / N / W.shape[0]
    N = W.shape[0]
    return J


def never_more_than(W, b, X, Y):
    return np.sum((np.dot(W, X) + b - Y) ** 2) / min(X.shape[1], 100)


@pytest.mark.parametrize("cost", [of_features, in_turn, never_more_than])
def test_names_that_stand_for_several_lengths(cost):
    derived = al.derive(cost, *example(2, 3, 5), wrt=("W", "b"))
    assert assert_right_or_refused(derived, cost, example(2, 3, 5, seed=1))
    for n in (2, 8, 150):
        assert_right_or_refused(derived, cost, example(2, 3, n, seed=n))


def error_of(W, b, X, Y):
    return np.dot(W, X) + b - Y


def limited(W, b, X, Y):
    return np.sum(error_of(W, b, X, Y) ** 2) / min(X.shape[1], 2**24)


def another_factor_at_50(W, b, X, Y):
    return np.sum(error_of(W, b, X, Y) ** 2) * (2 if X.shape[1] == 50 else 1)


def another_operand(W, b, X, Y):
    A, B = np.tanh(error_of(W, b, X, Y)), np.tanh(2 * error_of(W, b, X, Y))
    return np.sum((A if X.shape[1] > 6 else B) * A * B)


def another_function(W, b, X, Y):
    bound = np.maximum if X.shape[1] > 6 else np.minimum
    return np.sum(bound(error_of(W, b, X, Y), Y) * Y)


def other_dimensions(W, b, X, Y):
    return np.sum(np.sum(error_of(W, b, X, Y) ** 2, axis=(0, 1) if X.shape[1] > 6 else (0,)))


@pytest.mark.parametrize(
    "cost", [limited, another_factor_at_50, another_operand, another_function, other_dimensions]
)
def test_what_another_length_computes_in_another_way_belongs_to_the_example(cost):
    derived = al.derive(cost, *example(2, 3, 5), wrt=("W", "b"))
    arguments = [example(2, 3, n, seed=n) for n in (5, 8, 50)]
    right = [assert_right_or_refused(derived, cost, a) for a in arguments]
    assert right == [True, False, False]


@pytest.mark.parametrize(
    "function",
    [
        lambda X: np.sum(X, axis=0 if X.shape[1] > 6 else (0,)),
        lambda X: X[(slice(0, 2),)] if X.shape[1] > 6 else X[(slice(0, 2), slice(None))],
    ],
    ids=["an axis or a tuple of one", "one index or two"],
)
def test_models_whose_arguments_depend_on_a_length_have_that_of_the_example(function):
    pytest.importorskip("onnx")
    (given,) = al.to_onnx(function, np.ones((3, 5))).graph.input
    assert given.type.tensor_type.shape.dim[1].dim_value == 5


def test_arguments_and_keys_that_are_called_as_a_length_or_as_each_other():
    def mean(w, N):
        return np.mean((w * N) ** 2)

    def keys(p, x):
        return np.sum(p["w"] * x + p["x"])

    derived = al.derive(mean, np.array(1.0), np.arange(6.0), wrt="w")
    for n in (6, 9):
        value, cache = derived.forward(np.array(2.0), np.arange(float(n)))
        assert np.isclose(value, mean(2.0, np.arange(float(n))))
        found = derived.backward(np.array(2.0), np.arange(float(n)), cache)["dw"]
        assert np.isclose(found, al.grad(mean)(2.0, np.arange(float(n))))
    p, x = {"w": np.ones(3), "x": np.full(3, 2.0)}, np.ones(3)
    derived = al.derive(keys, p, x)
    value, cache = derived.forward(p, x)
    assert value == keys(p, x) == 9
    assert [g.tolist() for g in derived.backward(p, x, cache).values()] == [[1] * 3, [1] * 3]


@pytest.mark.parametrize("outputs", [1, 2])
def test_an_example_of_one_sample_is_right_or_refused_for_several(outputs):
    derived = al.derive(mean_of_squares, *example(outputs, 3, 1), wrt=("W", "b"))
    assert assert_right_or_refused(derived, mean_of_squares, example(outputs, 3, 1, seed=1))
    assert_right_or_refused(derived, mean_of_squares, example(outputs, 3, 4, seed=1))


def test_whole_numbers_among_the_arguments_are_checked():
    derived = al.derive(lambda w, n: np.sum(w * w) / n, np.ones(3), 5)
    assert derived.forward(np.ones(3), 5)[0] == 0.6
    with pytest.raises(ValueError, match="n must be 5, for which this was derived"):
        derived.forward(np.ones(3), 6)


@pytest.mark.parametrize(
    ("values", "is_same"),
    [
        *(([3, 3, 3], True), ([0.5, 0.5], True), ([np.nan, np.nan], True), (["a", "a"], True)),
        *(([np.nan, 1.0], False), ([1.0, np.nan], False), ([1.0, 2.0], False), (["a", "b"], False)),
        *(([True, True], True), ([True, False], False)),
    ],
)
def test_a_value_that_no_length_explains_is_the_same_in_all_traces(values, is_same):
    if is_same:
        np.testing.assert_equal(fitted(values, []), values[0])
    else:
        with pytest.raises(Fixed):
            fitted(values, [])
