"""Layers of sequences, against PyTorch where it is installed, and the passes derived by hand."""

import numpy as np
import pytest
from numerics import sines

import autograd_lite as al
import nn
from nn import by_hand

RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def scattered(layer, seed=1):
    """The layer with numbers in all parameters, biases too."""
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        parameter.data[...] = rng.normal(size=parameter.shape) * 0.5
    return layer


def recorded_gradients(layer, X, upstream):
    """The result, and the gradients of sum(upstream * result) by the layer's autodiff."""
    x = al.Tensor(X, requires_grad=True)
    result = layer(x)
    np.sum(result * upstream).backward()
    return result.data, {"dX": x.grad, **{p: t.grad for p, t in layer.named_parameters()}}


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_by_hand(name, steps):
    layer = scattered(RECURRENT[name](3, 4))
    X, dH = random(3, steps, 5), random(4, steps, 5, seed=2)
    parameters = layer.weight.data, layer.recurrent.data, layer.bias.data
    H, cache = getattr(by_hand, f"forward_{name}")(*parameters, X)
    derived = getattr(by_hand, f"backward_{name}")(dH, cache)
    result, recorded = recorded_gradients(layer, X, dH)
    np.testing.assert_allclose(H, result, rtol=1e-12)
    for ours, path in (("dW", "weight"), ("dU", "recurrent"), ("db", "bias"), ("dX", "dX")):
        np.testing.assert_allclose(derived[ours], recorded[path], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2, 6])
