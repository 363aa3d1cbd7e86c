"""What the checker says where there is nothing that it could mark."""

import pickle

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check.process import NotMarked, check_file

W = np.array([1.0, 2.0])


def square(W):
    S = W**2
    return np.sum(S)


def gradient(W):
    return {"dW": 2 * W}


@pytest.mark.parametrize("loss", [None, "cost"])
def test_an_error_of_a_function_of_both_passes_is_its_own(loss):
    def both(W):
        raise LookupError("no such layer")

    with pytest.raises(LookupError, match="^no such layer$"):
        al.check_derivation(both, W, loss=loss)


def test_a_function_of_both_passes_without_the_loss_is_told_what_to_return():
    def both(W):
        total = np.sum(W**2)  # noqa: F841 - the variable that loss= names
        return {"dW": 2 * W}

    with pytest.raises(TypeError, match=r"^both must return the loss as one real number .* loss="):
        al.check_derivation(both, W)
    with pytest.raises(ValueError, match="^loss='cost': both assigns no one real number to a"):
        al.check_derivation(both, W, loss="cost")
    assert al.check_derivation(both, W, loss="total", show=False).ok


def test_the_line_on_which_the_forward_pass_leaves_numpy_is_named():
    def forward(W):
        doubled = np.fromiter(W, float) * 2
        return np.sum(doubled)

    with pytest.raises(TypeError) as caught:
        al.check_derivation(forward, gradient, W)
    line = forward.__code__.co_firstlineno + 1
    message = f"the forward pass forward leaves NumPy in line {line}, so it cannot be recorded: "
    assert str(caught.value).startswith(message)
    assert caught.value.__cause__ is not None


def test_a_gradient_whose_name_stands_for_several_values_is_named_with_the_way_out():
    def forward(weights, x):
        a = x
        for W in weights:
            a = np.tanh(W @ a)
        return np.sum(a)

    def backward(weights, x):
        da = np.full(2, 7.0)
        return {"da": da}

    weights = [np.eye(2) * 0.3, np.eye(2) * 0.5]
    with pytest.raises(ValueError) as caught:
        al.check_derivation(forward, backward, weights, W)
    message = str(caught.value)
    assert message.startswith("check_derivation() finds no gradient in backward")
    assert "da is not marked: a stands for several values in the forward pass" in message
    assert "give each a name of its own" in message


def test_a_copy_of_a_report_has_no_graph():
    report = al.check_derivation(square, gradient, W, show=False)
    assert report.recorded().item() == 5
    copy = pickle.loads(pickle.dumps(report))
    assert copy.ok
    with pytest.raises(ValueError, match="^this report has no graph, because it is a copy of"):
        copy.recorded()


def test_a_script_that_ends_with_its_parameters_has_nothing_to_mark():
    text = "import numpy as np\nloss = 1.0\ndw = 2.0\nw = np.ones(2)\n"
    with pytest.raises(ValueError, match="finds no statement after the parameters are made$"):
        al.check_script(text)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("os._exit(3)", "with exit status 3"),
        ("os._exit(0)", "with exit status 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "by SIGKILL"),
    ],
)
def test_a_file_that_ends_its_process_says_how(end, how, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(f"import os, signal\n{end}\nloss = 1\n")
    with pytest.raises(NotMarked) as caught:
        check_file(path)
    assert str(caught.value) == f"it ended its process {how} before it could be marked"


@pytest.mark.parametrize(
    ("end", "what"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
        (
            "1 / 0",
            "line 2 of the script raised ZeroDivisionError, before its loop: division by zero",
        ),
    ],
)
def test_what_a_file_raises_before_its_loop_is_told(end, what, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(f"loss = 0\n{end}\nfor i in range(2):\n    loss = i\n    w -= loss\n")
    with pytest.raises(NotMarked) as caught:
        check_file(path)
    assert str(caught.value) == what
