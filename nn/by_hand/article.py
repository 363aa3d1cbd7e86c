"""The forward and backward passes of the article, derived by hand in plain NumPy, corrected.

Conventions, as in the article (Keon Yong Lee, "Deep Learning by Andrew Ng, Course 1"): a column is
a sample, `X` is (n, N), `Y` is (1, N), `W` is (units, units before), `b` is (units, 1), and
`Z = W X + b`; hidden layers are ReLU, the output is one sigmoid unit, and the cost is the mean of
the cross-entropy. ReLU's derivative at exactly 0 is 1 (the mask is `Z >= 0`).

**One convention differs.** Every gradient here is the true gradient of the mean cost:
`dZ = (A - Y) / N` for the output layer, and nothing is divided by N after that. The article has
`dZ = A - Y`, the gradient of the summed cost, propagates it to the layers below, and divides by N
in each `dW` and `db`. Both give the same `dW` and `db`; the article's `dZ` and `dA` are N times
ours.

Each docstring names the mistakes in the article's listing, and the corrections. The listings as a
whole have more: the training loop calls `propagate(X, parameters, Y, L)`, but the loaded arrays are
`train_X` and `train_Y`, and `X` and `Y` are not defined; `load_data()` is called with no files and
is not shown (see `nn.load_data`); `N`, used from the first vectorised listing on, is not defined
before the last one; the example of `flatten` goes from (209, 64, 64, 3), the training set, to
(12288, 50), the flattened test set, where (12288, 209) is right; and the definition of the log loss
has only the case y = 1 (the other is `-log(1 - y_hat)` if y = 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..contracts import Array

__all__ = [
    "backward_logistic_regression",
    "backward_one_hidden_layer",
    "cross_entropy_loss",
    "forward_logistic_regression",
    "forward_one_hidden_layer",
    "initialize_parameters",
    "propagate",
    "relu",
    "sigmoid",
    "update_parameters",
]

Gradients = dict[str, Array]


class LogisticRegressionCache(NamedTuple):
    """The values of the forward pass that the backward pass of logistic regression needs."""

    X: Array
    A: Array
    Y: Array


class OneHiddenLayerCache(NamedTuple):
    """The values of the forward pass that the backward pass of one hidden layer needs."""

    X: Array
    Z1: Array
    A1: Array
    W2: Array
    A2: Array
    Y: Array


def sigmoid(z: ArrayLike) -> Array:
    """1 / (1 + exp(-z)) of any shape, accurate and without overflow at any finite z.

    It keeps floating dtypes; integers become float64.

    In the article: `1 / (1 + np.exp(-z))`, which is right in exact arithmetic, but overflows with
    a warning at z < -709 (float64). Here the exponent is never positive.

    Parameters
    ----------
    z : array_like
        Numbers.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.by_hand.sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    z = _as_floats(z)
    e = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1, e) / (1 + e)
    return result


def relu(z: ArrayLike) -> Array:
    """max(0, z) of any shape and in the dtype of z.

    Parameters
    ----------
    z : array_like
        Numbers.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.by_hand.relu([-1.0, 2.0])
    array([0., 2.])
    """
    result: Array = np.maximum(z, 0)
    return result


