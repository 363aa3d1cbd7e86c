"""A person's functions, rewritten so that a run of them can be followed.

After each assignment of a rewritten function stands a call that is told what was assigned, and
each call goes through another one, so that helpers and methods are followed as well:

    dZ = back(dA, A)        dZ = __watch__.call(back, dA, A)
                            dZ = __watch__.after(7, 0, dZ)

Line numbers stay those of the file.
"""

from __future__ import annotations

import ast
import copy
import dis
import functools
import inspect
import linecache
import os
import re
import sysconfig
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, cast

import numpy as np

from autograd_lite.observe import located, source_of

WATCH = "__watch__"

HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
_paths = sysconfig.get_paths()
_LIBRARIES = tuple(
    path + os.sep
    for path in (
        *(_paths["stdlib"], _paths["platstdlib"], _paths["purelib"], _paths["platlib"]),
        *(os.path.dirname(os.path.dirname(np.__file__)), os.path.join(HOME, "autograd_lite")),
        os.path.join(HOME, "nn"),
    )
)


def is_of_library(filename: str) -> bool:
    """Whether a file is no person's: Python's, an installed package's, or this one's."""
    return filename.startswith(_LIBRARIES)


@dataclass(eq=False)
class Place:
    """A statement of a person's function: where it stands, and what it assigns to."""

    definition: Definition
    statement: ast.stmt

    @property
    def line(self) -> int:
        return self.statement.lineno


@dataclass(eq=False)
class Definition:
    """The source of a function as a syntax tree, and the places of its statements."""

    name: str
    tree: ast.FunctionDef
    filename: str
    free: tuple[str, ...]
    owner: str | None = None
    compiled: dict[tuple[Any, int | None], types.CodeType] = field(default_factory=dict)
    rewritten: dict[Any, dict[int, tuple[Any, list[ast.stmt]]]] = field(default_factory=dict)

    def code(
        self,
        tree: ast.FunctionDef | None = None,
        told: frozenset[int] | None = None,
        hole: int | None = None,
    ) -> types.CodeType:
        """The code of the rewritten function; of `tree` where it was edited.

        With `told`, only these places tell what they assign, and calls of NumPy are left alone.
        The value of the statement `hole` is what the watch fills in.
        """
        if tree is not None:
            return self._compile(tree, told, None)
        if (told, hole) not in self.compiled:
            self.compiled[told, hole] = self._compile(self.tree, told, hole)
        return self.compiled[told, hole]

    def filling(self, statement: Any, told: frozenset[int] | None) -> types.CodeType:
        """The code of the value of an edited statement, which goes into the hole of its place."""
        value = _Rewriter(self, told, None).value(statement)
        return compile(ast.Expression(located(value)), self.filename, "eval")

    def _compile(
        self, tree: ast.FunctionDef, told: frozenset[int] | None, hole: int | None
    ) -> types.CodeType:
        changed = _Rewriter(self, told, hole).function(tree)
        body: list[Any] = [changed]
        if tree.name not in self.free:
            # A function that names itself means the one outside.
            body.insert(0, ast.copy_location(ast.Global([tree.name]), tree))
        # The function around it has the variables that this one takes from outside.
        around = made_function("__around__", _parameters(self.free), body)
        module = ast.Module([located(around)], [])
        outer = compile(module, self.filename, "exec")
        inner = next(c for c in outer.co_consts if isinstance(c, types.CodeType))
        return next(
            c for c in inner.co_consts if isinstance(c, types.CodeType) and c.co_name == tree.name
        )


