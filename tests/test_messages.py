"""Errors say what happened, on which line of the user's, and what to do."""

import numpy as np
import pytest
from lines import line_of_next_statement
from tensors import parameter

import autograd_lite as al
import nn


def test_not_connected():
    W = al.Tensor([1.0, 2.0], name="W")
    loss = np.sum(W * W)
    loss.name = "loss"
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    assert str(caught.value) == (
        "backward() from the Tensor 'loss', which does not depend on any tensor that requires "
        "grad. Give the parameters requires_grad=True before the computation, and keep .data, "
        ".detach() and al.no_grad() out of it; setting requires_grad on the result does not "
        "help"
    )


@pytest.mark.parametrize("lost_by", ["no_grad", "detach"])
def test_where_the_connection_was_lost(lost_by):
    W, X = parameter([1, 2], "W"), al.Tensor([3.0, 4.0])
    if lost_by == "no_grad":
        with al.no_grad():
            line = line_of_next_statement()
            Z = W * X
    else:
        line = line_of_next_statement()
        Z = W.detach() * X
    with pytest.raises(RuntimeError) as caught:
        np.sum(Z * Z).backward()
    assert line in str(caught.value)
    assert "'W'" in str(caught.value)


def test_through_a_freed_graph():
    x, w = parameter(2, "x"), parameter(3)
    outside = x * x
    outside.name = "hidden"
    freed_at = None
    with pytest.raises(RuntimeError) as caught:
        for _ in range(2):
            loss = outside * w
            freed_at = freed_at or line_of_next_statement()
            loss.backward()
    assert str(caught.value) == (
        f"the graph behind 'hidden' (shape ()) was freed by an earlier backward() at {freed_at}"
        ". Call that one with retain_graph=True to go through the graph again, or compute what "
        "both share anew for each"
    )
    assert w.grad == 4


def test_through_a_freed_graph_without_names():
    x = parameter([2, 3])
    y = x * x
    line = line_of_next_statement()
    np.sum(y).backward()
    for again in (lambda: np.sum(y * 2).backward(), lambda: al.gradients(np.sum(y), [x])):
        with pytest.raises(RuntimeError) as caught:
            again()
        assert "the graph behind the result of multiply (shape (2,))" in str(caught.value)
        assert f"freed by an earlier backward() at {line}" in str(caught.value)


@pytest.mark.parametrize("value", [1.0, [1.0]], ids=["0d", "1d"])
def test_a_tensor_into_the_item_of_an_array(value):
    array, x = np.zeros(2), parameter(value, "x")
    # NumPy takes anything with items for a sequence, and shows our error as the cause of its.
    with pytest.raises((TypeError, ValueError)) as caught:
        array[0] = x
    message = f"{caught.value} {caught.value.__cause__}"
    assert "the Tensor 'x', which requires grad, would lose the gradient" in message
    assert "np.stack or np.concatenate instead of assigning tensors to an array" in message
    assert "ArrayBox" not in message
    assert array.tolist() == [0, 0]


@pytest.mark.parametrize("make", [lambda x: np.array([x, x]), lambda x: np.asarray(x)])
def test_a_tensor_into_an_array(make):
    with pytest.raises(TypeError) as caught:
        make(parameter([1, 2], "x"))
    assert str(caught.value) == (
        "the Tensor 'x' requires grad, so it does not turn into a NumPy array by itself: the "
        "gradient would be lost. Use .data or .detach() where that is meant; to collect "
        "tensors in an array use np.stack or np.concatenate, or np.block for nested lists"
    )
    array = np.zeros((1, 2))
    with pytest.raises(TypeError, match="'x'.*np.stack or np.concatenate"):
        array[0, :] = parameter([1, 2], "x")
    assert array.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "start", [lambda f, x: f(parameter(x)).backward(), lambda f, x: al.grad(f)(x)]
)
def test_a_loss_that_is_no_scalar(start):
    with pytest.raises(ValueError) as caught:
        start(lambda x: x - np.ones(5), np.ones((5, 1)))
    assert str(caught.value) == (
        "backward() starts from a scalar, but the Tensor that subtract gave has shape (5, 5). "
        "Reduce it with .sum() or .mean(), or pass backward(gradient=...) of that shape. Were "
        "its operands of shapes (5, 1) and (5,) meant to broadcast?"
    )


