"""Cases of the element-wise functions and of those that NumPy lacks."""

import numpy as np

import autograd_lite as al
from autograd_lite.rules.masks import vanish
from autograd_lite.rules.special import astype
from cases import Case, complex_normal, layouts, normal, positive

SHAPES = [(), (3,), (2, 3), (0,), (2, 0, 3), (1, 1)]
PAIRS = [
    ((), ()),
    ((3,), (3,)),
    ((3,), (4, 3)),
    ((4, 1), (1, 4)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((5, 1), (5,)),
    ((2, 1, 3), (4, 1)),
    ((0,), (1,)),
    ((1, 0), (3, 1)),
]


def within(low, high):
    """A function that draws numbers between `low` and `high`."""
    return lambda *shape, seed=0: low + (positive(*shape, seed=seed) - 0.3) / 1.7 * (high - low)


UNARY = {
    np.exp2: normal,
    np.expm1: normal,
    np.log2: positive,
    np.log10: positive,
    np.log1p: positive,
    np.cbrt: normal,
    np.reciprocal: normal,
    np.sin: normal,
    np.cos: normal,
    np.tan: within(-1.2, 1.2),
    np.arcsin: within(-0.9, 0.9),
    np.arccos: within(-0.9, 0.9),
    np.arctan: normal,
    np.sinh: normal,
    np.cosh: normal,
    np.arcsinh: normal,
    np.arccosh: within(1.2, 3),
    np.arctanh: within(-0.9, 0.9),
    np.sinc: normal,
    np.i0: normal,
    np.deg2rad: normal,
    np.radians: normal,
    np.rad2deg: normal,
    np.degrees: normal,
    np.fabs: normal,
    np.nan_to_num: normal,
    np.negative: normal,
    np.positive: normal,
    np.exp: normal,
    np.log: positive,
    np.sqrt: positive,
    np.square: normal,
    np.absolute: normal,
    np.tanh: normal,
    al.sigmoid: normal,
    al.relu: normal,
    al.softplus: normal,
}
BINARY = {
    np.float_power: (positive, normal),
    np.fmax: (normal, normal),
    np.fmin: (normal, normal),
    np.logaddexp: (normal, normal),
    np.logaddexp2: (normal, normal),
    np.arctan2: (normal, normal),
    np.hypot: (normal, normal),
    np.remainder: (normal, positive),
    np.fmod: (normal, positive),
    al.xlog1py: (normal, positive),
    np.add: (normal, normal),
    np.subtract: (normal, normal),
    np.multiply: (normal, normal),
    np.divide: (normal, normal),
    np.power: (positive, normal),
    np.maximum: (normal, normal),
    np.minimum: (normal, normal),
    al.xlogy: (normal, positive),
}


def cases():
    for function, draw in UNARY.items():
        for shape in SHAPES:
            yield Case(function, (draw(*shape),))
        for note, array in layouts(draw(2, 3)).items():
            yield Case(function, (array,), note=note)
    for function, (first, second) in BINARY.items():
        for left, right in PAIRS:
            yield Case(function, (first(*left, seed=1), second(*right, seed=2)))
        for note, array in layouts(first(2, 3)).items():
            yield Case(function, (array, second(3, seed=2)), note=note)
    yield from constants()
    yield from complex_numbers()
    yield from others()
    yield Case(al.relu, (normal(4),), {"at_zero": 0.0})
    mask = np.array([[True, False, True], [False, True, False]])
    for left, right in [((2, 3), (2, 3)), ((3,), ()), ((), (2, 1)), ((1, 3), (2, 1))]:
        yield Case(
            np.where,
            (normal(*left, seed=1), normal(*right, seed=2)),
            call=lambda x, y: np.where(mask, x, y),
        )


def constants():
    """One operand is a plain number, as people write it."""
    for exponent in (0, 1, 2, 3, -1, -2):
        yield Case(np.power, (normal(4),), call=lambda x, e=exponent: x**e, note=f"x**{exponent}")
    for exponent in (0.5, -1.5, 2.0):
        yield Case(np.power, (positive(4),), call=lambda x, e=exponent: x**e, note=f"x**{exponent}")
    yield Case(np.power, (normal(4),), call=lambda x: 2.5**x, note="2.5**x")
    yield Case(np.divide, (normal(4),), call=lambda x: 1 / x, note="1/x")
    yield Case(np.divide, (normal(4),), call=lambda x: x / 4, note="x/4")
    yield Case(np.subtract, (normal(4),), call=lambda x: 1 - x, note="1-x")
    yield Case(np.maximum, (normal(4),), call=lambda x: np.maximum(0, x), note="max(0,x)")


def others():
    """Functions that are not differentiated in all of their arguments, or have options."""
    yield Case(np.copysign, (normal(3, seed=1),), call=lambda x: np.copysign(x, [1.0, -1.0, 1.0]))
    yield Case(np.ldexp, (normal(3),), call=lambda x: np.ldexp(x, np.array([1, -2, 3])))
    yield Case(np.modf, (normal(2, 3),), call=lambda x: np.modf(x)[0])
    yield Case(np.divmod, (normal(3), positive(2, 3, seed=1)), call=lambda x, y: np.divmod(x, y)[1])
    x = np.array([-1.0, 0.0, 2.0])
    yield Case(np.heaviside, (normal(3),), call=lambda h: np.heaviside(x, h))
    yield Case(np.unwrap, (np.array([0.1, 6.5, 13.0]),))
    yield Case(np.real_if_close, (normal(3),))
    for low, high in ((-0.5, 0.5), (None, 0.5), (-0.5, None)):
        yield Case(np.clip, (normal(2, 3),), call=lambda x, b=(low, high): np.clip(x, *b))
    yield Case(np.clip, (normal(2, 3), normal(3, seed=1) - 2, normal(seed=2) + 3))
    yield Case(np.clip, (normal(3),), {"min": -0.5, "max": 0.5})
    yield Case(vanish, (normal(3),), call=lambda g: vanish(g, np.array([True, False, True])))
    for deg in (False, True):
        yield Case(np.angle, (complex_normal(3),), {"deg": deg})


def complex_numbers():
    z, w = complex_normal(2, 3, seed=1), complex_normal(2, 1, seed=2)
    for function in (
        *(np.real, np.imag, np.conjugate, np.exp, np.square, np.negative, np.sqrt, np.absolute),
        *(np.log, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.reciprocal),
        *(np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh),
        *(np.exp2, np.expm1, np.log2, np.log10, np.log1p),
    ):
        yield Case(function, (z,))
        yield Case(function, (complex_normal(),))
    gaps = np.array([1j * np.nan, np.inf, 0])
    filled = lambda z: np.nan_to_num(z + gaps, nan=1, posinf=2)  # noqa: E731
    yield Case(np.nan_to_num, (complex_normal(3),), call=filled)
    yield Case(np.multiply, (normal(),), call=lambda x: 1j * x)
    yield Case(astype, (normal(3),), call=lambda x: astype(x, np.float64))
    yield Case(astype, (normal(3),), call=lambda x: astype(x, np.complex128))
    yield Case(np.real, (normal(3),))
    yield Case(np.imag, (normal(3),))
    yield Case(np.conjugate, (normal(3),))
    for function in (np.add, np.subtract, np.multiply, np.divide):
        yield Case(function, (z, w))
        yield Case(function, (normal(3), w))
