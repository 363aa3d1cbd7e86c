"""A computation graph as DOT: what the nodes say, and how they are connected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import graphviz
import numpy as np

from autograd_lite.check.report import Line, Report
from autograd_lite.draw.render import Picture
from autograd_lite.draw.tracing import traced
from autograd_lite.graph import Leaf, Node, ancestors, array_name
from autograd_lite.tensor import Tensor

LONGEST_NAME = 60
MOST_NODES = 2_000

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
"""How an operation is written where it has a sign of its own."""

NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Characters that end a line, or that UTF-8 or XML has no place for."""

BINARY = {"add", "subtract", "multiply", "divide", "power"}

STYLES = {
    "parameter": {"shape": "box", "fillcolor": "#cfe3f7", "color": "#2b5f94"},
    "constant": {"shape": "box", "fillcolor": "#eeeeee", "color": "#777777"},
    "operation": {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "#fff8e6",
        "color": "#a58a4a",
    },
    "result": {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "#dff2df",
        "color": "#3d803d",
    },
}


VERDICTS = {
    "correct": {"color": "#3d803d", "penwidth": "2"},
    "convention": {"color": "#3d803d", "penwidth": "2"},
    "inherited": {"color": "#c77700", "penwidth": "2"},
    "missing": {"color": "#7a3d99", "penwidth": "2"},
    "wrong": {"color": "#c01818", "penwidth": "4"},
}
"""The border of a tensor by the verdict on its hand-derived gradient."""


def draw(
    loss: Tensor | Callable[..., Any],
    *inputs: Any,
    direction: str = "LR",
    report: Report | None = None,
) -> Picture:
    """The graph that computed `loss`, as a `graphviz.Digraph`; `loss` may be a function, too.

    Arrows run in the direction of computation. Parameters (tensors that require grad) are blue
    boxes, constants grey ones, operations rounded boxes with the name of their result, what they
    compute and its shape; `loss` itself is green. `•` stands for an operand that an arrow brings.
    Operands stand in their order, the first above or left of the second. The same computation
    gives the same text every time. The DOT text is in `.source`, `.render("graph.svg")` writes a
    picture.

    Parameters
    ----------
    loss : Tensor or callable
        The result to draw, whose graph must not have been freed by `backward()`; or a function of
        plain NumPy (or a module) that gives it, or (loss, cache), for `inputs`.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function. Its local variables are the names in the picture. Arrays
        are drawn as parameters, unless the function has parameters of its own, as modules do.
    direction : {"LR", "TB", "RL", "BT"}
        Where the graph runs: left to right, top to bottom, and so on.
    report : Report, optional
        What `compare` or `check_derivation` says of gradients derived by hand: each tensor that a
        line is about has the verdict on its box, and a border of its colour (green, amber where
        an error is inherited, thick and red where it is made).

    Raises
    ------
    TypeError
        Where `loss`, or what the function returns, is no Tensor.
    ValueError
        Where the graph, or a part of it, was freed, where there is none, or where it has more than
        2,000 operations.
    """
    if not isinstance(loss, Tensor) and callable(loss):
        loss = _result(loss, inputs)
    elif inputs:
        raise TypeError("draw() takes example inputs only with a function, as in draw(f, x, y)")
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"draw() takes the Tensor that a computation gave, not {type(loss).__name__}"
        )
    if direction not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f"direction must be 'LR', 'TB', 'RL' or 'BT', not {direction!r}")
    root = loss._node
    if not isinstance(root, Node):
        raise ValueError(
            "there is no graph to draw: no operation on a tensor that requires grad gave this "
            "Tensor, or it was computed under al.no_grad()"
        )
    nodes = ancestors([root])[::-1]
    for node in nodes:
        if node.parents is None:
            part = "" if node is root else f" behind {_described(node)}"
            raise ValueError(
                f"the graph{part} was freed by backward() at {node.kept}; draw before that call, "
                "or make it with retain_graph=True"
            )
    if len(nodes) > MOST_NODES:
        raise ValueError(
            f"the graph has {len(nodes):,} operations, and nobody can read a picture of more than "
            f"{MOST_NODES:,}; draw a smaller example of the same computation"
        )
    picture = Picture(
        "computation",
        format="svg",
        # With ordering=in the operands stand in their order, so that a - b is not read as b - a.
        graph_attr={
            "rankdir": direction,
            "ordering": "in",
            "fontname": "Helvetica",
            "nodesep": "0.3",
        },
        node_attr={"fontname": "Helvetica", "fontsize": "11", "style": "filled"},
        edge_attr={"color": "#555555", "arrowsize": "0.7"},
    )
    names = {node: f"n{i}" for i, node in enumerate(nodes)}
    sources: dict[int, str] = {}
    lines = () if report is None else report.lines
    verdicts: dict[str | None, Line] = {line.tensor: line for line in lines}
    for node in nodes:
        _draw_node(picture, node, names, sources, verdicts, is_result=node is root)
    return picture


