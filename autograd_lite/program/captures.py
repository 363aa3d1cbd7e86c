"""Captures: values that a function reads besides its arguments, and whether they have changed.

A compiled program has the values that a function closed over built in. They are found by walking
from the function through its closure, the globals that its code names, and the objects and
containers there; libraries are left out.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import contextvars
import ctypes
import datetime
import decimal
import dis
import fractions
import functools
import logging
import os
import pathlib
import random
import re
import sys
import sysconfig
import threading
import types
import weakref
from array import array as NumberArray
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.operations import Operation
from autograd_lite.record import Recorded
from autograd_lite.source import PACKAGES

MISSING = object()
CAPTURE_LIMIT_VALUES = 10_000
"""Up to this many values are watched."""

_FIXED = {
    *(int, float, complex, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented)),
    *(range, fractions.Fraction, decimal.Decimal, datetime.datetime, datetime.date),
    *(datetime.timedelta, datetime.time, re.Pattern, slice, types.CodeType, property),
    *(types.BuiltinFunctionType, types.MethodWrapperType, types.WrapperDescriptorType),
    *(types.MethodDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType),
    *(types.MemberDescriptorType, types.GenericAlias, types.UnionType, object),
    type(vars(collections.namedtuple("_", "field"))["field"]),
}
"""Types, exactly these, whose values never change."""

_WITHOUT_MEANING = (
    *(logging.Logger, logging.Handler, type(threading.Lock()), type(threading.RLock())),
    *(threading.Event, threading.Condition, pathlib.PurePath, np.dtype, np.generic),
)
"""Kinds of objects that no number is read from, or that never change."""

_BUFFERS = (bytearray, NumberArray, memoryview, ctypes.Array, ctypes.Structure)

_IMPURE = {"random", "_random", "time", "secrets", "uuid", "os", "posix", "nt", "socket"}
"""Modules whose functions give something else in every call, or on every machine."""

_NOT_IN_CALLS = {
    *("__init__", "__new__", "__post_init__", "__del__", "__repr__", "__str__", "__reduce__"),
    *("__getstate__", "__setstate__", "__init_subclass__", "__class_getitem__", "__reduce_ex__"),
}
"""Methods that run where objects are made, shown or copied, which are not read there."""

_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"}
_IMPURE_BUILTINS = {"open", "input", "eval", "exec", "globals", "__import__"}
_CLOCKS = {"now", "today", "utcnow"}


class Captures:
    """The values that a function reads from outside, as they are now.

    `others` are functions and objects among its arguments; `exempt` ones are not looked at. Values
    of kinds that are known to stay as they are, or can be compared, may be read; `unknown` is the
    first other one, by name, and why it cannot be watched.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        others: Iterable[Any] = (),
        exempt: Iterable[Any] = (),
    ) -> None:
        self.places: list[tuple[Any, Any, Any, str]] = []
        self.containers: list[tuple[Any, Any, str]] = []
        self.arrays: list[tuple[np.ndarray, np.ndarray, str]] = []
        self.buffers: list[tuple[Any, bytes, str]] = []
        self.tensors: list[tuple[Any, str]] = []
        self.gradients: list[tuple[Any, Any, str]] = []
        self.generators: list[tuple[Any, Any, str]] = []
        self.codes: list[types.CodeType] = []
        self.lines: dict[str, str] = {}
        self.unknown: tuple[str, str] | None = None
        self._names: set[str] = set()
        self._methods: list[tuple[str, Any]] = []
        self._modules: list[tuple[types.ModuleType, str, set[str]]] = []
        self._kept: list[Any] = []
        self._seen: set[int] = set(map(id, exempt))
        self._walk(function, getattr(function, "__name__", "the function"))
        for other in others:
            self._walk(other, getattr(other, "__name__", type(other).__name__))
        while self._walk_methods() or self._walk_modules():
            pass
        if "grad" in self._names:
            for extra, gradient, label in self.gradients:
                self._place(Attributes(extra), "grad", f"{label}.grad", gradient)
        self.random = _state(np.random)

    def _walk(self, value: Any, label: str) -> None:
        kind = type(value)
        if kind in _FIXED or isinstance(value, _WITHOUT_MEANING) or id(value) in self._seen:
            return
        if value is sys.stdout or value is sys.stderr:
            return
        if len(self._seen) > CAPTURE_LIMIT_VALUES:
            self._refuse(label, f"more than {CAPTURE_LIMIT_VALUES:,} values can be reached from it")
            return
        self._seen.add(id(value))
        # What has been seen is known by its id, which must not be another's.
        self._kept.append(value)
        if isinstance(value, np.ndarray):
            self._array(value, label)
        elif isinstance(value, Recorded):
            self._tensor(value, label)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            self._module(value, label)
        elif isinstance(value, type):
            self._class(value, label)
        elif isinstance(value, _BUFFERS):
            self.buffers.append((value, bytes(memoryview(value)), label))
        elif isinstance(value, (np.random.Generator, np.random.RandomState)):
            self.generators.append((value, _state(value), label))
        elif isinstance(value, (list, dict, set, tuple, frozenset, collections.deque)):
            self._items(value, label)
            self._attributes(value, label)
        elif isinstance(value, types.MappingProxyType):
            self._items(value, label)
        elif isinstance(value, contextvars.ContextVar):
            self._place(_Current(value), "value", label, value.get(MISSING))
        else:
            self._object(value, label)

    def _refuse(self, label: str, why: str) -> None:
        self.unknown = self.unknown or (label, why)

    def _array(self, value: np.ndarray, label: str) -> None:
        if value.dtype == object:
            self._refuse(label, "it is an array of objects")
        else:
            self.arrays.append((value, value.copy(), label))
            if type(value) is not np.ndarray:
                self._attributes(value, label)

    def _tensor(self, tensor: Any, label: str) -> None:
        self.tensors.append((tensor, label))
        if isinstance(tensor._value, np.ndarray):
            self._walk(tensor._value, label)
        extra = getattr(tensor._node, "extra", None)
        if extra is not None:
            self.gradients.append((extra, extra.grad, label))

    def _function(self, function: types.FunctionType) -> None:
        code = function.__code__
        self.codes.append(code)
        self._names.update(_names(code))
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            self._place(cell, None, name, _contents(cell))
        own = Attributes(function)
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            label = f"{function.__name__}.{name}"
            self.places.append((own, name, own[name], label))
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._walk(default, f"a default of {function.__name__}")
        self._items(function.__dict__, function.__name__)
        if _is_library(code.co_filename):
            return
        for name in _global_names(code):
            found = function.__globals__.get(name, MISSING)
            if found is MISSING and name in _IMPURE_BUILTINS:
                self._refuse(name, "what it gives may be something else in the next call")
            if found is not MISSING or hasattr(builtins, name):
                self._place(function.__globals__, name, name, found)
            if isinstance(found, types.ModuleType):
                self._attributes_of_module(found, name, code)
            elif _module_of(found) in _IMPURE and callable(found):
                self._refuse(name, "what it gives may be something else in the next call")

    def _attributes_of_module(self, module: types.ModuleType, name: str, code: Any) -> None:
        """Follows the attributes of a library that the code reads, by the name that it knows it
        by."""
        if not _is_library(getattr(module, "__file__", None)):
            return
        for attribute in _loaded_attributes(code, name):
            # Packages load some of their names when they are first used.
            value = getattr(module, attribute, MISSING)
            label = f"{name}.{attribute}"
            clock = module is datetime and _CLOCKS & self._names
            if (module.__name__ in _IMPURE and isinstance(value, _CALLABLE)) or clock:
                self._refuse(label, "what it gives may be something else in the next call")
            elif not callable(value) and not isinstance(value, types.ModuleType):
                self._place(module.__dict__, attribute, label, value)

    def _place(self, mapping: Any, key: Any, label: str, value: Any) -> None:
        """Note the value of a name and follow it."""
        self.places.append((mapping, key, value, label))
        if value is not MISSING:
            self._walk(value, label)

    def _module(self, module: types.ModuleType, label: str) -> None:
        if not _is_library(getattr(module, "__file__", None)):
            self._modules.append((module, label, set()))

    def _items(self, container: Any, label: str) -> None:
        if isinstance(container, (set, frozenset)):
            if isinstance(container, set):
                self.containers.append((container, set(map(id, container)), label))
            for i, item in enumerate(container):
                self._walk(item, f"{label}[{i}]")
            return
        if not isinstance(container, tuple):
            self.containers.append((container, container.copy(), label))
        mapping = isinstance(container, (dict, types.MappingProxyType))
        pairs = container.items() if mapping else enumerate(container)
        for key, item in list(pairs):
            named = f"{label}[{key!r}]" if type(key) in (int, str) else f"an item of {label}"
            self.places.append((container, key, item, named))
            self._walk(item, named)

    def _class(self, kind: type, label: str) -> None:
        """Follow the attributes of a class, and the methods whose names are looked up."""
        for base in [*kind.__mro__, *type.mro(type(kind))]:
            module = sys.modules.get(base.__module__)
            if base is not kind and id(base) in self._seen:
                continue
            if _is_library(getattr(module, "__file__", None)) or base is object:
                continue
            self._seen.add(id(base))
            self.containers.append((vars(base), dict(vars(base)), label))
            for name, item in vars(base).items():
                inner = getattr(item, "__func__", item)
                if isinstance(item, property):
                    self._methods += [(name, f) for f in (item.fget,) if f is not None]
                elif isinstance(item, functools.cached_property):
                    self._methods.append((name, item.func))
                elif isinstance(inner, types.FunctionType):
                    self._methods.append((name, inner))
                elif not name.startswith(("__", "_abc_")):
                    self._place(vars(base), name, f"{label}.{name}", item)

    def _walk_methods(self) -> bool:
        """Follow the methods whose names are looked up anywhere; says whether there was one."""
        dynamic = {"getattr", "attrgetter", "methodcaller", "vars", "__dict__"}
        looked_up = bool(dynamic & self._names)
        reached = [
            (name, method)
            for name, method in self._methods
            if name in self._names
            or (
                _is_made(method, self._names)
                if name in _NOT_IN_CALLS
                else looked_up or name.startswith("__")
            )
        ]
        self._methods = [pair for pair in self._methods if pair not in reached]
        for name, method in reached:
            self._walk(method, name)
        return bool(reached)

    def _walk_modules(self) -> bool:
        """Follow the names that are looked up in the user's own modules; says whether there was
        one.
        """
        found = False
        for module, label, seen in self._modules[:]:
            for name in sorted((self._names & module.__dict__.keys()) - seen):
                seen.add(name)
                self._place(module.__dict__, name, f"{label}.{name}", module.__dict__[name])
                found = True
        return found

    def _object(self, value: Any, label: str) -> None:
        """Follow the contents of any other object; refuse one that may change unseen."""
        if isinstance(value, types.MethodType):
            self._walk(value.__func__, label)
            self._walk(value.__self__, label)
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._walk(part, label)
        elif isinstance(value, weakref.ref):
            self._walk(value(), label)
        elif isinstance(value, random.Random):
            self._refuse(label, "it gives another number in every call")
        elif isinstance(value, types.CellType):
            self._place(value, None, label, _contents(value))
        elif hasattr(value, "__wrapped__"):
            # A compiled function, say: what it is made of may change, what it does may not.
            self._walk(value.__wrapped__, label)
        elif isinstance(value, (classmethod, staticmethod)):
            self._walk(value.__func__, label)
        elif isinstance(value, np.ufunc) or (callable(value) and _is_fixed_callable(value)):
            return
        elif isinstance(value, Operation):
            # Its plans follow from its rules, and are made when it is first recorded.
            for name in ("function", "rules"):
                self._place(Attributes(value), name, f"{label}.{name}", getattr(value, name))
        elif _is_installed(type(value)) or not self._attributes(value, label):
            self._refuse(label, f"nobody sees when a {type(value).__name__} changes")

    def _attributes(self, value: Any, label: str) -> bool:
        """Look at the attributes of an object; whether it has a place for any."""
        kind = type(value)
        if kind not in (list, dict, set, tuple, frozenset, collections.deque):
            self._walk(kind, kind.__name__)
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, dict):
            self.containers.append((attributes, attributes.copy(), label))
            for name, item in list(attributes.items()):
                self._place(attributes, name, f"{label}.{name}", item)
        slots = [
            name
            for base in kind.__mro__
            # Those of C tell of a part of what an object holds.
            if "__slots__" in vars(base)
            for name, item in vars(base).items()
            if isinstance(item, types.MemberDescriptorType) and name != "__weakref__"
        ]
        for name in slots:
            own = Attributes(value)
            self._place(own, name, f"{label}.{name}", own[name])
        plain_python = any("__slots__" in vars(base) for base in kind.__mro__)
        return isinstance(attributes, dict) or bool(slots) or plain_python

    def add(self, array: np.ndarray, before: np.ndarray, line: str) -> None:
        """Note one more array that was read, at a line, and lives outside."""
        if not any(known is array for known, _, _ in self.arrays):
            label = f"an array of shape {array.shape}"
            self.arrays.append((array, before, label))
            self.lines[label] = line

    def changed(self) -> str | None:
        """The label of something that has changed; None if nothing has."""
        for container, key, value, label in self.places:
            now = _now(container, key)
            if now is not value and not _equal(now, value):
                return label
        for container, before, label in self.containers:
            if len(container) != len(before):
                return label
            if container.__class__ is dict and list(container) != list(before):
                return label
            if container.__class__ is set and set(map(id, container)) != before:
                return label
        for buffer, content, label in self.buffers:
            if bytes(memoryview(buffer)) != content:
                return label
        for array, before, label in self.arrays:
            if not same_bytes(array, before):
                return label
        return None

    def written(self) -> str | None:
        """The label of an object that a call of the function wrote to; None if there is none."""
        for extra, gradient, label in self.gradients:
            if extra.grad is not gradient:
                extra.grad = gradient
                return f"{label}.grad"
        for generator, state, label in self.generators:
            if not _same_state(_state(generator), state):
                return label
        if not _same_state(_state(np.random), self.random):
            return "np.random"
        return self.changed()

    @contextlib.contextmanager
    def replaced(self, others: Mapping[int, Any]) -> Iterator[None]:
        """Other values in the places of captured ones, by their `id`, until the block ends.

        A place that cannot be written to, as in a frozen object, keeps its value.
        """
        places = [place for place in self.places if id(place[2]) in others]
        frozen = contextlib.suppress(AttributeError, TypeError)
        try:
            for container, key, value, _ in places:
                with frozen:
                    _put(container, key, others[id(value)])
            yield
        finally:
            for container, key, value, _ in places:
                with frozen:
                    _put(container, key, value)

    def restore(self) -> None:
        """Put everything back that a call put something else in the place of."""
        for container, key, value, _ in self.places:
            if _now(container, key) is not value:
                _put(container, key, value)
        for container, before, _ in self.containers:
            if isinstance(container, list):
                container[:] = before
            elif isinstance(container, collections.deque):
                container.clear()
                container.extend(before)
            elif isinstance(container, dict):
                for key in container.keys() - before.keys():
                    del container[key]

    def whole_numbers(self) -> set[int]:
        """The whole numbers above 2 that the user's own code has, or reads: `1000` of `X[:1000]`.

        A number such as 1e6 is one where the code compares.
        """
        own = [code for code in self.codes if not _is_library(code.co_filename)]
        codes = [nested for code in own for nested in _with_nested(code)]
        found = [value for *_, value, _ in self.places]
        compares = any(_compares(code) for code in codes)
        constants = [constant for code in codes for constant in code.co_consts]
        while constants:
            constant = constants.pop()
            if isinstance(constant, slice):
                constants += [constant.start, constant.stop, constant.step]
            elif isinstance(constant, (tuple, frozenset)):
                constants += constant
            else:
                found.append(constant)
        return {
            int(n)
            for n in found
            if (type(n) is int or (type(n) is float and compares and n.is_integer())) and n > 2
        }

    def line(self, label: str, writes: bool = False) -> str:
        """The user's line that reads, or writes, the object with this label."""
        if label in self.lines:
            return self.lines[label]
        name = label.replace("[", ".").split(".")
        wanted = {part.strip("'\"]") for part in name}
        for code in self.codes:
            for inner in _with_nested(code):
                found = _find(inner, wanted, writes)
                if found:
                    return f'File "{inner.co_filename}", line {found}, in {inner.co_name}'
        for code in self.codes[:1]:
            return f'File "{code.co_filename}", line {code.co_firstlineno}, in {code.co_name}'
        return "an unknown line"


