"""Layers of pictures. The samples stay last: X is (channels, height, width, N).

A convolution is a matrix product: `patches` puts the numbers under each window into a column.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import Operand

from ..initialisers import Initialiser, Seed, initial
from ..module import Module, Parameter
from .linear import affine

Pair = tuple[int, int]


def _pair(value: int | Pair, what: str, least: int) -> Pair:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(n, int) or n < least for n in pair):
        raise ValueError(f"{what} must be a number or a pair of numbers from {least}, not {value}")
    return pair


def _outputs(size: int, window: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - window) // stride + 1


def _windows(
    shape: tuple[int, ...], window: Pair, stride: Pair, padding: Pair
) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
    """Yields each place (i, j) of a window, the outputs, and the pixels under it."""
    spans = []
    for size, k, s, p in zip(shape[1:3], window, stride, padding, strict=True):
        n = _outputs(size, k, s, p)
        span = []
        for i in range(k):
            # Output o reads pixel o s + i - p, where that is inside the picture.
            first = max(0, -((i - p) // s))
            last = min(n, (size - 1 - i + p) // s + 1)
            start = first * s + i - p
            pixels = slice(start, start + max(0, last - first - 1) * s + 1, s)
            span.append((slice(first, max(first, last)), pixels if last > first else slice(0, 0)))
        spans.append(span)
    for i, (rows, pixel_rows) in enumerate(spans[0]):
        for j, (columns, pixel_columns) in enumerate(spans[1]):
            yield i, j, (rows, columns), (pixel_rows, pixel_columns)


@al.primitive
def patches(x: Operand, window: Pair, stride: Pair, padding: Pair) -> Operand:
    """The pixels under each window: (C, kh, kw, out_h, out_w, N) of pictures (C, H, W, N).

    The pictures are padded with zeros.
    """
    out = tuple(map(_outputs, x.shape[1:3], window, stride, padding))
    make = np.zeros if any(padding) else np.empty
    found = make((x.shape[0], *window, *out, x.shape[3]), x.dtype)
    for i, j, (rows, columns), (pixel_rows, pixel_columns) in _windows(
        x.shape, window, stride, padding
    ):
        found[:, i, j, rows, columns] = x[:, pixel_rows, pixel_columns]
    return found


@al.primitive
def unpatches(
    g: Operand, shape: tuple[int, ...], window: Pair, stride: Pair, padding: Pair
) -> Operand:
    """The transpose of `patches`: each pixel is the sum of its copies in all windows."""
    found = np.zeros(shape, g.dtype)
    for i, j, (rows, columns), (pixel_rows, pixel_columns) in _windows(
        shape, window, stride, padding
    ):
        found[:, pixel_rows, pixel_columns] += g[:, i, j, rows, columns]
    return found


al.defvjp(
    patches,
    x=lambda g, x_shape, window, stride, padding: unpatches(g, x_shape, window, stride, padding),
)
al.defvjp(
    unpatches,
    g=lambda h, window, stride, padding: patches(h, window, stride, padding),
)


def _check_pictures(layer: Module, X: Operand, channels: int | None) -> None:
    shape = np.shape(X)
    if len(shape) != 4 or (channels is not None and shape[0] != channels):
        wanted = "channels" if channels is None else channels
        hint = "; nn.Unflatten makes pictures of columns" if len(shape) == 2 else ""
        raise ValueError(
            f"{layer!r} takes pictures of shape ({wanted}, height, width, N), the samples last, "
            f"but X has shape {shape}{hint}"
        )


def _check_size(layer: Module, X: Operand, window: Pair, padding: Pair) -> None:
    for size, k, p in zip(np.shape(X)[1:3], window, padding, strict=True):
        if size + 2 * p < k:
            raise ValueError(f"{layer!r}: the window is larger than the pictures, {np.shape(X)}")


class Conv2d(Module):
    """A convolution over pictures: each output is the weighted sum of a window, plus b.

    As in every neural network library it is a correlation: the window is not flipped.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of input and output channels. `.weight` has shape (n_out, n_in, height,
        width) and `.bias` (n_out, 1).
    window : int or (int, int)
        The size of the window.
    bias : bool
        Whether the layer adds a bias b; without it `.bias` is None.
    stride, padding : int or (int, int)
        The step of the window, and the number of zeros around the picture.
    initialisation, seed, dtype
        As for Linear.

    Raises
    ------
    ValueError
        For sizes below 1.

    Notes
    -----
    LeCun et al., "Backpropagation applied to handwritten zip code recognition" (1989).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.Conv2d(3, 8, window=5, padding=2, seed=0)
    >>> layer(np.zeros((3, 16, 16, 10))).shape
    (8, 16, 16, 10)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        window: int | Pair,
        *,
        bias: bool = True,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        initialisation: str | Initialiser = "he",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if n_in < 1 or n_out < 1:
            raise ValueError(f"Conv2d({n_in}, {n_out}): both sizes must be at least 1")
        self.window: Pair = _pair(window, "window", 1)
        self.stride: Pair = _pair(stride, "stride", 1)
        self.padding: Pair = _pair(padding, "padding", 0)
        shape = (n_out, n_in, *self.window)
        self.weight: Parameter = Parameter(initial(initialisation, shape, seed), dtype=dtype)
        self.bias: Parameter | None = Parameter(np.zeros((n_out, 1)), dtype=dtype) if bias else None

    def forward(self, X: Operand) -> Operand:
        """Pictures (n_out, out_height, out_width, N) of pictures X (n_in, height, width, N).

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
            Where X has another shape, or pictures smaller than the window.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Conv2d(1, 1, window=2)
        >>> layer.weight.data[...] = 1.0
        >>> layer(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0].numpy()
        array([[ 8., 12.],
               [20., 24.]])
        """
        n_out, n_in = self.weight.shape[:2]
        _check_pictures(self, X, n_in)
        _check_size(self, X, self.window, self.padding)
        under = patches(X, self.window, self.stride, self.padding)
        columns = np.reshape(under, (self.weight[0].size, -1))
        W = np.reshape(self.weight, (n_out, -1))
        Z = np.dot(W, columns) if self.bias is None else affine(W, columns, self.bias)
        return np.reshape(Z, (n_out, *under.shape[3:]))

    def __repr__(self) -> str:
        n_out, n_in = self.weight.shape[:2]
        options = "".join(
            f", {name}={value[0] if value[0] == value[1] else value}"
            for name, value, usual in (
                ("stride", self.stride, (1, 1)),
                ("padding", self.padding, (0, 0)),
            )
            if value != usual
        )
        window = self.window[0] if self.window[0] == self.window[1] else self.window
        options += "" if self.bias is not None else ", bias=False"
        return f"Conv2d({n_in}, {n_out}, {window}{options})"


