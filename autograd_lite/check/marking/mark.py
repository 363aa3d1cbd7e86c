"""Marking: turns a person's functions into the report on their derivation."""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite.check.marking.activated import activations
from autograd_lite.check.marking.assignments import update_of
from autograd_lite.check.marking.candidates import Candidates
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.conventions import velocities, without_clipping, without_epsilons
from autograd_lite.check.marking.definitions import persons_function
from autograd_lite.check.marking.evidence import (
    Evidence,
    GradientTable,
    gather,
    place_by_effect,
    steps_on_the_way,
)
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.explanations import never_added_to
from autograd_lite.check.marking.forms import Subject
from autograd_lite.check.marking.forward import (
    ALL_INPUTS_LIMIT_ELEMENTS,
    Recording,
    Setting,
    path_name,
)
from autograd_lite.check.marking.handed_in import no_gradient_message
from autograd_lite.check.marking.misleading import (
    take_other_places,
    with_opposite_steps,
    without_misleading_names,
)
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.remarks import misnamed_message, silence_of
from autograd_lite.check.marking.reruns import Reruns
from autograd_lite.check.marking.steps import (
    Known,
    Step,
    derivation_events,
    equal_arrays,
    is_number,
)
from autograd_lite.check.marking.verdicts import Verdicts
from autograd_lite.check.marking.world import paths_of
from autograd_lite.check.marking.wrong_line import SEARCH_SECONDS, Search
from autograd_lite.check.names import is_gradient_name, name_of, tensors_named_in
from autograd_lite.check.report import RIGHT, Report

COMPARED_UP_TO_BYTES = 1 << 20
"""Arrays up to this size are known as constants of the forward pass by what they hold."""

PLAIN_SECONDS = 0.5
"""The time limit of the search where every wrong gradient is an array to which nothing is added."""


@dataclass
class Reading:
    """A derivation read under one convention: its evidence and its interpretation."""

    recording: Recording
    back: Execution
    evidence: Evidence
    known: Known
    notes: list[str]
    interpretation: Interpretation
    clipped: bool = False
    epsilon: bool = False
    edits: Any = None

    @property
    def faults(self) -> int:
        return sum(s == "wrong" for s in self.interpretation.status.values()) + sum(
            bool(np.any(s.value)) for s in self.evidence.unconnected
        )

    @property
    def first_fault(self) -> float:
        """The serial number of the first wrong step; inf where no step is wrong."""
        status = self.interpretation.status
        wrong = (s.event for s in self.evidence.steps if status.get(s.key) == "wrong")
        return min((e.serial for e in wrong if e is not None), default=float("inf"))


def mark(
    subject: Subject,
    names: Mapping[str, str | None],
    tolerance: float | None,
    seconds: float | None,
) -> tuple[Report, Recording, list[Step]]:
    """Marks a derivation; returns the report, the recording and the steps."""
    reading = _without_velocities(
        _best_reading(_setting_in_order(subject), names, tolerance), names, tolerance
    )
    setting = reading.evidence.setting
    if not reading.evidence.steps and not reading.evidence.unconnected:
        if reading.back.error is None and not reading.notes:
            raise ValueError(no_gradient_message(setting, reading.known))
    understood, search = _understood_as_likeliest(reading, seconds)
    evidence, interpretation = understood.evidence, understood.interpretation
    if not understood.wrong:
        marked = [*evidence.steps, *evidence.unconnected, *understood.on_the_way]
        marked += understood.dropped
        reading.notes += _not_understood(understood.rest, marked, reading.known)
    verdicts = Verdicts(
        setting,
        reading.known,
        evidence.with_steps([*evidence.steps, *understood.on_the_way]),
        reading.back,
        interpretation,
        found=[] if search is None else search.found,
        left=frozenset() if search is None else search.unexplained,
        notes=[*reading.notes, *_without_source(setting, subject)],
        sizes=sizes_of_data(reading),
        clipped=reading.clipped,
        epsilon=reading.epsilon,
        cut_off=search is not None and search.cut_off and not search.is_done,
        unknown=_first_unknown(understood, search, reading.known),
        silence=silence_of(evidence),
    )
    _with_statuses(interpretation, understood.on_the_way, verdicts.evidence)
    lines = verdicts.lines()
    if not lines:
        raise ValueError(
            ". ".join([no_gradient_message(setting, reading.known), *verdicts.remarks()])
        )
    report = Report(tuple(lines), tuple(verdicts.remarks()))
    return report, reading.recording, evidence.steps


