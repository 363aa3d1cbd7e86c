"""nn.plots of training: costs of fit, values and updates over steps, dead units."""

import numpy as np
import pytest

import nn
from nn import plots

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 40))
Y = (X[:1] > 0).astype(float)


def network():
    return nn.Sequential(nn.Linear(3, 6, seed=0), nn.ReLU(), nn.Linear(6, 1, seed=1))


def fitted(net, **options):
    loss = nn.binary_cross_entropy_with_logits
    return nn.fit(net, X, Y, loss=loss, optimiser="sgd", seed=0, verbose=False, **options)


@pytest.mark.parametrize("validation", [None, 0.25])
def test_the_cost_of_what_fit_returns(validation):
    history = fitted(network(), epochs=4, validation=validation)
    lines = plots.cost(history).axes[0].lines
    assert lines[0].get_ydata().tolist() == history["loss"]
    assert len(lines) == (1 if validation is None else 2)
    if validation is not None:
        assert lines[1].get_ydata().tolist() == history["validation_loss"]
    assert [line.get_ydata().tolist() for line in history.plot().axes[0].lines] == [
        line.get_ydata().tolist() for line in lines
    ]


def test_ratios_are_those_of_the_norms():
    net = network()
    steps = plots.Steps(net)
    expected = []
    for rate in (0.1, 0.01, 0.0):
        before = net.layers[0].weight.numpy().copy()
        net.layers[0].weight.data += rate * RNG.normal(size=before.shape)
        change = net.layers[0].weight.numpy() - before
        expected.append(np.linalg.norm(change) / np.linalg.norm(before))
        steps()
    assert np.allclose(steps.ratios("layers.0.weight"), expected)
    axes = plots.update_ratios(steps).axes[0]
    drawn = axes.lines[0].get_ydata()
    assert np.allclose(drawn[:2], expected[:2]) and np.isnan(drawn[2])
    assert axes.get_yscale() == "log"
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert 1e-4 < band.y0 < 1e-3 < band.y1 < 1e-2
    shown = [t.get_text() for t in axes.get_legend().get_texts()]
    assert shown == ["usual range", f"W1 of {net.layers[0]!r}", f"W2 of {net.layers[2]!r}"]


@pytest.mark.parametrize("count", [1, 50])
def test_a_single_value_is_seen_as_a_point(count):
    """Lines of many steps have no markers."""
    costs = list(range(count, 0, -1))
    net = network()
    steps = plots.Steps(net)
    for _ in range(count):
        net.layers[0].weight.data *= 1.01
        net.layers[2].weight.data *= 1.01
        steps()
    for figure in (plots.cost(costs, validation=costs), plots.update_ratios(steps)):
        for line in figure.axes[0].lines:
            assert len(line.get_xdata()) == count
            assert line.get_marker() == ("o" if count == 1 else "None")


def test_as_a_callback_of_fit_an_update_is_its_part_of_the_epoch():
    net = network()
    steps = plots.Steps(net)
    before = net.layers[2].weight.numpy().copy()
    fitted(net, epochs=1, batch_size=10, callbacks=[steps])
    change = np.linalg.norm(net.layers[2].weight.numpy() - before)
    assert steps.ratios("layers.2.weight") == [
        pytest.approx(change / 4 / np.linalg.norm(before), rel=1e-12)
    ]


def test_frozen_parameters_are_not_noted():
    net = network()
    net.layers[0].freeze()
    assert set(plots.Steps(net).noted) == {"layers.2.weight", "layers.2.bias"}


def test_histograms_are_shares_of_the_numbers_at_each_step():
    net = network()
    weight = net.layers[0].weight
    weight.data[...] = np.linspace(-1, 1, weight.size).reshape(weight.shape)
    steps = plots.Steps(net)
    weight.data[...] = 3.0
    steps()
    axes = plots.histograms(steps).axes
    image = axes[0].images[0].get_array()
    assert np.allclose(image.sum(axis=0), 1)
    low, high = axes[0].get_ylim()
    assert low == -1 and high >= 3
    middle = low + (np.arange(len(image)) + 0.5) * (high - low) / len(image)
    at = [np.sum(middle * column) for column in image.T]
    assert np.allclose(at, [0, 3], atol=0.1)
    assert len(axes) == 2


def test_dead_units_are_those_that_give_nothing_for_any_sample():
    net = network()
    net.layers[0].weight.data[...] = 0.0
    net.layers[0].bias.data[...] = np.array([[-1.0], [-1.0], [1.0], [-1.0], [2.0], [3.0]])
    net.train()
    axes = plots.dead_units(net, X).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.5]
    assert [t.get_text() for t in axes.texts] == ["3 of 6"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["layers.1\nReLU()"]
    assert net.layers[1].training and "forward" not in vars(net.layers[1])


def test_a_unit_of_pictures_is_a_channel():
    net = nn.Sequential(nn.Conv2d(1, 3, 3, seed=0), nn.ReLU())
    net.layers[0].weight.data[...] = 0.0
    net.layers[0].bias.data[...] = np.array([1.0, -1.0, -1.0]).reshape(net.layers[0].bias.shape)
    axes = plots.dead_units(net, np.ones((1, 5, 5, 2))).axes[0]
    assert [t.get_text() for t in axes.texts] == ["2 of 3"]


def test_a_model_that_fails_is_left_as_it_was():
    net = network()
    with pytest.raises(ValueError):
        plots.dead_units(net, np.ones((4, 2)))
    assert "forward" not in vars(net.layers[1]) and net.training


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.dead_units(nn.Linear(2, 1), X), "finds no ReLU in Linear"),
        (lambda: plots.update_ratios(plots.Steps(network())), "called after at least one update"),
        (lambda: plots.histograms(plots.Steps(nn.ReLU())), "parameters to train"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
