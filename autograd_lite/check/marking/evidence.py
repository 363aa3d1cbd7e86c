"""Evidence of a derivation on one set of inputs: its steps, and which of them are wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Tree
from autograd_lite.backward import fit, propagate
from autograd_lite.check.differences import max_abs
from autograd_lite.check.marking.assignments import is_unnamed, texts_in
from autograd_lite.check.marking.chain_rule import (
    Arrays,
    ForwardGraph,
    Interpretation,
    Tolerance,
    differs_at_zero_only,
    going_on,
    read,
)
from autograd_lite.check.marking.definitions import Definition
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forward import Recording, Setting
from autograd_lite.check.marking.handed_in import handed_in
from autograd_lite.check.marking.steps import Known, Step, known_tensors
from autograd_lite.check.marking.world import fields_of, paths_of
from autograd_lite.check.names import is_gradient_name
from autograd_lite.gradients import IndexedGradient, TupleGradient
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.record import make
from autograd_lite.tensor import Tensor


class Graph:
    """The graph of a recorded loss, with the gradient that arrives at each of its nodes."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.root: Any = recording.loss._node
        self.nodes = list(ancestors([self.root]))
        self.places = {node: i for i, node in enumerate(self.nodes)}
        self.inputs = {i.tensor._node: i.path for i in recording.inputs}
        self.by_path = {i.path: i.tensor for i in recording.inputs}
        values = (e.value for e in recording.events)
        self.named = {v._node: v for v in values if isinstance(v, Tensor)}

    @cached_property
    def _arrived(self) -> dict[Any, Gradient]:
        """The true gradient at each node, of whatever kind."""
        targets: Any = {*self.nodes, *(n for n in self.inputs if n is not None)}
        return propagate(self.root, np.ones_like(self.recording.loss._value)[()], targets=targets)

    @cached_property
    def _truth(self) -> dict[Any, np.ndarray]:
        dense = ((node, _dense(g)) for node, g in self._arrived.items())
        return {node: g for node, g in dense if g is not None}

    def arrivals(self, own: Mapping[Any, np.ndarray] | None = None) -> dict[Any, np.ndarray]:
        """The gradient at each node, when those in `own` are passed on instead."""
        if not own:
            return self._truth
        tensors = {str(i): without_value(n) for i, n in enumerate(self.nodes) if not is_several(n)}
        graph = ForwardGraph(self.recording.loss, tensors | self._inputs())
        given = {str(self.places[n]): g for n, g in own.items() if n in self.places}
        arrived = graph.gradients(given)
        return {graph.tensors[name]._node: g for name, g in arrived.items()}

    @cached_property
    def without_one(self) -> dict[tuple[Any, int], np.ndarray]:
        """The gradient at each node that several operations read, without what one of them adds."""
        added: dict[Any, list[np.ndarray]] = {}
        for node, arrived in self._arrived.items():
            for i, pull in node.plan.pulls if isinstance(node, Node) else ():
                with np.errstate(all="ignore"):
                    term = _dense(pull(arrived, node.kept))
                if term is not None:
                    parent = node.parents[i]
                    term = fit(term, parent.shape, parent.dtype, node)
                    added.setdefault(parent, []).append(term)
        true = self.arrivals()
        return {
            (node, i): true[node] - term
            for node, terms in added.items()
            for i, term in enumerate(terms)
            if node in true and len(terms) > 1 and true[node].size > 1
        }

    def _inputs(self) -> dict[str, Tensor]:
        connected = self.arrivals()
        inputs = enumerate(self.recording.inputs)
        return {f"input {i}": x.tensor for i, x in inputs if x.tensor._node in connected}

    def locate(self, tensor: Tensor) -> tuple[str, Any]:
        """The place of a tensor in the graph, which finds it in another recording as well."""
        node: Any = tensor._node
        if node in self.places:
            return "node", self.places[node]
        return "input", self.inputs.get(node)

    def tensor_at(self, place: tuple[str, Any]) -> Tensor:
        kind, where = place
        if kind == "input":
            return self.by_path[where]
        return self.tensor_of(self.nodes[where])

    def tensor_of(self, node: Node) -> Tensor:
        """The tensor of a node; one without a value where no variable held it."""
        return self.named[node] if node in self.named else without_value(node)


