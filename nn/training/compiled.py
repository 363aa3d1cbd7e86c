"""The update of a training as one compiled program: loss, gradients, clipping, optimiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, Operand, compiled, standing_in

from ..data.batches import Batch
from ..effects import Effects, undone
from ..module import Module, Parameter
from ..optimisers import Optimiser
from .measuring import Loss


class NotFinite(FloatingPointError):
    """The error for a loss that is NaN or infinite; nothing was changed."""

    def __init__(self, value: float) -> None:
        super().__init__(value)
        self.value = value


@al.primitive
def when_finite(loss: Operand, *gradients: Operand) -> tuple[Operand, ...]:
    """Returns the gradients if the loss is finite; else raises NotFinite.

    Updates need these gradients, so that nothing is changed by a loss that is not finite.
    """
    if not np.isfinite(loss).all():
        raise NotFinite(float(loss))
    return gradients


class _Place(NamedTuple):
    """A trained parameter: its index, that of its group, and that of the numbers of its step."""

    parameter: int
    group: int
    numbers: int


class CompiledUpdate:
    """Updates the parameters of a model once for each batch that it is called with.

    It equals the loss, `backward()`, `clip_by_norm` and `optimiser.step()` one after the other, up
    to rounding. What the layers of `nn` draw are arguments of the program, and the statistics that
    they keep are results; other modules must not draw random numbers or write to their buffers. The
    form of the program is chosen before the first update, so that trainings are reproducible.
    """

    def __init__(
        self,
        model: Module,
        optimiser: Optimiser,
        loss: Loss,
        clip_norm: float | None,
        native: bool = False,
    ) -> None:
        if type(optimiser).step is not Optimiser.step:
            raise TypeError(
                f"a compiled update calls {type(optimiser).__name__}.update() for each parameter, "
                "and not the step() that it defines: leave compile out"
            )
        self.model: Module = model
        self.optimiser: Optimiser = optimiser
        self.loss: Loss = loss
        self.clip_norm: float | None = clip_norm
        self.native = native
        self.parameters: list[Parameter] = optimiser.parameters
        self.programs: dict[tuple[_Place, ...], Callable[..., Any]] = {}
        self.generators = [generator for _, generator in model.named_generators()]
        self.has_buffers = any(True for _ in model.named_buffers())
        self.effects: dict[tuple[int, ...], Effects] = {}

    def __call__(self, batch: Batch) -> float:
        """Updates the parameters by a batch; returns the loss before the update.

        Raises NotFinite, and changes nothing, if the loss is not finite.
        """
        optimiser = self.optimiser
        places, numbers = self._plan()
        values = [self._writeable(self.parameters[place.parameter]) for place in places]
        memories = [list(optimiser.memory[place.parameter].values()) for place in places]
        frozen = [p.data for p in self.parameters if not p.requires_grad]
        effects = self._effects(batch.X)
        states = [generator.bit_generator.state for generator in self.generators]
        draws = [draw.numbers() for draw in effects.draws]
        try:
            loss, new, remembered, statistics = self._program(places)(
                values, memories, frozen, numbers, _fixed(optimiser), *batch, draws
            )
        except BaseException as error:
            for generator, state in zip(self.generators, states, strict=True):
                generator.bit_generator.state = state
            if isinstance(error, al.TracedValueError):
                raise al.TracedValueError(
                    f"{error}. With compile=True a model of one's own must not draw random numbers "
                    "or keep statistics in training; train it without compile"
                ) from None
            raise
        for statistic, value in zip(effects.statistics, statistics, strict=True):
            statistic.follow(np.asarray(value))
        for place in places:
            optimiser.counts[place.parameter] += 1
        for array, result in zip(values, new, strict=True):
            _put(array, result)
        for arrays, results in zip(memories, remembered, strict=True):
            for array, result in zip(arrays, results, strict=True):
                _put(array, result)
        return float(loss)

    def _effects(self, X: Array) -> Effects:
        """What the model draws and keeps for a batch of this shape, found by a forward pass."""
        if X.shape not in self.effects:
            with Effects(is_noted=True).apart() as effects:
                if self.generators or self.has_buffers:
                    with undone(self.model), al.no_grad():
                        self.model(X)
            self.effects[X.shape] = effects
        return self.effects[X.shape]

    def _plan(self) -> tuple[tuple[_Place, ...], list[dict[str, float]]]:
        """The places of the trained parameters, and the distinct numbers of their steps."""
        optimiser, places, known = self.optimiser, [], {}
        numbers: list[dict[str, float]] = []
        index = 0
        for number, group in enumerate(optimiser.groups):
            for parameter in group["parameters"]:
                if parameter.requires_grad:
                    key = number, optimiser.counts[index]
                    if key not in known:
                        known[key] = len(numbers)
                        numbers.append(optimiser.numbers(group, key[1] + 1))
                    places.append(_Place(index, number, known[key]))
                index += 1
        return tuple(places), numbers

    def _program(self, places: tuple[_Place, ...]) -> Callable[..., Any]:
        """The program that trains these parameters."""
        if places not in self.programs:
            update = _update_of(self.model, self.optimiser, self.loss, self.clip_norm, places)
            exempt = [self.optimiser, *self.parameters]
            for effects in self.effects.values():
                exempt += [draw.generator for draw in effects.draws]
                exempt += [getattr(s.module, s.name) for s in effects.statistics]
            self.programs[places] = compiled(
                update, donate=(0, 1), exempt=exempt, native=self.native
            )
        return self.programs[places]

    @staticmethod
    def _writeable(parameter: al.Tensor) -> np.ndarray:
        values = parameter.data
        if not values.flags.writeable:
            # Raises an error that says which operation keeps the array.
            parameter.data = values.copy()
        return values


def _put(array: np.ndarray, result: Array) -> None:
    """Writes a result into an array, unless the program computed it there."""
    if result is not array:
        array[...] = result


def _fixed(optimiser: Optimiser) -> frozenset[object]:
    """The options that are constants of the program: another value makes another program."""
    return frozenset(
        (i, name, value)
        for i, group in enumerate(optimiser.groups)
        for name, value in group.items()
        if name not in ("parameters", "learning_rate")
    )


def _update_of(
    model: Module,
    optimiser: Optimiser,
    loss: Loss,
    clip_norm: float | None,
    places: Sequence[_Place],
) -> Callable[..., Any]:
    """An update as a pure function of the trained values, the optimiser's state and a batch."""
    trained = [optimiser.parameters[place.parameter] for place in places]
    others = [p for p in optimiser.parameters if not p.requires_grad]
    generators = [generator for _, generator in model.named_generators()]

    def update(
        values: Sequence[Array],
        memories: Sequence[Sequence[Array]],
        frozen: Sequence[Array],
        numbers: Sequence[Mapping[str, Operand]],
        fixed: frozenset[object],
        X: Array,
        Y: Array,
        weights: Array | None,
        draws: Sequence[Array],
    ) -> tuple[Operand, list[Operand], list[list[Operand]], list[Operand]]:
        options = {} if weights is None else {"sample_weight": weights}
        block, stand_ins = standing_in([*trained, *others], [*values, *frozen])
        states = [generator.bit_generator.state for generator in generators]
        with block, Effects(draws).apart() as effects:
            found = loss(model(X), Y, **options)
            gradients = list(al.gradients(found, stand_ins[: len(trained)]))
        if states != [generator.bit_generator.state for generator in generators]:
            raise al.TracedValueError("the model draws from the generator of one of its layers")
        value = np.reshape(found.detach().data, ())
        gradients = list(when_finite(value, *gradients))
        if clip_norm is not None:
            gradients = _clipped(gradients, clip_norm)
        new, remembered = _stepped(optimiser, places, values, gradients, memories, numbers)
        return value, new, remembered, effects.values

    return update


