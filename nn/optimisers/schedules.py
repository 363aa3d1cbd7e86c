"""Schedules of the learning rate.

`schedule.step()` after each `optimiser.step()` sets the learning rate of the next step. Factors
multiply the learning rates that the optimiser had when the schedule was made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..spelling import Spelled
from .base import Optimiser


class Schedule(Spelled):
    """Base of schedules; a subclass defines `factor`, the factor after each number of steps.

    `by_epoch` is True where a step of the schedule is an epoch, not an update.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.

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
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Raises
        ------
        NotImplementedError
            In a class that defines no `factor`.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> class Inverse(nn.optimisers.Schedule):
        ...     def factor(self, steps):
        ...         return 1 / (1 + steps)
        >>> schedule = Inverse(nn.SGD([nn.Parameter([1.0])]))
        >>> [schedule.factor(steps) for steps in (0, 1, 3)]
        [1.0, 0.5, 0.25]
        """
        raise NotImplementedError(f"{type(self).__name__} defines no factor()")

    def step(self, metric: float | None = None) -> None:
        """Counts a step, and sets the learning rate of the next.

        Parameters
        ----------
        metric : float, optional
            A metric, for schedules that depend on one.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.8)
        >>> schedule = nn.StepSchedule(optimiser, every=2, factor=0.5)
        >>> rates = []
        >>> for _ in range(4):
        ...     schedule.step()
        ...     rates.append(optimiser.learning_rate)
        >>> rates
        [0.8, 0.4, 0.4, 0.2]
        """
        self.steps += 1
        self._set()

    def _set(self) -> None:
        factor = self.factor(self.steps)
        for group, start in zip(self.optimiser.groups, self._start, strict=True):
            group["learning_rate"] = start * factor

    def state_dict(self) -> dict[str, float]:
        """The state of the schedule: numbers by name.

        Returns
        -------
        dict of str to float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.1)
        >>> schedule = nn.CosineSchedule(optimiser, length=50)
        >>> schedule.step()
        >>> schedule.state_dict()
        {'length': 50, 'least': 0.0, 'steps': 1, 'start.0': 0.1}
        """
        return {k: v for k, v in vars(self).items() if isinstance(v, (int, float))} | {
            f"start.{i}": rate for i, rate in enumerate(self._start)
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a state from `state_dict`.

        Parameters
        ----------
        state : mapping
            The result of `state_dict`.

        Raises
        ------
        ValueError
            Where the state is that of another schedule.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.8)
        >>> schedule = nn.StepSchedule(optimiser, every=1, factor=0.5)
        >>> saved = schedule.state_dict()
        >>> schedule.step()
        >>> schedule.load_state_dict(saved)
        >>> schedule.steps, optimiser.learning_rate
        (0, 0.8)
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
    """Multiplies the learning rate by `factor` after every `every` steps.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.
    every : int
        The number of steps between two changes.
    factor : float
        The factor of each change.

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
        """The factor of a change to the power of the number of changes.

        Parameters
        ----------
        steps : int
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> schedule = nn.StepSchedule(nn.SGD([nn.Parameter([1.0])]), every=30, factor=0.5)
        >>> schedule.factor(29), schedule.factor(30), schedule.factor(60)
        (1.0, 0.5, 0.25)
        """
        return float(self.by ** (steps // self.every))


class CosineSchedule(Schedule):
    """Lowers the factor from 1 to `least` in `length` steps, along half a cosine.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.
    length : int
        The number of steps.
    least : float
        The factor at the end.

    Raises
    ------
    ValueError
        For a length below 1.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2016),
    arXiv:1608.03983, equation 5.

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
        """least + (1 - least) (1 + cos(pi steps / length)) / 2, and `least` after the last step.

        Parameters
        ----------
        steps : int
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> schedule = nn.CosineSchedule(nn.SGD([nn.Parameter([1.0])]), length=100, least=0.2)
        >>> [round(schedule.factor(steps), 6) for steps in (0, 50, 100, 200)]
        [1.0, 0.6, 0.2, 0.2]
        """
        done = min(steps / self.length, 1.0)
        return self.least + (1 - self.least) * (1 + math.cos(math.pi * done)) / 2


class WarmUpSchedule(Schedule):
    """Raises the factor from `start` to 1 in `length` steps, linearly.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.
    length : int
        The number of steps.
    start : float
        The initial factor.

    Raises
    ------
    ValueError
        For a length below 1, or a start that is not above 0.

    Notes
    -----
    Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017),
    arXiv:1706.02677, section 2.2.

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
        """start + (1 - start) steps / length, and 1 after the last step.

        Parameters
        ----------
        steps : int
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> schedule = nn.WarmUpSchedule(nn.SGD([nn.Parameter([1.0])]), length=100, start=0.2)
        >>> [round(schedule.factor(steps), 6) for steps in (0, 50, 100, 200)]
        [0.2, 0.6, 1.0, 1.0]
        """
        return min(1.0, self.start + (1 - self.start) * steps / self.length)


class OneCycleSchedule(Schedule):
    """Raises the factor from 1 to `most` and lowers it to `least`, along half cosines.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.
    length : int
        The number of steps.
    most, least : float
        The factors at the peak and at the end.
    rising : float
        The share of the steps up to the peak, between 0 and 1.

    Raises
    ------
    ValueError
        For a length below 1, or `rising` that is not between 0 and 1.

    Notes
    -----
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates" (2017), arXiv:1708.07120.

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
        """Half a cosine from 1 to `most`, then half a cosine from `most` to `least`.

        Parameters
        ----------
        steps : int
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> schedule = nn.OneCycleSchedule(nn.SGD([nn.Parameter([1.0])]), length=100, rising=0.3)
        >>> [round(schedule.factor(steps), 3) for steps in (0, 15, 30, 100)]
        [1.0, 5.5, 10.0, 0.001]
        """
        done = min(steps / self.length, 1.0)
        if done < self.rising:
            start, end, part = 1.0, self.most, done / self.rising
        else:
            start, end = self.most, self.least
            part = (done - self.rising) / (1 - self.rising)
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


class PlateauSchedule(Schedule):
    """Multiplies the learning rate by `factor` when the metric stops falling.

    It does so after more than `patience` steps without a fall by the share `least`; `step(metric)`
    needs the metric.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser whose learning rates change.
    factor : float
        The factor of each change.
    patience : int
        The number of steps that the metric may go without a fall.
    least : float
        The smallest relative fall that counts.

    Notes
    -----
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
    networks" (2012), section 5, divide the rate by 10 when the error stops falling.

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
        """The factor of all changes so far, whatever the number of steps.

        Parameters
        ----------
        steps : int
            The number of steps done, from 0 on.

        Returns
        -------
        float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> schedule = nn.PlateauSchedule(nn.SGD([nn.Parameter([1.0])]), factor=0.5, patience=0)
        >>> for loss in (3.0, 3.0, 3.0):
        ...     schedule.step(loss)
        >>> schedule.factor(3)
        0.25
        """
        return self.reached

    def step(self, metric: float | None = None) -> None:
        """Counts a step, and sets the learning rate by the metric.

        Parameters
        ----------
        metric : float
            The metric that should fall, such as the loss of the validation data.

        Raises
        ------
        ValueError
            Where the metric is left out.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.8)
        >>> schedule = nn.PlateauSchedule(optimiser, factor=0.5, patience=1)
        >>> rates = []
        >>> for loss in (3.0, 2.0, 2.1, 2.2):
        ...     schedule.step(loss)
        ...     rates.append(optimiser.learning_rate)
        >>> rates
        [0.8, 0.8, 0.8, 0.4]
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
