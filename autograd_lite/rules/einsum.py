"""The derivative rule of `einsum`, for any number of operands.

An Einstein sum is linear in each operand, and its gradient at one of them is another Einstein sum:
of the result's gradient and all other operands, with that operand's indices for a result.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import Recordable, asarray_like
from autograd_lite.operations import OPERATIONS, composite, defvjp_sequence, primitive
from autograd_lite.rules.matrices import as_array
from autograd_lite.rules.reductions import wide

LETTERS = string.ascii_letters


@primitive
def einsum(
    operands: Sequence[Any], subscripts: str, optimize: Any, options: Any, needed: Sequence[bool]
) -> Any:
    """`np.einsum` with subscripts that name every index of every operand and of the result.

    `needed` says which operands need a gradient; the rule gives None for the others.
    """
    result = np.einsum(subscripts, *operands, optimize=optimize, **options)
    # Of a diagonal or a transpose NumPy gives a view; the caller may write to the operand.
    return result if getattr(result, "base", None) is None else result.copy()


def _gradients(
    g: Any, operands: Sequence[Any], subscripts: str, optimize: Any, needed: Sequence[bool]
) -> list[Any]:
    inputs, result = subscripts.split("->")
    terms = inputs.split(",")
    # A path that was given is one for other operands than these.
    optimize = True if len(terms) > 2 or not isinstance(optimize, (bool, str)) else optimize
    gradients: list[Any] = [None] * len(terms)
    for i, (term, operand) in enumerate(zip(terms, operands, strict=True)):
        if not needed[i]:
            continue
        factors = [g, *operands[:i], *operands[i + 1 :]]
        indices = [result, *terms[:i], *terms[i + 1 :]]
        gradients[i] = _gradient(factors, indices, term, np.shape(operand), optimize)
    return gradients


def _gradient(
    factors: list[Any], indices: list[str], own: str, shape: tuple[int, ...], optimize: Any
) -> Any:
    """The product of `factors` with `indices`, as the gradient at an operand with indices `own`."""
    known = set("".join(indices))
    distinct = ""
    for letter, size in zip(own, shape, strict=True):
        if letter in distinct:
            # A repeated index takes a diagonal: off it the gradient is 0.
            fresh = next(c for c in LETTERS if c not in known and c not in own + distinct)
            factors.append(asarray_like(np.eye(size, dtype=factors[0].dtype), factors[0]))
            indices.append(letter + fresh)
            known |= {letter, fresh}
            letter = fresh
        distinct += letter
    present = "".join(letter for letter in distinct if letter in known)
    factors[0] = wide(factors[0])
    gradient = np.einsum(f"{','.join(indices)}->{present}", *factors, optimize=optimize)
    if present == distinct:
        return gradient
    # An index that nothing else has was summed over alone: the gradient is the same all along it.
    sizes = iter(gradient.shape)
    return np.reshape(gradient, tuple(next(sizes) if c in known else 1 for c in distinct))


defvjp_sequence(einsum, 0, operands=_gradients)


@composite(np.einsum)
def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0].replace(" ", ""), [as_array(a) for a in operands[1:]]
    else:
        subscripts, arrays = _from_lists(operands)
    explicit = _explicit(subscripts, [a.ndim for a in arrays])
    needed = tuple(bool(getattr(a, "requires_grad", False)) for a in arrays)
    arguments = (arrays, explicit, optimize, options, needed)
    tensor = next((a for a in arrays if isinstance(a, Recordable)), None)
    return (
        tensor._record(OPERATIONS[einsum], arguments, {})
        if tensor is not None
        else einsum(*arguments)
    )


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The subscripts of `einsum(a, [0, 1], b, [1, 2], [0, 2])`, and its arrays."""
    lists = list(operands[1::2])
    arrays = [as_array(a) for a in operands[: len(operands) // 2 * 2 : 2]]
    subscripts = ",".join(map(_letters, lists))
    if len(operands) % 2:
        subscripts += "->" + _letters(operands[-1])
    return subscripts, arrays


def _letters(indices: Sequence[Any]) -> str:
    return "".join("..." if i is Ellipsis else LETTERS[i] for i in indices)


def _explicit(subscripts: str, ndims: list[int]) -> str:
    """`subscripts` with letters in place of an ellipsis, and with the result's indices."""
    inputs, arrow, result = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} is for {len(terms)} operands, not {len(ndims)}")
    free = [c for c in LETTERS if c not in subscripts]
    widths = [
        n - len(term.replace("...", "")) if "..." in term else 0
        for term, n in zip(terms, ndims, strict=True)
    ]
    if any(width < 0 for width in widths):
        raise ValueError(f"einsum: {subscripts!r} has more indices than an operand has axes")
    shared = "".join(free[: max(widths)])
    terms = [
        term.replace("...", shared[len(shared) - width :])
        for term, width in zip(terms, widths, strict=True)
    ]
    if arrow:
        result = result.replace("...", shared)
    else:
        named = inputs.replace(",", "").replace("...", "")
        result = shared + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    return f"{','.join(terms)}->{result}"
