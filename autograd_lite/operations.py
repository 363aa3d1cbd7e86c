"""The table of operations: which function has which derivative rules.

A rule is a line of plain NumPy that turns the gradient `g` of an operation's result into the
gradient of one operand. Its parameter names say what else it needs, and so what the graph must
keep until backward:

====================  =========================================================================
a parameter named     receives
====================  =========================================================================
`g` (the first)       the gradient of the result
an operand's name     that operand's value
`out`                 the result's value
`x_shape`             the shape of the operand named `x`; keeps no array
any other name        the call's argument of that name (`axis`, `keepdims`), or its default
====================  =========================================================================

A rule may return a gradient of any shape that broadcasting relates to the operand's: the backward
loop sums or expands it, and casts it to the operand's dtype.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from types import CodeType, FunctionType
from typing import Any, TypeVar, overload

import numpy as np

from autograd_lite.arrays.foreign import Recordable
from autograd_lite.elsewhere import explain_call
from autograd_lite.functions import Traits, describe, signature
from autograd_lite.gradients import TupleGradient

Rule = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])

OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""Every function with a derivative rule."""

COMPOSITES: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Functions that are recorded through others: what stands for each, written in those others."""

REFUSED: dict[Callable[..., Any], str] = {}
"""Functions that have no derivative here, and what to do instead."""

NON_DIFFERENTIABLE: set[Callable[..., Any]] = set()
"""Functions whose results carry no gradient by nature: they return plain arrays."""


class Plan:
    """The values to keep and the gradients to compute, for a given set of operands that need
    gradients.

    `keep(result, args, kwargs)` returns the tuple that the graph holds until backward;
    `pulls` has a pair (i, pull) for each operand i that needs a gradient, which is
    `pull(g, kept)`.
    `origins[k]` says what the k-th kept value is: an operand's index, -1 for the result, or None
    for anything else (a shape, an axis). `kept_positions` are those of the arguments kept.
    """

    __slots__ = ("operation", "pulls", "keep", "names", "origins", "kept_positions")

    def __init__(self, operation: Operation, mask: int) -> None:
        active = [
            (rule if mask >> i & 1 else None) for i, rule in enumerate(operation.rules.values())
        ]
        needs = _needs_of(active)
        operands = tuple(operation.rules)
        self.operation: Operation = operation
        self.names: tuple[str, ...] = tuple(needs)
        self.origins: tuple[int | None, ...] = tuple(
            operands.index(n) if n in operands else -1 if n == "out" else None for n in needs
        )
        positions = (operation.position(name) for name in needs)
        self.kept_positions: tuple[int, ...] = tuple(
            position for position in positions if position is not None
        )
        self.keep: Callable[..., tuple[Any, ...]] = _keeper(operation, needs)
        self.pulls: tuple[tuple[int, Callable[..., Any]], ...] = tuple(
            (i, _adapter(rule, needs)) for i, rule in enumerate(active) if rule is not None
        )


class Operation:
    """A function with a derivative rule per operand."""

    __slots__ = ("function", "name", "rules", "parameters", "plans", "sequence", "limit", "out")

    def __init__(
        self,
        function: Callable[..., Any],
        rules: dict[str, Rule | None],
        sequence: int | None = None,
    ) -> None:
        self.function: Callable[..., Any] = function
        self.sequence: int | None = sequence
        self.name: str = _name(function)
        self.plans: dict[int, Plan]
        self.limit: int
        self.declare(rules)

    def declare(self, rules: dict[str, Rule | None]) -> None:
        """Set the rules, in place of earlier ones. TypeError for a rule with a parameter that is
        unknown.
        """
        before = getattr(self, "rules", rules)
        self.parameters: tuple[inspect.Parameter, ...] | None = _parameters(
            self.function, tuple(rules)
        )
        self.rules: dict[str, Rule | None] = rules
        try:
            for name in _needs_of(rules.values()):
                _pick(self, name, {})
        except TypeError:
            self.rules = before
            raise
        self.limit = 1 << len(rules)
        # Made when they are first asked for: importing the package would compile hundreds.
        self.plans = {}
        self.out: int | None = self.position("out")

    def plan(self, mask: int) -> Plan:
        """The plan for the operands whose bits are set in `mask`."""
        plan = self.plans.get(mask)
        if plan is None:
            if not self.rules:
                raise TypeError(
                    f"{self.name} has no derivative rule yet: declare one with "
                    f"al.defvjp({self.name}, ...)"
                )
            if mask >> len(self.rules):
                raise TypeError(
                    f"{self.name}: argument {mask.bit_length()} must be a plain value, not a "
                    "Tensor that requires grad"
                )
            plan = self.plans[mask] = Plan(self, mask)
        return plan

    def position(self, name: str) -> int | None:
        """The place of an argument that a rule calls `name` among the positional ones; None for
        others."""
        operands = list(self.rules)
        if name in operands:
            return operands.index(name)
        for i, parameter in enumerate(self.parameters or ()):
            if parameter.name == name and parameter.kind is not parameter.KEYWORD_ONLY:
                return i
        return None

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
        """Move operands that were passed by keyword to their place among the positional ones."""
        kwargs = dict(kwargs)
        names = [p.name for p in self.parameters] if self.parameters else list(self.rules)
        moved = list(args)
        for name in names[len(args) : len(self.rules)]:
            if name not in kwargs:
                break
            moved.append(kwargs.pop(name))
        return tuple(moved), kwargs

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


def defvjp_sequence(function: Callable[..., Any], position: int, /, **rules: Rule | None) -> None:
    """Declares the derivative of a function that takes a sequence of operands as one argument.

    That argument's rule returns a sequence of gradients, one for each of them.

    Parameters
    ----------
    function : callable
        What is differentiated.
    position : int
        The position of the sequence among its arguments.
    **rules : callable or None
        As for `defvjp`.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import defvjp_sequence, primitive
    >>> @primitive
    ... def joined(arrays):
    ...     return np.stack(arrays)
    >>> defvjp_sequence(joined, 0, arrays=lambda g: list(g))
    >>> x = al.Tensor(1.0, requires_grad=True)
    >>> joined([x, x]).sum().backward()
    >>> float(x.grad)
    2.0
    """
    parts = {
        name: (lambda rule: rule and _as_parts(rule))(rule) if i == position else rule
        for i, (name, rule) in enumerate(rules.items())
    }
    OPERATIONS[function] = Operation(function, parts, sequence=position)


def _as_parts(rule: Rule) -> Rule:
    @functools.wraps(rule)
    def parts(*args: Any) -> TupleGradient:
        return TupleGradient(rule(*args))

    return parts


def composite(*functions: Callable[..., Any]) -> Callable[[Function], Function]:
    """Declare that the decorated function stands for `functions` where a Tensor is involved.

    It has their parameters, and is written in functions that have rules.

    Parameters
    ----------
    *functions : callable
        What the decorated function stands for.

    Returns
    -------
    callable
        A decorator, which returns its function as it is.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import composite
    >>> @composite(np.ptp)
    ... def ptp(a):
    ...     return np.max(a) - np.min(a)
    >>> np.ptp(al.Tensor([1.0, 4.0], requires_grad=True)).item()
    3.0
    """

    def declare(stand_in: Function) -> Function:
        for function in functions:
            COMPOSITES[function] = stand_in
        return stand_in

    return declare


def refused(way_out: str, *functions: Callable[..., Any]) -> None:
    """Declare functions that raise for a Tensor that requires grad, with the way out in the
    message.

    Parameters
    ----------
    way_out : str
        What to do instead, for the message.
    *functions : callable
        Functions of NumPy, or made by `primitive`.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import refused
    >>> refused("divide by 2.0**exponent with the exponent of .data", np.frexp)
    >>> np.frexp(al.Tensor([8.0], requires_grad=True))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    TypeError: ...divide by 2.0**exponent with the exponent of .data
    """
    for function in functions:
        REFUSED[function] = way_out


def defvjp(
    function: Callable[..., Any], described: Traits | None = None, /, **rules: Rule | None
) -> None:
    """Declare the derivative of `function`: a rule for each of its operands, in their order.

    The keywords name the operands, and the rules' parameters use these names. An operand that
    takes no gradient (a condition, an index) is declared with None. `described` says what else is
    known of the function, so that programs, pictures and the checker treat it as one of NumPy's.

    Parameters
    ----------
    function : callable
        What is differentiated: a function of NumPy, or one made by `primitive`.
    described : Traits, optional
        What else is known of it.
    **rules : callable or None
        For each operand, by a name of your own, in their order: a function of the gradient of the
        result, and of what it names: operands, `out`, their shapes (`x_shape`), other arguments. It
        returns the gradient of the operand.

    Raises
    ------
    TypeError
        Where a rule asks for what is neither an operand, nor `out`, nor a parameter of the
        function.

    See Also
    --------
    primitive : Makes a function of your own an operation.
    autograd_lite.extend.defvjp_sequence : For a function with a list of operands.

    Examples
    --------
    >>> import autograd_lite as al
    >>> @al.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> al.defvjp(cube, x=lambda g, x: g * 3 * x**2)
    >>> float(al.grad(cube)(2.0))
    12.0
    """
    if not rules:
        raise TypeError(f"defvjp({_name(function)}) needs a rule for at least one operand")
    if described is not None:
        describe(described, function)
    if function in OPERATIONS:
        OPERATIONS[function].declare(rules)
    else:
        OPERATIONS[function] = Operation(function, rules)


@overload
def primitive(function: Function, /) -> Function: ...
@overload
def primitive(function: Traits, /) -> Callable[[Function], Function]: ...
def primitive(function: Any, /) -> Any:
    """Make a function, which computes on arrays, an operation that records itself on Tensors.

    Its derivative is declared with `defvjp(function, ...)`. Decorate with `primitive(Traits(...))`
    to say what else is known of it, as `defvjp` takes it too.

    Parameters
    ----------
    function : callable, or Traits
        A function of arrays. Or what is known of the one that is decorated.

    Returns
    -------
    callable
        The operation, which is called as the function is.

    See Also
    --------
    defvjp : Declares its derivative.

    Examples
    --------
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import Traits
    >>> @al.primitive(Traits(elementwise=True))
    ... def cube(x):
    ...     return x * x * x
    >>> al.defvjp(cube, x=lambda g, x: g * 3 * x * x)
    >>> cube(al.Tensor([1.0, 2.0]))
    Tensor([1., 8.])
    """
    if isinstance(function, Traits):
        return functools.partial(_primitive, described=function)
    return _primitive(function)


def _primitive(function: Function, described: Traits | None = None) -> Function:
    operation = Operation(function, {})

    @functools.wraps(function)
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        try:
            for value in args:
                if isinstance(value, Recordable):
                    return value._record(operation, args, kwargs)
                if value.__class__ is tuple:
                    # An index of several arrays, of which some may be traced.
                    for item in value:
                        if isinstance(item, Recordable):
                            return item._record(operation, args, kwargs)
            for value in kwargs.values():
                if isinstance(value, Recordable):
                    return value._record(operation, args, kwargs)
            return function(*args, **kwargs)
        except TypeError:
            explain_call(_name(function), function, args, kwargs)
            raise

    OPERATIONS[dispatch] = operation
    if described is not None:
        # A node knows the function itself, a program the one that is called.
        describe(described, dispatch, function)
    return dispatch  # type: ignore[return-value]


def by_value(rule: Function) -> Function:
    """Mark a rule that decides by values: where they are only traced, a call of it is one step."""

    @functools.wraps(rule)
    def call(*args: Any) -> Any:
        for value in args:
            if hasattr(value, "as_one_step"):
                return value.as_one_step(rule, args)
        return rule(*args)

    return call  # type: ignore[return-value]


def non_differentiable(*functions: Callable[..., Any]) -> None:
    """Declare that the results of `functions` carry no gradient by nature.

    Parameters
    ----------
    *functions : callable
        Functions of NumPy, or made by `primitive`.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import non_differentiable
    >>> non_differentiable(np.argmax)
    >>> int(np.argmax(al.Tensor([3.0, 1.0], requires_grad=True)))
    0
    """
    NON_DIFFERENTIABLE.update(functions)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))


def _parameters(
    function: Callable[..., Any], operands: tuple[str, ...]
) -> tuple[inspect.Parameter, ...] | None:
    """The parameters of `function`, or None for a ufunc or a function that does not tell."""
    if isinstance(function, np.ufunc):
        return None
    try:
        parameters = tuple(signature(function).parameters.values())
    except ValueError:
        return None
    if len(parameters) < len(operands):
        raise TypeError(
            f"defvjp({_name(function)}): rules for {operands}, but the function has "
            f"only the parameters {tuple(p.name for p in parameters)}"
        )
    return parameters


def _needs_of(rules: Iterable[Rule | None]) -> list[str]:
    """What rules ask for besides the gradient, each name once."""
    return list(dict.fromkeys(name for rule in rules if rule is not None for name in _needs(rule)))


def _needs(rule: Rule) -> list[str]:
    """The names of a rule's parameters after the gradient."""
    plain = inspect.unwrap(rule)
    if isinstance(plain, FunctionType) and not plain.__code__.co_flags & _TAKES_ANY:
        # inspect.signature is slower, and an import asks hundreds of rules.
        code = plain.__code__
        return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
    return list(inspect.signature(rule).parameters)[1:]


