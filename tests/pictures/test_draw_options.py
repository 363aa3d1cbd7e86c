"""The options of al.draw: values, gradients, local derivatives, lines, depth, backward, themes."""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from pictures.drawings import box, edges, frames, labels, net, parameter, small_net, styles

import autograd_lite as al
import nn

X = np.arange(12.0).reshape(3, 4) / 10


def test_values_of_few_numbers_are_written_out():
    W = al.Tensor([[1.0, -0.25], [0.5, 12345.678]], True, name="W")
    loss = (W * 2).sum()
    picture = al.draw(loss, values=True)
    assert [line.split() for line in box(picture, "W")[2:]] == [
        ["1", "-0.25"],
        ["0.5", "1.235e+04"],
    ]
    assert box(picture, "sum")[-1] == "2.469e+04"


def test_values_of_many_numbers_are_their_range_and_distribution():
    x = al.Tensor(np.r_[np.zeros(90), np.arange(10.0)], True, name="x")
    lines = box(al.draw(np.sum(x), values=True), "x")
    assert lines[2] == "0 ≤ 0.45 ≤ 9"
    heights = [int(height) for height in lines[3].split()]
    assert len(heights) == 16 and heights[0] == 12 and set(heights[1:]) == {0, 1}


def test_values_are_those_that_were_computed():
    rng = np.random.default_rng(0)
    W = al.Tensor(rng.normal(size=(2, 2)), True, name="W")
    A = np.tanh(W @ rng.normal(size=(2, 3)) + 1)
    A.name = "A"
    shown = " ".join(box(al.draw(A.sum(), values=True), "A")[3:]).split()
    assert shown == [f"{value:.4g}" for value in A.data.ravel()]


def test_gradients_are_those_of_backward():
    W = al.Tensor([[1.0, -2.0]], True, name="W")
    loss = np.sum(W**3)
    lines = box(al.draw(loss, gradients=True), "W")
    assert lines[2] == "gradient" and lines[3].split() == ["3", "12"]
    assert W.grad is None
    loss.backward()


def test_values_after_a_leaf_was_written_to_are_refused():
    x = parameter(3, "x")
    loss = (x + 1).sum()
    x.data += 1
    with pytest.raises(ValueError, match="the data of one of its leaves was changed since"):
        al.draw(loss, values=True)
    al.draw(loss)


def test_the_local_derivative_is_on_its_edge():
    def f(W, x):
        z = W @ x
        a = np.tanh(z)
        return np.sum(a)

    source = al.draw(f, np.ones((2, 3)), np.ones(3), local=True).source
    assert 'label="1 - a * a"' in source
    assert 'label="W.T @ dz"' in source


def test_unnamed_results_get_a_letter_that_no_name_has():
    v1 = parameter(2, "v1")
    picture = al.draw(np.exp(np.sin(v1)).sum(), local=True)
    assert {lines[0] for lines in labels(picture).values()} == {"v1", "v2", "v3", "v4"}


def test_lines_are_those_of_the_source():
    def f(x):
        y = np.exp(x)
        return y.sum()

    lines = box(al.draw(f, np.ones(2), lines=True), "y")
    assert re.fullmatch(r"test_draw_options\.py:\d+: y = np\.exp\(x\)", lines[-1])


def test_lines_of_a_loss_that_was_recorded_with_them():
    x = parameter(2, "x")
    with al.record_lines():
        y = np.exp(x)
    assert "test_draw_options.py" in box(al.draw(y, lines=True), "exp")[-1]
    assert "test_draw_options.py" not in al.draw(np.exp(x), lines=True).source


def test_modules_are_frames_around_their_parameters():
    picture = al.draw(net(), X)
    assert frames(picture) == ["Sequential", "Linear(3, 3)", "Linear(3, 2)", "Linear(2, 1)"]
    assert "X" in {lines[0] for lines in labels(picture).values()}


def test_a_module_of_one_box_has_no_frame():
    assert frames(al.draw(nn.Tanh(), X)) == []


@pytest.mark.parametrize(("depth", "boxes"), [(0, 2), (1, 6), (2, 12), (9, 12)])
def test_depth_says_how_many_levels_are_open(depth, boxes):
    assert len(labels(al.draw(net(), X, depth=depth))) == boxes


def test_a_folded_module_names_its_parameters():
    lines = box(al.draw(net(), X, depth=1), "Linear(3, 3)")
    assert lines == ["Linear(3, 3)", "W1, b1", "(3, 4)"]


def test_helper_functions_fold_too():
    def helper(x):
        return np.tanh(x) * 2

    def f(x):
        return helper(helper(x)).sum()

    picture = al.draw(f, np.ones(2), depth=0)
    assert [lines[0] for lines in labels(picture).values()] == ["x", "helper", "helper", "sum"]
    assert frames(al.draw(f, np.ones(2), depth=1)) == ["helper", "helper"]


def test_a_function_that_calls_itself_folds_at_any_level():
    def power(x, n):
        return x if n == 0 else x * power(x, n - 1)

    for depth in (0, 1, 5, 50):
        al.draw(power, al.Tensor(2.0, True), 60, depth=depth)


