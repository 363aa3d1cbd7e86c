"""Tensor: a NumPy array that records what is done to it."""

from __future__ import annotations

import copy
import gc
import itertools
import operator
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import GenericAlias
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from autograd_lite.arrays.contracts import Array, ArrayLike, Index, Operand
from autograd_lite.arrays.foreign import fixed, is_foreign, speaks_protocols
from autograd_lite.arrays.kinds import check_array, computes_in_other_ways, is_lazy
from autograd_lite.arrays.lazy import adopt, compute_for, expose
from autograd_lite.arrays.locks import find_hold, locked_view, released_soon
from autograd_lite.backward import accumulate, propagate
from autograd_lite.elsewhere import answering, missing_attribute
from autograd_lite.gradients import ungated
from autograd_lite.graph import Disconnected, Extra, Leaf, Node, name_array
from autograd_lite.methods import (
    called,
    called_ufunc,
    comparison,
    direct,
    dispatched,
    dispatched_reflected,
    first,
    in_place,
    of_array,
    reflected,
    whole,
)
from autograd_lite.modes import entered, is_recording
from autograd_lite.operations import OPERATIONS
from autograd_lite.record import (
    NO_OPTIONS,
    Recorded,
    dispatch,
    make,
    record,
)
from autograd_lite.rules.indexing import as_index, getitem
from autograd_lite.rules.special import astype
from autograd_lite.source import users_line

if TYPE_CHECKING:
    from autograd_lite.signatures import Operators
else:
    from autograd_lite.array_methods import ArrayMethods as Operators


_GETITEM = OPERATIONS[getitem]


def _fixed(index: Index) -> Any:
    """An index that later writing cannot change, of plain arrays."""
    if isinstance(index, tuple):
        return tuple(_fixed(item) for item in index)
    if isinstance(index, Tensor):
        return fixed(index._seen())
    if isinstance(index, slice):
        ends = index.start, index.stop, index.step
        return slice(*map(_fixed, ends)) if Tensor in map(type, ends) else index
    return as_index(index) if isinstance(index, (list, np.ndarray)) else index


class _NotForPandas(int):
    """A priority that refuses to be compared: pandas does so where an operator meets a Tensor.

    Left to itself pandas would compute element by element, and in place with what is no result.
    """

    def __gt__(self, other: Operand) -> NoReturn:
        raise TypeError(computes_in_other_ways("pandas object", "its .to_numpy()"))


_WAYS_TO_ARRAYS = {
    "pandas": "to compute with a pandas object pass its .to_numpy()",
    "xarray": "to compute with an xarray object pass its .to_numpy()",
    "scipy.special": "instead of SciPy's logsumexp, softmax and log_softmax use al.logsumexp, "
    "al.softmax and al.log_softmax; its ufuncs, such as scipy.special.zeta, take Tensors",
    "scipy.sparse": "to compute with a sparse matrix pass its .toarray()",
    "numpy.ma": "to compute with a masked array use np.where for the mask",
}
"""What to do instead, by the package that asks for a Tensor as a NumPy array."""


