"""The passes that a program goes through before it is printed, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograd_lite.compiler.explanation import Note
from autograd_lite.program import growth
from autograd_lite.program.factoring import factored
from autograd_lite.program.identities import algebra, expanding, stable
from autograd_lite.program.ir import Program, Variable
from autograd_lite.program.rewriting import Rewriting, Rule, without_dead
from autograd_lite.program.tracing import Trace

MOST = 4
"""How often a pass is repeated while it still finds something."""

Table = Callable[[Program], Mapping[Any, list[Rule]]]

PASSES: list[tuple[str, Table]] = [
    ("stable forms", lambda program: stable.table()),
    ("expansion", expanding.rules_for),
    ("algebra", lambda program: algebra.table()),
    ("overflow", lambda program: growth.table()),
]


@dataclass
class Optimised:
    """A program and what its variables hold in the example."""

    program: Program
    values: Mapping[Variable, Any]


def optimised(program: Program, trace: Trace, notes: list[Note]) -> Optimised:
    """`program` after all passes; what each did is added to `notes`."""
    notes.append(Note("trace", len(program.steps), f"{trace.repeated} equal steps taken together"))
    best = Optimised(program, trace.values)
    for name, table in PASSES:
        if name == "algebra":
            best = _with_common_factors(best, notes)
        before = best.program
        changed = repeated = folded = 0
        for _ in range(MOST):
            rewriting = Rewriting(best.program, best.values)
            after, values = rewriting.run(table(best.program))
            best = Optimised(after, values)
            changed += rewriting.changed
            repeated += rewriting.trace.repeated
            folded += rewriting.folded
            if not rewriting.changed and not rewriting.trace.repeated:
                break
            best.program = without_dead(best.program)
        best.program = without_dead(best.program)
        did = [f"{changed} steps rewritten"] * bool(changed)
        did += [f"{folded} computed beforehand"] * bool(folded)
        did += [f"{repeated} equal ones taken together"] * bool(repeated)
        what = ", ".join(did) or "nothing to do"
        notes.append(Note(name, len(best.program.steps), what, len(before.steps)))
    return best


def _with_common_factors(best: Optimised, notes: list[Note]) -> Optimised:
    before = len(best.program.steps)
    program, values, saved = factored(best.program, best.values)
    did = f"{saved} products saved" if saved else "nothing to do"
    notes.append(Note("common factors", len(program.steps), did, before))
    return Optimised(program, values)
