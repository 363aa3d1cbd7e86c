"""The public face for other packages: operations, arrays of other libraries, pictures, files.

`nn` uses nothing of the engine besides this module and what `autograd_lite` itself exports.
Beside what it lists there are names for annotations, each `Any` to a type checker: `Array`, a
NumPy array or one that speaks NumPy's protocols; `ArrayLike`, what becomes one, a tensor too;
`Operand`, what an operation computes with, a tensor, an array or a number.

>>> import numpy as np
>>> from autograd_lite.extend import Traits, defvjp, primitive
>>> @primitive(Traits(elementwise=True))
... def cube(x):
...     return x**3
>>> defvjp(cube, x=lambda g, x: g * 3 * x**2)
"""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.arrays.blas import one_blas_thread
from autograd_lite.arrays.contracts import Array as Array
from autograd_lite.arrays.contracts import ArrayLike as ArrayLike
from autograd_lite.arrays.contracts import Operand as Operand
from autograd_lite.arrays.foreign import is_foreign
from autograd_lite.arrays.kinds import is_lazy
from autograd_lite.arrays.lazy import (
    adopt,
    compute,
    compute_blocks,
    computing_threads,
    expose,
    on_cluster,
    total,
)
from autograd_lite.arrays.trees import entries
from autograd_lite.elsewhere import answers, attribute_error, check_options, closest, explain_call
from autograd_lite.files import error_of, kind_of, replacing, write
from autograd_lite.forks import fork_safe
from autograd_lite.functions import Operator, Traits, traits
from autograd_lite.graph import enclosed
from autograd_lite.operations import (
    composite,
    defvjp,
    defvjp_sequence,
    non_differentiable,
    primitive,
    refused,
)
from autograd_lite.printable import printable, quoted
from autograd_lite.record import standing_in
from autograd_lite.source import warn
from autograd_lite.tensor import replace_array


def compiled(
    function: Callable[..., Any],
    *,
    donate: Sequence[int] = (),
    exempt: Sequence[Any] = (),
    native: bool | None = None,
) -> Callable[..., Any]:
    """`function` as `al.compile` has it, for functions that read objects which change.

    What the function reads of the objects in `exempt` may change between calls: it is passed to
    it as well, by the caller. `donate` are the positional arguments whose arrays are given away,
    and `native` is that of `al.compile`; ImportError where it is True without Numba.

    Parameters
    ----------
    function : callable
        As `al.compile` takes it.
    donate : sequence of int
        The positional arguments whose arrays are given away.
    exempt : sequence
        Objects that may change between calls: what the function reads of them is passed to it as
        well.
    native : bool, optional
        As for `al.compile`.

    Returns
    -------
    callable

    Raises
    ------
    ImportError
        Where `native` is True without Numba.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import compiled
    >>> double = compiled(lambda x: 2 * x)
    >>> double(np.ones(2))
    array([2., 2.])
    """
    from autograd_lite.compiler.compiled import Compiled, check_native

    check_native(native)
    return Compiled(function, tuple(donate), exempt=exempt, native=native)


def sheet_history() -> Any:
    """A new `SheetHistory`: `look(f, *inputs)` notes the numbers of f, `write(path)` shows them.

    Returns
    -------
    SheetHistory

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import sheet_history
    >>> history = sheet_history()
    >>> history.look(lambda w: np.sum(w**2), np.ones(2))
    """
    from autograd_lite.sheets.history import SheetHistory

    return SheetHistory()


__all__ = [
    "Operator",
    "Traits",
    "adopt",
    "answers",
    "attribute_error",
    "check_options",
    "closest",
    "composite",
    "compiled",
    "compute",
    "compute_blocks",
    "computing_threads",
    "defvjp",
    "defvjp_sequence",
    "enclosed",
    "entries",
    "error_of",
    "explain_call",
    "expose",
    "fork_safe",
    "is_foreign",
    "is_lazy",
    "kind_of",
    "non_differentiable",
    "on_cluster",
    "one_blas_thread",
    "primitive",
    "printable",
    "quoted",
    "refused",
    "replace_array",
    "replacing",
    "sheet_history",
    "standing_in",
    "total",
    "traits",
    "warn",
    "write",
]
