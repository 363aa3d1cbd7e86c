"""Traits: facts about a function besides its derivative.

Passes, printers, pictures, blocks and the checker ask `traits(function)` instead of keeping lists
of functions of their own. A pass's own rules stay with the pass: how fast exp grows, say.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

Function = Callable[..., Any]

# NumPy before 2.4 does not tell the parameters of its functions of C.
_OF_C: dict[Function, Function] = {
    np.bincount: lambda x, /, weights=None, minlength=0: None,
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.inner: lambda a, b, /: None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How strongly an operator binds, the weakest first; an atom needs no parentheses."""


def signature(function: Function) -> inspect.Signature:
    """The parameters of a function; ValueError where nobody tells them."""
    return inspect.signature(_OF_C.get(function, function))


@dataclass(frozen=True, slots=True)
class Operator:
    """A function written between its operands, as Python has it.

    `strength` is one of COMPARISON ... ATOM. `on_numbers` is what Python computes itself where the
    operands are its own numbers.

    Parameters
    ----------
    symbol : str
        As it is written.
    strength : int
        How tightly it binds: one of COMPARISON ... ATOM.
    on_numbers : callable, optional
        What Python computes itself where the operands are its own numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import traits
    >>> traits(np.multiply).operator.symbol
    '*'
    """

    symbol: str
    strength: int
    on_numbers: Function | None = None

    @property
    def is_on_numbers(self) -> bool:
        """Whether Python's operator does the same on numbers, between two of them.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite.extend import traits
        >>> [traits(f).operator.is_on_numbers for f in (np.add, np.less, np.matmul)]
        [True, True, False]
        """
        return self.strength == COMPARISON or (
            self.strength <= PRODUCT and self.on_numbers is not None
        )


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts about a function that passes, printers and pictures ask for.

    Parameters
    ----------
    elementwise : bool
        Each element of the result depends on one element of each operand, after broadcasting.
    rearranges : bool
        The elements of the result are elements of the first operand, or zeros between them; which
        ones is decided by shapes and the other arguments alone.
    views : bool
        NumPy may return a view of the first operand.
    linear : "first", "each", "together" or None
        Linear in the first operand; in each of the operands while the others stay as they are
        (a product); or in all operands at once (a sum).
    reduction : np.ufunc or None
        The ufunc that folds the elements along an axis.
    kinked : bool
        The derivative jumps somewhere: a mask is a part of it.
    of_shapes : bool
        The result depends on shapes and dtypes only.
    of_memory : bool
        The result depends on where arrays lie in memory.
    makes_alike : bool
        The result is a new array with the shape and dtype of the first operand, whose values
        depend on no operand.
    shape_from_values : bool
        The shape of the result depends on the values of the operands.
    writes : bool
        The first argument is written to.
    operator : Operator or None
        The operator that Python writes for it.
    onnx : str or None
        The ONNX operator of the same meaning, element by element.
    native : str or None
        One element of the result in compiled loops: an expression with {} for each operand, of
        NumPy's functions and those in `compiler.native.elementary`.
    nanoseconds : float
        What one element takes in double precision: from when on threads are worth starting.

    Examples
    --------
    >>> from autograd_lite.extend import Traits
    >>> Traits(elementwise=True, kinked=True).kinked
    True
    """

    elementwise: bool = False
    rearranges: bool = False
    views: bool = False
    linear: Literal["first", "each", "together"] | None = None
    reduction: np.ufunc | None = None
    kinked: bool = False
    of_shapes: bool = False
    of_memory: bool = False
    makes_alike: bool = False
    shape_from_values: bool = False
    writes: bool = False
    operator: Operator | None = None
    onnx: str | None = None
    native: str | None = None
    nanoseconds: float = 0.4


TRAITS: dict[Function, Traits] = {}
"""The functions that have been described."""

_PLAIN = Traits()
_UFUNC = Traits(elementwise=True)


def traits(function: Function) -> Traits:
    """The traits of `function`; a ufunc that nobody described is element-wise.

    Parameters
    ----------
    function : callable
        A function of NumPy, or one made by `primitive`.

    Returns
    -------
    Traits

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import traits
    >>> traits(np.multiply).linear
    'each'
    >>> traits(np.transpose).views
    True
    """
    known = TRAITS.get(function)
    if known is not None:
        return known
    return _UFUNC if isinstance(function, np.ufunc) and function.signature is None else _PLAIN


def describe(described: Traits, *functions: Function) -> None:
    """Declare the traits of `functions`."""
    for function in functions:
        TRAITS[function] = described


def with_trait(name: str) -> frozenset[Function]:
    """The functions whose trait of this name is set.

    >>> np.zeros_like in with_trait("makes_alike")
    True
    """
    return frozenset(f for f, described in TRAITS.items() if getattr(described, name))


def _infix(symbol: str, strength: int, on_numbers: Function | None = None, **others: Any) -> Traits:
    return Traits(elementwise=True, operator=Operator(symbol, strength, on_numbers), **others)


describe(_infix("+", SUM, operator.add, linear="together"), np.add)
describe(_infix("-", SUM, operator.sub, linear="together"), np.subtract)
describe(_infix("*", PRODUCT, operator.mul, linear="each"), np.multiply)
describe(_infix("/", PRODUCT, operator.truediv, linear="first"), np.divide)
describe(_infix("%", PRODUCT, kinked=True), np.remainder)
describe(_infix("//", PRODUCT), np.floor_divide)
describe(_infix("**", POWER, operator.pow, nanoseconds=3.0), np.power)
for _ufunc in (np.add, np.subtract, np.multiply, np.divide):
    # Python's own function for the operator, which stands in programs for its numbers.
    _sign: Any = TRAITS[_ufunc].operator
    describe(Traits(operator=_sign), _sign.on_numbers)
describe(_infix(">", COMPARISON), np.greater)
describe(_infix(">=", COMPARISON), np.greater_equal)
describe(_infix("<", COMPARISON), np.less)
describe(_infix("<=", COMPARISON), np.less_equal)
describe(_infix("==", COMPARISON), np.equal)
describe(_infix("!=", COMPARISON), np.not_equal)

describe(
    Traits(elementwise=True, linear="first", operator=Operator("-", SIGN, operator.neg)),
    np.negative,
)
describe(
    Traits(elementwise=True, kinked=True, operator=Operator("abs", ATOM, operator.abs)), np.absolute
)
describe(Traits(elementwise=True, linear="first"), np.positive, np.conjugate)
describe(Traits(elementwise=True, linear="first"), np.deg2rad, np.radians, np.rad2deg, np.degrees)
describe(Traits(elementwise=True, kinked=True), np.fabs, np.maximum, np.minimum, np.fmax, np.fmin)
describe(Traits(elementwise=True, kinked=True), np.clip, np.where, np.heaviside, np.copysign)
describe(Traits(elementwise=True, kinked=True), np.fmod, np.nan_to_num)
describe(Traits(elementwise=True), np.angle, np.i0, np.sinc, np.round)
describe(Traits(elementwise=True, linear="first"), np.astype, np.copy)
describe(Traits(elementwise=True, linear="first", views=True), np.real, np.imag)
describe(Traits(views=True), np.real_if_close)
describe(Traits(kinked=True), np.piecewise, np.select, np.choose, np.ptp)
describe(Traits(elementwise=True, nanoseconds=1.0), np.exp, np.log)
describe(Traits(elementwise=True, nanoseconds=1.4), np.log1p)
describe(Traits(elementwise=True, nanoseconds=1.6), np.tanh)
describe(Traits(elementwise=True, nanoseconds=9.0), np.sin, np.cos)

_MOVED = Traits(rearranges=True, views=True, linear="first")
describe(_MOVED, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.matrix_transpose)
describe(_MOVED, np.linalg.matrix_transpose, np.reshape, np.ravel, np.expand_dims, np.squeeze)
describe(_MOVED, np.broadcast_to, np.flip, np.flipud, np.fliplr, np.rot90)
describe(_MOVED, np.diagonal, np.linalg.diagonal, np.diag)
describe(_MOVED, np.lib.stride_tricks.sliding_window_view)
_COPIED = Traits(rearranges=True, linear="first")
describe(_COPIED, np.roll, np.repeat, np.tile, np.resize, np.take, np.delete)
describe(_COPIED, np.tril, np.triu, np.diagflat, np.fft.fftshift, np.fft.ifftshift)
describe(Traits(views=True, linear="first"), np.atleast_1d, np.atleast_2d, np.atleast_3d)
describe(Traits(views=True), np.linalg.matrix_power)

describe(Traits(linear="first", reduction=np.add), np.sum)
describe(Traits(reduction=np.maximum, kinked=True), np.max, np.amax)
describe(Traits(reduction=np.minimum, kinked=True), np.min, np.amin)
describe(Traits(reduction=np.multiply), np.prod)
describe(Traits(reduction=np.logical_and), np.all)
describe(Traits(reduction=np.logical_or), np.any)
describe(Traits(linear="first"), np.mean, np.cumsum, np.trace, np.linalg.trace)

describe(Traits(linear="each"), np.dot, np.inner, np.outer, np.linalg.outer, np.kron, np.vdot)
describe(Traits(linear="each"), np.vecdot, np.linalg.vecdot, np.matvec, np.vecmat, np.tensordot)
describe(Traits(linear="each"), np.linalg.tensordot, np.cross, np.linalg.cross)
describe(Traits(linear="each"), np.convolve, np.correlate)
describe(Traits(linear="each", operator=Operator("@", PRODUCT)), np.matmul)
describe(Traits(linear="each"), np.linalg.matmul)

describe(Traits(of_shapes=True), np.shape, np.ndim, np.size, np.result_type, np.can_cast)
describe(Traits(of_shapes=True), np.iscomplexobj, np.isrealobj, np.common_type)
describe(Traits(of_memory=True), np.may_share_memory, np.shares_memory)
describe(Traits(makes_alike=True), np.zeros_like, np.ones_like, np.empty_like)
describe(Traits(shape_from_values=True), np.nonzero, np.flatnonzero, np.argwhere, np.extract)
describe(Traits(shape_from_values=True), np.unique, np.unique_all, np.unique_counts)
describe(Traits(shape_from_values=True), np.unique_inverse, np.unique_values, np.bincount)
describe(Traits(shape_from_values=True), np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d)
describe(Traits(shape_from_values=True), np.compress)
describe(Traits(shape_from_values=True), np.trim_zeros)
describe(Traits(writes=True), np.copyto, np.put, np.place, np.putmask, np.put_along_axis)
describe(Traits(writes=True), np.fill_diagonal)


def _natively(form: str, *functions: Function) -> None:
    for function in functions:
        describe(replace(traits(function), native=form), function)


_natively("{} + {}", np.add)
_natively("{} - {}", np.subtract)
_natively("{} * {}", np.multiply)
_natively("{} / {}", np.divide)
_natively("-{}", np.negative)
_natively("{}", np.positive)
_natively("{0} * {0}", np.square)
_natively("abs({})", np.absolute, np.fabs)
_natively("np.sqrt({})", np.sqrt)
_natively("np.cbrt({})", np.cbrt)
_natively("{} ** {}", np.power)
_natively("{} > {}", np.greater)
_natively("{} >= {}", np.greater_equal)
_natively("{} < {}", np.less)
_natively("{} <= {}", np.less_equal)
_natively("{} == {}", np.equal)
_natively("{} != {}", np.not_equal)
_natively("{0} != {0}", np.isnan)
_natively("np.isfinite({})", np.isfinite)
_natively("np.isinf({})", np.isinf)
_natively("{1} if {0} else {2}", np.where)
_natively("({}) & ({})", np.logical_and, np.bitwise_and)
_natively("({}) | ({})", np.logical_or, np.bitwise_or)
_natively("({}) ^ ({})", np.logical_xor, np.bitwise_xor)
_natively("not ({})", np.logical_not, np.invert)
for _name in ("exp", "expm1", "log", "log1p", "tanh"):
    _natively(f"{_name}({{}})", getattr(np, _name))
for _name in ("maximum", "minimum", "fmax", "fmin", "logaddexp"):
    _natively(f"{_name}({{}}, {{}})", getattr(np, _name))
for _name in ("floor", "ceil", "trunc", "rint", "sin", "cos", "tan", "sinh", "cosh"):
    _natively(f"np.{_name}({{}})", getattr(np, _name))
for _name in ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"):
    _natively(f"np.{_name}({{}})", getattr(np, _name))
for _name in ("hypot", "arctan2", "copysign"):
    _natively(f"np.{_name}({{}}, {{}})", getattr(np, _name))