def without_value(node: Node) -> Tensor:
    """A tensor for a node of the graph whose value was not kept."""
    return make(np.broadcast_to(np.asarray(np.nan, node.dtype), node.shape), node)


@dataclass
class Evidence:
    """The steps of a derivation, and the graph with which they are compared.

    `places` holds the place of each step's tensor in the graph, `lines` the line of each step.
    `forward_edits` holds the edits of the forward pass that a convention needs.
    """

    setting: Setting
    recording: Recording
    graph: Graph
    steps: list[Step]
    places: dict[str, tuple[str, Any]]
    tolerance: Tolerance
    counts: list[int]
    direction: int = 1
    unconnected: list[Step] = field(default_factory=list)
    unmarked: list[Step] = field(default_factory=list)
    forward_values: Mapping[str, Array] = field(default_factory=dict)
    forward_edits: Mapping[Definition, ast.FunctionDef] | None = None

    def __post_init__(self) -> None:
        self.lines = {s.key: s.line for s in self.steps}
        self._inner = {s.key for s in self.steps if not s.final and self.places[s.key][0] == "node"}
        tensors = {key: self.graph.tensor_at(place) for key, place in self.places.items()}
        for step in self.steps:
            if step.of is not None and step.of._node is tensors[step.key]._node:
                tensors[step.key] = step.of
        self.forward = ForwardGraph(self.recording.loss, tensors)
        self.truth = self.forward.gradients({})

    def without(self, step: Step) -> Evidence:
        """The evidence without one step."""
        return self.with_steps([s for s in self.steps if s is not step])

    def with_steps(self, steps: list[Step]) -> Evidence:
        """The evidence with other steps."""
        places = {
            s.key: self.places[s.key] if s.key in self.places else self.graph.locate(s.of)  # type: ignore
            for s in steps
        }
        other = Evidence(
            *(self.setting, self.recording, self.graph, steps, places),
            *(self.tolerance, self.counts, self.direction),
        )
        other.unconnected, other.unmarked = self.unconnected, self.unmarked
        other.forward_values = self.forward_values
        other.forward_edits = self.forward_edits
        return other

    def place(
        self, step: Step, value: np.ndarray, event: Event | None, tensor: Tensor | None
    ) -> None:
        """Takes another value for a step, and for the gradient of another tensor."""
        step.value, step.event, step.of = value, event, tensor
        if tensor is not None:
            self.places[step.key] = self.graph.locate(tensor)
        self.__post_init__()

    def drop(self, step: Step) -> None:
        self.steps.remove(step)
        del self.places[step.key]
        self.__post_init__()

    def own(self, values: Mapping[str, np.ndarray]) -> Arrays:
        # An update shows its direction itself.
        scales = {
            s.key: s.sign
            * (1 if s.sign == -1 or s.is_difference else self.direction)
            * (-1 if s.is_opposite else 1)
            / s.rate
            for s in self.steps
        }
        return {
            k: self.with_axes(k, v if scales[k] == 1 else v * scales[k]) for k, v in values.items()
        }

    def with_axes(self, key: str, value: np.ndarray) -> np.ndarray:
        """A gradient with its tensor's leading axes of length 1, so that (h,) becomes (1, h).

        Of a value within the forward pass, which only the person reads, all axes of length 1 are
        free.
        """
        shape = self.forward.tensors[key].shape
        missing = len(shape) - value.ndim
        if missing > 0 and shape == (1,) * missing + value.shape and value.ndim:
            return value.reshape(shape)
        is_alike = [n for n in shape if n > 1] == [n for n in value.shape if n > 1]
        if key in self._inner and is_alike and value.size > 1:
            return value.reshape(shape)
        return value

    def read(self, values: Mapping[str, np.ndarray]) -> Interpretation:
        """The interpretation of the steps' values with the fewest wrong lines."""
        own = self.own(values)
        lines = {key: self.lines[key] for key in own}
        # The rate of an update is arbitrary, so it may include the division by N of a mean.
        averaged = any(s.in_update for s in self.steps)
        return read(self.forward, own, lines, self.counts, self.truth, self.tolerance, averaged)

    def places_by_name(self, key: str) -> list[tuple[str, Any]]:
        """The places of all values of the name that a step is called after, unless an input's."""
        step = next(s for s in self.steps if s.key == key)
        is_of_node = self.places[key][0] == "node" and len(step.others) > 1
        return [self.graph.locate(tensor) for tensor in step.others] if is_of_node else []

    def gradients_at(
        self, places: Iterable[tuple[str, Any]], factor: float
    ) -> Iterator[np.ndarray]:
        """The gradients at places of the graph, of so many times the loss."""
        arrived = self.graph.arrivals()
        for place in places:
            gradient = arrived.get(self.graph.tensor_at(place)._node)
            if gradient is not None:
                yield gradient * factor

    def arriving(self, values: Mapping[str, np.ndarray], factor: float) -> Arrays:
        """The gradients at named values without a step, from the person's own gradients."""
        passed = going_on(self.forward, self.own(values), factor)
        own = {self.forward.tensors[k]._node: g for k, g in passed.items()}
        arrived = self.graph.arrivals(own)
        named = {e.name: getattr(e.value, "_node", None) for e in self.recording.events}
        return {
            name: arrived[node] * factor
            for name, node in named.items()
            if node in arrived and node not in own and name.isidentifier()
        }


