"""check_script, the command line, and the notebook's magic."""

import csv
import json
import subprocess
import sys
import time

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.__main__ import main
from autograd_lite.check.cells import cell_source

LOOP = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(6, 3)); T = rng.normal(size=(6, 1))
w_in = rng.normal(size=(3, 4)); w_out = rng.normal(size=(4, 1))
for step in range(20):
    hid = np.tanh(X @ w_in)
    out = hid @ w_out
    loss = 0.5 * np.sum((out - T) ** 2)
    out_delta = out - T
    hid_delta = (out_delta @ w_out.T) * (1 - hid ** 2)
    print("a step")
    w_out -= 0.01 * hid.T @ out_delta
    w_in -= 0.01 * X.T @ hid_delta
"""

XOR = """
import numpy as np
rng = np.random.default_rng(1)
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0, 1, 1, 0]]).T
syn0 = 2 * rng.random((3, 4)) - 1
syn1 = 2 * rng.random((4, 1)) - 1
for j in range(60000):
    l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    l2_error = y - l2
    l2_delta = l2_error * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
"""

NO_LOOP = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(5, 3)); t = rng.normal(size=(5, 2))
w1 = rng.normal(size=(3, 4)); w2 = rng.normal(size=(4, 2))
h = x.dot(w1)
h_relu = np.maximum(h, 0)
y_pred = h_relu.dot(w2)
loss = np.square(y_pred - t).sum()
grad_y_pred = 2.0 * (y_pred - t)
grad_w2 = h_relu.T.dot(grad_y_pred)
grad_h = grad_y_pred.dot(w2.T)
grad_h[h < 0] = 0
grad_w1 = x.T.dot(grad_h)
"""


def blamed(report):
    return [(line.line, line.cause) for line in report if line.status == "wrong"]


def line_of(text, part):
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("text", [LOOP, XOR, NO_LOOP], ids=["loop", "no loss", "no loop"])
def test_right_scripts(text):
    report = al.check_script(text, show=False)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("text", "old", "new", "cause"),
    [
        (LOOP, "(1 - hid ** 2)", "(1 - hid)", "activation"),
        (LOOP, "0.01 * hid.T @ out_delta", "0.01 * hid.T @ out", "operand"),
        (XOR, "l2_error * (l2 * (1 - l2))", "l2_error * l2", "activation"),
        (NO_LOOP, "h < 0", "h > 0", "mask"),
        (NO_LOOP, "2.0 * (y_pred - t)", "2.0 * (y_pred + t)", "sign"),
    ],
)
def test_the_line_of_a_mistake(text, old, new, cause):
    wrong = text.replace(old, new)
    assert blamed(al.check_script(wrong, show=False)) == [(line_of(wrong, new), cause)]


def test_a_weight_that_is_updated_too_early():
    lines = LOOP.splitlines()
    lines.insert(line_of(LOOP, "out_delta = out - T"), lines.pop(-2))
    text = "\n".join(lines) + "\n"
    report = al.check_script(text, show=False)
    assert blamed(report) == [(line_of(text, "hid_delta ="), "operand")]
    where = line_of(text, "w_out -=")
    assert f"w_out is updated in line {where}, before this line reads it" in str(report)


def test_the_loss_as_an_expression():
    report = al.check_script(XOR, loss="np.sum((y - l2) ** 2) / 2", show=False)
    assert report.ok


def test_a_loop_inside_of_a_function():
    body = "".join(f"    {line}\n" for line in LOOP.splitlines()[2:])
    text = f"import numpy as np\ndef train():\n{body}\nif __name__ == '__main__':\n    train()\n"
    assert al.check_script(text, show=False).ok
    assert al.check_script(text, function="train", show=False).ok
    with pytest.raises(ValueError, match=r"finds no loop with the loss 'loss' in other\(\)"):
        al.check_script(text, function="other", show=False)


def test_a_variable_of_a_function_is_not_that_of_the_module():
    text = """
import numpy as np
X, T, rate = np.arange(8.0).reshape(4, 2), np.ones(4), 3.0
def scaled(a):
    return rate * a
def train():
    w, rate = np.array([0.5, -0.25]), 0.1
    for step in range(2):
        error = scaled(X @ w) - T
        loss = 0.5 * np.sum(error ** 2)
        w -= rate * (X.T @ error * 3)
train()
"""
    report = al.check_script(text, show=False)
    assert report.ok and report.lines, str(report)
    wrong = text.replace("error * 3", "error * rate")
    assert blamed(al.check_script(wrong, show=False)) == [(line_of(text, "w -="), "factor")]


