"""The whole state of a training in a checkpoint, from which it resumes as if never stopped."""

from __future__ import annotations

import contextlib
import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd_lite.extend import printable, quoted

from ..contracts import Description, Json, Shapes, State
from ..data.hdf5 import FileFormatError
from ..module import Module
from ..optimisers import Optimiser, Schedule
from ..optimisers.base import _check_option
from .history import History
from .schema import (
    Check,
    any_number,
    exactly,
    flag,
    is_number,
    listing,
    number,
    optional,
    record,
    refuse,
    text,
    whole,
)

_NUMBERS: dict[str, tuple[type, Check]] = {
    "epoch": (int, whole()),
    "position": (int, whole()),
    "total": (float, number()),
    "seen": (int, whole()),
    "weight": (float, number(0)),
    "seconds": (float, number(0)),
    "waited": (int, whole()),
    "reference": (float, number(is_finite=False)),
    "best_loss": (float, number(is_finite=False)),
}
"""The numbers of a TrainingState: their types, and the checks of values from a file."""

_LONGEST_NAME = 200
_LONGEST_TEXT = 2**20
_MOST_RECORDED = 1000


@dataclass
class TrainingState:
    """The state of a training; `nn.save` and `nn.load` take it as they take a model.

    `position` is the number of finished batches of the current epoch, or of rounds of replicas;
    `seen` is the number of their samples, `weight` the sum of the weights of these, and `total` the
    sum of the losses times the weights. `best` holds the weights with the lowest loss so far,
    `best_loss`. `waited` is the number of epochs in which the loss has not fallen far enough below
    `reference`.
    """

    model: Module
    optimiser: Optimiser
    schedule: Schedule | None
    seed: int
    history: History = field(default_factory=History)
    epoch: int = 0
    position: int = 0
    total: float = 0.0
    seen: int = 0
    weight: float = 0.0
    seconds: float = 0.0
    waited: int = 0
    reference: float = float("inf")
    best_loss: float = float("inf")
    best: dict[str, np.ndarray] | None = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """The arrays of the model and of the optimiser, and the best weights."""
        arrays = {f"model.{path}": array for path, array in self.model.state_dict().items()}
        arrays |= {
            f"optimiser.{name}": value
            for name, value in self.optimiser.state_dict().items()
            if isinstance(value, np.ndarray)
        }
        if self.best is not None:
            arrays |= {f"best.{path}": array for path, array in self.best.items()}
        return arrays

    def describe(self) -> Description:
        """All other state: numbers, frozen parameters, the history, generators."""
        return {
            **self.model.describe(),
            "training": {
                **{name: getattr(self, name) for name in _NUMBERS},
                "seed": self.seed,
                "frozen": [p for p, t in self.model.named_parameters() if not t.requires_grad],
                "has_best": self.best is not None,
                "records": self.history.records,
                "best_epoch": self.history.best_epoch,
                "optimiser": {
                    "kind": type(self.optimiser).__name__,
                    **_numbers_of(self.optimiser),
                },
                "schedule": None if self.schedule is None else self.schedule.state_dict(),
                "generators": {
                    path: _as_json(generator.bit_generator.state)
                    for path, generator in self.model.named_generators()
                },
            },
        }

    def expected_state(self, description: Description) -> Shapes:
        """The shape and dtype of every array in a checkpoint of this training.

        Raises ValueError unless everything in the description can be loaded.
        """
        training = self._checked(description)
        own = {f"model.{p}": (a.shape, a.dtype) for p, a in self.model.state_dict().items()}
        if training["has_best"]:
            own |= {f"best.{p.removeprefix('model.')}": spec for p, spec in own.items()}
        for name, value in self.optimiser.state_dict().items():
            if isinstance(value, np.ndarray):
                own[f"optimiser.{name}"] = value.shape, value.dtype
        return own

    def load_state_dict(self, arrays: State, description: Description) -> None:
        """Restores a state from `state_dict()` and `describe()`.

        Raises ValueError, and changes nothing, unless everything can be loaded.
        """
        self._checked(description)
        self._check_arrays(arrays)
        before = self.state_dict(), copy.deepcopy(self.describe())
        try:
            self._adopt(arrays, description)
        except BaseException:
            # A graph keeps an array of the model, or the user has interrupted.
            with contextlib.suppress(ValueError):
                self._adopt(*before)
            raise

    def _adopt(self, arrays: State, description: Description) -> None:
        training = description["training"]
        parts = {
            part: {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}
            for part in ("model.", "optimiser.", "best.")
        }
        self.model.load_state_dict(parts["model."], description)
        for path, parameter in self.model.named_parameters():
            parameter.requires_grad = path not in training["frozen"]
        numbers = {k: v for k, v in training["optimiser"].items() if k != "kind"}
        self.optimiser.load_state_dict({**numbers, **parts["optimiser."]})
        if self.schedule is not None:
            self.schedule.load_state_dict(training["schedule"])
        for path, generator in self.model.named_generators():
            generator.bit_generator.state = training["generators"][path]
        for name, (kind, _) in _NUMBERS.items():
            setattr(self, name, kind(training[name]))
        self.seed = training["seed"]
        self.best = parts["best."] if training["has_best"] else None
        self.history.records[:] = training["records"]
        self.history.best_epoch = training["best_epoch"]

    def take_over(self, arrays: State, steps: list[int]) -> None:
        """Sets some of the arrays of `state_dict()`, and the optimiser's numbers of steps."""
        model, optimiser = self.model.state_dict(), self.optimiser.state_dict()
        for part, own in (("model.", model), ("optimiser.", optimiser)):
            for name, array in arrays.items():
                if name.startswith(part):
                    name = name.removeprefix(part)
                    own[name] = array.astype(own[name].dtype, copy=False)
        self.model.load_state_dict(model)
        self.optimiser.load_state_dict(optimiser | {f"steps.{i}": n for i, n in enumerate(steps)})

    def _checked(self, description: Description) -> Description:
        """The training in a description; ValueError unless all of it can be loaded."""
        if not isinstance(description.get("training"), dict):
            raise ValueError(
                "it holds a model without a training, which nn.load(path, model) loads"
            )
        training: Description = description["training"]
        self._check_kinds(training)
        own = self.model.describe()
        known = {name: text(_LONGEST_TEXT) if type(v) is str else _any for name, v in own.items()}
        record({**known, "training": self._schema(training)})(description, "the description")
        self._check_agreement(training)
        return training

    def _check_kinds(self, training: Description) -> None:
        """Checks the kinds of the parts first, for clear messages: people mix them up."""
        kind = type(self.optimiser).__name__
        found = training.get("optimiser")
        found = found.get("kind") if isinstance(found, dict) else None
        if isinstance(found, str) and found != kind:
            raise ValueError(f"it was made with {printable(found)}, but the optimiser is {kind}")
        if "schedule" in training and (training["schedule"] is None) != (self.schedule is None):
            has, lacks = ("no", "one") if training["schedule"] is None else ("a", "none")
            raise ValueError(f"it is of a training with {has} schedule, but this one has {lacks}")
        generators = training.get("generators")
        own = dict(self.model.named_generators())
        if isinstance(generators, dict) and generators.keys() != own.keys():
            raise ValueError("it is of a model with other random generators")

    def _schema(self, training: Description) -> Check:
        epochs = training.get("epoch")
        length = epochs if type(epochs) is int else 0
        schedule = exactly(None) if self.schedule is None else _schedule(self.schedule)
        return record(
            {
                **{name: check for name, (_, check) in _NUMBERS.items()},
                "seed": whole(most=2**1024),
                "frozen": _some_of([path for path, _ in self.model.named_parameters()]),
                "has_best": flag,
                "records": listing(_record_of_epoch, length),
                "best_epoch": optional(whole(1, length)),
                "optimiser": _optimiser(self.optimiser, self.schedule is not None),
                "schedule": schedule,
                "generators": record(
                    {path: _generator(g) for path, g in self.model.named_generators()}
                ),
            }
        )

    def _check_agreement(self, training: Description) -> None:
        """Checks that the numbers agree with each other."""
        position, seen, total = (training[name] for name in ("position", "seen", "total"))
        if position > seen or (position == 0 and (seen or total or training["weight"])):
            raise ValueError(
                f"training.position is {position}, which cannot be after {seen} samples of weight"
                f" {training['weight']:g} with a loss of {total:g} in all"
            )
        if training["waited"] > training["epoch"]:
            raise ValueError(
                f"training.waited is {training['waited']}, after {training['epoch']} epochs"
            )
        if training["has_best"] and training["epoch"] and training["best_epoch"] is None:
            raise ValueError("training.best_epoch is missing, although there are best weights")

    def _check_arrays(self, arrays: State) -> None:
        trained = {path for path, _ in self.model.named_parameters()}
        for name, array in arrays.items():
            part, _, path = name.partition(".")
            # Buffers may hold any numbers: a mask may hold -inf.
            if part in ("model", "best") and path in trained and not np.isfinite(array).all():
                raise FileFormatError(f"the weights {_shown(name)} are not all finite")
            if part == "optimiser":
                is_square = path.rpartition(".")[2] == "square"
                # A mean of squares may overflow without stopping a training.
                if not (array >= 0 if is_square else np.isfinite(array)).all():
                    expected = "from 0 on" if is_square else "finite"
                    raise FileFormatError(
                        f"the array {_shown(name)} has numbers that are not {expected}"
                    )


