"""The way into and out of a program: functions written for the arguments of one kind.

They do what `flatten`, `kind_of` and `unflatten` do for every kind, in one pass without lists and
tuples between: a call of a small program takes microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import CellType
from typing import Any

import numpy as np

from autograd_lite.program.arguments import LEAF, Same, Structure
from autograd_lite.program.captures import MISSING, Attributes, Captures
from autograd_lite.program.checked import checked

Guard = Callable[[Any, Any], Sequence[Any] | None]
Builder = Callable[[Sequence[Any]], Any]


class _Writer:
    """Lines of a function, and the values that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.values: dict[str, Any] = {"ndarray": np.ndarray, "kind_of": type}
        self.count = 0

    def bind(self, value: Any) -> str:
        """The name of a value."""
        name = f"k{len(self.values)}"
        self.values[name] = value
        return name

    def new(self) -> str:
        """The name of something that is taken out of the arguments."""
        self.count += 1
        return f"a{self.count}"

    def function(self, head: str, returned: str) -> Any:
        """The function with these lines."""
        text = "\n".join([head, *(f"    {line}" for line in self.lines), f"    return {returned}"])
        tree = checked(f"{text}\n", [*self.values, "len", "id", "set", "tuple", "list", "dict"])
        exec(compile(tree, "<call>", "exec"), self.values)
        return self.values["call"]


def guard_for(
    structure: Structure, kinds: Sequence[Any], donated: Sequence[bool] = ()
) -> Guard | None:
    """A function of (args, kwargs) that gives the leaves if they are of this structure and kinds.

    It gives None otherwise, and where a donated array cannot be written to, or may share memory
    with another one. There is none for structures with containers of other classes.
    """
    writer = _Writer()
    leaves: list[str] = []
    kind_list = iter(kinds)
    positional, keywords = structure[2]
    for source, part in (("args", positional), ("kwargs", keywords)):
        if not _take(writer, source, part, leaves, kind_list, is_outer=True):
            return None
    if any(donated):
        are_arrays = [isinstance(kind, tuple) for kind in kinds]
        arrays = [
            pair for pair, a in zip(zip(leaves, donated, strict=True), are_arrays, strict=True) if a
        ]
        _refuse_unless_alone(writer, arrays)
    found: Guard = writer.function("def call(args, kwargs):", f"[{', '.join(leaves)}]")
    return found


CONTIGUOUS = 0x1
OWN_AND_WRITEABLE = 0x4 | 0x400
"""NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_OWNDATA and NPY_ARRAY_WRITEABLE, of `flags.num`."""


def _refuse_unless_alone(writer: _Writer, arrays: Sequence[tuple[str, bool]]) -> None:
    """Write the test that donated arrays surely share no memory with another one.

    An array that owns its memory is alone in it, but for views of it and for buffers.
    """
    writer.lines.append(f"identities = set(({', '.join(f'id({name})' for name, _ in arrays)},))")
    _refuse_if(writer, f"len(identities) != {len(arrays)}")
    for name, is_donated in arrays:
        if is_donated:
            both = OWN_AND_WRITEABLE
            _refuse_if(writer, f"flags_{name} & {both} != {both}")
            continue
        writer.lines.append(f"base = {name}.base")
        _refuse_if(
            writer,
            "base is not None and (kind_of(base) is not ndarray or not base.flags.owndata "
            "or id(base) in identities)",
        )


def _refuse_if(writer: _Writer, condition: str) -> None:
    writer.lines += [f"if {condition}:", "    return None"]


def _take(
    writer: _Writer,
    name: str,
    structure: Structure,
    leaves: list[str],
    kinds: Iterator[Any],
    is_outer: bool = False,
) -> bool:
    """Write the lines that unpack a part of the arguments; False where that cannot be written."""
    if structure == LEAF:
        leaves.append(name)
        return _check_leaf(writer, name, next(kinds))
    kind = structure[0]
    if kind == "=":
        value = structure[2]
        if isinstance(value, Same):
            _refuse_if(writer, f"{name} is not {writer.bind(value.it)}")
        else:
            same = writer.bind(value)
            of = writer.bind(structure[1])
            _refuse_if(writer, f"kind_of({name}) is not {of} or {name} != {same}")
        return True
    if kind not in (tuple, list, dict):
        return False
    parts = structure[2]
    if not is_outer:
        _refuse_if(writer, f"kind_of({name}) is not {kind.__name__}")
    _refuse_if(writer, f"len({name}) != {len(parts)}")
    if not parts:
        return True
    values = name
    if kind is dict:
        _refuse_if(writer, f"tuple({name}) != {writer.bind(structure[1])}")
        values = f"{name}.values()"
    names = [writer.new() for _ in parts]
    writer.lines.append(f"({', '.join(names)},) = {values}")
    return all(_take(writer, n, part, leaves, kinds) for n, part in zip(names, parts, strict=True))


