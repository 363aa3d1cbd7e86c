"""Runs of a person's functions on copies of all that they can reach.

A `World` has the copies: arguments, objects whose methods run, variables from outside. An
`Execution` runs a function in a world and notes each value that is assigned, as an `Event`.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import io
import math
import os
import random
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking.mutable import Mutable, call_settled, made, plain
from autograd_lite.check.marking.rewriting import (
    HOME,
    WATCH,
    Definition,
    Place,
    Sources,
    is_without_source,
    names_in,
    persons_function,
    variables_of,
)
from autograd_lite.observe import entry_name, is_value
from autograd_lite.tensor import Tensor

KEPT_VALUE_BYTES = 1 << 26
"""Arrays up to this size are copied when they are noted, so that later writes do not show."""

SHARED_FROM_BYTES = 1 << 20
"""Larger arrays are shared by runs, which are repeated on copies where they write into one."""

_ENGINE = os.path.join(HOME, "autograd_lite") + os.sep

_ATOMS = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, str, bytes)


def is_data(value: Any) -> bool:
    """Whether a variable is data, which a run may write into, and no function or module."""
    return not isinstance(value, (*_ATOMS, np.ufunc, types.CodeType))


def paths_of(value: Any, path: tuple[Any, ...] = (), seen: set[int] | None = None) -> Iterator[Any]:
    """The arrays and numbers in nested containers and objects, each with the path to it."""
    seen = set() if seen is None else seen
    if isinstance(value, (np.ndarray, Mutable, Tensor)) or _is_noted(value):
        if isinstance(value, (np.ndarray, Mutable, Tensor)):
            if id(value) in seen:
                return
            seen.add(id(value))
        yield path, value
        return
    if id(value) in seen:
        return
    if isinstance(value, Mapping):
        items: Any = value.items()
    elif isinstance(value, (list, tuple)):
        fields = getattr(value, "_fields", None)
        items = zip(fields, value, strict=False) if fields else enumerate(value)
    elif isinstance(value, types.MethodType):
        items = _attributes(value.__self__)
    else:
        items = _attributes(value)
    seen.add(id(value))
    for key, item in list(items):
        yield from paths_of(item, (*path, key), seen)


def _attributes(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, _ATOMS) or type(value).__module__.split(".")[0] in ("numpy", "builtins"):
        return []
    found = list(getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found.append((name, getattr(value, name)))
    return found


class World:
    """Copies of what a person's functions can reach, made as they are asked for."""

    def __init__(self, convert: Callable[[Any, tuple[Any, ...]], Any] | None = None) -> None:
        self.convert = convert
        self.memo: dict[int, Any] = {}
        self.roots: dict[str, Any] = {}
        self.globals: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.cells: dict[int, types.CellType] = {}
        self.number: Callable[[Any, tuple[Any, ...]], Any] | None = None
        self._views: dict[int, Any] | None = None

    def copied(self, value: Any, path: tuple[Any, ...] = ()) -> Any:
        """A deep copy; the same one for the same object.

        `convert(array, path)` makes the copies of arrays, where `path` leads to it.
        """
        if self.convert is not None:
            for where, found in paths_of(value, path):
                if isinstance(found, np.ndarray) and id(found) not in self.memo:
                    self.memo[id(found)] = self.convert(found, where)
                    self.memo[id(self.memo)] = [*self.memo.get(id(self.memo), ()), found]
        copied = _deep(value, self.memo)
        if self.number is not None:
            _with_numbers(copied, path, self.number, set())
        return copied

    def _read_only(self) -> dict[int, Any]:
        """Read-only views of the large arrays, by the identities of these."""
        if self._views is None:
            copies = [{n: names.get(n) for n in copied} for names, copied in self.globals.values()]
            self._views = {}
            for _, found in paths_of([self.roots, *copies]):
                if isinstance(found, np.ndarray) and found.nbytes > SHARED_FROM_BYTES:
                    view = found.view()
                    view.flags.writeable = False
                    self._views[id(found)] = view
        return dict(self._views)

    def namespace(self, function: types.FunctionType, sources: Sources) -> dict[str, Any]:
        """The global variables of a function: its own dict, in which data are copies."""
        outer = function.__globals__
        known = self.globals.get(id(outer))
        if known is None:
            known = self.globals[id(outer)] = dict(outer), {}
        names, copied = known
        for name in names_in(function.__code__) - copied.keys():
            if name in outer:
                value = outer[name]
                copied[name] = self.copied(value, (name,)) if is_data(value) else value
                names[name] = copied[name]
        return names

    def closure(self, function: types.FunctionType, free: tuple[str, ...]) -> tuple[Any, ...]:
        cells = variables_of(function)
        if WATCH in function.__globals__:
            # It was made in the run, so that its variables are copies already.
            return tuple(cells[name] for name in free)
        return tuple(self._cell(cells[name], name) for name in free)

    def _cell(self, cell: types.CellType, name: str) -> types.CellType:
        if id(cell) not in self.cells:
            try:
                value = cell.cell_contents
            except ValueError:
                self.cells[id(cell)] = cell
            else:
                copied = self.copied(value, (name,)) if is_data(value) else value
                self.cells[id(cell)] = types.CellType(copied)
        return self.cells[id(cell)]

    def fork(self, shared: bool = False) -> World:
        """The world as it is now, with copies of everything that can be written to.

        With `shared`, large arrays are no copies, but read-only.
        """
        forked = World(self.convert)
        memo: dict[int, Any] = self._read_only() if shared else {}
        forked.roots = _deep(self.roots, memo)
        for key, (names, copied) in self.globals.items():
            new = dict(names)
            for name in copied:
                if is_data(names.get(name)):
                    new[name] = _deep(names[name], memo)
            forked.globals[key] = new, copied
        for key, cell in self.cells.items():
            value = cell.cell_contents
            forked.cells[key] = types.CellType(_deep(value, memo) if is_data(value) else value)
        # What was copied once is found again under the identity of the person's object.
        for key, value in self.memo.items():
            if id(value) in memo:
                forked.memo[key] = memo[id(value)]
        return forked