class _Pool(Module):
    """Base of pooling layers, which reduce each window of a channel to one number."""

    def __init__(self, window: int | Pair, stride: int | Pair | None = None) -> None:
        self.window: Pair = _pair(window, "window", 1)
        self.stride: Pair = self.window if stride is None else _pair(stride, "stride", 1)

    def _patches(self, X: Operand) -> Operand:
        _check_pictures(self, X, None)
        _check_size(self, X, self.window, (0, 0))
        return patches(X, self.window, self.stride, (0, 0))

    def __repr__(self) -> str:
        sizes = (self.window,) if self.stride == self.window else (self.window, self.stride)
        texts = (str(a) if a == b else str((a, b)) for a, b in sizes)
        return f"{type(self).__name__}({', '.join(texts)})"


class MaxPool2d(_Pool):
    """The maximum of each window; tied elements share the gradient.

    Windows do not overlap by default. Pixels at the edge that fill no window are left out.

    Parameters
    ----------
    window : int or (int, int)
        The size of the window.
    stride : int or (int, int), optional
        The step of the window; by default its size.

    Notes
    -----
    Riesenhuber and Poggio, "Hierarchical models of object recognition in cortex" (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def forward(self, X: Operand) -> Operand:
        """The pooled pictures, with the channels of X (channels, height, width, N).

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Raises
        ------
        ValueError
            Where X is not four-dimensional, or smaller than the window.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> from autograd_lite import nn
        >>> X = al.Tensor(np.array([0.0, 1.0, 2.0, 2.0]).reshape(1, 2, 2, 1), requires_grad=True)
        >>> np.sum(nn.MaxPool2d(2)(X)).backward()
        >>> X.grad[0, :, :, 0]
        array([[0. , 0. ],
               [0.5, 0.5]])
        """
        return np.max(self._patches(X), axis=(1, 2))


class AvgPool2d(_Pool):
    """The mean of each window, with the windows of MaxPool2d.

    Parameters
    ----------
    window : int or (int, int)
        The size of the window.
    stride : int or (int, int), optional
        The step of the window; by default its size.

    Notes
    -----
    LeCun et al., "Handwritten digit recognition with a back-propagation network" (1989).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.AvgPool2d(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    def forward(self, X: Operand) -> Operand:
        """The pooled pictures, with the channels of X (channels, height, width, N).

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Raises
        ------
        ValueError
            Where X is not four-dimensional, or smaller than the window.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> nn.AvgPool2d((1, 2))(X)[0, 0, :, 0]
        array([0.5, 2.5])
        >>> nn.AvgPool2d((1, 3), stride=1)(X)[0, 0, :, 0]
        array([1., 2.])
        """
        return np.mean(self._patches(X), axis=(1, 2))