def _check_leaf(writer: _Writer, name: str, kind: Any) -> bool:
    """Write the test that `kind_of(leaf)` is `kind`."""
    if isinstance(kind, tuple):
        shape, dtype, is_contiguous = kind
        same = writer.bind(dtype)
        tests = [
            f"kind_of({name}) is not ndarray",
            f"{name}.shape != {shape}",
            # Most dtypes are one object each, and comparing them takes longer.
            f"{name}.dtype is not {same} and {name}.dtype != {same}",
        ]
        _refuse_if(writer, " or ".join(tests))
        writer.lines.append(f"flags_{name} = {name}.flags.num")
        _refuse_if(writer, f"flags_{name} & {CONTIGUOUS} != {CONTIGUOUS * is_contiguous}")
        return True
    if isinstance(kind, type):
        _refuse_if(writer, f"kind_of({name}) is not {writer.bind(kind)}")
        return True
    _refuse_if(writer, f"kind_of({name}) is not {writer.bind(kind.type)}")
    _refuse_if(writer, f"{name}.dtype != {writer.bind(kind)}")
    return True


def check_for(captures: Captures) -> Callable[[], bool]:
    """A function that says whether everything that was captured is the same object as then.

    False does not mean that anything has changed: `captures.changed()` looks closer.
    """
    writer = _Writer()
    writer.values |= {"missing": MISSING, "getattr": getattr}
    if captures.buffers or captures.arrays:
        return lambda: False
    for items, _, _ in captures.containers:
        if items.__class__ is not dict and items.__class__ is not list:
            return lambda: False
        name = writer.bind(items)
        _differ_if(writer, f"len({name}) != {len(items)}")
        if items and items.__class__ is dict:
            _differ_if(writer, f"tuple({name}) != {writer.bind(tuple(items))}")
    counted = {id(items) for items, _, _ in captures.containers}
    for container, key, value, _ in captures.places:
        if isinstance(container, tuple):
            # Its items are the same for ever.
            continue
        source = writer.bind(container)
        if container.__class__ is dict:
            now = f"{source}.get({writer.bind(key)}, missing)"
        elif container.__class__ is list and id(container) in counted:
            now = f"{source}[{writer.bind(key)}]"
        elif isinstance(container, CellType):
            now = f"getattr({source}, 'cell_contents', missing)"
        elif isinstance(container, Attributes):
            now = f"getattr({writer.bind(container.of)}, {writer.bind(key)}, missing)"
        else:
            return lambda: False
        _differ_if(writer, f"{now} is not {writer.bind(value)}")
    found: Callable[[], bool] = writer.function("def call():", "True")
    return found


def _differ_if(writer: _Writer, condition: str) -> None:
    writer.lines += [f"if {condition}:", "    return False"]


def builder_for(structure: Structure) -> Builder | None:
    """A function that puts results together, as `unflatten` does; None for other containers."""
    writer = _Writer()
    text = _built(writer, structure, iter(range(10**9)))
    if text is None:
        return None
    found: Builder = writer.function("def call(results):", text)
    return found


def _built(writer: _Writer, structure: Structure, count: Iterator[int]) -> str | None:
    if structure == LEAF:
        return f"results[{next(count)}]"
    kind = structure[0]
    if kind == "=":
        value = structure[2]
        return writer.bind(value.it if isinstance(value, Same) else value)
    if kind not in (tuple, list, dict):
        return None
    parts = [_built(writer, part, count) for part in structure[2]]
    texts = [part for part in parts if part is not None]
    if len(texts) < len(parts):
        return None
    if kind is dict:
        keys = [writer.bind(key) for key in structure[1]]
        return f"{{{', '.join(f'{k}: {t}' for k, t in zip(keys, texts, strict=True))}}}"
    inner = ", ".join(texts)
    if kind is list:
        return f"[{inner}]"
    return f"({inner},)" if texts else "()"
