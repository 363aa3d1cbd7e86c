"""Mutants: correct backward passes with one or two mistakes made on purpose.

What is wrong in a mutant is found by running it with every mutated line computed twice, as it is
and as it should be, from the same operands: only the gradients for which the two differ are wrong
there. Run this file to print the counts.
"""

import ast
import functools
import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from derivations.exact import sample_count
from derivations.kinds import KINDS, sums
from derivations.lines import Edit, Line, apply, lines_of, reads
from derivations.passes import PASSES, Pass
from derivations.running import Values, arguments, gradients_of, load, raising_line

UNCHANGED = 1e-9
PAIRS_PER_PASS = 7
SINGLES_PER_KIND = 6


@dataclass(frozen=True)
class Mutant:
    """A backward pass with mistakes.

    `wrong` are the gradients whose own line is wrong, out of `assigned`, all those that the mutated
    lines assign. `causes` holds the causes that may be named for each. `alternatives` are other
    sets of wrong gradients that explain the same result as well.
    """

    id: str
    passed: Pass
    kind: str
    source: str
    lines: tuple[int, ...]
    edits: tuple[Edit, ...] = field(repr=False)
    assigned: frozenset[str]
    wrong: frozenset[str] = frozenset()
    causes: dict[str, frozenset[str]] = field(default_factory=dict)
    alternatives: tuple[frozenset[str], ...] = ()
    helpers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ambiguous(self) -> bool:
        """Whether other lines may be blamed as well."""
        return bool(self.alternatives)

    @property
    def source_lines(self) -> list[str]:
        """The mutated lines as they were and as they read now."""
        before, after = self.passed.source.splitlines(), self.source.splitlines()
        return [f"{before[n - 1].strip()}   became   {after[n - 1].strip()}" for n in self.lines]


@dataclass(frozen=True)
class Raising:
    """A mutant that raises, with the line that does."""

    mutant: Mutant
    line: int | None
    error: str


@dataclass(frozen=True)
class Run:
    """What a mutant gives: its gradients, and pairs of (right, given) of the mutated lines."""

    gradients: Values
    recorded: dict[str, list[tuple[np.ndarray, np.ndarray]]]


@dataclass
class Corpus:
    """All mutants, and those that raise."""

    mutants: list[Mutant]
    raising: list[Raising]


@functools.cache
def corpus(passes: tuple[Pass, ...] = tuple(PASSES)) -> Corpus:
    """The mutants of these passes, single and in pairs."""
    found = Corpus([], [])
    for passed in passes:
        singles = [mutant for mutant, _ in distinct(drafts(passed), found.raising)]
        found.mutants += sample(singles)
        drafted = list(pairs(passed, singles))
        found.mutants += [mutant for mutant, _ in distinct(drafted, [])][:PAIRS_PER_PASS]
    return found


def sample(singles: list[Mutant]) -> list[Mutant]:
    """A seeded few of each kind, so that no kind outweighs the others."""
    chosen: list[Mutant] = []
    for kind in dict.fromkeys(mutant.kind for mutant in singles):
        of_kind = [mutant for mutant in singles if mutant.kind == kind]
        few = min(len(of_kind), SINGLES_PER_KIND)
        chosen += random.Random(of_kind[0].id).sample(of_kind, few)
    return chosen


def drafts(passed: Pass) -> Iterator[Mutant]:
    """Every mistake of every kind on every line, before any is run."""
    for line in lines_of(passed):
        for kind, mistake in sorted(KINDS.items(), key=is_general):
            for count, (wrong, causes) in enumerate(mistake(line)):
                edits = (wrong,) if isinstance(wrong, Edit) else line.edits(wrong)
                yield draft(line, kind, count, edits, with_term(line, causes))


def with_term(line: Line, causes: set[str]) -> set[str]:
    """The causes, and "term" where the line gives one term of a sum that spans lines.

    Such a term times 2, with the other sign or of another tensor is also a term too many.
    """
    in_a_sum = line.is_one_of_many or any(is_term(line, user) for user in line.users)
    return causes | {"term"} if in_a_sum and causes & {"factor", "sign", "operand"} else causes


def is_term(helper: Line, user: Line) -> bool:
    """Whether a helper is part of a term in the line that uses it."""
    name = ast.unparse(helper.statement.targets[0])
    return any(reads(node, name) for node in sums(user))