def test_attention_by_hand(heads):
    layer = scattered(nn.MultiheadAttention(6, heads))
    X, dY = random(6, 4, 3), random(6, 4, 3, seed=2)
    parts = [("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")]
    weights = [getattr(layer, name).data for part, _ in parts for name in (part, f"{part}_bias")]
    Y, cache = by_hand.forward_attention(*weights, X, heads)
    derived = by_hand.backward_attention(dY, cache)
    result, recorded = recorded_gradients(layer, X, dY)
    np.testing.assert_allclose(Y, result, rtol=1e-10)
    np.testing.assert_allclose(derived["dX"], recorded["dX"], rtol=1e-9, atol=1e-12)
    for part, letter in parts:
        for ours, path in ((f"dW{letter}", part), (f"db{letter}", f"{part}_bias")):
            np.testing.assert_allclose(derived[ours], recorded[path], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("window", [1, 3, 4])
def test_conv1d_by_hand(window, padding, stride):
    layer = scattered(nn.Conv1d(2, 3, window, stride=stride, padding=padding))
    X = random(2, 9, 4)
    Z, cache = by_hand.forward_conv1d(layer.weight.data, layer.bias.data, X, stride, padding)
    dZ = random(*Z.shape, seed=2)
    derived = by_hand.backward_conv1d(dZ, cache)
    result, recorded = recorded_gradients(layer, X, dZ)
    np.testing.assert_allclose(Z, result, rtol=1e-12, atol=1e-14)
    for ours, path in (("dW", "weight"), ("db", "bias"), ("dX", "dX")):
        np.testing.assert_allclose(derived[ours], recorded[path], rtol=1e-10, atol=1e-13)


class TestAgainstPyTorch:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    @staticmethod
    def sequences(torch, X):
        return torch.tensor(X.transpose(1, 2, 0))

    @pytest.mark.parametrize("name", ["rnn", "lstm"])
    def test_recurrent(self, torch, name):
        layer = scattered(RECURRENT[name](3, 4))
        theirs = getattr(torch.nn, name.upper())(3, 4).double()
        # Its rows are in the order i, f, g, o.
        order = np.r_[0:8, 12:16, 8:12] if name == "lstm" else slice(None)
        with torch.no_grad():
            theirs.weight_ih_l0[...] = torch.tensor(layer.weight.data[order])
            theirs.weight_hh_l0[...] = torch.tensor(layer.recurrent.data[order])
            theirs.bias_ih_l0[...] = torch.tensor(layer.bias.data[order, 0])
            theirs.bias_hh_l0[...] = 0
        X = random(3, 6, 5)
        expected = theirs(self.sequences(torch, X))[0].detach().numpy().transpose(2, 0, 1)
        np.testing.assert_allclose(layer(X).data, expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("causal", [False, True])
    def test_attention(self, torch, causal):
        layer = scattered(nn.MultiheadAttention(6, 3, causal=causal))
        theirs = torch.nn.MultiheadAttention(6, 3).double()
        inner = ("query", "key", "value")
        with torch.no_grad():
            weights = np.concatenate([getattr(layer, n).data for n in inner])
            biases = np.concatenate([getattr(layer, f"{n}_bias").data[:, 0] for n in inner])
            theirs.in_proj_weight[...] = torch.tensor(weights)
            theirs.in_proj_bias[...] = torch.tensor(biases)
            theirs.out_proj.weight[...] = torch.tensor(layer.out.data)
            theirs.out_proj.bias[...] = torch.tensor(layer.out_bias.data[:, 0])
        X, M = random(6, 5, 2), random(6, 5 if causal else 4, 2, seed=3)
        mask = torch.triu(torch.ones(5, 5), 1).bool() if causal else None
        x, m = self.sequences(torch, X), self.sequences(torch, M)
        expected = theirs(x, m, m, attn_mask=mask)[0].detach().numpy().transpose(2, 0, 1)
        np.testing.assert_allclose(layer(X, M).data, expected, rtol=1e-10, atol=1e-12)

    def test_conv1d(self, torch):
        layer = scattered(nn.Conv1d(3, 4, 3, stride=2, padding=1))
        theirs = torch.nn.Conv1d(3, 4, 3, stride=2, padding=1).double()
        with torch.no_grad():
            theirs.weight[...] = torch.tensor(layer.weight.data)
            theirs.bias[...] = torch.tensor(layer.bias.data[:, 0])
        X = random(3, 8, 5)
        expected = theirs(torch.tensor(X.transpose(2, 0, 1))).detach().numpy().transpose(1, 2, 0)
        np.testing.assert_allclose(layer(X).data, expected, rtol=1e-10, atol=1e-12)


LAYERS = {
    **{
        name: lambda dtype, kind=kind: kind(3, 4, seed=0, dtype=dtype)
        for name, kind in RECURRENT.items()
    },
    "attention": lambda dtype: nn.MultiheadAttention(3, 3, seed=0, dtype=dtype),
    "causal attention": lambda dtype: nn.MultiheadAttention(3, 1, causal=True, seed=0, dtype=dtype),
    "convolution": lambda dtype: nn.Conv1d(3, 4, 2, seed=0, dtype=dtype),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_dtype_stays(name):
    layer = LAYERS[name](np.float32)
    result, recorded = recorded_gradients(layer, np.float32(random(3, 4, 2)), np.float32(1))
    assert result.dtype == np.float32
    assert {g.dtype for g in recorded.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_seed_gives_the_same_weights_and_state_is_loaded(name):
    one, other = LAYERS[name](np.float64), LAYERS[name](np.float64)
    X = random(3, 4, 2)
    assert np.array_equal(one(X).data, other(X).data)
    scattered(one)
    other.load_state_dict(one.state_dict())
    assert np.array_equal(one(X).data, other(X).data)


@pytest.mark.parametrize("name", LAYERS)
def test_compiled(name):
    layer = LAYERS[name](np.float64)
    for parameter in layer.parameters():
        parameter.requires_grad = False
    X = random(3, 4, 2)
    loss = lambda X: np.sum(layer(X) ** 2)  # noqa: E731
    np.testing.assert_allclose(al.compile(al.grad(loss))(X), al.grad(loss)(X), rtol=1e-10)


def test_a_causal_step_does_not_see_later_ones():
    layer = nn.MultiheadAttention(4, 2, causal=True, seed=0)
    X = random(4, 6, 2)
    changed = X.copy()
    changed[:, 3:] += 1
    assert np.array_equal(layer(X).data[:, :3], layer(changed).data[:, :3])
    assert not np.allclose(layer(X).data[:, 3:], layer(changed).data[:, 3:])


@pytest.mark.parametrize("name", RECURRENT)
def test_the_last_state_alone(name):
    X = random(3, 5, 2)
    every = RECURRENT[name](3, 4, seed=0)(X).data
    last = RECURRENT[name](3, 4, seed=0, last=True)(X).data
    assert np.array_equal(every[:, -1], last)


@pytest.mark.parametrize("name", RECURRENT)
def test_which_of_two_kinds_of_sequence(name):
    """Whether the sum of a sequence is above 0 is learnt by a net that ends in one unit."""
    X = random(1, 6, 200)
    Y = (X.sum(axis=(0, 1)) > 0)[np.newaxis].astype(float)
    model = nn.Sequential(RECURRENT[name](1, 8, seed=0, last=True), nn.Linear(8, 1, seed=1))
    optimiser = nn.Adam(model.parameters(), learning_rate=0.03)
    for _ in range(60):
        nn.binary_cross_entropy_with_logits(model(X), Y).backward()
        optimiser.step()
        optimiser.zero_grad()
    assert np.mean((model(X).data > 0) == Y) > 0.95


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.RNN(0, 3), "both sizes must be at least 1"),
        (lambda: nn.MultiheadAttention(6, 4), "multiple of the number of heads"),
        (lambda: nn.Conv1d(2, 3, 0), "window must be a number from 1"),
        (lambda: nn.Conv1d(2, 3, 2, padding=-1), "padding must be a number from 0"),
        (lambda: nn.LSTM(3, 4)(np.ones((3, 5))), "one sequence is"),
        (lambda: nn.GRU(3, 4)(np.ones((2, 5, 1))), r"\(3, steps, N\)"),
        (lambda: nn.RNN(3, 4)(np.ones((3, 0, 1))), r"\(3, steps, N\)"),
        (lambda: nn.Conv1d(2, 3, 4)(np.ones((2, 3, 1))), "longer than the sequences"),
        (
            lambda: nn.Conv1d(2, 3, 1)(np.ones((3, 3, 1))),
            r"takes sequences of shape \(2, steps, N\)",
        ),
        (lambda: nn.MultiheadAttention(2, 1)(np.ones((3, 3, 1))), r"shape \(2, steps, N\)"),
        (
            lambda: nn.MultiheadAttention(2, 1)(np.ones((2, 3, 1)), np.ones((3, 3, 1))),
            r"shape \(2, steps, N\).*\(3, 3, 1\)",
        ),
        (
            lambda: nn.MultiheadAttention(2, 1)(np.ones((2, 3, 4)), np.ones((2, 3, 1))),
            "memory has 1 samples",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


VALUES = {
    # PyTorch's, to ten digits; those of GRU, which PyTorch defines otherwise, by mpmath.
    "rnn": [
        [
            [0.9079694959, 0.954057476],
            [0.7689174124, -0.5978435733],
            [-0.8199959879, -0.4445203805],
        ],
        [[-0.1499960045, -0.3740333913], [0.0561129169, 0.629805626], [0.7073287464, 0.30359048]],
    ],
    "lstm": [
        [[0.2576384585, 0.2634553362], [0.249135535, 0.158261291], [0.1687252415, 0.0281220812]],
        [[0.0539670898, 0.0362065709], [0.1016545913, 0.0313980516], [0.023789008, 0.1079992393]],
    ],
    "gru": [
        [[-0.1771146504, -0.2880649745], [-0.2825030687, -0.2743662076]]
        + [[-0.2359471371, -0.238277282]],
        [[-0.2268937554, -0.1812819467], [-0.2760813822, 0.5911938345]]
        + [[0.7689298082, 0.4839261773]],
    ],
}


@pytest.mark.parametrize("name", RECURRENT)
def test_values_of_recurrent_layers(name):
    layer = RECURRENT[name](2, 2)
    layer.weight.data = sines(*layer.weight.shape)
    layer.recurrent.data = sines(*layer.recurrent.shape) * 0.5
    layer.bias.data = sines(*layer.bias.shape) * 0.25
    np.testing.assert_allclose(layer(sines(2, 3, 2)).data, VALUES[name], atol=1e-10)


def test_biases_start_as_zeros_and_those_of_what_is_kept_as_ones():
    assert not nn.RNN(2, 3).bias.data.any() and not nn.GRU(2, 3).bias.data.any()
    assert nn.LSTM(2, 3).bias.data[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    attention = nn.MultiheadAttention(2, 1)
    for name in ("query", "key", "value", "out"):
        assert not getattr(attention, f"{name}_bias").data.any()
    assert not nn.Conv1d(2, 3, 2).bias.data.any() and not nn.Conv2d(2, 3, 2).bias.data.any()


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_weights_start_orthogonal_gate_by_gate(name):
    layer = RECURRENT[name](2, 3, seed=0)
    for first in range(0, len(layer.recurrent), 3):
        U = layer.recurrent.data[first : first + 3]
        np.testing.assert_allclose(U @ U.T, np.eye(3), atol=1e-12)
    limit = np.sqrt(6 / (2 + 3))
    assert np.max(np.abs(layer.weight.data)) <= limit


def test_values_of_conv1d():
    """PyTorch's, to ten digits."""
    layer = nn.Conv1d(2, 2, 2, stride=2, padding=1)
    layer.weight.data, layer.bias.data = sines(2, 2, 2), sines(2, 1)
    expected = [
        [[1.1094092887, 0.9195440054], [0.9032252491, 0.27987931]],
        [[1.3241725017, 1.6340553735], [0.3233200939, 0.8248093107]],
    ]
    np.testing.assert_allclose(layer(sines(2, 3, 2)).data, expected, atol=1e-10)
    without = nn.Conv1d(2, 2, 2, stride=2, padding=1, bias=False)
    without.weight.data = layer.weight.data
    shift = sines(2, 1)[:, :, np.newaxis]
    np.testing.assert_allclose(without(sines(2, 3, 2)).data, expected - shift, atol=1e-10)


@pytest.mark.parametrize(
    ("causal", "remembers", "expected"),
    [
        (
            False,
            False,
            [
                [0.8099927118, 0.8145884034, 0.8036724691],
                [0.0646162703, 0.0701994025, 0.059470286],
                [-0.0259431704, -0.0378376195, -0.0128956481],
                [0.1040906324, 0.1140569617, 0.0921797573],
            ],
        ),
        (
            False,
            True,
            [
                [0.6857671096, 0.6972884864, 0.6644180547],
                [0.1452206787, 0.1537003269, 0.1283228118],
                [-0.0070906829, -0.0296973957, 0.0363487377],
                [-0.0011593923, 0.0199144266, -0.0410493259],
            ],
        ),
        (
            True,
            False,
            [
                [0.797568735, 0.8294421619, 0.8036724691],
                [0.0373894914, 0.0437532905, 0.059470286],
                [0.022074027, -0.0181187133, -0.0128956481],
                [0.0685451417, 0.1147247992, 0.0921797573],
            ],
        ),
    ],
)
def test_values_of_attention(causal, remembers, expected):
    """PyTorch's, to ten digits."""
    layer = nn.MultiheadAttention(4, 2, causal=causal)
    factors = {"query": (1, 0.1), "key": (2, 0.2), "value": (-1, 0.3), "out": (0.5, 0.4)}
    for name, (of_weight, of_bias) in factors.items():
        getattr(layer, name).data = of_weight * sines(4, 4)
        getattr(layer, f"{name}_bias").data = of_bias * sines(4, 1)
    memory = np.cos(3 * sines(4, 2, 1)) if remembers else None
    np.testing.assert_allclose(layer(sines(4, 3, 1), memory).data[..., 0], expected, atol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "RNN(2, 3)",
        "LSTM(2, 3, last=True)",
        "GRU(1, 1)",
        "MultiheadAttention(4, 2)",
        "MultiheadAttention(1, 1, causal=True)",
        "Conv1d(1, 1, 1)",
        "Conv1d(2, 3, 4, stride=2, padding=1, bias=False)",
    ],
)
def test_reprs_make_the_layer(text):
    assert repr(eval(f"nn.{text}")) == text
