"""Lowering a program to source: schedule, plan of memory, and text, in this order."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.compiler.matrix_products import gains_nothing_by_threads
from autograd_lite.compiler.memory import Liveness, MemoryPlan, Planner
from autograd_lite.compiler.native.cut import Blocks, Cut
from autograd_lite.compiler.native.forms import is_native
from autograd_lite.compiler.native.plans import BlocksPlanner, place_native
from autograd_lite.compiler.native.segment import Function, local_views, module, segments_of
from autograd_lite.compiler.numpy_source import WORKSPACE_MAKER, Product, SourcePrinter
from autograd_lite.compiler.preamble import preamble
from autograd_lite.compiler.regions import RegionPlanner
from autograd_lite.compiler.runtime import Workspaces
from autograd_lite.compiler.schedule import Item, Region, schedule
from autograd_lite.program.checked import checked
from autograd_lite.program.ir import Program, Step, Variable


@dataclass
class Lowered:
    """The source of a program, the function it defines, and the workspaces that it works in.

    `items` are the schedule and `plan` is the plan of memory. `products` counts the ways in which
    matrix products are computed. `natives` are the functions that have to be compiled before it
    runs, `is_silent` says that there are no calls of NumPy's beside them, which could warn,
    `is_single` that BLAS is to take one thread for each product. `namespace` is where the source
    was run, and `called` what it calls but its own functions.
    """

    source: str
    run: Callable[..., tuple[Any, ...]]
    workspaces: Workspaces
    items: list[Item]
    plan: MemoryPlan
    products: dict[str, int] = field(default_factory=dict)
    natives: list[Function] = field(default_factory=list)
    is_silent: bool = False
    is_single: bool = False
    namespace: dict[str, Any] = field(default_factory=dict)
    called: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The source as a file that runs by itself."""
        natives = [f"{module(self.natives)}\n"] if self.natives else []
        return "\n".join([*natives, preamble(self.called), "", "", self.source])


def lower(
    program: Program,
    contiguous: Sequence[bool],
    *,
    threads: int,
    donated: Sequence[bool] = (),
    product: Callable[[Step], tuple[str, Product]] | None = None,
    name: str = "run",
    native: bool = False,
    cut: Cut | None = None,
) -> Lowered:
    """Write `program` out and compile it.

    `contiguous` says which inputs are C-contiguous in every call, and `donated` which of them may
    be written to. `product` chooses how a matrix product is computed. With `native` the steps that
    have a native form are in functions for Numba, which are printed but not compiled.
    """
    items = _scheduled(program, native, cut)
    segments = segments_of(items) if native else {}
    views = local_views(items, segments, program.outputs)
    planner = _planner(program, items, segments, contiguous, donated)
    plan = _planned(planner, items, segments, views, threads)
    printer = SourcePrinter(program, items, plan, segments, views, product, name, native)
    source = printer.printed()
    namespace = printer.namespace
    natives = [function.name for function in printer.natives]
    called = dict(namespace)
    tree = checked(source, [*namespace, *natives, *dir(builtins)])
    exec(compile(tree, f"<compiled {printer.name}>", "exec"), namespace)
    return Lowered(
        source,
        namespace[printer.name],
        Workspaces(plan.sizes, namespace[WORKSPACE_MAKER]),
        items,
        plan,
        printer.products,
        printer.natives,
        len(set(segments.values())) == 1 and len(segments) == len(items),
        cut is not None or gains_nothing_by_threads(program.steps),
        namespace,
        called,
    )


def _scheduled(program: Program, native: bool, cut: Cut | None) -> list[Item]:
    kind = is_native if native else None
    if cut is None:
        return schedule(program.steps, kind)
    first, last = (schedule(steps, kind) for steps in (cut.before, cut.after))
    return [*first, Blocks(cut), *last]


def _planner(
    program: Program,
    items: Sequence[Item],
    segments: Collection[int],
    contiguous: Sequence[bool],
    donated: Sequence[bool],
) -> Planner:
    known = {v for v, c in zip(program.inputs, contiguous, strict=True) if c}
    known |= {v for v, value in program.constants.items() if np.asarray(value).flags.c_contiguous}
    # In another memory order blocks of them, and products, could not be written into place.
    given = [
        v for v, d in zip(program.inputs, donated, strict=False) if d and v.shape and v in known
    ]
    # Numbers, which nobody can write to.
    numbers = {v for v in (*program.inputs, *program.constants) if v.weak}
    liveness = Liveness(items, program.outputs, segments)
    donors = _pairs(program.outputs, given)
    return Planner(liveness, set(program.outputs), donors, known, numbers)


def _planned(
    planner: Planner,
    items: Sequence[Item],
    segments: Collection[int],
    views: Collection[Variable],
    threads: int,
) -> MemoryPlan:
    """The plan of memory of a schedule."""
    plan = planner.plan
    for at, item in enumerate(items):
        if isinstance(item, Blocks):
            plan.inside[at] = BlocksPlanner(planner, item, at, threads).planned()
        elif at in segments:
            place_native(planner, item, at, views)
        elif isinstance(item, Region) and not item.is_native:
            plan.inside[at] = RegionPlanner(planner, item, at, threads).planned()
        else:
            for step in item.steps if isinstance(item, Region) else [item]:
                planner.place_step(step, at)
        planner.release(item, at)
    return plan


def _pairs(outputs: Sequence[Variable], given: list[Variable]) -> dict[Variable, Variable]:
    """Pairs each output with the first input of its shape and dtype that no earlier one has."""
    pairs: dict[Variable, Variable] = {}
    for output in dict.fromkeys(outputs):
        for variable in given:
            if variable.shape == output.shape and variable.dtype == output.dtype:
                pairs[output] = variable
                given.remove(variable)
                break
    return pairs
