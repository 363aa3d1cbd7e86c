"""Lazy samples and labels of estimators, such as Dask's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite.extend import Array, ArrayLike, adopt, is_lazy

from .validation import trained_dtype


def numbers(X: ArrayLike) -> Array:
    """X as float32 or float64, in blocks along its samples only."""
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers, but it has dtype {X.dtype}")
    # Refuses blocks of unknown length before the samples are counted.
    adopt(X)
    X = X.rechunk({axis: -1 for axis in range(1, X.ndim)})
    return X.astype(trained_dtype(X.dtype))


def in_the_blocks_of(cols: ArrayLike, y: ArrayLike) -> Array:
    """A value per sample, (N,), in the same blocks as the columns.

    An array in memory is sent to the cluster, if there is one, and stays there.
    """
    import dask.array as da

    chunks = (cols.chunks[-1],)
    if hasattr(y, "__dask_graph__"):
        return y if y.chunks == chunks else y.rechunk(chunks)
    return da.from_array(np.asarray(y), chunks=chunks).persist()


def computed(facts: Any) -> Array:
    """The values of several arrays, by one pass over the data."""
    import dask

    return dask.compute(*facts)


def different(found: Array) -> np.ndarray:
    """The distinct labels, sorted; computed at once, by a pass over the labels."""
    return np.unique(
        found.map_blocks(np.unique, chunks=((np.nan,) * found.numblocks[0],)).compute()
    )


def mapped(
    function: Callable[..., Array], array: ArrayLike, dtype: DTypeLike, *others: object
) -> Array:
    """`function(block, *others)` for each block of an array (N,), with a value for each element.

    Where the array holds numbers, a part of a block can still be read by itself.
    """
    if array.dtype.kind in "fiub":
        return adopt(array, axis=-1).mapped(function, dtype, *others)
    return adopt(array.map_blocks(function, *others, dtype=dtype), axis=-1)


def answers(scores: ArrayLike, function: Callable[[np.ndarray], np.ndarray]) -> Array:
    """`function` of the scores (outputs, N) as a Dask array of shape (N,) or (N, k).

    Computing scores that are not finite raises ValueError.
    """
    import dask.array as da

    example = function(np.zeros((scores.shape[0], 1), scores.dtype))
    places = da.arange(scores.shape[1], chunks=(scores.chunks[1],))
    return da.blockwise(
        _Answer(function),
        "jk"[: example.ndim],
        scores,
        "ij",
        places,
        "j",
        concatenate=True,
        new_axes={"k": example.shape[1]} if example.ndim == 2 else {},
        dtype=example.dtype,
        meta=example,
    )


@dataclass(frozen=True)
class _Answer:
    """Predicts for a block of scores, which must be finite."""

    function: Callable[[np.ndarray], np.ndarray]

    def __call__(self, scores: np.ndarray, places: np.ndarray) -> np.ndarray:
        if not (found := np.isfinite(scores).all(axis=0)).all():
            sample = int(places[np.argmin(found)])
            raise ValueError(
                f"the scores of sample {sample} are not finite: X[{sample}] holds NaN, infinity or "
                "numbers that are too large"
            )
        return self.function(scores)


def summed(function: Callable[..., np.ndarray], *arrays: ArrayLike) -> np.ndarray:
    """The sum of `function` over the blocks of arrays (N,), in the blocks of the first array.

    An array that is None is passed on as None.
    """
    import dask
    import dask.array as da

    chunks = arrays[0].chunks
    cut = [
        a.rechunk(chunks) if is_lazy(a) else da.from_array(np.asarray(a), chunks=chunks)
        for a in arrays
        if a is not None
    ]
    blocks = iter([array.to_delayed() for array in cut])
    nothing = itertools.repeat(None, len(chunks[0]))
    columns = [nothing if a is None else next(blocks) for a in arrays]
    parts = [dask.delayed(function)(*own) for own in zip(*columns, strict=True)]
    return np.sum(computed(parts), axis=0)
