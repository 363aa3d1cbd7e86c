"""The forms in which people write a derivation, and how each is run.

    forward(...), backward(...)                  two functions, the loss inside
    forward(...), backward(...), loss=cost       the cost is a function of its own
    affine_forward(...), affine_backward(...)    no loss: a random gradient arrives at the output
    softmax_loss(...)                            one function that returns loss and gradients
    net.loss, net.gradient; layer                methods, and objects with forward and backward

Each of them becomes a `Subject`. Arguments are bound by name, or by order where no name matches.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Operand, Tree
from autograd_lite.check.marking.definitions import Sources, innermost, without_library_decorators
from autograd_lite.check.marking.execution import Execution
from autograd_lite.check.marking.world import World, fields_of
from autograd_lite.check.names import name_of, tensors_named_in

LOSS_NAMES = ("loss", "cost", "J", "L", "E", "total_loss", "data_loss", "C", "error", "nll")
BACKWARD_NAMES = ("backward", "backprop", "backward_pass", "back", "gradient", "grad", "bprop")

_UPSTREAM = re.compile(
    r"(d|D|grad|delta|error|err|upstream|g|gout|dout|output_grad|grad_output|gy|top_diff|eta).*"
)


_CACHES = re.compile(r"(?i)(caches?|memory|mem|ctx|context|state|tape|stored|saved|activations)")
_TARGETS = re.compile(r"(?i)(y|t|d|targets?|labels?|y_?true|truth|expected|gold|desired|ys|tgt)")


def _is_cache(name: str) -> bool:
    return _CACHES.fullmatch(name) is not None


def _may_arrive(name: str) -> bool:
    """Whether a parameter is called like a gradient that arrives."""
    return _UPSTREAM.fullmatch(name) is not None and bool(tensors_named_in(name))


def _is_target(name: str) -> bool:
    return _TARGETS.fullmatch(name) is not None


@dataclass
class Subject:
    """The functions to mark, and their inputs.

    `backward` is None where one function returns loss and gradients. `loss_name` is the variable
    that holds the loss there. `blank` holds the `id` of each array that is 0 in every run.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    inputs: tuple[Tree, ...]
    cost: Callable[..., Any] | None = None
    loss_name: str | None = None
    sources: Sources = field(default_factory=Sources)
    blank: frozenset[int] = frozenset()

    @property
    def taken(self) -> int:
        """The number of inputs that the forward pass takes; the others are for the cost."""
        parameters = parameters_of(self.forward)
        if parameters is None or any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return len(self.inputs)
        if not self.cost and not self.backward:
            return len(self.inputs)
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        pairs = zip((p for p in parameters if p.kind in positional), self.inputs, strict=False)
        return sum(1 for _ in itertools.takewhile(lambda pair: _suits(*pair), pairs))

    @property
    def names(self) -> list[str]:
        """The names of the inputs, from the parameters of the functions that take them."""
        names = parameter_names(self.forward, self.taken)
        forward = innermost(self.forward)
        code = getattr(getattr(forward, "__func__", forward), "__code__", None)
        known = {*names, "self", *(code.co_varnames if code is not None else ())}
        left = len(self.inputs) - len(names)
        names += self._names_of_others(known, left)[:left]
        return names + [f"input {i}" for i in range(len(names), len(self.inputs))]

    def _names_of_others(self, known: Collection[str], count: int) -> list[str]:
        """The names of the inputs that the forward pass does not take, as others call them."""
        found: list[str] = []
        options: list[str] = []
        if self.cost is not None:
            options += _options_of(self.cost)
            known = {*known, *options}
            found = [n for n in parameter_names(self.cost) if n not in known]
            outputs = [n for n in found if not _is_target(n)]
            # What is too much is the output, which has no name in the forward pass.
            for name in outputs[: max(len(found) - count, 0)]:
                found.remove(name)
        if self.backward is not None:
            options += (n for n in _options_of(self.backward) if n not in known)
            known = {*known, *options}
            others = [n for n in parameter_names(self.backward) if n not in {*known, *found}]
            if self.cost is None:
                others = [n for n in others if not _may_arrive(n)]
            found += [n for n in others if not _is_cache(n)]
        # What has a default need not be handed in.
        return [*found, *options]

    @property
    def marked(self) -> Callable[..., Any]:
        return self.forward if self.backward is None else self.backward


