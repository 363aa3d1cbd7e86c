"""Stand-ins for arrays, which have a shape and a dtype and next to no memory.

What a function makes of them is another stand-in, found from one element where the function works
element by element: the rule of a large layer is traced as quickly as that of a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Tree
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.functions import traits

ELEMENT = 0.5
"""Every floating-point element, which is in the domain of nearly every function. Whole numbers are
0, which is a place in every array."""


class StandIn(np.ndarray):
    """An array with all its elements at one place in memory."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and ufunc.signature is None:
            return _elementwise(ufunc, inputs, options)
        if method == "__call__" and ufunc is np.matmul and not options:
            return _product(*inputs)
        return _standing_in(getattr(ufunc, method)(*_dense(inputs), **_dense(options)))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.where and len(args) == 3:
            return _elementwise(function, args, options)
        if function is np.dot and len(args) == 2 and all(0 < np.ndim(a) < 3 for a in args):
            return _product(*args)
        if function is np.tensordot and len(args) == 3 and isinstance(args[2], tuple):
            return _contracted(*args)
        if function is np.einsum and isinstance(args[0], str) and "." not in args[0]:
            return _summed(*args)
        if traits(function).makes_alike:
            return function(*_plain(args), **_plain(options))
        # A matrix all of whose elements are equal has no inverse.
        values = _dense if function.__module__ == "numpy.linalg" else _plain
        return _standing_in(function(*values(args), **values(options)))


def stand_in(shape: Sequence[int], dtype: Any) -> Any:
    """A stand-in of this shape and dtype; a number where it has no dimensions."""
    dtype = np.dtype(dtype)
    element = dtype.type(ELEMENT if dtype.kind in "fc" else dtype.kind == "b")
    return np.broadcast_to(element, tuple(shape)).view(StandIn) if shape else element


def _standing_in(result: Any) -> Any:
    return map_leaves(
        lambda v: stand_in(v.shape, v.dtype) if isinstance(v, np.ndarray) else v, result
    )


def _elementwise(function: Any, inputs: Sequence[Any], options: Any) -> Any:
    """The result of an element-wise function, found from one element."""
    shape = np.broadcast_shapes(*map(np.shape, inputs))
    elements = [stand_in((), v.dtype) if isinstance(v, np.ndarray) else v for v in inputs]
    found = function(*elements, **options)
    if isinstance(found, tuple):
        return tuple(stand_in(shape, part.dtype) for part in found)
    return stand_in(shape, found.dtype)


def _product(a: Any, b: Any) -> Any:
    """A product of matrices by shape and dtype alone."""
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(f"a product of shapes {a.shape} and {b.shape}")
    many = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    ends = a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ())
    return stand_in((*many, *ends), np.result_type(a.dtype, b.dtype))


def _contracted(a: Any, b: Any, axes: Any) -> Any:
    """A sum of products along pairs of axes, in order those of `a` and those of `b`."""
    rest = [
        length
        for array, gone in zip((a, b), axes, strict=True)
        for i, length in enumerate(array.shape)
        if i not in {int(k) % array.ndim for k in np.ravel(gone)}
    ]
    return stand_in(rest, np.result_type(a.dtype, b.dtype))


def _summed(subscripts: str, *operands: Any) -> Any:
    """The result of np.einsum for subscripts that name every axis."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    lengths = {
        letter: length
        for letters, array in zip(inputs.split(","), operands, strict=True)
        for letter, length in zip(letters, np.shape(array), strict=True)
    }
    letters = inputs.replace(",", "")
    once = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    shape = [lengths[letter] for letter in (output if arrow else once)]
    return stand_in(shape, np.result_type(*(v.dtype for v in operands)))


def _plain(tree: Tree) -> Any:
    return map_leaves(lambda v: v.view(np.ndarray) if isinstance(v, StandIn) else v, tree)


def _dense(tree: Tree) -> Any:
    """The tree with arrays in place of stand-ins; the square ones have an inverse."""
    return map_leaves(lambda v: _array(v) if isinstance(v, StandIn) else v, tree)


def _array(value: Any) -> np.ndarray:
    plain = value.view(np.ndarray)
    square = plain.ndim > 1 and plain.shape[-1] == plain.shape[-2] and plain.dtype.kind in "fc"
    return plain + np.eye(plain.shape[-1], dtype=plain.dtype) if square else plain
