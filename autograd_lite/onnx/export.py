"""al.to_onnx: a function's forward pass as an ONNX model."""

from __future__ import annotations

import inspect
import math
import operator
import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Index, Operand
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.derivation.expressions import of_size
from autograd_lite.files import write
from autograd_lite.functions import traits
from autograd_lite.onnx import definitions as definitions
from autograd_lite.operations import OPERATIONS
from autograd_lite.program.arguments import Structure, flatten, unflatten
from autograd_lite.program.captures import Captures
from autograd_lite.program.identities import expanding
from autograd_lite.program.ir import Program, Step, Variable, function_name
from autograd_lite.program.names import Names, identifier
from autograd_lite.program.rewriting import Rewriting, Rule, without_dead
from autograd_lite.program.sizes import (
    Length,
    Size,
    SizedFloat,
    SizedInt,
    are_samples,
    check_near,
    choose_lengths,
    lengths_of,
    resized,
    unify,
)
from autograd_lite.program.traced import traced
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.special import astype, relu, softmax
from autograd_lite.tensor import Tensor

OPSET = 18
_DIRECT = {relu, softmax, astype, getitem}
_PAST_THE_END = 2**62
"""An index beyond the end of any axis."""

REWRITE_LIMIT_ROUNDS = 8

_NEGATIVE_POWER = "integers to negative integer powers are not allowed"
"""How the name of the node begins that fails then: ONNX Runtime's message has it."""

_COMPUTED_IN: dict[Any, Any] = {
    **{np.dtype(t): np.dtype(t) for t in (np.float32, np.float64, np.int32, np.int64, bool)},
    np.dtype(np.float16): np.dtype(np.float32),
    **{
        np.dtype(t): np.dtype(np.int64) for t in (np.int8, np.int16, np.uint8, np.uint16, np.uint32)
    },
}
"""The dtype in which ONNX Runtime has operators, for each dtype that arrays may have.

Results are cast back: halves are rounded and integers wrap as NumPy's do.
"""

_PARTS = {part for parts in definitions.PARTS.values() for part in parts}

_ANY_ORDER = {"dtype", "casting", "order", "subok"}
"""Options of ufuncs that say no more than the dtypes of a step do."""


