"""gradcheck passes what is right, and says what is wrong with the rest."""

import numpy as np
import pytest

import autograd_lite as al


@pytest.fixture
def wrong():
    """An operation whose rule can be chosen."""

    @al.primitive
    def double(x):
        return 2 * x

    def with_rule(rule):
        al.defvjp(double, x=rule)
        return double

    return with_rule


@pytest.mark.parametrize("directions", [None, 5])
def test_right_gradients_pass(directions):
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    f = lambda W, x: np.tanh(np.dot(W, x))  # noqa: E731
    assert al.gradcheck(f, W, x, directions=directions)
    assert al.gradcheck(f, W.astype(np.float32), x.astype(np.float32), directions=directions)
    assert al.gradcheck(lambda z: z * np.conj(z) * z, rng.normal(size=3) + 1j, order=2)
    assert al.gradcheck(np.sum, np.zeros((0, 3)))
    assert al.gradcheck(np.exp, 0.5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g: -2 * g, "sign is wrong"),
        (lambda g: 3 * g, "1.5 times what it should be"),
        (lambda g: 2 * g.T, "transposed"),
        (lambda g: 2 * g + np.eye(3), r"argument 0 \(x\), order 1: gradient\[\d, \d\] is .* error"),
        (lambda g: g * np.nan, "nan"),
    ],
)
def test_wrong_rules_are_described(wrong, rule, message):
    with pytest.raises(AssertionError, match=message):
        al.gradcheck(wrong(rule), np.arange(9.0).reshape(3, 3))


def test_a_wrong_rule_is_found_along_directions(wrong):
    with pytest.raises(AssertionError, match="along a random direction.*to see where"):
        al.gradcheck(wrong(lambda g: 2.001 * g), np.ones((20, 20)), directions=3)


def test_a_rule_that_is_wrong_in_the_second_order(wrong):
    def rule(g, x):
        return g * 2 + 0 * (x.data if isinstance(x, al.Tensor) else x)

    square = al.primitive(lambda x: x * x)
    al.defvjp(square, x=lambda g, x: 2 * g * (x.data if isinstance(x, al.Tensor) else x))
    assert al.gradcheck(square, np.ones(2), order=1)
    with pytest.raises(AssertionError, match=r"argument 0 \(x\), order 2"):
        al.gradcheck(square, np.ones(2))


def test_a_kink_is_noticed():
    with pytest.raises(AssertionError, match="kink there: its slope is 0 before and .* after"):
        al.gradcheck(al.relu, np.array([1.0, 0.0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: al.gradcheck(np.sum, [1, 2]), TypeError, "argument 0 has dtype int64"),
        (lambda: al.gradcheck(np.sum, [1.0], order=3), ValueError, "order must be 1 or 2"),
        (
            lambda: al.gradcheck(lambda x: x * np.random.default_rng().random(), 1.0),
            ValueError,
            "different values for the same inputs",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
