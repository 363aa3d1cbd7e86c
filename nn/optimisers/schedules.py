"""Schedules: how the learning rate changes from step to step.

`schedule.step()` after each `optimiser.step()` sets the learning rate of the next. What is a factor
here is of the learning rates that the optimiser had when the schedule was made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .base import Optimiser


class Schedule:
    """A factor for each number of steps done, which a subclass gives.

    `by_epoch` says that its steps are meant to be epochs, not updates.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> class Halved(nn.optimisers.Schedule):
    ...     def factor(self, steps):
    ...         return 0.5**steps
    >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.1)
    >>> schedule = Halved(optimiser)
    >>> schedule.step()
    >>> optimiser.learning_rate
    0.05
    """

    by_epoch = False

    def __init__(self, optimiser: Optimiser) -> None:
        self.optimiser = optimiser
        self.steps: int = 0
        self._start = [group["learning_rate"] for group in optimiser.groups]
        self._set()

    def factor(self, steps: int) -> float:
        """The factor of the learning rate after `steps` steps.

        Parameters
        ----------
        steps : int
            From 0 on.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{type(self).__name__} defines no factor()")

    def step(self, metric: float | None = None) -> None:
        """Note that a step was done.

        Parameters
        ----------
        metric : float, optional
            For schedules that look at one.
        """
        self.steps += 1
        self._set()

    def _set(self) -> None:
        factor = self.factor(self.steps)
        for group, start in zip(self.optimiser.groups, self._start, strict=True):
            group["learning_rate"] = start * factor

    def state_dict(self) -> dict[str, float]:
        """The numbers that the schedule remembers.

        Returns
        -------
        dict of str to float
        """
        return {k: v for k, v in vars(self).items() if isinstance(v, (int, float))} | {
            f"start.{i}": rate for i, rate in enumerate(self._start)
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Parameters
        ----------
        state : mapping
            What it gave.

        Raises
        ------
        ValueError
            Where it is that of another schedule.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            raise ValueError(f"the state is not that of a {type(self).__name__} like this")
        for name, value in own.items():
            if name.startswith("start."):
                self._start[int(name.removeprefix("start."))] = float(state[name])
            else:
                setattr(self, name, type(value)(state[name]))
        self._set()


class StepSchedule(Schedule):
    """Times `factor` after every `every` steps.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.
    every : int
        After how many steps the learning rate changes.
    factor : float
        What it is multiplied by.

    Raises
    ------
    ValueError
        For `every` below 1.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> schedule = nn.StepSchedule(nn.SGD([nn.Parameter([1.0])]), every=10, factor=0.5)
    >>> [schedule.factor(steps) for steps in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimiser: Optimiser, every: int, factor: float = 0.1) -> None:
        if every < 1:
            raise ValueError(f"StepSchedule: every must be at least 1, not {every!r}")
        self.every: int = every
        self.by: float = factor
        super().__init__(optimiser)

    def factor(self, steps: int) -> float:
        return float(self.by ** (steps // self.every))


class CosineSchedule(Schedule):
    """Falls from 1 to `least` in `length` steps, along half a cosine.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.
    length : int
        How many steps it takes.
    least : float
        The factor at the end.

    Raises
    ------
    ValueError
        For a length below 1.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2016), equation
    5.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> schedule = nn.CosineSchedule(nn.SGD([nn.Parameter([1.0])]), length=100)
    >>> [round(schedule.factor(steps), 3) for steps in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """

    def __init__(self, optimiser: Optimiser, length: int, least: float = 0.0) -> None:
        if length < 1:
            raise ValueError(f"CosineSchedule: length must be at least 1, not {length!r}")
        self.length: int = length
        self.least: float = least
        super().__init__(optimiser)

    def factor(self, steps: int) -> float:
        done = min(steps / self.length, 1.0)
        return self.least + (1 - self.least) * (1 + math.cos(math.pi * done)) / 2


class WarmUpSchedule(Schedule):
    """Rises in a straight line from `start` to 1 in `length` steps.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.
    length : int
        How many steps it takes.
    start : float
        The factor at first.

    Raises
    ------
    ValueError
        For a length below 1, or a start that is not above 0.

    Notes
    -----
    Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> schedule = nn.WarmUpSchedule(nn.SGD([nn.Parameter([1.0])]), length=10, start=0.1)
    >>> [round(schedule.factor(steps), 3) for steps in (0, 5, 10, 20)]
    [0.1, 0.55, 1.0, 1.0]
    """

    def __init__(self, optimiser: Optimiser, length: int, start: float = 0.01) -> None:
        if length < 1:
            raise ValueError(f"WarmUpSchedule: length must be at least 1, not {length!r}")
        if not start > 0:
            raise ValueError(f"WarmUpSchedule: start must be above 0, not {start!r}")
        self.length: int = length
        self.start: float = start
        super().__init__(optimiser)

    def factor(self, steps: int) -> float:
        return min(1.0, self.start + (1 - self.start) * steps / self.length)


class OneCycleSchedule(Schedule):
    """Up to `most` in a share of `length` steps, and then down to `least`, along half cosines.

    All three are factors of the learning rate.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.
    length : int
        How many steps it takes.
    most, least : float
        The factors at the top and at the end.
    rising : float
        The share of the steps up to the top, from 0 to 1.

    Raises
    ------
    ValueError
        For a length below 1, or `rising` that is not between 0 and 1.

    Notes
    -----
    Smith and Topin, "Super-convergence" (2017).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> schedule = nn.OneCycleSchedule(nn.SGD([nn.Parameter([1.0])]), length=100)
    >>> [round(schedule.factor(steps), 3) for steps in (0, 30, 100)]
    [1.0, 10.0, 0.001]
    """

    def __init__(
        self,
        optimiser: Optimiser,
        length: int,
        *,
        most: float = 10.0,
        least: float = 1e-3,
        rising: float = 0.3,
    ) -> None:
        if length < 1:
            raise ValueError(f"OneCycleSchedule: length must be at least 1, not {length!r}")
        if not 0 < rising < 1:
            raise ValueError(f"OneCycleSchedule: rising must be between 0 and 1, not {rising!r}")
        self.length: int = length
        self.most: float = most
        self.least: float = least
        self.rising: float = rising
        super().__init__(optimiser)

    def factor(self, steps: int) -> float:
        done = min(steps / self.length, 1.0)
        if done < self.rising:
            start, end, part = 1.0, self.most, done / self.rising
        else:
            start, end = self.most, self.least
            part = (done - self.rising) / (1 - self.rising)
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


class PlateauSchedule(Schedule):
    """Times `factor` where the metric, which is to fall, has not for more than `patience` steps.

    `step(metric)` needs the metric; a fall of less than `least` times itself is none.

    Parameters
    ----------
    optimiser : Optimiser
        Its learning rates are what the factors are of.
    factor : float
        What the learning rate is multiplied by.
    patience : int
        How many steps the metric may go without falling.
    least : float
        A fall of less than this share is none.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=1.0)
    >>> schedule = nn.PlateauSchedule(optimiser, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> optimiser.learning_rate
    0.1
    """

    by_epoch = True

    def __init__(
        self,
        optimiser: Optimiser,
        factor: float = 0.1,
        patience: int = 10,
        *,
        least: float = 1e-4,
    ) -> None:
        self.by: float = factor
        self.patience: int = patience
        self.least: float = least
        self.best: float = math.inf
        self.waited: int = 0
        self.reached: float = 1.0
        super().__init__(optimiser)

    def factor(self, steps: int) -> float:
        return self.reached

    def step(self, metric: float | None = None) -> None:
        """

        Parameters
        ----------
        metric : float
            Such as the loss of the validation data.

        Raises
        ------
        ValueError
            Where it is left out.
        """
        if metric is None:
            raise ValueError("PlateauSchedule: step(metric) needs the metric that is to fall")
        if metric < self.best - abs(self.best if math.isfinite(self.best) else 0.0) * self.least:
            self.best, self.waited = float(metric), 0
        else:
            self.waited += 1
            if self.waited > self.patience:
                self.reached, self.waited = self.reached * self.by, 0
        super().step()
