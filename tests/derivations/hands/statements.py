"""The statements of a derivation, the values of their expressions, and edits of their text."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivations.hands.hand import Hand
from derivations.hands.running import Values, executed, line_of, snapshots

PURE_METHODS = {
    "sum", "mean", "dot", "reshape", "copy", "transpose", "astype", "max", "min", "ravel",
    "flatten", "squeeze", "swapaxes", "argmax", "var", "std", "clip", "keys", "items", "values",
}  # fmt: skip
PURE = {"len", "range", "reversed", "zip", "enumerate", "sum", "max", "min", "abs", "float", "int"}
IMPURE_NUMPY = {"random", "put", "at", "copyto", "place", "fill_diagonal", "save"}
SHAPING = ("zeros", "zeros_like", "range", "reshape", "transpose", "einsum")
TIGHT = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.Tuple, ast.List)
COUNTS = ("N", "m", "n", "num_train", "batch_size", "batch", "count", "num_examples", "D")
RATES = {"lr", "rate", "learning_rate", "eta", "step_size", "alpha", "LR", "ALPHA", "l_rate"}


@dataclass(frozen=True)
class Edit:
    """Another text between two offsets of the source."""

    begin: int
    end: int
    text: str


@dataclass
class Statement:
    """A simple statement of the derivation, with what its variables held before it ran first."""

    hand: Hand
    node: ast.stmt
    scope: Values
    module: Values
    siblings: list["Statement"] = field(repr=False, default_factory=list)
    offsets: list[int] = field(repr=False, default_factory=list)

    def __post_init__(self) -> None:
        self.parents = {c: n for n in ast.walk(self.node) for c in ast.iter_child_nodes(n)}
        self.indexing = {
            inner
            for n in ast.walk(self.node)
            if isinstance(n, ast.Subscript)
            for inner in ast.walk(n.slice)
        }
        self.known: dict[str, Any] = {}

    @property
    def line(self) -> int:
        return self.node.lineno

    @property
    def target(self) -> ast.expr | None:
        """What the statement assigns, if it is one thing."""
        if isinstance(self.node, ast.AugAssign | ast.AnnAssign):
            return self.node.target
        if isinstance(self.node, ast.Assign) and len(self.node.targets) == 1:
            return self.node.targets[0]
        return None

    @functools.cached_property
    def is_update(self) -> bool:
        """Whether a parameter takes a step here, whose length is free."""
        arrays = {ast.unparse(ast.parse(a)) for a, _ in self.hand.gradients.values()}
        names = {n.id for n in ast.walk(self.node) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(self.node) if isinstance(n, ast.Attribute)}
        return bool(names & RATES) or (
            self.target is not None
            and ast.unparse(self.target) in arrays
            and (self.hand.is_script or isinstance(self.node, ast.AugAssign))
        )

    def values(self) -> list[ast.expr]:
        """The expressions whose values the statement assigns, returns or hands over."""
        if isinstance(self.node, ast.Expr):
            call = self.node.value
            return list(call.args) if isinstance(call, ast.Call) else []
        value = getattr(self.node, "value", None)
        if isinstance(value, ast.Lambda):
            return [value.body]
        if isinstance(value, ast.Dict):
            return list(value.values)
        if isinstance(value, ast.Tuple | ast.List):
            return list(value.elts)
        return [] if value is None else [value]

    def arithmetic(self) -> list[ast.expr]:
        """The expressions of all sizes, without indices, shapes and options."""
        found: list[ast.expr] = []

        def walk(node: ast.AST) -> None:
            if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim", "dtype"):
                return
            if isinstance(node, ast.expr):
                found.append(node)
            if isinstance(node, ast.Subscript):
                walk(node.value)
                return
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute):
                    walk(node.func.value)
                if called(node) in SHAPING:
                    for argument in node.args[:1] if called(node) == "reshape" else ():
                        walk(argument)
                    for argument in node.args[1:] if called(node) == "einsum" else ():
                        walk(argument)
                    return
                for argument in node.args:
                    walk(argument)
                return
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.comprehension | ast.arguments):
                    walk(child)

        for value in self.values():
            walk(value)
        return found

    def value(self, node: ast.expr | str) -> Any:
        """The value of an expression before the statement ran, or None where it has none."""
        text = node if isinstance(node, str) else ast.unparse(node)
        if text not in self.known:
            self.known[text] = self._evaluated(text)
        return self.known[text]

    def _evaluated(self, text: str) -> Any:
        tree = ast.parse(text, mode="eval")
        if not all(self._is_pure(n) for n in ast.walk(tree)):
            return None
        try:
            with np.errstate(all="ignore"):
                return eval(compile(tree, "<operand>", "eval"), self.module, self.scope)
        except Exception:
            return None

    def _is_pure(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield):
            return False
        if not isinstance(node, ast.Call):
            return True
        if isinstance(node.func, ast.Name):
            return node.func.id in PURE or node.func.id in self.pure_functions
        if isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy"):
                return node.func.attr not in IMPURE_NUMPY
            return node.func.attr in PURE_METHODS
        return False

    @functools.cached_property
    def pure_functions(self) -> set[str]:
        """The helpers of the text that have an argument or two and hardly a variable."""
        codes = {n: getattr(v, "__code__", None) for n, v in self.module.items()}
        return {n for n, c in codes.items() if c and c.co_argcount <= 2 and len(c.co_varnames) <= 3}

    def shape(self, node: ast.expr | str) -> tuple[int, ...] | None:
        value = self.value(node)
        if isinstance(value, bool | int | float):
            return ()
        return value.shape if isinstance(value, np.ndarray | np.generic) else None

    def is_array(self, node: ast.expr | str) -> bool:
        """Whether it is an array, or a number of NumPy that comes from one."""
        value = self.value(node)
        return isinstance(value, np.ndarray | np.floating)

    def is_factor(self, node: ast.expr) -> bool:
        """Whether it is a number that scales: a constant, a count, or the strength of a penalty."""
        if isinstance(node, ast.Constant):
            return type(node.value) in (int, float)
        if isinstance(node, ast.BinOp):
            return self.is_factor(node.left) and self.is_factor(node.right)
        if isinstance(node, ast.UnaryOp):
            return self.is_factor(node.operand)
        names = [n.id.lower() for n in ast.walk(node) if isinstance(n, ast.Name)]
        names += [n.attr.lower() for n in ast.walk(node) if isinstance(n, ast.Attribute)]
        value = self.value(node)
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            return True
        if isinstance(node, ast.Name) and node.id in COUNTS:
            return isinstance(value, float)
        strengths = ("reg", "lam", "l2", "strength", "decay", "weight_decay", "gamma_")
        return isinstance(value, float) and any(n.startswith(strengths) for n in names)

    def edit(self, node: ast.expr, text: str) -> Edit:
        """Another text for an expression, in brackets where it needs them."""
        begin, end = self.span(node)
        tree = ast.parse(text, mode="eval").body
        parent = self.parents.get(node)
        free = node in self.values() and not isinstance(tree, ast.Tuple)
        free = free or isinstance(parent, ast.Call) and node in parent.args
        free = free or isinstance(parent, ast.Subscript) and node is parent.slice
        lines = node.end_lineno - node.lineno
        if lines:
            return Edit(begin, end, "(" + text + "\n" * lines + ")")
        if isinstance(tree, TIGHT) or free:
            return Edit(begin, end, text)
        before, after = self.hand.source[begin - 1], self.hand.source[end : end + 1]
        bracketed = before == "(" and after == ")"
        return Edit(begin, end, text if bracketed else f"({text})")

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The offsets of a node."""
        return (
            self.offsets[node.lineno - 1] + node.col_offset,
            self.offsets[node.end_lineno - 1] + node.end_col_offset,
        )

    def text(self, node: ast.AST) -> str:
        begin, end = self.span(node)
        return self.hand.source[begin:end]


