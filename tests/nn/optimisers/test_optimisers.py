"""Optimisers against their formulas and PyTorch; their groups, blocks and states."""

import copy
import pickle

import numpy as np
import pytest

import nn
from nn import optimisers

rng = np.random.default_rng(0)
START = rng.normal(size=(3, 4))
GRADIENTS = [rng.normal(size=(3, 4)) for _ in range(6)]

OPTIMISERS = {
    "sgd": lambda p, **o: nn.SGD(p, 0.1, **o),
    "momentum": lambda p, **o: nn.SGD(p, 0.1, momentum=0.9, **o),
    "nesterov": lambda p, **o: nn.SGD(p, 0.1, momentum=0.9, nesterov=True, **o),
    "rmsprop": lambda p, **o: nn.RMSProp(p, 0.1, **o),
    "adagrad": lambda p, **o: nn.Adagrad(p, 0.1, **o),
    "adam": lambda p, **o: nn.Adam(p, 0.1, **o),
    "adamw": lambda p, **o: nn.AdamW(p, 0.1, **o),
}
by_name = pytest.mark.parametrize("name", OPTIMISERS)


def stepped(optimiser, parameter, gradients=GRADIENTS):
    for gradient in gradients:
        parameter.grad = gradient
        optimiser.step()
    return parameter.data


VALUES = [
    # Where [1, -2, 1/2] is after one and after four steps: PyTorch's, to twelve digits.
    (lambda p: nn.SGD(p, 0.1), [0.95, -1.9, 0.3], [0.875, -2.075, 0.2375]),
    (lambda p: nn.SGD(p, 0.1, momentum=0.8), [0.95, -1.9, 0.3], [0.6414, -2.0758, -0.0909]),
    (
        lambda p: nn.SGD(p, 0.1, momentum=0.8, nesterov=True),
        [0.91, -1.82, 0.14],
        [0.58812, -2.13564, -0.23522],
    ),
    (
        lambda p: nn.SGD(p, 0.1, weight_decay=0.2),
        [0.93, -1.86, 0.29],
        [0.80424856, -1.92062712, 0.20871568],
    ),
    (
        lambda p: nn.SGD(p, 0.1, momentum=0.8, weight_decay=0.2),
        [0.93, -1.86, 0.29],
        [0.49934936, -1.76842872, -0.14158192],
    ),
    (
        lambda p: nn.SGD(p, 0.1, momentum=0.8, weight_decay=0.2, nesterov=True),
        [0.874, -1.748, 0.122],
        [0.423887952256, -1.750838064512, -0.278567103232],
    ),
    (
        lambda p: nn.RMSProp(p, 0.1),
        [2e-07, -1.0000001, -0.49999995],
        [-0.546149738503, -1.915987836029, -0.758437192942],
    ),
    (
        lambda p: nn.RMSProp(p, 0.1, decay=0.7, epsilon=0.5, weight_decay=0.2),
        [0.920761216677, -1.889486327601, 0.372744037409],
        [0.832953707011, -1.92395210686, 0.309808615492],
    ),
    (
        lambda p: nn.Adagrad(p, 0.1),
        [0.90000000002, -1.90000000001, 0.400000000005],
        [0.845338595031, -1.991449405615, 0.374622510327],
    ),
    (
        lambda p: nn.Adagrad(p, 0.1, epsilon=0.5, weight_decay=0.2),
        [0.941666666667, -1.926315789474, 0.419230769231],
        [0.885235443425, -1.948631856145, 0.389689274168],
    ),
    (
        lambda p: nn.Adam(p, 0.1),
        [0.900000002, -1.900000001, 0.4000000005],
        [0.75378807316, -1.912750898288, 0.258053577546],
    ),
    (
        lambda p: nn.Adam(p, 0.1, beta1=0.6, beta2=0.7, epsilon=0.5, weight_decay=0.2),
        [0.941666666667, -1.926315789474, 0.419230769231],
        [0.835752882269, -1.905346694446, 0.323062322044],
    ),
    (
        lambda p: nn.AdamW(p, 0.1),
        [0.899000002, -1.898000001, 0.3995000005],
        [0.75030302408, -1.905116254613, 0.25649021572],
    ),
    (
        lambda p: nn.AdamW(p, 0.1, beta1=0.6, beta2=0.7, epsilon=0.5, weight_decay=0.2),
        [0.93, -1.893333333333, 0.41],
        [0.799114705944, -1.826057863664, 0.303965512339],
    ),
    (
        lambda p: nn.AdamW(p, 0.1, weight_decay=0),
        [0.900000002, -1.900000001, 0.4000000005],
        [0.75378807316, -1.912750898288, 0.258053577546],
    ),
    (lambda p: nn.SGD(p), [0.995, -1.99, 0.48], [0.9875, -2.0075, 0.47375]),
    (
        lambda p: nn.RMSProp(p),
        [0.90000002, -1.90000001, 0.400000005],
        [0.84538502615, -1.991598783603, 0.374156280706],
    ),
    (
        lambda p: nn.Adagrad(p),
        [0.990000000002, -1.990000000001, 0.49],
        [0.984533859503, -1.999144940562, 0.487462251033],
    ),
    (
        lambda p: nn.Adam(p),
        [0.99900000002, -1.99900000001, 0.499000000005],
        [0.997537880732, -1.999127508983, 0.497580535775],
    ),
    (
        lambda p: nn.AdamW(p),
        [0.99899000002, -1.99898000001, 0.498995000005],
        [0.997497932266, -1.999047545554, 0.497560579474],
    ),
]


