"""Formulas in mathematical notation."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.derivation.latex import Latex
from autograd_lite.derivation.notation import Formula
from autograd_lite.sheets.mathml import Equations

GRADIENTS = {"dZ1": "Z1", "d(Z - mu)": "Z - mu"}


@pytest.mark.parametrize(
    ("numpy", "latex"),
    [
        ("W1 @ X + b1", r"W_{1} \, X + b_{1}"),
        ("x * 0.25", r"0.25 \, x"),
        ("(Z - Y) * (1 / 4)", r"\frac{1}{4} \, \left(Z - Y\right)"),
        ("-Y / N", r"\frac{-Y}{N}"),
        ("dA * np.heaviside(Z1, 0.5)", r"\mathit{dA} \odot \mathbb{1}[Z_{1} > 0]"),
        ("np.sum(dZ1, axis=1, keepdims=True)", None),
        ("np.sqrt(var + 1e-05)", r"\sqrt{\mathit{var} + 10^{-5}}"),
        ("2.5e-07 * x", r"2.5 \cdot 10^{-7} \, x"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("(x * a) @ B", r"\left(x \odot a\right) \, B"),
        ("x * (a @ B)", r"x \odot a \, B"),
        ("2 * x @ B", r"2 \, x \, B"),
        ("gamma * x_hat", r"\gamma \odot \mathit{x\_hat}"),
        ("np.broadcast_to(x, (3, 6))", "x"),
        ("X[0].T", r"X_{\text{0}}^T"),
        ("np.mean((a - b) ** 2)", r"\operatorname{mean} \left(\left(a - b\right)^{2}\right)"),
    ],
)
def test_latex(numpy, latex):
    found = Formula(Latex(), "J", GRADIENTS).written(numpy)
    if latex is None:
        latex = r"\sum_{\text{axis 1}} \frac{\partial J}{\partial Z_{1}}"
    assert found == latex


def test_a_gradient_is_never_the_start_of_a_chain_to_itself():
    def loss(w, x):
        z = w @ x
        return np.sum(z * z) + np.sum(w)

    latex = al.derive(loss, np.ones((1, 2)), np.ones((2, 3))).latex
    for line in latex.splitlines():
        left, _, right = line.partition(" &= ")
        assert left not in right.split(" = ")
        assert "heaviside" not in latex


def elements(tree):
    yield tree[0]
    for child in tree[1:]:
        if isinstance(child, list):
            yield from elements(child)


def test_mathml_is_made_of_elements_of_its_core():
    core = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msub", "msup"}
    writer = Equations(GRADIENTS)
    for text in ("dZ1 @ X.T", "d(Z - mu) / np.sqrt(v)", "np.exp(-Z) ** 2", "x[0, 1:]", "a <b"):
        tree = writer.equation("dZ1", text)
        assert set(elements(tree)) <= core
    tree = writer.equation("dW", "dZ1 @ X.T")
    assert tree[1:3] == [["mi", "dW"], ["mo", "="]]
    assert ["mfrac", ["mrow", ["mo", "∂"], ["mi", "J"]]] == tree[3][:2]


def test_text_that_is_no_python_stands_as_it_is():
    assert Equations({}).equation("<b>", "<img> &")[3] == ["mtext", "<img> &"]
