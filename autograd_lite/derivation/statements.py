"""The source of a derivation: statements of the forward and the backward pass, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.derivation.differentiated import Differentiated, is_of_samples
from autograd_lite.derivation.expressions import Printer, Text, importable, of_size
from autograd_lite.derivation.module import Statement, Written
from autograd_lite.derivation.simplify import Simplifier, available
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable, interpret, is_elementwise
from autograd_lite.program.names import Names, literal
from autograd_lite.program.sizes import Length, SizedFloat, SizedInt

LINE_LIMIT_CHARACTERS = 60
"""Longer formulas are broken into statements."""

REPEAT_LIMIT_CHARACTERS = 12
"""Formulas of up to this many characters may be written twice."""


def written(differentiated: Differentiated) -> Written:
    """Write a program out."""
    simplify = available()
    if not simplify:
        note = "The formulas are not simplified: SymPy (extra `derive`) is not installed."
        found = _Writer(differentiated, False).written(note)
        found.check()
        return found
    found = _Writer(differentiated, True).written()
    found.check()
    if not _is_right(differentiated, found):
        # Formulas that are each right to rounding may be less so together.
        found = _Writer(differentiated, False).written("The formulas are not simplified.")
        found.check()
    return found


class _Writer:
    def __init__(self, differentiated: Differentiated, simplify: bool) -> None:
        self.differentiated = differentiated
        self.program = differentiated.program
        self.makers = self.program.makers()
        self.uses = self.program.uses()
        taken = ["forward", "backward", "cache", "cache_", "put_back", "slice", "bool"]
        _name_lengths(differentiated)
        taken += [*(length.name for length in differentiated.lengths), *differentiated.arguments]
        self.names = Names(taken)
        functions = dict.fromkeys(step.function for step in self.program.steps)
        self.imports = {f: found for f in functions if (found := importable(f)) is not None}
        imported = {function: self.names.new(name) for function, (_, name) in self.imports.items()}
        self.printer = Printer(imported)
        # Arguments keep their names, whatever keys of others are called.
        for variable, path in differentiated.paths.items():
            if path in differentiated.arguments:
                self.names.given[variable] = path
        self.forward_steps = self._forward_steps()
        for variable in self._in_order():
            if variable.name is not None:
                _ = self.names[variable]
        self.texts: dict[Variable, Text] = {}
        self.statements: list[Statement] = []
        self.checker = _Checker(differentiated, imported) if simplify else None

    def _in_order(self) -> Iterator[Variable]:
        yield from self.program.inputs
        yield from self.program.constants
        for step in self.program.steps:
            yield from step.results

    def _forward_steps(self) -> set[Step]:
        """The steps that the value depends on."""
        needed = {self.differentiated.value}
        found = set()
        for step in reversed(self.program.steps):
            if any(r in needed for r in step.results):
                found.add(step)
                needed.update(step.operands)
        return found

    def written(self, *notes: str) -> Written:
        """All of it, with notes for the docstring."""
        self._name_inputs()
        forward = self._forward()
        backward = self._backward()
        gradients = {
            self.names[v]: self.texts[g].text
            for v, g in zip(self.differentiated.wrt, self.differentiated.gradients, strict=True)
        }
        backward += self._renamed(gradients)
        backward = _read(backward, set(gradients.values()))
        inputs = {self.names[v]: (path, v) for v, path in self.differentiated.paths.items()}
        return Written(
            self.differentiated.name,
            self.differentiated.arguments,
            inputs,
            self._constants(),
            self._sizes(),
            forward,
            backward,
            self.texts[self.differentiated.value].text,
            gradients,
            {self.names[v]: v for v in self.differentiated.parameters},
            self.printer.helpers,
            [(*self.imports[f], alias) for f, alias in self.printer.imported.items()],
            notes=list(notes),
            checks=self._checks(),
        )

    def _constants(self) -> dict[str, Any]:
        """The arrays that become part of the module: parameters, and captured arrays."""
        values = {v: self.differentiated.values[v] for v in self.differentiated.parameters}
        values |= {
            v: c
            for v, c in self.program.constants.items()
            if np.ndim(c) and v not in self.differentiated.ranges
        }
        return {self.names[v]: value for v, value in values.items()}

    def _checks(self) -> list[tuple[str, str]]:
        """Lengths that are a part of the formulas: of what, and which, as expressions."""
        found = [(name, literal(value)) for name, value in self.differentiated.static.items()]
        for variable, axes in self.differentiated.fixed.items():
            shape = f"{self.differentiated.paths[variable]}.shape"
            if len(axes) == variable.ndim:
                found.append((shape, str(tuple(map(int, variable.shape)))))
            else:
                found += [(f"{shape}[{axis}]", str(int(variable.shape[axis]))) for axis in axes]
        return found

    def _sizes(self) -> dict[str, str]:
        """An expression for each length that has a name."""
        variables = list(self.differentiated.paths)
        found = {}
        for length in self.differentiated.lengths:
            leaf, axis = min(length.axes, key=lambda a: variables[a[0]] in self.differentiated.wrt)
            found[length.name] = f"{self.names[variables[leaf]]}.shape[{axis}]"
        return found

    def _renamed(self, gradients: dict[str, str]) -> list[Statement]:
        """A statement for each gradient that is another one, or no name at all."""
        added = []
        for variable, gradient in zip(
            self.differentiated.wrt, self.differentiated.gradients, strict=True
        ):
            name = self.names[variable]
            wanted = f"d{name}"
            # Unless something else is called so, which may still be read.
            if gradients[name] != wanted and wanted not in self.names.used:
                added.append(Statement(wanted, gradients[name], gradient))
                gradients[name] = wanted
        return added

    def _name_inputs(self) -> None:
        for variable in (*self.program.inputs, *self.program.constants):
            constant = self.program.constants.get(variable)
            if variable in self.differentiated.ranges:
                size = of_size(self.differentiated.ranges[variable]).text
                self.texts[variable] = Text(f"np.arange({size})")
            elif constant is not None and not np.ndim(constant):
                sized = isinstance(constant, (SizedInt, SizedFloat))
                number = constant if sized else np.asarray(constant)[()]
                self.texts[variable] = self.printer.plain(number)
            else:
                self.texts[variable] = Text(self.names[variable])

    def _forward(self) -> list[Statement]:
        """A statement for each named value; others are written where they are used."""
        steps = [s for s in self.program.steps if s in self.forward_steps]
        count: dict[Variable, int] = {}
        for step in steps:
            for v in step.operands:
                count[v] = count.get(v, 0) + 1
        self.statements = []
        for step in steps:
            for result in step.results:
                text = self._fitting(step, result)
                is_value = result is self.differentiated.value
                repeated = count.get(result, 0) > 1 and not _is_short(text)
                if result.name is not None or is_value or repeated:
                    self._state(result, text)
                else:
                    self.texts[result] = text
        return self.statements

    def _text(self, step: Step, result: Variable) -> Text:
        if step.several:
            call = self.printer.step(step, self.texts)
            return Text(f"{call.text}[{step.results.index(result)}]")
        return self.printer.step(step, self.texts)

    def _fitting(self, step: Step, result: Variable) -> Text:
        """The formula of a step; its longest parts get names until it fits on a line."""
        text = self._text(step, result)
        while len(text.text) > LINE_LIMIT_CHARACTERS:
            parts = [v for v in step.operands if not self.texts[v].text.isidentifier()]
            parts = [
                v
                for v in parts
                if v in self.makers and len(self.texts[v].text) > REPEAT_LIMIT_CHARACTERS
            ]
            if not parts:
                break
            longest = max(parts, key=lambda v: len(self.texts[v].text))
            self._state(longest, self.texts[longest])
            text = self._text(step, result)
        return text

    def _state(self, variable: Variable, text: Text) -> None:
        name = self.names[variable]
        self.statements.append(Statement(name, text.text, variable))
        self.texts[variable] = Text(name)

    def _backward(self) -> list[Statement]:
        """A statement for each gradient that more than one formula needs, in a book's order."""
        self.statements = []
        steps = [s for s in self.program.steps if s not in self.forward_steps]
        makers = {r: s for s in steps for r in s.results}
        stated = self._stated(steps)
        for step in _ordered(steps, self.differentiated, stated, makers):
            for result in step.results:
                if result not in stated:
                    continue
                text = self._best(result, stated)
                self._state(result, text)
        return self.statements

    def _stated(self, steps: list[Step]) -> set[Variable]:
        """The values of the backward pass that get a name.

        Element-wise formulas are put into one another, as far as they are used once.
        """
        stated = {
            v for v in self.differentiated.gradients if v in {r for s in steps for r in s.results}
        }
        for step in steps:
            if traits(step.function).rearranges:
                continue
            plain = is_elementwise(step)
            for result in step.results:
                reused = self.uses.get(result, 0) > 1 and not self._is_simple(result)
                if reused or (not plain and result.name is not None):
                    stated.add(result)
            for operand in step.operands:
                root = self._root(operand)
                maker = self.makers.get(root)
                if maker is None or maker in self.forward_steps or plain:
                    continue
                if root.name is not None:
                    stated.add(root)
        return stated

    def _root(self, variable: Variable) -> Variable:
        maker = self.makers.get(variable)
        while maker is not None and traits(maker.function).rearranges and maker.operands:
            variable = maker.operands[0]
            maker = self.makers.get(variable)
        return variable

    def _is_simple(self, variable: Variable) -> bool:
        """Whether a formula is short enough to be written twice: one operation on named values."""
        maker = self.makers[variable]
        return is_elementwise(maker) and all(v in self.texts for v in maker.operands)

    def _best(self, variable: Variable, stated: set[Variable]) -> Text:
        """The formula of a value, simplified where that gives the same numbers."""
        plain = self._inlined(variable)
        if self.checker is None or not is_elementwise(self.makers[variable]):
            return plain
        simplifier = Simplifier(self._inlined, self._definitions())
        every = {**self.makers}
        simpler = simplifier.simplified(
            variable, every, lambda v: v in stated or v in self._named_forward()
        )
        if simpler is None or len(simpler.text) > len(plain.text):
            return plain
        agrees = self.checker.agrees(simpler.text, variable, self._environment())
        return simpler if agrees else plain

    def _named_forward(self) -> set[Variable]:
        return {s.variable for s in self._forward_statements()}

    def _forward_statements(self) -> list[Statement]:
        return [
            Statement(t.text, "", v)
            for v, t in self.texts.items()
            if v in self.makers and self.makers[v] in self.forward_steps and t.text.isidentifier()
        ]

    def _definitions(self) -> dict[Variable, Step]:
        return {s.variable: self.makers[s.variable] for s in self._forward_statements()}

    def _environment(self) -> dict[Variable, str]:
        """The names that a formula may use."""
        return {v: t.text for v, t in self.texts.items() if t.text.isidentifier()}

    def _inlined(self, variable: Variable) -> Text:
        """The formula of a value in terms of named values; long parts become statements of their
        own.
        """
        known = self.texts.get(variable)
        if known is not None:
            return known
        step = self.makers[variable]
        for operand in step.operands:
            if operand not in self.texts:
                self.texts[operand] = self._inlined(operand)
        return self._fitting(step, variable)