def _setting_in_order(subject: Subject) -> Setting:
    """The setting with the inputs in an order in which the forward pass and the cost run.

    The forward pass takes the first inputs, unless it or the cost raises with them: then it takes
    others, in their order, as in `forward(X, params)` of the inputs X, Y, params.
    """
    until = time.monotonic() + ORDERS_SECONDS
    try:
        return Setting(subject)
    except Exception as error:
        if subject.cost is None:
            raise
        for order in itertools.islice(_orders(len(subject.inputs), subject.taken), ORDERS_LIMIT):
            inputs = tuple(subject.inputs[i] for i in order)
            with contextlib.suppress(Exception):
                return Setting(replace(subject, inputs=inputs))
            if time.monotonic() > until:
                break
        error.add_note(
            f"check_derivation() gave {name_of(subject.forward)} the first of the inputs, and "
            f"{name_of(subject.cost)} the others, and tried other orders: is one missing?"
        )
        raise


ORDERS_LIMIT = 60
"""The inputs are tried in up to this many orders."""

ORDERS_SECONDS = 3.0
"""After this time no further order is tried."""


def _orders(count: int, taken: int) -> Iterator[tuple[int, ...]]:
    """Orders of several inputs; those that the forward pass takes stay in the order given."""
    for first in itertools.combinations(range(count), taken):
        rest = [i for i in range(count) if i not in first]
        yield from ((*first, *others) for others in itertools.permutations(rest))


@dataclass
class Understood:
    """The values of a derivation, sorted into steps, steps on the way, and the rest."""

    evidence: Evidence
    interpretation: Interpretation
    on_the_way: list[Step]
    rest: list[Event]
    dropped: list[Step]

    @property
    def faults(self) -> int:
        """The number of wrong lines."""
        return self.interpretation.faults(self.evidence.lines)[0]

    @property
    def wrong(self) -> frozenset[str]:
        return frozenset(k for k, s in self.interpretation.status.items() if s == "wrong")


def _understood_as_likeliest(
    reading: Reading, seconds: float | None
) -> tuple[Understood, Search | None]:
    """Sorts the values of a reading and searches for the mistakes, in gradients of the sum or of
    the mean: in those of the mean where one mistake explains all.
    """
    understood, other = _understood_in_each_way(reading)
    if not understood.wrong or reading.back.error is not None or silence_of(understood.evidence):
        return understood, None
    start, whole = time.thread_time(), seconds or SEARCH_SECONDS
    search = _searched(reading, understood, whole if other is None else whole * FIRST_SHARE)
    is_mean = not understood.interpretation.everywhere
    if other is None or (is_mean and search.finds_one):
        return understood, search
    left = whole - (time.thread_time() - start)
    search_of_other = _searched(reading, other, max(left, whole * (1 - FIRST_SHARE)))
    return (other, search_of_other) if search_of_other.finds_one else (understood, search)


FIRST_SHARE = 0.6
"""The share of the time that the first of two ways to read a derivation takes at most."""


