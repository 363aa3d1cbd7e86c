"""Functions of functions: gradients, Jacobians, Hessians and products with them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from autograd_lite.arrays.contracts import ArrayLike, Tree
from autograd_lite.arrays.foreign import is_unknown, speaks_protocols
from autograd_lite.arrays.lazy import compute_for, expose
from autograd_lite.arrays.trees import entries, leaves_of, map_leaves
from autograd_lite.backward import propagate
from autograd_lite.elsewhere import answering
from autograd_lite.gradients import TupleGradient, ungated
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.modes import is_recording, recording
from autograd_lite.operations import Operation
from autograd_lite.record import NO_OPTIONS, Recorded, make, record, record_call
from autograd_lite.tensor import Tensor

Argnums = int | Sequence[int]
Function = Callable[..., Any]
P = ParamSpec("P")
R = TypeVar("R")

_VARIABLE = Operation(lambda value: value, {"value": lambda g: g})
_VARIABLE.name = "variable"


@answering
def gradients(
    output: Tensor,
    inputs: Sequence[Tensor],
    *,
    gradient: ArrayLike = None,
    create_graph: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `output` with respect to each of `inputs`, leaves or results.

    Neither `.grad` nor the graph is touched, and no hook is called. An input that `output` does
    not depend on has a gradient of zeros; an `output` that depends on no tensor that requires grad
    raises RuntimeError.

    Parameters
    ----------
    output : Tensor
        A scalar, unless `gradient`, of its shape, is given.
    inputs : sequence of Tensor
        What to differentiate by.
    gradient : array_like, optional
        The gradient of the final result with respect to `output`.
    create_graph : bool
        Return Tensors that are connected to the graph, to be differentiated again, instead of
        arrays.

    Returns
    -------
    tuple
        One array (or Tensor) of the shape and dtype of each input.

    Raises
    ------
    RuntimeError
        Where `output` depends on no tensor that requires grad, or its graph was freed.
    ValueError
        Where `output` is no scalar and there is no `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> x = al.Tensor([1.0, 2.0], requires_grad=True)
    >>> y = x**2
    >>> al.gradients(np.sum(y * 3), [x, y])
    (array([ 6., 12.]), array([3., 3.]))
    """
    output._check_connected("gradients()")
    if isinstance(inputs, Tensor):
        raise TypeError("gradients() takes a sequence of inputs: write al.gradients(output, [x])")
    for tensor in inputs:
        _check_input(tensor)
    return _gradients(output, inputs, gradient, create_graph)


def _gradients(
    output: Tensor, inputs: Sequence[Tensor], gradient: ArrayLike, create_graph: bool
) -> tuple[Any, ...]:
    if isinstance(gradient, Tensor) and create_graph:
        if (gradient.shape, gradient.dtype) != (output.shape, output.dtype):
            output._seed(gradient._value)
            gradient = gradient.astype(output.dtype)
        start = gradient
    else:
        seed = output._seed(gradient._value if isinstance(gradient, Tensor) else gradient)
        start = make(seed, None) if create_graph else seed
    targets = [tensor._identity() for tensor in inputs]
    found: dict[Any, Any] = {}
    if isinstance(output._node, Node):
        found = propagate(output._node, start, targets=targets, wrap=make if create_graph else None)
    results = []
    for tensor, target in zip(inputs, targets, strict=True):
        result = start if tensor._node is output._node else found.get(target)
        if result is None:
            zeros = np.zeros_like(tensor._value)
            result = make(zeros, None) if create_graph else zeros
        results.append(result if create_graph else _own_array(result))
    if not create_graph:
        owners = [tensor._value for tensor in inputs]
        output._value, results = compute_for(output._value, results, owners)
        results = list(map(expose, results))
    return tuple(results)


def _own_array(value: Any) -> Any:
    return np.array(value) if isinstance(value, (np.ndarray, np.generic)) else ungated(value)


