"""The examples as a person runs them: what they print, write and refuse."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import nn

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = EXAMPLES / "data" / "digits.h5"


def run(script, *arguments, cwd):
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, EXAMPLES / script, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """Runs a script in this process; returns the one sentence that it ends with."""

    def run(script, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        assert caught.value.code == 2
        message = capsys.readouterr().err.splitlines()[-1]
        # argparse says the name of the program first.
        assert re.match(rf"(?:{script}: )?error: ", message)
        return message

    return run


def write_pictures(path, **changes):
    """A file of the article's layout; `changes` replace datasets, None leaves one out."""
    rng = np.random.default_rng(0)
    datasets = {
        "train_set_x": rng.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8),
        "train_set_y": np.arange(20) % 2,
        "test_set_x": rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8),
        "test_set_y": np.arange(6) % 2,
        "list_classes": np.array([b"non-cat", b"cat"]),
    }
    with h5py.File(path, "w") as file:
        for name, values in {**datasets, **changes}.items():
            if values is not None:
                file[name] = values
    return path


@pytest.mark.parametrize(
    ("script", "accuracy", "options"),
    [
        ("deep_classifier.py", 0.9, ("--iterations", 400)),
        pytest.param("deep_classifier.py", 0.96, (), marks=pytest.mark.slow),
        ("logistic_regression.py", 0.9, ()),
    ],
)
def test_the_main_job(script, accuracy, options, tmp_path):
    done = run(script, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "correct" in done.stdout and "wrong" not in done.stdout
    line = next(s for s in done.stdout.splitlines() if s.startswith("test accuracy"))
    assert float(line.split()[2]) >= 100 * accuracy
    assert re.search(r"epoch (\d+)/\1, loss=", done.stderr)
    out = tmp_path / "out"
    assert sorted(p.name for p in out.iterdir()) == ["cost.png", "graph.svg", "model.h5"]
    for name in ("cost.png", "graph.svg", "model.h5"):
        assert f"written: {Path('out', name)}" in done.stdout
    assert (out / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "graph.svg").read_text()
    if script == "deep_classifier.py":
        model = nn.load(out / "model.h5", nn.DeepClassifier((20, 7, 5)))
        assert all(f">{name}</text>" in (out / "graph.svg").read_text() for name in ("W4", "b1"))
        odd = ["1", "3", "5", "7", "9"]
        _, _, test_X, test_Y, _ = nn.load_data(DIGITS, DIGITS, positive=odd)
        assert model.score(test_X.T, test_Y[0]) >= accuracy


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed(tmp_path):
    done = run("distributed.py", "--kill", "--samples", 8000, "--steps", 12, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "killed the worker at tcp://" in done.stdout
    assert "\r" not in done.stdout
    assert len(re.findall(r"cost \S+ -> \S+ in", done.stdout)) == 2
    difference = re.search(r"largest difference of the costs (\S+);", done.stdout)
    assert float(difference[1]) < 1e-10


@pytest.mark.parametrize(
    ("script", "defaults"),
    [
        ("deep_classifier.py", ["digits", "0.07", "2000", "out", "20 7 5", "0"]),
        ("logistic_regression.py", ["the odd digits", "0.5", "1000", "out"]),
        ("gallery.py", ["gallery", "1000"]),
        ("distributed.py", ["2", "100000", "30"]),
        ("derive.py", ["out"]),
        ("find_the_mistake.py", []),
    ],
)
def test_help_shows_the_defaults(script, defaults, monkeypatch, capsys):
    if script == "distributed.py":
        pytest.importorskip("distributed", reason="the example needs the extra cluster")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert caught.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    for default in defaults:
        assert f"(default: {default})" in told


@pytest.mark.parametrize(
    ("script", "package", "extra"),
    [
        ("deep_classifier.py", "matplotlib", "examples"),
        ("gallery.py", "matplotlib", "examples"),
        ("distributed.py", "dask.distributed", "cluster"),
    ],
)
def test_an_extra_that_is_missing_is_told_before_any_work(
    script, package, extra, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    told = capsys.readouterr()
    assert told.out == ""
    message = told.err or f"{caught.value.code}\n"
    assert message.startswith("error: this example ") and message.count("\n") == 1
    assert message.endswith(f"pip install '.[{extra}]'\n")
    assert not any(tmp_path.iterdir())


def test_the_quickstart(tmp_path):
    done = run("quickstart.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [s.split()[0] for s in done.stdout.splitlines()] == ["gradient", "dZ", "dW", "db"]
    assert "wrong" not in done.stdout


@pytest.mark.slow
def test_files_of_ones_own(tmp_path):
    file = write_pictures(tmp_path / "cats.h5")
    files = ("--train", file, "--test", file)
    done = run("deep_classifier.py", *files, "--iterations", 20, "--layers", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "'non-cat' (0) or 'cat' (1)" in done.stdout


BAD_FILES = {
    "no labels": ({"train_set_y": None}, "train_set_y"),
    "too few labels": ({"train_set_y": np.arange(19) % 2}, "19"),
    "one class": ({"train_set_y": np.ones(20, int)}, "one class"),
    "nan": ({"train_set_x": np.full((20, 4, 4, 3), np.nan)}, "NaN"),
}


@pytest.mark.parametrize("script", ["deep_classifier.py", "logistic_regression.py"])
@pytest.mark.parametrize("bad", BAD_FILES)
def test_bad_files(script, bad, tmp_path, refused):
    changes, mentioned = BAD_FILES[bad]
    file = write_pictures(tmp_path / "cats.h5", **changes)
    assert mentioned in refused(script, "--train", file, "--test", file)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "mentioned"),
    [
        (("--train", "nowhere.h5", "--test", "nowhere.h5"), "nowhere.h5"),
        (("--train", "damaged.h5", "--test", "damaged.h5"), "damaged.h5"),
        (("--train", "damaged.h5"), "--test"),
        (("--positive", "eleven"), "error: --positive names the class 'eleven'"),
        (("--train", DIGITS, "--test", DIGITS), "by --positive CLASS ..."),
        (("--learning-rate", "-1"), "--learning-rate: must be a number above 0, not '-1'"),
        (("--iterations", "0"), "--iterations: must be a whole number from 1, not '0'"),
        (("--layers", "3", "x"), "--layers: must be a whole number from 1, not 'x'"),
        (("--seed", "-1"), "--seed: must be a whole number from 0, not '-1'"),
    ],
)
def test_bad_arguments(arguments, mentioned, tmp_path, refused):
    write_pictures(tmp_path / "damaged.h5")
    whole = (tmp_path / "damaged.h5").read_bytes()
    (tmp_path / "damaged.h5").write_bytes(whole[: len(whole) // 2])
    assert mentioned in refused("deep_classifier.py", *arguments)


def test_an_output_folder_that_cannot_be(tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = run("logistic_regression.py", "--output", "taken", "--iterations", 2, cwd=tmp_path)
    assert_one_sentence(done, "taken")
    assert (tmp_path / "taken").read_text() == "a file"


def assert_one_sentence(done, mentioned):
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    message = done.stderr.splitlines()[-1]
    assert message.startswith("error: ")
    assert mentioned in message


@pytest.mark.slow
def test_find_the_mistake_names_one_mistake_after_the_other(tmp_path):
    done = run("find_the_mistake.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reports = done.stdout.split("--- ")[1:]
    expected = [
        "line 10 raised TypeError: Cannot interpret '1' as a data type",
        "line 10 raised ValueError: shapes (9,1) and (9,1) not aligned",
        "line 12 raised NameError: name 'dA' is not defined",
        "line 13 raised KeyError: '3'",
        "the layer number is one too high",
        "the index l + 1 should be l",
    ]
    forms = {
        "two functions": "1 - H should be 1 - H ** 2",
        "one function": "the division by len(X) should be left out",
        "methods of a class": "T - self.out has the wrong sign",
        "a layer with": "axis=1 should be axis=0",
        "a script": "line 12",
    }
    assert len(reports) == len(expected) + 1 + len(forms)
    for report, message in zip(reports, expected, strict=False):
        assert message in report
        assert "wrong" in report
    assert "wrong" not in reports[len(expected)]
    assert "gradients of 9 times the loss" in reports[len(expected)]
    for report, (form, message) in zip(reports[len(expected) + 1 :], forms.items(), strict=True):
        assert report.startswith(form)
        assert message in report
        assert report.count("  wrong") == 1


@pytest.mark.slow
def test_the_gallery(tmp_path):
    done = run("gallery.py", "--updates", 30, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "gallery"
    index = (folder / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'(?:src|href)="([^"]+)"', index)
    assert {p.name for p in folder.iterdir()} == {"index.html", *names}
    assert {Path(name).suffix for name in names} == {".svg", ".png", ".html"}
    for svg in folder.glob("*.svg"):
        assert "</svg>" in svg.read_text(encoding="utf-8")


@pytest.mark.slow
def test_derive_writes_the_derivation_and_the_program(tmp_path):
    done = run("derive.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "    dZ2 = (A2 - Y) / N  # (1, 400)\n" in done.stdout
    assert "wrong" not in done.stdout and done.stdout.count("correct") == 7
    assert "step, compiled:" in done.stdout
    cost = re.search(r"the cost after 1000 steps: (\S+)", done.stdout)
    assert cost is not None and float(cost.group(1)) < 0.1
    source = (tmp_path / "out" / "derivation.py").read_text()
    assert "autograd_lite" not in source and "def forward(" in source
    assert "</svg>" in (tmp_path / "out" / "program.svg").read_text()
