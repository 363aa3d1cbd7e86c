"""The search for the wrong line: the backward pass is run again with one statement changed.

A change is accepted if it makes a wrong gradient right, and none wrong that was right, on the given
inputs and on fresh random ones as well.
"""

from __future__ import annotations

import ast
import itertools
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.candidates import Candidates, hands_on, is_renaming
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.definitions import Place
from autograd_lite.check.marking.edits import (
    ALL_EDITS,
    EDITS,
    FIRST_EDITS,
    LACKING,
    LATER_EDITS,
    SECOND_EDITS,
    TERMS,
    Edit,
    Line,
    Source,
)
from autograd_lite.check.marking.edits.factors import factors, scaled_by
from autograd_lite.check.marking.edits.trees import THROUGH, chain_of
from autograd_lite.check.marking.evidence import Evidence, GradientTable
from autograd_lite.check.marking.reruns import Reruns, wrong_in
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.check.marking.trials import Quick
from autograd_lite.check.names import is_gradient_name
from autograd_lite.check.report import RIGHT

SEARCH_SECONDS = 3.0
"""The time that the search takes at most, unless another is given."""

COMMON_CAUSE_SECONDS = 1.0
"""The time in which one edit is looked for that explains more than the one that was found."""

ACCEPTED_LIMIT = 6
"""So many edits of one line that explain it are enough to choose among."""

KINDS = (
    *("sign", "factor", "shape", "transpose", "unsummed", "accumulate", "mask", "activation"),
    *("elementwise", "index", "operand", "term"),
)
"""Kinds of mistakes in the order in which they are named where several fit equally well."""


@dataclass
class Outcome:
    """The effect of an edit: the steps that it mends, and how many results are right with it."""

    mended: frozenset[str]
    results: int = 0
    taken_back: frozenset[str] = frozenset()
    """What seemed to be right on the way, and is no gradient where all results are right."""
    is_complete: bool = False
    """Whether all results are right with it."""
    needs_convention: bool = False
    spoils: bool = False
    """Whether a value on the way is no right gradient any more that was one."""
    """Whether all is right in another convention only, such as that of the sum for the mean."""

    @property
    def worth(self) -> tuple[int, int]:
        """The number of results that the edit makes right, and of steps that it mends."""
        return self.results, len(self.mended)


@dataclass
class Found:
    """An accepted edit and its effect."""

    edit: Edit
    line: int
    outcome: Outcome
    others: list[Edit] = field(default_factory=list)

    @property
    def mended(self) -> frozenset[str]:
        return self.outcome.mended

    @property
    def is_plain(self) -> bool:
        """Whether the edit needs no convention and cannot make up for a mistake elsewhere."""
        is_makeshift = _is_makeshift(self.edit) or self.edit.is_anew
        return not (self.outcome.needs_convention or self.outcome.spoils or is_makeshift)