def _with_numbers(
    value: Any, path: tuple[Any, ...], convert: Callable[[Any, Any], Any], seen: set[int]
) -> None:
    """Puts what `convert` makes of them in the place of numbers in containers and objects."""
    if id(value) in seen or isinstance(value, _ATOMS):
        return
    seen.add(id(value))
    owner = value.__self__ if isinstance(value, types.MethodType) else value
    items = owner if isinstance(owner, (dict, list)) else getattr(owner, "__dict__", None)
    if items is None or type(owner).__module__.split(".")[0] == "numpy":
        return
    pairs = list(items.items()) if isinstance(items, dict) else list(enumerate(items))
    for key, item in pairs:
        if isinstance(item, (int, float, np.number)) and not isinstance(item, bool):
            items[key] = convert(item, (*path, key))
        elif isinstance(item, (dict, list)) or hasattr(item, "__dict__"):
            _with_numbers(item, (*path, key), convert, seen)


def _deep(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy, in which what cannot be copied (a file, a lock, a module) is as it is."""
    trial = dict(memo)
    try:
        copied = copy.deepcopy(value, trial)
    except (TypeError, RecursionError, AttributeError, NotImplementedError):
        return _copied_by_parts(value, memo)
    memo.update(trial)
    return copied


def _copied_by_parts(value: Any, memo: dict[int, Any]) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, types.MethodType):
        return types.MethodType(value.__func__, _deep(value.__self__, memo))
    if type(value) in (list, dict):
        made: Any = type(value)()
        memo[id(value)] = made
        if isinstance(value, dict):
            made.update((key, _deep(item, memo)) for key, item in value.items())
        else:
            made.extend(_deep(item, memo) for item in value)
        return made
    if type(value) is tuple:
        return tuple(_deep(item, memo) for item in value)
    attributes = getattr(value, "__dict__", None)
    if attributes is None or isinstance(value, _ATOMS) or not _is_persons(type(value)):
        return value
    made = object.__new__(type(value))
    memo[id(value)] = made
    made.__dict__.update((name, _deep(item, memo)) for name, item in attributes.items())
    return made


def _is_persons(kind: type) -> bool:
    """Whether a class is of Python code that anyone may copy attribute by attribute."""
    return (
        "__new__" not in vars(kind)
        and type(kind) is type
        and kind.__module__ not in (*("builtins", "io", "threading", "_thread", "types"),)
    )


@dataclass(eq=False)
class Event:
    """One value that was assigned: where, under which name, and the how many-th time there."""

    place: Place
    key: tuple[int, str, int]
    name: str
    path: str
    line: int
    value: Any
    frame: int
    owner: Any = None
    serial: int = 0

    @property
    def array(self) -> np.ndarray | None:
        value = plain(self.value)
        if isinstance(value, (np.ndarray, np.number, float, int)) and not isinstance(value, bool):
            array = np.asarray(value)
            return array if array.dtype.kind in "fciu" else None
        return None


class Stop(Exception):  # noqa: N818 - it ends a run that has seen enough, and is no error
    """Ends a run."""


@dataclass(eq=False)
class Frame:
    """A call of a person's function, with the names that were assigned in it."""

    number: int
    name: str
    latest: dict[str, Any] = field(default_factory=dict)


class Execution:
    """One run: what was returned or raised, and all that was assigned.

    `recorded` runs on Mutables. `edits` are other trees for some definitions. `keys` limits what
    is noted to these events. `move(event)` may put another value in the place of an assigned one.
    `stop(event)` ends the run.
    """

    def __init__(
        self,
        sources: Sources,
        world: World,
        *,
        recorded: bool = False,
        edits: Mapping[Definition, Any] | None = None,
        keys: set[tuple[int, str, int]] | None = None,
        move: Callable[[Event, Any], Any] | None = None,
        stop: Callable[[Event], bool] | None = None,
        forward: Mapping[str, Any] | None = None,
        scopes: bool = False,
    ) -> None:
        self.sources = sources
        self.world = world
        self.recorded = recorded
        self.edits = edits or {}
        self.keys = keys
        self.told = None if keys is None else frozenset(place for place, _, _ in keys)
        self.move = move
        self.stop = stop
        self.events: list[Event] = []
        self.times: dict[tuple[int, str], int] = {}
        self.frames: list[Frame] = [Frame(0, "")]
        self.calls = 0
        self.functions: dict[types.FunctionType, types.FunctionType] = {}
        self.result: Any = None
        self.returned_at: Place | None = None
        self.locals: dict[str, Any] = {}
        self.namespaces: dict[int, dict[str, Any]] = {}
        self.error: BaseException | None = None
        self.error_line: int | None = None
        self.error_file: str | None = None
        self.error_scope: dict[str, Any] = {}
        self.stopped = False
        self.forward = forward or {}
        self.scopes: dict[int, dict[str, Any]] | None = {} if scopes else None

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> Execution:
        """Runs the function; an exception of its own ends up in `error`."""
        state, other = np.random.get_state(), random.getstate()
        quiet = io.StringIO() if self.keys is not None or self.recorded else sys.stdout
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(quiet):
                self.result = self.call(function, *args, **options)
        except Stop:
            self.stopped = True
        except (Exception, SystemExit) as error:
            self._take_error(error)
        finally:
            np.random.set_state(state)
            random.setstate(other)
        return self

    def _take_error(self, error: BaseException) -> None:
        self.error = error
        files = {d.filename for d in self.sources.definitions.values() if d is not None}
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in files:
                self.error_line = trace.tb_lineno
                self.error_file = trace.tb_frame.f_code.co_filename
                self.error_scope = dict(trace.tb_frame.f_locals)
            trace = trace.tb_next
        error.__traceback__ = None

    def call(self, function: Any, *args: Any, **options: Any) -> Any:
        if isinstance(function, functools.partial):
            return self.call(
                function.func, *function.args, *args, **{**function.keywords, **options}
            )
        found = persons_function(self.sources, function)
        if found is not None:
            return self._enter(*found, args, options)
        if isinstance(function, types.FunctionType) and is_without_source(function):
            function = self._without_source(function)
        if not self.recorded:
            return function(*args, **options)
        return self._call_library(function, args, options)

    def _enter(
        self, function: types.FunctionType, first: Any, args: Any, options: dict[str, Any]
    ) -> Any:
        rewritten = self.functions.get(function)
        if rewritten is None:
            rewritten = self.functions[function] = self._rewritten(function)
        self.calls += 1
        frame = Frame(self.calls, function.__name__)
        self.frames.append(frame)
        try:
            return rewritten(*first, *args, **options)
        finally:
            self.frames.pop()

    def _rewritten(self, function: types.FunctionType) -> types.FunctionType:
        definition = self.sources.definition(function)
        assert definition is not None
        code = definition.code(self.edits.get(definition), self.told)
        names = self.world.namespace(function, self.sources)
        names[WATCH] = self
        closure = self.world.closure(function, code.co_freevars)
        made = types.FunctionType(code, names, function.__name__, None, closure)
        made.__qualname__ = function.__qualname__
        positional = function.__code__.co_varnames[: function.__code__.co_argcount]
        given = function.__defaults__ or ()
        made.__defaults__ = tuple(
            self.world.copied(value, (name,)) if is_data(value) else value
            for name, value in zip(positional[len(positional) - len(given) :], given, strict=True)
        )
        made.__kwdefaults__ = {
            name: self.world.copied(value, (name,)) if is_data(value) else value
            for name, value in (function.__kwdefaults__ or {}).items()
        }
        return made

    def _without_source(self, function: types.FunctionType) -> types.FunctionType:
        """A person's function that cannot be followed, with copies of what it reads."""
        if function not in self.functions:
            names = self.world.namespace(function, self.sources)
            closure = self.world.closure(function, function.__code__.co_freevars)
            code = function.__code__
            made = types.FunctionType(code, names, function.__name__, None, closure)
            made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
            self.functions[function] = made
        return self.functions[function]

    def _call_library(self, function: Any, args: Any, options: Any) -> Any:
        if function is isinstance:
            return isinstance(plain(args[0]) if isinstance(args[0], Mutable) else args[0], args[1])
        receiver = getattr(function, "__self__", None)
        if isinstance(receiver, np.ndarray) and _has_recorded((args, options)):
            # A method of a plain array does not ask its arguments.
            return call_settled(getattr(np, function.__name__), (receiver, *args), options)
        if _takes_arrays(function):
            if _has_recorded((args, options)):
                return call_settled(function, args, options)
            return made(function(*args, **options))
        return function(*args, **options)

    def after(self, place: int, name: str, path: str, value: Any) -> Any:
        """Notes the value of a name or an attribute."""
        self._keep_scope(place)
        return self._note(place, name, path, value)

    def stored(self, place: int, name: str, path: str, container: Any, key: Any) -> None:
        """Notes what was written into an array, or put into a dict or a list."""
        self._keep_scope(place)
        if isinstance(container, (dict, list)):
            if key is None or not isinstance(key, (str, int)):
                return
            key = key % len(container) if isinstance(container, list) and container else key
            new = self._note(place, entry_name(name, key), f"{path}[{key!r}]", container[key])
            if new is not container[key]:
                container[key] = new
        else:
            self._note(place, name, path, container)

    def changed(self, place: int, name: str, path: str, value: Any) -> None:
        """Notes what a call that stands alone has changed."""
        self._keep_scope(place)
        before = self.frames[-1].latest.get(path)
        if isinstance(value, (list, dict)):
            known = before if isinstance(before, dict) else {}
            items = dict(enumerate(value)) if isinstance(value, list) else dict(value)
            for key, item in items.items():
                if _is_noted(item) and known.get(key) is not item and isinstance(key, (int, str)):
                    self._note(place, entry_name(name, key), f"{path}[{key!r}]", item)
            self.frames[-1].latest[path] = items
        elif _is_noted(value) and isinstance(plain(value), np.ndarray):
            if before is None or not _same(before, value):
                self._note(place, name, path, value)

    def _keep_scope(self, place: int) -> None:
        """Keeps the variables at a statement, as they were when it ran last."""
        if self.scopes is not None:
            frame = sys._getframe(2)
            self.scopes[place] = {**frame.f_locals}
            self.namespaces[place] = frame.f_globals

    def element(self, place: int, name: str, line: int, value: Any) -> Any:
        """Notes the value of an expression that gets no name of its own."""
        self._keep_scope(place)
        return self._note(place, name, name, value, line)

    def returned(self, place: int, value: Any) -> Any:
        """Notes which statement ended the outermost function."""
        if len(self.frames) == 2:
            self.returned_at = self.sources.places[place]
            self.locals = dict(sys._getframe(1).f_locals)
        return value

    def _note(self, place: int, name: str, path: str, value: Any, line: int | None = None) -> Any:
        if isinstance(value, (dict, list)):
            return self._note_items(place, name, path, value)
        if isinstance(value, tuple) or not _is_noted(value):
            return value
        times = self.times[place, path] = self.times.get((place, path), 0) + 1
        key = place, path, times
        if self.keys is not None and key not in self.keys:
            return value
        where = self.sources.places[place]
        frame = self.frames[-1]
        event = Event(
            *(where, key, name, path, line or where.line, _kept(value), frame.number),
            owner=frame.name,
            serial=len(self.events),
        )
        self.events.append(event)
        if self.keys is None:
            frame.latest[path] = event.value
        if self.stop is not None and self.stop(event):
            raise Stop
        return value if self.move is None else self.move(event, value)

    def _note_items(self, place: int, name: str, path: str, value: Any) -> Any:
        lines = _lines_of_items(self.sources.places[place].statement)
        for key, item in list(value.items()) if isinstance(value, dict) else enumerate(value):
            if _is_noted(item) and isinstance(key, (str, int)):
                self._note(
                    place, entry_name(name, key), f"{path}[{key!r}]", item, lines.get(str(key))
                )
        items = value.items() if isinstance(value, dict) else enumerate(value)
        self.frames[-1].latest[path] = dict(items)
        return value

    def named(self, name: str, _: bool = False) -> Any:
        """A value of the forward pass, for edits that name one."""
        return self.forward[name]


def _is_noted(value: Any) -> bool:
    """Whether a value is an array or a number."""
    return isinstance(value, Mutable) or is_value(value)


def _lines_of_items(statement: Any) -> dict[str, int]:
    """The lines of the entries of a dict that is written out."""
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.Dict):
        return {}
    pairs = zip(value.keys, value.values, strict=True)
    return {str(k.value): v.lineno for k, v in pairs if isinstance(k, ast.Constant)}


def _kept(value: Any) -> Any:
    """A value as it is now: later writes do not show."""
    if isinstance(value, Mutable):
        return value.value
    if isinstance(value, np.ndarray) and value.nbytes <= KEPT_VALUE_BYTES:
        return value.copy()
    return value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) or isinstance(other, (Tensor, Mutable)):
        return one is getattr(other, "value", other)
    return np.shape(one) == np.shape(other) and np.array_equal(one, other, equal_nan=False)


def _has_recorded(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_recorded, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_has_recorded, value))
    return isinstance(value, (Mutable, Tensor))


def _takes_arrays(function: Any) -> bool:
    """Whether a function of a library computes with arrays, and builds no containers."""
    if isinstance(function, np.ufunc) or function in (float, max, min) or function is math.fsum:
        return function not in (max, min)
    module = getattr(function, "__module__", None) or ""
    code = getattr(function, "__code__", None)
    if code is not None and code.co_filename.startswith(_ENGINE):
        # An operation of another package, which records itself.
        return True
    receiver = getattr(function, "__self__", None)
    if isinstance(receiver, (np.random.Generator, np.random.RandomState)):
        return True
    return module.split(".")[0] in ("numpy", "scipy", "math", "autograd_lite", "nn")
