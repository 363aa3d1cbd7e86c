"""Modules: their parameters, state, modes, summaries and gradients."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al
import nn
from nn import by_hand

rng = np.random.default_rng(0)


def net(*sizes, activation=nn.ReLU):
    layers = []
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        layers += [activation()] if i else []
        layers.append(nn.Linear(n_in, n_out, seed=i))
    return nn.Sequential(*layers)


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


@dataclass
class Block:
    linear: Any
    scale: Any


class Pair(NamedTuple):
    linear: Any
    label: str


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
        with pytest.raises(ValueError, match="missing .'layers.0.bias'"):
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


class TestNets:
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


def test_layers_of_equal_weights_keep_their_own():
    net = nn.Sequential(*(nn.Linear(2, 2, seed=0) for _ in range(2)))
    assert len(net.parameters()) == 4
    np.sum(net(np.eye(2))).backward()
    W1, _, W2, _ = net.parameters()
    assert np.array_equal(W1.data, W2.data)
    assert not np.array_equal(W1.grad, W2.grad)


class TestWhatAModuleHolds:
    """Parameters, buffers and generators, wherever attributes hold them."""

    class Net(nn.Module):
        buffers = ("mask",)

        def __init__(self):
            self.first = nn.Linear(2, 2, seed=0)
            self.listed = [nn.Linear(2, 1, bias=False, seed=1), self.first]
            self.named = {"a": nn.Dropout(0.5, seed=0), "b": (nn.Parameter([1.0]),)}
            self.own = al.Tensor([2.0], requires_grad=True)
            self.plain = al.Tensor([3.0])
            self.mask = np.ones(2)

    paths = ["first.weight", "first.bias", "listed.0.weight", "named.b.0", "own"]

    def test_each_is_found_once_with_its_path(self):
        net = self.Net()
        assert [path for path, _ in net.named_parameters()] == self.paths
        assert net.parameters() == [p for _, p in net.named_parameters()]
        assert [path for path, _ in net.named_buffers()] == ["mask"]
        assert [path for path, _ in net.named_generators()] == ["named.a.generator"]
        modules = [path for path, _ in net.named_modules()]
        assert modules == ["", "first", "listed.0", "named.a"]

    def test_tensors_that_are_added_later_are_parameters_as_well(self):
        net = self.Net()
        net.listed.append(al.Tensor([1.0], requires_grad=True))
        net.plain.requires_grad = True
        found = dict(net.named_parameters())
        assert list(found) == [*self.paths[:3], "listed.2", *self.paths[3:], "plain"]
        assert all(isinstance(parameter, nn.Parameter) for parameter in found.values())

    def test_containers_are_dataclasses_named_tuples_and_mappings_too(self):
        class Model(nn.Module):
            def __init__(self):
                self.block = Block(nn.Linear(2, 3, seed=0), nn.Parameter(np.ones(2)))
                self.pair = Pair(nn.Linear(1, 1, seed=0), "a label")
                self.fixed = MappingProxyType({"gain": nn.Parameter(np.ones(1))})

        model = Model()
        assert [path for path, _ in model.named_parameters()] == [
            *("block.linear.weight", "block.linear.bias", "block.scale"),
            *("pair.0.weight", "pair.0.bias", "fixed.gain"),
        ]
        state = {path: array + 1 for path, array in model.state_dict().items()}
        model.load_state_dict(state)
        np.testing.assert_array_equal(model.block.scale.data, [2.0, 2.0])

    def test_tensors_that_require_grad_become_parameters_and_stay_so(self):
        net = self.Net()
        assert type(net.own) is nn.Parameter and type(net.plain) is al.Tensor
        net.freeze()
        assert [path for path, _ in net.named_parameters()] == self.paths
        assert not any(p.requires_grad for p in net.parameters())
        net.unfreeze()
        assert all(p.requires_grad for p in net.parameters())

    def test_results_are_no_parameters(self):
        net = self.Net()
        net.result = net.own * 2
        assert [path for path, _ in net.named_parameters()] == self.paths

    def test_freezing_forgets_gradients(self):
        net = self.Net()
        for parameter in net.parameters():
            parameter.grad = np.ones(parameter.shape)
        assert net.freeze() is net
        assert all(p.grad is None for p in net.parameters())

    def test_gradients_are_forgotten(self):
        net = self.Net()
        net.own.grad = [1.0]
        net.zero_grad()
        assert net.own.grad is None

    def test_states_are_the_callers_own(self):
        net = self.Net()
        state = net.state_dict()
        assert list(state) == [*self.paths, "mask"]
        for array in state.values():
            array += 1
        np.testing.assert_array_equal(net.mask, [1, 1])
        net.load_state_dict(state)
        np.testing.assert_array_equal(net.mask, [2, 2])
        np.testing.assert_array_equal(net.own.data, [3])
        state["mask"] += 1
        np.testing.assert_array_equal(net.mask, [2, 2])
        specs = net.expected_state({})
        assert (
            specs["first.weight"] == ((2, 2), np.dtype(np.float64)) and specs.keys() == state.keys()
        )

    def test_a_state_that_a_graph_keeps_is_not_filled(self):
        net = self.Net()
        state = net.state_dict()
        loss = net.own * net.own
        with pytest.raises(
            ValueError, match="own is kept by a graph; load before the forward pass"
        ):
            net.load_state_dict({**state, "first.bias": state["first.bias"] + 1})
        assert not net.first.bias.data.any()
        del loss

    def test_arrays_are_moved_as_they_are(self):
        net, moved = self.Net(), []
        net.own.grad = [1.0]

        def convert(array):
            moved.append(array)
            return array.copy()

        assert net.to(convert) is net
        assert len(moved) == len(self.paths) + 1 and net.own.grad is None
        assert net.mask is not moved[-1]
        with pytest.raises(
            ValueError,
            match=r"first.weight: float64 \(2, 2\) became float32 \(2, 2\); convert must keep",
        ):
            net.to(np.float32)

    def test_what_checkpoints_say_of_it(self):
        assert nn.ReLU().describe() == {"model": "ReLU", "layout": "ReLU()"}

    def test_modes_are_returned_with_the_module(self):
        net = self.Net()
        assert net.eval() is net and not net.first.training
        assert net.train() is net and net.first.training
        assert net.train(False) is net and not net.first.training

    def test_several_inputs_reach_forward(self):
        class Sum(nn.Module):
            def forward(self, X, *others):
                return sum(others, X)

        assert Sum()(1.0, 2.0, 3.0) == 6
