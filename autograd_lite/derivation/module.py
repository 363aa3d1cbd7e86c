"""A derivation as the text of a Python module that needs NumPy only."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.program.checked import assert_assigns, checked
from autograd_lite.program.ir import Variable
from autograd_lite.program.names import in_docstring, literal

WIDTH = 88
"""How long a line may be."""

PUT_BACK = '''def put_back(g, index, shape):
    """Zeros of a shape, with g added at an index."""
    result = np.zeros(shape, g.dtype)
    np.add.at(result, index, g)
    return result
'''


@dataclass
class Statement:
    """`name = text`, which gives the value of a variable."""

    name: str
    text: str
    variable: Variable

    @property
    def reads(self) -> set[str]:
        """The names in the text."""
        return _names_in(self.text)


@dataclass
class Written:
    """The statements of a derivation.

    `arguments` are the parameters of both functions, `inputs` how each named input is got out of
    them, `constants` the arrays from outside, `parameters` which of them are tensors, `sizes`
    expressions for the lengths of axes that have names. `value` is the name of the result;
    `gradients` has for each name that is differentiated by the name of its gradient. `imports` are
    modules, names in them and what these are called here. `notes` are sentences for the docstring,
    `checks` lengths and what they must be.
    """

    name: str
    arguments: list[str]
    inputs: dict[str, tuple[str, Variable]]
    constants: dict[str, Any]
    sizes: dict[str, str]
    forward: list[Statement]
    backward: list[Statement]
    value: str
    gradients: dict[str, str]
    parameters: dict[str, Variable]
    helpers: set[str] = field(default_factory=set)
    imports: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def cache(self) -> list[str]:
        """The names that the backward pass needs of the forward pass."""
        read = set().union(*(s.reads for s in self.backward), self.gradients.values())
        return [s.name for s in self.forward if s.name in read]

    @property
    def source(self) -> str:
        """The module."""
        parts = [self._head(), self._forward(), self._backward()]
        return "\n\n\n".join(part.rstrip("\n") for part in parts) + "\n"

    @property
    def cache_name(self) -> str:
        """The name of the cache, which no argument has."""
        return "cache" if "cache" not in self.arguments else "cache_"

    def _head(self) -> str:
        wrt = _listed(list(self.gradients))
        wrt = wrt if len(wrt) < 30 else "its inputs"
        of = self.name if self.name.isidentifier() else self.value
        lines = [f'"""The gradient of {of} with respect to {wrt}, written out.']
        if self.notes:
            lines += ["", *self.notes, '"""']
        else:
            lines[0] += '"""'
        lines += ["", "import numpy as np"]
        lines += [] if not self.imports else [""]
        lines += sorted(
            f"from {m} import {n}" + (f" as {a}" if a != n else "") for m, n, a in self.imports
        )
        for name, value in self.constants.items():
            lines += ["", *_array(name, np.asarray(value))]
        text = "\n".join(lines)
        if "put_back" in self.helpers:
            text += f"\n\n\n{PUT_BACK}"
        return text

    def _forward(self) -> str:
        lines = [f"def forward({', '.join(self.arguments)}):"]
        lines += self._docstring(f"Return {self.value}, and the cache that backward needs.")
        lines += self._refusals()
        lines += [f"    {name} = {text}" for name, text in self._begins_forward()]
        lines += map(_line, self.forward)
        lines += _dictionary(f"    {self.cache_name} = ", {name: name for name in self.cache})
        lines.append(f"    return {self.value}, {self.cache_name}")
        return "\n".join(lines)

    def _backward(self) -> str:
        arguments = [*self.arguments, self.cache_name]
        lines = [f"def backward({', '.join(arguments)}):"]
        lines += self._docstring(f"Return the gradients of {self.value}, by name.")
        lines += self._refusals()
        lines += [f"    {name} = {text}" for name, text in self._begins_backward()]
        lines += map(_line, self.backward)
        results = {f"d{n}": g for n, g in self.gradients.items()}
        lines += _dictionary("    return ", results)
        return "\n".join(lines)

    def _docstring(self, what: str) -> list[str]:
        lines = [f'    """{what}', ""]
        for path, variable in self.inputs.values():
            lines.append(in_docstring(f"    {path}: {variable.type}"))
        return [*lines, '    """'] if self.inputs else [f'    """{what}"""']

    def _refusals(self) -> list[str]:
        """The statements that refuse other shapes where these are a part of the formulas."""
        lines = []
        for measured, wanted in self.checks:
            text = literal(f"{measured} must be {wanted}, for which this was derived")
            lines.append(f"    if {measured} != {wanted}:")
            line = f"        raise ValueError({text})"
            wrapped = ["        raise ValueError(", f"            {text}", "        )"]
            lines += [line] if len(line) <= WIDTH else wrapped
        return lines

    def _begins_forward(self) -> list[tuple[str, str]]:
        return self._beginning(set().union(*(s.reads for s in self.forward), {self.value}), [])

    def _begins_backward(self) -> list[tuple[str, str]]:
        read = set().union(*(s.reads for s in self.backward), self.gradients.values())
        return self._beginning(read, self.cache)

    def _beginning(self, read: set[str], cached: Sequence[str]) -> list[tuple[str, str]]:
        """The names and expressions of the inputs, the cache and the sizes."""
        sizes = {name: text for name, text in self.sizes.items() if name in read}
        read = read.union(*map(_names_in, sizes.values()))
        pairs = [
            (name, path) for name, (path, _) in self.inputs.items() if name in read and name != path
        ]
        pairs += [(name, f'{self.cache_name}["{name}"]') for name in cached]
        return [*pairs, *sizes.items()]

    def check(self) -> None:
        """SourceError unless the module computes the statements and nothing else."""
        known = {"slice", "bool", "ValueError", "bytes"}
        tree = checked(self.source, known, self.imports)
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        cache = "{" + ", ".join(f'"{name}": {name}' for name in self.cache) + "}"
        forward = [*self._begins_forward(), *((s.name, s.text) for s in self.forward)]
        backward = [*self._begins_backward(), *((s.name, s.text) for s in self.backward)]
        assert_assigns(functions["forward"], [*forward, (self.cache_name, cache)])
        assert_assigns(functions["backward"], backward)


