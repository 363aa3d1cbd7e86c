"""check_derivation: marks a backward pass that was derived by hand, as a teacher would."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.causes import Cause, Suspect, find_causes
from autograd_lite.check.differences import apart, difference_message, largest
from autograd_lite.check.marking import Comparing, Graph, fit, read
from autograd_lite.check.nudge import Nudged
from autograd_lite.check.report import Line, Report
from autograd_lite.check.watch import Assigned, Run, Scope, flat, is_value, watch
from autograd_lite.graph import Leaf, Node
from autograd_lite.record import Recorded
from autograd_lite.tensor import Tensor

GRADIENT_NAMES = (r"d_?(.+)", r"grad_(.+)", r"(.+)_grad")
MASKING = frozenset(("maximum", "minimum", "where", "relu", "fmax", "clip"))


@dataclass
class Derived:
    """One hand-derived gradient: where it comes from, and whose it is."""

    name: str
    tensor: str
    value: np.ndarray
    assigned: Assigned | None = None
    written: tuple[ast.expr, Scope] | None = None

    @property
    def line(self) -> int | None:
        if self.written is not None:
            return self.written[0].lineno
        return self.assigned.line if self.assigned is not None else None


def check_derivation(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    names: Mapping[str, str] | None = None,
    tolerance: float | None = None,
    show: bool = True,
) -> Report:
    """Mark a hand-derived backward pass: which line is wrong, and why.

    Both functions are plain NumPy. Every gradient that `backward` derives is compared with the true
    one, and with what the chain rule makes of the gradients that `backward` itself has derived
    before it. A line that is wrong by the second comparison has a mistake of its own; one that is
    wrong by the first only passes on an earlier one. A cause is named where a change to the line
    was found that makes it right.

    Parameters
    ----------
    forward : callable
        `forward(*inputs)` returns the loss, a real scalar, or `(loss, cache)`. Its local variables
        name the tensors: `Z1`, or an entry `Z["1"]` of a local dict or list. It must give the same
        loss every time.
    backward : callable
        `backward(*inputs)`, `backward(cache)` or `backward(*inputs, cache)`. The gradients are the
        entries of the dict that it returns and its local variables, by name: `dZ1`, `d_Z1`,
        `grad_Z1`, `Z1_grad` or an entry `dZ["1"]` belong to the tensor Z1.
    *inputs : array_like, or lists, tuples and dicts of them
    names : mapping of str to str, optional
        The tensors of gradients with other names: `{"delta": "Z2"}`.
    tolerance : float, optional
        The largest relative difference that still counts as right: by default 1e-6, and 1e-3 where
        the loss is of float32 or less.
    show : bool
        Print the report.

    Returns
    -------
    Report
        True if every gradient is right, in the convention of the derivation: gradients of the loss
        times N throughout, or divided by N in those of the inputs only, and any derivative of ReLU
        at exactly 0.

    Raises
    ------
    TypeError
        Where the loss is no real number, where a gradient is no array of numbers, or where the
        forward pass leaves NumPy.
    ValueError
        Where the loss differs from call to call, where a returned name belongs to no tensor, or
        where there is no gradient to mark.
    """
    plain = watch(forward, inputs)
    if plain.error is not None:
        raise plain.error
    loss, cache = _loss_and_cache(plain)
    back = watch(backward, _backward_arguments(backward, inputs, cache))
    derived = _derived(back, _tensor_names(plain), dict(names or {}))
    if not derived and back.error is None:
        raise ValueError(
            f"check_derivation() finds no gradient in {_name(backward)}: it looks for dW1, grad_W1 "
            f"or W1_grad of the names in {_name(forward)}, which are "
            f"{', '.join(_tensor_names(plain)) or 'none'}; pass names={{...}} for other names"
        )
    recorded = _recorded(forward, inputs, loss, [d.tensor for d in derived])
    report = _Marker(recorded, back, derived, inputs, plain, tolerance).report()
    if show:
        report.show()
    return report


def assert_derivation(
    forward: Callable[..., Any], backward: Callable[..., Any], *inputs: Any, **options: Any
) -> Report:
    """As `check_derivation`, but raises AssertionError with the report if a gradient is wrong.

    For tests: `al.check.assert_derivation(forward, backward, W, b, X, Y)`.
    """
    report = check_derivation(forward, backward, *inputs, show=False, **options)
    report.raise_if_wrong()
    return report


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))


def _loss_and_cache(run: Run) -> tuple[float, tuple[Any, ...]]:
    """The loss, and what the forward pass returned besides: nothing, or one cache."""
    returned = run.returned
    cache: tuple[Any, ...] = ()
    if isinstance(returned, tuple) and not hasattr(returned, "_fields"):
        if len(returned) != 2:
            raise TypeError(
                f"{_name(run.function)} must return the loss or (loss, cache), not a tuple of "
                f"{len(returned)}"
            )
        returned, cache = returned[0], (returned[1],)
    array = np.asarray(returned)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise TypeError(
            f"{_name(run.function)} must return the loss as one real number, not "
            f"{type(returned).__name__} of shape {array.shape}"
        )
    return float(array.reshape(())), cache


def _backward_arguments(
    backward: Callable[..., Any], inputs: tuple[Any, ...], cache: tuple[Any, ...]
) -> tuple[Any, ...]:
    try:
        parameters = inspect.signature(backward).parameters.values()
    except (TypeError, ValueError):
        return cache or inputs
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return inputs
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in positional)
    for arguments in (cache, inputs, (*inputs, *cache), (*cache, *inputs)):
        if arguments and needed <= len(arguments) <= len(positional):
            return arguments
    raise TypeError(
        f"{_name(backward)} takes {needed} arguments; it is called with the {len(inputs)} inputs, "
        "with the cache that the forward pass returns, or with both"
    )


def _tensor_names(run: Run) -> list[str]:
    return [name for name in run.variables if name.isidentifier() or name]


def _derived(back: Run, tensors: list[str], names: dict[str, str]) -> list[Derived]:
    """The gradients that the backward pass derived, in its order."""
    returned = back.returned if isinstance(back.returned, Mapping) else {}
    entries = _returned_entries(returned)
    known = set(tensors)
    found: dict[str, Derived] = {}
    for name, assigned in back.variables.items():
        tensor = _tensor_of(name, known, names, bare=False)
        if tensor is not None and assigned.statements and not assigned.in_a_loop:
            found[name] = Derived(name, tensor, _checked(name, assigned.value), assigned)
    for name, value in entries.items():
        tensor = _tensor_of(name, known, names, bare=True)
        if tensor is None:
            raise ValueError(
                f"check_derivation() finds no tensor that {name!r} is the gradient of: the names "
                f"in the forward pass are {', '.join(tensors) or 'none'}; pass names={{{name!r}: "
                "...}}"
            )
        same = (d for d in found.values() if d.name == name and d.value is value)
        if next(same, None) is None:
            found[name] = _returned_gradient(name, tensor, value, back)
    return _once_each(found)


def _returned_entries(returned: Mapping[Any, Any]) -> dict[str, Any]:
    """The values of a returned dict by name, with those of dicts in it."""
    entries: dict[str, Any] = {}
    for key, value in returned.items():
        if isinstance(value, Mapping):
            entries.update(flat({str(key): dict(value)}))
        else:
            entries[str(key)] = value
    return entries


def _once_each(found: dict[str, Derived]) -> list[Derived]:
    """The gradient that a name was returned under takes the place of the variable it was in."""
    kept: dict[tuple[int, str], Derived] = {}
    for derived in found.values():
        kept.setdefault((id(derived.value), derived.tensor), derived)
    return list(kept.values())


def _returned_gradient(name: str, tensor: str, value: Any, back: Run) -> Derived:
    array = _checked(name, value)
    for assigned in back.variables.values():
        if assigned.value is value and assigned.statements:
            return Derived(name, tensor, array, assigned)
    return Derived(name, tensor, array, written=_written_in_return(name, back))


def _written_in_return(name: str, back: Run) -> tuple[ast.expr, Scope] | None:
    """The expression that a dict in the return statement has for a name."""
    if back.last is None or not isinstance(back.last[0], ast.Return):
        return None
    for node in ast.walk(back.last[0]):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    return value, back.last[1]
        if isinstance(node, ast.keyword) and node.arg == name:
            return node.value, back.last[1]
    return None


def _checked(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value._value if isinstance(value, Recorded) else value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"the gradient {name!r} is {type(value).__name__}, which is no array of numbers"
        )
    return array


def _tensor_of(name: str, known: set[str], names: dict[str, str], bare: bool) -> str | None:
    if name in names:
        if names[name] not in known:
            raise ValueError(
                f"names={{{name!r}: {names[name]!r}}}: there is no {names[name]!r} in the forward "
                f"pass, which has {', '.join(sorted(known))}"
            )
        return names[name]
    matches = [m[1] for p in GRADIENT_NAMES if (m := re.fullmatch(p, name))]
    candidates = [c for match in matches for c in (match, match.replace("_", ""))]
    candidates += [name] if bare else []
    return next((c for c in candidates if c in known), None)


@dataclass
class _Recording:
    """The forward pass on Tensors: the loss, the tensors by name, and all named arrays."""

    loss: Tensor
    tensors: dict[str, Tensor]
    values: dict[str, Any]


def _recorded(
    forward: Callable[..., Any], inputs: tuple[Any, ...], loss: float, wanted: list[str]
) -> _Recording:
    """The forward pass, recorded as far as the wanted tensors need it."""
    recording = _record(forward, inputs, loss, set(wanted))
    if recording is None or any(name not in recording.tensors for name in wanted):
        recording = _record(forward, inputs, loss, None)
    if recording is None:
        raise ValueError(
            f"the loss of {_name(forward)} does not depend on any input that is a floating-point "
            "array"
        )
    return recording


def _record(
    forward: Callable[..., Any], inputs: tuple[Any, ...], loss: float, wanted: set[str] | None
) -> _Recording | None:
    parameters = list(_parameter_names(forward, len(inputs)))
    arguments = tuple(
        _as_tensors(value, name, wanted) for name, value in zip(parameters, inputs, strict=True)
    )
    run = watch(forward, arguments)
    if run.error is not None:
        where = f" in line {run.error_line}" if run.error_line else ""
        raise TypeError(
            f"the forward pass {_name(forward)} leaves NumPy{where}, so it cannot be recorded: "
            f"{run.error}"
        ) from run.error
    result = run.returned[0] if isinstance(run.returned, tuple) else run.returned
    if not isinstance(result, Tensor) or not isinstance(result._node, Node):
        return None
    again = float(np.asarray(result._value).reshape(()))
    if not np.isclose(again, loss, rtol=1e-6, atol=1e-300, equal_nan=True):
        raise ValueError(
            f"{_name(forward)} gives the loss {loss:.9g} in one call and {again:.9g} in the next: "
            "seed what is random in it, and let the backward pass write into copies of its inputs"
        )
    named = {n: a for n, a in run.variables.items() if not (a.in_a_loop and _rebound(n, run))}
    tensors = {n: a.value for n, a in named.items() if isinstance(a.value, Tensor)}
    connected = {n: t for n, t in tensors.items() if t.requires_grad}
    values = {n: getattr(a.value, "_value", a.value) for n, a in named.items()}
    return _Recording(result, connected, values)


def _rebound(name: str, run: Run) -> bool:
    """Whether a name of a loop stood for several tensors one after the other."""
    values = run.variables[name].values
    return len({id(value) for value in values}) > 1


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]


def _as_tensors(value: Any, name: str, wanted: set[str] | None) -> Any:
    """Floating-point arrays as Tensors, in nested lists and dicts too; they share their memory."""
    if isinstance(value, dict):
        return {k: _as_tensors(v, _entry(name, k), wanted) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_as_tensors(v, _entry(name, i), wanted) for i, v in enumerate(value))
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return Tensor(value, wanted is None or name in wanted, name=name, copy=False)
    return value


def _entry(name: str, key: Any) -> str:
    return next((n for n, _ in flat({name: {key: 0.0}})), str(key))


class _Marker:
    """Makes the report of a recording and a backward pass."""

    def __init__(
        self,
        recording: _Recording,
        back: Run,
        derived: list[Derived],
        inputs: tuple[Any, ...],
        plain: Run,
        tolerance: float | None,
    ) -> None:
        self.back = back
        self.derived = [d for d in derived if d.tensor in recording.tensors]
        self.unconnected = [d for d in derived if d.tensor not in recording.tensors]
        self.recording = recording
        self.plain = plain
        self.inputs = inputs
        self.graph = Graph(recording.loss, recording.tensors)
        self.own: dict[str, np.ndarray] = {}
        for d in self.derived:
            self.own.setdefault(d.tensor, d.value)
        if tolerance is None:
            tolerance = 1e-3 if recording.loss.dtype.itemsize < 8 else 1e-6
        self.sizes = _sizes(plain, inputs)
        truth = self.graph.gradients({})
        scale = max([float(np.max(np.abs(v), initial=0)) for v in truth.values()], default=0.0)
        self.comparing = Comparing(tolerance, 1e-6 * tolerance * scale)
        self.reading = read(self.graph, self.own, list(self.sizes), self.comparing)
        self.nudged = Nudged(plain, inputs)
        self.notes: list[str] = []

    def report(self) -> Report:
        lines = [self._line(d) for d in self.derived]
        lines += [self._unconnected_line(d) for d in self.unconnected]
        order = {d.name: i for i, d in enumerate([*self.derived, *self.unconnected])}
        lines.sort(key=lambda line: order[line.name])
        lines += self._missing()
        if self.back.error is not None:
            lines.append(self._raised())
        return Report(tuple(lines), tuple([*self._conventions(), *dict.fromkeys(self.notes)]))

    def _line(self, d: Derived) -> Line:
        reading = self.reading
        status = reading.status[d.tensor]
        expected = reading.truth[d.tensor]
        if d.value is not self.own[d.tensor]:
            status = self._status_of_another(d)
        if status == "wrong":
            expected = reading.expected[d.tensor]
        cause, message = None, ""
        if status == "wrong":
            cause, message = self._explained(d, expected)
        elif status == "inherited":
            after = self.graph.after(d.tensor, self.own)
            befores = [n for n in after if reading.status[n] in ("wrong", "inherited")]
            names = {e.tensor: e.name for e in self.derived}
            passed = ", ".join(names[n] for n in befores) or "a line before"
            message = f"{d.name} is right in itself, and passes on the error of {passed}"
        if d.value.shape == expected.shape:
            absolute, error = largest(apart(d.value, expected), d.value, expected)
        else:
            absolute = error = float("inf")
        return Line(
            *(d.name, d.tensor, status, error, absolute, d.value.shape, expected.shape),
            *(cause, message, d.line),
        )

    def _status_of_another(self, d: Derived) -> str:
        """The status of a second gradient of the same tensor."""
        truth, expected = self.reading.truth[d.tensor], self.reading.expected[d.tensor]
        if self.comparing.same(d.value, truth):
            return "convention" if self.reading.scales[d.tensor] != 1 else "correct"
        return "inherited" if self.comparing.same(d.value, expected) else "wrong"

    def _explained(self, d: Derived, expected: np.ndarray) -> tuple[str, str]:
        causes = find_causes(self._suspect(d, expected), self.comparing)
        where = f"line {d.line}: " if d.line else ""
        if d.value.shape == expected.shape:
            distance = apart(d.value, expected)
            what = difference_message(d.name, distance, d.value, expected)
            what += _from_whom(self.graph.after(d.tensor, self.own), self.derived)
        else:
            what = f"{d.name} has shape {d.value.shape}, but {d.tensor} has shape {expected.shape}"
        self._third_opinion(d)
        if not causes:
            shape = d.value.shape != expected.shape
            pattern = "" if shape else _pattern(d, expected, self.comparing)
            return ("shape" if shape else "unknown"), f"{where}{what}{pattern}"
        text = f"{where}{what}; {_because(causes)}"
        if len(causes) > 1:
            self.notes.append(
                "where two causes fit, inputs tell them apart whose widths are unequal, whose "
                "number of samples is not 1 or a width, and whose values have no symmetry"
            )
        return causes[0].kind, text

    def _suspect(self, d: Derived, expected: np.ndarray) -> Suspect:
        expression, scope = self._expression(d)
        reading = self.reading
        names = {e.tensor: e.name for e in self.derived}
        others = {names[t]: reading.expected[t] for t in self.own if t != d.tensor}
        return Suspect(
            name=d.name,
            tensor=d.tensor,
            given=d.value,
            expected=expected,
            others=others,
            incoming=self._incoming(),
            masks=frozenset(n for n in self.recording.tensors if self._is_masked(n)),
            parts=lambda: self._parts(d.tensor),
            activations=self._activations(),
            values={n: v for n, v in self.recording.values.items() if is_value(v)},
            sizes=self.sizes,
            assigned=d.assigned,
            expression=expression,
            scope=dict(scope),
            run=self.back,
        )

    def _expression(self, d: Derived) -> tuple[ast.expr | None, Scope]:
        """What was written for a gradient, with unnamed steps on the way put in."""
        if d.written is not None:
            return _inlined(d.written[0], self.back, self._gradient_names()), d.written[1]
        if d.assigned is None or not d.assigned.statements:
            return None, {}
        expression: ast.expr | None = None
        scope: Scope = d.assigned.statements[-1][1]
        for statement, _ in d.assigned.statements:
            written = _value_of(statement, expression)
            expression = written
        if expression is None:
            return None, scope
        return _inlined(expression, self.back, self._gradient_names()), scope

    def _gradient_names(self) -> set[str]:
        return {d.name for d in self.derived}

    def _incoming(self) -> dict[str, np.ndarray]:
        """The gradient at each named tensor, the person's own where there is one."""
        factor = self.reading.factor
        going_on = {n: g / factor for n, g in self._going_on().items()}
        arrived = self.graph.gradients(going_on)
        results = {n: t for n, t in self.recording.tensors.items() if isinstance(t._node, Node)}
        return {n: self.own.get(n, arrived[n] * factor) for n in results}

    def _going_on(self) -> dict[str, np.ndarray]:
        passed = {}
        for name, value in self.own.items():
            if isinstance(self.recording.tensors[name]._node, Node):
                fitted = fit(value, self.recording.tensors[name].shape)
                if fitted is not None:
                    passed[name] = fitted
        return passed

    def _parts(self, tensor: str) -> dict[str, np.ndarray]:
        """What each of the nearest gradients after a tensor contributes to its own."""
        own = {n: g for n, g in self._going_on().items() if n != tensor}
        scale = self.reading.scales[tensor] / self.reading.factor
        nothing = {n: np.zeros_like(g) for n, g in own.items()}
        direct = self.graph.gradients(nothing)[tensor]
        parts = {"the loss itself": direct * self.reading.scales[tensor]}
        for name in self.graph.after(tensor, own):
            if name in own:
                alone = self.graph.gradients(nothing | {name: own[name]})[tensor]
                parts[name] = (alone - direct) * scale
        return parts

    def _activations(self) -> dict[str, frozenset[str]]:
        """By name of an activation, the named tensors that it is an element-wise function of."""
        at: dict[Any, list[str]] = {}
        for name, tensor in self.recording.tensors.items():
            at.setdefault(tensor._node, []).append(name)
        return {
            name: frozenset(_elementwise_operands(tensor._node, at))
            for name, tensor in self.recording.tensors.items()
            if isinstance(tensor._node, Node)
        }

    def _is_masked(self, name: str) -> bool:
        node = self.recording.tensors[name]._node
        return isinstance(node, Node) and node.plan.operation.name in MASKING

    def _third_opinion(self, d: Derived) -> None:
        """What numerical differentiation of the plain forward pass says of a disputed gradient."""
        truth = self.graph.gradients({})[d.tensor]
        scale = self.reading.scales[d.tensor]
        fitted = fit(d.value, truth.shape)
        # Where the two differ, so that the answer tells them apart.
        direction = np.sign(truth if fitted is None else fitted / scale - truth)
        if not np.any(direction):
            return
        try:
            slope = self.nudged.slope(d.tensor, direction)
        except Exception:
            return
        if slope is None or not np.isfinite(slope):
            return
        theirs = None if fitted is None else float(np.sum(fitted / scale * direction))
        ours = float(np.sum(truth * direction))
        near = 1e-4 * max(abs(slope), abs(ours), 1e-8)
        if abs(slope - ours) <= near:
            self.notes.append(
                f"differences of the forward pass confirm the chain rule for {d.name}"
            )
        elif theirs is not None and abs(slope - theirs) <= near:
            self.notes.append(
                f"ATTENTION: differences of the forward pass support YOUR {d.name} ({slope:.6g}; the "
                f"chain rule gives {ours:.6g}). Please report this as a bug of autograd_lite"
            )
        else:
            self.notes.append(
                f"differences of the forward pass give {slope:.6g} for {d.name} along a direction "
                f"in which the chain rule gives {ours:.6g}: is there a kink or a jump nearby?"
            )

    def _conventions(self) -> list[str]:
        reading = self.reading
        used = [d for d in self.derived if reading.status[d.tensor] == "convention"]
        notes = []
        if reading.factor != 1 and any(reading.scales[d.tensor] != 1 for d in used):
            size = int(reading.factor)
            where = "throughout" if reading.everywhere else "until the division in the last step"
            notes.append(
                f"convention: gradients of {size} times the loss ({self.sizes[size]}) {where}; "
                "that is no mistake"
            )
        at_zero = [d.name for d in used if d.tensor in reading.at_zero]
        if at_zero:
            notes.append(
                f"convention: {', '.join(at_zero)} takes another derivative at exactly 0, where "
                "there is a kink; that is no mistake"
            )
        return notes

    def _unconnected_line(self, d: Derived) -> Line:
        value = np.asarray(self.recording.values.get(d.tensor, 0.0))
        right = d.value.shape == value.shape and not np.any(d.value)
        message = "" if right else f"the loss does not depend on {d.tensor}: {d.name} should be 0"
        size = float(np.max(np.abs(d.value), initial=0))
        return Line(
            *(d.name, d.tensor, "correct" if right else "wrong", float(size > 0), size),
            *(d.value.shape, value.shape, None if right else "unknown", message, d.line),
        )

    def _missing(self) -> list[Line]:
        """Inputs named like one whose gradient was derived, without a gradient of their own."""
        if self.back.error is not None:
            return []
        derived = {d.tensor for d in [*self.derived, *self.unconnected]}
        leaves = {n for n, v in flat_inputs(self.plain, self.inputs)}
        letters = {re.sub(r"\d+", "", n) for n in derived & leaves if re.search(r"\d", n)}
        lines = []
        for name in sorted(leaves - derived):
            if re.search(r"\d", name) and re.sub(r"\d+", "", name) in letters:
                shape = np.shape(dict(flat_inputs(self.plain, self.inputs))[name])
                message = f"there is no d{name}"
                lines.append(Line(f"d{name}", name, "missing", 1.0, 0.0, (), shape, None, message))
        return lines

    def _raised(self) -> Line:
        error, at = self.back.error, self.back.error_at
        name, shapes = "?", ""
        if at is not None:
            statement, scope = at
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            if targets[0] is not None:
                name = ast.unparse(targets[0])
            shapes = _shapes(statement, scope)
        line = self.back.error_line
        message = f"line {line} raised {type(error).__name__}: {error}{shapes}"
        infinite = float("inf")
        return Line(name, name, "wrong", infinite, infinite, (), (), "shape", message, line)