def _check_input(tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"gradients() takes Tensors as inputs, not {type(tensor).__name__}")
    if not tensor.requires_grad:
        raise ValueError(
            f"gradients() got {tensor!r} as an input, which does not require grad; create it with "
            "requires_grad=True before the computation"
        )


class _Trace:
    """A recorded call of a function on variables: its value, gradients and Jacobian's rows."""

    def __init__(
        self, function: Function, numbers: Sequence[int], args: Any, kwargs: Any, has_aux: bool
    ) -> None:
        self.name = getattr(function, "__name__", repr(function))
        self.args = args
        self.numbers = numbers
        self.variables: list[Tensor] = []
        arguments = list(args)
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise TypeError(
                    f"the derivative of {self.name} with respect to argument {i} was asked for, "
                    f"but it was called with {len(args)} positional arguments"
                )
            arguments[i] = map_leaves(functools.partial(self._variable, i), args[i])
        returned = function(*arguments, **kwargs)
        self.aux = None
        if has_aux:
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise TypeError(f"{self.name} must return (value, aux) where has_aux is True")
            returned, self.aux = returned
        self.output = returned
        self.outputs = leaves_of(returned)
        connected = [output for output in self.outputs if _requires_grad(output)]
        self.connected = bool(connected)
        # Where an outer derivative depends on the result, it is a Tensor.
        self.nested = any(reaches_beyond(output, self.variables) for output in connected)

    def _variable(self, argument: int, value: Any) -> Tensor:
        try:
            variable = new_variable(value)
        except TypeError as error:
            raise TypeError(
                f"the derivative of {self.name} with respect to argument {argument}: {error}"
            ) from None
        self.variables.append(variable)
        return variable

    @property
    def value(self) -> Any:
        return self.output if self.nested else self.plain(self.output)

    @staticmethod
    def plain(tree: Tree) -> Any:
        return map_leaves(
            lambda v: expose(_own_array(v._value)[()]) if isinstance(v, Tensor) else v, tree
        )

    def check_scalar(self) -> None:
        output = self.output
        if isinstance(output, Tensor):
            if output.dtype.kind == "c" or output.size != 1:
                output._seed(None)
        elif np.ndim(output) != 0 or not np.issubdtype(np.asarray(output).dtype, np.number):
            raise TypeError(
                f"the gradient of {self.name}: it returned {type(output).__name__}, and a gradient "
                "is that of a scalar"
            )

    def pull(self, gradient: Tree = None) -> list[Any]:
        """The gradients of the variables: arrays, or Tensors if an outer derivative needs them."""
        if not self.connected:
            return [np.zeros_like(v._value)[()] for v in self.variables]
        output, nested = self.output, self.nested or any(map(_requires_grad, leaves_of(gradient)))
        if not isinstance(output, Tensor):
            # The gradient of the inner product with several results is what goes back from all.
            return self._pull_several(gradient, nested)
        results = _gradients(output, self.variables, gradient, nested)
        return list(results) if nested else [result[()] for result in results]

    def _pull_several(self, gradient: Tree, nested: bool) -> list[Any]:
        """The gradients of the variables, for a gradient of the structure of the results."""
        pairs: list[tuple[Any, Any]] = []
        _pair(self.output, gradient, pairs, "a gradient", "a result")
        # When the call is over its variables are constants; one that came back is seen to here.
        closed = {v._node: k for k, v in enumerate(self.variables) if not v.requires_grad}
        with recording():
            total = _inner(pairs)
            results = [np.zeros_like(v._value)[()] for v in self.variables]
            if _requires_grad(total):
                results = list(_gradients(total, self.variables, None, nested))
            for output, g in pairs:
                k = closed.get(getattr(output, "_node", None))
                if k is not None:
                    own = g if hasattr(g, "astype") else np.asarray(g)
                    results[k] = results[k] + own.astype(self.variables[k].dtype)
        return results if nested else [result[()] for result in results]

    def arranged(self, results: Sequence[Any], argnums: Argnums) -> Any:
        """One result per variable in the structure of the arguments."""
        remaining = iter(results)
        structures = tuple(
            map_leaves(lambda _: next(remaining), self.args[i]) for i in self.numbers
        )
        return structures[0] if isinstance(argnums, int) else structures