def cross_entropy_loss(y_hat: ArrayLike, y: ArrayLike) -> Array:
    """-(y log(y_hat) + (1 - y) log(1 - y_hat)), for each sample.

    Labels may be soft. Nothing is clamped: a right and certain prediction costs exactly 0, a wrong
    and certain one inf, without a warning. log(1 - y_hat) is accurate for tiny y_hat too.

    In the article the two branches are exchanged: it returns `-log(y_hat)` if y == 0. By its own
    formula, `-log(y_hat)` is right where y = 1, and `-log(1 - y_hat)` where y = 0. Moreover
    `if y == 0` raises for the row of labels that a later listing passes ("truth value of an array
    is ambiguous"), and that listing passes `y_hat`, a single sample's or undefined, instead of
    `Y_hat`.

    Parameters
    ----------
    y_hat, y : array_like
        Predictions and labels in [0, 1], of the same shape, or one of them a scalar.

    Returns
    -------
    ndarray
        A loss for each sample.

    Raises
    ------
    ValueError
        Where the shapes differ: (1, N) against (N,) would broadcast to (N, N).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.by_hand.cross_entropy_loss([1.0, 0.5], [1.0, 1.0]).round(3)
    array([0.   , 0.693])
    """
    y_hat, y = _as_floats(y_hat), np.asarray(y)
    if y_hat.shape != y.shape and y_hat.ndim and y.ndim:
        raise ValueError(f"y_hat has shape {y_hat.shape} and y has {y.shape}, expected the same")
    if y_hat.shape != y.shape:
        y_hat, y = np.broadcast_arrays(y_hat, y)
    # A logarithm is taken only where its factor is not 0: elsewhere it could be 0 times inf.
    loss = np.zeros(y.shape, np.result_type(y_hat, y))
    other = np.zeros_like(loss)
    with np.errstate(divide="ignore"):
        np.log(y_hat, out=loss, where=y != 0)
        np.log1p(-y_hat, out=other, where=y != 1)
    loss *= y
    other *= 1 - y
    loss += other
    # -loss would give -0.0 for a perfect prediction.
    result: Array = np.subtract(0, loss)
    return result


def forward_logistic_regression(
    W: Array, b: Array, X: Array, Y: Array
) -> tuple[np.floating[Any], LogisticRegressionCache]:
    """The cost of logistic regression, and the cache for its backward pass.

    The cost is inf if a wrong prediction is exactly 0 or 1 (from about `|z| = 37` on in float64);
    the losses of `nn` on logits stay finite.

    In the article: `neuron` computes `np.dot(np.transpose(W), x) + b` with W of shape (n, 1), but
    the update subtracts `dW = np.dot(dz, x.T)`, which is (1, n), and
    `initialize_parameters_logistic_regression` makes W (1, n), whose transpose cannot be multiplied
    by X. W of shape (1, n) and `np.dot(W, X) + b` are right, as in all later listings.

    Parameters
    ----------
    W : ndarray of shape (1, n)
        The weights.
    b : ndarray of shape (1, 1)
        The bias.
    X : ndarray of shape (n, N)
        A column per sample.
    Y : ndarray of shape (1, N)
        Labels from 0 to 1.

    Returns
    -------
    cost : float
    cache : LogisticRegressionCache

    Raises
    ------
    ValueError
        Where a shape does not match; the message names the array.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, b = np.zeros((1, 2)), np.zeros((1, 1))
    >>> X, Y = np.ones((2, 4)), np.array([[0.0, 1.0, 1.0, 1.0]])
    >>> cost, cache = nn.by_hand.forward_logistic_regression(W, b, X, Y)
    >>> nn.by_hand.backward_logistic_regression(cache)["dW"]
    array([[-0.25, -0.25]])
    """
    _check_shapes([(W, b)], X, Y, names=[("W", "b")])
    A = sigmoid(_affine(W, X, b))
    return _cost(A, Y), LogisticRegressionCache(X, A, Y)


def backward_logistic_regression(cache: LogisticRegressionCache) -> Gradients:
    """dZ (1, N), dW (1, n) and db (1, 1): the gradients of the mean cost.

    In the article dZ is N times this one (see the docstring of the module); its dW and db are
    right. With a single sample it has `db = dz`, the same array under two names: a change to one
    changes both.

    Parameters
    ----------
    cache : LogisticRegressionCache
        The cache from `forward_logistic_regression`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, b = np.zeros((1, 2)), np.zeros((1, 1))
    >>> X, Y = np.ones((2, 4)), np.array([[0.0, 1.0, 1.0, 1.0]])
    >>> cost, cache = nn.by_hand.forward_logistic_regression(W, b, X, Y)
    >>> nn.by_hand.backward_logistic_regression(cache)["db"]
    array([[-0.25]])
    """
    X, A, Y = cache
    dZ = _output_dZ(A, Y)
    return {"dZ": dZ, "dW": np.dot(dZ, X.T), "db": _sum_samples(dZ)}


