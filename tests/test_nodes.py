"""How many nodes the graph of a computation has."""

import numpy as np
import pytest
from tensors import parameter

from autograd_lite.graph import ancestors


@pytest.mark.parametrize(
    "product",
    [
        np.dot,
        np.matmul,
        lambda W, v: W @ v,
        lambda W, v: np.einsum("ij,j->i", W, v),
        lambda W, v: np.inner(v, W),
        lambda W, v: np.tensordot(W, v, 1),
        lambda W, v: W.dot(v),
    ],
)
def test_a_product_with_a_plain_vector_is_a_few_nodes(product):
    W, v = parameter(np.ones((80, 120))), np.arange(120.0)
    result = np.sum(product(W, v) + np.ones(80))
    # einsum has one more, which takes its list of operands together.
    nodes = [n for n in ancestors([result._node]) if n.plan.operation.name != "pack"]
    assert len(nodes) == 3
    assert result.item() == 80 * v.sum() + 80
    result.backward()
    np.testing.assert_array_equal(W.grad, np.broadcast_to(v, (80, 120)))


def test_a_plain_net_is_a_node_per_operation():
    W, b = parameter(np.ones((10, 12))), parameter(np.zeros((10, 1)))
    result = np.dot(W, np.ones((12, 16))) + b
    assert len(ancestors([result._node])) == 2
    assert len(ancestors([np.sum(1 / (1 + np.exp(-result)))._node])) == 7