@pytest.mark.parametrize(("make", "after_one", "after_four"), VALUES)
def test_values(make, after_one, after_four):
    gradients = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-1.0, 2.0, 0.125], [0.25, -0.5, 1.0]]
    parameter = nn.Parameter([1.0, -2.0, 0.5])
    optimiser = make([parameter])
    np.testing.assert_allclose(stepped(optimiser, parameter, gradients[:1]), after_one, atol=1e-11)
    np.testing.assert_allclose(stepped(optimiser, parameter, gradients[1:]), after_four, atol=1e-11)


@by_name
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_they_agree_with_pytorch(name, decay):
    torch = pytest.importorskip("torch")
    make = {
        "sgd": lambda p, d: torch.optim.SGD(p, 0.1, weight_decay=d),
        "momentum": lambda p, d: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=d),
        "nesterov": lambda p, d: torch.optim.SGD(
            p, 0.1, momentum=0.9, nesterov=True, weight_decay=d
        ),
        "rmsprop": lambda p, d: torch.optim.RMSprop(p, 0.1, weight_decay=d),
        "adagrad": lambda p, d: torch.optim.Adagrad(p, 0.1, weight_decay=d),
        "adam": lambda p, d: torch.optim.Adam(p, 0.1, weight_decay=d),
        "adamw": lambda p, d: torch.optim.AdamW(p, 0.1, weight_decay=d),
    }[name]
    ours = nn.Parameter(START)
    found = stepped(OPTIMISERS[name]([ours], weight_decay=decay), ours)
    theirs = torch.nn.Parameter(torch.tensor(START))
    optimiser = make([theirs], decay)
    for gradient in GRADIENTS:
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
    np.testing.assert_allclose(found, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_adam_is_its_formula():
    m = v = np.zeros_like(START)
    expected = START.copy()
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    parameter = nn.Parameter(START)
    np.testing.assert_allclose(stepped(nn.Adam([parameter], 0.1), parameter), expected)


@by_name
def test_steps_are_in_place_and_large_arrays_are_done_in_blocks(name):
    values = rng.normal(size=(300, 211))
    parameter, parts = nn.Parameter(values), [nn.Parameter(row) for row in values]
    gradient = rng.normal(size=values.shape)
    array = parameter.data
    whole = OPTIMISERS[name]([parameter])
    pieces = OPTIMISERS[name](parts)
    for _ in range(2):
        parameter.grad = gradient
        for part, row in zip(parts, gradient, strict=True):
            part.grad = row
        whole.step()
        pieces.step()
    assert parameter.data is array
    np.testing.assert_array_equal(array, [part.data for part in parts])
    np.testing.assert_array_equal(parameter.grad, gradient)


@by_name
def test_other_memory_layouts(name):
    plain, other = nn.Parameter(START), nn.Parameter(np.asfortranarray(START))
    found = [stepped(OPTIMISERS[name]([p]), p) for p in (plain, other)]
    np.testing.assert_array_equal(*found)


@by_name
def test_a_state_goes_on_where_it_was(name):
    whole, first, second = (nn.Parameter(START) for _ in range(3))
    expected = stepped(OPTIMISERS[name]([whole]), whole).copy()
    optimiser = OPTIMISERS[name]([first])
    stepped(optimiser, first, GRADIENTS[:3])
    second.data = first.data
    other = OPTIMISERS[name]([second])
    other.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    np.testing.assert_array_equal(stepped(other, second, GRADIENTS[3:]), expected)
    again = pickle.loads(pickle.dumps(optimiser))
    np.testing.assert_array_equal(stepped(again, again.parameters[0], GRADIENTS[3:]), expected)


def test_a_state_of_another_optimiser_is_refused():
    parameter = nn.Parameter(START)
    with pytest.raises(ValueError, match="the state is not that of this SGD"):
        nn.SGD([parameter]).load_state_dict(nn.Adam([parameter]).state_dict())
    other = nn.Adam([nn.Parameter(np.ones(2))])
    with pytest.raises(ValueError, match=r"memory.0.mean: the state has shape \(2,\)"):
        nn.Adam([parameter]).load_state_dict(other.state_dict())


def test_groups_have_options_of_their_own():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    groups = [{"parameters": [a]}, {"parameters": [b], "learning_rate": 0.5, "weight_decay": 1.0}]
    optimiser = nn.SGD(groups, 0.1)
    a.grad = b.grad = np.array([1.0])
    optimiser.step()
    assert (a.item(), b.item()) == (0.9, 0.0)
    optimiser.learning_rate = 2.0
    assert [g["learning_rate"] for g in optimiser.groups] == [2.0, 2.0]


@by_name
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_parameter_that_a_graph_keeps_is_not_written_to(name, order):
    """And nothing is remembered of a step that was not taken."""
    W = nn.Parameter(np.array(START, order=order), name="W")
    optimiser = OPTIMISERS[name]([W])
    stepped(optimiser, W, GRADIENTS[:1])
    before = optimiser.state_dict()
    loss = W * W
    with pytest.raises(ValueError, match="'W' cannot be written to: multiply keeps its data"):
        stepped(optimiser, W, GRADIENTS[1:2])
    np.testing.assert_equal(optimiser.state_dict(), before)
    del loss
    other = nn.Parameter(START)
    stepped(OPTIMISERS[name]([other]), other, GRADIENTS[:2])
    np.testing.assert_array_equal(stepped(optimiser, W, GRADIENTS[1:2]), other.data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: nn.SGD([p], 0), "learning_rate must be above 0"),
        (lambda p: nn.SGD([p], momentum=1.0), "momentum must be from 0 to below 1"),
        (lambda p: nn.SGD([p], nesterov=True), "needs a momentum"),
        (lambda p: nn.Adam([p], beta2=1.0), "beta2 must be from 0 to below 1"),
        (lambda p: nn.Adam([p], weight_decay=-1), "weight_decay must be from 0 on"),
        (lambda p: nn.Adam([p, p]), "a parameter twice"),
        (lambda p: nn.Adam([]), "got no parameters"),
        (lambda p: nn.SGD([{"params": [p]}]), 'the entry "parameters"'),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(nn.Parameter([1.0]))


def test_other_mistakes():
    with pytest.raises(TypeError, match=r"write Adam\(model.parameters\(\)\)"):
        nn.Adam(nn.Linear(1, 1))
    with pytest.raises(TypeError, match="has no option 'beta1'"):
        nn.SGD([{"parameters": [nn.Parameter([1.0])], "beta1": 0.5}])


class TestSGD:
    def test_a_step(self):
        w = nn.Parameter([1.0, 2.0])
        optimiser = nn.SGD([w], learning_rate=0.5)
        optimiser.step()
        (w * w).sum().backward()
        optimiser.step()
        assert w.data.tolist() == [0, 0]
        optimiser.zero_grad()
        assert w.grad is None

    def test_float32_stays_float32(self):
        w = nn.Parameter([1.0, 2.0], dtype=np.float32)
        optimiser = nn.SGD([w], learning_rate=np.float64(0.1))
        for _ in range(10):
            (w * w).sum().backward()
            assert w.grad.dtype == np.float32
            optimiser.step()
        assert w.dtype == w.data.dtype == np.float32

    def test_a_step_before_backward_is_refused_by_name(self):
        w = nn.Parameter([1.0, 2.0], name="W1")
        w.grad = np.ones(2)
        loss = (w * w).sum()
        with pytest.raises(ValueError, match="'W1' cannot be written to"):
            nn.SGD([w]).step()
        del loss

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="above 0"):
            nn.SGD([nn.Parameter([1.0])], learning_rate=0)
        with pytest.raises(ValueError, match="no parameters"):
            nn.SGD([])


