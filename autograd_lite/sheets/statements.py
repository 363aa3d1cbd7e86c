"""The statements of a sheet: the formula of each line and of the gradients that belong to it, as
trees with named leaves.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Index
from autograd_lite.check.marking.mutable import add_at, put
from autograd_lite.derivation.constants import array_text
from autograd_lite.derivation.expressions import (
    NoExpression,
    Printer,
    Text,
    index_argument,
    subscript_text,
)
from autograd_lite.functions import COMPARISON, traits
from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.structure import operands
from autograd_lite.program.ir import Step, Variable, function_name, substituted
from autograd_lite.program.names import identifier
from autograd_lite.program.tracing import public
from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.sheets.computation import Computation
from autograd_lite.sheets.places import Places
from autograd_lite.sheets.recorded import Recorded, contents
from autograd_lite.sheets.running import Execution, Frame

WHOLE_LIMIT = 1e6

LITERAL_LIMIT_NUMBERS = 6
"""An unnamed constant of up to this many numbers is written out."""

FORMULA_LIMIT_CHARACTERS = 24
"""A gradient is named after a formula of up to this length."""


PIECE_LIMIT_OPERATIONS = 24
"""A value without a name that is read twice is a line of its own from this many operations on."""


@dataclass(eq=False)
class Expression:
    """A formula as a tree: a named value, a number, or a function call on other trees.

    `variable` is its value, None for a number; `text` is its NumPy code. `label` names its array
    where it is shown as one: a name, or a view of one such as `X.T`. `symbol` is the operator
    between the operands. `elementwise` says that each element is computed from the operands'
    elements at the same place, after broadcasting.
    """

    text: Text
    variable: Variable | None = None
    label: str = ""
    function: str = ""
    symbol: str = ""
    operands: list[Expression] = field(default_factory=list)
    elementwise: bool = False


@dataclass(eq=False)
class Statement:
    """The statement `label = expression`, or with `adds` `label += expression`.

    Where it writes a part of an array, `index` is what stands in brackets and `assigned` what is
    written there; with `repeats` the index names an element more than once. `total` is the whole
    gradient where this is the last of several terms, and `only` says that there is just one term.
    `of` is the variable whose gradient it is, and `source` the variable's name or formula, where it
    has one; `shared` says that the variable holds several equal values, because the code computes
    it twice.
    """

    label: str
    variable: Variable
    expression: Expression
    adds: bool = False
    index: str = ""
    assigned: Expression | None = None
    repeats: bool = False
    total: Variable | None = None
    of: Variable | None = None
    source: str = ""
    only: bool = True
    shared: bool = False

    @property
    def formula(self) -> Expression:
        """What stands on the right."""
        return self.expression if self.assigned is None else self.assigned

    @property
    def text(self) -> str:
        """The statement as NumPy code."""
        formula = self.formula.text.text
        if self.repeats:
            return f"np.add.at({self.label}, {self.index}, {formula})"
        where = f"[{self.index}]" if self.index else ""
        return f"{self.label}{where} {'+=' if self.adds else '='} {formula}"


@dataclass(eq=False)
class Round:
    """One run of a line: its statements, and the lines of the functions that it called.

    `at` increases in the order in which lines ran.
    """

    at: int
    forward: list[Statement]
    backward: list[Statement]
    inner: list[Row]


@dataclass(eq=False)
class Row:
    """A line of a person's code as written, and each of its executions."""

    text: str
    line: int
    function: str
    rounds: list[Round]


def rows_of(recorded: Recorded, computation: Computation) -> list[Row]:
    """The rows of a function's lines, from the first to the last."""
    return _Writer(recorded, computation).rows()


