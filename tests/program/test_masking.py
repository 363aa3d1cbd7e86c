"""Gradients behind a selection, in compiled and derived code: 0 where it is shut, as eagerly."""

import itertools

import numpy as np
import pytest

import autograd_lite as al

GUARDED = {
    "log": (np.log, lambda x: x > 0),
    "sqrt": (np.sqrt, lambda x: x > 0),
    "reciprocal": (lambda x: 1 / x, lambda x: x > 0),
    "power": (lambda x: x**-1.5, lambda x: x > 0),
    "root": (lambda x: x**0.3, lambda x: x > 0),
    "log of a product": (lambda x: np.log(x * 2.0) * x, lambda x: x > 0),
    "quotient": (lambda x: np.sin(x) / x, lambda x: x > 0),
    "nested": (lambda x: np.log(np.sqrt(x)), lambda x: x > 0),
    "arcsin": (lambda x: np.arcsin(1 - x), lambda x: x > 0),
    "cbrt": (np.cbrt, lambda x: x > 0),
    "not": (lambda x: np.log(x), lambda x: ~(x <= 0)),
    "and": (lambda x: np.log(x), lambda x: (x > 0) & (x < 9)),
}

FORMS = {
    "where": lambda f, c, x: np.where(c(x), f(x), 0.0),
    "where with a number": lambda f, c, x: np.where(c(x), f(x), 7.0),
    "where the other way": lambda f, c, x: np.where(~c(x), 0.0, f(x)),
    "where with x": lambda f, c, x: np.where(c(x), f(x), x),
    "select": lambda f, c, x: np.select([c(x)], [f(x)], 0.0),
    "where of where": lambda f, c, x: np.where(c(x), np.where(c(x), f(x), 1.0), 0.0),
    "negative": lambda f, c, x: np.where(c(x), -f(x), 0.0),
    "scaled": lambda f, c, x: 3.0 * np.where(c(x), f(x) / 2.0, 0.0),
    "twice": lambda f, c, x: np.where(c(x), f(x) + f(x), f(x * 0 + 1)),
    "reshaped": lambda f, c, x: np.where(c(x).reshape(-1, 1), f(x).reshape(-1, 1), 0.0),
    "broadcast": lambda f, c, x: np.where(c(x), f(x), np.zeros((2, 1))),
    "flipped": lambda f, c, x: np.where(c(x)[::-1], np.flip(f(x)), 0.0),
}

AFTER = {
    "sum": np.sum,
    "squares": lambda y: np.sum(y**2),
    "mean of exp": lambda y: np.mean(np.exp(-(y**2))),
}

X = np.array([0.0, 1.0, 0.5, 0.0, 2.0])


def cases():
    for (g, guarded), (m, form), (a, after) in itertools.product(
        GUARDED.items(), FORMS.items(), AFTER.items()
    ):
        yield pytest.param(guarded, form, after, id=f"{g}-{m}-{a}")


def one_in_three_and_slow_ones():
    """Every function in every form, with one loss each; with the other losses where time allows."""
    for i, case in enumerate(cases()):
        form, loss = divmod(i, len(AFTER))
        chosen = (form + form // len(FORMS)) % len(AFTER) == loss
        marks = () if chosen else pytest.mark.slow
        yield pytest.param(*case.values, id=case.id, marks=marks)


def of(guarded, form, after):
    f, condition = guarded

    def loss(x):
        y = form(f, condition, x)
        J = after(y)
        return J

    return loss


@pytest.mark.parametrize("guarded, form, after", list(one_in_three_and_slow_ones()))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.one_in(28)
def test_compiled_and_derived_gradients_are_the_eager_ones(guarded, form, after):
    loss = of(guarded, form, after)
    expected = al.grad(loss)(X)
    for compiled in (al.compile(al.grad(loss)), al.grad(al.compile(loss))):
        np.testing.assert_allclose(compiled(X), expected, rtol=1e-9, atol=1e-12)
    # Made where nothing is shut.
    derived = al.derive(loss, X + 1)
    found = derived.backward(X, derived.forward(X)[1])["dx"]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("guarded, form, after", list(cases())[::3])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.one_in(7)
def test_second_derivatives(guarded, form, after):
    loss = of(guarded, form, after)
    vector = np.arange(1.0, 6.0)
    expected = al.hvp(loss)(X, vector)
    np.testing.assert_allclose(al.compile(al.hvp(loss))(X, vector), expected, rtol=1e-8, atol=1e-11)


def test_a_derivation_has_the_selection_of_a_careful_person():
    def cost(w):
        J = np.sum(np.where(w > 0, np.log(w), 0.0))
        return J

    assert "    dw = np.where(w > 0, 1.0 / w, 0)" in al.derive(cost, np.ones(3)).source


def test_selections_that_follow_from_others_are_not_made():
    compiled = al.compile(al.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0) * 3.0)))
    compiled(X)
    assert [step.function for step in compiled.program.steps].count(np.where) == 1


