"""A run of a person's function on Tensors: its statements, and the operations of each.

Nodes of a graph are numbered in the order in which they are made, so the numbers at the start and
the end of a statement tell which nodes are its own.
"""

from __future__ import annotations

import ast
import functools
import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from autograd_lite.check.marking.mutable import settled
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.graph import next_serial
from autograd_lite.observe import flat
from autograd_lite.source import is_of_a_layer, is_users
from autograd_lite.tensor import Tensor

RUN_LIMIT_STATEMENTS = 20_000
"""A run is followed for up to this many statements."""


@dataclass(eq=False)
class Execution:
    """A statement that ran once: its text, its line counted from the start of the function, and the
    range of serial numbers of its nodes.

    `names` maps each local name or entry that it assigned to the node, leaf or plain value held
    then; `calls` holds the calls of a person's functions in it.
    """

    text: str
    line: int
    first: int
    last: int
    statement: ast.stmt | None
    names: dict[str, Any] = field(default_factory=dict)
    calls: list[Frame] = field(default_factory=list)


@dataclass(eq=False)
class Frame:
    """A call of a function: its arguments and what else it sees by name, what was passed in its
    order, and its statements in the order of execution.
    """

    name: str
    code: CodeType
    arguments: dict[str, Any]
    passed: list[Any] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)

    @property
    def walk(self) -> Iterator[Frame]:
        """This call and all calls inside it, outer calls first."""
        yield self
        for execution in self.executions:
            for frame in execution.calls:
                yield from frame.walk

    def held(self) -> Iterator[tuple[str, Any]]:
        """The arguments, and then the values of variables in the order of assignment."""
        yield from self.arguments.items()
        for execution in self.executions:
            yield from execution.names.items()


def run(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Frame]:
    """The result of `function(*args)` and its record; exceptions pass through."""
    follower = Follower(getattr(function, "__code__", None))
    outer = sys.gettrace()
    sys.settrace(follower.enter)
    try:
        result = function(*args)
    finally:
        sys.settrace(outer)
    return result, follower.top