@contextlib.contextmanager
def _traced(
    function: Function, argnums: Argnums, args: Any, kwargs: Any, has_aux: bool = False
) -> Iterator[_Trace]:
    """Record a call; also where the caller does not record, and then the results are plain."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"argnums={argnums!r} names an argument twice")
    paused = not is_recording()
    with recording() if paused else contextlib.nullcontext():
        trace = _Trace(function, numbers, args, kwargs, has_aux)
        if paused:
            trace.nested = False
        yield trace
        _close(trace.variables)


def _close(variables: Sequence[Tensor]) -> None:
    """Makes the variables of an inner derivative constants for the enclosing one."""
    for variable in variables:
        if isinstance(variable._node, Leaf):
            variable._node.requires_grad = False


def new_variable(value: Any) -> Tensor:
    """A tensor to differentiate with respect to: a leaf, or a new node on top of a Tensor."""
    if isinstance(value, Tensor) and value.requires_grad:
        # A node of its own: what the function does with the same tensor by another way does not
        # belong to the derivative with respect to this argument.
        variable: Tensor = record(_VARIABLE, (value,), NO_OPTIONS)
        return variable
    data = value._value if isinstance(value, Tensor) else value
    if hasattr(data, "parameters") and not hasattr(data, "dtype"):
        raise TypeError(
            f"it is a {type(data).__name__}, which is no array: call .backward() and read .grad of "
            "its parameters, or al.gradients(loss, module.parameters())"
        )
    return Tensor(data, requires_grad=True, copy=False)


def reaches_beyond(output: Tensor, variables: Sequence[Tensor]) -> bool:
    """Whether `output` depends on more tensors that require grad than `variables`."""
    inner = {variable._node for variable in variables}
    if not isinstance(output._node, Node):
        return output.requires_grad and output._node not in inner
    for node in ancestors([output._node]):
        for parent in node.parents or ():
            if isinstance(parent, Leaf) and parent.requires_grad and parent not in inner:
                return True
    return False


def _check_transformed(name: str, function: Any, argnums: Any) -> None:
    """Raises TypeError for the operands of other libraries' functions of that name."""
    if argnums.__class__ is int and callable(function):
        return
    if not callable(function):
        raise TypeError(
            f"{name}() takes a function, not {type(function).__name__}; the gradients of a Tensor "
            "are al.gradients(output, [x])"
        )
    places = argnums if isinstance(argnums, (list, tuple)) else (argnums,)
    if not all(isinstance(place, (int, np.integer)) for place in places):
        raise TypeError(
            f"{name}() takes the places of arguments as argnums, not {type(argnums).__name__}; "
            f"write al.{name}(f)(x)"
        )


def _requires_grad(value: Any) -> bool:
    return isinstance(value, Recorded) and value._node is not None and value._node.requires_grad


