import ast
import builtins
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from random_programs import program

import autograd_lite as al
import nn
from autograd_lite.arrays.trees import leaves_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 7)), (RNG.random((1, 7)) < 0.5).astype(float)
PARAMETERS = {
    "W1": RNG.normal(size=(4, 3)),
    "b1": RNG.normal(size=(4, 1)),
    "W2": RNG.normal(size=(1, 4)),
    "b2": RNG.normal(size=(1, 1)),
}


def cost(parameters, X, Y):
    """The network of the article."""
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = al.relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N


def real_times_imaginary(w):
    z = w * 1j + w
    return np.sum(np.real(z) * np.imag(z))


def statements(source, function="backward"):
    """The statements of a function, without their comments."""
    definition = next(
        n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == function
    )
    return [ast.unparse(s) for s in definition.body if isinstance(s, ast.Assign)]


def assert_right(derivation, function, *inputs, argnums=0):
    """That both passes give what autodiff gives."""
    value, cache = derivation.forward(*inputs)
    found = derivation.backward(*inputs, cache)
    expected_value, expected = al.value_and_grad(function, argnums)(*inputs)
    np.testing.assert_allclose(value, expected_value, rtol=1e-11)
    leaves = leaves_of(expected)
    assert len(found) == len(leaves)
    for ours, theirs in zip(found.values(), leaves, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


class TestTheArticle:
    def test_its_backward_pass_is_the_textbooks(self):
        pytest.importorskip("sympy")
        derivation = al.derive(cost, PARAMETERS, X, Y)
        assert statements(derivation.source)[-7:] == [
            "dZ2 = (A2 - Y) / N",
            "dW2 = dZ2 @ A1.T",
            "db2 = np.sum(dZ2, axis=1, keepdims=True)",
            "dA1 = W2.T @ dZ2",
            "dZ1 = dA1 * (Z1 >= 0)",
            "dW1 = dZ1 @ X.T",
            "db1 = np.sum(dZ1, axis=1, keepdims=True)",
        ]
        assert_right(derivation, cost, PARAMETERS, X, Y)

    def test_its_forward_pass_is_what_was_written(self):
        derivation = al.derive(cost, PARAMETERS, X, Y)
        assert statements(derivation.source, "forward")[-6:-1] == [
            "Z1 = W1 @ X + b1",
            "A1 = np.maximum(Z1, 0)",
            "Z2 = W2 @ A1 + b2",
            "A2 = 1 / (1 + np.exp(-Z2))",
            "loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N",
        ]

    def test_the_marker_finds_no_mistake(self):
        derivation = al.derive(cost, PARAMETERS, X, Y)
        report = al.check_derivation(
            derivation.forward, derivation.backward, PARAMETERS, X, Y, show=False
        )
        assert report and len(report.lines) == 7

    def test_shapes_stand_beside_the_statements_and_in_the_docstrings(self):
        source = al.derive(cost, PARAMETERS, X, Y).source
        assert "    dW2 = dZ2 @ A1.T  # (1, 4)\n" in source
        assert '    parameters["W1"]: float64 (4, 3)\n' in source

    def test_it_holds_for_another_number_of_samples(self):
        derivation = al.derive(cost, PARAMETERS, X, Y)
        more, targets = RNG.normal(size=(3, 20)), (RNG.random((1, 20)) < 0.5).astype(float)
        assert_right(derivation, cost, PARAMETERS, more, targets)

    def test_the_equations(self):
        pytest.importorskip("sympy")
        derivation = al.derive(cost, PARAMETERS, X, Y)
        latex = derivation.latex
        assert latex.startswith(r"\begin{aligned}") and latex.endswith(r"\end{aligned}")
        assert latex.count("{") == latex.count("}")
        loss = r"\frac{\partial \mathit{loss}}{\partial Z_{2}}"
        assert (
            loss + r" &= \frac{\partial \mathit{loss}}{\partial A_{2}}"
            r"\frac{\partial A_{2}}{\partial Z_{2}} = \frac{A_{2} - Y}{N}"
        ) in latex
        assert rf"= {loss} \, A_{{1}}^T" in latex
        markdown = derivation._repr_markdown_()
        assert markdown.startswith("$$\n") and "```python" in markdown


class TestOtherFunctions:
    @pytest.mark.parametrize(
        ("hidden", "slope"),
        [
            (np.tanh, "1 - A**2"),
            (al.sigmoid, "A * (1 - A)"),
            (al.relu, "(Z >= 0)"),
            (lambda z: np.maximum(0, z), "np.heaviside(Z, 0.5)"),
        ],
    )
    def test_activations(self, hidden, slope):
        pytest.importorskip("sympy")

        def loss(W, X):
            Z = W @ X
            A = hidden(Z)
            return np.sum(A * X[:1])

        derivation = al.derive(loss, RNG.normal(size=(2, 3)), X, wrt="W")
        assert slope in derivation.source
        assert_right(derivation, loss, RNG.normal(size=(2, 3)), X)

    @pytest.mark.parametrize(
        ("loss", "kept"),
        [
            (lambda w: np.sum(np.exp(w) * np.inf), "np.inf * np.exp(w)"),
            (lambda w: np.sum(np.exp(w) * np.exp(1 - w) * w * w), "w * np.exp(w) * np.exp(1 - w)"),
            (real_times_imaginary, "* (-1j)"),
        ],
        ids=["infinity", "Euler's number", "the imaginary unit"],
    )
    def test_numbers_that_algebra_cannot_write_stay_in_the_formula(self, loss, kept):
        pytest.importorskip("sympy")
        w = np.array([0.3, -1.2, 2.0])
        derivation = al.derive(loss, w)
        assert kept in derivation.source
        assert_right(derivation, loss, w)

    def test_a_softmax(self):
        targets = np.eye(4)[:, RNG.integers(0, 4, 7)]

        def loss(W, X, Y):
            Z = W @ X
            E = np.exp(Z)
            P = E / np.sum(E, axis=0, keepdims=True)
            return -np.sum(Y * np.log(P)) / Y.shape[1]

        derivation = al.derive(loss, RNG.normal(size=(4, 3)), X, targets, wrt=0)
        assert_right(derivation, loss, RNG.normal(size=(4, 3)), X, targets)

    def test_a_loop_numbers_its_variables(self):
        def loss(layers, X, Y):
            A = X
            for W, b in layers:
                Z = W @ A + b
                A = np.tanh(Z)
            return np.mean((A - Y) ** 2)

        layers = [(RNG.normal(size=(4, 3)), np.zeros((4, 1))), (RNG.normal(size=(1, 4)), 0.5)]
        derivation = al.derive(loss, layers, X, Y)
        for name in ("Z1", "A1", "dA1", "dZ2", "dlayers_1_1"):
            assert f"    {name} = " in derivation.source
        assert_right(derivation, loss, layers, X, Y)

    def test_weight_decay(self):
        def loss(w, x):
            return np.sum((w * x) ** 2) + 0.01 * np.sum(w * w)

        derivation = al.derive(loss, np.ones(3), np.arange(3.0))
        assert list(derivation.backward(np.ones(3), np.arange(3.0), {})) == ["dw", "dx"]
        assert_right(derivation, loss, np.ones(3), np.arange(3.0), argnums=(0, 1))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dtypes(self, dtype):
        def loss(w, x):
            return np.mean(np.log(1 + np.exp(-w * x)))

        w, x = np.ones(5, dtype), np.arange(5, dtype=dtype)
        derivation = al.derive(loss, w, x, wrt="w")
        value, cache = derivation.forward(w, x)
        assert value.dtype == derivation.backward(w, x, cache)["dw"].dtype == dtype

    def test_closed_over_arrays_are_part_of_the_module(self):
        scale, many = np.array([1.0, 2.0, 3.0]), RNG.normal(size=(30, 3))

        def loss(x):
            return np.sum(many @ (x * scale))

        derivation = al.derive(loss, np.ones(3))
        assert "scale = np.array([1.0, 2.0, 3.0], np.float64)" in derivation.source
        assert_right(derivation, loss, np.ones(3))

    @pytest.mark.parametrize(
        "seed", [7, *range(7), *(pytest.param(i, marks=pytest.mark.slow) for i in range(8, 30))]
    )
    @pytest.mark.one_in(8)
    def test_random_programs(self, seed):
        run, inputs = program(seed, "real")
        inputs = [np.asarray(x) for x in inputs]

        def function(*xs):
            return run(np, *xs)

        try:
            derivation = al.derive(function, *inputs)
        except TypeError as error:
            assert "no form in plain NumPy" in str(error) or "depends on none" in str(error)
            return
        assert_right(derivation, function, *inputs, argnums=tuple(range(len(inputs))))


class TestModules:
    def network(self):
        return nn.Sequential(nn.Linear(3, 4, seed=0), nn.ReLU(), nn.Linear(4, 1, seed=1))

    def test_a_trained_classifier_as_one_file(self, tmp_path):
        net = self.network()

        def loss(X, Y):
            return nn.binary_cross_entropy_with_logits(net(X), Y)

        derivation = al.derive(loss, X, Y)
        path = tmp_path / "classifier.py"
        derivation.write(path)
        assert path.read_text() == derivation.source
        assert [p.name for p in tmp_path.iterdir()] == ["classifier.py"]
        code = (
            "import sys, json; sys.path.insert(0, '.'); import numpy as np, classifier as c\n"
            "X, Y = (np.array(a) for a in json.loads(input()))\n"
            "value, cache = c.forward(X, Y)\n"
            "print(value, c.backward(X, Y, cache)['dW1'].sum())\n"
            "assert not any(m.split('.')[0] in ('autograd_lite', 'nn') for m in sys.modules)"
        )
        text = f"[{X.tolist()}, {Y.tolist()}]"
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, input=text, capture_output=True, text=True
        )
        assert not run.stderr
        value, total = map(float, run.stdout.split())
        expected = loss(X, Y)
        expected.backward()
        assert value == pytest.approx(expected.item(), rel=1e-12)
        assert total == pytest.approx(net.layers[0].weight.grad.sum(), rel=1e-9)

    def test_the_module_is_left_as_it_was(self):
        net = self.network()
        before = net.state_dict()
        al.derive(lambda X, Y: nn.binary_cross_entropy_with_logits(net(X), Y), X, Y)
        for name, value in net.state_dict().items():
            assert np.array_equal(value, before[name])
        assert all(p.grad is None and p.data.flags.writeable for p in net.parameters())

    def test_layers_are_named_as_in_books(self):
        net = self.network()
        source = al.derive(lambda X, Y: nn.binary_cross_entropy_with_logits(net(X), Y), X, Y).source
        for line in ("Z1 = W1 @ X + b1", "A1 = np.maximum(Z1, 0)", "dZ1 = dA1 * (Z1 >= 0)"):
            assert f"    {line}  #" in source


