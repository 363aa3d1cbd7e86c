"""Tolerance hand-derived gradients with those of the recorded graph."""

import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import Line, Report


def parameter(value, name=None, dtype=None):
    return al.Tensor(value, requires_grad=True, name=name, dtype=dtype)


class Net:
    """A regression with one hidden layer, and its gradients derived by hand."""

    def __init__(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(3, 7)), rng.normal(size=(2, 7))
        W1, b1 = parameter(rng.normal(size=(4, 3))), parameter(rng.normal(size=(4, 1)))
        W2 = parameter(rng.normal(size=(2, 4)))
        Z1 = np.dot(W1, X) + b1
        A1 = np.tanh(Z1)
        E = np.dot(W2, A1) - Y
        loss = np.sum(E * E) / 2
        al.label(locals())
        self.tensors = {"W1": W1, "b1": b1, "W2": W2, "Z1": Z1}
        self.loss = loss
        dE = E.data.copy()
        dZ1 = np.dot(W2.data.T, dE) * (1 - A1.data**2)
        self.derived = {
            "dW2": np.dot(dE, A1.data.T),
            "dZ1": dZ1,
            "dW1": np.dot(dZ1, X.T),
            "db1": np.sum(dZ1, axis=1, keepdims=True),
        }


@pytest.fixture
def net():
    return Net()


def one(gradient, given, shape=None, **options):
    """The line on `given` for a tensor x whose gradient is `gradient`."""
    gradient = np.asarray(gradient)
    x = parameter(np.ones_like(gradient), "x")
    loss = np.sum(x * gradient)
    return next(iter(al.compare(loss, {"dx": given}, show=False, **options)))


def test_right_gradients_of_leaves_and_results_are_correct(net):
    report = al.compare(net.loss, net.derived, show=False)
    assert report
    assert report.ok
    assert report.first_wrong is None
    assert [line.name for line in report] == list(net.derived)
    assert [line.tensor for line in report] == ["W2", "Z1", "W1", "b1"]
    for line in report:
        assert isinstance(line, Line)
        assert line.status == "correct"
        assert line.shape == line.expected_shape == net.tensors[line.tensor].shape
        assert line.error < 1e-14
        assert line.cause is None
        assert line.message == ""
    report.raise_if_wrong()


@pytest.mark.parametrize(
    "name",
    [
        *("dW1", "d_W1", "dW_1", "grad_W1", "grad_W_1", "W1_grad", "W1", "g_W1", "nabla_W1"),
        *("dL_dW1", "dJdW1", "dloss_dW1", "grads_W1", "gradW1", "W1_gradient", "gradient_W1"),
        *("W1grad", "∂W1", "delta_W1", "DW1", "dw1"),
    ],
)
def test_each_form_of_a_name_belongs_to_the_tensor(net, name):
    report = al.compare(net.loss, {name: net.derived["dW1"]}, show=False)
    assert [(line.name, line.tensor, line.status) for line in report] == [(name, "W1", "correct")]


def test_a_tensor_with_an_underscore_is_found():
    w_1 = parameter(np.ones(2), "w_1")
    for name in ("dw_1", "d_w_1", "grad_w_1", "w_1_grad", "w_1"):
        assert al.compare(w_1.sum(), {name: np.ones(2)}, show=False)


def test_a_name_that_looks_like_a_gradients_can_be_a_tensors():
    dense = parameter(np.ones(2), "dense")
    assert al.compare(dense.sum(), {"dense": np.ones(2)}, show=False)
    assert al.compare(dense.sum(), {"ddense": np.ones(2)}, show=False)


def test_an_exact_name_goes_before_one_with_underscores_left_out():
    exact, other = parameter(1.0, "W_1"), parameter(1.0, "W1")
    report = al.compare(exact * 2 + other * 3, {"dW_1": 2.0, "dW1": 3.0}, show=False)
    assert [line.tensor for line in report] == ["W_1", "W1"]
    assert report


def test_two_gradients_of_one_tensor_get_a_line_each():
    x = parameter([1.0, 2.0], "x")
    report = al.compare((x * x).sum(), {"dx": [2.0, 4.0], "x_grad": [2.0, 5.0]}, show=False)
    assert [line.status for line in report] == ["correct", "wrong"]


