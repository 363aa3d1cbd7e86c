"""Names of gradients: `dW1`, `dW_1`, `grad_W1` and `W1_grad` belong to the tensor W1."""

from __future__ import annotations

import re

_PATTERNS = (r"d_?(.+)", r"grad_(.+)", r"(.+)_grad")


def tensors_named_in(gradient: str) -> list[str]:
    """The names that the tensor of a gradient may have, the likeliest first.

    >>> tensors_named_in("dW_1")
    ['W_1', 'W1']
    """
    matches = [match[1] for pattern in _PATTERNS if (match := re.fullmatch(pattern, gradient))]
    spelled = (name for match in matches for name in (match, match.replace("_", "")))
    return list(dict.fromkeys(spelled))
