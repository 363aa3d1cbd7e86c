"""A function's value and its gradients in one program, with the person's names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import map_leaves
from autograd_lite.backward import propagate
from autograd_lite.graph import Node
from autograd_lite.modes import watching
from autograd_lite.observe import Run, watch
from autograd_lite.operations import OPERATIONS
from autograd_lite.program.arguments import (
    LEAF,
    Structure,
    flatten,
    names_of,
    parameters_of,
    unflatten,
)
from autograd_lite.program.captures import Captures
from autograd_lite.program.identities import expanding, stable, textbook
from autograd_lite.program.identities.pairs import rules_of
from autograd_lite.program.ir import Program, Variable
from autograd_lite.program.names import identifier
from autograd_lite.program.rewriting import Rewriting, Rule, without_dead
from autograd_lite.program.sizes import (
    Length,
    Size,
    are_samples,
    check_near,
    choose_lengths,
    lengths_of,
    of_one_sample,
    resized,
    unify,
)
from autograd_lite.program.traced import check_pure, own_error
from autograd_lite.program.tracing import Trace, Tracer, public
from autograd_lite.record import standing_in
from autograd_lite.rules.special import astype, relu, sigmoid, softplus
from autograd_lite.tensor import Tensor

REWRITE_LIMIT_ROUNDS = 6
_WRITTEN_AS_THEY_ARE = {sigmoid, relu, softplus, astype}
_LINEAR_LAYER = {"weight": "W", "bias": "b"}


class Differentiated:
    """The program; its outputs are the value and the gradients `wrt`.

    `inputs` are the leaves of the arguments, `paths` how each is got out of them, `parameters` the
    tensors from outside; `whole` are the whole numbers that local variables held. `lengths` are
    the lengths of axes that may be others in other calls, `others` what the function is for three
    others, `ranges` constants that are np.arange of a size, `fixed` the axes of inputs whose
    lengths are a part of the program, and `static` the arguments that are, which are no arrays.
    """

    def __init__(self, name: str, program: Program, values: dict[Variable, Any]) -> None:
        self.name = name
        self.program = program
        self.values = values
        self.arguments: list[str] = []
        self.structure: Structure = None
        self.paths: dict[Variable, str] = {}
        self.parameters: list[Variable] = []
        self.whole: dict[str, int] = {}
        self.lengths: list[Length] = []
        self.others: list[Differentiated] = []
        self.ranges: dict[Variable, Size] = {}
        self.static: dict[str, Any] = {}
        self.numbers: set[int] = set()
        self.fixed: dict[Variable, list[int]] = {}
        self.wrt: list[Variable] = []
        self.gradients: list[Variable] = []

    def rebuilt(self, values: Mapping[Variable, Any]) -> tuple[Any, ...]:
        """The arguments, of these values of their leaves."""
        args, _ = unflatten(self.structure, [values[v] for v in self.paths])
        return args

    @property
    def value(self) -> Variable:
        """The result of the function."""
        return self.program.outputs[0]


def recorded(function: Callable[..., Any], inputs: tuple[Any, ...], wrt: Any) -> Differentiated:
    """Run a function forward and backward on tracers, and find the sizes that depend on axes."""
    differentiated = _recorded(function, inputs, wrt)
    leaves = [differentiated.values[v] for v in differentiated.paths]
    variables = list(differentiated.paths)

    def build(values: Sequence[Any]) -> tuple[Any, ...]:
        return differentiated.rebuilt(dict(zip(variables, values, strict=True)))

    lengths = lengths_of(function, leaves, build)
    # Where those of weights are a part of the program, that of the samples need not be; or else.
    samples = [length for length in lengths if is_of_samples(differentiated, length)]
    for some in (lengths, samples, [length for length in lengths if length not in samples]):
        if some and _with_sizes(differentiated, function, wrt, leaves, build, some):
            break
    else:
        some = []
    free = {axis for length in some for axis in length.axes}
    alone = [] if any(is_of_samples(differentiated, n) for n in some) else of_one_sample(leaves)
    for i, variable in enumerate(variables):
        weight = variable in differentiated.wrt and len(differentiated.wrt) < len(variables)
        for axis, length in enumerate(variable.shape):
            if (length > 1 and (i, axis) not in free) or ((i, axis) in alone and not weight):
                differentiated.fixed.setdefault(variable, []).append(axis)
    return differentiated


def is_of_samples(differentiated: Differentiated, length: Length) -> bool:
    """Whether a length is that of the samples: of inputs that are no weights."""
    variables = list(differentiated.paths)
    weights = differentiated.wrt if len(differentiated.wrt) < len(variables) else []
    known = all(variables[i] not in weights for i, _ in length.axes)
    return known and are_samples(length, [differentiated.values[v] for v in variables])


def _with_sizes(
    differentiated: Differentiated,
    function: Any,
    wrt: Any,
    leaves: Any,
    build: Any,
    lengths: list[Length],
) -> bool:
    """Put sizes for the numbers that depend on these lengths; False where they are fixed."""

    def value(leaves: Sequence[Any]) -> list[Any]:
        result = function(*build(leaves))
        result = result[0] if type(result) is tuple else result
        return [getattr(result, "_value", result)]

    shapes = {v: v.shape for v in differentiated.values}
    numbers = differentiated.numbers | {
        n for n in differentiated.static.values() if type(n) is int and n > 2
    }
    for length in lengths:
        length.lengths.clear()
    try:
        others = [
            _recorded(function, build(resized(leaves, changes)), wrt)
            for changes in choose_lengths(lengths)
        ]
        program, ranges = unify(
            differentiated.program, [other.program for other in others], lengths
        )
        rest = [differentiated.values[v] for v in differentiated.parameters]
        check_near(numbers, program, ranges, lengths, leaves, value, rest)
    except Exception:
        # Not of the example, which was traced without one.
        for variable, shape in shapes.items():
            variable.shape = shape
        return False
    differentiated.program, differentiated.ranges = program, ranges
    differentiated.lengths, differentiated.others = lengths, others
    return True


def _recorded(function: Callable[..., Any], inputs: tuple[Any, ...], wrt: Any) -> Differentiated:
    """Run a function forward and backward on tracers."""
    name = getattr(function, "__name__", type(function).__name__)
    leaves: list[Any] = []
    inputs = map_leaves(lambda v: v._value if isinstance(v, Tensor) else v, inputs)
    structure = flatten((inputs, {}), leaves)
    labels = names_of(structure, function)
    captures = Captures(function)
    trace = Trace(name)
    trace.captured = {id(array): label for array, _, label in captures.arrays}
    tracers = [trace.input(v, n.name) for v, n in zip(leaves, labels, strict=True)]
    own = [(t, label) for t, label in captures.tensors if t.requires_grad]
    own_names = names_of_parameters(own)
    own_tracers = [trace.input(t._value, n) for (t, _), n in zip(own, own_names, strict=True)]
    chosen = _chosen(structure, labels, leaves, wrt, bool(own), name)
    variables = {i: Tensor(tracers[i], requires_grad=True, copy=False) for i in chosen}
    args, _ = unflatten(structure, [variables.get(i, t) for i, t in enumerate(tracers)])
    block, stand_ins = standing_in([t for t, _ in own], own_tracers)
    with block:
        run, nodes = _run(function, args)
        check_pure(trace, captures, run.error)
        if run.error is not None:
            raise own_error(run.error)
        output = _scalar(run, name)
        _name_forward(run)
        _name_layers(trace)
        nodes = {v: n for v, n in nodes.items() if v.name is not None}
        targets = [variables[i]._identity() for i in chosen]
        targets += [t._identity() for t in stand_ins] if not chosen else []
        grads = _gradients(output, [*targets, *nodes.values()])
    asked = [tracers[i] for i in chosen] if chosen else own_tracers
    differentiated = _joint(trace, output, asked, [grads.get(t) for t in targets], nodes, grads)
    differentiated.whole = _whole_numbers(run)
    differentiated.numbers = captures.whole_numbers()
    differentiated.arguments = parameters_of(structure, function)
    differentiated.static = {
        name: inner[2]
        for name, inner in zip(differentiated.arguments, structure[2][0][2], strict=True)
        if inner[0] == "=" and type(inner[2]) in (int, str, bool, bytes)
    }
    differentiated.structure = structure
    differentiated.paths = {
        t.variable: label.path for t, label in zip(tracers, labels, strict=True)
    }
    differentiated.parameters = [tracer.variable for tracer in own_tracers]
    _name_constants(trace, captures)
    return differentiated


def names_of_parameters(own: Sequence[tuple[Any, str]]) -> list[str]:
    """The names of tensors from outside: their own, or W1, b1, W2, ... for linear layers, or the
    place where they were found.
    """
    names: list[str] = []
    count = 0
    for tensor, label in own:
        attribute = label.split(".")[-1]
        if getattr(tensor, "name", None) is not None:
            names.append(identifier(tensor.name))
        elif attribute in _LINEAR_LAYER:
            count += attribute == "weight"
            names.append(f"{_LINEAR_LAYER[attribute]}{count}")
        else:
            names.append(identifier(label))
    return names


def _chosen(
    structure: Any, labels: Any, leaves: list[Any], wrt: Any, has_own: bool, name: str
) -> list[int]:
    """The leaves that are differentiated with respect to."""
    floating = [
        i for i, v in enumerate(leaves) if isinstance(v, float) or np.asarray(v).dtype.kind == "f"
    ]
    if wrt is None:
        if has_own:
            return []
        first = structure[2][0][2][:1]
        if first and first[0] != LEAF and first[0][0] != "=":
            return [i for i in floating if labels[i].argument == 0]
        return floating
    asked = [wrt] if isinstance(wrt, (str, int)) else list(wrt)
    chosen: list[int] = []
    for item in asked:
        found = [i for i, n in enumerate(labels) if item in n.called]
        if not found:
            known = ", ".join(dict.fromkeys(n.label for n in labels))
            raise ValueError(f"derive(wrt={item!r}): {name} has no such input; it has {known}")
        for i in found:
            if i not in floating:
                raise TypeError(f"derive(wrt={item!r}): {labels[i].label} is not floating-point")
        chosen += [i for i in found if i not in chosen]
    return chosen


def _run(function: Callable[..., Any], args: Any) -> tuple[Run, dict[Variable, Any]]:
    """The run, and the node of the graph that each value belongs to."""
    nodes: dict[Variable, Any] = {}

    def note(tensor: Any) -> None:
        if isinstance(tensor._value, Tracer) and isinstance(tensor._node, Node):
            nodes[tensor._value.variable] = tensor._node

    with watching(public=public, note=note):
        return watch(function, tuple(args)), nodes


def _scalar(run: Run, name: str) -> Tensor:
    """The value, checked: a real number that depends on the arguments `wrt`."""
    output = run.returned[0] if type(run.returned) is tuple else run.returned
    if not isinstance(output, Tensor):
        what = type(output).__name__
        if isinstance(output, Tracer):
            raise TypeError(
                f"derive(): what {name} returns depends on none of the inputs that it is "
                "differentiated by; name others with wrt="
            )
        raise TypeError(f"derive() takes a function of a real scalar, and {name} returned {what}")
    if output.size != 1 or output.dtype.kind != "f":
        raise TypeError(
            f"derive() takes a function of a real scalar, and {name} returned "
            f"{output.dtype} of shape {output.shape}"
        )
    if not output.requires_grad:
        raise TypeError(
            f"derive(): what {name} returns depends on none of the inputs that it is "
            "differentiated by; name others with wrt=, and keep .detach() and al.no_grad() out of "
            "it"
        )
    return output


def _name_forward(run: Run) -> None:
    """Give values the names of local variables.

    A name that several values had in turn gets numbers: Z1, Z2, ... of a loop.
    """
    for name, assigned in run.variables.items():
        held = [v for v in assigned.values if isinstance(_tracer(v), Tracer)]
        fresh = list({id(_tracer(v).variable): v for v in held if _unnamed(v)}.values())
        for number, value in enumerate(fresh, start=1):
            taken = f"{name}{number}" in run.variables
            label = name if len(fresh) == 1 else f"{name}_{number}" if taken else f"{name}{number}"
            _tracer(value).variable.name = label


def _name_layers(trace: Trace) -> None:
    """Name values without a name Z1 for W1 X + b1, and A1 for a function of Z1."""
    used = {v.name for v in trace.values}
    layers: dict[Variable, str] = {}
    for step in trace.steps:
        if step.several or step.result.name is not None:
            number = _number_of("Z", step.result.name)
            if number is not None:
                layers[step.result] = number
            continue
        operands = step.operands
        number = next((n for v in operands if (n := _number_of("W", v.name))), None)
        if number is None and step.function is np.add:
            number = next((layers.pop(v) for v in operands if layers.get(v, "").strip()), None)
        if number is not None and f"Z{number}" not in used:
            if step.function in (np.dot, np.matmul) and _is_added_to(trace, step.result):
                layers[step.result] = number
                continue
            step.result.name = f"Z{number}"
        elif len(operands) == 1 and _number_of("Z", operands[0].name):
            number = _number_of("Z", operands[0].name)
            if f"A{number}" in used:
                continue
            step.result.name = f"A{number}"
        else:
            continue
        used.add(step.result.name)
        layers[step.result] = str(number)


def _number_of(letter: str, name: str | None) -> str | None:
    """`1` of `W1`."""
    match = re.fullmatch(rf"{letter}(\d+)", name or "")
    return match.group(1) if match else None


def _is_added_to(trace: Trace, variable: Variable) -> bool:
    return any(s.function is np.add and variable in s.operands for s in trace.steps)


def _tracer(value: Any) -> Any:
    return value._value if isinstance(value, Tensor) else value


def _unnamed(value: Any) -> bool:
    return _tracer(value).variable.name is None


def _gradients(output: Tensor, targets: list[Any]) -> dict[Any, Any]:
    with watching(public=public):
        node, seed = output._node, output._seed(None)
        found: dict[Any, Any] = {node: seed} if node in targets else {}
        return propagate(node, seed, targets=targets) if isinstance(node, Node) else found


def _joint(
    trace: Trace,
    output: Tensor,
    asked: list[Tracer],
    gradients: list[Any],
    nodes: dict[Variable, Any],
    grads: dict[Any, Any],
) -> Differentiated:
    for variable, node in nodes.items():
        gradient = grads.get(node)
        if isinstance(gradient, Tracer) and gradient.variable.name is None:
            gradient.variable.name = f"d{variable.name}"
    outputs = [_tracer(output).variable]
    for tracer, gradient in zip(asked, gradients, strict=True):
        if gradient is None:
            zeros = np.zeros(tracer.shape, tracer.dtype)[()]
            variable = trace.apply_plain(np.zeros_like, (tracer.variable,), zeros)
            gradient = Tracer(trace, variable, zeros)
        if not isinstance(gradient, Tracer):
            variable = trace.constant(np.array(gradient))
            gradient = Tracer(trace, variable, trace.values[variable])
        if gradient.variable.name is None:
            gradient.variable.name = f"d{tracer.variable.name}"
        outputs.append(gradient.variable)
    if outputs[0].name is None:
        outputs[0].name = "loss"
    program, values = textbook_form(trace.program(outputs), trace.values)
    differentiated = Differentiated(trace.name, program, values)
    differentiated.wrt = [tracer.variable for tracer in asked]
    differentiated.gradients = program.outputs[1:]
    return differentiated


def textbook_form(
    program: Program,
    values: dict[Variable, Any],
    readable: Sequence[Mapping[Any, list[Rule]]] = (),
) -> tuple[Program, dict[Variable, Any]]:
    """The program in NumPy's functions, and its gradients by the identities of books.

    The value is left as it was written, but for sigmoids, which the identities are about. The
    tables of rules `readable` come last, one after the other.
    """
    for _ in range(REWRITE_LIMIT_ROUNDS):
        table: dict[Any, list[Rule]] = rules_of(stable.SIGMOIDS)
        table |= {s.function: [expanding.defined] for s in program.steps if _is_own(s.function)}
        rewriting = Rewriting(program, values)
        program, values = rewriting.run(table)
        if not rewriting.changed:
            break
    for rules in (textbook.table(), *readable):
        for _ in range(REWRITE_LIMIT_ROUNDS):
            rewriting = Rewriting(program, values, _leading_to(program, program.outputs[0]))
            after, values = rewriting.run(rules)
            program = without_dead(after)
            if not rewriting.changed:
                break
    return program, values


def _is_own(function: Any) -> bool:
    """Whether a function is one of the engine's, which has to be written in NumPy's."""
    operation = OPERATIONS.get(function)
    if operation is None or operation.function is function:
        return False
    return function not in _WRITTEN_AS_THEY_ARE | expanding.NOT_EXPANDED


def _leading_to(program: Program, value: Variable) -> set[Variable]:
    """The results that a value depends on."""
    needed = {value}
    for step in reversed(program.steps):
        if any(r in needed for r in step.results):
            needed.update(step.operands)
    return needed


def _name_constants(trace: Trace, captures: Captures) -> None:
    """Name the arrays from outside after where they were found."""
    labels = {id(array): label for array, _, label in captures.arrays}
    for variable, source in trace.sources.items():
        label = labels.get(id(source()))
        if variable.name is None and label is not None:
            variable.name = identifier(label)


def _whole_numbers(run: Run) -> dict[str, int]:
    """The whole numbers that local variables held."""
    found: dict[str, int] = {}
    for name, assigned in run.variables.items():
        value = assigned.value
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 1:
            found[name] = int(value)
    return found
