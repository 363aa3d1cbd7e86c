"""Networks on arrays that turn into NumPy's in no way, and do not compute with them either."""

import foreign
import numpy as np
import pytest
from foreign import Foreign, shown

import autograd_lite as al
import nn

X = np.random.default_rng(0).normal(size=(4, 20))
Y = (X[:1] > 0).astype(float)


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    monkeypatch.setattr(foreign, "MIXING", False)


NETS = {
    "relu": lambda: [nn.Linear(4, 3, seed=0), nn.ReLU(), nn.Linear(3, 1, seed=1)],
    "tanh": lambda: [nn.Linear(4, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1)],
    "layer norm": lambda: [nn.Linear(4, 3, seed=0), nn.LayerNorm(3), nn.Linear(3, 1, seed=1)],
}


def trained(kind, name, optimiser, steps=4):
    model = nn.Sequential(*NETS[name]()).to(kind)
    own = optimiser(model.parameters(), 0.1)
    for _ in range(steps):
        nn.binary_cross_entropy_with_logits(model(kind(X)), kind(Y)).backward()
        own.step()
        own.zero_grad()
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize("optimiser", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSProp, nn.Adagrad])
@pytest.mark.parametrize("name", NETS)
def test_training_is_that_of_numpy(name, optimiser):
    found = trained(Foreign, name, optimiser)
    for actual, expected in zip(found, trained(np.array, name, optimiser), strict=True):
        np.testing.assert_allclose(shown(actual), expected, rtol=1e-12)


def test_to_takes_a_model_there_and_back():
    model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.BatchNorm(3))
    before = model.state_dict()
    model.to(Foreign)
    assert all(isinstance(p.data, Foreign) for p in model.parameters())
    assert isinstance(model.layers[1].running_mean, Foreign)
    model.to(shown)
    for path, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[path])
    with pytest.raises(ValueError, match=r"layers.0.weight: float64 \(3, 4\) became float32"):
        model.to(np.float32)


def test_gradients_of_the_loop_that_people_write():
    def gradients(kind):
        W = al.Tensor(kind(X[:2]), requires_grad=True)
        loss = np.mean(np.square(np.dot(W, kind(X[:, :20].T)) - 1))
        loss.backward()
        return W.grad

    np.testing.assert_allclose(shown(gradients(Foreign)), gradients(np.array), rtol=1e-12)