def _options_of(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that have a default."""
    return [p.name for p in parameters_of(function) or () if p.default is not p.empty]


def _suits(parameter: inspect.Parameter, value: Tree) -> bool:
    """Whether a value may be meant for a parameter: not an array for an option that is a number."""
    is_option = isinstance(parameter.default, (bool, int, float, str))
    is_array = isinstance(value, np.ndarray) and value.ndim > 0
    return not (is_option and (is_array or isinstance(value, Mapping)))


def subject_of(
    forward: Any, backward: Any, inputs: tuple[Tree, ...], loss: Any, has_backward: bool
) -> Subject:
    """The subject that the arguments of check_derivation() describe."""
    if not has_backward and not inspect.isroutine(forward):
        found = next((n for n in BACKWARD_NAMES if callable(getattr(forward, n, None))), None)
        ahead = next((n for n in ("forward", "__call__") if hasattr(forward, n)), None)
        if found is not None and ahead is not None:
            backward, forward, has_backward = getattr(forward, found), getattr(forward, ahead), True
    if not callable(forward):
        raise TypeError(f"check_derivation() takes forward as a function, not {forward!r}")
    sources = Sources()
    forward = without_library_decorators(forward, sources)
    backward = without_library_decorators(backward, sources) if has_backward else None
    if backward == forward:
        backward = None
    cost = loss if callable(loss) else None
    return Subject(
        *(forward, backward, inputs, without_library_decorators(cost, sources) if cost else None),
        loss_name=loss if isinstance(loss, str) else None,
        sources=sources,
    )


def is_loss(value: Operand) -> bool:
    """Whether a value may be a loss: one real number."""
    value = getattr(value, "value", value)
    if isinstance(value, (bool, np.bool_, str)) or value is None:
        return False
    if isinstance(value, (int, float, np.number)):
        return not isinstance(value, (complex, np.complexfloating))
    dtype = getattr(value, "dtype", None)
    return dtype is not None and dtype.kind in "fiu" and getattr(value, "size", 0) == 1


@dataclass
class Returned:
    """The items that a forward pass returned.

    `outputs` holds the arrays that were returned without a loss, `rest` the cache and the other
    items. `names` holds the items by their names in the return statement.
    """

    loss: Any
    loss_name: str | None
    outputs: list[Array]
    rest: list[Any]
    names: dict[str, Any]


def taken_apart(execution: Execution, result: Tree) -> Returned:
    """Splits the result of a forward pass into the loss or the outputs, and the rest."""
    items, names = _items(result, execution)
    called = {n: v for n, v in zip(names, items, strict=True) if n is not None}
    place = _place_of_loss(items, names)
    if place is not None:
        rest = [*items[:place], *items[place + 1 :]]
        return Returned(items[place], names[place], [], rest, called)
    outputs = []
    for item in items:
        if not _is_array(item):
            break
        outputs.append(item)
    return Returned(None, None, outputs, items[len(outputs) :], called)


def _place_of_loss(items: list[Any], names: list[str | None]) -> int | None:
    losses = [i for i, item in enumerate(items) if is_loss(item)]
    named = [i for i in losses if names[i] in LOSS_NAMES]
    if named:
        return named[0]
    if not losses or (
        losses[0] and any(_is_array(i) for i in items[: losses[0]]) and names[losses[0]]
    ):
        return losses[0] if losses and not _is_array(items[0]) else None
    return losses[0]


def _is_array(value: Operand) -> bool:
    value = getattr(value, "value", value)
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"


def _items(result: Tree, execution: Execution) -> tuple[list[Any], list[str | None]]:
    node: Any = getattr(getattr(execution.returned_at, "statement", None), "value", None)
    fields = fields_of(result)
    if fields is not None:
        return list(fields.values()), list(fields)
    if isinstance(result, Mapping):
        return list(result.values()), [str(key) for key in result]
    if isinstance(result, (tuple, list)) and not isinstance(node, ast.Name | ast.ListComp):
        elements: list[Any] = node.elts if isinstance(node, (ast.Tuple, ast.List)) else []
        elements = elements if len(elements) == len(result) else [None] * len(result)
        return list(result), [_name_of(e) for e in elements]
    if isinstance(result, tuple):
        return list(result), [None] * len(result)
    return [result], [_name_of(node)]


def _name_of(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def bound(
    function: Callable[..., Any],
    named: Sequence[Mapping[str, Any]],
    rest: list[Any],
    inputs: list[Tree],
    upstream: list[Array],
    outputs: Sequence[Any] = (),
    own: int = 0,
) -> tuple[Any, ...]:
    """The arguments of a function: from `named` by name, the others by order.

    The forward pass takes the first `own` of the inputs. Raises TypeError where there are too few.
    """
    parameters = parameters_of(function)
    if parameters is None:
        return tuple(upstream + rest or inputs)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return (*upstream, *inputs, *rest)
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in taken if p.default is p.empty]
    found: dict[str, Any] = {}
    open_, arriving = [], list(upstream)
    for name in needed:
        known = next((scope for scope in named if name in scope), None)
        if arriving and _UPSTREAM.fullmatch(name) and (known is None or tensors_named_in(name)):
            found[name] = arriving.pop(0)
        elif len(rest) == 1 and _is_cache(name) and name not in _names(named[:2]):
            found[name] = rest[0]
        elif known is not None:
            found[name] = known[name]
        else:
            open_.append(name)
    for name in open_[: len(arriving)]:
        found[name] = arriving.pop(0)
    open_ = [name for name in open_ if name not in found]
    # What has a name of its own is in no cache.
    rest = _others(rest, found)
    kept = [v for v in rest if len(rest) == 1 or not _is_array(v)]
    for name in [n for n in open_ if _is_cache(n)][: len(kept) == 1]:
        found[name] = kept[0]
        open_.remove(name)
    rest, spare = _others(rest, found), _others(inputs, found)
    targets = [v for v in spare if not any(v is t for t in inputs[:own])]
    for name in [n for n in open_ if _is_target(n)][: len(targets)]:
        found[name] = targets.pop(0)
        open_.remove(name)
    spare = _others(inputs, found)
    first = _others(outputs, found)
    if open_[:1] != needed[:1]:
        # The gradient of a cost apart begins with the output.
        first = []
    offers = next((o for o in _offers(rest, inputs, spare, first) if len(o) == len(open_)), None)
    if offers is None:
        raise TypeError(
            f"{name_of(function)} takes {len(needed)} arguments; it is called with the "
            f"{len(inputs)} inputs, with the cache that the forward pass returns, or with both"
        )
    found.update(zip(open_, offers, strict=True))
    options = [p for p in taken if p.default is not p.empty]
    arguments = [found[name] for name in needed]
    for p in options:
        scope = next((s for s in named[:2] if p.name in s), None)
        if scope is None:
            break
        arguments.append(scope[p.name])
    return tuple(arguments)


def _names(scopes: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for scope in scopes for name in scope}


def _others(values: Sequence[Any], found: Mapping[str, Any]) -> list[Any]:
    """The values that are not yet the argument of a parameter."""
    return [v for v in values if not any(v is f for f in found.values())]


def _offers(
    rest: list[Any], inputs: list[Tree], spare: list[Any], outputs: list[Any]
) -> list[list[Any]]:
    """What may be meant for the parameters of a backward pass that no name tells, likeliest first.

    `rest` is what the forward pass returned beside the loss and the `outputs`, `spare` are the
    inputs that are no argument yet.
    """
    one = [rest[0] if len(rest) == 1 else tuple(rest)] if rest else []
    without = [[], one, rest, [*inputs, *one], inputs, [*spare, *one], spare, [*one, *spare]]
    ends = (one, spare, rest, [*spare, *one], [*one, *spare])
    return [*([outputs, *([*outputs, *end] for end in ends)] if outputs else []), *without]


@dataclass
class Forward:
    """A forward pass that has run: its results, and the values of its variables.

    `called` holds the arguments of the cost function by the names of its parameters.
    """

    execution: Execution
    returned: Returned
    loss: Any
    variables: dict[str, Any]
    rest: list[Any]
    called: dict[str, Any] = field(default_factory=dict)


def run_forward(subject: Subject, world: World, execution: Execution) -> Forward:
    """Runs the forward pass, and the cost where that is a separate function."""
    forward = world.copied(subject.forward, ("self",))
    names = subject.names
    inputs = tuple(
        world.copied(value, (name,)) for name, value in zip(names, subject.inputs, strict=True)
    )
    world.roots.update(inputs=inputs, forward=forward)
    if subject.backward is not None:
        world.roots["backward"] = world.copied(subject.backward, ("self",))
    execution.run(forward, inputs[: subject.taken])
    returned = taken_apart(execution, execution.result)
    variables = dict(execution.locals)
    loss, rest = returned.loss, returned.rest
    given: dict[str, Any] = {}
    if subject.cost is not None and execution.error is None:
        items, called = _items(execution.result, execution)
        scopes = [
            dict(zip(names, inputs, strict=True)),
            {n: v for n, v in zip(called, items, strict=True) if n},
            variables,
        ]
        cost = world.copied(subject.cost, ("self",))
        arguments = bound_cost(cost, scopes, items, list(inputs), subject.taken)
        given = dict(zip(parameter_names(cost, len(arguments)), arguments, strict=True))
        execution.run(cost, arguments)
        whole = [v for v in arguments if type(v) is _Whole]
        loss, rest = taken_apart(execution, execution.result).loss, whole[:1] or items[1:]
    return Forward(execution, returned, loss, variables, rest, given)


class _Whole(tuple[Any, ...]):
    """All that a forward pass returned, handed on as one: `cost(caches, Y)`."""

    __slots__ = ()


def bound_cost(
    cost: Callable[..., Any],
    scopes: Sequence[Mapping[str, Any]],
    items: list[Any],
    inputs: list[Tree],
    taken: int,
) -> tuple[Any, ...]:
    """The arguments of a cost function, from the forward pass's output and from inputs."""
    needed = [p for p in parameters_of(cost) or () if p.default is p.empty]
    found: list[Any] = []
    outputs = ([v for v in items if _is_array(v)] or items)[:]
    extra = [v for v in inputs if not any(v is s for s in scopes[0].values())]
    extra = extra or list(scopes[0].values())[taken:]
    for p in needed:
        scope = next((s for s in scopes if p.name in s), None)
        if scope is not None:
            value = scope[p.name]
            found.append(value)
            outputs = [v for v in outputs if v is not value]
            extra = [v for v in extra if v is not value]
        elif _is_cache(p.name) and len(items) > 1:
            found.append(_Whole(items))
        elif _is_target(p.name) and extra:
            found.append(extra.pop(0))
        elif outputs:
            found.append(outputs.pop(0))
        elif extra:
            found.append(extra.pop(0))
        else:
            spare = [v for v in inputs if not any(v is f for f in found)]
            if not spare:
                raise TypeError(f"{name_of(cost)} takes {p.name}, for which no value is found")
            found.append(_alike(spare, found))
    return tuple(found)


def _alike(spare: list[Any], found: list[Any]) -> Any:
    """The input most likely to be the target: the last one of the output's shape."""
    shape = np.shape(found[0]) if found and not isinstance(found[0], dict) else None
    same = [v for v in spare if not isinstance(v, dict) and np.shape(v) == shape]
    return (same or spare)[-1]


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters of a function inside its decorators; None where they are unknown."""
    try:
        return list(inspect.signature(innermost(function)).parameters.values())
    except (TypeError, ValueError):
        return None


def parameter_names(function: Callable[..., Any], count: int | None = None) -> list[str]:
    """The names of a function's parameters, or of its first `count` arguments."""
    names = [
        p.name
        for p in parameters_of(function) or ()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [*names[:count], *(f"input {i}" for i in range(len(names), count or 0))]


def backward_arguments(
    subject: Subject, forward: Forward, world: World, upstream: list[Array]
) -> tuple[Any, ...]:
    """The arguments of the backward pass."""
    inputs = world.roots["inputs"]
    names = subject.names
    scopes = [
        dict(zip(names, inputs, strict=True)),
        {n: v for n, v in forward.returned.names.items()},
        {n: v for n, v in forward.variables.items() if n != "self"},
        {n: v for n, v in forward.called.items() if n != "self"},
    ]
    outputs = [] if subject.cost is None else forward.returned.outputs[:1]
    return bound(
        *(world.roots["backward"], scopes, forward.rest, list(inputs), upstream, outputs),
        own=subject.taken,
    )
