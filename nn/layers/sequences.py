"""Layers of sequences. The samples stay last: X is (features, steps, N)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import Operand

from ..initialisers import Seed, initial
from ..module import Module, Parameter
from .convolution import patches
from .linear import affine


def _check_sequences(layer: Module, X: Operand, features: int) -> None:
    shape = np.shape(X)
    if len(shape) != 3 or shape[0] != features or shape[1] == 0:
        hint = "; one sequence is X[:, :, np.newaxis]" if len(shape) == 2 else ""
        raise ValueError(
            f"{layer!r} takes sequences of shape ({features}, steps, N), the samples last, "
            f"but X has shape {shape}{hint}"
        )


def _affine_steps(W: Operand, X: Operand, b: Operand) -> Operand:
    """`W x + b` for every step, of shape (n_out, steps, N)."""
    Z = affine(W, np.reshape(X, (X.shape[0], -1)), b)
    return np.reshape(Z, (Z.shape[0], *X.shape[1:]))


class _Recurrent(Module):
    """Base of recurrent layers; `.weight` W, `.recurrent` U and `.bias` b stack all gates."""

    gates: ClassVar[int]

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        last: bool = False,
        initialisation: str = "xavier_uniform",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        name = type(self).__name__
        if n_in < 1 or n_hidden < 1:
            raise ValueError(f"{name}({n_in}, {n_hidden}): both sizes must be at least 1")
        rng = np.random.default_rng(seed)
        self.n_in: int = n_in
        self.n_hidden: int = n_hidden
        self.last: bool = last
        blocks = [initial(initialisation, (n_hidden, n_in), rng) for _ in range(self.gates)]
        self.weight: Parameter = Parameter(np.concatenate(blocks), dtype=dtype)
        blocks = [initial("orthogonal", (n_hidden, n_hidden), rng) for _ in range(self.gates)]
        self.recurrent: Parameter = Parameter(np.concatenate(blocks), dtype=dtype)
        self.bias: Parameter = Parameter(np.zeros((self.gates * n_hidden, 1)), dtype=dtype)

    def forward(self, X: Operand) -> Operand:
        """The hidden states (n_hidden, steps, N), or with `last` the last one (n_hidden, N).

        X is (n_in, steps, N), and the states before the first step are 0.

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X has another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.ones((2, 5, 4))
        >>> states = nn.RNN(2, 3, seed=0)(X)
        >>> last = nn.RNN(2, 3, last=True, seed=0)(X)
        >>> states.shape, last.shape, np.array_equal(states[:, -1], last)
        ((3, 5, 4), (3, 4), True)
        """
        _check_sequences(self, X, self.n_in)
        Z = _affine_steps(self.weight, X, self.bias)
        state = self._start(np.zeros_like(Z[: self.n_hidden, 0]))
        states = []
        for t in range(X.shape[1]):
            state = self._step(Z[:, t], state)
            states.append(state[0])
        return states[-1] if self.last else np.stack(states, axis=1)

    def _start(self, zeros: Operand) -> tuple[Operand, ...]:
        return (zeros,)

    def _step(self, z: Operand, state: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """The state after a step, the hidden state first; z is W x + b of that step."""
        raise NotImplementedError

    def _parts(self, values: Operand) -> list[Operand]:
        """The rows of each gate."""
        n = self.n_hidden
        return [values[i * n : (i + 1) * n] for i in range(self.gates)]

    def __repr__(self) -> str:
        last = ", last=True" if self.last else ""
        return f"{type(self).__name__}({self.n_in}, {self.n_hidden}{last})"


class RNN(_Recurrent):
    """`h_t = tanh(W x_t + U h_(t-1) + b)`, for every step.

    The hand-derived backward pass is `nn.by_hand.backward_rnn`.

    Parameters
    ----------
    n_in, n_hidden : int
        The numbers of input features and of hidden units. `.weight` W has shape (n_hidden, n_in),
        `.recurrent` U (n_hidden, n_hidden) and `.bias` b (n_hidden, 1).
    last : bool
        Whether to return only the last hidden state, (n_hidden, N), or all, (n_hidden, steps, N).
    initialisation, seed, dtype
        As for Linear. U is orthogonal.

    Raises
    ------
    ValueError
        For sizes below 1.

    Notes
    -----
    Elman, "Finding structure in time" (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.RNN(2, 3, seed=0)(np.ones((2, 5, 4))).shape
    (3, 5, 4)
    >>> nn.RNN(2, 3, last=True, seed=0)(np.ones((2, 5, 4))).shape
    (3, 4)
    """

    gates = 1

    def _step(self, z: Operand, state: tuple[Operand, ...]) -> tuple[Operand, ...]:
        return (np.tanh(z + np.dot(self.recurrent, state[0])),)


class LSTM(_Recurrent):
    """Long short-term memory.

    For every step, with [zi; zf; zo; zg] = W x_t + U h_(t-1) + b:

        i, f, o, g = sigmoid(zi), sigmoid(zf), sigmoid(zo), tanh(zg)
        c_t = f c_(t-1) + i g
        h_t = o tanh(c_t)

    The hand-derived backward pass is `nn.by_hand.backward_lstm`. The parameters are those of RNN,
    with four times as many rows in W, U and b. The b of f starts as 1, so that the cell remembers.

    Parameters
    ----------
    n_in, n_hidden : int
        The numbers of input features and of hidden units.
    **options
        As for RNN.

    Notes
    -----
    Hochreiter and Schmidhuber, "Long short-term memory" (1997); the gate f by Gers, Schmidhuber and
    Cummins, "Learning to forget: continual prediction with LSTM" (2000).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.LSTM(2, 3, seed=0)(np.ones((2, 5, 4))).shape
    (3, 5, 4)
    """

    gates = 4

    def __init__(self, n_in: int, n_hidden: int, **options: Any) -> None:
        super().__init__(n_in, n_hidden, **options)
        self.bias.data[n_hidden : 2 * n_hidden] = 1

    def _start(self, zeros: Operand) -> tuple[Operand, ...]:
        return zeros, zeros

    def _step(self, z: Operand, state: tuple[Operand, ...]) -> tuple[Operand, ...]:
        h, c = state
        i, f, o, g = self._parts(z + np.dot(self.recurrent, h))
        c = al.sigmoid(f) * c + al.sigmoid(i) * np.tanh(g)
        return al.sigmoid(o) * np.tanh(c), c


class GRU(_Recurrent):
    """Gated recurrent units.

    For every step, with [zr; zu; zn] = W x_t + b and U = [Ur; Uu; Un]:

        r = sigmoid(zr + Ur h_(t-1))
        u = sigmoid(zu + Uu h_(t-1))
        n = tanh(zn + Un (r h_(t-1)))
        h_t = u h_(t-1) + (1 - u) n

    The reset r is applied before the product with Un, as in the paper; PyTorch and cuDNN apply it
    after. The hand-derived backward pass is `nn.by_hand.backward_gru`. The parameters are those of
    RNN, with three times as many rows in W, U and b.

    Parameters
    ----------
    n_in, n_hidden : int
        The numbers of input features and of hidden units.
    last, initialisation, seed, dtype
        As for RNN.

    Raises
    ------
    ValueError
        For sizes below 1.

    Notes
    -----
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation" (2014), arXiv:1406.1078.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.GRU(2, 3, seed=0)(np.ones((2, 5, 4))).shape
    (3, 5, 4)
    """

    gates = 3

    def _step(self, z: Operand, state: tuple[Operand, ...]) -> tuple[Operand, ...]:
        (h,) = state
        zr, zu, zn = self._parts(z)
        Ur, Uu, Un = self._parts(self.recurrent)
        r = al.sigmoid(zr + np.dot(Ur, h))
        u = al.sigmoid(zu + np.dot(Uu, h))
        n = np.tanh(zn + np.dot(Un, r * h))
        return (u * h + (1 - u) * n,)


class MultiheadAttention(Module):
    """Attention of every step to all steps, in several heads.

    With Q = Wq X + bq, K = Wk M + bk, V = Wv M + bv, each cut into heads of d features:

        S = K^T Q / sqrt(d)
        A = softmax(S) over the steps of K
        out = Wo (V A) + bo

    M is X itself, or the memory, another sequence to attend to. The hand-derived backward pass is
    `nn.by_hand.backward_attention`.

    Parameters
    ----------
    n_features, n_heads : int
        The number of features, a multiple of the number of heads. `.query`, `.key`, `.value` and
        `.out` have shape (n_features, n_features); `.query_bias` and so on (n_features, 1).
    causal : bool
        Whether a step attends only to itself and to steps before it.
    initialisation, seed, dtype
        As for Linear.

    Raises
    ------
    ValueError
        Where the number of features is not a multiple of the number of heads.

    Notes
    -----
    Vaswani et al., "Attention is all you need" (2017), arXiv:1706.03762.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.MultiheadAttention(4, 2, causal=True, seed=0)(np.ones((4, 5, 3))).shape
    (4, 5, 3)
    """

    def __init__(
        self,
        n_features: int,
        n_heads: int,
        *,
        causal: bool = False,
        initialisation: str = "xavier_uniform",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if n_features < 1 or n_heads < 1 or n_features % n_heads:
            raise ValueError(
                f"MultiheadAttention({n_features}, {n_heads}): the number of features must be a "
                "multiple of the number of heads, both at least 1"
            )
        rng = np.random.default_rng(seed)
        self.n_features: int = n_features
        self.n_heads: int = n_heads
        self.causal: bool = causal
        for name in ("query", "key", "value", "out"):
            weight = initial(initialisation, (n_features, n_features), rng)
            setattr(self, name, Parameter(weight, dtype=dtype))
            setattr(self, f"{name}_bias", Parameter(np.zeros((n_features, 1)), dtype=dtype))

    def forward(self, X: Operand, memory: Operand | None = None) -> Operand:
        """The attention of every step of X to `memory`, in the shape of X.

        Parameters
        ----------
        X : Tensor or array of shape (n_features, steps, N)
            The sequence that attends.
        memory : Tensor or array of shape (n_features, its steps, N), optional
            The sequence attended to; by default X itself.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X or `memory` has another number of features, or the two have different numbers
            of samples.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.MultiheadAttention(4, 2, causal=True, seed=0)
        >>> X = np.random.default_rng(0).normal(size=(4, 5, 1))
        >>> np.allclose(layer(X)[:, :3], layer(X[:, :3]))
        True
        >>> nn.MultiheadAttention(4, 2, seed=0)(X, np.ones((4, 7, 1))).shape
        (4, 5, 1)
        """
        _check_sequences(self, X, self.n_features)
        memory = X if memory is None else memory
        _check_sequences(self, memory, self.n_features)
        if memory.shape[2] != X.shape[2]:
            raise ValueError(
                f"{self!r}: memory has {memory.shape[2]} samples, and X has {X.shape[2]}"
            )
        Q = self._heads(_affine_steps(self.query, X, self.query_bias))
        K = self._heads(_affine_steps(self.key, memory, self.key_bias))
        V = self._heads(_affine_steps(self.value, memory, self.value_bias))
        S = np.matmul(np.swapaxes(K, 2, 3), Q) / math.sqrt(self.n_features // self.n_heads)
        if self.causal:
            later = np.tri(S.shape[2], S.shape[3], -1, dtype=bool)
            S = np.where(later, -np.inf, S)
        out = np.matmul(V, al.softmax(S, axis=2))
        out = np.reshape(np.transpose(out, (1, 2, 3, 0)), X.shape)
        return _affine_steps(self.out, out, self.out_bias)

    def _heads(self, values: Operand) -> Operand:
        """The heads as matrices for matmul, of shape (N, heads, features of a head, steps)."""
        _, steps, count = values.shape
        heads = np.reshape(values, (self.n_heads, -1, steps, count))
        return np.transpose(heads, (3, 0, 1, 2))

    def __repr__(self) -> str:
        causal = ", causal=True" if self.causal else ""
        return f"MultiheadAttention({self.n_features}, {self.n_heads}{causal})"


class Conv1d(Module):
    """A convolution over sequences: each output is the weighted sum of a window, plus b.

    It is a correlation, as Conv2d. The hand-derived backward pass is `nn.by_hand.backward_conv1d`.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of input and output features. `.weight` has shape (n_out, n_in, window) and
        `.bias` (n_out, 1).
    window : int
        The number of steps in the window.
    bias : bool
        Whether the layer adds a bias b; without it `.bias` is None.
    stride, padding : int
        The step of the window, and the number of zeros at both ends.
    initialisation, seed, dtype
        As for Linear.

    Raises
    ------
    ValueError
        For sizes below 1, and for a padding below 0.

    Notes
    -----
    Waibel et al., "Phoneme recognition using time-delay neural networks" (1989).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Conv1d(2, 3, window=3, padding=1, seed=0)(np.ones((2, 5, 4))).shape
    (3, 5, 4)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        window: int,
        *,
        bias: bool = True,
        stride: int = 1,
        padding: int = 0,
        initialisation: str = "he",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        sizes = {"n_in": n_in, "n_out": n_out, "window": window, "stride": stride}
        for name, size in {**sizes, "padding": padding}.items():
            least = 0 if name == "padding" else 1
            if not isinstance(size, int) or size < least:
                raise ValueError(f"Conv1d: {name} must be a number from {least}, not {size!r}")
        self.stride: int = stride
        self.padding: int = padding
        shape = (n_out, n_in, window)
        self.weight: Parameter = Parameter(initial(initialisation, shape, seed), dtype=dtype)
        self.bias: Parameter | None = Parameter(np.zeros((n_out, 1)), dtype=dtype) if bias else None

    def forward(self, X: Operand) -> Operand:
        """Sequences (n_out, out_steps, N) of sequences X (n_in, steps, N).

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X has another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Conv1d(1, 1, window=2)
        >>> layer.weight.data[...] = [[[-1.0, 1.0]]]
        >>> layer(np.array([1.0, 4.0, 9.0, 16.0]).reshape(1, 4, 1))[0, :, 0].numpy()
        array([3., 5., 7.])
        """
        n_out, n_in, window = self.weight.shape
        _check_sequences(self, X, n_in)
        if X.shape[1] + 2 * self.padding < window:
            raise ValueError(f"{self!r}: the window is longer than the sequences, {np.shape(X)}")
        rows = np.reshape(X, (n_in, 1, *X.shape[1:]))
        under = patches(rows, (1, window), (1, self.stride), (0, self.padding))
        columns = np.reshape(under, (n_in * window, -1))
        W = np.reshape(self.weight, (n_out, -1))
        Z = np.dot(W, columns) if self.bias is None else affine(W, columns, self.bias)
        return np.reshape(Z, (n_out, *under.shape[4:]))

    def __repr__(self) -> str:
        n_out, n_in, window = self.weight.shape
        stride = f", stride={self.stride}" if self.stride != 1 else ""
        padding = f", padding={self.padding}" if self.padding else ""
        bias = "" if self.bias is not None else ", bias=False"
        return f"Conv1d({n_in}, {n_out}, {window}{stride}{padding}{bias})"