def test_a_wrong_value_is_marked_with_its_place_and_both_values(net):
    derived = net.derived | {"dW1": net.derived["dW1"].copy()}
    derived["dW1"][2, 1] += 10
    right = net.derived["dW1"]
    report = al.compare(net.loss, derived, show=False)
    assert not report
    assert not report.ok
    assert [line.status for line in report] == ["correct", "correct", "wrong", "correct"]
    line = report.first_wrong
    assert line.name == "dW1"
    assert line.absolute == pytest.approx(10)
    assert line.error == pytest.approx(10 / max(np.abs(right).max(), abs(right[2, 1] + 10)))
    assert line.message == (f"dW1[2, 1] is {right[2, 1] + 10:.6g}, and should be {right[2, 1]:.6g}")


def test_the_relative_difference_is_that_of_the_largest_element_of_either():
    line = one([1.0, 100.0], [2.0, 100.0])
    assert (line.absolute, line.error) == (1.0, 0.01)
    line = one([1.0, 100.0], [1.0, 200.0])
    assert (line.absolute, line.error) == (100.0, 0.5)
    line = one([1.0, 200.0], [1.0, 100.0])
    assert (line.absolute, line.error) == (100.0, 0.5)
    line = one([0.0, 0.0], [0.0, 1e-300])
    assert (line.absolute, line.error, line.status) == (1e-300, 1.0, "wrong")


def test_a_small_difference_is_written_with_enough_digits():
    line = one([1.0, 2.0], [1.0, 2.0 + 1e-7])
    assert line.message == "dx[1] is 2.0000001, and should be 2"
    line = one([1.0], [1.0 + 1e-12], tolerance=0)
    assert line.message == "dx[0] is 1.000000000001, and should be 1"


def test_a_wrong_shape_names_both():
    line = one(np.ones((2, 3)), np.ones(3))
    assert (line.status, line.cause) == ("wrong", "shape")
    assert (line.shape, line.expected_shape) == ((3,), (2, 3))
    assert line.error == line.absolute == np.inf
    assert line.message == "dx has shape (3,), but x has shape (2, 3)"


def test_a_shape_that_would_broadcast_is_wrong():
    assert one(np.ones((3, 1)), 1.0).status == "wrong"
    assert one(np.ones((3, 1)), np.ones(3)).status == "wrong"
    assert one(np.array(1.0), np.ones(1)).status == "wrong"


def test_a_transposed_gradient_is_asked_about():
    line = one(np.ones((2, 3)), np.ones((3, 2)))
    assert line.message == "dx has shape (3, 2), but x has shape (2, 3); is it transposed?"


@pytest.mark.parametrize(
    ("gradient", "given", "message"),
    [
        ([1.0, 2.0], [1.0, np.nan], "dx[1] is nan, and should be 2"),
        ([1.0, np.nan], [1.0, 2.0], "dx[1] is 2, and should be nan"),
        ([np.inf, 1.0], [np.inf, 2.0], "dx[1] is 2, and should be 1"),
        ([np.nan, 1.0], [np.nan, 2.0], "dx[1] is 2, and should be 1"),
        ([np.inf, 1.0], [-np.inf, 1.0], "dx[0] is -inf, and should be inf"),
        ([np.inf, 1.0], [5.0, 1.0], "dx[0] is 5, and should be inf"),
        ([5.0, 1.0], [np.inf, 1.0], "dx[0] is inf, and should be 5"),
        ([1e308, 1.0], [-1e308, 1.0], "dx[0] is -1e+308, and should be 1e+308"),
    ],
)
def test_nan_and_infinity_where_they_differ_are_wrong(gradient, given, message):
    line = one(gradient, given)
    assert line.status == "wrong"
    assert line.message == message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_where_one_is_not_finite_the_difference_is_infinite(bad):
    for line in (one([1.0, 2.0], [1.0, bad]), one([1.0, bad], [1.0, 2.0])):
        assert (line.absolute, line.error) == (np.inf, np.inf)


def test_the_same_nan_and_infinity_agree():
    line = one([np.nan, np.inf, -np.inf, 1.0], [np.nan, np.inf, -np.inf, 1.0])
    assert (line.status, line.error, line.absolute) == ("correct", 0.0, 0.0)


def test_equal_infinities_do_not_hide_how_wrong_the_rest_is():
    line = one([np.inf, 1.0], [np.inf, 2.0])
    assert (line.absolute, line.error) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("dtype", "difference", "status"),
    [
        (np.float64, 1e-9, "correct"),
        (np.float64, 1e-7, "wrong"),
        (np.float32, 1e-5, "correct"),
        (np.float32, 1e-3, "wrong"),
        (np.float16, 1e-2, "correct"),
        (np.float16, 1e-1, "wrong"),
    ],
)
def test_the_tolerance_is_that_of_the_tensors_dtype(dtype, difference, status):
    gradient = np.ones(3, dtype)
    assert one(gradient, np.ones(3) + difference).status == status