def _find(code: types.CodeType, wanted: set[str], writes: bool) -> int | None:
    """The line of the first instruction with one of these names."""
    line = None
    for instruction in dis.get_instructions(code):
        position = instruction.positions
        line = position.lineno if position is not None and position.lineno else line
        is_write = instruction.opname.startswith(("STORE_", "DELETE_"))
        if instruction.argval in wanted and isinstance(instruction.argval, str):
            local = instruction.opname in ("STORE_FAST", "LOAD_FAST")
            if is_write == writes and not local:
                return line
    return _find(code, wanted, False) if writes else None


def _with_nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _with_nested(constant)


def _compares(code: types.CodeType) -> bool:
    """Whether numbers are compared in a function's own code."""
    named = {"min", "max", "minimum", "maximum", "clip"} & set(code.co_names)
    return bool(named) or any(i.opname == "COMPARE_OP" for i in dis.get_instructions(code))


def _names(code: types.CodeType) -> tuple[str, ...]:
    """Every name that a function's code, or that of functions inside it, may look up."""
    return tuple(dict.fromkeys(name for c in _with_nested(code) for name in c.co_names))


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _now(container: Any, key: Any) -> Any:
    if key is None:
        return _contents(container)
    try:
        return container[key]
    except (KeyError, IndexError):
        return MISSING


