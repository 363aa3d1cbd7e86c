"""A statement of a backward pass, with the values known where it stands, and an edit of it."""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import re
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard, cast

import numpy as np

from autograd_lite.check.marking.assignments import elements_of, targets_of, texts_in, update_of
from autograd_lite.check.marking.definitions import LAMBDA, Definition, Place, is_of_library
from autograd_lite.check.marking.edits.trees import (
    ARRIVING,
    SLOPE,
    columns,
    is_broadcast,
    is_equal,
    is_of_arrays,
    is_power,
    is_shape,
    name_called,
    parsed,
    parsed_or_none,
    placed_at,
    read_from,
    swapped,
    walked,
    with_statements,
)
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.purity import is_pure
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.check.names import tensors_named_in
from autograd_lite.observe import located

OWN_BRACKET = re.compile(rb"[^\w)\]]\($|^\($")
"""An opening bracket at the end of a text that calls nothing."""

CANDIDATES_LIMIT = 30
"""Up to this many values of one shape are tried in place of an operand."""

NUMBERS_LIMIT = 24
"""Products and quotients of up to this many numbers are tried as factors."""

PHRASES_LIMIT = 24
"""Up to this many expressions written elsewhere are tried as factors and terms."""

UNUSED_LIMIT = 6
"""Up to this many values that nothing reads are tried everywhere."""


