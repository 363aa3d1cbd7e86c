"""A graph as one program: its values, and the gradient terms that each statement adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Kept, Operand
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.backward import fit
from autograd_lite.derivation.differentiated import textbook_form
from autograd_lite.gradients import IndexedGradient, TupleGradient
from autograd_lite.graph import PACK, Leaf, Node, Route, ancestors
from autograd_lite.modes import recording, watching
from autograd_lite.pictures.structure import is_source
from autograd_lite.program.identities import readable
from autograd_lite.program.identities.vanishing import vanishing
from autograd_lite.program.ir import Program, Variable
from autograd_lite.program.tracing import Tracer, public
from autograd_lite.sheets.decisions import DecidingTrace
from autograd_lite.sheets.recorded import Recorded
from autograd_lite.sheets.running import Execution
from autograd_lite.sheets.writing import read_again
from autograd_lite.tensor import Tensor


@dataclass(eq=False)
class Computation:
    """A program that computes the values and the gradients of a graph.

    `sources` holds the variable of each leaf and array, `made` that of each node. For each operand,
    `added` holds the terms that statements add to its gradient, in the order of the backward pass,
    and `total` their sum. `plain` holds the named values without a gradient, each with the
    statement that made it. `decisions` holds the values that chose the way of the function, each
    with the line that read it.
    """

    program: Program
    values: dict[Variable, Array]
    sources: dict[int, Variable]
    made: dict[Node, Variable]
    added: dict[Node | Leaf, list[tuple[Execution, Variable]]]
    total: dict[Node | Leaf, Variable]
    plain: list[tuple[Execution, str, Variable]]
    decisions: list[tuple[str, Variable]]


def computed(recorded: Recorded) -> Computation:
    """Run the graph and its backward pass on tracers, and write both in textbook form."""
    replay = _Replay(recorded)
    replay.forward()
    replay.backward()
    return replay.computation()


class _Replay:
    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.trace = DecidingTrace(recorded.title)
        self.tokens: dict[Any, Any] = {}
        self.now: dict[Any, Any] = {}
        self.met: set[int] = set()
        self.rows: dict[Node, Execution] = {}
        self.added: dict[Any, dict[Execution, Any]] = {}
        self.total: dict[Any, Any] = {}

    def forward(self) -> None:
        """Compute each node again on tracers, unless the function itself ran on tracers."""
        if self.recorded.trace is not None:
            self._take(self.recorded.trace)
        else:
            self._compute_all()

    def _take(self, trace: DecidingTrace) -> None:
        self.trace = trace
        trace.expands = True
        self.met = {id(array) for ref in trace.sources.values() if (array := ref()) is not None}
        # Values that the function computed but did not use are not part of the graph.
        known = self.recorded.structure.nodes
        self.now = {n: self.recorded.values[n] for n in known if n in self.recorded.values}
        self.rows = {**self.recorded.rows}
        for node in self.recorded.structure.nodes:
            self.tokens[node] = node
            for parent in node.parents or ():
                if isinstance(parent, Node) and parent.plan.operation is PACK:
                    self.rows.setdefault(parent, self.recorded.rows[node])
        for source in self.recorded.structure.sources:
            if isinstance(source, Leaf):
                self.tokens[source] = source
                if isinstance(source.array, Tracer):
                    self.now[id(source)] = source.array
            elif isinstance(source, np.ndarray):
                self.now[id(source)] = Tracer(trace, trace.constant(source), source)

    def _compute_all(self) -> None:
        wrt = set(map(id, self.recorded.wrt))
        for source in self.recorded.structure.sources:
            array = source.array if isinstance(source, Leaf) else source
            # A copy, because the array may be written to while the sheet exists.
            value = np.array(array)[()] if not np.ndim(array) else np.array(array)
            if value.dtype.kind not in "fciub":
                self.now[id(source)] = source
                continue
            tracer = self.trace.input(value, self.recorded.names.get(id(source)))
            tensor = Tensor(tracer, requires_grad=id(source) in wrt, copy=False)
            self.tokens[tensor._node] = source
            self.now[id(source)] = tensor
        with recording(), watching(public=public), np.errstate(all="ignore"):
            for node in self.recorded.structure.nodes:
                # Two statements that compute the same value stay two.
                self.trace.forget_seen()
                self._compute(node)

    def _compute(self, node: Node) -> None:
        arguments = [self._operand(parent) for parent in node.parents or ()]
        if isinstance(node.plan, Route):
            result = arguments[0][node.plan.item]
        else:
            operation = node.plan.operation
            function = public(operation) or operation.function
            result = function(*arguments, **(node.options or {}))
        self.now[node] = result
        for one in result if isinstance(result, (tuple, list)) else (result,):
            new = one._node if isinstance(one, Tensor) else None
            if isinstance(new, Node):
                self._place(new, self.recorded.rows[node])
                if one is result:
                    self.tokens[new] = node

    def _place(self, new: Node, row: Execution) -> None:
        """Assign the new nodes that replay one node of the graph to its statement."""
        stack: list[Any] = [new]
        while stack:
            node = stack.pop()
            if isinstance(node, Node) and node not in self.rows:
                self.rows[node] = row
                stack += node.parents or ()

    def _operand(self, parent: Operand) -> Operand:
        if isinstance(parent, Node):
            if parent.plan.operation is PACK:
                return [self._operand(p) for p in parent.parents or ()]
            return self.now[parent]
        if is_source(parent):
            return self.now[id(parent)]
        if isinstance(parent, Leaf):
            return parent.array
        return parent

    def backward(self) -> None:
        """Compute the gradients on tracers, as `backward.propagate` does, sorted by statement."""
        root = self._root()
        if root is None:
            return
        self.trace.forget_seen()
        order = ancestors([root])
        useful = self._useful(order)
        gradients: dict[Node, Gradient] = {root: np.ones(root.shape, root.dtype)}
        with recording(), watching(public=public), np.errstate(all="ignore"):
            for node in order:
                arriving = gradients.get(node)
                if arriving is None:
                    arriving = self._sum(node)
                if arriving is None:
                    continue
                self.total[node] = arriving
                for slot, pull in node.plan.pulls:
                    operand = (node.parents or ())[slot]
                    if operand in useful:
                        self._add(node, operand, pull(arriving, self._kept(node)))
            for leaf in [k for k in self.added if isinstance(k, Leaf)]:
                self.total[leaf] = self._sum(leaf)

    def _kept(self, node: Node) -> Kept:
        """The values that a node keeps; the function's own arrays become constants of the trace."""
        return map_leaves(self._met, node.kept)

    def _met(self, value: Operand) -> Operand:
        if id(value) in self.met and value.dtype.kind == "f":
            return Tracer(self.trace, self.trace.constant(value), value)
        return value

    def _root(self) -> Node | None:
        """The node of the loss in the graph that holds tracers."""
        if self.recorded.trace is not None:
            return self.recorded.root
        root = self.now[self.recorded.root]
        node = root._node if isinstance(root, Tensor) else None
        return node if isinstance(node, Node) else None

    def _useful(self, order: list[Node]) -> set[Any]:
        """The nodes and leaves on the way to the leaves to differentiate by."""
        wanted = set(map(id, self.recorded.wrt))
        useful = {new for new, token in self.tokens.items() if id(token) in wanted}
        for node in reversed(order):
            if any(
                parent in useful
                for parent in node.parents or ()
                if isinstance(parent, (Node, Leaf))
            ):
                useful.add(node)
        return useful

    def _add(self, node: Node, operand: Operand, term: Gradient) -> None:
        if isinstance(term, IndexedGradient):
            term = term.dense()
        if not isinstance(term, TupleGradient):
            term = fit(term, operand.shape, operand.dtype, node)
        by_row = self.added.setdefault(operand, {})
        row = self.rows[node]
        by_row[row] = by_row[row] + term if row in by_row else term

    def _sum(self, operand: Operand) -> Gradient:
        terms = list(self.added.get(operand, {}).values())
        total = terms[0] if terms else None
        for term in terms[1:]:
            total = total + term
        return total

    def computation(self) -> Computation:
        """The finished program in textbook form, and the variables of all values in it."""
        outputs: list[Variable] = [self._variable(self.now[self.recorded.root])]
        made = {
            node: self._variable(value)
            for node, value in self.now.items()
            if isinstance(node, Node) and not isinstance(value, (tuple, list))
        }
        gradients = [
            (token, row, term)
            for new, by_row in self.added.items()
            if (token := self.tokens.get(new)) is not None
            for row, term in by_row.items()
            if not isinstance(term, TupleGradient)
        ]
        totals = {
            self.tokens[new]: self._variable(value)
            for new, value in self.total.items()
            if new in self.tokens and not isinstance(value, TupleGradient)
        }
        terms = [self._variable(term) for _, _, term in gradients]
        plain = [self._variable(tracer) for _, _, tracer in self.recorded.plain]
        decisions = self.trace.decisions
        read = [decision.variable for decision in decisions]
        outputs += [*made.values(), *terms, *plain, *read, *totals.values()]
        sources = {
            key: self._variable(value)
            for key, value in self.now.items()
            if isinstance(key, int) and isinstance(value, (Tensor, Tracer))
        }
        table = readable.table(self.recorded.whole)
        table[np.add] = [read_again, *table[np.add]]
        tables = (table,)
        program, values = textbook_form(self.trace.program(outputs), self.trace.values, tables)
        values = self.trace.values | values
        found = iter(program.outputs[1:])
        made = dict(zip(made, found, strict=False))
        after = [next(found) for _ in terms]
        zero = vanishing(program, values, after)
        named = [(execution, name, next(found)) for execution, name, _ in self.recorded.plain]
        decided = [(decision.text, next(found)) for decision in decisions]
        added: dict[Node | Leaf, list[tuple[Execution, Variable]]] = {}
        for (token, row, _), variable in zip(gradients, after, strict=True):
            added.setdefault(token, []).append((row, variable))
        for token, parts in added.items():
            added[token] = [part for part in parts if part[1] not in zero] or parts
        total = dict(zip(totals, found, strict=True))
        return Computation(program, values, sources, made, added, total, named, decided)

    def _variable(self, value: Operand) -> Variable:
        inner = value._value if isinstance(value, Tensor) else value
        if isinstance(inner, Tracer):
            return inner.variable
        return self.trace.constant(inner if isinstance(inner, np.ndarray) else np.array(inner))