def _read(statements: list[Statement], wanted: set[str]) -> list[Statement]:
    """The statements whose values are read; a simplified formula may read fewer."""
    kept = []
    for statement in reversed(statements):
        if statement.name in wanted:
            kept.append(statement)
            wanted |= statement.reads
    return kept[::-1]


def _is_short(text: Text) -> bool:
    return len(text.text) <= REPEAT_LIMIT_CHARACTERS


def _ordered(
    steps: list[Step],
    differentiated: Differentiated,
    stated: set[Variable],
    makers: dict[Variable, Step],
) -> list[Step]:
    """The steps in an order that can run: each as early as possible, outputs first."""
    wanted = {v: i for i, v in enumerate(differentiated.gradients)}
    waiting = list(steps)
    done: list[Step] = []
    made: set[Variable] = set()
    while waiting:
        ready = [s for s in waiting if all(v in made or v not in makers for v in s.operands)]
        # Views and inlined formulas cost no line, so that what they lead to comes next.
        unstated = [s for s in ready if not any(r in stated for r in s.results)]
        outputs = [s for s in ready if s.result in wanted]
        outputs.sort(key=lambda s: wanted[s.result])
        chosen = (unstated or outputs or ready)[0]
        waiting.remove(chosen)
        done.append(chosen)
        made.update(chosen.results)
    return done


