"""Batches of arrays, shuffled by a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, adopt, is_lazy

from ..module import as_array, has_values
from ..spelling import answering
from .lazy_batches import LazyBatches


class Batch(NamedTuple):
    """A batch: samples X, targets Y, and weights or None, with the samples as the last axis."""

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None


class Data(Protocol):
    """The protocol of training data, such as `ArrayData` and `nn.H5Dataset`.

    `batches` shuffles the samples by `seed`; without a seed it keeps their order. With `start` it
    must yield the same batches as without, from number `start` on.
    """

    def __len__(self) -> int: ...

    def batches(
        self, size: int, seed: list[int] | None = None, start: int = 0
    ) -> Iterator[Batch]: ...


class ArrayData:
    """Training data in arrays with the samples as the last axis: X (features, N), Y (..., N).

    X may be pictures too. Arrays of other libraries keep their types. Batches of lazy arrays, such
    as Dask's, are NumPy arrays where they fit into memory easily (see `nn.data.lazy_batches`).

    Parameters
    ----------
    X : array
        Samples along the last axis.
    Y : array
        Targets along the last axis.
    weights : array of shape (N,), optional
        The weight of each sample.

    Raises
    ------
    ValueError
        Where the arrays have different numbers of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> data = nn.ArrayData(np.ones((2, 5)), np.zeros((1, 5)))
    >>> [batch.X.shape for batch in data.batches(2)]
    [(2, 2), (2, 2), (2, 1)]
    """

    def __init__(self, X: ArrayLike, Y: ArrayLike, weights: ArrayLike | None = None) -> None:
        self.X, self.Y = _held(X), _held(Y)
        self.weights: ArrayLike | None = None if weights is None else _held(weights)
        self._lazy: LazyBatches | None = None
        if not self.X.ndim or not self.Y.ndim or self.X.shape[-1] != self.Y.shape[-1]:
            hint = ""
            if self.Y.ndim and self.X.ndim == 2 and self.X.shape[0] == self.Y.shape[-1]:
                hint = "; the samples of X look like its rows, so pass X.T"
            raise ValueError(
                f"X has shape {self.X.shape} and Y {self.Y.shape}: the last axis is the samples, "
                f"and must have the same length{hint}"
            )
        if not len(self):
            raise ValueError(f"there are no samples: X has shape {self.X.shape}")
        if self.weights is not None and self.weights.shape != (len(self),):
            raise ValueError(
                f"the weights have shape {self.weights.shape}, expected ({len(self)},)"
            )
        known: Array | None = (
            self.weights if has_values(self.weights) or is_lazy(self.weights) else None
        )
        if known is not None and not float(np.min(known)) >= 0:
            raise ValueError("the weights of samples must be numbers from 0 on")

    def __len__(self) -> int:
        return int(self.X.shape[-1])

    def batches(self, size: int, seed: list[int] | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields batches of `size` samples; the last one may have fewer.

        Parameters
        ----------
        size : int
            The number of samples per batch.
        seed : list of int, optional
            The seed of the shuffle; without it the samples keep their order.
        start : int
            The number of the first batch.

        Yields
        ------
        Batch

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> data = nn.ArrayData(np.ones((2, 5)), np.arange(5)[np.newaxis])
        >>> [batch.Y.tolist() for batch in data.batches(2, start=1)]
        [[[2, 3]], [[4]]]
        >>> sorted(y for batch in data.batches(2, seed=[0]) for y in batch.Y[0].tolist())
        [0, 1, 2, 3, 4]
        """
        if size >= len(self):
            # A batch of all samples needs no order.
            if not start:
                yield Batch(self.X, self.Y, self.weights)
            return
        arrays = [self.X, self.Y, *([] if self.weights is None else [self.weights])]
        if any(map(is_lazy, arrays)):
            if self._lazy is None:
                self._lazy = LazyBatches(arrays)
            for found in self._lazy.batches(size, seed, start):
                yield Batch(*found, *([] if self.weights is not None else [None]))
            return
        order = None if seed is None else np.random.default_rng(seed).permutation(len(self))
        for number in range(start, -(-len(self) // size)):
            chosen: slice | Array = slice(number * size, (number + 1) * size)
            if order is not None:
                chosen = order[chosen]
            weights = None if self.weights is None else self.weights[chosen]
            yield Batch(_taken(self.X, chosen), _taken(self.Y, chosen), weights)

    def rounds(
        self, size: int, parts: int, seed: list[int] | None, start: int
    ) -> Iterator[tuple[Array, list[Array | None]]]:
        """Yields the samples of lazy arrays in rounds of up to `parts` blocks.

        Parameters
        ----------
        size : int
            The number of samples per block; more where only more can be read at once, and fewer at
            the end of a block of the arrays.
        parts : int
            The most blocks in a round.
        seed : list of int, optional
            The seed of the order of the blocks; without it they keep theirs.
        start : int
            The number of samples that are left out, those of the first rounds.

        Yields
        ------
        numbers, arrays
            The numbers of the samples, and lazy arrays X, Y and weights, or None for these.

        Examples
        --------
        >>> import dask.array as da
        >>> from autograd_lite import nn
        >>> data = nn.ArrayData(da.ones((2, 6), chunks=3), da.zeros((1, 6), chunks=3))
        >>> [numbers.tolist() for numbers, _ in data.rounds(3, 1, None, 0)]
        [[0, 1, 2], [3, 4, 5]]
        """
        arrays = [self.X, self.Y, *([] if self.weights is None else [self.weights])]
        for spans, found in LazyBatches(arrays).rounds(size, parts, seed, start):
            numbers = np.concatenate([np.arange(*span) for span in spans])
            yield numbers, [*found, *([] if self.weights is not None else [None])]


@answering
def batches(
    X: ArrayLike, Y: ArrayLike, size: int = 32, *, seed: int | np.random.Generator | None = None
) -> Iterator[tuple[Array, Array]]:
    """Yields batches (X, Y) of arrays, for a training loop of your own.

        for epoch in range(10):
            for x, y in nn.batches(X, Y, 32, seed=epoch):
                loss = nn.cross_entropy(model(x), y)
                loss.backward()
                optimiser.step()
                optimiser.zero_grad()

    Parameters
    ----------
    X, Y : arrays
        Samples X (features, N) or pictures (channels, height, width, N), and targets Y (..., N).
    size : int
        The number of samples per batch; the last one may have fewer.
    seed : int or numpy.random.Generator, optional
        The seed of the shuffle; take another for each epoch. Without it the samples keep their
        order.

    Yields
    ------
    X, Y : arrays

    Raises
    ------
    ValueError
        Where X and Y have different numbers of samples, or `size` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, Y = np.ones((2, 5)), np.zeros((1, 5))
    >>> for x, y in nn.batches(X, Y, 2, seed=0):
    ...     print(x.shape, y.shape)
    (2, 2) (1, 2)
    (2, 2) (1, 2)
    (2, 1) (1, 1)
    """
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"batches: size must be at least 1, not {size!r}")
    data = ArrayData(X, Y)
    order = None if seed is None else [int(np.random.default_rng(seed).integers(2**63))]
    return ((batch.X, batch.Y) for batch in data.batches(int(size), order))


def _held(array: ArrayLike) -> Array:
    """An array for training; Dask's arrays in the form that the engine computes with."""
    return adopt(as_array(array.data if isinstance(array, al.Tensor) else array), axis=-1)


def _taken(array: ArrayLike, chosen: slice | Array) -> Array:
    """The chosen samples, indexed as rows, since samples are mostly contiguous in memory."""
    if not has_values(array):
        return adopt(array[..., chosen])
    if array.ndim < 3:
        return array.T[chosen].T if array.ndim == 2 else array[chosen]
    return np.ascontiguousarray(array[..., chosen])
