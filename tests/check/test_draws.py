"""The random numbers that a person's code draws, restored as if nothing had been drawn."""

import random

import numpy as np
import pytest

from autograd_lite.check.marking.draws import state, undone

DRAWS = {"NumPy": lambda: np.random.rand(), "Python": lambda: random.random()}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_are_undone_and_told(draw):
    first = state()
    with undone() as draws:
        drawn = draw()
    assert draws.any
    with undone() as draws:
        assert draw() == drawn
    start = state()
    with undone(first) as draws:
        pass
    assert not draws.any
    assert draw() == drawn
    with undone(start) as draws:
        assert draw() == drawn
    assert draws.any


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_begin_where_they_are_told_to(draw):
    start = state()
    first, second = draw(), draw()
    now = state()
    with undone(start):
        assert [draw(), draw()] == [first, second]
    third = draw()
    assert third not in (first, second)
    with undone(now):
        assert draw() == third


def test_draws_are_undone_after_an_error():
    start = state()
    with pytest.raises(KeyError), undone():
        np.random.rand()
        raise KeyError
    first = np.random.rand()
    with undone(start):
        assert np.random.rand() == first
