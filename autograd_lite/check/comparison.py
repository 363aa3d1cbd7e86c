"""Hand-derived gradients, compared with those of the recorded graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import ArrayLike
from autograd_lite.check.differences import abs_difference, difference_message, largest
from autograd_lite.check.names import tensor_among
from autograd_lite.check.report import Line, Report
from autograd_lite.elsewhere import answering
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.record import make
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import gradients


@answering
def compare(
    loss: Tensor,
    derived: Mapping[str, ArrayLike],
    tensors: Mapping[str, Tensor] | Iterable[Tensor] | None = None,
    *,
    tolerance: float | None = None,
    show: bool = True,
) -> Report:
    """Compare hand-derived gradients with those of the recorded graph of `loss`.

    Parameters
    ----------
    loss : Tensor
        A scalar. Neither its graph nor any `.grad` is changed. After `loss.backward()`, which
        frees the graph, the gradients are read from the `.grad` of the given `tensors`.
    derived : mapping of str to array
        The gradients by name; `dW1`, `dW_1`, `grad_W1`, `W1_grad` and `W1` belong to the tensor W1.
    tensors : mapping of str to Tensor, or iterable of Tensor, optional
        The tensors by name. Other values in a mapping are ignored, so that it may be `locals()`.
        By default, the tensors in the graph that have a name (`Tensor(..., name="W1")`,
        `al.label(locals())`).
    tolerance : float, optional
        The largest difference that still counts as equal, relative to the largest element of either
        gradient. The default is the square root of the machine epsilon of the tensor's dtype,
        1.5e-8 for float64. NaN equals NaN, and inf equals inf of the same sign.
    show : bool
        Print the report.

    Returns
    -------
    Report
        True if all gradients agree; it has a line for each, in the order given.

    Raises
    ------
    TypeError
        Where an argument has a wrong type, or a gradient is not an array of numbers.
    ValueError
        Where a name belongs to no tensor, to several, or to one that does not require grad; where
        the loss is not a scalar, has no graph, or has a freed graph that left no `.grad`; where
        `derived` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> W = al.Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> X = np.array([[3.0], [4.0]])
    >>> report = al.compare(np.sum((W @ X) ** 2), {"dW": 2 * 11 * X.T})
    gradient  of  shape   largest difference  relative  verdict
    dW        W   (1, 2)  0.00e+00            0.00e+00  correct
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"compare() takes the loss as a Tensor, not {type(loss).__name__}")
    if not isinstance(derived, Mapping):
        raise TypeError(
            'compare() takes the gradients by name, as in {"dW": dW}, not as '
            f"{type(derived).__name__}"
        )
    if not derived:
        raise ValueError("compare() got no gradients to compare")
    if loss.size != 1:
        raise ValueError(
            f"compare() takes the gradients of a scalar, but the loss has shape {loss.shape}; "
            "reduce it with .sum() or .mean()"
        )
    root = _root(loss)
    named = _named(root, tensors)
    given = {name: _as_array(name, value) for name, value in derived.items()}
    pairs = {name: _tensor_name(name, named) for name in derived}
    wanted = {tensor_name: named[tensor_name][0] for tensor_name in pairs.values()}
    expected = _expected(loss, root, wanted)
    connected = _connected(root)
    lines = tuple(
        _line(
            *(name, tensor_name, given[name], expected[tensor_name], tolerance),
            depends=connected is None or wanted[tensor_name]._node in connected,
        )
        for name, tensor_name in pairs.items()
    )
    report = Report(lines, derived=given, record=_recorder(loss))
    if show:
        report.show()
    return report


def _recorder(loss: Tensor) -> Callable[[], Tensor]:
    """A function that returns the loss again, without keeping its graph alive."""
    reference = weakref.ref(loss)

    def record() -> Tensor:
        found = reference()
        if found is None:
            raise ValueError(
                "the loss of this report is gone: keep a reference to it for the picture"
            )
        return found

    return record


def _root(loss: Tensor) -> Node:
    node = loss._node
    if not isinstance(node, Node):
        raise ValueError(
            "compare() finds no graph of the loss: it was not computed from a tensor that requires "
            "grad, or it was computed under al.no_grad()"
        )
    return node