def _clipped(gradients: Sequence[Operand], most: float) -> list[Operand]:
    """Clips as `nn.clip_by_norm` does, without a branch."""
    largest = np.max(np.stack([np.max(np.abs(g)) for g in gradients]))
    safe = np.where(largest > 0, largest, 1.0)
    norm = largest * np.sqrt(sum(np.sum((g / safe) ** 2) for g in gradients))
    scaled = np.isfinite(largest) & (norm > most)
    scale = np.where(scaled, most / np.where(scaled, norm, 1.0), 1.0)
    return [g * scale.astype(g.dtype) for g in gradients]


def _stepped(
    optimiser: Optimiser,
    places: Sequence[_Place],
    values: Sequence[Operand],
    gradients: Sequence[Operand],
    memories: Sequence[Sequence[Operand]],
    numbers: Sequence[Mapping[str, Operand]],
) -> tuple[list[Operand], list[list[Operand]]]:
    """The values and the state after a step of the optimiser, whose rule works in place."""
    new, remembered = [], []
    for place, value, gradient, memory in zip(places, values, gradients, memories, strict=True):
        cells = [Cell(value), Cell(gradient), *map(Cell, memory)]
        options = {**optimiser.groups[place.group], **numbers[place.numbers]}
        optimiser.update(options, *cells, room=Cell(None), other=Cell(None))
        new.append(cells[0].value)
        remembered.append([cell.value for cell in cells[2:]])
    return new, remembered


class Cell(np.lib.mixins.NDArrayOperatorsMixin):
    """A stand-in for an array in an in-place rule: each change gives it a new value."""

    def __init__(self, value: Operand) -> None:
        self.value = value

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", (None,))[0]
        values = [i.value if isinstance(i, Cell) else i for i in inputs]
        result = getattr(ufunc, method)(*values, **kwargs)
        if out is None:
            return Cell(result)
        out.value = result
        return out
