"""Edits that call another of a person's functions, or the same one with other arguments."""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from autograd_lite.check.marking.definitions import is_of_library
from autograd_lite.check.marking.edits.line import Edit, Line, values_assigned
from autograd_lite.check.marking.edits.products import is_persons
from autograd_lite.check.marking.edits.trees import (
    in_index,
    is_called,
    is_equal,
    parsed,
    placed_at,
    text_of,
    times,
)
from autograd_lite.check.marking.purity import is_pure
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.transforms import vjp

FUNCTIONS_LIMIT = 12
"""So many of a person's functions are tried in place of one."""

VALUES_LIMIT = 12
"""So many values are given to them."""


def other_functions(line: Line) -> Iterator[Edit]:
    """Edits that call another function with the same arguments: `relu_slope(z)` for `relu(z)`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or node.keywords or in_index(node, around):
            continue
        count = len(node.args)
        for other in _functions(line, count) if count else ():
            if ast.unparse(other) != ast.unparse(node.func):
                new = ast.Call(other, node.args, [])
                if _may_give(line, other, node.args, line.shape(node)):
                    text = f"{text_of(node)} should be {text_of(new)}"
                    yield line.edit("activation", text, node, new, 0.95)


def arguments(line: Line) -> Iterator[Edit]:
    """Edits that give a person's function another argument, or one with the other sign."""
    for node, around in line.nodes:
        if isinstance(node, ast.Call) and not in_index(node, around) and is_persons(line, node):
            for old in node.args:
                here = line.at(old)
                if isinstance(old, ast.Constant) and isinstance(old.value, str):
                    yield from _other_words(line, node, old)
                elif isinstance(here, np.ndarray) and here.ndim:
                    yield from _other_arrays(line, node, old, here)
                elif isinstance(here, (tuple, list, dict)) and isinstance(old, ast.Name):
                    yield from _other_containers(line, node, old, here)
            yield from _unused_arguments(line, node)


def _unused_arguments(line: Line, node: ast.Call) -> Iterator[Edit]:
    """Edits that give a function several arrays which are never read, for those of another call
    that were copied: `back(p, a, b)` and `back(n, a, b)`.
    """
    left = [(n, v) for n, v in line.unused if np.ndim(v)]
    news: dict[int, ast.expr] = {}
    told = []
    for old in node.args:
        shape = line.shape(old) if isinstance(old, (ast.Name, ast.Attribute)) else None
        same = [(n, v) for n, v in left if np.shape(v) == shape]
        if same and line.count(old) > 1:
            left = [(n, v) for n, v in left if n is not same[0][0]]
            news[id(old)] = placed_at(same[0][0], old)
            told.append(f"{text_of(old)} should be {text_of(same[0][0])}")
    if len(news) > 1:
        yield line.edit_all("operand", " and ".join(told) + f" in {text_of(node)}", news, 0.95)


def _other_words(line: Line, node: ast.Call, old: ast.Constant) -> Iterator[Edit]:
    """Edits that give a function a word that is compared, or given to one, elsewhere."""
    trees = (line.place.definition.tree, *line.elsewhere)
    nodes = [n for tree in trees for n in ast.walk(tree) if isinstance(n, (ast.Compare, ast.Call))]
    parts = [p for n in nodes for p in (n.args if isinstance(n, ast.Call) else n.comparators)]
    words = (p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str))
    for word in [word for word in dict.fromkeys(words) if word != old.value][:WORDS_LIMIT]:
        text = f"{old.value!r} should be {word!r} in {text_of(node)}"
        yield line.edit("activation", text, old, ast.Constant(word), 0.95)


WORDS_LIMIT = 6
"""So many words are tried in place of one."""


def _other_arrays(line: Line, node: ast.Call, old: ast.expr, here: np.ndarray) -> Iterator[Edit]:
    """Edits that give a function another array, or the negative one."""
    is_negative = isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.USub)
    opposite = cast(ast.UnaryOp, old).operand if is_negative else ast.UnaryOp(ast.USub(), old)
    text = f"{text_of(old)} should be {text_of(opposite)} in {text_of(node)}"
    yield line.edit("sign", text, old, opposite, 0.95)
    # What the line assigns may have had another shape before.
    is_changed = ast.unparse(old) in line.targets
    arrays = [r for r in line.references if np.ndim(r[2]) == here.ndim]
    for called, other, value in arrays if is_changed else line.alike(here.shape):
        if called != text_of(old) and (is_changed or not is_equal(value, here)):
            text = f"{text_of(old)} should be {called} in {text_of(node)}"
            yield line.edit("operand", text, old, other, 0.95)


def _other_containers(line: Line, node: ast.Call, old: ast.Name, here: Any) -> Iterator[Edit]:
    """Edits that give a function another container of the same kind: `cache2` for `cache1`."""
    for name, value in line.scope.items():
        if type(value) is type(here) and len(value) == len(here) and value is not here:
            text = f"{old.id} should be {name} in {text_of(node)}"
            yield line.edit("operand", text, old, ast.Name(name, ast.Load()), 0.95)