def is_several(node: Node) -> bool:
    """Whether a node stands for several arrays."""
    shape: Any = node.shape
    return shape is TupleGradient.shape


def _dense(g: Gradient) -> np.ndarray | None:
    """A gradient as an array; None for a node with several results."""
    if isinstance(g, TupleGradient):
        return None
    return np.asarray(g.dense() if isinstance(g, IndexedGradient) else g)


def values_of(evidence: Evidence, back: Execution) -> dict[str, np.ndarray] | None:
    """The values of the steps in another run; None where one that is handed in is missing."""
    events = {event.ordinal: event for event in back.events}
    events |= {event.key: event for event in back.events}
    last = {event.key[:2]: event for event in back.events}
    found: dict[str, np.ndarray] = {}
    left_out: list[Step] = []
    for step in evidence.steps:
        is_returned = step.entry is not None and not step.is_earlier
        array = _entry(back.result, step.entry) if is_returned else None
        if step.source is not None and array is None:
            key = step.source.key
            total = last.get(key[:2]) if step.is_total else None
            event = total or events.get(key) or events.get(step.source.ordinal)
            array = None if event is None else event.array
            if array is not None and step.is_difference:
                before = evidence.forward.tensors[step.key]._value
                array = before - array if before.shape == array.shape else None
        elif array is None and step.path is not None:
            array = _attribute_at(back, step.path)
        else:
            if array is not None and step.shape is not None:
                array = array.reshape(step.shape) if array.size == np.prod(step.shape) else None
        if array is not None:
            found[step.key] = array
        elif _is_plain(step):
            left_out.append(step)
        else:
            return None
    if left_out:
        # An edit may call another function. What is handed in tells whether it is right, so that
        # a step whose statement does not run is what follows from the person's later gradients.
        passed = evidence.forward.gradients(going_on(evidence.forward, evidence.own(found), 1))
        found |= {step.key: passed[step.key] * evidence.direction for step in left_out}
    return found


def _is_plain(step: Step) -> bool:
    """Whether a step is on the way, and is the gradient itself."""
    return not step.final and step.sign == 1 and step.rate == 1 and not step.is_opposite


def _attribute_at(back: Execution, path: tuple[Any, ...]) -> np.ndarray | None:
    """The array in an attribute of the objects whose methods ran."""
    found = dict(paths_of(back.world.roots.get("backward"), ("self",))).get(path)
    return found if isinstance(found, np.ndarray) else None


