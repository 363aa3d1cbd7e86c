"""How the time of a step grows: the slope of its logarithm over that of what grows.

1 is in proportion, 0 not at all, 2 by the square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from benchmarks import nets
from benchmarks.measure import medians

import autograd_lite as al

Curves = dict[str, tuple[list[int], list[float]]]


def slope(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Of the straight line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _curve(sizes: Sequence[int], make: Callable[[int], Callable[[], object]]) -> list[float]:
    runs = {str(size): make(size) for size in sizes}
    return list(medians(runs, rounds=5).values())


def operations() -> Curves:
    """A chain of scalar operations, forward and backward."""

    def make(length: int) -> Callable[[], object]:
        def run() -> None:
            x = al.Tensor(1e-6, requires_grad=True)
            y = x
            for _ in range(length // 2):
                y = y * x + x
            y.backward()

        return run

    sizes = [1000, 10_000, 100_000, 1_000_000]
    return {"recorded": (sizes, _curve(sizes, make))}


def _of_nets(sizes: list[int], net: Callable[[int], tuple[tuple[int, ...], int]]) -> Curves:
    def steps(write: Callable[..., Callable[[], object]]) -> list[float]:
        def make(size: int) -> Callable[[], object]:
            layers, columns = net(size)
            return write(layers, *nets.samples(layers[0], columns))

        return _curve(sizes, make)

    found = {"recorded": nets.recorded, "compiled": nets.compiled, "by hand": nets.by_numpy}
    return {name: (sizes, steps(write)) for name, write in found.items()}


def samples() -> Curves:
    """A step of 64-64-64-1 on more and more columns."""
    return _of_nets([512, 2048, 8192, 32_768], lambda n: ((64, 64, 64, 1), n))


def width() -> Curves:
    """A step of three layers on 256 columns, wider and wider: products grow by the square."""
    return _of_nets([64, 128, 256, 512, 1024], lambda n: ((n, n, n, 1), 256))


def depth() -> Curves:
    """A step on 256 columns of more and more layers of 32 units."""
    return _of_nets([4, 16, 64, 256], lambda n: ((*(32,) * n, 1), 256))


def chunks() -> Curves:
    """A step of 64-32-1 on 65,536 columns, cut into more and more blocks, on threads."""
    import dask.array as da

    X, Y = nets.samples(64, 65_536)

    def make(count: int) -> Callable[[], object]:
        parts = (da.from_array(a, chunks=(len(a), 65_536 // count)) for a in (X, Y))
        return nets.recorded((64, 32, 1), *map(al.Tensor, parts))

    sizes = [4, 16, 64, 256, 1024]
    return {"recorded": (sizes, _curve(sizes, make))}


SLOPES = {f.__name__: f for f in (operations, samples, width, depth, chunks)}
