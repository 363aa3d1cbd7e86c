"""Copies of all that a person's functions can reach, so that no run changes the originals."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import enum
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand, Tree
from autograd_lite.check.marking.definitions import Sources, is_of_library, names_in, variables_of
from autograd_lite.check.marking.mutable import Mutable
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.observe import is_value
from autograd_lite.tensor import Tensor

SHARED_FROM_BYTES = 1 << 20
"""Runs share larger arrays; a run that writes into one is repeated on copies."""

_IMMUTABLE = frozenset((float, int, bool, str, bytes, complex, type(None), np.float64, np.int64))

_FRACTIONS = (float, np.float64, np.float32)

_ATOMS = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, str, bytes)


def is_noted(value: object) -> bool:
    """Whether a value is an array or a number."""
    return isinstance(value, Mutable) or is_value(value)


def is_data(value: object) -> bool:
    """Whether a variable is data, and not a function, a module, a class or a string."""
    return not isinstance(value, (*_ATOMS, np.ufunc, types.CodeType))


def paths_of(
    value: Tree, path: tuple[Any, ...] = (), seen: set[int] | None = None, again: bool = False
) -> Iterator[tuple[tuple[Any, ...], Operand]]:
    """The arrays and numbers in nested containers and objects, each with the path to it.

    An array with several paths is given once, or with `again` once for each path.
    """
    seen = set() if seen is None else seen
    if isinstance(value, (np.ndarray, Mutable, Tensor)) or is_noted(value):
        if isinstance(value, (np.ndarray, Mutable, Tensor)):
            if id(value) in seen and not again:
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
        yield from paths_of(item, (*path, key), seen, again)


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of an object that only holds values: a dataclass, a namespace, a named tuple."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, types.SimpleNamespace):
        return dict(vars(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return None


def _attributes(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, _ATOMS) or _is_built_in(type(value)):
        return []
    if type(value).__module__.split(".")[0] == "numpy":
        return []
    found = list(getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found.append((name, getattr(value, name)))
    return found


class World:
    """Copies of what a person's functions can reach, made on demand.

    `moved` gives another number for each that is not whole.
    """

    def __init__(
        self,
        convert: Callable[[Any, tuple[Any, ...]], Any] | None = None,
        moved: Callable[[float], float] | None = None,
    ) -> None:
        self.convert = convert
        self.moved = moved
        self.memo: dict[int, Any] = {}
        self.roots: dict[str, Any] = {}
        self.globals: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.cells: dict[int, types.CellType] = {}
        self.lent: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._owned: dict[int, dict[str, Any]] | None = None
        self.number: Callable[[Any, tuple[Any, ...]], Any] | None = None
        self._views: dict[int, Any] | None = None

    def copied(self, value: Tree, path: tuple[Any, ...] = ()) -> Tree:
        """A deep copy of a value; the same copy each time for the same object.

        `convert(array, path)` copies an array; `path` leads to it.
        """
        if self.convert is not None:
            for where, found in paths_of(value, path):
                if isinstance(found, np.ndarray) and id(found) not in self.memo:
                    self.memo[id(found)] = self.convert(found, where)
                    self.memo[id(self.memo)] = [*self.memo.get(id(self.memo), ()), found]
        copied = _deep(value, self.memo)
        if self.moved is not None:
            moved = self.moved
            copied = moved(copied) if type(copied) in _FRACTIONS else copied
            _with_numbers(
                copied, path, lambda v, _: moved(v) if type(v) in _FRACTIONS else v, set()
            )
        if self.number is not None:
            _with_numbers(copied, path, self.number, set())
        return copied

    def _read_only(self) -> dict[int, Any]:
        """Read-only views of the large arrays, by the `id` of each array."""
        if self._views is None:
            self._views = {}
            for found in self.arrays():
                if found.nbytes > SHARED_FROM_BYTES:
                    view = found.view()
                    view.flags.writeable = False
                    self._views[id(found)] = view
        return dict(self._views)

    def arrays(self) -> Iterator[np.ndarray]:
        """The arrays that runs can reach."""
        copies = [{n: names.get(n) for n in copied} for names, copied in self.globals.values()]
        copies += [lent for _, lent in self.lent.values()]
        for cell in self.cells.values():
            with contextlib.suppress(ValueError):
                # A variable that is not set yet has an empty cell.
                copies += [{"cell": cell.cell_contents}] if is_data(cell.cell_contents) else []
        for _, found in paths_of([self.roots, *copies]):
            if isinstance(found, np.ndarray):
                yield found

    def namespace(self, function: types.FunctionType, sources: Sources) -> dict[str, Any]:
        """The global variables of a function in a dict of its own, with copies of the data."""
        outer = function.__globals__
        key = id(outer)
        if WATCH in outer:
            # A function that was made in a run has the variables of that run.
            key = next((k for k, (own, _) in self.globals.items() if own is outer), key)
        known = self.globals.get(key)
        if known is None:
            known = self.globals[key] = dict(outer), {}
        names, copied = known
        _, lent = self.lent.get(key, (None, {}))
        for name in names_in(function.__code__) - copied.keys() - {WATCH}:
            if name in lent:
                names[name] = copied[name] = lent[name]
            elif name in outer:
                value = outer[name]
                if isinstance(value, (types.ModuleType, type)):
                    self.lend(value, (name,))
                copied[name] = self.copied(value, (name,)) if is_data(value) else value
                names[name] = copied[name]
        return names

    def lend(self, owner: Any, path: tuple[Any, ...]) -> None:
        """Replaces the data in a class or module of the person's by copies.

        Attributes are looked up in the class or module itself, so it holds the copies for as long
        as `standing_in` lasts.
        """
        if _key(owner) in self.lent or not _is_lent(owner):
            return
        copies: dict[str, Any] = {}
        self.lent[_key(owner)] = owner, copies
        for name, value in list(vars(owner).items()):
            if not name.startswith("__") and is_data(value) and not hasattr(value, "__get__"):
                copies[name] = self.copied(value, (*path, name))
        if self._owned is not None:
            self._put(owner, copies)

    def lend_class(self, kind: type) -> None:
        """Replaces the data in an object's class, and in the classes above it, by copies."""
        if id(kind) not in self.lent:
            for owner in kind.__mro__:
                self.lend(owner, ("self",))

    def _put(self, owner: Any, copies: dict[str, Any]) -> None:
        assert self._owned is not None
        self._owned[_key(owner)] = dict(vars(owner))
        for name, value in copies.items():
            _set(owner, name, value)

    @contextlib.contextmanager
    def standing_in(self) -> Iterator[None]:
        """Keeps copies in the person's classes and modules, and restores these at the end."""
        self._owned = {}
        try:
            for owner, copies in self.lent.values():
                self._put(owner, copies)
            yield
        finally:
            owned, self._owned = self._owned, None
            for key, own in owned.items():
                owner, copies = self.lent[key]
                for name, value in list(vars(owner).items()):
                    if name not in own:
                        copies[name] = value
                        delattr(owner, name)
                    elif value is not own[name]:
                        copies[name] = value
                        _set(owner, name, own[name])
                for name in own.keys() - vars(owner).keys():
                    _set(owner, name, own[name])

    def closure(self, function: types.FunctionType, free: tuple[str, ...]) -> tuple[Any, ...]:
        cells = variables_of(function)
        if WATCH in function.__globals__:
            # The variables of a function that was made in the run are copies already.
            return tuple(cells[name] for name in free)
        return tuple(self._cell(cells[name], name) for name in free)

    def _cell(self, cell: types.CellType, name: str) -> types.CellType:
        if id(cell) not in self.cells:
            try:
                value = cell.cell_contents
            except ValueError:
                self.cells[id(cell)] = cell
            else:
                if isinstance(value, (types.ModuleType, type)):
                    self.lend(value, (name,))
                copied = self.copied(value, (name,)) if is_data(value) else value
                self.cells[id(cell)] = types.CellType(copied)
        return self.cells[id(cell)]

    def fork(self, shared: bool = False) -> World:
        """A copy of the world, with copies of everything that can be written to.

        With `shared`, large arrays are not copied but read-only.
        """
        forked = World(self.convert, self.moved)
        memo: dict[int, Any] = self._read_only() if shared else {}
        forked.roots = _deep(self.roots, memo)
        for key, (names, copied) in self.globals.items():
            new = dict(names)
            for name in copied:
                if is_data(names.get(name)):
                    new[name] = _deep(names[name], memo)
            forked.globals[key] = new, copied
        for key, (owner, copies) in self.lent.items():
            forked.lent[key] = owner, {n: _deep(v, memo) for n, v in copies.items()}
        for key, cell in self.cells.items():
            value = cell.cell_contents
            forked.cells[key] = types.CellType(_deep(value, memo) if is_data(value) else value)
        # Each copy stays known by the identity of the person's object.
        for key, value in self.memo.items():
            if id(value) in memo:
                forked.memo[key] = memo[id(value)]
        return forked