def _entry(result: Tree, path: tuple[Any, ...] | None) -> np.ndarray | None:
    try:
        for key in path or ():
            fields = fields_of(result)
            result = (result if fields is None else fields)[key]
        array = np.asarray(result)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return array if array.dtype.kind in "fciu" else None


def gather(
    setting: Setting,
    recording: Recording,
    back: Execution,
    names: Mapping[str, str | None],
    tolerance: float | None,
    counts: list[int],
) -> tuple[Evidence, Known, list[str]]:
    """The evidence on the person's own inputs, with the known tensors and the remarks."""
    graph = Graph(recording)
    truth = graph.arrivals()
    known = known_tensors(recording)
    handed = handed_in(setting, recording, known, back, truth, names)
    steps = handed.steps
    if tolerance is None:
        tolerance = 1e-3 if recording.loss.dtype.itemsize < 8 else 1e-6
    connected = [s for s in steps if s.of is not None and s.of._node in truth]
    scale = max((max_abs(truth[s.of._node]) for s in connected), default=0.0)  # type: ignore
    eps = float(np.finfo(np.result_type(recording.loss.dtype, np.float32)).eps)
    # Rounding errors of terms that cancel do not count as differences.
    floor = 128 * eps * scale / tolerance
    evidence = Evidence(
        *(setting, recording, graph, connected),
        {s.key: graph.locate(s.of) for s in connected},  # type: ignore[arg-type]
        *(Tolerance(tolerance, floor), counts),
    )
    # What has the name of a value that the loss does not come from is that value.
    apart = [s for s in steps if s not in connected]
    evidence.unconnected = [s for s in apart if s.name != s.tensor or s.tensor in known.inputs]
    evidence.unmarked = handed.unmarked
    evidence.forward_values = known.values
    return evidence, known, handed.notes


def place_by_effect(
    evidence: Evidence,
    events: list[Event],
    others: list[Event],
    interpretation: Interpretation,
) -> Step | None:
    """Finds the first wrong step by the later gradients that follow from it.

    A value is taken for the gradient of a node if passing it on from there, in place of the
    gradient that arrives, gives the person's later gradients. `others` are events
    of the derivation whose values may have become zeros.
    """
    wrong = {k for k, status in interpretation.status.items() if status == "wrong"}
    nothing_arrives = any(s.key in wrong and not np.any(s.value) for s in evidence.steps)
    for event in events[:EFFECT_LIMIT_EVENTS]:
        event = _named_one(event, events)
        array = event.array
        if array is None or not array.ndim or array.size < 2:
            continue
        if not np.any(array) and not (nothing_arrives and _is_lost_in(event, others)):
            continue
        step = _by_effect(evidence, event, array, wrong, interpretation)
        if step is not None:
            return step
    return None


def _named_one(event: Event, events: list[Event]) -> Event:
    """The event that names the value of an unnamed one; the given event where there is none."""
    if not is_unnamed(event.name) or event.array is None:
        return event
    for other in events:
        if other.serial > event.serial and not is_unnamed(other.name):
            found = other.array
            if found is not None and np.array_equal(found, event.array):
                return other
    return event


def _is_lost_in(event: Event, others: list[Event]) -> bool:
    """Whether a statement reads a gradient and gives zeros, which is no mere place for a sum."""
    read = texts_in(getattr(event.place.statement, "value", event.place.statement))
    return any(
        other.path in read and other.array is not None and np.any(other.array)
        for other in others
        if other.serial < event.serial and other.frame == event.frame
    )


