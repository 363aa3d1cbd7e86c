"""The content of a sheet as data, for its page, its picture and its tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.check.report import Line, Report
from autograd_lite.graph import Leaf
from autograd_lite.program.ir import Step, Variable, function_name
from autograd_lite.sheets.computation import Computation
from autograd_lite.sheets.mathml import Equations
from autograd_lite.sheets.mistakes import mistakes_in
from autograd_lite.sheets.recorded import Recorded
from autograd_lite.sheets.statements import Expression, Row, Statement

PAGE_LIMIT_NUMBERS = 200_000
"""A page holds and computes anew up to this many numbers."""

PREDICTION_LIMIT_STATEMENTS = 1_000
"""Common mistakes are listed for up to this many statements."""

GRID_LIMIT_NUMBERS = 1_024
"""In a page that does not compute anew, a larger array is shown as a grid of this many numbers."""


@dataclass
class Series:
    """The history of one statement's numbers, from look to look.

    `sizes` holds the root mean squares, None where a number was not finite; `dead` the share of
    rows that were 0 for all samples; `moved` the distance that a parameter moved, relative to its
    norm; `broken` the number of the first look at which a number was not finite.
    """

    sizes: list[float | None] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    moved: list[float | None] = field(default_factory=list)
    broken: int | None = None


class Content:
    """The rows of a sheet, the program that computes them, and any obstacle to running it."""

    def __init__(
        self,
        recorded: Recorded,
        computation: Computation,
        rows: list[Row],
        report: Report | None = None,
    ) -> None:
        self.recorded = recorded
        self.computation = computation
        self.rows = rows
        self.report = report
        self.series: list[Series] = []
        self.equations: Equations = Equations(
            {s.label: s.source for s in statements_of(rows) if s.source}
        )
        self.numbers: dict[Variable, int] = {}
        self.place: dict[Statement, int] = {}
        # Serial numbers continue from one function to the next; the page must not depend on that.
        self.began: int = min((r.at for row in rows for r in row.rounds), default=0)
        self.values: dict[Variable, Array] = computation.values
        self.steps: list[Step] = self._needed_steps()
        self.obstacle: str = self._obstacle()

    def _needed_steps(self) -> list[Step]:
        """The steps on which a shown value depends."""
        needed = set(_shown(self.rows)) | {self.loss}
        needed.update(variable for _, variable in self.computation.decisions)
        found = []
        for step in reversed(self.computation.program.steps):
            if any(result in needed for result in step.results):
                needed.update(step.operands)
                found.append(step)
        return found[::-1]

    @property
    def loss(self) -> Variable:
        """The value that is differentiated."""
        return self.computation.program.outputs[0]

    def _obstacle(self) -> str:
        """The reason why the page cannot compute anew; empty if there is none."""
        if self.recorded.fixed:
            return self.recorded.fixed
        for step in self.steps:
            if any(np.dtype(v.dtype).kind == "c" for v in (*step.results, *step.operands)):
                return "the page does not compute with complex numbers"
            try:
                list(map(self._encoded, step.args))
                dict((key, self._encoded(value)) for key, value in step.options.items())
            except TypeError as error:
                return str(error)
        count = sum(v.size for v in {*self._inputs(), *_shown(self.rows)})
        if count > PAGE_LIMIT_NUMBERS:
            limit = f"{PAGE_LIMIT_NUMBERS:,}"
            return f"{count:,} numbers are more than the {limit} that the page computes anew"
        return ""

    def _inputs(self) -> Iterator[Variable]:
        yield from self.computation.program.inputs
        yield from self.computation.program.constants

    def data(self) -> dict[str, Any]:
        """The content in the form that JSON takes."""
        self.place = {statement: i for i, statement in enumerate(statements_of(self.rows))}
        rows = [self._row(row) for row in self.rows]
        inputs = [self._input(source) for source in self.recorded.structure.sources]
        steps = [] if self.obstacle else [self._step(step) for step in self.steps]
        loss = self._number(self.loss)
        fixed = [] if self.obstacle else [self._number(v) for v in self._inputs()]
        decisions = [] if self.obstacle else self.computation.decisions
        return {
            "title": self.recorded.title,
            "obstacle": self.obstacle,
            "loss": loss,
            "name": self.recorded.name_of(self.recorded.root) or "loss",
            "inputs": [i for i in inputs if i is not None],
            "fixed": fixed,
            "decisions": [{"code": text, "v": self._number(v)} for text, v in decisions],
            "whole": {name: n for n, name in self.recorded.whole.items()},
            "rows": rows,
            "series": [asdict(one) for one in self.series],
            "predictions": {} if self.obstacle else self._predictions(),
            "verdicts": self.verdicts,
            "steps": steps,
            "values": [self._array(v) for v in self.numbers],
        }

    def texts(self) -> list[list[str]]:
        """The statements of each line, from its first round."""
        return [
            [s.text for s in (*row.rounds[0].forward, *row.rounds[0].backward)] for row in self.rows
        ]

    def _number(self, variable: Variable) -> int:
        """The index of a variable among the values of the page."""
        return self.numbers.setdefault(variable, len(self.numbers))

    def _input(self, source: Leaf | Array) -> dict[str, Any] | None:
        variable = self.computation.sources.get(id(source))
        if variable is None:
            return None
        gradient = self.computation.total.get(source) if isinstance(source, Leaf) else None
        wanted = source in self.recorded.wrt if isinstance(source, Leaf) else False
        return {
            "v": self._number(variable),
            "label": self.recorded.name_of(source) or "constant",
            "floating": variable.dtype.kind == "f" and self.recorded.name_of(source) is not None,
            "gradient": self._number(gradient) if wanted and gradient is not None else None,
        }

    def _predictions(self) -> dict[int, list[dict[str, str]]]:
        """The usual mistakes in each line of the backward pass, by the value of the line."""
        found: dict[int, list[dict[str, str]]] = {}
        for statement in itertools.islice(statements_of(self.rows), PREDICTION_LIMIT_STATEMENTS):
            if statement.of is not None:
                mistakes = mistakes_in(statement.formula.text.text)
                found[self._number(statement.variable)] = [m._asdict() for m in mistakes]
        return found

    @property
    def verdicts(self) -> dict[str, dict[str, str]]:
        """The verdict of the report on each gradient."""
        lines = self.report.lines if self.report is not None else ()
        return {line.name: {"status": line.status, "text": _said(line)} for line in lines}

    def _row(self, row: Row) -> dict[str, Any]:
        return {
            "code": row.text,
            "line": row.line,
            "function": row.function,
            "rounds": [
                {
                    "at": round_.at - self.began,
                    "forward": [self._statement(s) for s in round_.forward],
                    "backward": [self._statement(s) for s in round_.backward],
                    "inner": [self._row(inner) for inner in round_.inner],
                }
                for round_ in row.rounds
            ],
        }

    def _statement(self, statement: Statement) -> dict[str, Any]:
        found: dict[str, Any] = {
            "at": self.place[statement],
            "label": statement.label,
            "v": self._number(statement.variable),
            "text": statement.text,
            "adds": statement.adds,
            "math": self.equations.equation(
                statement.label,
                statement.formula.text.text,
                statement.adds or statement.repeats,
                statement.index,
            ),
            "x": self._expression(statement.expression),
        }
        if statement.assigned is not None:
            found["index"] = statement.index
            found["assigned"] = self._expression(statement.assigned)
        if statement.total is not None:
            found["total"] = self._number(statement.total)
        if statement.of is not None:
            found["of"] = self._number(statement.of)
            found["source"] = statement.source
            found["only"] = statement.only
            found["shared"] = statement.shared
        return found

    def _expression(self, expression: Expression) -> dict[str, Any]:
        found: dict[str, Any] = {"text": expression.text.text}
        if expression.variable is not None:
            found["v"] = self._number(expression.variable)
        if expression.label:
            found["label"] = expression.label
        if expression.operands:
            found["f"] = expression.function
            found["symbol"] = expression.symbol
            found["elementwise"] = expression.elementwise
            found["a"] = [self._expression(inner) for inner in expression.operands]
        return found

    def _step(self, step: Step) -> list[Any]:
        return [
            _name(step),
            [self._encoded(a) for a in step.args],
            {key: self._encoded(value) for key, value in step.options.items()},
            [self._number(r) for r in step.results],
            [str(r.dtype) for r in step.results],
        ]

    def _encoded(self, value: Any) -> Any:
        """An argument as JSON; raises TypeError for one without such a form."""
        if isinstance(value, Variable):
            # A mask as an index picks the places where it is true.
            kind = {"mask": True} if value.dtype == bool and value.ndim else {}
            return {"v": self._number(value), **kind}
        if value is None or isinstance(value, (bool, np.bool_, str)):
            return bool(value) if isinstance(value, np.bool_) else value
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, (float, np.floating)):
            return float(value) if np.isfinite(value) else {"n": _special(float(value))}
        if isinstance(value, tuple):
            return {"t": [self._encoded(v) for v in value]}
        if isinstance(value, (list, range)):
            return [self._encoded(v) for v in value]
        if isinstance(value, slice):
            return {"slice": [self._encoded(v) for v in (value.start, value.stop, value.step)]}
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, (np.dtype, type)):
            return str(np.dtype(value))
        raise TypeError(f"the page cannot compute with an argument of type {type(value).__name__}")

    def _array(self, variable: Variable) -> dict[str, Any]:
        array = np.asarray(self.values[variable])
        found: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
        if array.dtype.kind == "c" or array.dtype.kind not in "fiub":
            return found | {"text": f"{array.dtype} {array.shape}"}
        if self.obstacle and array.size > GRID_LIMIT_NUMBERS:
            grid = _coarse(array)
            return found | {"rows": grid.shape[0], "numbers": list(map(_special, grid.ravel()))}
        return found | {"numbers": [_special(x) for x in array.ravel().tolist()]}


def _said(line: Line) -> str:
    where = f"line {line.line}: " if line.line is not None else ""
    return f"yours, {where}{line.status}" + (f"; {line.message}" if line.message else "")


def _special(number: float) -> float | str:
    """A number, or JavaScript's name for a number that JSON cannot represent."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    return float(number) if isinstance(number, (float, np.floating)) else int(number)