@dataclass(eq=False)
class Edit:
    """A change to a statement: the statements to run instead, and the mistake that they undo.

    `is_measured` says that it contains a number which nothing is called after. `is_projection` says
    that it subtracts what a right gradient has none of, which may hide a mistake in another line.
    `is_anew` says that it writes the value anew, and thereby makes up for any operand.
    `is_before` says that it changes a value before the line. `source` is what yielded it.
    """

    kind: str
    text: str
    place: Place
    statements: list[ast.stmt]
    weight: float = 1.0
    line: int | None = None
    operand: str | None = None
    swap: tuple[ast.AST, ast.expr] | None = None
    filling: Any = None
    is_measured: bool = False
    is_projection: bool = False
    is_before: bool = False
    is_anew: bool = False
    source: Callable[[Line], Iterator[Edit]] | None = None

    @property
    def changes_value_only(self) -> bool:
        """Whether the edit keeps the statement's targets and changes only its value."""
        old, new = self.place.statement, self.statements[0]
        if len(self.statements) > 1 or type(new) is not type(old):
            return False
        if not isinstance(new, (ast.Assign, ast.AugAssign, ast.Return)) or new.value is None:
            return False
        same = ("targets", "target", "op")
        is_same = all(getattr(new, n, None) is getattr(old, n, None) for n in same)
        strange = (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
        return is_same and not any(isinstance(n, strange) for n in ast.walk(new.value))

    @property
    def definition(self) -> Definition:
        return self.place.definition

    def tree(self, base: ast.FunctionDef | None = None) -> ast.FunctionDef:
        """The function, or `base`, with the statement changed."""
        tree = self.definition.tree if base is None else base
        return cast(ast.FunctionDef, with_statements(tree, self.place, self.statements))

    @property
    def written(self) -> str:
        return "; ".join(ast.unparse(s) for s in self.statements)

    def as_written(self) -> tuple[str, str] | None:
        """The line in the file before and after the edit; None where it cannot be shown as one
        line.
        """
        statement = self.place.statement
        line = linecache.getline(self.definition.filename, statement.lineno).rstrip("\n")
        if self.swap is None or not line.strip():
            return None
        old, new = self.swap
        is_head = isinstance(statement, (ast.For, ast.If))
        last_line = getattr(old, "end_lineno", None) if is_head else statement.end_lineno
        if statement.lineno != last_line:
            return None
        raw = line.encode()
        # The source was dedented before it was parsed, so its columns differ from the file's; that
        # of a lambda, which stands anywhere in a line, was not.
        shift = 0
        if is_head:
            shift = len(raw) - len(raw.lstrip()) - statement.col_offset
        elif self.definition.name != LAMBDA:
            first, last = columns(self.definition, statement.lineno)
            shift = len(raw) - len(raw.lstrip()) - first
            raw = raw[: last + shift]
        start, end = (getattr(old, n, -1) + shift for n in ("col_offset", "end_col_offset"))
        if ast.unparse(parsed_or_none(raw[start:end].decode(errors="ignore"))) != ast.unparse(old):
            return None
        text = ast.unparse(new)
        if WATCH in text:
            return None
        bare = not isinstance(new, (ast.BinOp, ast.Compare, ast.UnaryOp, ast.BoolOp))
        if bare or is_power(new):
            while OWN_BRACKET.search(raw[:start]) and raw[end:].startswith(b")"):
                start, end = start - 1, end + 1
        around = raw[:start].rstrip()[-1:] + raw[end:].lstrip()[:1]
        is_whole = any(old is getattr(statement, name, None) for name in ("value", "test"))
        is_last = around[1:] in (b")", b"]", b",") or raw[end:].lstrip().startswith(b"for ")
        is_argument = around[:1] in (b"(", b"[", b",") and is_last
        if not (bare or is_power(new) or is_whole or is_argument):
            text = f"({text})"
        changed = raw[:start] + text.encode() + raw[end:]
        return raw.decode().strip(), changed.decode().strip()


@dataclass(eq=False)
class Line:
    """A statement of a backward pass, and the values that are known where it stands.

    `scope` holds the variables after the last run of the statement, `values` the named values of
    the forward pass. `related` maps an activation's name to the names of what it is computed from,
    `sizes` each length of the data to its description. `arriving` names the gradients that arrive
    at values without a step, `parts` holds the terms of the line's gradient by where they come
    from. `elsewhere` holds the functions that run, `parameters` the forward pass's inputs,
    and `added` those that it only adds, such as biases.
    `multiples(edit)` gives the numbers by which the effect of an edit would have to be multiplied
    to correct a gradient, each with whether it is sure. `find_slopes()` gives the names of the
    derivatives of activations, and `is_of_forward(value)` says whether a value is from the forward
    pass. With `is_promising`, only the edits that it is true of are tried. A statement
    `is_repeated` that runs in several rounds of a loop, or in several calls.
    """

    place: Place
    scope: Mapping[str, Any]
    names: Mapping[str, Any]
    values: Mapping[str, Any]
    related: Mapping[str, frozenset[str]]
    sizes: Mapping[int, str]
    given: np.ndarray | None = None
    expected: np.ndarray | None = None
    tensor: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    is_reliable: bool = False
    arriving: Sequence[str] = ()
    elsewhere: Sequence[ast.AST] = ()
    parameters: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    multiples: Callable[[Edit], list[tuple[float, bool]]] = field(default=lambda _: [])
    find_slopes: Callable[[], list[str]] = field(default=list)
    is_of_forward: Callable[[Any], bool] = field(default=lambda _: False)
    is_promising: Callable[[Edit], bool] | None = None
    is_repeated: bool = False
    ahead: frozenset[int] = frozenset()
    _values: dict[str, Any] = field(default_factory=dict)
    _doing: dict[str, bool] = field(default_factory=dict)
    _usual_slopes: dict[tuple[int, ...], list[tuple[float, Any]]] = field(default_factory=dict)

    @property
    def statement(self) -> Any:
        return self.place.statement

    @cached_property
    def slopes(self) -> list[tuple[str, ast.expr, Any]]:
        """The derivatives of activations in the forward pass: how each is told, the expression and
        the value.
        """
        nodes = ((name, parsed(f"{WATCH}.named({name!r})")) for name in self.find_slopes())
        return [(_told(name), node, self.at(node)) for name, node in nodes]

    @cached_property
    def target(self) -> str:
        targets = targets_of(self.statement)
        return ast.unparse(targets[0]) if targets else "the value"

    @cached_property
    def nodes(self) -> list[tuple[ast.expr, tuple[ast.AST, ...]]]:
        """All expressions of the statement, each with the nodes that enclose it."""
        return [pair for root, around in self._rooted for pair in walked(root, around)]

    @cached_property
    def roots(self) -> list[ast.expr]:
        return [root for root, _ in self._rooted]

    @cached_property
    def _rooted(self) -> list[tuple[ast.expr, tuple[ast.AST, ...]]]:
        """The outermost expressions of the statement; an index comes with its target."""
        statement = self.statement
        if isinstance(statement, (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.FunctionDef)):
            head = getattr(statement, "test", None) or getattr(statement, "iter", None)
            return [] if head is None else [(head, ())]
        value = getattr(statement, "value", None)
        found: list[tuple[ast.expr, tuple[ast.AST, ...]]] = []
        if isinstance(value, ast.expr):
            found.append((value, ()))
        for target in targets_of(statement):
            if isinstance(target, ast.Subscript):
                found.append((target.slice, (target,)))
        return found

    def at(self, node: ast.AST) -> Any:
        """The value of an expression after the line has run; None where it has none."""
        if node is self._known_by_its_target:
            node = read_from(targets_of(self.statement)[0])
        text = ast.unparse(node)
        if text not in self._values:
            self._values[text] = None
            if self.may_change_something(node):
                return None
            try:
                code = compile(text, "<derivation>", "eval")
                with np.errstate(all="ignore"):
                    self._values[text] = plain(eval(code, dict(self.names), dict(self.scope)))
            except Exception:
                self._values[text] = None
        return self._values[text]

    def may_change_something(self, node: ast.AST) -> bool:
        """Whether an expression calls a person's function that may change an object, or more."""
        called = (ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call))
        # What is a method of another expression's value is one of an array.
        return any(self._is_doing(text) for text in called if "(" not in text)

    def _is_doing(self, called: str) -> bool:
        if called not in self._doing:
            try:
                function = eval(called, dict(self.names), dict(self.scope))
            except Exception:
                function = None
            inner = getattr(function, "__func__", function)
            if not isinstance(inner, types.FunctionType):
                # A layer may be called as a function.
                inner = inspect.getattr_static(type(function), "__call__", None)
            is_persons = isinstance(inner, types.FunctionType) and not is_of_library(
                inner.__code__.co_filename
            )
            self._doing[called] = is_persons and not is_pure(function)
        return self._doing[called]

    @cached_property
    def _known_by_its_target(self) -> ast.expr | None:
        """The value that the line assigns, if it reads its own target, as `d = W.T @ d` does, or
        if to compute it again might change something.
        """
        if not isinstance(self.statement, ast.Assign) or len(targets_of(self.statement)) != 1:
            return None
        value = self.statement.value
        read = (
            n for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))
        )
        reads_target = any(ast.unparse(n) in self.targets for n in read)
        return value if reads_target or self.may_change_something(value) else None

    def part_of(self, array: np.ndarray, index: ast.expr) -> Any:
        """The part of an array that an index of the line selects; None where it has none."""
        node = ast.Subscript(ast.Name("__whole__", ast.Load()), index, ast.Load())
        try:
            code = compile(ast.unparse(node), "<derivation>", "eval")
            return eval(code, self._everything | {"__whole__": array})
        except Exception:
            return None

    def computed(self, node: ast.expr) -> Any:
        """The value of an edited expression after the line has run; None where it has none."""
        if self.may_change_something(node):
            return None
        try:
            code = compile(ast.Expression(located(node)), "<derivation>", "eval")
            with np.errstate(all="ignore"):
                return plain(eval(code, self._everything))
        except Exception:
            return None

    @cached_property
    def _everything(self) -> dict[str, Any]:
        return dict(self.names) | dict(self.scope)

    def ndim(self, node: ast.AST) -> int:
        """The number of axes of an expression's value; 0 where it is not an array."""
        value = self.at(node)
        return value.ndim if isinstance(value, np.ndarray) else 0

    def shape(self, node: ast.AST) -> tuple[int, ...] | None:
        value = self.at(node)
        return value.shape if isinstance(value, np.ndarray) else None

    @cached_property
    def references(self) -> list[tuple[str, ast.expr, Any]]:
        """The arrays and numbers that the line could use: the text, the expression and the value of
        each.
        """
        found: dict[str, tuple[str, ast.expr, Any]] = {}
        # A target may be named only where another statement assigns it too.
        targets = {t for t in self.targets if self._assigned.count(t) < 2}

        def offer_new(text: str, value: Any) -> None:
            # A value in a container or an object is often known by a shorter name.
            if isinstance(plain(value), (np.ndarray, np.number, float)):
                if not any(is_equal(other, plain(value)) for _, _, other in found.values()):
                    offer(text, value)

        def offer(text: str, value: Any) -> None:
            value = plain(value)
            if isinstance(value, (np.ndarray, np.number, float)) and text not in found:
                if text not in targets or isinstance(self.statement, ast.AugAssign):
                    found[text] = text, parsed(text), value

        for node in self._written_in_function():
            if isinstance(node, (ast.Subscript, ast.Attribute, ast.Name)):
                offer(ast.unparse(node), self.at(node))
        variables = {n: v for n, v in self.scope.items() if not n.startswith((".", "__"))}
        for name, value in variables.items():
            offer(name, value)
        for text in (*self._entries(), *self._elements()):
            offer(text, self.at(parsed(text)))
        for name, value in (variables | self._globals_read()).items():
            self._offer_items(offer_new, name, value, 0)
        for name, value in self.values.items():
            if name in targets:
                # That would say of a value that it lacks a multiple of itself.
                continue
            if not any(v is value or is_equal(v, value) for _, _, v in found.values()):
                if isinstance(value, np.ndarray) and _is_of_the_forward_pass(name):
                    older = ", True" if name in self.scope else ""
                    node = parsed(f"{WATCH}.named({name!r}{older})")
                    found[f"{name} of the forward pass"] = name, node, value
        return list(found.values())

    @cached_property
    def numbers(self) -> list[tuple[ast.expr, float]]:
        """The nonzero numbers known where the line stands: variables, attributes and elements.

        The number of a round of a loop is no factor.
        """
        found: dict[str, float] = {}

        def offer(text: str, value: Any) -> None:
            if isinstance(value, (int, float, np.integer, np.floating)):
                if not isinstance(value, bool) and np.isfinite(value) and value:
                    found.setdefault(text, float(value))

        rounds = self._rounds
        for node in self._written_in_function():
            if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                if not any(getattr(n, "id", "") in rounds for n in ast.walk(node)):
                    offer(ast.unparse(node), self.at(node))
        for name, value in self.scope.items():
            if not name.startswith((".", "__")) and name not in rounds:
                offer(name, value)
        # What the function never reads is likelier to be missing than what it reads.
        unread = [ast.unparse(n) for n, _ in self.unread_numbers]
        for text in unread:
            offer(text, self.at(parsed(text)))
        ordered = sorted(found.items(), key=lambda item: item[0] not in unread)
        return [(parsed(text), value) for text, value in ordered][:NUMBERS_LIMIT]

    def is_mask(self, node: ast.AST) -> bool:
        """Whether an expression is an array of booleans."""
        value = self.at(node)
        return isinstance(value, np.ndarray) and value.dtype.kind == "b"

    @cached_property
    def constants(self) -> list[ast.expr]:
        """The numbers between 0 and 1 that are written in a function that runs, or are variables
        here: slopes for negative values.
        """
        trees = (self.place.definition.tree, *self.elsewhere)
        nodes = (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant))
        texts = [ast.unparse(n) for n in nodes if type(n.value) is float and 0 < n.value < 1]
        texts += [ast.unparse(n) for n, value in self.numbers if 0 < value < 1]
        return [parsed(text) for text in dict.fromkeys(texts)][:NUMBERS_LIMIT]

    @cached_property
    def counts(self) -> list[tuple[ast.expr, float]]:
        """The numbers that a call of one value gives, as it is written in a function that runs:
        `len(y)`, `np.sum(weights)`.
        """
        trees = (self.place.definition.tree, *self.elsewhere)
        nodes = (n for tree in trees for n in ast.walk(tree))
        calls = (n for n in nodes if isinstance(n, ast.Call) and len(n.args) < 2)
        texts = dict.fromkeys(map(ast.unparse, calls))
        found = []
        for text in texts:
            node = parsed(text)
            is_count = text.split("(")[0].split(".")[-1] in ("len", "sum", "max", "prod")
            value = self.at(node) if is_count else None
            if isinstance(value, (int, float, np.integer, np.floating)) and value not in (0, 1):
                found.append((node, float(value)))
        return found[:NUMBERS_LIMIT]

    @cached_property
    def phrases(self) -> list[tuple[ast.expr, np.ndarray]]:
        """Array expressions written elsewhere that have a value here, such as `1 - a ** 2`."""
        own = self.place.definition.tree
        trees = [own, *(tree for tree in self.elsewhere if tree is not own)]
        texts = {
            ast.unparse(node)
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, (ast.BinOp, ast.Call)) and is_of_arrays(node)
        } - {ast.unparse(node) for node, _ in self.nodes}
        found: list[tuple[ast.expr, np.ndarray]] = []
        for text in sorted(texts, key=lambda t: (len(t), t)):
            value = self.at(parsed(text))
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                found.append((parsed(text), value))
        return found[:PHRASES_LIMIT]

    @cached_property
    def updates_a_parameter(self) -> bool:
        """Whether the line is an update of an input of the forward pass."""
        if update_of(self.statement) is None:
            return False
        return any(t.split(".")[-1] in self.parameters for t in self.targets)

    def count(self, node: ast.AST) -> int:
        """How often the function reads an expression, where it does not lead to the loss."""
        text, tree = ast.unparse(node), self.place.definition.tree
        return sum(ast.unparse(n) == text for n in self._walked_behind(tree) if _is_read(n))

    @cached_property
    def is_unread(self) -> bool:
        """Whether the line sets one variable, which the function never reads."""
        names = [n for n in ast.walk(self.place.definition.tree) if isinstance(n, ast.Name)]
        read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
        own = targets_of(self.statement)
        return len(own) == 1 and isinstance(own[0], ast.Name) and own[0].id not in read

    @cached_property
    def unused(self) -> list[tuple[ast.expr, Any]]:
        """The variables and attributes that the function sets or is given and never reads, and
        those that only the forward pass reads.
        """
        loaded = {
            ast.unparse(n)
            for n in self._walked_behind(self.place.definition.tree)
            if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load)
        }
        names = [n for n in self.scope if n not in loaded and n not in self.targets]
        # The gradient of a parameter is returned rather than read.
        names = [n for n in names if not any(t in self.parameters for t in tensors_named_in(n))]
        names = [n for n in names if n not in self.added]
        owner = self.scope.get("self")
        kept = vars(owner) if hasattr(owner, "__dict__") else {}
        own = [n for n in kept if n in self.values and n not in self.added]
        names += [f"self.{n}" for n in own if f"self.{n}" not in loaded]
        offered = dict.fromkeys(self._numbers_ahead())
        ahead = [n for n in offered if n not in loaded and n not in names]
        values = [(parsed(n), plain(kept[n[5:]] if "." in n else self.scope[n])) for n in names]
        values = [*((parsed(n), self.at(parsed(n))) for n in ahead), *values]
        # Of a list or a dictionary, the item of this round.
        rounds = [
            n for n, v in self.scope.items() if type(v) is int and not n.startswith(("_", "."))
        ]
        containers = [n for n, v in values if isinstance(v, (list, tuple, dict))]
        rounds += [f"{n} {sign} 1" for n in rounds if n in self._rounds for sign in "-+"]
        items = [ast.Subscript(c, parsed(n), ast.Load()) for c in containers for n in rounds]
        values += [(item, self.at(item)) for item in items]
        kinds = (np.ndarray, np.floating, float)
        counts = [n for n, v in values if type(v) is int and v > 1]
        counts = [n for n in counts if ast.unparse(n) not in self._rounds]
        return [(n, v) for n, v in values if isinstance(v, kinds) or n in counts][:UNUSED_LIMIT]

    @cached_property
    def unread_numbers(self) -> list[tuple[ast.expr, Any]]:
        """The numbers that are never read, and those that expressions of the forward pass make of
        them: `d_k`, `np.sqrt(d_k)`.
        """
        found = {ast.unparse(n): (n, v) for n, v in self.unused if np.ndim(v) == 0}
        unread = set(found)
        for node in (n for tree in self.elsewhere for n in ast.walk(tree)) if unread else ():
            if isinstance(node, (ast.Call, ast.BinOp)) and texts_in(node) & unread:
                value = self.at(node)
                if isinstance(value, (float, np.floating)) and len(found) < 2 * UNUSED_LIMIT:
                    found.setdefault(ast.unparse(node), (parsed(ast.unparse(node)), value))
        return list(found.values())

    def _walked_behind(self, node: ast.AST) -> Iterator[ast.AST]:
        """All nodes of a tree, without the statements that lead to the loss."""
        yield node
        for child in ast.iter_child_nodes(node):
            if id(child) not in self.ahead:
                yield from self._walked_behind(child)

    @cached_property
    def _rounds(self) -> frozenset[str]:
        """The names that loops count with."""
        return frozenset(
            name.id
            for loop in ast.walk(self.place.definition.tree)
            if isinstance(loop, (ast.For, ast.comprehension))
            for name in ast.walk(loop.target)
            if isinstance(name, ast.Name)
        )

    def _numbers_ahead(self) -> Iterator[str]:
        """Numbers of the module, and arrays and numbers of the object, that the forward pass reads:
        `KEEP_PROB`, `self.class_weight`.
        """
        nodes = (n for tree in self.elsewhere for n in ast.walk(tree))
        read = (n for n in nodes if isinstance(getattr(n, "ctx", None), ast.Load))
        for node in read:
            text = ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""
            is_global = isinstance(node, ast.Name) and text in self.names and text not in self.scope
            is_own = text.startswith("self.") and text.count(".") == 1
            value = self.at(node) if is_global or is_own else None
            is_number = isinstance(value, (float, np.floating)) or type(value) is int
            if is_number or (is_own and isinstance(value, np.ndarray)):
                yield text

    @cached_property
    def targets(self) -> frozenset[str]:
        return frozenset(ast.unparse(t) for t in targets_of(self.statement))

    @cached_property
    def written_names(self) -> frozenset[str]:
        """The variables that the statement reads."""
        read = (n for root in self.roots for n in ast.walk(root))
        return frozenset(n.id for n in read if isinstance(n, ast.Name))

    @cached_property
    def carried(self) -> list[tuple[ast.expr, Any]]:
        """The arrays that are set before the loops around the statement and in one of these, where
        nothing reads them.
        """
        walked = list(ast.walk(self.place.definition.tree))
        loops = (n for n in walked if isinstance(n, (ast.For, ast.While)))
        around = [list(ast.walk(n)) for n in loops if any(m is self.statement for m in ast.walk(n))]
        names: dict[str, None] = {}
        for inside in around:
            stored = Counter(n.id for n in inside if _is_of(n, ast.Store))
            everywhere = Counter(n.id for n in walked if _is_of(n, ast.Store))
            asked = {id(n) for shaped in inside if _is_of_shapes(shaped) for n in ast.walk(shaped)}
            read = {n.id for n in inside if _is_of(n, ast.Load) and id(n) not in asked}
            read |= {ast.unparse(n.target) for n in inside if isinstance(n, ast.AugAssign)}
            names |= {n: None for n in stored if everywhere[n] > stored[n] and n not in read}
        found = [(n, plain(self.scope[n])) for n in names if n in self.scope]
        return [(parsed(n), v) for n, v in found if isinstance(v, np.ndarray)]

    @cached_property
    def _assigned(self) -> list[str]:
        return [
            ast.unparse(target)
            for node in ast.walk(self.place.definition.tree)
            if isinstance(node, (ast.Assign, ast.AugAssign))
            for target in targets_of(node)
        ]

    def _entries(self) -> Iterator[str]:
        """Entries of dicts and lists at the keys that the function computes: dZ[str(l + 1)]."""
        containers: dict[str, None] = {}
        keys: dict[str, None] = {}
        for node in self._written_in_function():
            if isinstance(node, (ast.Name, ast.Attribute)):
                if isinstance(self._container(node), (dict, list)):
                    containers[ast.unparse(node)] = None
            elif isinstance(node, ast.Subscript) and isinstance(
                self._container(node.value), (dict, list)
            ):
                if any(isinstance(n, ast.Name) for n in ast.walk(node.slice)):
                    keys[ast.unparse(node.slice)] = None
                    keys.update(dict.fromkeys(self._shifted(node.slice)))
        # What the backward pass does not read at all may be what it lacks.
        own = vars(self.scope["self"]) if hasattr(self.scope.get("self"), "__dict__") else {}
        kept = [f"self.{name}" for name, value in own.items() if isinstance(value, (dict, list))]
        containers.update(dict.fromkeys(kept[:6]))
        for key in list(keys)[:12]:
            for container in list(containers)[:14]:
                yield f"{container}[{key}]"

    def _elements(self) -> Iterator[str]:
        """Elements, rows and columns of arrays at the counters of the enclosing loops: X[i, j]."""
        loops = [n for n in ast.walk(self.place.definition.tree) if isinstance(n, ast.For)]
        around = [n for n in loops if any(s is self.statement for s in ast.walk(n))]
        names = [n.id for loop in around for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
        numbers = [n for n in names if isinstance(self.scope.get(n), (int, np.integer))]
        counters = [n for n in numbers if not n.startswith("__")][:3]
        counters += self._steps_written()
        arrays = {n: v for n, v in self.scope.items() if isinstance(v, np.ndarray) and v.ndim}
        for name, value in list(arrays.items())[:12]:
            for one in counters:
                yield f"{name}[{one}]"
                if value.ndim > 1:
                    yield f"{name}[:, {one}]"
                    yield from (f"{name}[{one}, {two}]" for two in counters if two != one)

    def _steps_written(self) -> list[str]:
        """The indices in this line that add to a counter, such as `t + 1`."""
        indices = (n.slice for n, _ in self.nodes if isinstance(n, ast.Subscript))
        stepped = (ast.unparse(index) for index in indices if isinstance(index, ast.BinOp))
        return list(dict.fromkeys(stepped))[:2]

    def _shifted(self, key: ast.expr) -> Iterator[str]:
        """A key with its counter one lower and one higher; nothing where the key already adds a
        step.
        """
        if any(isinstance(n, ast.BinOp) for n in ast.walk(key)):
            return
        for name in ast.walk(key):
            if isinstance(name, ast.Name) and isinstance(self.at(name), int):
                for operator in (ast.Sub(), ast.Add()):
                    step = ast.BinOp(name, operator, ast.Constant(1))
                    yield ast.unparse(swapped(key, {id(name): step}))

    def _container(self, node: ast.AST) -> Any:
        text = ast.unparse(node)
        if text not in self._values:
            self.at(node)
        value = self._values[text]
        return value

    @cached_property
    def written(self) -> frozenset[str]:
        """The names, attributes and subscripts written in the function, as text."""
        return frozenset(
            ast.unparse(n)
            for n in self._written_in_function()
            if isinstance(n, (ast.Subscript, ast.Attribute, ast.Name))
        )

    def _offer_items(self, offer: Any, name: str, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            for key, item in list(value.items())[:CANDIDATES_LIMIT]:
                if isinstance(key, str):
                    offer(f"{name}[{key!r}]", item)
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value[:CANDIDATES_LIMIT]):
                offer(f"{name}[{i}]", item)
        elif hasattr(value, "__dict__") and type(value).__module__.split(".")[0] != "numpy":
            if not isinstance(value, type) and not callable(value) or name == "self":
                for key, item in list(vars(value).items())[: 2 * CANDIDATES_LIMIT]:
                    offer(f"{name}.{key}", item)
                    if depth == 0:
                        self._offer_items(offer, f"{name}.{key}", item, 1)

    def _globals_read(self) -> dict[str, Any]:
        """The objects outside of the function that it names, such as the layers of a net."""
        named = (n for n in self._written_in_function() if isinstance(n, ast.Name))
        found = {n.id: self.at(n) for n in named if n.id not in self.scope}
        return {n: v for n, v in found.items() if not isinstance(v, types.ModuleType)}

    def _written_in_function(self) -> Iterator[ast.AST]:
        return (
            n
            for n in ast.walk(self.place.definition.tree)
            if isinstance(getattr(n, "ctx", None), (ast.Load, ast.Store))
        )

    def is_slope(self, value: Any) -> bool:
        """Whether an array is the derivative of a usual activation at some known value."""
        if not _is_of_floats(value) or not value.ndim:
            return False
        if value.shape not in self._usual_slopes:
            known = (v for v in self.values.values() if _is_of_floats(v))
            same = [v for v in known if v.shape == value.shape]
            slopes = (s for v in same for s in (v * (1 - v), 1 - v * v, 1 - np.tanh(v) ** 2))
            self._usual_slopes[value.shape] = [(float(np.sum(s)), s) for s in slopes]
        total = float(np.sum(value))
        return any(
            abs(other - total) <= 1e-6 * abs(total) and np.allclose(s, value, rtol=1e-9, atol=0)
            for other, s in self._usual_slopes[value.shape]
        )

    def fitting(self, shape: tuple[int, ...] | None) -> list[tuple[str, ast.expr, Any]]:
        """The references that have a shape, or that broadcast with it."""
        if shape is None:
            return []
        found = []
        for reference in self.references:
            other = np.shape(reference[2])
            if other == shape or (other and is_broadcast(other, shape)):
                found.append(reference)
        return found[: 2 * CANDIDATES_LIMIT]

    def alike(self, shape: tuple[int, ...] | None) -> list[tuple[str, ast.expr, Any]]:
        found = [r for r in self.references if np.shape(r[2]) == shape]
        return found[:CANDIDATES_LIMIT]

    def may_scale(self, factor: Any, value: Any) -> bool:
        """Whether a factor broadcasts with a value, within the shape of the line's whole value.

        Where that shape is wrong, it may become any other.
        """
        shape = np.shape(value)
        if not is_broadcast(np.shape(factor), shape):
            return False
        if not shape or self.is_misshapen:
            return True
        scaled = np.broadcast_shapes(np.shape(factor), shape)
        return scaled == shape or any(
            is_broadcast(scaled, whole) and np.broadcast_shapes(scaled, whole) == whole
            for whole in self._whole_shapes
        )

    @cached_property
    def _whole_shapes(self) -> list[tuple[int, ...]]:
        found = (self.shape(value) for value, _ in values_assigned(self))
        return [shape for shape in found if shape is not None]

    @property
    def is_misshapen(self) -> bool:
        """Whether the shape of the line's gradient differs from the expected one."""
        if self.given is None or self.expected is None:
            return False
        return self.given.shape != self.expected.shape

    def edit(self, kind: str, text: str, old: ast.AST, new: ast.expr, weight: float = 1.0) -> Edit:
        """The edit that replaces one expression of the line by `new`."""
        new = placed_at(new, old)
        statement = swapped(self.statement, {id(old): new})
        operand = ast.unparse(old) if isinstance(old, (ast.Name, ast.Attribute)) else None
        return Edit(
            *(kind, text, self.place, [statement], weight, self._line_of(old), operand), (old, new)
        )

    def _line_of(self, node: ast.AST) -> int:
        """The line number to report: in a dict written over several lines, that of the entry."""
        for element, name in elements_of(self.statement):
            if name is not None and any(n is node for n in ast.walk(element)):
                return element.lineno
        return self.place.line

    def edit_all(
        self,
        kind: str,
        text: str,
        news: Mapping[int, ast.expr],
        weight: float = 1.0,
        operand: str | None = None,
    ) -> Edit:
        """The edit that replaces several expressions of the line; `news` has them by `id` of the
        old.
        """
        statement = ast.fix_missing_locations(swapped(self.statement, news))
        return Edit(kind, text, self.place, [statement], weight, operand=operand)

    def whole(
        self,
        kind: str,
        text: str,
        statements: list[Any],
        weight: float = 1.0,
        keeps: bool = False,
    ) -> Edit:
        """The edit that runs other statements instead of the line.

        The value of the last statement counts as the line's; with `keeps`, that of the first.
        """
        which = 0 if keeps else len(statements) - 1
        placed: list[Any] = []
        for statement in statements:
            statement = copy.copy(statement)
            ast.copy_location(statement, self.statement)
            ast.fix_missing_locations(statement)
            statement._place = self.statement._place if len(placed) == which else None
            placed.append(statement)
        return Edit(kind, text, self.place, placed, weight)


def _told(slope: str) -> str:
    """The derivative of an activation in words."""
    name, _, source = slope.removeprefix(SLOPE).partition(" by ")
    return f"the derivative of {name} with respect to {source}"


def _is_of_the_forward_pass(name: str) -> bool:
    """Whether a named value is a variable, and not a gradient that arrives at one."""
    return name.isidentifier() and not name.startswith(ARRIVING)


def _is_of_shapes(node: ast.AST) -> bool:
    """Whether an expression depends on nothing but shapes: `np.zeros_like(x)`, `x.shape`."""
    likes = ("zeros_like", "empty_like", "ones_like", "full_like", "shape", "len")
    is_like = isinstance(node, ast.Call) and name_called(node) in likes
    return is_like or is_shape(node)


def _is_read(node: ast.AST) -> bool:
    return isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", None), ast.Load)


def _is_of(node: ast.AST, context: type[ast.expr_context]) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, context)


