"""Optimisers against their formulas and PyTorch; schedules; clipping."""

import copy
import math
import pickle

import numpy as np
import pytest

import autograd_lite as al
import nn

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


def test_a_parameter_that_a_graph_keeps_is_not_written_to():
    W = nn.Parameter([2.0], name="W")
    loss = W * W
    W.grad = [1.0]
    with pytest.raises(ValueError, match="'W' cannot be written to: multiply keeps its data"):
        nn.SGD([W]).step()
    del loss


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


def rates(schedule, steps):
    found = []
    for _ in range(steps):
        found.append(schedule.optimiser.learning_rate)
        schedule.step()
    return found


def sgd():
    return nn.SGD([nn.Parameter([1.0])], 1.0)


class TestSchedules:
    def test_step(self):
        assert rates(nn.StepSchedule(sgd(), 2, 0.5), 5) == [1, 1, 0.5, 0.5, 0.25]

    def test_cosine(self):
        found = rates(nn.CosineSchedule(sgd(), 4, least=0.2), 6)
        expected = [0.2 + 0.8 * (1 + math.cos(math.pi * t / 4)) / 2 for t in (0, 1, 2, 3, 4, 4)]
        assert found == pytest.approx(expected)

    def test_warm_up(self):
        assert rates(nn.WarmUpSchedule(sgd(), 4, 0.2), 6) == pytest.approx(
            [0.2, 0.4, 0.6, 0.8, 1, 1]
        )

    def test_one_cycle(self):
        found = rates(nn.OneCycleSchedule(sgd(), 100, most=5.0, least=0.01), 101)
        assert (found[0], found[30], found[100]) == pytest.approx((1, 5, 0.01))
        assert found[:31] == sorted(found[:31])
        assert found[30:] == sorted(found[30:], reverse=True)

    def test_plateau(self):
        schedule = nn.PlateauSchedule(sgd(), 0.5, patience=1)
        found = []
        for metric in (3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0):
            schedule.step(metric)
            found.append(schedule.optimiser.learning_rate)
        assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
        with pytest.raises(ValueError, match="needs the metric"):
            schedule.step()

    @pytest.mark.parametrize(
        "make",
        [
            lambda o: nn.StepSchedule(o, 2),
            lambda o: nn.CosineSchedule(o, 9),
            lambda o: nn.OneCycleSchedule(o, 9),
            lambda o: nn.WarmUpSchedule(o, 9),
        ],
    )
    def test_a_state_goes_on(self, make):
        whole = rates(make(sgd()), 9)
        first = make(sgd())
        rates(first, 4)
        second = make(sgd())
        second.load_state_dict(first.state_dict())
        assert rates(second, 5) == whole[4:]


class TestClipping:
    def parameters(self):
        found = [nn.Parameter([3.0, 0.0]), nn.Parameter([4.0]), nn.Parameter([1.0])]
        for p in found[:2]:
            p.grad = p.data
        return found

    def test_by_norm(self):
        parameters = self.parameters()
        assert nn.clip_by_norm(parameters, 1.0) == 5.0
        np.testing.assert_allclose(parameters[0].grad, [0.6, 0])
        np.testing.assert_allclose(parameters[1].grad, [0.8])
        assert nn.clip_by_norm(parameters, 10.0) == pytest.approx(1.0)
        np.testing.assert_allclose(parameters[1].grad, [0.8])

    def test_norms_beyond_the_squares_of_floats(self):
        p = nn.Parameter([1.0, 1.0])
        p.grad = [3e200, 4e200]
        assert nn.clip_by_norm([p], 1.0) == pytest.approx(5e200)
        np.testing.assert_allclose(p.grad, [0.6, 0.8])
        p.grad = [np.nan, 1.0]
        assert math.isnan(nn.clip_by_norm([p], 1.0))

    def test_by_value(self):
        parameters = self.parameters()
        nn.clip_by_value(parameters, 3.5)
        assert parameters[0].grad.tolist() == [3, 0] and parameters[1].grad.tolist() == [3.5]

    def test_limits_are_above_0(self):
        for clip in (nn.clip_by_norm, nn.clip_by_value):
            with pytest.raises(ValueError, match="must be above 0"):
                clip([], 0)


def test_lbfgs_finds_the_least():
    pytest.importorskip("scipy")
    W = nn.Parameter(np.zeros((2, 1)))
    b = nn.Parameter([0.0])
    X, target = rng.normal(size=(2, 30)), np.array([[2.0], [-1.0]])
    y = target.T @ X + 3

    def loss():
        return np.mean((np.dot(W.T, X) + b - y) ** 2)

    value = nn.LBFGS([W, b], max_iter=50, tolerance=1e-9).step(loss)
    assert value < 1e-12
    np.testing.assert_allclose(W.data, target, atol=1e-6)
    assert b.item() == pytest.approx(3)


def test_lbfgs_without_scipy_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"pip install 'autograd_lite\[scipy\]'"):
        nn.LBFGS([nn.Parameter([1.0])]).step(lambda: al.Tensor(1.0))