def is_general(item: tuple[str, object]) -> bool:
    """Whether a kind comes last, since others that give the same say better what happened."""
    return item[0] in ("constant factor", "other operand", "index off by one")


def draft(
    line: Line, kind: str, count: int, edits: tuple[Edit, ...], causes: Iterable[str]
) -> Mutant:
    passed = line.passed
    return Mutant(
        id=f"{passed.name}:{line.number}:{kind}:{count}",
        passed=passed,
        kind=kind,
        source=apply(passed.source, list(edits)),
        lines=(line.number,),
        edits=edits,
        assigned=frozenset(line.names),
        causes=dict.fromkeys(line.names, frozenset(causes)),
        helpers={ast.unparse(line.statement.targets[0]): line.names} if line.is_helper else {},
    )


def pairs(passed: Pass, singles: list[Mutant]) -> Iterator[Mutant]:
    """A seeded sample of two mistakes on lines of different gradients."""
    chosen = list(itertools.combinations(singles, 2))
    random.Random(passed.name).shuffle(chosen)
    apart = (p for p in chosen if not p[0].assigned & p[1].assigned and is_apart(*p))
    for one, other in itertools.islice(apart, 2 * PAIRS_PER_PASS):
        yield pair(one, other)


def is_apart(one: Mutant, other: Mutant) -> bool:
    """Whether no edit of one overlaps with one of the other."""
    return all(a.end <= b.start or b.end <= a.start for a in one.edits for b in other.edits)


def pair(one: Mutant, other: Mutant) -> Mutant:
    edits = one.edits + other.edits
    return replace(
        one,
        id=f"{one.id} and {other.id.removeprefix(one.passed.name + ':')}",
        kind="pair",
        source=apply(one.passed.source, list(edits)),
        lines=one.lines + other.lines,
        edits=edits,
        assigned=one.assigned | other.assigned,
        causes=one.causes | other.causes,
        helpers=one.helpers | other.helpers,
    )


def distinct(drafted: Iterable[Mutant], raising: list[Raising]) -> Iterator[tuple[Mutant, Run]]:
    """The mutants that are mistakes, each once: those that give the same share their causes."""
    found: list[tuple[Mutant, Run]] = []
    for mutant in drafted:
        try:
            run = run_of(mutant)
        except Exception as error:
            line = raising_line(error, mutant.id)
            raising.append(Raising(mutant, line, f"{type(error).__name__}: {error}"))
            continue
        judged = judge(mutant, run)
        if judged is None:
            continue
        for place, (known, known_run) in enumerate(found):
            if same_mistake(judged, known, run, known_run):
                found[place] = (sharing_causes(known, judged), known_run)
                break
        else:
            found.append((judged, run))
    yield from found


def same_mistake(one: Mutant, other: Mutant, run: Run, other_run: Run) -> bool:
    return (
        (one.lines, one.wrong) == (other.lines, other.wrong)
        and run.gradients.keys() == other_run.gradients.keys()
        and all(close(run.gradients[n], other_run.gradients[n]) for n in run.gradients)
    )


def sharing_causes(known: Mutant, other: Mutant) -> Mutant:
    causes = {n: known.causes[n] | other.causes[n] for n in known.causes}
    return replace(known, causes=causes)


def run_of(mutant: Mutant) -> Run:
    """Run a mutant, with its mutated lines recorded."""
    recorded: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}

    def record(name: str, right: object, given: object) -> object:
        recorded.setdefault(name, []).append((np.array(right), np.array(given)))
        return given

    source = apply(mutant.passed.source, list(mutant.edits), recorded=True)
    forward, plain = load(mutant.source, mutant.id)
    args = arguments(forward, mutant.passed.make_inputs())
    # The plain source first, so that the line that raises is one of its own.
    gradients = gradients_of(plain, args, mutant.passed.gradients)
    forward, backward = load(source, "recorded", __record__=record)
    gradients_of(backward, arguments(forward, mutant.passed.make_inputs()), gradients)
    return Run(gradients, recorded)


