"""The parameters that a function reads besides its arguments, and their names."""

from __future__ import annotations

import itertools
import re
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_lite.derivation.differentiated import names_of_parameters
from autograd_lite.program.captures import Captures
from autograd_lite.program.names import identifier

DATA_NAMES = frozenset(
    "X Y y T t xs ys x_train y_train X_train Y_train X_test Y_test X_batch Y_batch y_true".split()
    + "inputs input targets target labels label images one_hot onehot data".split()
)
"""Parameters with these names count as data if the function has others, too."""


def tensors_of(captures: Captures) -> list[tuple[Any, str]]:
    """The captured tensors that require grad, each with the label of its place."""
    return [(t, label) for t, label in captures.tensors if t.requires_grad]


def arrays_of(
    function: Callable[..., Any], captures: Captures, arguments: Iterable[str]
) -> list[tuple[np.ndarray, str]]:
    """The captured arrays of floating-point numbers, each with the label of its place.

    There are none if one of the floating-point `arguments` is a parameter, or if a function has a
    single one, by which it is differentiated. In a method, whose parameters are the object's, `x`
    is data.
    """
    names = list(arguments)
    method = not isinstance(function, types.FunctionType)
    if not all(name in DATA_NAMES or (method and name == "x") for name in names):
        return []
    if len(names) == 1 and not method:
        return []
    return [(a, label) for a, _, label in captures.arrays if a.dtype.kind == "f" and a.ndim]


def names_of_captured(own: Sequence[tuple[Any, str]]) -> list[str]:
    """The names of what was captured: `W1` of `self.W1` or of `params["W1"]`, with a number where
    several are called alike.
    """
    attributes = [short_name(label) for _, label in own]
    count = Counter(attributes)
    places: dict[str, Iterator[int]] = {name: itertools.count(1) for name in count}
    names: list[str] = []
    given = zip(names_of_parameters(own), attributes, own, strict=True)
    for name, attribute, (_, label) in given:
        several = count[attribute] > 1
        short = f"{attribute}{next(places[attribute])}" if several else attribute
        fits = name == identifier(label) and short.isidentifier() and count[short] <= 1
        names.append(short if fits and not (several and attribute[-1].isdigit()) else name)
    return names


def short_name(label: str) -> str:
    """The last attribute or key of a place: `W1` of `net.params['W1']`, `Ws0` of `net.Ws[0]`."""
    key = re.search(r"\['([^']+)'\]$", label)
    return key[1] if key else re.sub(r"[\[\]]", "", label.rpartition(".")[2])
