"""What a training shows: a bar on a terminal, lines in a file."""

import inspect
import os
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

import nn
from nn.training import progress


def train():
    X = np.random.default_rng(0).normal(size=(2, 60))
    net = nn.Sequential(nn.Linear(2, 1, seed=0))
    loss = nn.binary_cross_entropy_with_logits
    nn.fit(net, X, (X[:1] > 0) * 1.0, loss=loss, optimiser="sgd", epochs=40, seed=0, validation=0.2)


def test_into_a_pipe_go_lines(capfd):
    train()
    out, err = capfd.readouterr()
    assert out == "" and "\r" not in err
    lines = err.splitlines()
    assert lines[0].startswith("epoch 1/40, loss=0.") and ", validation_loss=0." in lines[0]
    assert lines[-1].startswith("epoch 40/40, loss=0.")
    # A line for each epoch would be too many.
    assert 2 <= len(lines) < 10


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_terminal_of_any_width_shows_the_loss(columns, monkeypatch):
    import fcntl
    import pty
    import termios

    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    parts = []

    def read():
        try:
            while part := os.read(here, 4096):
                parts.append(part)
        except OSError:
            # Linux says so where nobody has the other end any more.
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(there, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        train()
    reader.join()
    os.close(here)
    text = b"".join(parts).decode()
    drawn = [line for line in text.replace("\n", "\r").split("\r") if line.strip()]
    assert all(len(line) <= columns for line in drawn)
    assert "loss=0." in drawn[-1]
    assert "it/s" not in text
    if columns > 60:
        assert "epoch 40/40" in drawn[-1] and "validation_loss=0." in drawn[-1]


def test_nothing_is_shown_where_nothing_is_asked_for(capfd):
    net = nn.Linear(1, 1)
    nn.fit(
        net, np.ones((1, 2)), np.eye(2)[:1], loss=nn.huber, optimiser="sgd", epochs=1, verbose=False
    )
    assert capfd.readouterr() == ("", "")


def test_lines_come_every_ten_seconds(capfd, monkeypatch):
    now = iter([0.0, 0.0, 5.0, 9.9, 10.0, 10.0, 12.0, 13.0, 13.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    shown = progress.Progress(2, 7, verbose=True)
    for epoch in range(5):
        shown.show(
            {"epoch": 3 + epoch, "loss": 0.5, "seconds": 1.0, "learning_rate": 0.1, "f1": 1 / 3}
        )
    shown.close()
    shown.close()
    lines = capfd.readouterr().err.splitlines()
    expected = [f"epoch {n}/7, loss=0.5, f1=0.3333" for n in (3, 6, 7)]
    assert lines == expected


def test_a_word_means_one_thing_in_what_is_shown():
    """An epoch goes over all samples, an update is a step; nothing else is counted in training."""
    for function in (nn.fit, nn.DeepClassifier, nn.LogisticRegression, nn.plots.cost, nn.History):
        assert "iteration" not in inspect.getdoc(function).lower(), function


def test_a_notebook_without_widgets_is_not_told_to_install_them():
    source = """
import sys, types
from autograd_lite.nn.training.progress import _bar_class
shell = types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
# tqdm knows a notebook by one of these, which depends on its version.
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
sys.modules["ipywidgets"] = None
_bar_class()
import tqdm.notebook
assert not issubclass(_bar_class(), tqdm.notebook.tqdm), "there are no widgets"
"""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", source], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "ipywidgets" not in done.stderr and "TqdmWarning" not in done.stderr
