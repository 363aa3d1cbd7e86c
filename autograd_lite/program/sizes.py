"""Numbers that come from lengths of axes, as expressions of them: `2 / N` for 0.4 of five samples.

A function sees lengths as plain numbers, and may turn them into any others. So it is traced on
arrays of other lengths as well: a number that is not the same in all traces is an expression of
the lengths, which is found among the usual ones and must give the number in every trace. Where
there is none, or a length changes what is computed, the lengths of the example belong to the
program.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import map_leaves, rebuild, split
from autograd_lite.modes import no_grad
from autograd_lite.program.ir import Program, Step, Variable, interpret

TRIAL_LIMIT_RUNS = 120
"""A function is run up to this often to see which axes of one length go together."""

GROUP_LIMIT_AXES = 4
"""Groups of up to this many axes of one length are looked for among more of them."""

LAST_TRACE_EXTRA_LENGTH = 200
"""Short axes are longer by this much in the last trace."""

TRACE_LIMIT_ELEMENTS = 2**24
"""The arguments of one trace have up to this many elements."""

_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
_EXPONENTS = (1, -1, 2, -2, 0.5, -0.5)
_SHIFTS = (-1, 1, -2, 2)

Axis = tuple[int, int]
"""The number of a leaf of the arguments, and of one of its axes."""


@dataclass(eq=False)
class Length:
    """Axes that have the same length in every call, and that length in the example.

    `lengths` are those in the other traces, and `name` is what it is called in formulas.
    """

    axes: list[Axis]
    length: int
    lengths: list[int] = field(default_factory=list)
    name: str = ""

    @property
    def all(self) -> list[int]:
        return [self.length, *self.lengths]


@dataclass(frozen=True)
class Size:
    """factor * product of (length + shift)^exponent + offset"""

    factor: Fraction
    terms: tuple[tuple[Length, int, float], ...]
    offset: int = 0

    def at(self, number: int) -> float:
        """Its value in one of the traces."""
        value: Any = self.factor
        for length, shift, exponent in self.terms:
            base = length.all[number] + shift
            value = value * float(base) ** exponent
        return float(value + self.offset)


class _Sized:
    """A number of the example that is `size` for any lengths."""

    size: Size

    def __new__(cls, value: Any, size: Size) -> Any:
        made: Any = super().__new__(cls, value)  # type: ignore[call-arg]
        made.size = size
        return made


class SizedInt(_Sized, int):
    """A whole number that depends on lengths."""


class SizedFloat(_Sized, float):
    """A number that depends on lengths."""


class Fixed(Exception):
    """Raised where the program would compute with a length: it cannot be left open."""


def lengths_of(
    function: Callable[..., Any], leaves: Sequence[Any], build: Any, scalar: bool = True
) -> list[Length]:
    """The lengths of the axes of `leaves` that can be changed, and which axes change together.

    `build(leaves)` makes the arguments. The function is run in plain NumPy to see whether it takes
    arrays of other lengths, and computes a number of them, if it is `scalar`.
    """
    trials = 0

    def works(axes: Sequence[Axis], length: int) -> bool:
        nonlocal trials
        trials += 1
        if trials > TRIAL_LIMIT_RUNS:
            return False
        # A longer axis may be only not read to its end.
        return all(
            _computes(function, build(resized(leaves, [(axes, other)])), scalar)
            for other in (length + 3, length - 1)
        )

    found = []
    groups: dict[int, list[Axis]] = {}
    for i, leaf in enumerate(leaves):
        for axis, length in enumerate(np.shape(leaf)):
            if length > 1:
                groups.setdefault(length, []).append((i, axis))
    for length, axes in groups.items():
        left, trials = list(axes), 0
        while left:
            together = next((s for s in _subsets(left, leaves) if works(s, length)), None)
            if together is None:
                break
            found.append(Length(list(together), length))
            left = [axis for axis in left if axis not in together]
    return found


def _subsets(axes: list[Axis], leaves: Sequence[Any]) -> Iterator[tuple[Axis, ...]]:
    """The sets of axes that may have a length in common: few of them first, those of samples before
    others.

    Samples are the last axis of the last arguments, or their first axis.
    """
    ordered = sorted(axes, key=lambda a: (a[1] not in (0, np.ndim(leaves[a[0]]) - 1), -a[0], -a[1]))
    for count in range(1, GROUP_LIMIT_AXES + 1):
        yield from itertools.combinations(ordered, count)
    if len(ordered) > GROUP_LIMIT_AXES:
        yield tuple(ordered)


def of_one_sample(leaves: Sequence[Any]) -> list[Axis]:
    """The first and the last axes that have a length of 1: they may be those of samples."""
    return [
        (i, axis)
        for i, leaf in enumerate(leaves)
        for axis in {0, np.ndim(leaf) - 1}
        if np.ndim(leaf) and np.shape(leaf)[axis] == 1
    ]


def _computes(function: Callable[..., Any], arguments: Sequence[Any], scalar: bool = True) -> bool:
    """Whether a function takes these arguments, and gives a number of them, if it is `scalar`."""
    try:
        with no_grad(), np.errstate(all="ignore"):
            result = function(*arguments)
    except Exception:
        return False
    result = result[0] if type(result) is tuple and result else result
    return not scalar or np.size(result) == 1


def resized(leaves: Sequence[Any], changes: Sequence[tuple[Sequence[Axis], int]]) -> list[Any]:
    """The leaves with other lengths of some axes: their content repeated, or cut off."""
    changed = list(leaves)
    for axes, length in changes:
        for i, axis in axes:
            before = changed[i]
            chosen = np.arange(length) % before.shape[axis]
            changed[i] = np.take(before, chosen, axis)
    return changed


def are_samples(length: Length, leaves: Sequence[Any]) -> bool:
    """Whether a length is that of the last axes, or of the first, of all that have it."""
    axes = [(axis == 0, axis == np.ndim(leaves[i]) - 1) for i, axis in length.axes]
    return any(map(all, zip(*axes, strict=True)))


def choose_lengths(lengths: Sequence[Length]) -> Iterator[list[tuple[list[Axis], int]]]:
    """Other lengths for each of the traces: no two change in the same way."""
    for trace in range(3):
        changes = []
        for number, length in enumerate(lengths):
            more = length.length + _PRIMES[(number + 4 * trace) % len(_PRIMES)]
            # Far off as well: what is cut at some length shows there.
            more += (
                LAST_TRACE_EXTRA_LENGTH
                if trace == 2 and length.length < LAST_TRACE_EXTRA_LENGTH
                else 0
            )
            changes.append((length, more))
        yield _changed(changes)


def check_near(
    numbers: Iterable[int],
    program: Program,
    ranges: Mapping[Variable, Size],
    lengths: Sequence[Length],
    leaves: Sequence[Any],
    compute: Callable[[Sequence[Any]], Sequence[Any]],
    rest: Sequence[Any] = (),
) -> None:
    """Compare a program with its function at lengths that the function may compare with `numbers`.

    The inputs are the leaves and then the `rest`; `compute` gives the first of the outputs. Fixed,
    where the results are not the same, or a number is too large to be tried.
    """
    count = len(lengths)
    for number, turn in itertools.product(sorted(set(numbers)), range(count)):
        for near in (number - 1, number, 2 * number):
            # Each of the lengths in turn: some have to be different from others.
            changes = [(n, near + (i + turn) % count) for i, n in enumerate(lengths)]
            if sum(map(math.prod, _shapes(leaves, changes))) > TRACE_LIMIT_ELEMENTS:
                raise Fixed
            there = resized(leaves, _changed(changes))
            with no_grad(), np.errstate(all="ignore"):
                wanted = compute(there)
                found = interpret(_in_trace(program, ranges, -1), [*there, *rest])
            for ours, theirs in zip(found[: len(wanted)], wanted, strict=True):
                rounding = 1e-3 if ours.dtype.itemsize < 8 else 1e-9
                if not np.allclose(ours, theirs, rtol=rounding, atol=0, equal_nan=True):
                    raise Fixed


def _in_trace(program: Program, ranges: Mapping[Variable, Size], number: int) -> Program:
    """The program with its sizes replaced by their numbers in one of the traces."""

    def there(leaf: Any) -> Any:
        if isinstance(leaf, SizedInt):
            return round(leaf.size.at(number))
        return leaf.size.at(number) if isinstance(leaf, SizedFloat) else leaf

    plain = functools.partial(map_leaves, there)
    constants = {v: plain(value) for v, value in program.constants.items()}
    for variable, size in ranges.items():
        constants[variable] = np.arange(round(size.at(number)), dtype=variable.dtype)
    steps = [
        Step(s.function, plain(s.args), plain(s.options), s.results, s.several, s.line)
        for s in program.steps
    ]
    return Program(program.inputs, constants, steps, program.outputs)


def _changed(changes: list[tuple[Length, int]]) -> list[tuple[list[Axis], int]]:
    for length, other in changes:
        length.lengths.append(other)
    return [(length.axes, other) for length, other in changes]


def _shapes(leaves: Sequence[Any], changes: list[tuple[Length, int]]) -> list[list[int]]:
    """The shapes of the leaves with other lengths."""
    shapes = [list(np.shape(leaf)) for leaf in leaves]
    for length, other in changes:
        for i, axis in length.axes:
            shapes[i][axis] = other
    return shapes


def unify(
    program: Program, others: Sequence[Program], lengths: Sequence[Length]
) -> tuple[Program, dict[Variable, Size]]:
    """The program with sizes for numbers, and which constants are np.arange of a size.

    The others are the same function's for other lengths. Fixed, where they are not the same but
    for the lengths.
    """
    programs = [program, *others]
    if len({len(p.steps) for p in programs}) > 1 or len({len(p.constants) for p in programs}) > 1:
        raise Fixed
    same: list[dict[Variable, Variable]] = [{} for _ in others]
    ranges: dict[Variable, Size] = {}
    constants: dict[Variable, Any] = {}
    for variables in zip(*(p.inputs for p in programs), strict=True):
        _same_variable(variables, same, lengths)
    for variables in zip(*(p.constants for p in programs), strict=True):
        _same_variable(variables, same, lengths)
        values = [p.constants[v] for p, v in zip(programs, variables, strict=True)]
        own = variables[0]
        if not any(map(np.ndim, values)):
            constants[own] = fitted(values, lengths)
        elif all(np.array_equal(values[0], v, equal_nan=v.dtype.kind in "fc") for v in values[1:]):
            constants[own] = values[0]
        elif all(np.ndim(v) == 1 and np.array_equal(v, np.arange(len(v))) for v in values):
            ranges[own] = fitted([len(v) for v in values], lengths).size
            constants[own] = values[0]
        else:
            raise Fixed
    steps = []
    for each in zip(*(p.steps for p in programs), strict=True):
        first = each[0]
        if any((s.function, len(s.results)) != (first.function, len(first.results)) for s in each):
            raise Fixed
        for variables in zip(*(s.results for s in each), strict=True):
            _same_variable(variables, same, lengths)
        args = _unified([s.args for s in each], same, lengths)
        options = _unified([s.options for s in each], same, lengths)
        steps.append(Step(first.function, args, options, first.results, first.several, first.line))
    for variables in zip(*(p.outputs for p in programs), strict=True):
        _unified(list(variables), same, lengths)
    return Program(program.inputs, constants, steps, program.outputs), ranges


def _same_variable(variables: Any, same: Any, lengths: Sequence[Length]) -> None:
    own, *rest = variables
    for variable, known in zip(rest, same, strict=True):
        known[own] = variable
        if variable.ndim != own.ndim or variable.dtype != own.dtype:
            raise Fixed
    axes = zip(*(v.shape for v in variables), strict=True)
    own.shape = tuple(fitted(list(axis), lengths) for axis in axes)


def _unified(trees: list[Any], same: Any, lengths: Sequence[Length]) -> Any:
    first = trees[0]
    if isinstance(first, Variable):
        if any(known.get(first) is not v for v, known in zip(trees[1:], same, strict=True)):
            raise Fixed
        return first
    if any(type(tree) is not type(first) for tree in trees[1:]):
        raise Fixed
    parts = [found for found in map(split, trees) if found is not None]
    if parts:
        keys = {keys for keys, _ in parts if keys is not None}
        if len(keys) > 1 or len({len(items) for _, items in parts}) > 1:
            raise Fixed
        columns = zip(*(items for _, items in parts), strict=True)
        items = [_unified(list(column), same, lengths) for column in columns]
        return rebuild(first, parts[0][0], items)
    return fitted(trees, lengths)


def fitted(values: Sequence[Any], lengths: Sequence[Length]) -> Any:
    """A value of all traces: itself if it is the same in all, else as an expression of lengths."""
    first = values[0]
    numbers = (int, float, np.integer, np.floating)
    if not isinstance(first, numbers) or isinstance(first, (bool, np.bool_)):
        if all(value is first or value == first for value in values[1:]):
            return first
        raise Fixed
    if all(value == first or (value != value and first != first) for value in values[1:]):
        return first
    whole = isinstance(first, (int, np.integer))
    rounding = float(np.finfo(first.dtype).eps) * 4 if isinstance(first, np.floating) else 1e-12
    for size in _candidates([float(v) for v in values], lengths, rounding):
        exact = size.factor.denominator == 1 and all(float(e).is_integer() for *_, e in size.terms)
        if not whole:
            return SizedFloat(float(first), size)
        if exact and all(e > 0 for *_, e in size.terms):
            return SizedInt(int(first), size)
    raise Fixed


def _candidates(values: list[float], lengths: Sequence[Length], rounding: float) -> Iterator[Size]:
    """The expressions that give the values, simple ones first."""
    single = (((length, 0, e),) for length in lengths for e in _EXPONENTS)
    shifted = (((length, s, e),) for length in lengths for s in _SHIFTS for e in (1, -1, 0.5, -0.5))
    pairs = (
        ((a, 0, d), (b, 0, e))
        for a, b in itertools.combinations(lengths, 2)
        for d in _EXPONENTS
        for e in _EXPONENTS
    )
    several = (
        tuple((length, 0, e) for length in some)
        for count in (3, 4)
        for some in itertools.combinations(lengths, count)
        for e in (1, -1)
    )
    for terms in itertools.chain(single, shifted, pairs, several):
        size = _scaled(values, terms, rounding)
        if size is not None:
            yield size
    for length in lengths:
        slope = Fraction(round(values[1] - values[0]), length.all[1] - length.all[0])
        offset = values[0] - slope * length.length
        if slope.denominator == 1 and slope and float(offset).is_integer():
            size = Size(slope, ((length, 0, 1),), int(offset))
            if _gives(size, values, rounding):
                yield size


def _scaled(values: list[float], terms: Any, rounding: float) -> Size | None:
    """A size that is a factor times these terms; None if no factor gives the values."""
    if not _defined(terms) or not math.isfinite(values[0]):
        return None
    bases = [
        math.prod(float(length.all[number] + shift) ** e for length, shift, e in terms)
        for number in range(len(values))
    ]
    ratio = values[0] / bases[0]
    # Nearly all that are tried end here, before fractions are made.
    if not all(
        math.isclose(ratio * base, value, rel_tol=10 * rounding)
        for base, value in zip(bases, values, strict=True)
    ):
        return None
    factor = Fraction(ratio).limit_denominator(10_000)
    if not factor or not math.isclose(factor, ratio, rel_tol=rounding):
        factor = Fraction(ratio)
    size = Size(factor, terms)
    return size if _gives(size, values, rounding) else None


def _defined(terms: Any) -> bool:
    return all(n + shift > 0 for length, shift, _ in terms for n in length.all)


def _gives(size: Size, values: list[float], rounding: float) -> bool:
    return all(
        math.isclose(size.at(number), value, rel_tol=rounding)
        for number, value in enumerate(values)
    )