def _by_effect(
    evidence: Evidence,
    event: Event,
    array: np.ndarray,
    wrong: set[str],
    interpretation: Interpretation,
) -> Step | None:
    graph, factor = evidence.graph, interpretation.factor
    values = evidence.own({s.key: s.value for s in evidence.steps})
    passed = going_on(evidence.forward, values, factor)

    def follow(keys: Iterable[str], arrived: Mapping[str, np.ndarray]) -> set[str]:
        same, scales = evidence.tolerance.same, interpretation.scales
        return {k for k in keys if same(values[k], arrived[k] * scales[k])}

    # A part of a gradient may be placed where the whole belongs, which comes later.
    placed = {s.key for s in evidence.steps if s.is_by_effect}
    owned = {evidence.forward.tensors[k]._node for k in passed.keys() - placed}
    value = array * (evidence.direction / factor)
    best: tuple[int, Node | None] = (0, None)
    nodes = [
        n
        for n in reversed(graph.nodes)
        if not is_several(n) and n.shape == array.shape and n not in owned
    ]

    # What takes another derivative at a kink does not follow from what is passed on.
    kinks = {s.key for s in evidence.steps if s.is_at_kink}
    right = {k for k in values if interpretation.status[k] in ("correct", "convention")} - kinks
    for node in nodes[:EFFECT_LIMIT_NODES]:
        tensor = without_value(node)
        trial = ForwardGraph(evidence.recording.loss, evidence.forward.tensors | {"?": tensor})
        arrived = trial.gradients(passed | {"?": value})
        explained, broken = follow(wrong, arrived), right - follow(right, arrived)
        if len(explained) > best[0] and not broken:
            best = len(explained), node
    if best[1] is None:
        return None
    tensor = graph.tensor_of(best[1])
    step = Step(event.name, "", array, event, tensor)
    step.key, step.is_by_effect = f"{event.name} by effect {event.serial}", True
    return step


EFFECT_LIMIT_EVENTS = 24
EFFECT_LIMIT_NODES = 40
"""Up to this many values are tried at up to this many nodes of the graph."""


def steps_on_the_way(
    evidence: Evidence, events: list[Event], interpretation: Interpretation, known: Known
) -> tuple[list[Step], list[Event]]:
    """Finds right steps whose names are not those of gradients, by the gradient that each equals.

    A value is such a step if it equals the gradient at some node of the graph, the true one or the
    one that follows from the person's own gradients. If it is called after a tensor, that tensor is
    on the way from the node to the loss or before it: other gradients it equals by chance. The
    other events are returned as well.
    """
    arrived = Arrived(evidence, interpretation)
    versions = {e.name: known.versions.get(known.among(e.name) or "", ()) for e in events}
    taken = {id(s.event) for s in evidence.steps}
    found: list[Step] = []
    rest: list[Event] = []
    for event in events:
        array = event.array
        if array is None or id(event) in taken or type(event.value) in (int, float):
            continue
        # By chance, a person's wrong gradient may be a value of the forward pass.
        is_own = not known.holds(array) or is_gradient_name(event.name)
        node = arrived.node_of(array, versions[event.name], is_own)
        # What is handed on may be the gradient of itself, as an error is, but not of another value.
        own = (tensor._node for tensor in known.versions.get(event.name, ()))
        is_other = not any(node is other for other in own)
        if is_other and known.is_handed_on(event) and not is_gradient_name(event.name):
            continue
        if node is None:
            rest.append(event)
        elif isinstance(node, Node):
            step = Step(event.name, "", array, event, evidence.graph.tensor_of(node))
            step.key = f"{event.name} on the way {event.serial}"
            step.is_at_kink = node in arrived.at_kinks
            found.append(step)
    found += _handed_in_on_the_way(evidence, arrived)
    return found, rest


def _handed_in_on_the_way(evidence: Evidence, arrived: Arrived) -> list[Step]:
    """Takes what is handed in by a name that no value has for the gradient that it equals."""
    found: list[Step] = []
    for step in evidence.unmarked:
        node = arrived.node_of(step.value) if step.value.size > 1 else None
        if isinstance(node, Node):
            step.of, step.key = evidence.graph.tensor_of(node), f"{step.name} handed in"
            found.append(step)
    return found


