"""The DOT text of a picture: what each box, frame and arrow says and how it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from autograd_lite.check.report import Line
from autograd_lite.gradients import TupleGradient
from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.boxes import Arrow, Box, Boxes, Frame
from autograd_lite.pictures.details import Details
from autograd_lite.pictures.text import (
    count_of,
    label,
    line_text,
    name_of,
    operation_text,
    plain,
    shape_text,
    short,
    unnamed,
    value_lines,
)
from autograd_lite.pictures.themes import Theme
from autograd_lite.pictures.values import operand_value
from autograd_lite.rendering import Picture

REPR_LIMIT_CHARACTERS = 40


class DotText:
    """Writes `boxes`, with what `details` knows of them, into `.picture`."""

    def __init__(self, boxes: Boxes, details: Details, theme: Theme, direction: str) -> None:
        self.details = details
        self.theme = theme
        self.frames = 0
        self.picture = Picture(
            "computation",
            format="svg",
            # With ordering=in the operands stand in their order, so that a - b is not b - a.
            graph_attr={
                "rankdir": direction,
                "ordering": "in",
                "fontname": "Helvetica",
                "nodesep": "0.3",
                "bgcolor": theme.background,
                "fontcolor": theme.text,
            },
            node_attr={
                "fontname": "Helvetica",
                "fontsize": "11",
                "style": "filled",
                "fontcolor": theme.text,
            },
            edge_attr={
                "fontname": "Helvetica",
                "fontsize": "9",
                "arrowsize": "0.7",
                "color": theme.path,
                "penwidth": "1.3",
                "fontcolor": theme.path,
            },
        )
        self._draw_parts(boxes.top)
        for arrow in boxes.arrows:
            self._draw_arrow(arrow)

    def _draw_parts(self, top: Frame) -> None:
        stack: list[Any] = list(reversed(top.parts))
        while stack:
            part = stack.pop()
            if part is None:
                self.picture.body.append("\t}\n")
            elif isinstance(part, Frame):
                self._open_frame(part)
                stack.append(None)
                stack += reversed(part.parts)
            else:
                self._draw_box(part)

    def _open_frame(self, frame: Frame) -> None:
        group = frame.group
        assert group is not None
        repeated = group.copies > 1
        self.picture.body.append(f"\tsubgraph cluster_{self.frames} {{\n")
        self.frames += 1
        self.picture.attr(
            label=label([f"× {group.copies:,}" if repeated else call_name(group.scope)]),
            style="dashed,rounded" if repeated else "filled,rounded",
            color=self.theme.frame,
            fillcolor=self.theme.frame_fill,
            labeljust="l",
            fontsize="10",
        )

    def _draw_box(self, box: Box) -> None:
        if box.group is not None:
            lines, style = self._folded(box), dict(self.theme.boxes["folded"])
        elif isinstance(box.what[0], Node):
            lines, style = self._operation(box.what[0])
        else:
            lines, style = self._source(box.what)
        self.picture.node(box.name, label(lines), **style)

    def _operation(self, node: Node) -> tuple[list[str | None], dict[str, str]]:
        details = self.details
        kind = "result" if node in details.ends else "operation"
        if details.since is not None and node.serial > details.since:
            kind = "gradient"
        name = details.symbol(node) if details.local else node.name
        style = dict(self.theme.boxes[kind])
        verdict = details.verdicts.get(node.name)
        fault = details.faults.get(node)
        if verdict is not None:
            style |= self.theme.verdicts[verdict.status]
        if fault is not None:
            style |= {"color": self.theme.fault, "penwidth": "3", "style": "rounded,filled,bold"}
        lines = [name or None, operation_text(node), shape_text(node.shape)]
        lines += [f"⚠ makes {fault} of finite numbers"] if fault else []
        lines += [_verdict_text(verdict), *self._numbers(node)]
        if details.lines and node.extra is not None:
            lines.append(line_text(node.extra.line))
        return lines, style

    def _source(self, sources: Sequence[Any]) -> tuple[list[str | None], dict[str, str]]:
        first = sources[0]
        is_parameter = isinstance(first, Leaf) and first.requires_grad
        style = dict(self.theme.boxes["parameter" if is_parameter else "constant"])
        if len(sources) > 1:
            return [_several(sources), shape_text(first.shape)], style
        name = name_of(first)
        shown = name or (self.details.symbol(first) if self.details.local else None)
        verdict = self.details.verdicts.get(name)
        if verdict is not None:
            style |= self.theme.verdicts[verdict.status]
        what = None if name else unnamed(first)
        lines = [shown, what, shape_text(first.shape), _verdict_text(verdict)]
        return [*lines, *self._numbers(first)], style

    def _numbers(self, box: Any) -> list[str | None]:
        details = self.details
        found: list[str | None] = []
        is_node = isinstance(box, Node)
        if details.values is not None:
            value = details.values.get(box) if is_node else operand_value(box, {})
            found += _shown(value)
        if details.gradients is not None and isinstance(box, (Node, Leaf)):
            numbers = _shown(details.gradients.get(box))
            found += ["gradient", *numbers] if numbers else []
        return found

    def _folded(self, box: Box) -> list[str | None]:
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
            lines.append(f"× {group.copies:,}")
        if group.scope is None:
            lines.append(count_of(group.stop - group.start, "operation"))
        if len(nodes) > 1:
            lines.append(what + more)
        if sources:
            lines.append(_several(sources))
        faults = sorted({self.details.faults[n] for n in nodes if n in self.details.faults})
        lines += [f"⚠ makes {' and '.join(faults)} of finite numbers"] if faults else []
        return [*lines, shape_text(box.what[0].shape)]

    def _draw_arrow(self, arrow: Arrow) -> None:
        style: dict[str, str] = {}
        if not arrow.carries:
            style |= {"color": self.theme.faint, "penwidth": "1"}
        if arrow.again:
            style |= {"style": "dashed", "constraint": "false"}
        if self.details.local and arrow.carries:
            found = self.details.local_derivative(arrow.head_node, arrow.slot)
            style |= {"label": plain(found)} if found else {}
        self.picture.edge(arrow.tail, arrow.head, **style)


def call_name(scope: Any) -> str:
    """The name of a function, or a module as it shows itself, if that is short."""
    if not scope.is_module:
        return str(scope.what).rpartition("<locals>.")[2]
    name = type(scope.what).__name__
    try:
        text = repr(scope.what)
    except Exception:
        # Whatever is wrong with it, the picture is of something else.
        return name
    return short(text) if len(text) <= REPR_LIMIT_CHARACTERS else name


def _several(sources: Sequence[Any]) -> str:
    """The names of sources, or of the first and the last and their number."""
    names = [short(name) for name in map(name_of, sources) if name]
    if len(names) == len(sources) and len(names) <= 4:
        return ", ".join(names)
    if len(names) == len(sources):
        return f"{names[0]}, …, {names[-1]} ({len(names):,})"
    is_parameter = [isinstance(s, Leaf) and s.requires_grad for s in sources]
    parts = ((sum(is_parameter), "parameter"), (len(sources) - sum(is_parameter), "constant"))
    return ", ".join(count_of(count, what) for count, what in parts if count)


def _shown(value: Any) -> list[str | None]:
    if value is None or isinstance(value, (tuple, TupleGradient)):
        return []
    return list(value_lines(value))


def _verdict_text(line: Line | None) -> str | None:
    """The verdict of a report on a gradient, for the box of its tensor."""
    if line is None:
        return None
    cause = f" ({line.cause})" if line.cause not in (None, "unknown") else ""
    return f"{line.name}: {line.status}{cause}"