class Tensor(Recorded, Operators, results=True):
    """An array whose computations are recorded, so that gradients can flow back to it.

    Parameters
    ----------
    data : array_like
        Numbers. Copied, unless `copy` is False; an array of another library that implements
        NumPy's protocols (`__array_ufunc__`, `__array_function__`) is taken as it is.
    requires_grad : bool
        Whether `backward()` computes the gradient with respect to this tensor.
    dtype : dtype, optional
        The dtype to convert `data` to.
    name : str, optional
        What pictures, comparisons and messages call the tensor.
    copy : bool
        False shares the memory of `data`. It is then locked against writing while a graph that
        keeps it is alive.

    Raises
    ------
    TypeError
        Where `data` are no numbers, or are a Tensor; or where integers are to require grad.

    Notes
    -----
    It has the operators and methods of NumPy's arrays, and NumPy's functions take it; they return
    Tensors, which remember how they were made while one of their operands requires grad.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> W = al.Tensor([[1.0, 2.0]], requires_grad=True)
    >>> loss = np.sum(np.dot(W, [3.0, 4.0]) ** 2)
    >>> loss.backward()
    >>> W.grad
    array([[66., 88.]])
    >>> W.data -= 0.01 * W.grad
    """

    __slots__ = ()

    __pandas_priority__: int = _NotForPandas()

    def __init__(
        self,
        data: ArrayLike,
        requires_grad: bool = False,
        *,
        dtype: Any = None,
        name: str | None = None,
        copy: bool = True,
    ) -> None:
        self._value = _as_data(data, dtype, copy)
        self._node = Leaf(self._value, _checked_name(name))
        if requires_grad:
            self.requires_grad = True

    @property
    def data(self) -> np.ndarray:
        """The values: a leaf's own array, or a read-only view of the result of an operation.

        A leaf's array can be written to (`W.data -= 0.1 * W.grad`), except while a graph that has
        not gone through `backward()` keeps it. Assigning copies the values in, cast to the
        tensor's dtype; the shape must agree.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0, 2.0])
        >>> x.data += 1
        >>> x
        Tensor([2., 3.])
        """
        value = self._seen() if entered.get() else self._value
        if not isinstance(value, (np.ndarray, np.generic)):
            return cast(np.ndarray, expose(ungated(value)))
        node = self._node
        if isinstance(node, Leaf) and node.owns_data:
            array: Any = value
            if array.flags.writeable:
                return array
            reader = self._reader()
            return array if reader is None else locked_view(array, self._locked_message(reader))
        view = np.asarray(value).view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, value: Any) -> None:
        own = self._value
        if value is own:
            return
        if not self._owns_data():
            raise ValueError(
                f"{self._describe()} is the result of an operation, so its data cannot be "
                "assigned; make a new Tensor from the values"
            )
        if np.shape(value) != self.shape:
            raise ValueError(
                f"cannot assign data of shape {np.shape(value)} to {self._describe()} "
                f"of shape {self.shape}"
            )
        reader = self._reader()
        if reader is not None and not released_soon(own):
            raise ValueError(self._locked_message(reader))
        if is_foreign(own):
            self._value = cast(Leaf, self._node).own(_alike(value, own))
            return
        np.copyto(cast(np.ndarray, own), value, casting="same_kind")

    def _writable(self) -> np.ndarray:
        """The array that `out=` writes to; ValueError for the result of an operation."""
        if not self._owns_data():
            raise ValueError(
                f"{self._describe()} is the result of an operation, so nothing can be written into "
                "it; pass an array, or omit out="
            )
        return self.data

    def _owns_data(self) -> bool:
        return isinstance(self._node, Leaf) and self._node.owns_data

    def _reader(self) -> str | None:
        """The operation that keeps this leaf's data for a live graph; None if there is none."""
        held = find_hold(self._value)
        return held.reader if held is not None else None

    def _locked_message(self, reader: str) -> str:
        return (
            f"{self._describe()} cannot be written to: {reader} keeps its data for a "
            "backward pass that has not run. Write after backward(), or drop the result that "
            "leads to it, or compute it under al.no_grad()"
        )

    @property
    def grad(self) -> np.ndarray | None:
        """The gradient that `backward()` left: an array of this tensor's shape and dtype.

        Only leaves that require grad, and tensors with `retain_grad()`, have one. It adds up over
        calls until `zero_grad()`.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        array([2., 4.])
        """
        extra = self._node.extra if self._node is not None else None
        return expose(extra.grad) if extra is not None else None

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            value = _alike(value, self._value)
            if value.shape != self.shape:
                raise ValueError(
                    f"a gradient of shape {value.shape} does not fit {self._describe()} "
                    f"of shape {self.shape}"
                )
        self._extra().grad = value

    def _extra(self) -> Extra:
        node = self._identity()
        if node.extra is None:
            node.extra = Extra()
        return node.extra

    @property
    def name(self) -> str | None:
        """The name of the tensor in pictures, comparisons and messages.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0], name="W").name
        'W'
        """
        return self._node.name if self._node is not None else None

    @name.setter
    def name(self, name: str | None) -> None:
        self._identity().name = _checked_name(name)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor. It can be set on a leaf only.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0])
        >>> x.requires_grad = True
        >>> (2 * x).requires_grad
        True
        """
        return self._node is not None and self._node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        node = self._identity()
        if not isinstance(node, Leaf):
            raise ValueError(
                f"{self._describe()} is the result of an operation, so requires_grad cannot be set "
                "on it; use .detach() for a tensor that gradients stop at"
            )
        if value and self.dtype.kind not in "fc":
            raise TypeError(
                f"{self._describe()} has dtype {self.dtype}, and only floating-point tensors have "
                "gradients; make it from floats, or pass dtype=np.float64"
            )
        if value and not node.owns_data:
            # What was an unrecorded result becomes a parameter, whose array nobody else has.
            self._value = node.own(fixed(self._value))
        node.requires_grad = bool(value)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0], requires_grad=True)
        >>> x.is_leaf, (2 * x).is_leaf
        (True, False)
        """
        return self._node.__class__ is not Node

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).shape
        (1, 2)
        """
        return self._value.shape

    @property
    def ndim(self) -> int:
        """The number of axes.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).ndim
        2
        """
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of elements.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).size
        2
        """
        return self._value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).dtype
        dtype('float64')
        """
        return self._value.dtype

    @property
    def itemsize(self) -> int:
        """The bytes of an element.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).itemsize
        8
        """
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).nbytes
        16
        """
        return self.size * self.dtype.itemsize

    @property
    def base(self) -> Any:
        """The array whose memory this tensor's is a part of; None if it is its own.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).base is None
        True
        """
        return self._seen().base

    @property
    def real(self) -> Tensor:
        """The real part.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0 + 2.0j]).real
        Tensor([1.])
        """
        return record(OPERATIONS[np.real], (self,), NO_OPTIONS)

    @property
    def imag(self) -> Tensor:
        """The imaginary part.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0 + 2.0j]).imag
        Tensor([2.])
        """
        return record(OPERATIONS[np.imag], (self,), NO_OPTIONS)

    @property
    def T(self) -> Tensor:
        """The transpose.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).T
        Tensor([[1.],
                [2.]])
        """
        return record(OPERATIONS[np.transpose], (self,), NO_OPTIONS)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[[1.0, 2.0]]]).mT.shape
        (1, 2, 1)
        """
        return dispatch(np.matrix_transpose, (self,), NO_OPTIONS)

    @property
    def flat(self) -> Any:
        """The elements in a row, of order C, as a tensor.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).flat
        Tensor([1., 2.])
        """
        return dispatch(np.ravel, (self,), NO_OPTIONS)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a Tensor of no dimensions has no length")
        return self.shape[0]

    def __getitem__(self, index: Index) -> Tensor:
        return record(_GETITEM, (self, _fixed(index)), NO_OPTIONS)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __setitem__(self, index: Index, value: Any) -> None:
        raise TypeError(
            f"{self._describe()} cannot be assigned to item by item: nothing would record it. Use "
            "np.where, np.concatenate or np.stack; a leaf's values can be written through .data"
        )

    def __delitem__(self, index: Index) -> None:
        raise TypeError(
            f"{self._describe()} cannot lose elements; use np.delete, which is recorded"
        )

    def __repr__(self) -> str:
        values = self._seen()
        if isinstance(values, (np.ndarray, np.generic)):
            text = np.array2string(np.asarray(values), separator=", ", prefix="Tensor(")
        else:
            text = repr(values)
        parts = [text]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={self.dtype}")
        if isinstance(self._node, Node):
            parts.append(f"operation={self._node.plan.operation.name}")
        elif self.requires_grad:
            parts.append("requires_grad=True")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        return f"Tensor({', '.join(parts)})"

    def _repr_html_(self) -> str | None:
        # A program without a notebook does without the import of html.
        from autograd_lite.tables import tensor_html

        return tensor_html(self)

    def __format__(self, specification: str) -> str:
        if not specification:
            return str(self)
        return format(self.item() if self.size == 1 else self.numpy(), specification)

    def __reduce__(self) -> Any:
        """Copies and pickles hold the values, the name and requires_grad; no gradient."""
        if isinstance(self._node, Node):
            raise TypeError(
                f"{self._describe()} is connected to its graph, and cannot be copied or pickled; "
                "take .detach() or .numpy() of it"
            )
        return _restored, (type(self), self.numpy(), self.requires_grad, self.name)

    def __copy__(self) -> Tensor:
        return copy.deepcopy(self)

    @answering
    def numpy(self) -> np.ndarray:
        """The values, as a new NumPy array that belongs to the caller.

        An array of another library is converted: computed, or copied from the GPU.

        Returns
        -------
        ndarray

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).numpy()
        array([1., 2.])
        """
        value = ungated(self._seen())
        # CuPy's arrays turn into NumPy's by this method only.
        return np.array(value.get() if is_foreign(value) and hasattr(value, "get") else value)

    def detach(self) -> Tensor:
        """A tensor of the same values that gradients stop at; it shares memory, read-only.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0], requires_grad=True)
        >>> (x * x.detach()).sum().backward()
        >>> x.grad
        array([1.])
        """
        view = self._seen()
        if isinstance(view, np.ndarray):
            view = view.view()
            view.flags.writeable = False
        node = self._node
        if node is not None and node.requires_grad:
            node = Disconnected(f"{self._describe()} went through .detach() at {users_line()}")
        return make(view, node if isinstance(node, Disconnected) else None)

    @answering
    def zero_grad(self) -> None:
        """Forget the gradient.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0], requires_grad=True)
        >>> x.sum().backward()
        >>> x.zero_grad()
        >>> x.grad is None
        True
        """
        if self._node is not None and self._node.extra is not None:
            self._node.extra.grad = None

    def retain_grad(self) -> None:
        """Have `backward()` leave this tensor's gradient in `.grad`, although it is no leaf.

        Raises
        ------
        ValueError
            Where the tensor does not require grad.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0, 2.0], requires_grad=True)
        >>> y = x**2
        >>> y.retain_grad()
        >>> (3 * y).sum().backward()
        >>> y.grad
        array([3., 3.])
        """
        if not self.requires_grad:
            raise ValueError(
                f"{self._describe()} does not require grad, so there is none to retain"
            )
        self._extra().retain = True

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` when backward has this tensor's gradient; returns a remover.

        What the hook returns, if not None, takes the gradient's place. It must not write to the
        array that it is given.

        Parameters
        ----------
        hook : callable
            `hook(gradient)` of an array; what it returns, if not None, takes the gradient's place.
            It must not write to the array that it is given.

        Returns
        -------
        callable
            Without arguments: it removes the hook.

        Raises
        ------
        ValueError
            Where the tensor does not require grad.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0, 2.0], requires_grad=True)
        >>> remove = x.register_hook(lambda gradient: np.clip(gradient, -1, 1))
        >>> (x * 5).sum().backward()
        >>> x.grad
        array([1., 1.])
        >>> remove()
        """
        if not self.requires_grad:
            raise ValueError(f"{self._describe()} does not require grad, so no gradient arrives")
        hooks = self._extra().hooks
        hooks.append(hook)
        return lambda: hooks.remove(hook) if hook in hooks else None

    @answering
    def backward(self, gradient: ArrayLike = None, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to each leaf to the leaf's `.grad`.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the final result with respect to this tensor, of this tensor's shape.
            May be left out for a tensor of one element, where it is 1.
        retain_graph : bool
            Keep the graph, to go through it again. Otherwise it is freed on the way, and with it
            the locks on the arrays that it keeps.

        Raises
        ------
        RuntimeError
            Where this tensor depends on none that requires grad, or the graph was freed before.
        ValueError
            Where it has several elements, or is complex, and there is no `gradient`; where the
            shapes differ.

        See Also
        --------
        autograd_lite.gradients : Returns gradients, and leaves `.grad` alone.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).backward(gradient=[1.0, 10.0])
        >>> x.grad
        array([ 2., 40.])
        """
        self._check_connected("backward()")
        node = self._node
        seed = self._seed(gradient)
        if not isinstance(node, Node):
            accumulate(cast(Leaf, node), seed)
            return
        grads = propagate(node, seed, freed_by=None if retain_graph else users_line())
        if is_lazy(self._value):
            self._settle(grads)
        leaves: list[Any] = list(grads)
        for leaf in leaves:
            # Popped on the way, so that nothing but accumulate() holds the gradient.
            accumulate(leaf, grads.pop(leaf))

    def _settle(self, grads: dict[Any, Any]) -> None:
        """Compute this tensor and the gradients of leaves with NumPy data in one Dask graph."""
        leaves = list(grads)
        gradients = [ungated(grads[leaf]) for leaf in leaves]
        self._value, found = compute_for(self._value, gradients, [leaf.array for leaf in leaves])
        grads.update(zip(leaves, found, strict=True))

    def _check_connected(self, caller: str) -> None:
        if not self.requires_grad:
            lost = f": {self._node.how}" if isinstance(self._node, Disconnected) else ""
            raise RuntimeError(
                f"{caller} from {self._describe()}, which does not depend on any tensor that "
                f"requires grad{lost}. Give the parameters requires_grad=True before the "
                "computation, and keep .data, .detach() and al.no_grad() out of it; setting "
                "requires_grad on the result does not help"
            )

    def _seed(self, gradient: ArrayLike) -> Array:
        """The gradient that backward starts with."""
        if gradient is None:
            if self.dtype.kind == "c":
                raise ValueError(
                    f"a gradient is that of a real scalar, and {self._describe()} is complex; take "
                    "np.real, np.imag or np.abs of it, or pass backward(gradient=...)"
                )
            if self.size != 1:
                raise ValueError(self._not_scalar_message())
            scalar = isinstance(self._value, (np.ndarray, np.generic)) and not self.shape
            return self.dtype.type(1) if scalar else np.ones_like(self._value)
        seed = _alike(gradient, self._value)
        if seed.shape != self.shape:
            raise ValueError(
                f"backward(gradient=...) got shape {seed.shape}, but {self._describe()} has shape "
                f"{self.shape}"
            )
        return seed[()] if isinstance(seed, np.ndarray) and not seed.shape else seed

    def _not_scalar_message(self) -> str:
        message = (
            f"backward() starts from a scalar, but {self._describe()} has shape {self.shape}. "
            "Reduce it with .sum() or .mean(), or pass backward(gradient=...) of that shape"
        )
        found = _broadcast(self._node)
        if found is not None:
            node, (first, second) = found
            whose = "its" if node is self._node else f"{node.plan.operation.name}'s"
            message += f". Were {whose} operands of shapes {first} and {second} meant to broadcast?"
        return message

    # Objects to a type checker: what an array on the left computes with a Tensor is Any then, and
    # not an array.
    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> np.ndarray[Any, np.dtype[np.object_]]:
        if self.requires_grad and is_recording():
            # A library asks through helpers of its own.
            frames = itertools.islice(traceback.walk_stack(sys._getframe(1)), 4)
            asking = [f"{frame.f_globals.get('__name__')}." for frame, _ in frames]
            way_out = next(
                (
                    way
                    for m in asking
                    for name, way in _WAYS_TO_ARRAYS.items()
                    if m.startswith(f"{name}.")
                ),
                "to collect tensors in an array use np.stack or np.concatenate, or np.block for "
                "nested lists",
            )
            raise TypeError(
                f"{self._describe()} requires grad, so it does not turn into a NumPy array by "
                f"itself: the gradient would be lost. Use .data or .detach() where that is meant; "
                f"{way_out}"
            )
        if copy or (dtype is not None and dtype != self.dtype):
            return np.array(self._seen(), dtype=dtype)
        # An array of another library converts itself, or says why it does not.
        return self.data if isinstance(self._seen(), np.ndarray) else np.asarray(self._seen())

    def __bool__(self) -> bool:
        return bool(self._seen())

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        if self.requires_grad and is_recording():
            raise TypeError(
                f"{kind}() of {self._describe()}, which requires grad, would lose the gradient. "
                "Use .item() where the number is meant, NumPy's functions instead of math's, and "
                "np.stack or np.concatenate instead of assigning tensors to an array's items"
            )
        return self._seen().item()

    def __index__(self) -> int:
        return operator.index(self._seen())

    def __round__(self, digits: int | None = None) -> Any:
        if self.shape:
            raise TypeError(
                f"round() takes a number, and {self._describe()} has shape {self.shape}; use "
                "np.round"
            )
        rounded = np.round(cast(Any, self), digits or 0)
        return int(rounded) if digits is None else rounded

    def __dlpack__(self, **options: Any) -> Any:
        """The values for another library, copied: nobody writes past a lock."""
        if options.pop("copy", None) is False:
            raise BufferError("a Tensor's memory is not shared by DLPack; omit copy=False")
        return cast(Any, self.__array__(copy=True)).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        """NumPy, since its functions record Tensors."""
        return np.empty(0).__array_namespace__(api_version=api_version)

    __class_getitem__: Any = classmethod(GenericAlias)

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **kwargs: Any) -> Any:
        return called_ufunc(ufunc, how, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return called(func, args, kwargs)

    def __divmod__(self, other: Operand) -> tuple[Any, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Operand) -> tuple[Any, Tensor]:
        return other // self, other % self

    def __neg__(self) -> Tensor:
        return record(OPERATIONS[np.negative], (self,), NO_OPTIONS, operator.neg)

    def __pos__(self) -> Tensor:
        return record(OPERATIONS[np.positive], (self,), NO_OPTIONS, operator.pos)

    def __invert__(self) -> Any:
        return dispatch(np.invert, (self,), NO_OPTIONS)

    def __abs__(self) -> Tensor:
        return record(OPERATIONS[np.absolute], (self,), NO_OPTIONS, operator.abs)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """The parts along `axis` for which `condition` is true; of all elements by default.

        Parameters
        ----------
        condition : array_like of bool
            As long as the axis.
        axis : int, optional
            None takes all elements in a row.
        out : array, optional
            An array to write to, where no gradient would be lost.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0, 3.0]).compress([True, False, True])
        Tensor([1., 3.])
        """
        return called(np.compress, (condition, self, axis, out), {})

    def copy(self, order: Any = "C") -> Any:
        """The same values in memory of their own, recorded.

        Parameters
        ----------
        order : {"C", "F", "A", "K"}
            How the elements lie in memory, as in `np.copy`.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0]).copy()
        Tensor([1., 2.])
        """
        return dispatch(np.copy, (self,), {"order": order})

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """The tensor itself, which is where its array is; ValueError for another device.

        Parameters
        ----------
        device : str
            The name of the device that the array is on, "cpu" for NumPy's.
        stream : None
            There is none.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            For another device, or a stream.

        Examples
        --------
        >>> import autograd_lite as al
        >>> x = al.Tensor([1.0])
        >>> x.to_device("cpu") is x
        True
        """
        if device != self.device or stream is not None:
            raise ValueError(
                f"{self._describe()} stays on {self.device!r}; make a Tensor of an array that is "
                "on the other device"
            )
        return self

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Tensor:
        """The same values in another dtype, cast as NumPy's `astype` does.

        Parameters
        ----------
        dtype : dtype
            What to cast to. Gradients flow back through floating-point and complex dtypes only.
        order, casting, subok : str, str and bool
            As NumPy's `astype` takes them.
        copy : bool
            False gives the tensor itself where nothing is to be done.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> al.Tensor([1.5, 2.0]).astype(np.float32)
        Tensor([1.5, 2. ], dtype=float32)
        """
        dtype = np.dtype(dtype)
        if not copy and dtype == self.dtype and order == "K":
            return self
        change = operator.methodcaller("astype", dtype)
        compute = None
        if (order, casting) != ("K", "unsafe"):
            change = operator.methodcaller("astype", dtype, order=order, casting=casting)
            compute = first(change)
        if dtype.kind not in "fc":
            return make(change(self._seen()), None)
        return record(OPERATIONS[astype], (self, dtype), NO_OPTIONS, compute)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Tensor:
        """The same values in another shape, given as one tuple or as several numbers.

        Parameters
        ----------
        *shape : int or tuple of int
            One length may be -1: what is left of the others.
        order : {"C", "F", "A"}
            In which order elements are read and placed, as in `np.reshape`.
        copy : bool, optional
            As in `np.reshape`.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where the elements do not fill the shape.

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1)
        Tensor([[1., 2.],
                [3., 4.]])
        """
        new = shape[0] if len(shape) == 1 else shape
        options = {"order": order} if copy is None else {"order": order, "copy": copy}
        return record(OPERATIONS[np.reshape], (self, new), options)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, given as a tuple or as numbers; reversed by default.

        Parameters
        ----------
        *axes : int or tuple of int
            Where each axis comes from.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> import autograd_lite as al
        >>> al.Tensor([[1.0, 2.0]]).transpose().shape
        (2, 1)
        """
        order = axes[0] if len(axes) == 1 else axes or None
        return record(OPERATIONS[np.transpose], (self, order), NO_OPTIONS)

    if not TYPE_CHECKING:  # Operators says what they take and give.
        flags = of_array("flags", ">>> al.Tensor([1.0, 2.0]).flags.c_contiguous\nTrue")
        strides = of_array("strides", ">>> al.Tensor([[1.0, 2.0]]).strides\n(16, 8)")
        ctypes = of_array("ctypes", ">>> list(al.Tensor([[1.0, 2.0]]).ctypes.shape)\n[1, 2]")
        device = of_array("device", ">>> al.Tensor([1.0, 2.0]).device\n'cpu'")

        def __getattr__(self, name: str) -> Any:
            if name[:2] == "__":
                # NumPy asks each operand for some of these.
                raise AttributeError(f"'Tensor' object has no attribute {name!r}")
            if hasattr(type(self), name):
                # A property raised AttributeError itself: its own error says more.
                return object.__getattribute__(self, name)
            raise missing_attribute(name, dir(type(self)))

        __floor__ = whole(np.floor)
        __ceil__ = whole(np.ceil)
        __trunc__ = whole(np.trunc)

        __add__ = direct(np.add, operator.add)
        __radd__ = reflected(np.add, operator.add)
        __sub__ = direct(np.subtract, operator.sub)
        __rsub__ = reflected(np.subtract, operator.sub)
        __mul__ = direct(np.multiply, operator.mul)
        __rmul__ = reflected(np.multiply, operator.mul)
        __truediv__ = direct(np.divide, operator.truediv)
        __rtruediv__ = reflected(np.divide, operator.truediv)
        __mod__ = direct(np.remainder, operator.mod)
        __rmod__ = reflected(np.remainder, operator.mod)
        __pow__ = direct(np.power, operator.pow)
        __rpow__ = reflected(np.power, operator.pow)
        __matmul__ = direct(np.matmul, operator.matmul)
        __rmatmul__ = reflected(np.matmul, operator.matmul)

        __floordiv__ = dispatched(np.floor_divide)
        __rfloordiv__ = dispatched_reflected(np.floor_divide)
        __and__ = dispatched(np.bitwise_and)
        __rand__ = dispatched_reflected(np.bitwise_and)
        __or__ = dispatched(np.bitwise_or)
        __ror__ = dispatched_reflected(np.bitwise_or)
        __xor__ = dispatched(np.bitwise_xor)
        __rxor__ = dispatched_reflected(np.bitwise_xor)
        __lshift__ = dispatched(np.left_shift)
        __rlshift__ = dispatched_reflected(np.left_shift)
        __rshift__ = dispatched(np.right_shift)
        __rrshift__ = dispatched_reflected(np.right_shift)

        __iadd__ = in_place("+", operator.add, operator.iadd)
        __isub__ = in_place("-", operator.sub, operator.isub)
        __imul__ = in_place("*", operator.mul, operator.imul)
        __itruediv__ = in_place("/", operator.truediv, operator.itruediv)
        __ifloordiv__ = in_place("//", operator.floordiv, operator.ifloordiv)
        __imod__ = in_place("%", operator.mod, operator.imod)
        __ipow__ = in_place("**", operator.pow, operator.ipow)
        __imatmul__ = in_place("@", operator.matmul, operator.imatmul)
        __iand__ = in_place("&", operator.and_, operator.iand)
        __ior__ = in_place("|", operator.or_, operator.ior)
        __ixor__ = in_place("^", operator.xor, operator.ixor)
        __ilshift__ = in_place("<<", operator.lshift, operator.ilshift)
        __irshift__ = in_place(">>", operator.rshift, operator.irshift)

        __eq__ = comparison(operator.eq)
        __ne__ = comparison(operator.ne)
        __lt__ = comparison(operator.lt)
        __le__ = comparison(operator.le)
        __gt__ = comparison(operator.gt)
        __ge__ = comparison(operator.ge)
        __hash__ = object.__hash__