def called_as_factors(line: Line) -> Iterator[Edit]:
    """Edits that multiply by what a function of one value gives, as a slope that is missing."""
    for old, name in values_assigned(line):
        shape = line.shape(old)
        if not shape:
            continue
        for new in _calls_giving(line, shape):
            text = f"the factor {text_of(new)} is missing in {name}"
            yield line.edit("activation", text, old, times(old, new), 0.75)


def called_anew(line: Line) -> Iterator[Edit]:
    """Edits that take what a function of two values gives: `relu_back(dA, Z)` for `dA * (Z > 0)`.

    The values are those that the line reads.
    """
    read = {
        ast.unparse(node): node
        for node, around in line.nodes
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
        and line.ndim(node)
        and not (in_index(node, around) or is_called(node, around))
    }
    for old, name in values_assigned(line):
        for function in _functions(line, 2):
            for pair in itertools.permutations(list(read.values())[:3], 2):
                new = ast.Call(function, list(pair), [])
                if _may_give(line, function, list(pair), line.shape(old)):
                    text = f"{name} should be {text_of(new)}"
                    yield line.edit("activation", text, old, new, 0.8)


def slopes_of_functions(line: Line) -> Iterator[Edit]:
    """Edits that return the derivative of another of the person's functions of one value.

    So `swish_prime(z)` should give the derivative of `swish(z)`.
    """
    own = [a.arg for a in line.place.definition.tree.args.args if a.arg != "self"]
    if not isinstance(line.statement, ast.Return) or len(own) != 1:
        return
    name = line.place.definition.name
    for function in _functions(line, 1):
        slope = parsed(f"{WATCH}.slope_of({ast.unparse(function)}, {own[0]})")
        text = f"{name}({own[0]}) should be the derivative of {text_of(function)}({own[0]})"
        yield line.whole("activation", text, [ast.Return(slope)], 0.85)


def is_right_slope(line: Line) -> bool:
    """Whether a statement stands in the derivative of another of the person's functions.

    Where `slope(z)` is that of `sigmoid(z)`, a mistake is in the call.
    """
    definition = line.place.definition
    function: Any = line.names.get(definition.name)
    if not _takes(function, 1) or not is_pure(function):
        return False
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 2))
    for other in (n for n in _functions(line, 1) if is_pure(line.at(n))):
        try:
            with np.errstate(all="ignore"):
                given, pulled_back = vjp(line.at(other), values.copy())
                slope = pulled_back(np.ones_like(given))[0]
                if np.allclose(function(values.copy()), slope, rtol=1e-9, atol=1e-12):
                    return bool(np.ptp(slope))
        except Exception:
            continue
    return False


def _calls_giving(line: Line, shape: tuple[int, ...]) -> Iterator[ast.expr]:
    """Calls of functions with a value of the forward pass that give an array of a shape."""
    known = [r for r in line.alike(shape) if line.is_of_forward(r[2])][:VALUES_LIMIT]
    for function, (_, argument, value) in itertools.product(_functions(line, 1), known):
        if _may_give(line, function, [argument], shape, other_than=value):
            yield ast.Call(function, [argument], [])


def _may_give(
    line: Line,
    function: ast.expr,
    arguments: list[ast.expr],
    shape: tuple[int, ...] | None,
    other_than: Any = None,
) -> bool:
    """Whether a function may give an array of a shape, or something else where that is None.

    What may change something else, as a method its object, is not tried.
    """
    called: Any = line.at(function)
    values = [line.at(a) for a in arguments]
    if not is_pure(called) or any(v is None for v in values):
        return True
    try:
        with np.errstate(all="ignore"):
            # It may write into what it is given.
            given = called(*(np.array(v) if isinstance(v, np.ndarray) else v for v in values))
    except Exception:
        return False
    if getattr(given, "shape", None) != shape:
        return False
    return other_than is None or not is_equal(given, other_than)


def _functions(line: Line, count: int) -> list[ast.expr]:
    """A person's functions that take so many values: those of the module, and of the object.

    They run anyway, or change nothing.
    """
    ran = {tree.name for tree in line.elsewhere if isinstance(tree, ast.FunctionDef)}
    found: dict[str, Any] = dict(line.names)
    owner = line.scope.get("self")
    for name, value in vars(type(owner)).items() if owner is not None else ():
        method = getattr(owner, name, None)
        if isinstance(value, (types.FunctionType, staticmethod)) and callable(method):
            found[f"self.{name}"] = method
    fitting = [
        name
        for name, function in found.items()
        if _takes(function, count)
        and not _contains(function, line)
        and (function.__name__ in ran or is_pure(function))
    ]
    return [parsed(name) for name in fitting[:FUNCTIONS_LIMIT]]


def _takes(function: Any, count: int) -> bool:
    """Whether a function is a person's, and takes so many values."""
    plain = getattr(function, "__func__", function)
    if not isinstance(plain, types.FunctionType) or is_of_library(plain.__code__.co_filename):
        return False
    code = plain.__code__
    bound = code.co_argcount - (plain is not function)
    flags = code.co_flags & 0x0C
    return not flags and not code.co_kwonlyargcount and bound == count


def _contains(function: Any, line: Line) -> bool:
    """Whether a statement stands in a function, which would call itself."""
    return getattr(function, "__name__", "") == line.place.definition.name