STEPS = """
rows = slice(0, 3)
error = X[rows] @ w - T[rows]
loss = 0.5 * np.sum(error ** 2)
dw = X[rows].T @ error
w -= 0.01 * dw
"""
SUMS = """
loss, dw = 0.0, np.zeros(2)
for x, t in zip(X, T):
    error = x @ w - t
    loss += 0.5 * error ** 2
    dw += error * x
w -= 0.01 * dw
"""


def in_loops(steps, count=1):
    heads = "".join(f"{'    ' * i}for i{i} in range(2):\n" for i in range(count))
    return heads + "".join(f"{'    ' * count}{line}\n" for line in steps.splitlines()[1:])


@pytest.mark.parametrize(
    ("loops", "lines"),
    [
        (in_loops(STEPS, 2), [10]),
        (in_loops(STEPS) + in_loops(STEPS), [9]),
        (in_loops("\npass") + in_loops(STEPS), [11]),
        (in_loops(STEPS) + in_loops(STEPS, 2), [16]),
        # Inside of the loop over samples nothing is updated.
        (in_loops(SUMS), [8, 10]),
    ],
    ids=["innermost", "first", "one with a loss", "deepest", "one with an update"],
)
def test_the_loop_that_is_marked(loops, lines):
    head = "import numpy as np\nX, T = np.arange(12.0).reshape(6, 2) / 7, np.linspace(0, 1, 6)\n"
    report = al.check_script(f"{head}w = np.array([0.3, -0.2])\n\n{loops}", show=False)
    assert report.ok
    assert [line.line for line in report] == lines


def test_what_a_script_prints_is_not_shown(capsys):
    al.check_script(LOOP, show=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nfor", "line 2 of .* is not valid Python"),
        ("x = 1\n", "finds no variable called loss or cost"),
        (
            "import sys\nsys.exit()\nfor i in range(2):\n    loss = i\n    w -= loss\n",
            "ended before",
        ),
        ("1 / 0\nfor i in range(2):\n    loss = i\n    w -= loss\n", "line 1 .* ZeroDivisionError"),
    ],
)
def test_scripts_that_cannot_be_marked(text, message):
    with pytest.raises(ValueError, match=message):
        al.check_script(text, show=False)