def _broadcast(node: Any) -> tuple[Node, list[tuple[int, ...]]] | None:
    """The node that first had the shape of `node`, and the shapes of its two operands."""
    while isinstance(node, Node):
        operands = [p for p in node.parents or () if hasattr(p, "shape")]
        alike = [p for p in operands if p.shape == node.shape]
        if not alike:
            return (node, [p.shape for p in operands]) if len(operands) == 2 else None
        node = alike[0]
    return None


def _checked_name(name: str | None) -> str | None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a name is a string or None, not {name!r}")
    return name


def _as_data(data: ArrayLike, dtype: Any, copy: bool) -> Array:
    """`data` as the array that a new Tensor holds."""
    if isinstance(data, Tensor):
        raise TypeError(
            f"{data._describe()} is a Tensor already; use .detach() for one that gradients stop "
            "at, or .data for its array"
        )
    if isinstance(data, np.ndarray):
        adopt(data)
    if speaks_protocols(data) and not isinstance(data, np.ndarray) and not np.isscalar(data):
        if dtype is None and getattr(data, "weak", False):
            # What stands for a Python number becomes what an array of one would be.
            dtype = data.dtype
        return adopt(data if dtype is None else data.astype(dtype))
    # A view when shared, so that each leaf has an array object of its own.
    array = np.array(data, dtype=dtype) if copy else np.asarray(data, dtype=dtype).view()
    if array.dtype == object and not array.shape:
        # NumPy took it for a single thing: it may be a sparse matrix, which says how to convert it.
        adopt(data)
    check_array(array)
    return array


