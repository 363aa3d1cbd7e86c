"""Backward passes of the layers of sequences, derived by hand, in plain NumPy.

The notation is that of the layers: X is (features, steps, N), and a column of a step is a sample.
Each forward pass returns its result and a cache. Each backward pass takes the gradient of the loss
at the result and the cache, and returns the gradients of all arguments of the forward pass.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..contracts import Array
from .article import sigmoid

Gradients = dict[str, Array]


class RNNCache(NamedTuple):
    """The values that the backward pass of an RNN needs; H includes the initial state."""

    X: Array
    W: Array
    U: Array
    H: Array


def forward_rnn(W: Array, U: Array, b: Array, X: Array) -> tuple[Array, RNNCache]:
    """H (n, steps, N) with `h_t = tanh(W x_t + U h_(t-1) + b)`, from h = 0.

    W is (n, features), U (n, n), b (n, 1) and X (features, steps, N).

    Parameters
    ----------
    W : ndarray of shape (n, features)
        The weights of the input.
    U : ndarray of shape (n, n)
        The weights of the previous state.
    b : ndarray of shape (n, 1)
        The bias.
    X : ndarray of shape (features, steps, N)
        Sequences, with the samples along the last axis.

    Returns
    -------
    H : ndarray of shape (n, steps, N)
    cache : RNNCache

    Notes
    -----
    Elman, "Finding structure in time" (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.eye(2), np.zeros((2, 2)), np.zeros((2, 1))
    >>> H, cache = nn.by_hand.forward_rnn(W, U, b, np.ones((2, 3, 4)))
    >>> bool(np.all(H == np.tanh(1)))
    True
    """
    H = np.zeros((len(U), X.shape[1] + 1, X.shape[2]), np.result_type(W, X))
    for t in range(X.shape[1]):
        H[:, t + 1] = np.tanh(W @ X[:, t] + U @ H[:, t] + b)
    return H[:, 1:].copy(), RNNCache(X, W, U, H)


def backward_rnn(dH: Array, cache: RNNCache) -> Gradients:
    """dW, dU, db and dX, for the gradient dH (n, steps, N) of the loss at H.

    A state is used twice: as a result, and by the next step. So its gradient dh_t is
    dH_t + U^T dz_(t+1), and dz_t = (1 - h_t^2) dh_t.

    Parameters
    ----------
    dH : ndarray of shape (n, steps, N)
        The gradient of the loss at H.
    cache : RNNCache
        The cache from `forward_rnn`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Notes
    -----
    Backpropagation through time (Werbos, 1990).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.eye(2), np.zeros((2, 2)), np.zeros((2, 1))
    >>> H, cache = nn.by_hand.forward_rnn(W, U, b, np.ones((2, 3, 4)))
    >>> {name: g.shape for name, g in nn.by_hand.backward_rnn(np.ones_like(H), cache).items()}
    {'dW': (2, 2), 'dU': (2, 2), 'db': (2, 1), 'dX': (2, 3, 4)}
    """
    X, W, U, H = cache
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros((len(U), 1), W.dtype)
    dX, dh = np.zeros_like(X), np.zeros_like(H[:, 0])
    for t in reversed(range(X.shape[1])):
        dz = (dH[:, t] + dh) * (1 - H[:, t + 1] ** 2)
        dW += dz @ X[:, t].T
        dU += dz @ H[:, t].T
        db += dz.sum(axis=1, keepdims=True)
        dX[:, t] = W.T @ dz
        dh = U.T @ dz
    return {"dW": dW, "dU": dU, "db": db, "dX": dX}


class LSTMCache(NamedTuple):
    """The values that the backward pass of an LSTM needs; H and C include the initial states."""

    X: Array
    W: Array
    U: Array
    H: Array
    C: Array
    gates: Array


def forward_lstm(W: Array, U: Array, b: Array, X: Array) -> tuple[Array, LSTMCache]:
    """H (n, steps, N) of an LSTM, from h = c = 0.

    W is (4 n, features), U (4 n, n), b (4 n, 1), with the rows of i, f, o and g in this order; X is
    (features, steps, N). For the formulas see `nn.LSTM`.

    Parameters
    ----------
    W : ndarray of shape (4 n, features)
        The weights of the input: the rows of i, f, o and g, in this order, as in U and b.
    U : ndarray of shape (4 n, n)
        The weights of the previous state.
    b : ndarray of shape (4 n, 1)
        The biases.
    X : ndarray of shape (features, steps, N)
        Sequences, with the samples along the last axis.

    Returns
    -------
    H : ndarray of shape (n, steps, N)
    cache : LSTMCache

    Notes
    -----
    Hochreiter and Schmidhuber, "Long short-term memory" (1997); for the formulas see `nn.LSTM`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.zeros((8, 2)), np.zeros((8, 2)), np.zeros((8, 1))
    >>> H, cache = nn.by_hand.forward_lstm(W, U, b, np.ones((2, 3, 4)))
    >>> H.shape
    (2, 3, 4)
    """
    n, (_, steps, count) = U.shape[1], X.shape
    dtype = np.result_type(W, X)
    H, C = np.zeros((2, n, steps + 1, count), dtype)
    gates = np.zeros((4, n, steps, count), dtype)
    for t in range(steps):
        z = (W @ X[:, t] + U @ H[:, t] + b).reshape(4, n, count)
        i, f, o = sigmoid(z[:3])
        g = np.tanh(z[3])
        C[:, t + 1] = f * C[:, t] + i * g
        H[:, t + 1] = o * np.tanh(C[:, t + 1])
        gates[:, :, t] = i, f, o, g
    return H[:, 1:].copy(), LSTMCache(X, W, U, H, C, gates)


def backward_lstm(dH: Array, cache: LSTMCache) -> Gradients:
    """dW, dU, db and dX, for the gradient dH (n, steps, N) of the loss at H.

    The next step uses the cell too: dc_t = o (1 - tanh(c_t)^2) dh_t + f_(t+1) dc_(t+1).

    Parameters
    ----------
    dH : ndarray of shape (n, steps, N)
        The gradient of the loss at H.
    cache : LSTMCache
        The cache from `forward_lstm`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.zeros((8, 2)), np.zeros((8, 2)), np.zeros((8, 1))
    >>> H, cache = nn.by_hand.forward_lstm(W, U, b, np.ones((2, 3, 4)))
    >>> {name: g.shape for name, g in nn.by_hand.backward_lstm(np.ones_like(H), cache).items()}
    {'dW': (8, 2), 'dU': (8, 2), 'db': (8, 1), 'dX': (2, 3, 4)}
    """
    X, W, U, H, C, gates = cache
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros((len(W), 1), W.dtype)
    dX, dh, dc = np.zeros_like(X), np.zeros_like(H[:, 0]), np.zeros_like(C[:, 0])
    for t in reversed(range(X.shape[1])):
        i, f, o, g = gates[:, :, t]
        tanh_c = np.tanh(C[:, t + 1])
        dh = dH[:, t] + dh
        dc = dc + dh * o * (1 - tanh_c**2)
        di, df, do, dg = dc * g, dc * C[:, t], dh * tanh_c, dc * i
        dz = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
        dW += dz @ X[:, t].T
        dU += dz @ H[:, t].T
        db += dz.sum(axis=1, keepdims=True)
        dX[:, t] = W.T @ dz
        dh = U.T @ dz
        dc = dc * f
    return {"dW": dW, "dU": dU, "db": db, "dX": dX}


class GRUCache(NamedTuple):
    """The values that the backward pass of a GRU needs; H includes the initial state."""

    X: Array
    W: Array
    U: Array
    H: Array
    gates: Array


def forward_gru(W: Array, U: Array, b: Array, X: Array) -> tuple[Array, GRUCache]:
    """H (n, steps, N) of a GRU, from h = 0.

    W is (3 n, features), U (3 n, n), b (3 n, 1), with the rows of r, u and n in this order; X is
    (features, steps, N). For the formulas see `nn.GRU`.

    Parameters
    ----------
    W : ndarray of shape (3 n, features)
        The weights of the input: the rows of r, u and n, in this order, as in U and b.
    U : ndarray of shape (3 n, n)
        The weights of the previous state.
    b : ndarray of shape (3 n, 1)
        The biases.
    X : ndarray of shape (features, steps, N)
        Sequences, with the samples along the last axis.

    Returns
    -------
    H : ndarray of shape (n, steps, N)
    cache : GRUCache

    Notes
    -----
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014); for the formulas
    see `nn.GRU`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.zeros((6, 2)), np.zeros((6, 2)), np.zeros((6, 1))
    >>> H, cache = nn.by_hand.forward_gru(W, U, b, np.ones((2, 3, 4)))
    >>> H.shape
    (2, 3, 4)
    """
    n, (_, steps, count) = U.shape[1], X.shape
    dtype = np.result_type(W, X)
    Ur, Uu, Un = U.reshape(3, n, n)
    H = np.zeros((n, steps + 1, count), dtype)
    gates = np.zeros((3, n, steps, count), dtype)
    for t in range(steps):
        h = H[:, t]
        zr, zu, zn = (W @ X[:, t] + b).reshape(3, n, count)
        r, u = sigmoid(zr + Ur @ h), sigmoid(zu + Uu @ h)
        candidate = np.tanh(zn + Un @ (r * h))
        H[:, t + 1] = u * h + (1 - u) * candidate
        gates[:, :, t] = r, u, candidate
    return H[:, 1:].copy(), GRUCache(X, W, U, H, gates)


def backward_gru(dH: Array, cache: GRUCache) -> Gradients:
    """dW, dU, db and dX, for the gradient dH (n, steps, N) of the loss at H.

    The next step uses a state four times: in both gates, in r h, and in u h.

    Parameters
    ----------
    dH : ndarray of shape (n, steps, N)
        The gradient of the loss at H.
    cache : GRUCache
        The cache from `forward_gru`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, U, b = np.zeros((6, 2)), np.zeros((6, 2)), np.zeros((6, 1))
    >>> H, cache = nn.by_hand.forward_gru(W, U, b, np.ones((2, 3, 4)))
    >>> {name: g.shape for name, g in nn.by_hand.backward_gru(np.ones_like(H), cache).items()}
    {'dW': (6, 2), 'dU': (6, 2), 'db': (6, 1), 'dX': (2, 3, 4)}
    """
    X, W, U, H, gates = cache
    n = U.shape[1]
    Ur, Uu, Un = U.reshape(3, n, n)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros((len(W), 1), W.dtype)
    dX, dh = np.zeros_like(X), np.zeros_like(H[:, 0])
    for t in reversed(range(X.shape[1])):
        r, u, candidate = gates[:, :, t]
        h = H[:, t]
        dh = dH[:, t] + dh
        dn = dh * (1 - u) * (1 - candidate**2)
        du = dh * (h - candidate) * u * (1 - u)
        drh = Un.T @ dn
        dr = drh * h * r * (1 - r)
        dz = np.concatenate([dr, du, dn])
        dW += dz @ X[:, t].T
        dU += np.concatenate([dr @ h.T, du @ h.T, dn @ (r * h).T])
        db += dz.sum(axis=1, keepdims=True)
        dX[:, t] = W.T @ dz
        dh = dh * u + drh * r + Ur.T @ dr + Uu.T @ du
    return {"dW": dW, "dU": dU, "db": db, "dX": dX}


class AttentionCache(NamedTuple):
    """The values that the backward pass of attention needs.

    C is V A with the heads joined, (n, steps, N); Q, K, V and A are (N, heads, ., steps).
    """

    X: Array
    weights: tuple[Array, Array, Array, Array]
    Q: Array
    K: Array
    V: Array
    A: Array
    C: Array


def forward_attention(
    Wq: Array,
    bq: Array,
    Wk: Array,
    bk: Array,
    Wv: Array,
    bv: Array,
    Wo: Array,
    bo: Array,
    X: Array,
    n_heads: int,
) -> tuple[Array, AttentionCache]:
    """Self-attention of X (n, steps, N) in `n_heads` heads, in the shape of X.

    The weights are (n, n) and the biases (n, 1). For the formulas see `nn.MultiheadAttention`.

    Parameters
    ----------
    Wq, Wk, Wv, Wo : ndarray of shape (n, n)
        The weights of Q, K, V and of the result.
    bq, bk, bv, bo : ndarray of shape (n, 1)
        Their biases.
    X : ndarray of shape (n, steps, N)
        Sequences, with the samples along the last axis.
    n_heads : int
        The number of heads, a divisor of n.

    Returns
    -------
    Y : ndarray of shape (n, steps, N)
    cache : AttentionCache

    Notes
    -----
    Vaswani et al., "Attention is all you need" (2017); for the formulas see
    `nn.MultiheadAttention`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> weights = [np.eye(2), np.zeros((2, 1))] * 4
    >>> Y, cache = nn.by_hand.forward_attention(*weights, np.ones((2, 3, 4)), n_heads=1)
    >>> bool(np.all(Y == 1))
    True
    """
    Q = _heads(_affine(Wq, X, bq), n_heads)
    K = _heads(_affine(Wk, X, bk), n_heads)
    V = _heads(_affine(Wv, X, bv), n_heads)
    S = K.swapaxes(2, 3) @ Q / math.sqrt(Q.shape[2])
    E = np.exp(S - S.max(axis=2, keepdims=True))
    A = E / E.sum(axis=2, keepdims=True)
    C = _together(V @ A)
    return _affine(Wo, C, bo), AttentionCache(X, (Wq, Wk, Wv, Wo), Q, K, V, A, C)


def backward_attention(dY: Array, cache: AttentionCache) -> Gradients:
    """The gradients of all weights, biases and X, for the gradient dY of the loss at the result.

    The softmax over the steps of K gives dS = A (dA - sum(dA A)), with the sum over these steps. X
    is used three times, so dX is the sum of the gradients through Q, K and V.

    Parameters
    ----------
    dY : ndarray of shape (n, steps, N)
        The gradient of the loss at the result.
    cache : AttentionCache
        The cache from `forward_attention`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> weights = [np.eye(2), np.zeros((2, 1))] * 4
    >>> Y, cache = nn.by_hand.forward_attention(*weights, np.ones((2, 3, 4)), n_heads=1)
    >>> nn.by_hand.backward_attention(np.ones_like(Y), cache)["dbo"]
    array([[12.],
           [12.]])
    """
    X, (Wq, Wk, Wv, Wo), Q, K, V, A, C = cache
    n_heads, scale = Q.shape[1], 1 / math.sqrt(Q.shape[2])
    dC = _heads(_affine(Wo.T, dY, 0), n_heads)
    dV = dC @ A.swapaxes(2, 3)
    dA = V.swapaxes(2, 3) @ dC
    dS = A * (dA - (dA * A).sum(axis=2, keepdims=True)) * scale
    dQ, dK, dV = _together(K @ dS), _together(Q @ dS.swapaxes(2, 3)), _together(dV)
    gradients = {"dWo": _outer(dY, C), "dbo": _sum(dY)}
    for name, dZ in (("q", dQ), ("k", dK), ("v", dV)):
        gradients |= {f"dW{name}": _outer(dZ, X), f"db{name}": _sum(dZ)}
    gradients["dX"] = _affine(Wq.T, dQ, 0) + _affine(Wk.T, dK, 0) + _affine(Wv.T, dV, 0)
    return gradients


class Conv1dCache(NamedTuple):
    """The values that the backward pass of a convolution needs: the padded input."""

    X: Array
    W: Array
    stride: int
    padding: int


def forward_conv1d(
    W: Array, b: Array, X: Array, stride: int = 1, padding: int = 0
) -> tuple[Array, Conv1dCache]:
    """Z (n_out, out_steps, N): `z_t = sum_k W_k x_(t stride + k - padding) + b`.

    W is (n_out, n_in, window), b (n_out, 1) and X (n_in, steps, N), with zeros at both ends.

    Parameters
    ----------
    W : ndarray of shape (n_out, n_in, window)
        The weights of the window.
    b : ndarray of shape (n_out, 1)
        The bias.
    X : ndarray of shape (n_in, steps, N)
        Sequences, with the samples along the last axis.
    stride, padding : int
        The step of the window, and the number of zeros at both ends.

    Returns
    -------
    Z : ndarray of shape (n_out, out_steps, N)
    cache : Conv1dCache

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, b, X = np.ones((1, 1, 2)), np.zeros((1, 1)), np.ones((1, 4, 1))
    >>> Z, cache = nn.by_hand.forward_conv1d(W, b, X)
    >>> Z[0, :, 0]
    array([2., 2., 2.])
    """
    X = np.pad(X, ((0, 0), (padding, padding), (0, 0)))
    steps = (X.shape[1] - W.shape[2]) // stride + 1
    Z = np.zeros((len(W), steps, X.shape[2]), np.result_type(W, X)) + b[:, :, np.newaxis]
    for k in range(W.shape[2]):
        Z += np.tensordot(W[:, :, k], X[:, k : k + steps * stride : stride][:, :steps], 1)
    return Z, Conv1dCache(X, W, stride, padding)


def backward_conv1d(dZ: Array, cache: Conv1dCache) -> Gradients:
    """dW, db and dX, for the gradient dZ of the loss at Z.

    Each position k of the window is a matrix product, so dW_k and dX are gradients of products.

    Parameters
    ----------
    dZ : ndarray of shape (n_out, out_steps, N)
        The gradient of the loss at Z.
    cache : Conv1dCache
        The cache from `forward_conv1d`.

    Returns
    -------
    dict of str to ndarray
        The gradients by name.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W, b, X = np.ones((1, 1, 2)), np.zeros((1, 1)), np.ones((1, 4, 1))
    >>> Z, cache = nn.by_hand.forward_conv1d(W, b, X)
    >>> nn.by_hand.backward_conv1d(np.ones_like(Z), cache)["dX"][0, :, 0]
    array([1., 2., 2., 1.])
    """
    X, W, stride, padding = cache
    steps = dZ.shape[1]
    dW, dX = np.zeros_like(W), np.zeros_like(X)
    for k in range(W.shape[2]):
        read = slice(k, k + (steps - 1) * stride + 1, stride)
        dW[:, :, k] = np.tensordot(dZ, X[:, read], ((1, 2), (1, 2)))
        dX[:, read] += np.tensordot(W[:, :, k].T, dZ, 1)
    return {"dW": dW, "db": _sum(dZ), "dX": dX[:, padding : X.shape[1] - padding]}


def _affine(W: Array, X: Array, b: Array | float) -> Array:
    """`W x + b` for every step."""
    Z: Array = np.tensordot(W, X, 1) + (b[:, :, np.newaxis] if isinstance(b, np.ndarray) else b)
    return Z


def _heads(Z: Array, n_heads: int) -> Array:
    return Z.reshape(n_heads, -1, *Z.shape[1:]).transpose(3, 0, 1, 2)


def _together(heads: Array) -> Array:
    """The heads (N, heads, features, steps) joined along the features, (n, steps, N)."""
    parts = heads.transpose(1, 2, 3, 0)
    return parts.reshape(-1, *parts.shape[2:])


def _outer(dZ: Array, X: Array) -> Array:
    """The gradient dW of `Z = W X`, summed over steps and samples."""
    dW: Array = np.tensordot(dZ, X, ((1, 2), (1, 2)))
    return dW


def _sum(dZ: Array) -> Array:
    """The gradient db of `Z = W X + b`, summed over steps and samples."""
    db: Array = dZ.sum(axis=(1, 2))[:, np.newaxis]
    return db