def made_function(name: str, arguments: ast.arguments, body: list[Any]) -> ast.FunctionDef:
    """The definition of a function, with the fields that it has in this version of Python."""
    made = ast.parse("def f(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.name, made.args, made.body = name, arguments, body
    return made


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
    """The definitions of the functions that a person wrote, by their code."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.definitions: dict[types.CodeType, Definition | None] = {}

    def definition(self, function: types.FunctionType) -> Definition | None:
        """The definition of a function of the person's; None for others, and without source."""
        code = function.__code__
        if code not in self.definitions:
            self.definitions[code] = self._find(function)
        return self.definitions[code]

    def _find(self, function: types.FunctionType) -> Definition | None:
        code = function.__code__
        if is_of_library(code.co_filename):
            return None
        found = _lambda_of(code) if code.co_name == "<lambda>" else _function_of(code)
        if found is None:
            return None
        return self.add(found, code.co_filename, code.co_freevars, _owner(function))

    def add(
        self, tree: ast.FunctionDef, filename: str, free: tuple[str, ...], owner: str | None = None
    ) -> Definition:
        """A definition from a syntax tree, whose statements are numbered."""
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
        # What is in the signature was evaluated where the function was defined.
        nothing = ast.copy_location(ast.Constant(None), tree)
        tree.args.defaults = [nothing for _ in tree.args.defaults]
        tree.args.kw_defaults = [d and nothing for d in tree.args.kw_defaults]
        return definition


def _function_of(code: types.CodeType) -> ast.FunctionDef | None:
    """The definition of a function, found by its code: decorators may have given it a name."""
    source = source_of(code)
    if source is None:
        return None
    tree = ast.parse(source[0])
    ast.increment_lineno(tree, source[1] - 1)
    named = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == code.co_name)
    return next(named, None)


def _lambda_of(code: types.CodeType) -> ast.FunctionDef | None:
    """A lambda as a function that returns: the one in its file that stands where the code does."""
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
    return ast.copy_location(made_function("lambda_", found.args, [returned]), found)


def _is_around(node: ast.expr, places: list[tuple[int, int]]) -> bool:
    first = node.lineno, node.col_offset
    last = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return all(first <= place <= last for place in places)


def _owner(function: types.FunctionType) -> str | None:
    """The class in whose body a function stands, for names with two underscores."""
    before = function.__qualname__.split(".")[:-1]
    return before[-1] if before and before[-1] != "<locals>" else None


def statement_at(node: ast.AST) -> int | None:
    return getattr(node, "_place", None)


_NEVER_FOLLOWED = frozenset(
    (
        *("range", "len", "zip", "enumerate", "reversed", "print", "super", "locals", "globals"),
        *("vars", "list", "tuple", "dict", "set", "str", "slice", "type", "id", "repr"),
    )
)


