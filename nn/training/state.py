"""The whole state of a training, as a checkpoint holds it: resuming goes on as if never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn.module import Module
from nn.optimisers import Optimiser, Schedule
from nn.training.history import History


@dataclass
class TrainingState:
    """What changes in a training; `nn.save` and `nn.load` take it as they take a model.

    `position` is how many batches of the present epoch are done, `total` the sum of their losses
    times their samples, `seen` the samples. `best` are the best weights so far, of `best_loss`.
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
    seconds: float = 0.0
    waited: int = 0
    best_loss: float = float("inf")
    best: dict[str, np.ndarray] | None = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """The arrays of the model, of the optimiser, and of the best model."""
        arrays = {f"model.{path}": array for path, array in self.model.state_dict().items()}
        arrays |= {
            f"optimiser.{name}": value
            for name, value in self.optimiser.state_dict().items()
            if isinstance(value, np.ndarray)
        }
        if self.best is not None:
            arrays |= {f"best.{path}": array for path, array in self.best.items()}
        return arrays

    def describe(self) -> dict[str, Any]:
        """Everything else: numbers, the history, and the states of the random generators."""
        optimiser = self.optimiser.state_dict()
        return {
            **self.model.describe(),
            "training": {
                **{name: getattr(self, name) for name in _NUMBERS},
                "seed": self.seed,
                "has_best": self.best is not None,
                "records": self.history.records,
                "best_epoch": self.history.best_epoch,
                "optimiser": {
                    "kind": type(self.optimiser).__name__,
                    **{k: v for k, v in optimiser.items() if not isinstance(v, np.ndarray)},
                },
                "schedule": None if self.schedule is None else self.schedule.state_dict(),
                "generators": {
                    path: _as_json(generator.bit_generator.state)
                    for path, generator in self.model.named_generators()
                },
            },
        }

    def expected_state(
        self, description: Mapping[str, Any]
    ) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """The shape and dtype of every array of a checkpoint of this training."""
        training = description.get("training")
        if not isinstance(training, Mapping):
            raise ValueError("the checkpoint is of a model alone, not of its training")
        own = {f"model.{p}": (a.shape, a.dtype) for p, a in self.model.state_dict().items()}
        if training.get("has_best"):
            own |= {f"best.{p.removeprefix('model.')}": spec for p, spec in own.items()}
        for name, value in self.optimiser.state_dict().items():
            if isinstance(value, np.ndarray):
                own[f"optimiser.{name}"] = value.shape, value.dtype
        kind = type(self.optimiser).__name__
        if training.get("optimiser", {}).get("kind") != kind:
            raise ValueError(
                f"the checkpoint was made with {training.get('optimiser', {}).get('kind')}, and "
                f"the optimiser is {kind}"
            )
        return own

    def load_state_dict(
        self, arrays: Mapping[str, np.ndarray], description: Mapping[str, Any]
    ) -> None:
        """Go on where `state_dict()` and `describe()` were taken."""
        training = description["training"]
        generators = dict(self.model.named_generators())
        if generators.keys() != training["generators"].keys():
            raise ValueError("the checkpoint is of a model with other random generators")
        if (self.schedule is None) != (training["schedule"] is None):
            raise ValueError("the checkpoint is of a training with another schedule")
        parts = {
            part: {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}
            for part in ("model.", "optimiser.", "best.")
        }
        numbers = {k: v for k, v in training["optimiser"].items() if k != "kind"}
        self.optimiser.load_state_dict({**numbers, **parts["optimiser."]})
        self.model.load_state_dict(parts["model."], description)
        if self.schedule is not None:
            self.schedule.load_state_dict(training["schedule"])
        for path, generator in generators.items():
            generator.bit_generator.state = training["generators"][path]
        for name, kind in _NUMBERS.items():
            setattr(self, name, kind(training[name]))
        self.seed = int(training["seed"])
        self.best = parts["best."] or None
        self.history.records[:] = training["records"]
        self.history.best_epoch = training["best_epoch"]


_NUMBERS: dict[str, type] = {
    "epoch": int,
    "position": int,
    "total": float,
    "seen": int,
    "seconds": float,
    "waited": int,
    "best_loss": float,
}


def _as_json(state: Any) -> Any:
    """A generator's state with its arrays as lists."""
    if isinstance(state, dict):
        return {key: _as_json(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
