"""Loops over the elements of arrays: the native source of a region.

Each array is read and written once, however many steps there are. A sum over the last axes is kept
in a register; one over others is added to in memory, line by line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.compiler.native.forms import element
from autograd_lite.compiler.schedule import Region, reduction_of
from autograd_lite.program.ir import Step, Variable

PART_ELEMENTS = 1024
"""Longer sums are added up in parts of this many elements, so that few roundings are added up."""

_LETTERS = "ijklmnopqrstuvwxyz"
FOLDS: dict[Any, tuple[str, str]] = {
    np.add: ("plus", "0"),
    np.maximum: ("maximum", "-np.inf"),
    np.minimum: ("minimum", "np.inf"),
}
"""What folds two values of a reduction, and where it starts."""


class Nest:
    """Loops inside of one another, and the lines before, inside and after each.

    The lines at a level stand inside of the loops above it and around its own; those of the last
    level, which has no loop, are the innermost.
    """

    def __init__(self, heads: Sequence[str]) -> None:
        self.heads = heads
        self.before: list[list[str]] = [[] for _ in range(len(heads) + 1)]
        self.after: list[list[str]] = [[] for _ in range(len(heads) + 1)]

    @property
    def inside(self) -> list[str]:
        """The innermost lines."""
        return self.before[-1]

    def lines(self, level: int = 0) -> list[str]:
        """The source of the loops from a level on."""
        if level == len(self.heads):
            return self.inside
        inner = [f"    {line}" for line in self.lines(level + 1)]
        return [*self.before[level], self.heads[level], *inner, *self.after[level]]


@dataclass
class Block:
    """The part of a region that runs in one block: `count` places along `axis`.

    Arrays in `whole` have all samples, from `first` on those of the block; `parts` are the names
    of the totals of this thread.
    """

    axis: int
    first: str
    count: str
    whole: Mapping[Variable, int]
    parts: Mapping[Variable, str]


class Loops:
    """Prints the loops of one region.

    `names` are those of the arrays and numbers, and `mark` a text that no other region's local
    names end with. The elements of `flat` arrays may be counted through, because they lie in one
    piece; `kept` is what is read after the region.
    """

    def __init__(
        self,
        region: Region,
        names: Mapping[Variable, str],
        flat: Callable[[Variable], bool],
        kept: Sequence[Variable],
        mark: str,
        block: Block | None = None,
    ) -> None:
        self.block = block
        self.region: Region = region
        self.names: Mapping[Variable, str] = names
        self.kept: set[Variable] = set(kept)
        self.mark: str = mark
        self.outside: list[Variable] = list(
            dict.fromkeys(v for s in region.steps for v in s.operands if v not in region.made)
        )
        self.is_flat: bool = self._can_be_flat(flat)
        self.lengths: list[int] = [math.prod(region.shape)] if self.is_flat else list(region.shape)
        self.axes: list[int] = [k for k, n in enumerate(self.lengths) if n != 1] or [
            len(self.lengths) - 1
        ]
        self.letters: dict[int, str] = {
            k: f"{_LETTERS[at]}{mark}" for at, k in enumerate(self.axes)
        }
        self.nest: Nest = Nest(self._heads())
        self.numbers: dict[Variable, str] = {}
        self.prepared: list[str] = []

    def _can_be_flat(self, flat: Callable[[Variable], bool]) -> bool:
        """Whether the arrays can be gone through as if they had one axis."""
        shape = self.region.shape
        stored = [v for v in self.region.made if v in self.kept and v.shape == shape]
        if len(shape) < 2 or not all(flat(v) for v in stored):
            return False
        for variable in self.outside:
            if not (flat(variable) if variable.shape == shape else variable.size == 1):
                return False
        found = [reduction_of(step) for step in self.region.steps]
        return all(r is None or len(r[1]) == len(shape) for r in found)

    def _length(self, axis: int) -> str:
        """The number of elements along an axis of the loops."""
        if self.block is None:
            return str(self.lengths[axis])
        if self.is_flat:
            shape = self.region.shape
            return f"{self.block.count} * {math.prod(shape) // shape[self.block.axis]}"
        return self.block.count if axis == self.block.axis else str(self.lengths[axis])

    def _heads(self) -> list[str]:
        heads = [f"for {self.letters[k]} in range({self._length(k)}):" for k in self.axes]
        last = self.axes[-1]
        letter, length = self.letters[last], self.lengths[last]
        is_long = length > 4 * PART_ELEMENTS and self.block is None
        if is_long and any(self._level(s) is not None for s in self.region.steps):
            heads[-1:] = [
                f"for first_{letter} in range(0, {length}, {PART_ELEMENTS}):",
                f"for {letter} in range(first_{letter}, "
                f"min(first_{letter} + {PART_ELEMENTS}, {length})):",
            ]
        return heads

    def _level(self, step: Step) -> int | None:
        """The level at which a reduction over the last axes begins; None for other steps."""
        found = reduction_of(step)
        if found is None:
            return None
        reduced = [k for k in self.axes if self.is_flat or k in found[1]]
        level = len(self.axes) - len(reduced)
        return level if reduced == self.axes[level:] else None

    def lines(self) -> list[str]:
        """The lines of the loops, and of the preparations before them."""
        for variable in self.outside:
            self.numbers[variable] = self._loaded(variable)
        for step in self.region.steps:
            if reduction_of(step) is not None:
                self._reduce(step)
                continue
            name = self.numbers[step.result] = self._local("y")
            self.nest.inside.append(f"{name} = {element(step, self.numbers)}")
            if step.result in self.kept:
                self.nest.inside.append(f"{self._place(step.result)} = {name}")
        return [*self.prepared, *self.nest.lines()]

    def _local(self, letter: str) -> str:
        return f"{letter}{len(self.numbers)}{self.mark}"

    def _loaded(self, variable: Variable) -> str:
        """The name of an element of an array, read as far outside as it can be."""
        if not variable.shape:
            return self.names[variable]
        levels = [at + 1 for at, k in enumerate(self.axes) if self._runs(variable, k)]
        level = max(levels, default=0)
        if level == len(self.axes):
            level = len(self.nest.heads)
        name = self._local("x")
        self.nest.before[level].append(f"{name} = {self._place(variable)}")
        return name

    def _runs(self, variable: Variable, axis: int) -> bool:
        """Whether an array has more than one element along an axis of the loops."""
        if self.is_flat:
            return variable.size != 1
        own = axis - (len(self.lengths) - variable.ndim)
        return own >= 0 and variable.shape[own] != 1

    def _place(self, variable: Variable) -> str:
        """The element of an array that belongs to the indices of the loops."""
        name = self.names[variable]
        if self.is_flat and variable.size != 1:
            return f"{self._flattened(name)}[{self.letters[0]}]"
        first = len(self.region.shape) - variable.ndim
        own = [self.letters[first + k] if n != 1 else "0" for k, n in enumerate(variable.shape)]
        if self.block is not None and variable in self.block.whole:
            axis = self.block.whole[variable]
            own[axis] = f"{self.block.first} + {own[axis]}"
        return f"{name}[{', '.join(own)}]"

    def _flattened(self, name: str) -> str:
        flat = f"{name}_flat{self.mark}"
        line = f"{flat} = {name}.reshape(-1)"
        if line not in self.prepared:
            self.prepared.append(line)
        return flat

    def _reduce(self, step: Step) -> None:
        found = reduction_of(step)
        assert found is not None
        fold, first = FOLDS[found[0]]
        x, result = step.args[0], step.result
        kind = result.dtype.name
        start = f"{kind}({first})"
        term = self.numbers[x] if x.dtype == result.dtype else f"{kind}({self.numbers[x]})"
        place = self._reduced_place(result, found[1], found[2])
        level = self._level(step)
        is_part = self.block is not None and result in self.block.parts
        if level is None:
            if not is_part:
                self.prepared.append(f"{self._filled(result)} = {start}")
            self.nest.inside.append(f"{place} = {fold}({place}, {term})")
            return
        total = self._local("s") if result.shape or is_part else self.names[result]
        kept = f"{place} = {fold}({place}, {total})" if is_part else f"{place} = {total}"
        self.numbers[result] = total
        if level == len(self.axes):
            # Over axes of one element there is nothing to fold.
            self.nest.inside.append(f"{total} = {term}")
            if result.shape or is_part:
                self.nest.inside.append(kept)
            return
        self.nest.before[level].append(f"{total} = {start}")
        last = len(self.nest.heads) - 1
        added = total
        if level < last:
            # The innermost loop has a sum of its own, which the compiler can vectorise.
            added = f"{total}_part"
            self.nest.before[last].append(f"{added} = {start}")
            self.nest.after[last].append(f"{total} = {fold}({total}, {added})")
        self.nest.inside.append(f"{added} = {fold}({added}, {term})")
        if result.shape or is_part:
            self.nest.after[level].append(kept)

    def _filled(self, result: Variable) -> str:
        """The part of a result that the loops make."""
        name = self.names[result]
        if self.block is None or result not in self.block.whole:
            return f"{name}[...]"
        own = [":"] * result.ndim
        first, count = self.block.first, self.block.count
        own[self.block.whole[result]] = f"{first} : {first} + {count}"
        return f"{name}[{', '.join(own)}]"

    def _reduced_place(self, result: Variable, axes: Sequence[int], keepdims: bool) -> str:
        name = self.names[result]
        if self.block is not None and result in self.block.parts:
            name = self.block.parts[result]
            if not result.shape:
                return f"{name}[0]"
        ndim = len(self.region.shape)
        over = [k for k in range(ndim) if keepdims or k not in axes]
        zero = self.is_flat or result.size == 1
        own = ["0" if zero or k in axes or k not in self.letters else self.letters[k] for k in over]
        if self.block is not None and result in self.block.whole:
            at = over.index(self.block.axis)
            own[at] = f"{self.block.first} + {own[at]}"
        return f"{name}[{', '.join(own)}]"
