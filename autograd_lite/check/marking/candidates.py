"""The statements in which the search looks for a mistake, the likeliest first."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.check.differences import abs_difference, max_abs
from autograd_lite.check.marking.assignments import is_velocity, targets_of, update_of
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.definitions import Definition, Place, persons_function
from autograd_lite.check.marking.edits import (
    ALL_EDITS,
    CARRIED,
    EDITS,
    FIRST_EDITS,
    HEADS,
    INSERTED,
    LACKING,
    LATER_EDITS,
    MEASURED,
    RETURNED,
    SECOND_EDITS,
    WRITTEN_ANEW,
    Edit,
    Line,
    Source,
)
from autograd_lite.check.marking.edits.helpers import is_right_slope
from autograd_lite.check.marking.edits.trees import ARRIVING, SLOPE, name_called
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.influence import dependent_steps
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.parts import parts_of, slopes_of
from autograd_lite.check.marking.reruns import Reruns
from autograd_lite.check.marking.rewriting import statement_at
from autograd_lite.check.marking.trials import Effects, FirstRound, Quick, can_tell
from autograd_lite.check.names import is_gradient_name
from autograd_lite.check.report import RIGHT
from autograd_lite.tensor import Tensor

SOURCES_LIMIT = 12
"""So many statements are tried as the source of all that is wrong."""


class Candidates:
    """The statements of a backward pass, as lines that can be edited.

    `rest` are the values whose gradients nothing tells, `right_keys` what is right on the way,
    `right_parts` a gradient without what one operation adds, `partial` has the wrong steps that are
    a part of a gradient, `common` the statements, by `id`, from which all comes that is wrong and
    nothing that is right, and `context` what lines have in common.
    """

    def __init__(
        self,
        runs: Reruns,
        rest: Sequence[Event],
        right_keys: frozenset[Any],
        context: Mapping[str, Any],
        right_parts: frozenset[Any] = frozenset(),
    ) -> None:
        self.runs = runs
        self.evidence = runs.evidence
        self.rest = rest
        self.right_keys = right_keys
        self.right_parts = right_parts
        self.context = context
        self._arriving: list[str] = []
        self._with_slopes: set[int] = set()
        self.partial: set[str] = set()
        self.common: set[int] = set()
        self._slopes_known: dict[Definition, bool] = {}
        self._again: tuple[Execution | None, set[int]] = (None, set())

    def stages(
        self, now: Interpretation, wrong: frozenset[str]
    ) -> Iterator[tuple[tuple[Source, ...], list[Line], bool]]:
        """The stages of the search: which edits of which lines it tries.

        The last item says that the lines' own gradients do not tell what they should be.
        """
        lines = list(self.lines(now, wrong))
        written = [self._writes_what_is_wrong(line, now, wrong) for line in lines]
        right = [
            n for n, off in zip(lines, written, strict=True) if True in written and off is False
        ]
        right += [line for line in lines if self.is_right_slope(line)]
        lines = [line for line in lines if all(line is not n for n in right)]
        yield RETURNED, self._as_returned(now, wrong), False
        yield EDITS, self._called_by_several(lines, now), False
        reliable = [line for line in lines if line.is_reliable]
        several = len(reliable) > 1
        yield FIRST_EDITS if several else EDITS, reliable, False
        yield WRITTEN_ANEW, reliable, False
        # What a line should give is known where it has a step, so that trying is quick.
        quick = [line for line in lines if not line.is_reliable and self._is_quick(line, now)]
        others = [line for line in lines if not line.is_reliable and line not in quick]
        # A step that is no gradient of what it is called after is right where its line is wrong.
        keyed = [line for line in lines if line.key is not None and not self.is_final(line.key)]
        misled = [self.line(line.place, None, now) for line in keyed]
        likely, possible, unlikely, ahead = self._by_likelihood(others, now, wrong)
        unlikely += right
        # A value of the forward pass that is another one here is wrong where it is computed.
        yield ALL_EDITS, [line for line in others if self._is_changed(line)], False
        yield CARRIED, self._with_carried(lines), False
        # Of the rounds of a loop, the first is right but for the line with the mistake.
        never_right = self._first_that_is_never_right(likely, now)
        yield FIRST_EDITS, never_right, False
        renaming = [n for n in never_right if isinstance(n.statement, ast.Assign)]
        renaming = [n for n in renaming if is_renaming(n.place)]
        if len(renaming) < len(never_right):
            # A part of an array that is wrong: where that was written, it is wrong as a whole.
            never_right = [n for n in never_right if all(n is not other for other in renaming)]
        first_rounds = self._in_first_round(never_right)
        heads = self._heads(now)
        yield HEADS, heads, False
        for sources in (SECOND_EDITS, MEASURED, LATER_EDITS):
            yield sources, first_rounds, False
        for sources in (SECOND_EDITS, LATER_EDITS):
            yield sources, never_right, False
        # Several lines are wrong where one that all of them come from is.
        yield FIRST_EDITS, likely, False
        yield EDITS, quick, False
        yield WRITTEN_ANEW, quick, False
        # Where a gradient is handed on as it is, something may be missing.
        alone = [n for n in lines if hands_on(n) and (n.key is None or wrong <= {n.key})]
        alone += [n for n in likely if id(n.place) in self.common and is_renaming(n.place)]
        yield LATER_EDITS, alone, False
        unread = [line for line in unlikely if line.is_unread]
        yield INSERTED, [*reliable, *likely, *ahead, *unread], False
        if several:
            yield SECOND_EDITS, reliable, False
        yield FIRST_EDITS, misled, True
        yield LATER_EDITS, reliable, False
        yield LATER_EDITS, quick, False
        yield SECOND_EDITS, likely, False
        yield LACKING, [*likely, *ahead, *heads], False
        yield FIRST_EDITS, possible, False
        yield LATER_EDITS, likely, False
        yield SECOND_EDITS, misled, True
        yield SECOND_EDITS, possible, False
        yield LATER_EDITS, possible, False
        for sources in (FIRST_EDITS, SECOND_EDITS, LATER_EDITS):
            yield sources, unlikely, False

    def _as_returned(self, now: Interpretation, wrong: frozenset[str]) -> list[Line]:
        """The return statement, for all that is wrong and for each wrong item by itself."""
        at = self.runs.back.returned_at
        if at is None:
            return []
        line = self.line(at, None, now)
        own = self.evidence.own(self.runs.values)
        items = (key for key in wrong if self.is_final(key))
        alone = [replace(line, given=own[k], expected=now.expected[k], _values={}) for k in items]
        return [line, *alone]

    def _with_carried(self, lines: list[Line]) -> list[Line]:
        """The lines in a loop that carries what nothing reads; those that name it come first."""
        found = [line for line in lines if line.carried]
        return sorted(
            found,
            key=lambda line: line.written_names.isdisjoint(ast.unparse(n) for n, _ in line.carried),
        )

    def _called_by_several(self, lines: list[Line], now: Interpretation) -> list[Line]:
        """The lines of functions that several wrong steps call.

        A right slope too: it may be that of the sum, where all hand it the activated value.
        """
        calling = [line for line in lines if line.key is not None]
        called = [line for caller in calling for line in self.called_by(caller, now)]
        times = Counter(id(line.place) for line in called)
        once = {id(line.place): line for line in called}.values()
        return [line for line in once if times[id(line.place)] > 1]

    def _first_that_is_never_right(self, lines: list[Line], now: Interpretation) -> list[Line]:
        """The first of these lines to run without a right value, if others in loops have some.

        What it adds to may be what is wrong, so the line that assigned this comes with it; and what
        wrote the array of which it hands on a part.
        """
        events = self.runs.back.events
        whole = self._ever_right(now)
        right = whole | self._places_of(self.right_parts)
        first: dict[int, Event] = {}
        for event in events:
            # What comes from later rounds is 0 in the first one.
            if event.array is not None and np.any(event.array):
                first.setdefault(id(event.place), event)
        new = {id(e.place) for e in events if self._is_new(e) and not _takes_apart(e.place)}
        made = [line for line in lines if id(line.place) in new & first.keys()]
        # A helper that several lines call may compute a factor, which is no gradient; what others
        # add to later is not yet one.
        once = (n for n in made if self.is_called_once(n.place))
        ran = [n for n in once if not _is_added_to(n.place)]
        never = [line for line in ran if id(line.place) not in right]
        if not never:
            # What hands on a right value may hand it on too early.
            handed = (n for n in ran if is_renaming(n.place))
            return [n for n in handed if isinstance(n.statement, ast.Assign)]
        if len(never) == len(ran) or not any(id(n.place) in self._repeated for n in never):
            return []
        found = min(never, key=lambda line: first[id(line.place)].serial)
        start = first[id(found.place)].serial
        earlier = [line for line in made if first[id(line.place)].serial < start]
        own = [line for line in earlier if _targets(line.place) & _targets(found.place)]
        if not is_renaming(found.place):
            return [found, *own]
        read = {ast.unparse(n) for n in ast.walk(found.statement.value)}
        writers = [line for line in earlier if _targets(line.place) & read]
        is_right = any(id(n.place) in whole and not is_renaming(n.place) for n in writers)
        return [found, *own] if is_right else [*writers, found]

    def is_right_slope(self, line: Line) -> bool:
        """Whether a line stands in a function that is the derivative of another one."""
        definition = line.place.definition
        if definition not in self._slopes_known:
            self._slopes_known[definition] = is_right_slope(line)
        return self._slopes_known[definition]

    def _writes_what_is_wrong(
        self, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> bool | None:
        """Whether the part of a wrong gradient is wrong that a statement writes.

        None for a statement that writes no such part, or another in each round of a loop.
        """
        target = next(iter(targets_of(line.statement)), None)
        if line.is_repeated or not isinstance(target, ast.Subscript):
            return None
        written = ast.unparse(target.value)
        events = {s.key: s.event for s in self.evidence.steps if s.event is not None}
        parts = []
        for key in wrong & events.keys():
            event = events[key]
            if event.path == written and event.place.definition is line.place.definition:
                expected = now.expected[key]
                given = self.evidence.own({key: self.runs.values[key]})[key]
                if given.shape != expected.shape:
                    return None
                apart = abs_difference(given, expected) > 1e-6 * max_abs(expected)
                parts.append(line.part_of(apart, target.slice))
        if not parts or any(part is None for part in parts):
            return None
        return any(map(np.any, parts))

    def _heads(self, now: Interpretation) -> list[Line]:
        """The loops and conditions of the backward pass, with what is known where their first
        statement stands.
        """
        scopes = self.runs.back.scopes or {}
        places = self.evidence.setting.sources.places
        passed = self.forward_again() | self.context["ahead"]
        found = []
        for place in places:
            if not isinstance(place.statement, (ast.For, ast.If)):
                continue
            inside = [statement_at(n) for s in _blocks_of(place.statement) for n in ast.walk(s)]
            ran = [n for n in inside if n in scopes and id(places[n]) not in passed]
            if ran:
                line = self.line(place, None, now)
                found.append(replace(line, scope=scopes[ran[0]], _values={}))
        return found

    def _ever_right(self, now: Interpretation) -> set[int]:
        """The statements with a right value, by `id`."""
        steps = (s for s in self.evidence.steps if now.status[s.key] in RIGHT)
        keys = {s.event.key for s in steps if s.event is not None}
        return self._places_of(keys | self.right_keys)

    def _places_of(self, keys: Collection[Any]) -> set[int]:
        """The statements that gave the values with these keys, by `id`."""
        return {id(e.place) for e in self.runs.back.events if e.key in keys}

    def _in_first_round(self, lines: list[Line]) -> list[Line]:
        """The lines that assign one value, or add to it, as they stand where they first ran.

        What has a value before the loop carries a part of a gradient from one round to the next.
        """
        found = []
        graph = self.evidence.graph
        once = {e.path for e in self.runs.back.events if id(e.place) not in self._repeated}
        # Or what is handed on under another name at the end of a round.
        renaming = [e.place for e in self.runs.back.events if is_renaming(e.place)]
        once |= {ast.unparse(p.statement.value) for p in renaming if _targets(p) & once}  # type: ignore[attr-defined]
        for line in lines:
            number = self.evidence.setting.sources.places.index(line.place)
            scope = self.runs.back.first_scopes.get(number)
            total = self._first_total(line)
            adds = total is not None and isinstance(line.statement, ast.AugAssign)
            if scope is not None and (adds or isinstance(line.statement, ast.Assign)):
                first = replace(line, scope=scope, key=None, given=None, expected=None, _values={})
                carries = bool(_targets(line.place) & once)
                true = dict(graph.without_one) if carries else {}
                if not (carries and is_renaming(line.place)):
                    true |= graph.arrivals()
                told = FirstRound(first, self.evidence, true, total)
                first.is_promising, first.multiples = told.is_right, told.multiples
                own = _targets(line.place)
                others = (e for e in self.runs.back.events if e.path not in own)
                is_open = told.is_open(e.array for e in others if e.array is not None)
                found += [first] if is_open else []
        return found

    def _first_total(self, line: Line) -> np.ndarray | None:
        """What the statements give together in the first round that assign a value and add to it,
        one after the other; None where a line is not one of several.
        """
        definition, places = line.place.definition, self.evidence.setting.sources.places
        own: dict[int, Any] = {
            number: place.statement
            for number, place in enumerate(places)
            if place.definition is definition and _targets(place) == _targets(line.place)
            if isinstance(place.statement, (ast.Assign, ast.AugAssign))
        }
        together = _added_together([*own.values()], line.statement, definition)
        last = next((n for n, s in own.items() if together and s is together[-1]), None)
        if last is None:
            return None
        # The variables are those before the statement adds to one of them.
        before = plain(self.runs.back.first_scopes.get(last, {}).get(line.target))
        added = next((e.array for e in self.runs.back.events if e.place is places[last]), None)
        if not isinstance(before, np.ndarray) or added is None or before.shape != added.shape:
            return None
        return before - added if isinstance(own[last].op, ast.Sub) else before + added

    def _is_new(self, event: Event) -> bool:
        """Whether a value is one of real numbers that the forward pass has not computed."""
        array = event.array
        if array is None or array.dtype.kind != "f" or self._is_recorded(array):
            return False
        return (array.shape, array.tobytes()) not in self._on_the_way

    @cached_property
    def _on_the_way(self) -> set[tuple[tuple[int, ...], bytes]]:
        """The shapes and bytes of the forward pass's values without a name: one of them may be the
        gradient of another value, as `a - y` is.
        """
        right = [e.array for e in self.runs.back.events if e.key in self.right_keys]
        known = {(a.shape, a.tobytes()) for a in right if a is not None}
        return {(v.shape, v.tobytes()) for v in self.evidence.recording.computed} - known

    def _is_of_forward(self, value: Any) -> bool:
        """Whether the forward pass has a value, or an array of which it is a part."""
        array = np.asarray(value)
        values = (np.asarray(v) for v in self.evidence.forward_values.values())
        return self._is_recorded(array) or any(_is_part(array, v) for v in values if v.ndim)

    def _is_recorded(self, value: Any) -> bool:
        array = np.asarray(value)
        return (array.shape, array.tobytes()) in self._recorded

    def _is_changed(self, line: Line) -> bool:
        """Whether a line computes a value that differs from the one of its name in the forward
        pass.
        """
        known = self.evidence.forward_values
        if update_of(line.statement) is not None or is_velocity(line.statement):
            return False
        here = [e for e in self.runs.back.events if e.place is line.place and e.path in known]
        parts = [_is_part(np.asarray(e.value), np.asarray(known[e.path])) for e in here]
        return bool(here) and not any(parts) and not any(is_gradient_name(e.name) for e in here)

    def _by_likelihood(
        self, lines: list[Line], now: Interpretation, wrong: frozenset[str]
    ) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
        """Four lists of lines: all wrong steps and no right one depend on the first, some wrong
        steps depend on the second, the third has the other lines, and the fourth has those of the
        third on which all wrong steps depend.
        """
        off = {key for key, status in now.status.items() if status not in RIGHT}
        likely: list[Line] = []
        possible: list[Line] = []
        unlikely: list[Line] = []
        ahead: list[Line] = []
        in_rounds: list[Line] = []
        again = self.forward_again()
        repeated = self._repeated
        callers = self._that_lead_to(wrong)
        for line in lines:
            found = dependent_steps(self.evidence, line.place, self.runs.values, self.runs.trees)
            is_again = id(line.place) in again
            # What it hands to a function may be wrong inside, before that gives a value.
            leads = not is_again and _calls_one_of(line.statement, callers)
            if found is None:
                likely.append(line)
            elif found >= wrong and found <= off and not is_again:
                likely.append(line)
                self.common.add(id(line.place))
            elif leads or (found >= wrong and id(line.place) in repeated - again):
                in_rounds.append(line)
            elif found & wrong and found <= off and not is_again:
                possible.append(line)
            else:
                unlikely.append(line)
                ahead += [line] if found >= wrong else []
        # In the first round of a loop a mistake may have no effect, so that some of it is right.
        return [*likely, *in_rounds], possible, unlikely, ahead

    def _that_lead_to(self, wrong: frozenset[str]) -> set[str]:
        """The names of the functions in which a wrong step is computed, and of those that call
        them.
        """
        names = {event.place.definition.name for event in self._own(wrong)}
        main = {self.runs.back.events[-1].place.definition.name} if self.runs.back.events else set()
        trees = [t for t in self.context["trees"] if isinstance(t, ast.FunctionDef)]
        known = 0
        while known < len(names):
            known = len(names)
            names |= {t.name for t in trees if _calls_one_of(t, names)}
        return names - main

    @cached_property
    def _repeated(self) -> set[int]:
        """Statements that run in several rounds of a loop, or in several calls."""
        values = Counter((id(e.place), e.path) for e in self.runs.back.events)
        return {place for (place, _), count in values.items() if count > 1}

    def common_source(
        self, now: Interpretation, wrong: frozenset[str], likely: Sequence[Event]
    ) -> Event | None:
        """The value from which all wrong steps come: the first of `likely`, or the last of all
        values.

        Nothing that is right may come from it. None where no statement that runs once is such a
        source, and where only one line is wrong and no value is likely.
        """
        off = {key for key, status in now.status.items() if status not in RIGHT}
        several = len({self.evidence.lines[key] for key in wrong}) > 1
        for event in [*likely, *(self._before(wrong) if several else [])][:SOURCES_LIMIT]:
            found = dependent_steps(self.evidence, event.place, self.runs.values, self.runs.trees)
            if found is not None and wrong <= found <= off:
                return event
        return None

    def _before(self, wrong: frozenset[str]) -> list[Event]:
        """The values before the first wrong step that may be wrong, the last first."""
        first = min((e.serial for e in self._own(wrong)), default=0)
        counts = Counter(id(e.place) for e in self.runs.back.events)
        known = self.context["ahead"] | self._as_in_forward() | self._zeros()
        true = [g for g in self.evidence.graph.arrivals().values() if g.size > 1]
        return [
            e
            for e in reversed(self.runs.back.events)
            if e.serial < first
            and counts[id(e.place)] == 1
            and id(e.place) not in known
            and not any(self.evidence.tolerance.same(e.value, g) for g in true)
        ]

    def _own(self, keys: frozenset[str]) -> list[Event]:
        """The events of the steps with these keys."""
        events = {e.key: e for e in self.runs.back.events}
        steps = [s for s in self.evidence.steps if s.key in keys and s.event is not None]
        return [events[s.event.key] for s in steps if s.event.key in events]  # type: ignore[union-attr]

    def called_by(self, line: Line, now: Interpretation) -> Iterator[Line]:
        """The statements of helpers that a line calls, and of those that these call, which come
        first.

        Those of wrong steps come before others; those that the forward pass runs are left out.
        """
        keys = self._keys_by_place([k for k, status in now.status.items() if status == "wrong"])
        found: dict[int, Line] = {}
        calling = [line]
        while calling:
            new = {id(p): p for one in calling for p in self._places_called(one)}
            calling = [
                self.line(p, next(iter(keys.get(i, ())), None), now)
                for i, p in new.items()
                if i not in found
            ]
            found = {id(inner.place): inner for inner in calling} | found
        return iter(sorted(found.values(), key=lambda inner: inner.key is None))

    def _places_called(self, line: Line) -> list[Place]:
        """The statements that ran of the functions that a line calls."""
        calls = [n for root in line.roots for n in ast.walk(root) if isinstance(n, ast.Call)]
        found = [persons_function(self.runs.back.sources, line.at(call.func)) for call in calls]
        called = [self.runs.back.sources.definition(f[0]) for f in found if f is not None]
        ran = [*(e.place for e in self.runs.back.events), *self._ended()]
        ahead = self.context["ahead"]
        return [p for p in ran if p.definition in called and id(p) not in ahead]

    def _keys_by_place(self, keys: Iterable[str]) -> dict[int, list[str]]:
        """The keys of steps at each statement, by its `id`, the one that ran last first."""
        events = {e.key: e for e in self.runs.back.events}
        steps = {s.key: s.event.key for s in self.evidence.steps if s.event is not None}
        # With a mistake undone, a statement may run in fewer rounds.
        own = {key: events[steps[key]] for key in keys if steps.get(key) in events}
        found: dict[int, list[str]] = {}
        for key in sorted(own, key=lambda k: -own[k].serial):
            found.setdefault(id(own[key].place), []).append(key)
        return found

    def is_called_once(self, place: Place) -> bool:
        """Whether at most one expression calls the function that contains a statement."""
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
        return [self.runs.back.sources.places[p] for p in self.runs.back.returns]

    def is_final(self, key: str) -> bool:
        """Whether a step is handed in."""
        return any(s.final for s in self.evidence.steps if s.key == key)

    def _is_quick(self, line: Line, now: Interpretation) -> bool:
        return Quick.of(line, self.evidence, self.runs.values, now) is not None

    def lines(self, now: Interpretation, wrong: frozenset[str]) -> Iterator[Line]:
        """The statements of the backward pass, the likeliest place of the mistake first."""
        events = {e.key: e for e in self.runs.back.events}
        steps = [(s.key, s.event.key) for s in self.evidence.steps if s.event is not None]
        # With a mistake undone, a statement may run in fewer rounds.
        own = {key: events[event] for key, event in steps if event in events}
        suspects = [own[key] for key in wrong if key in own]
        last = max((e.serial for e in suspects), default=len(self.runs.back.events))
        again, ahead = self.forward_again(), self.context["ahead"]
        rest = [events[e.key] for e in self.rest if e.key in events]
        unknown = [e for e in rest if e.serial <= last and id(e.place) not in again]
        unknown = [e for e in unknown if not isinstance(e.value, (int, np.integer))]
        arrays = [e for e in unknown if np.ndim(e.value)]
        first = sorted([*suspects, *unknown], key=lambda e: e.serial)
        known = sorted(e.serial for k, e in own.items() if k not in wrong)
        known += [e.serial for e in self.runs.back.events if e.key in self.right_keys]
        others = [e for e in self.runs.back.events if e.serial <= last][::-1]
        later = [e for e in self.runs.back.events if e.serial > last]
        seen: set[int] = set()
        returned, handed = self.runs.back.returned_at, [key for key in wrong if key not in own]
        if returned is not None and handed:
            # What has no statement of its own is as the return statement has it.
            seen.add(id(returned))
            line = self.line(returned, handed[0], now)
            line.is_reliable = True
            yield line
        places = [*(e.place for e in first), *self._ended(), *(e.place for e in others)]
        places += [e.place for e in later]
        places += self._of_containers()
        last_of_all = again | self._zeros()
        places.sort(key=lambda place: id(place) in last_of_all)
        seen |= ahead | self._as_in_forward()
        for place in places:
            if id(place) in seen:
                continue
            seen.add(id(place))
            here = [key for key in wrong if key in own and own[key].place is place]
            line = self.line(place, max(here, key=lambda k: own[k].serial, default=None), now)
            line.is_reliable = any(map(self._is_told, here)) and self._is_next_to_known(
                min(own[k].serial for k in here), known, arrays
            )
            yield line

    def _of_containers(self) -> list[Place]:
        """The statements that assign what a call gives, which may be a tuple of gradients, and the
        bare calls, which may put gradients into objects: `dense1.backward(relu1.dinputs)`.
        """
        places = self.evidence.setting.sources.places
        ran = (places[number] for number in self.runs.back.scopes or ())
        calling = (p for p in ran if isinstance(p.statement, (ast.Assign, ast.Expr)))
        return [p for p in calling if isinstance(p.statement.value, ast.Call)]  # type: ignore[attr-defined]

    def _is_told(self, key: str) -> bool:
        """Whether the person named the tensor of a step, or handed the step in."""
        return any(s.tensor or s.final for s in self.evidence.steps if s.key == key)

    def _is_next_to_known(self, serial: int, known: list[int], unknown: list[Event]) -> bool:
        """Whether no value of unknown meaning is between a step and the known step before it."""
        before = max((s for s in known if s < serial), default=-1)
        return not any(before < e.serial < serial for e in unknown)

    def forward_again(self) -> set[int]:
        """Statements that compute values of the forward pass again, and no gradient."""
        if self._again[0] is not self.runs.back:
            self._again = self.runs.back, self._found_again()
        return self._again[1]

    def _found_again(self) -> set[int]:
        values = [v for v in map(np.asarray, self.evidence.forward_values.values()) if v.ndim]
        again: dict[int, bool] = {}
        for event in self.runs.back.events:
            array = event.array
            if array is not None and not array.ndim:
                continue
            same = array is not None and (
                (array.shape, array.tobytes()) in self._recorded
                or any(_is_part(array, v) for v in values)
            )
            again[id(event.place)] = again.get(id(event.place), True) and same
            if is_gradient_name(event.name) or event.key in self.runs.keys:
                again[id(event.place)] = False
        return {place for place, same in again.items() if same}

    def _as_in_forward(self) -> set[int]:
        """Statements whose values have the same names in the forward pass, and are equal there."""
        if self.evidence.setting.subject.backward is None:
            return set()
        known = self.evidence.forward_values
        equal: dict[int, bool] = {}
        for event in self.runs.back.events:
            same = event.path in known and _is_equal(event.value, known[event.path])
            equal[id(event.place)] = equal.get(id(event.place), True) and same
        return {place for place, same in equal.items() if same}

    @cached_property
    def _recorded(self) -> set[tuple[tuple[int, ...], bytes]]:
        """The shapes and bytes of all values of the forward pass, named or not."""
        values = [
            e.value._value for e in self.evidence.recording.events if isinstance(e.value, Tensor)
        ]
        return {(v.shape, v.tobytes()) for v in map(np.asarray, values) if np.any(v)}

    def _zeros(self) -> set[int]:
        """Statements that make nothing but arrays of zeros, which others fill or add to."""
        zeros: dict[int, bool] = {}
        for event in self.runs.back.events:
            array = event.array
            is_zero = array is not None and bool(array.ndim) and not np.any(array)
            zeros[id(event.place)] = zeros.get(id(event.place), True) and is_zero
        return {place for place, is_zero in zeros.items() if is_zero}

    def line(self, place: Place, key: str | None, now: Interpretation) -> Line:
        number = self.evidence.setting.sources.places.index(place)
        scopes = self.runs.back.scopes or {}
        step = next((s for s in self.evidence.steps if s.key == key), None)
        line = Line(
            place,
            scopes.get(number, {}),
            self.runs.back.namespaces.get(number, {}) | {"__watch__": self.runs.back},
            self.evidence.forward_values,
            self.context["related"],
            self.context["sizes"],
            None if key is None else self.evidence.own({key: self.runs.values[key]})[key],
            None if key is None else now.expected[key],
            "" if step is None else step.tensor,
            {} if key is None else self._parts(key, now),
            key,
            arriving=[] if key is None else self._arriving,
            elsewhere=self.context["trees"],
            parameters=self.context["parameters"],
            added=self.context["added"],
            find_slopes=self._slopes,
            is_of_forward=self._is_of_forward,
            is_repeated=id(place) in self._repeated,
            ahead=self._statements_ahead,
        )
        line.multiples = self._effects(line, now).multiples
        return line

    @cached_property
    def _statements_ahead(self) -> frozenset[int]:
        """The statements that lead to the loss in a function that derives it as well."""
        ahead = self.context["ahead"]
        places = self.evidence.setting.sources.places
        return frozenset(id(p.statement) for p in places if id(p) in ahead)

    def _effects(self, line: Line, now: Interpretation) -> Effects:
        """The effects of edits of a line, by the line alone or by a run of the backward pass."""
        off = [k for k, status in now.status.items() if status not in RIGHT]
        keys = off if line.key is None else [line.key]
        truth = now.truth if line.key is None else now.expected
        quick: list[Quick | None] = []

        def tried(edit: Edit) -> Mapping[str, np.ndarray] | None:
            if not quick:
                quick.append(Quick.of(line, self.evidence, self.runs.values, now))
            if quick[0] is not None and can_tell(line, edit):
                value = quick[0].value(edit)
                return None if value is None else {keys[0]: value}
            if self.runs.is_over:
                return None
            values = self.runs.tried(edit, self.evidence)
            return values and self.evidence.own({k: values[k] for k in keys})

        given = self.evidence.own({k: self.runs.values[k] for k in keys})
        return Effects(given, {k: truth[k] for k in keys}, tried)

    def _parts(self, key: str, now: Interpretation) -> dict[str, Any]:
        """The part of a gradient that each path of the chain rule contributes, here and on fresh
        inputs.
        """
        names = {s.key: s.name for s in self.evidence.steps}
        for evidence in [self.evidence, *(e for e, _ in self.runs.fresh())]:
            values = self.runs.run(evidence, self.runs.trees)
            if values is None:
                return {}
            parts = parts_of(evidence, key, values, now.factor, now.scales[key])
            if evidence is self.evidence and self._is_one_of(parts.values(), values[key], key):
                self.partial.add(key)
            named = {f"part {key}: {names.get(k, k)}": part for k, part in parts.items()}
            arriving = evidence.arriving(values, now.factor)
            named |= {ARRIVING + name: g for name, g in arriving.items()}
            evidence.forward_values = dict(evidence.forward_values) | named
        self._arriving = [n for n in self.evidence.forward_values if n.startswith(ARRIVING)]
        self.runs.back.forward = self.evidence.forward_values
        return {
            n: v for n, v in self.evidence.forward_values.items() if n.startswith(f"part {key}:")
        }

    def _is_one_of(self, parts: Iterable[np.ndarray], value: np.ndarray, key: str) -> bool:
        own = self.evidence.own({key: value})[key]
        return bool(np.any(own)) and any(self.evidence.tolerance.same(own, p) for p in parts)

    def _slopes(self) -> list[str]:
        """The names of the derivatives of activations, which every run knows from here on."""
        for evidence in [self.evidence, *(e for e, _ in self.runs.fresh())]:
            if id(evidence) not in self._with_slopes:
                self._with_slopes.add(id(evidence))
                slopes = slopes_of(evidence, self.context["activated"])
                evidence.forward_values = dict(evidence.forward_values) | slopes
        self.runs.back.forward = self.evidence.forward_values
        return [name for name in self.evidence.forward_values if name.startswith(SLOPE)]

    def start_of(self, line: Line) -> int:
        """The serial number at which a statement first began to run; -1 if it did not run."""
        here = [e.serial for e in self.runs.back.events if e.place is line.place]
        here += [
            s
            for p, s in self.runs.back.returns.items()
            if self.runs.back.sources.places[p] is line.place
        ]
        return min(here, default=-1)


def _takes_apart(place: Place) -> bool:
    """Whether a statement only names the parts of a value: `h, x = kept[t]`."""
    return is_renaming(place) and len(targets_of(place.statement)) > 1


def _targets(place: Place) -> set[str]:
    return {ast.unparse(target) for target in targets_of(place.statement)}


def _calls_one_of(node: ast.AST, names: set[str]) -> bool:
    """Whether a function with one of these names is called."""
    calls = (n for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(name_called(call) in names for call in calls)


def _blocks_of(statement: ast.For | ast.If) -> list[ast.stmt]:
    """The statements in the blocks of a loop or a condition."""
    return [*statement.body, *statement.orelse]


def _added_together(own: list[Any], one: ast.stmt, definition: Definition) -> list[Any]:
    """The statements of a block, among those with one target, that assign it and add to it."""
    for node in ast.walk(definition.tree):
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list) and any(n is one for n in block):
                here = [n for n in block if any(n is o for o in own)]
                starts = [i for i, n in enumerate(here) if isinstance(n, ast.Assign)]
                before = [i for i in starts if here[i].lineno <= one.lineno]
                first = before[-1] if before else 0
                end = next((i for i in starts if i > first), len(here))
                found = here[first:end]
                return found if len(found) > 1 and any(n is one for n in found) else []
    return []


def _is_added_to(place: Place) -> bool:
    """Whether a later statement adds to what one gives: `dh = dz @ W` before `dh += later`."""
    own = _targets(place)
    tree = ast.walk(place.definition.tree)
    added = (n for n in tree if isinstance(n, ast.AugAssign))
    return any(n.lineno > place.statement.lineno and ast.unparse(n.target) in own for n in added)


def hands_on(line: Line) -> bool:
    """Whether a line gives a gradient another name or adds it to one, and does nothing else."""
    is_gradient = is_gradient_name(line.target.split(".")[-1].split("[")[0])
    value = getattr(line.statement, "value", None)
    # By whatever name: in a backward pass what is renamed is the value of a step.
    is_new = isinstance(value, ast.Name) and value.id not in line.values
    return is_renaming(line.place) and (is_gradient or is_new)


def is_renaming(place: Place) -> bool:
    """Whether a statement assigns or adds a variable as it is."""
    value = getattr(place.statement, "value", None)
    while isinstance(value, (ast.Attribute, ast.Subscript)):
        value = value.value
    return isinstance(place.statement, (ast.Assign, ast.AugAssign)) and isinstance(value, ast.Name)


def _is_equal(value: Any, other: Any) -> bool:
    is_array = isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "fc"
    return is_array and bool(np.array_equal(value, other))


def _is_part(array: np.ndarray, value: np.ndarray) -> bool:
    """Whether an array is a value, or one of its rows, columns or slices."""
    if value.shape == array.shape:
        return bool(np.array_equal(value, array))
    shape = value.shape
    axes = [i for i in range(value.ndim) if shape[:i] + shape[i + 1 :] == array.shape]
    others = [np.moveaxis(value, axis, 0) for axis in axes]
    return any(np.any(np.all((v == array).reshape(len(v), -1), axis=1)) for v in others)
