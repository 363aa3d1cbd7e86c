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


@pytest.mark.parametrize(
    ("call", "name", "said"),
    [
        (lambda double: lambda x: double(x), None, r"argument 0 \(x\), order"),
        (lambda double: lambda x: double(x), "W", r"argument 0 \(W\), order"),
        (lambda double: lambda *xs: double(xs[0]), "W", r"argument 0 \(W\), order"),
        (lambda double: lambda *xs: double(xs[0]), None, r"argument 0, order"),
    ],
)
def test_an_argument_is_called_after_its_tensor_or_its_parameter(wrong, call, name, said):
    x = al.Tensor(np.ones(3), requires_grad=True)
    x.name = name
    with pytest.raises(AssertionError, match=said):
        al.gradcheck(call(wrong(lambda g: 3 * g)), x)


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


def planted(rule):
    """x**2 with this rule."""

    @al.primitive
    def square(x):
        return x**2

    al.defvjp(square, x=rule)
    return square


def values_of(g):
    return al.Tensor(g.data) if isinstance(g, al.Tensor) else g


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: values_of(g) * 2 * x,
        lambda g, x: 2 * x * (g.detach() if isinstance(g, al.Tensor) else g),
    ],
)
@pytest.mark.parametrize("directions", [None, 2])
def test_rules_that_cut_the_arriving_gradient_off_the_graph(rule, directions):
    square = planted(rule)
    x = np.array([1.0, 2.0])
    assert al.gradcheck(square, x, order=1)
    with pytest.raises(AssertionError, match="the gradient that arrives, order 2: .* compute with"):
        al.gradcheck(square, x, directions=directions)
    with pytest.raises(AssertionError, match="the gradient that arrives, order 2"):
        al.gradcheck(lambda x: np.sum(square(x)), x)
    assert al.gradcheck(planted(lambda g, x: g * 2 * x), x)


def test_the_message_of_a_scalar_function_has_its_own_gradient():
    square = planted(lambda g, x: g * 3 * x)
    with pytest.raises(AssertionError) as caught:
        al.gradcheck(lambda x: np.sum(square(x)), np.array([1.0, 2.0]))
    text = str(caught.value)
    assert "order 1: gradient[1] is 6, and differences give 4" in text
    assert "1.5 times what it should be" in text
    with pytest.raises(AssertionError, match="of a random combination of the results"):
        al.gradcheck(square, np.array([1.0, 2.0]))


def test_functions_of_several_results():
    x = np.array([0.5, 1.5])
    assert al.gradcheck(lambda x: {"a": np.sin(x), "b": (x * x, np.sum(x))}, x)
    square = planted(lambda g, x: g * x)
    with pytest.raises(AssertionError, match="order 1"):
        al.gradcheck(lambda x: (np.sin(x), square(x)), x)
    with pytest.raises(AssertionError, match="of a random combination of the results"):
        al.gradcheck(lambda x: (np.sum(x), square(np.sum(x))), x)
    assert al.gradcheck(lambda z: (z * z, np.abs(z)), np.array([1 + 2j, 0.5 - 1j]))


@pytest.mark.parametrize("distance", [0.5, -0.5, 1.5, -1.5])
def test_a_jump_beside_the_point_is_called_a_jump(distance):
    from autograd_lite.check.numeric import STEP

    def steps(x):
        return np.sum(np.where(x > 1 + distance * STEP, x + 3, x))

    with pytest.raises(AssertionError, match=r"the function jumps by 3, .* away from there"):
        al.gradcheck(steps, np.array([0.0, 1.0]))
    with pytest.raises(AssertionError, match="kink"):
        al.gradcheck(lambda x: np.sum(np.maximum(x, 1 + 1e-6)), np.array([0.0, 1.0]))


def with_slope(claimed, actual):
    """An operation that is linear with slope `actual`, and claims another one."""
    operation = al.primitive(lambda x: x * actual)
    al.defvjp(operation, x=lambda g: g * claimed)
    return operation


def test_gradcheck_computes_float32_inputs_in_float64():
    rng = np.random.default_rng(0)
    W, X = (rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (4, 5)))
    assert al.gradcheck(lambda W, X: np.sum(np.tanh(np.dot(W, X)) ** 3), W, X)


def test_gradcheck_notices_a_kink():
    with pytest.raises(AssertionError) as caught:
        al.gradcheck(al.relu, np.array([[1.0, 2.0], [3.0, 0.0]]))
    message = str(caught.value)
    assert "gradient[1, 1]" in message
    assert "the function has a kink there: its slope is 0 before" in message
    assert message.endswith("Check at another point")


def test_gradcheck_shows_the_worst_index():
    right = np.arange(1.0, 7.0).reshape(2, 3)
    off = np.array([[0, 1e-3, 0], [0, 0, 1e-1]])
    with pytest.raises(AssertionError, match=r"gradient\[1, 2\] is .*, and differences give"):
        al.gradcheck(with_slope(right + off, right), np.ones((2, 3)), order=1)


def test_a_jacobian_that_does_not_match():
    right = np.arange(1.0, 7.0).reshape(2, 3)
    operation = with_slope(3 * right, right)
    with pytest.raises(AssertionError) as caught:
        al.gradcheck(lambda W, b: np.sum(operation(b)) + np.sum(W), np.ones(2), np.ones((2, 3)))
    message = str(caught.value)
    for part in (
        "argument 1 (b), order 1",
        "gradient[1, 2] is ",
        "differences give ",
        "relative",
    ):
        assert part in message
    assert message.endswith("it is 3 times what it should be")
    assert "array(" not in message
    after_is, after_give = message.split(" is ")[1], message.split("differences give ")[1]
    is_, should_be = float(after_is.split(",")[0]), float(after_give.split()[0])
    assert np.isclose(is_, 3 * should_be)


def test_a_jacobian_that_does_not_match_is_of_a_named_parameter():
    operation = with_slope(np.ones(2) * 3, np.ones(2))
    with pytest.raises(AssertionError) as caught:
        al.gradcheck(lambda W, bias: np.sum(operation(bias) + W), np.ones(2), np.ones(2))
    assert "bias" in str(caught.value)
