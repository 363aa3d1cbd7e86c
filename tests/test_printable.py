"""Names from anywhere, in everything that is printed, drawn or raised: shown, never obeyed."""

import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.printable import printable, quoted

HOSTILE = {
    "terminal codes": "\x1b[2J\x1b]0;owned\x07",
    "direction": "a\u202egnp.exe\u2066",
    "line ends": "first\nsecond\rthird\u2028fourth",
    "surrogates": "\ud800",
    "markup": "<script>alert(1)</script>&amp;",
    "a formula": "$\\frac{1}{",
    "long": "n" * 1_000_000,
    "long and hostile": "\x1b" * 1_000_000,
}

hostile = pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)


@pytest.mark.parametrize("longest", [10, 60, 500])
@hostile
def test_text_is_one_line_of_bounded_length(name, longest):
    for text in (printable(name, longest), quoted(name, longest), quoted([name], longest)):
        assert text.isprintable() and len(text) <= longest


def test_text_that_is_harmless_stays():
    for text in ("plain", "", "Käse 🧀", "a" * 60, "back\\slash"):
        assert printable(text) == text
    assert printable("a" * 61) == "a" * 57 + "..."
    assert printable("\n" * 30 + "end") == "\\n" * 28 + "..."


def test_reprs_of_anything_are_bounded():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, [[0] * 10**6] * 10, {"a": {"b" * 10**6: 1}}, b"x" * 10**6, 10**4000):
        text = quoted(value)
        assert text.isprintable() and len(text) <= 60
    assert quoted([1, "a"]) == "[1, 'a']" and quoted("it's") == '"it\'s"'


def is_safe(text, lines=10, length=3000):
    return len(text) < length and all(
        line.isprintable() for line in text.split("\n", maxsplit=lines)[:lines]
    )


def raised(action, *arguments, **options):
    with pytest.raises(Exception) as caught:
        action(*arguments, **options)
    return str(caught.value)


@hostile
def test_histories(name):
    history = nn.training.History([{"epoch": 1, "loss": 1.0, name: 1.0}])
    assert is_safe(repr(history), 1) and is_safe(raised(history.__getitem__, name * 2))
    many = nn.training.History([{f"{name[:100]}{i}": 1.0 for i in range(10_000)}])
    assert is_safe(repr(many), 1)
    ElementTree.fromstring(history._repr_html_())
    assert "<script" not in history._repr_html_() and len(history._repr_html_()) < 3000


@hostile
def test_layers(name):
    class Net(nn.Module):
        def __init__(self):
            self.parts = {name: nn.Linear(2, 2, seed=0)}

        def forward(self, X):
            return self.parts[name](X)

    net = Net()
    assert is_safe(str(net.summary((2, 3)))) and is_safe(repr(net), 1)
    ElementTree.fromstring(f"<p>{net.summary((2, 3))._repr_html_()}</p>")
    state = net.state_dict()
    path = next(path for path in state if path.endswith("weight"))
    assert is_safe(raised(net.load_state_dict, {**state, path: np.ones((3, 3))}))
    assert is_safe(raised(net.load_state_dict, {}))


@hostile
def test_files(name, tmp_path):
    net = nn.Linear(2, 2, seed=0)
    for path in (tmp_path / name, str(tmp_path / "missing" / name)):
        for action in (lambda p: nn.load(p, net), lambda p: nn.load_data(p, p), nn.H5Dataset):
            assert is_safe(raised(action, path), 1)
    assert is_safe(raised(nn.save, net, tmp_path / "missing" / name), 1)
    assert is_safe(raised(al.draw(al.Tensor(1.0, True) * 2).render, tmp_path / "no" / name), 1)


@hostile
def test_operands_that_do_not_fit(name):
    W, X = al.Tensor(np.ones((2, 3)), True, name=name), al.Tensor(np.ones((2, 3)), True)
    assert is_safe(raised(np.dot, W, X), 1)
    assert is_safe(raised(np.add, W, np.ones(7)), 1)
    assert is_safe(repr(W)[-100:], 1)


@hostile
def test_pictures_of_graphs(name):
    x = al.Tensor(np.ones(2), True, name=name)
    source = al.draw(np.exp(x).sum()).source
    shown = source.replace("\n", "").replace("\t", "")
    assert shown.isprintable() and len(source) < 5000


@hostile
def test_plots(name):
    matplotlib = pytest.importorskip("matplotlib")
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = np.where(X[:, 0] > 0, name[:10_000], "other")
    model = nn.LogisticRegression(max_iter=2).fit(X, y)
    X = np.random.default_rng(1).normal(size=(20, 4))
    pixels = nn.LogisticRegression(max_iter=2).fit(X, y)
    for figure in (nn.plots.decision_boundary(model, X[:, :2], y), nn.plots.mistakes(pixels, X, y)):
        figure.canvas.draw()
        texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
        assert all(is_safe(text, length=200) for text in texts)


@hostile
def test_classes_and_features(name):
    pandas = pytest.importorskip("pandas")
    if "\ud800" in name:
        pytest.skip("pandas has no place for lone surrogates")
    X = pandas.DataFrame({name: [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    model = nn.LogisticRegression(max_iter=2).fit(X, [0, 1, 1])
    assert is_safe(raised(model.predict, X.rename(columns={name: name[::-1] + "x"})), 12)


@pytest.mark.parametrize(
    "codes", [0x3000, pytest.param(sys.maxunicode + 1, marks=pytest.mark.slow)]
)
def test_every_character_is_printable_or_escaped(codes):
    """And what is escaped is told apart: no two characters become one."""
    seen = set()
    for code in range(codes):
        text = printable(chr(code))
        assert text.isprintable() and (text == chr(code) or re.fullmatch(r"\\\w+", text))
        seen.add(text)
    assert len(seen) == codes
