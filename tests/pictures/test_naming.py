"""Names in pictures of functions: of locals wherever they are, of attributes, of constants."""

import re

import numpy as np
import pytest
from pictures.drawings import labels, styles
from pictures.functions import FUNCTIONS

import autograd_lite as al
import nn
from autograd_lite.pictures.structure import structure
from autograd_lite.pictures.tracing import results_of

W = np.array([[1.0, -2.0], [0.5, 3.0]])

GLOBAL_WEIGHT = al.Tensor(W, True)


def names(function, *inputs):
    """The names of the operations of a function, in their order."""
    (result,) = results_of("draw", function, inputs)
    return [node.name for node in structure([result._node]).nodes]


def firsts(picture):
    return {lines[0] for lines in labels(picture).values()}


def test_locals_of_helpers_have_their_names():
    def helper(x):
        squared = x * x
        return np.sin(squared)

    def f(x):
        y = helper(x)
        return np.sum(y)

    assert names(f, W)[:2] == ["squared", "y"]


def test_a_helpers_parameter_names_what_has_no_other_name():
    def helper(z):
        return np.sin(z)

    def f(x):
        return np.sum(helper(x * 2))

    def g(x):
        scaled = x * 2
        return np.sum(helper(scaled))

    assert names(f, W)[0] == "z"
    assert names(g, W)[0] == "scaled"


def test_the_outermost_function_has_the_word():
    def inner(x):
        out = np.sin(x)
        return out

    def middle(x):
        found = inner(x)
        return found

    def f(x):
        A = middle(x)
        return np.sum(A)

    assert names(f, W)[0] == "A"


def test_every_round_of_a_loop_has_its_name():
    def f(x):
        h = x
        for _ in range(4):
            h = np.tanh(h)
        return np.sum(h)

    assert names(f, W)[:4] == ["h"] * 4


def test_entries_of_dicts_and_lists_are_called_by_their_keys():
    def f(x):
        cache = {"Z": x * 2}
        outs = [np.sin(cache["Z"])]
        outs.append(np.cos(outs[0]))
        cache["A"] = np.tanh(outs[1])
        return np.sum(cache["A"])

    assert names(f, W)[:4] == ["Z", "outs0", "outs1", "A"]


def test_long_lists_have_names_too():
    def f(x):
        outs = [x]
        for _ in range(300):
            outs.append(np.sin(outs[-1]))
        return np.sum(outs[-1])

    assert names(f, W)[:300] == [f"outs{i}" for i in range(1, 301)]


def test_attributes_of_objects_are_kept():
    class Net:
        def __init__(this):
            this.W1 = al.Tensor(W, True)

        def loss(this, X):
            this.Z = this.W1 @ X
            A = np.tanh(this.Z)
            return np.sum(A)

    picture = al.draw(Net().loss, W)
    assert {"W1", "X", "Z", "A"} <= firsts(picture)


def test_members_of_classes_and_globals_are_kept():
    class Base:
        scale = al.Tensor(W, True)

    class Net(Base):
        def loss(self, X):
            return np.sum(self.scale * GLOBAL_WEIGHT * X)

    assert {"scale", "GLOBAL_WEIGHT", "X"} <= firsts(al.draw(Net().loss, W))


