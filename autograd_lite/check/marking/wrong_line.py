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
    LATER_EDITS,
    SECOND_EDITS,
    Edit,
    Line,
)
from autograd_lite.check.marking.edits.factors import scaled_by
from autograd_lite.check.marking.edits.trees import ARRIVING
from autograd_lite.check.marking.evidence import Evidence, Graph, values_of
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.handed_in import is_gradient_name, known_tensors
from autograd_lite.check.marking.rewriting import Definition, Place
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
class Found:
    """An edit that was accepted, and the steps that it makes right."""

    edit: Edit
    line: int
    mended: frozenset[str]
    others: list[Edit] = field(default_factory=list)


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
        self.progress = progress
        self.trees: dict[Definition, Any] = {}
        self.runs = 0
        self._fresh: list[tuple[Evidence, frozenset[str]]] | None = None
        self.values = {s.key: s.value for s in evidence.steps}
        self._arriving: list[str] = []
        self.keys = {s.event.key for s in evidence.steps if s.event is not None}

    def find(self, interpretation: Interpretation) -> list[Found]:
        """The mistakes, one after the other; each is undone before the next is looked for."""
        found: list[Found] = []
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
        return found

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
        lines = list(self._lines(now, wrong))
        reliable = [line for line in lines if line.is_reliable]
        # What a line should give is known where it has a step, so that trying is quick.
        quick = [line for line in lines if not line.is_reliable and self._is_quick(line, now)]
        others = [line for line in lines if not line.is_reliable and line not in quick]
        best: Found | None = None
        until = self.deadline
        # A step that is no gradient of what it is called after is right where its line is wrong.
        misled = [line for line in lines if line.key is not None and not self._is_final(line.key)]
        stages: list[tuple[Any, list[Line]]] = [(EDITS, reliable), (LATER_EDITS, reliable)]
        if len(reliable) > 1:
            # Several lines are wrong where one that all of them come from is.
            stages = [(FIRST_EDITS, reliable), (FIRST_EDITS, others)]
            stages += [(SECOND_EDITS, reliable), (LATER_EDITS, reliable)]
        stages += [(ALL_EDITS, quick), (FIRST_EDITS, others), (FIRST_EDITS, misled)]
        stages += [(SECOND_EDITS, others), (LATER_EDITS, others)]
        for sources, chosen in dict.fromkeys((s, tuple(c)) for s, c in stages):
            if best is not None and sources in (LATER_EDITS, ALL_EDITS):
                continue
            for line in chosen:
                if time.thread_time() > until:
                    return best
                is_misled = chosen == tuple(misled)
                accepted = list(self._accepted(line, sources, now, wrong, is_misled))
                if accepted:
                    found = self._at_its_origin(self._best(line, accepted), line, now, wrong)
                    if best is None or self._worth(found.mended) > self._worth(best.mended):
                        best = found
                    if best.mended == wrong:
                        return best
                    # Another line may explain more: it is looked for a while.
                    until = min(until, time.thread_time() + COMMON_CAUSE_SECONDS)
                if self.cut_off:
                    return best
        return best

    def _lines_called(self, line: Line, now: Interpretation) -> Iterator[Line]:
        """The statements of helpers that a line calls, which the forward pass does not run."""
        called = {
            getattr(n.func, "attr", getattr(n.func, "id", ""))
            for root in line.roots
            for n in ast.walk(root)
            if isinstance(n, ast.Call)
        }
        ahead = self.context["ahead"]
        places = {
            id(e.place): e.place
            for e in self.back.events
            if e.place.definition.name in called and id(e.place) not in ahead
        }
        return (self._line(place, None, now) for place in places.values())

    def _is_final(self, key: str) -> bool:
        return any(s.final for s in self.evidence.steps if s.key == key)

    def _is_all_right(self, interpretation: Interpretation) -> bool:
        """Whether what is handed in is right."""
        finals = [s.key for s in self.evidence.steps if s.final]
        return bool(finals) and all(interpretation.status[key] in RIGHT for key in finals)

    def _worth(self, mended: frozenset[str]) -> tuple[int, int]:
        """How much an edit explains: of what is handed in, and in all."""
        return sum(map(self._is_final, mended)), len(mended)

    def _is_quick(self, line: Line, now: Interpretation) -> bool:
        return _Quick.of(line, self.evidence, self.values, now) is not None

    def _at_its_origin(
        self, found: Found, line: Line, now: Interpretation, wrong: frozenset[str]
    ) -> Found:
        """An edit of the line that computed an operand, where that explains more.

        Where several lines lack the same of one operand, it is the operand that lacks it.
        """
        for inner in self._lines_called(line, now):
            accepted = list(self._accepted(inner, EDITS, now, wrong))
            if accepted:
                inside = self._best(inner, accepted)
                if len(inside.mended) >= len(found.mended):
                    return inside
        if found.mended != wrong:
            common = self._common_factor(found, line, now, wrong)
            if common is not None:
                return common
        operand = found.edit.operand
        if operand is None or found.mended == wrong:
            return found
        here = [e.serial for e in self.back.events if e.place is line.place]
        before = [
            e for e in self.back.events if here and e.path == operand and e.serial < min(here)
        ]
        if not before or before[-1].place is line.place:
            return found
        other = self._line(before[-1].place, None, now)
        for sources in (EDITS, LATER_EDITS):
            accepted = list(self._accepted(other, sources, now, wrong))
            if accepted:
                at_origin = self._best(other, accepted)
                return at_origin if len(at_origin.mended) > len(found.mended) else found
        return found

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
                mended = self._mends(edit, now, wrong)
                if len(mended) > len(found.mended if best is None else best.mended):
                    best = Found(edit, edit.line or place.line, mended)
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

    def _best(self, line: Line, accepted: list[tuple[Edit, frozenset[str]]]) -> Found:
        most = max(self._worth(mended) for _, mended in accepted)
        accepted = [a for a in accepted if self._worth(a[1]) == most]
        accepted.sort(key=lambda a: (-a[0].weight, KINDS.index(a[0].kind)))
        edit, mended = accepted[0]
        kinds = {edit.kind}
        others = []
        for other, _ in accepted[1:]:
            if other.kind not in kinds and other.weight >= edit.weight:
                kinds.add(other.kind)
                others.append(other)
        return Found(edit, edit.line or line.place.line, mended, others[:2])

    def _accepted(
        self,
        line: Line,
        sources: Any,
        now: Interpretation,
        wrong: frozenset[str],
        is_misled: bool = False,
    ) -> Iterator[tuple[Edit, frozenset[str]]]:
        seen: set[str] = set()
        count = 0
        quick = None if is_misled else _Quick.of(line, self.evidence, self.values, now)
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
                mended = self._mends(edit, now, wrong)
                if mended:
                    yield edit, mended
                    count += mended >= here
                    if count >= ACCEPTED_LIMIT:
                        return

    def _mends(self, edit: Edit, now: Interpretation, wrong: frozenset[str]) -> frozenset[str]:
        """The wrong steps that an edit makes right, empty where it is not accepted."""
        trees = self.trees | {edit.definition: edit.tree(self.trees.get(edit.definition))}
        values = self._values(self.evidence, trees)
        if values is None or not self._promises(values, now, wrong):
            return frozenset()
        mended = self._compare(self.evidence, values, wrong)
        if not mended:
            return mended
        confirmed = False
        for evidence, wrong_there in self.fresh():
            other = self._values(evidence, trees)
            if other is None:
                return frozenset()
            there = self._compare(evidence, other, wrong_there)
            if not there >= mended & wrong_there:
                return frozenset()
            confirmed |= bool(mended & wrong_there)
        return mended if confirmed else frozenset()

    def _promises(
        self, values: Mapping[str, np.ndarray], now: Interpretation, wrong: frozenset[str]
    ) -> bool:
        """Whether a step that is not right has become what it should be, which is quickly seen."""
        tolerance = self.evidence.tolerance
        off = {k for k, status in now.status.items() if status in ("wrong", "inherited")}
        own = self.evidence.own({k: values[k] for k in off})
        return any(
            tolerance.same(own[k], now.truth[k])
            or (k in wrong and tolerance.same(own[k], now.expected[k]))
            for k in off
        )

    def _compare(
        self, evidence: Evidence, values: Mapping[str, np.ndarray], wrong: frozenset[str]
    ) -> frozenset[str]:
        after = _wrong(evidence.read(values))
        return wrong - after if after < wrong else frozenset()

    def _values(self, evidence: Evidence, trees: Any) -> dict[str, np.ndarray] | None:
        self.runs += 1
        if self.progress is not None:
            self.progress(self.runs)
        try:
            back = evidence.setting.run_backward(
                edits=trees, keys=self.keys, forward=evidence.forward_values
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
        ended = [self.back.sources.places[p] for p in self.back.returns]
        after_suspects = [*(e.place for e in first), *ended, *(e.place for e in others)]
        for place in [*after_suspects, *(e.place for e in later)]:
            if id(place) in seen or id(place) in again or id(place) in ahead:
                continue
            seen.add(id(place))
            here = [key for key in wrong if key in own and own[key].place is place]
            line = self._line(place, max(here, key=lambda k: own[k].serial, default=None), now)
            line.is_reliable = bool(here) and self._is_next_to_known(
                min(own[k].serial for k in here), known, arrays
            )
            yield line

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
            same = array is not None and any(
                v.shape == array.shape and np.array_equal(v, array) for v in values
            )
            again[id(event.place)] = again.get(id(event.place), True) and same
            if is_gradient_name(event.name):
                again[id(event.place)] = False
        return {place for place, same in again.items() if same}

    def _line(self, place: Place, key: str | None, now: Interpretation) -> Line:
        number = self.evidence.setting.sources.places.index(place)
        scopes = self.back.scopes or {}
        step = next((s for s in self.evidence.steps if s.key == key), None)
        return Line(
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
        )

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


class _Quick:
    """Computes the value of an edited line by itself, without a run of the whole.

    Only where the line as it stands gives the same value in the same way, that is where nothing
    it reads was changed after it.
    """

    def __init__(
        self, line: Line, targets: list[np.ndarray], sign: int, evidence: Evidence
    ) -> None:
        self.line = line
        self.targets = targets
        self.sign = sign
        self.tolerance = evidence.tolerance

    @classmethod
    def of(
        cls,
        line: Line,
        evidence: Evidence,
        values: Mapping[str, np.ndarray],
        now: Interpretation,
    ) -> _Quick | None:
        statement = line.statement
        if line.key is None or line.given is None or not isinstance(statement, ast.Assign):
            return None
        target = statement.targets[0]
        if len(statement.targets) > 1 or isinstance(target, (ast.Tuple, ast.List)):
            return None
        given = values[line.key]
        value = line.at(statement.value)
        if not isinstance(value, (np.ndarray, np.number, float)):
            return None
        if np.shape(value) != given.shape or not np.array_equal(value, given):
            return None
        sign = 1 if np.array_equal(given, line.given) else -1
        return cls(line, [now.expected[line.key], now.truth[line.key]], sign, evidence)

    def promises(self, edit: Edit) -> bool:
        """Whether the line would give what it should; also where that cannot be told."""
        if len(edit.statements) != 1 or not isinstance(edit.statements[0], ast.Assign):
            return True
        statement = edit.statements[0]
        if ast.dump(statement.targets[0]) != ast.dump(self.line.statement.targets[0]):
            return True
        if any(ast.unparse(n) in self.line.targets for n in _read_in(statement.value)):
            # What the target held before is not known here.
            return True
        value = self.line.computed(statement.value)
        if value is None:
            return False
        value = np.asarray(value)
        if value.dtype.kind not in "fciu":
            return False
        return any(self.tolerance.same(value * self.sign, target) for target in self.targets)


def _read_in(node: ast.expr) -> Iterator[ast.AST]:
    return (n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)))


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
