"""al.step_through: what its page is told, and that a browser shows the numbers of the engine."""

import json
import re

import numpy as np
import pytest
from pictures.browser import chromium
from random_programs import program

import autograd_lite as al
import nn
from autograd_lite.graph import Node
from autograd_lite.pictures.steps import Walk

rng = np.random.default_rng(0)
W, b, X, Y = rng.normal(size=(2, 3)), rng.normal(size=(2, 1)), rng.normal(size=(3, 4)), np.ones(4)


def forward(W, b, X, Y):
    Z = W @ X + b
    A = np.tanh(Z)
    return np.sum((A - Y) ** 2)


def backward(W, b, X, Y):
    A = np.tanh(W @ X + b)
    dA = 2 * (A - Y)
    dZ = dA * (1 - A)
    dW = dZ @ X.T
    db = dZ.sum(axis=1, keepdims=True)
    return {"dA": dA, "dZ": dZ, "dW": dW, "db": db}


def data_of(path):
    """What the page holds."""
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="computation">(.*?)</script>', text, re.DOTALL)[1])


def walk(*arguments):
    path, *inputs = arguments[1], *arguments[2:]
    al.step_through(arguments[0], path, *inputs)
    return data_of(path)


def numbers(data, index):
    array = data["arrays"][index]
    assert not array["reduced"]
    return np.array(array["cells"], dtype=array["dtype"]).reshape(array["shape"])


def by_name(data):
    return {node["name"]: node for node in data["nodes"]}


def test_values_and_gradients_are_those_of_the_engine_to_the_last_digit(tmp_path):
    data = walk(forward, tmp_path / "page.html", W, b, X, Y)
    nodes = by_name(data)
    tensors = {n: al.Tensor(v, True, name=n) for n, v in {"W": W, "b": b, "X": X, "Y": Y}.items()}
    Z = tensors["W"] @ tensors["X"] + tensors["b"]
    A = np.tanh(Z)
    loss = np.sum((A - tensors["Y"]) ** 2)
    for t in (Z, A):
        t.retain_grad()
    loss.backward()
    for name, tensor in (tensors | {"Z": Z, "A": A}).items():
        np.testing.assert_array_equal(numbers(data, nodes[name]["value"]), tensor.data)
        np.testing.assert_array_equal(numbers(data, nodes[name]["gradient"]), tensor.grad)


@pytest.mark.parametrize("seed", range(40))
def test_every_step_of_random_programs_adds_up(seed):
    run, inputs = program(seed, "real")
    leaves = [al.Tensor(x, requires_grad=True) for x in inputs]
    result = run(np, *leaves)
    if not isinstance(result._node, Node):
        pytest.skip("nothing is recorded")
    data = Walk(result, None).data
    last = {}
    for step in data["steps"]:
        if step["phase"] == "backward" and "product" in step:
            before = step["before"]
            assert before == last.get(step["operand"])
            last[step["operand"]] = step["sum"]
            node = data["nodes"][step["node"]]
            assert step["formula"]
            assert data["edges"][step["edge"]]["to"] == step["node"]
            assert data["edges"][step["edge"]]["from"] == step["operand"]
            if step["arriving"] is not None:
                assert step["arriving"] == node["gradient"]
    for operand, total in last.items():
        assert data["nodes"][operand]["gradient"] == total
    forward_steps = [s["node"] for s in data["steps"] if s["phase"] == "forward"]
    operations = [i for i, n in enumerate(data["nodes"]) if n["kind"] in ("operation", "result")]
    assert forward_steps == operations


def test_a_step_is_the_product_with_the_local_derivative(tmp_path):
    data = walk(forward, tmp_path / "page.html", W, b, X, Y)
    (step,) = (
        s
        for s in data["steps"]
        if s["phase"] == "backward" and s.get("operand") == data["nodes"].index(by_name(data)["Z"])
    )
    arriving, local = numbers(data, step["arriving"]), numbers(data, step["local_value"])
    assert step["local"] == "1 - A * A"
    np.testing.assert_allclose(numbers(data, step["product"]), arriving * local, rtol=1e-15)


def test_what_broadcasting_added_is_summed_and_said_so(tmp_path):
    data = walk(forward, tmp_path / "page.html", W, b, X, Y)
    notes = {
        data["nodes"][s["operand"]]["name"]: s.get("note") for s in data["steps"] if "note" in s
    }
    assert notes["b"] == "summed over axis 1, along which b was broadcast"
    assert notes["Y"] == "summed over axis 0, along which Y was broadcast"
    assert notes["W"] == ""


def test_a_wrong_line_stops_the_walk_and_says_why(tmp_path):
    report = al.check_derivation(forward, backward, W, b, X, Y, show=False)
    data = walk(report, tmp_path / "page.html")
    stops = [s["verdict"] for s in data["steps"] if "verdict" in s]
    assert [v["gradient"] for v in stops] == ["dA", "dZ", "db", "dW"]
    assert [v["status"] for v in stops] == ["correct", "wrong", "inherited", "inherited"]
    assert "dZ[" in stops[1]["message"] and "should be" in stops[1]["message"]
    given = backward(W, b, X, Y)["dZ"]
    np.testing.assert_array_equal(numbers(data, stops[1]["derived"]), given)


def test_the_line_of_each_operation_is_known(tmp_path):
    data = walk(forward, tmp_path / "page.html", W, b, X, Y)
    assert re.fullmatch(r'File ".*test_steps.py", line \d+, in forward', by_name(data)["A"]["line"])


def test_modules_are_groups(tmp_path):
    net = nn.Sequential(nn.Linear(3, 2, seed=0), nn.ReLU(), nn.Linear(2, 1, seed=1))
    data = walk(net, tmp_path / "page.html", X)
    assert [g["label"] for g in data["groups"]] == ["Sequential", "Linear(3, 2)", "Linear(2, 1)"]


