"""The one path that every operation takes: compute it, and note it in the graph."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

import autograd_lite.rules  # noqa: F401 - it declares the operations of NumPy's functions
from autograd_lite.anomaly import check_result
from autograd_lite.arrays.contracts import Array, Kept, Operand, Tree
from autograd_lite.arrays.foreign import Recordable, speaks_protocols
from autograd_lite.arrays.kinds import INEXACT, NUMERIC, check_array
from autograd_lite.arrays.lazy import adopt
from autograd_lite.arrays.locks import Hold, hold
from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.graph import (
    Disconnected,
    Extra,
    Leaf,
    Node,
    item_nodes,
    next_serial,
    pack_node,
)
from autograd_lite.modes import Watch, entered, is_recording, pausing, stand_in, swapped, watching
from autograd_lite.operations import (
    COMPOSITES,
    NON_DIFFERENTIABLE,
    OPERATIONS,
    REFUSED,
    Operation,
    Plan,
)
from autograd_lite.printable import printable
from autograd_lite.rules.indexing import as_array
from autograd_lite.source import users_line

Compute = Callable[..., Any]
_SCIPY_RULES = "autograd_lite.rules.scipy_special"
"""Imported when the first function of scipy.special meets a Tensor."""

NO_OPTIONS: dict[str, Any] = {}
_NUMBERS = (bool, int, float, complex, np.generic)
_PLAIN = frozenset((bool, int, float, complex))
_SEQUENCES: frozenset[type] = frozenset((list, tuple))
_ndarray = np.ndarray
_new = object.__new__


class Recorded(Recordable):
    """Base of Tensor: a value and its place in the graph, all that `record` needs."""

    __slots__ = ("_value", "_node", "__weakref__")

    _value: Any
    _node: Node | Leaf | Disconnected | None

    result_type: ClassVar[type[Any]]

    def __init_subclass__(cls, results: bool = False) -> None:
        if results:
            Recorded.result_type = cls

    def _record(self, operation: Operation, args: Any, kwargs: Any) -> Any:
        return record_call(operation, args, kwargs)

    def _identity(self) -> Node | Leaf:
        """The node or leaf of this value, made now for a result that was not recorded."""
        if self._node is None or isinstance(self._node, Disconnected):
            self._node = Leaf(self._value, owns_data=False)
        return self._node

    def _seen(self) -> Any:
        """The value, as a program that is being traced here sees it."""
        return stand_in(self)._value if entered.get() else self._value

    def _describe(self) -> str:
        node = self._node
        if node is not None and node.name is not None:
            return f"the Tensor {node.name!r}"
        if isinstance(node, Node):
            return f"the Tensor that {node.plan.operation.name} gave"
        return "a Tensor"


def make(data: Array, node: Node | Leaf | Disconnected | None) -> Any:
    """A Tensor of a value that the engine owns."""
    tensor: Any = _new(Recorded.result_type)
    tensor._value = data
    tensor._node = node
    return tensor


def record(
    operation: Operation,
    args: tuple[Any, ...],
    kwargs: Any,
    compute: Compute | None = None,
    in_modes: bool = False,
) -> Any:
    """Compute `operation`, and note it in the graph if a gradient can flow through it.

    `compute` is a quicker function for the same values (`operator.mul` for `np.multiply`).
    `in_modes` says that what the `with` blocks around it change has been seen to.
    """
    if entered.get() and not in_modes:
        return _record_in_modes(operation, args, kwargs, compute)
    mask, bit = 0, 1
    inside, strange = True, False
    values: list[Any] = []
    parents: list[Any] = []
    for a in args:
        if isinstance(a, Recorded):
            value = a._value
            node: Any = a._node
            if node.__class__ is Node:
                mask |= bit
            else:
                inside = False
                if value.__class__ is _ndarray and not value.ndim:
                    # NumPy computes several times faster with a scalar than with a 0-d array.
                    value = value[()]
                if node.__class__ is not Leaf:
                    # A result that was not recorded.
                    node = a
                    strange = True
                elif node.requires_grad:
                    mask |= bit
            parents.append(node)
        else:
            value = a
            if a.__class__ not in _PLAIN:
                inside, strange = False, True
                if a.__class__ in _SEQUENCES:
                    if bit < operation.limit and operation.sequence is None:
                        value = np.asarray(a)
                    elif a.__class__ is list:
                        # A rule may keep it, and the caller may write to it.
                        value = a.copy()
                elif a.__class__ is not _ndarray:
                    value = adopt(a)
            parents.append(value)
        values.append(value)
        bit += bit
    try:
        result = compute(*values) if compute else operation.function(*values, **kwargs)
    except ValueError as error:
        raise _with_names(error, operation, args, values) from None
    if not mask or (entered.get() and not is_recording()):
        return _unrecorded(result, _disconnected(operation.name, args))
    plan = operation.plans.get(mask) or operation.plan(mask)
    kept = plan.keep(result, values, kwargs)
    if not inside:
        if strange:
            _admit(parents, len(operation.rules))
        kept = _held(kept, parents, plan)
        if result.__class__ is _ndarray and (result.base is not None or result is values[0]):
            kept = _held_views(kept, parents, plan, result)
    if result.__class__ is not _ndarray and isinstance(result, tuple):
        return _record_several(plan, parents, kept, result, kwargs)
    if (strange or kwargs) and result.dtype.kind not in INEXACT:
        return make(result, _cut_off(operation.name, args, result))
    tensor = _noted(plan, tuple(parents), kept, result)
    if kwargs:
        tensor._node.options = kwargs
    return tensor


def record_pair(operation: Operation, a: Operand, b: Operand, compute: Compute) -> Any:
    """`record` for a binary operator, written out for speed.

    Where an operand is neither a recorded tensor nor a plain number, `record` does it.
    """
    left: Any
    right: Any
    inside = True
    if isinstance(a, Recorded):
        x, left = a._value, a._node
        if left.__class__ is Node:
            mask = 1
        elif left.__class__ is not Leaf:
            return record(operation, (a, b), NO_OPTIONS, compute)
        else:
            inside = False
            mask = 1 if left.requires_grad else 0
            x = x if x.shape else x[()]
    elif a.__class__ in _PLAIN:
        x, left, mask = a, a, 0
    else:
        return record(operation, (a, b), NO_OPTIONS, compute)
    if isinstance(b, Recorded):
        y, right = b._value, b._node
        if right.__class__ is Node:
            mask |= 2
        elif right.__class__ is not Leaf:
            return record(operation, (a, b), NO_OPTIONS, compute)
        else:
            inside = False
            mask |= 2 if right.requires_grad else 0
            y = y if y.shape else y[()]
    elif b.__class__ in _PLAIN:
        y = right = b
    else:
        return record(operation, (a, b), NO_OPTIONS, compute)
    if not mask or entered.get():
        return record(operation, (a, b), NO_OPTIONS, compute)
    try:
        result = compute(x, y)
    except ValueError:
        # Again, for the message.
        return record(operation, (a, b), NO_OPTIONS, compute)
    plan = operation.plans.get(mask) or operation.plan(mask)
    kept = plan.keep(result, (x, y), NO_OPTIONS)
    if not inside and plan.kept_positions:
        kept = _held(kept, (left, right), plan)
    return _noted(plan, (left, right), kept, result)


def standing_in(tensors: Sequence[Any], values: Sequence[Any]) -> tuple[swapped, list[Any]]:
    """The block in which other values stand for those of leaf tensors, and tensors of these.

    Parameters
    ----------
    tensors : sequence of Tensor
        Leaves.
    values : sequence of array
        Of the same shapes and dtypes.

    Returns
    -------
    block : context manager
        Inside, operations see the other values.
    standing : list of Tensor
        Tensors of these.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import standing_in
    >>> w = al.Tensor([1.0], requires_grad=True)
    >>> block, (other,) = standing_in([w], [np.array([5.0])])
    >>> with block:
    ...     print((2 * w).item())
    10.0
    """
    stand_ins = []
    for tensor, value in zip(tensors, values, strict=True):
        leaf = Leaf(value, tensor.name)
        leaf.requires_grad = tensor.requires_grad
        stand_ins.append(make(value, leaf))
    pairs = {id(t): (t, other) for t, other in zip(tensors, stand_ins, strict=True)}
    return swapped(pairs), stand_ins


def _noted(plan: Plan, parents: tuple[Any, ...], kept: Kept, result: Any) -> Any:
    """A tensor of `result`, with the node that says where it comes from."""
    if result.__class__ is complex:
        # Python's complex numbers take a float64 scalar for a float.
        result = np.complex128(result)
    # As Node(...) does it, without the time of the call.
    node = _new(Node)
    node.plan = plan
    node.parents = parents
    node.kept = kept
    node.shape = result.shape
    node.dtype = result.dtype
    node.serial = next_serial()
    node.name = node.extra = node.options = None
    node.calls = ()
    tensor: Any = _new(Recorded.result_type)
    tensor._value = result
    tensor._node = node
    return tensor


def _record_in_modes(
    operation: Operation, args: tuple[Any, ...], kwargs: Any, compute: Compute | None
) -> Any:
    """Records a call inside `with` blocks that swap values or watch the calls."""
    args = tuple([stand_in(a) if isinstance(a, Recorded) else a for a in args])
    watch = watching.get()
    if watch is None:
        return record(operation, args, kwargs, compute, in_modes=True)
    return _record_watched(watch, operation, args, kwargs, compute)


def _record_watched(
    watch: Watch, operation: Operation, args: Any, kwargs: Any, compute: Compute | None
) -> Any:
    """`record` where somebody wants more of it: the result checked, its line and calls noted."""
    if watch.public is not None and compute is None:
        public = watch.public(operation) or operation.function
        compute = functools.partial(public, **kwargs)
    with np.errstate(all="ignore") if watch.values else contextlib.nullcontext():
        recorded = record(operation, args, kwargs, compute, in_modes=True)
    results = recorded if isinstance(recorded, tuple) else (recorded,)
    if watch.values:
        check_result(operation.name, plain(args), tuple(map(plain, results)))
    if watch.note is not None:
        for tensor in results:
            watch.note(tensor)
    for tensor in results if watch.values or watch.calls is not None else ():
        node = tensor._node
        if node.__class__ is Node:
            node.extra = Extra()
            node.extra.line = users_line()
            if watch.calls is not None:
                node.extra.calls = watch.calls.now()
    return recorded


def _record_several(
    plan: Plan, parents: list[Any], kept: Kept, result: tuple[Any, ...], options: Any
) -> Any:
    if not plan.pulls:
        return _unrecorded(result, None)
    joint = Node(plan, tuple(parents), kept, *Node.PARTS)
    joint.options = options
    nodes = item_nodes(joint, result)
    items = [
        make(v, n if v.dtype.kind in INEXACT else None) for v, n in zip(result, nodes, strict=True)
    ]
    return _as_tuple(result, items)


def _with_names(
    error: ValueError, operation: Operation, args: Sequence[Any], values: Sequence[Any]
) -> ValueError:
    """NumPy's error about shapes, with the operands' names, and a transpose if that would fit."""
    values = values[: len(operation.rules)]
    if operation.sequence is not None:
        packed, values = args[operation.sequence], values[operation.sequence]
        args = getattr(getattr(packed, "_node", None), "parents", values)
    shapes = [np.shape(v) for v in values]
    names = [
        printable(getattr(a, "name", None) or f"operand {i}") for i, a in enumerate(args, start=1)
    ]
    operands = ", ".join(f"{n} of shape {s}" for n, s in zip(names, shapes, strict=False))
    message = f"{operation.name} of {operands}: {error}"
    if operation.name in ("dot", "matmul") and [len(s) for s in shapes] == [2, 2]:
        (m, k), (n, columns) = shapes
        message = (
            f"{operation.name} of {operands}: the columns of the first ({k}) and the rows of the "
            f"second ({n}) disagree"
        )
        fits = [f"{names[1]}.T"] * (k == columns) + [f"{names[0]}.T"] * (m == n)
        message += f"; {' or '.join(fits)} would fit" if fits else ""
    return ValueError(message)


def _unrecorded(result: Any, lost: Disconnected | None) -> Any:
    if isinstance(result, tuple):
        return _as_tuple(result, [make(value, lost) for value in result])
    return make(result, lost)


def _disconnected(operation: str, args: Sequence[Any]) -> Disconnected | None:
    """The mark of a result of `args` that was not recorded, if one of them was connected."""
    for a in args:
        if isinstance(a, Recorded):
            if isinstance(a._node, Disconnected):
                return a._node
            if _requires_grad(a):
                # One line for a whole block: finding it takes longer than most operations.
                pause = pausing()
                if pause.lost is None:
                    pause.lost = Disconnected(
                        f"{a._describe()} went through {operation} under al.no_grad() at "
                        f"{users_line()}"
                    )
                return pause.lost
    return None


def _cut_off(operation: str, args: Sequence[Any], result: Any) -> Disconnected:
    """The mark of a result that `dtype=` made one of whole numbers."""
    origin = next((a._describe() for a in args if isinstance(a, Recorded)), "a Tensor")
    return Disconnected(
        f"{origin} went through {operation}, whose result has dtype {result.dtype} and so no "
        f"gradient, at {users_line()}"
    )


def _as_tuple(result: tuple[Any, ...], items: list[Any]) -> tuple[Any, ...]:
    """`items` as the kind of tuple that NumPy gave: `eigh` has a named one."""
    return type(result)(*items) if hasattr(result, "_fields") else tuple(items)


def _admit(parents: list[Any], operands: int) -> None:
    """Check the arguments that are no tensors; the first `operands` of them enter the computation.

    Results that were not recorded become leaves.
    """
    for i, parent in enumerate(parents):
        if parent.__class__ is _ndarray and parent.dtype.kind in NUMERIC:
            continue
        if parent.__class__ is not Node and parent.__class__ is not Leaf:
            parents[i] = _admitted(parent, is_operand=i < operands)


def _held(kept: Kept, parents: Sequence[Any], plan: Plan) -> tuple[Any, ...]:
    """`kept` followed by the holds on arrays of the user, so that nobody writes to them."""
    for i in plan.kept_positions:
        parent: Any = parents[i] if i < len(parents) else None
        kind = parent.__class__
        if kind is Leaf:
            kept += (parent.hold() or _hold_leaf(parent, plan),)
        elif kind is _ndarray or (kind is not Node and isinstance(parent, _ndarray)):
            kept += (hold(parent, plan.operation.name),)
    return kept


def _hold_leaf(leaf: Leaf, plan: Plan) -> Hold:
    # An array of another library has no such lock.
    locks = isinstance(leaf.array, _ndarray)
    held = (hold if locks else Hold)(leaf.array, plan.operation.name)
    leaf.hold = weakref.ref(held)
    return held


def _held_views(kept: Kept, parents: Sequence[Any], plan: Plan, result: Any) -> tuple[Any, ...]:
    """Adds holds as `_held` does, for operands that the result is a view of: that is as good as
    keeping them."""
    for parent in parents[: len(plan.operation.rules)]:
        array = parent.array if parent.__class__ is Leaf else parent
        if isinstance(array, _ndarray) and _shares(result, array):
            kept += (hold(array, plan.operation.name),)
    return kept


def _shares(result: Any, array: Array) -> bool:
    """Whether a result is an operand, or a view of it."""
    base = result.base
    return result is array or (base is not None and (base is array or base is array.base))


def _admitted(operand: Operand, is_operand: bool) -> Operand:
    """An operand as the graph holds it; TypeError for one that rules cannot compute with."""
    if isinstance(operand, Recorded):
        return operand._identity()
    if isinstance(operand, np.ndarray):
        check_array(operand)
    elif is_operand and not isinstance(operand, _NUMBERS) and not speaks_protocols(operand):
        raise TypeError(
            f"a Tensor computes with arrays and numbers, not with {type(operand).__name__}; "
            "convert it with np.asarray first"
        )
    return operand


def pack(values: Sequence[Any], keeper: str | None) -> Any:
    """Joins several operands to one whose gradient holds all of theirs, for `concatenate` and its
    like.

    `keeper` is the operation that takes them, if its rule keeps them.
    """
    values = [stand_in(v) if isinstance(v, Recorded) else v for v in values]
    # NumPy lets the dtype of a plain number give way to that of the arrays.
    arrays = tuple(
        v._value if isinstance(v, Recorded) else v if type(v) in _PLAIN else as_array(adopt(v))
        for v in values
    )
    needed = [isinstance(v, Recorded) and _requires_grad(v) for v in values]
    if not any(needed) or (entered.get() and not is_recording()):
        lost = _disconnected(keeper or "an operation", values)
        return arrays if lost is None else make(arrays, lost)
    parents = tuple(
        _admitted(v if isinstance(v, Recorded) else a, True)
        for v, a in zip(values, arrays, strict=True)
    )
    holds: tuple[Hold, ...] = ()
    if keeper is not None:
        outside = (p.array if isinstance(p, Leaf) else p for p in parents)
        holds = tuple(hold(a, keeper) for a in outside if isinstance(a, np.ndarray))
    return make(arrays, pack_node(parents, needed, holds))


def _requires_grad(value: Recorded) -> bool:
    return value._node is not None and value._node.requires_grad


def record_call(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Record a call as a user writes it: with keywords, and with lists of operands."""
    if kwargs or len(args) > len(operation.rules):
        args, kwargs = _checked_options(operation, args, kwargs)
    if operation.sequence is not None:
        at = operation.sequence
        is_kept = at in operation.plan(1 << at).kept_positions
        packed = pack(args[at], operation.name if is_kept else None)
        args = (*args[:at], packed, *args[at + 1 :])
    return record(operation, args, kwargs)