def _name_lengths(differentiated: Differentiated) -> None:
    """Name the lengths: by a local variable that held it in every trace, or N, or after an axis."""
    variables = list(differentiated.paths)
    taken = {v.name for v in differentiated.values} | set(differentiated.arguments)
    for length in differentiated.lengths:
        length.name = next(
            (name for name in _holding(differentiated, length) if name not in taken), ""
        )
    samples = next((n for n in differentiated.lengths if is_of_samples(differentiated, n)), None)
    held = [length.name for length in differentiated.lengths]
    taken |= set(held)
    for length in differentiated.lengths:
        # A variable that held two lengths in turn names neither.
        if not length.name or held.count(length.name) > 1:
            wish = "N" if length is samples else f"n_{variables[length.axes[0][0]].name}"
            length.name, number = wish, 2
            while length.name in taken:
                length.name, number = f"{wish}_{number}", number + 1
            taken.add(length.name)


def _holding(differentiated: Differentiated, length: Length) -> Iterator[str]:
    """The local variables that held a length in every trace."""
    for name, value in differentiated.whole.items():
        if [value, *(other.whole.get(name) for other in differentiated.others)] == length.all:
            yield name


class _Checker:
    """Whether a formula gives a value, on the example and near it."""

    def __init__(self, differentiated: Differentiated, imported: Mapping[Any, str]) -> None:
        self.differentiated = differentiated
        self.known = {"np": np} | {name: function for function, name in imported.items()}
        self.worlds = [self._world(inputs) for inputs in nearby(differentiated)]

    def _world(self, inputs: list[Any]) -> dict[Variable, Any]:
        program = self.differentiated.program
        every = [r for s in program.steps for r in s.results]
        everything = program.with_steps(program.steps, every)
        values = dict(zip(every, interpret(everything, inputs), strict=True))
        return values | dict(zip(program.inputs, inputs, strict=True)) | program.constants

    def agrees(self, text: str, variable: Variable, names: dict[Variable, str]) -> bool:
        """Whether `text` evaluates to the value of `variable`, in shape, dtype and numbers."""
        for world in self.worlds:
            scope: dict[str, Any] = {**self.known}
            scope |= {name: world[v] for v, name in names.items() if v in world}
            scope |= {length.name: length.length for length in self.differentiated.lengths}
            try:
                with np.errstate(all="ignore"):
                    found = eval(text, scope)
            except Exception:
                return False
            if not _close(found, world[variable]):
                return False
        return True


