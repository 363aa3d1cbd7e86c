"""Names of gradients: `dW1`, `dL_dW1`, `grad_W1`, `nabla_W1` and `W1_grad` belong to W1."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

_LOSSES = r"(?:loss|cost|[JjLlECc])"
_PATTERNS = (
    *(rf"d{_LOSSES}_?d_?(.+)", r"[dD]_?(.+)", r"grads?_?(.+)", r"nabla_?(.+)", r"g_(.+)"),
    *(
        r"(.+)_grads?",
        r"(.+)_gradients?",
        r"gradients?_(.+)",
        r"(.+)grads?",
        r"[∂δΔ∇]_?(.+)",
        r"delta_(.+)",
    ),
)


def tensors_named_in(gradient: str) -> list[str]:
    """The possible names of a gradient's tensor, the likeliest first.

    >>> tensors_named_in("dW_1")
    ['W_1', 'W1']
    >>> tensors_named_in("dL_dW")
    ['W', 'L_dW', 'LdW']
    """
    matches = [match[1] for pattern in _PATTERNS if (match := re.fullmatch(pattern, gradient))]
    spelled = (name for match in matches for name in (match, match.replace("_", "")))
    return [name for name in dict.fromkeys(spelled) if any(map(str.isalpha, name))]


def is_gradient_name(name: str) -> bool:
    """Whether a variable is called after a gradient: `dW`, `W_grad`, `nabla_w`, `delta`."""
    low = name.lower()
    return bool(tensors_named_in(name)) or "grad" in low or "nabla" in low or "delta" in low


def tensor_among(gradient: str, known: Collection[str], bare: bool = False) -> str | None:
    """The tensor among `known` to which a gradient belongs by its name, in any case if only one
    matches. With `bare`, a gradient may have the name of its tensor.

    >>> tensor_among("dw", {"W": 1, "b": 2})
    'W'
    """
    candidates = [*tensors_named_in(gradient), *([gradient] if bare else [])]
    if match := re.fullmatch(r"g_?(\w+)", gradient):
        # The tensor must exist, because many other words begin with a g.
        candidates.append(match[1])
    for candidate in candidates:
        if candidate in known:
            return candidate
    for spelled in (str.lower, lambda name: name.lower().replace("_", ""), _in_any_order):
        for candidate in candidates:
            alike = [name for name in known if spelled(name) == spelled(candidate)]
            if len(alike) == 1:
                return str(alike[0])
    return None


def _in_any_order(name: str) -> tuple[str, ...]:
    return tuple(sorted(name.lower().split("_")))


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function in messages."""
    return getattr(function, "__name__", repr(function))
