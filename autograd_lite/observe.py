"""Observation of a person's function: the values of its local names while it runs, and its text."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import Recordable
from autograd_lite.arrays.trees import entries

REPETITION_LIMIT_RUNS = 100
"""The values of a name are kept for up to this many changes."""


@dataclass
class Assigned:
    """All values, and the last one, of a local name or an entry of a local dict or list."""

    value: Any
    values: list[Any] = field(default_factory=list)


@dataclass
class Run:
    """One call of a function: its result or exception, and the values of its names."""

    returned: Any = None
    error: Exception | None = None
    variables: dict[str, Assigned] = field(default_factory=dict)


def watch(function: Callable[..., Any], args: tuple[Any, ...]) -> Run:
    """Call `function(*args)`; an exception of its own ends up in the Run."""
    run = Run()
    code = getattr(inspect.unwrap(function), "__code__", None)
    if not isinstance(code, CodeType):
        run.returned = function(*args)
        return run
    watcher = _Watcher(run, code)
    outer = sys.gettrace()
    sys.settrace(watcher.enter)
    try:
        run.returned = function(*args)
    except Exception as error:
        run.error = error
    finally:
        sys.settrace(outer)
        watcher.before = {}
    return run


class _Watcher:
    """A trace function for the frames of one code object."""

    def __init__(self, run: Run, code: CodeType) -> None:
        self.run = run
        self.code = code
        self.before: dict[str, Any] = {}

    def enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not self.code:
            return None
        self.before = {}
        self._note(frame)
        return self.step

    def step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event in ("line", "return"):
            self._note(frame)
        return self.step

    def _note(self, frame: FrameType) -> None:
        """Note the values that the last line changed."""
        now = dict(flat(frame.f_locals))
        for name, value in now.items():
            if name in self.before and self.before[name] is value:
                continue
            assigned = self.run.variables.setdefault(name, Assigned(value))
            assigned.value = value
            if len(assigned.values) > REPETITION_LIMIT_RUNS:
                # Of a long loop the last round is enough, and all of them may not fit in memory.
                assigned.values[-1] = value
            else:
                assigned.values.append(value)
        self.before = now


def is_value(value: Any) -> bool:
    """Whether it is an array, a number or a tensor."""
    numbers = (Recordable, np.ndarray, np.number, float, int, complex)
    return isinstance(value, numbers) and not isinstance(value, bool)


def flat(variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values among variables by name; an entry `Z["1"]` or `Z[1]` is called `Z1`."""
    for name, value in variables.items():
        if is_value(value):
            yield name, value
        elif type(value) in (dict, list):
            for key, item in entries(value) or ():
                if is_value(item) and isinstance(key, (str, int)):
                    yield entry_name(name, key), item


def entry_name(container: str, key: str | int) -> str:
    """The name of an entry of a local dict or list: its key, or the two names joined."""
    key = str(key)
    return key if key.isidentifier() else f"{container}{key.lstrip('_')}"


@functools.lru_cache(maxsize=32)
def source_of(function: Callable[..., Any]) -> tuple[str, int] | None:
    """The text of a function that can be parsed by itself, and its first line."""
    try:
        lines, first = inspect.getsourcelines(function)
        source = textwrap.dedent("".join(lines))
        ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return None
    return source, first


def located(node: ast.AST) -> Any:
    """Gives a place in the source to a node and to the new nodes inside it, as compile() demands.

    Quicker than `ast.fix_missing_locations`, as nothing is made inside what has a place.
    """
    if not hasattr(node, "lineno") and "lineno" in node._attributes:
        node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
        node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            located(child)
    return node