def nearby(differentiated: Differentiated) -> list[list[Any]]:
    """The example inputs, and others near them."""
    rng = np.random.default_rng(0)
    example = [differentiated.values[v] for v in differentiated.program.inputs]
    worlds = [example]
    for _ in range(2):
        moved = []
        for value in example:
            if np.asarray(value).dtype.kind == "f":
                shift = 1 + 0.05 * rng.uniform(-1, 1, np.shape(value))
                new = np.asarray(value * shift + 0.001 * rng.uniform(-1, 1, np.shape(value)))
                moved.append(new.astype(np.asarray(value).dtype) if np.ndim(value) else new[()])
            else:
                moved.append(value)
        worlds.append(moved)
    return worlds


def _close(found: Any, expected: Any) -> bool:
    same = np.shape(found) == np.shape(expected)
    if not same or np.asarray(found).dtype != np.asarray(expected).dtype:
        return False
    small = np.asarray(expected).dtype.itemsize < 8
    scale = np.max(np.abs(expected), initial=0)
    tolerance = 1e-4 if small else 1e-9
    with np.errstate(all="ignore"):
        return np.allclose(
            found, expected, rtol=tolerance, atol=tolerance * scale * 1e-3, equal_nan=True
        )


def _is_right(differentiated: Differentiated, written: Written) -> bool:
    """Whether the source computes the same as the program, on the example and near it."""
    namespace: dict[str, Any] = {}
    exec(written.source, namespace)
    worlds = [(differentiated, inputs) for inputs in nearby(differentiated)]
    worlds += [
        (other, [other.values[v] for v in other.program.inputs]) for other in differentiated.others
    ]
    for world, inputs in worlds:
        by_variable = dict(zip(differentiated.program.inputs, inputs, strict=True))
        for name, variable in written.parameters.items():
            namespace[name] = by_variable[variable]
        arguments = differentiated.rebuilt(by_variable)
        expected = interpret(world.program, inputs)
        with np.errstate(all="ignore"):
            value, cache = namespace["forward"](*arguments)
            gradients = namespace["backward"](*arguments, cache)
        found = [value, *gradients.values()]
        if not all(_close(f, e) for f, e in zip(found, expected, strict=True)):
            return False
    return True
