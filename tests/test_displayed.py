"""Arrays are unlocked when a notebook's display is all that keeps a graph."""

import subprocess
import sys

import pytest

pytest.importorskip("IPython")

RUN = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def cell(text):
    shell.run_cell(text, store_history=True).raise_error()
cell("import numpy as np, autograd_lite as al")
cell("W = al.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name='W')")
cell("X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]); before = X.copy()")
def wanted():
    V = shell.user_ns["al"].Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    shell.user_ns["f"](V, shell.user_ns["before"]).backward()
    return V.grad
"""

FUNCTIONS = {
    "a product": "np.sum(np.exp(W @ X / 10))",
    "views": "np.sum(np.square(X.T[:2] @ W.T.reshape(2, 2)[::-1]))",
    "a list of operands": "np.sum(np.square(np.concatenate([W, X], axis=1)))",
    "several results": "np.split(W * X[:, :2], 2)[0].sum()",
    "einsum": "np.sum(np.einsum('ij,jk->ik', W, X) ** 2)",
}


def run(text):
    found = subprocess.run(
        [sys.executable, "-c", RUN + text], capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_displayed_result_locks_nothing_and_can_be_differentiated(name):
    run(f"""
import numpy as np
cell("f = lambda W, X: {FUNCTIONS[name]}")
cell("f(W, X)")
cell("assert al.why_locked(X) is None and al.why_locked(W) is None; X[...] = 0")
cell("old = W.data.copy(); W.data[...] = 7; _5.backward(); W.data[...] = old")
np.testing.assert_allclose(shell.user_ns["W"].grad, wanted(), rtol=1e-12)
""")


def test_a_result_that_has_a_name_as_well_keeps_its_locks():
    out = run("""
cell("loss = np.sum(W * W)")
cell("loss")
cell("print(al.why_locked(W))")
cell("del loss")
cell("print(al.why_locked(W))")
""")
    first, second = [line for line in out.splitlines() if not line.startswith("Out[")][-2:]
    assert "multiply keeps it" in first
    assert second == "None"


def test_what_another_result_shares_with_a_displayed_one_stays_locked():
    out = run("""
cell("hidden = np.exp(W)")
cell("total = np.sum(hidden * X[:, :2])")
cell("hidden.sum()")
cell("print(al.why_locked(X))")
""")
    assert "multiply keeps it" in out
