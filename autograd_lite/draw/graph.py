"""A computation graph as DOT: what the nodes say, and how they are connected."""

from __future__ import annotations

from typing import Any

import graphviz
import numpy as np

from autograd_lite.draw.render import Picture
from autograd_lite.graph import Node, Source, ancestors
from autograd_lite.tensor import Tensor

LONGEST_NAME = 60
MOST_NODES = 2_000

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "−",
    "power": "^",
    "matmul": "@",
    "sigmoid": "σ",
    "absolute": "|•|",
    "transpose": "ᵀ",
}
"""How an operation is written where it has a sign of its own."""

BINARY = {"add", "subtract", "multiply", "divide", "power"}

STYLES = {
    "parameter": {"shape": "box", "fillcolor": "#cfe3f7", "color": "#2b5f94"},
    "constant": {"shape": "box", "fillcolor": "#eeeeee", "color": "#777777"},
    "operation": {"shape": "box", "style": "rounded,filled", "fillcolor": "#fff8e6"},
    "result": {"shape": "box", "style": "rounded,filled", "fillcolor": "#dff2df"},
}


def draw(loss: Tensor, *, direction: str = "LR") -> Picture:
    """The graph that computed `loss`, as a `graphviz.Digraph`.

    Arrows run in the direction of computation. Parameters (tensors that require grad) are blue
    boxes, constants grey ones, operations rounded boxes with what they compute, their name and
    their shape; `loss` itself is green. The DOT text is in `.source`, `.render("graph.svg")`
    writes a picture.

    Parameters
    ----------
    loss : Tensor
        The result to draw. Its graph must not have been freed by `backward()`.
    direction : {"LR", "TB", "RL", "BT"}
        Where the graph runs: left to right, top to bottom, and so on.

    Raises
    ------
    ValueError
        Where the graph was freed, where there is none, or where it has more than 2,000 nodes.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"draw() takes a Tensor, not {type(loss).__name__}")
    if direction not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f"direction must be 'LR', 'TB', 'RL' or 'BT', not {direction!r}")
    root = loss._node
    if not isinstance(root, Node):
        raise ValueError(
            "there is no graph to draw: this Tensor was not computed from a tensor that requires "
            "grad, or it was computed under al.no_grad()"
        )
    if root.parents is None:
        raise ValueError(
            f"the graph was freed by backward() at {root.kept}; draw before it, or call it with "
            "retain_graph=True"
        )
    nodes = ancestors([root])[::-1]
    if len(nodes) > MOST_NODES:
        raise ValueError(
            f"the graph has {len(nodes):,} nodes, and a picture of more than {MOST_NODES:,} cannot "
            "be read; draw a smaller example of the same computation"
        )
    picture = Picture(
        "computation",
        format="svg",
        graph_attr={"rankdir": direction, "fontname": "Helvetica", "nodesep": "0.3"},
        node_attr={"fontname": "Helvetica", "fontsize": "11", "style": "filled"},
        edge_attr={"color": "#555555", "arrowsize": "0.7"},
    )
    names = {node: f"n{i}" for i, node in enumerate(nodes)}
    sources: dict[Source, str] = {}
    for node in nodes:
        _draw_node(picture, node, names, sources, is_result=node is root)
    return picture


def _draw_node(
    picture: Picture,
    node: Node,
    names: dict[Node, str],
    sources: dict[Source, str],
    is_result: bool,
) -> None:
    style = STYLES["result" if is_result else "operation"]
    picture.node(names[node], _label(node.name, _operation_text(node), node.shape), **style)
    for parent in node.parents or ():
        if isinstance(parent, Source):
            if parent not in sources:
                sources[parent] = f"s{len(sources)}"
                kind = "parameter" if parent.requires_grad else "constant"
                label = _label(parent.name, None if parent.name else kind, parent.shape)
                picture.node(sources[parent], label, **STYLES[kind])
            picture.edge(sources[parent], names[node])
        elif isinstance(parent, Node):
            picture.edge(names[parent], names[node])


def _label(name: str | None, what: str | None, shape: tuple[int, ...]) -> str:
    lines = [_shortened(name)] if name is not None else []
    if what is not None:
        lines.append(what)
    if shape:
        lines.append(" × ".join(map(str, shape)))
    # escape() switches off backslashes, nohtml() a label that looks like <markup>.
    return str_nohtml("\\n".join(graphviz.escape(line) for line in lines))


def str_nohtml(text: str) -> str:
    return graphviz.nohtml(text)  # type: ignore[no-any-return]


def _shortened(name: str) -> str:
    name = name.replace("\0", "").replace("\n", " ").replace("\r", " ")
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _operation_text(node: Node) -> str:
    """The operation as formulas have it, with the scalars that it involves written out."""
    name = node.plan.operation.name
    symbol = SYMBOLS.get(name, name)
    parents = node.parents or ()
    if len(parents) == 2 and any(_is_scalar(p) for p in parents):
        left, right = ("•" if not _is_scalar(p) else _number(p) for p in parents)
        return f"{left} {symbol} {right}" if name in BINARY else f"{symbol}({left}, {right})"
    options = _options(node)
    return f"{symbol} {options}" if options else symbol


def _options(node: Node) -> str:
    """The settings of the call that its rule needs, such as an axis."""
    named = zip(node.plan.names, node.plan.sources, node.kept, strict=True)
    given = {k: v for k, source, v in named if source is None and not k.endswith("_shape")}
    shown = {k: v for k, v in given.items() if k in ("axis", "axes") and v is not None}
    return ", ".join(f"{key}={value}" for key, value in shown.items())


def _is_scalar(parent: Any) -> bool:
    return isinstance(parent, (int, float, complex, np.generic))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