def _shown(name: str) -> str:
    """A name from a file, shortened for messages."""
    return quoted(name, _LONGEST_NAME)


def _any(value: Json, where: str) -> None:
    """Accepts any value."""


def _record_of_epoch(index: int) -> Check:
    """Accepts the record of an epoch in the history: some numbers are required, others optional."""
    always = {
        "epoch": exactly(index + 1),
        "loss": any_number,
        "learning_rate": number(0),
        "seconds": number(0),
    }

    def check(value: Json, where: str) -> None:
        if not isinstance(value, dict) or len(value) > _MOST_RECORDED:
            refuse(value, where, "an object of numbers by name")
        others = {name: any_number for name in value.keys() - always.keys()}
        for name in others:
            text(_LONGEST_NAME)(name, f"a name in {where}")
        record({**others, **always})(value, where)

    return check


def _some_of(names: Sequence[str]) -> Check:
    """Accepts a list of some of these names, each once and in their order."""

    def check(value: Json, where: str) -> None:
        if not isinstance(value, list) or value != [name for name in names if name in value]:
            refuse(value, where, "a list of parameters of the model, in their order")

    return check


def _optimiser(optimiser: Optimiser, has_schedule: bool) -> Check:
    """Accepts the kind, the numbers of steps and the options of an optimiser like this one."""
    kind = type(optimiser).__name__

    def option(name: str) -> Check:
        def check(value: Json, where: str) -> None:
            number(0)(value, where)
            # A schedule may have lowered it to 0, and sets it again.
            if not (has_schedule and name == "learning_rate"):
                try:
                    _check_option(kind, name, value)
                except ValueError as error:
                    raise ValueError(f"{where} is not accepted: {error}") from None

        return check

    fields = {
        name: whole() if name.startswith("steps.") else option(name.rpartition(".")[2])
        for name in _numbers_of(optimiser)
    }
    return record({"kind": exactly(kind), **fields})