@answering
def grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[P, Any]:
    """A function that gives the gradient of `function` with respect to one or several arguments.

    `function` is written in plain NumPy and returns a real scalar; with `has_aux` it returns
    (scalar, anything else), and the gradient comes as (gradient, anything else). The arguments
    named by `argnums` are floating-point arrays or scalars; lists, tuples and dicts of them,
    nested, have gradients of the same structure. Where they are Tensors, or `function` uses
    Tensors that require grad, the gradient is a Tensor and can be differentiated again; so
    `grad(grad(f))` works. What `function` takes out of its Tensors (`.item()`, `.data`) counts as
    a constant.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or nested lists, tuples and dicts of them; returns a real scalar.
    argnums : int or sequence of int
        The positional arguments to differentiate by: one, or several, whose gradients come as a
        tuple.
    has_aux : bool
        Whether `function` returns (scalar, anything else).

    Returns
    -------
    callable
        It takes what `function` takes, and returns the gradient in the structure of the argument.

    Raises
    ------
    TypeError
        Where an argument of `argnums` is not floating-point, or what is returned is no number.
    ValueError
        Where the value has several elements, or is complex.

    See Also
    --------
    value_and_grad : The value as well.
    Tensor.backward : Gradients of tensors that are kept.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> float(al.grad(lambda x: x**3)(2.0))
    12.0
    >>> float(al.grad(al.grad(lambda x: x**3))(2.0))
    12.0
    >>> al.grad(lambda p, x: np.sum(p["w"] * x))({"w": np.ones(2)}, np.array([3.0, 4.0]))
    {'w': array([3., 4.])}
    """
    _check_transformed("grad", function, argnums)
    value_and_gradient = value_and_grad(function, argnums, has_aux=has_aux)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = value_and_gradient(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


@answering
def value_and_grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]:
    """A function that gives (value, gradient), otherwise as `grad` does.

    With `has_aux` it returns ((value, aux), gradient).

    Parameters
    ----------
    function : callable
        As `grad` takes it.
    argnums : int or sequence of int
        The positional arguments to differentiate by: one, or several, whose gradients come as a
        tuple.
    has_aux : bool
        Whether `function` returns (scalar, anything else).

    Returns
    -------
    callable
        It takes what `function` takes.

    Raises
    ------
    TypeError
        Where an argument of `argnums` is not floating-point, or what is returned is no number.
    ValueError
        Where the value has several elements, or is complex.

    See Also
    --------
    grad : The gradient alone.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> value, gradient = al.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """

    _check_transformed("value_and_grad", function, argnums)

    @functools.wraps(function)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with _traced(function, argnums, args, kwargs, has_aux) as trace:
            trace.check_scalar()
            gradient = trace.arranged(trace.pull(), argnums)
            if not has_aux:
                return trace.value, gradient
            aux = trace.aux if trace.nested else trace.plain(trace.aux)
            return (trace.value, aux), gradient

    return value_and_gradient


@answering
def vjp(function: Callable[..., R], *args: Any) -> tuple[R, Callable[[Any], tuple[Any, ...]]]:
    """The value of `function(*args)`, and a function that pulls a gradient back through it.

    That function takes a gradient of the value's shape, or, where the value is nested lists,
    tuples, dicts or dataclasses of arrays, of its structure and shapes. It returns a tuple: the
    product of the gradient with the Jacobian of each argument, in the argument's structure. It can
    be called any number of times.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or nested lists, tuples and dicts of them, also what it returns.
    *args
        What it is called with.

    Returns
    -------
    value : array, number or structure of them
        What `function` returned.
    pull : callable
        `pull(gradient)` is a tuple with the gradient of each argument.

    Raises
    ------
    TypeError
        Where an argument is not floating-point.
    ValueError
        In `pull`, where the gradient does not have the shape of the value.

    See Also
    --------
    jvp : The product from the other side.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> value, pull = al.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    numbers = tuple(range(len(args)))
    with _traced(function, numbers, args, {}) as trace:
        return trace.value, lambda gradient: trace.arranged(trace.pull(gradient), numbers)


@answering
def jvp(function: Callable[..., R], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[R, R]:
    """The value of `function(*args)`, and how it changes as the arguments move along `tangents`.

    The second is the product of the Jacobian with the tangents, of the value's structure and
    shapes.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or nested lists, tuples and dicts of them, also what it returns.
    args : sequence
        What it is called with.
    tangents : sequence
        A direction for each argument, of its structure and shapes.

    Returns
    -------
    value : array, number or structure of them
        What `function` returned.
    tangent : array, number or structure of them
        The derivative of it along `tangents`.

    Raises
    ------
    TypeError
        Where an argument is not floating-point.
    ValueError
        Where the tangents do not have the shapes of the arguments.

    See Also
    --------
    vjp : The product from the other side.

    Notes
    -----
    It is found by pulling back twice: a pull is linear in the gradient it is given, and its
    transpose is the push (Townsend, "A new trick for calculating Jacobian vector products", 2017).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    if len(args) != len(tangents):
        raise ValueError(f"jvp got {len(args)} arguments and {len(tangents)} tangents")
    value, pull = vjp(function, *args)

    def along(gradient: Tree) -> Any:
        pairs: list[tuple[Any, Any]] = []
        _pair(pull(gradient), tuple(tangents), pairs)
        return _inner(pairs)

    return value, grad(along)(map_leaves(_dual, value))