def forward_one_hidden_layer(
    W1: Array, b1: Array, W2: Array, b2: Array, X: Array, Y: Array
) -> tuple[np.floating[Any], OneHiddenLayerCache]:
    """The cost of a net with one hidden layer of ReLU units, and the cache for its backward pass.

    In the article the listing ends with `y_hat = A2` and computes no cost (the vectorised cost
    needs the name `Y_hat`).

    Parameters
    ----------
    W1, W2 : ndarray of shape (n1, n) and (1, n1)
        The weights of both layers.
    b1, b2 : ndarray of shape (n1, 1) and (1, 1)
        The biases of both layers.
    X : ndarray of shape (n, N)
        A column per sample.
    Y : ndarray of shape (1, N)
        Labels from 0 to 1.

    Returns
    -------
    cost : float
    cache : OneHiddenLayerCache

    Raises
    ------
    ValueError
        Where a shape does not match; the message names the array.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> weights = nn.by_hand.initialize_parameters([2, 3, 1], rng=0)
    >>> X, Y = np.ones((2, 4)), np.array([[0.0, 1.0, 1.0, 1.0]])
    >>> cost, cache = nn.by_hand.forward_one_hidden_layer(*weights.values(), X, Y)
    >>> round(float(cost), 2)
    0.69
    """
    _check_shapes([(W1, b1), (W2, b2)], X, Y)
    Z1 = _affine(W1, X, b1)
    A1 = relu(Z1)
    A2 = sigmoid(_affine(W2, A1, b2))
    return _cost(A2, Y), OneHiddenLayerCache(X, Z1, A1, W2, A2, Y)


def backward_one_hidden_layer(cache: OneHiddenLayerCache) -> Gradients:
    """dZ2, dW2, db2, dA1, dZ1, dW1 and db1: the gradients of the mean cost.

    In the article: `np.ones(N, 1)` (twice) takes the 1 for a dtype and raises; `np.ones((N, 1))` is
    right. A sum over the samples equals that product. Its dZ2, dA1 and dZ1 are N times these (see
    the docstring of the module).

    Parameters
    ----------
    cache : OneHiddenLayerCache
        The cache from `forward_one_hidden_layer`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> weights = nn.by_hand.initialize_parameters([2, 3, 1], rng=0)
    >>> X, Y = np.ones((2, 4)), np.array([[0.0, 1.0, 1.0, 1.0]])
    >>> cost, cache = nn.by_hand.forward_one_hidden_layer(*weights.values(), X, Y)
    >>> list(nn.by_hand.backward_one_hidden_layer(cache))
    ['dZ2', 'dW2', 'db2', 'dA1', 'dZ1', 'dW1', 'db1']
    """
    X, Z1, A1, W2, A2, Y = cache
    dZ2 = _output_dZ(A2, Y)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (Z1 >= 0)
    return {
        "dZ2": dZ2,
        "dW2": np.dot(dZ2, A1.T),
        "db2": _sum_samples(dZ2),
        "dA1": dA1,
        "dZ1": dZ1,
        "dW1": np.dot(dZ1, X.T),
        "db1": _sum_samples(dZ1),
    }


def initialize_parameters(
    n_units: Sequence[int], rng: np.random.Generator | int | None = None, scale: float = 0.01
) -> dict[str, Array]:
    """Initial W1, b1, W2, b2, ... in float64 for layers of `n_units`, the first for the input.

    Weights are uniform in [0, scale), biases are 0. `[n, 1]` is logistic regression, `[n, n1, 1]`
    one hidden layer. The default scale is the article's, not a recommendation: deep nets hardly
    learn with it.

    In the article, in all three functions that initialise: `np.zeros(n, 1)` takes the 1 for a dtype
    and raises; `np.zeros((n, 1))` is right. The two functions for fixed depths read `n_units`,
    which is not one of their arguments.

    Parameters
    ----------
    n_units : sequence of int
        The number of units of each layer.
    rng : int or numpy.random.Generator, optional
        The source of the random numbers, or its seed.
    scale : float
        The upper bound of the weights.

    Returns
    -------
    dict of str to ndarray
        Wl is (units, units before), bl (units, 1).

    Raises
    ------
    ValueError
        For fewer than two layers or for one without units.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> parameters = nn.by_hand.initialize_parameters([2, 3, 1], rng=0)
    >>> {name: array.shape for name, array in parameters.items()}
    {'W1': (3, 2), 'b1': (3, 1), 'W2': (1, 3), 'b2': (1, 1)}
    """
    if len(n_units) < 2 or min(n_units) < 1:
        raise ValueError(
            f"n_units is {list(n_units)}, expected the inputs and then the units of each layer,"
            " all at least 1"
        )
    rng = np.random.default_rng(rng)
    parameters: dict[str, Array] = {}
    for layer, (before, units) in enumerate(zip(n_units, n_units[1:], strict=False), start=1):
        parameters[f"W{layer}"] = rng.random((units, before)) * scale
        parameters[f"b{layer}"] = np.zeros((units, 1))
    return parameters


