"""What a drawn graph says: its DOT text, before any program has laid it out."""

import re

import graphviz
import numpy as np
import pytest
from pictures.drawings import edges, labels, parameter, small_net, styles

import autograd_lite as al


def test_a_drawing_is_a_digraph_with_every_leaf_operation_name_and_shape():
    picture = al.draw(small_net())
    assert isinstance(picture, graphviz.Digraph)
    assert sorted(labels(picture).values()) == sorted(
        [
            ["W", "(4, 3)"],
            ["X", "(3, 5)"],
            ["b", "(4, 1)"],
            ["dot", "(4, 5)"],
            ["Z", "+", "(4, 5)"],
            ["A", "tanh", "(4, 5)"],
            ["sum"],
            ["cost", "• ÷ 5"],
        ]
    )


def test_edges_run_in_the_direction_of_computation():
    assert edges(al.draw(small_net())) == [
        ("W", "dot"),
        ("X", "dot"),
        ("dot", "Z"),
        ("b", "Z"),
        ("Z", "A"),
        ("A", "sum"),
        ("sum", "cost"),
    ]


def test_parameters_constants_operations_and_the_result_differ_in_colour():
    colours = styles(al.draw(small_net()))
    assert colours["W"] == colours["b"]
    assert colours["dot"] == colours["Z"] == colours["sum"]
    assert len({colours[name] for name in ("W", "X", "Z", "cost")}) == 4


def test_the_same_computation_gives_the_same_text():
    first = small_net()
    assert al.draw(first).source == al.draw(first).source == al.draw(small_net()).source


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_direction_is_that_of_the_layout(direction):
    assert f"rankdir={direction}" in al.draw(small_net(), direction=direction).source


def test_operands_are_laid_out_in_their_order():
    x, y = parameter(3, "x"), parameter(3, "y")
    picture = al.draw(y - x)
    assert "ordering=in" in picture.source
    assert edges(picture) == [("y", "−"), ("x", "−")]


def test_a_tensor_used_twice_has_two_edges_and_one_box():
    x = parameter((), "x")
    picture = al.draw(x * x)
    assert edges(picture) == [("x", "×"), ("x", "×")]
    assert len(labels(picture)) == 2


def test_a_diamond_has_each_node_once():
    x = parameter((), "x")
    y = x
    for _ in range(20):
        y = y + y
    picture = al.draw(y)
    assert len(labels(picture)) == 21
    assert len(edges(picture)) == 40


def test_a_constant_read_twice_is_one_box():
    x, c = parameter(2, "x"), np.ones(2)
    picture = al.draw(x * c + c)
    assert [lines for lines in labels(picture).values() if "constant" in lines] == [
        ["constant", "(2,)"]
    ]


def test_what_has_no_name_says_what_it_is():
    x = al.Tensor(np.ones((2, 1)), requires_grad=True)
    c = al.Tensor(np.ones((1, 3)))
    assert sorted(labels(al.draw(x + c)).values()) == [
        ["+", "(2, 3)"],
        ["constant", "(1, 3)"],
        ["parameter", "(2, 1)"],
    ]


def test_an_empty_name_is_none():
    x = parameter(2, "")
    y = np.exp(x)
    y.name = ""
    assert sorted(labels(al.draw(y)).values()) == [["exp", "(2,)"], ["parameter", "(2,)"]]


def test_a_constant_that_is_one_number_says_which():
    x = parameter((), "x")
    assert ["2.5"] in labels(al.draw(x * al.Tensor(2.5))).values()
    assert ["x"] in labels(al.draw(x * parameter((), "y"))).values()


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x + 1, "• + 1"),
        (lambda x: 1 - x, "1 − •"),
        (lambda x: x - 1, "• − 1"),
        (lambda x: 2 * x, "2 × •"),
        (lambda x: 1 / x, "1 ÷ •"),
        (lambda x: x**2, "• ^ 2"),
        (lambda x: x / np.float64(3.14159265), "• ÷ 3.142"),
        (lambda x: x / np.float32(0.5), "• ÷ 0.5"),
        (lambda x: x * np.int64(3), "• × 3"),
        (lambda x: np.maximum(0, x), "maximum(0, •)"),
        (lambda x: np.where(np.ones(2, bool), x, 0.0), "where(•, •, 0)"),
        (lambda x: -x, "−•"),
        (lambda x: np.abs(x), "|•|"),
        (lambda x: al.sigmoid(x), "σ"),
        (lambda x: np.exp(x), "exp"),
        (lambda x: np.sum(x, axis=0), "sum axis=0"),
        (lambda x: np.sum(x, 0), "sum axis=0"),
        (lambda x: np.mean(x, axis=(0,), keepdims=True), "mean axis=(0,)"),
        (lambda x: np.sum(x), "sum"),
        (lambda x: x.reshape(1, 2), "reshape"),
        (lambda x: x.T, "•ᵀ"),
        (lambda x: np.transpose(x, (0,)), "•ᵀ axes=(0,)"),
    ],
)
def test_operations_are_written_as_formulas_write_them(compute, expected):
    picture = al.draw(compute(parameter(2, "x")))
    assert labels(picture)["n0"][0] == expected