def _dual(value: Any) -> Any:
    """Zeros like a result, whose pull-back is differentiated to push tangents forward."""
    zeros = np.zeros_like(value._value if isinstance(value, Tensor) else value)
    return zeros if zeros.dtype.kind in "fc" else zeros.astype(float)


def _pair(
    gradient: Tree,
    tangent: Tree,
    pairs: list[tuple[Any, Any]],
    what: str = "a tangent",
    of: str = "an argument",
) -> None:
    """Append the pairs of arrays of two trees; ValueError where they are not alike."""
    items = entries(gradient)
    if items is not None:
        given = dict(entries(tangent) or ())
        if gradient is not None and given.keys() != {key for key, _ in items}:
            kind = type(gradient).__name__
            raise ValueError(
                f"{what} must be a {kind} of {len(items)} items, as {of} is"
                if isinstance(gradient, (list, tuple))
                else f"{what} has not the keys of {of}, which are {[key for key, _ in items]}"
            )
        for key, item in items:
            _pair(item, given[key], pairs, what, of)
        return
    if tangent is None:
        return
    dtype = getattr(gradient, "dtype", None)
    if (np.result_type(gradient) if dtype is None else dtype).kind not in "fc":
        return
    if np.shape(gradient) != np.shape(tangent):
        raise ValueError(
            f"{what} of shape {np.shape(tangent)} does not fit {of} of shape {np.shape(gradient)}"
        )
    pairs.append((gradient, tangent))


def _inner(pairs: Sequence[tuple[Any, Any]]) -> Any:
    """The real inner product of pairs of arrays."""
    products = [np.real(np.sum(a * b)) for a, b in pairs]
    return functools.reduce(lambda a, b: a + b, products, 0.0)