def to_onnx(
    function: Callable[..., Any], *inputs: Any, path: str | os.PathLike[str] | None = None
) -> Any:
    """The computation of `function` as an ONNX model (extra `onnx`), for these dtypes.

    Lengths of axes that may be others, as the number of samples, are dynamic: they have names, such
    as `N`, in the shapes of inputs and outputs. Lengths that the function itself does not leave
    open, or that change what it computes, are those of the example.

    ONNX Runtime computes what NumPy does, to rounding; where NumPy raises for a negative power of
    integers, it fails too, on the processor.

    Parameters
    ----------
    function : callable
        As for `al.compile`. Tensors and arrays that it uses, a network's parameters, become part of
        the model.
    *inputs
        Example inputs. The model's inputs are named after the function's parameters, its outputs
        after its local variables, or `output`.
    path : path, optional
        The file to write the model to.

    Returns
    -------
    onnx.ModelProto
        Checked by `onnx.checker`.

    Raises
    ------
    TypeError
        Where the function uses something that ONNX has no form for: it is named.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> model = al.to_onnx(lambda x: np.tanh(x) * 2, np.ones((3, 5)))
    >>> [node.op_type for node in model.graph.node]
    ['Tanh', 'Mul']
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("to_onnx needs ONNX: pip install 'autograd_lite[onnx]'") from None
    name = getattr(function, "__name__", type(function).__name__)
    inputs = map_leaves(lambda v: v._value if isinstance(v, Tensor) else v, inputs)
    leaves: list[Any] = []
    structure = flatten((inputs, {}), leaves)
    captures = Captures(function)
    program = _exported(name, function, structure, leaves, captures)

    def build(values: Sequence[Any]) -> Any:
        return unflatten(structure, values)[0]

    lengths = lengths_of(function, leaves, build, scalar=False)
    ranges: dict[Variable, Size] = {}
    for some in (lengths, [n for n in lengths if are_samples(n, leaves)][:1]):
        found = _with_sizes(program, name, function, structure, leaves, some, captures)
        if found is not None:
            program, ranges = found
            break
    model = _Exporter(onnx, name, program, ranges).model()
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        write(path, model.SerializeToString(), "model")
    return model


def _exported(
    name: str, function: Any, structure: Structure, leaves: Sequence[Any], captures: Captures
) -> Program:
    """The program of a function in functions that have an operator in ONNX."""
    trace, program, _, _ = traced(name, function, structure, leaves, captures, detached=True)
    labels = {id(array): label for array, _, label in captures.arrays}
    for variable, source in trace.sources.items():
        variable.name = variable.name or labels.get(id(source()))
    return _in_known(program, trace.values)


def _with_sizes(
    program: Program,
    name: str,
    function: Any,
    structure: Structure,
    leaves: Sequence[Any],
    lengths: list[Length],
    captures: Captures,
) -> tuple[Program, dict[Variable, Size]] | None:
    """The program with sizes for the numbers that depend on lengths; None where they are fixed."""

    def results(leaves: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        args, kwargs = unflatten(structure, leaves)
        flatten(function(*args, **kwargs), found)
        return [getattr(v, "_value", v) for v in found]

    variables = {v for s in program.steps for v in s.results} | set(program.inputs)
    shapes = {v: v.shape for v in variables | set(program.constants)}
    for length in lengths:
        length.lengths.clear()
        first = program.inputs[length.axes[0][0]]
        length.name = "N" if are_samples(length, leaves) else f"n_{first.name}"
    taken: list[str] = []
    for length in sorted(lengths, key=lambda length: min(length.axes)):
        again = taken.count(length.name)
        taken.append(length.name)
        length.name += f"_{again + 1}" if again else ""
    try:
        others = [
            _exported(name, function, structure, resized(leaves, changes), Captures(function))
            for changes in choose_lengths(lengths)
        ]
        unified, ranges = unify(program, others, lengths)
        check_near(captures.whole_numbers(), unified, ranges, lengths, leaves, results)
        return unified, ranges
    except Exception:
        # Not of the example, which was traced without one.
        for variable, shape in shapes.items():
            variable.shape = shape
        return None


def _in_known(program: Program, values: Any) -> Program:
    """The program in functions that have an operator in ONNX, as far as they have definitions."""
    program = program.with_steps([part for step in program.steps for part in _parts(step)])
    for _ in range(REWRITE_LIMIT_ROUNDS):
        table: dict[Any, list[Rule]] = {}
        for step in program.steps:
            operation = OPERATIONS.get(step.function)
            own = operation is not None and operation.function is not step.function
            if traits(step.function).onnx is not None:
                continue
            if own and (step.function not in _DIRECT or _over_several_axes(step)):
                table[step.function] = [expanding.defined]
            elif any(step.function in some for some in definitions.DEFINITIONS.values()):
                table[step.function] = [_defined]
        rewriting = Rewriting(program, values)
        program, values = rewriting.run(table)
        if not rewriting.changed:
            break
    return without_dead(program)


def _parts(step: Step) -> list[Step]:
    """The step, or one for each of its results where there are functions that give just that."""
    parts = definitions.PARTS.get(step.function)
    if parts is None or set(step.options) - _ANY_ORDER:
        return [step]
    return [
        Step(part, step.args, step.options, (result,), line=step.line)
        for part, result in zip(parts, step.results, strict=True)
    ]


def _over_several_axes(step: Step) -> bool:
    """Whether it is a softmax that has no operator."""
    axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
    return step.function is softmax and not isinstance(axis, int)


def _defined(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The result of a step by its definition for its dtype; None where there is none."""
    for operand in step.operands:
        _computed_in(operand.dtype, step)
    dtype = step.result.dtype
    kinds: tuple[str, ...] = ("half",) if dtype == np.float16 else ()
    if dtype.kind != "f":
        # What is asked of floating-point numbers may be answered by booleans or integers.
        common = _common(step)
        dtype = common if common.kind == "f" else np.result_type(dtype, common)
    if isinstance(step.function, np.ufunc) or step.function in _PARTS:
        # Any other function rounds to the dtype after each step.
        dtype = _computed_in(dtype, step)
    kinds += {
        "f": ("double", "real", "any") if dtype == np.float64 else ("real", "any"),
        "b": ("exact", "any"),
    }.get(dtype.kind, ("whole", "exact", "any"))
    tables = (definitions.DEFINITIONS[kind] for kind in kinds)
    definition = next((table[step.function] for table in tables if step.function in table), None)
    if definition is None:
        return None
    # Python functions of NumPy's compare operands as they are.
    own = _is_boolean(step.result.dtype) and not isinstance(step.function, np.ufunc)
    numbers = [now.number(a) for a in args]
    operands = [
        _in_dtype(a, None if own else dtype) if n is None else n
        for a, n in zip(args, numbers, strict=True)
    ]
    settings = {name: v for name, v in options.items() if name not in _ANY_ORDER}
    try:
        inspect.signature(definition).bind(*operands, **settings)
    except TypeError:
        # An option that the definition does not have.
        return None
    result = definition(*operands, **settings)
    return None if result is None else _in_dtype(result, step.result.dtype)