def _is_of_floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def values_assigned(line: Line) -> list[tuple[ast.expr, str]]:
    """The expressions that a statement assigns, each with the name it is assigned to."""
    statement = line.statement
    elements = [(node, name or line.target) for node, name in elements_of(statement)]
    if update_of(statement) is None and elements:
        return elements
    value = getattr(statement, "value", None)
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)):
        return [] if value is None else [(value, line.target)]
    return []


def written_arrays(line: Line) -> list[Any]:
    """The arrays that a statement writes into, as targets: `d[range(N), y] -= 1`, `d *= mask`."""
    statement = line.statement
    found = []
    for target in targets_of(statement):
        while isinstance(target, ast.Subscript) and isinstance(
            line.at(read_from(target.value)), np.ndarray
        ):
            target = target.value
        if isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)):
            is_written = isinstance(statement, ast.AugAssign) or target not in targets_of(statement)
            if is_written and isinstance(line.at(read_from(target)), np.ndarray):
                stored = copy.copy(target)
                stored.ctx = ast.Store()
                found.append(stored)
    return found


def all_rows(line: Line, count: int, label: str) -> str:
    """The numbers of all rows, as the derivation writes them: `rows` or `np.arange(n)`."""
    trees = (line.place.definition.tree, *line.elsewhere)
    nodes = [node for tree in trees for node in ast.walk(tree)]
    variables = [n for n in nodes if isinstance(n, ast.Name) and n.id != label]
    counted = [n for n in nodes if isinstance(n, ast.Call) and name_called(n) in _COUNTING]
    for node in (*variables, *counted):
        rows = line.at(read_from(node))
        if isinstance(rows, (np.ndarray, range)) and np.array_equal(rows, np.arange(count)):
            return ast.unparse(node)
    return f"np.arange({count})"


_COUNTING = ("arange", "range")
