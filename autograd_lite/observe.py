"""Running a person's function and seeing what its local names held, and which line gave it."""

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

Scope = dict[str, Any]

REPETITION_LIMIT_RUNS = 100
"""The values that a statement gives are kept for up to this many runs of it."""

WHERE = "__where__"
"""What np.where is called in expressions that are made of statements."""


@dataclass
class Assigned:
    """The values that one local name, or one entry of a local dict or list, came to hold.

    `statements` are those that gave it a value, in their order, each with the local variables as
    they were before it ran; `values` what it held after each.
    """

    name: str
    value: Any
    statements: list[tuple[ast.stmt, Scope]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    @property
    def line(self) -> int | None:
        """The line of the last statement."""
        return self.statements[-1][0].lineno if self.statements else None


@dataclass
class Run:
    """One call of a function: what it returned or raised, and what its names held."""

    function: Callable[..., Any]
    returned: Any = None
    error: Exception | None = None
    error_at: tuple[ast.stmt, Scope] | None = None
    error_line: int | None = None
    variables: dict[str, Assigned] = field(default_factory=dict)
    last: tuple[ast.stmt, Scope] | None = None

    @functools.cached_property
    def surroundings(self) -> dict[str, Any]:
        """The names that the function's expressions may use besides its local variables."""
        outer = dict(getattr(self.function, "__globals__", {}))
        return outer | {WHERE: np.where} | closure_of(self.function)


def watch(function: Callable[..., Any], args: tuple[Any, ...]) -> Run:
    """Call `function(*args)`; an exception of its own ends up in the Run."""
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    run = Run(inner)
    if not isinstance(code, CodeType):
        run.returned = function(*args)
        return run
    watcher = _Watcher(run, code, _statements(getattr(inner, "__func__", inner)))
    outer = sys.gettrace()
    sys.settrace(watcher.enter)
    try:
        run.returned = function(*args)
    except Exception as error:
        run.error = error
        run.error_at = watcher.pending
        run.error_line = _error_line(error, code)
    finally:
        sys.settrace(outer)
        watcher.before, watcher.pending, watcher.copies = {}, None, {}
    return run


def _error_line(error: Exception, code: CodeType) -> int | None:
    trace = error.__traceback__
    line = None
    while trace is not None:
        if trace.tb_frame.f_code is code:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class _Watcher:
    """A trace function for the frames of one code object."""

    def __init__(self, run: Run, code: CodeType, statements: Mapping[int, ast.stmt]) -> None:
        self.run = run
        self.code = code
        self.statements = statements
        self.changed_in_place = _changed_in_place(statements)
        self.pending: tuple[ast.stmt, Scope] | None = None
        self.before: Scope = {}
        self.copies: dict[str, tuple[Any, np.ndarray]] = {}
        self.times: dict[ast.stmt, int] = {}

    def enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not self.code:
            return None
        self.before = {}
        self.pending = None
        self._note(frame)
        return self.step

    def step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            statement = self.statements.get(frame.f_lineno)
            if statement is None or (self.pending and statement is self.pending[0]):
                return self.step
            self._note(frame)
            self.times[statement] = self.times.get(statement, 0) + 1
            self.pending = (
                statement,
                self._scope(frame, self.times[statement] <= REPETITION_LIMIT_RUNS),
            )
        elif event == "return":
            self._note(frame)
            self.run.last = self.pending
        return self.step

    def _scope(self, frame: FrameType, copied: bool) -> Scope:
        """The local variables; with `copied`, copies of what a later statement writes into."""
        scope = {}
        for name, value in frame.f_locals.items():
            if copied and name in self.changed_in_place and isinstance(value, np.ndarray):
                if name not in self.copies or self.copies[name][0] is not value:
                    self.copies[name] = value, value.copy()
                value = self.copies[name][1]
            scope[name] = _shallow(value)
        return scope

    def _note(self, frame: FrameType) -> None:
        """Note what the statement that has just run changed."""
        now = dict(flat(frame.f_locals))
        written = _written(self.pending[0], self.pending[1], self.run) if self.pending else set()
        if written:
            self.copies.clear()
        before_it = self.pending[1] if self.pending else {}
        for name in written & now.keys():
            # Another name of the same array keeps what it stood for.
            for other, value in now.items():
                known = self.run.variables.get(other)
                if other != name and value is now[name] and known and known.value is value:
                    known.value = before_it.get(name, value)
        for name, value in now.items():
            if name in self.before and self.before[name] is value and name not in written:
                continue
            assigned = self.run.variables.setdefault(name, Assigned(name, value))
            assigned.value = value
            if len(assigned.values) > REPETITION_LIMIT_RUNS:
                # Of a long loop the last round is enough, and all of them may not fit in memory.
                assigned.statements[-1:] = [self.pending] if self.pending else []
                assigned.values[-1] = value
                continue
            if self.pending is not None:
                assigned.statements.append(self.pending)
            kept = value.copy() if written and isinstance(value, np.ndarray) else value
            assigned.values.append(kept)
        self.before = now


def _shallow(value: Any) -> Any:
    return type(value)(value) if type(value) in (dict, list) else value


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
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                if is_value(item) and isinstance(key, (str, int)):
                    yield entry_name(name, key), item


def entry_name(container: str, key: str | int) -> str:
    """The name of an entry of a local dict or list: its key, or the two names joined."""
    key = str(key)
    return key if key.isidentifier() else f"{container}{key.lstrip('_')}"


@functools.lru_cache(maxsize=32)
def _statements(function: Callable[..., Any]) -> dict[int, ast.stmt]:
    """The innermost statement on each line of a function's source; none where it has no source."""
    definition = definition_of(function)
    lines: dict[int, ast.stmt] = {}
    for node in ast.walk(definition) if definition is not None else ():
        if isinstance(node, ast.stmt) and node is not definition:
            compound = hasattr(node, "body")
            last = node.lineno if compound else (node.end_lineno or node.lineno)
            for line in range(node.lineno, last + 1):
                lines[line] = node
    return lines


def definition_of(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The syntax tree of a function, with the line numbers of its file: a new one in every call."""
    source = source_of(function) if hasattr(function, "__code__") else None
    if source is None:
        return None
    tree = ast.parse(source[0])
    ast.increment_lineno(tree, source[1] - 1)
    name = getattr(function, "__name__", None)
    found = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name)
    return next(found, None)


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


def _changed_in_place(statements: Mapping[int, ast.stmt]) -> set[str]:
    """Names of arrays that some statement may write into: `x += 1`, `x[mask] = 0`."""
    names = set()
    for statement in statements.values():
        for target in _in_place_targets(statement):
            while isinstance(target, (ast.Subscript, ast.Attribute)):
                target = target.value
            if isinstance(target, ast.Name):
                names.add(target.id)
    return names


def _in_place_targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.AugAssign):
        return [statement.target]
    if isinstance(statement, ast.Assign):
        return [t for t in statement.targets if isinstance(t, ast.Subscript)]
    return []


def _written(statement: ast.stmt, scope: Scope, run: Run) -> set[str]:
    """The flat names of what a statement wrote into without putting another object there."""
    names = set()
    for target in _in_place_targets(statement):
        name = target_name(target, scope, run)
        if name is not None:
            names.add(name)
    return names


def target_name(target: ast.expr, scope: Scope, run: Run) -> str | None:
    """The flat name of a target: `dW1`, or `dZ1` for `dZ[str(l)]`; None for anything else."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        container = scope.get(target.value.id)
        if isinstance(container, np.ndarray):
            return target.value.id
        if isinstance(container, (dict, list)):
            key = evaluate(target.slice, scope, run)
            if isinstance(key, (str, int)):
                return entry_name(target.value.id, key)
    return None


def evaluate(expression: ast.expr, scope: Scope, run: Run) -> Any:
    """The value of an expression of the function's; None where it raises."""
    code = compile(ast.Expression(located(expression)), "<derivation>", "eval")
    try:
        with np.errstate(all="ignore"):
            return eval(code, run.surroundings | scope)
    except Exception:
        return None


def located(node: ast.AST) -> Any:
    """The node, with a place in the source for it and what was made with it, as compile() asks.

    Quicker than `ast.fix_missing_locations`, as nothing is made inside what has a place.
    """
    if not hasattr(node, "lineno") and "lineno" in node._attributes:
        node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
        node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            located(child)
    return node


def closure_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The variables that a function takes from the function around it."""
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except (TypeError, ValueError):
        return {}