def propagate(
    X: Array, parameters: Mapping[str, Array], Y: Array
) -> tuple[np.floating[Any], Gradients]:
    """The cost of a net of any depth, and its gradients dW1, db1, dW2, db2, ...

    In the article's listing:

    - the ReLU mask is missing, and `dZ` of the hidden layers is never computed (its loop reads
      `dZ[l+1]`, a KeyError from the second hidden layer from the end on);
      `dZ[l] = dA[l] * (Z[l] >= 0)` is right;
    - the loop's indices are off by one: it stores `np.dot(dZ[l+1], A[l].T)`, which is dW of layer
      l+1, as dW of layer l; `np.dot(dZ[l], A[l-1].T)` is right; and db likewise;
    - db is transposed: `np.dot(dZ.T, np.ones(N, 1))` has shapes that do not match, and
      `np.ones(N, 1)` raises before that; `np.dot(dZ, np.ones((N, 1)))` is right;
    - `dA` is assigned to but never created;
    - the cost is not computed, so that it cannot be watched;
    - both lines of the forward pass have a parenthesis too many, and expressions continue in the
      next line (`... +`, `/ N`) without parentheses around them: a SyntaxError.

    The number of layers L, an argument in the article, is known from the parameters here.

    Parameters
    ----------
    X : ndarray of shape (n, N)
        A column per sample.
    parameters : mapping of str to ndarray
        Parameters with the names and shapes of `initialize_parameters`.
    Y : ndarray of shape (1, N)
        Labels from 0 to 1.

    Returns
    -------
    cost : float
    gradients : dict of str to ndarray
        dW1, db1, dW2, db2, ...

    Raises
    ------
    ValueError
        Where a parameter is missing, or a shape does not match; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> parameters = nn.by_hand.initialize_parameters([2, 3, 1], rng=0)
    >>> X, Y = np.ones((2, 4)), np.array([[0.0, 1.0, 1.0, 1.0]])
    >>> cost, gradients = nn.by_hand.propagate(X, parameters, Y)
    >>> list(gradients)
    ['dW2', 'db2', 'dW1', 'db1']
    """
    layers, names = _layers(parameters)
    _check_shapes(layers, X, Y, names)
    Zs, As = _forward(X, layers)
    return _cost(As[-1], Y), _backward(Zs, As, layers, Y)


def update_parameters(
    parameters: Mapping[str, Array], gradients: Mapping[str, Array], learning_rate: float
) -> Mapping[str, Array]:
    """One step of gradient descent, in place: `W -= learning_rate * dW` for every parameter.

    The gradient of `name` is `gradients["d" + name]`; other gradients are ignored. Every array
    keeps its dtype.

    In the article: expressions continue in the next line (`... *`) without parentheses around them,
    a SyntaxError; and for logistic regression dW (1, n) is subtracted from W (n, 1), which raises.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        The parameters, changed in place.
    gradients : mapping of str to ndarray
        The gradients dW1, db1, ...
    learning_rate : float
        The learning rate.

    Returns
    -------
    mapping
        `parameters`.

    Raises
    ------
    ValueError
        Where a gradient is missing or has another shape, and where parameters are not floats; no
        parameter is changed then.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> parameters = {"W1": np.array([[1.0]])}
    >>> nn.by_hand.update_parameters(parameters, {"dW1": np.array([[2.0]])}, 0.25)
    {'W1': array([[0.5]])}
    """
    for name, parameter in parameters.items():
        _check_update(name, parameter, gradients.get("d" + name))
    # A NumPy float64 would convert a float32 gradient to float64.
    rate = float(learning_rate)
    for name, parameter in parameters.items():
        parameter -= rate * gradients["d" + name]
    return parameters