class _Rewriter:
    """Rewrites one function. No node of the original is changed."""

    def __init__(
        self, definition: Definition, told: frozenset[int] | None, hole: int | None
    ) -> None:
        self.definition = definition
        self.told = told
        self.hole = hole
        self.known = definition.rewritten.setdefault((told, hole), {})

    def function(self, tree: ast.FunctionDef) -> ast.FunctionDef:
        changed = copy.copy(tree)
        changed.body = self.body(tree.body)
        return changed

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [new for statement in statements for new in self.statement(statement)]

    def statement(self, statement: ast.stmt) -> list[ast.stmt]:
        # What an edit does not touch is the same node, and was rewritten before.
        known = self.known.get(id(statement))
        if known is not None and known[0] is statement:
            return known[1]
        new = self._statement(statement)
        self.known[id(statement)] = statement, new
        return new

    def _statement(self, statement: ast.stmt) -> list[ast.stmt]:
        changed = copy.copy(statement)
        for name, value in ast.iter_fields(statement):
            if isinstance(value, ast.expr):
                setattr(changed, name, self.expression(value))
            elif isinstance(value, list) and value:
                if isinstance(value[0], ast.stmt):
                    setattr(changed, name, self.body(value))
                elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                    setattr(changed, name, [self._block(v) for v in value])
                elif isinstance(value[0], ast.withitem):
                    setattr(changed, name, [self._rebuilt(v) for v in value])
                elif isinstance(value[0], ast.expr) and name == "targets":
                    setattr(changed, name, [self.expression(v) for v in value])
        place = statement_at(statement)
        if place is not None and getattr(statement, "value", None) is not None:
            changed.value = self.value(statement)  # type: ignore[attr-defined]
        if place is None or (self.told is not None and place not in self.told):
            return [changed]
        if isinstance(statement, ast.Return) and statement.value is not None:
            changed.value = _watch("returned", ast.Constant(place), changed.value)  # type: ignore
        elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            if statement.value is not None:
                return [changed, *self._after(place, statement)]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            return [changed, *self._after_call(place, statement.value)]
        return [changed]

    def value(self, statement: Any) -> Any:
        """The value of a statement, with calls around the elements that get no name elsewhere."""
        place = statement_at(statement)
        if place == self.hole:
            filled = _watch("filled", ast.Call(ast.Name("locals", ast.Load()), [], []))
            return _at(filled, statement.value)
        value = self.expression(statement.value)
        if place is None or (self.told is not None and place not in self.told):
            return value
        for i, (element, name) in enumerate(elements_of(statement)):
            told = (
                *(ast.Constant(place), ast.Constant(name or f"<{i}>")),
                ast.Constant(element.lineno),
            )
            value = _replaced(value, element, functools.partial(_watch, "element", *told))
        return value

    def _block(self, block: Any) -> Any:
        changed = copy.copy(block)
        changed.body = self.body(block.body)
        return changed

    def _rebuilt(self, node: Any) -> Any:
        changed = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(changed, name, self.expression(value))
        return changed

    def expression(self, node: Any) -> Any:
        """The expression with its calls going through the watch; shared where it has none."""
        changed = node
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                new: Any = self.expression(value)
            elif isinstance(value, list):
                # The key of `**more` in a dict is None.
                new = [self.expression(v) if isinstance(v, ast.AST) else v for v in value]
                new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
            else:
                continue
            if new is not value:
                changed = copy.copy(node) if changed is node else changed
                setattr(changed, name, new)
        if isinstance(changed, ast.Attribute) and self._is_private(changed.attr):
            changed = copy.copy(changed) if changed is node else changed
            changed.attr = f"_{(self.definition.owner or '').lstrip('_')}{changed.attr}"
        if isinstance(changed, ast.Call) and not self._is_left_alone(node):
            followed = _watch("call", changed.func, *changed.args)
            followed.keywords = changed.keywords
            return _at(followed, node)
        return changed

    def _is_left_alone(self, call: ast.Call) -> bool:
        return _is_simple(call) or (self.told is not None and _is_of_numpy(call))

    def _is_private(self, name: str) -> bool:
        return bool(self.definition.owner) and name.startswith("__") and not name.endswith("__")

    def _after(self, place: int, statement: Any) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for target in targets_of(statement):
            if isinstance(target, (ast.Name, ast.Attribute)) and not _calls_something(target):
                told = _watch("after", *_called(place, target), self._loaded(target))
                found.append(ast.Assign([self.expression(target)], told))
            elif isinstance(target, ast.Subscript) and not _calls_something(target.value):
                key = target.slice
                told = _watch(
                    *("stored", *_called(place, target.value), self._loaded(target.value)),
                    ast.Constant(None) if _calls_something(key) else self.expression(key),
                )
                found.append(ast.Expr(told))
        return [ast.fix_missing_locations(ast.copy_location(f, statement)) for f in found]

    def _after_call(self, place: int, call: ast.Call) -> list[ast.stmt]:
        """Calls that are told of what a call may have written into: `np.add.at(dW, i, d)`."""
        found: list[ast.stmt] = []
        for written in written_by(call):
            told = _watch("changed", *_called(place, written), self._loaded(written))
            found.append(ast.fix_missing_locations(ast.copy_location(ast.Expr(told), call)))
        return found

    def _loaded(self, target: Any) -> Any:
        loaded = copy.copy(self.expression(target))
        loaded.ctx = ast.Load()
        return loaded