def _is_boolean(dtype: Any) -> bool:
    return np.dtype(dtype).kind == "b"


def _in_dtype(value: Any, dtype: Any) -> Any:
    """An operand in a dtype, or with None in its own; numbers stay what they are."""
    if isinstance(value, list | tuple):
        return np.asarray(value, dtype)
    return value.astype(dtype) if hasattr(value, "astype") and dtype is not None else value


def _common(step: Step) -> Any:
    """The dtype that a comparison of a step's operands is made in."""
    return np.result_type(*(_example(a) for a in step.args if a is not None))


def _example(operand: Operand) -> Any:
    if not isinstance(operand, Variable):
        return np.asarray(operand) if isinstance(operand, list | tuple) else operand
    # A Python number gives way to the dtype of arrays.
    return operand.dtype.type(0).item() if operand.weak else operand.dtype


def _computed_in(dtype: Any, step: Step) -> Any:
    """The dtype that ONNX Runtime computes a step in, for `dtype`."""
    found = _COMPUTED_IN.get(np.dtype(dtype))
    if found is None:
        raise TypeError(
            f"{function_name(step.function)} ({step.line}) of numbers of dtype {dtype} has no form "
            "in ONNX here; convert them to float64 or int64 first"
        )
    return found


class _Exporter:
    def __init__(
        self,
        onnx: Any,
        name: str,
        program: Program,
        ranges: Mapping[Variable, Size],
        names: Names | None = None,
    ) -> None:
        self.onnx, self.program, self.ranges = onnx, program, ranges
        self.measured: dict[tuple[Length, Any], str] = {}
        self.title = identifier(name, "function")
        self.names = Names() if names is None else names
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def model(self) -> Any:
        """The whole model."""
        helper = self.onnx.helper
        for variable in self.program.outputs:
            if variable.name is None:
                variable.name = "output"
        inputs = [self._described(v, self.names[v]) for v in self.program.inputs]
        self._write()
        outputs = [self._described(v, self._output(v)) for v in self.program.outputs]
        graph = helper.make_graph(self.nodes, self.title, inputs, outputs, self.initializers)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], producer_name="autograd_lite", ir_version=9
        )

    def _write(self) -> None:
        """The constants and the nodes of the program."""
        for variable, value in self.program.constants.items():
            name = self.names[variable]
            if variable in self.ranges:
                count = self._scalar(self.size(self.ranges[variable], np.int64))
                ends = [self.constant(0, np.int64), count, self.constant(1, np.int64)]
                found = self.node("Range", ends)
                self.node("Cast", [found], name, to=self._kind(variable.dtype))
            elif isinstance(value, SizedFloat | SizedInt):
                sized = self._scalar(self.size(value.size, variable.dtype))
                self.node("Identity", [sized], name)
            else:
                self._initializer(name, np.asarray(value))
        for step in self.program.steps:
            self._step(step)

    def turn(self) -> Any:
        """The program as what a Loop repeats until the last of the results is 0 everywhere.

        It is element-wise, so that the shapes of what it is called with do not matter.
        """
        described = self.onnx.helper.make_tensor_value_info
        inputs = [
            described(self._fresh("turns"), self._kind(np.int64), []),
            described(self._fresh("going_on"), self._kind(bool), []),
            *(described(self.names[v], self._kind(v.dtype), None) for v in self.program.inputs),
        ]
        self._write()
        results = {self._output(v): v.dtype for v in self.program.outputs}
        last, dtype = list(results.items())[-1]
        left = self.cast(self.cast(last, dtype, bool), bool, np.int64)
        count = self.node("ReduceSum", [left], keepdims=0)
        outputs = [
            described(self.cast(count, np.int64, bool), self._kind(bool), []),
            *(described(name, self._kind(dtype), None) for name, dtype in results.items()),
        ]
        return self.onnx.helper.make_graph(
            self.nodes, self.title, inputs, outputs, self.initializers
        )

    def loop(self, turn: Callable[..., Any], step: Step, output: str) -> None:
        """A Loop of `turn`: see `definitions.repeated`."""
        dtype = step.result.dtype
        leaves: list[Any] = []
        structure = flatten((tuple(np.zeros((), dtype) for _ in step.args), {}), leaves)
        program = _exported(turn.__name__, turn, structure, leaves, Captures(turn))
        body = _Exporter(self.onnx, turn.__name__, program, {}, self.names)
        # No number of turns, and a first one in any case.
        inputs = ["", self.constant(True), *(self.operand(a, dtype) for a in step.args)]
        outputs = [output, *(self._fresh("value") for _ in step.args[1:])]
        self.nodes.append(self.onnx.helper.make_node("Loop", inputs, outputs, body=body.turn()))

    def _output(self, variable: Variable) -> str:
        """The name of a result, which nothing else has: neither an input nor a constant."""
        taken = variable in self.program.inputs or variable in self.program.constants
        if not taken and self.program.outputs.count(variable) == 1:
            return self.names[variable]
        return self.node("Identity", [self.names[variable]], self._fresh("output"))

    def _described(self, variable: Variable, name: str) -> Any:
        kind = self._kind(variable.dtype)
        shape = [
            of_size(length.size).text if isinstance(length, SizedInt) else length
            for length in variable.shape
        ]
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)

    def _kind(self, dtype: Any) -> Any:
        if np.dtype(dtype).kind not in "fiub" or np.dtype(dtype).itemsize > 8:
            raise TypeError(
                f"arrays of dtype {dtype} have no form in ONNX here; compute with real numbers of "
                "float64 or less"
            )
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def _initializer(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(self.onnx.numpy_helper.from_array(np.array(value), name))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a constant, which may be made of lengths."""
        if isinstance(value, SizedFloat | SizedInt):
            return self._scalar(
                self.size(value.size, np.result_type(value) if dtype is None else dtype)
            )
        if isinstance(value, list) and any(isinstance(v, SizedInt) for v in value):
            parts = [
                self.size(v.size, dtype) if isinstance(v, SizedInt) else self.constant([v], dtype)
                for v in value
            ]
            return self.node("Concat", parts, axis=0)
        return self._initializer(self._fresh("constant"), np.asarray(value, dtype))

    def size(self, size: Size, dtype: Any) -> str:
        """The name of an array of one element: what the lengths of the inputs make of a size."""
        exact = all(e > 0 and float(e).is_integer() for *_, e in size.terms)
        work = np.dtype(np.int64 if exact and size.factor.denominator == 1 else np.float64)
        factor: Any = size.factor.numerator if work.kind == "i" else float(size.factor)
        total = self.constant([factor], work)
        for length, shift, exponent in size.terms:
            base = self._measured(length, work)
            if shift:
                base = self.node("Add", [base, self.constant([shift], work)])
            if exponent != 1:
                base = self.node("Pow", [base, self.constant([exponent], work)])
            total = self.node("Mul", [total, base])
        if size.offset:
            total = self.node("Add", [total, self.constant([size.offset], work)])
        return self.cast(total, work, dtype)

    def _measured(self, length: Length, dtype: Any) -> str:
        """The name of a length of an input, as an array of one element."""
        if (length, dtype) not in self.measured:
            leaf, axis = length.axes[0]
            name = self.names[self.program.inputs[leaf]]
            found = self.node("Shape", [name], start=axis, end=axis + 1)
            self.measured[length, dtype] = self.cast(found, np.int64, dtype)
        return self.measured[length, dtype]

    def _scalar(self, name: str) -> str:
        return self.node("Squeeze", [name])

    def _fresh(self, wish: str) -> str:
        return self.names[Variable((), float, name=wish)]

    def node(self, kind: str, inputs: list[str], output: str | None = None, **options: Any) -> str:
        """A node, and the name of what it gives: `output`, or a new one."""
        output = output or self._fresh("value")
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **options))
        return output

    def _step(self, step: Step) -> None:
        named = traits(step.function).onnx
        build = _FORMS.get(step.function) or (_simple(named) if named else None)
        if build is None or step.several:
            raise TypeError(
                f"{function_name(step.function)} ({step.line}) has no form in ONNX here, so the "
                "function cannot be exported"
            )
        build(self, step, self.names[step.result])

    def operand(self, value: Any, dtype: Any) -> str:
        """The name of an operand, cast to a dtype if it has another."""
        if not isinstance(value, Variable):
            return self.constant(value, dtype)
        name = self.names[value]
        if value.dtype == dtype:
            return name
        return self.node("Cast", [name], to=self._kind(dtype))

    def elementwise(
        self, kind: str, step: Step, output: str, dtype: Any = None, **attributes: Any
    ) -> None:
        """A node whose operands have the dtype that the result, or `dtype`, is computed in."""
        _check_options(step, _ANY_ORDER)
        self.given(kind, step, step.args, output, dtype, **attributes)

    def given(
        self,
        kind: str,
        step: Step,
        operands: Sequence[Any],
        output: str,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        """Writes a node as `elementwise` does, of other operands than those of the step."""
        result = step.result.dtype
        dtype = np.dtype(result if dtype is None else dtype)
        work = _computed_in(dtype, step)
        # A number is rounded to the dtype of the arrays that it meets.
        open_ = (Variable, SizedInt, SizedFloat)
        rounded = [a if isinstance(a, open_) else np.asarray(a, dtype) for a in operands]
        inputs = [self.operand(a, work) for a in rounded]
        gives = np.dtype(bool) if kind in _PREDICATES else work
        self.cast_into(output, gives, result, kind, inputs, **attributes)

    def cast_into(
        self, output: str, gives: Any, result: Any, kind: str, inputs: list[str], **attributes: Any
    ) -> None:
        """A node that gives the dtype `gives`, as `output` of the dtype `result`."""
        if gives == result:
            self.node(kind, inputs, output, **attributes)
        else:
            self.node(
                "Cast", [self.node(kind, inputs, **attributes)], output, to=self._kind(result)
            )

    def reduction(self, kind: str, step: Step, output: str) -> None:
        """A node that reduces the axes of its operand."""
        _check_options(step, {"axis", "keepdims", "dtype"}, arguments=2)
        x = step.args[0]
        axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
        axes = range(x.ndim) if axis is None else np.atleast_1d(np.array(axis, int)).tolist()
        keep = int(bool(step.options.get("keepdims", False)))
        result = step.result.dtype
        # No operator reduces booleans.
        work = np.dtype(np.int32) if _is_boolean(result) else _computed_in(result, step)
        read = np.dtype(bool) if step.function in (np.all, np.any) else x.dtype
        operand = self.cast(self.operand(x, read), read, work)
        inputs = [operand, self.constant(list(axes), np.int64)]
        reduced: dict[str, Any] = {"keepdims": keep, "noop_with_empty_axes": 1}
        if kind in ("ReduceMax", "ReduceMin") and work.kind == "f":
            # They pass over NaN, which prevails in NumPy.
            found = self.node(kind, inputs, **reduced)
            undefined = self.cast(self.node("IsNaN", [operand]), bool, work)
            undefined = self.node("ReduceMax", [undefined, inputs[1]], **reduced)
            undefined = self.cast(undefined, work, bool)
            kind, inputs = "Where", [undefined, self.constant(np.nan, work), found]
            reduced = {}
        self.cast_into(output, work, result, kind, inputs, **reduced)

    def cast(self, name: str, before: Any, after: Any) -> str:
        """The name of a value of dtype `before` as one of dtype `after`."""
        if np.dtype(before) == np.dtype(after):
            return name
        return self.node("Cast", [name], to=self._kind(after))

    def reshaped(self, step: Step, output: str) -> None:
        """Whatever only gives an array another shape."""
        shape = self.constant(list(step.result.shape), np.int64)
        self.node("Reshape", [self.operand(step.args[0], step.result.dtype), shape], output)

    def converted(self, step: Step, output: str) -> None:
        """A node that converts, or passes on what has the dtype already."""
        dtype = step.result.dtype
        name = self.operand(step.args[0], dtype)
        self.node("Identity", [name], output)


def _check_options(step: Step, known: Set[str], arguments: int | None = None) -> None:
    """TypeError for an option, or a positional argument, that a form would pass over."""
    unknown = sorted(set(step.options) - known)
    if unknown or (arguments is not None and len(step.args) > arguments):
        which = ", ".join(f"{name}=" for name in unknown) or "these arguments"
        raise TypeError(
            f"{function_name(step.function)} ({step.line}) has no form in ONNX with {which}; omit "
            "it"
        )


Form = Callable[[_Exporter, Step, str], Any]


_PREDICATES = {"IsNaN", "IsInf", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"}

_OF_BOOLEANS = {"Add": "Or", "Mul": "And", "Max": "Or", "Min": "And", "Abs": "Identity"}
"""What an operator of numbers is for booleans, in NumPy."""


def _simple(kind: str, **attributes: Any) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        of_booleans = _is_boolean(step.result.dtype)
        actual = _OF_BOOLEANS.get(kind) if of_booleans else kind
        if actual is None:
            raise TypeError(
                f"{function_name(step.function)} ({step.line}) of booleans has no form in ONNX "
                "here; convert them to numbers first"
            )
        exporter.elementwise(actual, step, output, **attributes)

    return build


def _logical(kind: str) -> Form:
    return lambda exporter, step, output: exporter.elementwise(kind, step, output, np.dtype(bool))


def _bits(kind: str, of_booleans: str) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        actual = of_booleans if _is_boolean(step.result.dtype) else kind
        exporter.elementwise(actual, step, output)

    return build


def _whole_or(kind: str) -> Form:
    """Rounding, which leaves integers as they are."""

    def build(exporter: _Exporter, step: Step, output: str) -> None:
        exporter.elementwise("Identity" if step.result.dtype.kind != "f" else kind, step, output)

    return build


def _fits(operand: Operand, dtype: Any) -> bool:
    """Whether an integer of Python's, if it is one, is a number of an integer dtype.

    One that is none compares with all of them as an infinity does.
    """
    limits = np.iinfo(dtype)
    return type(operand) is not int or limits.min <= operand <= limits.max


def _comparison(kind: str) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        common = _common(step)
        operands: Sequence[Any] = step.args
        if len(operands) == 1 and common.kind != "f":
            common = np.dtype(np.float64)
        if common.kind in "iu" and not all(_fits(a, common) for a in operands):
            operands = [a if _fits(a, common) else math.copysign(math.inf, a) for a in operands]
            common = np.dtype(np.float64)
        if _is_boolean(common) and kind != "Equal":
            common = np.dtype(np.int32)
        _check_options(step, _ANY_ORDER)
        exporter.given(kind, step, operands, output, common)

    return build


def _reduced(kind: str) -> Form:
    return lambda exporter, step, output: exporter.reduction(kind, step, output)


def _product(exporter: _Exporter, step: Step, output: str) -> None:
    a, b = step.args
    dimensions = getattr(a, "ndim", 0), getattr(b, "ndim", 0)
    if step.function is np.dot and max(dimensions) > 2:
        raise TypeError("np.dot of more than two dimensions has no form in ONNX; use np.matmul")
    _simple("MatMul" if all(dimensions) else "Mul")(exporter, step, output)


def _transposed(exporter: _Exporter, step: Step, output: str) -> None:
    x = step.args[0]
    axes = step.args[1] if len(step.args) > 1 else step.options.get("axes")
    order = range(x.ndim)[::-1] if axes is None else [a % x.ndim for a in axes]
    exporter.node("Transpose", [exporter.names[x]], output, perm=list(order))


def _softmax(kind: str) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
        _check_options(step, {"axis"}, arguments=2)
        exporter.given(kind, step, step.args[:1], output, axis=axis)

    return build


def _where(exporter: _Exporter, step: Step, output: str) -> None:
    condition, x, y = step.args
    dtype = step.result.dtype
    # There is no operator that chooses among booleans.
    work = np.dtype(np.int32) if _is_boolean(dtype) else _computed_in(dtype, step)
    inputs = [exporter.operand(condition, np.dtype(bool))]
    inputs += [exporter.cast(exporter.operand(v, dtype), dtype, work) for v in (x, y)]
    exporter.cast_into(output, work, dtype, "Where", inputs)


def _concatenated(exporter: _Exporter, step: Step, output: str) -> None:
    axis = step.args[1] if len(step.args) > 1 else step.options.get("axis", 0)
    parts = [exporter.operand(a, step.result.dtype) for a in step.args[0]]
    exporter.node("Concat", parts, output, axis=axis)


def _expanded(exporter: _Exporter, step: Step, output: str) -> None:
    shape = exporter.constant(list(step.result.shape), np.int64)
    exporter.node("Expand", [exporter.operand(step.args[0], step.result.dtype), shape], output)


def _position(kind: str) -> Form:
    """argmax or argmin, of which NaN is the first where there is one."""

    def build(exporter: _Exporter, step: Step, output: str) -> None:
        _check_options(step, {"axis", "keepdims"}, arguments=2)
        x = step.args[0]
        axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
        keep = int(bool(step.options.get("keepdims", False)))
        if axis is None:
            raise TypeError(
                f"{function_name(step.function)} ({step.line}) has a form in ONNX along "
                "an axis only; give axis="
            )
        work = np.dtype(np.int32) if _is_boolean(x.dtype) else _computed_in(x.dtype, step)
        values = exporter.cast(exporter.operand(x, x.dtype), x.dtype, work)
        along: dict[str, Any] = {"axis": int(axis), "keepdims": keep}
        if work.kind != "f":
            exporter.node(kind, [values], output, **along)
            return
        undefined = exporter.cast(exporter.node("IsNaN", [values]), bool, np.float32)
        first = exporter.node("ArgMax", [undefined], **along)
        axes = exporter.constant([axis], np.int64)
        there = exporter.node("ReduceMax", [undefined, axes], keepdims=keep)
        there = exporter.cast(there, np.float32, bool)
        exporter.node("Where", [there, first, exporter.node(kind, [values], **along)], output)

    return build


def _indexed(exporter: _Exporter, step: Step, output: str) -> None:
    """Slices and whole numbers; nothing else has one node."""
    x, index = step.args
    items = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [i for i in items if not isinstance(i, (np.ndarray, Variable))]:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (x.ndim - len(items) + 1)
    starts: list[Any] = []
    stops: list[Any] = []
    steps: list[int] = []
    dropped: list[int] = []
    for item in items:
        if isinstance(item, (int, np.integer)):
            starts.append(item)
            stops.append(_after(item))
            dropped.append(len(steps))
            steps.append(1)
        elif isinstance(item, slice):
            back = item.step is not None and item.step < 0
            starts.append((_PAST_THE_END if back else 0) if item.start is None else item.start)
            stops.append(
                (-_PAST_THE_END if back else _PAST_THE_END) if item.stop is None else item.stop
            )
            steps.append(1 if item.step is None else item.step)
        else:
            raise TypeError("indexing by arrays or np.newaxis has no form in ONNX here")
    axes = list(range(len(starts)))
    values = [exporter.constant(v, np.int64) for v in (starts, stops, axes, steps)]
    cut = exporter.node("Slice", [exporter.names[x], *values])
    if dropped:
        exporter.node("Squeeze", [cut, exporter.constant(dropped, np.int64)], output)
    else:
        exporter.node("Identity", [cut], output)


def _after(index: Index) -> Any:
    """One more than an index, where the element ends."""
    if isinstance(index, SizedInt):
        return SizedInt(index + 1, replace(index.size, offset=index.size.offset + 1))
    return index + 1 if index != -1 else _PAST_THE_END


def _shifted(direction: str) -> Form:
    """The 64 bits of integers, whatever they count for."""

    def build(exporter: _Exporter, step: Step, output: str) -> None:
        whole = [exporter.operand(a, np.dtype(np.int64)) for a in step.args]
        bits = [exporter.cast(a, np.int64, np.uint64) for a in whole]
        dtype = step.result.dtype
        exporter.cast_into(
            output, np.dtype(np.uint64), dtype, "BitShift", bits, direction=direction
        )

    return build


def _not_negative(exporter: _Exporter, step: Step, output: str) -> None:
    """Adds the first element of a list of one 0; a negative number asks for a second one."""
    dtype = step.result.dtype
    y = exporter.operand(step.args[0], dtype)
    negative = exporter.node("Less", [y, exporter.constant(0, dtype)])
    zero = exporter.node(
        "Gather",
        [exporter.constant([0], dtype), exporter.cast(negative, bool, np.int64)],
        name=f"{_NEGATIVE_POWER}: {output}",
    )
    exporter.node("Add", [y, zero], output)


def _repeated(turn: Callable[..., Any]) -> Form:
    return lambda exporter, step, output: exporter.loop(turn, step, output)


def _marker(function: Any) -> Any:
    """The function of the steps that a call of one of ONNX's own operators is."""
    return function.__wrapped__


_FORMS: dict[Any, Form] = {
    **{f: _simple(k) for f, k in ((np.add, "Add"), (np.subtract, "Sub"), (np.multiply, "Mul"))},
    **{f: _simple(k) for f, k in ((np.divide, "Div"), (np.negative, "Neg"), (np.exp, "Exp"))},
    **{f: _simple(k) for f, k in ((np.log, "Log"), (np.sqrt, "Sqrt"), (np.absolute, "Abs"))},
    **{f: _simple(k) for f, k in ((np.tanh, "Tanh"), (np.maximum, "Max"), (np.minimum, "Min"))},
    **{f: _simple(k) for f, k in ((np.fabs, "Abs"), (np.sign, "Sign"))},
    **{operator.add: _simple("Add"), operator.sub: _simple("Sub"), operator.mul: _simple("Mul")},
    **{
        operator.truediv: _simple("Div"),
        operator.neg: _simple("Neg"),
        operator.abs: _simple("Abs"),
    },
    np.fmod: _simple("Mod", fmod=1),
    **{f: _simple("Pow") for f in (np.power, operator.pow, np.float_power)},
    np.reciprocal: _simple("Reciprocal"),
    **{f: _simple(k) for f, k in ((np.sin, "Sin"), (np.cos, "Cos"), (np.tan, "Tan"))},
    **{f: _simple(k) for f, k in ((np.arcsin, "Asin"), (np.arccos, "Acos"), (np.arctan, "Atan"))},
    **{f: _simple(k) for f, k in ((np.sinh, "Sinh"), (np.cosh, "Cosh"), (np.arcsinh, "Asinh"))},
    **{f: _simple(k) for f, k in ((np.arccosh, "Acosh"), (np.arctanh, "Atanh"))},
    _marker(definitions.sine): _simple("Sin"),
    _marker(definitions.cosine): _simple("Cos"),
    _marker(definitions.quotient): _simple("Div"),
    _marker(definitions.shifted_left): _shifted("LEFT"),
    _marker(definitions.shifted_right): _shifted("RIGHT"),
    _marker(definitions.not_negative): _not_negative,
    _marker(definitions.common_divisor): _repeated(definitions.euclids_turn),
    _marker(definitions.squarings): _repeated(definitions.squaring_turn),
    **{f: _whole_or(k) for f, k in ((np.floor, "Floor"), (np.ceil, "Ceil"), (np.rint, "Round"))},
    **{f: _whole_or("Identity") for f in (np.trunc, np.fix, np.round, np.around)},
    **{f: _logical(k) for f, k in ((np.logical_and, "And"), (np.logical_or, "Or"))},
    **{f: _logical(k) for f, k in ((np.logical_not, "Not"), (np.logical_xor, "Xor"))},
    np.bitwise_and: _bits("BitwiseAnd", "And"),
    np.bitwise_or: _bits("BitwiseOr", "Or"),
    np.bitwise_xor: _bits("BitwiseXor", "Xor"),
    np.invert: _bits("BitwiseNot", "Not"),
    **{f: _comparison(k) for f, k in ((np.greater, "Greater"), (np.less, "Less"))},
    **{f: _comparison(k) for f, k in ((np.equal, "Equal"), (np.greater_equal, "GreaterOrEqual"))},
    **{f: _comparison(k) for f, k in ((np.isnan, "IsNaN"), (np.isinf, "IsInf"))},
    np.less_equal: _comparison("LessOrEqual"),
    **{f: _reduced(k) for f, k in ((np.sum, "ReduceSum"), (np.mean, "ReduceMean"))},
    **{f: _reduced(k) for f, k in ((np.max, "ReduceMax"), (np.min, "ReduceMin"))},
    **{f: _reduced(k) for f, k in ((np.amax, "ReduceMax"), (np.amin, "ReduceMin"))},
    **{f: _reduced(k) for f, k in ((np.any, "ReduceMax"), (np.all, "ReduceMin"))},
    np.prod: _reduced("ReduceProd"),
    relu: lambda exporter, step, output: exporter.given("Relu", step, step.args[:1], output),
    softmax: _softmax("Softmax"),
    np.dot: _product,
    np.matmul: _product,
    np.transpose: _transposed,
    **dict.fromkeys(
        (np.reshape, np.ravel, np.expand_dims, np.squeeze),
        lambda exporter, step, output: exporter.reshaped(step, output),
    ),
    np.where: _where,
    np.concatenate: _concatenated,
    np.broadcast_to: _expanded,
    np.argmax: _position("ArgMax"),
    np.argmin: _position("ArgMin"),
    **dict.fromkeys(
        (astype, np.astype, np.positive, np.copy, np.conjugate, np.real, np.real_if_close),
        lambda exporter, step, output: exporter.converted(step, output),
    ),
    getitem: _indexed,
}
