"""The functions that a person wrote: their syntax trees, and the places of their statements."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import linecache
import os
import sysconfig
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import SeparateUpdates
from autograd_lite.check.marking.rewriting import Rewriter, made_function
from autograd_lite.observe import located, source_of
from autograd_lite.source import PACKAGES

_paths = sysconfig.get_paths()
_INSTALLED = (
    *(_paths["stdlib"], _paths["platstdlib"], _paths["purelib"], _paths["platlib"]),
    os.path.dirname(os.path.dirname(np.__file__)),
)
_LIBRARIES = (*(path + os.sep for path in _INSTALLED), *PACKAGES)


def is_of_library(filename: str) -> bool:
    """Whether a file belongs to Python, to an installed package or to this one."""
    return filename.startswith(_LIBRARIES)


@dataclass(eq=False)
class Place:
    """A statement of a person's function."""

    definition: Definition
    statement: ast.stmt

    @property
    def line(self) -> int:
        return self.statement.lineno


LAMBDA, SCRIPT = "lambda_", "script_"
"""The names of a lambda and of a pass through a script, once they are functions."""


@dataclass(eq=False)
class Definition:
    """The source of a function as a syntax tree, and the code compiled from it."""

    name: str
    tree: ast.FunctionDef
    filename: str
    free: tuple[str, ...]
    owner: str | None = None
    compiled: dict[tuple[Any, int | None], types.CodeType] = field(default_factory=dict)
    rewritten: dict[Any, dict[int, tuple[Any, list[ast.stmt]]]] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What a report calls the function."""
        return {LAMBDA: "the lambda", SCRIPT: "the script"}.get(self.name, f"{self.name}()")

    def code(
        self,
        tree: ast.FunctionDef | None = None,
        told: frozenset[int] | None = None,
        hole: int | None = None,
    ) -> types.CodeType:
        """The code of the rewritten function, or of `tree` where the function was edited.

        With `told`, only these places report what they assign, and calls of NumPy are unchanged.
        The watch fills in the value of the statement `hole`.
        """
        if tree is not None:
            return self._compile(tree, told, None)
        if (told, hole) not in self.compiled:
            self.compiled[told, hole] = self._compile(self.tree, told, hole)
        return self.compiled[told, hole]

    def filling(self, statement: Any, told: frozenset[int] | None) -> types.CodeType:
        """The code for the value of an edited statement, which fills the hole at its place."""
        value = self._rewriter(told, None).value(statement)
        return compile(ast.Expression(located(value)), self.filename, "eval")

    def _rewriter(self, told: frozenset[int] | None, hole: int | None) -> Rewriter:
        known = self.rewritten.setdefault((told, hole), {})
        return Rewriter(self.owner, told, hole, known)

    def _compile(
        self, tree: ast.FunctionDef, told: frozenset[int] | None, hole: int | None
    ) -> types.CodeType:
        changed = self._rewriter(told, hole).function(tree)
        body: list[Any] = [changed]
        if tree.name not in self.free:
            # Inside a function, its own name means the global one.
            body.insert(0, ast.copy_location(ast.Global([tree.name]), tree))
        # An enclosing function provides the variables that this one takes from outside.
        around = made_function("__around__", _parameters(self.free), body)
        module = ast.Module([located(around)], [])
        outer = compile(module, self.filename, "exec")
        inner = next(c for c in outer.co_consts if isinstance(c, types.CodeType))
        return next(
            c for c in inner.co_consts if isinstance(c, types.CodeType) and c.co_name == tree.name
        )


def _parameters(names: tuple[str, ...]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=[
            ast.arg(name, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0) for name in names
        ],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )


class Sources:
    """The definitions of a person's functions, by their code.

    Functions whose trees are `changed` are not what their files have.
    """

    def __init__(self, changed: Sequence[ast.FunctionDef] = ()) -> None:
        self._changed = {(tree.name, tree.lineno): tree for tree in changed}
        self.places: list[Place] = []
        self.definitions: dict[types.CodeType, Definition | None] = {}
        self._at_places: dict[tuple[Any, ...], Definition] = {}

    def definition(self, function: types.FunctionType) -> Definition | None:
        """The definition of a person's function; None for other functions, and without source."""
        code = function.__code__
        if code not in self.definitions:
            self.definitions[code] = self._find(function)
        return self.definitions[code]

    def _find(self, function: types.FunctionType) -> Definition | None:
        code = function.__code__
        if is_of_library(code.co_filename):
            return None
        found = self._changed.get((code.co_name, code.co_firstlineno))
        if found is None:
            found = _lambda_of(code) if code.co_name == "<lambda>" else _function_of(code)
        if found is None:
            return None
        # A function within another one is compiled anew in each run of that.
        at = code.co_filename, found.name, found.lineno, found.col_offset, code.co_freevars
        if at not in self._at_places:
            self._at_places[at] = self.add(found, at[0], code.co_freevars, _owner(function))
        return self._at_places[at]

    def add(
        self, tree: ast.FunctionDef, filename: str, free: tuple[str, ...], owner: str | None = None
    ) -> Definition:
        """Makes a definition from a syntax tree, and numbers its statements."""
        tree = SeparateUpdates().visit(tree)
        definition = Definition(tree.name, tree, filename, free, owner)
        tree.decorator_list = []
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt) and node is not tree:
                node._place = len(self.places)  # type: ignore[attr-defined]
                self.places.append(Place(definition, node))
        for argument in ast.walk(tree.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        tree.returns = None
        # Defaults were evaluated where the function was defined.
        nothing = ast.copy_location(ast.Constant(None), tree)
        tree.args.defaults = [nothing for _ in tree.args.defaults]
        tree.args.kw_defaults = [d and nothing for d in tree.args.kw_defaults]
        return definition


def _function_of(code: types.CodeType) -> ast.FunctionDef | None:
    """The definition of a function, found by its code, since a decorator may have renamed it."""
    source = source_of(code)
    if source is None:
        return None
    tree = ast.parse(source[0])
    ast.increment_lineno(tree, source[1] - 1)
    named = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == code.co_name)
    return next(named, None)