def _understood_in_each_way(reading: Reading) -> tuple[Understood, Understood | None]:
    """Sorts the values of a reading, and of gradients of the mean loss where those of the sum are
    wrong; the likelier way to read them comes first.

    In gradients of the sum, a penalty that is not multiplied by the number of samples is as wrong
    as a division by it that was left out once, which is likelier.
    """
    unmarked = reading.evidence.unmarked
    understood = _understood(reading, reading.evidence, reading.interpretation)
    is_contradicted = _begins_without_convention(understood)
    if not is_contradicted:
        if not understood.wrong or not understood.interpretation.everywhere:
            return understood, None
    evidence = reading.evidence.with_steps(reading.evidence.steps)
    evidence.counts, evidence.unmarked = [], unmarked
    mean = _understood(reading, evidence, evidence.read({s.key: s.value for s in evidence.steps}))
    if is_contradicted:
        return mean, None
    if mean.faults > understood.faults:
        return understood, mean
    mean.evidence.counts = reading.evidence.counts
    return mean, understood


def _begins_without_convention(understood: Understood) -> bool:
    """Whether a gradient on the way is that of the loss, before the first that is of N times it.

    Then a factor N is too much from there on.
    """
    reading = understood.interpretation
    if reading.factor == 1 or reading.everywhere:
        return False
    evidence = understood.evidence.with_steps([*understood.evidence.steps, *understood.on_the_way])
    scaled = [
        s.event.serial
        for s in understood.evidence.steps
        if s.event is not None and reading.status[s.key] == "convention"
    ]
    own = evidence.own({s.key: s.value for s in understood.on_the_way})
    first = min(scaled, default=0)
    before = [s for s in understood.on_the_way if s.event is not None and s.event.serial < first]
    pairs = ((own[s.key], evidence.truth[s.key]) for s in before if np.any(own[s.key]))
    return any(
        value.size > 1 and evidence.tolerance.same(value.reshape(true.shape), true)
        for value, true in pairs
    )


def _understood(reading: Reading, evidence: Evidence, interpretation: Interpretation) -> Understood:
    """Sorts the values of a reading: adds unnamed steps, and drops those with misleading names."""
    interpretation = with_opposite_steps(evidence, interpretation)
    events = derivation_events(evidence.setting, reading.back, reading.known, reading.recording)
    dropped = without_misleading_names(evidence, interpretation, reading.back)
    if dropped:
        interpretation = evidence.read({s.key: s.value for s in evidence.steps})
    while True:
        on_the_way, rest = steps_on_the_way(evidence, events, interpretation, reading.known)
        # What follows from another derivative at a kink is right.
        more = [s for s in on_the_way if s.is_at_kink]
        on_the_way = [s for s in on_the_way if not s.is_at_kink]
        if not more and any(s == "wrong" for s in interpretation.status.values()):
            # What follows from a wrong step is found on the way from it.
            unknown, all_of_them = (_of_gradients(e, reading.known) for e in (rest, events))
            step = place_by_effect(evidence, unknown, all_of_them, interpretation)
            more = [] if step is None else [step]
        if not more:
            break
        evidence = evidence.with_steps([*evidence.steps, *more])
        interpretation = evidence.read({s.key: s.value for s in evidence.steps})
    placed = {id(s.event) for s in evidence.steps if s.is_by_effect}
    evidence.unmarked = [
        s for s in evidence.unmarked if s not in on_the_way and id(s.event) not in placed
    ]
    told = {id(s.event) for s in on_the_way}
    reading.notes += [misnamed_message(s) for s in dropped if id(s.event) not in told]
    return Understood(evidence, interpretation, on_the_way, rest, dropped)


