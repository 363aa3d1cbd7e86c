"""Repeated parts of a graph are drawn once, and every operation is drawn or counted."""

import re

import numpy as np
import pytest
from pictures.drawings import box, chain, frames, labels, parameter

import autograd_lite as al
import nn
from autograd_lite.extend import enclosed

X = np.arange(12.0).reshape(3, 4) / 10


def repeated(picture):
    """How many operations the frames of repeated blocks stand for besides those drawn in them."""
    count, copies = 0, [1]
    for line in picture.source.splitlines():
        if "label=" in line and (found := re.search(r'label="?× ([\d,]+)', line)):
            copies[-1] *= int(found[1].replace(",", ""))
        elif "subgraph" in line:
            copies.append(copies[-1])
        elif line.strip() == "}":
            copies.pop()
        elif re.match(r"\t+n\d+ \[", line):
            count += copies[-1] - 1
    return count


def test_a_chain_is_one_block():
    picture = al.draw(chain(2_000))
    assert frames(picture) == ["× 2,000"]
    assert len(labels(picture)) == 2
    assert "style=dashed" in picture.source


def test_a_small_graph_is_not_folded_unless_asked():
    assert len(labels(al.draw(chain(12)))) == 13
    assert frames(al.draw(chain(12), fold=True)) == ["× 12"]


def test_a_graph_is_not_folded_if_so_asked():
    assert len(labels(al.draw(chain(2_000), fold=False))) == 2_001


def test_too_large_a_graph_is_not_drawn_without_folding():
    with pytest.raises(
        ValueError, match=r"has 2,001 operations, and fold=False draws at most 2,000"
    ):
        al.draw(chain(2_001), fold=False)


def test_equal_layers_are_one_with_the_names_of_the_first_and_the_last():
    deep = nn.Sequential(*[p for _ in range(13) for p in (nn.Linear(3, 3), nn.ReLU())])
    picture = al.draw(deep, X, fold=True)
    assert frames(picture) == ["× 13", "Linear(3, 3)"]
    assert ["W1, …, W13 (13)", "(3, 3)"] in labels(picture).values()


def test_a_shared_parameter_keeps_one_box():
    def f(W, x):
        for _ in range(20):
            x = np.tanh(W @ x)
        return x.sum()

    picture = al.draw(f, np.eye(2), np.ones(2), fold=True)
    assert box(picture, "W") and box(picture, "x")


def test_loops_in_loops_nest():
    def f(x):
        for _ in range(7):
            for _ in range(5):
                x = np.sin(x)
            x = np.exp(-x)
        return x.sum()

    assert frames(al.draw(f, np.ones(2), fold=True)) == ["× 7", "× 5"]


def test_what_comes_twice_is_not_folded():
    assert frames(al.draw(np.exp(np.exp(parameter(2))), fold=True)) == []


def test_blocks_of_other_shapes_are_not_taken_together():
    x = parameter(2)
    for _ in range(18):
        x = np.concatenate([np.tanh(x), np.ones(1)])
    assert frames(al.draw(x.sum(), fold=True)) == []


def test_a_graph_without_a_pattern_says_what_was_left_out():
    rng = np.random.default_rng(0)
    y = parameter(2, "x")
    for k in rng.integers(0, 4, 3_000):
        y = (np.sin, np.cos, np.tanh, np.exp)[k](y * 0.1)
    picture = al.draw(y)
    (left_out,) = (lines for lines in labels(picture).values() if "operations" in lines[0])
    assert re.fullmatch(r"[\d,]+ operations", left_out[0])
    assert re.fullmatch(r"[\d,]+ multiply, [\d,]+ \w+, [\d,]+ \w+, …", left_out[1])
    assert len(labels(picture)) <= 251


def test_every_operation_is_drawn_or_counted():
    """The boxes stand for all operations, those of a frame as often as it says."""
    rng = np.random.default_rng(1)
    y = parameter(2, "x")
    for k in rng.integers(0, 4, 1_000):
        y = (np.sin, np.cos, np.tanh, np.negative)[k](y)
    count = 0
    for lines in labels(al.draw(y)).values():
        found = re.fullmatch(r"([\d,]+) operations", lines[0])
        count += int(found[1].replace(",", "")) if found else lines[0] != "x"
    assert count + repeated(al.draw(y)) == 1_000


def test_values_that_are_not_finite_are_marked_on_a_folded_box():
    x = al.Tensor([-1.0], True, name="x")
    with np.errstate(invalid="ignore"):
        loss = np.log(x) + 1
    module = nn.Sequential()
    module.forward = lambda t: loss
    assert "⚠" in al.draw(loss, fold=True).source


@pytest.mark.slow
def test_a_million_operations():
    picture = al.draw(chain(1_000_000))
    assert frames(picture) == ["× 1,000,000"]


def test_a_folded_call_names_three_kinds_of_operations_and_says_whether_there_are_more():
    x = al.Tensor([1.0, 2.0], True, name="x")
    three = enclosed("block", lambda x: np.exp(np.sin(x * 2)), x)
    assert box(al.draw(np.sum(three), depth=0), "block")[1] == "1 multiply, 1 sin, 1 exp"
    four = enclosed("block", lambda x: np.exp(np.sin(np.tanh(x * 2))), x)
    assert box(al.draw(np.sum(four), depth=0), "block")[1] == "1 multiply, 1 tanh, 1 sin, …"