def _checked_options(
    operation: Operation, args: tuple[Any, ...], kwargs: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Operands passed by keyword put in their place; options that cannot be recorded refused."""
    if len(args) < len(operation.rules):
        args, kwargs = operation.bind(args, kwargs)
    out = operation.out
    given = args[out] if out is not None and out < len(args) else kwargs.get("out")
    if given is not None:
        raise TypeError(f"{operation.name}(out=...) cannot be recorded; omit out=")
    options = {}
    for name, value in kwargs.items():
        if value is np._NoValue:
            continue
        if isinstance(value, Recorded):
            if _requires_grad(value):
                raise TypeError(f"{operation.name}({name}=...) must be a plain value, not a Tensor")
            value = value._seen()
        # A rule may keep it, and the caller may write to it.
        options[name] = value.copy() if isinstance(value, (list, np.ndarray)) else value
    return args, options


def dispatch(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Calls NumPy's function with a Tensor among its arguments."""
    operation = OPERATIONS.get(function)
    if operation is not None:
        return record_call(operation, args, kwargs)
    composite = COMPOSITES.get(function)
    if composite is not None:
        return composite(*args, **kwargs)
    if (
        function not in NON_DIFFERENTIABLE
        and _SCIPY_RULES not in sys.modules
        and _is_of_scipy(function)
    ):
        importlib.import_module(_SCIPY_RULES)
        return dispatch(function, args, kwargs)
    if function in NON_DIFFERENTIABLE:
        return function(*plain(args), **plain(kwargs))
    tensors = [t for t in _recorded_in((args, kwargs)) if _requires_grad(t)]
    if tensors and is_recording():
        way_out = REFUSED.get(
            function,
            "declare a rule with al.defvjp, use functions that have one, or pass .data where no "
            "gradient is meant",
        )
        raise TypeError(
            f"{full_name(function)} has no derivative rule, so calling it on "
            f"{tensors[0]._describe()} would lose the gradient: {way_out}"
        )
    return function(*plain(args), **plain(kwargs))


def _is_of_scipy(function: Callable[..., Any]) -> bool:
    """Whether a ufunc is one of scipy.special; SciPy is imported if it is."""
    modules = map(sys.modules.get, ("scipy.special", "scipy.special._ufuncs"))
    return isinstance(function, np.ufunc) and any(
        getattr(module, function.__name__, None) is function for module in modules
    )


def full_name(function: Callable[..., Any]) -> str:
    """The name as a user writes it, such as `np.linalg.det`."""
    if _is_of_scipy(function):
        return f"scipy.special.{function.__name__.lstrip('_')}"
    module = getattr(function, "__module__", None) or "numpy"
    name = f"{module}.{getattr(function, '__name__', function)}"
    return f"np.{name.removeprefix('numpy.')}" if name.startswith("numpy.") else name


def _recorded_in(value: Tree) -> Iterator[Recorded]:
    return (leaf for leaf in leaves_of(value) if isinstance(leaf, Recorded))


def plain(value: Tree) -> Tree:
    """`value` with every Tensor in it, however nested, replaced by its array."""
    return map_leaves(_seen, value)


def _seen(leaf: Operand) -> Operand:
    return leaf._seen() if isinstance(leaf, Recorded) else leaf