class _Writer:
    def __init__(self, recorded: Recorded, computation: Computation) -> None:
        self.recorded = recorded
        self.computation = computation
        self.program = computation.program
        self.makers = self.program.makers()
        self.order = {r: i for i, s in enumerate(self.program.steps) for r in s.results}
        self.printer = Printer()
        self.places = Places(recorded.top)
        self.nodes_of: dict[Execution, list[Node]] = {}
        for node, row in recorded.rows.items():
            self.nodes_of.setdefault(row, []).append(node)
        self.readers: dict[Any, list[Node]] = {}
        for node in recorded.structure.nodes:
            for operand in operands(node):
                self.readers.setdefault(self._key(operand), []).append(node)
        self.made_by: dict[Variable, Node] = {}
        for node, variable in computation.made.items():
            self.made_by.setdefault(variable, node)
        self.values_of = Counter(computation.made.values())
        self.labels: dict[Variable, str] = {}
        self.names: dict[Any, str] = {}
        self.plain: dict[Execution, list[Variable]] = {}
        self.formulas: dict[Any, str] = {}
        self.literals: dict[Variable, Text] = {}
        self.also: dict[Variable, str] = {}
        self.unnamed = itertools.count(1)
        self._label_forward()
        self._label_transposed()
        self.backward_names = self._backward_names()
        self.pieces = self._pieces()
        self.stated: set[Variable] = set()
        self.parts = self._parts()

    @staticmethod
    def _key(token: Any) -> Any:
        return token if isinstance(token, Node) else id(token)

    def variable_of(self, token: Node | Leaf | Array) -> Variable:
        """The variable of a node or a source."""
        if isinstance(token, Node):
            return self.computation.made[token]
        return self.computation.sources[id(token)]

    def _label_forward(self) -> None:
        for source in self.recorded.structure.sources:
            name = self.recorded.name_of(source)
            if name is not None and id(source) in self.computation.sources:
                self.names[id(source)] = self.labels[self.variable_of(source)] = name
        for node, variable in self.computation.made.items():
            name = self.recorded.name_of(node)
            if name is not None and self.labels.setdefault(variable, name) == name:
                self.names[node] = name
        for execution, name, variable in self.computation.plain:
            if self.labels.setdefault(variable, name) == name:
                self.plain.setdefault(execution, []).append(variable)
        count: Counter[str] = Counter()
        for node, variable in self.computation.made.items():
            row = self.recorded.rows[node]
            if variable not in self.labels and self._is_read_outside(node, row):
                name = identifier(self.places.frame[row].name.strip("<>"), "value")
                taken = set(self.labels.values())
                numbers = (f"{name}{n}" for n in itertools.count(count[name] + 1))
                count[name] += 1
                self.labels[variable] = next(n for n in numbers if n not in taken)
                self.names[node] = self.labels[variable]

    def _label_transposed(self) -> None:
        """Name constants that are the transposes of named ones, such as `X.T`."""
        constants = {v: np.asarray(value) for v, value in self.program.constants.items()}
        known: dict[Any, list[str]] = {}
        for variable, value in constants.items():
            name = self.labels.get(variable) or variable.name
            if name and value.ndim == 2:
                known.setdefault(contents(value.T), []).append(name)
        for variable, value in constants.items():
            if variable not in self.labels and not variable.name and value.ndim == 2:
                names = known.get(contents(value), ())
                # Of several equal arrays nobody knows which one is meant.
                if len(names) == 1:
                    self.labels[variable] = f"{names[0]}.T"

    def _is_read_outside(self, node: Node, row: Execution) -> bool:
        """Whether a value is the result, or is read by a statement outside `row`."""
        if node is self.recorded.root:
            return True
        return any(
            not self.places.is_within(self.recorded.rows.get(reader), row)
            for reader in self.readers.get(node, ())
        )

    def _backward_names(self) -> dict[Node | Leaf, str]:
        """The names of gradients on the sheet, by node or leaf."""
        alive, count = self._alive()
        totals = self.computation.total
        found = {}
        for token, total in totals.items():
            name = self.names.get(self._key(token))
            if token in self.recorded.wrt or (name is not None and total in alive):
                found[token] = f"d{name}"
        forward = self._forward_variables()
        taken = set(self.labels.values())
        for token, name in found.items():
            found[token] = name if name not in taken else f"{name}_2"
        named: dict[Variable, str] = {}
        for token, name in found.items():
            if totals[token] not in forward:
                named.setdefault(totals[token], name)
        for token, total in totals.items():
            repeated = total in alive and count[total] > 1 and not self._is_short(total, named)
            if token not in found and total not in named and total not in forward and repeated:
                found[token] = named[total] = self._name_of_argument(token, set(named.values()))
        self.labels |= named
        return found

    def _pieces(self) -> set[Variable]:
        """Names values that are long to write and read more than once, lest lines double each time
        one is read.
        """
        reads = Counter(v for step in self.program.steps for v in step.operands)
        taken = {*self.labels.values(), *(v.name for v in self.program.constants)}
        names = (name for n in itertools.count(1) if (name := f"piece{n}") not in taken)
        size: Counter[Variable] = Counter()
        found = set()
        for step in self.program.steps:
            for variable in step.results:
                size[variable] = 1 + sum(size[v] for v in step.operands)
                if variable in self.labels:
                    size[variable] = 0
                elif reads[variable] > 1 and size[variable] >= PIECE_LIMIT_OPERATIONS:
                    size[variable] = 0
                    self.labels[variable] = next(names)
                    found.add(variable)
        return found

    def _with_pieces(self, statements: Iterable[Statement]) -> list[Statement]:
        """The statements, before them those of the pieces that they are the first to read."""
        found: list[Statement] = []
        for statement in statements:
            stack = [statement.expression]
            while stack:
                expression = stack.pop()
                stack += expression.operands
                variable = expression.variable
                if variable in self.pieces and variable not in self.stated and variable is not None:
                    self.stated.add(variable)
                    formula = self._tree(variable, lambda v: v in self.labels, top=True)
                    found += self._with_pieces(
                        [Statement(self.labels[variable], variable, formula)]
                    )
            found.append(statement)
        return found

    def _forward_variables(self) -> set[Variable]:
        """The variables on which the result and all named values depend."""
        needed = {*self.computation.made.values(), *self.labels}
        for step in reversed(self.program.steps):
            if any(result in needed for result in step.results):
                needed.update(step.operands)
        return needed

    def _alive(self) -> tuple[set[Variable], Counter[Variable]]:
        """The variables from which wanted gradients are computed, and how often each is read."""
        alive = {self.computation.total[leaf] for leaf in self._wanted()}
        alive |= {v for leaf in self._wanted() for _, v in self.computation.added.get(leaf, [])}
        count: Counter[Variable] = Counter()
        for step in reversed(self.program.steps):
            if any(result in alive for result in step.results):
                alive.update(step.operands)
                count.update(step.operands)
        return alive, count

    def _wanted(self) -> list[Leaf]:
        return [leaf for leaf in self.recorded.wrt if leaf in self.computation.total]

    def _is_short(self, variable: Variable, named: Mapping[Variable, str]) -> bool:
        """Whether a value is named, or is one operation on named values."""
        step = self.makers.get(variable)
        if step is None:
            return True
        return all(v in self.labels or v in named or v not in self.makers for v in step.operands)

    def _name_of_argument(self, token: Node | Leaf, taken: set[str]) -> str:
        """The name for the gradient of an operation's argument: `dtanh3` for the tanh that makes
        h3.

        For the argument of an operator, it is named after the formula, such as `d(Z - mu)`.
        """
        reader = self.readers[self._key(token)][-1]
        name = re.split(r"\W", reader.plan.operation.name)[0]
        tree = self._tree(self.variable_of(token), lambda v: v in self.labels, top=True)
        formula = tree.text.text
        is_operator = traits(public(reader.plan.operation) or np.exp).operator is not None
        wish = ""
        if is_operator and len(formula) <= FORMULA_LIMIT_CHARACTERS:
            self.formulas[self._key(token)] = formula
            wish = f"d({formula})"
        made = self.computation.made.get(reader)
        number = re.search(r"\d+$", self.labels.get(made, "") if made is not None else "")
        wish = free = wish or identifier(f"d{name}{number[0] if number else ''}")
        count = 2
        while free in taken:
            free, count = f"{wish}_{count}", count + 1
        return free

    def rows(self) -> list[Row]:
        """The lines of the function, from the first to the last."""
        top = self.recorded.top
        calls = [call for execution in top.executions for call in execution.calls]
        while len(calls) == 1 and not any(e in self.nodes_of for e in top.executions):
            [top] = calls
            calls = []
        return self._rows(top)

    def _rows(self, frame: Frame) -> list[Row]:
        """The lines of a call that computed something; a line in a loop has several rounds."""
        found: dict[Any, Row] = {}
        for execution in frame.executions:
            inner = [row for call in execution.calls for row in self._rows(call)]
            if execution not in self.nodes_of and execution not in self.plain and not inner:
                continue
            key = (execution.line, execution.text) if execution.text else execution
            row = found.setdefault(key, Row(execution.text, execution.line, frame.name, []))
            forward = self._with_pieces(
                self._in_part(Statement(self.labels[v], v, self._forward(v, execution, top=True)))
                for v in self._results(execution)
            )
            backward = self._with_pieces(self._backward(execution))
            backward.sort(key=lambda statement: self.order.get(statement.variable, 0))
            row.rounds.append(Round(execution.first, forward, backward, inner))
        return list(found.values())

    def _nodes_within(self, execution: Execution) -> Iterator[Node]:
        yield from self.nodes_of.get(execution, ())
        for call in execution.calls:
            for inner in call.executions:
                yield from self._nodes_within(inner)

    def _results(self, execution: Execution) -> list[Variable]:
        """The named values that a line makes, and the results of its calls."""
        found: dict[Variable, None] = dict.fromkeys(self.plain.get(execution, ()))
        for node in self._nodes_within(execution):
            variable = self.computation.made.get(node)
            if node not in self.names or variable is None:
                continue
            own = self.recorded.rows[node] is execution
            if self._is_in_scope(node, execution) and (
                own or self._is_read_outside(node, execution)
            ):
                found[variable] = None
        return list(found)

    def _is_in_scope(self, node: Node, execution: Execution) -> bool:
        """Whether a value's name is known in a line's function, or in a call around it."""
        frame = self.recorded.named_in.get(node)
        return frame is None or frame in self.places.frames(execution)

    def _backward(self, execution: Execution) -> Iterator[Statement]:
        """The terms that a line adds to the gradients of its operands, as statements."""
        # A gradient that equals a value of the forward pass goes by its own name.
        self.also = {
            self.computation.total[node]: self.backward_names[node]
            for node in self.nodes_of.get(execution, ())
            if node in self.backward_names
        }
        yield from self._terms(execution)
        self.also = {}

    def _terms(self, execution: Execution) -> Iterator[Statement]:
        for token, i in self.parts.get(execution, ()):
            name = self.backward_names[token]
            entries = self.computation.added[token]
            variable = entries[i][1]
            last = len(entries) > 1 and i == len(entries) - 1
            yield self._in_part(
                Statement(
                    name,
                    variable,
                    self._gradient(name, variable, i > 0),
                    adds=i > 0,
                    total=self.computation.total[token] if last else None,
                    of=self.variable_of(token),
                    source=self.names.get(self._key(token)) or self._formula_of(token),
                    only=len(entries) == 1,
                    shared=self.values_of[self.variable_of(token)] > 1,
                )
            )

    def _in_part(self, statement: Statement) -> Statement:
        """The statement, as an assignment to a part of the array if that is what it computes."""
        expression = statement.expression
        step = self.makers.get(expression.variable)  # type: ignore[arg-type]
        # A gradient is no array that was there before, in which a part could be replaced.
        kinds = (put, add_at) if statement.of is None else (put_back, add_at)
        if step is None or step.function not in kinds:
            return statement
        place = 1 if step.function is put_back else 2
        written = step.args[place - 1]
        given = [operand for operand in expression.operands if operand.variable is written]
        if isinstance(written, (int, float)):
            given = [Expression(self._number(written))]
        if expression.function != function_name(step.function) or not given:
            return statement
        index = substituted(step.args[place], self.computation.values)
        times = np.zeros(step.result.shape, np.intp)
        np.add.at(times, index, 1)
        statement.repeats = step.function is not put and bool(np.any(times > 1))
        statement.adds |= step.function is add_at
        leaves = {v: self._leaf(v).text for v in step.operands}
        statement.index = subscript_text(self.printer, _with_lists(step.args[place]), leaves)
        if statement.repeats:
            statement.index = index_argument(self.printer, step.args[place], leaves)
        statement.assigned = given[0]
        return statement

    def _parts(self) -> dict[Execution, list[tuple[Node | Leaf, int]]]:
        """The gradient terms of each line: the node or leaf, and the number of the term."""
        found: dict[Execution, list[tuple[Node | Leaf, int]]] = {}
        for token, entries in self.computation.added.items():
            for i, (row, _) in enumerate(entries if token in self.backward_names else ()):
                for execution in self.places.around(row):
                    if self._belongs(token, row, execution):
                        found.setdefault(execution, []).append((token, i))
        return found

    def _formula_of(self, token: Node | Leaf) -> str:
        return self.formulas.get(self._key(token), "")

    def _belongs(self, token: Node | Leaf, row: Execution, execution: Execution) -> bool:
        """Whether a line reads a value itself, or passes it to a function that reads it."""
        if row is execution:
            return True
        made_at = self.recorded.rows.get(token) if isinstance(token, Node) else None
        call = self.places.call_within(row, execution)
        inside = made_at is not None and self.places.is_within(made_at, execution)
        return not inside or self.places.call_within(made_at, execution) is not call  # type: ignore[arg-type]

    def _gradient(self, name: str, variable: Variable, adds: bool) -> Expression:
        """The formula of a gradient, or its name if another value already has it."""
        if self.labels.get(variable, name) != name:
            return self._leaf(variable)
        step = self.makers.get(variable)
        if step is None and variable in self.program.constants:
            # Its own name says nothing about a gradient that no number changes.
            text = self._array(np.asarray(self.program.constants[variable]))
            return Expression(text, variable, text.text)
        if adds and step is not None and step.function is np.broadcast_to:
            # The += broadcasts it anyway.
            [variable] = step.operands
        return self._tree(variable, lambda v: v in self.labels or v in self.also, top=True)

    def _forward(self, variable: Variable, execution: Execution, top: bool = False) -> Expression:
        """The formula of a value as the line writes it, with function calls kept as calls."""
        node = self.made_by.get(variable)
        if node is not None:
            row = self.recorded.rows[node]
            call = None
            if self.places.is_within(row, execution):
                call = self.places.call_within(row, execution)
            named = node in self.recorded.named_in and self._named_here(variable, execution)
            if call is not None and (top or not named):
                return self._call(call, variable, execution)
        if not top and self._named_here(variable, execution):
            return self._leaf(variable)
        step = self.makers.get(variable)
        if step is None:
            return self._leaf(variable)
        return self._operation(
            step, variable, {v: self._forward(v, execution) for v in step.operands}
        )

    def _named_here(self, variable: Variable, execution: Execution) -> bool:
        node = self.made_by.get(variable)
        if variable not in self.labels:
            return False
        return node is None or self._is_in_scope(node, execution)

    def _call(self, call: Frame, variable: Variable, execution: Execution) -> Expression:
        """A call of a person's function on its arguments."""
        given = []
        for value in call.passed:
            known = isinstance(value, Node) and value in self.computation.made
            if type(value) in (bool, int, float, str):
                given.append(Expression(self.printer.plain(value)))
            elif known or id(value) in self.computation.sources:
                given.append(self._forward(self.variable_of(value), execution))
        name = call.name if call.name != "<lambda>" else "function"
        text = Text(f"{name}({', '.join(e.text.text for e in given)})")
        nodes = [n for e in call.executions for n in self._nodes_within(e)]
        elementwise = all(_is_elementwise(public(n.plan.operation)) for n in nodes)
        return Expression(text, variable, "", name, "", given, elementwise)

    def _tree(
        self, variable: Variable, is_leaf: Callable[[Variable], bool], top: bool = False
    ) -> Expression:
        """The formula of a value in terms of named values."""
        step = self.makers.get(variable)
        if step is None or (not top and is_leaf(variable)):
            return self._leaf(variable)
        inner = {v: self._tree(v, is_leaf) for v in step.operands}
        return self._operation(step, variable, inner)

    def _operation(
        self, step: Step, variable: Variable, inner: Mapping[Variable, Expression]
    ) -> Expression:
        sign = traits(step.function).operator
        symbol = sign.symbol if sign is not None else "@" if step.function is np.dot else ""
        shown = [inner[v] for v in step.operands]
        elementwise = _is_elementwise(step.function)
        if (elementwise or (len(step.args) == 2 and symbol)) and all(map(_is_operand, step.args)):
            shown = [
                inner[a] if isinstance(a, Variable) else Expression(self._number(a, symbol))
                for a in step.args
            ]
        text = self._text(step, variable, inner, symbol)
        name = function_name(step.function).removeprefix("np.")
        label = _label(step, text, shown)
        return Expression(text, variable, label, name, symbol, shown, elementwise)

    def _text(
        self, step: Step, variable: Variable, inner: Mapping[Variable, Expression], symbol: str
    ) -> Text:
        texts = {v: e.text for v, e in inner.items()}
        args: list[Any] = []
        for value in step.args:
            if isinstance(value, (int, float)) and not isinstance(value, bool) and symbol:
                # The number takes the name that the person gave it.
                number = Variable((), float)
                texts[number] = self._number(value, symbol)
                args.append(number)
            else:
                args.append(int(value) if _is_whole(value) else _with_lists(value))
        step = Step(step.function, tuple(args), step.options, step.results, step.several)
        try:
            text = self.printer.step(step, texts)
            return Text(f"{text.text}[{step.results.index(variable)}]") if step.several else text
        except NoExpression:
            return self._call_by_name(step, texts)

    def _call_by_name(self, step: Step, texts: Mapping[Variable, Text]) -> Text:
        """A call of a function outside NumPy, with its arguments."""
        try:
            listed = [self.printer.value(value, texts).text for value in step.args]
            listed += [f"{k}={self.printer.value(v, texts).text}" for k, v in step.options.items()]
        except NoExpression:
            listed = [texts[v].text for v in step.operands]
        return Text(f"{function_name(step.function)}({', '.join(listed)})")

    def _number(self, number: Array, symbol: str = "") -> Text:
        """A number as a person writes it: 6 for 6.0, or N where the code divides by N."""
        name = self.recorded.whole.get(number) if type(number) is int and symbol in "*/" else None
        if name is not None and symbol:
            return Text(name)
        if isinstance(number, np.float32):
            # The digits of the float32, not those of the nearest float64.
            number = float(str(number))
        return self.printer.plain(int(number) if _is_whole(number) else number)

    def _array(self, array: np.ndarray) -> Text:
        """A short array as NumPy code; a made-up name for a longer one."""
        try:
            return Text(array_text(array, self.printer, LITERAL_LIMIT_NUMBERS))
        except NoExpression:
            return Text(f"constant{next(self.unnamed)}")

    def _leaf(self, variable: Variable) -> Expression:
        label = self.also.get(variable) or self.labels.get(variable) or variable.name
        constant = self.program.constants.get(variable) if variable not in self.literals else None
        if label is None and constant is not None and not np.ndim(constant):
            return Expression(self._number(np.asarray(constant)[()]))
        if label is None and constant is not None:
            self.literals[variable] = self._array(np.asarray(constant))
        text = self.literals.get(variable) or Text(label or "value")
        return Expression(text, variable, text.text)


def _label(step: Step, text: Text, operands: list[Expression]) -> str:
    """The text of a view or mask of a named array; empty for any other expression."""
    if not operands or not operands[0].label:
        return ""
    if step.function is np.heaviside:
        return f"{operands[0].label} > 0"
    sign = traits(step.function).operator
    is_mask = sign is not None and sign.strength == COMPARISON and len(step.operands) == 1
    is_view = step.function is getitem or traits(step.function).views
    return text.text if is_mask or is_view else ""


def _with_lists(value: Index) -> Index:
    """An argument, such as an index, with lists in place of ranges."""
    if isinstance(value, range):
        return list(value)
    return tuple(map(_with_lists, value)) if type(value) is tuple else value


def _is_elementwise(function: Any) -> bool:
    return function is not None and traits(function).elementwise


def _is_operand(argument: object) -> bool:
    return isinstance(argument, (Variable, int, float, np.number))


def _is_whole(number: Array) -> bool:
    """Whether a float is a whole number to be written without a decimal point."""
    is_float = isinstance(number, (float, np.floating))
    return is_float and float(number).is_integer() and abs(number) < WHOLE_LIMIT
