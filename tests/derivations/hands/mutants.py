"""Mutants: the derivations of all hands with one mistake each.

A mutant is a mistake where the gradients that the text then derives differ from the right ones.
Mistakes that give the same gradients are one mutant, and any of their lines may be blamed.
"""

import ast
import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from derivations.hands import HANDS
from derivations.hands.hand import Hand
from derivations.hands.kinds import EXPLANATIONS, KINDS, Kind
from derivations.hands.running import Values, executed, gradients_of, line_of, raising_line
from derivations.hands.statements import Edit, Statement, statements_of

EQUAL = 1e-9
WITHIN_TOLERANCE = 1e-4
MUTANTS_PER_HAND = 90
GENERAL = (
    "constant factor",
    "count once more",
    "factor of a part",
    "other operand",
    "other index",
    "other power",
)


@dataclass(frozen=True, eq=False)
class Mutant:
    """A derivation with a mistake in `line`; `causes` are those that may be named, by line.

    Each of the lines in `causes` may be blamed alone.
    """

    id: str
    hand: Hand
    kind: str
    line: int
    causes: dict[int, frozenset[str]]
    text: str = field(repr=False)

    @property
    def change(self) -> str:
        """The line as it was and as it reads now."""
        before, after = self.hand.source.splitlines(), self.text.splitlines()
        return f"{before[self.line - 1].strip()}   became   {after[self.line - 1].strip()}"


@dataclass(frozen=True, eq=False)
class Raising:
    """A mutant that raises, with the line that does."""

    mutant: Mutant
    line: int | None
    error: str


@dataclass
class Corpus:
    mutants: list[Mutant] = field(default_factory=list)
    raising: list[Raising] = field(default_factory=list)


@functools.cache
def corpus_of(hand: Hand) -> Corpus:
    """The mutants of a hand, a seeded choice spread over the kinds."""
    found, known = Corpus(), Known()
    right, counts = gradients_of(hand, hand.source, hand.name), lengths(hand)
    for draft in drafts(hand):
        if known.has(draft):
            continue
        try:
            given = gradients_of(hand, draft.text, draft.id)
        except SyntaxError:
            continue
        except Exception as error:
            if draft.kind not in EXPLANATIONS:
                line = raising_line(error, draft.id)
                found.raising.append(Raising(draft, line, f"{type(error).__name__}: {error}"))
            known.texts[draft.text] = None
            continue
        mistake = is_mistake(given, right, counts, hand.has_free_length)
        known.texts[draft.text] = known.add(draft, given) if mistake else None
    mistakes = [mutant for mutant in known.mutants if mutant.kind not in EXPLANATIONS]
    found.mutants = spread(mistakes, hand.name)
    found.raising = found.raising[:MUTANTS_PER_HAND]
    return found


@dataclass
class Known:
    """Mutants with their gradients, those with equal gradients as one; texts with their places."""

    mutants: list[Mutant] = field(default_factory=list)
    gradients: list[Values] = field(default_factory=list)
    texts: dict[str, int | None] = field(default_factory=dict)

    def has(self, draft: Mutant) -> bool:
        """Whether the text is known; what the draft allows is allowed as well."""
        if draft.text not in self.texts:
            return draft.text == draft.hand.source
        place = self.texts[draft.text]
        if place is not None:
            self.mutants[place] = merged(self.mutants[place], draft)
        return True

    def add(self, draft: Mutant, given: Values) -> int:
        """The place of a mutant, which is that of another with equal gradients."""
        for place, other in enumerate(self.gradients):
            if all(close(given[name], other[name]) for name in given):
                self.mutants[place] = merged(self.mutants[place], draft)
                return place
        self.mutants.append(draft)
        self.gradients.append(given)
        return len(self.mutants) - 1


def corpus(hands: tuple[Hand, ...] = tuple(HANDS)) -> Corpus:
    parts = [corpus_of(hand) for hand in hands]
    return Corpus([m for p in parts for m in p.mutants], [r for p in parts for r in p.raising])


