"""Module: a part of a network that owns parameters and other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Never, NoReturn, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import (
    Array,
    ArrayLike,
    Operand,
    enclosed,
    entries,
    printable,
    quoted,
    replace_array,
)

from .contracts import Description, Shapes, State
from .spelling import Spelled, answering, check_known
from .summary import Summary, as_html, summarised

T = TypeVar("T")


def as_array(X: Operand) -> Array:
    """X unchanged if it implements NumPy's protocols, as Tensors do; else X as an array."""
    return X if hasattr(X, "__array_function__") else np.asarray(X)


def has_values(X: Operand) -> bool:
    """Whether the values of an array are known: while a function is compiled they are not."""
    return isinstance(X, (np.ndarray, np.generic))


class Parameter(al.Tensor):
    """A Tensor that a Module owns and that training changes, unless it is frozen.

    It requires grad at first. With `requires_grad = False` it is frozen: it stays a parameter of
    its module, and no optimiser changes it.

    Parameters
    ----------
    data : array_like
        Floating-point numbers, which are copied.
    requires_grad : bool
        False makes it frozen.
    dtype : dtype, optional
        The dtype to convert them to.
    name : str, optional
        Its name in pictures and messages.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.Parameter([[1.0, 2.0]], name="W")
    Tensor([[1., 2.]], requires_grad=True, name='W')
    """

    __slots__ = ()

    def __init__(
        self,
        data: ArrayLike,
        requires_grad: bool = True,
        *,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(data, requires_grad, dtype=dtype, name=name)


class _Parameters(list[Parameter]):
    """A list of parameters, which says so where it is taken for an iterator."""

    def __next__(self) -> NoReturn:
        raise TypeError("parameters() gives a list: write model.parameters()[0]")

    def __reduce__(self) -> tuple[type[list[Parameter]], tuple[list[Parameter]]]:
        return list, (list(self),)


class Module(Spelled):
    """A part of a network: its parameters are its attributes, and those of its sub-modules.

    A subclass computes in `forward(X)`. The samples are last: columns X (features, N). `.training`
    tells a layer like Dropout whether it is trained or used. `buffers` names the other arrays that
    belong to the state of the module.

    Parameters, frozen or not, and buffers are saved, loaded and moved. Whether a parameter is
    trained is its own `requires_grad`; `freeze()` and `unfreeze()` set it for a whole module.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, n):
    ...         self.gain = nn.Parameter(np.ones((n, 1)))
    ...
    ...     def forward(self, X):
    ...         return X * self.gain
    >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), Scale(3))
    >>> [path for path, _ in model.named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.1.gain']
    """

    training = True
    buffers: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, (al.Tensor, list, tuple, dict)):
            for _, tensor in _found(al.Tensor, "", value, set()):
                _adopt(tensor)
        super().__setattr__(name, value)

    def forward(self, X: Operand) -> Operand:
        """Computes the result for samples X; a subclass defines it, and `module(X)` calls it.

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Raises
        ------
        NotImplementedError
            In a class that defines no `forward`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> class Doubled(nn.Module):
        ...     def forward(self, X):
        ...         return 2 * X
        >>> Doubled()(np.array([[1.0, 2.0]]))
        array([[2., 4.]])
        """
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self, X: Operand, *others: Operand, **options: Never) -> Operand:
        if options:
            check_known(type(self).__name__, options, ())
        return enclosed(self, self.forward, X, *others)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yields this module with an empty path, and every module in it once, with its path.

        Yields
        ------
        path, module : str and Module

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> [(path, type(module).__name__) for path, module in model.named_modules()]
        [('', 'Sequential'), ('layers.0', 'Linear'), ('layers.1', 'ReLU')]
        """
        yield from _found(Module, "", self, set())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yields every parameter once, with its path, such as `layers.0.weight`.

        Parameters are found in attributes, in the lists, tuples and dicts that attributes hold,
        and in the modules among them. A leaf Tensor that requires grad becomes a Parameter. Frozen
        parameters are included: `requires_grad` tells which are trained.

        Yields
        ------
        path, parameter : str and Parameter

        Examples
        --------
        >>> from autograd_lite import nn
        >>> shared = nn.Linear(2, 2)
        >>> model = nn.Sequential(shared, nn.ReLU(), shared)
        >>> [(path, parameter.shape) for path, parameter in model.named_parameters()]
        [('layers.0.weight', (2, 2)), ('layers.0.bias', (2, 1))]
        """
        for path, tensor in _found(al.Tensor, "", self, set()):
            _adopt(tensor)
            if isinstance(tensor, Parameter) and tensor.is_leaf:
                yield path, tensor

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields every buffer with its path, such as `layers.1.running_mean`.

        Yields
        ------
        path, buffer : str and ndarray

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm(3))
        >>> [(path, buffer.shape) for path, buffer in model.named_buffers()]
        [('layers.1.running_mean', (3, 1)), ('layers.1.running_variance', (3, 1))]
        """
        for path, module in self.named_modules():
            for name in module.buffers:
                yield _joined(path, name), getattr(module, name)

    def named_generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """Yields every random generator once, with its path, such as `layers.2.generator`.

        Yields
        ------
        path, generator : str and numpy.random.Generator

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5, seed=0))
        >>> [path for path, _ in model.named_generators()]
        ['layers.1.generator']
        """
        yield from _found(np.random.Generator, "", self, set())

    @answering
    def parameters(self) -> list[Parameter]:
        """All parameters, including frozen ones.

        Returns
        -------
        list of Parameter

        Examples
        --------
        >>> from autograd_lite import nn
        >>> parameters = nn.Linear(2, 3).parameters()
        >>> [parameter.shape for parameter in parameters]
        [(3, 2), (3, 1)]
        >>> sum(parameter.size for parameter in parameters)
        9
        """
        return _Parameters(parameter for _, parameter in self.named_parameters())

    def freeze(self) -> Self:
        """Freezes all parameters: no gradient flows to them, and no optimiser changes them.

        Buffers are not parameters: in training mode BatchNorm's running statistics still follow the
        batches.

        Returns
        -------
        Module
            Itself.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3).freeze(), nn.ReLU(), nn.Linear(3, 1))
        >>> [parameter.requires_grad for parameter in model.parameters()]
        [False, False, True, True]
        """
        return self._set_trained(False)

    def unfreeze(self) -> Self:
        """Unfreezes all parameters, so that they are trained again.

        Returns
        -------
        Module
            Itself.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> layer = nn.Linear(2, 1).freeze()
        >>> layer.unfreeze().weight.requires_grad
        True
        """
        return self._set_trained(True)

    def _set_trained(self, trained: bool) -> Self:
        for parameter in self.parameters():
            parameter.requires_grad = trained
            parameter.zero_grad()
        return self

    def train(self, mode: bool = True) -> Self:
        """Sets `training` on this module and on every module in it.

        Parameters
        ----------
        mode : bool
            Whether the module is being trained.

        Returns
        -------
        Module
            Itself.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5)).eval()
        >>> model[1].training, model.train()[1].training
        (False, True)
        """
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Sets the module to be used, not trained: short for `train(False)`.

        Returns
        -------
        Module
            Itself.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Dropout(0.5)).eval()
        >>> model(np.ones((1, 4)))
        array([[1., 1., 1., 1.]])
        """
        return self.train(False)

    @answering
    def to(self, convert: Callable[[Array], Array]) -> Self:
        """Replaces the array of every parameter and buffer by `convert` of it.

        `model.to(cupy.asarray)` moves a model to a GPU, and `model.to(cupy.asnumpy)` back. Make
        the optimiser afterwards: the arrays of its state are of the same kind.

        Parameters
        ----------
        convert : callable
            Takes an array and returns one of the same shape and dtype.

        Returns
        -------
        Module
            Itself.

        Raises
        ------
        TypeError
            Where `convert` is no function.
        ValueError
            Where `convert` changes the shape or the dtype of a parameter.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Linear(2, 3).to(np.asfortranarray)
        >>> layer.weight.data.flags.f_contiguous
        True
        """
        if not callable(convert):
            raise TypeError(
                f"to() takes a function of an array, such as cupy.asarray or numpy.asarray, not "
                f"{convert!r}"
            )
        for path, parameter in self.named_parameters():
            array = convert(parameter.data)
            if (array.shape, array.dtype) != (parameter.shape, parameter.dtype):
                raise ValueError(
                    f"{path}: {parameter.dtype} {parameter.shape} became {array.dtype} "
                    f"{array.shape}; convert must keep the shape and the dtype, which layers take "
                    "as dtype="
                )
            parameter.zero_grad()
            replace_array(parameter, array)
        for _, module in self.named_modules():
            for name in module.buffers:
                setattr(module, name, convert(getattr(module, name)))
        return self

    @answering
    def zero_grad(self) -> None:
        """Discards the gradients of all parameters.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Linear(2, 1)
        >>> np.sum(layer(np.ones((2, 3)))).backward()
        >>> layer.bias.grad
        array([[3.]])
        >>> layer.zero_grad()
        >>> layer.bias.grad is None
        True
        """
        for parameter in self.parameters():
            parameter.zero_grad()

    @answering
    def summary(self, X: Operand) -> Summary:
        """A table of the layers: the output shape, the parameters, and the memory of both.

        Parameters
        ----------
        X : array or tuple of int
            An example input, or its shape with the samples last. The module is not changed.

        Returns
        -------
        Summary
            It prints as a table.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.ReLU())
        >>> print(model.summary((2, 10)))
        layer     kind          output   parameters  memory
        layers.0  Linear(2, 3)  (3, 10)           9   312 B
        layers.1  ReLU()        (3, 10)           0   240 B
        9 parameters; 552 B with the outputs of the layers
        """
        return summarised(self, X)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the values of all parameters and buffers, by path.

        Returns
        -------
        dict of str to ndarray

        Examples
        --------
        >>> from autograd_lite import nn
        >>> nn.Linear(2, 1, initialisation="zeros").state_dict()
        {'weight': array([[0., 0.]]), 'bias': array([[0.]])}
        """
        state = {path: parameter.numpy() for path, parameter in self.named_parameters()}
        return state | {path: buffer.copy() for path, buffer in self.named_buffers()}

    def describe(self) -> Description:
        """A description of the module for readers of a checkpoint.

        Returns
        -------
        dict

        Examples
        --------
        >>> from autograd_lite import nn
        >>> nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()).describe()
        {'model': 'Sequential', 'layout': 'Sequential(Linear(2, 1), Sigmoid())'}
        """
        return {"model": type(self).__name__, "layout": repr(self)}

    def expected_state(self, description: Description) -> Shapes:
        """The shape and dtype of every parameter and buffer in a checkpoint, by path.

        Parameters
        ----------
        description : mapping
            The description in a checkpoint; not read.

        Returns
        -------
        dict of str to (shape, dtype)

        Examples
        --------
        >>> from autograd_lite import nn
        >>> nn.Linear(2, 1).expected_state({})
        {'weight': ((1, 2), dtype('float64')), 'bias': ((1, 1), dtype('float64'))}
        """
        return {path: (a.shape, a.dtype) for path, a in self._own_state().items()}

    @answering
    def load_state_dict(self, state: State, description: Description | None = None) -> None:
        """Loads parameters and buffers from the result of `state_dict()`.

        Parameters
        ----------
        state : mapping of str to array
            Every parameter and buffer by path.
        description : mapping, optional
            Not read.

        Raises
        ------
        ValueError
            Where a path, a shape or a dtype does not match. The message names the path, and nothing
            is changed.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> trained, fresh = nn.Linear(2, 1, seed=0), nn.Linear(2, 1, seed=1)
        >>> fresh.load_state_dict(trained.state_dict())
        >>> np.array_equal(fresh.weight.data, trained.weight.data)
        True
        >>> nn.Linear(3, 1).load_state_dict(trained.state_dict())
        Traceback (most recent call last):
        ValueError: weight: the state has shape (1, 2), the model (1, 3)
        """
        own = self._own_state()
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            lacks, has = (quoted(sorted(names), 500) for names in (missing, unknown))
            raise ValueError(
                f"the state does not match {type(self).__name__}: missing {lacks}, unknown {has}"
            )
        for path, array in own.items():
            shown = printable(path)
            if state[path].shape != array.shape:
                raise ValueError(
                    f"{shown}: the state has shape {state[path].shape}, the model {array.shape}"
                )
            if state[path].dtype != array.dtype:
                raise ValueError(
                    f"{shown}: the state has dtype {state[path].dtype}, the model {array.dtype}"
                )
            if not array.flags.writeable:
                raise ValueError(f"{shown} is kept by a graph; load before the forward pass")
        for path, array in own.items():
            array[...] = state[path]

    def _own_state(self) -> dict[str, np.ndarray]:
        """The arrays of all parameters and buffers by path."""
        return {p: t.data for p, t in self.named_parameters()} | dict(self.named_buffers())

    def __repr__(self) -> str:
        inside = {name: value for name, value in vars(self).items() if _is_made_of_modules(value)}
        shown = (f"{printable(name)}={value!r}" for name, value in inside.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        return as_html(self)


def _adopt(tensor: al.Tensor) -> None:
    """Turns a leaf that requires grad into a Parameter; it stays one when it is frozen."""
    if type(tensor) is al.Tensor and tensor.is_leaf and tensor.requires_grad:
        tensor.__class__ = Parameter


def _is_made_of_modules(value: object) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return bool(items) and all(isinstance(item, Module) for item in items)


def _joined(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _found(kind: type[T], path: str, value: object, seen: set[int]) -> Iterator[tuple[str, T]]:
    """Yields the objects of a kind in a module, once each, with their paths."""
    inside: object = vars(value) if isinstance(value, Module) else value
    items = entries(dict(inside) if isinstance(inside, Mapping) else inside)
    if id(value) not in seen and (items or isinstance(value, kind)):
        seen.add(id(value))
        if isinstance(value, kind):
            yield path, value
        for name, item in items or ():
            yield from _found(kind, _joined(path, name), item, seen)
