"""Labels of unnamed constants that are views or masks of named arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.graph import Leaf, Node, named_arrays
from autograd_lite.pictures.structure import Structure, plain_array
from autograd_lite.pictures.text import name_of

MASKS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("{} > 0", lambda x: x > 0),
    ("{} >= 0", lambda x: x >= 0),
    ("{} < 0", lambda x: x < 0),
    ("{} <= 0", lambda x: x <= 0),
    ("{} != 0", lambda x: x != 0),
    ("{} == 0", lambda x: x == 0),
)

COMPARED_LIMIT_ELEMENTS = 1_000_000
"""Larger arrays are not compared with others."""


def is_mask(source: Leaf | Array) -> bool:
    """Whether a source is an array of booleans without a name."""
    array = plain_array(source)
    return isinstance(array, np.ndarray) and array.dtype.kind == "b" and name_of(source) is None


def constant_names(graph: Structure, values: Mapping[Node, Array]) -> dict[int, str]:
    """Expressions such as `X.T`, `X[2]`, `1 - Y` and `Z1 > 0` for unnamed sources, by id.

    `values` holds the values of operations, to which masks are compared.
    """
    known = [(name, source) for source in graph.sources if (name := name_of(source)) is not None]
    arrays = [(n, a) for n, s in known if isinstance(a := plain_array(s), np.ndarray)]
    # An array of which the graph reads only a view or a mask is not a source.
    arrays += named_arrays()
    results = [(node.name, values[node]) for node in graph.nodes if node.name and node in values]
    found = {}
    for source in graph.sources:
        array = plain_array(source)
        is_parameter = isinstance(source, Leaf) and source.requires_grad
        if isinstance(array, np.ndarray) and array.size > 1 and not is_parameter:
            if name_of(source) is None:
                text = next(_expressions(array, arrays, results), None)
                found.update({} if text is None else {id(source): text})
    return found


def _expressions(
    array: np.ndarray, arrays: list[tuple[str, Array]], results: list[tuple[str, Array]]
) -> Iterator[str]:
    for name, other in arrays:
        if other is not array and np.may_share_memory(array, other):
            for view, after in ((array, ""), (array.T, ".T")):
                index = _index(view, other)
                if index is not None:
                    yield f"{name}{index}{after}"
    if array.size > COMPARED_LIMIT_ELEMENTS:
        return
    for name, other in [*results, *arrays] if array.dtype == bool else ():
        for text, mask in MASKS if _compares(other, array.shape) else ():
            if np.array_equal(mask(other), array):
                yield text.format(name)
    for name, other in arrays if array.dtype.kind == "f" else ():
        if other.dtype.kind in "fiu" and other.shape == array.shape:
            if np.array_equal(1 - other, array) and not np.array_equal(other, array):
                yield f"1 - {name}"


def _compares(value: Array, shape: tuple[int, ...]) -> bool:
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in "fiu"


def _index(view: np.ndarray, whole: np.ndarray) -> str | None:
    """How a view was made of an array, as `.T` or an index with slices; None if it was not."""
    if view.ndim > 1 and _same_memory(view, whole.T):
        return ".T"
    if view.ndim == whole.ndim - 1:
        for i in range(len(whole)):
            if _same_memory(view, whole[i]):
                return f"[{i}]"
    if view.ndim != whole.ndim or any(a > b for a, b in zip(view.shape, whole.shape, strict=True)):
        return None
    offset = _address(view) - _address(whole)
    slices = ["" for _ in whole.shape]
    for axis in sorted(range(whole.ndim), key=lambda axis: -whole.strides[axis]):
        if whole.strides[axis] <= 0:
            return None
        start, offset = divmod(offset, whole.strides[axis])
        stop = start + view.shape[axis]
        ends = (start or "", "" if stop == whole.shape[axis] else stop)
        slices[axis] = "{}:{}".format(*ends)
    cut = whole[tuple(slice(*(int(e) if e else None for e in s.split(":"))) for s in slices)]
    while len(slices) > 1 and slices[-1] == ":":
        slices.pop()
    return f"[{', '.join(slices)}]" if _same_memory(view, cut) else None


def _same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    layouts = [(_address(x), x.shape, x.strides, x.dtype) for x in (a, b)]
    return layouts[0] == layouts[1]


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])