def _numbers_of(optimiser: Optimiser) -> dict[str, Any]:
    state = optimiser.state_dict()
    return {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}


def _schedule(schedule: Schedule) -> Check:
    """Accepts the state of a schedule like this one that yields valid learning rates."""
    own = schedule.state_dict()
    fields: dict[str, Check] = {
        name: (
            flag
            if type(value) is bool
            else whole()
            if type(value) is int
            else number(math.ulp(0.0))
            if name.startswith("start.")
            else number(is_finite=False)
        )
        for name, value in own.items()
    }

    def check(value: Json, where: str) -> None:
        record(fields)(value, where)
        probe = copy.copy(schedule)
        probe._start = list(schedule._start)
        probe.optimiser = SimpleNamespace(groups=[{} for _ in schedule._start])  # type: ignore[assignment]
        try:
            probe.load_state_dict(value)
            rates = [group["learning_rate"] for group in probe.optimiser.groups]
            rates += [probe.factor(steps) for steps in (0, probe.steps + 1, 2 * probe.steps + 2)]
        except (ArithmeticError, ValueError, TypeError) as error:
            raise ValueError(f"{where} yields no learning rate: {error}") from None
        for rate in rates:
            if not (is_number(rate) and 0 <= rate < math.inf):
                raise ValueError(
                    f"{where} yields the learning rate {rate!r}, expected one from 0 on"
                )

    return check


def _generator(generator: np.random.Generator) -> Check:
    """Accepts a state that NumPy's generator of this kind takes and returns unchanged."""
    kind = type(generator.bit_generator)

    def check(value: Json, where: str) -> None:
        probe = kind()
        own = _as_json(probe.state)
        try:
            _check_positions(value, where)
            probe.state = value
            taken = json.dumps(_as_json(probe.state), sort_keys=True)
            fits = taken == json.dumps(value, sort_keys=True)
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            fits = False
        if not fits:
            refuse(value, where, f"the state of a {own['bit_generator']}")

    return check


def _check_positions(state: Json, where: str) -> None:
    """Checks that a generator's position lies in its buffer, which NumPy does not check."""
    for name, most in (("pos", 624), ("buffer_pos", 4), ("has_uint32", 1)):
        for part in (state, state["state"]):
            if name in part:
                whole(0, most)(part[name], f"{where}.{name}")


def _as_json(state: Json) -> Json:
    """A generator's state with its arrays as lists."""
    if isinstance(state, dict):
        return {key: _as_json(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state