def _alike(value: Any, own: Array) -> Any:
    """`value` as an array of the dtype of `own`; a foreign one as it is."""
    if isinstance(value, Tensor):
        value = value._value
    if not is_foreign(value):
        return np.array(value, dtype=own.dtype)
    return adopt(value if value.dtype == own.dtype else value.astype(own.dtype))


def _restored(
    kind: type[Tensor], data: np.ndarray, requires_grad: bool, name: str | None
) -> Tensor:
    tensor = kind.__new__(kind)
    Tensor.__init__(tensor, data, requires_grad, name=name)
    return tensor


def label(variables: Mapping[str, Any]) -> None:
    """Name every unnamed Tensor in a mapping after its key: `al.label(locals())`.

    NumPy arrays get a name likewise, which pictures of the graphs that read them show.

    Parameters
    ----------
    variables : mapping of str to anything
        Such as `locals()`. What is no Tensor and no array is left out, and so are the names that
        a shell gives to results: `_`, `__`, `_1`.

    Raises
    ------
    TypeError
        Where it is no mapping.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> W, x = al.Tensor([1.0], requires_grad=True), np.ones(1)
    >>> al.label(locals())
    >>> W
    Tensor([1.], requires_grad=True, name='W')
    """
    if not isinstance(variables, Mapping):
        raise TypeError(f"label() takes a mapping such as locals(), not {variables!r}")
    for name, value in variables.items():
        if re.fullmatch(r"_+\d*", str(name)):
            continue
        if isinstance(value, Tensor):
            if value.name is None:
                value.name = name
        elif isinstance(value, np.ndarray):
            name_array(value, name)


