"""Layers against straightforward loops, differences, and PyTorch where it is installed."""

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.layers.activations import elu, gelu, leaky_relu, silu
from nn.layers.convolution import patches, unpatches

rng = np.random.default_rng(0)


def pictures(channels=2, height=6, width=5, n=3):
    return rng.normal(size=(channels, height, width, n))


def convolved(W, b, X, stride, padding):
    """Every output by a loop of its own."""
    p, q = padding
    X = np.pad(X, ((0, 0), (p, p), (q, q), (0, 0)))
    n_out, _, kh, kw = W.shape
    rows, columns = (X.shape[1] - kh) // stride[0] + 1, (X.shape[2] - kw) // stride[1] + 1
    Z = np.empty((n_out, rows, columns, X.shape[3]))
    for i in range(rows):
        for j in range(columns):
            window = X[:, i * stride[0] : i * stride[0] + kh, j * stride[1] : j * stride[1] + kw]
            for o in range(n_out):
                Z[o, i, j] = np.einsum("chw,chwn->n", W[o], window) + b[o]
    return Z


@pytest.mark.parametrize("window", [1, 2, 3, (2, 3), (6, 5)])
@pytest.mark.parametrize("stride", [1, 2, (2, 1), 3])
@pytest.mark.parametrize("padding", [0, 1, (2, 0)])
def test_convolution_is_what_the_loops_say(window, stride, padding):
    layer = nn.Conv2d(2, 3, window, stride=stride, padding=padding, seed=0)
    layer.bias.data[:, 0] = [1, 2, 3]
    X = pictures()
    expected = convolved(layer.weight.data, layer.bias.data, X, layer.stride, layer.padding)
    np.testing.assert_allclose(layer(X).data, expected, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), ((1, 3), (0, 2))])
def test_convolution_has_the_derivatives_of_differences(stride, padding):
    layer = nn.Conv2d(2, 2, (2, 3), stride=stride, padding=padding, seed=0)

    def f(W, b, X):
        layer.weight, layer.bias = W, b
        return np.sum(np.sin(layer(X)))

    al.gradcheck(f, layer.weight.numpy(), layer.bias.numpy(), pictures(2, 4, 4, 2), order=2)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.MaxPool2d((3, 2), 1), nn.AvgPool2d(2, 1)])
def test_pooling_has_the_derivatives_of_differences(layer):
    al.gradcheck(lambda X: np.sum(np.sin(layer(X))), pictures(2, 5, 4, 2))