@answering
def jacobian(function: Callable[P, Any], argnums: Argnums = 0) -> Callable[P, Any]:
    """A function that gives the Jacobian of `function`.

    For each array in the value there is, in the structure of the value, one for each array in the
    arguments named by `argnums`, in their structure: its shape is that of the value's array and
    then that of the argument. It takes one backward pass per element of the value, two where it is
    complex. A complex value of complex arguments has a Jacobian only where it is complex
    differentiable; elsewhere ValueError says so.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or nested lists, tuples and dicts of them, also what it returns.
    argnums : int or sequence of int
        The positional arguments to differentiate by: one, or several, whose gradients come as a
        tuple.

    Returns
    -------
    callable
        It takes what `function` takes.

    Raises
    ------
    TypeError
        Where an argument of `argnums` is not floating-point.
    ValueError
        Where the value is complex and the function is not complex differentiable.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    _check_transformed("jacobian", function, argnums)

    @functools.wraps(function)
    def of(*args: Any, **kwargs: Any) -> Any:
        with _traced(function, argnums, args, kwargs) as trace:
            blocks = iter([_block(trace, at, argnums) for at in range(len(trace.outputs))])
            return map_leaves(lambda _: next(blocks), trace.output)

    return of


def _block(trace: _Trace, at: int, argnums: Argnums) -> Any:
    """The Jacobian of one of the results, in the structure of the arguments."""
    output = trace.outputs[at]
    shape, dtype = np.shape(output), np.result_type(getattr(output, "_value", output))
    rows = [_row(trace, at, index, dtype) for index in np.ndindex(shape)]
    results = []
    for i, variable in enumerate(trace.variables):
        if rows:
            stacked = np.stack([row[i] for row in rows])
        else:
            stacked = np.zeros((0, *variable.shape), np.result_type(dtype, variable.dtype))
        results.append(np.reshape(stacked, (*shape, *variable.shape)))
    return trace.arranged(results, argnums)


def _has_nan(gradient: Tree) -> bool:
    values = getattr(gradient, "_value", gradient)
    return isinstance(values, (np.ndarray, np.generic)) and bool(np.isnan(values).any())


def _row(trace: _Trace, at: int, index: tuple[int, ...], dtype: Any) -> list[Any]:
    """The derivatives of one element of one of the results.

    Pulling 1 and i back gives the real part of the derivative and of i times it. Where the argument
    is complex these have to be one complex number and i times it, or else there is none.
    """

    def pulled(direction: complex) -> list[Any]:
        remaining = iter(range(len(trace.outputs)))
        seeds = map_leaves(lambda o: basis(o, next(remaining), direction), trace.output)
        found = trace.pull(seeds)
        if not any(map(_has_nan, found)):
            return found
        # Where other elements have infinite slopes, their 0 times inf is not this one's.
        seed = basis(trace.outputs[at], at, direction)
        with recording():
            alone: Any = np.where(seed != 0, trace.outputs[at], 0)
            if not getattr(alone, "requires_grad", False):
                return [np.zeros_like(v._value)[()] for v in trace.variables]
            return list(_gradients(alone, trace.variables, seed, trace.nested))

    def basis(output: Any, number: int, direction: complex) -> np.ndarray:
        kind = np.result_type(getattr(output, "_value", output))
        zeros = np.zeros(np.shape(output), kind if kind.kind in "fc" else float)
        if number == at:
            zeros[index] = direction if zeros.dtype.kind == "c" else direction.real
        return zeros

    along_one = pulled(1 + 0j)
    if dtype.kind != "c":
        return along_one
    row = []
    for variable, one, i in zip(trace.variables, along_one, pulled(1j), strict=True):
        if variable.dtype.kind != "c":
            row.append(one - 1j * i)
            continue
        ahead, turned = (np.asarray(getattr(x, "_value", x)) for x in (i, one))
        if not np.allclose(ahead, 1j * turned, rtol=1e-4, atol=1e-6, equal_nan=True):
            raise ValueError(
                f"{trace.name} is not complex differentiable (it has np.conj, np.abs, np.real or "
                "the like in it), so no complex matrix is its Jacobian; take the derivatives of "
                "its real and imaginary part with respect to real arrays"
            )
        row.append(one)
    return row


@answering
def hessian(function: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    """A function that gives the matrix of second derivatives of a scalar function of one array.

    Its shape is the argument's shape twice. It takes one backward pass per element.

    Parameters
    ----------
    function : callable
        Returns a real scalar.
    argnums : int
        The positional argument to differentiate by, a floating-point array.

    Returns
    -------
    callable
        It takes what `function` takes.

    Raises
    ------
    ValueError
        Where the value has several elements, or is complex.

    See Also
    --------
    hvp : Its product with a vector, without forming it.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    _check_transformed("hessian", function, argnums)
    return jacobian(grad(function, argnums), argnums)