def _put(container: Any, key: Any, value: Any) -> None:
    """Set what a container or cell holds; one that cannot be written to stays as it is."""
    if key is None:
        container.cell_contents = value
    elif hasattr(container, "__setitem__"):
        container[key] = value


def _equal(now: Any, before: Any) -> bool:
    """Whether a plain value was only made anew."""
    if type(now) is not type(before):
        return False
    if type(before) is tuple and len(now) == len(before):
        return all(a is b or _equal(a, b) for a, b in zip(now, before, strict=True))
    if type(before) is types.MethodType:
        return now.__func__ is before.__func__ and now.__self__ is before.__self__
    if type(before) not in _COMPARED and not isinstance(before, np.generic):
        return False
    return bool(now == before) or (now != now and before != before)


_COMPARED = {int, float, complex, str, bytes, bool, type(None), fractions.Fraction}
_CALLABLE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)


class Attributes:
    """The attributes of an object as items."""

    __slots__ = ("of",)

    def __init__(self, of: Any) -> None:
        self.of: Any = of

    def __getitem__(self, name: str) -> Any:
        return getattr(self.of, name, MISSING)

    def __setitem__(self, name: str, value: Any) -> None:
        if value is not MISSING:
            setattr(self.of, name, value)


class _Current:
    """The value of a context variable as an item."""

    __slots__ = ("of",)

    def __init__(self, of: contextvars.ContextVar[Any]) -> None:
        self.of = of

    def __getitem__(self, key: str) -> Any:
        return self.of.get(MISSING)