def _coarse(array: np.ndarray) -> np.ndarray:
    """An array as a grid of block means, with at most about GRID_LIMIT_NUMBERS numbers."""
    grid = array.reshape(-1, array.shape[-1]).astype(float)
    side = int(GRID_LIMIT_NUMBERS**0.5)
    for axis in (0, 1):
        length = grid.shape[axis]
        edges = np.arange(0, length, -(-length // side))
        sizes = np.diff([*edges, length])
        sums = np.add.reduceat(grid, edges, axis=axis)
        grid = sums / (sizes[:, None] if axis == 0 else sizes)
    return grid


def _name(step: Step) -> str:
    """The name of a step's function in the page's kernels."""
    return function_name(step.function).removeprefix("np.")


def statements_of(rows: Iterable[Row]) -> list[Statement]:
    """Every statement; those of called functions follow the line that calls them."""
    found: list[Statement] = []
    for row in rows:
        for round_ in row.rounds:
            found += [*round_.forward, *round_.backward, *statements_of(round_.inner)]
    return found


def _shown(rows: Iterable[Row]) -> Iterator[Variable]:
    """Every variable that the sheet shows."""
    for statement in statements_of(rows):
        yield statement.variable
        if statement.total is not None:
            yield statement.total
        stack = [statement.expression]
        while stack:
            expression = stack.pop()
            if expression.variable is not None:
                yield expression.variable
            stack += expression.operands