def _named(root: Node, tensors: Any) -> dict[str, list[Tensor]]:
    """The tensors that gradients may belong to, by name; several where a name is not unique."""
    if isinstance(tensors, Mapping):
        return {name: [t] for name, t in tensors.items() if isinstance(t, Tensor)}
    if isinstance(tensors, Tensor):
        raise TypeError(
            "compare() takes tensors= as a dict or a list of Tensors, not as one Tensor"
        )
    named: dict[str, list[Tensor]] = {}
    for tensor in _named_in_graph(root) if tensors is None else tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"compare() got {type(tensor).__name__} among tensors=, not a Tensor")
        if tensor.name is None:
            raise ValueError(
                f"compare() got a Tensor of shape {tensor.shape} without a name among tensors=; "
                'pass a dict, as in {"W": W}, or name it'
            )
        same = named.setdefault(tensor.name, [])
        if all(tensor._node is not other._node for other in same):
            same.append(tensor)
    return named


def _named_in_graph(root: Node) -> list[Tensor]:
    if root.parents is None:
        raise ValueError(
            f"the graph was freed by backward() at {root.kept}; compare before that call, make it "
            "with retain_graph=True, or pass tensors=... to compare with their .grad"
        )
    found: dict[Node | Leaf, Tensor] = {}
    for node in ancestors([root])[::-1]:
        for parent in node.parents or ():
            if isinstance(parent, Leaf):
                found[parent] = make(parent.array, parent)
        # Only shape and dtype of a result are needed, and an empty array takes no memory until it
        # is written to.
        found[node] = make(np.empty(node.shape, node.dtype), node)
    return [tensor for tensor in found.values() if tensor.name is not None]


def _connected(root: Node) -> set[Node | Leaf] | None:
    """The nodes and leaves that the loss depends on, or None if the graph was freed."""
    if root.parents is None:
        return None
    nodes = ancestors([root])
    leaves = (p for n in nodes for p in n.parents or () if isinstance(p, Leaf))
    return {*nodes, *leaves}


def _tensor_name(name: str, named: Mapping[str, list[Tensor]]) -> str:
    """The name of the tensor to which the gradient called `name` belongs."""
    candidate = tensor_among(name, named, bare=True)
    if candidate is None:
        known = f"the named tensors are {', '.join(named)}" if named else "no tensor has a name"
        raise ValueError(
            f"compare() finds no tensor for the gradient {name!r}: {known}. Name one with "
            "Tensor(..., name=...) or al.label(locals()), or pass tensors={...}"
        )
    if len(named[candidate]) > 1:
        raise ValueError(
            f"compare() finds {len(named[candidate])} tensors named {candidate!r} for {name!r}; "
            f"pass the right one as tensors={{{candidate!r}: ...}}"
        )
    if not named[candidate][0].requires_grad:
        raise ValueError(
            f"compare() cannot check {name!r}: the tensor {candidate!r} does not require grad; "
            "create it with requires_grad=True before the computation"
        )
    return candidate


def _expected(loss: Tensor, root: Node, wanted: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """The gradients by tensor name: from the graph, or from `.grad` where the graph was freed."""
    if root.parents is not None:
        return dict(zip(wanted, gradients(loss, list(wanted.values())), strict=True))
    found = {}
    for name, tensor in wanted.items():
        if tensor.grad is None:
            raise ValueError(
                f"the graph was freed by backward() at {root.kept}, and {name!r} has no .grad; "
                "compare before that call, or make it with retain_graph=True"
            )
        found[name] = np.asarray(tensor.grad)
    return found


def _line(
    name: str,
    tensor: str,
    given: np.ndarray,
    expected: np.ndarray,
    tolerance: float | None,
    depends: bool,
) -> Line:
    if given.shape != expected.shape:
        message = f"{name} has shape {given.shape}, but {tensor} has shape {expected.shape}"
        if given.shape == expected.shape[::-1]:
            message += "; is it transposed?"
        infinite = float("inf")
        return Line(
            *(name, tensor, "wrong", infinite, infinite, given.shape, expected.shape),
            cause="shape",
            message=message,
        )
    if tolerance is None:
        tolerance = float(np.sqrt(np.finfo(expected.dtype).eps))
    distance = abs_difference(given, expected)
    absolute, relative = largest(distance, given, expected)
    right = relative <= tolerance
    message = "" if right else difference_message(name, distance, given, expected)
    if message and not depends:
        message += f": the loss does not depend on {tensor}"
    return Line(
        *(name, tensor, "correct" if right else "wrong", relative, absolute),
        *(given.shape, expected.shape),
        cause=None if right else "unknown",
        message=message,
    )


def _as_array(name: str, derived: ArrayLike) -> np.ndarray:
    try:
        array = derived._value if isinstance(derived, Tensor) else np.asarray(derived)
    except ValueError:
        raise TypeError(
            f"compare() got {name!r} as a {type(derived).__name__} that is not an array: are its "
            "rows of equal length?"
        ) from None
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"compare() got {name!r} as {type(derived).__name__}, which is not an array of numbers"
        )
    return np.asarray(array)
