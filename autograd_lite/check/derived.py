"""The gradients that a backward pass derived: names, values, and how they were written."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.names import tensors_named_in
from autograd_lite.observe import WHERE, Assigned, Run, Scope, flat
from autograd_lite.record import Recorded


@dataclass
class Derived:
    """One hand-derived gradient: where it comes from, and whose it is."""

    name: str
    tensor: str
    value: np.ndarray
    assigned: Assigned | None = None
    written: tuple[ast.expr, Scope] | None = None

    @property
    def line(self) -> int | None:
        if self.written is not None:
            return self.written[0].lineno
        return self.assigned.line if self.assigned is not None else None


def derived_gradients(back: Run, tensors: list[str], names: dict[str, str | None]) -> list[Derived]:
    """The gradients that the backward pass derived, in its order."""
    returned = back.returned if isinstance(back.returned, Mapping) else {}
    entries = _returned_entries(returned)
    given = back.returned if isinstance(back.returned, (tuple, list)) else ()
    known = set(tensors)
    strangers = [n for n in names if n not in back.variables and n not in entries]
    if strangers and back.error is None:
        raise ValueError(f"names= has {strangers[0]!r}, which the backward pass does not have")
    found: dict[str, Derived] = {}
    for name, assigned in back.variables.items():
        tensor = tensor_of(name, known, names, bare=False)
        final = not assigned.in_a_loop or any(v is assigned.value for v in given)
        if tensor is None or not assigned.statements or not final:
            continue
        if name in names or not _is_setting(assigned.value):
            found[name] = Derived(name, tensor, _checked(name, assigned.value), assigned)
    for name, value in entries.items():
        tensor = tensor_of(name, known, names, bare=True)
        if name in names and names[name] is None:
            continue
        if tensor is None:
            raise ValueError(
                f"check_derivation() finds no tensor that {name!r} is the gradient of: the names "
                f"in the forward pass are {', '.join(tensors) or 'none'}; pass names={{{name!r}: "
                "...}}"
            )
        same = (d for d in found.values() if d.name == name and d.value is value)
        if next(same, None) is None:
            found[name] = _returned_gradient(name, tensor, value, back)
    return _once_each(found)


def _is_setting(value: Any) -> bool:
    """Whether it is a length, a step or a mask, such as d_k and dt: sums of arrays are NumPy's."""
    return type(value) in (int, float) or getattr(value, "dtype", None) == np.bool_


def _returned_entries(returned: Mapping[Any, Any]) -> dict[str, Any]:
    """The values of a returned dict by name, with those of dicts in it."""
    entries: dict[str, Any] = {}
    for key, value in returned.items():
        if isinstance(value, Mapping):
            entries.update(flat({str(key): dict(value)}))
        else:
            entries[str(key)] = value
    return entries


def _once_each(found: dict[str, Derived]) -> list[Derived]:
    """The gradient that a name was returned under takes the place of the variable it was in."""
    kept: dict[tuple[int, str], Derived] = {}
    for derived in found.values():
        kept.setdefault((id(derived.value), derived.tensor), derived)
    return list(kept.values())


def _returned_gradient(name: str, tensor: str, value: Any, back: Run) -> Derived:
    array = _checked(name, value)
    for assigned in back.variables.values():
        if assigned.value is value and assigned.statements:
            return Derived(name, tensor, array, assigned)
    return Derived(name, tensor, array, written=_written_in_return(name, back))


def _written_in_return(name: str, back: Run) -> tuple[ast.expr, Scope] | None:
    """The expression that a dict in the return statement has for a name."""
    if back.last is None or not isinstance(back.last[0], ast.Return):
        return None
    for node in ast.walk(back.last[0]):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    return value, back.last[1]
        if isinstance(node, ast.keyword) and node.arg == name:
            return node.value, back.last[1]
    return None


def _checked(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value._value if isinstance(value, Recorded) else value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"the gradient {name!r} is {type(value).__name__}, which is no array of numbers"
        )
    return array


def tensor_of(name: str, known: set[str], names: dict[str, str | None], bare: bool) -> str | None:
    """The tensor among `known` that a gradient called `name` belongs to, None if there is none.

    With `bare`, a gradient may be called as its tensor is.
    """
    if name in names:
        tensor = names[name]
        if tensor is not None and tensor not in known:
            raise ValueError(
                f"names={{{name!r}: {tensor!r}}}: there is no {tensor!r} in the forward pass, "
                f"which has {', '.join(sorted(known))}"
            )
        return tensor
    candidates = [*tensors_named_in(name), *([name] if bare else [])]
    return next((c for c in candidates if c in known), None)


def expression_of(derived: Derived) -> tuple[ast.expr | None, Scope]:
    """The expression that was written for a gradient, and the local variables at that line.

    None where the gradient is one of several that a statement gave.
    """
    if derived.written is not None:
        return derived.written
    if derived.assigned is None or not derived.assigned.statements:
        return None, {}
    expression: ast.expr | None = None
    for statement, scope in derived.assigned.statements:
        expression = _value_of(statement, expression, scope)
    return expression, derived.assigned.statements[-1][1]


def _value_of(statement: ast.stmt, before: ast.expr | None, scope: Scope) -> ast.expr | None:
    """The expression whose value a statement gives its target; None where that is no expression.

    `before` is the expression for the target's value until then.
    """
    if isinstance(statement, ast.AnnAssign):
        return statement.value
    if isinstance(statement, ast.AugAssign):
        before = before or _loaded(statement.target)
        return ast.BinOp(before, statement.op, statement.value)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        if isinstance(scope.get(target.value.id), np.ndarray):
            # x[mask] = y gives x the value of where(mask, y, x).
            before = before or _loaded(target.value)
            where = ast.Name(WHERE, ast.Load())
            return ast.Call(where, [target.slice, statement.value, before], [])
        return statement.value
    return statement.value if isinstance(target, ast.Name) else None


def _loaded(target: ast.expr) -> ast.expr:
    loaded = copy.copy(target)
    loaded.ctx = ast.Load()  # type: ignore[attr-defined]
    return loaded


def written_out(expression: ast.expr, back: Run, gradients: set[str], depth: int = 4) -> ast.expr:
    """An expression with the variables on the way, which are no gradients, written out."""

    class WriteOut(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            assigned = back.variables.get(node.id)
            if node.id in gradients or assigned is None or len(assigned.statements) != 1:
                return node
            value = _value_of(assigned.statements[0][0], None, assigned.statements[0][1])
            if value is None or isinstance(value, (ast.Name, ast.Subscript)) or depth == 0:
                return node
            return written_out(value, back, gradients, depth - 1)

    changed = WriteOut().visit(copy.deepcopy(expression))
    assert isinstance(changed, ast.expr)
    return changed
