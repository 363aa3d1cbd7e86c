"""Cases of the element-wise functions and of those that NumPy lacks."""

import numpy as np

import autograd_lite as al
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
UNARY = {
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


def complex_numbers():
    z, w = complex_normal(2, 3, seed=1), complex_normal(2, 1, seed=2)
    for function in (np.real, np.imag, np.conjugate, np.exp, np.square, np.negative, np.sqrt):
        yield Case(function, (z,))
        yield Case(function, (complex_normal(),))
    yield Case(np.multiply, (normal(),), call=lambda x: 1j * x)
    yield Case(astype, (normal(3),), call=lambda x: astype(x, np.float64))
    yield Case(astype, (normal(3),), call=lambda x: astype(x, np.complex128))
    yield Case(np.real, (normal(3),))
    yield Case(np.imag, (normal(3),))
    yield Case(np.conjugate, (normal(3),))
    for function in (np.add, np.subtract, np.multiply, np.divide):
        yield Case(function, (z, w))
        yield Case(function, (normal(3), w))