def _forward(X: Array, layers: list[tuple[Array, Array]]) -> tuple[list[Array], list[Array]]:
    """Z of the hidden layers, and X followed by A of all layers."""
    Zs: list[Array] = []
    As = [X]
    for W, b in layers[:-1]:
        Zs.append(_affine(W, As[-1], b))
        As.append(relu(Zs[-1]))
    W, b = layers[-1]
    As.append(sigmoid(_affine(W, As[-1], b)))
    return Zs, As


def _backward(
    Zs: list[Array], As: list[Array], layers: list[tuple[Array, Array]], Y: Array
) -> Gradients:
    gradients: Gradients = {}
    dZ = _output_dZ(As[-1], Y)
    for layer in range(len(layers), 0, -1):
        gradients[f"dW{layer}"] = np.dot(dZ, As[layer - 1].T)
        gradients[f"db{layer}"] = _sum_samples(dZ)
        if layer > 1:
            W, _ = layers[layer - 1]
            dZ = np.dot(W.T, dZ)
            dZ *= Zs[layer - 2] >= 0
    return gradients


def _affine(W: Array, X: Array, b: Array) -> Array:
    Z: Array = np.dot(W, X)
    Z += b
    return Z


def _cost(A: Array, Y: Array) -> np.floating[Any]:
    loss = cross_entropy_loss(A, Y)
    cost: np.floating[Any] = loss.sum() / loss.size
    return cost


def _output_dZ(A: Array, Y: Array) -> Array:
    dZ: Array = A - Y
    dZ /= Y.shape[1]
    return dZ


def _sum_samples(dZ: Array) -> Array:
    total: Array = dZ.sum(axis=1, keepdims=True)
    return total


def _as_floats(values: ArrayLike) -> Array:
    array = np.asarray(values)
    return array if array.dtype.kind in "fc" else array.astype(np.float64)


def _layers(
    parameters: Mapping[str, Array],
) -> tuple[list[tuple[Array, Array]], list[tuple[str, str]]]:
    names = [(f"W{i}", f"b{i}") for i in range(1, len(parameters) // 2 + 1)]
    if not names or parameters.keys() != {name for pair in names for name in pair}:
        raise ValueError(
            f"parameters are named {', '.join(map(repr, sorted(parameters))) or 'nothing at all'},"
            " expected 'W1', 'b1', 'W2', 'b2', ..., without a gap"
        )
    return [(parameters[W], parameters[b]) for W, b in names], names


def _check_shapes(
    layers: Sequence[tuple[Array, Array]],
    X: Array,
    Y: Array,
    names: Sequence[tuple[str, str]] = (("W1", "b1"), ("W2", "b2")),
) -> None:
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"X has shape {X.shape}, expected (features, samples), samples at least 1")
    if Y.shape != (1, X.shape[1]):
        raise ValueError(
            f"Y has shape {Y.shape}, expected {(1, X.shape[1])}: one label for each of the"
            f" {X.shape[1]} columns of X"
        )
    before, source = X.shape[0], "the features of X"
    for (W, b), (W_name, b_name) in zip(layers, names, strict=True):
        if W.ndim != 2 or W.shape[1] != before:
            raise ValueError(
                f"{W_name} has shape {W.shape}, expected (units, {before}): a column for each of"
                f" {source}"
            )
        if b.shape != (W.shape[0], 1):
            raise ValueError(
                f"{b_name} has shape {b.shape}, expected {(W.shape[0], 1)}: one for each row of"
                f" {W_name}"
            )
        before, source = W.shape[0], f"the units of {W_name}"
    if before != 1:
        raise ValueError(f"{W_name} has shape {W.shape}, expected one row: the output is one unit")


def _check_update(name: str, parameter: Array, gradient: Array | None) -> None:
    if gradient is None:
        raise ValueError(f"gradients has no 'd{name}', expected one for each parameter")
    if gradient.shape != parameter.shape:
        raise ValueError(
            f"d{name} has shape {gradient.shape}, expected {parameter.shape}, the shape of {name}"
        )
    if parameter.dtype.kind != "f":
        raise ValueError(
            f"{name} is of type {parameter.dtype}, expected floats: integers would round each step"
        )
