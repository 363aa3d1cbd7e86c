"""The public face for other packages: an operation of one's own is at home everywhere."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from outside.special import Head, erf, hinge, looked_up, scaled

import autograd_lite as al
from autograd_lite import extend, nn

W = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
X = np.linspace(0.5, 1.5, 12).reshape(3, 4)


def loss_of(W, X):
    Z = W @ X
    A = erf(Z)
    loss = np.mean(hinge(A))
    return loss


def test_the_outside_package_uses_nothing_but_the_public_face():
    source = Path(sys.modules["outside.special"].__file__).read_text()
    modules = {n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)}
    assert modules == {"autograd_lite.extend"}


def test_all_that_is_public_is_there():
    assert all(hasattr(extend, name) for name in extend.__all__)


@pytest.mark.parametrize("function", [erf, hinge])
def test_an_outside_operation_has_a_gradient_that_holds(function):
    al.gradcheck(function, np.array([-0.7, 0.2, 1.3]), order=1 if function is hinge else 2)


def test_an_outside_operation_compiles():
    compiled = al.compile(al.value_and_grad(loss_of))
    value, gradient = compiled(W, X)
    expected_value, expected = al.value_and_grad(loss_of)(W, X)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    assert "erf(" in compiled.source


def test_an_outside_operation_is_imported_by_a_derivation():
    derivation = al.derive(lambda W, X: np.mean(erf(W @ X)), W, X)
    assert "from outside.special import erf" in derivation.source
    value, cache = derivation.forward(W, X)
    gradients = derivation.backward(W, X, cache)
    np.testing.assert_allclose(value, np.mean(erf(W @ X)))
    expected = al.grad(lambda W, X: np.mean(erf(W @ X)))(W, X)
    np.testing.assert_allclose(gradients["dW"], expected, rtol=1e-12)
    assert r"\operatorname{erf}" in derivation.latex


@pytest.mark.parametrize("word", ["plain", 'a "quoted" word', "a\\b", "two\nlines", "it's", ""])
def test_a_word_that_an_outside_operation_takes_is_the_same_word_in_a_derivation(word):
    derivation = al.derive(lambda X: np.sum(looked_up(X, word)), X)
    value, cache = derivation.forward(X)
    np.testing.assert_allclose(value, len(word) * np.sum(X))
    assert np.all(derivation.backward(X, cache)["dX"] == len(word))


def test_an_argument_that_has_no_form_in_plain_numpy_is_named():
    with pytest.raises(TypeError) as caught:
        al.derive(lambda X: np.sum(looked_up(X, {"factor": 2.0})), X)
    assert str(caught.value) == (
        "the argument {'factor': 2.0} cannot be written in plain NumPy; numbers, strings, arrays "
        "and slices can, and lists and tuples of them"
    )


def test_an_argument_of_the_same_name_does_not_hide_an_imported_operation():
    derivation = al.derive(lambda erf_, W: np.sum(erf(W * erf_)), W, W)
    assert "from outside.special import erf" in derivation.source

    def shadowing(erf, W):
        return np.sum(extend_erf(W * erf))

    extend_erf = erf
    derivation = al.derive(shadowing, W, W)
    assert "from outside.special import erf as erf_2" in derivation.source
    value, _ = derivation.forward(W, W)
    np.testing.assert_allclose(value, np.sum(erf(W * W)))


def test_a_derivation_says_which_operation_nobody_could_import():
    @extend.primitive
    def local(z):
        return np.asarray([float(v) ** 3 for v in z])

    extend.defvjp(local, z=lambda g, z: 3 * g * z * z)
    with pytest.raises(TypeError, match="local has no form in plain NumPy, and no module"):
        al.derive(lambda z: np.sum(local(z)), np.ones(3))


def test_an_outside_operation_is_an_operator_of_onnx():
    pytest.importorskip("onnx", reason="ONNX is not installed")
    model = al.to_onnx(lambda W, X: erf(W @ X), W, X)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Erf"]


def test_an_outside_operation_is_drawn_with_its_sign_and_its_frame():
    picture = al.draw(lambda W, X: np.sum(scaled(Head(W)(X), X[:2])), W, X)
    assert "∘" in picture.source
    assert "Head" in picture.source


def test_an_outside_operation_is_marked():
    def forward(W, X):
        Z = W @ X
        A = erf(Z)
        loss = np.mean(A)
        return loss, (Z, A)

    def backward(W, X, cache):
        Z, A = cache
        dA = np.ones_like(A) / A.size
        dZ = dA * 1 / np.sqrt(np.pi) * np.exp(-Z * Z)
        dW = dZ @ X.T
        return {"dA": dA, "dZ": dZ, "dW": dW}

    report = al.check_derivation(forward, backward, W, X)
    assert not report.ok
    verdicts = {line.name: line.status for line in report.lines}
    assert verdicts == {"dA": "correct", "dZ": "wrong", "dW": "inherited"}


def test_replace_array_refuses_what_does_not_fit():
    leaf = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
    extend.replace_array(leaf, np.array([3.0, 4.0]))
    np.testing.assert_array_equal(leaf.data, [3.0, 4.0])
    with pytest.raises(ValueError, match=r"'w' of float64 \(2,\) cannot hold .* float64 \(3,\)"):
        extend.replace_array(leaf, np.ones(3))
    with pytest.raises(ValueError, match="the result of an operation, which holds no array"):
        extend.replace_array(leaf * 2, np.ones(2))


def test_a_compiled_function_may_read_what_changes_if_it_is_exempt():
    box = [1.0]
    double = extend.compiled(lambda x, factor: x * factor, exempt=[box])
    assert double(2.0, box[0]) == 2.0
    box[0] = 3.0
    assert double(2.0, box[0]) == 6.0


def loaded(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_what_is_not_used_is_not_loaded():
    modules = loaded("import autograd_lite")
    heavy = {f"autograd_lite.{name}" for name in ("check", "compiler", "pictures", "program")}
    assert not modules & (heavy | {"graphviz", "h5py", "dask", "sympy", "scipy", "onnx"})
    modules = loaded("from autograd_lite import nn; nn.Sequential; nn.cross_entropy; nn.fit")
    assert not modules & (heavy | {"graphviz", "h5py", "tqdm", "dask", "matplotlib", "sklearn"})
    assert not modules & {"autograd_lite.nn.by_hand", "autograd_lite.nn.estimators", "tempfile"}
    assert "numpy.random" not in modules
    own = {name for name in loaded("import nn") if name.startswith(("autograd_lite.nn.", "nn."))}
    assert own <= {"autograd_lite.nn.aliases"}


@pytest.mark.parametrize("name", nn.__all__)
def test_every_name_of_nn_is_found_by_its_module(name):
    assert name in dir(nn)
    assert nn.__getattr__(name) is getattr(nn, name)


@pytest.mark.parametrize("first", ["nn.data.batches", "nn.training.fit", "nn.layers.linear"])
def test_a_function_is_found_though_a_module_of_its_name_was_imported_first(first):
    loaded(
        f"import {first}; from nn import batches, fit; assert callable(batches) and callable(fit)"
    )


def test_no_rule_is_compiled_before_it_is_used():
    code = (
        "import numpy as np, autograd_lite as al; from autograd_lite.operations import OPERATIONS;"
        "assert not any(o.plans for o in OPERATIONS.values());"
        "np.exp(al.Tensor([0.0], requires_grad=True));"
        "assert [f for f, o in OPERATIONS.items() if o.plans] == [np.exp]"
    )
    loaded(code)


def test_estimators_are_listed_before_they_are_loaded():
    code = "from autograd_lite import nn; print(*nn.__all__); print(*dir(nn)); print(nn.estimators)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, listed, module = run.stdout.splitlines()
    assert {*names.split()} <= {*listed.split()}
    assert module.startswith("<module 'autograd_lite.nn.estimators'")


@pytest.mark.parametrize("name", al.__all__)
def test_every_public_name_is_there(name):
    found = getattr(al, name)
    assert callable(found) or name == "check"
    assert name in dir(al)


def test_a_shell_completes_public_names_and_no_others():
    offered = {name for name in dir(al) if not name.startswith("__")}
    assert offered == {*al.__all__, "nn"}


def test_public_names_are_functions_whichever_module_came_first():
    loaded(
        "import autograd_lite.pictures.text, autograd_lite.compiler.lowering;"
        "import autograd_lite.derivation.latex, autograd_lite.onnx.export;"
        "import autograd_lite.check.comparison, autograd_lite as al;"
        "assert all(callable(getattr(al, n)) for n in al.__all__ if n != 'check')"
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'autograd_lite' has no attribute 'gradd'"):
        al.gradd  # noqa: B018


def test_an_operation_with_a_constant_operand_is_compiled():
    @al.primitive
    def scale(x, y):
        return x * y

    al.defvjp(scale, x=lambda g, y: g * y, y=lambda g, x: g * x)
    slope = al.compile(al.grad(lambda x: np.sum(scale(x, 2.0))))
    assert slope(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    al.defvjp(scale, x=lambda g, y: 5 * g * y, y=lambda g, x: g * x)
    with pytest.raises(RuntimeError, match="compiled with operation.rules as it was then"):
        slope(np.ones(3))