class Follower:
    """A trace function that builds the tree of calls and statements.

    Calls before the first statement of a person's, such as a module's `__call__`, do not count; the
    first frame of a person's is the top. In functions that were rewritten to be watched, lines
    before their first one note values, and begin no statement.
    """

    def __init__(self, own: CodeType | None, rewritten: bool = False) -> None:
        self.own = own
        self.rewritten = rewritten
        self.top = Frame("", (lambda: None).__code__, {})
        self.top.executions.append(Execution("", 0, next_serial(), 0, None))
        self.running: list[tuple[FrameType, Frame]] = []
        self.held: dict[FrameType, dict[str, Any]] = {}
        self.count = 0
        self.is_noting = False

    def enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        hidden = code.co_name.startswith("<") and code.co_name != "<lambda>"
        followed = code is self.own or (not hidden and _is_followed(frame, self.rewritten))
        if not followed or self.count > RUN_LIMIT_STATEMENTS:
            return None
        parent = self.running[-1][1] if self.running else self.top
        given = self._held(frame.f_locals)
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        local = frame.f_locals
        passed = [
            value
            for one in (local[name] for name in arguments if name in local)
            for value in ([one] if isinstance(one, str) else self._held({"": one}).values())
        ]
        found = Frame(_name_of(frame), code, given, passed)
        parent.executions[-1].calls.append(found)
        found.executions.append(Execution("", 0, next_serial(), 0, None))
        self.running.append((frame, found))
        self.held[frame] = given
        return self.step

    def step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not self.running or self.running[-1][0] is not frame:
            return self.step
        found = self.running[-1][1]
        if event == "line":
            self._begin(frame, found)
        elif event == "return":
            self._end(frame, found)
            self.running.pop()
            self.held.pop(frame, None)
        return self.step

    def _begin(self, frame: FrameType, found: Frame) -> None:
        statement = statements_of(frame.f_code.co_filename).get(frame.f_lineno)
        now = found.executions[-1]
        was_noting, self.is_noting = self.is_noting, _is_noting(frame, statement)
        again = _began_again(frame, now) and not was_noting
        if self.is_noting or (statement is not None and statement is now.statement and not again):
            return
        self._end(frame, found)
        self.count += 1
        line = (statement.lineno if statement is not None else frame.f_lineno) - (
            frame.f_code.co_firstlineno - 1
        )
        text = text_of(frame.f_code.co_filename, statement, frame.f_lineno)
        found.executions.append(Execution(text, line, next_serial(), 0, statement))

    def _end(self, frame: FrameType, found: Frame) -> None:
        """Note where a statement ends, and which values it changed."""
        execution = found.executions[-1]
        execution.last = next_serial()
        before = self.held.get(frame, {})
        now = self._held(frame.f_locals)
        now |= self._held(dict(_attributes(execution.statement, frame)))
        for name, value in now.items():
            if name not in before or before[name] is not value:
                execution.names[name] = value
        self.held[frame] = now

    def _held(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Values by name, tensors as their nodes, since a written array gets a new node."""
        if self.rewritten:
            variables = {name: settled(value) for name, value in variables.items()}
        return {
            name: value._node if isinstance(value, Tensor) and value._node is not None else value
            for name, value in flat(variables)
        }


def _name_of(frame: FrameType) -> str:
    """The name of a call: that of its function, of the class whose `forward` it is, or of the
    variable that holds a lambda.
    """
    code = frame.f_code
    if code.co_name == "<lambda>" and frame.f_back is not None:
        known = frame.f_back.f_globals | frame.f_back.f_locals
        found = (n for n, value in known.items() if getattr(value, "__code__", None) is code)
        return next(found, code.co_name)
    owner = code.co_qualname.rpartition(".")[0].rpartition(".")[2]
    return owner if code.co_name == "forward" and owner.isidentifier() else code.co_name


def _began_again(frame: FrameType, now: Execution) -> bool:
    """Whether a statement begins again, as the one-line body of a loop does."""
    return bool(now.statement is not None and frame.f_lineno == now.statement.lineno)


def _is_noting(frame: FrameType, statement: ast.stmt | None) -> bool:
    """Whether a rewritten function notes a value, rather than running a line of its own."""
    first = frame.f_code.co_firstlineno
    return WATCH in frame.f_globals and (
        frame.f_lineno < first or (frame.f_lineno == first and statement is None)
    )


def _attributes(statement: ast.stmt | None, frame: FrameType) -> Iterator[tuple[str, Any]]:
    """The values that a statement such as `self.Z = ...` assigned, by attribute name."""
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    for target in targets:
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            holder = frame.f_locals.get(target.value.id)
            if target.attr in getattr(holder, "__dict__", {}):
                yield target.attr, holder.__dict__[target.attr]


_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def _is_followed(frame: FrameType, rewritten: bool) -> bool:
    """Whether a frame is a person's own, or the `forward` of a layer."""
    if is_of_a_layer(frame):
        return frame.f_code.co_name == "forward"
    if rewritten:
        return WATCH in frame.f_globals
    filename = frame.f_code.co_filename
    return is_users(frame) and not filename.startswith((*_LIBRARIES, "<frozen"))


def statements_of(filename: str) -> dict[int, ast.stmt]:
    """The innermost statement on each line of a file; empty where the source is missing."""
    return _statements("".join(linecache.getlines(filename)))


@functools.lru_cache(maxsize=64)
def _statements(source: str) -> dict[int, ast.stmt]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    lines: dict[int, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            last = node.lineno if hasattr(node, "body") else node.end_lineno or node.lineno
            lines |= dict.fromkeys(range(node.lineno, last + 1), node)
    return lines


def text_of(filename: str, statement: ast.stmt | None, line: int) -> str:
    """The source of a statement on one line; for a compound statement, its head."""
    if statement is None or hasattr(statement, "body"):
        return linecache.getline(filename, line).strip()
    lines = linecache.getlines(filename)[statement.lineno - 1 : statement.end_lineno]
    return " ".join(part.strip() for part in lines)
