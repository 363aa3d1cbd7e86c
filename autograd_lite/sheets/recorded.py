"""The recording behind a sheet: a graph, its statements, and the names of its values."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Operand, Tree
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.graph import Leaf, Node, ancestors, array_name
from autograd_lite.modes import recording, watching
from autograd_lite.pictures.outside import (
    DATA_NAMES,
    arrays_of,
    names_of_captured,
    short_name,
    tensors_of,
)
from autograd_lite.pictures.structure import Structure, structure
from autograd_lite.pictures.tracing import result_of, root_of
from autograd_lite.program.arguments import Name, flatten, names_of, unflatten
from autograd_lite.program.captures import Captures
from autograd_lite.program.tracing import TracedValueError, Tracer, public
from autograd_lite.record import standing_in
from autograd_lite.sheets.decisions import DecidingTrace
from autograd_lite.sheets.places import Places
from autograd_lite.sheets.running import Execution, Frame, run
from autograd_lite.sheets.writing import run_writing
from autograd_lite.source import line_and_text
from autograd_lite.tensor import Tensor

SHEET_LIMIT_NODES = 20_000
"""A sheet shows up to this many operations."""


@dataclass(eq=False)
class Recorded:
    """A recorded graph with its statements and names.

    Where the function ran on tracers, `trace` is the trace and `values` holds the tracer of each
    node; otherwise, `fixed` may say why the numbers cannot be computed anew. `names` holds the
    names of nodes, and of sources by `id`; `named_in` the call whose local variable named a node.
    `rows` maps each node to its statement, `whole` whole numbers to their names. `plain` holds
    values without a gradient, such as masks, each with the statement that named it. `wrt` holds the
    leaves to differentiate by.
    """

    title: str
    root: Node
    structure: Structure
    top: Frame
    wrt: list[Leaf]
    trace: DecidingTrace | None = None
    values: dict[Node, Tracer] = field(default_factory=dict)
    fixed: str = ""
    names: dict[Any, str] = field(default_factory=dict)
    named_in: dict[Node, Frame] = field(default_factory=dict)
    rows: dict[Node, Execution] = field(default_factory=dict)
    whole: dict[int, str] = field(default_factory=dict)
    plain: list[tuple[Execution, str, Tracer]] = field(default_factory=list)

    def release(self) -> None:
        """Forget the graph, and unlock its arrays."""
        for node in self.structure.nodes:
            node.parents, node.kept = None, "al.sheet()"
        self.top.executions.clear()
        self.rows.clear()

    def name_of(self, token: Node | Leaf | Array) -> str | None:
        """The name of a node or of a source."""
        return self.names.get(token if isinstance(token, Node) else id(token))


def recorded_function(
    caller: str,
    function: Callable[..., Any],
    inputs: tuple[Tree, ...],
    wrt: str | Sequence[str] | None,
) -> Recorded:
    """Run a function on Tensors of its inputs, statement by statement.

    The function runs on tracers, so that the program also holds values without a gradient, such as
    masks. A function that writes into arrays runs on arrays that record this.
    """
    plain = map_leaves(lambda v: v._value if isinstance(v, Tensor) else v, inputs)
    captures = Captures(function)
    names = dict(getattr(function, "__globals__", {}))
    failed: Exception | None = None
    for traced, writes in itertools.product((True, False), (False, True)):
        trace = DecidingTrace(_title(function)) if traced else None
        try:
            found = _recorded(caller, function, plain, captures, trace, writes, wrt)
        except (TypeError, ValueError, TracedValueError) as error:
            if failed is None or (isinstance(failed, TracedValueError) and not writes):
                failed = error
        except Exception as error:
            # An index that is not there is a person's own mistake.
            if not writes or isinstance(error, LookupError):
                raise
        else:
            found.fixed = "" if traced else NOT_REPEATED
            return found
        finally:
            if captures.written() is not None:
                captures.restore()
            _rebind(function, names)
    assert failed is not None
    raise failed


NOT_REPEATED = "the function does something with its numbers that the page cannot repeat"


def _rebind(function: Any, names: dict[str, Any]) -> None:
    """Restore globals that were assigned recorded values."""
    now = getattr(function, "__globals__", {})
    for name, value in list(now.items()):
        if isinstance(value, (Tensor, Tracer)) and value is not names.get(name):
            del now[name]
            now |= {name: names[name]} if name in names else {}


def _title(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _recorded(
    caller: str,
    function: Any,
    inputs: tuple[Tree, ...],
    captures: Captures,
    trace: DecidingTrace | None,
    writes: bool,
    wrt: str | Sequence[str] | None,
) -> Recorded:
    leaves: list[Operand] = []
    structure_of_inputs = flatten((inputs, {}), leaves)
    labels = names_of(structure_of_inputs, function)
    variables = [
        _as_variable(leaf, label.name, trace) for leaf, label in zip(leaves, labels, strict=True)
    ]
    arguments, _ = unflatten(structure_of_inputs, variables)
    floating = [n for v, n in zip(variables, labels, strict=True) if isinstance(v, Tensor)]
    outside = _outside(function, captures, floating, trace)
    values: dict[Node, Tracer] = {}

    def note(tensor: Tensor) -> None:
        if trace is not None and isinstance(tensor._node, Node):
            values[tensor._node] = tensor._value
            # Two statements that compute the same value stay two.
            trace.forget_seen()

    watched = watching(public=public, note=note) if trace is not None else contextlib.nullcontext()
    if trace is not None:
        trace.expands = False
    copies: list[tuple[np.ndarray, str]] = []
    with recording(), outside.block, watched:
        if writes:
            result, top, copies = run_writing(function, arguments, outside.pairs)
        else:
            result, top = run(function, arguments)
    result = result[0] if type(result) is tuple else result
    loss = _looked_at(caller, _title(function), result)
    root = root_of(loss)
    found = Recorded(_title(function), root, structure([root]), top, [], trace, values)
    reached = {id(source) for source in found.structure.sources}
    given = [
        (v._node, label)
        for v, label in zip(variables, labels, strict=True)
        if isinstance(v, Tensor)
    ]
    # Names are given to what is used: of two arrays called W one may be a velocity.
    used = [(t, p) for t, p in outside.stand_ins.items() if id(t._node) in reached]
    named = list(zip(used, names_of_captured([p for _, p in used]), strict=True))
    others: list[Any] = [(t._node, Name(None, name, (), name)) for (t, _), name in named]
    for leaf, label in [*given, *others]:
        found.names.setdefault(id(leaf), label.name)
    # A tensor that requires grad is a parameter, whatever it is called.
    arrays = {id(t._node) for (t, place), _ in named if isinstance(place[0], np.ndarray)}
    own = [f for f, label in others if id(f) not in arrays or label.name not in DATA_NAMES]
    asked = given if wrt is None else [*given, *others]
    found.wrt = _chosen(caller, found.title, asked, own, wrt)
    found.wrt = [leaf for leaf in found.wrt if id(leaf) in reached]
    for array, where in [*((a, where) for a, _, where in captures.arrays), *copies]:
        _name_array(found, array, where)
    _place(found)
    _name(found)
    return found


@dataclass(eq=False)
class _Outside:
    """What a function reads besides its arguments and may be differentiated by.

    `stand_ins` are recorded while `block` is open, each in place of a value and its label; `pairs`
    has the tensors and arrays that a function meets meanwhile, each with its stand-in.
    """

    stand_ins: dict[Tensor, tuple[Any, str]]
    block: contextlib.AbstractContextManager[Any]
    pairs: list[tuple[Any, Tensor]]


def _outside(
    function: Any, captures: Captures, labels: Sequence[Name], trace: DecidingTrace | None
) -> _Outside:
    """The tensors that require grad, or else the arrays that are parameters."""
    own = tensors_of(captures)
    if own:
        names = names_of_captured(own)
        held = [_own_value(t, name, trace) for (t, _), name in zip(own, names, strict=True)]
        block, tensors = standing_in([t for t, _ in own], held)
        pairs = [(t, other) for (t, _), other in zip(own, tensors, strict=True)]
        return _Outside(dict(zip(tensors, own, strict=True)), block, pairs)
    arrays = arrays_of(function, captures, [label.parameter for label in labels])
    stand_ins = {_as_variable(place[0], short_name(place[1]), trace): place for place in arrays}
    others = {id(array): other for (array, _), other in zip(arrays, stand_ins, strict=True)}
    return _Outside(stand_ins, captures.replaced(others), [(t, t) for t in stand_ins])


def recorded_graph(caller: str, loss: Any, wanted: Iterable[str] | None = None) -> Recorded:
    """The graph of a loss that has already been recorded.

    `wanted` holds the names of gradients to show; other gradients of data are then left out.
    """
    loss = _looked_at(caller, "the graph", result_of(caller, loss, ()))
    root = root_of(loss)
    found = Recorded(loss.name or "computation", root, structure([root]), _frame_of([]), [])
    found.wrt = [s for s in found.structure.sources if isinstance(s, Leaf) and s.requires_grad]
    if wanted is not None:
        asked = set(wanted)
        found.wrt = [s for s in found.wrt if s.name not in DATA_NAMES or f"d{s.name}" in asked]
    found.top = _frame_of(found.structure.nodes)
    counts = itertools.count(1)
    for source in found.structure.sources:
        own = source.name if isinstance(source, Leaf) else array_name(source)
        if own is None and isinstance(source, Leaf) and source.requires_grad:
            own = f"x{next(counts)}"
        if own is not None:
            found.names[id(source)] = own
    _place(found)
    for node in found.structure.nodes:
        if node.name is not None:
            found.names[node] = node.name
    found.names.setdefault(root, "loss")
    if any(map(_may_be_computed, found.structure.sources)):
        found.fixed = (
            "the graph holds an array, such as a mask, whose computation is not recorded; give "
            "al.sheet() the function"
        )
    return found


def _may_be_computed(source: Leaf | Array) -> bool:
    """Whether an array without a gradient may depend on numbers that can be changed."""
    if isinstance(source, Leaf):
        return not source.requires_grad and source.name is None
    return bool(source.dtype.kind == "b" or array_name(source) is None)


def _as_variable(value: Operand, name: str, trace: DecidingTrace | None) -> Operand:
    """A floating-point value as a Tensor that requires grad, so that every computation with it is
    recorded; any other value unchanged.
    """
    number = isinstance(value, (float, np.floating))
    if not number and not (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        return value
    if trace is None:
        return Tensor(value, True)
    array = np.array(value)
    return Tensor(trace.input(array if array.ndim else array[()], name), True, copy=False)


def _own_value(tensor: Tensor, name: str, trace: DecidingTrace | None) -> Array:
    """A copy of the value of a captured tensor; in a trace, its tracer."""
    value = np.array(tensor._value)
    return trace.input(value, name) if trace is not None else value


def _looked_at(caller: str, name: str, result: Operand) -> Tensor:
    """The result, if it is a Tensor of real numbers whose graph is small enough to show."""
    if not isinstance(result, Tensor) or not isinstance(result._node, Node):
        what = type(result).__name__
        if isinstance(result, Tracer):
            what = "a value through which no gradient flows"
        raise TypeError(
            f"{caller}() takes a function that computes a number from floating-point inputs by "
            f"NumPy, and {name} returned {what}"
            + (" that depends on none of them" if isinstance(result, Tensor) else "")
        )
    if result.dtype.kind != "f":
        raise TypeError(
            f"{caller}() shows the derivation of real numbers, and {name} gave {result.dtype}"
        )
    count = len(ancestors([result._node]))
    if count > SHEET_LIMIT_NODES:
        raise ValueError(
            f"the graph has {count:,} operations, and {caller}() shows at most "
            f"{SHEET_LIMIT_NODES:,}; use a smaller example of the same computation"
        )
    return result


def _chosen(
    caller: str, name: str, given: list[Any], own: list[Leaf], wrt: str | Sequence[str] | None
) -> list[Leaf]:
    """The leaves to differentiate by."""
    if wrt is not None:
        asked = [wrt] if isinstance(wrt, str) else list(wrt)
        chosen: list[Leaf] = []
        for item in asked:
            found = [leaf for leaf, label in given if item in label.called]
            if not found:
                known = ", ".join(dict.fromkeys(label.label for _, label in given)) or "none"
                raise ValueError(
                    f"{caller}(wrt={item!r}): {name} has no such floating-point input; it has "
                    f"{known}"
                )
            chosen += [leaf for leaf in found if leaf not in chosen]
        return chosen
    if own:
        return own
    weights = [leaf for leaf, label in given if not _is_data(label)]
    return weights or [leaf for leaf, _ in given]


def _is_data(name: Name) -> bool:
    """Whether an argument is called as data is, or is an item of one that is."""
    return name.name in DATA_NAMES or name.parameter in DATA_NAMES


def _frame_of(nodes: Sequence[Node]) -> Frame:
    """A call built from the recorded lines of nodes; without lines, each named value ends a
    statement.
    """
    top = Frame("", (lambda: None).__code__, {})
    complete = True
    for node in nodes:
        where = node.extra.line if node.extra is not None else None
        line, text = line_and_text(where) if where else (0, "")
        last = top.executions[-1] if top.executions else None
        another = (last.text, last.line) != (text, line) if last is not None else True
        if last is None or another or (complete and not text):
            last = Execution(text, line, node.serial, node.serial + 1, None)
            top.executions.append(last)
        last.last = node.serial + 1
        complete = node.name is not None
    return top


def _place(found: Recorded) -> None:
    """Assign each node to the innermost statement that was running."""
    nodes = found.structure.nodes
    serials = np.array([node.serial for node in nodes])
    for frame in found.top.walk:
        for execution in frame.executions:
            first, last = np.searchsorted(serials, (execution.first, execution.last))
            for node in nodes[first:last]:
                found.rows[node] = execution
    outside = [node for node in nodes if node not in found.rows]
    if outside:
        rest = Execution("", 0, outside[0].serial, outside[-1].serial, None)
        found.top.executions.append(rest)
        found.rows |= dict.fromkeys(outside, rest)


def _name(found: Recorded) -> None:
    """Give values the names of the local variables that held them, and each name to one value.

    Values that one name held in turn, or in several calls, are numbered, such as h1, h2, ... in a
    loop. A name that has one value in the function itself and others in functions that it calls
    stays without a number for the function's own value.
    """
    known: dict[int, Node | Leaf | Array] = {id(node): node for node in found.structure.nodes}
    sources = [s for s in found.structure.sources if not isinstance(s, Tracer)]
    known |= {id(source): source for source in sources}
    given = {key for key in known if found.name_of(known[key]) is not None}
    labels = _Labels()
    count = Counter(found.names[key] for key in map(id, sources) if key in given)
    for key in filter(given.__contains__, map(id, sources)):
        name = found.names[key]
        found.names[key] = labels.plain(name) if count[name] == 1 else labels.numbered(name, 1)
    held: dict[str, list[tuple[Any, Frame]]] = {}
    for frame in found.top.walk:
        for name, value in frame.held():
            labels.avoid(name)
            if type(value) is int and value > 2:
                found.whole.setdefault(value, name)
            if id(value) in known and id(value) not in given:
                given.add(id(value))
                held.setdefault(name, []).append((known[id(value)], frame))
    places = Places(found.top)
    for name, values in held.items():
        depths = [places.depth(frame) for _, frame in values]
        own = depths.index(min(depths)) if depths.count(min(depths)) == 1 else None
        # The initial value of a loop, which it does not compute, is number 0.
        number = 1 if isinstance(values[0][0], Node) else 0
        for i, (token, frame) in enumerate(values):
            if i == own and name not in labels:
                label = labels.plain(name)
            else:
                label, number = labels.numbered(name, number), number + 1
            found.names[token if isinstance(token, Node) else id(token)] = label
            if isinstance(token, Node):
                found.named_in[token] = frame
    _name_plain(found, labels)
    _name_constants(found, labels)
    counts = set(_whole_numbers(found.structure.nodes))
    found.whole = {
        number: name
        for number, name in found.whole.items()
        if number in counts and name not in labels
    }
    if found.root not in found.names:
        found.names[found.root] = labels.free("loss")


class _Labels:
    """The unique names on a sheet."""

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.avoided: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def avoid(self, name: str) -> None:
        """Reserve a name for the variable that has it."""
        self.avoided.add(name)

    def plain(self, name: str) -> str:
        """Take the name as it is."""
        self.given.add(name)
        return name

    def numbered(self, name: str, number: int) -> str:
        """Take the name with the next free number: `h1`, or `h_1` where `h1` is taken."""
        if not name[-1:].isdigit() and not {f"{name}{number}"} & (self.given | self.avoided):
            return self.plain(f"{name}{number}")
        while f"{name}_{number}" in self.given:
            number += 1
        return self.plain(f"{name}_{number}")

    def free(self, name: str) -> str:
        """Take the name as it is, or with a number where it is taken."""
        return self.plain(name) if name not in self.given else self.numbered(name, 2)


def _name_plain(found: Recorded, labels: _Labels) -> None:
    """Note the masks and other values without a gradient that local variables held."""
    seen = {id(tracer.variable) for tracer in found.values.values()}
    inputs = found.trace.inputs if found.trace is not None else []
    seen |= set(map(id, inputs))
    for frame in found.top.walk:
        for execution in frame.executions:
            for name, value in execution.names.items():
                if isinstance(value, Tracer) and id(value.variable) not in seen:
                    seen.add(id(value.variable))
                    found.plain.append((execution, labels.free(name), value))


def _name_array(found: Recorded, array: np.ndarray, where: str) -> None:
    """Name a captured array after the variable, attribute or key that holds it."""
    name = short_name(where)
    if name.isidentifier():
        found.names.setdefault(id(array), name)


def _name_constants(found: Recorded, labels: _Labels) -> None:
    """Name the program's arrays after variables that held equal arrays."""
    if found.trace is None:
        return
    held: dict[tuple[tuple[int, ...], str, bytes], str] = {}
    passed: set[tuple[tuple[int, ...], str, bytes]] = set()
    for frame in found.top.walk:
        passed |= {contents(a) for a in frame.arguments.values() if isinstance(a, np.ndarray)}
        for name, value in frame.held():
            if isinstance(value, np.ndarray):
                held.setdefault(contents(value), name)
    # Indices are copied on the way, and each copy is one value with the others.
    copies: dict[tuple[tuple[int, ...], str, bytes], str] = {}
    for source in found.structure.sources:
        own = found.name_of(source)
        if own is not None and isinstance(source, np.ndarray) and source.dtype.kind in "iu":
            copies[contents(source)] = own
    for variable, value in found.trace.constants.items():
        found_contents = contents(np.asarray(value))
        wish = held.get(found_contents)
        # Labels that happen to be 0, 1, 2, ... are no name for the rows that are counted.
        counted = np.ndim(value) == 1 and np.array_equal(value, np.arange(np.size(value)))
        counted = counted and found_contents in passed
        if variable.name is None and np.ndim(value) and wish is not None and not counted:
            variable.name = label = copies.get(found_contents) or labels.free(wish)
            if np.asarray(value).dtype.kind in "iu":
                copies[found_contents] = label


def contents(array: np.ndarray) -> tuple[tuple[int, ...], str, bytes]:
    return array.shape, array.dtype.str, array.tobytes()


def _whole_numbers(nodes: Sequence[Node]) -> Iterator[int]:
    """The whole numbers that operations take, and those by which means divide."""
    for node in nodes:
        for parent in node.parents or ():
            if type(parent) is int:
                yield parent
            elif type(parent) is float and 0 < abs(parent) < 1 and 1 / round(1 / parent) == parent:
                yield abs(round(1 / parent))
            elif node.plan.operation.function is np.mean and hasattr(parent, "shape"):
                yield int(np.prod(parent.shape)) // max(1, int(np.prod(node.shape)))