def _replaced(tree: Any, old: Any, wrap: Callable[[Any], Any]) -> Any:
    """`tree`, which was rewritten, with a call around the element that `old` became."""
    wanted = (type(old), old.lineno, old.col_offset, old.end_lineno, old.end_col_offset)

    def go(node: Any) -> Any:
        at = (type(node), *(getattr(node, n, None) for n in _PLACE))
        if at == wanted:
            return _at(wrap(node), node)
        changed = node
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                new: Any = go(value)
            elif isinstance(value, list):
                new = [go(v) if isinstance(v, ast.AST) else v for v in value]
                new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
            else:
                continue
            if new is not value:
                changed = copy.copy(node) if changed is node else changed
                setattr(changed, name, new)
        return changed

    return go(tree)


_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


def _called(place: int, target: Any) -> tuple[ast.expr, ...]:
    """What a target is called, as arguments: an attribute by its own name, an entry by that of its
    container; and the whole as it is written."""
    path = ast.unparse(target)
    while isinstance(target, (ast.Subscript, ast.Starred)):
        target = target.value
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "?")
    return ast.Constant(place), ast.Constant(name), ast.Constant(path)


def _watch(name: str, *arguments: ast.expr) -> ast.Call:
    watch = ast.Attribute(ast.Name(WATCH, ast.Load()), name, ast.Load())
    return cast(ast.Call, located(ast.Call(watch, list(arguments), [])))


def _at(call: Any, node: ast.AST) -> Any:
    """A call of the watch at the place of an expression: errors in it have that line."""
    for part in (call, call.func, call.func.value):
        ast.copy_location(part, node)
    return call


def _is_simple(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in _NEVER_FOLLOWED


_WRITERS = ("save", "savez", "savez_compressed", "savetxt", "tofile", "write_text", "write_bytes")


def writes_files(function: Any) -> bool:
    """Whether a function opens a file, or writes one."""
    name = getattr(function, "__name__", "")
    if function in (open, np.save, np.savez, np.savez_compressed, np.savetxt):
        return True
    return name in _WRITERS and isinstance(
        getattr(function, "__self__", None), (np.ndarray, PurePath)
    )


def _is_of_numpy(call: ast.Call) -> bool:
    """Whether it calls a function that is named as NumPy's are: `np.linalg.norm(x)`."""
    function = call.func
    if getattr(function, "attr", "") in _WRITERS:
        return False
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in ("np", "numpy", "math")


_PURE = frozenset(("str", "len", "int", "range", "max", "min", "abs"))


def _calls_something(node: ast.AST) -> bool:
    """Whether it calls a function that may do more than to compute a key."""
    calls = (n for n in ast.walk(node) if isinstance(n, (ast.Call, ast.NamedExpr, ast.Await)))
    return any(not _is_pure(call) for call in calls)


def _is_pure(call: Any) -> bool:
    function = getattr(call, "func", None)
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
    return isinstance(function, ast.Name) and function.id in _PURE


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to, with the items of tuples."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [item for target in targets if target is not None for item in _items(target)]


def _items(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _items(element)]
    return [target.value if isinstance(target, ast.Starred) else target]


Element = tuple[ast.expr, str | None]


def elements_of(statement: Any) -> list[Element]:
    """The expressions inside a statement whose values get no name of their own, with what they
    are called: items of a returned tuple or dict, the step of an update."""
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Return):
        known = (ast.Name, ast.Attribute, ast.Constant)
        return [e for e in _named_items(value) if not isinstance(e[0], known)]
    if isinstance(statement, ast.Assign) and isinstance(value, (ast.Dict, ast.Tuple, ast.List)):
        return [e for e in _named_items(value) if not isinstance(e[0], (ast.Name, ast.Constant))]
    step = update_of(statement)
    if step is not None:
        return [] if isinstance(step[1], (ast.Name, ast.Constant)) else [(step[1], None)]
    return []


def _named_items(value: Any, name: str | None = None) -> list[Element]:
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return [item for key, inner in pairs for item in _named_items(inner, _constant(key))]
    if isinstance(value, (ast.Tuple, ast.List)):
        return [item for inner in value.elts for item in _named_items(inner)]
    if isinstance(value, ast.Call) and value.keywords and not value.args and _makes(value.func):
        return [item for k in value.keywords for item in _named_items(k.value, k.arg)]
    return [(value, name)] if isinstance(value, ast.expr) else []


