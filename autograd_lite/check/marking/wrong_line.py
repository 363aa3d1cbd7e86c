"""The search for the wrong line: the backward pass is run again with one statement changed.

A change is accepted if it makes a wrong gradient right, and none wrong that was right, on the given
inputs and on fresh random ones as well.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.edits import (
    ALL_EDITS,
    EDITS,
    FIRST_EDITS,
    INSERTED,
    LATER_EDITS,
    SECOND_EDITS,
    Edit,
    Line,
    Source,
)
from autograd_lite.check.marking.edits.factors import scaled_by
from autograd_lite.check.marking.edits.trees import ARRIVING, chain_of
from autograd_lite.check.marking.evidence import Evidence, Graph, values_of
from autograd_lite.check.marking.execution import Event, Execution, Filling
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.influence import dependent_steps
from autograd_lite.check.marking.rewriting import (
    WATCH,
    Definition,
    Place,
    persons_function,
    update_of,
)
from autograd_lite.check.marking.steps import is_gradient_name, known_tensors
from autograd_lite.check.marking.trials import Effects, Quick
from autograd_lite.check.report import RIGHT

SEARCH_SECONDS = 3.0
"""The time that the search takes at most, unless another is given."""

COMMON_CAUSE_SECONDS = 1.0
"""The time in which one edit is looked for that explains more than the one that was found."""

FRESH_INPUTS = 2
"""The number of other inputs on which a change has to hold as well."""

ACCEPTED_LIMIT = 6
"""So many edits of one line that explain it are enough to choose among."""

KINDS = (
    *("sign", "factor", "shape", "transpose", "unsummed", "accumulate", "mask", "activation"),
    *("elementwise", "index", "operand", "term"),
)
"""Kinds of mistakes in the order in which they are named where several fit equally well."""


@dataclass
class Outcome:
    """What an edit does: the steps that are no longer wrong, and how many results are right."""

    mended: frozenset[str]
    results: int = 0
    taken_back: frozenset[str] = frozenset()
    """What seemed to be right on the way, and is no gradient where all results are right."""

    @property
    def worth(self) -> tuple[int, int]:
        """How much the edit explains: of what is handed in, and in all."""
        return self.results, len(self.mended)


@dataclass
class Found:
    """An edit that was accepted, and what it does."""

    edit: Edit
    line: int
    outcome: Outcome
    others: list[Edit] = field(default_factory=list)

    @property
    def mended(self) -> frozenset[str]:
        return self.outcome.mended


class Search:
    """Looks for the edits that make a derivation right."""

    def __init__(
        self,
        evidence: Evidence,
        back: Execution,
        rest: Sequence[Event],
        right_keys: frozenset[Any],
        context: Mapping[str, Any],
        seconds: float = SEARCH_SECONDS,
        progress: Any = None,
    ) -> None:
        self.evidence = evidence
        self.back = back
        self.rest = rest
        self.right_keys = right_keys
        self.context = context
        self.deadline = time.thread_time() + seconds
        self.cut_off = False
        self.found: list[Found] = []
        self.progress = progress
        self.trees: dict[Definition, Any] = {}
        self.runs = 0
        self._fresh: list[tuple[Evidence, frozenset[str]]] | None = None
        self.values = {s.key: s.value for s in evidence.steps}
        self._arriving: list[str] = []
        self._aside: list[tuple[Line, Edit, Outcome]] = []
        self.left: Interpretation
        events = [s.event for s in evidence.steps if s.event is not None]
        self.keys = {key for event in events for key in (event.key, event.ordinal)}

    def find(self, interpretation: Interpretation) -> None:
        """Finds the mistakes one after the other; each is undone before the next is looked for."""
        start = self.back, self.values, dict(self.trees)
        self._find_all(interpretation)
        several = self.found[1:]
        if not several or self.unexplained:
            return
        # What was found last may be all that is wrong.
        found, left, trees = self.found, self.left, self.trees
        self.back, self.values, self.trees = start
        self._fresh = None
        one = self._one_of([f.edit.place for f in several], interpretation)
        if one is None:
            self.found, self.left, self.trees = found, left, trees
            return
        self.found = [one]
        self.trees[one.edit.definition] = one.edit.tree(self.trees.get(one.edit.definition))

    def _one_of(self, places: list[Place], now: Interpretation) -> Found | None:
        """An edit of one of some statements that explains all that is wrong."""
        wrong = _wrong(now)
        for line in self._lines(now, wrong):
            if not any(line.place is place for place in places):
                continue
            for sources in (EDITS, LATER_EDITS):
                accepted = [a for a in self._accepted(line, sources, now, wrong)]
                accepted = [a for a in accepted if a[1].mended == wrong]
                if accepted:
                    return self._best(line, accepted)
        return None

    def _find_all(self, interpretation: Interpretation) -> None:
        found = self.found
        now = self.left = interpretation
        for _ in range(4):
            wrong = _wrong(now)
            if not wrong or (found and self._is_all_right(now)):
                break
            one = self._next(now, wrong)
            if one is None:
                break
            found.append(one)
            self.left = now
            self.trees[one.edit.definition] = one.edit.tree(self.trees.get(one.edit.definition))
            after = self._undone()
            if after is None:
                break
            now = after
        self.left = now

    @property
    def unexplained(self) -> frozenset[str]:
        """The steps that are still wrong with all mistakes undone that were found.

        None where all that is handed in is right then: the others are not what they are called.
        """
        return frozenset() if self._is_all_right(self.left) else _wrong(self.left)

    def _undone(self) -> Interpretation | None:
        """The derivation without the mistakes that were found so far."""
        back = self.evidence.setting.run_backward(
            edits=self.trees, scopes=True, forward=self.evidence.forward_values
        )
        values = values_of(self.evidence, back)
        if back.error is not None or values is None:
            return None
        self.back, self.values, self._fresh = back, values, None
        return self.evidence.read(values)

    def _next(self, now: Interpretation, wrong: frozenset[str]) -> Found | None:
        """The edit that makes most right; of equals that in the likeliest line."""
        self._aside = []
        best = self._foremost(now, wrong)
        results = 0 if best is None else best.outcome.results
        aside = [a for a in self._aside if a[2].results > results]
        if aside:
            line = aside[0][0]
            return self._best(line, [(e, o) for one, e, o in aside if one is line])
        return best

    def _foremost(self, now: Interpretation, wrong: frozenset[str]) -> Found | None:
        """The edit that makes most right and nothing wrong that seemed to be right."""
        best: Found | None = None
        until = self.deadline
        tried: set[Any] = set()
        for sources, chosen, is_misled in self._stages(now, wrong):
            if best is not None and (is_misled or sources in (LATER_EDITS, ALL_EDITS)):
                continue
            for line in chosen:
                if time.thread_time() > until:
                    return best
                if (sources, id(line), is_misled) in tried:
                    continue
                tried.add((sources, id(line), is_misled))
                accepted = list(self._accepted(line, sources, now, wrong, is_misled))
                if accepted:
                    found = self._at_its_origin(self._best(line, accepted), line, now, wrong)
                    if best is None or self._rank(found) > self._rank(best):
                        best = found
                    if best.mended == wrong:
                        return best
                    # Another line may explain more: it is looked for a while.
                    until = min(until, time.thread_time() + COMMON_CAUSE_SECONDS)
                if self.cut_off:
                    return best
        return best

    def _rank(self, found: Found) -> tuple[tuple[int, int], bool]:
        """How likely an edit is: of what explains part of what is wrong, the line of one call."""
        return found.outcome.worth, self._is_called_once(found.edit.place)

    def _stages(
        self, now: Interpretation, wrong: frozenset[str]
    ) -> Iterator[tuple[tuple[Source, ...], list[Line], bool]]:
        """Which edits of which lines are tried one after the other.

        The last item says that the lines' own gradients do not tell what they should be.
        """
        lines = list(self._lines(now, wrong))
        reliable = [line for line in lines if line.is_reliable]
        several = len(reliable) > 1
        yield FIRST_EDITS if several else EDITS, reliable, False
        # What a line should give is known where it has a step, so that trying is quick.
        quick = [line for line in lines if not line.is_reliable and self._is_quick(line, now)]
        others = [line for line in lines if not line.is_reliable and line not in quick]
        # A step that is no gradient of what it is called after is right where its line is wrong.
        misled = [line for line in lines if line.key is not None and not self._is_final(line.key)]
        likely, possible, unlikely, ahead = self._by_likelihood(others, now, wrong)
        # A value of the forward pass that is another one here is wrong where it is computed.
        yield ALL_EDITS, [line for line in others if self._is_changed(line)], False
        # Several lines are wrong where one that all of them come from is.
        yield FIRST_EDITS, likely, False
        yield EDITS, quick, False
        # Where a gradient is handed on as it is, something may be missing.
        yield LATER_EDITS, [line for line in lines if _hands_on(line)], False
        yield INSERTED, [*reliable, *likely, *ahead], False
        if several:
            yield SECOND_EDITS, reliable, False
        yield LATER_EDITS, reliable, False
        yield LATER_EDITS, quick, False
        yield FIRST_EDITS, misled, True
        yield SECOND_EDITS, likely, False
        yield FIRST_EDITS, possible, False
        yield LATER_EDITS, likely, False
        yield SECOND_EDITS, misled, True
        yield SECOND_EDITS, possible, False
        yield LATER_EDITS, possible, False
        for sources in (FIRST_EDITS, SECOND_EDITS, LATER_EDITS):
            yield sources, unlikely, False

    def _is_changed(self, line: Line) -> bool:
        """Whether a line computes a value that has another one in the forward pass."""
        known = self.evidence.forward_values
        if update_of(line.statement) is not None:
            return False
        here = [e for e in self.back.events if e.place is line.place and e.path in known]
        parts = [_is_part(np.asarray(e.value), np.asarray(known[e.path])) for e in here]
        return bool(here) and not any(parts) and not any(is_gradient_name(e.name) for e in here)

    def _by_likelihood(
        self, lines: list[Line], now: Interpretation, wrong: frozenset[str]
    ) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
        """The lines that all that is wrong depends on, and nothing that is right; those that some
        of it does; the others; and of these the ones that all that is wrong depends on."""
        off = {key for key, status in now.status.items() if status not in RIGHT}
        likely: list[Line] = []
        possible: list[Line] = []
        unlikely: list[Line] = []
        ahead: list[Line] = []
        for line in lines:
            found = dependent_steps(self.evidence, line.place, self.values, self.trees)
            if found is None:
                likely.append(line)
            elif found & wrong and found <= off:
                (likely if found >= wrong else possible).append(line)
            else:
                unlikely.append(line)
                ahead += [line] if found >= wrong else []
        return likely, possible, unlikely, ahead

    def _lines_called(self, line: Line, now: Interpretation) -> Iterator[Line]:
        """The statements of helpers that a line calls, which the forward pass does not run."""
        calls = [n for root in line.roots for n in ast.walk(root) if isinstance(n, ast.Call)]
        found = [persons_function(self.back.sources, line.at(call.func)) for call in calls]
        called = [self.back.sources.definition(f[0]) for f in found if f is not None]
        ran = [*(e.place for e in self.back.events), *self._ended()]
        ahead = self.context["ahead"]
        places = {id(p): p for p in ran if p.definition in called and id(p) not in ahead}
        return (self._line(place, None, now) for place in places.values())

    def _is_called_once(self, place: Place) -> bool:
        """Whether no more than one expression calls the function that a statement is in."""
        name = place.definition.name
        calls = [
            n
            for tree in self.context["trees"]
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and ast.unparse(n.func).split(".")[-1] == name
        ]
        return len(calls) < 2

    def _ended(self) -> list[Place]:
        """The return statements that ran."""
        return [self.back.sources.places[p] for p in self.back.returns]

    def _is_final(self, key: str) -> bool:
        return any(s.final for s in self.evidence.steps if s.key == key)

    def _is_all_right(self, interpretation: Interpretation) -> bool:
        """Whether what is handed in is right."""
        finals = [s.key for s in self.evidence.steps if s.final]
        return bool(finals) and all(interpretation.status[key] in RIGHT for key in finals)

    def _is_quick(self, line: Line, now: Interpretation) -> bool:
        return Quick.of(line, self.evidence, self.values, now) is not None

    def _at_its_origin(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found:
        """An edit of the line that computed an operand, where that explains more.

        Where several lines lack the same of one operand, it is the operand that lacks it.
        """
        for inner in self._lines_called(line, now):
            accepted: list[tuple[Edit, Outcome]] = []
            for sources in (EDITS, LATER_EDITS):
                if not accepted:
                    found_inside = self._accepted(inner, sources, now, wrong)
                    accepted = [a for a in found_inside if WATCH not in a[0].written]
                    accepted_by = sources
            if accepted:
                inside = self._best(inner, accepted)
                explains_more = inside.outcome.worth > found.outcome.worth
                is_as_good = inside.outcome.worth == found.outcome.worth
                # What is said of any line at a pinch is no reason to leave this one.
                is_as_good &= inside.edit.weight >= found.edit.weight
                is_as_good &= accepted_by is EDITS or found.edit.kind == inside.edit.kind
                # Of several calls one alone would not be wrong through the helper.
                is_whole = inside.mended == wrong or self._is_called_once(inner.place)
                if explains_more or (is_as_good and is_whole):
                    return inside
        if found.mended != wrong:
            common = self._common_factor(found, line, now, wrong)
            if common is not None:
                return common
        # Where a value is handed on as it is, what is missing is missing there.
        other = None if _hands_on(line) else self._origin_of(found, line, now, wrong)
        if other is None:
            return found
        for sources in (EDITS, LATER_EDITS):
            accepted = list(self._accepted(other, sources, now, wrong))
            if accepted:
                at_origin = self._best(other, accepted)
                return at_origin if at_origin.outcome.worth >= found.outcome.worth else found
        return found

    def _origin_of(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Line | None:
        """The line that computed the operand that an edit changes.

        None where it is known to be right, and the edit explains all that is wrong.
        """
        start = self._start_of(line)
        for operand in _operands_of(found.edit):
            before = [e for e in self.back.events if e.path == operand and e.serial < start]
            if not before or before[-1].place is line.place:
                continue
            is_known = before[-1].key in self.right_keys or any(
                s.event is not None and s.event.key == before[-1].key and now.status[s.key] in RIGHT
                for s in self.evidence.steps
            )
            place = before[-1].place
            # Where it lacks a term, a value of the forward pass may be all that is there.
            is_lacking = found.edit.kind == "term" and operand not in self.evidence.forward_values
            is_known &= found.mended == wrong
            if not is_known and (is_lacking or id(place) not in self._forward_again()):
                return self._line(place, None, now)
        return None

    def _start_of(self, line: Line) -> int:
        """When a statement began to run first; -1 where it did not run."""
        here = [e.serial for e in self.back.events if e.place is line.place]
        here += [
            s for p, s in self.back.returns.items() if self.back.sources.places[p] is line.place
        ]
        return min(here, default=-1)

    def _common_factor(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found | None:
        """The statement before that lacks the factor which makes up for part of what is wrong, and
        makes up for more."""
        number = self._factor_of(found)
        if number is None:
            return None
        best: Found | None = None
        start = min((e.serial for e in self.back.events if e.place is line.place), default=0)
        before = [e.place for e in self.back.events if e.serial < start][::-1]
        ended = [self.back.sources.places[p] for p, s in self.back.returns.items() if s <= start]
        ahead = self.context["ahead"]
        for place in dict.fromkeys([*before, *ended]):
            if id(place) in ahead:
                continue
            for edit in scaled_by(self._line(place, None, now), number):
                if time.thread_time() > self.deadline:
                    return best
                outcome = self._outcome(edit, now, wrong)
                if outcome is not None and not outcome.taken_back:
                    if len(outcome.mended) > len((best or found).mended):
                        best = Found(edit, edit.line or place.line, outcome)
        return best

    def _factor_of(self, found: Found) -> float | None:
        """The number that an edit multiplies a gradient by, where it does nothing else."""
        trees = self.trees | {
            found.edit.definition: found.edit.tree(self.trees.get(found.edit.definition))
        }
        after = self._values(self.evidence, trees)
        if after is None:
            return None
        factors = (self.evidence.tolerance.factor(after[k], self.values[k]) for k in found.mended)
        return next((f for f in factors if f is not None and abs(f - 1) > 1e-6), None)

    def _best(self, line: Line, accepted: list[tuple[Edit, Outcome]]) -> Found:
        most = max(outcome.worth for _, outcome in accepted)
        accepted = [a for a in accepted if a[1].worth == most]
        accepted.sort(key=lambda a: (-a[0].weight, KINDS.index(a[0].kind)))
        edit, outcome = accepted[0]
        kinds = {edit.kind}
        others = []
        for other, _ in accepted[1:]:
            if other.kind not in kinds and other.weight >= edit.weight:
                kinds.add(other.kind)
                others.append(other)
        return Found(edit, edit.line or line.place.line, outcome, others[:2])

    def _accepted(
        self,
        line: Line,
        sources: Any,
        now: Interpretation,
        wrong: frozenset[str],
        is_misled: bool = False,
    ) -> Iterator[tuple[Edit, Outcome]]:
        seen: set[str] = set()
        count = 0
        quick = None if is_misled else Quick.of(line, self.evidence, self.values, now)
        here = {k for k in wrong if self.evidence.lines[k] == line.place.line}
        for source in sources:
            for edit in source(line):
                if time.thread_time() > self.deadline:
                    self.cut_off = True
                    return
                text = edit.written
                if text in seen:
                    continue
                seen.add(text)
                if quick is not None and not quick.promises(edit):
                    continue
                outcome = self._outcome(edit, now, wrong)
                # What a line gives is right where it is mended, unless its name misleads.
                if outcome is not None and (is_misled or not here or outcome.mended & here):
                    if outcome.taken_back:
                        self._aside.append((line, edit, outcome))
                        continue
                    yield edit, outcome
                    count += outcome.mended >= here
                    if count >= ACCEPTED_LIMIT:
                        return

    def _outcome(self, edit: Edit, now: Interpretation, wrong: frozenset[str]) -> Outcome | None:
        """What an edit makes right; None where it is not accepted."""
        values = self._tried(edit, self.evidence)
        if values is None or not self._promises(values, now, wrong):
            return None
        after = self.evidence.read(values)
        right = _right(now)
        taken_back = frozenset(k for k in _wrong(after) & right if self._may_mislead(k, edit))
        right -= taken_back if self._is_all_right(after) else frozenset()
        mended = self._mended(after, wrong, right)
        # What is as it was, and right in another convention only, is not mended.
        same = self.evidence.tolerance.same
        if all(same(values[key], self.values[key]) for key in mended):
            return None
        confirmed = False
        varies = not edit.is_measured
        for evidence, wrong_there in self.fresh():
            other = self._tried(edit, evidence)
            if other is None:
                return None
            there = self._mended(evidence.read(other), wrong_there, right - wrong_there)
            if not there >= mended & wrong_there:
                return None
            confirmed |= bool(mended & wrong_there)
            varies |= not all(same(other[key], values[key]) for key in mended)
        off = (s.key for s in self.evidence.steps if s.final and now.status[s.key] not in RIGHT)
        results = sum(after.status[key] in RIGHT for key in off)
        # A number that was measured on inputs is confirmed by other inputs only.
        return Outcome(mended, results, taken_back) if confirmed and varies else None

    def _may_mislead(self, key: str, edit: Edit) -> bool:
        """Whether a step may be right by chance where an edit makes it wrong and all results right.

        Not where the edit changes the step itself, unless that is another step by another name.
        """
        is_another = self.evidence.lines[key] != edit.place.line or _is_renaming(edit.place)
        return is_another and not self._is_final(key)

    def _promises(
        self, values: Mapping[str, np.ndarray], now: Interpretation, wrong: frozenset[str]
    ) -> bool:
        """Whether a step that is not right has become what it should be, which is quickly seen."""
        tolerance = self.evidence.tolerance
        off = {k for k, status in now.status.items() if status in ("wrong", "inherited")}
        own = self.evidence.own({k: values[k] for k in off})
        return any(
            self._is_but_for_a_count(own[k], now.truth[k])
            or (k in wrong and tolerance.same(own[k], now.expected[k]))
            for k in off
        )

    def _is_but_for_a_count(self, value: np.ndarray, truth: np.ndarray) -> bool:
        """Whether a gradient is the true one, or that of the sum for the mean."""
        number = abs(self.evidence.tolerance.factor(value, truth) or 0)
        counts = (1, *self.evidence.counts)
        return any(abs(number / n - 1) < 1e-6 or abs(number * n - 1) < 1e-6 for n in counts)

    def _mended(
        self, after: Interpretation, wrong: frozenset[str], right: frozenset[str]
    ) -> frozenset[str]:
        """The steps that are no longer wrong, where none is that was not before."""
        # What is called after a tensor and is no gradient of it is wrong where all else is right.
        is_accepted = self._is_all_right(after) and not _wrong(after) & right
        is_accepted |= _wrong(after) < wrong
        return wrong - _wrong(after) if is_accepted else frozenset()

    def _tried(self, edit: Edit, evidence: Evidence) -> dict[str, np.ndarray] | None:
        """The values of the steps with an edit; None where it raises, or they are not finite."""
        if edit.changes_value_only and edit.definition not in self.trees:
            if edit.filling is None:
                edit.filling = Filling(edit.place, edit.statements[0])
            return self._values(evidence, self.trees, edit.filling)
        trees = self.trees | {edit.definition: edit.tree(self.trees.get(edit.definition))}
        return self._values(evidence, trees)

    def _values(
        self, evidence: Evidence, trees: Any, filling: Filling | None = None
    ) -> dict[str, np.ndarray] | None:
        self.runs += 1
        if self.progress is not None:
            self.progress(self.runs)
        try:
            back = evidence.setting.run_backward(
                edits=trees, keys=self.keys, forward=evidence.forward_values, filling=filling
            )
        except SyntaxError:
            return None
        if back.error is not None and self.back.error is None:
            return None
        values = values_of(evidence, back)
        if values is None or not all(np.all(np.isfinite(v)) for v in values.values()):
            return None
        return values

    def _interpreted(self, trees: Any) -> Interpretation | None:
        values = self._values(self.evidence, trees)
        return None if values is None else self.evidence.read(values)

    def fresh(self) -> list[tuple[Evidence, frozenset[str]]]:
        """Evidence on other inputs, and the steps that are wrong there."""
        if self._fresh is None:
            self._fresh = []
            settings = getattr(self, "_settings", None)
            if settings is None:
                settings = self._settings = list(_fresh_evidence(self.evidence))
            right = self._right_now()
            for evidence in settings:
                values = self._values(evidence, self.trees)
                if values is None:
                    continue
                wrong = _wrong(evidence.read(values))
                if not wrong & right:
                    self._fresh.append((evidence, wrong))
                if len(self._fresh) == FRESH_INPUTS:
                    break
        return self._fresh

    def _right_now(self) -> frozenset[str]:
        now = self._interpreted(self.trees)
        keys = frozenset(s.key for s in self.evidence.steps)
        return keys if now is None else keys - _wrong(now)

    def _lines(self, now: Interpretation, wrong: frozenset[str]) -> Iterator[Line]:
        """The statements of the backward pass, those first where the mistake is likeliest."""
        events = {e.key: e for e in self.back.events}
        own = {s.key: events[s.event.key] for s in self.evidence.steps if s.event is not None}
        suspects = [own[key] for key in wrong if key in own]
        last = max((e.serial for e in suspects), default=len(self.back.events))
        again, ahead = self._forward_again(), self.context["ahead"]
        rest = [events[e.key] for e in self.rest if e.key in events]
        unknown = [e for e in rest if e.serial <= last and id(e.place) not in again]
        unknown = [e for e in unknown if not isinstance(e.value, (int, np.integer))]
        arrays = [e for e in unknown if np.ndim(e.value)]
        first = sorted([*suspects, *unknown], key=lambda e: e.serial)
        known = sorted(e.serial for k, e in own.items() if k not in wrong)
        known += [e.serial for e in self.back.events if e.key in self.right_keys]
        others = [e for e in self.back.events if e.serial <= last][::-1]
        later = [e for e in self.back.events if e.serial > last]
        seen: set[int] = set()
        returned, handed = self.back.returned_at, [key for key in wrong if key not in own]
        if returned is not None and handed:
            # What has no statement of its own is as the return statement has it.
            seen.add(id(returned))
            line = self._line(returned, handed[0], now)
            line.is_reliable = True
            yield line
        places = [*(e.place for e in first), *self._ended(), *(e.place for e in others)]
        places += [e.place for e in later]
        places.sort(key=lambda place: id(place) in again)
        for place in places:
            if id(place) in seen or id(place) in ahead:
                continue
            seen.add(id(place))
            here = [key for key in wrong if key in own and own[key].place is place]
            line = self._line(place, max(here, key=lambda k: own[k].serial, default=None), now)
            line.is_reliable = any(map(self._is_told, here)) and self._is_next_to_known(
                min(own[k].serial for k in here), known, arrays
            )
            yield line

    def _is_told(self, key: str) -> bool:
        """Whether whose gradient a step is was told by the person."""
        return any(s.tensor or s.final for s in self.evidence.steps if s.key == key)

    def _is_next_to_known(self, serial: int, known: list[int], unknown: list[Event]) -> bool:
        """Whether nothing that is not understood stands between a step and the known one before."""
        before = max((s for s in known if s < serial), default=-1)
        return not any(before < e.serial < serial for e in unknown)

    def _forward_again(self) -> set[int]:
        """Statements that compute values of the forward pass again, and no gradient."""
        values = [v for v in map(np.asarray, self.evidence.forward_values.values()) if v.ndim]
        again: dict[int, bool] = {}
        for event in self.back.events:
            array = event.array
            if array is not None and not array.ndim:
                continue
            same = array is not None and any(_is_part(array, v) for v in values)
            again[id(event.place)] = again.get(id(event.place), True) and same
            if is_gradient_name(event.name) or event.key in self.keys:
                again[id(event.place)] = False
        return {place for place, same in again.items() if same}

    def _line(self, place: Place, key: str | None, now: Interpretation) -> Line:
        number = self.evidence.setting.sources.places.index(place)
        scopes = self.back.scopes or {}
        step = next((s for s in self.evidence.steps if s.key == key), None)
        line = Line(
            place,
            scopes.get(number, {}),
            self.back.namespaces.get(number, {}) | {"__watch__": self.back},
            self.evidence.forward_values,
            self.context["related"],
            self.context["sizes"],
            None if key is None else self.evidence.own({key: self.values[key]})[key],
            None if key is None else now.expected[key],
            "" if step is None else step.tensor,
            {} if key is None else self._parts(key, now),
            key,
            arriving=[] if key is None else self._arriving,
            elsewhere=self.context["trees"],
        )
        line.multiples = self._effects(line, now).multiples
        return line

    def _effects(self, line: Line, now: Interpretation) -> Effects:
        """What edits of a line change: computed by itself, or by a run of the whole."""
        off = [k for k, status in now.status.items() if status not in RIGHT]
        keys = off if line.key is None else [line.key]
        truth = now.truth if line.key is None else now.expected
        quick: list[Quick | None] = []

        def tried(edit: Edit) -> Mapping[str, np.ndarray] | None:
            if not quick:
                quick.append(Quick.of(line, self.evidence, self.values, now))
            if quick[0] is not None and quick[0].can_tell(edit):
                value = quick[0].value(edit)
                return None if value is None else {keys[0]: value}
            if time.thread_time() > self.deadline:
                return None
            values = self._tried(edit, self.evidence)
            return values and self.evidence.own({k: values[k] for k in keys})

        given = self.evidence.own({k: self.values[k] for k in keys})
        return Effects(given, {k: truth[k] for k in keys}, tried)

    def _parts(self, key: str, now: Interpretation) -> dict[str, Any]:
        """What each path of the chain rule contributes to a gradient, here and on fresh inputs."""
        names = {s.key: s.name for s in self.evidence.steps}
        for evidence in [self.evidence, *(e for e, _ in self.fresh())]:
            values = self._values(evidence, self.trees)
            if values is None:
                return {}
            parts = evidence.parts(key, values, now.factor, now.scales[key])
            named = {f"part {key}: {names.get(k, k)}": part for k, part in parts.items()}
            arriving = evidence.arriving(values, now.factor)
            named |= {ARRIVING + name: g for name, g in arriving.items()}
            evidence.forward_values = dict(evidence.forward_values) | named
        self._arriving = [n for n in self.evidence.forward_values if n.startswith(ARRIVING)]
        self.back.forward = self.evidence.forward_values
        return {
            n: v for n, v in self.evidence.forward_values.items() if n.startswith(f"part {key}:")
        }


def _operands_of(edit: Edit) -> list[str]:
    """The variables that an edit changes, or of whose product it takes another multiple."""
    if edit.operand is not None or edit.swap is None or edit.kind not in ("factor", "sign"):
        return [] if edit.operand is None else [edit.operand]
    names = (ast.Name, ast.Attribute)
    return [ast.unparse(n) for n in chain_of(edit.swap[0]) if isinstance(n, names)]  # type: ignore[arg-type]


def _right(interpretation: Interpretation) -> frozenset[str]:
    return frozenset(k for k, status in interpretation.status.items() if status in RIGHT)


def _hands_on(line: Line) -> bool:
    """Whether a line gives a gradient another name or adds it to one, and does nothing else."""
    is_gradient = is_gradient_name(line.target.split(".")[-1].split("[")[0])
    value = getattr(line.statement, "value", None)
    # By whatever name: in a backward pass what is renamed is the value of a step.
    is_new = isinstance(value, ast.Name) and value.id not in line.values
    return _is_renaming(line.place) and (is_gradient or is_new)


def _is_renaming(place: Place) -> bool:
    """Whether a statement assigns or adds a variable as it is."""
    value = getattr(place.statement, "value", None)
    while isinstance(value, (ast.Attribute, ast.Subscript)):
        value = value.value
    return isinstance(place.statement, (ast.Assign, ast.AugAssign)) and isinstance(value, ast.Name)


def _is_part(array: np.ndarray, value: np.ndarray) -> bool:
    """Whether an array is a value, or one of its rows, columns or slices."""
    if value.shape == array.shape:
        return bool(np.array_equal(value, array))
    axes = [
        axis
        for axis in range(value.ndim)
        if np.delete(value.shape, axis).tolist() == [*array.shape]
    ]
    others = [np.moveaxis(value, axis, 0) for axis in axes]
    return any(np.any(np.all((v == array).reshape(len(v), -1), axis=1)) for v in others)


def _wrong(interpretation: Interpretation) -> frozenset[str]:
    return frozenset(k for k, status in interpretation.status.items() if status == "wrong")


def _fresh_evidence(evidence: Evidence) -> Iterator[Evidence]:
    """The derivation on other inputs: all of them changed, else the parameters alone."""
    paths = {place[1] for place in evidence.places.values() if place[0] == "input"}
    wanted = {id(i.original) for i in evidence.recording.inputs if i.path in paths}
    for wide, seed in ((True, 1), (True, 2), (False, 1), (False, 2)):
        change = _Change(np.random.default_rng(seed), None if wide else wanted)
        try:
            setting = Setting(evidence.setting.subject, change, seed)
            setting.all_arrays = evidence.setting.all_arrays
            recording = setting.record(evidence.setting.wanted, edits=evidence.forward_edits)
            graph = Graph(recording)
            if len(graph.nodes) != len(evidence.graph.nodes):
                continue
            other = Evidence(
                *(setting, recording, graph, evidence.steps, evidence.places),
                *(evidence.tolerance, evidence.counts, evidence.direction),
            )
        except Exception:
            continue
        other.forward_values = known_tensors(recording).values
        yield other


class _Change:
    """Puts random numbers in the place of floating-point arrays, each of its own range."""

    def __init__(self, rng: np.random.Generator, only: set[int] | None) -> None:
        self.rng = rng
        self.only = only

    def __call__(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "f" or (self.only is not None and id(array) not in self.only):
            return array.copy()
        values = np.unique(array[:64].ravel()[:64]) if array.ndim else array
        if array.size and set(np.ravel(values).tolist()) <= {0.0, 1.0, -1.0}:
            # Labels: other samples, which stay one-hot.
            axis = 0 if array.ndim == 1 or array.shape[0] >= array.shape[-1] else array.ndim - 1
            return (
                np.asarray(self.rng.permutation(array, axis=axis)) if array.ndim else array.copy()
            )
        spread = float(np.std(array)) or float(np.max(np.abs(array), initial=0)) or 1.0
        moved = array * self.rng.uniform(0.7, 1.3, array.shape)
        if np.min(array, initial=0) < 0:
            moved = moved + 0.3 * spread * self.rng.normal(size=array.shape)
        return np.asarray(moved, array.dtype)
