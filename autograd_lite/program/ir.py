"""The intermediate form: a flat program in which every variable is set once.

A step calls one function on variables and plain values, as `np.dot(W, X)` or `np.sum(Z, axis=1)`
would be written. `interpret` says what a program means; whatever the passes and the printers make
of it is held against that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Tree
from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.functions import traits
from autograd_lite.program.names import Names
from autograd_lite.rules.special import astype


class Variable:
    """One value of a program: an input, a constant, or the result of a step.

    `weak` is a Python number, which gives way to the dtype of the arrays it meets. `name` is what
    a person called it, if anything.
    """

    __slots__ = ("shape", "dtype", "weak", "name")

    def __init__(
        self, shape: tuple[int, ...], dtype: Any, weak: bool = False, name: str | None = None
    ) -> None:
        self.shape: tuple[int, ...] = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.weak: bool = weak
        self.name: str | None = name

    @classmethod
    def like(cls, value: Any, name: str | None = None) -> Variable:
        """A variable for a value."""
        weak = type(value) in (float, complex)
        return cls(np.shape(value), value.dtype if not weak else type(value), weak, name)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def type(self) -> str:
        """`float64 (3, 4)`, or `float` for a Python number."""
        return self.dtype.type(0).item().__class__.__name__ if self.weak else self.array_type

    @property
    def array_type(self) -> str:
        return f"{self.dtype} {self.shape}" if self.shape else str(self.dtype)

    def __repr__(self) -> str:
        return f"<{self.name or 'variable'}: {self.type}>"


@dataclass(eq=False, slots=True)
class Step:
    """`results = function(*args, **options)`.

    Variables stand anywhere in `args` and `options`, in lists, tuples and slices too. With
    `several` the function returns a sequence, which the results are the items of. `line` is the
    user's.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    results: tuple[Variable, ...]
    several: bool = False
    line: str = ""
    _operands: list[Variable] | None = field(default=None, init=False, repr=False)

    @property
    def result(self) -> Variable:
        """The one result of a step that has one."""
        return self.results[0]

    @property
    def operands(self) -> list[Variable]:
        """The variables that it reads, in their order, each as often as it stands there."""
        if self._operands is None:
            self._operands = list(variables_in((self.args, self.options)))
        return self._operands

    def replaced(self, other: Mapping[Variable, Any]) -> Step:
        """The same step on other operands."""
        args = substituted(self.args, other)
        options = substituted(self.options, other)
        return Step(self.function, args, options, self.results, self.several, self.line)


@dataclass(eq=False, slots=True)
class Program:
    """Inputs, constants with their values, steps in their order, and which variables come out."""

    inputs: list[Variable]
    constants: dict[Variable, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    outputs: list[Variable] = field(default_factory=list)

    def with_steps(
        self, steps: Sequence[Step], outputs: Sequence[Variable] | None = None
    ) -> Program:
        """The same program with other steps, without the constants that nobody reads then."""
        outputs = list(self.outputs if outputs is None else outputs)
        read = {v for step in steps for v in step.operands} | set(outputs)
        constants = {v: value for v, value in self.constants.items() if v in read}
        return Program(self.inputs, constants, list(steps), outputs)

    def uses(self) -> dict[Variable, int]:
        """The number of times each variable is read; being an output counts."""
        count: dict[Variable, int] = {}
        for step in self.steps:
            for variable in step.operands:
                count[variable] = count.get(variable, 0) + 1
        for variable in self.outputs:
            count[variable] = count.get(variable, 0) + 1
        return count

    def makers(self) -> dict[Variable, Step]:
        """The step that sets each variable."""
        return {result: step for step in self.steps for result in step.results}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def interpret(program: Program, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Computes the program on these inputs, one step after the other: its meaning."""
    values: dict[Variable, Any] = dict(program.constants)
    values.update(zip(program.inputs, inputs, strict=True))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for step in program.steps:
            args, options = substituted((step.args, step.options), values)
            result = step.function(*args, **options)
            values.update(
                zip(step.results, result, strict=True) if step.several else [(step.result, result)]
            )
    return tuple(values[variable] for variable in program.outputs)


def variables_in(tree: Tree) -> Iterator[Variable]:
    """Every variable in a tree."""
    return (leaf for leaf in leaves_of(tree) if isinstance(leaf, Variable))


def substituted(tree: Tree, values: Mapping[Variable, Any]) -> Any:
    """`tree` with every variable that `values` has replaced by its value there."""
    return map_leaves(lambda v: values.get(v, v) if isinstance(v, Variable) else v, tree)


def is_elementwise(step: Step) -> bool:
    """Whether each element of the result depends on one element of each operand."""
    if step.several or step.options:
        return False
    function = step.function
    if isinstance(function, np.ufunc):
        whole = function.nout == 1 and len(step.args) == function.nin
        return whole and traits(function).elementwise and all(map(_is_operand, step.args))
    # These two are written into a given array without an argument for it.
    if function is np.where:
        return len(step.args) == 3 and all(map(_is_operand, step.args))
    return function is astype and isinstance(step.args[0], Variable)


def _is_operand(value: Any) -> bool:
    return isinstance(value, (Variable, bool, int, float, complex, np.generic))


def function_name(function: Callable[..., Any]) -> str:
    """`np.dot` of NumPy's functions, `sigmoid` of others."""
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None) or ""
    if isinstance(function, np.ufunc):
        return f"np.{name}"
    if module.startswith("numpy"):
        submodule = module.removeprefix("numpy").lstrip(".")
        return f"np.{submodule}.{name}" if submodule in ("linalg", "fft") else f"np.{name}"
    return name


def _lines(program: Program) -> Iterator[str]:
    names = Names()
    yield "inputs   " + ", ".join(f"{names[v]}: {v.type}" for v in program.inputs)
    for variable in program.constants:
        yield f"constant {names[variable]}: {variable.type}"
    for step in program.steps:
        results = ", ".join(names[v] for v in step.results)
        types = ", ".join(v.type for v in step.results)
        arguments = [_shown(a, names) for a in step.args]
        arguments += [f"{key}={_shown(a, names)}" for key, a in step.options.items()]
        yield f"{results} = {function_name(step.function)}({', '.join(arguments)})  # {types}"
    yield "return   " + ", ".join(names[v] for v in program.outputs)


def _shown(tree: Tree, names: Names) -> str:
    if isinstance(tree, Variable):
        return names[tree]
    if isinstance(tree, tuple):
        inner = ", ".join(_shown(item, names) for item in tree)
        return f"({inner},)" if len(tree) == 1 else f"({inner})"
    if isinstance(tree, list):
        return f"[{', '.join(_shown(item, names) for item in tree)}]"
    if isinstance(tree, slice):
        return f"slice({_shown((tree.start, tree.stop, tree.step), names)[1:-1]})"
    if isinstance(tree, np.ndarray):
        return f"array{tree.shape}"
    return getattr(tree, "__name__", None) or repr(tree)
