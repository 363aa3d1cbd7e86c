"""What a page says of a number: `A[0, 1] = 0.52 = 2·(−0.31) + 1.14 · nudge ...: ΔJ/Δ = 0.519`."""

from __future__ import annotations

import re

import numpy as np
from scipy.special import expit

NUMBER = re.compile(r"(?<![\w.])(\d+\.?\d*)(?:e(-?\d+))?")
KNOWN = {name: getattr(np, name) for name in np.__all__ if callable(getattr(np, name))}
KNOWN |= {"sigmoid": expit, "relu": lambda x: np.maximum(x, 0), "inf": np.inf, "NaN": np.nan}
TRIES = 40


def is_within(said):
    """Whether what is written out gives the number that it stands for, and the nudge its slope.

    Every number is shown with few digits: each is changed at random by half of its last one.
    Sums that are cut, functions of a person's own, and comparisons are not computed.
    """
    said = said.replace("−", "-").replace("∞", "inf").replace(", the sum of all parts", "")
    head, _, nudge = said.partition("   ·   ")
    parts = head.split(" = ", 2)
    if len(parts) < 2:
        return True
    value = float(parts[1])
    slope = re.search(r"ΔJ/Δ = (\S+)$", nudge)
    if slope and abs(float(slope[1]) - value) > 0.01 * abs(value) + 2e-3:
        return False
    if len(parts) < 3 or not np.isfinite(value) or re.search("…|==|bitwise", parts[2]):
        return True
    text = parts[2].replace("·", "*").replace("^", "**")
    called = re.findall(r"([A-Za-z_]\w*)", NUMBER.sub("", text))
    if not KNOWN.keys() >= set(called):
        return True
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        found = [float(eval(changed(text, rng), dict(KNOWN))) for _ in range(TRIES)]
    margin = max(found) - min(found) + last_digit(parts[1]) + 1e-9
    return min(found) - margin <= value <= max(found) + margin


def changed(text, rng):
    """The text with each number within half of its last digit; whole numbers are exact."""

    def one(match):
        half = last_digit(match[0]) / 2
        return repr(float(match[0]) + half * rng.uniform(-1, 1))

    return NUMBER.sub(one, text)


def last_digit(number):
    """What a step in the last digit of a number is."""
    mantissa, _, exponent = number.partition("e")
    if "." not in mantissa and not exponent:
        return 1.0 if abs(float(number)) >= 1000 else 0.0
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
