"""The DOT text of a picture: the text and the style of each box, frame and arrow."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd_lite.arrays.contracts import Array
from autograd_lite.check.report import Line
from autograd_lite.gradients import TupleGradient
from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.boxes import Arrow, Box, Boxes, Frame
from autograd_lite.pictures.details import Details
from autograd_lite.pictures.figure import Figure
from autograd_lite.pictures.folding import Group
from autograd_lite.pictures.labels import legend, numbers_label
from autograd_lite.pictures.text import (
    NAME_LIMIT_CHARACTERS,
    Numbers,
    count_of,
    label,
    line_text,
    name_of,
    numbers_of,
    operation_text,
    plain,
    shape_text,
    short,
    unnamed,
)
from autograd_lite.pictures.themes import Theme
from autograd_lite.pictures.values import operand_value

REPR_LIMIT_CHARACTERS = 40

COMPACT_LIMIT_CHARACTERS = 28
"""Formulas on arrows are cut to this length in a compact picture."""

KINDS = {
    "parameter": "parameter",
    "constant": "data or constant",
    "operation": "operation",
    "folded": "several operations",
    "result": "result",
    "gradient": "operation of the backward pass",
}
"""The names of the boxes in a legend."""


@dataclass(frozen=True)
class Size:
    """Sizes in points of text in boxes (`text`) and elsewhere (`small`), and of the space."""

    text: float
    small: float
    margin: str
    apart: str


NORMAL = Size(11, 10, "0.11,0.055", "0.3")
SMALL = Size(9, 8, "0.07,0.04", "0.15")
"""The smaller of the two sizes, which is still readable."""


class DotText:
    """Writes `boxes`, with the texts of `details`, into `.picture`.

    With `compact`, the numbers of matrices are not written out.
    """

    def __init__(
        self,
        boxes: Boxes,
        details: Details,
        theme: Theme,
        direction: str,
        size: Size = NORMAL,
        compact: bool = False,
        legend: bool = False,
    ) -> None:
        self.details = details
        self.theme = theme
        self.size = size
        self.compact = compact
        self.frames: int = 0
        self.loose: set[tuple[str, str]] = set()
        self.kinds: dict[str, None] = {}
        self.titles: dict[str, str] = {}
        self.backward: dict[str, Box] = self._backward_boxes(boxes)
        self.forward: set[str] = {
            name
            for arrow in boxes.arrows
            if arrow.head not in self.backward
            for name in (arrow.tail, arrow.head)
        }
        self.picture: Figure = Figure(
            "computation",
            format="svg",
            # With ordering=in, operands keep their order, so that a - b does not look like b - a.
            graph_attr={
                "rankdir": direction,
                "ordering": "in",
                "fontname": "Helvetica",
                "nodesep": size.apart,
                "bgcolor": theme.background,
                "fontcolor": theme.text,
            },
            node_attr={
                "fontname": "Helvetica",
                "fontsize": f"{size.text:g}",
                "style": "filled",
                "fontcolor": theme.text,
                "margin": size.margin,
            },
            edge_attr={
                "fontname": "Helvetica",
                "fontsize": f"{size.small:g}",
                "arrowsize": "0.7",
                "color": theme.path,
                "penwidth": "1.3",
                "fontcolor": theme.path,
            },
        )
        if size is not NORMAL:
            self.picture.attr("graph", ranksep="0.3")
        self._draw_parts(boxes.top)
        for arrow in boxes.arrows:
            self._draw_arrow(arrow)
        self._put_gradients_beside_tensors(boxes)
        if legend:
            self._draw_legend()
        self.picture.titles = self.titles

    def _backward_boxes(self, boxes: Boxes) -> dict[str, Box]:
        """The boxes of the backward pass, by name."""
        since = self.details.since
        if since is None:
            return {}
        return {b.name: b for b in boxes.boxes.values() if b.what[0].serial > since}

    def _put_gradients_beside_tensors(self, boxes: Boxes) -> None:
        """Keep the box of `dW` on the level of W, or near it."""
        names = {id(box.what[0]): box.name for box in [*boxes.sources, *boxes.boxes.values()]}
        for name, box in self.backward.items():
            tensor = names.get(id(self.details.tensors.get(box.what[0])))
            if tensor is not None and tensor not in self.backward:
                self.picture.edge(tensor, name, style="invis", minlen="0", weight="4")

    def _draw_legend(self) -> None:
        details = self.details
        kinds = [
            (KINDS[kind], self.theme.boxes[kind]["fillcolor"], self.theme.boxes[kind]["color"])
            for kind in KINDS
            if kind in self.kinds
        ]
        notes = [("\u2192 a gradient flows back here", self.theme.path)]
        notes += [("value", self.theme.value)] if details.values is not None else []
        notes += [("gradient", self.theme.gradient)] if details.gradients is not None else []
        text = legend(kinds, notes, self.size.small)
        self.picture.attr("graph", label=text, labelloc="b")

    def _draw_parts(self, top: Frame) -> None:
        stack: list[Any] = list(reversed(top.parts))
        open_: list[Frame] = []
        while stack:
            part = stack.pop()
            if part is None:
                self.picture.body.append("\t}\n")
                open_.pop()
            elif isinstance(part, Frame):
                self._open_frame(part)
                open_.append(part)
                stack.append(None)
                stack += reversed(part.parts)
            else:
                in_line = bool(open_) and open_[-1].group is not None and open_[-1].group.line
                self._draw_box(part, bool(in_line))

    def _open_frame(self, frame: Frame) -> None:
        group = frame.group
        assert group is not None
        repeated = group.copies > 1
        if repeated:
            text = self._copies(group, "first")
        else:
            text = line_text(group.line) or "" if group.line else call_name(group.scope)
        self.titles[f"cluster_{self.frames}"] = short(text)
        self.picture.body.append(f"\tsubgraph cluster_{self.frames} {{\n")
        self.frames += 1
        self.picture.attr(
            label=label([text]),
            style="dashed,rounded" if repeated else "filled,rounded",
            color=self.theme.frame,
            fillcolor=self.theme.frame_fill,
            labeljust="l",
            fontsize=f"{self.size.small:g}",
        )

    def _draw_box(self, box: Box, in_line: bool) -> None:
        what = box.what[0]
        line = None
        if isinstance(what, Node):
            lines, kind = self._operation(box) if _is_one(box) else self._folded(box)
            if self.details.lines and not in_line and what.extra is not None and _is_one(box):
                line = line_text(what.extra.line)
        else:
            lines, kind = self._source(box.what)
        style = dict(self.theme.boxes[kind])
        verdict = self.details.verdicts.get(name_of(what)) if len(box.what) == 1 else None
        if verdict is not None:
            style |= self.theme.verdicts[verdict.status]
        if isinstance(what, Node) and _is_one(box) and self._faults(box):
            style |= {"color": self.theme.fault, "penwidth": "3", "style": "rounded,filled,bold"}
        self.kinds[kind] = None
        shown = [text for text in (*lines, _verdict_text(verdict), line) if text]
        self.titles[box.name] = short(" · ".join(shown))
        value, gradient = self._numbers(what) if len(box.what) == 1 else (None, None)
        if value is None and gradient is None:
            self.picture.node(box.name, label(shown), **style)
        else:
            text = numbers_label(shown, value, gradient, self.theme, self.size.small)
            self.picture.node(box.name, text, **style)

    def _operation(self, box: Box) -> tuple[list[str | None], str]:
        """The lines and the kind of an operation or a named formula."""
        node, details = box.what[0], self.details
        kind = "result" if node in details.ends else "operation"
        if box.name in self.backward:
            kind = "gradient"
        name = details.symbol(node) if details.local else node.name
        form = box.group.form if box.group is not None else None
        lines = [name, form or operation_text(node), shape_text(node.shape), *self._faults(box)]
        return lines, kind

    def _source(self, sources: Sequence[Leaf | Array]) -> tuple[list[str | None], str]:
        first = sources[0]
        is_parameter = isinstance(first, Leaf) and first.requires_grad
        kind = "parameter" if is_parameter else "constant"
        if len(sources) > 1:
            return [self._several(sources), shape_text(first.shape)], kind
        name = self.details.name(first)
        shown = name or (self.details.symbol(first) if self.details.local else None)
        return [shown, None if name else unnamed(first), shape_text(first.shape)], kind

    def _numbers(self, what: Node | Leaf | Array) -> tuple[Numbers | None, Numbers | None]:
        """The value and the gradient of an operation or a source, as far as they are shown."""
        details = self.details
        value = gradient = None
        if details.values is not None:
            value = details.values.get(what) if isinstance(what, Node) else operand_value(what, {})
        if details.gradients is not None and isinstance(what, (Node, Leaf)):
            gradient = details.gradients.get(what)
        return self._shown(value), self._shown(gradient)

    def _shown(self, value: Array) -> Numbers | None:
        if value is None or isinstance(value, (tuple, TupleGradient)):
            return None
        return numbers_of(value, self.compact)

    def _faults(self, box: Box) -> list[str]:
        nodes = [what for what in (*box.what, *box.inside) if isinstance(what, Node)]
        faults = sorted({self.details.faults[n] for n in nodes if n in self.details.faults})
        return [f"⚠ makes {' and '.join(faults)} of finite numbers"] if faults else []

    def _folded(self, box: Box) -> tuple[list[str | None], str]:
        group = box.group
        assert group is not None
        nodes = [b for b in box.inside if isinstance(b, Node)]
        sources = [b for b in box.inside if not isinstance(b, Node)]
        lines: list[str | None] = []
        if group.scope is not None:
            lines.append(call_name(group.scope))
        if box.what[0].name:
            lines.append(box.what[0].name)
        counts = Counter(node.plan.operation.name for node in nodes)
        what = ", ".join(f"{n:,} {name}" for name, n in counts.most_common(3))
        more = ", …" if len(counts) > 3 else ""
        if group.copies > 1:
            lines.append(self._copies(group, "last"))
        if group.scope is None:
            lines.append(count_of(group.stop - group.start, "operation"))
        if len(nodes) > 1:
            lines.append(what + more)
        if sources:
            lines.append(self._several(sources))
        return [*lines, *self._faults(box), shape_text(box.what[0].shape)], "folded"

    def _several(self, sources: Sequence[Leaf | Array]) -> str:
        """The names of sources; of many, the first, the last and the count."""
        names = list(itertools.takewhile(bool, map(self.details.name, sources)))
        if len(names) == len(sources) and len(names) <= 4:
            return ", ".join(short(str(name)) for name in names)
        if len(names) == len(sources):
            return f"{short(str(names[0]))}, …, {short(str(names[-1]))} ({len(names):,})"
        is_parameter = [isinstance(s, Leaf) and s.requires_grad for s in sources]
        parts = ((sum(is_parameter), "parameter"), (len(sources) - sum(is_parameter), "constant"))
        return ", ".join(count_of(count, what) for count, what in parts if count)

    def _copies(self, group: Group, which: str) -> str:
        """The count of a block's copies, and which copy's numbers are shown."""
        numbers = self.details.values is not None or self.details.gradients is not None
        return f"× {group.copies:,}" + (f", numbers of the {which}" if numbers else "")

    def _draw_arrow(self, arrow: Arrow) -> None:
        style: dict[str, str] = {}
        if not arrow.carries:
            style |= {"color": self.theme.faint, "penwidth": "1"}
        if arrow.again:
            style |= {"style": "dashed", "constraint": "false"}
        if self.details.local and arrow.carries:
            found = self.details.local_derivative(arrow.head_node, arrow.slot)
            most = COMPACT_LIMIT_CHARACTERS if self.compact else NAME_LIMIT_CHARACTERS
            style |= {"label": plain(found, most)} if found else {}
        tail, head = arrow.tail, arrow.head
        if head in self.backward:
            if tail in self.backward:
                # A reversed edge makes the backward pass run beside the forward pass.
                self.picture.edge(head, tail, dir="back", **style)
                return
            if tail in self.forward:
                style |= {"constraint": "false"}
        if "constraint" in style:
            # Graphviz 2.43 fails an assertion if two such arrows join the same boxes.
            if (tail, head) in self.loose:
                return
            self.loose.add((tail, head))
        self.picture.edge(tail, head, **style)


def _is_one(box: Box) -> bool:
    """Whether a box is drawn as one operation or as one named formula."""
    return box.group is None or box.group.form is not None


def call_name(scope: Any) -> str:
    """The name of a function, or the repr of a module if that is short."""
    if not scope.is_module:
        return str(scope.what).rpartition("<locals>.")[2]
    name = type(scope.what).__name__
    try:
        text = repr(scope.what)
    except Exception:
        # A faulty __repr__ must not stop the picture.
        return name
    return short(text) if len(text) <= REPR_LIMIT_CHARACTERS else name


def _verdict_text(line: Line | None) -> str | None:
    """The verdict of a report on a gradient, for the box of its tensor."""
    if line is None:
        return None
    cause = f" ({line.cause})" if line.cause not in (None, "unknown") else ""
    return f"{line.name}: {line.status}{cause}"
