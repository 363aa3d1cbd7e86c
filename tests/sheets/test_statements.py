"""The rows of a sheet: what stands beside each line of code."""

import dataclasses
import inspect
import re

import numpy as np
import pytest
from pictures.functions import FUNCTIONS
from sheets.evaluated import problems
from sheets.strangers import STRANGERS
from sheets.writing import WRITING

import autograd_lite as al
from autograd_lite.arrays.trees import leaves_of, map_leaves


def lines(sheet):
    """All statements of a sheet by the line of code, those of called functions included."""
    found = []

    def walk(rows):
        for row in rows:
            for round_ in row["rounds"]:
                found.append(
                    (row["code"], [s["text"] for s in round_["forward"] + round_["backward"]])
                )
                walk(round_["inner"])

    walk(sheet._content.data()["rows"])
    return found


def texts(sheet):
    return [text for _, statements in lines(sheet) for text in statements]


def expressions(sheet):
    def walk(x):
        yield x
        for inner in x.get("a", []):
            yield from walk(inner)

    def rows(some):
        for row in some:
            for round_ in row["rounds"]:
                for s in round_["forward"] + round_["backward"]:
                    yield from walk(s["x"])
                yield from rows(round_["inner"])

    return list(rows(sheet._content.data()["rows"]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_gradient_is_written_out_under_the_names_of_the_code(name):
    function, inputs = FUNCTIONS[name]
    found = "\n".join(texts(al.sheet(function, *inputs)))
    assert not re.search(r"\bv\d+\b", found)
    assert "np.bitwise" not in found and "isnan" not in found


ALL = FUNCTIONS | STRANGERS


@pytest.mark.parametrize("name", ALL)
@pytest.mark.one_in(7)
def test_every_statement_read_as_numpy_gives_the_number_that_is_shown(name):
    function, inputs = ALL[name]
    assert not problems(al.sheet(function, *inputs)._content)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradients_of_a_sheet_are_those_of_the_engine(name):
    function, inputs = FUNCTIONS[name]
    content = al.sheet(function, *inputs)._content
    leaves = {leaf.name or content.recorded.name_of(leaf): leaf for leaf in content.recorded.wrt}
    assert leaves
    flat = [
        np.asarray(content.values[content.computation.sources[id(leaf)]])
        for leaf in content.recorded.wrt
    ]
    tensors = map_leaves(lambda v: al.Tensor(v, requires_grad=True), inputs)
    function(*tensors).backward()
    wanted = {leaf._value.tobytes(): leaf.grad for leaf in leaves_of(tensors)}
    for leaf, array in zip(content.recorded.wrt, flat, strict=True):
        total = content.values[content.computation.total[leaf]]
        np.testing.assert_allclose(total, wanted[array.tobytes()], rtol=1e-10, atol=1e-14)


def test_the_line_of_the_textbook_is_there():
    function, inputs = FUNCTIONS["one hidden layer"]
    found = texts(al.sheet(function, *inputs))
    assert "dZ2 = (A2 - Y) / N" in found
    assert "dW2 = dZ2 @ A1.T" in found
    assert "dZ1 = dA1 * (1 - A1**2)" in found


def test_a_softmax_with_its_largest_number_taken_off_first_is_a_softmax():
    function, inputs = FUNCTIONS["softmax with helpers"]
    assert "dz2 = (A2 * np.sum(Y, axis=0, keepdims=True) - Y) / 12" in texts(
        al.sheet(function, *inputs)
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_product_shows_both_of_its_operands(name):
    function, inputs = FUNCTIONS[name]
    products = [x for x in expressions(al.sheet(function, *inputs)) if x.get("symbol") == "@"]
    assert products or name == "convolution"
    assert all(len(x["a"]) == 2 for x in products)


def test_a_loop_is_one_row_with_its_rounds():
    function, inputs = FUNCTIONS["recurrent net"]
    rows = al.sheet(function, *inputs)._content.rows
    assert [len(row.rounds) for row in rows] == [12, 12, 12, 1]
    first, last = rows[0].rounds[0], rows[0].rounds[-1]
    assert first.forward[0].expression.text.text == "np.tanh(Wx @ X[0] + Wh @ h0 + b)"
    assert last.forward[0].label == "h12"
    assert [s.adds for s in last.backward if s.label == "dWx"] == [False]
    [total] = [s for s in first.backward if s.label == "dWx"]
    assert total.adds and total.total is not None


def test_a_function_that_is_called_is_a_row_that_opens():
    function, inputs = FUNCTIONS["softmax with helpers"]
    rows = al.sheet(function, *inputs)._content.rows
    inner = rows[1].rounds[0].inner
    assert [row.function for row in inner] == ["softmax", "softmax"]
    assert inner[0].text == "e = np.exp(z - np.max(z, axis=0, keepdims=True))"
    assert rows[1].rounds[0].forward[0].expression.text.text == "softmax(W2 @ A1 + b2)"


def test_data_is_not_differentiated_by_unless_it_is_asked_for():
    def loss(w, X, Y):
        return np.sum((w * X - Y) ** 2)

    inputs = np.ones(3), np.arange(3.0), np.zeros(3)
    assert not any(text.startswith(("dX", "dY")) for text in texts(al.sheet(loss, *inputs)))
    asked = texts(al.sheet(loss, *inputs, wrt=["X", "w"]))
    assert any(text.startswith("dX =") for text in asked)
    only_data = texts(al.sheet(lambda X: np.sum(X**2), np.ones(2)))
    assert any(text.startswith("dX =") for text in only_data)


def test_masks_and_what_else_has_no_gradient_are_a_part_of_the_program():
    def loss(w, X):
        Z = w @ X
        on = Z > 0
        A = np.where(on, Z, 0.1 * Z)
        return np.sum(A * np.sign(Z))

    sheet = al.sheet(loss, np.ones((1, 2)), np.arange(6.0).reshape(2, 3) - 2.5)
    functions = {step[0] for step in sheet._content.data()["steps"]}
    assert {"greater", "sign"} <= functions
    assert "on = Z > 0" in texts(sheet)


def test_what_a_function_decides_by_values_is_noted():
    def loss(w):
        s = np.sum(w)
        if s > 0:
            s = s * 2
        return np.sum(w[w > 1]) - s

    content = al.sheet(loss, np.array([1.0, 2.0]))._content
    assert not content.obstacle
    decided = [
        (d["code"], content.data()["values"][d["v"]]["numbers"])
        for d in content.data()["decisions"]
    ]
    assert decided == [("if s > 0:", [True]), ("return np.sum(w[w > 1]) - s", [False, True])]


def test_a_number_that_is_printed_decides_nothing():
    def loss(w):
        s = np.sum(w**2)
        print(f"loss {s:.3f}", end="")
        seen.append(s.item())
        return s

    seen = []
    assert not al.sheet(loss, np.ones(2))._content.data()["decisions"]


def test_what_cannot_be_computed_anew_is_shown_for_reading():
    def loss(w):
        np.add.at(w, 0, 1.0)
        np.multiply.at(w, 0, 2.0)
        return np.sum(w)

    with pytest.raises(TypeError):
        al.sheet(loss, np.ones(2))


@pytest.mark.parametrize("name", WRITING)
def test_a_function_that_writes_into_arrays_has_a_row_for_each_line(name):
    function, inputs = WRITING[name]
    before = map_leaves(np.array, inputs)
    content = al.sheet(function, *inputs)._content
    assert not content.obstacle
    assert not problems(content)
    lines = inspect.getsource(function).splitlines()
    assert {row.text for row in content.rows} <= {line.strip() for line in lines}
    assert all(map(np.array_equal, leaves_of(inputs), leaves_of(before)))


@pytest.mark.parametrize("name", WRITING)
def test_the_gradients_of_a_function_that_writes_into_arrays_are_those_of_differences(name):
    function, inputs = WRITING[name]
    content = al.sheet(function, *inputs)._content
    step = 1e-6
    for leaf in content.recorded.wrt:
        name = content.recorded.name_of(leaf)
        i = list(inspect.signature(function).parameters).index(name)
        total = np.asarray(content.values[content.computation.total[leaf]])
        assert total.shape == inputs[i].shape
        for k in range(inputs[i].size):
            ends = []
            for sign in (1, -1):
                moved = [np.array(v) for v in inputs]
                moved[i].flat[k] += sign * step
                ends.append(function(*moved))
            measured = (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(total.flat[k], measured, rtol=1e-5, atol=1e-7)


def test_a_mistake_in_what_is_written_is_the_persons_own():
    def loss(w):
        z = w * 2
        z[5] = 0
        return np.sum(z)

    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        al.sheet(loss, np.ones(2))


def test_an_array_that_is_written_to_keeps_its_name():
    function, inputs = WRITING["scores with a hole"]
    assert "margins2[rows, y] = 0" in texts(al.sheet(function, *inputs))


def test_an_argument_that_the_page_has_no_form_of_is_named():
    @al.primitive
    def looked_up(x, table):
        return np.asarray(x) * table["rate"]

    al.defvjp(looked_up, x=lambda g, table: g * table["rate"])
    content = al.sheet(lambda w: np.sum(looked_up(w, {"rate": 2.0})), np.ones(2))._content
    assert content.obstacle == "the page cannot compute with an argument of type dict"
    assert content.data()["steps"] == []


def test_an_object_is_as_it_was_before():
    class Net:
        def __init__(self):
            self.w = al.Tensor(np.ones((1, 2)), requires_grad=True)
            self.cache = {}
            self.z = None

        def loss(self, X):
            self.z = self.w @ X
            self.cache["z"] = self.z
            return np.sum(self.z**2)

    net = Net()
    al.sheet(net.loss, np.ones((2, 3)))
    assert net.z is None and net.cache == {}
    assert net.w.grad is None


@pytest.mark.parametrize(
    ("function", "inputs", "wrt", "message"),
    [
        (lambda w: w, (np.ones(3),), None, "sheet() takes a function that computes a number"),
        (lambda w: w * 1j, (np.ones(3),), None, "shows the derivation of real numbers"),
        (lambda w: 3.0, (np.ones(3),), None, "returned float"),
        (np.sum, (np.ones(3),), ["nothing"], "has no such floating-point input"),
        (
            lambda w: sum(w[i % 3] * i for i in range(600)),
            (np.ones(3),),
            None,
            "a line nests too many",
        ),
        (lambda w: w > 0, (np.ones(3),), None, "returned a value through which no gradient flows"),
        (np.ones(3), (), None, "sheet() takes the Tensor that a computation gave"),
        (al.Tensor([1.0]), (np.ones(3),), None, "only with a function"),
    ],
)
@pytest.mark.one_in(2)
def test_what_cannot_be_shown_is_said(function, inputs, wrt, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        al.sheet(function, *inputs, wrt=wrt)


def test_a_sheet_is_made_where_nothing_else_is_recorded():
    with al.no_grad():
        sheet = al.sheet(lambda w: np.sum(w**2), np.ones(2))
    assert sheet.rows == [["loss = np.sum(w**2)", "dw = 2 * w"]]


def test_globals_are_what_they_were_and_errors_are_a_persons_own():
    space = {"np": np, "last": 1}
    exec("def loss(w):\n    global last, new\n    last = new = np.sum(w)\n    return last", space)
    al.sheet(space["loss"], np.ones(2))
    assert space["last"] == 1 and "new" not in space

    def endless(w):
        return endless(w)

    with pytest.raises(RecursionError):
        al.sheet(endless, np.ones(2))


def test_arrays_of_a_persons_own_are_as_they_were_and_can_be_written_to():
    v = al.Tensor(np.ones((1, 2)), requires_grad=True)
    c = np.ones((1, 2))

    def loss(w, x):
        return np.sum(((v + c) @ (w @ x)) ** 2)

    w, x = np.ones((2, 3)), np.ones((3, 2))
    sheet = al.sheet(loss, w, x, wrt="w")
    for array in (w, x, c):
        array += 1
        assert array[0, 0] == 2
    v.data -= 1
    assert v.grad is None
    assert sheet.rows == al.sheet(loss, w - 1, x - 1, wrt="w").rows


def test_a_branch_is_shown_as_it_was_taken():
    def loss(w):
        s = np.sum(w)
        return s * 2 if s > 0 else -s

    assert "loss = s * 2" in texts(al.sheet(loss, np.ones(2)))
    assert "loss = -s" in texts(al.sheet(loss, -np.ones(2)))


def test_a_recorded_loss_has_rows_of_the_lines_that_made_it():
    with al.record_lines():
        w = al.Tensor(np.ones((1, 2)), requires_grad=True, name="w")
        z = w @ np.arange(6.0).reshape(2, 3)
        loss = np.sum(z * z)
    loss.name = "loss"
    found = lines(al.sheet(loss))
    assert [code for code, _ in found] == [
        "z = w @ np.arange(6.0).reshape(2, 3)",
        "loss = np.sum(z * z)",
    ]


def test_the_attributes_of_an_object_have_names():
    class Net:
        def __init__(self):
            self.w = al.Tensor(np.ones((1, 2)), requires_grad=True)

        def loss(self, x):
            self.z = self.w @ x
            return np.sum(self.z**2)

    found = texts(al.sheet(Net().loss, np.ones((2, 3))))
    assert "z = w @ x" in found
    assert "dw = dz @ x.T" in found


class OfDict:
    def __init__(self):
        self.params = {"W1": np.ones((2, 3)), "b1": np.zeros(2)}
        self.velocity = {"W1": np.zeros((2, 3))}

    def loss(self, x, t):
        self.h = x @ self.params["W1"].T + self.params["b1"]
        return np.mean((self.h - t) ** 2)


class OfLists:
    def __init__(self):
        self.Ws, self.bs = [np.eye(3), np.ones((1, 3))], (np.zeros((3, 1)), np.zeros((1, 1)))

    def __call__(self, X, Y):
        for W, b in zip(self.Ws, self.bs, strict=True):
            X = np.tanh(W @ X + b)
        return np.sum((X - Y) ** 2)


class OfLayers:
    class Layer:
        def __init__(self, n, m):
            self.W, self.b = np.full((m, n), 0.5), np.zeros((m, 1))

        def forward(self, x):
            self.x = x
            return np.tanh(self.W @ x + self.b)

    def __init__(self):
        self.layers = [self.Layer(3, 4), self.Layer(4, 1)]

    def loss(self, X, Y):
        for layer in self.layers:
            X = layer.forward(X)
        return np.mean((X - Y) ** 2)


GLOBAL_W, GLOBAL_X = np.full((2, 3), 0.5), np.arange(12.0).reshape(3, 4) / 9


def of_globals():
    Z = GLOBAL_W @ GLOBAL_X
    return np.sum(Z * Z)


X_OF_OBJECTS, Y_OF_OBJECTS = np.arange(12.0).reshape(3, 4) / 9, np.ones((1, 4))


@pytest.mark.parametrize(
    ("function", "inputs", "wanted"),
    [
        (OfDict().loss, (X_OF_OBJECTS.T, np.ones((4, 2))), ["dW1 = dh.T @ x", "db1 = np.sum(dh"]),
        (
            OfLists(),
            (X_OF_OBJECTS, Y_OF_OBJECTS),
            ["dWs0 = dX1 * (1 - X1**2) @ X.T", "dWs1 = dtanh2 @ X1.T"],
        ),
        (OfLayers().loss, (X_OF_OBJECTS, Y_OF_OBJECTS), ["dW1 = dtanh1 @ X.T", "db2 = np.sum("]),
        (of_globals, (), ["dGLOBAL_W = dZ @ GLOBAL_X.T"]),
    ],
    ids=["dict", "lists", "layers", "globals"],
)
def test_plain_arrays_of_an_object_are_its_parameters(function, inputs, wanted):
    owner = getattr(function, "__self__", function)
    before = {id(value) for value in leaves_of(getattr(owner, "__dict__", {}))}
    found = "\n".join(texts(al.sheet(function, *inputs)))
    for text in wanted:
        assert text in found, found
    assert not re.search("^d[XYxt] ", found, re.MULTILINE) and "constant" not in found
    assert {id(value) for value in leaves_of(getattr(owner, "__dict__", {}))} == before
    assert type(GLOBAL_W) is np.ndarray and GLOBAL_W.flags.writeable


def test_what_cannot_be_replaced_in_an_object_stays_a_constant():
    @dataclasses.dataclass(frozen=True, slots=True)
    class Frozen:
        W: np.ndarray

        def loss(self, X, Y):
            return np.sum((self.W @ X - Y) ** 2)

    class OfTuple:
        def __init__(self):
            self.weights = np.ones((1, 2)), np.ones((1, 1))

        def loss(self, X, Y):
            return np.sum((self.weights[0] @ X - Y) ** 2) * np.sum(self.weights[1])

    for model in (Frozen(np.ones((1, 2))), OfTuple()):
        assert "dX" in "\n".join(texts(al.sheet(model.loss, np.ones((2, 3)), np.ones((1, 3)))))


def test_a_tensor_that_requires_grad_is_a_parameter_whatever_it_is_called():
    X = al.Tensor(np.ones((2, 3)), requires_grad=True)
    W = al.Tensor(np.ones((1, 2)), requires_grad=True)
    found = texts(al.sheet(lambda: np.sum((W @ X) ** 2)))
    assert {"dX", "dW"} <= {text.split(" ")[0] for text in found}


def test_a_function_of_one_argument_is_differentiated_by_it():
    kernel, target = np.ones((1, 2)), np.ones((1, 3))
    found = texts(al.sheet(lambda X: np.sum((kernel @ X - target) ** 2), np.ones((2, 3))))
    assert [text for text in found if text.startswith("dX")]
    assert not [text for text in found if text.startswith(("dkernel", "dtarget"))]


def test_an_argument_that_is_a_parameter_keeps_what_is_outside_a_constant():
    scale = np.array([[2.0], [3.0]])
    found = texts(al.sheet(lambda w: np.sum((scale * w) ** 2), np.ones((2, 3))))
    assert any(text.startswith("dw = ") for text in found)
    assert not any(text.startswith("dscale") for text in found)


def slots(x, w, E, rows):
    out = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            out[i, j] = np.sum(x[i : i + 2, j : j + 2] * w)
    out[:, 0] += E[rows].sum(axis=0)
    return np.sum(out**2)


def test_what_is_written_into_a_part_is_written_as_people_write_it():
    inputs = np.arange(9.0).reshape(3, 3), np.ones((2, 2)), np.ones((4, 2)), np.array([1, 1, 3])
    found = texts(al.sheet(slots, *inputs))
    assert "out1[0, 0] = np.sum(x[0:2, 0:2] * w)" in found
    assert "dx[0:2, 0:2] += dout1[0, 0] * w" in found
    assert any(text.startswith("np.add.at(dE, rows, ") for text in found)
    assert not any("put_back" in text for text in found)


def cost_of_the_course(W, b, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(W, X) + b)))
    cost = (1.0 / m) * (-np.dot(Y, np.log(A).T) - np.dot(1 - Y, np.log(1 - A).T))
    return np.squeeze(cost)


def scores_of_cs231n(W, X, y):
    scores = X @ W
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = e / np.sum(e, axis=1, keepdims=True)
    return np.sum(-np.log(probs[np.arange(len(y)), y])) / len(y)


def perceptron(W, x, t):
    z = W @ x
    h = np.maximum(z, 0)
    return 0.5 * np.dot(h - t, h - t)


def leaky(Z):
    A = np.where(Z > 0, Z, 0.1 * Z)
    return np.sum(A**2)


@pytest.mark.parametrize(
    ("function", "inputs", "wanted"),
    [
        (
            cost_of_the_course,
            (np.ones((1, 2)), np.zeros((1, 1)), np.ones((2, 5)) / 3, np.ones((1, 5))),
            "d(W @ X + b) = (A - Y) / m",
        ),
        (
            scores_of_cs231n,
            (np.eye(3)[:2] + 0.1, np.ones((4, 2)) / 3, np.array([2, 0, 1, 1])),
            "dscores = (dprobs - np.sum(probs * dprobs, axis=1, keepdims=True)) * probs",
        ),
        (perceptron, (np.ones((3, 2)), np.array([0.2, -0.3]), np.ones(3)), "dW = np.outer(dz, x)"),
        (perceptron, (np.ones((3, 2)), np.array([0.2, 0.3]), np.ones(3)), "dz = dh * (z > 0)"),
        (perceptron, (np.ones((3, 2)), np.array([0.2, 0.3]), np.ones(3)), "dx = W.T @ dz"),
        (leaky, (np.array([0.5, -0.5]),), "dZ = np.where(Z > 0, dA, dA / 10)"),
        (lambda x: np.sum(np.log(np.exp(x).sum(axis=1))), (np.eye(3),), "np.exp(x)"),
        (lambda x: np.std(x), (np.arange(4.0),), "(x - np.mean(x, keepdims=True))"),
    ],
)
def test_lines_are_those_of_a_textbook_in_common_spellings(function, inputs, wanted):
    assert wanted in "\n".join(texts(al.sheet(function, *inputs)))


def test_a_gradient_that_equals_a_value_goes_by_its_own_name():
    def loss(x):
        u = x * x
        s = np.sin(u)
        d = u - 3
        return np.sum(d * s)

    assert "du = dd" in texts(al.sheet(loss, np.array([0.4, 1.3])))


def test_calls_show_what_was_passed_and_lambdas_their_names():
    weights = {"a": np.ones((3, 2)), "b": np.ones((3, 2)) / 2}
    f = lambda v: np.tanh(v)  # noqa: E731

    def loss(p, x):
        def dense(name, v):
            return v @ p[name]

        return np.sum(f(dense("a", x)) * dense("b", x))

    found = texts(al.sheet(loss, weights, np.ones((4, 3))))
    assert 'loss = np.sum(f(dense("a", x)) * dense("b", x))' in found


def test_a_graph_with_a_mask_in_it_is_one_for_reading():
    w = al.Tensor(np.array([1.0, -2.0]), requires_grad=True, name="w")
    on = w > 0
    content = al.sheet(np.sum(np.where(on, w, 0.1 * w)))._content
    assert content.obstacle.startswith("the graph holds an array, such as a mask")
    x = np.arange(2.0)
    al.label({"x": x})
    assert not al.sheet(np.sum(w * x))._content.obstacle