def _folder(path: str) -> str:
    return os.path.join(os.path.realpath(path), "")


_STANDARD = tuple(_folder(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib"))
_KNOWN = tuple(map(_folder, (os.path.dirname(np.__file__), *PACKAGES)))
_INSTALLED = ("site-packages", "dist-packages")


@functools.lru_cache(maxsize=1024)
def _is_library(file: str | None) -> bool:
    """Whether a file is one of Python's, of NumPy, SciPy or this project, or installed.

    Modules that are part of the interpreter have no file. What is typed in has one that is none.
    """
    if file is None:
        return True
    if file.startswith("<"):
        return file.startswith(("<frozen", "<__array_function__"))
    parts = file.replace(os.sep, "/").split("/")
    trusted = os.path.realpath(file).startswith((*_STANDARD, *_KNOWN))
    return trusted or any(p in parts for p in _INSTALLED)


def _is_installed(kind: type) -> bool:
    """Whether a class is of an installed package, which may keep its state anywhere."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None) or ""
    parts = file.replace(os.sep, "/").split("/")
    return any(p in parts for p in _INSTALLED) and not os.path.realpath(file).startswith(_KNOWN)


def _is_fixed_callable(value: Any) -> bool:
    """Whether a callable object is part of a library, and has nothing of its own."""
    return not isinstance(getattr(value, "__dict__", None), dict) and not _is_installed(type(value))


def _module_of(value: Any) -> str | None:
    name = getattr(value, "__module__", None)
    own = getattr(value, "__self__", None)
    # random.random is a method of a generator.
    return type(own).__module__ if isinstance(own, object) and name is None else name


def _is_made(method: Any, names: set[str]) -> bool:
    """Whether the class of a method is looked up, so that objects of it may be made."""
    return method.__qualname__.split(".")[-2:][0] in names


def _global_names(code: types.CodeType) -> dict[str, None]:
    """The names that a code looks up as global ones, not as attributes."""
    return {
        instruction.argval: None
        for inner in _with_nested(code)
        for instruction in dis.get_instructions(inner)
        if instruction.opname in _GLOBAL
    }


def _loaded_attributes(code: types.CodeType, name: str) -> Iterator[str]:
    """The attributes that a code object reads from the global `name`."""
    for inner in _with_nested(code):
        before = None
        for instruction in dis.get_instructions(inner):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and before == name:
                yield instruction.argval
            loads = instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
            if instruction.opname not in ("PUSH_NULL", "PRECALL", "EXTENDED_ARG", "CACHE"):
                before = instruction.argval if loads else None


def _state(generator: Any) -> dict[str, Any]:
    """The state of a Generator, a RandomState or the module `numpy.random`."""
    if hasattr(generator, "get_state"):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _same_state(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same_state(a[key], b[key]) for key in a)
    return np.array_equal(a, b)


def same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays hold the same bits."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.flags.c_contiguous and b.flags.c_contiguous:
        kind = np.int64 if a.nbytes % 8 == 0 else np.uint8
        left, right = (x.reshape(-1).view(np.uint8).view(kind) for x in (a, b))
        return np.array_equal(left, right)
    if a.T.flags.c_contiguous and b.T.flags.c_contiguous:
        return same_bytes(a.T, b.T)
    return a.tobytes() == b.tobytes()
