"""Schedules of learning rates."""

import math

import pytest

import nn
from nn.optimisers import Schedule


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

    def test_values(self):
        """PyTorch's CosineAnnealingLR and OneCycleLR, to twelve digits."""
        cosine = [1.0, 0.882842712475, 0.6, 0.317157287525, 0.2]
        assert rates(nn.CosineSchedule(sgd(), 4, least=0.2), 5) == pytest.approx(cosine, abs=1e-11)
        cycle = nn.OneCycleSchedule(sgd(), 10, most=5.0, least=0.01, rising=0.23)
        expected = [1.0, 2.593087973895, 4.834422603011, 4.898934969168, 4.423531560722]
        expected += [3.63316890867, 2.65759834375, 1.656976192551, 0.795571421155]
        expected += [0.214798119792, 0.01, 0.01]
        assert rates(cycle, 12) == pytest.approx(expected, abs=1e-11)

    def test_defaults(self):
        assert rates(nn.StepSchedule(sgd(), 1), 3) == pytest.approx([1, 0.1, 0.01])
        assert rates(nn.CosineSchedule(sgd(), 1), 2) == pytest.approx([1, 0])
        assert rates(nn.WarmUpSchedule(sgd(), 1), 2) == pytest.approx([0.01, 1])
        cycle = nn.OneCycleSchedule(sgd(), 10)
        found = rates(cycle, 11)
        assert (found[0], found[3], found[10]) == pytest.approx((1, 10, 0.001))
        plateau = nn.PlateauSchedule(sgd())
        for steps, rate in ((11, 1), (1, 0.1), (10, 0.1), (1, 0.01)):
            for _ in range(steps):
                plateau.step(3.0)
            assert plateau.optimiser.learning_rate == pytest.approx(rate)

    def test_each_group_keeps_its_share(self):
        a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
        optimiser = nn.SGD([{"parameters": [a]}, {"parameters": [b], "learning_rate": 4.0}], 1.0)
        schedule = nn.StepSchedule(optimiser, 1, 0.5)
        schedule.step()
        assert [g["learning_rate"] for g in optimiser.groups] == [0.5, 2.0]

    def test_a_plateau_takes_no_fall_smaller_than_its_share(self):
        schedule = nn.PlateauSchedule(sgd(), 0.5, patience=0, least=0.25)
        for metric, rate in (
            (4.0, 1),
            (3.0, 0.5),
            (2.9, 0.5),
            (-8, 0.5),
            (-9.9, 0.25),
            (-10, 0.125),
            (-10.1, 0.125),
        ):
            schedule.step(metric)
            assert schedule.optimiser.learning_rate == rate, metric

    def test_a_plateau_counts_nan_as_no_fall(self):
        schedule = nn.PlateauSchedule(sgd(), 0.5, patience=0)
        schedule.step(math.nan)
        assert schedule.optimiser.learning_rate == 0.5

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda o: nn.StepSchedule(o, 0), "StepSchedule: every must be at least 1, not 0"),
            (lambda o: nn.CosineSchedule(o, 0), "CosineSchedule: length must be at least 1, not 0"),
            (lambda o: nn.WarmUpSchedule(o, 0), "WarmUpSchedule: length must be at least 1, not 0"),
            (lambda o: nn.WarmUpSchedule(o, 1, 0), "WarmUpSchedule: start must be above 0, not 0"),
            (lambda o: nn.OneCycleSchedule(o, 0), "OneCycleSchedule: length must be at least 1"),
            (
                lambda o: nn.OneCycleSchedule(o, 1, rising=0),
                "rising must be between 0 and 1, not 0",
            ),
            (
                lambda o: nn.OneCycleSchedule(o, 1, rising=1),
                "rising must be between 0 and 1, not 1",
            ),
            (
                lambda o: nn.StepSchedule(o, 1).load_state_dict(
                    nn.CosineSchedule(o, 1).state_dict()
                ),
                "the state is not that of a StepSchedule like this",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, make, message):
        with pytest.raises(ValueError, match=message):
            make(sgd())

    def test_a_schedule_of_ones_own_defines_its_factor(self):
        class Own(Schedule):
            """Without a factor."""

        with pytest.raises(NotImplementedError, match=r"Own defines no factor\(\)"):
            Own(sgd())

    def test_only_a_plateau_is_asked_by_epoch(self):
        kinds = [nn.StepSchedule, nn.CosineSchedule, nn.WarmUpSchedule, nn.OneCycleSchedule]
        assert not any(kind.by_epoch for kind in kinds) and nn.PlateauSchedule.by_epoch

    def test_a_plateau_remembers_what_it_waits_for(self):
        one, other = (nn.PlateauSchedule(sgd(), 0.5, patience=1) for _ in range(2))
        for metric in (2.0, 1.0, 1.0, 1.0, 1.0):
            one.step(metric)
        other.load_state_dict(one.state_dict())
        assert other.optimiser.learning_rate == 0.5
        for schedule in (one, other):
            schedule.step(1.0)
            assert schedule.optimiser.learning_rate == 0.25

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
