"""Derivative rules of np.fft.

A discrete Fourier transform is multiplication by a symmetric matrix F, so its gradient is F again:
the same transform of the gradient, with the same normalization. The transforms between real and
half of a Hermitian array differ by what the other half adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.operations import composite, defvjp
from autograd_lite.rules.matrices import Shape, place

Norm = Literal["backward", "ortho", "forward"] | None


OPPOSITE: dict[Norm, Norm] = {
    None: "forward",
    "backward": "forward",
    "forward": "backward",
    "ortho": "ortho",
}


def _opposite(norm: Norm) -> Norm:
    """The `norm=` with which the inverse transform scales by the same factor."""
    if norm not in OPPOSITE:
        raise ValueError(f"norm={norm!r}: np.fft has 'backward', 'ortho' and 'forward'")
    return OPPOSITE[norm]


def _resized(g: Any, shape: Shape, axis: int) -> Any:
    """`g` cut off or filled up with zeros along `axis`, to `shape`."""
    have, want = g.shape[axis], shape[axis]
    if have == want:
        return g
    index = (slice(None),) * (axis % len(shape)) + (slice(min(have, want)),)
    return g[index] if have > want else place(g, index, shape)


def _fft(g: Any, a_shape: Shape, axis: int, norm: Norm) -> Any:
    return _resized(np.fft.fft(g, axis=axis, norm=norm), a_shape, axis)


def _ifft(g: Any, a_shape: Shape, axis: int, norm: Norm) -> Any:
    return _resized(np.fft.ifft(g, axis=axis, norm=norm), a_shape, axis)


def _rfft(g: Any, a_shape: Shape, n: int | None, axis: int, norm: Norm) -> Any:
    length = a_shape[axis] if n is None else n
    return _resized(np.real(np.fft.fft(g, length, axis, norm)), a_shape, axis)


def _irfft(g: Any, a_shape: Shape, axis: int, norm: Norm) -> Any:
    n = g.shape[axis]
    # Each element stands for its mirror image too, but for the first and, if n is even, the last.
    weights = np.full(n // 2 + 1, 2, dtype=g.dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    shape = [-1 if i == axis % g.ndim else 1 for i in range(g.ndim)]
    weights = asarray_like(np.reshape(weights, shape), g)
    spectrum = np.conjugate(np.fft.rfft(g, axis=axis, norm=_opposite(norm)))
    return _resized(spectrum * weights, a_shape, axis)


defvjp(np.fft.fft, a=_fft)
defvjp(np.fft.ifft, a=_ifft)
defvjp(np.fft.rfft, a=_rfft)
defvjp(np.fft.irfft, a=_irfft)
defvjp(np.fft.fftshift, x=lambda g, axes: np.fft.ifftshift(g, axes))
defvjp(np.fft.ifftshift, x=lambda g, axes: np.fft.fftshift(g, axes))


@composite(np.fft.hfft)
def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    return np.fft.irfft(np.conjugate(a), n, axis, _opposite(norm))


@composite(np.fft.ihfft)
def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    return np.conjugate(np.fft.rfft(a, n, axis, _opposite(norm)))


Lengths = Sequence[int | None] | None
Axes = Sequence[int] | None
Transform = Callable[..., Any]


def _steps(a: Any, s: Lengths, axes: Axes) -> list[tuple[int | None, int]]:
    """The length and the axis of each one-dimensional transform; None for a length by default."""
    if axes is None:
        axes = range(-(a.ndim if s is None else len(s)), 0)
    if s is None:
        return [(None, axis) for axis in axes]
    if len(s) != len(axes):
        raise ValueError(f"np.fft got lengths s={s} for the axes {tuple(axes)}")
    # -1 stands for the axis as it is.
    return [(a.shape[i] if n == -1 else n, i) for n, i in zip(s, axes, strict=True)]


def _run(a: Any, steps: Sequence[tuple[int | None, int]], transform: Transform, norm: Norm) -> Any:
    for n, axis in steps:
        a = transform(a, n, axis, norm)
    return a


def _declare(suffix: str, default_axes: Axes) -> None:
    """Declare the transforms over several axes: those that np.fft calls ...n, and ...2."""

    @composite(getattr(np.fft, f"fft{suffix}"))
    def fftn(
        a: Any, s: Lengths = None, axes: Axes = default_axes, norm: Norm = None, out: Any = None
    ) -> Any:
        return _run(a, _steps(a, s, axes)[::-1], np.fft.fft, norm)

    @composite(getattr(np.fft, f"ifft{suffix}"))
    def ifftn(
        a: Any, s: Lengths = None, axes: Axes = default_axes, norm: Norm = None, out: Any = None
    ) -> Any:
        return _run(a, _steps(a, s, axes)[::-1], np.fft.ifft, norm)

    @composite(getattr(np.fft, f"rfft{suffix}"))
    def rfftn(
        a: Any, s: Lengths = None, axes: Axes = default_axes, norm: Norm = None, out: Any = None
    ) -> Any:
        *others, last = _steps(a, s, axes)
        # As long as `a` is: an axis that is named twice has become shorter.
        others = [(a.shape[i] if n is None else n, i) for n, i in others]
        return _run(np.fft.rfft(a, *last, norm), others[::-1], np.fft.fft, norm)

    @composite(getattr(np.fft, f"irfft{suffix}"))
    def irfftn(
        a: Any, s: Lengths = None, axes: Axes = default_axes, norm: Norm = None, out: Any = None
    ) -> Any:
        *others, last = _steps(a, s, axes)
        return np.fft.irfft(_run(a, others, np.fft.ifft, norm), *last, norm)


_declare("n", None)
_declare("2", (-2, -1))
