"""The subcommands of `python -m autograd_lite`; `mark` is tested with the checker."""

import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import nn
from autograd_lite.terminal import main

DIGITS = str(Path(__file__).parents[1] / "examples" / "data" / "digits.h5")
ODD = ("--positive", "1", "3", "5", "7", "9")


@pytest.fixture
def model(tmp_path, capsys):
    path = tmp_path / "model.h5"
    options = ("--layers", "6", "4", "--rate", "0.05", "--iterations", "150", "--output", str(path))
    assert main(["train", DIGITS, DIGITS, *ODD, *options]) == 0
    (tmp_path / "told").write_text(capsys.readouterr().out)
    return path


def test_a_classifier_is_trained_and_predicts_as_it_did(model, capsys):
    told = (model.parent / "told").read_text()
    assert f"written: {model}" in told
    assert main(["predict", str(model), DIGITS]) == 0
    predicted = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
    with h5py.File(DIGITS) as file:
        is_odd = np.isin(file["test_set_y"], [1, 3, 5, 7, 9])
    right = np.mean(np.array(predicted, float) == is_odd)
    scored = float(re.search(r"in the test ([\d.]+) %", told)[1]) / 100
    assert right == pytest.approx(scored, abs=1e-4)


@pytest.mark.parametrize(
    "estimator",
    [
        nn.DeepClassifier((5, 3), activation="tanh", max_iter=3),
        nn.DeepClassifier((4,), activation="relu", at_zero=0, max_iter=3),
        nn.DeepRegressor((4, 2), activation="gelu", max_iter=3),
        nn.LogisticRegression(max_iter=3),
        nn.LinearRegression(max_iter=3),
    ],
    ids=repr,
)
def test_an_estimator_is_made_anew_from_its_file_alone(estimator, tmp_path):
    from autograd_lite.nn.saved import estimator_in

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 3
    nn.save(estimator.fit(X, y), tmp_path / "model.h5")
    again = estimator_in(tmp_path / "model.h5")
    assert type(again) is type(estimator)
    assert np.array_equal(again.predict(X), estimator.predict(X))


def test_what_is_in_a_file_is_said(model, capsys):
    assert main(["check", str(model)]) == 0
    told = capsys.readouterr().out
    assert "layers.0.weight" in told and "DeepClassifier" in told


@pytest.mark.parametrize("damage", ["cut", "text", "missing"])
def test_a_damaged_file_is_one_sentence(damage, model, capsys):
    if damage == "cut":
        model.write_bytes(model.read_bytes()[:-100])
    elif damage == "text":
        model.write_text("import os")
    else:
        model.unlink()
    capsys.readouterr()
    assert main(["check", str(model)]) == (2 if damage == "missing" else 1)
    told = "".join(capsys.readouterr()).strip()
    assert told.count("\n") == 0 and "model.h5" in told
    assert main(["predict", str(model), DIGITS]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_model_that_is_no_estimator_cannot_predict_by_itself(tmp_path, capsys):
    nn.save(nn.Linear(2, 1), tmp_path / "layer.h5")
    assert main(["predict", str(tmp_path / "layer.h5"), DIGITS]) == 2
    assert "DeepClassifier" in capsys.readouterr().err


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "quoted 'name'.py"
    path.write_text(
        "import numpy as np, autograd_lite as al\n"
        "W = al.Tensor(np.ones((1, 2)), requires_grad=True)\n"
        "cost = np.mean(W**2)\n"
    )
    return path


@pytest.mark.parametrize(("command", "mark"), [("draw", "</svg>"), ("sheet", "</html>")])
def test_what_a_script_computes_is_drawn(command, mark, script, tmp_path, capsys):
    output = tmp_path / ("picture.svg" if command == "draw" else "page.html")
    assert main([command, str(script), "--loss", "cost", "--output", str(output)]) == 0
    assert mark in output.read_text("utf-8")
    assert str(output) in capsys.readouterr().out


def test_a_variable_that_holds_no_tensor_is_named(script, capsys):
    assert main(["draw", str(script)]) == 2
    assert "'loss', which is not there" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["draw", "sheet"])
def test_a_script_that_is_not_there_is_named(command, tmp_path, capsys):
    missing = tmp_path / "missing.py"
    assert main([command, str(missing), "--output", str(tmp_path / "picture.svg")]) == 2
    assert capsys.readouterr().err == f"error: there is no file {str(missing)!r}\n"
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told_before_the_training(tmp_path, capsys):
    output = tmp_path / "missing" / "model.h5"
    assert main(["train", DIGITS, DIGITS, *ODD, "--output", str(output)]) == 2
    told = capsys.readouterr()
    assert told.err == f"error: there is no folder {str(output.parent)!r} for --output\n"
    assert told.out == ""


@pytest.mark.parametrize("command", ["mark", "draw", "sheet", "train", "predict"])
def test_help_says_the_defaults_that_there_are(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    told = capsys.readouterr().out
    assert caught.value.code == 0
    assert "(default: " in told
    assert "(default: None)" not in told and "(default: False)" not in told
    if command == "train":
        assert "(default: 20 7 5)" in told and re.search(r"--seed N .*\(default: 0\)", told)


def test_without_a_command_the_help_is_printed(capsys):
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "mark derivations that were written by hand" in " ".join(
        told.err.split()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--iterations", "0"), "argument --iterations: must be a whole number from 1, not '0'"),
        (("--layers", "2", "x"), "argument --layers: must be a whole number from 1, not 'x'"),
        (("--rate", "nan"), "argument --rate: must be a number above 0, not 'nan'"),
    ],
)
def test_options_that_cannot_be_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", DIGITS, DIGITS, *arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("positive", "message"),
    [
        ((), "name those that get the label 1 by --positive CLASS ...\n"),
        (("--positive", "11"), "error: --positive names the class '11'"),
    ],
)
def test_classes_are_asked_for_by_the_option(positive, message, capsys):
    assert main(["train", DIGITS, DIGITS, *positive]) == 2
    assert message in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error():
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    command = [sys.executable, "-u", "-m", "autograd_lite", "info"]
    done = subprocess.run(command, stdout=reader.stdin, stderr=subprocess.PIPE, text=True)
    reader.stdin.close()
    assert (done.returncode, done.stderr) == (0, "")


def test_versions_and_extras_are_printed(capsys):
    assert main(["info"]) == 0
    told = capsys.readouterr().out
    assert np.__version__ in told and re.search(r"^BLAS +\S", told, re.MULTILINE)
    assert re.search(r"^plot +matplotlib \d", told, re.MULTILINE)
