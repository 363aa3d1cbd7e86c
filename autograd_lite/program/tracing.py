"""Tracer: a value that notes every NumPy function it goes through as a step of a program.

It implements NumPy's protocols, so plain code, Tensors that hold one, the derivative rules and the
backward pass run on it unchanged. It computes each step on the example that it was made from; what
would take a value out of it raises, with the user's line.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from autograd_lite.arrays.contracts import Index, Tree
from autograd_lite.arrays.foreign import Recordable
from autograd_lite.arrays.trees import leaves_of, map_leaves, split
from autograd_lite.functions import traits
from autograd_lite.gradients import combined_gate, mask_along, shut
from autograd_lite.operations import OPERATIONS, Operation
from autograd_lite.program.captures import same_bytes
from autograd_lite.program.ir import Program, Step, Variable, function_name
from autograd_lite.record import Recorded
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.masks import gated
from autograd_lite.rules.special import astype
from autograd_lite.source import is_of_engine, users_line


class TracedValueError(RuntimeError):
    """Something that a program cannot hold: a value read, a branch on one, a write.

    Notes
    -----
    `al.compile`, `al.derive`, `al.sheet` and `al.to_onnx` raise it. It is a RuntimeError, whose
    message has the line.

    Examples
    --------
    >>> import autograd_lite as al
    >>> f = al.compile(lambda x: x if x > 0 else -x)
    >>> f(1.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    autograd_lite.program.tracing.TracedValueError: ...
    """


_POWERS: dict[Any, Any] = {2: np.square, 0.5: np.sqrt}
"""The exponents that NumPy's ** has quicker functions for."""

READINGS = {
    "array": ("its values are asked for as a NumPy array", ""),
    "branch": (
        "a branch depends on its value",
        "np.where(condition, a, b) computes both and picks; or decide outside, from values "
        "that are not traced",
    ),
    "float": ("float() asks for its value", ""),
    "int": ("int() asks for its value", ""),
    "complex": ("complex() asks for its value", ""),
    "index": ("its value is asked for as a whole number, such as an index or a length", ""),
    "item": (".item() asks for its value", ""),
    "list": (".tolist() asks for its values", ""),
    "bytes": (".tobytes() asks for its values", ""),
    "format": ("a format asks for its value", ""),
}
"""The ways to take a value out of a tracer: what is said of each, and what to do instead."""


class Trace:
    """A program that is being written down.

    `values` are what its variables hold in the example. A step that is there already is not
    written again: its results are given. `sources` says which array of the user's a constant was;
    `met` are all arrays that were met, as they were then, and the lines. Arrays of one number that
    are made on the way are written as that number, expanded, unless `expands` is False.
    `holds_answers` says whether True and False, as `np.allclose` gives them, are values.
    """

    holds_answers = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[Variable] = []
        self.steps: list[Step] = []
        self.constants: dict[Variable, Any] = {}
        self.values: dict[Variable, Any] = {}
        self.sources: dict[Variable, weakref.ref[Any]] = {}
        self.captured: dict[int, str] = {}
        self.met: list[tuple[weakref.ref[Any], np.ndarray, str]] = []
        self.repeated: int = 0
        self.expands = True
        self._known: dict[int, list[Variable]] = {}
        self._seen: dict[Any, Any] = {}

    def input(self, value: Any, name: str | None = None) -> Tracer:
        """A tracer for an argument with this example value."""
        variable = Variable.like(value, name)
        self.inputs.append(variable)
        self.values[variable] = value
        return Tracer(self, variable, value)

    def program(self, outputs: list[Variable]) -> Program:
        """The program that was written down: the trace is over."""
        # They refer to the trace, which would keep all values until the garbage is collected.
        self._seen.clear()
        program = Program(self.inputs, self.constants, self.steps, outputs)
        return program.with_steps(self.steps)

    def constant(self, array: np.ndarray) -> Variable:
        """The variable of an array from outside the function, with its present values."""
        # An array that is gone leaves its place in memory, and so its `id`, to others.
        known = [v for v in self._known.get(id(array), ()) if self.sources[v]() is array]
        for variable in known:
            if same_bytes(array, self.constants[variable]):
                return variable
        variable = Variable.like(array, self.captured.get(id(array)))
        self.constants[variable] = self.values[variable] = np.array(array)
        self.sources[variable] = weakref.ref(array)
        self.met.append((weakref.ref(array), self.constants[variable], users_line()))
        self._known[id(array)] = [*known, variable]
        return variable

    def apply(self, function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
        """Compute `function(*args, **options)`, and note it."""
        values, value_options = _values((args, options))
        known = traits(function)
        if known.of_shapes or known.of_memory or known.makes_alike:
            return function(*values, **value_options)
        if known.shape_from_values or (function is getitem and _picks_by_value(args[1])):
            self.shaped_by_values(function, args)
        if known.writes or options.get("out") is not None:
            self.refuse(
                f"{function_name(function)} would write into an array",
                "write a = a + x for a += x, and np.where or np.concatenate for assigned items",
            )
        noted, noted_options = self._noted((args, options))
        key = _key(function, noted, noted_options)
        if key is not None and key in self._seen:
            self.repeated += 1
            return self._seen[key]
        with np.errstate(all="ignore"):
            result = function(*values, **value_options)
        if self.holds_answers and isinstance(result, bool):
            result = np.bool_(result)
        several = isinstance(result, (tuple, list))
        items = list(result) if several else [result]
        for item in items:
            if not isinstance(item, (np.ndarray, np.generic, float, complex)):
                self.refuse(f"{function_name(function)} gives a {type(item).__name__}")
        results = tuple(map(Variable.like, items))
        step = Step(function, noted, noted_options, results, several, users_line())
        return self.append(step, key, result)

    def apply_plain(self, function: Callable[..., Any], args: Any, result: Any) -> Variable:
        """Note a call on plain values, which gave `result`."""
        step = Step(function, args, {}, (Variable.like(result),), line=users_line())
        found: Variable = self.repeat(step, result).variable
        return found

    def append(self, step: Step, key: Any, result: Any) -> Any:
        """Write a step down, which gave `result`."""
        self.steps.append(step)
        items = result if step.several else [result]
        tracers = []
        for variable, item in zip(step.results, items, strict=True):
            self.values[variable] = item
            tracers.append(Tracer(self, variable, item))
        found: Any = tracers[0]
        if step.several:
            named = hasattr(result, "_fields")
            found = type(result)(*tracers) if named else type(result)(tracers)
        if key is not None:
            self._seen[key] = found
        return found

    def forget_seen(self) -> None:
        """Forget the steps so far: equal calls become new steps."""
        self._seen.clear()

    def remember(self, step: Step) -> None:
        """Take an equal call for this step."""
        key = _key(step.function, step.args, step.options)
        if key is not None and not step.several:
            value = self.values[step.result]
            self._seen.setdefault(key, Tracer(self, step.result, value))

    def repeat(self, step: Step, values: Any) -> Any:
        """Append a step of another trace with its value, or reuse an equal step of this one."""
        key = _key(step.function, step.args, step.options)
        if key is not None and key in self._seen:
            self.repeated += 1
            return self._seen[key]
        return self.append(step, key, values)

    def _noted(self, tree: Tree) -> Any:
        """`tree` with the variables of its tracers and arrays."""
        return map_leaves(self._note, tree)

    def _note(self, leaf: Any) -> Any:
        if isinstance(leaf, Tracer):
            if leaf.tape is not self:
                self.refuse(
                    "a traced value of another call came in", "pass it as an argument instead"
                )
            return leaf.variable
        if isinstance(leaf, np.ndarray):
            if self._is_expanded(leaf):
                self.met.append((weakref.ref(leaf), np.array(leaf), users_line()))
                number = leaf[(0,) * leaf.ndim]
                expanded = np.broadcast_to(number, leaf.shape)
                return self.apply_plain(np.broadcast_to, (number, leaf.shape), expanded)
            return self.constant(leaf)
        return leaf

    def _is_expanded(self, array: np.ndarray) -> bool:
        """Whether an array that was made on the way is one number, expanded.

        The gradients of sums begin as such arrays. Those from outside keep their names.
        """
        if not self.expands or array.size < 2 or array.dtype.kind not in "fciub":
            return False
        if id(array) in self.captured:
            return False
        # By their bits: 0.0 and -0.0 are equal.
        number = array[(0,) * array.ndim]
        return not any(array.strides) or array.tobytes() == number.tobytes() * array.size

    def shaped_by_values(self, function: Callable[..., Any], args: Any) -> None:
        """Handle a call whose result has a shape that depends on values: by default, refuse it."""
        self.refuse(
            f"the shape of what {function_name(function)} gives depends on values",
            "use np.where, or a mask that is no traced value",
        )

    def read(self, tracer: Tracer, how: str) -> Any:
        """Handle a value that is read, as a branch reads it: by default, refuse it.

        `how` is a key of READINGS.
        """
        what, instead = READINGS[how]
        name = tracer.variable.name
        which = f"{name!r}, a traced value" if name else "a traced value"
        self.refuse(
            f"{what} ({which} of type {tracer.variable.type}), and a compiled program must hold "
            "for every value",
            instead or "use NumPy's functions on it, or compute what is needed outside",
        )

    def refuse(self, what: str, instead: str = "") -> NoReturn:
        """Raise TracedValueError."""
        advice = f": {instead}" if instead else ""
        raise TracedValueError(f"{self.name}, {users_line()}: {what}{advice}")


class Tracer(Recordable):
    """An array, or a number, that records the computations with it as steps.

    `gate` is where a gradient was let through a selection; see `gradients`.
    """

    __slots__ = ("tape", "variable", "value", "gate", "__weakref__")

    def __init__(self, tape: Trace, variable: Variable, value: Any) -> None:
        self.tape: Trace = tape
        self.variable: Variable = variable
        self.value: Any = value
        self.gate: Any = None

    base = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.variable.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.variable.dtype

    @property
    def ndim(self) -> int:
        return self.variable.ndim

    @property
    def size(self) -> int:
        return self.variable.size

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.variable.nbytes

    @property
    def weak(self) -> bool:
        """Whether it is a Python number, which gives way to the dtype of arrays."""
        return self.variable.weak

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return self if self.dtype.kind != "c" else np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @property
    def flat(self) -> Any:
        return iter(np.ravel(self))

    def gated_by(self, gate: Any) -> Tracer:
        """The same value, which knows where it was let through."""
        gated = Tracer(self.tape, self.variable, self.value)
        gated.gate = gate
        return gated

    def ungated(self) -> Tracer:
        """The same value alone."""
        return self if self.gate is None else Tracer(self.tape, self.variable, self.value)

    def as_one_step(self, function: Callable[..., Any], args: Any) -> Any:
        """A call of a function that decides by values, which only its own arrays will have."""
        return self.tape.apply(function, args, {})

    def _record(self, operation: Operation, args: Any, kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            if isinstance(value, Recorded):
                return value._record(operation, args, kwargs)
        function = public(operation)
        # The engine's own are written in NumPy's functions, which know what becomes of a mask.
        own = is_of_engine(function)
        if function is None or function is gated or (own and _has_gate((args, kwargs))):
            return operation.function(*args, **kwargs)
        return self.tape.apply(function, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(i, Recorded) for i in inputs) or _is_for_another(kwargs.get("out")):
            return NotImplemented
        if kwargs.get("out") is not None or method == "at":
            self.tape.refuse(
                f"np.{ufunc.__name__} would write a traced value into an array",
                "write a = a + x for a += x, and omit out=",
            )
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        sign = traits(ufunc).operator
        if sign is not None and sign.on_numbers is not None and all(map(_is_number, inputs)):
            function = sign.on_numbers
        result = self.tape.apply(function, inputs, kwargs)
        gate = combined_gate(ufunc, inputs) if method == "__call__" else None
        return result if gate is None else shut(result, gate)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Recorded) for kind in types):
            return NotImplemented
        result = self.tape.apply(func, args, kwargs)
        if self.gate is None or args[0] is not self:
            return result
        along = mask_along(func, args, kwargs)
        return result if along is None else shut(result, along(self.gate, *args[1:], **kwargs))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.tape.read(self, "array"), dtype)

    def __bool__(self) -> bool:
        return bool(self.tape.read(self, "branch"))

    def __float__(self) -> float:
        return float(self.tape.read(self, "float"))

    def __int__(self) -> int:
        return int(self.tape.read(self, "int"))

    def __complex__(self) -> complex:
        return complex(self.tape.read(self, "complex"))

    def __index__(self) -> int:
        return operator.index(self.tape.read(self, "index"))

    def item(self, *index: Index) -> Any:
        return self.tape.read(self[index] if index else self, "item")

    def tolist(self) -> Any:
        return np.asarray(self.tape.read(self, "list")).tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        return np.asarray(self.tape.read(self, "bytes")).tobytes(order)

    def __format__(self, specification: str) -> str:
        return (
            format(self.tape.read(self, "format"), specification) if specification else repr(self)
        )

    def __repr__(self) -> str:
        name = f"{self.variable.name}: " if self.variable.name else ""
        return f"<traced {name}{self.variable.type}>"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a value of no dimensions has no length")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Index) -> Any:
        # What makes a number of an array of no dimensions, which this stands for as well.
        nothing = isinstance(index, tuple) and not index
        if nothing and not self.shape:
            return self
        picked = getitem(self.ungated(), index)
        return picked if self.gate is None else shut(picked, getitem(self.gate, index))

    def __setitem__(self, index: Index, value: Any) -> NoReturn:
        self.tape.refuse(
            "an item of a traced array is assigned to",
            "use np.where, np.concatenate or np.stack for it",
        )

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent in _POWERS and self.dtype.kind in "fc":
            return _POWERS[exponent](self) if not self.variable.weak else self._power(exponent)
        return NotImplemented if isinstance(exponent, Recorded) else self._power(exponent)

    def __rpow__(self, base: Any) -> Any:
        return self.tape.apply(operator.pow, (base, self), {})

    def _power(self, exponent: Any) -> Any:
        return self.tape.apply(operator.pow, (self.ungated(), exponent), {})

    def astype(self, dtype: Any, **options: Any) -> Any:
        dtype = np.dtype(dtype)
        if self.variable.weak:
            return self.tape.apply(dtype.type, (self,), {})
        if dtype == self.dtype:
            return self
        result = astype(self.ungated(), dtype)
        return result if self.gate is None else result.gated_by(self.gate)

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        new = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, new, order=order)

    def transpose(self, *axes: Any) -> Any:
        order = axes[0] if len(axes) == 1 else axes or None
        return np.transpose(self, order)

    def copy(self, order: str = "C") -> Any:
        return np.copy(self)

    def sort(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.tape.refuse(".sort() would change the array", "use np.sort")

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    __hash__: Any = object.__hash__


def _operator(ufunc: np.ufunc) -> Callable[..., Any]:
    def operate(self: Tracer, other: Any) -> Any:
        return NotImplemented if isinstance(other, Recorded) else ufunc(self, other)

    return operate


def _reflected(ufunc: np.ufunc) -> Callable[..., Any]:
    def operate(self: Tracer, other: Any) -> Any:
        return ufunc(other, self)

    return operate


def _in_place(symbol: str) -> Callable[..., Any]:
    def assign(self: Tracer, other: Any) -> NoReturn:
        self.tape.refuse(
            f"{symbol}= would change a traced array in place", f"write a = a {symbol} x instead"
        )

    return assign


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


for _name, _ufunc, _symbol in [
    *(("add", np.add, "+"), ("sub", np.subtract, "-"), ("mul", np.multiply, "*")),
    *(("truediv", np.divide, "/"), ("floordiv", np.floor_divide, "//")),
    *(("mod", np.remainder, "%"), ("matmul", np.matmul, "@"), ("and", np.bitwise_and, "&")),
    *(("or", np.bitwise_or, "|"), ("xor", np.bitwise_xor, "^")),
    *(("lshift", np.left_shift, "<<"), ("rshift", np.right_shift, ">>")),
]:
    setattr(Tracer, f"__{_name}__", _operator(_ufunc))
    setattr(Tracer, f"__r{_name}__", _reflected(_ufunc))
    setattr(Tracer, f"__i{_name}__", _in_place(_symbol))
Tracer.__ipow__ = _in_place("**")  # type: ignore[attr-defined]

for _name, _ufunc in [
    *(("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal)),
    *(("gt", np.greater), ("ge", np.greater_equal)),
]:
    setattr(Tracer, f"__{_name}__", _operator(_ufunc))

for _name, _unary in [
    *(("__neg__", np.negative), ("__pos__", np.positive), ("__abs__", np.absolute)),
    ("__invert__", np.invert),
]:
    setattr(Tracer, _name, _method(_unary))

for _name in [
    *("sum prod mean var std max min any all cumsum cumprod argmax argmin argsort trace").split(),
    *("ravel squeeze swapaxes diagonal take repeat dot clip round conj conjugate").split(),
    *("choose compress searchsorted ptp").split(),
]:
    setattr(Tracer, _name, _method(getattr(np, _name)))
Tracer.flatten = _method(np.ravel)  # type: ignore[attr-defined]


def _key(function: Any, args: Any, options: Any) -> Any:
    """A key that equal calls share; None where that cannot be told."""
    try:
        key = (function, _frozen(args), _frozen(options))
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(tree: Tree) -> Any:
    parts = split(tree)
    if parts is not None:
        keys, items = parts
        return type(tree), keys, tuple(map(_frozen, items))
    # 1, 1.0 and True are equal, but NumPy computes differently with them; so are 0.0 and -0.0.
    return (type(tree), repr(tree)) if isinstance(tree, (*_NUMBERS, np.generic)) else tree


_publics: dict[Operation, Callable[..., Any]] = {}


def public(operation: Operation) -> Callable[..., Any] | None:
    """The function that users call for an operation; None for an operation without one."""
    public = _publics.get(operation)
    if public is None:
        _publics.update((known, function) for function, known in OPERATIONS.items())
        public = _publics.get(operation)
    return public


def _values(tree: Tree) -> Any:
    """`tree` with the example values of its tracers."""
    return map_leaves(lambda leaf: leaf.value if isinstance(leaf, Tracer) else leaf, tree)


def _is_for_another(out: Any) -> bool:
    """Whether a result is to go into something that takes care of it itself."""
    return out is not None and not all(isinstance(o, (np.ndarray, Tracer)) for o in out)


def _is_number(value: Any) -> bool:
    return value.variable.weak if isinstance(value, Tracer) else type(value) in _NUMBERS


_NUMBERS = (int, float, complex, bool)


def _has_gate(tree: Tree) -> bool:
    return any(isinstance(leaf, Tracer) and leaf.gate is not None for leaf in leaves_of(tree))


def _picks_by_value(index: Index) -> bool:
    """Whether an index has a mask in it that is traced."""
    items = index if isinstance(index, tuple) else (index,)
    return any(isinstance(i, Tracer) and i.dtype == bool for i in items)