def test_the_backward_graph_computes_the_gradients():
    picture = al.draw(small_net(), backward=True)
    colours = styles(picture)
    assert {"dW", "db", "dZ", "dA"} <= set(colours)
    assert len({colours[name] for name in ("dW", "db", "dZ", "dA")} - {colours["Z"]}) == 1
    assert ("dZ", "dW") in edges(picture)
    assert ("dZ", "db") in edges(picture)


def test_the_backward_graph_of_the_same_computation_is_the_same():
    assert al.draw(small_net(), backward=True).source == al.draw(small_net(), backward=True).source


def test_the_backward_graph_leaves_no_trace():
    loss = small_net()
    before = al.draw(loss).source
    al.draw(loss, backward=True, values=True)
    assert al.draw(loss).source == before
    loss.backward()


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_themes_differ_in_colours_only(theme):
    def neutral(text):
        return re.sub(r"#[0-9a-f]{6}", "#", text)

    source = al.draw(small_net(), theme=theme).source
    assert neutral(source) == neutral(al.draw(small_net()).source)
    assert (source == al.draw(small_net()).source) == (theme == "light")


@pytest.mark.parametrize("name", ["Light", "", None])
def test_an_unknown_theme_is_refused(name):
    with pytest.raises(ValueError, match="theme must be 'light', 'dark' or 'print', not "):
        al.draw(small_net(), theme=name)


@pytest.mark.parametrize("depth", [-1, 1.5, "2"])
def test_an_unknown_depth_is_refused(depth):
    with pytest.raises(ValueError, match="depth must be a number of levels, 0 or more"):
        al.draw(small_net(), depth=depth)


def test_what_makes_nan_or_inf_is_marked_where_it_was_made():
    x = al.Tensor([0.0, 1.0], True, name="x")
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(x)
        z = y - y
    picture = al.draw((z * 2).sum())
    marked = {lines[0]: lines[-1] for lines in labels(picture).values() if "⚠" in lines[-1]}
    assert marked == {"log": "⚠ makes Inf of finite numbers"}


def test_nothing_is_marked_where_all_is_finite_or_came_in():
    assert "⚠" not in al.draw(small_net()).source
    assert "⚠" not in al.draw(parameter(2, "x") * np.array([np.nan, 1.0])).source


def test_the_path_of_the_gradient_differs_from_what_is_constant():
    x, c = parameter(2, "x"), np.ones(2)
    arrows = re.findall(r"^\ts\d+ -> n0(.*)$", al.draw(x * c).source, re.MULTILINE)
    assert arrows[0] == "" and "color" in arrows[1]


def test_a_report_is_drawn_with_its_own_graph():
    def forward(W, X):
        Z = W @ X
        return np.sum(Z**2)

    def backward(W, X):
        dZ = 2 * (W @ X)
        return {"dZ": dZ, "dW": dZ @ X}

    W = np.ones((3, 3))
    report = al.check_derivation(forward, backward, W, np.eye(3) * 2 + np.tri(3), show=False)
    picture = al.draw(report)
    assert any("dZ: correct" in lines for lines in labels(picture).values())
    assert any("dW: wrong (transpose)" in lines for lines in labels(picture).values())
    W += 1
    with pytest.raises(ValueError, match="the inputs were changed since forward was marked"):
        al.draw(report)


def test_a_report_of_compare_needs_its_loss():
    W = parameter(3, "W")
    loss = (W * W).sum()
    report = al.compare(loss, {"dW": 2 * W.data}, show=False)
    assert "dW: correct" in box(al.draw(report), "W")
    del loss
    with pytest.raises(ValueError, match="the loss of this report is gone"):
        al.draw(report)


def test_a_graph_shows_itself_in_a_notebook():
    found = al.draw(small_net())._repr_mimebundle_()
    assert found["image/svg+xml"].lstrip().startswith("<?xml")


def test_operands_of_a_list_have_an_arrow_each():
    x, y = parameter(2, "x"), parameter(3, "y")
    picture = al.draw(np.concatenate([x, y, x]))
    assert [tail for tail, _ in edges(picture)] == ["x", "y", "x"]
    assert 'label="part 2 of dv1"' in al.draw(np.concatenate([x, y, x]), local=True).source


def test_operations_with_several_results_are_drawn_with_all_options():
    A = al.Tensor(np.diag([1.0, 2.0]) + 0.1, True, name="A")
    w, V = np.linalg.eigh(A)
    loss = w.sum() + (V * V).sum()
    al.draw(loss, values=True, gradients=True, local=True, lines=True, backward=True)


