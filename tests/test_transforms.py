"""grad, value_and_grad and gradients."""

import functools

import numpy as np
import pytest

import autograd_lite as al
import nn


def cube(x):
    return np.sum(x**3)


def leaf():
    return al.Tensor(1.0, requires_grad=True)


def test_any_order():
    derivative = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    for _ in range(4):
        derivative = al.grad(derivative)
    s = 1 / (1 + np.exp(-0.3))
    fourth = s * (1 - s) * (1 - 2 * s) * (1 - 12 * s + 12 * s**2)
    assert np.isclose(derivative(0.3), fourth)


def test_value_and_gradient_are_plain():
    value, gradient = al.value_and_grad(cube)(np.array([1.0, 2.0]))
    assert value == 9
    assert type(gradient) is np.ndarray
    assert gradient.tolist() == [3, 12]
    assert type(al.grad(cube)(2.0)) is np.float64


def test_several_arguments_and_structures():
    def model(parameters, x):
        return np.sum(np.dot(parameters["W"], x) + parameters["rest"][0])

    parameters = {"W": np.ones((2, 3)), "rest": [np.zeros((2, 1)), (np.ones(2),)]}
    x = np.arange(3.0).reshape(3, 1)
    of_parameters, of_x = al.grad(model, argnums=(0, 1))(parameters, x)
    np.testing.assert_array_equal(of_parameters["W"], [[0, 1, 2], [0, 1, 2]])
    assert of_parameters["rest"][0].tolist() == [[1], [1]]
    assert of_parameters["rest"][1][0].tolist() == [0, 0]
    assert of_x.tolist() == [[2], [2], [2]]


def test_nested_derivatives_are_not_confused():
    assert al.grad(lambda x: x * al.grad(lambda y: x + y)(1.0))(1.0) == 1
    assert al.grad(lambda x: x * al.grad(lambda y: x * y)(x))(2.0) == 4
    assert al.grad(lambda x: x * al.grad(lambda y: y * y)(x))(3.0) == 12


def test_a_closed_over_tensor_makes_the_gradient_a_tensor():
    w = al.Tensor(3.0, requires_grad=True)
    gradient = al.grad(lambda x: w * x * x)(2.0)
    assert isinstance(gradient, al.Tensor)
    gradient.backward()
    assert w.grad == 4


def test_the_argument_may_also_be_a_constant_of_the_function():
    x = np.array([1.0, 2.0])
    assert al.grad(lambda t: np.sum(t * x))(x).tolist() == [1, 2]
    w = al.Tensor([1.0, 1.0], requires_grad=True)
    alive = w * x
    assert al.grad(lambda t: np.sum(t * x))(x).tolist() == [1, 2]
    del alive
    x[0] = 5


def test_a_constant_function():
    assert al.grad(lambda x: 5.0)(np.ones(2)).tolist() == [0, 0]


def test_gradients_of_results_and_leaves():
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    z = np.sum(y * y)
    of_y, of_x = al.gradients(z, [y, x])
    assert of_y.tolist() == [2, 8]
    assert of_x.tolist() == [4, 32]
    assert x.grad is None
    z.backward()
    assert x.grad.tolist() == [4, 32]


def test_gradients_can_be_differentiated_again():
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    (first,) = al.gradients(np.sum(x**3), [x], create_graph=True)
    first.sum().backward()
    assert x.grad.tolist() == [6, 12]


