"""Differences between two arrays, and where they are largest."""

from __future__ import annotations

import numpy as np


def max_abs(array: np.ndarray) -> float:
    """The largest absolute value; NaN if the array has one, 0 if it is empty."""
    if not array.size:
        return 0.0
    if not array.ndim:
        return float(abs(array.item()))
    if array.dtype.kind == "f":
        # Two reductions need no array of absolute values, which may be large.
        return abs(float(np.maximum(np.max(array), -np.min(array))))
    return float(np.max(np.abs(array)))


def abs_difference(given: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The absolute difference of each element, never NaN: 0 for two equal NaNs or infinities."""
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(np.subtract(given, expected, dtype=np.result_type(given, expected, 1.0)))
        if np.isfinite(max_abs(distance)):
            return distance
        same = (given == expected) | (np.isnan(given) & np.isnan(expected))
        distance = np.where(same, 0.0, distance)
    return np.where(np.isnan(distance), np.inf, distance)


def largest(distance: np.ndarray, given: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The largest absolute difference, and its ratio to the largest element of either array."""
    absolute = max_abs(distance)
    if absolute == 0 or np.isinf(absolute):
        return absolute, absolute
    return absolute, absolute / max(_largest_finite(given), _largest_finite(expected))


def _largest_finite(array: np.ndarray) -> float:
    most = max_abs(array)
    return most if np.isfinite(most) else max_abs(array[np.isfinite(array)])


def difference_message(
    name: str, distance: np.ndarray, given: np.ndarray, expected: np.ndarray
) -> str:
    """A text on the element with the largest difference: `dW[0, 1] is 3, and should be 2`."""
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(distance)), distance.shape))
    place = f"{name}[{', '.join(map(str, worst))}]" if worst else name
    is_, should_be = given[worst].item(), expected[worst].item()
    for digits in (6, 9, 13, 17):
        texts = f"{is_:.{digits}g}", f"{should_be:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return f"{place} is {texts[0]}, and should be {texts[1]}"
