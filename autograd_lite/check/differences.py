"""How far two arrays are apart, and where most."""

from __future__ import annotations

import numpy as np


def apart(given: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """How far each element is off: 0 where both are the same NaN or infinity, never NaN."""
    same = (given == expected) | (np.isnan(given) & np.isnan(expected))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.where(same, 0.0, np.abs(given - expected))
    return np.where(np.isnan(distance), np.inf, distance)


def largest(distance: np.ndarray, given: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The largest absolute difference, and its share of the largest element of either."""
    absolute = float(np.max(distance, initial=0))
    if absolute == 0 or np.isinf(absolute):
        return absolute, absolute
    scale = max(float(np.max(np.abs(a[np.isfinite(a)]), initial=0)) for a in (given, expected))
    return absolute, absolute / scale


def difference_message(
    name: str, distance: np.ndarray, given: np.ndarray, expected: np.ndarray
) -> str:
    """Where two arrays differ most: `dW[0, 1] is 3, and should be 2`."""
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(distance)), distance.shape))
    place = f"{name}[{', '.join(map(str, worst))}]" if worst else name
    is_, should_be = given[worst].item(), expected[worst].item()
    for digits in (6, 9, 13, 17):
        texts = f"{is_:.{digits}g}", f"{should_be:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return f"{place} is {texts[0]}, and should be {texts[1]}"