def test_label_names_the_plain_arrays_that_the_graph_reads():
    def forward():
        W = parameter((2, 3))
        X = np.ones((3, 4))
        unused = np.ones(7)
        Z = np.dot(W, X)
        al.label(locals())
        assert unused.size
        return Z

    first_lines = {lines[0] for lines in labels(al.draw(forward())).values()}
    assert first_lines == {"W", "X", "Z"}


@pytest.mark.parametrize("name", ["node", "graph", "digraph", "edge", "strict", "subgraph"])
def test_a_name_that_is_a_word_of_dot_is_quoted(name):
    assert f'label="{name}' in al.draw(np.exp(parameter(2, name))).source


def test_a_name_never_becomes_part_of_an_identifier():
    source = al.draw(np.exp(parameter(2, "a:b:c"))).source
    assert re.findall(r"^\t(\S+) -> (\S+)(?: \[.*\])?$", source, re.MULTILINE) == [("s0", "n0")]


def test_a_long_name_is_shortened():
    first_line = labels(al.draw(np.exp(parameter(2, "x" * 10_000))))["s0"][0]
    assert first_line == "x" * 59 + "…"


def test_a_name_of_the_greatest_length_is_kept():
    assert labels(al.draw(np.exp(parameter(2, "x" * 60))))["s0"][0] == "x" * 60


def test_draw_leaves_the_graph_to_backward():
    x = parameter(3, "x")
    y = (x * x).sum()
    al.draw(y)
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


@pytest.mark.parametrize("value", [3.0, np.ones(3), None, "loss"])
def test_what_is_no_tensor_is_refused(value):
    message = f"takes the Tensor that a computation gave, not {type(value).__name__}"
    with pytest.raises(TypeError, match=message):
        al.draw(value)


@pytest.mark.parametrize("direction", ["lr", "left", "", None, 'LR"];x'])
def test_an_unknown_direction_is_refused(direction):
    with pytest.raises(ValueError, match="direction must be 'LR', 'TB', 'RL' or 'BT', not "):
        al.draw(small_net(), direction=direction)


def without_graph():
    x = parameter(2)
    with al.no_grad():
        return x * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: parameter(2),
        lambda: al.Tensor([1.0]) * 2,
        without_graph,
        lambda: (parameter(2) * 2).detach(),
    ],
)
def test_a_tensor_without_a_graph_is_refused(make):
    with pytest.raises(ValueError, match="there is no graph to draw: .* under al.no_grad()"):
        al.draw(make())


def test_a_freed_graph_is_refused_with_the_line_that_freed_it():
    loss = small_net()
    loss.backward()
    with pytest.raises(
        ValueError,
        match=r'the graph was freed by backward\(\) at File ".*test_draw.py", line \d+, in test_a_'
        r"freed_.*; draw before that call, or make it with retain_graph=True",
    ):
        al.draw(loss)


def test_a_graph_that_another_backward_freed_in_part_is_refused():
    x = parameter((), "x")
    shared = np.exp(x)
    shared.name = "shared"
    other = shared * 3
    (shared * 2).backward()
    with pytest.raises(ValueError, match="the graph behind 'shared' was freed by backward"):
        al.draw(other)
    shared.name = None
    with pytest.raises(ValueError, match="the graph behind the result of exp was freed"):
        al.draw(other)


def test_a_retained_graph_can_be_drawn_after_backward():
    loss = small_net()
    before = al.draw(loss).source
    loss.backward(retain_graph=True)
    assert al.draw(loss).source == before


def test_a_report_shows_on_the_boxes_of_its_tensors():
    rng = np.random.default_rng(0)
    W = al.Tensor(rng.normal(size=(2, 3)), requires_grad=True)
    X = rng.normal(size=(3, 4))
    Z = np.dot(W, X)
    loss = np.sum(Z * Z)
    al.label(locals())
    report = al.compare(loss, {"dZ": 2 * Z.data, "dW": -2 * Z.data @ X.T}, show=False)
    text = al.draw(loss, report=report).source
    boxes = {name: re.search(rf'label="{name}\\n.*', text)[0] for name in ("Z", "W", "X")}
    assert "dZ: correct" in boxes["Z"] and "#3d803d" in boxes["Z"]
    assert (
        "dW: wrong" in boxes["W"] and 'color="#c01818"' in boxes["W"] and "penwidth=4" in boxes["W"]
    )
    assert "penwidth" not in boxes["X"]
