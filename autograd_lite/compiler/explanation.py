"""Reports on the passes over a program, as text and as a picture."""

from __future__ import annotations

from typing import Any

from autograd_lite.compiler.lowering import Lowered
from autograd_lite.compiler.schedule import Region
from autograd_lite.program.ir import Program, Step, function_name
from autograd_lite.program.names import Names
from autograd_lite.program.passes import Note
from autograd_lite.rendering import Picture


class Explanation:
    """An account of each pass and its savings; `print` shows it, and `.draw()` draws what runs
    together."""

    def __init__(
        self,
        name: str,
        notes: list[Note],
        lowered: Lowered,
        program: Program,
        native: str | None,
    ) -> None:
        self.native = native
        self.name = name
        self.notes = notes
        self.lowered = lowered
        self.program = program

    @property
    def regions(self) -> list[Region]:
        """The element-wise steps that run in blocks."""
        return [item for item in self.lowered.items if isinstance(item, Region)]

    @property
    def workspace(self) -> int:
        """The bytes that the program works in, results not counted."""
        return sum(self.lowered.workspaces.sizes)

    def __str__(self) -> str:
        width = max(len(note.name) for note in self.notes)
        lines = [f"{self.name}, compiled:"]
        for note in self.notes:
            steps = f"{note.steps} steps"
            if note.saved > 0:
                steps += f" ({note.saved} saved)"
            lines.append(f"  {note.name:<{width}}  {note.did}; {steps}")
        plan = self.lowered.plan
        lines += [f"  {name:<{width}}  {did}" for name, did in self._layout()]
        lines.append(
            f"  {'memory':<{width}}  {_size(self.workspace)} for what is needed on the way, "
            f"instead of {_size(plan.alone)}: {plan.in_place} steps write over an operand, "
            f"and {plan.reused} arrays lie where another was"
        )
        if self.native is not None:
            lines.append(f"  {'native code':<{width}}  {self.native}")
        return "\n".join(lines)

    __repr__ = __str__

    def _layout(self) -> list[tuple[str, str]]:
        found = []
        for region in self.regions:
            shape = " x ".join(map(str, region.shape))
            name = "loops" if region.is_native else "blocks"
            found.append((name, f"{len(region.steps)} steps over {shape} in one pass"))
        counts = ", ".join(f"{n} by {name}" for name, n in self.lowered.products.items())
        if counts:
            found.append(("products", f"{counts}, as measured for their shapes"))
        return found

    def draw(self) -> Picture:
        """The program as a graph: a box around the steps that run together over blocks."""
        graph = Picture(self.name)
        graph.attr(rankdir="TB", fontname="Helvetica")
        graph.attr("node", shape="box", fontname="Helvetica", fontsize="10", style="rounded")
        names = Names()
        for variable in (*self.program.inputs, *self.program.constants):
            graph.node(names[variable], f"{names[variable]}\n{variable.type}", shape="ellipse")
        for number, item in enumerate(self.lowered.items):
            if isinstance(item, Region):
                with graph.subgraph(name=f"cluster_{number}") as cluster:
                    cluster.attr(label="one pass in blocks", color="#7a9cc6", fontsize="9")
                    for step in item.steps:
                        _node(cluster, step, names)
            else:
                _node(graph, item, names)
        for variable in self.program.outputs:
            graph.node(names[variable], penwidth="2")
        for step in self.program.steps:
            for operand in dict.fromkeys(step.operands):
                graph.edge(names[operand], names[step.result])
        return graph


def _node(graph: Any, step: Step, names: Names) -> None:
    function = function_name(step.function).removeprefix("np.")
    for result in step.results:
        graph.node(names[result], f"{names[result]} = {function}\n{result.type}")


def _size(nbytes: int) -> str:
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if nbytes >= scale:
            return f"{nbytes / scale:.1f} {unit}"
    return f"{nbytes} bytes"
