"""The code of the page on outgrowing a machine does what the page says."""

import functools
import re
import sys
import types
from pathlib import Path

import dask
import foreign
import numpy as np
import pytest
from foreign import Foreign, shown

import autograd_lite as al
import nn

PAGE = (Path(__file__).parents[2] / "examples" / "guide" / "outgrowing.md").read_text()
RNG = np.random.default_rng(0)
x, y = RNG.random((60, 64)), RNG.integers(0, 2, 60)


def listing(heading, number=0):
    """A listing below a heading."""
    below = PAGE.partition(f"## {heading}\n")[2]
    return re.findall(r"```python\n(.*?)```", below, re.DOTALL)[number]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(2):
        nn.write_dataset(f"part-{i}.h5", x[30 * i : 30 * i + 30], y[30 * i : 30 * i + 30])
    return ["part-0.h5", "part-1.h5"]


def test_out_of_core(files):
    names = {"np": np, "nn": nn}
    exec(listing("Out of core"), names)
    single = x.astype(np.float32)
    expected = nn.LogisticRegression(0.5, max_iter=20).fit(single, y)
    np.testing.assert_allclose(names["model"].coef_, expected.coef_, rtol=1e-5, atol=1e-6)


def test_batches_of_a_file(files, capsys):
    names = {"np": np, "nn": nn}
    exec(listing("Out of core", 1), names)
    assert names["model"].weight.data.any()


def test_a_plain_loop(files, capsys):
    def cost_of(parameters, X, Y):
        Z = np.dot(parameters[0], X)
        return np.mean(Y * np.log1p(np.exp(-Z)) + (1 - Y) * np.log1p(np.exp(Z)))

    W = al.Tensor(np.ones((1, 64)), requires_grad=True)
    X, labels = nn.dask_arrays(files)
    names = {"al": al, "nn": nn, "np": np, "X": X, "y": labels, "cost_of": cost_of}
    exec(listing("A cluster", 1), names | {"parameters": [W]})
    found = W.grad.copy()
    W.zero_grad()
    expected = cost_of([W], x.T, y[np.newaxis])
    expected.backward()
    np.testing.assert_allclose(found, W.grad, rtol=1e-10)
    assert float(capsys.readouterr().out) == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster(files, monkeypatch):
    distributed = pytest.importorskip("distributed")
    made = []

    def in_this_process(address):
        assert address.startswith("tcp://")
        made.append(distributed.Client(processes=False, n_workers=1, dashboard_address=None))
        return made[0]

    with monkeypatch.context() as patch:
        patch.setattr("dask.distributed.Client", in_this_process)
        # Fewer steps than the default's, and the same ones for both.
        small = functools.partial(nn.DeepClassifier, max_iter=5, random_state=0)
        own = types.SimpleNamespace(dask_arrays=nn.dask_arrays, DeepClassifier=small)
        names = {"nn": own, "files": files}
        exec(listing("A cluster"), names)
    with made[0]:
        expected = small((20, 7, 5)).fit(x, y)
        np.testing.assert_allclose(names["model"].loss_curve_, expected.loss_curve_, rtol=1e-9)
    assert dask.base.get_scheduler() is None


def test_a_slow_network(files):
    names = {"nn": nn, "np": np, "files": files}
    histories = []
    own = types.SimpleNamespace(**{name: getattr(nn, name) for name in nn.__all__})
    own.fit = lambda *given, **options: histories.append(nn.fit(*given, verbose=False, **options))
    exec(listing("A slow network"), names | {"nn": own})
    (history,) = histories
    assert history.notes[0] == "800 replicas are averaged after every 16 updates"
    assert history["loss"][-1] < history["loss"][0]


def test_a_gpu(monkeypatch):
    monkeypatch.setattr(foreign, "MIXING", False)
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(asarray=Foreign))
    names = {"nn": nn, "X": x.T, "Y": y[np.newaxis].astype(float)}
    exec(listing("A GPU"), names)
    model = names["model"]
    assert all(shown(p.grad).any() for p in list(model.parameters())[-2:])
    first = next(iter(model.parameters()))
    before = shown(first.data).copy()
    names["optimiser"].step()
    assert not np.array_equal(shown(first.data), before)
