"""What a function reads besides its arguments, and whether that has changed.

A compiled program has the values that a function closed over built in. They are found by walking
from the function through its closure, the globals that its code names, and the objects and
containers there; libraries are left out.
"""

from __future__ import annotations

import dis
import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from autograd_lite.record import Recorded

_LIBRARIES = {"numpy", "autograd_lite", "nn", "scipy", "builtins"} | set(sys.stdlib_module_names)
_LIBRARIES.discard("__main__")
_SIMPLE = (int, float, complex, str, bytes, bool, type(None), np.generic)
_MISSING = object()
MANY = 10_000
"""How many values are looked at, at most."""


class Outside:
    """The values that a function reads from outside, as they are now.

    `others` are functions and objects among its arguments; `exempt` ones are not looked at.
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
        self.tensors: list[tuple[Any, str]] = []
        self.gradients: list[tuple[Any, Any, str]] = []
        self.generators: list[tuple[Any, Any, str]] = []
        self.codes: list[types.CodeType] = []
        self.lines: dict[str, str] = {}
        self._seen: set[int] = set(map(id, exempt))
        self._walk(function, getattr(function, "__name__", "the function"), ())
        for other in others:
            self._walk(other, getattr(other, "__name__", type(other).__name__), ())
        self.random = np.random.get_state(legacy=False)

    def _walk(self, value: Any, label: str, names: tuple[str, ...]) -> None:
        if isinstance(value, _SIMPLE) or id(value) in self._seen or len(self._seen) > MANY:
            return
        self._seen.add(id(value))
        if isinstance(value, np.ndarray):
            if value.dtype != object:
                self.arrays.append((value, value.copy(), label))
        elif isinstance(value, Recorded):
            self._tensor(value, label)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._walk(value.__func__, label, names)
            self._walk(value.__self__, label, names)
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._walk(part, label, names)
        elif isinstance(value, types.ModuleType):
            if not _is_library(value.__name__):
                for name in names:
                    if name in value.__dict__:
                        self._place(value.__dict__, name, f"{label}.{name}", names)
        elif isinstance(value, np.random.Generator):
            self.generators.append((value, _state(value), label))
        elif isinstance(value, (list, dict)):
            self._items(value, label)
        elif isinstance(value, (tuple, set, frozenset)):
            for i, item in enumerate(value):
                self._walk(item, f"{label}[{i}]", names)
        elif isinstance(value, type):
            if not _is_library(value.__module__):
                self._class(value, label)
        else:
            self._object(value, label)

    def _tensor(self, tensor: Any, label: str) -> None:
        self.tensors.append((tensor, label))
        if isinstance(tensor._value, np.ndarray):
            self._walk(tensor._value, label, ())
        extra = getattr(tensor._node, "extra", None)
        if extra is not None:
            self.gradients.append((extra, extra.grad, label))

    def _function(self, function: types.FunctionType) -> None:
        code = function.__code__
        self.codes.append(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            value = _contents(cell)
            if value is not _MISSING:
                self.places.append((cell, None, value, name))
                self._walk(value, name, code.co_names)
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._walk(default, f"a default of {function.__name__}", code.co_names)
        if _is_library(function.__module__):
            return
        for name in _names(code):
            if name in function.__globals__:
                self._place(function.__globals__, name, name, _names(code))

    def _place(self, mapping: Any, key: Any, label: str, names: tuple[str, ...]) -> None:
        value = mapping[key]
        module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, type, np.ufunc)) or (
            callable(value) and _is_library(module) and not hasattr(value, "__dict__")
        ):
            self._walk(value, label, names)
            return
        self.places.append((mapping, key, value, label))
        self._walk(value, label, names)

    def _items(self, container: Any, label: str) -> None:
        self.containers.append((container, container.copy(), label))
        pairs = container.items() if isinstance(container, dict) else enumerate(container)
        for key, item in list(pairs):
            self.places.append((container, key, item, f"{label}[{key!r}]"))
            self._walk(item, f"{label}[{key!r}]", ())

    def _class(self, kind: type, label: str) -> None:
        """What the objects of a class have in common, but for what they do."""
        for name, item in vars(kind).items():
            plain = not callable(item) and not hasattr(item, "__get__")
            if plain and not name.startswith("__"):
                self.places.append((vars(kind), name, item, f"{label}.{name}"))
                self._walk(item, f"{label}.{name}", ())

    def _object(self, value: Any, label: str) -> None:
        """An object of a class of the user's, or of a module of a network."""
        if hasattr(value, "__wrapped__"):
            # A compiled function, say: what it is made of may change, what it does may not.
            self._walk(value.__wrapped__, label, ())
            return
        module = type(value).__module__
        if _is_library(module) and module.split(".")[0] not in ("nn", "autograd_lite"):
            return
        for kind in type(value).__mro__:
            self._walk(kind, label, ())
        attributes = getattr(value, "__dict__", None)
        if attributes is None:
            return
        self.containers.append((attributes, attributes.copy(), label))
        for name, item in list(attributes.items()):
            self.places.append((attributes, name, item, f"{label}.{name}"))
            self._walk(item, f"{label}.{name}", ())

    def add(self, array: np.ndarray, before: np.ndarray, line: str) -> None:
        """Note one more array that was read, at a line, and lives outside."""
        if not any(known is array for known, _, _ in self.arrays):
            label = f"an array of shape {array.shape}"
            self.arrays.append((array, before, label))
            self.lines[label] = line

    def changed(self) -> str | None:
        """What is not as it was, if anything: its label."""
        for container, key, value, label in self.places:
            now = _now(container, key)
            if now is not value and not _equal(now, value):
                return label
        for container, before, label in self.containers:
            if len(container) != len(before):
                return label
        for array, before, label in self.arrays:
            if not same_bytes(array, before):
                return label
        return None

    def written(self) -> str | None:
        """What a call of the function wrote to, if anything: its label."""
        for extra, gradient, label in self.gradients:
            if extra.grad is not gradient:
                extra.grad = gradient
                return f"{label}.grad"
        for generator, state, label in self.generators:
            if _state(generator) != state:
                return label
        if not _same_state(self.random, np.random.get_state(legacy=False)):
            return "np.random"
        return self.changed()

    def restore(self) -> None:
        """Put everything back that a call put something else in the place of."""
        for container, key, value, _ in self.places:
            if _now(container, key) is not value:
                if key is None:
                    container.cell_contents = value
                elif hasattr(container, "__setitem__"):
                    container[key] = value
        for container, before, _ in self.containers:
            if isinstance(container, list):
                container[:] = before
            else:
                for key in container.keys() - before.keys():
                    del container[key]

    def line(self, label: str, writes: bool = False) -> str:
        """The line of the user's that reads, or writes, what has this label."""
        if label in self.lines:
            return self.lines[label]
        name = label.replace("[", ".").split(".")
        wanted = {part.strip("'\"]") for part in name}
        for code in self.codes:
            for inner in _with_nested(code):
                found = _find(inner, wanted, writes)
                if found:
                    return f'File "{inner.co_filename}", line {found}, in {inner.co_name}'
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


def _names(code: types.CodeType) -> tuple[str, ...]:
    """Every name that a function's code, or that of functions inside it, may look up."""
    return tuple(dict.fromkeys(name for c in _with_nested(code) for name in c.co_names))


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _now(container: Any, key: Any) -> Any:
    if key is None:
        return _contents(container)
    try:
        return container[key]
    except (KeyError, IndexError):
        return _MISSING


def _equal(now: Any, before: Any) -> bool:
    """Whether a plain value was only made anew."""
    if type(now) is not type(before) or not isinstance(before, _SIMPLE):
        return False
    return bool(now == before) or (now != now and before != before)


def _is_library(module: Any) -> bool:
    name = str(module).split(".")[0]
    if name in _LIBRARIES:
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def _state(generator: np.random.Generator) -> str:
    return repr(generator.bit_generator.state)


def _same_state(a: Any, b: Any) -> bool:
    return repr(a) == repr(b) and bool(np.array_equal(a["state"]["key"], b["state"]["key"]))


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
