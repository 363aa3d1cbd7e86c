"""Running the text of a hand: its gradients, its loss, and the variables before each line."""

import ast
import copy
import io
import linecache
import sys
import types
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import numpy as np

import autograd_lite as al
from derivations.hands.hand import Hand

Values = dict[str, Any]
STEP = 1e-6


class _EndOfPass(Exception):
    """Ends a script after one round of its loop."""


def compiled(source: str, label: str, hand: Hand | None = None) -> types.CodeType:
    """The code of a source text; of a script one pass only, where its hand is given."""
    filename = file_of(label)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source)
    if hand is not None and hand.is_script:
        _one_pass(tree, source, hand.start)
    return compile(tree, filename, "exec")


def file_of(label: str) -> str:
    return f"<hand {label}>"


def _one_pass(tree: ast.Module, source: str, start: str) -> None:
    """Calls `__start__()` where a script's pass starts, and ends the script where it ends."""
    number = line_of(source, start)
    begin, end = ast.parse("__start__()").body, ast.parse("raise __End__").body
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for place, statement in enumerate(body):
            if statement.lineno == number:
                if isinstance(statement, ast.For | ast.While):
                    statement.body[:] = [*begin, *statement.body, *end]
                else:
                    body[place:place] = begin
                ast.fix_missing_locations(tree)
                return
    raise ValueError(f"no statement of the script starts with {start!r}")


def line_of(source: str, text: str) -> int:
    """The number of the one line that has a text in it."""
    found = [n for n, line in enumerate(source.splitlines(), 1) if text in line]
    if len(found) != 1:
        raise ValueError(f"{text!r} is in {len(found)} lines, not in one")
    return found[0]


def new_module(label: str, **given: Any) -> types.ModuleType:
    """An empty module, known to `inspect` under the name of the file of a label."""
    module = types.ModuleType("hand_" + "".join(c if c.isalnum() else "_" for c in label))
    module.__file__ = file_of(label)
    module.__dict__.update(given)
    sys.modules[module.__name__] = module
    return module


def executed(
    hand: Hand, source: str, label: str, at_start: Callable[[Values], None] | None = None
) -> Values:
    """The namespace after the text and the hand's `run`; a script's after one pass."""
    module = new_module(label)
    names = module.__dict__
    if hand.is_script:
        names |= {"__start__": lambda: _start(hand, names, at_start), "__End__": _EndOfPass}
    try:
        with np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
            exec(compiled(source, label, hand), names)
            names["copy"] = copy
            exec(hand.run, names)
    except _EndOfPass:
        pass
    finally:
        sys.modules.pop(module.__name__, None)
        linecache.cache.pop(file_of(label), None)
    return names


def _start(hand: Hand, names: Values, at_start: Callable[[Values], None] | None) -> None:
    if at_start is not None:
        at_start(names)
    names["before"] = {
        name: np.array(eval(array, names)) for name, (array, _) in hand.gradients.items()
    }


def gradients_of(hand: Hand, source: str, label: str) -> Values:
    """The gradients that a text derives, by the names of their tensors."""
    names = executed(hand, source, label)
    with np.errstate(all="ignore"):
        return {
            name: np.array(eval(gradient, names), dtype=float)
            for name, (_, gradient) in hand.gradients.items()
        }


def differences_of(hand: Hand) -> Values:
    """The same by central differences of the person's own loss."""
    names = executed(hand, hand.source, hand.name)
    return {name: _differences(hand, names, array) for name, (array, _) in hand.gradients.items()}


def _differences(hand: Hand, names: Values, array: str) -> np.ndarray:
    values = names["before"][_tensor(hand, array)] if hand.is_script else eval(array, names)
    found = np.zeros(np.shape(values))
    for index in np.ndindex(found.shape):
        losses = [_loss(hand, names, array, index, step) for step in (STEP, -STEP)]
        found[index] = (losses[0] - losses[1]) / (2 * STEP)
    return found


def _tensor(hand: Hand, array: str) -> str:
    return next(name for name, (found, _) in hand.gradients.items() if found == array)


def _loss(hand: Hand, names: Values, array: str, index: tuple[int, ...], step: float) -> float:
    if hand.is_script:
        names = executed(
            hand, hand.source, hand.name, lambda names: _move(names, array, index, step)
        )
        return float(np.squeeze(eval(hand.loss, names)))
    _move(names, array, index, step)
    value = float(np.squeeze(eval(hand.loss, names)))
    _move(names, array, index, -step)
    return value


def _move(names: Values, array: str, index: tuple[int, ...], step: float) -> None:
    """Adds a step to one element of an array, or to a number."""
    values = eval(array, names)
    if isinstance(values, np.ndarray) and values.ndim:
        values[index] += step
    else:
        exec(f"{array} = {array} + {step!r}", names)


def report_on(hand: Hand, source: str, label: str) -> Any:
    """The marker's report on a text."""
    if hand.is_script:
        with redirect_stdout(io.StringIO()):
            return eval(hand.call, {"al": al, "TEXT": source})
    module = new_module(label)
    try:
        with np.errstate(all="ignore"):
            exec(compiled(source, label), module.__dict__)
        return eval(hand.call, module.__dict__ | {"al": al})
    finally:
        sys.modules.pop(module.__name__, None)
        linecache.cache.pop(file_of(label), None)


def snapshots(hand: Hand) -> dict[int, Values]:
    """The variables before each line of the text ran first, by its number."""
    found: dict[int, Values] = {}
    seen: set[tuple[int, bool]] = set()
    filename = file_of(hand.name)

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != filename:
            return None
        key = frame.f_lineno, frame.f_code.co_name == "<lambda>"
        if event == "line" and key not in seen:
            seen.add(key)
            if key[1] or frame.f_lineno not in found:
                found[frame.f_lineno] = {n: _copied(v) for n, v in frame.f_locals.items()}
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        executed(hand, hand.source, hand.name)
    finally:
        sys.settrace(before)
    return found


def _copied(value: Any) -> Any:
    """A copy of arrays and of what holds them, an object's attributes included."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()} if len(value) < 40 else value
    if type(value) in (list, tuple):
        return type(value)(_copied(v) for v in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._make(map(_copied, value))
    if type(value).__module__.startswith("hand_"):
        return types.SimpleNamespace(**{n: _copied(v) for n, v in vars(value).items()})
    return value


def raising_line(error: BaseException, label: str) -> int | None:
    """The line of the text in which an error rose."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file_of(label):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
