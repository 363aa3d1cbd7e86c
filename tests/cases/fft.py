"""Cases of np.fft."""

import numpy as np

from cases import Case, complex_normal, layouts, normal

NORMS = (None, "backward", "ortho", "forward")
COMPLEX = (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)
REAL = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft, np.fft.irfft, np.fft.hfft)
SEVERAL = {
    np.fft.fftn: (normal, complex_normal),
    np.fft.ifftn: (normal, complex_normal),
    np.fft.rfftn: (normal,),
    np.fft.irfftn: (normal, complex_normal),
    np.fft.fft2: (normal, complex_normal),
    np.fft.ifft2: (normal, complex_normal),
    np.fft.rfft2: (normal,),
    np.fft.irfft2: (normal, complex_normal),
}


def cases():
    for functions, draw in ((COMPLEX, complex_normal), (REAL, normal)):
        for function in functions:
            yield from one_axis(function, draw)
    for function, draws in SEVERAL.items():
        for draw in draws:
            yield from several_axes(function, draw)
    for function in (np.fft.fftshift, np.fft.ifftshift):
        for options in ({}, {"axes": 0}, {"axes": -1}, {"axes": (0, 1)}):
            yield Case(function, (normal(2, 3),), options)
        yield Case(function, (normal(5),))
        yield Case(function, (complex_normal(4),))
        yield Case(function, (normal(2, 0),))


def one_axis(function, draw):
    for norm in NORMS:
        yield Case(function, (draw(4),), {"norm": norm})
        yield Case(function, (draw(2, 5),), {"norm": norm})
    for length in (4, 5):
        for n in (1, 2, 3, 4, 5, 7, 8, 10):
            yield Case(function, (draw(length),), {"n": n, "norm": "ortho"})
    for axis in (0, -1, 1):
        for n in (None, 2, 5):
            yield Case(function, (draw(3, 4),), {"axis": axis, "n": n})
            yield Case(function, (draw(2, 3, 2),), {"axis": axis, "n": n})
    yield Case(
        function, (draw(3, 2),), call=lambda a: function(a, 4, 0, "ortho"), note="positional"
    )
    yield Case(function, (draw(0, 3),))
    for note, array in layouts(draw(2, 3)).items():
        yield Case(function, (array,), {"axis": 0}, note=note)


def several_axes(function, draw):
    for norm in NORMS:
        yield Case(function, (draw(2, 3),), {"norm": norm})
        yield Case(function, (draw(2, 3, 4),), {"norm": norm})
    for s, axes in [((2, 3), (0, 1)), ((4, 5), (0, 1)), ((1, 2), (1, 0)), ((-1, 4), (0, 1))]:
        yield Case(function, (draw(3, 4),), {"s": s, "axes": axes, "norm": "ortho"})
    for axes in [(0,), (1, 0), (0, -1), (-1, -2)]:
        yield Case(function, (draw(3, 2, 2),), {"axes": axes})
    yield Case(function, (draw(3, 2, 2),), call=lambda a: function(a, (2, 4), (2, 0), "forward"))
    yield Case(function, (draw(3, 4),), {"axes": (0, 0)})
    yield Case(function, (draw(3, 4),), {"s": (5, 2), "axes": (0, 0)})
