# mypy: disable-error-code="empty-body"
"""The methods of NumPy's arrays on Tensors: their signatures and help, and what each calls.

A method is written without a body: the decorator makes it call a function, and adds to its help
what a parameter of that name and type means everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.methods import cut_off, method, reading, refused
from autograd_lite.rules.special import relu, sigmoid

Axes = int | tuple[int, ...] | None
Axis = int | None


class ArrayMethods:
    """Methods that a Tensor has as an array has them.

    They take what the array's take, except `out=` where a gradient would be lost.
    """

    __slots__ = ()

    @method(np.sum)
    def sum(
        self,
        axis: Axes = None,
        dtype: Any = None,
        *,
        keepdims: bool = False,
        initial: Any = 0,
        where: Any = True,
    ) -> Any:
        """The sum of the elements, of all of them or along `axis`.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0)
        Tensor([4., 6.])
        """

    @method(np.prod)
    def prod(
        self,
        axis: Axes = None,
        dtype: Any = None,
        *,
        keepdims: bool = False,
        initial: Any = 1,
        where: Any = True,
    ) -> Any:
        """The product of the elements, of all of them or along `axis`.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).prod(axis=1)
        Tensor([ 2., 12.])
        """

    @method(np.mean)
    def mean(
        self, axis: Axes = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
    ) -> Any:
        """The mean of the elements, of all of them or along `axis`.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).mean(axis=0)
        Tensor([2., 3.])
        """

    @method(np.var)
    def var(
        self,
        axis: Axes = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        mean: Any = None,
        correction: float = 0,
    ) -> Any:
        """The variance: the mean of the squared distances from the mean.

        >>> al.Tensor([1.0, 3.0]).var().item()
        1.0
        """

    @method(np.std)
    def std(
        self,
        axis: Axes = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        mean: Any = None,
        correction: float = 0,
    ) -> Any:
        """The standard deviation: the root of the variance.

        Its derivative is 0 where all elements are equal.

        >>> al.Tensor([1.0, 3.0]).std().item()
        1.0
        """

    @method(np.max)
    def max(
        self, axis: Axes = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        """The largest element, of all of them or along `axis`; ties share the gradient equally.

        >>> x = al.Tensor([1.0, 2.0, 2.0], requires_grad=True)
        >>> x.max().backward()
        >>> x.grad
        array([0. , 0.5, 0.5])
        """

    @method(np.min)
    def min(
        self, axis: Axes = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        """The smallest element, of all of them or along `axis`; ties share the gradient equally.

        >>> al.Tensor([[1.0, 2.0], [4.0, 3.0]]).min(axis=1)
        Tensor([1., 3.])
        """

    @method(np.cumsum)
    def cumsum(self, axis: Axis = None, dtype: Any = None) -> Any:
        """The sum of each element and all before it.

        >>> al.Tensor([1.0, 2.0, 3.0]).cumsum()
        Tensor([1., 3., 6.])
        """

    @method(np.cumprod)
    def cumprod(self, axis: Axis = None, dtype: Any = None) -> Any:
        """The product of each element and all before it.

        >>> al.Tensor([1.0, 2.0, 3.0]).cumprod()
        Tensor([1., 2., 6.])
        """

    @method(np.trace)
    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
        """The sum of the diagonal.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).trace().item()
        5.0
        """

    @method(np.dot)
    def dot(self, b: Any) -> Any:
        """The product of matrices, of vectors, or of a matrix and a vector, as `np.dot`.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).dot([1.0, 10.0])
        Tensor([21., 43.])
        """

    @method(np.clip)
    def clip(self, min: Any = None, max: Any = None) -> Any:
        """The elements, but no smaller than `min` and no larger than `max`.

        >>> al.Tensor([-1.0, 0.5, 2.0]).clip(0, 1)
        Tensor([0. , 0.5, 1. ])
        """

    @method(np.conjugate)
    def conj(self) -> Any:
        """The complex conjugate.

        >>> al.Tensor([1.0 + 2.0j]).conj()
        Tensor([1.-2.j], dtype=complex128)
        """

    conjugate = conj

    @method(np.exp)
    def exp(self) -> Any:
        """e to the power of each element.

        >>> al.Tensor([0.0]).exp()
        Tensor([1.])
        """

    @method(np.log)
    def log(self) -> Any:
        """The natural logarithm of each element.

        >>> al.Tensor([1.0]).log()
        Tensor([0.])
        """

    @method(np.sqrt)
    def sqrt(self) -> Any:
        """The square root of each element.

        >>> al.Tensor([9.0]).sqrt()
        Tensor([3.])
        """

    @method(np.tanh)
    def tanh(self) -> Any:
        """The hyperbolic tangent of each element.

        >>> al.Tensor([0.0]).tanh()
        Tensor([0.])
        """

    @method(sigmoid)
    def sigmoid(self) -> Any:
        """The logistic function 1 / (1 + exp(-z)) of each element z, as `al.sigmoid`.

        >>> al.Tensor([0.0]).sigmoid()
        Tensor([0.5])
        """

    @method(relu)
    def relu(self, at_zero: float = 1.0) -> Any:
        """max(0, z) of each element z, as `al.relu`.

        >>> al.Tensor([-1.0, 2.0]).relu()
        Tensor([0., 2.])
        """

    @method(np.ravel)
    def ravel(self, order: str = "C") -> Any:
        """The elements in a row.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).ravel()
        Tensor([1., 2., 3., 4.])
        """

    @method(np.ravel)
    def flatten(self, order: str = "C") -> Any:
        """All elements in a row.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).flatten()
        Tensor([1., 2., 3., 4.])
        """

    @method(np.squeeze)
    def squeeze(self, axis: Axes = None) -> Any:
        """The same elements without the axes of length 1: all of these, or those in `axis`.

        >>> al.Tensor([[[1.0, 2.0]]]).squeeze()
        Tensor([1., 2.])
        """

    @method(np.swapaxes)
    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """The same elements with two axes exchanged.

        >>> al.Tensor([[1.0, 2.0]]).swapaxes(0, 1).shape
        (2, 1)
        """

    @method(np.diagonal)
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The elements of the diagonal.

        >>> al.Tensor([[1.0, 2.0], [3.0, 4.0]]).diagonal()
        Tensor([1., 4.])
        """

    @method(np.take)
    def take(self, indices: Any, axis: Axis = None, *, mode: str = "raise") -> Any:
        """The elements at `indices`.

        >>> al.Tensor([1.0, 2.0, 3.0]).take([2, 0])
        Tensor([3., 1.])
        """

    @method(np.repeat)
    def repeat(self, repeats: Any, axis: Axis = None) -> Any:
        """Each element `repeats` times.

        >>> al.Tensor([1.0, 2.0]).repeat(2)
        Tensor([1., 1., 2., 2.])
        """

    @method(np.choose)
    def choose(self, choices: Any, *, mode: str = "raise") -> Any:
        """At each place the element of the array among `choices` that the number there selects.

        >>> al.Tensor([1, 0]).choose([al.Tensor([1.0, 2.0]), al.Tensor([3.0, 4.0])])
        Tensor([3., 2.])
        """

    @method(np.argmax)
    def argmax(self, axis: Axis = None, *, keepdims: bool = False) -> np.ndarray:
        """The index of the largest element; the first of them where there are several.

        >>> al.Tensor([[1.0, 2.0], [4.0, 3.0]]).argmax(axis=1)
        array([1, 0])
        """

    @method(np.argmin)
    def argmin(self, axis: Axis = None, *, keepdims: bool = False) -> np.ndarray:
        """The index of the smallest element; the first of them where there are several.

        >>> al.Tensor([[1.0, 2.0], [4.0, 3.0]]).argmin(axis=1)
        array([0, 1])
        """

    @method(np.argsort)
    def argsort(
        self, axis: Axis = -1, kind: str | None = None, *, stable: bool | None = None
    ) -> np.ndarray:
        """The indices that sort the elements.

        >>> al.Tensor([3.0, 1.0, 2.0]).argsort()
        array([1, 2, 0])
        """

    @method(np.argpartition)
    def argpartition(self, kth: Any, axis: Axis = -1, kind: str = "introselect") -> np.ndarray:
        """The indices that put the element of place `kth` there, and no larger ones before it.

        >>> int(al.Tensor([3.0, 1.0, 2.0]).argpartition(1)[1])
        2
        """

    @method(np.searchsorted)
    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> np.ndarray:
        """The indices at which `v` would have to be inserted to keep the elements sorted.

        >>> al.Tensor([1.0, 2.0, 3.0]).searchsorted([2.5])
        array([2])
        """

    @method(np.nonzero)
    def nonzero(self) -> tuple[np.ndarray, ...]:
        """The indices of the elements that are not 0: an array for each axis.

        >>> al.Tensor([0.0, 5.0]).nonzero()
        (array([1]),)
        """

    @method(np.round)
    def round(self, decimals: int = 0) -> np.ndarray:
        """The elements rounded, those in the middle to the even neighbour.

        >>> al.Tensor([1.26, 2.5]).round(1)
        array([1.3, 2.5])
        """

    @method(np.all)
    def all(self, axis: Axes = None, *, keepdims: bool = False, where: Any = True) -> np.ndarray:
        """Whether all elements are true.

        >>> al.Tensor([[1.0, 0.0], [1.0, 1.0]]).all(axis=1)
        array([False,  True])
        """

    @method(np.any)
    def any(self, axis: Axes = None, *, keepdims: bool = False, where: Any = True) -> np.ndarray:
        """Whether any element is true.

        >>> al.Tensor([[1.0, 0.0], [0.0, 0.0]]).any(axis=1)
        array([ True, False])
        """

    @reading
    def item(self, *args: Any) -> object:
        """The one element of a tensor, or that at an index, as a Python number.

        >>> al.Tensor([[1.5]]).item()
        1.5
        """

    @reading
    def tolist(self) -> object:
        """The elements as nested lists of Python numbers.

        >>> al.Tensor([[1.0, 2.0]]).tolist()
        [[1.0, 2.0]]
        """

    @reading
    def tobytes(self, order: str = "C") -> bytes:
        """The bytes of the elements.

        >>> al.Tensor([1.0]).tobytes()
        b'\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?'
        """

    @reading
    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Writes the elements to a file, as bytes or as text.

        >>> import os
        >>> al.Tensor([1.0, 2.0]).tofile(os.devnull, sep=" ")
        """

    @reading
    def dump(self, file: Any) -> None:
        """Writes a pickle of the values, as a NumPy array, to a file.

        >>> import os
        >>> al.Tensor([1.0, 2.0]).dump(os.devnull)
        """

    @reading
    def dumps(self) -> bytes:
        """A pickle of the values, as a NumPy array.

        >>> import pickle
        >>> pickle.loads(al.Tensor([1.0, 2.0]).dumps())
        array([1., 2.])
        """

    view = cut_off(
        "view",
        "use .reshape() for a shape, .astype() for a dtype",
        ">>> al.Tensor([1.0]).view(np.int64)\narray([4607182418800017408])",
    )
    getfield = cut_off(
        "getfield",
        "use .real, .imag or .astype()",
        ">>> al.Tensor([1.0 + 2.0j]).getfield(np.float64, 8)\narray([2.])",
    )
    byteswap = cut_off(
        "byteswap",
        "use .astype() with a dtype of the other byte order",
        ">>> al.Tensor(np.array([1], np.int16)).byteswap()\narray([256], dtype=int16)",
    )

    sort = refused(
        "sort",
        "use np.sort, which gives a new tensor, or .data.sort()",
        ">>> np.sort(al.Tensor([2.0, 1.0]))\nTensor([1., 2.])",
    )
    partition = refused(
        "partition",
        "use np.partition, which gives a new tensor, or .data.partition()",
        ">>> np.partition(al.Tensor([2.0, 1.0]), 0)\nTensor([1., 2.])",
    )
    fill = refused(
        "fill",
        "use np.full_like, or .data.fill() of a leaf",
        ">>> x = al.Tensor([2.0, 1.0])\n>>> x.data.fill(3)\n>>> x\nTensor([3., 3.])",
    )
    put = refused(
        "put",
        "use np.where or np.concatenate, or .data.put() of a leaf",
        ">>> np.where([True, False], 3.0, al.Tensor([2.0, 1.0]))\nTensor([3., 1.])",
    )
    resize = refused(
        "resize",
        "use np.resize or .reshape(), which give a new tensor",
        ">>> np.resize(al.Tensor([2.0, 1.0]), 3)\nTensor([2., 1., 2.])",
    )
    setfield = refused(
        "setfield",
        "use np.where, or .data.setfield() of a leaf",
        ">>> x = al.Tensor([2.0, 1.0])\n>>> x.data.setfield(3.0, np.float64)\n>>> x\n"
        "Tensor([3., 3.])",
    )
    setflags = refused(
        "setflags",
        "use .data.setflags() of a leaf",
        ">>> x = al.Tensor([2.0, 1.0])\n>>> x.data.setflags(write=True)",
    )
