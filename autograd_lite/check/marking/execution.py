"""Runs of a person's functions, in which each assigned value is noted as an `Event`."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import math
import sys
import types
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking.definitions import (
    Definition,
    Place,
    Sources,
    innermost,
    is_without_source,
    persons_function,
)
from autograd_lite.check.marking.draws import Draws, State, undone
from autograd_lite.check.marking.mutable import Mutable, call_settled, made, plain
from autograd_lite.check.marking.rewriting import WATCH, is_unset, statement_at, writes_files
from autograd_lite.check.marking.world import World, is_data, is_noted
from autograd_lite.observe import entry_name
from autograd_lite.source import PACKAGES
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import vjp

KEPT_VALUE_BYTES = 1 << 26
"""Arrays up to this size are copied when they are noted, so that later writes do not show."""

SCOPE_BYTES = 1 << 16
"""The variables at a line are copied up to this size, for every line."""

COPIED_ROUNDS = 50
"""In so many rounds of a loop they are copied."""

_NOTED = frozenset((np.ndarray, np.float64, float, int, np.float32, np.int64))
"""The usual types of arrays and numbers, which are noted without further questions."""

Key = tuple[int, str, int]
"""The number of a statement, the text of its target, and the count of its assignments to it."""


@dataclass(eq=False)
class Event:
    """A value that was assigned, with its place, its name, and a count of its assignments there.

    `nth` counts every value that the statement assigned, also under other names.
    """

    place: Place
    key: Key
    name: str
    path: str
    line: int
    value: Any
    frame: int
    owner: Any = None
    serial: int = 0
    nth: int = 0

    @property
    def ordinal(self) -> Key:
        """The key without the name, for runs in which the name differs."""
        return self.key[0], "", self.nth

    @property
    def array(self) -> np.ndarray | None:
        value = plain(self.value)
        if isinstance(value, (np.ndarray, np.number, float, int)) and not isinstance(value, bool):
            array = np.asarray(value)
            return array if array.dtype.kind in "fciu" else None
        return None


@dataclass(eq=False)
class Filling:
    """Another value for a statement, which needs no recompilation of the function."""

    place: Place
    statement: ast.stmt
    _codes: dict[frozenset[int] | None, types.CodeType] = field(default_factory=dict)

    def code(self, told: frozenset[int] | None) -> types.CodeType:
        if told not in self._codes:
            self._codes[told] = self.place.definition.filling(self.statement, told)
        return self._codes[told]


class Stop(Exception):  # noqa: N818 - it ends a run that has seen enough, and is no error
    """Ends a run."""


@dataclass(eq=False)
class Frame:
    """A call of a person's function, with the latest value of each name assigned in it."""

    number: int
    name: str
    latest: dict[str, Any] = field(default_factory=dict)


ANY_TIME = 0
"""Stands in a key for each time that a statement runs."""