def test_a_loss_that_was_broadcast_some_operations_ago():
    x = parameter(np.ones((5, 1)))
    with pytest.raises(ValueError) as caught:
        ((x - np.ones(5)) ** 2).backward()
    assert "(5, 5)" in str(caught.value)
    assert "(5, 1) and (5,) meant to broadcast?" in str(caught.value)


def test_a_loss_of_several_elements_that_nothing_broadcast():
    with pytest.raises(ValueError) as caught:
        (parameter([1, 2]) * 2).backward()
    assert str(caught.value) == (
        "backward() starts from a scalar, but the Tensor that multiply gave has shape (2,). "
        "Reduce it with .sum() or .mean(), or pass backward(gradient=...) of that shape"
    )


@pytest.mark.parametrize("product", [np.dot, np.matmul, lambda x, y: x @ y])
def test_shapes_that_do_not_fit(product):
    W, A = parameter(np.ones((2, 3)), "W"), parameter(np.ones((5, 3)), "A")
    with pytest.raises(ValueError) as caught:
        product(W, A)
    assert str(caught.value).partition(" of ")[2] == (
        "W of shape (2, 3), A of shape (5, 3): the columns of the first (3) and the rows of "
        "the second (5) disagree; A.T would fit"
    )
    with pytest.raises(ValueError, match=r"\(3\) and .* \(2\) disagree; W\.T would fit$"):
        product(W, parameter(np.ones((2, 5)), "B"))
    with pytest.raises(ValueError, match=r"\(3\) and .* \(4\) disagree$"):
        product(W, parameter(np.ones((4, 5)), "B"))
    with pytest.raises(ValueError, match=r"W of shape \(2, 3\), operand 2 of shape \(5, 3\)"):
        product(W, np.ones((5, 3)))


def test_shapes_that_do_not_fit_elsewhere():
    W, A = parameter(np.ones((2, 3)), "W"), parameter(np.ones((5, 3)), "A")
    with pytest.raises(
        ValueError, match=r"add of W of shape \(2, 3\), A of shape \(5, 3\): operands could not"
    ):
        W + A
    with pytest.raises(ValueError, match=r"reshape of W of shape \(2, 3\): cannot reshape"):
        W.reshape(7)
    with pytest.raises(ValueError, match=r"Linear\(3, 2\).*shape \(5, 3\).*so pass X\.T"):
        nn.Linear(3, 2)(np.ones((5, 3)))


@pytest.mark.parametrize(
    ("join", "of"),
    [
        (np.concatenate, r"concatenate of {0}: all the input array dimensions except"),
        (np.vstack, r"concatenate of {0}: all the input array dimensions except"),
        (lambda arrays: np.einsum("ij,jk->ik", *arrays), r"einsum of {0}: "),
        (np.stack, "stack of {0}: all input arrays must have the same shape"),
    ],
    ids=["concatenate", "vstack", "einsum", "stack"],
)
def test_lists_of_operands_whose_shapes_do_not_fit(join, of):
    W = parameter(np.ones((2, 3)), "W")
    for other, name in ((parameter(np.ones((5, 4)), "A"), "A"), (np.ones((5, 4)), "operand 2")):
        shapes = rf"W of shape \(2, 3\), {name} of shape \(5, 4\)"
        with pytest.raises(ValueError, match=of.format(shapes)):
            join([W, other])
        with al.no_grad(), pytest.raises(ValueError, match=r"1 of shape \(2, 3\), operand 2 of"):
            join([W, other])


@pytest.mark.parametrize("value", ["s", None, {"a": 1.0}], ids=["string", "None", "dict"])
def test_what_is_no_operand_is_told_by_its_kind(value):
    x = parameter([1, 2], "x")
    with pytest.raises(TypeError) as caught:
        np.where([True, False], x, value)
    assert str(caught.value) == (
        f"a Tensor computes with arrays and numbers, not with {type(value).__name__}; convert it "
        "with np.asarray first"
    )


def test_the_line_is_the_users():

    def helper(loss):
        nonlocal line
        line = line_of_next_statement()
        loss.backward()

    line, x = None, parameter([2, 3])
    loss = np.sum(x * x)
    helper(loss)
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    assert line in str(caught.value)
    with al.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        line = line_of_next_statement()
        np.apply_along_axis(np.sum, 0, np.ones(2)), np.log(x - 2)
    assert f"log gave -inf at index (0,) at {line}" in str(caught.value)


def test_the_line_is_the_users_through_nn():
    A = parameter([[1.0]])
    with al.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        line = line_of_next_statement()
        nn.binary_cross_entropy(A, np.array([[0.0]]))
    assert line in str(caught.value)
