"""gradcheck: compares gradients with finite differences of the function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from autograd_lite.arrays.contracts import Array, ArrayLike, Operand, Tree
from autograd_lite.arrays.trees import leaves_of
from autograd_lite.elsewhere import answering
from autograd_lite.modes import no_grad
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import grad

STEP = 2e-4

Values = Callable[[np.ndarray], float]
"""The value of the function at a point."""


@answering
def gradcheck(
    function: Callable[..., Tree],
    *inputs: ArrayLike,
    order: int = 2,
    directions: int | None = None,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> bool:
    """Check the derivatives of `function` at `inputs` against central differences.

    Order 1 checks the gradient of a real scalar; for any other result, that of a random combination
    of the function's values. Order 2 checks the gradient of a random combination of the gradient,
    also with respect to the gradient that arrives from later operations. Everything is computed in
    double precision, also for float32 inputs.

    Parameters
    ----------
    function : callable
        Takes arrays, and returns an array or a scalar, or nested lists, tuples and dicts of them.
        It must give the same value every time.
    *inputs : array_like
        Real or complex floating-point arrays, at points where the function is smooth.
    order : {1, 2}
        The highest derivative to check.
    directions : int, optional
        Check the derivative along this many random directions instead of along every element. This
        is faster for large inputs, but does not tell which element is wrong.
    tolerance : float
        The largest difference that is allowed, relative to the largest element of the gradient, or
        to 1 where that is larger.
    seed : int
        The seed of the random combinations and directions.

    Returns
    -------
    bool
        True.

    Raises
    ------
    AssertionError
        Where a derivative is wrong; the message has the argument, the worst index, both values, the
        relative error and a likely cause.
    ValueError
        Where the function gives different values for the same inputs.

    Notes
    -----
    Order 2 checks the product of the Hessian with a random vector.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.gradcheck(lambda x: np.sum(np.sin(x) ** 2), np.array([0.5, 1.0]))
    True
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck: order must be 1 or 2, not {order!r}")
    rng = np.random.default_rng(seed)
    points = [_double(i, value) for i, value in enumerate(inputs)]
    weights = _weights(function, points, rng)
    names = [f"argument {i}{name}" for i, name in enumerate(_argument_names(function, inputs))]
    whose = "" if _is_plain(weights) else ", of a random combination of the results"

    def scalar(*args: Operand) -> Operand:
        return _combined(function(*args[: len(points)]), args[len(points) :])

    def check(order: int, checked: Callable[..., Operand], which: Sequence[int]) -> None:
        for i in which:
            label = names[i] if i < len(points) else _ARRIVING
            where = f"{label}, order {order}: ", whose if order == 1 else ""
            _check_argument(where, checked, everything, i, directions, tolerance, rng)

    everything = [*points, *weights]
    check(1, scalar, range(len(points)))
    if order == 2:
        for i, point in enumerate(points):
            random = _random_like(point, rng)

            def slope(*args: Operand, i: int = i, random: np.ndarray = random) -> Operand:
                return np.real(np.sum(grad(scalar, i)(*args) * random))

            check(2, slope, range(len(everything)))
    return True


_ARRIVING = "the gradient that arrives"


def _double(i: int, value: ArrayLike) -> np.ndarray:
    array = np.array(value._value if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "fc":
        raise TypeError(
            f"gradcheck: argument {i} has dtype {array.dtype}, but differences need floats"
        )
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _argument_names(function: Callable[..., Tree], inputs: Sequence[ArrayLike]) -> list[str]:
    """The name of each input in brackets: the tensor's own, or that of the parameter."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named += [""] * (len(inputs) - len(named))
    own = (value.name if isinstance(value, Tensor) else None for value in inputs)
    return [f" ({o or n})" if o or n else "" for o, n in zip(own, named, strict=False)]


def _random_like(point: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random numbers away from 0, so that every component counts."""
    signs = np.where(rng.random(point.shape) < 0.5, -1, 1)
    numbers = signs * rng.uniform(0.5, 1.5, point.shape)
    if point.dtype.kind == "c":
        return numbers + 1j * rng.uniform(0.5, 1.5, point.shape)
    return numbers


def _weights(
    function: Callable[..., Tree], points: list[np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """The weight of each result in the combination: 1 for a real scalar, else random numbers."""
    with no_grad():
        values, again = ([_array(v) for v in leaves_of(function(*points))] for _ in range(2))
    for value, other in zip(values, again, strict=True):
        if not np.array_equal(value, other, equal_nan=value.dtype.kind in "fc"):
            raise ValueError(
                "gradcheck: the function gives different values for the same inputs; seed its "
                "random numbers"
            )
    floating = [v for v in values if v.dtype.kind in "fc"]
    if len(floating) == 1 and not floating[0].shape and floating[0].dtype.kind == "f":
        return [np.ones(())]
    kinds = (np.complex128 if v.dtype.kind == "c" else np.float64 for v in floating)
    return [_random_like(v.astype(kind), rng) for v, kind in zip(floating, kinds, strict=True)]


def _is_plain(weights: list[np.ndarray]) -> bool:
    return len(weights) == 1 and not weights[0].shape and bool(weights[0] == 1)


def _combined(result: Tree, weights: Sequence[Operand]) -> Operand:
    """The sum of the floating-point results, each multiplied by its weight."""
    floating = [v for v in leaves_of(result) if _array(v).dtype.kind in "fc"]
    total: Operand = 0.0
    for value, weight in zip(floating, weights, strict=True):
        total = total + np.real(np.sum(value * weight))
    return total


def _array(value: Operand) -> np.ndarray:
    return np.asarray(_plain(value))


def _plain(value: Operand) -> Array:
    return value._value if isinstance(value, Tensor) else value


def _check_argument(
    where: tuple[str, str],
    scalar: Callable[..., Operand],
    points: list[np.ndarray],
    i: int,
    directions: int | None,
    tolerance: float,
    rng: np.random.Generator,
) -> None:
    point = points[i]

    def at(value: np.ndarray) -> float:
        result = scalar(*points[:i], value, *points[i + 1 :])
        return float(np.real(_plain(result)))

    gradient = np.asarray(_plain(grad(scalar, i)(*points)))
    if directions is None:
        _check_elements(where, at, point, gradient, tolerance)
    else:
        for _ in range(directions):
            _check_direction(where, at, point, gradient, tolerance, _random_like(point, rng))


def _difference(at: Values, point: np.ndarray, direction: np.ndarray) -> float:
    """The derivative along `direction`, by central differences of the fourth order."""
    near = at(point + STEP * direction) - at(point - STEP * direction)
    far = at(point + 2 * STEP * direction) - at(point - 2 * STEP * direction)
    return (8 * near - far) / (12 * STEP)


def _check_elements(
    where: tuple[str, str], at: Values, point: np.ndarray, gradient: np.ndarray, tolerance: float
) -> None:
    expected = np.zeros_like(gradient)
    for index in np.ndindex(point.shape):
        unit = np.zeros_like(point)
        unit[index] = 1
        expected[index] = _difference(at, point, unit)
        if point.dtype.kind == "c":
            expected[index] -= 1j * _difference(at, point, 1j * unit)
    if not point.size:
        return
    error = np.abs(gradient - expected)
    error = np.where(np.isnan(error), np.inf, error)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), error.shape))
    scale = max(1.0, float(np.max(np.abs(expected))))
    if error[worst] > tolerance * scale:
        unit = np.zeros_like(point)
        unit[worst] = 1
        cause = _jump(at, point, unit) or _kink(at, point, unit)
        cause = cause or _cut_off(where, gradient) or _pattern(gradient, expected)
        name = f"gradient[{', '.join(map(str, worst))}]" if worst else "the gradient"
        raise AssertionError(
            f"gradcheck: {where[0]}{name} is {gradient[worst]:.8g}, and differences give "
            f"{expected[worst]:.8g} (relative error {error[worst] / scale:.1e}{where[1]}){cause}"
        )