def _names_in(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}


def _line(statement: Statement) -> str:
    shape = statement.variable.shape
    return f"    {statement.name} = {statement.text}  # {shape or 'scalar'}"


def _dictionary(start: str, items: Mapping[str, str]) -> list[str]:
    """A dict, an entry per line where it does not fit on one."""
    inner = ", ".join(f'"{key}": {value}' for key, value in items.items())
    if len(items) < 2 and len(start) + len(inner) + 2 <= WIDTH:
        return [f"{start}{{{inner}}}"]
    lines = [f'        "{key}": {value},' for key, value in items.items()]
    return [f"{start}{{", *lines, "    }"]


def _array(name: str, array: np.ndarray) -> list[str]:
    """Statements that make an array: its numbers if they are few, its bytes if they are many."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if not array.size:
        return [f"{name} = np.empty({array.shape}, np.{array.dtype.name})"]
    if array.size <= 8 and array.dtype.kind in "fiub" and np.isfinite(array).all():
        line = f"{name} = np.array({array.tolist()}, np.{array.dtype.name})"
        if len(line) <= WIDTH:
            return [line]
    digits = np.ascontiguousarray(array).tobytes().hex()
    width = WIDTH - 6
    rows = [digits[i : i + width] for i in range(0, len(digits), width)] or [""]
    lines = [f"{name} = np.frombuffer("]
    if len(rows) == 1:
        lines.append(f'    bytes.fromhex("{rows[0]}"), np.{array.dtype.name}')
        if len(lines[-1]) > WIDTH:
            lines[-1:] = [f'    bytes.fromhex("{rows[0]}"),', f"    np.{array.dtype.name},"]
    else:
        lines.append("    bytes.fromhex(")
        lines += [f'        "{row}"' for row in rows]
        lines += ["    ),", f"    np.{array.dtype.name},"]
    return [*lines, f").reshape({array.shape})"]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