def _searched(reading: Reading, understood: Understood, seconds: float) -> Search:
    """Searches for the mistakes of a derivation, and returns the finished search."""
    evidence = understood.evidence
    setting = evidence.setting
    scoped = setting.run_backward(scopes=True, edits=reading.edits, forward=reading.known.values)
    for step in evidence.steps:
        step.is_total = _is_total(step, scoped)
    context = {
        "ahead": _places_ahead(setting, reading),
        "related": activations(reading.known),
        "activated": activations(reading.known, in_all=True),
        "parameters": frozenset(reading.known.inputs),
        "added": _only_added(reading),
        "sizes": sizes_of_data(reading),
        "trees": [d.tree for d in setting.sources.definitions.values() if d is not None],
    }
    wrong = [s for s in evidence.steps if s.key in understood.wrong]
    is_plain = all(never_added_to(s, reading.back) for s in wrong)
    seconds = min(seconds, PLAIN_SECONDS if is_plain else np.inf)
    runs = Reruns(evidence, scoped, dict(reading.edits or {}), seconds, _Bar())
    right = frozenset(
        s.event.key
        for s in understood.on_the_way
        # What hands a wrong value on follows from it, and is not right.
        if s.event is not None and not any(equal_arrays(s.event, w.value) for w in wrong)
    )
    rest = _same_events(understood.rest, scoped)
    parts = _right_parts(evidence, rest, understood.interpretation.factor)
    candidates = Candidates(runs, rest, right, context, parts)
    search = Search(runs, candidates)
    search.find(understood.interpretation)
    return search


def _is_total(step: Step, back: Execution) -> bool:
    """Whether a step is what a statement has added up when it runs for the last time.

    What it adds in the last rounds may be 0 on these inputs, such as the first state of a net.
    """
    event = step.source
    if event is None or not isinstance(event.place.statement, ast.AugAssign):
        return False
    array = event.array
    times = back.times.get(event.key[:2], 1)
    later = (e for e in back.events if e.key[:2] == event.key[:2] and e.key[2] > event.key[2])
    return times > 1 and array is not None and all(equal_arrays(e, array) for e in later)


def _only_added(reading: Reading) -> frozenset[str]:
    """The inputs that the forward pass only adds, such as biases: no other gradient has them."""
    functions: dict[int, set[Any]] = {}
    for node in reading.evidence.graph.nodes:
        for parent in node.parents or ():
            functions.setdefault(id(parent), set()).add(node.plan.operation.function)
    inputs = reading.known.inputs.items()
    return frozenset(n for n, i in inputs if functions.get(id(i.tensor._node)) == {np.add})


def _first_unknown(understood: Understood, search: Search | None, known: Known) -> Event | None:
    """The first gradient before the wrong steps that is not understood.

    Without one it is the value from which all that is wrong comes. None if there is none either.
    """
    evidence, wrong = understood.evidence, understood.wrong
    flagged = [s.event.serial for s in evidence.steps if s.key in wrong and s.event is not None]
    if not flagged:
        return None
    names = {s.name for s in evidence.steps}
    sources: list[Event] = []
    for event in understood.rest:
        array = event.array
        if known.holds(array):
            continue
        if array is None or not array.ndim or array.size < 2 or not np.any(array):
            continue
        if event.serial < min(flagged) and event.name not in names:
            if is_gradient_name(event.name):
                sources.append(event)
    if search is None or search.found:
        return None
    return search.candidates.common_source(understood.interpretation, wrong, sources)


def _not_understood(events: list[Event], steps: list[Step], known: Known) -> list[str]:
    """A remark on values that are named like gradients but are the gradient of no value."""
    told = {s.name for s in steps}
    names = [
        e.name
        for e in _of_gradients(events, known)
        if np.size(e.value) > 1 and e.name not in told and _is_called_after(e.name, known)
    ]
    if not names:
        return []
    one = len(set(names)) == 1
    what = "is not marked by itself: it is" if one else "are not marked by themselves: they are"
    listed = ", ".join(dict.fromkeys(names))
    return [f"{listed} {what} the whole gradient of no value in the forward pass"]


def _is_called_after(name: str, known: Known) -> bool:
    """Whether a name is that of a gradient or of a part of one, and not a word such as `diff`."""
    tensors = tensors_named_in(name)
    spelled = re.match(r"d[A-Z_]|.*(grad|delta)", name) is not None
    return bool(tensors) and (spelled or any(t.startswith(tuple(known.versions)) for t in tensors))


def _of_gradients(events: list[Event], known: Known) -> list[Event]:
    """The events whose values are not those of the forward pass."""
    return [
        e
        for e in events
        if e.array is not None and (is_gradient_name(e.name) or not known.holds(e.array))
    ]


