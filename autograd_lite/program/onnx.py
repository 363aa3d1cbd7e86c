"""al.to_onnx: a function's forward pass as an ONNX model."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.files import write
from autograd_lite.program import expanding
from autograd_lite.program.compiling import traced
from autograd_lite.program.ir import Names, Program, Step, Variable, function_name
from autograd_lite.program.outside import Outside
from autograd_lite.program.rewriting import Rewriting, Rule, without_dead
from autograd_lite.program.structure import flatten
from autograd_lite.rules import OPERATIONS
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.special import astype, log_softmax, relu, sigmoid, softmax, softplus
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import map_leaves

OPSET = 18
_DIRECT = {sigmoid, relu, softplus, softmax, log_softmax, astype, getitem}
ROUNDS = 6


def to_onnx(
    function: Callable[..., Any], *inputs: Any, path: str | os.PathLike[str] | None = None
) -> Any:
    """The computation of `function` as an ONNX model (extra `onnx`), for these shapes and dtypes.

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
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("to_onnx needs ONNX: pip install 'autograd_lite[onnx]'") from None
    name = getattr(function, "__name__", type(function).__name__)
    inputs = map_leaves(lambda v: v._value if isinstance(v, Tensor) else v, inputs)
    leaves: list[Any] = []
    structure = flatten((inputs, {}), leaves)
    outside = Outside(function)
    trace, program, _, _ = traced(name, function, structure, leaves, outside, detached=True)
    labels = {id(array): label for array, _, label in outside.arrays}
    for variable, source in trace.sources.items():
        variable.name = variable.name or labels.get(id(source()))
    model = _Exporter(onnx, name, _in_known(program, trace.values)).model()
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        write(Path(path), model.SerializeToString(), "model")
    return model


def _in_known(program: Program, values: Any) -> Program:
    """The program with the engine's own operations written in NumPy's, where ONNX lacks them."""
    for _ in range(ROUNDS):
        table: dict[Any, list[Rule]] = {}
        for step in program.steps:
            operation = OPERATIONS.get(step.function)
            own = operation is not None and operation.function is not step.function
            if own and step.function not in _DIRECT:
                table[step.function] = [expanding.defined]
        rewriting = Rewriting(program, values)
        program, values = rewriting.run(table)
        if not rewriting.changed:
            break
    return without_dead(program)


