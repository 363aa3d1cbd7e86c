"""Values that are computed again, and the backward pass in single steps, against the engine."""

import numpy as np
import pytest
from all_cases import FAMILIES, cases_of
from random_programs import program

import autograd_lite as al
from autograd_lite.graph import Node
from autograd_lite.pictures.values import computed, faults, flows, gradients_of, values

SEEDS = range(60)


def recorded(seed, kind="real"):
    """The leaves and the result of a random program, if it has a graph."""
    run, inputs = program(seed, kind)
    leaves = [al.Tensor(x, requires_grad=True) for x in inputs]
    return leaves, run(np, *leaves)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_steps_add_up_to_what_backward_gives(seed):
    leaves, result = recorded(seed)
    if not isinstance(result._node, Node):
        pytest.skip("nothing is recorded")
    found = gradients_of(result._node, np.ones(result.shape, result.dtype))
    result.backward(np.ones(result.shape, result.dtype))
    for leaf in leaves:
        if leaf.grad is not None:
            same(found[leaf._node], leaf.grad)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_values_are_found_again(seed, kind):
    _, result = recorded(seed, kind)
    if not isinstance(result._node, Node):
        pytest.skip("nothing is recorded")
    found = values([result._node], {})
    np.testing.assert_allclose(found[result._node], result.data, rtol=1e-13)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.split(".")[1])
def test_every_operation_is_computed_again_with_its_options(family):
    for case in cases_of(family):
        result = case(*(al.Tensor(o, requires_grad=True) for o in case.operands))
        for tensor in result if isinstance(result, tuple) else (result,):
            if isinstance(tensor, al.Tensor) and isinstance(tensor._node, Node):
                again = values([tensor._node], {})[tensor._node]
                # x**-1 is not rounded as np.power(x, -1) is, before NumPy 2.3.
                np.testing.assert_allclose(again, tensor.data, 1e-15, 0, err_msg=case.id)


def test_each_step_is_a_sum():
    x = al.Tensor([1.0, 2.0], True)
    y = x * x + np.sin(x)
    for flow in flows(y._node, np.ones(2)):
        expected = flow.term if flow.before is None else flow.before + flow.term
        same(flow.total, expected)


def test_nothing_is_changed():
    x = al.Tensor([1.0, 2.0], True)
    y = (x[0] * x).sum()
    gradients_of(y._node, np.ones(()))
    assert x.grad is None
    y.backward()
    same(x.grad, np.array([4.0, 1.0]))


def test_values_are_let_go_where_nobody_keeps_them():
    x = al.Tensor(np.ones(3), True)
    y = x
    for _ in range(50):
        y = np.sin(y)
    alive = []

    class Watched(np.ndarray):
        def __del__(self):
            alive.remove(id(self))

    steps = computed([y._node], {}, keep=False)
    most = 0
    for _, value in steps:
        watched = np.asarray(value).view(Watched)
        alive.append(id(watched))
        most = max(most, len(alive))
        del watched
    assert most <= 3


def test_an_operation_that_cannot_be_computed_again_is_named():
    calls = []

    @al.primitive
    def read(x):
        calls.append(1)
        if len(calls) > 1:
            raise OSError("the file is gone")
        return np.asarray(x) * 2

    @al.primitive
    def grown(x):
        calls.append(1)
        return np.sum(np.asarray(x)) * np.ones(len(calls))

    al.defvjp(read, x=lambda g: 2 * g)
    al.defvjp(grown, x=lambda g, x_shape: np.broadcast_to(np.sum(g), x_shape))
    for operation, message in (
        (read, "computes read again for its value, and it raised OSError: the file is gone$"),
        (grown, r"^grown gave an array of shape \(1,\), and one of shape \(2,\) when .* again; it"),
    ):
        calls.clear()
        loss = np.sum(operation(al.Tensor([1.0, 2.0], True)))
        with pytest.raises(ValueError, match=message):
            al.draw(loss, values=True)
        loss.backward()


def test_an_infinite_number_that_came_in_is_nobodys_fault():
    x = al.Tensor([1.0, np.inf], True)
    with np.errstate(invalid="ignore"):
        y = np.exp(x) - 1
        z = (y - y).sum()
    assert faults([z._node], {}) == {}


def test_what_makes_both_is_nan():
    x = al.Tensor([-1.0, 0.0], True)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(x)
    assert faults([y._node], {}) == {y._node: "NaN"}