def test_a_large_array_is_shown_as_the_means_of_blocks(tmp_path):
    x = np.arange(12_000.0).reshape(100, 120)
    data = walk(lambda x: np.sum(x), tmp_path / "page.html", x)
    array = data["arrays"][by_name(data)["x"]["value"]]
    assert array["reduced"] and array["rows"] * array["columns"] <= 1024
    assert np.isclose(np.mean(np.array(array["cells"], float)), x.mean(), rtol=0.05)
    assert (array["min"], array["max"]) == ("0.0", "11999.0")


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((0, 3)),
        np.ones(()),
        np.ones((2, 1, 3, 2)),
        np.float32([0.1, 3e38]),
        np.array([1 + 2j, 3]),
        np.array([np.nan, np.inf, -np.inf, 1]),
        np.ones((1, 5000)),
        np.ones((5000, 1)),
    ],
    ids=lambda x: f"{x.dtype}{x.shape}",
)
def test_arrays_of_every_kind_are_shown(x, tmp_path):
    with np.errstate(all="ignore"):
        data = walk(lambda x: np.sum(x * x), tmp_path / "page.html", x)
    array = data["arrays"][by_name(data)["x"]["value"]]
    assert array["shape"] == list(x.shape)
    assert array["rows"] * array["columns"] == len(array["cells"])
    if not array["reduced"]:
        cells = np.array(array["cells"], dtype=x.dtype).reshape(x.shape)
        np.testing.assert_array_equal(cells, x)


def test_operations_on_lists_and_with_several_results_are_walked(tmp_path):
    def f(x, y):
        w, V = np.linalg.eigh(np.diag(np.concatenate([x, y])) + 0.1)
        return w.sum() + np.sum(V[0] * np.stack([w, w])[1])

    data = walk(f, tmp_path / "page.html", np.array([1.0, 2.0]), np.array([3.0]))
    formulas = [s["formula"] for s in data["steps"] if "formula" in s]
    assert any(re.fullmatch(r"part 2 of dv\d+", text) for text in formulas)
    x, y = al.Tensor([1.0, 2.0], True), al.Tensor([3.0], True)
    f(x, y).backward()
    np.testing.assert_array_equal(numbers(data, by_name(data)["y"]["gradient"]), y.grad)


def test_the_graph_and_the_gradients_stay_as_they_were(tmp_path):
    x = al.Tensor([1.0, 2.0], True, name="x")
    loss = (x * x).sum()
    al.step_through(loss, tmp_path / "page.html")
    assert x.grad is None
    loss.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_too_many_operations_are_refused_and_nothing_is_written(tmp_path):
    x = al.Tensor(1.0, True)
    y = x
    for _ in range(2_001):
        y = y + 1
    with pytest.raises(ValueError, match=r"has 2,001 operations, .* through 2,000 at most"):
        al.step_through(y, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_long_arrows_do_not_hold_up_the_layout(tmp_path):
    def f(W, x):
        for _ in range(300):
            x = np.tanh(W @ x)
        return x.sum()

    data = walk(f, tmp_path / "page.html", np.eye(2), np.ones(2))
    assert len(data["edges"]) == 3 * 300 + 1
    for edge in data["edges"]:
        assert re.fullmatch(r"M [-\d.]+,[-\d.]+( C( [-\d.e]+,[-\d.e]+){3})+", edge["path"])


def test_a_name_gets_an_ending_and_a_missing_folder_is_told(tmp_path):
    x = al.Tensor(1.0, True)
    assert al.step_through(x * 2, tmp_path / "page") == str(tmp_path / "page.html")
    with pytest.raises(OSError, match="cannot write the page to .*: there is no folder"):
        al.step_through(x * 2, tmp_path / "no" / "page.html")


@pytest.mark.parametrize("value", [3.0, np.ones(3), None, "loss"])
def test_what_is_no_tensor_is_refused(value, tmp_path):
    with pytest.raises(TypeError, match=r"step_through\(\) takes the Tensor that"):
        al.step_through(value, tmp_path / "page.html")


def test_a_freed_graph_is_refused(tmp_path):
    x = al.Tensor([1.0], True)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(ValueError, match=r"freed by backward\(\) at .*; step through before"):
        al.step_through(loss, tmp_path / "page.html")


def test_hostile_names_are_data(tmp_path):
    name = "</script><img src=x onerror=alert(1)>\\N\u2028"
    x = al.Tensor([1.0, 2.0], True, name=name)
    path = tmp_path / "page.html"
    al.step_through((x * x).sum(), path)
    assert "<img" not in path.read_text(encoding="utf-8")
    assert name in by_name(data_of(path))


def test_a_browser_shows_the_numbers_of_the_engine(tmp_path):
    path = tmp_path / "page.html"
    data = walk(forward, path, W, b, X, Y)
    grads = al.grad(forward, argnums=(0, 1))(W, b, X, Y)
    with chromium() as browser:
        page = browser.new_page()
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(path.as_uri())
        for name, expected in (("W", grads[0]), ("b", grads[1])):
            at = max(
                i
                for i, s in enumerate(data["steps"])
                if s.get("operand") == data["nodes"].index(by_name(data)[name])
            )
            page.goto("about:blank")
            page.goto(f"{path.as_uri()}#{at + 1}")
            shown = page.locator(
                '#panel [data-part="sum"] [data-text], #panel [data-part="product"] [data-text]'
            )
            texts = shown.evaluate_all("all => all.map(cell => cell.dataset.text)")
            got = np.array(texts[-expected.size :], float).reshape(expected.shape)
            np.testing.assert_array_equal(got, expected)
        assert trouble == []
