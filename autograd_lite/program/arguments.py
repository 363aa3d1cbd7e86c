"""Arguments and results as a list of leaves and a structure, which can be compared and hashed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.arrays.foreign import Recordable
from autograd_lite.arrays.kinds import NUMERIC, check_array
from autograd_lite.arrays.trees import build, split
from autograd_lite.program.names import Names, identifier, literal
from autograd_lite.record import Recorded, make

Structure = Any
LEAF = ("leaf",)
TENSOR = ("tensor",)
_COMPARED = {int, bool, str, bytes, type(None), frozenset, range}
_NUMBERS = (float, complex, np.floating, np.complexfloating)


def flatten(tree: Any, leaves: list[Any]) -> Structure:
    """Append the leaves of `tree`, which are to be traced, and return the structure.

    Arrays, Tensors, floats and complex numbers are leaves; everything else is part of the
    structure, and has to be hashable.
    """
    kind = tree.__class__
    if kind is np.ndarray or isinstance(tree, _NUMBERS):
        if kind is np.ndarray and tree.dtype.kind not in NUMERIC:
            raise TypeError(f"a compiled function takes arrays of numbers, not of {tree.dtype}")
        leaves.append(tree)
        return LEAF
    # These two kinds by themselves: most arguments are such, and a call takes microseconds.
    if kind is dict:
        return dict, tuple(tree), tuple([flatten(item, leaves) for item in tree.values()])
    if kind is tuple or kind is list:
        return kind, None, tuple([flatten(item, leaves) for item in tree])
    if isinstance(tree, Recorded):
        leaves.append(tree)
        return TENSOR
    if isinstance(tree, (np.ndarray, Recordable)):
        if isinstance(tree, np.ndarray):
            check_array(tree)
            tree = np.asarray(tree)
        leaves.append(tree)
        return LEAF
    parts = split(tree)
    if parts is not None and tree is not None:
        keys, items = parts
        return kind, keys, tuple([flatten(item, leaves) for item in items])
    try:
        hash(tree)
    except TypeError:
        raise TypeError(
            f"a compiled function takes and returns arrays, numbers and lists, tuples and dicts "
            f"of them, not {kind.__name__}"
        ) from None
    by_value = kind in _COMPARED or isinstance(tree, np.generic)
    return "=", kind, tree if by_value else Same(tree)


class Same:
    """An object that is part of a structure as itself, whatever it says that it is equal to."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it: Any = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.it is other.it

    def __hash__(self) -> int:
        return id(self.it)


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The tree of this structure with these leaves."""
    return _built(structure, iter(leaves))


def _built(structure: Structure, leaves: Iterator[Any]) -> Any:
    if structure is LEAF or structure == LEAF:
        return next(leaves)
    kind = structure[0]
    if kind is tuple or kind is list:
        return kind([_built(s, leaves) for s in structure[2]])
    if structure == TENSOR:
        leaf = next(leaves)
        return leaf if isinstance(leaf, Recorded) else make(leaf, None)
    kind, keys, inner = structure
    if kind == "=":
        return inner.it if isinstance(inner, Same) else inner
    return build(kind, keys, [_built(s, leaves) for s in inner])


def kind_of(leaf: Any) -> Any:
    """The properties that a program is specialised to: shape, dtype, and contiguous memory.

    None for what records itself: a Tensor, or a value that is traced.
    """
    if leaf.__class__ is np.ndarray:
        return leaf.shape, leaf.dtype, leaf.flags.c_contiguous
    if isinstance(leaf, Recordable):
        return None
    return leaf.dtype if isinstance(leaf, np.generic) else leaf.__class__


def statics(structure: Structure) -> Iterator[Any]:
    """The values that are part of a structure."""
    if structure[0] == "=":
        yield structure[2].it if isinstance(structure[2], Same) else structure[2]
    elif structure not in (LEAF, TENSOR):
        for inner in structure[-1]:
            yield from statics(inner)


class Name(NamedTuple):
    """The name of a leaf of the arguments, and the way to it.

    `argument` is the position of the argument it belongs to, `parameter` that one's name, `keys`
    lead from it to the leaf, `label` is what a person would call it, and `name` an identifier.
    """

    argument: int | None
    parameter: str
    keys: tuple[Any, ...]
    label: str

    @property
    def name(self) -> str:
        return identifier(self.label)

    @property
    def called(self) -> tuple[Any, ...]:
        """Everything that a person may call it by."""
        return self.argument, self.parameter, self.label, self.name

    @property
    def path(self) -> str:
        """An expression, `params["W1"]`; TypeError for a key that has no form in source."""
        path = self.parameter
        for key in self.keys:
            try:
                path += f"[{literal(key)}]"
            except TypeError:
                raise TypeError(
                    f"a key in the argument {self.parameter!r} is a {type(key).__name__}, which "
                    "cannot be written as source; use strings or numbers as keys"
                ) from None
        return path


def names_of(structure: Structure, function: Callable[..., Any]) -> list[Name]:
    """The names of the leaves of (args, kwargs), after the parameters of `function`.

    An entry of a dict is called by its key, one of a list `params_0`.
    """
    positional, keywords = structure[2]
    parameters = parameters_of(structure, function)
    places = [*range(len(positional[2])), *[None] * len(keywords[1])]
    names: list[Name] = []
    for at, name, inner in zip(places, parameters, (*positional[2], *keywords[2]), strict=True):
        names += [Name(at, name, keys, label) for keys, label in _labels(inner, (), name)]
    return names


def parameters_of(structure: Structure, function: Callable[..., Any]) -> list[str]:
    """The identifiers of the arguments of (args, kwargs), after the parameters of `function`."""
    positional, keywords = structure[2]
    known = _parameters(function)
    # What the source of a derivation calls.
    given = Names(("put_back", "slice", "bool", "ValueError"))
    places = range(len(positional[2]))
    wishes = [known[i] if i < len(known) else f"argument_{i}" for i in places]
    return [given.new(wish) for wish in (*wishes, *keywords[1])]


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    names: list[str] = []
    for parameter in found:
        if parameter.kind is parameter.VAR_POSITIONAL:
            break
        names.append(parameter.name)
    return names


def _labels(
    structure: Structure, keys: tuple[Any, ...], name: str
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The keys on the way to each leaf, and the name of the leaf."""
    if structure in (LEAF, TENSOR):
        yield keys, name
    elif structure[0] == "=":
        return
    elif structure[1] is not None:
        for key, inner in zip(structure[1], structure[2], strict=True):
            named = type(key) is str and not key[:1].isdigit() and key.strip("_ ")
            yield from _labels(inner, (*keys, key), key if named else f"{name}_{key}")
    else:
        for i, inner in enumerate(structure[2]):
            yield from _labels(inner, (*keys, i), f"{name}_{i}")