def test_the_command(tmp_path, capsys):
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(LOOP)
    wrong.write_text(LOOP.replace("(1 - hid ** 2)", "(1 - hid)"))
    assert main(["mark", str(right)]) == 0
    assert main(["mark", str(wrong), "--loss", "loss"]) == 1
    assert "1 - hid should be 1 - hid ** 2" in capsys.readouterr().out
    assert main(["mark", str(wrong), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert main(["mark", str(tmp_path / "absent.py")]) == 2
    assert "there is no .py or .ipynb file" in capsys.readouterr().err


def test_the_command_on_a_folder(tmp_path, capsys):
    (tmp_path / "a.py").write_text(LOOP)
    (tmp_path / "b.py").write_text(LOOP.replace("out - T\n", "T - out\n"))
    (tmp_path / "c.py").write_text("this is no Python\n")
    cells = [{"cell_type": "markdown", "source": ["# text"]}]
    cells += [{"cell_type": "code", "source": ["%matplotlib inline\n", *NO_LOOP.splitlines(True)]}]
    (tmp_path / "d.ipynb").write_text(json.dumps({"cells": cells}))
    table = tmp_path / "table.csv"
    assert main(["mark", str(tmp_path), "--csv", str(table)]) == 2
    printed = capsys.readouterr()
    assert "this runs the code of a.py, b.py, c.py, d.ipynb" in printed.err
    with table.open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert [row["verdict"] for row in rows.values()] == ["right", "wrong", "not marked", "right"]
    assert rows["b.py"]["lines"] == str(line_of(LOOP, "out_delta = out - T"))
    assert rows["b.py"]["why"] == "sign"


ENDINGS = {
    "an endless loop": ("while True:\n    pass", "was stopped after 2 s"),
    "an endless loop that catches all": (
        "while True:\n    try:\n        pass\n    except BaseException:\n        pass",
        "was stopped after 2 s",
    ),
    "os._exit": ("import os\nos._exit(0)", "ended its process with exit status 0"),
    "sys.exit": ("import sys\nsys.exit(0)", "ended before line"),
    "a signal": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "ended its process by SIGSEGV",
    ),
    "an exit in a thread": (
        "import os, threading, time\nthreading.Thread(target=lambda: os._exit(5)).start()\n"
        "time.sleep(9)",
        "ended its process with exit status 5",
    ),
    "a recursion": ("def f():\n    f()\nf()", "RecursionError"),
    "a question": ("input('your name: ')", "EOFError"),
    "its parent": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.slow
def test_no_file_ends_the_marking_of_a_folder(tmp_path):
    for i, (text, _) in enumerate(ENDINGS.values()):
        (tmp_path / f"{i}.py").write_text(f"{text}\n{LOOP}")
    (tmp_path / "z.py").write_text(LOOP)
    table = tmp_path / "table.csv"
    assert main(["mark", str(tmp_path), "--limit", "2", "--csv", str(table)]) == 2
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, (name, (_, why)) in zip(rows, ENDINGS.items(), strict=False):
        assert (row["verdict"], why in row["why"]) == ("not marked", True), (name, row)
    assert (rows[-1]["file"], rows[-1]["verdict"]) == ("z.py", "right")


@pytest.mark.slow
def test_a_loop_inside_of_the_pass_ends_as_well(tmp_path, capsys):
    path = tmp_path / "train.py"
    path.write_text(LOOP.replace("    loss", "    while step == 0:\n        pass\n    loss", 1))
    assert main(["mark", str(path), "--limit", "2"]) == 2
    assert "was stopped after 2 s" in capsys.readouterr().err


def test_what_a_file_has_started_ends_with_it_and_what_it_says_is_not_shown(tmp_path, capfd):
    path = tmp_path / "train.py"
    mark = tmp_path / "alive"
    child = (
        f"import time\nwhile True:\n    open({str(mark)!r}, 'a').write('.')\n    time.sleep(0.02)\n"
    )
    path.write_text(
        f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "import os\nos.write(1, b'noise')\nos.write(2, b'noise')\n"
        f"while not os.path.exists({str(mark)!r}):\n    time.sleep(0.02)\n{LOOP}"
    )
    assert main(["mark", str(path)]) == 0
    shown = capfd.readouterr()
    assert "noise" not in shown.out + shown.err
    size = mark.stat().st_size
    time.sleep(0.3)
    assert mark.stat().st_size == size


def test_nothing_to_be_marked_is_no_right_derivation(tmp_path, capsys):
    path = tmp_path / "train.py"
    path.write_text(LOOP.replace("w_in = ", "w_in = np.nan * ", 1))
    assert main(["mark", str(path)]) == 2
    assert "no gradient can be told right from wrong" in capsys.readouterr().out


def test_the_command_as_a_module(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(LOOP)
    done = subprocess.run(
        [sys.executable, "-m", "autograd_lite", "mark", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "correct" in done.stdout


CELLS = {
    "%matplotlib inline": "pass",
    "    %matplotlib inline": "    pass",
    "!pip install numpy": "pass",
    "x = !ls": "x = []",
    "a.b = !ls -l | grep = ": "a.b = []",
    "here = %pwd": "here = []",
    "%time y = 3": "y = 3",
    "%timeit -n 3 f(x)": "pass",
    "np.dot?": "pass",
    "?np.dot": "pass",
    "np.dot??": "pass",
    "!ls \\\n  -l": "pass\n",
    "!ls \\": "pass",
    "%%time\ny = 3": "\ny = 3",
    "%%capture out\ny = 3\n%time z = 4": "\ny = 3\nz = 4",
    "%%bash\nls -l\nfor f in *": "\n\n",
    "\n%%html\n<b>": "\n\n",
    "text = '''\n%time\n!ls\n'''": "text = '''\n%time\n!ls\n'''",
    "y = (7\n     % 4)\n!ls": "y = (7\n     % 4)\npass",
    "this is no Python": "this is no Python",
    # Python counts a carriage return as the end of a line, too.
    "y = 1\r!ls": "y = 1\r!ls",
}


@pytest.mark.parametrize(("cell", "source"), CELLS.items())
def test_the_python_of_a_cell(cell, source):
    before = "if True:\n" if cell.startswith("    ") else ""
    assert cell_source(before + cell) == before + source
    assert cell_source(cell).count("\n") == cell.count("\n")


def test_a_notebook_with_cells_for_the_shell(tmp_path):
    cells = ["%%bash\nls | wc -l", "files = !ls\n%matplotlib inline\nimport numpy as np\n?np.dot"]
    cells += ["%%time\n" + LOOP.replace("import numpy as np\n", ""), "np.dot?\n%time print(files)"]
    found = [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps({"cells": found}))
    assert al.check_script(path, show=False).ok


def test_the_magic(capsys):
    testing = pytest.importorskip("IPython.testing.globalipapp")
    shell = testing.start_ipython() or testing.get_ipython()
    al.load_ipython_extension(shell)
    shell.user_ns.update(np=np, W=np.ones((2, 1)), X=np.ones((3, 2)), T=np.zeros((3, 1)))
    cell = "Z = X @ W\nloss = 0.5 * np.sum((Z - T) ** 2)\ndZ = Z + T\ndW = X.T @ dZ * 2\n"
    shell.run_cell_magic("check_derivation", "loss", cell)
    assert "wrong (factor)" in capsys.readouterr().out
    assert "dW" in shell.user_ns


class Shell:
    """What the magic asks of IPython."""

    def __init__(self, **variables):
        self.user_ns, self.ran, self.magics = variables, [], {}

    def register_magic_function(self, function, kind, name):
        self.magics[kind, name] = function

    def run_cell(self, cell):
        self.ran.append(cell)


class Untouchable:
    def __deepcopy__(self, memo):
        pytest.fail("what the cell does not name is not looked at")


def test_the_magic_sees_the_variables_that_the_cell_names(capsys):
    shell = Shell(np=np, _W=np.ones((2, 1)), X=np.ones((3, 2)), Out={1: Untouchable()})
    al.load_ipython_extension(shell)
    shell.user_ns |= {"T": np.zeros((3, 1)), "_": Untouchable()}
    cell = "Z = X @ _W\ndZ = Z - T\nd_W = X.T @ dZ\n"
    shell.magics["cell", "check_derivation"]("0.5 * np.sum((Z - T) ** 2)", cell)
    assert "d_W       _W  (2, 1)  0.00e+00            0.00e+00  correct" in capsys.readouterr().out
    assert shell.ran == [cell]


def test_modules_beside_one_script_are_not_those_beside_another(tmp_path):
    text = LOOP.replace("import numpy as np", "import numpy as np\nfrom helper import slope")
    text = text.replace("(1 - hid ** 2)", "slope(hid)")
    reports = []
    for name, body in (("a", "1 - h ** 2"), ("b", "1 - h")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "helper.py").write_text(f"def slope(h):\n    return {body}\n")
        (folder / "train.py").write_text(text)
        reports.append(al.check_script(folder / "train.py", show=False))
    assert [report.ok for report in reports] == [True, False]
    assert "helper" not in sys.modules


def test_the_process_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mine", "--option"])
    before = np.random.get_state()[1].copy()
    given = np.ones((3, 4))
    text = "import os, sys\nos.environ['HERS'] = '1'\nimport numpy as np\nnp.random.seed(3)\n"
    text += f"os.chdir({str(tmp_path)!r})\nassert sys.argv[1:] == []\nw_in *= 0.5\n"
    text += LOOP.replace("w_in = rng.normal(size=(3, 4)); ", "")
    assert al.check_script(text, namespace={"w_in": given}, show=False).ok
    assert np.array_equal(np.random.get_state()[1], before)
    assert sys.argv == ["mine", "--option"] and np.all(given == 1)


@pytest.mark.parametrize(
    ("text", "loss", "message"),
    [
        (LOOP, "cost", "check_script() finds no variable 'cost': the script has T, X, hid, hid"),
        (LOOP, "1 +", "loss='1 +' is neither a variable nor an expression"),
        ("nowhere.py", None, "check_script() takes the path of a file, or the text of a script of "
         "several lines; there is no file 'nowhere.py'"),
    ],
)  # fmt: skip
def test_what_a_script_does_not_have_is_refused(text, loss, message):
    with pytest.raises(ValueError) as caught:
        al.check_script(text, loss)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("name", "what"), [("pass.py", "text file"), ("pass.ipynb", "notebook")])
def test_a_file_of_another_kind_is_refused(name, what, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"\xff\x00" if what == "text file" else b"no")
    with pytest.raises(ValueError) as caught:
        al.check_script(path)
    assert str(caught.value) == f"{path} is not a {what}"