class Arrived:
    """The gradients that arrive at the nodes, the true ones and those from the person's own."""

    def __init__(self, evidence: Evidence, interpretation: Interpretation) -> None:
        values = evidence.own({s.key: s.value for s in evidence.steps})
        passed = going_on(evidence.forward, values, interpretation.factor)
        self._own: dict[Any, np.ndarray] = {
            evidence.forward.tensors[key]._node: value for key, value in passed.items()
        }
        self._evidence = evidence
        self.at_kinks: set[Any] = set()
        self._sources: dict[int, set[int]] = {}
        self._passed_on = evidence.graph.arrivals(self._own)
        self._tables = [GradientTable(evidence.graph.arrivals()), GradientTable(self._passed_on)]
        factor = interpretation.factor * evidence.direction
        # `A - Y` may be N times a gradient that is divided by N later.
        self._scales = dict.fromkeys(
            (evidence.direction, factor, *(n * evidence.direction for n in evidence.counts))
        )

    def node_of(
        self, array: np.ndarray, named: Iterable[Tensor] = (), is_own: bool = True
    ) -> Node | Leaf | None:
        """The node whose gradient an array is, on one way with one of the tensors `named`.

        Without `is_own` only true gradients count.
        """
        nodes = (
            node
            for table in (self._tables if is_own else self._tables[:1])
            for scale in self._scales
            for node in table.equal_to(array, scale)
        )
        ways = [tensor._node for tensor in named]
        found = next(
            (n for n in nodes if not ways or any(self._are_on_one_way(n, w) for w in ways)), None
        )
        return found if found is not None or not is_own else self._at_kink(array)

    def _are_on_one_way(self, one: object, other: object) -> bool:
        """Whether one of two nodes is computed from the other, or is the other."""
        return one is other or id(one) in self._before(other) or id(other) in self._before(one)

    def _before(self, node: object) -> set[int]:
        """The nodes and leaves that a node is computed from, by `id`."""
        if id(node) not in self._sources:
            parents = (n.parents or () for n in ancestors([node]))
            self._sources[id(node)] = {id(parent) for several in parents for parent in several}
        return self._sources[id(node)]

    def _at_kink(self, array: np.ndarray) -> Any:
        """The node whose gradient an array is but where its value is 0, at a kink.

        What follows from the array is then compared with what follows from it.
        """
        evidence = self._evidence
        for node, value in self._values_at_kinks:
            arrived = self._passed_on.get(node)
            if arrived is None or arrived.shape != array.shape:
                continue
            for scale in self._scales:
                if differs_at_zero_only(array / scale, arrived, value, evidence.tolerance):
                    self.at_kinks.add(node)
                    self._own[node] = array / scale
                    self._passed_on = evidence.graph.arrivals(self._own)
                    self._tables[1] = GradientTable(self._passed_on)
                    return node
        return None

    @cached_property
    def _values_at_kinks(self) -> list[tuple[Any, np.ndarray]]:
        """The nodes at kinks whose values have zeros, with these values."""
        evidence = self._evidence
        return [
            (node, tensor._value)
            for node, tensor in evidence.graph.named.items()
            if not np.all(tensor._value) and evidence.forward.is_at_kink(node)
        ]


class GradientTable:
    """Gradients by size, each with its norm, to find equal ones quickly."""

    def __init__(self, arrivals: Mapping[Any, np.ndarray]) -> None:
        self.entries: dict[int, list[tuple[float, Any, np.ndarray]]] = {}
        for node, g in arrivals.items():
            if g.size and np.any(g):
                self.entries.setdefault(g.size, []).append((float(np.linalg.norm(g)), node, g))

    def equal_to(self, value: np.ndarray, scale: float) -> Iterator[Node | Leaf]:
        """The nodes whose gradients, times a number, are the value up to axes of length 1."""
        norm = float(np.linalg.norm(value)) / abs(scale)
        if not norm:
            return
        for length, node, g in self.entries.get(value.size, ()):
            if abs(length - norm) <= 1e-6 * norm:
                if value.shape == g.shape or (
                    value.size > 1 and np.squeeze(g).shape == np.squeeze(value).shape
                ):
                    if np.max(np.abs(value.reshape(g.shape) - scale * g)) <= 1e-6 * max_abs(value):
                        yield node