def _right_parts(evidence: Evidence, events: list[Event], factor: float) -> frozenset[Any]:
    """The keys of the events that are a gradient without what one operation adds to it."""
    table = GradientTable(evidence.graph.without_one)
    arrays = ((event.key, event.array) for event in events)
    return frozenset(k for k, a in arrays if a is not None and any(table.equal_to(a, factor)))


def _same_events(events: list[Event], back: Execution) -> list[Event]:
    keys = {e.key for e in events}
    return [e for e in back.events if e.key in keys]


def _places_ahead(setting: Setting, reading: Reading) -> set[int]:
    """The statements of the forward pass, by `id`; what they compute is right by definition."""
    if setting.subject.backward is not None:
        return {id(e.place) for e in setting.forward.execution.events}
    nodes = set(reading.evidence.graph.nodes)
    parents = [np.asarray(p) for n in nodes for p in n.parents or () if isinstance(p, np.ndarray)]
    constants = {(p.shape, p.tobytes()) for p in parents if _may_be_compared(p) and np.any(p)}
    ahead: set[int] = set()
    renamed: dict[int, str] = {}
    read: Counter[str] = Counter()
    for event in reading.recording.events:
        value = plain(event.value)
        statement = event.place.statement
        if getattr(event.value, "_node", None) in nodes:
            if id(event.place) not in ahead:
                names = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
                read.update(n.id for n in names if isinstance(n.ctx, ast.Load))
            ahead.add(id(event.place))
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
                renamed[id(event.place)] = event.path
        elif isinstance(value, np.ndarray) and _may_be_compared(value):
            ahead |= {id(event.place)} if (value.shape, value.tobytes()) in constants else set()
    # What nothing of the loss reads is no part of it, as `delta = error` with a factor left out.
    return {place for place in ahead if place not in renamed or read[renamed[place]]}


def _may_be_compared(array: np.ndarray) -> bool:
    return array.ndim > 0 and array.nbytes <= COMPARED_UP_TO_BYTES


def _with_statuses(interpretation: Interpretation, more: list[Step], evidence: Evidence) -> None:
    """Gives a status to the steps that were found by value: right, or passing on an error."""
    own = evidence.own({s.key: s.value for s in evidence.steps})
    # Right gradients follow from another derivative at a kink.
    taken = {
        key: own[key] / interpretation.scales[key]
        for key in interpretation.at_zero
        if interpretation.status[key] in RIGHT
    }
    true = evidence.forward.gradients(taken) if taken else evidence.truth
    for step in more:
        truth = true[step.key]
        value = own[step.key].reshape(truth.shape)
        ratio = 1.0
        status = "correct"
        if not evidence.tolerance.same(value, truth):
            multiple = evidence.tolerance.factor(value, truth) or 0.0
            factors = (interpretation.factor, *evidence.counts)
            is_near = any(abs(multiple / n - 1) < 1e-6 for n in factors)
            status, ratio = ("convention", multiple) if is_near else ("inherited", 1.0)
        interpretation.status[step.key] = status
        interpretation.truth[step.key] = (truth * ratio).reshape(step.value.shape)
        interpretation.scales[step.key] = ratio
        interpretation.expected[step.key] = step.value


def _without_velocities(
    reading: Reading, names: Mapping[str, str | None], tolerance: float | None
) -> Reading:
    """The reading with an optimiser's state set to 0, where that adds no fault."""
    if not reading.faults or reading.back.error is not None:
        return reading
    carried = velocities(reading.back.events)
    subject = reading.evidence.setting.subject
    given = dict(zip(subject.names, subject.inputs, strict=True))
    # What the loss depends on is no state of an optimiser.
    connected = reading.evidence.graph.arrivals()
    apart = [i for i in reading.recording.inputs if i.tensor._node not in connected]
    arrays = [i for i in apart if carried & {str(k) for k in i.path}]
    arrays = [i for i in arrays if i.original is not None and np.any(i.original)]
    numbers = {n for n, v in given.items() if n in carried and is_number(v) and v}
    if not arrays and not numbers:
        return reading
    inputs = tuple(0.0 if name in numbers else value for name, value in given.items())
    blank = frozenset(id(i.original) for i in arrays)
    setting = Setting(replace(subject, inputs=inputs, blank=blank))
    other = _best_reading(setting, names, tolerance)
    if other.faults > reading.faults:
        return reading
    listed = ", ".join(dict.fromkeys([*(i.name for i in arrays), *sorted(numbers)]))
    other.notes.append(
        f"convention: the values of {listed} from earlier steps are 0 here, so that the update "
        "shows the gradient; that is no mistake"
    )
    return other