def _cut_off(where: tuple[str, str], gradient: np.ndarray) -> str:
    """A remark if a rule takes the arriving gradient off the graph; empty otherwise."""
    if not where[0].startswith(_ARRIVING) or gradient.any():
        return ""
    return (
        "; a rule takes the gradient that arrives off the graph: it must compute with g itself, "
        "not with g.data or a copy of it"
    )


def _check_direction(
    where: tuple[str, str],
    at: Values,
    point: np.ndarray,
    gradient: np.ndarray,
    tolerance: float,
    direction: np.ndarray,
) -> None:
    expected = _difference(at, point, direction)
    # dL = Re(sum(gradient * dz)) in the convention for complex gradients.
    actual = float(np.real(np.sum(gradient * direction)))
    error = abs(actual - expected) / max(1.0, abs(expected))
    if not error <= tolerance:
        cause = _jump(at, point, direction) or _kink(at, point, direction)
        cause = cause or _cut_off(where, gradient)
        raise AssertionError(
            f"gradcheck: {where[0]}the derivative along a random direction is {actual:.8g}, and "
            f"differences give {expected:.8g} (relative error {error:.1e}){cause}; check every "
            "element, without directions=, to see where"
        )


def _jump(at: Values, point: np.ndarray, direction: np.ndarray) -> str:
    """A remark if the function jumps between the points of the differences; empty otherwise."""
    places = STEP * np.arange(-2.0, 3.0)
    values = [at(point + t * direction) for t in places]
    widest = int(np.argmax(np.abs(np.diff(values))))
    (low, high), (below, above) = places[widest : widest + 2], values[widest : widest + 2]
    size = abs(above - below)
    # A function without a jump changes about half as much in half of the interval.
    for _ in range(20):
        middle = (low + high) / 2
        value = at(point + middle * direction)
        if abs(value - below) > abs(above - value):
            high, above = middle, value
        else:
            low, below = middle, value
    if not size > 1e-8 * max(1.0, abs(above)) or abs(above - below) < size / 2:
        return ""
    return (
        f"; the function jumps by {above - below:.4g}, {abs(low):.1e} away from there. Check at "
        "another point"
    )


def _kink(at: Values, point: np.ndarray, direction: np.ndarray) -> str:
    """A remark if the slopes on both sides differ, as at 0 of a ReLU; empty otherwise."""
    here = at(point)
    ahead = (at(point + STEP * direction) - here) / STEP
    behind = (here - at(point - STEP * direction)) / STEP
    if abs(ahead - behind) <= 0.01 * max(1.0, abs(ahead), abs(behind)):
        return ""
    return (
        f"; the function has a kink there: its slope is {behind:.4g} before and {ahead:.4g} after. "
        "Check at another point"
    )


def _pattern(gradient: np.ndarray, expected: np.ndarray) -> str:
    """A remark on a change that would correct the gradient: a sign, a factor or a transpose."""
    if np.allclose(gradient, -expected, rtol=1e-5):
        return "; the sign is wrong"
    if gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1]:
        if np.allclose(gradient, expected.T, rtol=1e-5):
            return "; it is transposed"
    significant = np.abs(expected) > 1e-8
    if significant.any():
        ratios = gradient[significant] / expected[significant]
        if np.allclose(ratios, ratios[0], rtol=1e-5) and np.allclose(gradient[~significant], 0):
            return f"; it is {np.real_if_close(ratios[0]):.6g} times what it should be"
    return ""