def called(node: ast.AST) -> str:
    """What a call calls, such as "dot" of `np.dot(a, b)`, or ""."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def statements_of(hand: Hand) -> list[Statement]:
    """The simple statements of the derivation that run, in the order of the text."""
    tree = ast.parse(hand.source)
    scopes = snapshots(hand)
    module: Values = {}
    exec(compile("import numpy as np", "<hand>", "exec"), module)
    names = executed(hand, hand.source, hand.name)
    module |= {n: v for n, v in names.items() if not n.startswith("__")}
    offsets = [0]
    for line in hand.source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found: list[Statement] = []
    for node in _derivation(hand, tree):
        if node.lineno not in scopes:
            continue
        found.append(Statement(hand, node, _visible(scopes[node.lineno]), module, found, offsets))
    return found


def _visible(scope: Values) -> Values:
    hidden = ("__start__", "__End__", "before", "copy")
    return {n: v for n, v in scope.items() if n not in hidden and not n.startswith("__")}


def _derivation(hand: Hand, tree: ast.Module) -> Iterator[ast.stmt]:
    """The simple statements in the functions and between the lines that a hand names."""
    spans = [
        (line_of(hand.source, place[0]), line_of(hand.source, place[1]))
        for place in hand.derivation
        if isinstance(place, tuple)
    ]
    wanted = {place for place in hand.derivation if isinstance(place, str)}
    for name, node in qualified(tree):
        if name in wanted:
            wanted.discard(name)
            spans.append((node.lineno, node.end_lineno))
    if wanted:
        raise ValueError(f"{hand.name} has no {sorted(wanted)}")
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
    nodes = [
        n
        for n in ast.walk(tree)
        if isinstance(n, simple) and any(a <= n.lineno <= b for a, b in spans)
    ]
    yield from sorted(nodes, key=lambda n: (n.lineno, n.col_offset))


def qualified(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """The functions of a text with their names, methods as Class.method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = prefix + node.name
            if isinstance(node, ast.FunctionDef):
                yield name, node
            yield from qualified(node, name + ".")
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            yield prefix + ast.unparse(node.targets[0]), node
        else:
            yield from qualified(node, prefix)
