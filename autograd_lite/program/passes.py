"""The passes that a program goes through before it is printed, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autograd_lite.program import growth
from autograd_lite.program.factoring import factored
from autograd_lite.program.identities import algebra, expanding, sharing, stable
from autograd_lite.program.ir import Program, Variable
from autograd_lite.program.rewriting import Rewriting, Rule, without_dead
from autograd_lite.program.tracing import Trace

NOTHING = "nothing to do"
"""The account of a pass that changed nothing."""

REPETITIONS = 4
"""How often identities are applied while they still find something."""


@dataclass
class Note:
    """The account of one pass, with the number of steps after it."""

    name: str
    steps: int
    did: str
    before: int | None = None

    @property
    def saved(self) -> int:
        """The number of steps that it saved."""
        return 0 if self.before is None else self.before - self.steps


@dataclass
class Optimised:
    """A program and the values of its variables in the example."""

    program: Program
    values: Mapping[Variable, Any]


class Pass(Protocol):
    """A step of optimisation: its name and its function from program to program."""

    @property
    def name(self) -> str: ...

    def run(self, given: Optimised) -> tuple[Optimised, str]:
        """The program after the pass, and an account of it in words."""


@dataclass(frozen=True)
class Identities:
    """Applies the rules that `table` has for a program, until nothing changes."""

    name: str
    table: Callable[[Program], Mapping[Any, list[Rule]]]

    def run(self, given: Optimised) -> tuple[Optimised, str]:
        changed = repeated = folded = 0
        program, values = given.program, given.values
        for _ in range(REPETITIONS):
            rules = self.table(program)
            if not rules:
                break
            rewriting = Rewriting(program, values)
            program, values = rewriting.run(rules)
            changed += rewriting.changed
            repeated += rewriting.trace.repeated
            folded += rewriting.folded
            if not rewriting.changed and not rewriting.trace.repeated:
                break
            program = without_dead(program)
        did = [f"{changed} steps rewritten"] * bool(changed)
        did += [f"{folded} computed beforehand"] * bool(folded)
        did += [f"{repeated} equal ones taken together"] * bool(repeated)
        return Optimised(without_dead(program), values), ", ".join(did) or NOTHING


@dataclass(frozen=True)
class CommonFactors:
    """Pulls a common factor out of several values, to multiply once."""

    name: str = "common factors"

    def run(self, given: Optimised) -> tuple[Optimised, str]:
        program, values, saved = factored(given.program, given.values)
        did = f"{saved} products saved" if saved else NOTHING
        return Optimised(program, values), did


PASSES: Sequence[Pass] = (
    Identities("stable forms", lambda program: stable.table()),
    Identities("expansion", expanding.rules_for),
    CommonFactors(),
    Identities("algebra", lambda program: algebra.table()),
    Identities("overflow", lambda program: growth.table()),
)

FOR_NATIVE: Sequence[Pass] = (
    # NumPy chooses between two forms in more time than it takes an exponential.
    Identities("native forms", sharing.rules_for),
)
"""What is done to a program besides before it is printed as native code."""


def optimised(
    program: Program, trace: Trace, notes: list[Note], passes: Sequence[Pass] = PASSES
) -> Optimised:
    """`program` after all passes; `notes` gets a line for each of them."""
    notes.append(Note("trace", len(program.steps), f"{trace.repeated} equal steps taken together"))
    return _after(Optimised(program, trace.values), notes, passes)


def for_native(given: Optimised, notes: list[Note]) -> Program:
    """The program as native code is made of it; `notes` gets a line for what was done to it."""
    found: list[Note] = []
    program = _after(given, found, FOR_NATIVE).program
    notes += [note for note in found if note.did != NOTHING]
    return program


def _after(best: Optimised, notes: list[Note], passes: Sequence[Pass]) -> Optimised:
    for step in passes:
        before = len(best.program.steps)
        best, did = step.run(best)
        notes.append(Note(step.name, len(best.program.steps), did, before))
    return best