class TestTheText:
    @pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
    @pytest.mark.parametrize("seed", range(0, 40, 4))
    def test_it_is_formatted_and_lints_clean(self, seed, tmp_path):
        path = tmp_path / "derivation.py"
        al.derive(cost, PARAMETERS, X, Y).write(path)
        run, inputs = program(seed, "real")
        try:
            derivation = al.derive(lambda *xs: run(np, *xs), *map(np.asarray, inputs))
            derivation.write(tmp_path / "other.py")
        except TypeError:
            pass
        for command in (["format", "--check"], ["check", "--select", "E,F,I,UP,B"]):
            run = subprocess.run(
                [sys.executable, "-m", "ruff", command[0], "--isolated", *command[1:], tmp_path],
                capture_output=True,
                text=True,
            )
            assert run.returncode == 0, run.stdout

    def test_without_sympy_it_says_so(self, monkeypatch):
        real = builtins.__import__

        def without(name, *args, **kwargs):
            if name.split(".")[0] == "sympy":
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without)
        derivation = al.derive(cost, PARAMETERS, X, Y)
        assert "not simplified: SymPy (extra `derive`) is not installed" in derivation.source
        assert_right(derivation, cost, PARAMETERS, X, Y)

    def test_names_that_would_clash(self):
        def loss(np_, cache, forward):
            lambda_ = np_ * cache
            return np.sum(lambda_ * forward)

        inputs = RNG.normal(size=(3, 5))
        assert_right(al.derive(loss, *inputs), loss, *inputs, argnums=(0, 1, 2))

    def test_a_full_disk_leaves_the_old_file(self, tmp_path, monkeypatch):
        derivation = al.derive(cost, PARAMETERS, X, Y)
        path = tmp_path / "classifier.py"
        path.write_text("old")
        monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="cannot write the .*full"):
            derivation.write(path)
        assert path.read_text() == "old"
        assert [p.name for p in tmp_path.iterdir()] == ["classifier.py"]


