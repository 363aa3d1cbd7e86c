"""Modules, layers, losses and the optimiser."""

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al
import nn
from nn import by_hand
from nn.layers import affine


def net(*sizes, activation=nn.ReLU):
    layers = []
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        layers += [activation()] if i else []
        layers.append(nn.Linear(n_in, n_out, seed=i))
    return nn.Sequential(*layers)


class TestLinear:
    def test_shapes_and_start(self):
        layer = nn.Linear(3, 2, seed=0)
        assert layer.weight.shape == (2, 3)
        assert layer.bias.shape == (2, 1)
        assert layer.weight.requires_grad and layer.bias.requires_grad
        assert not layer.bias.data.any()
        np.testing.assert_array_equal(layer.weight.data, nn.Linear(3, 2, seed=0).weight.data)
        assert isinstance(layer.weight, nn.Parameter)

    def test_it_computes_w_x_plus_b(self):
        layer, X = nn.Linear(3, 2), np.arange(12.0).reshape(3, 4)
        layer.bias.data[:] = [[1], [2]]
        np.testing.assert_allclose(layer(X).data, layer.weight.data @ X + [[1], [2]])

    def test_its_derivatives_of_both_orders(self):
        rng = np.random.default_rng(0)
        operands = [rng.normal(size=shape) for shape in ((2, 3), (3, 4), (2, 1))]
        assert al.gradcheck(affine, *operands)
        mixed = affine(operands[0].astype(np.float32), operands[1].astype(np.float32), operands[2])
        assert mixed.dtype == np.float64

    @pytest.mark.parametrize(
        ("shape", "hint"),
        [((4, 3), "pass X.T"), ((4, 5), r"\(3, N\)"), ((3,), r"\(3,\)"), ((4, 3, 1), "nn.flatten")],
    )
    def test_wrong_shapes(self, shape, hint):
        with pytest.raises(ValueError, match=r"Linear\(3, 2\) takes samples as columns.*" + hint):
            nn.Linear(3, 2)(np.ones(shape))

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="at least 1"):
            nn.Linear(0, 3)
        with pytest.raises(ValueError, match="initialisation must be one of.*'He'"):
            nn.Linear(2, 3, initialisation="He")

    @pytest.mark.parametrize(
        ("name", "deviation"), [("he", (2 / 300) ** 0.5), ("xavier", (2 / 500) ** 0.5)]
    )
    def test_initialisers(self, name, deviation):
        weights = nn.Linear(300, 200, initialisation=name, seed=1).weight.data
        assert np.isclose(weights.std(), deviation, rtol=0.02)
        small = nn.Linear(300, 200, initialisation="small", seed=1).weight.data
        assert 0 <= small.min() < small.max() < 0.01
        assert not nn.Linear(3, 2, initialisation="zeros").weight.data.any()


class TestModules:
    def test_parameters_by_path_and_name(self):
        model = net(4, 3, 1)
        assert [path for path, _ in model.named_parameters()] == [
            "layers.0.weight",
            "layers.0.bias",
            "layers.2.weight",
            "layers.2.bias",
        ]
        assert [p.name for p in model.parameters()] == ["W1", "b1", "W2", "b2"]
        assert repr(model) == "Sequential(Linear(4, 3), ReLU(), Linear(3, 1))"

    def test_state_goes_out_and_in(self):
        model, other = net(4, 3, 1), net(4, 3, 1)
        for parameter in model.parameters():
            parameter.data += 1
        other.load_state_dict(model.state_dict())
        for one, two in zip(model.parameters(), other.parameters(), strict=True):
            np.testing.assert_array_equal(one.data, two.data)
            assert not np.shares_memory(one.data, two.data)

    def test_a_state_that_does_not_match_changes_nothing(self):
        model = net(4, 3, 1)
        before, wrong = model.state_dict(), model.state_dict()
        wrong["layers.0.weight"] += 1
        wrong["layers.2.weight"] = np.ones((1, 4))
        with pytest.raises(ValueError, match=r"layers.2.weight: .* \(1, 4\), the model \(1, 3\)"):
            model.load_state_dict(wrong)
        del wrong["layers.0.bias"]
        with pytest.raises(ValueError, match="lacks .'layers.0.bias'"):
            model.load_state_dict(wrong)
        np.testing.assert_array_equal(model.layers[0].weight.data, before["layers.0.weight"])

    @pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Tanh, nn.Softplus])
    def test_gradients_of_a_net(self, activation):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(4, 5)), (rng.random((1, 5)) < 0.5).astype(float)
        model = net(4, 3, 2, 1, activation=activation)

        def loss():
            return nn.binary_cross_entropy_with_logits(model(X), Y)

        loss().backward()
        for parameter in model.parameters():

            def at(values, parameter=parameter):
                own = parameter.numpy()
                parameter.data = values
                result = loss().item()
                parameter.data = own
                return result

            assert_close(parameter.grad, numeric_gradient(at, parameter.numpy()), 1e-8)

    def test_a_module_without_forward(self):
        with pytest.raises(NotImplementedError, match="Module defines no forward"):
            nn.Module()(np.ones((2, 2)))

    @pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
    def test_gradients_equal_the_hand_derived_ones(self, depth):
        rng = np.random.default_rng(depth)
        sizes = [8, 5, 7, 3, 6, 4][:depth] + [1]
        X, Y = rng.normal(size=(8, 11)), (rng.random((1, 11)) < 0.5).astype(float)
        model = net(*sizes)
        nn.binary_cross_entropy_with_logits(model(X), Y).backward()
        arrays = {p.name: p.numpy() for p in model.parameters()}
        _, derived = by_hand.propagate(X, arrays, Y)
        for parameter in model.parameters():
            expected = derived[f"d{parameter.name}"]
            error = np.max(np.abs(parameter.grad - expected))
            assert error <= 1e-12 * np.max(np.abs(expected))


