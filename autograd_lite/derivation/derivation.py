"""al.derive: the derivation of a gradient written out, as a person would write it."""

from __future__ import annotations

import linecache
import os
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.derivation.differentiated import Differentiated, recorded
from autograd_lite.derivation.latex import equations
from autograd_lite.derivation.module import Written
from autograd_lite.derivation.statements import written
from autograd_lite.files import write
from autograd_lite.source import remembered


def derive(
    function: Callable[..., Any], *inputs: Any, wrt: str | int | Sequence[str | int] | None = None
) -> Derivation:
    """The derivation of the gradient of `function`, as NumPy source.

    The function is run on the inputs, and on arrays of other lengths made of them, and what it
    computed is written out under the names of its local variables, forward and backward.
    Element-wise formulas are simplified by SymPy (extra `derive`), and a simpler form is taken only
    if it gives the same numbers on these inputs and on others near them. What depends on lengths of
    axes is written as an expression of them; a length that is part of the formulas is checked. Axes
    of weights with a length of 1 are taken to keep it.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or lists, tuples and dicts of them; returns a real scalar.
    *inputs
        Example inputs.
    wrt : name or position, or a sequence of them, optional
        What to differentiate with respect to: parameters of the function. By default the tensors
        that require grad which the function uses (those of a module); if there are none, its
        first parameter where that is a list or a dict, or else all floating-point ones.

    Returns
    -------
    Derivation
        `str()` of it is the module; `forward` and `backward` are its functions.

    Raises
    ------
    TracedValueError
        Where the function branches on a value, or does anything else that holds for these inputs
        only.
    TypeError
        Where the result is no real scalar, or something in it has no form in plain NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> d = al.derive(lambda w, x: np.sum(w * x), np.ones(2), np.arange(2.0), wrt="w")
    >>> loss, cache = d.forward(np.ones(2), np.arange(2.0))
    >>> d.backward(np.ones(2), np.arange(2.0), cache)
    {'dw': array([0., 1.])}
    """
    if not callable(function):
        raise TypeError(f"derive() takes a function, not {type(function).__name__}")
    differentiated = recorded(function, inputs, wrt)
    return Derivation(differentiated, written(differentiated))


class Derivation:
    """A forward and a backward pass, written out.

    `forward(*inputs)` returns the value and a cache, and `backward(*inputs, cache)` the gradients
    by name, `dW1` of W1; `al.check_derivation(d.forward, d.backward, *inputs)` marks them.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> d = al.derive(lambda w, x: np.sum(w * x), np.ones(2), np.arange(2.0), wrt="w")
    >>> loss, cache = d.forward(np.ones(2), np.arange(2.0))
    >>> d.backward(np.ones(2), np.arange(2.0), cache)
    {'dw': array([0., 1.])}
    """

    def __init__(self, differentiated: Differentiated, text: Written) -> None:
        self.name: str = differentiated.name
        self.source: str = text.source
        self._written = text
        namespace: dict[str, Any] = {"__name__": f"derivation of {differentiated.name}"}
        noted = _Noted(text.source)
        # As long as the functions are there, which their globals are a part of.
        namespace["__source__"] = noted
        exec(compile(text.source, noted.filename, "exec"), namespace)
        self.forward: Callable[..., Any] = namespace["forward"]
        self.backward: Callable[..., Any] = namespace["backward"]

    @property
    def latex(self) -> str:
        """The same derivation as aligned equations, with the chain rule spelled out."""
        return equations(self._written)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the source to a file, which then is a module of its own that needs NumPy only.

        Parameters
        ----------
        path : path
            The file, which is replaced as a whole.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        write(path, self.source.encode(), "derivation")

    def _repr_markdown_(self) -> str:
        return f"$$\n{self.latex}\n$$\n\n```python\n{self.source}```"

    def __repr__(self) -> str:
        return self.source


class _Noted:
    """Source under a file name by which tracebacks, and al.check_derivation, find it."""

    def __init__(self, source: str) -> None:
        self.filename = remembered("derivation", source)
        weakref.finalize(self, linecache.cache.pop, self.filename, None).atexit = False
