"""Schedules of learning rates."""

import math

import pytest

import nn


def rates(schedule, steps):
    found = []
    for _ in range(steps):
        found.append(schedule.optimiser.learning_rate)
        schedule.step()
    return found


def sgd():
    return nn.SGD([nn.Parameter([1.0])], 1.0)


class TestSchedules:
    def test_step(self):
        assert rates(nn.StepSchedule(sgd(), 2, 0.5), 5) == [1, 1, 0.5, 0.5, 0.25]

    def test_cosine(self):
        found = rates(nn.CosineSchedule(sgd(), 4, least=0.2), 6)
        expected = [0.2 + 0.8 * (1 + math.cos(math.pi * t / 4)) / 2 for t in (0, 1, 2, 3, 4, 4)]
        assert found == pytest.approx(expected)

    def test_warm_up(self):
        assert rates(nn.WarmUpSchedule(sgd(), 4, 0.2), 6) == pytest.approx(
            [0.2, 0.4, 0.6, 0.8, 1, 1]
        )

    def test_one_cycle(self):
        found = rates(nn.OneCycleSchedule(sgd(), 100, most=5.0, least=0.01), 101)
        assert (found[0], found[30], found[100]) == pytest.approx((1, 5, 0.01))
        assert found[:31] == sorted(found[:31])
        assert found[30:] == sorted(found[30:], reverse=True)

    def test_plateau(self):
        schedule = nn.PlateauSchedule(sgd(), 0.5, patience=1)
        found = []
        for metric in (3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0):
            schedule.step(metric)
            found.append(schedule.optimiser.learning_rate)
        assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
        with pytest.raises(ValueError, match="needs the metric"):
            schedule.step()

    @pytest.mark.parametrize(
        "make",
        [
            lambda o: nn.StepSchedule(o, 2),
            lambda o: nn.CosineSchedule(o, 9),
            lambda o: nn.OneCycleSchedule(o, 9),
            lambda o: nn.WarmUpSchedule(o, 9),
        ],
    )
    def test_a_state_goes_on(self, make):
        whole = rates(make(sgd()), 9)
        first = make(sgd())
        rates(first, 4)
        second = make(sgd())
        second.load_state_dict(first.state_dict())
        assert rates(second, 5) == whole[4:]
