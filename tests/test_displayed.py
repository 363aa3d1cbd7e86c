"""Arrays are unlocked when a notebook's display is all that keeps a graph."""

import subprocess
import sys

import numpy as np
import pytest
from forked import forked

import autograd_lite as al
from autograd_lite.displayed import watch_notebook

interactiveshell = pytest.importorskip("IPython.core.interactiveshell")

BEFORE = [
    "import numpy as np, autograd_lite as al",
    "W = al.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name='W')",
    "X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]); before = X.copy()",
]

FUNCTIONS = {
    "a product": "np.sum(np.exp(W @ X / 10))",
    "views": "np.sum(np.square(X.T[:2] @ W.T.reshape(2, 2)[::-1]))",
    "a list of operands": "np.sum(np.square(np.concatenate([W, X], axis=1)))",
    "several results": "np.split(W * X[:, :2], 2)[0].sum()",
    "einsum": "np.sum(np.einsum('ij,jk->ik', W, X) ** 2)",
}


def run(*cells, then=lambda names: None):
    """What a notebook of these cells prints; `then` is called with its names at the end."""

    def notebook():
        shell = interactiveshell.InteractiveShell.instance()
        watch_notebook()
        for cell in (*BEFORE, *cells):
            shell.run_cell(cell, store_history=True).raise_error()
        then(shell.user_ns)

    code, printed = forked(notebook)
    assert code == 0, printed
    return printed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_displayed_result_locks_nothing_and_can_be_differentiated(name):
    def gradient_is_right(names):
        V = al.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        names["f"](V, names["before"]).backward()
        np.testing.assert_allclose(names["W"].grad, V.grad, rtol=1e-12)

    run(
        f"f = lambda W, X: {FUNCTIONS[name]}",
        "f(W, X)",
        "assert al.why_locked(X) is None and al.why_locked(W) is None; X[...] = 0",
        "old = W.data.copy(); W.data[...] = 7; _5.backward(); W.data[...] = old",
        then=gradient_is_right,
    )


def test_a_result_that_has_a_name_as_well_keeps_its_locks():
    out = run(
        "loss = np.sum(W * W)",
        "loss",
        "print(al.why_locked(W))",
        "del loss",
        "print(al.why_locked(W))",
    )
    first, second = [line for line in out.splitlines() if not line.startswith("Out[")][-2:]
    assert "multiply keeps it" in first
    assert second == "None"


def test_what_another_result_shares_with_a_displayed_one_stays_locked():
    out = run(
        "hidden = np.exp(W)",
        "total = np.sum(hidden * X[:, :2])",
        "hidden.sum()",
        "print(al.why_locked(X))",
    )
    assert "multiply keeps it" in out


def test_importing_it_in_a_notebook_is_enough():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in ("import numpy as np, autograd_lite as al; X = np.ones(2)",
             "np.exp(al.Tensor(X, requires_grad=True, copy=False))",
             "X[:] = 0"):
    shell.run_cell(cell, store_history=True).raise_error()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


CHECKED = "al.compare(np.sum(W**2), {'dW': -2 * W.data})"


@pytest.mark.parametrize(
    ("cells", "tables"),
    [
        ([CHECKED], 1),
        ([f"report = {CHECKED}"], 1),
        ([f"report = {CHECKED}", "report"], 2),
        ([f"report = {CHECKED[:-1]}, show=False)"], 0),
        ([f"{CHECKED[:-1]}, show=False)"], 1),
        ([f"{CHECKED}; {CHECKED}"], 2),
    ],
)
def test_a_notebook_shows_a_report_once_in_a_cell(cells, tables):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    sources = [nbformat.v4.new_code_cell(source) for source in (*BEFORE[:2], *cells)]
    page = nbformat.v4.new_notebook(cells=sources)
    nbclient.NotebookClient(page, kernel_name="python3", timeout=120).execute()
    outputs = [output for cell in page.cells for output in cell.outputs]
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    assert len(shown) == len(outputs) == tables
    for data in shown:
        assert data["text/plain"].splitlines()[-1] == "dW[1, 1] is -8, and should be 8"
        assert data["text/html"].startswith("<table>")


def test_a_shell_without_a_front_end_prints_a_report_and_names_it():
    printed = run(CHECKED)
    assert printed.count("largest difference") == 1
    assert "<Report: 0 of 1 gradients right>" in printed
