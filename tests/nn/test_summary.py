"""Summaries of networks: what their tables say, and that nothing is changed by them."""

import numpy as np
import pytest

import nn
from nn.summary import readable


@pytest.fixture
def net():
    net = nn.Sequential(
        nn.Linear(3, 4, seed=0),
        nn.BatchNorm(4),
        nn.ReLU(),
        nn.Residual(nn.Linear(4, 4, bias=False, dtype=np.float32)),
    )
    net[0].freeze()
    net[1].scale.requires_grad = False
    return net


def test_the_table(net):
    """Memory is that of parameters, buffers and results: 16 * 8 + 4 * 5 * 8 bytes in the first."""
    summary = net.summary((3, 5))
    assert str(summary).splitlines() == [
        "layer                   kind                         output  parameters  memory",
        "layers.0                Linear(3, 4), frozen         (4, 5)          16   288 B",
        "layers.1                BatchNorm(4), partly frozen  (4, 5)           8   288 B",
        "layers.2                ReLU()                       (4, 5)           0   160 B",
        "layers.3.path.layers.0  Linear(4, 4, bias=False)     (4, 5)          16   224 B",
        "40 parameters, 20 of them trainable, 8 in buffers; 960 B with the outputs of the layers",
    ]
    assert repr(summary) == str(summary)
    assert (summary.parameters, summary.trainable, summary.buffers) == (40, 20, 8)
    html = summary._repr_html_()
    assert "<table><thead><tr><th>layer</th><th>kind</th><th>output</th>" in html
    assert "<td>layers.1</td><td>BatchNorm(4), partly frozen</td><td>(4, 5)</td><td>8</td>" in html
    assert html.endswith(f"<p>{str(summary).splitlines()[-1]}</p>")


def test_words_stand_left_and_numbers_right():
    lines = str(nn.Sequential(nn.Linear(3, 100), nn.ReLU()).summary((3, 20))).splitlines()
    assert lines == [
        "layer     kind            output     parameters    memory",
        "layers.0  Linear(3, 100)  (100, 20)         400  18.8 KiB",
        "layers.1  ReLU()          (100, 20)           0  15.6 KiB",
        "400 parameters; 34.4 KiB with the outputs of the layers",
    ]


def test_a_notebook_shows_a_net_with_its_layers(net):
    html = net._repr_html_()
    assert html.startswith("<p><b>Sequential</b>: 40 parameters, 20 of them trainable, 8 in buff")
    assert html.count("<tr>") == 5
    assert "<td>layers.0</td><td>Linear(3, 4), frozen</td><td>16</td>" in html
    assert "<td>-</td><td>ReLU()</td><td>0</td>" in nn.ReLU()._repr_html_()


def test_nothing_is_changed(net):
    net[1].eval()
    before = net.state_dict()
    net.summary(np.ones((3, 5)))
    np.testing.assert_equal(net.state_dict(), before)
    assert [layer.training for layer in net] == [True, False, True, True]
    assert all("forward" not in vars(module) for _, module in net.named_modules())
    with pytest.raises(ValueError, match="takes samples as columns"):
        net.summary((4, 5))
    assert all("forward" not in vars(module) for _, module in net.named_modules())
    assert [layer.training for layer in net] == [True, False, True, True]


def test_a_layer_that_is_called_twice_has_two_rows_and_one_set_of_parameters():
    layer = nn.Linear(2, 2)
    summary = nn.Sequential(layer, layer).summary((2, 1))
    assert [row.path for row in summary.rows] == ["layers.0", "layers.0"]
    assert summary.parameters == summary.trainable == 6


def test_an_example_of_another_dtype():
    (row,) = nn.ReLU().summary(np.ones((2, 3), np.float32)).rows
    assert (row.path, row.shape, row.parameters, row.memory) == ("", (2, 3), 0, 24)
    (row,) = nn.Linear(2, 1, dtype=np.float32).summary((2, 3)).rows
    assert row.memory == 4 * (2 + 1 + 3)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20, "1.0 MiB"),
        (2**30, "1.0 GiB"),
        (2**40, "1.0 TiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_bytes_have_units(size, text):
    assert readable(size) == text