def test_an_input_that_the_output_does_not_depend_on():
    x, other = (al.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    assert al.gradients(x.sum(), [other])[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: al.grad(cube)(3), TypeError, "argument 0.*only floating-point"),
        (lambda: al.grad(cube, argnums=2)(1.0), TypeError, "argument 2.*1 positional"),
        (lambda: al.grad(lambda x: x * 2)(np.ones(3)), ValueError, r"shape \(3,\)"),
        (lambda: al.grad(lambda x: "no")(1.0), TypeError, "returned str"),
        (lambda: al.gradients(al.Tensor(1.0), []), RuntimeError, "depend on any tensor"),
        (lambda: al.gradients(leaf() * 2, [al.Tensor(1.0)]), ValueError, "require grad"),
        (lambda: al.gradients(leaf() * 2, [np.ones(1)]), TypeError, "as inputs, not ndarray$"),
        (
            lambda: al.grad(cube)(nn.Linear(2, 1)),
            TypeError,
            "^the derivative of cube with respect to argument 0: it is a Linear, which is no "
            r"array: call \.backward\(\) and read \.grad of its parameters",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_users_own_operation():
    @al.primitive
    def softsign(x):
        return x / (1 + np.abs(x))

    al.defvjp(softsign, x=lambda g, x: g / (1 + np.abs(x)) ** 2)
    assert np.isclose(al.grad(softsign)(1.0), 0.25)
    assert np.isclose(al.grad(al.grad(softsign))(1.0), -0.25)
    assert softsign(np.array([1.0])) == 0.5
    with pytest.raises(TypeError, match="asks for 'z'"):
        al.defvjp(softsign, x=lambda g, z: g)


def test_a_corrected_rule_holds_for_operators_too():
    al.defvjp(np.multiply, x=lambda g, y: 100 * g, y=lambda g, x: 100 * g)
    assert al.grad(lambda x: x * 2.0)(1.0) == 100


def test_gradients_call_no_hooks():
    x = leaf()
    y = x * x
    x.register_hook(lambda g: g * 100)
    y.register_hook(lambda g: g * 100)
    assert al.gradients(y * 1, [x])[0] == 2


def test_an_operation_without_a_rule_says_so():
    cube = al.primitive(lambda x: x**3)
    with pytest.raises(TypeError, match="no derivative rule yet.*al.defvjp"):
        cube(leaf())


class TestProducts:
    x = np.array([0.3, -0.7, 1.2])
    v = np.array([1.0, 2.0, -0.5])

    @staticmethod
    def curve(x):
        return np.stack([x[0] * x[1], np.sin(x[2]) * x[0], np.exp(x[1]), x[2]])

    @staticmethod
    def scalar(x):
        return np.sum(np.sin(x) * x[::-1] ** 2)

    def test_jacobian(self):
        a, b, c = self.x
        expected = [[b, a, 0], [np.sin(c), 0, a * np.cos(c)], [0, np.exp(b), 0], [0, 0, 1]]
        np.testing.assert_allclose(al.jacobian(self.curve)(self.x), expected)

    def test_shapes_of_jacobians(self):
        f = lambda W, x: np.dot(W, x)  # noqa: E731
        W, x = np.ones((2, 3)), np.ones((3, 4))
        of_W, of_x = al.jacobian(f, argnums=(0, 1))(W, x)
        assert of_W.shape == (2, 4, 2, 3)
        assert of_x.shape == (2, 4, 3, 4)
        assert al.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
        assert al.jacobian(lambda x: x**2)(3.0) == 6

    def test_hessian_and_its_product(self):
        H = al.hessian(self.scalar)(self.x)
        np.testing.assert_allclose(H, H.T)
        gradient = al.grad(self.scalar)
        step = 1e-5
        columns = [
            (gradient(self.x + step * e) - gradient(self.x - step * e)) / (2 * step)
            for e in np.eye(3)
        ]
        np.testing.assert_allclose(H, np.stack(columns, axis=1), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(al.hvp(self.scalar)(self.x, self.v), H @ self.v)

    def test_pulling_and_pushing(self):
        J = al.jacobian(self.curve)(self.x)
        value, pull = al.vjp(self.curve, self.x)
        np.testing.assert_allclose(value, self.curve(self.x))
        u = np.array([1.0, -1.0, 0.5, 2.0])
        for _ in range(2):
            np.testing.assert_allclose(pull(u)[0], u @ J)
        value, pushed = al.jvp(self.curve, (self.x,), (self.v,))
        assert type(pushed) is np.ndarray
        np.testing.assert_allclose(pushed, J @ self.v)

    def test_pushing_through_structures(self):
        f = lambda p, s: p["W"] @ p["b"][0] * s  # noqa: E731
        p = {"W": np.array([[1.0, 2.0]]), "b": [np.array([3.0, 4.0])]}
        t = {"W": np.array([[0.5, 0.0]]), "b": [np.array([0.0, 1.0])]}
        value, pushed = al.jvp(f, (p, 2.0), (t, 0.1))
        assert value == 22
        np.testing.assert_allclose(pushed, (0.5 * 3 + 2 * 1) * 2 + 11 * 0.1)

    def test_third_derivatives_by_composition(self):
        f = lambda x: np.sum(x**3)  # noqa: E731
        third = al.jacobian(al.hessian(f))(np.array([1.0, 2.0]))
        assert third.shape == (2, 2, 2)
        assert third[0, 0, 0] == third[1, 1, 1] == 6
        assert np.sum(third) == 12

    def test_wrong_shapes(self):
        with pytest.raises(ValueError, match=r"tangent of shape \(2,\).*\(3,\)"):
            al.jvp(self.curve, (self.x,), (self.v[:2],))
        with pytest.raises(ValueError, match="1 arguments and 2 tangents"):
            al.jvp(self.curve, (self.x,), (self.v, self.v))
        with pytest.raises(ValueError, match=r"got shape \(2,\)"):
            al.vjp(self.curve, self.x)[1](np.ones(2))

    def test_other_structures(self):
        def by_name(p):
            return {"y": p["w"] ** 2}

        given = {"w": self.x}
        with pytest.raises(ValueError, match=r"^a tangent has not the keys of an argument.*'w'"):
            al.jvp(by_name, (given,), ({"v": self.v},))
        with pytest.raises(ValueError, match=r"^a gradient has not the keys of a result.*'y'"):
            al.vjp(by_name, given)[1]({"z": self.v})
        with pytest.raises(ValueError, match="^a tangent must be a list of 1 items, as an argum"):
            al.jvp(lambda p: p[0] ** 2, ([self.x],), ([self.v, self.v],))
        with pytest.raises(ValueError, match="^a gradient must be a tuple of 2 items, as a result"):
            al.vjp(lambda x: (x, x), self.x)[1]([self.v])

    def test_a_function_without_a_complex_derivative_has_no_complex_jacobian(self):
        with pytest.raises(ValueError, match="^conjugate is not complex differentiable .* np.conj"):
            al.jacobian(np.conjugate)(self.x * 1j)


def test_auxiliary_results():
    def f(x):
        y = x * 2
        return np.sum(y**2), {"y": y, "text": "t"}

    gradient, aux = al.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert gradient.tolist() == [8, 16]
    assert type(aux["y"]) is np.ndarray
    assert (aux["y"].tolist(), aux["text"]) == ([2, 4], "t")
    (value, _), _ = al.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 20
    with pytest.raises(TypeError, match=r"must return \(value, aux\)"):
        al.grad(np.sum, has_aux=True)(np.ones(2))


class TestCheckpoint:
    @staticmethod
    def block(x, W):
        for _ in range(3):
            x = np.tanh(np.dot(W, x))
        return x

    def test_gradients_of_any_order_are_the_same(self):
        rng = np.random.default_rng(0)
        x, W = rng.normal(size=(3, 2)), rng.normal(size=(3, 3))
        plain = lambda x, W: np.sum(self.block(x, W) ** 2)  # noqa: E731
        kept = lambda x, W: np.sum(al.checkpoint(self.block)(x, W) ** 2)  # noqa: E731
        for f in (al.grad, al.hessian):
            for i in (0, 1):
                np.testing.assert_allclose(f(kept, i)(x, W), f(plain, i)(x, W), rtol=1e-12)

    def test_nothing_inside_is_kept(self):
        x = al.Tensor(np.ones((3, 2)), requires_grad=True)
        result = al.checkpoint(self.block)(x, np.eye(3))
        from autograd_lite.graph import ancestors

        assert len(ancestors([result._node])) == 2
        result.sum().backward()
        assert x.grad.shape == (3, 2)

    def test_arguments_of_any_structure(self):
        def block(layers, x, depth=2, *, function="tanh", scale=None):
            for _ in range(depth):
                for layer in layers:
                    x = getattr(np, function)(np.dot(layer["W"], x) + layer["b"])
            return x, {"mean": np.mean(x) if scale is None else scale * np.mean(x)}

        def loss(call, W, b, scale=None):
            layers = [{"W": W, "b": b, "name": "first"}, {"W": W * 2, "b": 0.5, "name": None}]
            x, rest = call(layers, np.ones((3, 2)), 3, function="sin", scale=scale)
            return np.sum(x) * rest["mean"]

        W, b = np.random.default_rng(0).normal(size=(3, 3)), np.ones((3, 1))
        kept = functools.partial(loss, al.checkpoint(block))
        plain = functools.partial(loss, block)
        for scale in (None, 0.3):
            for i in (0, 1):
                expected = al.grad(plain, i)(W, b, scale)
                np.testing.assert_allclose(al.grad(kept, i)(W, b, scale), expected, rtol=1e-12)
        expected = al.hvp(plain)(W, b, W)
        np.testing.assert_allclose(al.hvp(kept)(W, b, W), expected, rtol=1e-12)

    def test_in_a_compiled_function(self):
        W = np.random.default_rng(0).normal(size=(3, 3))
        f = lambda x: np.sum(al.checkpoint(self.block)(x, W))  # noqa: E731
        expected = al.grad(f)(np.ones((3, 2)))
        np.testing.assert_allclose(al.compile(al.grad(f))(np.ones((3, 2))), expected, rtol=1e-12)

    def test_what_is_not_an_argument_is_refused(self):
        W = al.Tensor(np.eye(3), requires_grad=True)
        x = al.Tensor(np.ones((3, 2)), requires_grad=True)
        result = al.checkpoint(lambda x: self.block(x, W))(x)
        with pytest.raises(RuntimeError, match="not among its arguments"):
            result.sum().backward()

    def test_what_is_random_is_told(self):
        rng = np.random.default_rng(0)
        x = al.Tensor(np.ones(3), requires_grad=True)

        def dropped(x):
            return x * rng.random(3)

        with pytest.raises(RuntimeError, match=r"^checkpoint\(dropped\) gave another .* seed what"):
            al.checkpoint(dropped)(x).sum().backward()
        assert x.grad is None


def test_arguments_that_come_back_as_they_are_among_several_results():
    x, o = np.array([1.0, 2.0]), np.array([1.0, 10.0])
    assert al.vjp(lambda x: (x, x * 2), x)[1]((o, o))[0].tolist() == [3, 30]
    assert al.vjp(lambda x: {"a": x}, x)[1]({"a": o})[0].tolist() == [1, 10]
    value, tangent = al.jvp(lambda h, x: (h, h * x), (x, x), (o, o))
    assert [t.tolist() for t in tangent] == [[1, 10], [2, 40]]
    first, second = al.jacobian(lambda x: (x, x * 2))(x)
    assert (first.tolist(), second.tolist()) == ([[1, 0], [0, 1]], [[2, 0], [0, 2]])
    inner = lambda x: al.vjp(lambda y: (y, y * y), x)[1]((o, o))[0]  # noqa: E731
    assert al.jacobian(inner)(x).tolist() == [[2, 0], [0, 20]]