def judge(mutant: Mutant, run: Run) -> Mutant | None:
    """The mutant with what is wrong in it, or None where that is no mistake."""
    given, right = run.gradients, correct_gradients(mutant.passed)
    if not all(np.all(np.isfinite(value)) for value in given.values()):
        return None
    if any(is_rounding(given[name], right[name]) for name in given):
        return None
    # (h,) for (1, h) is a convention.
    given = {name: with_leading_axes(given[name], right[name]) for name in given}
    if all(close(given[name], right[name]) for name in given):
        return None
    wrong = frozenset(n for n, kept in run.recorded.items() if not all(close(*p) for p in kept))
    readings = [r for r in other_readings(mutant.passed, run) if len(r) <= len(wrong)]
    if not wrong or frozenset() in readings:
        return None
    by_chance = frozenset(name for name in wrong if close(given[name], right[name]))
    if by_chance == wrong:
        return None
    if by_chance:
        readings.append(wrong - by_chance)
    alternatives = tuple(r for r in dict.fromkeys(readings) if r != wrong)
    causes = {name: mutant.causes[name] for name in sorted(wrong)}
    return replace(mutant, wrong=wrong, causes=causes, alternatives=alternatives)


@functools.cache
def correct_gradients(passed: Pass) -> Values:
    """What the pass gives without a mistake."""
    forward, backward = load(passed.source, passed.name)
    return gradients_of(backward, arguments(forward, passed.make_inputs()), passed.gradients)


def other_readings(passed: Pass, run: Run) -> Iterator[frozenset[str]]:
    """What is wrong if the pass is meant in another convention than its own."""
    if not passed.scalable:
        return
    count = sample_count(passed)
    scales = {"mean": (1, 1), "summed": (count, 1 / count), "everything": (count, 1)}
    seed, parameter = scales[passed.convention]
    for other, (other_seed, other_parameter) in scales.items():
        if other != passed.convention:
            yield wrong_in(passed, run, other_seed / seed, other_parameter / parameter)


def wrong_in(passed: Pass, run: Run, seed: float, parameter: float) -> frozenset[str]:
    """The gradients that are wrong where seeds and parameters should be that many times larger."""
    found = set()
    for name, given in run.gradients.items():
        scale = (seed if name in passed.seeds else 1) * (
            parameter if name in passed.parameters else 1
        )
        if not close(right_from_operands(run, name, scale), given):
            found.add(name)
    return frozenset(found)


def right_from_operands(run: Run, name: str, scale: float) -> np.ndarray:
    """What the line should give, times a number, from the operands that the mutant has.

    What other lines add to it comes from these operands, and has that number already.
    """
    recorded = run.recorded.get(name, [])
    if not recorded:
        return run.gradients[name] * scale
    if any(right.shape != given.shape for right, given in recorded):
        return recorded[0][0] * scale
    return run.gradients[name] + sum(scale * right - given for right, given in recorded)


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays agree in shape, and in value to within a share of the largest element."""
    if one.shape != other.shape:
        return False
    scale = max(np.max(np.abs(one), initial=0), np.max(np.abs(other), initial=0))
    return bool(np.max(np.abs(one - other), initial=0) <= UNCHANGED * scale)


def with_leading_axes(given: np.ndarray, right: np.ndarray) -> np.ndarray:
    """An array with the axes of length 1 before its own that it should have."""
    missing = right.ndim - given.ndim
    fits = missing > 0 and given.ndim and right.shape == (1,) * missing + given.shape
    return given.reshape(right.shape) if fits else given


def is_rounding(given: np.ndarray, right: np.ndarray) -> bool:
    """Whether an array is what rounding leaves where terms cancel."""
    largest = np.max(np.abs(given), initial=0)
    return bool(0 < largest < 1e-12 * np.max(np.abs(right), initial=0))


def counts(mutants: list[Mutant]) -> str:
    """How many mutants there are of each kind and of each pass."""
    by_kind = Counter(mutant.kind for mutant in mutants)
    by_pass = Counter(mutant.passed.name for mutant in mutants)
    rows = [f"{count:5d}  {name}" for name, count in [*by_kind.items(), *by_pass.items()]]
    ambiguous = sum(mutant.ambiguous for mutant in mutants)
    return "\n".join([*rows, f"{len(mutants):5d}  in all, {ambiguous} of them ambiguous"])


if __name__ == "__main__":
    print(counts(corpus().mutants))
    print(f"{len(corpus().raising):5d}  raise")
