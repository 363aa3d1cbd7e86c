"""Gradients that are no plain arrays: masks go where the elements go, eagerly and compiled."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.gradients import as_plain, gate_of, marked, shut

X = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 4.0], [1.0, 2.0, 0.0]])
PICK = np.array([2, 0, 1])

WAYS = {
    "array_split": lambda a: np.array_split(a, 2)[0],
    "astype": lambda a: a.astype(np.float32),
    "block": lambda a: np.block([[a, a]]),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, 3, 3)),
    "column_stack": lambda a: np.column_stack([a, a]),
    "concatenate": lambda a: np.concatenate([a, a]),
    "delete": lambda a: np.delete(a, 0, axis=0),
    "diag": np.diag,
    "diagonal": np.diagonal,
    "fancy index": lambda a: a[PICK],
    "flip": np.flip,
    "insert": lambda a: np.insert(a, 0, 5.0, axis=0),
    "matrix_transpose": np.matrix_transpose,
    "mean of one": lambda a: np.mean(a[None], axis=0),
    "meshgrid": lambda a: np.meshgrid(a.ravel(), a.ravel())[0],
    "negative quotient": lambda a: -(a / 2) * 3.0 + 1,
    "pad": lambda a: np.pad(a, 1),
    "repeat": lambda a: np.repeat(a, 2, axis=0),
    "reshape": lambda a: a.reshape(-1),
    "resize": lambda a: np.resize(a, (2, 9)),
    "roll": lambda a: np.roll(a, 1),
    "rollaxis": lambda a: np.rollaxis(a, 1),
    "rot90": np.rot90,
    "slice": lambda a: a[1:, ::-1],
    "sliding windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=0),
    "split": lambda a: np.split(a, 3)[1],
    "stack": lambda a: np.stack([a, a]),
    "sum of one": lambda a: np.sum(a[None], axis=0),
    "take": lambda a: np.take(a, PICK, axis=0),
    "take_along_axis": lambda a: np.take_along_axis(a, np.argsort(X, axis=0), axis=0),
    "tile": lambda a: np.tile(a, 2),
    "transpose": lambda a: a.T,
    "triu": np.triu,
    "unstack": lambda a: np.unstack(a)[0],
    "vstack": lambda a: np.vstack([a, a]),
    "where": lambda a: np.where(X > -1, a, 1.0),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mask_goes_the_way_of_the_elements(way):
    finite = np.isfinite(way(np.log(X)))

    def chosen(x):
        return np.sum(np.where(finite, way(np.log(x)), 0.0))

    gradient = al.grad(chosen)(X)
    counts = al.grad(lambda x: np.sum(np.where(finite, way(x), 0.0)))(np.ones_like(X))
    expected = np.where(X == 0, 0, counts / np.where(X == 0, 1, X))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    np.testing.assert_allclose(al.compile(al.grad(chosen))(X), expected, rtol=1e-6)


def test_both_masks_of_one_gradient_are_kept():
    g = marked([0.0, 0.0, 3.0], np.array([False, True, True]), np.array([True, False, True]))
    for moved in (g[::-1], np.flip(g), g[::-1].astype(np.float32), (2 * g)[::-1]):
        np.testing.assert_array_equal(moved.gate, [True, True, False])
        np.testing.assert_array_equal(moved.alive, [True, False, True])
    assert type(as_plain(g)) is np.ndarray


def test_a_product_is_open_where_both_factors_are_and_a_sum_where_one_term_is():
    left = shut(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]))
    right = shut(np.array([1.0, 2.0, 3.0]), np.array([True, False, False]))
    np.testing.assert_array_equal(gate_of(left * right), [True, False, False])
    np.testing.assert_array_equal(gate_of(left + right), [True, True, False])
    np.testing.assert_array_equal(gate_of(left / np.full(3, 0.5)), [True, True, False])
    np.testing.assert_array_equal(gate_of(np.sum(left.reshape(3, 1), axis=1)), gate_of(left))
    assert gate_of(left + 1) is None
    square = shut(np.ones((2, 2)), np.eye(2, dtype=bool))
    assert gate_of(square @ square) is gate_of(np.dot(square, square)) is None
    assert gate_of(np.exp(left)) is None


def test_the_methods_of_a_masked_gradient_keep_its_mask():
    g = shut(np.arange(6.0).reshape(2, 3), np.arange(6).reshape(2, 3) > 2)
    for moved in (g.T, g.transpose(1, 0), np.transpose(g), g.mT):
        np.testing.assert_array_equal(gate_of(moved), np.arange(6).reshape(2, 3).T > 2)
    np.testing.assert_array_equal(gate_of(g.reshape(3, 2)), np.arange(6).reshape(3, 2) > 2)
