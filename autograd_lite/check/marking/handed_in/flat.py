"""Gradients that stand one after the other in a flat array."""

from __future__ import annotations

import ast
import re

import numpy as np

from autograd_lite.check.marking.chain_rule import fit
from autograd_lite.check.marking.handed_in.finder import Finder
from autograd_lite.check.marking.handed_in.variables import by_name
from autograd_lite.check.marking.steps import Step


def pieces_of(finder: Finder, step: Step) -> list[Step] | None:
    """The gradients that one after the other are in a flat array: those that are no steps yet.

    None where it is no such array.
    """
    flat = step.value.ravel()
    free = {n: i for n, i in finder.known.inputs.items() if i.tensor.ndim}
    order = finder.in_order(free)
    is_flat = flat.size > 1 and max(step.value.shape) == flat.size
    shapes = [finder.shape_of(n) for n in order]
    if not is_flat or step.value.shape in shapes:
        return None
    if any(fit(step.value, shape) is not None for shape in shapes) and not _is_joined(step, finder):
        return None
    pieces = _pieces_by_value(finder, flat)
    return _pieces_by_size(finder, step, order) if pieces is None else pieces


def _is_joined(step: Step, finder: Finder) -> bool:
    """Whether the statement that made a value, or the one that returns it, joins arrays."""
    places = (finder.back.returned_at, None if step.event is None else step.event.place)
    statements = [place.statement for place in places if place is not None]
    called = (ast.unparse(n) for statement in statements for n in ast.walk(statement))
    return any(re.fullmatch(r"(np\.|numpy\.)?(concatenate|hstack|append|r_)", n) for n in called)


def _pieces_by_value(finder: Finder, flat: np.ndarray) -> list[Step] | None:
    """The values of the derivation that the array consists of."""
    pieces: list[Step] = []
    place = 0
    known = [e for e in finder.events if e.array is not None and 0 < e.array.size < flat.size]
    # What a helper makes of a gradient is no step of the derivation.
    main = finder.back.main_frame
    known.sort(key=lambda e: (main is None or e.frame != main.number, -np.size(e.value)))
    while place < flat.size:
        rest = flat[place:]
        event = next((e for e in known if _begins_with(rest, e.array)), None)  # type: ignore[arg-type]
        if event is None or event.array is None:
            return None
        place += event.array.size
        event = finder.origin(event)
        pieces.append(Step(event.name, "", np.asarray(event.array), event, None, True))
    for piece in pieces:
        assert piece.event is not None
        tensor = finder.tensor_of(piece.name)
        if tensor is not None and not any(s.tensor == tensor for s in finder.steps):
            by_name(finder, piece.name, tensor, [piece.event])
    return [p for p in pieces if not any(s.event is p.event for s in finder.steps)]


def _pieces_by_size(finder: Finder, step: Step, order: list[str]) -> list[Step] | None:
    """The array cut into pieces of the sizes of the parameters, in the order of arguments."""
    sizes = [int(np.prod(finder.shape_of(n))) for n in order]
    for first in range(len(order)):
        for last in range(first + 2, len(order) + 1):
            if sum(sizes[first:last]) == step.value.size:
                ends = np.cumsum([0, *sizes[first:last]])
                return [
                    _piece(finder, step, name, slice(int(a), int(b)))
                    for name, a, b in zip(order[first:last], ends, ends[1:], strict=False)
                ]
    return None


def _piece(finder: Finder, step: Step, tensor: str, part: slice) -> Step:
    shape = finder.shape_of(tensor)
    value = step.value.ravel()[part].reshape(shape)
    piece = Step(f"d{tensor}", "", value, None, None, True)
    piece.entry, piece.shape = (*(step.entry or ()), part), shape
    piece.written = step.line
    return piece


def _begins_with(flat: np.ndarray, array: np.ndarray) -> bool:
    """Whether a flat array begins with the elements of another, by its rows or by its columns."""
    if array.size > flat.size:
        return False
    start = flat[: array.size]
    return any(np.array_equal(start, array.ravel(order)) for order in ("C", "F"))