@answering
def hvp(function: Function, argnums: int = 0) -> Function:
    """A function of the arguments and a vector that gives the Hessian times the vector.

    The vector comes last and has the structure and shapes of the argument. The Hessian is never
    formed: it takes two backward passes.

    Parameters
    ----------
    function : callable
        Returns a real scalar.
    argnums : int
        The positional argument to differentiate by: an array, or a structure of them.

    Returns
    -------
    callable
        It takes what `function` takes, and then the vector.

    Raises
    ------
    ValueError
        Where the value has several elements, or the vector does not have the shape of the argument.

    See Also
    --------
    hessian : The whole matrix.

    Notes
    -----
    Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    _check_transformed("hvp", function, argnums)
    gradient = grad(function, argnums)

    @functools.wraps(function)
    def product(*args: Any, **kwargs: Any) -> Any:
        *arguments, vector = args

        def along(*inner: Any) -> Any:
            pairs: list[tuple[Any, Any]] = []
            _pair(gradient(*inner, **kwargs), vector, pairs)
            return _inner(pairs)

        return grad(along, argnums)(*arguments)

    return product


@answering
def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, computed again in the backward pass instead of kept until then.

    It saves the memory of everything that `function` computes inside, and costs one more forward
    pass. Arguments are arrays, structures of them, and whatever else stays as it is. It must be a
    pure function of them: a tensor that requires grad and is not among them raises RuntimeError in
    the backward pass.

    Parameters
    ----------
    function : callable
        A pure function of its arguments.

    Returns
    -------
    callable
        It takes and returns what `function` does.

    Raises
    ------
    RuntimeError
        In the backward pass, where `function` uses a tensor that requires grad and is no argument.

    Notes
    -----
    Griewank and Walther, "Algorithm 799: revolve" (2000); Chen et al., "Training deep nets with
    sublinear memory cost" (2016).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> deep = al.checkpoint(lambda x: np.tanh(np.tanh(np.tanh(x))))
    >>> bool(al.grad(deep)(0.3) == al.grad(lambda x: np.tanh(np.tanh(np.tanh(x))))(0.3))
    True
    """
    name = getattr(function, "__name__", repr(function))
    latest = threading.local()

    def recompute(gradient: Tree, operands: Tree, before: Tree, call: Function) -> list[Any]:
        with recording():
            variables = [new_variable(operand) for operand in operands]
            outputs = leaves_of(call(variables))
            befores = before if isinstance(before, tuple) else (before,)
            for output, then in zip(outputs, befores, strict=True):
                now, then = (v._value if isinstance(v, Tensor) else v for v in (output, then))
                if not np.array_equal(now, then, equal_nan=np.result_type(now).kind in "fc"):
                    raise RuntimeError(
                        f"checkpoint({name}) gave another value when it was computed again: an "
                        "array that it reads has changed, or something in it is random; pass what "
                        "changes as an argument, and seed what is random"
                    )
            given = list(gradient) if isinstance(gradient, TupleGradient) else [gradient]
            nested = any(map(_requires_grad, (*given, *operands)))
            connected = [output for output in outputs if _requires_grad(output)]
            if not nested and any(reaches_beyond(output, variables) for output in connected):
                raise RuntimeError(
                    f"checkpoint({name}) uses a tensor that requires grad and is not among its "
                    "arguments, so that its gradient would be lost; pass it as an argument"
                )
            pairs: list[tuple[Any, Any]] = []
            _pair(outputs, given, pairs)
            total = _inner(pairs)
            results = list(gradients(total, variables, create_graph=nested))
            _close(variables)
            return results

    def compute(operands: Tree, call: Function) -> Any:
        result = call(operands)
        latest.structure = result
        leaves = [np.asarray(expose(getattr(v, "_value", v)))[()] for v in leaves_of(result)]
        return leaves[0] if len(leaves) == 1 else tuple(leaves)

    operation = Operation(
        compute,
        {
            "operands": lambda g, operands, out, call: TupleGradient(
                recompute(g, operands, out, call)
            )
        },
        sequence=0,
    )
    operation.name = name

    @functools.wraps(function)
    def computed(*args: Any, **kwargs: Any) -> Any:
        given = (args, kwargs)
        operands = tuple(v for v in leaves_of(given) if _is_operand(v))
        if any(is_unknown(getattr(v, "_value", v)) for v in operands):
            # A program that is traced keeps what its passes decide.
            return function(*args, **kwargs)

        def call(operands: Tree) -> Any:
            following = iter(operands)
            args, kwargs = map_leaves(lambda v: next(following) if _is_operand(v) else v, given)
            return function(*args, **kwargs)

        result = record_call(operation, (operands,), {"call": call})
        results = iter(result if isinstance(result, tuple) else (result,))
        return map_leaves(lambda _: next(results), latest.__dict__.pop("structure"))

    return computed


def _is_operand(value: Any) -> bool:
    """Whether a value is an array or a number that may have a gradient."""
    if isinstance(value, (bool, int, np.bool_)):
        return False
    return isinstance(value, (float, complex, np.generic, Tensor)) or speaks_protocols(value)
