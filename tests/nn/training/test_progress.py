"""What a training shows: a bar on a terminal, lines in a file."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import numpy as np, nn
    X = np.random.default_rng(0).normal(size=(2, 60)); Y = (X[:1] > 0) * 1.0
    net = nn.Sequential(nn.Linear(2, 1, seed=0))
    nn.fit(net, X, Y, loss=nn.binary_cross_entropy_with_logits, optimiser="sgd", epochs=40, seed=0,
           validation=0.2)
    """
)


def test_into_a_pipe_go_lines():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == ""
    assert "\r" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("epoch 1/40, loss=0.") and ", validation_loss=0." in lines[0]
    assert lines[-1].startswith("epoch 40/40, loss=0.")
    # A line for each epoch would be too many.
    assert 2 <= len(lines) < 10


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_terminal_of_any_width_shows_the_loss(columns):
    import fcntl
    import pty
    import struct
    import termios

    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=there)
    os.close(there)
    found = b""
    while True:
        try:
            part = os.read(here, 4096)
        except OSError:
            break
        if not part:
            break
        found += part
    os.close(here)
    assert process.wait() == 0
    text = found.decode()
    drawn = [line for line in text.replace("\n", "\r").split("\r") if line.strip()]
    assert all(len(line) <= columns for line in drawn)
    assert "loss=0." in drawn[-1]
    assert "it/s" not in text
    if columns > 60:
        assert "epoch 40/40" in drawn[-1] and "validation_loss=0." in drawn[-1]


def test_a_word_means_one_thing_in_what_is_shown():
    """An epoch goes over all samples, an update is a step; nothing else is counted in training."""
    import inspect

    import nn

    for function in (nn.fit, nn.DeepClassifier, nn.LogisticRegression, nn.plots.cost, nn.History):
        assert "iteration" not in inspect.getdoc(function).lower(), function