def test_the_tolerance_can_be_given():
    assert one([1.0], [1.1]).status == "wrong"
    assert one([1.0], [1.1], tolerance=0.2).status == "correct"
    assert one([1.0], [1 + 1e-15], tolerance=0).status == "wrong"
    assert one([1.0], [1.0], tolerance=0).status == "correct"


def test_scalars_compare_as_python_numbers_and_as_arrays():
    x = parameter(3.0, "x")
    for given in (6, 6.0, np.float32(6), np.array(6.0), al.Tensor(6.0)):
        assert al.compare(x * x, {"dx": given}, show=False)
    line = al.compare(x * x, {"dx": 5}, show=False).first_wrong
    assert line.message == "dx is 5, and should be 6"


def test_a_loss_of_one_element_is_a_scalar():
    x = parameter([[3.0]], "x")
    assert al.compare(x * x, {"dx": [[6.0]]}, show=False)


def test_an_empty_gradient_is_correct():
    line = one(np.ones((0, 3)), np.ones((0, 3)))
    assert (line.status, line.error) == ("correct", 0.0)
    assert one(np.ones((0, 3)), np.ones((3, 0))).status == "wrong"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([True, True], "dx[1] is 1, and should be 2"),
        ([1, 3], "dx[1] is 3, and should be 2"),
        (np.array([1, 3], np.uint8), "dx[1] is 3, and should be 2"),
        ([1, 2 + 1j], "dx[1] is 2+1j, and should be 2"),
    ],
)
def test_numbers_of_any_kind_are_compared(given, message):
    assert one([1.0, 2.0], given).message == message


def test_complex_gradients_are_compared():
    z = parameter([1 + 2j], "z")
    loss = np.real(np.sum(z * 2j))
    expected = al.gradients(loss, [z])[0]
    assert al.compare(loss, {"dz": expected}, show=False)
    assert not al.compare(loss, {"dz": -expected}, show=False)


def test_tensors_can_be_given_as_a_dict_or_as_a_list():
    W = parameter([1.0, 2.0])
    loss = (W * W).sum()
    assert al.compare(loss, {"dW": [2.0, 4.0]}, {"W": W}, show=False)
    assert al.compare(loss, {"dW": [2.0, 4.0]}, {"W": W, "other": 3, "loss": loss}, show=False)
    with pytest.raises(
        ValueError, match=r"a Tensor of shape \(2,\) without a name among tensors=; pass a dict"
    ):
        al.compare(loss, {"dW": [2.0, 4.0]}, [W], show=False)
    W.name = "W"
    assert al.compare(loss, {"dW": [2.0, 4.0]}, [W], show=False)
    assert al.compare(loss, {"dW": [2.0, 4.0]}, iter([W, W]), show=False)


def test_given_names_go_before_the_tensors_own():
    W, V = parameter(1.0, "V"), parameter(1.0, "W")
    assert al.compare(W * 2 + V * 3, {"dW": 2.0, "dV": 3.0}, {"W": W, "V": V}, show=False)


def test_two_tensors_of_the_same_name_are_told_apart_or_refused():
    x, first, second = parameter(1.0, "x"), parameter(2.0, "W"), parameter(3.0, "W")
    loss = x * first * second
    with pytest.raises(
        ValueError,
        match=r"finds 2 tensors named 'W' for 'dW'; pass the right one as "
        r"tensors=\{'W': \.\.\.\}",
    ):
        al.compare(loss, {"dW": 3.0}, show=False)
    with pytest.raises(ValueError, match="finds 2 tensors named 'W'"):
        al.compare(loss, {"dW": 3.0}, [first, second], show=False)
    assert al.compare(loss, {"dW": 3.0}, {"W": first}, show=False)
    assert al.compare(loss, {"dx": 6.0}, show=False), "of x there is one"


def test_an_unknown_name_is_refused_with_those_there_are(net):
    with pytest.raises(
        ValueError,
        match="finds no tensor for the gradient 'dV': the named tensors are .*W1, .*b1.*"
        r"\. Name one with Tensor\(\.\.\., name=\.\.\.\) or al\.label\(locals\(\)\), or pass",
    ):
        al.compare(net.loss, {"dV": 1.0}, show=False)
    with pytest.raises(ValueError, match="for the gradient 'dW': no tensor has a name. Name one"):
        al.compare(parameter(1.0) * 2, {"dW": 1.0}, show=False)
    with pytest.raises(ValueError, match="finds no tensor for the gradient 'd'"):
        al.compare(net.loss, {"d": 1.0}, show=False)