def flat_inputs(run: Run, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """The floating-point arrays among the inputs, by name."""
    named = dict(zip(_parameter_names(run.function, len(inputs)), inputs, strict=True))
    return [(n, v) for n, v in flat(named) if isinstance(v, np.ndarray) and v.dtype.kind in "fc"]


def _sizes(run: Run, inputs: tuple[Any, ...]) -> dict[int, str]:
    """What the lengths of the inputs' axes are called, those of the last axes first."""
    named = dict(zip(_parameter_names(run.function, len(inputs)), inputs, strict=True))
    arrays = [(n, v) for n, v in flat(named) if isinstance(v, np.ndarray) and v.ndim]
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


def _elementwise_operands(node: Node, at: Mapping[Any, list[str]]) -> list[str]:
    """The named tensors that element-wise functions lead to from a node."""
    found: list[str] = []
    stack, seen = [node], {node}
    while stack:
        operation = stack.pop()
        if not _is_elementwise(operation):
            continue
        for parent in operation.parents or ():
            if not isinstance(parent, (Node, Leaf)) or parent in seen:
                continue
            seen.add(parent)
            if parent.shape != node.shape:
                continue
            if parent in at:
                found += at[parent]
            elif isinstance(parent, Node):
                stack.append(parent)
    return found


def _is_elementwise(node: Node) -> bool:
    function = node.plan.operation.function
    if isinstance(function, np.ufunc):
        return function.signature is None
    return node.plan.operation.name in ("where", "relu", "sigmoid", "softplus", "clip")


def _value_of(statement: ast.stmt, before: ast.expr | None) -> ast.expr | None:
    """The expression whose value a statement gives its target; None where that is no expression."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        if isinstance(statement.targets[0], ast.Subscript) and before is not None:
            return None
        simple = isinstance(statement.targets[0], (ast.Name, ast.Subscript))
        return statement.value if simple else None
    if isinstance(statement, ast.AnnAssign):
        return statement.value
    if isinstance(statement, ast.AugAssign) and before is not None:
        return ast.BinOp(before, statement.op, statement.value)
    return None


def _inlined(expression: ast.expr, back: Run, gradients: set[str], depth: int = 4) -> ast.expr:
    """An expression with the variables on the way, which are no gradients, written out."""

    class Inline(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            assigned = back.variables.get(node.id)
            if node.id in gradients or assigned is None or len(assigned.statements) != 1:
                return node
            value = _value_of(assigned.statements[0][0], None)
            if value is None or isinstance(value, (ast.Name, ast.Subscript)) or depth == 0:
                return node
            return _inlined(value, back, gradients, depth - 1)

    import copy

    inlined = Inline().visit(copy.deepcopy(expression))
    assert isinstance(inlined, ast.expr)
    return inlined


def _from_whom(after: list[str], derived: list[Derived]) -> str:
    names = {d.tensor: d.name for d in derived}
    known = [names[n] for n in after if n in names]
    return f" by the chain rule from your {' and '.join(known)}" if known else ""


def _because(causes: list[Cause]) -> str:
    first = causes[0].text
    others = [cause.text for cause in causes[1:3]]
    return first + "".join(f"; or {text}" for text in others)


def _pattern(d: Derived, expected: np.ndarray, comparing: Comparing) -> str:
    """Where a gradient differs, when nothing says why."""
    off = np.abs(d.value - expected) > comparing.tolerance * max(
        float(np.max(np.abs(expected), initial=0)), comparing.floor
    )
    count = int(np.sum(off))
    text = f"; it differs in {count} of {off.size} elements"
    if off.ndim == 2 and 0 < count < off.size:
        for axis, what in ((0, "columns"), (1, "rows")):
            hit = np.flatnonzero(np.any(off, axis=axis))
            if len(hit) < off.shape[1 - axis] and count == len(hit) * off.shape[axis]:
                text += f", all of them in the {what} {', '.join(map(str, hit[:5]))}"
    return text


def _shapes(statement: ast.stmt, scope: Scope) -> str:
    """The shapes of the arrays that a statement names."""
    shapes = {}
    known = dict(flat(scope))
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and hasattr(known.get(node.id), "shape"):
            shapes[node.id] = known[node.id].shape
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            for name, value in flat({node.value.id: scope.get(node.value.id)}):
                if name in ast.unparse(node) and hasattr(value, "shape"):
                    shapes[name] = value.shape
    listed = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
    return f" ({listed})" if listed else ""