def test_several_results_are_drawn_in_one_picture():
    x = al.Tensor([1.0, 2.0], True, name="x")
    product, total = x * 3, np.sum(x * x)
    rest = product - 1
    al.label({"product": product, "total": total, "rest": rest})
    for results in ([product, total, rest], (total, rest, total), {0: [rest], "b": (total,)}):
        picture = al.draw(results)
        shown = {lines[0] for lines in labels(picture).values()}
        assert {"x", "product", "total", "rest"} <= shown
        of_a_result = styles(al.draw(total))["total"]
        ends = {name for name, style in styles(picture).items() if style == of_a_result}
        assert ends == {"total", "rest"} | ({"product"} if results[0] is product else set())
        every = {"values": True, "gradients": True, "local": True, "lines": True, "backward": True}
        al.draw(results, **every)
    # d(total)/dx is 2x, and each element of rest and of product changes by 3 with x.
    found = box(al.draw([total, rest], gradients=True), "x")
    assert found[-1].split() == ["5", "7"]
    found = box(al.draw([total, rest, product], gradients=True), "x")
    assert found[-1].split() == ["8", "10"]


def test_a_function_may_return_several_results():
    picture = al.draw(lambda x: {"a": np.exp(x), "b": [np.sin(x)]}, np.ones(2))
    assert {"exp", "sin"} <= {
        line.split("(")[0] for lines in labels(picture).values() for line in lines
    }


@pytest.mark.parametrize(
    ("results", "error", "message"),
    [
        ([], TypeError, "not list"),
        ([1.0], TypeError, "not float"),
        ([al.Tensor(1.0)], ValueError, "no graph to draw"),
    ],
)
def test_what_is_no_result_among_several_is_refused(results, error, message):
    with pytest.raises(error, match=message):
        al.draw(results)
    if results:
        with pytest.raises(error, match=message):
            al.draw([np.exp(parameter(2)), *results])


def test_float32_integers_booleans_complex_and_empty_values_are_shown():
    for data in (np.float32([1.5, 2]), np.ones(20, np.complex128), np.ones((0, 3)), np.ones(())):
        x = al.Tensor(data, True, name="x")
        al.draw(np.sum(x * x), values=True, gradients=True).pipe("dot")


HOSTILE = ["<b>", "\\N", "a:b", '"', "{x|y}", "🧮", "a\nb", "x" * 10_000, "<img src=x>", "&lt;"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_and_modules_that_look_like_markup_are_text_everywhere(text):
    class Odd(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0, 2.0], name=text)

        def forward(self, x):
            return np.tanh(self.w * x) * self.w

        def __repr__(self):
            return text

    options = {"values": True, "gradients": True, "local": True, "lines": True, "backward": True}
    picture = al.draw(Odd()(np.ones(2)).sum(), **options)
    # As SVG it is text, too: no element or attribute comes of it.
    svg = ElementTree.fromstring(picture.pipe("svg"))
    kinds = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert kinds <= {"svg", "g", "title", "polygon", "path", "text", "ellipse", "polyline"}


def test_a_module_whose_repr_raises_is_called_by_its_class():
    class Broken(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0, 2.0])

        def forward(self, x):
            return self.w * x + self.w

        def __repr__(self):
            raise RuntimeError("no repr")

    assert frames(al.draw(Broken()(np.ones(2)))) == ["Broken"]


@pytest.mark.slow
def test_the_text_is_the_same_in_every_process():
    code = (
        "import numpy as np, autograd_lite as al, nn\n"
        "layers = [part for i in range(6) for part in (nn.Linear(3, 3, seed=i), nn.ReLU())]\n"
        "net, X = nn.Sequential(*layers), np.ones((3, 2))\n"
        "print(al.draw(net, X, values=True, gradients=True, local=True, lines=True).source)\n"
        "print(al.draw(net, X, backward=True, fold=True).source)\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_another_layout_is_refused():
    with pytest.raises(ValueError) as caught:
        al.draw(np.sum(al.Tensor([1.0], requires_grad=True) * 2), layout="tree")
    assert str(caught.value) == "layout must be 'graph' or 'sheet', not 'tree'"


class OfArrays:
    def __init__(self):
        self.params = {"W1": np.ones((2, 3)), "b1": np.zeros((2, 1))}

    def loss(self, x, t):
        z = self.params["W1"] @ x + self.params["b1"]
        return np.mean((z - t) ** 2)


def test_the_arrays_of_an_object_are_parameters_in_its_picture():
    model = OfArrays()
    before = dict(model.params)
    source = al.draw(model.loss, np.ones((3, 4)), np.zeros((2, 4))).source
    parameter = re.search(r'label="W1\\n.*?fillcolor="(.*?)"', source)[1]
    data = re.search(r'label="x\\n.*?fillcolor="(.*?)"', source)[1]
    assert parameter == re.search(r'label="b1\\n.*?fillcolor="(.*?)"', source)[1] != data
    assert all(model.params[name] is array for name, array in before.items())


def test_what_a_drawn_function_stores_stays_and_its_parameters_are_arrays_again():
    class Doubling(OfArrays):
        def loss(self, x, t):
            self.params["W1"] = self.params["W1"] * 2
            self.seen = 7
            return super().loss(x, t)

    model = Doubling()
    before = model.params["W1"]
    al.draw(model.loss, np.ones((3, 4)), np.zeros((2, 4)))
    assert model.params["W1"] is before
    assert model.seen == 7