def _key(owner: object) -> int:
    """The identity of a class, or of the variables of a module, to which its functions refer."""
    return id(vars(owner)) if isinstance(owner, types.ModuleType) else id(owner)


def _is_lent(owner: Any) -> bool:
    """Whether a class or module is the person's, so that a run might write into it."""
    if isinstance(owner, enum.EnumMeta):
        return False
    module = owner if isinstance(owner, types.ModuleType) else sys.modules.get(owner.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        # Built-in modules have a specification; a prompt has none.
        return getattr(module, "__spec__", None) is None
    return not is_of_library(file)


def _set(owner: object, name: str, value: Any) -> None:
    """Sets an attribute, for a class without asking its metaclass."""
    put = type.__setattr__ if isinstance(owner, type) else setattr
    put(owner, name, value)


def _with_numbers(
    value: Any, path: tuple[Any, ...], convert: Callable[[Any, Any], Any], seen: set[int]
) -> None:
    """Replaces the numbers in containers and objects by what `convert` makes of them."""
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
    """A deep copy that shares what cannot be copied, such as a file, a lock or a module."""
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if id(value) in memo:
        return memo[id(value)]
    if kind is tuple:
        items = [_deep(item, memo) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else tuple(items)
    if kind in (list, dict) or (kind is np.ndarray and not value.dtype.hasobject):
        # Another object may get the identity of one that is gone.
        memo.setdefault(id(memo), []).append(value)
        return _copied(value, memo)
    trial = dict(memo)
    try:
        with warnings.catch_warnings():
            # Python 3.12 and 3.13 warn that 3.14 copies no iterators of itertools.
            warnings.filterwarnings("ignore", "Pickle, copy, and deepcopy", DeprecationWarning)
            copied = copy.deepcopy(value, trial)
    except (TypeError, RecursionError, AttributeError, NotImplementedError):
        return _copied_by_parts(value, memo)
    # What is kept alive is listed under the identity of the memo, which another object gets later.
    kept = trial.pop(id(trial), [])
    memo.update(trial)
    memo.setdefault(id(memo), []).extend(kept)
    return copied


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of a list, a dict or an array of numbers."""
    if isinstance(value, np.ndarray):
        memo[id(value)] = value.copy(order="K")
        return memo[id(value)]
    made: Any = type(value)()
    memo[id(value)] = made
    if isinstance(value, dict):
        made.update((_deep(key, memo), _deep(item, memo)) for key, item in value.items())
    else:
        made.extend(_deep(item, memo) for item in value)
    return made


def _copied_by_parts(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, types.MethodType):
        return types.MethodType(value.__func__, _deep(value.__self__, memo))
    attributes = getattr(value, "__dict__", None)
    if attributes is None or isinstance(value, _ATOMS) or not _is_persons(type(value)):
        return value
    made = object.__new__(type(value))
    memo[id(value)] = made
    made.__dict__.update((name, _deep(item, memo)) for name, item in attributes.items())
    return made


def _is_persons(kind: type) -> bool:
    """Whether a class is plain Python, so that its objects can be copied by their attributes."""
    return (
        "__new__" not in vars(kind)
        and type(kind) is type
        and not _is_built_in(kind)
        and kind.__module__ not in ("io", "threading", "_thread", "types")
    )


def _is_built_in(kind: type) -> bool:
    """Whether a class is compiled into Python; one made by `exec` may claim the same module."""
    return kind.__module__ == "builtins" and not kind.__flags__ & _HEAP_TYPE


_HEAP_TYPE = 1 << 9
"""The flag of classes that are created while Python runs (`Py_TPFLAGS_HEAPTYPE`)."""
