"""Samples and labels that are computed when they are needed, as Dask's, at an estimator's door."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.extend import adopt


def numbers(X: Any) -> Any:
    """X as float32 or float64, cut along its samples only."""
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers, and it has dtype {X.dtype}")
    # Refuses blocks of unknown length, before somebody counts the samples.
    adopt(X)
    X = X.rechunk({axis: -1 for axis in range(1, X.ndim)})
    return X if X.dtype == np.float32 else X.astype(np.float64)


def in_the_blocks_of(cols: Any, y: Any) -> Any:
    """A value per sample, (N,), cut as the columns are.

    What is in memory goes to the cluster, if there is one, and stays there.
    """
    import dask.array as da

    chunks = (cols.chunks[-1],)
    if hasattr(y, "__dask_graph__"):
        return y if y.chunks == chunks else y.rechunk(chunks)
    return da.from_array(np.asarray(y), chunks=chunks).persist()


def computed(facts: Any) -> Any:
    """The values of several arrays, by one pass."""
    import dask

    return dask.compute(*facts)


def different(found: Any) -> np.ndarray:
    """The different labels, sorted: computed now, by a pass over the labels."""
    return np.unique(
        found.map_blocks(np.unique, chunks=((np.nan,) * found.numblocks[0],)).compute()
    )


def looked_up(table: np.ndarray, found: Any) -> Any:
    """`table[found]`, block by block."""
    return found.map_blocks(_items, table, dtype=table.dtype)


def _items(block: np.ndarray, table: np.ndarray) -> np.ndarray:
    return table[block]
