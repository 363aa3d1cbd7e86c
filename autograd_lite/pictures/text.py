"""Texts about operations and arrays in pictures, without markup."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import graphviz
import numpy as np

from autograd_lite.arrays.contracts import Array, ArrayLike
from autograd_lite.functions import traits
from autograd_lite.graph import Leaf, Node, array_name
from autograd_lite.operations import Operation
from autograd_lite.pictures.structure import is_scalar, operands

NAME_LIMIT_CHARACTERS = 60

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "−•",
    "power": "^",
    "matmul": "@",
    "affine": "W X + b",
    "log_loss": "log-loss",
    "sigmoid": "σ",
    "absolute": "|•|",
    "transpose": "•ᵀ",
}
"""The symbols of operations that have one."""

NOT_TEXT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Characters that end a line, turn the direction of writing, or have no place in UTF-8 or XML."""

COMPACT_MOST_NUMBERS = 3

MOST_NUMBERS, MOST_ROWS = 12, 6
"""An array of up to this many elements and rows is written out in a box."""

BAR_STEPS = 12
"""The greatest height of a bar of a distribution."""


def label(lines: Iterable[str | None]) -> str:
    """A label of a box or a frame, made of the lines that are not empty."""
    # nohtml() covers the whole label, because one that looks like <markup> would be read as such.
    return graphviz.nohtml("\\n".join(plain(line) for line in lines if line))


def plain(text: str, most: int = NAME_LIMIT_CHARACTERS) -> str:
    """`text` as one short line, escaped for Graphviz."""
    # Graphviz decodes &lt; and the like in every label, and escape() does not prevent it.
    return graphviz.escape(short(text, most).replace("&", "&amp;"))


def short(text: str, most: int = NAME_LIMIT_CHARACTERS) -> str:
    """`text` as one line of at most `most` characters."""
    text = NOT_TEXT.sub(" ", str(text))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def name_of(box: Node | Leaf | Array) -> str | None:
    """The name of a node, a leaf or a plain array."""
    return (box.name if isinstance(box, (Node, Leaf)) else array_name(box)) or None


def operation_text(node: Node, names: Sequence[str] | None = None) -> str:
    """The text of an operation, with the scalars among its operands written out.

    `names` holds the names of its operands, in the order of `operands(node)`; without them, `•`
    stands for each operand.
    """
    operation = node.plan.operation
    symbol = sign_of(operation)
    within = operands(node)
    if operation.sequence is None:
        within = within[: len(operation.rules)]
    elif subscripts := [operand for operand in within if isinstance(operand, str)]:
        return f"{symbol} {subscripts[0]}"
    if names is not None:
        return _with_names(node, symbol, names[: len(within)])
    if len(within) > 1 and any(is_scalar(operand) for operand in within):
        written = [number(o) if is_scalar(o) else "•" for o in within]
        if _is_between(operation):
            return f" {symbol} ".join(written)
        return f"{symbol}({', '.join(written)})"
    options = settings(node)
    return f"{symbol} {options}" if options else symbol


def sign_of(operation: Operation) -> str:
    """The symbol of an operation, or its name if it has none."""
    sign = traits(operation.function).operator
    plain = sign.symbol if sign is not None and _is_between(operation) else operation.name
    return SYMBOLS.get(operation.name, plain)


def _is_between(operation: Operation) -> bool:
    """Whether an operation is written between its two operands."""
    sign = traits(operation.function).operator
    return sign is not None and len(operation.rules) == 2


def _with_names(node: Node, symbol: str, names: Sequence[str]) -> str:
    name = node.plan.operation.name
    if _is_between(node.plan.operation) and len(names) == 2:
        return f" {symbol} ".join(names)
    if "•" in symbol and len(names) == 1:
        return symbol.replace("•", names[0])
    if name == "affine" and len(names) == 3:
        return "{} @ {} + {}".format(*names)
    options = settings(node)
    return f"{symbol}({', '.join([*names, *([options] if options else [])])})"


def settings(node: Node) -> str:
    """The settings of a call that its rule needs, such as an axis."""
    if not isinstance(node.kept, tuple):
        return ""
    named = zip(node.plan.names, node.plan.origins, node.kept, strict=False)
    given = {name: value for name, source, value in named if source is None}
    shown = {k: v for k, v in given.items() if k in ("axis", "axes") and v is not None}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def number(value: Array, digits: int = 4) -> str:
    """A number with a few significant digits; zero has no sign."""
    if isinstance(value, (float, complex, np.inexact)):
        return f"{value + 0.0:.{digits}g}"
    return str(value)