class Execution:
    """A run: the result or the error, and every value that was assigned.

    With `recorded`, it runs on Mutables. `edits` holds other trees for some definitions. `keys`
    limits the notes to these events. `move(event, value)` returns the value with which to go on.
    `stop(event)` says whether to end the run. Its random numbers begin at `start`, unless it makes
    no `draws`.
    """

    def __init__(
        self,
        sources: Sources,
        world: World,
        *,
        recorded: bool = False,
        edits: Mapping[Definition, ast.FunctionDef] | None = None,
        keys: set[Key] | None = None,
        move: Callable[[Event, Any], Any] | None = None,
        stop: Callable[[Event], bool] | None = None,
        forward: Mapping[str, Any] | None = None,
        scopes: bool = False,
        filling: Filling | None = None,
        draws: bool = True,
        start: State | None = None,
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
        self.main: types.CodeType | None = None
        self.main_frame: Frame | None = None
        self.functions: dict[types.FunctionType, types.FunctionType] = {}
        self.result: Any = None
        self.returned_at: Place | None = None
        self.returns: dict[int, int] = {}
        self.locals: dict[str, Any] = {}
        self.namespaces: dict[int, dict[str, Any]] = {}
        self.error: BaseException | None = None
        self.error_line: int | None = None
        self.error_file: str | None = None
        self.error_scope: dict[str, Any] = {}
        self.stopped = False
        self.forward = forward or {}
        self.hole = filling
        self.draws = Draws(draws)
        self.start = start
        self.scopes: dict[int, dict[str, Any]] | None = {} if scopes else None
        self.first_scopes: dict[int, dict[str, Any]] = {}
        self.rounds: dict[int, int] = {}

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> Execution:
        """Runs the function; an exception that it raises is kept in `error`."""
        self.main, self.main_frame = getattr(innermost(function), "__code__", None), None
        quiet = io.StringIO() if self.keys is not None or self.recorded else sys.stdout
        # To keep the random numbers takes a tenth of a short run: one that draws none does without.
        keeping = undone(self.start) if self.draws.any else contextlib.nullcontext(self.draws)
        try:
            with (
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(quiet),
                self.world.standing_in(),
                keeping as self.draws,
            ):
                result = self.call(function, *args, **options)
                # A generator computes its items here, while the run is followed.
                self.result = _at_once(result)
        except Stop:
            self.stopped = True
        except (Exception, SystemExit) as error:
            self._take_error(error)
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
        if writes_files(function):
            return _unwritten(function, args, options)
        if not self.recorded:
            result = function(*args, **options)
        else:
            result = self._call_library(function, args, options)
        return _set(result) if is_unset(function) else result

    def _enter(
        self, function: types.FunctionType, first: Any, args: Any, options: dict[str, Any]
    ) -> Any:
        if first:
            self.world.lend_class(type(first[0]))
        rewritten = self.functions.get(function)
        if rewritten is None:
            rewritten = self.functions[function] = self._rewritten(function)
        self.calls += 1
        frame = Frame(self.calls, function.__name__)
        if self.main_frame is None and self.main in (None, function.__code__):
            self.main_frame = frame
        self.frames.append(frame)
        try:
            result = rewritten(*first, *args, **options)
        finally:
            self.frames.pop()
        return self._continued(result, frame) if isinstance(result, types.GeneratorType) else result

    def _continued(self, generator: Any, frame: Frame) -> Iterator[Any]:
        """Continues a person's generator, whose statements belong to its own call."""
        sent = None
        while True:
            self.frames.append(frame)
            try:
                value = generator.send(sent)
            except StopIteration as end:
                return end.value
            finally:
                self.frames.pop()
            sent = yield value

    def _rewritten(self, function: types.FunctionType) -> types.FunctionType:
        definition = self.sources.definition(function)
        assert definition is not None
        hole = None
        if self.hole is not None and self.hole.place.definition is definition:
            hole = statement_at(self.hole.place.statement)
        code = definition.code(self.edits.get(definition), self.told, hole)
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
        """A person's function that cannot be followed, with copies of the variables it reads."""
        if function not in self.functions:
            names = self.world.namespace(function, self.sources)
            closure = self.world.closure(function, function.__code__.co_freevars)
            code = function.__code__
            made = types.FunctionType(code, names, function.__name__, None, closure)
            made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
            self.functions[function] = made
        return self.functions[function]

    def joined(self, name: str, *parts: Any) -> Any:
        """What `np.c_` or `np.r_` makes of arrays, recorded where one of them is."""
        if not _has_recorded((parts, {})):
            return made(getattr(np, name)[tuple(map(plain, parts))])
        if name == "c_":
            return self._call_library(np.column_stack, (parts,), {})
        several = [p if np.ndim(p) else np.reshape(p, 1) for p in parts]
        return self._call_library(np.concatenate, (several,), {})

    def _call_library(self, function: Any, args: Any, options: Any) -> Any:
        if function is isinstance:
            return isinstance(plain(args[0]) if isinstance(args[0], Mutable) else args[0], args[1])
        receiver = getattr(function, "__self__", None)
        if isinstance(receiver, np.ndarray) and _has_recorded((args, options)):
            # A method of a plain array would not dispatch on its arguments.
            return call_settled(getattr(np, function.__name__), (receiver, *args), options)
        if _draws(function) and _has_recorded((args, options)):
            # A sample has no gradient by its probabilities.
            args, options = plain(args), plain(options)
        if _takes_arrays(function):
            if _has_recorded((args, options)):
                return call_settled(function, args, options)
            return made(function(*args, **options))
        return function(*args, **options)

    def after(self, place: int, name: str, path: str, value: Any) -> Any:
        """Notes the value of a name or an attribute."""
        self._keep_scope(place)
        return self._note(place, name, path, value)

    def stored(
        self, place: int, name: str, path: str, container: Any, key: Any, *outer: Any
    ) -> None:
        """Notes a write into an array, a dict or a list, which `outer` keys lead to."""
        self._keep_scope(place)
        if isinstance(container, (dict, list)):
            if outer and all(type(k) is int and k >= 0 for k in (*outer, key)):
                # In lists of lists, such as those of plain numbers, each entry is a value.
                path = path.split("[")[0] + "".join(f"[{k}]" for k in outer)
                name = functools.reduce(entry_name, outer, name)
            if key is None or not isinstance(key, (str, int)):
                return
            key = key % len(container) if isinstance(container, list) and container else key
            new = self._note(place, entry_name(name, key), f"{path}[{key!r}]", container[key])
            if new is not container[key]:
                container[key] = new
        else:
            new = self._note(place, name, path, container)
            if new is not container and isinstance(container, np.ndarray):
                container[...] = new

    def changed(self, place: int, name: str, path: str, value: Any) -> None:
        """Notes a value that a bare call may have changed, if it has."""
        self._keep_scope(place)
        before = self.frames[-1].latest.get(path)
        if isinstance(value, (list, dict)):
            known = before if isinstance(before, dict) else {}
            items = dict(enumerate(value)) if isinstance(value, list) else dict(value)
            for key, item in items.items():
                if is_noted(item) and known.get(key) is not item and isinstance(key, (int, str)):
                    self._note(place, entry_name(name, key), f"{path}[{key!r}]", item)
            self.frames[-1].latest[path] = items
        elif is_noted(value) and isinstance(plain(value), np.ndarray):
            if before is None or not _same(before, value):
                self._note(place, name, path, value)

    def _keep_scope(self, place: int) -> None:
        """Keeps the variables at a statement, as they were when it first and last ran."""
        if self.scopes is not None:
            frame = sys._getframe(2)
            rounds = self.rounds[place] = self.rounds.get(place, 0) + 1
            # Later statements may write into the arrays; large ones are not copied at each line.
            is_copied = rounds <= COPIED_ROUNDS
            kept = {n: _copied(v) if is_copied else v for n, v in frame.f_locals.items()}
            self.scopes[place] = kept
            self.first_scopes.setdefault(place, kept)
            self.namespaces[place] = frame.f_globals

    def element(self, place: int, name: str, line: int, value: Any) -> Any:
        """Notes the value of an expression that has no name of its own."""
        self._keep_scope(place)
        return self._note(place, name, name, value, line)

    def returned(self, place: int, value: Any) -> Any:
        """Notes that a return statement ran, and keeps that of the marked function."""
        self._keep_scope(place)
        self.returns.setdefault(place, len(self.events))
        if self.frames[-1] is self.main_frame:
            self.returned_at = self.sources.places[place]
            self.locals = dict(sys._getframe(1).f_locals)
        return value

    def _note(self, place: int, name: str, path: str, value: Any, line: int | None = None) -> Any:
        if type(value) not in _NOTED:
            if isinstance(value, (dict, list)):
                return self._note_items(place, name, path, value)
            if isinstance(value, tuple) or not is_noted(value):
                return value
        times = self.times[place, path] = self.times.get((place, path), 0) + 1
        nth = self.times[place, ""] = self.times.get((place, ""), 0) + 1
        key = place, path, times
        if self.keys is not None:
            also = (place, "", nth), (place, path, ANY_TIME)
            if key not in self.keys and self.keys.isdisjoint(also):
                return value
        where = self.sources.places[place]
        frame = self.frames[-1]
        event = Event(
            *(where, key, name, path, line or where.line, _kept(value), frame.number),
            owner=frame.name,
            serial=len(self.events),
            nth=nth,
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
            if is_noted(item) and isinstance(key, (str, int)):
                noted = self._note(
                    place, entry_name(name, key), f"{path}[{key!r}]", item, lines.get(str(key))
                )
                if noted is not item:
                    value[key] = noted
        items = value.items() if isinstance(value, dict) else enumerate(value)
        self.frames[-1].latest[path] = dict(items)
        return value

    def filled(self, variables: dict[str, Any]) -> Any:
        """The value that fills the hole."""
        assert self.hole is not None
        names = sys._getframe(1).f_globals
        # One dict holds all names, because comprehensions see global variables only.
        return eval(self.hole.code(self.told), {**names, **variables})

    def slope_of(self, function: Callable[[Any], Any], value: Any) -> Any:
        """The derivative of a person's function at each element, for edits that use one."""
        given, pulled_back = vjp(function, np.asarray(value, dtype=float))
        return pulled_back(np.ones_like(given))[0]

    def named(self, name: str, _: bool = False) -> Any:
        """A value of the forward pass by name, for edits that use one."""
        return self.forward[name]


def _unwritten(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The result of a file-writing function, without the writing: a run is one of many."""
    if function is not open:
        return None
    mode = str(options.get("mode", args[1] if len(args) > 1 else "r"))
    if not set(mode) & set("wax+"):
        return open(*args, **options)
    return io.BytesIO() if "b" in mode else io.StringIO()


def _set(array: Any) -> Any:
    """A new array, whose elements are what happens to be in memory, with the same number in all.

    What a derivation leaves in it is then the same in each run, and hardly right by chance.
    """
    if isinstance(array, np.ndarray) and array.dtype.kind in "fc":
        array.fill(NUMBER_OF_UNSET)
    return array


NUMBER_OF_UNSET = 0.7390851332151607
"""Stands for an element that was never set: the fixed point of cos, by which nobody scales."""


def _at_once(result: Any) -> Any:
    """A result, where an iterator or a view is replaced by its items."""
    if isinstance(result, ItemsView):
        return dict(result)
    return tuple(result) if isinstance(result, (Iterator, KeysView, ValuesView)) else result


def _lines_of_items(statement: ast.stmt) -> dict[str, int]:
    """The lines of the entries of a dict display, by key."""
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.Dict):
        return {}
    pairs = zip(value.keys, value.values, strict=True)
    return {str(k.value): v.lineno for k, v in pairs if isinstance(k, ast.Constant)}


def _kept(value: Any, limit: int = KEPT_VALUE_BYTES) -> Any:
    """A value to be noted, copied unless it is large, so that later writes do not show."""
    if isinstance(value, Mutable):
        return value.value
    if isinstance(value, np.ndarray) and value.nbytes <= limit:
        return value.copy()
    return value


def _copied(value: Any) -> Any:
    """A variable as it is now: an array copied unless it is large, a container with its items."""
    if type(value) is dict:
        return {key: _kept(item, SCOPE_BYTES) for key, item in value.items()}
    if type(value) is list:
        return [_kept(item, SCOPE_BYTES) for item in value]
    return _kept(value, SCOPE_BYTES)


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


def _draws(function: Any) -> bool:
    """Whether a library function draws random numbers: it is a generator's method."""
    receiver = getattr(function, "__self__", None)
    return isinstance(receiver, (np.random.Generator, np.random.RandomState))


def _takes_arrays(function: Any) -> bool:
    """Whether a library function computes with arrays, and does not build containers."""
    if isinstance(function, np.ufunc) or function in (float, max, min) or function is math.fsum:
        return function not in (max, min)
    module = getattr(function, "__module__", None) or ""
    code = getattr(function, "__code__", None)
    if code is not None and code.co_filename.startswith(PACKAGES[0]):
        # An operation that another package registered records itself.
        return True
    return _draws(function) or module.split(".")[0] in (
        "numpy",
        "scipy",
        "math",
        "autograd_lite",
        "nn",
    )