class TestGroups:
    """What optimisers know of their groups of parameters."""

    def made(self):
        a, b = nn.Parameter([1.0]), nn.Parameter([2.0])
        groups = [{"parameters": [a]}, {"parameters": [b], "learning_rate": 0.5}]
        return a, b, nn.Adam(groups, 0.25, weight_decay=0.125)

    def test_what_they_show(self):
        a, b, optimiser = self.made()
        assert optimiser.parameters == [a, b] and optimiser.learning_rate == 0.25
        expected = (
            "Adam(learning_rate=0.25, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.125)"
        )
        assert repr(optimiser) == expected

    def test_parameters_outside_of_groups_are_a_group(self):
        a, b, c = (nn.Parameter([1.0]) for _ in range(3))
        optimiser = nn.SGD([a, {"parameters": [b], "learning_rate": 2.0}, c], 0.5)
        assert [g["parameters"] for g in optimiser.groups] == [[b], [a, c]]
        assert [g["learning_rate"] for g in optimiser.groups] == [2, 0.5]

    def test_each_parameter_counts_its_own_steps(self):
        a, b, optimiser = self.made()
        assert optimiser.steps == 0
        a.grad = [1.0]
        optimiser.step()
        b.grad = [1.0]
        optimiser.step()
        assert (optimiser.counts, optimiser.steps) == ([2, 1], 2)
        # Adam's first step is as long as the learning rate, whenever it is taken.
        assert b.item() == pytest.approx(1.5)

    def test_frozen_parameters_are_passed_over(self):
        a, b, optimiser = self.made()
        a.grad = b.grad = [1.0]
        a.requires_grad = False
        optimiser.step()
        assert a.item() == 1 and b.item() != 2 and optimiser.counts == [0, 1]

    def test_all_gradients_are_forgotten(self):
        a, b, optimiser = self.made()
        a.grad = b.grad = [1.0]
        optimiser.zero_grad()
        assert a.grad is None and b.grad is None

    def test_states_hold_every_number(self):
        a, b, optimiser = self.made()
        a.grad = [1.0]
        optimiser.step()
        state = optimiser.state_dict()
        assert (state["steps.0"], state["steps.1"]) == (1, 0)
        assert state["groups.1.learning_rate"] == 0.5 and state["groups.0.beta2"] == 0.999
        assert state["memory.0.mean"].tolist() == pytest.approx([0.1 * 1.125])
        assert state["memory.0.square"].tolist() == pytest.approx([0.001 * 1.125**2])
        assert state["memory.1.mean"].tolist() == [0]
        state["memory.0.mean"][0] = 9
        assert optimiser.state_dict()["memory.0.mean"][0] != 9
        a2, b2, other = self.made()
        other.learning_rate = 7.0
        other.load_state_dict(optimiser.state_dict())
        assert other.learning_rate == 0.25 and other.counts == [1, 0]
        assert other.groups[1]["learning_rate"] == 0.5

    @pytest.mark.parametrize(
        ("kind", "options", "message"),
        [
            (nn.SGD, {"learning_rate": -1}, "SGD: learning_rate must be above 0, not -1"),
            (nn.SGD, {"learning_rate": np.nan}, "SGD: learning_rate must be above 0, not nan"),
            (nn.SGD, {"momentum": -0.1}, "SGD: momentum must be from 0 on, not -0.1"),
            (nn.RMSProp, {"decay": 1}, "RMSProp: decay must be from 0 to below 1, not 1"),
            (nn.RMSProp, {"epsilon": -1}, "RMSProp: epsilon must be from 0 on, not -1"),
            (nn.Adagrad, {"weight_decay": -1}, "Adagrad: weight_decay must be from 0 on, not -1"),
            (nn.Adam, {"beta1": 1.0}, "Adam: beta1 must be from 0 to below 1, not 1.0"),
            (nn.AdamW, {"beta2": np.nan}, "AdamW: beta2 must be from 0 on, not nan"),
        ],
    )
    def test_options_are_in_their_ranges(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            kind([nn.Parameter([1.0])], **options)
        optimiser = kind([nn.Parameter([1.0])])
        if "learning_rate" in options:
            with pytest.raises(ValueError, match=message):
                optimiser.learning_rate = options["learning_rate"]


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("adagrad", nn.Adagrad, {}),
        ("adam", nn.Adam, {}),
        ("AdamW", nn.AdamW, {}),
        ("nesterov", nn.SGD, {"momentum": 0.9, "weight_decay": 0.0}),
        ("rmsprop", nn.RMSProp, {}),
        ("SGD", nn.SGD, {"momentum": 0.0}),
    ],
)
def test_optimisers_by_name(name, kind, options):
    made = optimisers.by_name(name)([nn.Parameter([1.0])], learning_rate=0.5)
    assert type(made) is kind and made.groups[0].items() >= options.items()
    assert getattr(made, "nesterov", False) == (name == "nesterov")


def test_an_optimiser_of_ones_own_defines_its_update():
    class Own(nn.Optimiser):
        def __init__(self, parameters):
            super().__init__(parameters, learning_rate=1.0)

    parameter = nn.Parameter([1.0])
    parameter.grad = [1.0]
    with pytest.raises(NotImplementedError, match=r"Own defines no update\(\)"):
        Own([parameter]).step()


@pytest.mark.parametrize("name", ["adamm", 3, None])
def test_a_name_of_none_is_refused(name):
    with pytest.raises(ValueError, match=f"optimiser must be one of .'adagrad'.*, not {name!r}"):
        optimisers.by_name(name)
    with pytest.raises(ValueError, match="did you mean 'adam"):
        optimisers.by_name("adamm")