def _lambda_of(code: types.CodeType) -> ast.FunctionDef | None:
    """A lambda as a function with a return statement, found by the position of its code."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    places = [(p[0], p[2]) for p in code.co_positions() if p[0] and p[2] is not None and p[3]]
    lambdas = (n for n in ast.walk(tree) if isinstance(n, ast.Lambda))
    around = [n for n in lambdas if places and _is_around(n.body, places)]
    if not around:
        return None
    found = max(around, key=lambda n: (n.lineno, n.col_offset))
    returned = ast.copy_location(ast.Return(found.body), found.body)
    return ast.copy_location(made_function(LAMBDA, found.args, [returned]), found)


def _is_around(node: ast.expr, places: list[tuple[int, int]]) -> bool:
    first = node.lineno, node.col_offset
    last = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return all(first <= place <= last for place in places)


def _owner(function: types.FunctionType) -> str | None:
    """The class in whose body a function stands, for names with two leading underscores."""
    before = function.__qualname__.split(".")[:-1]
    return before[-1] if before and before[-1] != "<locals>" else None


def variables_of(function: types.FunctionType) -> Mapping[str, types.CellType]:
    """The cells of the variables that a function takes from the enclosing function."""
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


@functools.lru_cache(4096)
def names_in(code: types.CodeType) -> frozenset[str]:
    """The global names that a code and the codes inside it use."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    # Names of attributes are not variables.
    read = {i.argval for i in dis.get_instructions(code) if i.opname in _READS_NAME}
    return frozenset(read.union(*map(names_in, inner)))


_READS_NAME = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "STORE_NAME"))


def is_without_source(function: types.FunctionType) -> bool:
    """Whether a function is a person's but has no source."""
    code = function.__code__
    return code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")


def persons_function(
    sources: Sources, called: Any
) -> tuple[types.FunctionType, tuple[Any, ...]] | None:
    """The person's function that a call runs, and its first arguments; None for other functions."""
    function: Any
    first: tuple[Any, ...]
    if isinstance(called, types.MethodType):
        function, first = called.__func__, (called.__self__,)
    elif isinstance(called, types.FunctionType):
        function, first = called, ()
    else:
        method = "__call__"
        function, first = getattr(type(called), method, None), (called,)
        if isinstance(called, type):
            return None
    if not isinstance(function, types.FunctionType):
        return None
    return (function, first) if sources.definition(function) is not None else None


def innermost(function: Any) -> Any:
    """A function without its decorators; a method keeps its object."""
    return _unwrapped(function, lambda _: False)


def without_library_decorators(function: Any, sources: Sources) -> Any:
    """A function without the decorators that cannot be followed; a person's own decorator is part
    of the derivation.
    """
    return _unwrapped(function, lambda f: sources.definition(f) is not None)


def _unwrapped(function: Any, is_enough: Callable[[types.FunctionType], bool]) -> Any:
    inner = getattr(function, "__func__", function)
    owner = getattr(function, "__self__", None)
    while not (isinstance(inner, types.FunctionType) and is_enough(inner)):
        wrapped = _wrapped_by(inner)
        if wrapped is None:
            break
        inner = wrapped
    if inner is getattr(function, "__func__", function):
        return function
    if owner is not None and isinstance(inner, types.FunctionType):
        return types.MethodType(inner, owner)
    return inner


def _wrapped_by(function: Any) -> Any:
    """The function that a decorator was given: its `__wrapped__`, or the only function in the
    closure of a wrapper with `*args`.
    """
    if hasattr(function, "__wrapped__"):
        return function.__wrapped__
    if not isinstance(function, types.FunctionType) or function.__code__.co_argcount:
        return None
    if not function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    contents = (_content(cell) for cell in function.__closure__ or ())
    functions = [c for c in contents if callable(c) and c is not function]
    return functions[0] if len(functions) == 1 else None


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