def _makes(function: ast.expr) -> bool:
    """Whether a call is of a class, as its name tells: `dict(...)`, `Gradients(...)`."""
    name = getattr(function, "attr", getattr(function, "id", ""))
    return name == "dict" or name[:1].isupper()


def _constant(key: Any) -> str | None:
    return str(key.value) if isinstance(key, ast.Constant) else None


def update_of(statement: Any) -> tuple[int, ast.expr] | None:
    """The sign and the expression of an update of a variable: `W -= step`, `W = W - step`."""
    signs = {ast.Add: 1, ast.Sub: -1}
    if isinstance(statement, ast.AugAssign) and type(statement.op) in signs:
        return signs[type(statement.op)], statement.value
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Assign) and isinstance(value, ast.BinOp):
        if type(value.op) in signs and len(statement.targets) == 1:
            if ast.unparse(value.left) == ast.unparse(statement.targets[0]):
                return signs[type(value.op)], value.right
    return None


def is_velocity(statement: ast.stmt) -> bool:
    """Whether it decays what it assigns to, as optimisers do: `v = 0.9 * v - rate * dW`."""
    return any(is_decay(statement, target) for target in targets_of(statement))


def is_decay(statement: ast.stmt, target: ast.expr) -> bool:
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Mult)
    value = getattr(statement, "value", None)
    if value is None or update_of(statement) is not None:
        return False
    return ast.unparse(target) in texts_in(value)


def is_changed_by_itself(statement: ast.stmt) -> bool:
    """Whether it makes something new of what it assigns to: `dW *= 2`, `dW = np.abs(dW)`."""
    targets = targets_of(statement)
    if isinstance(statement, ast.AugAssign) or any(isinstance(t, ast.Subscript) for t in targets):
        return True
    value = getattr(statement, "value", None)
    return value is not None and any(ast.unparse(t) in texts_in(value) for t in targets)


def texts_in(node: ast.AST) -> set[str]:
    """The variables, attributes and entries in an expression, as they are written."""
    kinds = (ast.Name, ast.Attribute, ast.Subscript)
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, kinds)}


def written_by(call: ast.Call) -> list[ast.expr]:
    """What a call that stands alone may write into: its receiver, its first argument, its out=."""
    function = call.func
    candidates: list[ast.expr] = [k.value for k in call.keywords if k.arg == "out"]
    candidates += call.args[:1]
    if isinstance(function, ast.Attribute):
        candidates.append(function.value)
    return [
        c
        for c in candidates
        if isinstance(c, (ast.Name, ast.Attribute, ast.Subscript)) and not _calls_something(c)
    ]


def variables_of(function: types.FunctionType) -> Mapping[str, types.CellType]:
    """The cells of the variables that a function takes from the function around it."""
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


@functools.lru_cache(4096)
def names_in(code: types.CodeType) -> frozenset[str]:
    """The names that a code and those inside it take from outside."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    # Names of attributes are no variables.
    read = {i.argval for i in dis.get_instructions(code) if i.opname in _READS_NAME}
    return frozenset(read.union(*map(names_in, inner)))


_READS_NAME = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "STORE_NAME"))


def is_without_source(function: types.FunctionType) -> bool:
    """Whether a function is a person's, of which no source is known."""
    code = function.__code__
    return code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")


def persons_function(
    sources: Sources, called: Any
) -> tuple[types.FunctionType, tuple[Any, ...]] | None:
    """The function of the person's that a call runs, and what it is given first."""
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
    """A function without the decorators that cannot be followed; what a person's own one changes
    is part of the derivation."""
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
    """What a decorator was given: known by name, or the only function that one of any arguments
    has around it."""
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


_UNNAMED = re.compile(r"<\d+>")


def is_unnamed(name: str) -> bool:
    """Whether it is the number of an expression that has no name of its own."""
    return _UNNAMED.fullmatch(name) is not None