def _best_reading(
    setting: Setting, names: Mapping[str, str | None], tolerance: float | None
) -> Reading:
    reading = _reading(setting, setting.record(_wanted(setting)), names, tolerance)
    if not reading.faults or reading.back.error is not None:
        return reading
    definitions = [d for d in setting.sources.definitions.values() if d is not None]
    epsilons, clips = without_epsilons(definitions), without_clipping(definitions)
    others: list[tuple[Recording, Any, bool]] = []
    smoothed: dict[Any, Any] = {}
    is_in_logarithm = bool(without_epsilons(definitions, in_logarithms=True))
    if clips:
        others.append((reading.recording, clips, False))
    if epsilons or clips:
        try:
            smoothed = {**clips, **epsilons}
            smooth = setting.record(setting.wanted, edits=smoothed)
        except (TypeError, ValueError):
            smooth = None
        if smooth is not None:
            others += [(smooth, None, True)] + ([(smooth, clips, True)] if clips else [])
    for recording, edits, epsilon in others:
        try:
            other = _reading(setting, recording, names, tolerance, edits)
        except (TypeError, ValueError):
            continue
        # What leaves out a small number of the loss is right where it is mended.
        is_likelier = is_in_logarithm and not edits and not _explains_more(reading, other)
        explains_more = is_likelier or _explains_more(other, reading)
        if explains_more and len(other.evidence.steps) >= 1:
            other.clipped, other.epsilon, other.edits = edits is not None, epsilon, edits
            other.evidence.forward_edits = smoothed if epsilon else None
            reading = other
    return reading


def _explains_more(one: Reading, other: Reading) -> bool:
    """Whether `one` has fewer faults than `other`, or as many and its first fault comes earlier."""
    return (one.faults, one.first_fault) < (other.faults, other.first_fault)


def _reading(
    setting: Setting,
    recording: Recording,
    names: Mapping[str, str | None],
    tolerance: float | None,
    edits: Any = None,
) -> Reading:
    back = setting.run_backward(edits=edits, scopes=True)
    evidence, known, notes = gather(setting, recording, back, names, tolerance, [])
    derived = {s.tensor for s in evidence.steps}
    evidence.counts = sample_counts(recording, setting, derived)
    values = {s.key: s.value for s in evidence.steps}
    interpretation = evidence.read(values)
    if any(s.sign == -1 or s.is_added for s in evidence.steps):
        evidence.direction = -1
        other = evidence.read(values)
        if other.faults(evidence.lines) > interpretation.faults(evidence.lines):
            evidence.direction = 1
    take_other_places(evidence, interpretation, known, back)
    interpretation = evidence.read({s.key: s.value for s in evidence.steps})
    return Reading(recording, back, evidence, known, notes, interpretation)


