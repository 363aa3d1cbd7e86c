"""A third opinion: how the loss changes when a named value of the forward pass is moved a little.

The forward function is run in plain NumPy, with a call after each assignment that can move what
was assigned. No derivative rule takes part.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.observe import Run, closure_of, definition_of, entry_name, is_value

STEP = 1e-6


class Nudged:
    """A forward function in which one named value can be moved, after it was last assigned."""

    def __init__(self, run: Run, inputs: tuple[Any, ...]) -> None:
        self.inputs = inputs
        self.name: str | None = None
        self.change: Any = None
        self.left = 0
        self.function = _with_calls(run.function, self._perturb) or run.function

    def slope(self, name: str, direction: np.ndarray) -> float | None:
        """The derivative of the loss as the value called `name` moves along `direction`.

        None where no assignment of that name is seen.
        """
        self.name, self.change, self.left = name, None, 0
        self._loss()
        count = -self.left
        if not count:
            return None
        ahead, behind = (self._moved(count, sign * STEP * direction) for sign in (1, -1))
        return (ahead - behind) / (2 * STEP)

    def _moved(self, count: int, change: np.ndarray) -> float:
        self.change, self.left = change, count
        return self._loss()

    def _loss(self) -> float:
        with np.errstate(all="ignore"):
            result = self.function(*self.inputs)
        return float(result[0] if isinstance(result, tuple) else result)

    def _perturb(self, container: str, key: Any, value: Any) -> Any:
        if not is_value(value) or self.name != (entry_name(container, key) if key else container):
            return value
        self.left -= 1
        return value + self.change if self.change is not None and self.left == 0 else value


def _with_calls(function: Callable[..., Any], perturb: Callable[..., Any]) -> Any:
    """The function with a call after each assignment; None where it has no source."""
    definition = definition_of(function)
    if definition is None:
        return None
    definition.decorator_list = []
    # What is in the signature was evaluated where the function was defined.
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    definition.returns = None
    definition.args.defaults = [ast.Constant(None) for _ in definition.args.defaults]
    definition.args.kw_defaults = [d and ast.Constant(None) for d in definition.args.kw_defaults]
    definition = _Calls().visit(definition)
    parameters = [a.arg for a in (*definition.args.posonlyargs, *definition.args.args)]
    entry = [_call(ast.Name(name, ast.Load())) for name in parameters]
    definition.body = [*entry, *definition.body]
    module = ast.fix_missing_locations(ast.Module([definition], []))
    names = dict(getattr(function, "__globals__", {})) | closure_of(function)
    names["__perturb__"] = perturb
    try:
        exec(compile(module, "<perturbed forward pass>", "exec"), names)
    except SyntaxError:
        return None
    perturbed = names[definition.name]
    perturbed.__defaults__ = function.__defaults__
    perturbed.__kwdefaults__ = function.__kwdefaults__
    owner = getattr(function, "__self__", None)
    return perturbed if owner is None else functools.partial(perturbed, owner)


class _Calls(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> Any:
        return [node, *(c for t in node.targets for c in _calls(t))]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return [node, *_calls(node.target)]


def _calls(target: ast.expr) -> list[ast.stmt]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [call for item in target.elts for call in _calls(item)]
    if isinstance(target, ast.Name):
        return [_call(target)]
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        return [_call(target)]
    return []


def _call(target: ast.Name | ast.Subscript) -> ast.stmt:
    """`x = __perturb__("x", None, x)`, or `x[k] = __perturb__("x", k, x[k])`."""
    value, stored = copy.copy(target), copy.copy(target)
    value.ctx, stored.ctx = ast.Load(), ast.Store()
    key: ast.expr = ast.Constant(None)
    name = target
    if isinstance(target, ast.Subscript):
        key, name = target.slice, target.value  # type: ignore[assignment]
    arguments: list[ast.expr] = [ast.Constant(name.id), key, value]  # type: ignore[union-attr]
    return ast.Assign([stored], ast.Call(ast.Name("__perturb__", ast.Load()), arguments, []))