class Search:
    """Looks for the edits that make a derivation right.

    It is `cut_off` where the time was over before all was tried.
    """

    def __init__(self, runs: Reruns, candidates: Candidates) -> None:
        self.runs = runs
        self.candidates = candidates
        self.evidence = runs.evidence
        self.cut_off = False
        self.found: list[Found] = []
        self._aside: list[tuple[Line, Edit, Outcome]] = []
        self.left: Interpretation

    def find(self, interpretation: Interpretation) -> None:
        """Finds the mistakes one after the other, each with those before it undone."""
        start = self.runs.state
        self._find_all(interpretation)
        several = self.found[1:]
        if not several or self.unexplained:
            return
        # What was found last may be all that is wrong.
        end = self.runs.state
        self.runs.go_back(start)
        places = [*(f.edit.place for f in several), *self._read_by_all()]
        one = self._one_of(places, interpretation)
        if one is None:
            self.runs.go_back(end)
            return
        self.found = [one]
        self.runs.keep(one.edit)

    def _read_by_all(self) -> list[Place]:
        """The statements that compute what every line reads in which a mistake was found."""
        read = [
            {ast.unparse(n) for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute))}
            for value in (getattr(f.edit.place.statement, "value", None) for f in self.found)
            if value is not None
        ]
        common = set.intersection(*read) if read else set()
        again = self.candidates.forward_again()
        places = (e.place for e in self.runs.back.events if e.path in common)
        return [place for place in places if id(place) not in again or is_renaming(place)]

    def _one_of(self, places: list[Place], now: Interpretation) -> Found | None:
        """An edit of one of the statements that alone explains all wrong steps."""
        wrong = wrong_in(now)
        for line in self.candidates.lines(now, wrong):
            if not any(line.place is place for place in places):
                continue
            for sources in (EDITS, LATER_EDITS, LACKING):
                accepted = [a for a in self._accepted(line, sources, now, wrong)]
                accepted = [a for a in accepted if a[1].mended == wrong]
                if accepted:
                    return self._best(line, accepted)
        return None

    def _find_all(self, interpretation: Interpretation) -> None:
        found = self.found
        now = self.left = interpretation
        for _ in range(4):
            wrong = wrong_in(now)
            if not wrong or (found and self._is_all_right(now)):
                break
            one = self._next(now, wrong)
            if one is None:
                break
            found.append(one)
            self.left = now
            if self.runs.keep(one.edit) is None:
                break
            # Of a step that was placed by its effect, the mistake may have told the place.
            now = self._read(self.evidence, self.runs.values)
        self.left = now

    @property
    def unexplained(self) -> frozenset[str]:
        """The steps that are still wrong with all mistakes undone that were found.

        None where all that is handed in is right then: the others are not what they are called.
        """
        return frozenset() if self._is_all_right(self.left) else wrong_in(self.left)

    @property
    def is_done(self) -> bool:
        """Whether what was found explains all that is wrong."""
        return bool(self.found) and not self.unexplained

    @property
    def finds_one(self) -> bool:
        """Whether one mistake explains all that is wrong."""
        return self.is_done and len(self.found) == 1

    def _next(self, now: Interpretation, wrong: frozenset[str]) -> Found | None:
        """The edit that makes most right; among equals, the one in the likeliest line."""
        self._aside = []
        best = self._foremost(now, wrong)
        results = 0 if best is None else best.outcome.results
        aside = [a for a in self._aside if a[2].results > results]
        if aside:
            line = aside[0][0]
            return self._best(line, [(e, o) for one, e, o in aside if one is line])
        return best if best is None else self._first_of_two(best, now, wrong) or best

    def _first_of_two(
        self, found: Found, now: Interpretation, wrong: frozenset[str]
    ) -> Found | None:
        """An edit that makes a step right which would have a wrong name with the found one.

        None unless one more edit then makes all right: two mistakes are likelier than a mistake
        beside a gradient that is called after a tensor and is another one.
        """
        left = wrong - found.mended
        if not left or not found.outcome.is_complete:
            return None
        for line in self.candidates.lines(now, wrong):
            if line.is_reliable and line.key in left:
                accepted = list(self._accepted(line, EDITS, now, wrong))
                if accepted:
                    first = self._best(line, accepted)
                    return first if self._is_all_but_one(first, now) else None
        return None

    def _is_all_but_one(self, first: Found, now: Interpretation) -> bool:
        """Whether with an edit one more, of a line whose gradient is named, makes all right."""
        start = self.runs.state
        after = self.runs.keep(first.edit)
        is_mended = after is not None and self._is_mended_by_one(after)
        self.runs.go_back(start)
        return is_mended

    def _is_mended_by_one(self, now: Interpretation) -> bool:
        wrong = wrong_in(now)
        return any(
            outcome.mended == wrong
            for line in self.candidates.lines(now, wrong)
            if line.is_reliable
            for _, outcome in self._accepted(line, EDITS, now, wrong)
        )

    def _foremost(self, now: Interpretation, wrong: frozenset[str]) -> Found | None:
        """The edit that makes most right, and no step wrong that seemed to be right."""
        deadline = self.runs.deadline
        try:
            return self._foremost_in_time(now, wrong)
        finally:
            self.runs.deadline = deadline
            self.cut_off &= self.runs.is_over

    def _foremost_in_time(self, now: Interpretation, wrong: frozenset[str]) -> Found | None:
        """The foremost edit; once there is one, the deadline of the runs comes nearer."""
        best: Found | None = None
        tried: set[Any] = set()
        for sources, chosen, is_misled in self.candidates.stages(now, wrong):
            known = None if best is None or best.edit.is_anew else best
            if known is not None and (is_misled or sources in (LATER_EDITS, ALL_EDITS)):
                # Where all results are still wrong, the name of the line's value may mislead.
                is_astray = is_misled and not known.outcome.results
                explains_all = is_misled or known.mended == wrong
                chosen = [
                    n
                    for n in chosen
                    if (is_astray and n.place is known.edit.place)
                    or (not explains_all and id(n.place) in self.candidates.common)
                ]
            for line in chosen:
                if self.runs.is_over:
                    return best
                if (sources, id(line), is_misled) in tried:
                    continue
                tried.add((sources, id(line), is_misled))
                accepted = list(self._accepted(line, sources, now, wrong, is_misled))
                if accepted:
                    found = self._best(line, accepted)
                    # Another line may explain more, or plainly: it is looked for a while.
                    self._end_within(COMMON_CAUSE_SECONDS * (1 if found.is_plain else 2))
                    found = self._at_its_origin(found, line, now, wrong)
                    if best is None or self._rank(found) > self._rank(best):
                        best = found
                    if best.mended == wrong and best.is_plain:
                        return best
                if self.cut_off:
                    return best
        return best

    def _end_within(self, seconds: float) -> None:
        self.runs.deadline = min(self.runs.deadline, time.thread_time() + seconds)

    def _rank(self, found: Found) -> tuple[tuple[int, int], bool, bool, bool]:
        """The rank of an edit: by what it explains, then a plain edit before others.

        Of these it is one in the line of a wrong step, and one in a function that is called once.
        """
        place = found.edit.place
        is_own = any(self.evidence.lines[key] == place.line for key in found.mended)
        return found.outcome.worth, found.is_plain, is_own, self.candidates.is_called_once(place)

    def _is_all_right(self, interpretation: Interpretation) -> bool:
        """Whether all results are right."""
        finals = self._finals
        return bool(finals) and all(interpretation.status[key] in RIGHT for key in finals)

    def _inside(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found | None:
        """An edit in the helpers that a line calls which is no worse than the given one."""
        inner = [
            n
            for n in self.candidates.called_by(line, now)
            if (found.edit.kind == "factor" or not self._gives_what_is_right(n))
            and not self.candidates.is_right_slope(n)
        ]
        # What is missing in what a helper is given is too much in the helper, or missing there.
        stages: list[tuple[Source, ...]] = [FIRST_EDITS, SECOND_EDITS, LATER_EDITS]
        if found.edit.kind == "term":
            stages.insert(0, TERMS)
        if found.edit.source is not None:
            stages.insert(0, (found.edit.source,))
        if found.edit.kind == "factor":
            stages.insert(0, (factors,))
        for sources, one in itertools.product(stages, inner):
            found_inside = self._accepted(one, sources, now, wrong)
            accepted = [a for a in found_inside if f"{WATCH}.named(" not in a[0].written]
            if not accepted:
                continue
            inside = self._best(one, accepted)
            explains_more = inside.outcome.worth > found.outcome.worth
            is_as_good = inside.outcome.worth == found.outcome.worth
            # What is said of any line at a pinch is no reason to leave this one.
            is_as_good &= inside.edit.weight >= found.edit.weight
            is_as_good &= found.edit.is_measured or not inside.edit.is_measured
            is_usual = sources in (FIRST_EDITS, SECOND_EDITS)
            is_as_good &= is_usual or found.edit.kind == inside.edit.kind
            # Of several calls one alone would not be wrong through the helper.
            is_whole = inside.mended == wrong or self.candidates.is_called_once(one.place)
            if explains_more or (is_as_good and is_whole):
                return inside
        return None

    def _at_its_origin(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found:
        """An edit of the line that computed an operand, if it explains more; else the given one.

        Where several lines lack the same of one operand, it is the operand that lacks it.
        """
        inside = self._inside(found, line, now, wrong)
        if (
            inside is None
            and found.edit.kind == "term"
            and isinstance(line.statement, ast.AugAssign)
        ):
            # What a helper leaves out is no part of what is added to that later.
            before = self._line_before(line, now)
            inside = None if before is None else self._inside(found, before, now, wrong)
        if inside is not None:
            return inside
        if found.mended != wrong:
            common = self._common_factor(found, line, now, wrong)
            if common is not None:
                return common
        is_scaled = found.edit.kind == "factor" and found.mended == wrong
        if is_scaled and line.place is self.runs.back.returned_at:
            # What an item lacks beside others is missing where they are returned.
            return found
        operator = getattr(line.statement, "op", None)
        # What a mean leaves out is missing in what was assigned, not in what is added to it.
        adds = isinstance(operator, (ast.Add, ast.Sub))
        adds &= found.edit.is_projection or THROUGH in found.edit.written
        if found.edit.is_before or adds:
            other = self._line_before(line, now)
        elif not hands_on(line):
            other = self._origin_of(found, line, now, wrong)
        elif found.edit.kind in ("factor", "sign"):
            other = self._line_of_value(line, now, is_near=False)
        elif found.mended != wrong:
            other = self._line_of_value(line, now, is_near=True)
        else:
            # Where a value is handed on as it is, what is missing is missing there.
            other = None
        handed = hands_on(line) and found.edit.kind not in ("factor", "sign")
        better = self._better_at(other, found, now, wrong, by_more=handed)
        if better is None or other is None or not handed:
            return better or found
        origin = self._origin_of(better, other, now, wrong)
        return self._better_at(origin, better, now, wrong) or better

    def _better_at(
        self,
        line: Line | None,
        found: Found,
        now: Interpretation,
        wrong: frozenset[str],
        by_more: bool = False,
    ) -> Found | None:
        """An edit of a line that explains as much as the one that was found, or more.

        Not one that may make up for a mistake elsewhere, in place of one that does not.
        """
        if line is None:
            return None
        for sources in (EDITS, LATER_EDITS):
            accepted = list(self._accepted(line, sources, now, wrong))
            if accepted:
                best = self._best(line, accepted)
                worth, known = best.outcome.worth, found.outcome.worth
                is_as_plain = _is_makeshift(found.edit) or not _is_makeshift(best.edit)
                if worth > known or (worth == known and is_as_plain and not by_more):
                    return best
        return None

    def _gives_what_is_right(self, line: Line) -> bool:
        """Whether a statement only gives values that are known to be right."""
        right = self.candidates.right_keys
        known = [e.array for e in self.runs.back.events if e.key in right and e.array is not None]
        given = [e.array for e in self.runs.back.events if e.place is line.place]
        return bool(given) and all(
            array is not None and any(np.array_equal(array, other) for other in known)
            for array in given
        )

    def _origin_of(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Line | None:
        """The line that computed the operand that an edit changes.

        None where it is known to be right, and the edit explains all that is wrong.
        """
        start = self.candidates.start_of(line)
        for operand in _operands_of(found.edit):
            before = [e for e in self.runs.back.events if e.path == operand and e.serial < start]
            if not before or before[-1].place is line.place:
                continue
            place = before[-1].place
            # In the first round of a loop what is missing may be 0.
            rounds = [e.key for e in self.runs.back.events if e.place is place]
            is_known = all(self._is_known_right(key, now) for key in rounds)
            # A part of a gradient is right by itself, and lacks the rest where it is computed.
            is_known &= not (found.edit.kind == "term" and _is_read_once(operand, line))
            if found.edit.kind in ("factor", "sign", "term") and _is_count(before[-1].value):
                # A mask lacks no factor, and a count no sign.
                continue
            # Where it lacks a term, a value of the forward pass may be all that is there.
            is_lacking = found.edit.kind == "term" and operand not in self.evidence.forward_values
            is_lacking &= is_gradient_name(operand.split(".")[-1].split("[")[0])
            is_known &= found.mended == wrong
            # Another value of the forward pass may have been selected.
            is_open = is_lacking or (found.edit.kind == "operand" and _selects(place))
            # A derivative by a name of its own may be the activation.
            is_slope = found.edit.kind == "activation" and _is_read_once(operand, line)
            is_open |= is_slope and operand not in self.evidence.forward_values
            if not is_known and (is_open or id(place) not in self.candidates.forward_again()):
                return self.candidates.line(place, None, now)
        return None

    def _line_before(self, line: Line, now: Interpretation) -> Line | None:
        """The line that assigned a value which a line changes."""
        start = self.candidates.start_of(line)
        own = {ast.unparse(target).split("[")[0] for target in targets_of(line.statement)}
        before = [e for e in self.runs.back.events if e.path in own and e.serial < start]
        before = [e for e in before if e.place.definition is line.place.definition]
        if not before or not isinstance(before[-1].place.statement, ast.Assign):
            return None
        return self.candidates.line(before[-1].place, None, now)

    def _is_known_right(self, key: Any, now: Interpretation) -> bool:
        """Whether a value of the backward pass is known to be right."""
        return key in self.candidates.right_keys or any(
            s.event is not None and s.event.key == key and now.status[s.key] in RIGHT
            for s in self.evidence.steps
        )

    def _line_of_value(self, line: Line, now: Interpretation, is_near: bool) -> Line | None:
        """The line that computed the value which a line hands on, in the same function if near."""
        value = line.at(line.statement.value)
        if not isinstance(value, np.ndarray) or value.size < 2 or _is_count(value):
            return None
        events = self.runs.back.events
        same = [e for e in events if e.array is not None and np.array_equal(e.array, value)]
        if is_near:
            same.sort(key=lambda e: e.place.definition is not line.place.definition)
        if not same or same[0].place is line.place or is_renaming(same[0].place):
            return None
        return self.candidates.line(same[0].place, None, now)

    def _common_factor(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found | None:
        """An edit of an earlier statement that lacks the same factor and thereby explains more."""
        number = self._factor_of(found)
        if number is None:
            return None
        best: Found | None = None
        start = min((e.serial for e in self.runs.back.events if e.place is line.place), default=0)
        before = [e.place for e in self.runs.back.events if e.serial < start][::-1]
        ended = [
            self.runs.back.sources.places[p]
            for p, s in self.runs.back.returns.items()
            if s <= start
        ]
        ahead = self.candidates.context["ahead"]
        for place in dict.fromkeys([*before, *ended]):
            if id(place) in ahead:
                continue
            for edit in scaled_by(self.candidates.line(place, None, now), number):
                if self.runs.is_over:
                    return best
                outcome = self._outcome(edit, now, wrong)
                if outcome is not None and not outcome.taken_back:
                    if len(outcome.mended) > len((best or found).mended):
                        best = Found(edit, edit.line or place.line, outcome)
        return best

    def _factor_of(self, found: Found) -> float | None:
        """The number by which an edit multiplies a gradient; None if it does more than that."""
        after = self.runs.run(self.evidence, self.runs.edited(found.edit))
        if after is None:
            return None
        factors = (
            self.evidence.tolerance.factor(after[k], self.runs.values[k]) for k in found.mended
        )
        return next((f for f in factors if f is not None and abs(f - 1) > 1e-6), None)

    def _best(self, line: Line, accepted: list[tuple[Edit, Outcome]]) -> Found:
        most = max(outcome.worth for _, outcome in accepted)
        accepted = [a for a in accepted if a[1].worth == most]
        accepted.sort(key=lambda a: (a[1].needs_convention, -a[0].weight, KINDS.index(a[0].kind)))
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
        quick = None if is_misled else Quick.of(line, self.evidence, self.runs.values, now)
        here = {k for k in wrong if self.evidence.lines[k] == line.place.line}
        for source in sources:
            for edit in _edits_of(source, line):
                if self.runs.is_over:
                    self.cut_off = True
                    return
                text = edit.written
                if text in seen:
                    continue
                seen.add(text)
                if quick is not None and not quick.promises(edit):
                    continue
                if line.is_promising is not None and not line.is_promising(edit):
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
        """The effect of an edit; None if it is not accepted."""
        values = self.runs.tried(edit, self.evidence)
        if values is None or not self._promises(values, now, wrong):
            return None
        after = self._read(self.evidence, values)
        right = _right(now)
        several = len(wrong & self._finals) > 1
        taken_back = frozenset(
            k for k in wrong_in(after) & right if self._may_mislead(k, edit, several)
        )
        right -= taken_back if self._is_all_right(after) else frozenset()
        mended = self._mended(after, wrong, right)
        if _is_makeshift(edit) and mended != wrong:
            return None
        # What is as it was, and right in another convention only, is not mended.
        same = self.evidence.tolerance.same
        changed = mended - self.candidates.partial or self._finals & frozenset(values)
        if all(same(values[key], self.runs.values[key]) for key in changed):
            return None
        if edit.kind == "activation" and self._scales(values, now):
            return None
        confirmed = False
        varies = not edit.is_measured
        for evidence, wrong_there in self.runs.fresh():
            other = self.runs.tried(edit, evidence)
            if other is None:
                return None
            there = self._mended(self._read(evidence, other), wrong_there, right - wrong_there)
            if not there >= mended & wrong_there:
                return None
            confirmed |= bool(mended & wrong_there)
            varies |= not all(same(other[key], values[key]) for key in mended)
        # A number that was measured on inputs is confirmed by other inputs only.
        if not confirmed or not varies:
            return None
        off = (key for key in self._finals if now.status[key] not in RIGHT)
        results = sum(after.status[key] in RIGHT for key in off)
        if not results and mended <= self.candidates.partial:
            # A part of a gradient need not be the whole.
            return None
        needs_convention = after.factor != 1 and now.factor == 1
        is_complete = self._is_all_right(after)
        return Outcome(
            *(mended, results, taken_back, is_complete, needs_convention, self._spoils(edit))
        )

    def _scales(self, values: Mapping[str, np.ndarray], now: Interpretation) -> bool:
        """Whether values are but multiples of the wrong results: a number is missing then, and no
        derivative, as behind a mask with a scale that is applied twice.
        """
        off = [k for k in self._finals if now.status[k] not in RIGHT and values[k].size > 1]
        factors = [self.evidence.tolerance.factor(values[k], self.runs.values[k]) for k in off]
        return bool(factors) and all(n is not None and abs(n - 1) > 1e-6 for n in factors)

    def _read(self, evidence: Evidence, values: Mapping[str, np.ndarray]) -> Interpretation:
        """The interpretation of values, without the steps that were taken for gradients by what
        follows from them, where all that is handed in is right then.
        """
        after = evidence.read(values)
        self._take_other_versions(evidence, values, after)
        astray = {s.key for s in self.evidence.steps if s.is_by_effect} & wrong_in(after)
        if not astray or self._is_all_right(after):
            return after
        without = evidence.read({k: v for k, v in values.items() if k not in astray})
        without.status.update(dict.fromkeys(astray, "wrong"))
        return without if self._is_all_right(without) else after

    def _take_other_versions(
        self, evidence: Evidence, values: Mapping[str, np.ndarray], after: Interpretation
    ) -> None:
        """Takes steps for right that are the gradient of another value of their name: with
        `A = A * mask` the name `dA` may be that of either, and the mistake misled.
        """
        for key in wrong_in(after):
            own = evidence.own({key: values[key]})[key]
            true = evidence.gradients_at(self.evidence.places_by_name(key), after.factor)
            if any(evidence.tolerance.same(own, gradient) for gradient in true):
                after.status[key] = "correct"

    def _spoils(self, edit: Edit) -> bool:
        """Whether an edit changes a value on the way that is the true gradient of another one."""
        if not self._true_on_the_way or isinstance(edit.place.statement, ast.For):
            # With other rounds of a loop, the values are others.
            return False
        back = self.evidence.setting.run_backward(
            edits=self.runs.edited(edit),
            keys=set(self._true_on_the_way),
            forward=self.evidence.forward_values,
        )
        multiple_of = self.evidence.tolerance.factor
        for event in back.events:
            before = self._true_on_the_way.get(event.key)
            if before is not None and event.array is not None:
                # A multiple of a gradient may be one by chance, as counts are.
                if before.shape != event.array.shape or multiple_of(event.array, before) is None:
                    return True
        return False

    @cached_property
    def _true_on_the_way(self) -> dict[Any, np.ndarray]:
        """The values on the way that are true gradients as the derivation stands, by their keys.

        Not what two statements compute: for one of them it may be the gradient of something else.
        """
        table = GradientTable(self.evidence.graph.arrivals())
        right = self.candidates.right_keys
        found: dict[Any, np.ndarray] = {}
        computed: dict[tuple[Any, ...], set[int]] = {}
        for event in self.runs.back.events:
            array = event.array
            if array is None or event.key not in right or not any(table.equal_to(array, 1)):
                continue
            found[event.key] = array
            if not is_renaming(event.place):
                computed.setdefault((array.shape, array.tobytes()), set()).add(id(event.place))
        twice = {content for content, places in computed.items() if len(places) > 1}
        return {k: a for k, a in found.items() if (a.shape, a.tobytes()) not in twice}

    @property
    def _finals(self) -> frozenset[str]:
        """The steps that are handed in."""
        return frozenset(s.key for s in self.evidence.steps if s.final)

    def _may_mislead(self, key: str, edit: Edit, several: bool) -> bool:
        """Whether a step may have been right by chance, if an edit makes it wrong and all results
        right.

        Not where the edit changes the step itself, unless that is another step by another name,
        or several results follow from it as from another gradient: `dA` that lacks the derivative
        of the activation, where the person goes on from it as from `dZ`.
        """
        is_another = self.evidence.lines[key] != edit.place.line or is_renaming(edit.place)
        return (is_another or several) and not self.candidates.is_final(key)

    def _promises(
        self, values: Mapping[str, np.ndarray], now: Interpretation, wrong: frozenset[str]
    ) -> bool:
        """Whether a wrong step has become right: a quick test before the full reading."""
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
        """The steps that are no longer wrong; empty if another step has become wrong."""
        left = wrong_in(after)
        is_all_right = self._is_all_right(after)
        if is_all_right:
            # What was taken for a gradient by what follows from it is none.
            left -= {s.key for s in self.evidence.steps if s.is_by_effect}
            # A part of a gradient is right where the other parts are added to it later.
            left -= self.candidates.partial
        # What is called after a tensor and is no gradient of it is wrong where all else is right.
        is_accepted = (is_all_right and not left & right) or left < wrong
        return wrong - left if is_accepted else frozenset()


def _edits_of(source: Source, line: Line) -> Iterator[Edit]:
    """The edits of a source, which ends with a warning on a line that it cannot read."""
    try:
        for edit in source(line):
            edit.source = source
            yield edit
    except Exception as error:
        message = f"the search skips {source.__name__} in line {line.place.line}: {error!r}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def _is_count(value: Any) -> bool:
    """Whether an array is a mask, or holds counts: whole numbers, none below 0."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "bfiu":
        return False
    return value.dtype.kind == "b" or bool(np.all(value >= 0) and np.all(value % 1 == 0))


def _selects(place: Place) -> bool:
    """Whether a statement only takes entries: `h, z = hs[i], zs[i]`."""
    value = getattr(place.statement, "value", None)
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return all(isinstance(part, ast.Subscript) for part in parts)


def _is_read_once(operand: str, line: Line) -> bool:
    """Whether a variable is read in one place, as a part of an expression."""
    read = [
        n
        for n in ast.walk(line.place.definition.tree)
        if isinstance(n, ast.Name) and n.id == operand and isinstance(n.ctx, ast.Load)
    ]
    return len(read) == 1 and read[0] is not getattr(line.statement, "value", None)


def _is_makeshift(edit: Edit) -> bool:
    """Whether an edit may make up for a mistake in another line."""
    return edit.is_measured or edit.is_projection


def _operands_of(edit: Edit) -> list[str]:
    """The variables that an edit changes or whose product it scales."""
    if edit.operand is not None or edit.swap is None or edit.kind not in ("factor", "sign"):
        return [] if edit.operand is None else [edit.operand]
    names = (ast.Name, ast.Attribute)
    return [ast.unparse(n) for n in chain_of(edit.swap[0]) if isinstance(n, names)]  # type: ignore[arg-type]


def _right(interpretation: Interpretation) -> frozenset[str]:
    return frozenset(k for k, status in interpretation.status.items() if status in RIGHT)
