"""step_through: a page on which the chain rule is walked, forward and then backward."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.check.report import Line, Report
from autograd_lite.files import write
from autograd_lite.gradients import IndexedGradient, TupleGradient
from autograd_lite.graph import PACK, Leaf, Node, Route
from autograd_lite.pictures.arrays import Arrays
from autograd_lite.pictures.assemble import assembled
from autograd_lite.pictures.boxes import Arrow, Box, Boxes
from autograd_lite.pictures.details import Details, derivative, text_of
from autograd_lite.pictures.dot import call_name
from autograd_lite.pictures.folding import folded
from autograd_lite.pictures.layout import Layout, layout
from autograd_lite.pictures.structure import operands, places, structure
from autograd_lite.pictures.text import operation_text, shape_text, short
from autograd_lite.pictures.tracing import result_of, root_of
from autograd_lite.pictures.values import Flow, flows, operand_value
from autograd_lite.tensor import Tensor

WALK_LIMIT_NODES = 2_000
"""A page walks through up to this many operations."""


def step_through(
    loss: Tensor | Report | Callable[..., Any],
    path: str | os.PathLike[str],
    *inputs: Any,
    report: Report | None = None,
) -> str:
    """Write a page on which the computation of `loss` is walked, forward and then backward.

    One HTML file that needs no network and no program besides a browser. Forward it shows node by
    node the value that was computed, and from what; backward the gradient that arrives, the local
    derivative as a formula, their product, and its sum with what had arrived before. It is walked
    by buttons, a slider or the arrow keys; `?` on the page tells the other keys.

    Parameters
    ----------
    loss : Tensor, callable or Report
        As for `draw`: a result whose graph has not been freed, or a function of `inputs`, or what
        `al.compare` or `al.check_derivation` returned. Of a result that is no scalar the gradients
        are those of its sum. Nothing is changed, neither graph nor `.grad`.
    path : path
        The file to write; `.html` is added to a name without an ending.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function. Lines of source are known where `loss` is a function, or
        was recorded under `al.record_lines()`.
    report : Report, optional
        Gradients derived by hand, to be marked where they belong: at a wrong one the walk stops
        and says why.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    TypeError, ValueError
        As `draw` does; and where there are more than 2,000 operations.
    RenderError
        Where there is no Graphviz program to lay the graph out with.
    OSError
        Where the file cannot be written; it is then as it was.
    """
    if isinstance(loss, Report):
        report, loss = loss, loss.recorded()
    result = result_of("step_through", loss, inputs)
    page = assembled(Walk(result, report).data)
    target = Path(path)
    if not target.suffix:
        target = target.with_name(f"{target.name}.html")
    write(target, page.encode(), "page")
    return str(target)


class Walk:
    """The steps through the graph of a result, and all that the page shows at them, as JSON has it.

    `data` has the numbers of arrays apart from what refers to them (see `Arrays`).
    """

    def __init__(self, loss: Tensor, report: Report | None) -> None:
        root = root_of(loss)
        self.graph = structure([root])
        if len(self.graph.nodes) > WALK_LIMIT_NODES:
            raise ValueError(
                f"the graph has {len(self.graph.nodes):,} operations, and step_through() walks "
                f"through {WALK_LIMIT_NODES:,} at most; take a smaller example of the same "
                "computation"
            )
        self.root = root
        self.report = report
        self.details = Details(
            [loss], self.graph, report, None, values=True, gradients=False, local=True, lines=True
        )
        self.seed = np.ones(loss.shape, loss.dtype)
        self.flows = _unpacked(list(flows(root, self.seed)))
        self.gradients: dict[Any, Any] = {root: self.seed}
        for flow in self.flows:
            self.gradients[flow.operand] = flow.total
        self.boxes = Boxes(self.graph, folded(self.graph, None, False))
        self.order = [b for b in _boxes(self.boxes) if not isinstance(b.what[0], Node)]
        self.order += self.boxes.boxes.values()
        self.number = {id(box.what[0]): i for i, box in enumerate(self.order)}
        self.named = {box.name: i for i, box in enumerate(self.order)}
        self.arrow_at = {(a.head, a.slot): i for i, a in enumerate(self.boxes.arrows)}
        # A flow brings two to four arrays, a box two.
        self.arrays = Arrays(4 * len(self.flows) + 2 * len(self.order))
        self.data = self._data(loss)

    def _data(self, loss: Tensor) -> dict[str, Any]:
        texts: dict[str, Sequence[str]] = {box.name: self._texts(box) for box in self.order}
        places = layout(self.boxes, texts)
        pairs = zip(self.boxes.arrows, places.arrows, strict=True)
        groups = [
            {"label": call_name(frame.group.scope), "x": x, "y": y, "w": w, "h": h}
            for frame, x, y, w, h in places.frames
            if frame.group is not None
        ]
        return {
            "title": short(loss.name or "computation"),
            "width": places.width,
            "height": places.height,
            "nodes": [self._node(box, places) for box in self.order],
            "edges": [self._edge(arrow, *place) for arrow, place in pairs],
            "groups": groups,
            "steps": [*self._forward(), *self._backward()],
            "arrays": self.arrays.rows,
        }

    def _texts(self, box: Box) -> list[str]:
        """The lines that a box shows: its name, its formula and its shape."""
        what = box.what[0]
        lines = [short(self.details.symbol(what)), self._formula(what), shape_text(what.shape)]
        return [short(line) for line in lines if line]

    def _formula(self, what: Any) -> str:
        if not isinstance(what, Node):
            return ""
        names = [text_of(operand, self.details.symbols) for operand in operands(what)]
        return operation_text(what, names)

    def _node(self, box: Box, places: Layout) -> dict[str, Any]:
        what = box.what[0]
        is_node = isinstance(what, Node)
        kind = "result" if what is self.root else "operation"
        if not is_node:
            flows_back = isinstance(what, Leaf) and what.requires_grad
            kind = "parameter" if flows_back else "constant"
        fault = self.details.faults.get(what) if is_node else None
        x, y, w, h = places.boxes[box.name]
        line = self._verdict(what)
        return {
            "kind": kind,
            "name": self.details.symbol(what),
            "formula": self._formula(what),
            "operation": what.plan.operation.name if is_node else "",
            "shape": str(what.shape),
            "dtype": str(what.dtype),
            "line": what.extra.line if is_node and what.extra is not None else None,
            **{"x": x, "y": y, "w": w, "h": h},
            "value": self.arrays.number(self._value(what)),
            "gradient": self.arrays.number(self._gradient(what)),
            "fault": f"made {fault} of finite operands" if fault else None,
            "verdict": None if line is None else self._verdict_of(line),
        }

    def _value(self, what: Any) -> Any:
        values = self.details.values or {}
        return values[what] if isinstance(what, Node) else operand_value(what, {})

    def _gradient(self, what: Any) -> Any:
        return self.gradients.get(what) if isinstance(what, (Node, Leaf)) else None

    def _verdict(self, what: Any) -> Line | None:
        name = what.name if isinstance(what, (Node, Leaf)) else None
        return self.details.verdicts.get(name) if name is not None else None

    def _verdict_of(self, line: Line) -> dict[str, Any]:
        derived = self.report.derived.get(line.name) if self.report is not None else None
        return {
            "status": line.status,
            "gradient": line.name,
            "line": line.line,
            "message": line.message,
            "derived": self.arrays.number(derived),
        }

    def _edge(
        self, arrow: Arrow, curve: list[tuple[float, float]], tip: tuple[float, float]
    ) -> dict[str, Any]:
        start, *rest = curve
        parts = [" ".join(f"{x},{y}" for x, y in rest[i : i + 3]) for i in range(0, len(rest), 3)]
        return {
            "from": self.named[arrow.tail],
            "to": self.named[arrow.head],
            "path": f"M {start[0]},{start[1]} " + " ".join(f"C {part}" for part in parts),
            "tip": [list(curve[-1]), list(tip)],
        }

    def _forward(self) -> list[dict[str, Any]]:
        incoming: dict[str, list[int]] = {}
        for i, arrow in enumerate(self.boxes.arrows):
            incoming.setdefault(arrow.head, []).append(i)
        return [
            {"phase": "forward", "node": i, "edges": incoming.get(box.name, [])}
            for i, box in enumerate(self.order)
            if isinstance(box.what[0], Node)
        ]

    def _backward(self) -> list[dict[str, Any]]:
        last = {id(flow.operand): i for i, flow in enumerate(self.flows)}
        start = {"phase": "backward", "node": self.number[id(self.root)], "seed": True}
        steps = [start | {"sum": self.arrays.number(self.seed)}, *self._marked(self.root)]
        for i, flow in enumerate(self.flows):
            if id(flow.operand) in self.number:
                steps.append(self._flow(flow))
                steps += self._marked(flow.operand) if last[id(flow.operand)] == i else []
        return steps

    def _marked(self, what: Any) -> list[dict[str, Any]]:
        line = self._verdict(what)
        if line is None:
            return []
        verdict = self._verdict_of(line) | {"expected": self.arrays.number(self._gradient(what))}
        return [{"phase": "backward", "node": self.number[id(what)], "verdict": verdict}]

    def _flow(self, flow: Flow) -> dict[str, Any]:
        head = self.order[self.number[id(flow.node)]]
        found = derivative(flow.node, flow.slot, self.details.symbols)
        local = found.local if found is not None else None
        return {
            "phase": "backward",
            "node": self.number[id(flow.node)],
            "edge": self.arrow_at[head.name, flow.slot],
            "operand": self.number[id(flow.operand)],
            "arriving": self.arrays.number(flow.arriving),
            "local": local,
            "local_value": self.arrays.number(_local_value(flow)) if local else None,
            "formula": found.product if found is not None else "",
            "product": self.arrays.number(flow.pulled),
            "note": self._note(flow),
            "before": self.arrays.number(flow.before),
            "sum": self.arrays.number(flow.total),
        }

    def _note(self, flow: Flow) -> str:
        """Names the step that makes the product fit the operand."""
        have, want = np.shape(flow.pulled), flow.operand.shape
        if have == want:
            return ""
        name = short(self.details.symbol(flow.operand))
        extra = len(have) - len(want)
        added = [i for i in range(len(have)) if i < extra or want[i - extra] == 1 != have[i]]
        if extra < 0 or not added:
            return f"broadcast to {want}, the shape of {name}"
        which = ("axis " if len(added) == 1 else "axes ") + " and ".join(map(str, added))
        return f"summed over {which}, along which {name} was broadcast"


def _boxes(boxes: Boxes) -> list[Box]:
    """All boxes, in the order in which they are drawn."""
    found, stack = [], list(reversed(boxes.top.parts))
    while stack:
        part = stack.pop()
        if isinstance(part, Box):
            found.append(part)
        else:
            stack += reversed(part.parts)
    return found


def _unpacked(steps: list[Flow]) -> list[Flow]:
    """The flows with those through a list of operands as if each were an operand of its own."""
    consumers: dict[Any, Flow] = {}
    found = []
    for flow in steps:
        if isinstance(flow.operand, Node) and flow.operand.plan.operation is PACK:
            consumers[flow.operand] = flow
            continue
        through = consumers.get(flow.node, flow)
        first = places(through.node).index(through.slot)
        slot = first if through is flow else first + flow.slot
        found.append(replace(flow, node=through.node, slot=slot, arriving=through.arriving))
    return found


def _local_value(flow: Flow) -> Any:
    """The local derivative: what the rule makes of a gradient of ones."""
    if isinstance(flow.node.plan, Route):
        return None
    ones = np.ones(flow.node.shape, flow.node.dtype)
    pull = dict(flow.node.plan.pulls)[places(flow.node)[flow.slot]]
    with np.errstate(all="ignore"):
        found = pull(ones, flow.node.kept)
    if isinstance(found, IndexedGradient):
        found = found.dense()
    return None if isinstance(found, TupleGradient) else found
