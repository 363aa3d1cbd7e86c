"""Lazy arrays: Dask's arrays and their stand-ins, computed when somebody reads them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.kinds import computes_in_other_ways, is_dask, is_lazy, is_special

_COMMON: frozenset[type] = frozenset(
    (type(None), tuple, list, slice, str, int, float, np.ndarray, np.float64, np.float32)
)
"""Kinds of arguments that are what they seem."""


def adopt(value: Any, axis: int | None = None) -> Any:
    """`value` as the engine computes with it: Dask arrays by their blocks, if they can be.

    `axis` is that of the samples, where it is known: Dask arrays are cut along it. TypeError for
    an array with labels (pandas, xarray) or of another kind that computes in ways of its own
    without NumPy's protocols (SciPy's sparse matrices).

    Parameters
    ----------
    value : array
        An array of any library, or anything else.
    axis : int, optional
        That of the samples, where it is known: Dask arrays are cut along it.

    Returns
    -------
    array

    Raises
    ------
    TypeError
        For an array with labels (pandas, xarray) or of another kind that computes in ways of its
        own without NumPy's protocols (SciPy's sparse matrices).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import adopt
    >>> adopt(np.ones(2))
    array([1., 1.])
    """
    if value.__class__ in _COMMON:
        return value
    if is_dask(value):
        from autograd_lite.arrays.dask.array import in_blocks

        return in_blocks(value, axis)
    if _computes_differently(value):
        raise TypeError(computes_in_other_ways(type(value).__name__, _way_to_values(value)))
    return value


def _way_to_values(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "np.asarray(...) of it, or use np.where for a mask"
    ways = ("to_numpy()", "toarray()", "to_dataarray().to_numpy()")
    found = (f"its .{way}" for way in ways if hasattr(value, way.partition("(")[0]))
    return next(found, "np.asarray(...) of it")


def _computes_differently(value: Any) -> bool:
    """Whether `value` is an array that takes operators, but not NumPy's functions, for itself."""
    if isinstance(value, np.ndarray):
        return is_special(value)
    if isinstance(value, (type, np.generic)) or hasattr(value, "__array_function__"):
        return False
    return hasattr(value, "__array_ufunc__") or hasattr(value, "toarray")


def expose(value: Any) -> Any:
    """`value` as a user sees it.

    Parameters
    ----------
    value : array
        An array that the engine computes with.

    Returns
    -------
    array

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import expose
    >>> expose(np.ones(2))
    array([1., 1.])
    """
    return value.exposed() if hasattr(value, "in_dask") else value


def on_cluster() -> bool:
    """Whether Dask arrays are computed by the workers of a cluster.

    Returns
    -------
    bool

    Examples
    --------
    >>> from autograd_lite.extend import on_cluster
    >>> on_cluster()
    False
    """
    if "distributed" not in sys.modules:
        return False
    from autograd_lite.arrays.dask.workers import cluster_client

    return cluster_client() is not None


def computing_threads() -> int:
    """The number of threads that compute Dask arrays: of all workers of a cluster, or of this
    process.

    Returns
    -------
    int

    Examples
    --------
    >>> import dask
    >>> from autograd_lite.extend import computing_threads
    >>> with dask.config.set(num_workers=3):
    ...     computing_threads()
    3
    """
    from autograd_lite.arrays.dask.workers import capacity

    return capacity().threads


def compute(values: Sequence[Any]) -> list[Any]:
    """`values` with the lazy ones as NumPy arrays, all by one computation.

    Parameters
    ----------
    values : sequence
        Arrays, lazy or not.

    Returns
    -------
    list

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import compute
    >>> compute([np.ones(2)])
    [array([1., 1.])]
    """
    if not any(map(is_lazy, values)):
        return list(values)
    from autograd_lite.arrays.dask.array import settled

    return settled(values)


def compute_blocks(values: Sequence[Any]) -> list[list[np.ndarray]]:
    """The blocks of lazy arrays that are cut into some, all by one computation.

    Parameters
    ----------
    values : sequence
        Lazy arrays.

    Returns
    -------
    list
        For each array a sequence of its blocks, as NumPy arrays.

    Examples
    --------
    >>> import dask.array
    >>> from autograd_lite.extend import adopt, compute_blocks
    >>> x = adopt(dask.array.arange(4.0, chunks=2))
    >>> compute_blocks([x])
    [(array([0., 1.]), array([2., 3.]))]
    """
    from autograd_lite.arrays.dask.array import blocks_of

    return blocks_of(values)


def total(function: Any, combine: Any, arrays: Sequence[Any]) -> Any:
    """`function(*arrays)` of arrays whose last axis is the samples, None among them.

    Where some are lazy it is that of their blocks, two of which `combine(a, b)` makes one: of
    each block no more is fetched than what the function gives.

    Parameters
    ----------
    function : callable
        Of some samples of each array; it gives a few numbers.
    combine : callable
        `combine(a, b)` of what it gives of two blocks.
    arrays : sequence of array or None
        The last axis is the samples.

    Returns
    -------
    What `function` gives of all samples.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import total
    >>> int(total(np.sum, np.add, [np.arange(4)]))
    6
    """
    if not any(map(is_lazy, arrays)):
        return function(*arrays)
    from autograd_lite.arrays.dask.array import total as of_blocks

    return of_blocks(function, combine, arrays)


def compute_for(output: Any, values: Sequence[Any], owners: Sequence[Any]) -> tuple[Any, list[Any]]:
    """`output` and those of `values` that belong to NumPy arrays, computed; the others as they are.

    So a gradient is an array of its tensor's library.
    """
    if not is_lazy(output):
        return output, list(values)
    mine = [isinstance(owner, (np.ndarray, np.generic)) for owner in owners]
    chosen = [value for value, own in zip(values, mine, strict=True) if own]
    output, *found = compute([output, *chosen])
    rest = iter(found)
    return output, [next(rest) if own else v for v, own in zip(values, mine, strict=True)]