def _result(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Tensor:
    result = traced(function, inputs)
    if not isinstance(result, Tensor):
        name = getattr(function, "__name__", repr(function))
        raise TypeError(
            f"draw() takes a function that computes a number or an array from its inputs by NumPy, "
            f"and {name} returned {type(result).__name__}"
        )
    return result


def _draw_node(
    picture: Picture,
    node: Node,
    names: dict[Node, str],
    sources: dict[int, str],
    verdicts: Mapping[str | None, Line],
    is_result: bool,
) -> None:
    style = STYLES["result" if is_result else "operation"] | _border(verdicts.get(node.name))
    what = [_operation_text(node), _verdict(verdicts.get(node.name))]
    picture.node(names[node], _label(node.name, what, node.shape), **style)
    for parent in node.parents or ():
        if isinstance(parent, Node):
            picture.edge(names[parent], names[node])
        elif _is_source(parent):
            # The graph keeps it alive, so its id is its own.
            if id(parent) not in sources:
                sources[id(parent)] = f"s{len(sources)}"
                name = parent.name if isinstance(parent, Leaf) else array_name(parent)
                is_parameter = isinstance(parent, Leaf) and parent.requires_grad
                what = [None if name else _unnamed(parent), _verdict(verdicts.get(name))]
                kind = "parameter" if is_parameter else "constant"
                style = STYLES[kind] | _border(verdicts.get(name))
                picture.node(sources[id(parent)], _label(name, what, parent.shape), **style)
            picture.edge(sources[id(parent)], names[node])


def _described(node: Node) -> str:
    return repr(node.name) if node.name else f"the result of {node.plan.operation.name}"


def _is_source(parent: Any) -> bool:
    """Whether it is a box of its own: a leaf or an array, but no number and no setting."""
    return isinstance(parent, Leaf) or (hasattr(parent, "shape") and not _is_scalar(parent))


def _unnamed(source: Any) -> str:
    """What stands for a source without a name: its value if that is one number, or its kind."""
    if isinstance(source, Leaf) and source.requires_grad:
        return "parameter"
    array = source.array if isinstance(source, Leaf) else source
    one_number = isinstance(array, np.ndarray) and not source.shape
    return _number(array[()]) if one_number else "constant"


def _border(line: Line | None) -> dict[str, str]:
    return {} if line is None else VERDICTS[line.status]


def _verdict(line: Line | None) -> str | None:
    """What a report says of a gradient, for the box of its tensor."""
    if line is None:
        return None
    cause = f" ({line.cause})" if line.cause not in (None, "unknown") else ""
    return f"{line.name}: {line.status}{cause}"


def _label(name: str | None, what: Sequence[str | None], shape: tuple[int, ...]) -> str:
    first, *rest = what
    shown = [name or None, first, str(shape) if shape else None, *rest]
    lines = [text for text in shown if text is not None]
    # nohtml() is for the whole label: one that looks like <markup> would be taken as such.
    return graphviz.nohtml("\\n".join(_plain(line) for line in lines))


def _plain(text: str) -> str:
    """`text` as one short line in which Graphviz finds nothing to interpret."""
    text = NOT_TEXT.sub(" ", str(text))
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 1]}…"
    # Graphviz reads &lt; and the like in every label, and escape() leaves them alone.
    return graphviz.escape(text.replace("&", "&amp;"))


def _operation_text(node: Node) -> str:
    """The operation as formulas have it, with the scalars that it involves written out."""
    operation = node.plan.operation
    symbol = SYMBOLS.get(operation.name, operation.name)
    operands = (node.parents or ())[: len(operation.rules)]
    if len(operands) > 1 and any(_is_scalar(operand) for operand in operands):
        written = [_number(o) if _is_scalar(o) else "•" for o in operands]
        if operation.name in BINARY:
            return f" {symbol} ".join(written)
        return f"{symbol}({', '.join(written)})"
    options = _options(node)
    return f"{symbol} {options}" if options else symbol


def _options(node: Node) -> str:
    """The settings of the call that its rule needs, such as an axis."""
    named = zip(node.plan.names, node.plan.origins, node.kept, strict=False)
    given = {name: value for name, source, value in named if source is None}
    shown = {k: v for k, v in given.items() if k in ("axis", "axes") and v is not None}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def _is_scalar(operand: Any) -> bool:
    return isinstance(operand, (int, float, complex, np.generic))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
