"""al.why_locked: who keeps an array, in which words, and when nobody does."""

import builtins
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al

UNTIL = (
    "for a backward pass that has not run. Write after backward(), or to a copy, or compute under "
    "al.no_grad(), or drop what leads there: "
)


def parameter(values=(1.0, 2.0), name=None):
    return al.Tensor(values, requires_grad=True, name=name)


def named(value, name):
    al.label({name: value})
    return value


def assert_refuses_as_it_says(array, says):
    assert says is not None
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0


def test_a_constant_that_an_operation_keeps():
    X = named(np.ones(2), "X")
    loss = named(np.sum(parameter() * X), "loss")
    says = al.why_locked(X)
    assert says == (
        f"the array 'X' of shape (2,) is read-only: multiply keeps it {UNTIL}"
        f"the Tensor 'loss' of shape ()"
    )
    assert_refuses_as_it_says(X, says)
    loss.backward()
    assert al.why_locked(X) is None
    X[...] = 0


def test_what_readme_shows():
    X = named(np.ones(2), "X")
    loss = named(np.sum(parameter() * X), "loss")
    readme = (Path(__file__).parents[1] / "examples/guide/read_only.md").read_text()
    assert re.search(r"```\n(the array 'X' .*)\n```", readme)[1] == al.why_locked(X)
    del loss


@pytest.mark.parametrize(
    "see",
    [lambda W: W, lambda W: W.data, lambda W: W.data.view(np.ndarray)],
    ids=["tensor", "data", "plain view of the data"],
)
def test_the_data_of_a_leaf(see):
    W = parameter(name="W")
    squares = named(W * W, "squares")
    assert al.why_locked(see(W)) == (
        f"the Tensor 'W' of shape (2,) is read-only: multiply keeps it {UNTIL}"
        "the Tensor 'squares' of shape (2,)"
    )
    del squares
    assert al.why_locked(see(W)) is None


def test_data_taken_before_the_graph_and_a_part_of_it():
    W = parameter(name="W")
    data = W.data
    squares = W * W
    assert_refuses_as_it_says(data, al.why_locked(data))
    assert al.why_locked(data).startswith("the Tensor 'W' of shape (2,) is read-only: multiply")
    part = data[:1]
    assert_refuses_as_it_says(part, al.why_locked(part))
    assert al.why_locked(part).startswith("a view of the Tensor 'W' of shape (2,) is read-only")
    del squares


@pytest.mark.parametrize("locked", ["the view", "the array behind it", "another view of that"])
def test_a_view_that_an_operation_keeps(locked):
    behind = named(np.ones((3, 2)), "behind")
    view = behind[0]
    product = named(parameter() * view, "product")
    array = {"the view": view, "the array behind it": behind}.get(locked)
    array = behind[1:] if array is None else array
    says = al.why_locked(array)
    assert "the array 'behind' of shape (3, 2) is read-only: multiply keeps it" in says
    assert says.endswith("the Tensor 'product' of shape (2,)")
    assert_refuses_as_it_says(array, says)
    del product
    if locked != "another view of that":
        assert al.why_locked(array) is None
    else:
        # NumPy leaves a view as it was made.
        assert al.why_locked(array).endswith(
            "is read-only, and no graph keeps it: it is a view that was made while the array "
            "behind it was read-only, or by a function like np.broadcast_to; make the view anew, "
            "or write to a copy"
        )
        assert al.why_locked(behind[1:]) is None


def test_every_operation_that_keeps_it_and_every_result_that_leads_there():
    X = np.ones(2)
    inner = named(parameter() * X, "inner")
    outer = named(np.sin(inner), "outer")
    other = named(np.arctan2(parameter(), X), "other")
    unconcerned = named(np.exp(parameter()), "unconcerned")
    says = al.why_locked(X)
    assert says.startswith("the array of shape (2,) is read-only: multiply and arctan2 keep it")
    assert says.endswith(
        "drop what leads there: the Tensor 'other' of shape (2,), the Tensor 'outer' of shape "
        "(2,), the Tensor 'inner' of shape (2,)"
    )
    del outer, inner
    assert al.why_locked(X).startswith("the array of shape (2,) is read-only: arctan2 keeps it")
    del other, unconcerned
    assert al.why_locked(X) is None


def test_more_results_than_are_named():
    X = np.ones(2)
    products = [parameter() * X for _ in range(8)]
    assert al.why_locked(X).endswith(" and 3 more")
    del products


def test_many_results_that_were_alive_at_once():
    X = np.ones(2)
    chain = [parameter() * X]
    for _ in range(5000):
        chain.append(chain[-1] + 1)
    assert al.why_locked(X).endswith(" and 4996 more")
    del chain


@pytest.mark.parametrize("kept", ["Out", "_", "___", "prompt"])
def test_a_result_that_is_kept_because_it_was_displayed(kept, monkeypatch):
    X = np.ones(2)
    result = named(parameter() * X, "result")
    main = sys.modules["__main__"]
    if kept == "prompt":
        monkeypatch.setattr(builtins, "_", result, raising=False)
    else:
        value = {3: result} if kept == "Out" else result
        monkeypatch.setattr(main, kept, value, raising=False)
    called = {"Out": "Out[3]", "prompt": "_"}.get(kept, kept)
    way = "you enter %xdel _3" if kept == "Out" else "three more results are displayed"
    assert al.why_locked(X).endswith(
        f"the Tensor 'result' of shape (2,). {called} is kept because it was displayed, until {way}"
    )
    monkeypatch.undo()
    assert "displayed" not in al.why_locked(X)


@pytest.mark.parametrize("see", [lambda r: r, lambda r: r.data], ids=["tensor", "data"])
@pytest.mark.parametrize("recorded", [True, False])
def test_the_result_of_an_operation(see, recorded):
    result = named(np.exp(al.Tensor([1.0, 2.0], requires_grad=recorded)), "result")
    assert al.why_locked(see(result)) == (
        "the Tensor 'result' of shape (2,) is read-only: it is the result of an operation, which "
        "gradients may need as it is; write to a copy, .data.copy()"
    )


def test_a_number_that_an_operation_gave():
    assert "the Tensor that sum gave of shape () is read-only" in al.why_locked(np.sum(parameter()))


@pytest.mark.parametrize("make", [lambda: np.broadcast_to(1.0, 2), lambda: frozen(np.ones(2))])
def test_what_somebody_else_made_read_only(make):
    array = make()
    says = al.why_locked(array)
    assert says.startswith("the array of shape (2,) is read-only, and no graph keeps it: ")
    assert_refuses_as_it_says(array, says)


def frozen(array):
    array.flags.writeable = False
    return array


def test_what_can_be_written_to():
    X = np.ones(2)
    parameter() + X  # addition keeps nothing
    assert al.why_locked(X) is None
    assert al.why_locked(X[:1]) is None
    assert al.why_locked(parameter()) is None


@pytest.mark.parametrize("value", [3, [1.0], "X", None])
def test_what_is_no_array(value):
    with pytest.raises(TypeError, match=rf"takes a NumPy array, not {type(value).__name__}"):
        al.why_locked(value)
