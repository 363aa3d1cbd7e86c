"""al.compile: a function traced once for each kind of arguments, and run as a program since."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from autograd_lite.arrays.blas import one_blas_thread
from autograd_lite.compiler.calls import builder_for, check_for, guard_for
from autograd_lite.compiler.explanation import Explanation
from autograd_lite.compiler.lowering import Lowered, lower
from autograd_lite.compiler.matrix_products import Products
from autograd_lite.compiler.native import tiers
from autograd_lite.compiler.native.cut import cut_of
from autograd_lite.compiler.native.tiers import Tiers
from autograd_lite.compiler.runtime import cores
from autograd_lite.elsewhere import answering
from autograd_lite.forks import fork_safe
from autograd_lite.gradients import TupleGradient
from autograd_lite.modes import is_recording
from autograd_lite.operations import Operation
from autograd_lite.program.arguments import (
    Structure,
    flatten,
    kind_of,
    names_of,
    statics,
    unflatten,
)
from autograd_lite.program.captures import Captures
from autograd_lite.program.ir import Program
from autograd_lite.program.names import identifier
from autograd_lite.program.passes import Note, for_native, optimised
from autograd_lite.program.traced import traced
from autograd_lite.program.tracing import Trace, TracedValueError, Tracer
from autograd_lite.record import NO_OPTIONS, make, record_call
from autograd_lite.source import users_line
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import grad

P = ParamSpec("P")
R = TypeVar("R")
Function = Callable[..., Any]
PROGRAM_LIMIT = 16
"""A compiled function keeps the programs of up to this many kinds of arguments."""

_tracing = fork_safe(threading.RLock())
"""Held while a function is traced: a trace writes nothing down for another thread."""


@answering
def compile(
    function: Callable[P, R],
    *,
    donate: int | Sequence[int] = (),
    threads: int | None = None,
    native: bool | None = None,
    cache: bool = True,
) -> Compiled[P, R]:
    """`function`, run as an optimised program.

    The first call with arguments of a kind (structure, shapes, dtypes) traces the function; later
    ones run the program. Arrays, floats and complex numbers are traced; whole numbers, booleans
    and strings are part of the kind, so a new one traces again. The function must be pure: what it
    reads besides its arguments is built in, and RuntimeError says so if it has changed since; what
    cannot be watched (a clock, a file, an iterator), a write to anything outside, a value that is
    read, or a branch on one raises TracedValueError with the line. It can be differentiated, and
    compiled functions can call each other.

    Results are those of the function up to rounding. Logarithms of sigmoids and of sums of exp are
    computed in their stable forms, which are exact where the formula as written overflows. No
    floating-point warnings are given.

    Parameters
    ----------
    function : callable
        Of arrays and numbers, or of lists, tuples and dicts of them, as the transforms take it.
    donate : int or ints
        Positional arguments whose arrays the caller gives away: a result of the same shape and
        dtype may be written into one. `step = al.compile(step, donate=0)`.
    threads : int, optional
        How many share the work on large arrays; by default as many as there are cores, or as
        OMP_NUM_THREADS says.
    native : bool, optional
        Whether the program is compiled to native code by Numba (extra `jit`). By default it runs as
        NumPy's calls at once, and if it is called more than a few times native code is made beside
        it, in another process, and taken if it is measured to be faster. True waits for it at the
        first call, and always takes it; with False there is none. Results may differ in their last
        places between the two.
    cache : bool
        Whether native code is kept on disk for the next process, in the user's folder for caches.

    Returns
    -------
    Compiled
        It is called as `function` is; `explain()` says what became of it.

    Raises
    ------
    TypeError
        Where `function` is none.
    ImportError
        Where `native` is True without Numba.
    TracedValueError, RuntimeError
        When it is called; see above.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> slope = al.compile(al.grad(lambda x: np.sum(np.sin(x) ** 2)))
    >>> slope(np.array([0.0, np.pi / 4])).round(12)
    array([0., 1.])
    """
    if not callable(function):
        raise TypeError(f"compile() takes a function, not {type(function).__name__}")
    numbers = (donate,) if isinstance(donate, int) else tuple(donate)
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"compile(threads=...) must be at least 1, not {threads!r}")
    check_native(native)
    return Compiled(function, numbers, threads, native=native, is_kept=cache)


def check_native(native: bool | None) -> None:
    """Raise ImportError where native code is asked for and cannot be made."""
    if native and not tiers.is_available():
        raise ImportError("native code needs Numba and SciPy: pip install 'autograd_lite[jit]'")


class Specialised:
    """The program for one kind of arguments.

    `returns` is the structure of what comes out, `tensors` which of the results are Tensors, and
    `arguments` and `kinds` are what it is for.
    """

    def __init__(
        self,
        program: Program,
        lowered: Lowered,
        returns: Structure,
        tensors: list[bool],
        captures: Captures,
        notes: list[Note],
        donated: list[bool],
        choice: Tiers | None,
        arguments: Structure,
        kinds: Sequence[Any],
    ) -> None:
        self.choice = choice
        self.is_open: bool = choice is not None
        self.donated: list[bool] | None = donated if any(donated) else None
        self.program = program
        self.lowered: Lowered = lowered
        self.returns = returns
        self.tensors = tensors
        self.has_tensors: bool = any(tensors)
        self.captures = captures
        self.notes = notes
        self.guard: Callable[..., Any] | None = guard_for(arguments, kinds, donated)
        self.builder: Callable[..., Any] | None = builder_for(returns)
        self.are_same: Callable[[], bool] = check_for(captures)
        if choice is not None:
            self._settle(choice)

    def run(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Runs the program on these leaves of the arguments."""
        if self.donated is not None:
            leaves = _apart(leaves, self.donated)
        return self.run_on(leaves)

    def run_on(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Runs the program on leaves of which those that are donated are alone in their memory."""
        if self.is_open:
            return self._run_open(leaves)
        return _run(self.lowered, leaves)

    def _run_open(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Runs the program while its form is not settled."""
        assert self.choice is not None
        results: tuple[Any, ...] = self.choice.run(lambda lowered: _run(lowered, leaves))
        self._settle(self.choice)
        return results

    def _settle(self, choice: Tiers) -> None:
        if choice.chosen is not None:
            self.lowered, self.is_open = choice.chosen, False


def _run(lowered: Lowered, leaves: Sequence[Any]) -> tuple[Any, ...]:
    if lowered.is_single:
        with one_blas_thread():
            return _run_in(lowered, leaves)
    return _run_in(lowered, leaves)


def _run_in(lowered: Lowered, leaves: Sequence[Any]) -> tuple[Any, ...]:
    workspace = lowered.workspaces.enter()
    try:
        if lowered.is_silent:
            return lowered.run(*leaves, workspace)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            return lowered.run(*leaves, workspace)
    finally:
        lowered.workspaces.leave(workspace)


def _apart(leaves: Sequence[Any], donated: Sequence[bool]) -> Sequence[Any]:
    """Copies donated leaves that are read-only, or share memory with another leaf."""
    arrays = [v for v in leaves if v.__class__ is np.ndarray]
    return [
        v.copy() if d and v.__class__ is np.ndarray and not _is_alone(v, arrays) else v
        for v, d in zip(leaves, donated, strict=True)
    ]


def _is_alone(array: np.ndarray, arrays: Sequence[np.ndarray]) -> bool:
    """Whether an array can be written to without changing another one."""
    others = (other for other in arrays if other is not array)
    twice = sum(other is array for other in arrays) > 1
    return (
        array.flags.writeable
        and not twice
        and not any(np.may_share_memory(array, other) for other in others)
    )


class Compiled(Generic[P, R]):
    """A compiled function; see `compile`.

    `exempt` are objects that the function may read, and that may change: what it reads of them is
    passed to it as well.
    """

    def __init__(
        self,
        function: Callable[P, R],
        donate: tuple[int, ...] = (),
        threads: int | None = None,
        exempt: Sequence[Any] = (),
        native: bool | None = None,
        is_kept: bool = True,
    ) -> None:
        self.exempt: Sequence[Any] = exempt
        self.native: bool | None = native
        self.is_kept: bool = is_kept
        functools.update_wrapper(self, function)
        self.function = function
        self.donate = donate
        self.threads = threads
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self._programs: OrderedDict[Any, Specialised] = OrderedDict()
        self._pulls: dict[Any, Compiled[..., Any]] = {}
        self._writing: Compiled[..., Any] | None = None
        self._latest: Specialised | None = None
        self._ready: Specialised | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        ready = self._ready
        if ready is not None:
            found = ready.guard(args, kwargs)  # type: ignore[misc]
            if found is not None:
                if not ready.are_same():
                    self._refuse_if_changed(ready.captures)
                self._latest = ready
                return ready.builder(ready.run_on(found))  # type: ignore[misc]
        return self._called(args, kwargs)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of any kind."""
        leaves: list[Any] = []
        structure = flatten((args, kwargs), leaves)
        values = leaves
        kinds = tuple([kind_of(leaf) for leaf in leaves])
        if None in kinds:
            inner = [v._value if isinstance(v, Tensor) else v for v in leaves]
            if any(isinstance(v, Tracer) for v in inner):
                return self.function(*args, **kwargs)
            if is_recording() and any(isinstance(v, Tensor) and v.requires_grad for v in leaves):
                return self._recorded(leaves, structure)
            values = inner
            kinds = tuple([kind_of(value) for value in values])
        found = self._specialised(structure, values, kinds)
        has_short_way = found.guard is not None and found.builder is not None
        self._ready = found if has_short_way and values is leaves else None
        results = found.run(values)
        if found.has_tensors:
            pairs = zip(results, found.tensors, strict=True)
            results = tuple(make(r, None) if t else r for r, t in pairs)
        return unflatten(found.returns, results)

    def into(self, out: Any, *args: Any, **kwargs: Any) -> Any:
        """Call it with the results written into the arrays of `out`, and return `out`.

        `out` has the structure, shapes and dtypes of the results; they are computed in place where
        an array of it is C-contiguous and shares no memory with another one or an argument, and
        copied into the others. Numbers among the results cannot be written: use a call for them.
        """
        with _tracing:
            if self._writing is None:
                function = self.function

                def written(out: Any, /, *args: Any, **kwargs: Any) -> Any:
                    return function(*args, **kwargs)

                functools.update_wrapper(written, function)
                donate = (0, *(position + 1 for position in self.donate))
                self._writing = Compiled(
                    written, donate, self.threads, self.exempt, self.native, self.is_kept
                )
        targets: list[Any] = []
        wanted = flatten(out, targets)
        results: list[Any] = []
        if flatten(self._writing(out, *args, **kwargs), results) != wanted:
            raise ValueError(
                f"{self.name}.into(out, ...): out has not the structure of the results"
            )
        for target, result in zip(targets, results, strict=True):
            if result is not target:
                if np.shape(target) != np.shape(result) or _dtype(target) != _dtype(result):
                    raise ValueError(
                        f"{self.name}.into(out, ...): a result of {_dtype(result)} "
                        f"{np.shape(result)} does not go into {_dtype(target)} {np.shape(target)}"
                    )
                target[...] = result
        self._latest = self._writing._latest
        return out

    def _specialised(self, structure: Structure, values: list[Any], kinds: Any) -> Specialised:
        key = (structure, kinds)
        found = self._programs.get(key)
        if found is None:
            with _tracing:
                found = self._programs.get(key)
                if found is None:
                    found = self._programs[key] = self._new(structure, values, kinds)
                    while len(self._programs) > PROGRAM_LIMIT:
                        self._programs.popitem(last=False)
        else:
            self._refuse_if_changed(found.captures)
        self._latest = found
        return found

    def _refuse_if_changed(self, captures: Captures) -> None:
        label = captures.changed()
        if label is None:
            return
        raise RuntimeError(
            f"{self.name} was compiled with {label} as it was then, and it has changed since; it "
            f"is read at {captures.line(label)}. Pass what changes as an argument, or call "
            f".forget() to have {self.name} traced anew. Called at {users_line()}"
        )

    def forget(self) -> None:
        """Forget all programs: the next call traces again."""
        with _tracing:
            self._programs.clear()
            self._pulls.clear()
            self._writing = None
            self._latest = self._ready = None

    def _new(self, structure: Structure, values: list[Any], kinds: Any) -> Specialised:
        """Trace, optimise and print the program for these arguments."""
        captures = Captures(self.function, statics(structure), self.exempt)
        if captures.unknown is not None:
            label, why = captures.unknown
            raise TracedValueError(
                f"{self.name}, {captures.line(label)}: it reads {label}, and {why}; pass what it "
                "reads as an argument, or compute it outside"
            )
        trace, program, returns, tensors = traced(
            self.name, self.function, structure, values, captures
        )
        _keep_watch(trace, captures)
        notes: list[Note] = []
        best = optimised(program, trace, notes)
        has_native = self.native is not False and tiers.is_available()
        native = for_native(best, notes) if has_native else None
        contiguous = [not np.ndim(v) or v.flags.c_contiguous for v in values]
        donated = self._donated(structure, len(values))
        threads = self.threads or cores()
        products = Products(best.values)
        name = identifier(self.name, "run")
        options: dict[str, Any] = {"threads": threads, "donated": donated, "name": name}
        lowered = lower(best.program, contiguous, product=products.choose, **options)
        # Printers refer to it and to one another, and would keep the values for a while.
        products.values = {}
        choice = self._choice(lowered, native, contiguous, options)
        return Specialised(
            *(best.program, lowered, returns, tensors, captures, notes, donated, choice),
            *(structure, kinds),
        )

    def _choice(
        self,
        lowered: Lowered,
        native: Program | None,
        contiguous: Sequence[bool],
        options: dict[str, Any],
    ) -> Tiers | None:
        """The native form of a program beside the plain one, if there may be one."""
        if native is None:
            return None
        choice = Tiers(lowered, lambda: _native_forms(native, contiguous, options), self.is_kept)
        if self.native:
            choice.build()
            choice.take_native()
        return choice

    def _donated(self, structure: Structure, count: int) -> list[bool]:
        """Tells for each leaf whether it belongs to an argument that is given away."""
        names = names_of(structure, self.function)
        return [names[i].argument in self.donate for i in range(count)]

    def _recorded(self, leaves: list[Any], structure: Structure) -> Any:
        """Calls the program on tensors that require grad: one operation, with a compiled
        derivative.
        """
        plain = [v._value if isinstance(v, Tensor) else v for v in leaves]
        found = self._specialised(structure, plain, tuple(map(kind_of, plain)))

        def compute(operands: Any) -> Any:
            results = found.run(operands)
            return results if len(results) > 1 else results[0]

        operation = Operation(
            compute,
            {
                "operands": lambda g, operands: TupleGradient(
                    self._pull(structure)(tuple(operands), g)
                )
            },
            sequence=0,
        )
        operation.name = self.name
        if not found.program.outputs:
            return unflatten(found.returns, ())
        result = record_call(operation, (leaves,), NO_OPTIONS)
        results = result if isinstance(result, tuple) else (result,)
        return unflatten(found.returns, results)

    def _pull(self, structure: Structure) -> Function:
        """The function that pulls gradients of the results back to the leaves of the arguments."""
        function = self.function

        def along(operands: Any, gradients: Any) -> Any:
            args, kwargs = unflatten(structure, operands)
            results: list[Any] = []
            flatten(function(*args, **kwargs), results)
            total: Any = 0.0
            for result, g in zip(results, gradients, strict=True):
                if isinstance(result, Tensor) and result.requires_grad:
                    total = total + np.real(np.sum(result * g))
            return total

        along.__name__ = f"{self.name}'s gradient"
        pull = self._pulls.get(structure)
        if pull is None:
            pull = self._pulls[structure] = Compiled(
                _differentiated(along), (), self.threads, (), self.native, self.is_kept
            )

        def pulled(operands: Any, g: Any) -> Any:
            return pull(operands, tuple(g) if isinstance(g, TupleGradient) else (g,))

        return pulled

    @property
    def source(self) -> str:
        """The source of the program that ran last, as a file that runs by itself.

        Its last function takes the arrays and numbers of the arguments in their order, and a
        workspace, which `new_workspace()` makes. Large arrays that the function reads besides are
        declared, to be set before the call.
        """
        return self._last().lowered.file

    @property
    def program(self) -> Program:
        """The program that ran last, in the intermediate form."""
        return self._last().program

    def explain(self) -> Explanation:
        """A report on each pass over the program that ran last, and its savings; `.draw()` draws
        it.

        Returns
        -------
        Explanation
            It prints as a list of the passes.

        Raises
        ------
        RuntimeError
            Before the first call.
        """
        last = self._last()
        says = last.choice.says if last.choice is not None else None
        return Explanation(self.name, last.notes, last.lowered, last.program, says)

    def _last(self) -> Specialised:
        if self._latest is None:
            raise RuntimeError(f"{self.name} has no program yet: call it once")
        return self._latest

    def __repr__(self) -> str:
        return f"<compiled {self.name}: {len(self._programs)} programs>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


def _native_forms(
    program: Program, contiguous: Sequence[bool], options: dict[str, Any]
) -> list[Lowered]:
    """The native forms of a program: block by block, if it can be cut, and step by step."""
    cut = cut_of(program)
    cuts = [None] if cut is None else [cut, None]
    return [lower(program, contiguous, native=True, cut=c, **options) for c in cuts]


def _differentiated(along: Function) -> Function:
    """The gradients of a function of a tuple; zeros for operands that are not floating-point."""

    def gradient(operands: Any, g: Any) -> Any:
        chosen = [i for i, x in enumerate(operands) if _dtype(x).kind in "fc"]

        def of_chosen(some: Any) -> Any:
            every = list(operands)
            for i, x in zip(chosen, some, strict=True):
                every[i] = x
            return along(tuple(every), g)

        found = grad(of_chosen)(tuple(operands[i] for i in chosen))
        results = [np.zeros(np.shape(x)) for x in operands]
        for i, x in zip(chosen, found, strict=True):
            results[i] = x
        return tuple(results)

    gradient.__name__ = along.__name__
    return gradient


def _dtype(x: Any) -> np.dtype[Any]:
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _keep_watch(trace: Trace, captures: Captures) -> None:
    """Note the arrays that were met in a trace that is over, and are still there.

    Somebody has them, by a way that was not found.
    """
    for reference, before, line in trace.met:
        array = reference()
        if array is not None:
            captures.add(array, before, line)