def spread(mutants: list[Mutant], seed: str) -> list[Mutant]:
    """A seeded few, the kinds in turn, in the order of the text."""
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_kind.setdefault(mutant.kind, []).append(mutant)
    rng = random.Random(seed)
    for of_kind in by_kind.values():
        rng.shuffle(of_kind)
    chosen: set[Mutant] = set()
    while len(chosen) < min(MUTANTS_PER_HAND, len(mutants)):
        for of_kind in by_kind.values():
            if of_kind and len(chosen) < MUTANTS_PER_HAND:
                chosen.add(of_kind.pop())
    return [mutant for mutant in mutants if mutant in chosen]


def drafts(hand: Hand) -> Iterator[Mutant]:
    """Every mistake of every kind, before any is run; general kinds last, since others say more."""
    statements = statements_of(hand)
    if not statements:
        raise ValueError(f"{hand.name} has no statement that runs in {hand.derivation}")
    yield from by_hand(hand)
    for general in (False, True):
        for statement in statements:
            for kind, mistakes in KINDS.items():
                if (kind in GENERAL) is general:
                    yield from of_kind(statement, kind, mistakes)
    for statement in statements:
        for kind, mistakes in EXPLANATIONS.items():
            yield from of_kind(statement, kind, mistakes)
    yield from moved(hand, statements)


def of_kind(statement: Statement, kind: str, mistakes: Kind) -> Iterator[Mutant]:
    """The mistakes of one kind in one statement."""
    for count, (edits, causes) in enumerate(mistakes(statement)):
        text = edited(statement.hand.source, edits)
        lines = {statement.line, *(line_at(statement.hand.source, e.begin) for e in edits)}
        label = f"{statement.hand.name}:{statement.line}.{statement.node.col_offset}:{kind}:{count}"
        if any(e.text.strip() == "pass" for e in edits):
            lines |= beside(statement)
            causes = causes | {"term", "operand"}
        allowed = dict.fromkeys(sorted(lines), frozenset(causes))
        yield Mutant(label, statement.hand, kind, statement.line, allowed, text)


def beside(statement: Statement) -> set[int]:
    """The lines that may be blamed for a statement that is missing.

    They are those that assign its target just before, and read it just after.
    """
    tree = ast.parse(statement.hand.source)
    scopes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    around = [n for n in scopes if n.lineno <= statement.line <= n.end_lineno]
    scope = max(around, key=lambda n: n.lineno, default=tree)
    names = [statement.target]
    while isinstance(names[-1], ast.Subscript):
        names.append(names[-1].value)
    simple = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
    found: set[int] = set()
    for name in map(ast.unparse, names):
        using = [
            n.lineno
            for n in ast.walk(scope)
            if isinstance(n, simple) and any(ast.unparse(part) == name for part in ast.walk(n))
        ]
        before = sorted(n for n in using if n < statement.line)
        after = sorted(n for n in using if n > statement.line)
        found |= {*before[-1:], *after[:1]}
    return found


def by_hand(hand: Hand) -> Iterator[Mutant]:
    for count, extra in enumerate(hand.extra):
        if hand.source.count(extra.before) != 1:
            raise ValueError(f"{extra.before!r} is not once in {hand.name}")
        line = line_at(hand.source, hand.source.index(extra.before))
        text = hand.source.replace(extra.before, extra.after)
        label = f"{hand.name}:{line}:{extra.kind}:{count}"
        yield Mutant(label, hand, extra.kind, line, {line: extra.causes}, text)


def edited(source: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, key=lambda e: -e.begin):
        source = source[: edit.begin] + edit.text + source[edit.end :]
    return source