def _wanted(setting: Setting) -> set[str] | None:
    """The names of the inputs to differentiate; None for all of them."""
    subject = setting.subject
    roots = dict(zip(subject.names, setting.base.roots["inputs"], strict=True))
    reached = list(paths_of(roots | {"self": setting.base.roots["backward"]}))
    size = sum(v.size for _, v in reached if isinstance(v, np.ndarray))
    numbers = {
        n
        for n, v in zip(setting.subject.names, setting.subject.inputs, strict=True)
        if isinstance(v, (int, float, np.number))
        or getattr(v, "dtype", np.dtype(float)).kind in "iu"
    }
    numbers |= {path_name(p) for p, v in reached if isinstance(v, (int, float, np.number))}
    if size <= ALL_INPUTS_LIMIT_ELEMENTS and not numbers:
        return None
    if not any(isinstance(v, np.ndarray) and v.dtype.kind == "f" for _, v in reached):
        floats = {path_name(p) for p, v in reached if isinstance(v, (float, np.floating))}
        # Without any, the arrays are global variables.
        setting.wanted = floats or None
        return setting.wanted
    back = setting.run_backward()
    variables = {e.name for e in back.events}
    called = {name for variable in variables for name in tensors_named_in(variable)}
    floats = {path_name(p) for p, v in reached if isinstance(v, (float, np.floating))}
    called |= {v[1:] for v in variables if v[:1] == "g" and v[1:] in floats}
    called |= {e.name for e in back.events if update_of(e.place.statement) is not None}
    if isinstance(back.result, Mapping):
        called |= {n for k in back.result for n in (str(k), *tensors_named_in(str(k)))}
    if size <= ALL_INPUTS_LIMIT_ELEMENTS:
        if not called & numbers:
            return None
        setting.all_arrays = True
        called &= numbers
    setting.wanted = called
    return called


def sizes_of_data(reading: Reading) -> dict[int, str]:
    """The lengths of the data's axes, each with a description; last axes come first."""
    derived = {s.tensor for s in reading.evidence.steps}
    data = data_of(reading.recording, reading.evidence.setting)
    # Without elements an array gives no number to divide by.
    arrays = [(n, v) for n, v in data if n not in derived and v.size]
    arrays.sort(key=lambda item: -item[1].size)
    sizes: dict[int, str] = {}
    for axis, what in ((-1, "columns"), (0, "rows")):
        for name, array in arrays:
            if array.ndim > 1 or axis == -1:
                what_here = what if array.ndim > 1 else "elements"
                sizes.setdefault(array.shape[axis], f"the number of {what_here} of {name}")
    for name, array in arrays:
        sizes.setdefault(array.size, f"the number of elements of {name}")
    return sizes


def data_of(recording: Recording, setting: Setting) -> list[tuple[str, np.ndarray]]:
    """The arrays that the forward pass starts from, integer arrays included, with their names."""
    found = [(i.name, i.tensor._value) for i in recording.inputs if i.tensor.ndim]
    names = {n for n, _ in found}
    arguments = dict(zip(setting.subject.names, setting.subject.inputs, strict=True))
    for path, value in paths_of(arguments):
        if isinstance(value, np.ndarray) and value.ndim and path_name(path) not in names:
            found.append((path_name(path), value))
    return found


def sample_counts(recording: Recording, setting: Setting, derived: set[str]) -> list[int]:
    """Candidates for the number of samples: lengths that inputs without a gradient share."""
    data = [v for n, v in data_of(recording, setting) if n not in derived]
    axes = [{*array.shape, array.size} for array in data]
    counts = [length for lengths in axes for length in lengths]
    shared = {length for length in counts if counts.count(length) > 1}
    # An axis of length 1 gives no number to divide by.
    return sorted(n for n in shared or set(counts) if n > 1)


def _without_source(setting: Setting, subject: Subject) -> list[str]:
    if persons_function(setting.sources, subject.marked) is not None:
        return []
    return [
        f"the source of {name_of(subject.marked)} is not known, as it was typed into a prompt or "
        "made by exec(): its gradients are marked, but no lines"
    ]


class _Bar:
    """A progress bar on a terminal, for searches that take longer than a second."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.bar: Any = None

    def __call__(self, runs: int) -> None:
        if self.bar is None and sys.stderr.isatty() and time.monotonic() - self.start > 1:
            from tqdm import tqdm

            self.bar = tqdm(desc="looking for the mistake", unit=" runs", leave=False)
        if self.bar is not None:
            self.bar.n = runs
            self.bar.refresh()