def unnamed(source: Leaf | Array) -> str:
    """A text for an unnamed source: the value of a single number, otherwise its kind."""
    if isinstance(source, Leaf) and source.requires_grad:
        return "parameter"
    array = source.array if isinstance(source, Leaf) else source
    one_number = isinstance(array, np.ndarray) and not source.shape
    return number(array[()]) if one_number else "constant"


def shape_text(shape: tuple[int, ...]) -> str | None:
    return str(shape) if shape and shape != Node.PARTS[0] else None


@dataclass
class Numbers:
    """An array as a box shows it: its numbers in `cells`, or lines of text and histogram bars."""

    lines: list[str]
    cells: list[list[str]] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)


def numbers_of(value: ArrayLike, compact: bool = False) -> Numbers | None:
    """The numbers of a small array; the range and distribution of a larger one.

    `compact` says that space is short. None for a value without numbers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fciub":
        return None
    if not array.ndim:
        return Numbers([number(array.item())])
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    most = COMPACT_MOST_NUMBERS if compact else MOST_NUMBERS
    if array.size <= most and array.ndim <= 2 and len(rows) <= MOST_ROWS:
        texts = [[number(cell.item()) for cell in row] for row in rows]
        width = max((len(t) for row in texts for t in row), default=0)
        if (width + 2) * rows.shape[1] <= NAME_LIMIT_CHARACTERS:
            return Numbers([], cells=texts)
    bars = distribution(array, 12 if compact else 16) if array.dtype.kind != "c" else []
    return Numbers([summary(array, compact)], bars=bars)


def summary(array: np.ndarray, compact: bool = False) -> str:
    """The smallest, the mean and the largest number, and the counts of NaN and Inf.

    With `compact`, the mean is left out, and numbers have two digits.
    """
    if not array.size:
        return "empty"
    if array.dtype.kind == "c":
        return f"{array.size:,} complex numbers"
    finite = array[np.isfinite(array)]
    parts = []
    if finite.size:
        with np.errstate(over="ignore", invalid="ignore"):
            middle = finite.mean(dtype=float)
        if not np.isfinite(middle):
            middle = np.sum(finite / finite.size)
        ends = finite.min(), finite.max()
        if compact:
            low, high = (number(end, 2) for end in ends)
            parts.append(f"all {low}" if ends[0] == ends[1] else f"{low} .. {high}")
        else:
            shown = map(number, (ends[0], float(middle), ends[1]))
            parts.append(" ≤ ".join(shown))
    nan, inf = np.isnan(array).sum(), np.isinf(array).sum()
    parts += [f"{count:,} {what}" for count, what in ((nan, "NaN"), (inf, "Inf")) if count]
    return ", ".join(parts)


def distribution(array: np.ndarray, bins: int = 16) -> list[int]:
    """A histogram of the finite numbers, as heights up to BAR_STEPS.

    A bin with any number in it has a height of at least 1.
    """
    finite = array[np.isfinite(array)].astype(float)
    if not finite.size:
        return []
    low, high = float(finite.min()), float(finite.max())
    if not np.isfinite(high - low):
        finite, low, high = finite / 4, low / 4, high / 4
    if low == high:
        return [BAR_STEPS]
    counts = np.histogram(finite, bins=bins, range=(low, high))[0]
    heights = np.ceil(counts / counts.max() * BAR_STEPS).astype(int)
    return [int(height) for height in heights]


def line_text(line: str | None) -> str | None:
    """A place from `users_line()` as short text: `net.py:12: Z = W @ X + b`."""
    match = re.match(r'File "(.*)", line (\d+), in ', line or "", re.DOTALL)
    if match is None:
        return None
    path, at = match[1], int(match[2])
    code = linecache.getline(path, at).strip()
    return f"{Path(path).name}:{at}: {code}" if code else f"{Path(path).name}:{at}"


def count_of(number_of: int, what: str) -> str:
    return f"{number_of:,} {what}" if number_of == 1 else f"{number_of:,} {what}s"