def living_tensors() -> list[Tensor]:
    """Every Tensor that is alive. It looks through all objects, so it is no part of a loop."""
    # By its type: `isinstance` asks objects for their __class__, and lazy ones would load it.
    return [o for o in gc.get_objects() if issubclass(type(o), Tensor) and hasattr(o, "_value")]


def replace_array(leaf: Tensor, array: Array) -> None:
    """Have a leaf hold another array, of its shape and dtype and of any library, from now on.

    ValueError for the result of an operation, and for an array of another shape or dtype.

    Parameters
    ----------
    leaf : Tensor
        A tensor that no operation made.
    array : array
        NumPy's, or that of another library.

    Raises
    ------
    ValueError
        For the result of an operation, and for an array of another shape or dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import replace_array
    >>> x = al.Tensor([1.0, 2.0])
    >>> replace_array(x, np.array([3.0, 4.0]))
    >>> x
    Tensor([3., 4.])
    """
    node = leaf._node
    if not isinstance(node, Leaf):
        raise ValueError(f"{leaf._describe()} is the result of an operation, which holds no array")
    if (array.shape, array.dtype) != (leaf.shape, leaf.dtype):
        raise ValueError(
            f"{leaf._describe()} of {leaf.dtype} {leaf.shape} cannot hold an array of "
            f"{array.dtype} {array.shape}"
        )
    leaf._value = node.own(array)