def test_what_was_selected_under_the_same_condition_is_selected_once():
    compiled = al.compile(lambda x, a, b: np.where(x > 0, np.where(x > 0, a, 0.0) * b, 0.0))
    arguments = X, np.arange(5.0), np.arange(5.0) + 2
    np.testing.assert_array_equal(
        compiled(*arguments), np.where(X > 0, arguments[1] * arguments[2], 0)
    )
    assert [step.function for step in compiled.program.steps].count(np.where) == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_training_keeps_its_parameters_finite():
    nn = pytest.importorskip("nn")

    class Net(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.array([[0.0], [1.0]]))

        def forward(self, X):
            return np.where(self.w > 0, np.log(self.w) * 0.1, self.w) * X

    results = []
    for compile in (False, True):
        net = Net()
        nn.fit(
            net,
            np.ones((2, 4)),
            np.ones((2, 4)),
            loss=nn.mean_squared_error,
            optimiser=nn.SGD(net.parameters(), 0.01),
            epochs=3,
            verbose=False,
            advice=False,
            compile=compile,
        )
        results.append(net.w.data.copy())
    assert np.isfinite(results[1]).all()
    np.testing.assert_allclose(results[1], results[0], rtol=1e-9)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "moved", [lambda c: c[::-1], lambda c: np.roll(c, 1), lambda c: np.flip(c), lambda c: c]
)
def test_a_condition_that_moved_another_way_than_its_value_selects(moved):
    def loss(x):
        y = np.where(x > 0, np.log(x), 0.0)
        return np.sum(np.where(moved(x > 0), np.roll(y, 1), 0.0) * np.arange(1.0, 6.0))

    expected = al.grad(loss)(X)
    np.testing.assert_allclose(al.compile(loss)(X), loss(X), rtol=1e-12)
    np.testing.assert_allclose(al.compile(al.grad(loss))(X), expected, rtol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_conditions_that_are_plain_values_open_no_other(training):
    def cost(W, x):
        A = np.maximum(W * x, 0)
        A = np.where(x > 1, np.where(training, A, 0.0), 0)
        J = np.sum(A * x)
        return J

    W, x = np.array([1.0, -2.0, 3.0]), np.array([-1.0, 2.0, 4.0])
    expected = al.grad(cost)(W, x)
    np.testing.assert_allclose(al.compile(cost)(W, x), cost(W, x))
    np.testing.assert_allclose(al.compile(al.grad(cost))(W, x), expected)
    derived = al.derive(cost, W, x, wrt="W")
    np.testing.assert_allclose(derived.backward(W, x, derived.forward(W, x)[1])["dW"], expected)


where = np.where
MADE = [
    # The selections of x, y, a and b that are written, and how many are left.
    (2, lambda x, y, a, b: where(x > 0, where(x > 0, a, 0.0) + where(x > 0, b, 0.0), 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where(x > 0, a, 0.0) - b, 0.0)),
    (2, lambda x, y, a, b: where(x > 0, b - where(x > 0, a, 0.0), 0.0)),
    (1, lambda x, y, a, b: where((x > 0) | (y > 0), where(x > 0, a, 0.0), 0.0)),
    (2, lambda x, y, a, b: where((x > 0) & (y > 0), where(x > 0, a, 0.0), 0.0)),
    (1, lambda x, y, a, b: where(x > 0, where((x > 0) & (y > 0), a, 0.0), 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where((x > 0) | (y > 0), a, 0.0), 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where(y > 0, a, 0.0), 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where(x > 0, a, 1.0), 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where(x > 0, a, 0.0), 1.0)),
    (1, lambda x, y, a, b: where(x > 0, -where(x > 0, a, 0.0), 0.0)),
    (1, lambda x, y, a, b: where(x > 0, where(x > 0, a, 0).astype(np.float32), np.float32(0))),
    (1, lambda x, y, a, b: where(x > 0, b * where(x > 0, a, 0.0), 0.0)),
    (1, lambda x, y, a, b: where(x > 0, b / where(x > 0, a, 0.0), 0.0)),
    (1, lambda x, y, a, b: where((x > 0) & (y > 0), where(x > 0, a, 0.0) * b, 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where((x > 0) & (y > 0), a, 0.0) * b, 0.0)),
    (2, lambda x, y, a, b: where(x > 0, where(x > 0, a, np.zeros(5)) * b, 0.0)),
    (1, lambda x, y, a, b: where((x > 0)[::-1], where(x > 0, a, 0.0)[::-1], 0.0)),
    (2, lambda x, y, a, b: where(x[::-1] > 0, where(x > 0, a, 0.0)[::-1], 0.0)),
    (2, lambda x, y, a, b: where((x > 0)[:4], where(x > 0, a, 0.0)[1:], 0.0)),
    (1, lambda x, y, a, b: where((x > 0).reshape(5, 1), where(x > 0, a, 0.0).reshape(5, 1), 0.0)),
    (2, lambda x, y, a, b: where((x > 0).reshape(5, 1), where(y > 0, a, 0.0).reshape(5, 1), 0.0)),
    (
        1,
        lambda x, y, a, b: where(
            ((x > 0) | (y > 0)).reshape(5, 1), where(x > 0, a, 0.0).reshape(5, 1), 0.0
        ),
    ),
    (
        2,
        lambda x, y, a, b: where(
            ((x > 0) & (y > 0)).reshape(5, 1), where(x > 0, a, 0.0).reshape(5, 1), 0.0
        ),
    ),
]


@pytest.mark.parametrize(("count", "made"), MADE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_selection_is_left_out_only_where_it_follows_from_another(count, made):
    x, y = np.array([0.0, 1.0, 0.5, -1.0, 2.0]), np.array([1.0, -1.0, 2.0, 3.0, -4.0])
    a, b = np.float32([1, np.inf, 3, np.nan, 5]), np.float32([np.nan, 2, 3, np.inf, 4])
    for arguments in ((x, y, a.astype(float), b.astype(float)), (x, y, a, b)):
        compiled = al.compile(made)
        found, expected = compiled(*arguments), made(*arguments)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    # Of single precision, whose products with double precision are another matter.
    assert [step.function for step in compiled.program.steps].count(np.where) == count