class TestLosses:
    def test_they_agree(self):
        Z, Y = np.array([[-2.0, 0.0, 3.0]]), np.array([[0.0, 1.0, 0.3]])
        A = 1 / (1 + np.exp(-Z))
        expected = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
        assert np.isclose(nn.binary_cross_entropy(A, Y), expected)
        assert np.isclose(nn.binary_cross_entropy_with_logits(Z, Y), expected)

    def test_logits_far_out(self):
        Z = al.Tensor([[800.0, -800.0, 800.0, -40.0]], requires_grad=True)
        loss = nn.binary_cross_entropy_with_logits(Z, np.array([[1.0, 0.0, 0.0, 0.0]]))
        loss.backward()
        assert loss.item() == 200 + np.log1p(np.exp(-40)) / 4
        np.testing.assert_allclose(Z.grad, [[0, 0, 0.25, np.exp(-40) / 4]], rtol=1e-12)

    def test_small_losses_keep_their_digits(self):
        loss = nn.binary_cross_entropy_with_logits(np.array([[40.0]]), np.array([[1.0]]))
        assert np.isclose(loss, np.exp(-40), rtol=1e-12)

    def test_probabilities_of_exactly_0_and_1(self):
        A = al.Tensor([[0.0, 1.0]], requires_grad=True)
        loss = nn.binary_cross_entropy(A, np.array([[0.0, 1.0]]))
        loss.backward()
        assert loss.item() == 0
        assert A.grad.tolist() == [[0.5, -0.5]]
        with np.errstate(divide="ignore"):
            assert nn.binary_cross_entropy(np.array([[0.0]]), np.array([[1.0]])) == np.inf

    def test_gradients(self):
        Y = np.array([[0.0, 1.0, 0.3]])
        for loss, at in (
            (nn.binary_cross_entropy, np.array([[0.2, 0.7, 0.4]])),
            (nn.binary_cross_entropy_with_logits, np.array([[-1.0, 0.5, 2.0]])),
        ):
            for i in (0, 1):
                arguments = [at, Y * 0.8 + 0.1]
                actual = al.grad(loss, argnums=i)(*arguments)
                others = list(arguments)

                def at_value(value, i=i, others=others, loss=loss):
                    return loss(*others[:i], value, *others[i + 1 :])

                assert_close(actual, numeric_gradient(at_value, arguments[i]), 1e-8)

    @pytest.mark.parametrize("loss", [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits])
    def test_shapes_must_agree(self, loss):
        with pytest.raises(ValueError, match=r"shape \(1, 4\) and the target \(4,\)"):
            loss(al.Tensor(np.full((1, 4), 0.5)), np.ones(4))


class TestSGD:
    def test_a_step(self):
        w = nn.Parameter([1.0, 2.0])
        optimiser = nn.SGD([w], learning_rate=0.5)
        optimiser.step()
        (w * w).sum().backward()
        optimiser.step()
        assert w.data.tolist() == [0, 0]
        optimiser.zero_grad()
        assert w.grad is None

    def test_float32_stays_float32(self):
        w = nn.Parameter([1.0, 2.0], dtype=np.float32)
        optimiser = nn.SGD([w], learning_rate=np.float64(0.1))
        for _ in range(10):
            (w * w).sum().backward()
            assert w.grad.dtype == np.float32
            optimiser.step()
        assert w.dtype == w.data.dtype == np.float32

    def test_a_step_before_backward_is_refused_by_name(self):
        w = nn.Parameter([1.0, 2.0], name="W1")
        w.grad = np.ones(2)
        loss = (w * w).sum()
        with pytest.raises(ValueError, match="'W1' cannot be written to"):
            nn.SGD([w]).step()
        del loss

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="above 0"):
            nn.SGD([nn.Parameter([1.0])], learning_rate=0)
        with pytest.raises(ValueError, match="no parameters"):
            nn.SGD([])
