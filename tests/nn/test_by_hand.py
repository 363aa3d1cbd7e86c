"""nn.by_hand: its values against exact ones, its gradients against complex-step derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn import by_hand
from nn.data import load_data

DEPTHS = [
    [4, 1],
    [4, 3, 1],
    [2, 7, 3, 1],
    [5, 1, 6, 2, 1],
    [3, 4, 5, 2, 6, 1],
    [6, 5, 4, 3, 2, 2, 1],
]
SAMPLES = 9

Parameters = dict[str, np.ndarray]


def problem(n_units: list[int], seed: int = 0) -> tuple[np.ndarray, Parameters, np.ndarray]:
    """Inputs, parameters with which every layer is partly alive, and labels."""
    rng = np.random.default_rng(seed)
    parameters = by_hand.initialize_parameters(n_units, rng)
    for name, parameter in parameters.items():
        spread = rng.standard_normal(parameter.shape) / np.sqrt(parameter.shape[1])
        parameters[name] = spread if name.startswith("W") else 0.3 * spread + 0.5
    X = rng.standard_normal((n_units[0], SAMPLES))
    Y = (rng.random((1, SAMPLES)) < 0.5).astype(float)
    return X, parameters, Y


def complex_cost(X: np.ndarray, parameters: Mapping[str, np.ndarray], Y: np.ndarray) -> Any:
    """The mean cross-entropy, written apart from the module and analytic in the parameters."""
    A: Any = X
    for layer in range(1, len(parameters) // 2):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
        A = np.where(Z.real >= 0, Z, 0)
    last = len(parameters) // 2
    Z = parameters[f"W{last}"] @ A + parameters[f"b{last}"]
    return np.mean(np.log(1 + np.exp(Z)) - Y * Z)


def complex_step(cost: Callable[[Parameters], Any], parameters: Parameters) -> Parameters:
    """Derivatives that are exact to rounding: Im f(x + ih) / h, with no difference taken."""
    step = 1e-30
    derivatives = {}
    for name, parameter in parameters.items():
        derivative = np.empty(parameter.shape)
        for index in np.ndindex(parameter.shape):
            moved = parameter.astype(complex)
            moved[index] += 1j * step
            derivative[index] = cost(parameters | {name: moved}).imag / step
        derivatives["d" + name] = derivative
    return derivatives


def assert_agree(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    for name, derivative in expected.items():
        assert found[name].shape == derivative.shape, name
        scale = np.abs(derivative).max()
        np.testing.assert_allclose(found[name], derivative, rtol=0, atol=1e-12 * scale)


# The functions.


def test_sigmoid_is_exact_over_the_whole_range() -> None:
    z = np.array([0.0, 1, -1, 37, -37, -700, 1e308, -1e308, np.inf, -np.inf])
    expected = [0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.e), 1, np.exp(-37), np.exp(-700), 1, 0, 1, 0]
    np.testing.assert_allclose(by_hand.sigmoid(z), expected, rtol=1e-15)
    assert np.isnan(by_hand.sigmoid(np.nan))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes_are_kept(dtype: str) -> None:
    z = np.array([-1e4, -1, 0, 1, 1e4], dtype=dtype)
    assert by_hand.sigmoid(z).dtype == dtype
    assert by_hand.relu(z).dtype == dtype
    assert by_hand.cross_entropy_loss(by_hand.sigmoid(z), np.ones(5, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", ["i1", "i8", "u1", "?"])
def test_sigmoid_of_integers_does_not_wrap(dtype: str) -> None:
    info = np.array([0, 1]) if dtype == "?" else np.iinfo(dtype)
    z = np.array([0, 1] if dtype == "?" else [info.min, 1, info.max], dtype=dtype)
    np.testing.assert_array_equal(by_hand.sigmoid(z), by_hand.sigmoid(z.astype(float)))


@pytest.mark.parametrize("shape", [(), (0,), (1, 0), (3, 1), (2, 3)])
def test_functions_of_any_shape(shape: tuple[int, ...]) -> None:
    z = np.zeros(shape)
    np.testing.assert_array_equal(by_hand.sigmoid(z), np.full(shape, 0.5))
    np.testing.assert_array_equal(by_hand.relu(z - 1), z)
    loss = by_hand.cross_entropy_loss(by_hand.sigmoid(z), z)
    np.testing.assert_allclose(loss, np.full(shape, np.log(2)), rtol=1e-15)


def test_relu() -> None:
    np.testing.assert_array_equal(by_hand.relu([-2.0, -0.0, 0.0, 3.0]), [0, 0, 0, 3])


def test_the_branches_of_the_loss_are_the_right_way_round() -> None:
    loss = by_hand.cross_entropy_loss(np.array([[0.9, 0.9]]), np.array([[1, 0]]))
    np.testing.assert_allclose(loss, [[-np.log(0.9), -np.log(0.1)]], rtol=1e-15)
    assert by_hand.cross_entropy_loss(0.25, 1) == -np.log(0.25)


@pytest.mark.parametrize("dtype", [float, np.float32, int, np.uint8, bool])
def test_the_loss_is_exact_where_predictions_are_certain(dtype: type) -> None:
    y_hat, y = np.array([1.0, 0.0, 0.0, 1.0]), np.array([1, 0, 1, 0], dtype=dtype)
    loss = by_hand.cross_entropy_loss(y_hat, y)
    np.testing.assert_array_equal(loss, [0, 0, np.inf, np.inf])
    assert not np.signbit(loss).any()


def test_the_loss_keeps_the_digits_of_tiny_predictions() -> None:
    tiny = np.array([1e-300, 1e-20])
    np.testing.assert_array_equal(by_hand.cross_entropy_loss(tiny, np.zeros(2)), tiny)
    np.testing.assert_allclose(
        by_hand.cross_entropy_loss(tiny, np.ones(2)), [300 * np.log(10), 20 * np.log(10)]
    )


def test_soft_labels() -> None:
    y_hat, y = np.array([0.2, 0.7, 0.0, 1.0, 0.0]), np.array([0.5, 0.3, 0.5, 0.5, 0.0])
    expected = [-0.5 * np.log(0.16), -0.3 * np.log(0.7) - 0.7 * np.log(0.3), np.inf, np.inf, 0]
    np.testing.assert_allclose(by_hand.cross_entropy_loss(y_hat, y), expected, rtol=1e-15)


def test_what_is_no_probability_is_not_hidden() -> None:
    assert np.isnan(by_hand.cross_entropy_loss(np.nan, 1))
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(by_hand.cross_entropy_loss(1.5, 0))


def test_the_loss_does_not_broadcast_a_row_against_a_column() -> None:
    with pytest.raises(ValueError, match=r"y_hat has shape \(1, 4\) and y has \(4,\), expected"):
        by_hand.cross_entropy_loss(np.full((1, 4), 0.5), np.zeros(4))


# Gradients.


def test_logistic_regression_against_complex_steps() -> None:
    X, parameters, Y = problem([4, 1])
    W, b = parameters["W1"], parameters["b1"]
    cost, cache = by_hand.forward_logistic_regression(W, b, X, Y)
    gradients = by_hand.backward_logistic_regression(cache)
    assert cost == pytest.approx(complex_cost(X, parameters, Y), rel=1e-13)
    expected = complex_step(lambda p: complex_cost(X, p, Y), parameters)
    assert set(gradients) == {"dZ", "dW", "db"}
    assert_agree(gradients, {"dW": expected["dW1"], "db": expected["db1"]})
    identity = {"W1": np.eye(1), "b1": np.zeros((1, 1))}
    moves_Z = complex_step(lambda p: complex_cost(p["Z"], identity, Y), {"Z": W @ X + b})
    assert_agree(gradients, {"dZ": moves_Z["dZ"]})


def test_one_hidden_layer_against_complex_steps() -> None:
    X, parameters, Y = problem([4, 3, 1])
    cost, cache = by_hand.forward_one_hidden_layer(**parameters, X=X, Y=Y)
    gradients = by_hand.backward_one_hidden_layer(cache)
    assert cost == pytest.approx(complex_cost(X, parameters, Y), rel=1e-13)
    assert set(gradients) == {"dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"}
    assert_agree(gradients, complex_step(lambda p: complex_cost(X, p, Y), parameters))
    upper = {"W1": parameters["W2"], "b1": parameters["b2"]}
    assert_agree(
        gradients, complex_step(lambda p: complex_cost(p["A1"], upper, Y), {"A1": cache.A1})
    )
    np.testing.assert_array_equal(gradients["dZ1"], gradients["dA1"] * (cache.Z1 >= 0))
    # The article's convention: dZ of the summed cost, and a division by N in dW and db.
    article_dZ2 = cache.A2 - Y
    np.testing.assert_allclose(gradients["dZ2"] * SAMPLES, article_dZ2, rtol=1e-14)
    np.testing.assert_allclose(
        gradients["db2"], np.dot(article_dZ2, np.ones((SAMPLES, 1))) / SAMPLES, rtol=1e-13
    )


@pytest.mark.parametrize("n_units", DEPTHS, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_any_depth_against_complex_steps(n_units: list[int], seed: int) -> None:
    X, parameters, Y = problem(n_units, seed)
    cost, gradients = by_hand.propagate(X, parameters, Y)
    assert cost == pytest.approx(complex_cost(X, parameters, Y), rel=1e-13)
    assert set(gradients) == {"d" + name for name in parameters}
    assert any(gradients["dW1"].ravel())
    assert_agree(gradients, complex_step(lambda p: complex_cost(X, p, Y), parameters))


@pytest.mark.parametrize("n_units", DEPTHS, ids=str)
def test_any_depth_against_central_differences_of_its_own_cost(n_units: list[int]) -> None:
    X, parameters, Y = problem(n_units)
    _, gradients = by_hand.propagate(X, parameters, Y)
    step = 1e-6
    for name, parameter in parameters.items():
        ends = []
        for sign in (1, -1):
            moved = parameter.copy()
            moved[-1, -1] += sign * step
            ends.append(by_hand.propagate(X, parameters | {name: moved}, Y)[0])
        expected = (ends[0] - ends[1]) / (2 * step)
        assert gradients["d" + name][-1, -1] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_fixed_depths_agree_with_the_general_one() -> None:
    X, parameters, Y = problem([4, 3, 1])
    cost, cache = by_hand.forward_one_hidden_layer(**parameters, X=X, Y=Y)
    general_cost, general = by_hand.propagate(X, parameters, Y)
    assert cost == general_cost
    assert_agree(by_hand.backward_one_hidden_layer(cache), general)


def test_soft_labels_one_sample_and_views() -> None:
    X, parameters, Y = problem([4, 3, 2, 1])
    for X_, Y_ in ((X[:, :1], Y[:, :1]), (X, Y * 0.3 + 0.2), (X[:, ::-2], Y[:, ::2])):
        _, gradients = by_hand.propagate(np.asfortranarray(X_), parameters, Y_)
        assert_agree(
            gradients, complex_step(lambda p, X=X_, Y=Y_: complex_cost(X, p, Y), parameters)
        )


@pytest.mark.parametrize("labels", [int, np.uint8, bool, np.float32])
def test_labels_of_any_dtype(labels: type) -> None:
    X, parameters, Y = problem([4, 3, 1])
    expected = by_hand.propagate(X, parameters, Y)
    cost, gradients = by_hand.propagate(X, parameters, Y.astype(labels))
    assert cost == expected[0]
    assert_agree(gradients, expected[1])


def test_relus_derivative_at_zero_is_one() -> None:
    X, Y = np.zeros((1, 1)), np.ones((1, 1))
    W1, W2, zero = np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1))
    parameters = {"W1": W1, "b1": zero, "W2": W2, "b2": zero}
    _, cache = by_hand.forward_one_hidden_layer(**parameters, X=X, Y=Y)
    assert by_hand.backward_one_hidden_layer(cache)["db1"] == -0.5
    assert by_hand.propagate(X, parameters, Y)[1]["db1"] == -0.5


def test_nothing_that_is_passed_in_is_changed() -> None:
    X, parameters, Y = problem([4, 3, 2, 1])
    for array in (X, Y, *parameters.values()):
        array.flags.writeable = False
    by_hand.propagate(X, parameters, Y)
    two = problem([4, 3, 1])[1]
    _, cache = by_hand.forward_one_hidden_layer(**two, X=X, Y=Y)
    copies = [array.copy() for array in cache]
    by_hand.backward_one_hidden_layer(cache)
    for array, copy in zip(cache, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_float32_throughout() -> None:
    X, parameters, Y = problem([4, 3, 2, 1])
    single = {name: parameter.astype(np.float32) for name, parameter in parameters.items()}
    cost, gradients = by_hand.propagate(X.astype(np.float32), single, Y.astype(np.float32))
    assert {a.dtype for a in (cost, *gradients.values())} == {np.dtype(np.float32)}


def test_the_cost_of_certain_predictions() -> None:
    X, b = np.array([[1.0, -1.0]]), np.zeros((1, 1))
    right, wrong = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    cost, cache = by_hand.forward_logistic_regression(np.array([[1e4]]), b, X, right)
    assert cost == 0
    assert not any(map(np.any, by_hand.backward_logistic_regression(cache).values()))
    cost, cache = by_hand.forward_logistic_regression(np.array([[1e4]]), b, X, wrong)
    assert cost == np.inf
    assert by_hand.backward_logistic_regression(cache)["dW"] == 1


# Shapes that disagree.


@pytest.mark.parametrize(
    ("name", "shape", "match"),
    [
        ("X", (4,), r"X has shape \(4,\), expected \(features, samples\)"),
        ("X", (4, 0), r"X has shape \(4, 0\), expected .* samples at least 1"),
        ("X", (5, SAMPLES), r"W1 has shape \(3, 4\), expected \(units, 5\).*the features of X"),
        ("Y", (SAMPLES,), r"Y has shape \(9,\), expected \(1, 9\): one label for each of the 9"),
        ("Y", (SAMPLES, 1), r"Y has shape \(9, 1\), expected \(1, 9\)"),
        ("Y", (1, 1), r"Y has shape \(1, 1\), expected \(1, 9\)"),
        ("W1", (4, 3), r"W1 has shape \(4, 3\), expected \(units, 4\)"),
        ("W1", (4,), r"W1 has shape \(4,\), expected \(units, 4\)"),
        ("b1", (3,), r"b1 has shape \(3,\), expected \(3, 1\): one for each row of W1"),
        ("b1", (1, 1), r"b1 has shape \(1, 1\), expected \(3, 1\)"),
        ("W2", (3, 1), r"W2 has shape \(3, 1\), expected \(units, 3\).*the units of W1"),
        ("W2", (2, 3), r"b2 has shape \(1, 1\), expected \(2, 1\)"),
    ],
)
def test_the_array_whose_shape_disagrees_is_named(
    name: str, shape: tuple[int, ...], match: str
) -> None:
    X, parameters, Y = problem([4, 3, 1])
    arrays = parameters | {"X": X, "Y": Y, name: np.zeros(shape)}
    with pytest.raises(ValueError, match=match):
        by_hand.forward_one_hidden_layer(**arrays)
    with pytest.raises(ValueError, match=match):
        by_hand.propagate(arrays.pop("X"), Y=arrays.pop("Y"), parameters=arrays)


def test_logistic_regression_names_its_own_arrays() -> None:
    X, Y = np.zeros((4, 2)), np.zeros((1, 2))
    with pytest.raises(ValueError, match=r"^W has shape \(4, 1\), expected \(units, 4\)"):
        by_hand.forward_logistic_regression(np.zeros((4, 1)), np.zeros((1, 1)), X, Y)
    with pytest.raises(ValueError, match=r"^W has shape \(2, 4\), expected one row"):
        by_hand.forward_logistic_regression(np.zeros((2, 4)), np.zeros((2, 1)), X, Y)


@pytest.mark.parametrize("names", [[], ["W1"], ["W1", "b2"], ["W2", "b2"], ["W1", "b1", "extra"]])
def test_parameters_have_to_be_complete(names: list[str]) -> None:
    parameters = {name: np.zeros((1, 1)) for name in names}
    with pytest.raises(ValueError, match="parameters are named .*, expected 'W1', 'b1', 'W2'"):
        by_hand.propagate(np.zeros((1, 1)), parameters, np.zeros((1, 1)))


# Initialisation and the update.


def test_initial_parameters() -> None:
    parameters = by_hand.initialize_parameters([200, 30, 1], rng=7)
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    assert shapes == {"W1": (30, 200), "b1": (30, 1), "W2": (1, 30), "b2": (1, 1)}
    W1 = parameters["W1"]
    assert 0 <= W1.min() < 0.0001 < 0.0099 < W1.max() < 0.01
    assert not parameters["b1"].any()
    again = by_hand.initialize_parameters((200, 30, 1), np.random.default_rng(7))
    np.testing.assert_array_equal(again["W2"], parameters["W2"])
    wide = by_hand.initialize_parameters([200, 30, 1], 7, scale=1)
    np.testing.assert_allclose(wide["W1"] * 0.01, W1, rtol=1e-15)


@pytest.mark.parametrize("n_units", [[], [4], [4, 0, 1], [-1, 1]])
def test_layers_need_units(n_units: list[int]) -> None:
    with pytest.raises(ValueError, match=r"n_units is \["):
        by_hand.initialize_parameters(n_units)


@pytest.mark.parametrize("rate", [0.5, np.float64(0.5), 1])
def test_an_update_is_in_place_and_keeps_dtypes(rate: Any) -> None:
    W, b = np.ones((1, 2), np.float32), np.zeros((1, 1))
    parameters = {"W": W, "b": b}
    gradients = {"dZ": np.ones(3), "dW": np.ones((1, 2)), "db": np.full((1, 1), 4.0)}
    assert by_hand.update_parameters(parameters, gradients, rate) is parameters
    assert parameters["W"] is W
    assert (W.dtype, b.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(W, np.full((1, 2), 1 - rate))
    np.testing.assert_array_equal(b, [[-4 * rate]])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"db": None}, "gradients has no 'db', expected one for each parameter"),
        ({"db": np.ones((1, 2))}, r"db has shape \(1, 2\), expected \(1, 1\), the shape of b"),
        ({"b": np.ones((1, 1), int)}, "b is of type int64, expected floats"),
    ],
)
def test_an_update_that_does_not_fit_changes_nothing(changes: Any, match: str) -> None:
    arrays = {"W": np.ones((1, 2)), "b": np.ones((1, 1))}
    arrays |= {"dW": np.ones((1, 2)), "db": np.ones((1, 1))} | changes
    gradients = {n: arrays.pop(n) for n in ("dW", "db") if arrays[n] is not None}
    parameters = {n: arrays[n] for n in ("W", "b")}
    with pytest.raises(ValueError, match=match):
        by_hand.update_parameters(parameters, gradients, 0.1)
    np.testing.assert_array_equal(parameters["W"], np.ones((1, 2)))


def test_training_learns_what_can_be_learned() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2, 200))
    Y = (X[:1] * X[1:] > 0).astype(float)
    parameters: Mapping[str, np.ndarray] = by_hand.initialize_parameters([2, 16, 8, 1], 0, scale=1)
    parameters = {n: p - 0.5 if n.startswith("W") else p for n, p in parameters.items()}
    costs = []
    for _ in range(2000):
        cost, gradients = by_hand.propagate(X, parameters, Y)
        parameters = by_hand.update_parameters(parameters, gradients, 0.5)
        costs.append(cost)
    assert costs[0] > 0.6
    assert costs[-1] < 0.1


@pytest.mark.parametrize("steps", [501, pytest.param(2000, marks=pytest.mark.slow)])
def test_logistic_regression_on_the_cats_gives_the_published_costs(
    cat_files: list[Path], steps: int
) -> None:
    train_X, train_Y, test_X, test_Y, _ = load_data(*cat_files)
    parameters = {"W": np.zeros((1, train_X.shape[0])), "b": np.zeros((1, 1))}
    costs = []
    for _ in range(steps):
        cost, cache = by_hand.forward_logistic_regression(**parameters, X=train_X, Y=train_Y)
        gradients = by_hand.backward_logistic_regression(cache)
        by_hand.update_parameters(parameters, gradients, 0.005)
        costs.append(cost)
    published = {0: 0.693147, 500: 0.303273, 1000: 0.214820, 1500: 0.166521, 1900: 0.140872}
    done = {i: cost for i, cost in published.items() if i < steps}
    assert {i: round(float(costs[i]), 6) for i in done} == done
    if steps < 2000:
        return
    accuracies = [
        100 * np.mean((by_hand.sigmoid(parameters["W"] @ X + parameters["b"]) > 0.5) == Y)
        for X, Y in ((train_X, train_Y), (test_X, test_Y))
    ]
    assert accuracies == pytest.approx([99.043062, 70.0], abs=1e-6)