class _Exporter:
    def __init__(self, onnx: Any, name: str, program: Program) -> None:
        self.onnx, self.program = onnx, program
        self.title = name if name.isidentifier() else "function"
        self.names = Names()
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def model(self) -> Any:
        """The whole model."""
        helper = self.onnx.helper
        for variable in self.program.outputs:
            if variable.name is None:
                variable.name = "output"
        inputs = [self._described(v, self.names[v]) for v in self.program.inputs]
        for variable, value in self.program.constants.items():
            self._initializer(self.names[variable], np.asarray(value))
        for step in self.program.steps:
            self._step(step)
        outputs = [self._described(v, self._output(v)) for v in self.program.outputs]
        graph = helper.make_graph(self.nodes, self.title, inputs, outputs, self.initializers)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], producer_name="autograd_lite", ir_version=9
        )

    def _output(self, variable: Variable) -> str:
        """The name of a result, which nothing else has: neither an input nor a constant."""
        outside = variable in self.program.inputs or variable in self.program.constants
        if not outside and self.program.outputs.count(variable) == 1:
            return self.names[variable]
        return self.node("Identity", [self.names[variable]], self._fresh("output"))

    def _described(self, variable: Variable, name: str) -> Any:
        kind = self._kind(variable.dtype)
        return self.onnx.helper.make_tensor_value_info(name, kind, list(variable.shape))

    def _kind(self, dtype: Any) -> Any:
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def _initializer(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(self.onnx.numpy_helper.from_array(np.array(value), name))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a constant."""
        return self._initializer(self._fresh("constant"), np.asarray(value, dtype))

    def _fresh(self, wish: str) -> str:
        return self.names[Variable((), float, name=wish)]

    def node(self, kind: str, inputs: list[str], output: str | None = None, **options: Any) -> str:
        """A node, and the name of what it gives: `output`, or a new one."""
        output = output or self._fresh("value")
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **options))
        return output

    def _step(self, step: Step) -> None:
        build = _FORMS.get(step.function)
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

    def elementwise(self, kind: str, step: Step, output: str, dtype: Any = None) -> None:
        """A node whose operands have the result's dtype."""
        dtype = step.result.dtype if dtype is None else dtype
        self.node(kind, [self.operand(a, dtype) for a in step.args], output)

    def reduction(self, kind: str, step: Step, output: str) -> None:
        """A node that reduces the axes of its operand."""
        x = step.args[0]
        axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
        unknown = set(step.options) - {"axis", "keepdims"}
        if unknown or len(step.args) > 2:
            raise TypeError(f"{function_name(step.function)}({sorted(unknown)}) has no ONNX form")
        axes = range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()
        keep = int(bool(step.options.get("keepdims", False)))
        inputs = [self.operand(x, step.result.dtype), self.constant(list(axes), np.int64)]
        self.node(kind, inputs, output, keepdims=keep)

    def reshaped(self, step: Step, output: str) -> None:
        """Whatever only gives an array another shape."""
        shape = self.constant(list(step.result.shape), np.int64)
        self.node("Reshape", [self.operand(step.args[0], step.result.dtype), shape], output)

    def cast(self, step: Step, output: str) -> None:
        """A node that converts."""
        self.node("Cast", [self.names[step.args[0]]], output, to=self._kind(step.result.dtype))


Form = Callable[[_Exporter, Step, str], Any]


def _simple(kind: str) -> Form:
    return lambda exporter, step, output: exporter.elementwise(kind, step, output)


def _comparison(kind: str) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        dtypes = [a.dtype for a in step.operands]
        exporter.elementwise(kind, step, output, np.result_type(*dtypes))

    return build


def _reduced(kind: str) -> Form:
    return lambda exporter, step, output: exporter.reduction(kind, step, output)


def _product(exporter: _Exporter, step: Step, output: str) -> None:
    a, b = step.args
    if step.function is np.dot and (a.ndim > 2 or b.ndim > 2):
        raise TypeError("np.dot of more than two dimensions has no form in ONNX; use np.matmul")
    exporter.elementwise("MatMul", step, output)


def _transposed(exporter: _Exporter, step: Step, output: str) -> None:
    x = step.args[0]
    axes = step.args[1] if len(step.args) > 1 else step.options.get("axes")
    order = range(x.ndim)[::-1] if axes is None else [a % x.ndim for a in axes]
    exporter.node("Transpose", [exporter.names[x]], output, perm=list(order))


def _square(exporter: _Exporter, step: Step, output: str) -> None:
    x = exporter.operand(step.args[0], step.result.dtype)
    exporter.node("Mul", [x, x], output)


def _expm1(exporter: _Exporter, step: Step, output: str) -> None:
    dtype = step.result.dtype
    power = exporter.node("Exp", [exporter.operand(step.args[0], dtype)])
    exporter.node("Sub", [power, exporter.constant(1, dtype)], output)


def _log1p(exporter: _Exporter, step: Step, output: str) -> None:
    dtype = step.result.dtype
    inputs = [exporter.operand(step.args[0], dtype), exporter.constant(1, dtype)]
    exporter.node("Log", [exporter.node("Add", inputs)], output)


def _softmax(kind: str) -> Form:
    def build(exporter: _Exporter, step: Step, output: str) -> None:
        axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
        if not isinstance(axis, int):
            raise TypeError(f"{function_name(step.function)} over several axes has no ONNX form")
        exporter.node(kind, [exporter.names[step.args[0]]], output, axis=axis)

    return build


def _where(exporter: _Exporter, step: Step, output: str) -> None:
    condition, x, y = step.args
    dtype = step.result.dtype
    inputs = [exporter.operand(condition, np.dtype(bool))]
    exporter.node("Where", [*inputs, *(exporter.operand(v, dtype) for v in (x, y))], output)


def _concatenated(exporter: _Exporter, step: Step, output: str) -> None:
    axis = step.args[1] if len(step.args) > 1 else step.options.get("axis", 0)
    parts = [exporter.operand(a, step.result.dtype) for a in step.args[0]]
    exporter.node("Concat", parts, output, axis=axis)


def _expanded(exporter: _Exporter, step: Step, output: str) -> None:
    shape = exporter.constant(list(step.result.shape), np.int64)
    exporter.node("Expand", [exporter.operand(step.args[0], step.result.dtype), shape], output)


def _clipped(exporter: _Exporter, step: Step, output: str) -> None:
    bounds = [*step.args[1:], *(step.options.get(k) for k in ("a_min", "a_max", "min", "max"))]
    found = [b for b in bounds if b is not None]
    if len(found) != 2 or step.options.keys() - {"a_min", "a_max", "min", "max"}:
        raise TypeError("np.clip has a form in ONNX with both bounds only")
    operands = [exporter.operand(v, step.result.dtype) for v in (step.args[0], *found)]
    exporter.node("Clip", operands, output)


def _argmax(exporter: _Exporter, step: Step, output: str) -> None:
    axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
    if axis is None:
        raise TypeError("np.argmax has a form in ONNX along an axis only")
    exporter.node("ArgMax", [exporter.names[step.args[0]]], output, axis=axis, keepdims=0)


def _indexed(exporter: _Exporter, step: Step, output: str) -> None:
    """Slices and whole numbers; nothing else has one node."""
    x, index = step.args
    items = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [i for i in items if not isinstance(i, (np.ndarray, Variable))]:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (x.ndim - len(items) + 1)
    starts, stops, steps = [], [], []
    for item, length in zip(items, x.shape, strict=False):
        if isinstance(item, (int, np.integer)):
            starts.append(item % length)
            stops.append(item % length + 1)
            steps.append(1)
        elif isinstance(item, slice):
            first, last, by = item.indices(length)
            starts.append(first)
            stops.append(last if last >= 0 else -length - 1)
            steps.append(by)
        else:
            raise TypeError("indexing by arrays or np.newaxis has no form in ONNX here")
    axes = list(range(len(starts)))
    values = [exporter.constant(v, np.int64) for v in (starts, stops, axes, steps)]
    cut = exporter.node("Slice", [exporter.names[x], *values])
    shape = exporter.constant(list(step.result.shape), np.int64)
    exporter.node("Reshape", [cut, shape], output)


_FORMS: dict[Any, Form] = {
    **{f: _simple(k) for f, k in ((np.add, "Add"), (np.subtract, "Sub"), (np.multiply, "Mul"))},
    **{f: _simple(k) for f, k in ((np.divide, "Div"), (np.negative, "Neg"), (np.exp, "Exp"))},
    **{f: _simple(k) for f, k in ((np.log, "Log"), (np.sqrt, "Sqrt"), (np.absolute, "Abs"))},
    **{f: _simple(k) for f, k in ((np.tanh, "Tanh"), (np.maximum, "Max"), (np.minimum, "Min"))},
    **{f: _simple(k) for f, k in ((np.power, "Pow"), (operator.pow, "Pow"), (np.sin, "Sin"))},
    **{f: _simple(k) for f, k in ((np.cos, "Cos"), (np.reciprocal, "Reciprocal"))},
    **{f: _simple(k) for f, k in ((np.sign, "Sign"), (np.floor, "Floor"), (np.ceil, "Ceil"))},
    **{f: _simple(k) for f, k in ((np.logical_and, "And"), (np.logical_or, "Or"))},
    **{f: _simple(k) for f, k in ((np.logical_not, "Not"), (np.isnan, "IsNaN"))},
    **{f: _comparison(k) for f, k in ((np.greater, "Greater"), (np.less, "Less"))},
    **{f: _comparison(k) for f, k in ((np.equal, "Equal"), (np.greater_equal, "GreaterOrEqual"))},
    np.less_equal: _comparison("LessOrEqual"),
    **{f: _reduced(k) for f, k in ((np.sum, "ReduceSum"), (np.mean, "ReduceMean"))},
    **{f: _reduced(k) for f, k in ((np.max, "ReduceMax"), (np.min, "ReduceMin"))},
    np.prod: _reduced("ReduceProd"),
    sigmoid: _simple("Sigmoid"),
    relu: lambda exporter, step, output: exporter.node(
        "Relu", [exporter.names[step.args[0]]], output
    ),
    softplus: _simple("Softplus"),
    softmax: _softmax("Softmax"),
    log_softmax: _softmax("LogSoftmax"),
    np.square: _square,
    np.expm1: _expm1,
    np.log1p: _log1p,
    np.positive: _simple("Identity"),
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
    np.clip: _clipped,
    np.argmax: _argmax,
    astype: lambda exporter, step, output: exporter.cast(step, output),
    getitem: _indexed,
}