_TAKES_ANY = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def _adapter(rule: Rule, needs: list[str]) -> Callable[[Any, tuple[Any, ...]], Any]:
    """`rule` as a function of the gradient and the kept values, compiled once."""
    picks = ", ".join(f"kept[{needs.index(name)}]" for name in _needs(rule))
    return eval(_compiled(f"lambda g, kept: rule(g, {picks})"), {"rule": rule})


def _keeper(operation: Operation, needs: list[str]) -> Callable[..., tuple[Any, ...]]:
    """A function, compiled once, that picks the values named in `needs` from a call's result and
    arguments.
    """
    scope: dict[str, Any] = {"shape_of": _shape_of}
    picks = "".join(f"{_pick(operation, name, scope)}, " for name in needs)
    return eval(_compiled(f"lambda out, args, kwargs: ({picks})"), scope)


def _compiled(expression: str) -> CodeType:
    """Compiles an expression with this file's name, so that nobody takes it for a line of the
    user's."""
    return compile(expression, __file__, "eval")


def _pick(operation: Operation, name: str, scope: dict[str, Any]) -> str:
    """The expression for the value that a rule calls `name`, in terms of a call's result and
    arguments.
    """
    operands = list(operation.rules)
    if name == "out":
        return "out"
    if name in operands:
        return f"args[{operands.index(name)}]"
    if name.endswith("_shape") and name.removesuffix("_shape") in operands:
        return f"shape_of(args[{operands.index(name.removesuffix('_shape'))}])"
    # A function that does not tell its parameters; of a ufunc these are the options that matter.
    if operation.parameters is None and (
        not isinstance(operation.function, np.ufunc) or name in ("axes", "axis", "keepdims")
    ):
        return f"kwargs.get({name!r})"
    for parameter in operation.parameters or ():
        if parameter.name == name:
            given = parameter.default not in (parameter.empty, np._NoValue)
            scope[f"default_{name}"] = parameter.default if given else None
            by_name = f"kwargs.get({name!r}, default_{name})"
            position = operation.position(name)
            if position is None:
                return by_name
            return f"(args[{position}] if len(args) > {position} else {by_name})"
    # What every generalized ufunc takes, without saying so.
    if getattr(operation.function, "signature", None) and name in ("axes", "axis", "keepdims"):
        return f"kwargs.get({name!r})"
    raise TypeError(
        f"a rule of {operation.name} asks for {name!r}, which is neither an operand "
        f"{tuple(operands)}, nor 'out', nor a parameter of the function"
    )


def _shape_of(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_shape_of, value))
    try:
        return value.shape
    except AttributeError:
        return np.shape(value)