def test_a_tensor_that_does_not_require_grad_is_refused():
    x, c = parameter(1.0, "x"), al.Tensor(2.0, name="c")
    message = (
        "cannot check 'dc': the tensor 'c' does not require grad; create it with requires_grad"
    )
    with pytest.raises(ValueError, match=message):
        al.compare(x * c, {"dc": 1.0}, show=False)
    with pytest.raises(ValueError, match=message):
        al.compare(x * c, {"dc": 1.0}, {"c": c}, show=False)


def test_a_tensor_that_the_loss_does_not_depend_on_has_a_gradient_of_zeros():
    x, other = parameter([1.0], "x"), parameter([1.0], "other")
    loss = x.sum()
    assert al.compare(loss, {"dother": [0.0]}, [x, other], show=False)
    report = al.compare(loss, {"dx": [2.0], "dother": [2.0]}, [x, other], show=False)
    assert [line.message for line in report] == [
        "dx[0] is 2, and should be 1",
        "dother[0] is 2, and should be 0: the loss does not depend on other",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("text", "compare() got 'dx' as str, which is not an array of numbers"),
        (None, "compare() got 'dx' as NoneType, which is not an array of numbers"),
        ({1.0}, "compare() got 'dx' as set, which is not an array of numbers"),
        ([[1.0], [1.0, 2.0]], "compare() got 'dx' as a list that is not an array: are its rows of"),
        (np.array(["a"]), "compare() got 'dx' as ndarray, which is not an array of numbers"),
    ],
)
def test_a_gradient_that_is_no_array_of_numbers_is_refused(given, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        one([1.0, 2.0], given)


def test_wrong_arguments_are_refused_by_name(net):
    with pytest.raises(TypeError, match="takes the loss as a Tensor, not float"):
        al.compare(1.0, {"dx": 1.0})
    with pytest.raises(TypeError, match=r'by name, as in \{"dW": dW\}, not as list'):
        al.compare(net.loss, [net.derived["dW1"]])
    with pytest.raises(ValueError, match="got no gradients to compare"):
        al.compare(net.loss, {})
    with pytest.raises(TypeError, match="as a dict or a list of Tensors, not as one Tensor"):
        al.compare(net.loss, net.derived, net.tensors["W1"])
    with pytest.raises(TypeError, match="got ndarray among tensors=, not a Tensor"):
        al.compare(net.loss, net.derived, [np.ones(3)])


def test_a_loss_that_is_not_a_scalar_is_refused():
    x = parameter(np.ones((2, 3)), "x")
    with pytest.raises(
        ValueError,
        match=r"of a scalar, but the loss has shape \(2, 3\); reduce it with \.sum\(\) or \.mean",
    ):
        al.compare(x * 2, {"dx": np.ones((2, 3))})


def under_no_grad():
    with al.no_grad():
        return parameter(1.0) * 2


@pytest.mark.parametrize("make", [under_no_grad, lambda: parameter(1.0), lambda: al.Tensor(1.0)])
def test_a_loss_without_a_graph_is_refused(make):
    x = parameter(1.0, "x")
    for tensors in (None, [x]):
        with pytest.raises(ValueError, match="finds no graph of the loss: .* al.no_grad"):
            al.compare(make(), {"dx": 0.0}, tensors, show=False)


def test_after_backward_the_gradients_are_those_in_grad(net):
    net.loss.backward()
    leaves = {name: net.tensors[name] for name in ("W1", "b1", "W2")}
    derived = {name: net.derived[name] for name in ("dW1", "db1", "dW2")}
    assert al.compare(net.loss, derived, leaves, show=False)
    assert not al.compare(net.loss, derived | {"db1": derived["db1"] + 1}, leaves, show=False)


def test_after_backward_without_tensors_the_line_that_freed_the_graph_is_named(net):
    net.loss.backward()
    with pytest.raises(
        ValueError,
        match=r'the graph was freed by backward\(\) at File ".*test_compare\.py", line \d+, in .*; '
        r"compare before that call, make it with retain_graph=True, or pass tensors=",
    ):
        al.compare(net.loss, net.derived, show=False)


def test_after_backward_a_tensor_without_grad_is_named_as_it_was_given():
    x = parameter(2.0)
    y = x * x
    loss = y * 3
    loss.backward()
    with pytest.raises(
        ValueError, match=r"was freed by backward\(\) at File .*, and 'y' has no \.grad; compare"
    ):
        al.compare(loss, {"dy": 3.0}, {"x": x, "y": y}, show=False)


def test_after_backward_a_retained_gradient_is_compared():
    x = parameter(2.0, "x")
    y = x * x
    y.name = "y"
    y.retain_grad()
    loss = y * 3
    loss.backward()
    assert al.compare(loss, {"dy": 3.0, "dx": 12.0}, [x, y], show=False)


def test_a_retained_graph_is_compared_after_backward(net):
    net.loss.backward(retain_graph=True)
    net.loss.backward(retain_graph=True)
    assert al.compare(net.loss, net.derived, show=False), "not with the sum of both in .grad"


def test_compare_changes_neither_grad_nor_the_graph(net):
    alone = Net()
    alone.loss.backward()
    copies = {name: value.copy() for name, value in net.derived.items()}
    al.compare(net.loss, net.derived, show=False)
    assert [t.grad for t in net.tensors.values()] == [None] * 4
    for name, value in net.derived.items():
        np.testing.assert_array_equal(value, copies[name])
    net.loss.backward()
    for name in ("W1", "b1", "W2"):
        np.testing.assert_array_equal(net.tensors[name].grad, alone.tensors[name].grad)


def test_a_deep_graph_is_compared():
    x = parameter(1.0, "x")
    y = x
    for _ in range(10_000):
        y = y + x
    assert al.compare(y, {"dx": 10_001.0}, show=False)


TABLE = """\
gradient  of  shape               largest difference  relative  verdict
dW        W   (2, 3)              0.00e+00            0.00e+00  correct
db_long   b   (1, 2), not (2, 1)  -                   -         wrong
dc        c   ()                  1.00e+00            5.00e-01  wrong
db_long has shape (1, 2), but b has shape (2, 1); is it transposed?
dc is 2, and should be 1"""


def wrong_report():
    lines = (
        Line("dW", "W", "correct", 0.0, 0.0, (2, 3), (2, 3)),
        Line(
            *("db_long", "b", "wrong", np.inf, np.inf, (1, 2), (2, 1)),
            message="db_long has shape (1, 2), but b has shape (2, 1); is it transposed?",
        ),
        Line("dc", "c", "wrong", 0.5, 1.0, (), (), message="dc is 2, and should be 1"),
    )
    return Report(lines)


def test_the_table_is_aligned_and_followed_by_what_is_wrong():
    assert str(wrong_report()) == TABLE


def test_a_report_counts_iterates_and_names_the_first_that_is_wrong():
    report = wrong_report()
    assert len(report) == 3
    assert tuple(report) == report.lines
    assert report.first_wrong is report.lines[1]
    assert repr(report) == "<Report: 1 of 3 gradients right>"
    assert not report


def test_raise_if_wrong_shows_the_table():
    with pytest.raises(AssertionError) as caught:
        wrong_report().raise_if_wrong()
    assert str(caught.value) == f"wrong hand-derived gradients: 2 of 3\n{TABLE}"


def test_the_report_is_printed_once_unless_it_is_not_wanted(net, capsys):
    report = al.compare(net.loss, net.derived)
    assert capsys.readouterr() == (f"{report}\n", "")
    al.compare(net.loss, net.derived, show=False)
    assert capsys.readouterr() == ("", "")
    wrong = al.compare(net.loss, {"dW1": net.derived["dW1"].T})
    assert capsys.readouterr() == (f"{wrong}\n", "")
    assert str(wrong).count("is it transposed?") == 1


def test_a_hand_derived_gradient_that_does_not_match():
    W = parameter([[1.0, 2.0], [3.0, 4.0]], "W")
    report = al.compare(np.sum(W * W), {"dW": [[2, 4], [6, 9]]}, show=False)
    text = str(report)
    assert "dW[1, 1] is 9, and should be 8" in text
    assert f"{1 / 9:.2e}" in text


@pytest.mark.parametrize("name", ["dW1", "dL_dW1", "dJdW1", "nabla_W1", "gradW1", "dw1", "grad_w1"])
def test_names_are_matched_as_in_derivations(name):
    W1 = al.Tensor([1.0, 2.0], requires_grad=True, name="W1")
    report = al.compare(np.sum(W1 * W1), {name: np.array([2.0, 4.0])}, show=False)
    assert report.ok and report.lines[0].tensor == "W1"


def test_the_graph_of_a_report_is_there_as_long_as_the_loss():
    x = al.Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = np.sum(x * x)
    report = al.compare(loss, {"dx": [2.0, 4.0]}, show=False)
    assert report.record() is loss
    del loss
    with pytest.raises(ValueError, match="the loss of this report is gone: keep a reference"):
        report.record()