def test_pooling_takes_the_largest_or_the_mean():
    X = np.arange(16.0).reshape(1, 4, 4, 1)
    assert nn.MaxPool2d(2)(X)[0, :, :, 0].tolist() == [[5, 7], [13, 15]]
    assert nn.AvgPool2d(2)(X)[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert nn.MaxPool2d(3)(X).shape == (1, 1, 1, 1)


def test_patches_and_unpatches_are_each_others_transposes():
    X = pictures(2, 7, 6, 2)
    options = (2, 3), (2, 1), (1, 2)
    P = rng.normal(size=patches(X, *options).shape)
    left = np.sum(patches(X, *options) * P)
    assert np.isclose(left, np.sum(X * unpatches(P, X.shape, *options)))


@pytest.mark.parametrize(
    ("layer", "X", "message"),
    [
        (nn.Conv2d(3, 2, 3), np.ones((2, 5, 5, 1)), r"\(3, height, width, N\).*\(2, 5, 5, 1\)"),
        (nn.Conv2d(3, 2, 3), np.ones((75, 4)), "Unflatten makes pictures of columns"),
        (nn.Conv2d(1, 2, 6), np.ones((1, 5, 5, 1)), "the window is larger"),
        (nn.MaxPool2d(6), np.ones((1, 5, 5, 1)), "the window is larger"),
        (nn.BatchNorm(3), np.ones((2, 4)), r"takes X of shape \(3, ..., N\)"),
        (nn.BatchNorm(2), np.ones((2, 1)), "more than one sample to train on"),
        (nn.LayerNorm(3), np.ones((2, 4)), r"takes X of shape \(3, ..., N\)"),
        (nn.Unflatten(1, 2, 2), np.ones((5, 3)), "takes columns of 4 features"),
        (nn.Residual(nn.Linear(2, 3)), np.ones((2, 4)), "Residual adds .* shape"),
        (nn.Embedding(3, 2), np.array([0, 3]), "3 symbols got the number 3"),
        (nn.Embedding(3, 2), np.array([-1, 0]), "3 symbols got the number -1"),
    ],
)
def test_what_does_not_fit_is_said(layer, X, message):
    with pytest.raises(ValueError, match=message):
        layer(X)


def test_options_that_make_no_sense():
    for make, message in [
        (lambda: nn.Conv2d(1, 1, 0), "window must be"),
        (lambda: nn.Conv2d(1, 1, 2, stride=0), "stride must be"),
        (lambda: nn.Conv2d(1, 1, 2, padding=-1), "padding must be"),
        (lambda: nn.Conv2d(0, 1, 2), "both sizes must be at least 1"),
        (lambda: nn.Dropout(1.0), "share must be from 0 to below 1"),
        (lambda: nn.BatchNorm(2, momentum=2), "momentum must be from 0 to 1"),
        (lambda: nn.Embedding(0, 1), "both sizes must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="whole numbers"):
        nn.Embedding(3, 2)(np.ones(2))


@pytest.mark.parametrize("shape", [(3, 7), (3, 4, 2, 5)])
def test_batch_norm_normalises_in_training_and_remembers(shape):
    layer = nn.BatchNorm(3, momentum=0.25)
    X = rng.normal(2, 3, shape)
    axes = tuple(range(1, len(shape)))
    Z = layer(X).data
    np.testing.assert_allclose(Z.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(Z.var(axis=axes), 1, rtol=1e-4)
    np.testing.assert_allclose(layer.running_mean[:, 0], 0.25 * X.mean(axis=axes))
    expected = 0.75 + 0.25 * X.var(axis=axes, ddof=1)
    np.testing.assert_allclose(layer.running_variance[:, 0], expected)
    layer.eval()
    before = layer.running_mean.copy()
    used = layer(X).data
    np.testing.assert_array_equal(layer.running_mean, before)
    column = (-1,) + (1,) * (len(shape) - 1)
    scale = np.sqrt(expected + 1e-5).reshape(column)
    np.testing.assert_allclose(used, (X - before.reshape(column)) / scale)


@pytest.mark.parametrize("layer", [nn.BatchNorm(3), nn.LayerNorm(3), nn.BatchNorm(3).eval()])
def test_norms_have_the_derivatives_of_differences(layer):
    def f(scale, shift, X):
        layer.scale, layer.shift = scale, shift
        return np.sum(np.sin(layer(X)))

    al.gradcheck(f, rng.normal(size=(3, 1)), rng.normal(size=(3, 1)), rng.normal(size=(3, 4)))


def test_layer_norm_normalises_each_sample():
    Z = nn.LayerNorm(5)(rng.normal(2, 3, (5, 7))).data
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.var(axis=0), 1, rtol=1e-4)


def test_dropout_drops_a_share_in_training_only():
    layer = nn.Dropout(0.25, seed=0)
    X = al.Tensor(np.ones((100, 100)), True)
    Z = layer(X)
    assert set(np.unique(Z.data)) == {0, 1 / 0.75}
    assert 0.2 < np.mean(Z.data == 0) < 0.3
    Z.sum().backward()
    np.testing.assert_array_equal(X.grad, Z.data)
    assert layer.eval()(X) is X
    again = nn.Dropout(0.25, seed=0)(np.ones((100, 100)))
    np.testing.assert_array_equal(again, Z.data)


def test_an_embedding_is_a_linear_layer_of_one_hot_columns():
    layer = nn.Embedding(5, 3, seed=0)
    numbers = np.array([[0, 4, 1], [1, 1, 2]])
    assert layer(numbers).shape == (3, 2, 3)
    one_hot = np.eye(5)[:, numbers[1]]
    np.testing.assert_array_equal(layer(numbers[1]).data, layer.weight.data @ one_hot)
    layer(numbers).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad[0], [1, 3, 1, 0, 1])


def test_flatten_and_unflatten_undo_each_other():
    X = pictures()
    columns = nn.Flatten()(X)
    assert columns.shape == (60, 3)
    np.testing.assert_array_equal(nn.Unflatten(2, 6, 5)(columns), X)
    files = rng.random((3, 6, 5, 2))
    made = nn.Unflatten(2, 6, 5, channels_last=True)(nn.flatten(files))
    np.testing.assert_array_equal(made, np.transpose(files, (3, 1, 2, 0)))


def test_residual_adds_its_input():
    layer = nn.Residual(nn.Linear(3, 3, seed=0), nn.ReLU())
    X = rng.normal(size=(3, 4))
    expected = X + np.maximum(layer.path.layers[0](X).data, 0)
    np.testing.assert_array_equal(layer(X).data, expected)


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


def small_net():
    return nn.Sequential(
        nn.Unflatten(1, 4, 4),
        nn.Conv2d(1, 2, 3, padding=1, seed=0),
        nn.BatchNorm(2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5, seed=1),
        nn.Residual(nn.Linear(8, 8, seed=2), nn.Tanh()),
        nn.Linear(8, 3, seed=3),
    )


class TestModules:
    def test_they_are_found_with_their_paths(self):
        net = small_net()
        paths = [path for path, _ in net.named_modules()]
        assert paths[:3] == ["", "layers.0", "layers.1"]
        assert "layers.7.path.layers.0" in paths
        assert dict(net.named_buffers()).keys() == {
            "layers.2.running_mean",
            "layers.2.running_variance",
        }
        assert [path for path, _ in net.named_generators()] == ["layers.6.generator"]

    def test_training_and_evaluation_reach_all(self):
        net = small_net()
        assert all(m.training for _, m in net.named_modules())
        assert not any(m.training for _, m in net.eval().named_modules())
        assert all(m.training for _, m in net.train().named_modules())

    def test_a_summary_is_a_table(self):
        net = small_net()
        summary = net.summary((16, 5))
        lines = str(summary).splitlines()
        assert lines[0].split() == ["layer", "kind", "output", "parameters", "memory"]
        conv = next(line for line in lines if "Conv2d" in line)
        assert "(2, 4, 4, 5)" in conv and " 20 " in conv
        assert lines[-1].startswith("123 parameters, ")
        assert summary.parameters == sum(p.size for p in net.parameters()) == 123
        assert all(m.training for _, m in net.named_modules())
        np.testing.assert_array_equal(net.layers[2].running_mean, 0)
        assert "forward" not in vars(net.layers[1])
        assert "<td>" in summary._repr_html_()

    def test_state_goes_to_another_net(self):
        net, other = small_net(), small_net()
        net(rng.normal(size=(16, 5)))
        other.load_state_dict(net.state_dict())
        np.testing.assert_array_equal(other.layers[2].running_mean, net.layers[2].running_mean)
        X = rng.normal(size=(16, 5))
        np.testing.assert_array_equal(net.eval()(X).data, other.eval()(X).data)

    @pytest.mark.parametrize("path", ["layers.2.running_mean", "layers.7.path.layers.0.bias"])
    def test_a_state_that_does_not_match_names_the_path(self, path):
        net = small_net()
        before = net.state_dict()
        for wrong in (np.zeros((9, 9)), before[path].astype(np.float32)):
            with pytest.raises(ValueError, match=f"{path}: the state has"):
                net.load_state_dict({**before, path: wrong})
        with pytest.raises(ValueError, match=path):
            net.load_state_dict({k: v for k, v in before.items() if k != path})

    def test_reprs_are_what_one_writes(self):
        assert repr(nn.Conv2d(1, 2, 3, stride=2, padding=(1, 0))) == (
            "Conv2d(1, 2, 3, stride=2, padding=(1, 0))"
        )
        assert repr(nn.Residual(nn.LeakyReLU(0.2), nn.MaxPool2d(3, 2))) == (
            "Residual(LeakyReLU(0.2), MaxPool2d(3, 2))"
        )
        assert repr(nn.Unflatten(3, 8, 8, channels_last=True)) == (
            "Unflatten(3, 8, 8, channels_last=True)"
        )

    def test_the_repr_of_a_module_of_ones_own_shows_what_it_is_made_of(self):
        class Net(nn.Module):
            def __init__(self):
                self.width = 3
                self.first = nn.Linear(2, 3)
                self.rest = [nn.ReLU(), nn.Linear(3, 1)]

        assert repr(Net()) == "Net(first=Linear(2, 3), rest=[ReLU(), Linear(3, 1)])"
        assert repr(nn.Module()) == "Module()"

    def test_float32_goes_through_every_layer(self):
        net = nn.Sequential(
            nn.Unflatten(1, 4, 4),
            nn.Conv2d(1, 2, 3, padding=1, dtype=np.float32),
            nn.BatchNorm(2, dtype=np.float32),
            nn.GELU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.LayerNorm(8, dtype=np.float32),
            nn.Dropout(0.5, seed=0),
            nn.Linear(8, 2, dtype=np.float32),
        )
        Z = net(rng.normal(size=(16, 5)).astype(np.float32))
        assert Z.dtype == np.float32
        nn.cross_entropy(Z, np.array([0, 1, 0, 1, 0])).backward()
        assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}


class TestInitialisers:
    @pytest.mark.parametrize(
        ("name", "variance"),
        [
            ("he", 2 / 300),
            ("he_uniform", 2 / 300),
            ("xavier", 2 / 500),
            ("xavier_uniform", 2 / 500),
            ("lecun", 1 / 300),
            ("lecun_uniform", 1 / 300),
            ("normal", 1),
        ],
    )
    def test_variances(self, name, variance):
        W = nn.Linear(300, 200, initialisation=name, seed=0).weight.data
        assert np.var(W) == pytest.approx(variance, rel=0.02)
        assert abs(W.mean()) < 0.02 * np.sqrt(variance)

    def test_windows_count_their_places(self):
        W = nn.Conv2d(30, 20, (5, 4), seed=0).weight.data
        assert np.var(W) == pytest.approx(2 / (30 * 20), rel=0.05)

    @pytest.mark.parametrize("sizes", [(30, 20), (20, 30), (25, 25)])
    def test_orthogonal(self, sizes):
        W = nn.Linear(*sizes, initialisation="orthogonal", seed=0).weight.data
        product = W @ W.T if len(W) <= W.shape[1] else W.T @ W
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)

    def test_small_is_that_of_the_article(self):
        W = nn.Linear(50, 40, initialisation="small", seed=0).weight.data
        assert 0 <= W.min() and 0.0099 < W.max() < 0.01

    def test_seeds_and_generators(self):
        first, second, other = (nn.Linear(3, 2, seed=s).weight.data for s in (1, 1, 2))
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, other)
        generator = np.random.default_rng(1)
        np.testing.assert_array_equal(nn.Linear(3, 2, seed=generator).weight.data, first)
        assert not np.array_equal(nn.Linear(3, 2, seed=generator).weight.data, first)

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(ValueError, match="initialisation must be one of .*'kaiming'"):
            nn.Conv2d(1, 1, 1, initialisation="kaiming")
