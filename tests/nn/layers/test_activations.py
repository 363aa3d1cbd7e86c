"""Activations: their values, derivatives, and PyTorch's."""

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.layers.activations import elu, gelu, leaky_relu, silu

rng = np.random.default_rng(0)

VALUES = {
    # At -3, -1, -1/2, 0, 1/2 and 2: mpmath's values to twelve digits, and those of the derivative.
    "ReLU()": (nn.ReLU(), [0, 0, 0, 0, 0.5, 2], [0, 0, 0, 1, 1, 1]),
    "ReLU(at_zero=0.25)": (nn.ReLU(at_zero=0.25), [0, 0, 0, 0, 0.5, 2], [0, 0, 0, 0.25, 1, 1]),
    "LeakyReLU(0.01)": (
        nn.LeakyReLU(),
        [-0.03, -0.01, -0.005, 0, 0.5, 2],
        [0.01, 0.01, 0.01, 1, 1, 1],
    ),
    "LeakyReLU(0.3)": (nn.LeakyReLU(0.3), [-0.9, -0.3, -0.15, 0, 0.5, 2], [0.3, 0.3, 0.3, 1, 1, 1]),
    "ELU(1)": (
        nn.ELU(),
        [-0.950212931632, -0.632120558829, -0.393469340287, 0, 0.5, 2],
        [0.0497870683679, 0.367879441171, 0.606530659713, 1, 1, 1],
    ),
    "ELU(0.5)": (
        nn.ELU(0.5),
        [-0.475106465816, -0.316060279414, -0.196734670144, 0, 0.5, 2],
        [0.0248935341839, 0.183939720586, 0.303265329856, 1, 1, 1],
    ),
    "SiLU()": (
        nn.SiLU(),
        [-0.142277619533, -0.26894142137, -0.188770334399, 0, 0.311229665601, 1.76159415596],
        [-0.0881041060152, 0.0723294881285, 0.260038812697, 0.5, 0.739961187303, 1.09078424878],
    ),
    "GELU()": (
        nn.GELU(),
        [-0.00363739208177, -0.158808009392, -0.154285990175, 0, 0.345714009825, 1.95459769409],
        [-0.011584166631, -0.0829640838458, 0.132630096465, 0.5, 0.867369903535, 1.08609925662],
    ),
    "Sigmoid()": (
        nn.Sigmoid(),
        [0.0474258731776, 0.26894142137, 0.377540668798, 0.5, 0.622459331202, 0.880797077978],
        [0.0451766597309, 0.196611933241, 0.235003712202, 0.25, 0.235003712202, 0.104993585404],
    ),
    "Tanh()": (
        nn.Tanh(),
        [-0.995054753687, -0.761594155956, -0.46211715726, 0, 0.46211715726, 0.964027580076],
        [0.00986603716544, 0.419974341614, 0.786447732966, 1, 0.786447732966, 0.0706508248532],
    ),
    "Softplus()": (
        nn.Softplus(),
        [
            0.0485873515737,
            0.313261687518,
            0.47407698418,
            0.69314718056,
            0.97407698418,
            2.12692801104,
        ],
        [0.0474258731776, 0.26894142137, 0.377540668798, 0.5, 0.622459331202, 0.880797077978],
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_and_slopes(name):
    layer, values, slopes = VALUES[name]
    assert repr(layer) == name
    z = al.Tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    result = layer(z)
    np.testing.assert_allclose(result.data, values, rtol=1e-11, atol=1e-15)
    result.sum().backward()
    np.testing.assert_allclose(z.grad, slopes, rtol=1e-11, atol=1e-15)


def test_softmax_is_over_the_features():
    columns = [[0.0, np.log(2), 5], [0, np.log(4), 5], [0, np.log(2), 5]]
    expected = [[1 / 3, 1 / 4, 1 / 3], [1 / 3, 1 / 2, 1 / 3], [1 / 3, 1 / 4, 1 / 3]]
    np.testing.assert_allclose(nn.Softmax()(np.array(columns)), expected, rtol=1e-14)


@pytest.mark.parametrize("at_zero", [-0.1, 1.5, np.nan])
def test_the_slope_of_relu_at_0_is_from_0_to_1(at_zero):
    with pytest.raises(ValueError, match=f"ReLU: at_zero must be from 0 to 1, not {at_zero}"):
        nn.ReLU(at_zero=at_zero)


@pytest.mark.parametrize(
    "function",
    [leaky_relu, lambda z: leaky_relu(z, 0.3), elu, lambda z: elu(z, 0.5), silu, gelu],
    ids=["leaky", "leaky(0.3)", "elu", "elu(0.5)", "silu", "gelu"],
)
def test_activations_have_the_derivatives_of_differences(function):
    z = np.array([-3.0, -1.2, -0.1, 0.2, 1.0, 4.0])
    al.gradcheck(lambda z: np.sum(np.sin(function(z))), z, order=2)
    with np.errstate(all="raise"):
        assert np.isfinite(function(np.array([-700.0, 700.0]))).all()
    assert function(np.float32(z)).dtype == np.float32


def test_activations_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    z = rng.normal(size=50) * 3
    t = torch.tensor(z)
    for ours, theirs in [
        (nn.LeakyReLU(), F.leaky_relu(t)),
        (nn.ELU(), F.elu(t)),
        (nn.SiLU(), F.silu(t)),
        (nn.GELU(), F.gelu(t, approximate="tanh")),
        (nn.Softplus(), F.softplus(t)),
    ]:
        np.testing.assert_allclose(ours(z), theirs.numpy(), rtol=1e-12, atol=1e-14)
    exact = F.gelu(t).numpy()
    assert np.max(np.abs(gelu(z) - exact)) < 5e-4
    columns = z.reshape(5, 10)
    np.testing.assert_allclose(
        nn.Softmax()(columns), F.softmax(torch.tensor(columns), dim=0).numpy(), rtol=1e-12
    )