def test_attributes_of_modules_are_kept():
    class Net(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(np.ones((2, 1)))

        def forward(self, X):
            scaled = self.scale * X
            self.seen = np.tanh(scaled)
            return np.sum(self.seen)

    assert {"scale", "scaled", "seen"} <= firsts(al.draw(Net(), W))


def test_a_parameter_that_is_written_over_keeps_its_name_for_what_was_passed():
    def f(x):
        x = np.sin(x)
        x = np.cos(x)
        return np.sum(x)

    assert names(f, W) == [None, None, None]


def test_names_that_results_have_are_left_alone():
    def f(x):
        y = np.sin(x)
        y.name = "mine"
        z = y * 2
        return np.sum(z)

    assert names(f, W)[:2] == ["mine", "z"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_has_a_name_in_the_code_is_no_number(name):
    """Letters with numbers stand only for expressions that no variable holds."""
    function, inputs = FUNCTIONS[name]
    (result,) = results_of("draw", function, inputs)
    found = {node.name for node in structure([result._node]).nodes} - {None}
    written = {
        "logistic regression": {"Z", "A", "cost"},
        "one hidden layer": {"Z1", "A1", "Z2", "A2", "cost"},
        "deep net": {"Z", "A", "ZL", "AL", "cost"},
        "softmax with helpers": {"A1", "A2", "e", "z"},
        "attention": {"Q", "K", "V", "scores", "e", "weights", "out", "loss"},
        "recurrent net": {"h", "y", "loss"},
        "batch norm": {"Z1", "mu", "var", "N1", "A1", "Z2", "loss"},
        "convolution": {"Z", "A", "P", "out", "loss"},
    }
    assert written[name] <= found


CONSTANTS = {
    "X.T": lambda W, X: W @ X.T,
    "1 - X": lambda W, X: W * (1 - X),
    "X[1]": lambda W, X: W * X[1],
    "X[:, :1].T": lambda W, X: W * X[:, :1].T,
    "X[:, 1:]": lambda W, X: W * X[:, 1:],
    "X[:1]": lambda W, X: W * X[:1],
    "Z > 0": lambda W, X: masked(W, lambda Z: Z > 0),
    "Z >= 0": lambda W, X: masked(W, lambda Z: Z >= 0),
    "Z < 0": lambda W, X: masked(W, lambda Z: Z < 0),
    "Z <= 0": lambda W, X: masked(W, lambda Z: Z <= 0),
    "Z == 0": lambda W, X: masked(W, lambda Z: Z == 0),
    "Z != 0": lambda W, X: masked(W, lambda Z: Z != 0),
}


def masked(weights, mask):
    Z = weights * np.array([[1.0, 1.0], [0.0, 1.0]])
    return Z * mask(Z.data)


@pytest.mark.parametrize("text", CONSTANTS)
def test_constants_say_what_they_were_made_of(text):
    def f(W, X):
        return np.sum(CONSTANTS[text](W, X))

    picture = al.draw(f, W, np.arange(4.0).reshape(2, 2))
    assert text in firsts(picture)


def test_a_constant_that_is_nothing_known_is_one():
    def f(W):
        return np.sum(W * np.array([[3.0, 1.0], [4.0, 1.0]]))

    assert "constant" in firsts(al.draw(f, W))


def is_parameter(picture):
    colours = styles(picture)
    return {name for name in ("W", "b", "X", "Y", "v") if colours.get(name) == "#cfe3f7"}


def linear(W, b, X, Y):
    return np.mean((W @ X + b - Y) ** 2)


INPUTS = (W, np.ones((2, 1)), np.ones((2, 3)), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("wrt", "expected"),
    [
        (None, {"W", "b"}),
        ("b", {"b"}),
        (("W", "X"), {"W", "X"}),
        (["Y", "b", "X", "W"], {"W", "b", "X", "Y"}),
    ],
)
def test_what_is_differentiated_is_drawn_as_a_parameter(wrt, expected):
    assert is_parameter(al.draw(linear, *INPUTS, wrt=wrt)) == expected


def test_a_dict_of_parameters_leaves_the_rest_as_data():
    def f(P, v):
        return np.sum(P["W"] @ v + P["b"])

    assert is_parameter(al.draw(f, {"W": W, "b": 1.0 * W}, W)) == {"W", "b"}


def test_data_alone_are_parameters():
    assert is_parameter(al.draw(lambda X: np.sum(np.exp(X)), W)) == {"X"}


def test_a_name_that_is_no_parameter_is_refused():
    with pytest.raises(ValueError, match=r"draw\(\): wrt names 'V', but .* are W, b, X, Y"):
        al.draw(linear, *INPUTS, wrt="V")
    with pytest.raises(TypeError, match=r"draw\(\) takes wrt only with a function"):
        al.draw(al.Tensor(1.0, True) * 2, wrt="W")


def test_nothing_is_kept_once_the_picture_is_drawn():
    import gc
    import weakref

    kept = []

    def f(x):
        class Local:
            pass

        local = Local()
        kept.append(weakref.ref(local))
        return np.sum(np.sin(x))

    al.draw(f, W)
    gc.collect()
    assert kept[0]() is None


def test_the_slope_of_a_relu_reads_as_people_write_it():
    def f(W, X):
        Z1 = W @ X
        A1 = np.maximum(0, Z1)
        B1 = al.relu(Z1)
        return np.sum(A1 + B1)

    found = re.findall(r'label="([^"]*Z1[^"]*)"', al.draw(f, W, W, local=True).source)
    assert "Z1 > 0, ½ at 0" in found and "Z1 >= 0" in found