def line_at(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1


def moved(hand: Hand, statements: list[Statement]) -> Iterator[Mutant]:
    """A weight that takes its step before a line that still needs it as it was."""
    lines = hand.source.splitlines(keepends=True)
    alone = [s for s in statements if lines[s.line - 1].strip() == s.text(s.node)]
    for update in alone:
        if not update.is_update or update.target is None:
            continue
        name = ast.unparse(update.target)
        for reader in alone:
            same_block = reader.node.col_offset == update.node.col_offset
            reads = any(ast.unparse(v) == name for v in ast.walk(reader.node))
            if reader.line >= update.line or not same_block or not reads:
                continue
            block = lines[reader.line - 1 : update.line - 1]
            if any(indent(line) < reader.node.col_offset for line in block if line.strip()):
                continue
            if hand.is_script and reader.line <= line_of(hand.source, hand.start):
                continue
            text = "".join(
                [*lines[: reader.line - 1], lines[update.line - 1], *block, *lines[update.line :]]
            )
            causes = frozenset(("operand", "accumulate", "index", "term"))
            label = f"{hand.name}:{reader.line}:updated too early:{update.line}"
            allowed = {reader.line: causes, reader.line + 1: causes}
            yield Mutant(label, hand, "updated too early", reader.line, allowed, text)


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def merged(known: Mutant, other: Mutant) -> Mutant:
    """The known mutant, of which the lines and causes of another are right as well."""
    if "updated too early" in (known.kind, other.kind):
        return known
    lines = known.causes.keys() | other.causes.keys()
    empty: frozenset[str] = frozenset()
    causes = {n: known.causes.get(n, empty) | other.causes.get(n, empty) for n in sorted(lines)}
    return replace(known, causes=causes)


def lengths(hand: Hand) -> set[int]:
    """The lengths of all arrays of a text: what N may be."""
    found: set[int] = set()
    for value in executed(hand, hand.source, hand.name).values():
        if isinstance(value, np.ndarray):
            found |= set(value.shape)
        elif isinstance(value, list):
            found.add(len(value))
    return found - {0, 1}


def is_mistake(given: Values, right: Values, counts: set[int], free: bool) -> bool:
    """Whether the gradients differ by more than rounding, and by more than a convention.

    Where steps are `free` they may all be longer or shorter by one factor.
    """
    if not all(np.all(np.isfinite(value)) for value in given.values()):
        return False
    if any(is_rounding(given[name], right[name]) for name in given):
        return False
    if all(same_shape(given[n], right[n]) for n in given):
        differences = [difference(given[n].reshape(right[n].shape), right[n]) for n in given]
        if max(differences) < WITHIN_TOLERANCE:
            return False
        ratios = {
            float(np.sum(given[n].reshape(right[n].shape) * right[n]) / np.sum(right[n] ** 2))
            for n in given
        }
        free_scales = {r for r in ratios if r > 0} if free else set()
        if any(agree(given, right, scale) for scale in free_scales):
            return False
        for count in counts:
            for scale in (count, 1 / count):
                if agree(given, right, scale):
                    return False
    return True


def agree(given: Values, right: Values, scale: float) -> bool:
    """Whether all gradients are the right ones times a factor."""
    return all(close(given[n].reshape(right[n].shape), right[n] * scale) for n in given)


def same_shape(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two shapes are the same but for axes of length 1 in front."""
    shapes = [tuple(s)[next((i for i, n in enumerate(s) if n != 1), len(s)) :]
              for s in (one.shape, other.shape)]  # fmt: skip
    return shapes[0] == shapes[1]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to the largest element."""
    scale = max(np.max(np.abs(one), initial=0), np.max(np.abs(other), initial=0))
    return float(np.max(np.abs(one - other), initial=0) / scale) if scale else 0.0


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and difference(one, other) <= EQUAL


def is_rounding(given: np.ndarray, right: np.ndarray) -> bool:
    """Whether an array is what rounding leaves where terms cancel."""
    largest = np.max(np.abs(given), initial=0)
    return bool(0 < largest < 1e-12 * np.max(np.abs(right), initial=0))