def test_products_of_vectors_are_written_with_an_operator_and_gradients_on_lines_of_their_own():
    def cost(w, x, b):
        return np.sum((np.dot(w, x) + np.dot(b, 2.0)) ** 2)

    source = al.derive(cost, np.ones(3), np.ones(3), 2.0, wrt=["w", "b"]).source
    assert "np.sum((w @ x + " in source
    assert "@ 2.0" not in source
    assert '    return {\n        "dw": dw,\n        "db": db,\n    }\n' in source


class TestRefusals:
    def test_what_has_no_gradient(self):
        with pytest.raises(TypeError, match="depends on none of the inputs"):
            al.derive(lambda x, y: np.sum(x), np.ones(2), np.ones(2), wrt="y")
        with pytest.raises(TypeError, match=r"float64 of shape \(2,\)"):
            al.derive(lambda x: x * 2, np.ones(2))
        with pytest.raises(TypeError, match="^derive.. takes a function of a real.*returned str$"):
            al.derive(lambda x: "no", np.ones(2))
        with pytest.raises(TypeError, match="function, not int"):
            al.derive(3)
        with pytest.raises(TypeError, match=r"depends on none .* keep \.detach\(\) and al"):
            al.derive(lambda x: np.sum(x.detach() * x.detach()), np.ones(2))

    def test_a_key_that_has_no_form_in_source(self):
        class Layer:
            pass

        key = Layer()
        for inner, read in ((np.ones(2), lambda x: x), ({"W": np.ones(2)}, lambda x: x["W"])):
            with pytest.raises(TypeError) as caught:
                al.derive(lambda p, read=read: np.sum(read(p[key]) ** 2), {key: inner})
            assert str(caught.value) == (
                "a key in the argument 'p' is a Layer, which cannot be written as source; use "
                "strings or numbers as keys"
            )

    def test_unknown_inputs(self):
        with pytest.raises(ValueError, match=r"wrt='z'.*it has x, y"):
            al.derive(lambda x, y: np.sum(x * y), np.ones(2), np.ones(2), wrt="z")
        with pytest.raises(TypeError, match="n is not floating-point"):
            al.derive(lambda x, n: np.sum(x * n), np.ones(2), np.ones(2, int), wrt="n")

    def test_a_branch(self):
        def loss(x):
            return np.sum(x) if np.sum(x) > 0 else -np.sum(x)

        with pytest.raises(al.TracedValueError, match=r"line \d+, in loss"):
            al.derive(loss, np.ones(2))
