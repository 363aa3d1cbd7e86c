"""Checkpoints of a training from strangers: loaded whole, or refused in a sentence."""

import contextlib
import copy
import json
import math
import os
import re
import signal
import sys

import h5py
import numpy as np
import pytest

import nn
from nn.training.state import TrainingState

GENERATORS = ("PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM")
DEEP = "deep"
"""Stands for a list in a list in a list, 10,000 deep, which json does not write."""


def parts(kind="PCG64", schedule="cosine", optimiser="adam"):
    """A net with everything that a checkpoint can hold, its optimiser and its schedule."""
    generator = np.random.Generator(getattr(np.random, kind)(1))
    net = nn.Sequential(
        nn.Linear(4, 3, seed=0),
        nn.BatchNorm(3),
        nn.ReLU(),
        nn.Dropout(0.3, seed=generator),
        nn.Linear(3, 1, seed=1),
    )
    parameters = list(net.parameters())
    made = {
        "adam": lambda p: nn.Adam([{"parameters": p[:2], "learning_rate": 0.1}, *p[2:]], 0.01),
        "sgd": lambda p: nn.SGD(p, 0.1, momentum=0.9),
        "rmsprop": lambda p: nn.RMSProp(p, 0.01),
        "adagrad": lambda p: nn.Adagrad(p, 0.1),
    }[optimiser](parameters)
    schedules = {
        "cosine": lambda: nn.CosineSchedule(made, 12),
        "step": lambda: nn.StepSchedule(made, 2, 0.5),
        "plateau": lambda: nn.PlateauSchedule(made, 0.5, 1),
        "cycle": lambda: nn.OneCycleSchedule(made, 20),
        "warm": lambda: nn.WarmUpSchedule(made, 5),
        "none": lambda: None,
    }
    return net, made, schedules[schedule]()


X, Y = np.random.default_rng(0).normal(size=(4, 12)), np.ones((1, 12))


def train(path, net, optimiser, schedule, epochs, **options):
    options = {"callbacks": (), "patience": 50} | options
    return nn.fit(
        net,
        X,
        Y,
        loss=nn.mean_squared_error,
        optimiser=optimiser,
        schedule=schedule,
        epochs=epochs,
        batch_size=4,
        seed=3,
        metrics=["mae"],
        validation=(X, Y),
        checkpoint=path,
        resume=True,
        advice=False,
        verbose=False,
        **options,
    )


class File:
    """A checkpoint in pieces, which can be written again with changes."""

    def __init__(self, path):
        self.image = path.read_bytes()
        with h5py.File(path) as file:
            self.metadata = json.loads(file["metadata"][()].tobytes())
            self.arrays = [file[f"arrays/{i}"][()] for i in range(len(self.metadata["arrays"]))]

    def write(self, path, metadata, arrays=None):
        """The same file with other metadata, and other arrays by their numbers; None takes away."""
        text = json.dumps(metadata).encode().replace(b'"deep"', b"[" * 10_000 + b"]" * 10_000)
        changed = {"metadata": np.frombuffer(text, np.uint8)}
        changed |= {f"arrays/{i}": array for i, array in (arrays or {}).items()}
        path.write_bytes(self.image)
        with h5py.File(path, "a") as file:
            for name, array in changed.items():
                if name in file:
                    del file[name]
                if array is not None:
                    file[name] = array


def snapshot(net, optimiser, schedule):
    """Everything that a resumed training may change, to the bit."""
    state = TrainingState(net, optimiser, schedule, 0)
    arrays = {name: array.tobytes() for name, array in state.state_dict().items()}
    return arrays, json.dumps(state.describe()), [p.grad for p in net.parameters()]


def places(value, path=()):
    """The path of everything in some JSON; of long lists, of the first, and the last."""
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for i in sorted({0, len(value) - 1} & set(range(len(value)))):
            yield from places(value[i], (*path, i))


def at(value, path):
    for step in path:
        value = value[step]
    return value


MISSING, EXTRA = object(), object()

VALUES = [
    MISSING,
    EXTRA,
    None,
    True,
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -0.5,
    2.5,
    1e308,
    2**53 + 1,
    2**64,
    10**400,
    -(10**400),
    "x",
    "7",
    "\x1b[2J\u202e" * 1000,
    "\ud800",
    [],
    [1],
    ["x"],
    {},
    {"x": 1},
    DEEP,
]


def changed(metadata, path, value):
    """The metadata with another value at a path; None if that cannot be or is the same."""
    metadata = copy.deepcopy(metadata)
    holder = at(metadata, path[:-1]) if path else None
    if value is EXTRA:
        there = at(metadata, path)
        if not isinstance(there, (dict, list)):
            return None
        there.update(unheard_of=1) if isinstance(there, dict) else there.append(1)
    elif value is MISSING:
        if not path:
            return None
        del holder[path[-1]]
    elif not path:
        return value
    elif json.dumps(holder[path[-1]]) == json.dumps(value):
        return None
    else:
        holder[path[-1]] = value
    return metadata


def is_as_good(place, value, original):
    """Whether a value may be in the place of another one: words for people, what is noted of an
    epoch, and numbers of the same kind and in the same range."""
    before = at(original, place)
    if place in (("description", "model"), ("description", "layout")):
        return isinstance(value, str)
    if "records" in place:
        metric = place[-1] not in ("epoch", "loss", "learning_rate", "seconds")
        if value is EXTRA or value is MISSING:
            return len(place) == (4 if value is EXTRA else 5) and metric
        return type(value) in (int, float) and (metric or place[-1] == "loss" or value >= 0)
    if type(before) not in (int, float) or type(value) not in (int, type(before)):
        return False
    signed = place[-1] in ("total", "reference", "best_loss", "best")
    return (signed or value >= 0) and (math.isfinite(value) or not math.isfinite(before) or signed)


_UNTOUCHED = {}
"""What a refused file has left as it was serves for the next."""


def refusal(path, *kinds):
    """The sentence that a file is refused in, and None if it is taken; asserts what must be."""
    made, before = _UNTOUCHED.pop(kinds, (None, None))
    if made is None:
        made = parts(*kinds)
        before = snapshot(*made)
    try:
        history = train(path, *made, epochs=0)
    except nn.FileFormatError as error:
        assert snapshot(*made) == before
        _UNTOUCHED[kinds] = made, before
        text = str(error)
        assert text.isprintable() and len(text) < 2500, text
        assert re.match(r"Checkpoint '.*training\.h5' ?[ :]", text), text
        return text
    assert len(history) == 0 or snapshot(*made) != before
    assert repr(history).isprintable() and history._repr_html_()
    return None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.h5"


@pytest.mark.parametrize(
    ("kind", "schedule"),
    [
        pytest.param(kind, schedule, marks=() if i % 5 == j else pytest.mark.slow)
        for i, schedule in enumerate(["cosine", "step", "plateau", "cycle", "warm", "none"])
        for j, kind in enumerate(GENERATORS)
    ],
)
@pytest.mark.one_in(2)
def test_what_training_wrote_is_taken(path, kind, schedule):
    for epochs in (0, 1, 4, 4):
        train(path, *parts(kind, schedule), epochs)
        assert refusal(path, kind, schedule) is None


def changes(metadata, share, values=VALUES):
    """Places in some JSON, values for them, and the JSON with that value in that place.

    Of all pairs only a share, of which every place and every value has some.
    """
    for i, place in enumerate(places(metadata)):
        for value in values[i % share :: share]:
            other = changed(metadata, place, value)
            if other is not None:
                yield place, value, other


every_pair = pytest.mark.slow


@pytest.mark.parametrize(("optimiser", "share"), [("adam", 1), ("sgd", 4), ("rmsprop", 4)])
@pytest.mark.slow
def test_every_field_of_every_kind_is_looked_at(path, optimiser, share):
    """Whatever is in the place of a field is refused in a sentence, or as good as what was there:
    then training goes on with it, and nothing is raised."""
    kinds = ("PCG64", "cosine", optimiser)
    train(path, *parts(*kinds), 3)
    file, taken, count = File(path), 0, 0
    for place, value, other in changes(file.metadata, share):
        count += 1
        file.write(path, other)
        if refusal(path, *kinds) is None:
            assert is_as_good(place, value, file.metadata), (place, value)
            taken += 1
            # Large numbers may overflow, as they do where a user gives them.
            with np.errstate(all="ignore"), contextlib.suppress(FloatingPointError):
                train(path, *parts(*kinds), 4)
    assert count > 1500 / share and 50 < taken * share < 300


@pytest.mark.parametrize("share", [6, pytest.param(1, marks=every_pair)])
@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.one_in(5)
def test_states_of_generators_are_what_numpy_takes(path, kind, share):
    train(path, *parts(kind), 1)
    file = File(path)
    generators = file.metadata["description"]["training"]["generators"]
    for place, value, other in changes(generators, share, [*VALUES, 625, 5, 10**6]):
        metadata = copy.deepcopy(file.metadata)
        metadata["description"]["training"]["generators"] = other
        file.write(path, metadata)
        if refusal(path, kind) is None:
            # Another number that this generator may have there.
            assert type(value) is int and value >= 0, (place, value)
            drawn = parts(kind)
            train(path, *drawn, epochs=0)
            dict(drawn[0].named_generators())["layers.3.generator"].random(3)


@pytest.mark.parametrize(
    ("kind", "field", "most"), [("MT19937", "pos", 624), ("Philox", "buffer_pos", 4)]
)
def test_places_in_the_buffers_of_generators_end_with_them(path, kind, field, most):
    train(path, *parts(kind), 1)
    file = File(path)
    # NumPy 2.5 takes no 0 for Philox.
    for place, is_taken in ((1, True), (most, True), (most + 1, False), (-1, False)):
        metadata = copy.deepcopy(file.metadata)
        state = metadata["description"]["training"]["generators"]["layers.3.generator"]
        holder = state["state"] if field in state["state"] else state
        holder[field] = place
        file.write(path, metadata)
        assert (refusal(path, kind) is None) == is_taken


def test_a_net_with_other_generators_is_refused(path):
    train(path, *parts(), 1)
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm(3), nn.ReLU(), nn.ReLU(), nn.Linear(3, 1))
    parameters = list(net.parameters())
    groups = [{"parameters": parameters[:2], "learning_rate": 0.1}, *parameters[2:]]
    optimiser = nn.Adam(groups, 0.01)
    with pytest.raises(nn.FileFormatError, match="it is of a model with other random generators"):
        train(path, net, optimiser, nn.CosineSchedule(optimiser, 12), 2)


def others(array):
    """Arrays in the place of another one."""
    yield array[..., :-1] if array.shape[-1] > 1 else np.zeros((2, *array.shape), array.dtype)
    yield array.reshape(-1)[None, None]
    yield array.astype("f4")
    yield array.astype("i8")
    yield array.astype("S8")
    for value in (np.nan, np.inf, -np.inf):
        bad = array.copy()
        bad.reshape(-1)[-1] = value
        yield bad


@pytest.mark.parametrize("share", [3, pytest.param(1, marks=every_pair)])
@pytest.mark.slow
def test_every_array_is_looked_at(path, share):
    train(path, *parts(), 2)
    file, taken = File(path), set()
    names = [entry["name"] for entry in file.metadata["arrays"]]
    assert {name.partition(".")[0] for name in names} == {"model", "best", "optimiser"}
    for i, name in enumerate(names):
        for number, array in enumerate(others(file.arrays[i])):
            if (number - i) % share == 0:
                file.write(path, file.metadata, {i: array})
                if refusal(path) is None:
                    taken.add((re.search("running|square|mean|$", name)[0], number))
    # What is not trained may be infinite, and so may a mean of squares that overflowed.
    assert taken == {("running", 5), ("running", 6), ("running", 7), ("square", 6)}


@pytest.mark.parametrize(
    ("saved", "here", "message"),
    [
        ("cosine", "none", "it is of a training with a schedule, but this one has none"),
        ("none", "cosine", "it is of a training with no schedule, but this one has one"),
    ],
)
def test_a_schedule_is_in_both_or_in_none(path, saved, here, message):
    train(path, *parts(schedule=saved), 1)
    assert message in refusal(path, "PCG64", here)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_in_the_middle_of_an_epoch_it_says_how_far_it_is(path):
    """Pictures, whose samples are the last of four axes, with weights."""

    class Interrupting(nn.Flatten):
        calls = 0

        def forward(self, X):
            self.calls += 1
            if self.calls == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return super().forward(X)

    net = nn.Sequential(Interrupting(), nn.Linear(6, 1, seed=0))
    counts = np.arange(1.0, 11)
    nn.fit(
        net,
        np.ones((1, 2, 3, 10)),
        np.eye(10)[:1],
        loss=nn.mean_squared_error,
        optimiser="sgd",
        epochs=1,
        batch_size=4,
        shuffle=False,
        sample_weight=counts,
        checkpoint=path,
        advice=False,
        verbose=False,
    )
    training = File(path).metadata["description"]["training"]
    assert (training["epoch"], training["position"], training["seen"]) == (0, 2, 8)
    assert training["weight"] == counts[:8].sum()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "has no dataset 'arrays/27'"),
        ("more", "not in the model: 'model.more'"),
        ("twice", "expected a new name, a shape and a dtype"),
        ("elsewhere", "not in the model: 'best.layers.9.weight'"),
        ("negative", "0.square' has numbers that are not from 0 on"),
        ("not finite", "the weights 'model.layers.0.weight' are not all finite"),
    ],
)
def test_arrays_and_their_list_belong_together(path, kind, message):
    train(path, *parts(), 2)
    file = File(path)
    metadata, arrays = file.metadata, {}
    if kind == "missing":
        arrays = {len(file.arrays) - 1: None}
    elif kind == "more":
        metadata["arrays"].append({"name": "model.more", "shape": [1], "dtype": "float64"})
        arrays = {len(file.arrays): np.ones(1)}
    elif kind == "twice":
        metadata["arrays"][1]["name"] = metadata["arrays"][0]["name"]
    elif kind == "elsewhere":
        metadata["arrays"][0]["name"] = "best.layers.9.weight"
    elif kind == "not finite":
        arrays = {0: np.full_like(file.arrays[0], np.nan)}
    else:
        index = [e["name"].endswith("square") for e in metadata["arrays"]].index(True)
        arrays = {index: file.arrays[index] - 1}
    file.write(path, metadata, arrays)
    assert message in refusal(path)


def test_a_model_without_a_training_is_told(path):
    net = parts()[0]
    nn.save(net, path)
    assert "holds a model without a training, which nn.load(path, model) loads" in refusal(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(position=2), "position is 2, which cannot be after 0 samples"),
        (lambda t: t.update(position=2, seen=1), "position is 2, which cannot be after 1 samples"),
        (lambda t: t.update(seen=4), "position is 0, which cannot be after 4 samples"),
        (lambda t: t.update(total=1.0), "of weight 0 with a loss of 1 in all"),
        (lambda t: t.update(weight=1.0), "of weight 1 with a loss of 0 in all"),
        (lambda t: t.update(epoch=2), "records has 3 items, expected 2"),
        (lambda t: t["records"].pop(), "records has 2 items, expected 3"),
        (lambda t: t["records"].reverse(), "records[0].epoch is 3, expected 1"),
        (lambda t: t["records"][1].update(epoch=1), "records[1].epoch is 1, expected 2"),
        (lambda t: t.update(waited=4), "training.waited is 4, after 3 epochs"),
        (lambda t: t.update(best_epoch=4), "best_epoch is 4, expected a whole number from 1 to 3"),
        (lambda t: t.update(best_epoch=0), "best_epoch is 0, expected a whole number from 1 to 3"),
        (lambda t: t.update(best_epoch=None), "best_epoch is missing, although there are best"),
        (lambda t: t.update(has_best=False), "not in the model: 'best.layers.0.bias'"),
        (lambda t: t["schedule"].update(length=0), "schedule yields no learning rate: division"),
        (lambda t: t["schedule"].update(least=-1.0), "yields the learning rate -0.07"),
        (lambda t: t["schedule"].update({"start.0": 0.0}), "start.0 is 0.0, expected a finite"),
        (lambda t: t.update(schedule=None), "a training with no schedule, but this one has one"),
        (
            lambda t: t["optimiser"].update({"groups.0.beta1": 1.0}),
            "beta1 is not accepted: Adam: beta1 must be from 0 to below 1, not 1.0",
        ),
        (
            lambda t: t["optimiser"].update({"steps.0": -(10**6)}),
            "steps.0 is -1000000, expected a whole number from 0 to",
        ),
        (
            lambda t: t.update(frozen=["layers.9.weight"]),
            "frozen is ['layers.9.weight'], expected a list of parameters of the model",
        ),
    ],
)
def test_numbers_that_do_not_agree_are_refused(path, change, message):
    train(path, *parts(), 3)
    file = File(path)
    change(file.metadata["description"]["training"])
    file.write(path, file.metadata)
    assert message in refusal(path)


@pytest.mark.parametrize(
    ("schedule", "change"),
    [
        # Before the first step, after the next, and later on.
        ("warm", {"start": -0.001, "length": 1}),
        ("warm", {"length": 0}),
        ("step", {"by": -0.5, "every": 4}),
        ("step", {"by": 1e300, "every": 1}),
        ("cycle", {"least": -1.0, "length": 4}),
        ("plateau", {"reached": -1.0}),
    ],
)
def test_schedules_give_learning_rates(path, schedule, change):
    kinds = ("PCG64", schedule)
    train(path, *parts(*kinds), 1)
    file = File(path)
    state = file.metadata["description"]["training"]["schedule"]
    assert state.keys() >= change.keys()
    state.update(change)
    file.write(path, file.metadata)
    assert "learning rate" in refusal(path, *kinds)


@pytest.mark.parametrize("rate", [0, -0.01, math.nan, math.inf, 10**400, True, "0.1", None])
def test_learning_rates_are_above_0(path, rate):
    train(path, *parts(schedule="none"), 1)
    file = File(path)
    for group in (0, 1):
        metadata = copy.deepcopy(file.metadata)
        metadata["description"]["training"]["optimiser"][f"groups.{group}.learning_rate"] = rate
        file.write(path, metadata)
        assert refusal(path, "PCG64", "none")


def test_nothing_is_changed_where_a_graph_keeps_the_weights(path):
    train(path, *parts(), 2)
    net, optimiser, schedule = parts()
    kept = net.eval()(X)
    before = snapshot(net, optimiser, schedule)
    with pytest.raises(ValueError, match="is kept by a graph"):
        train(path, net, optimiser, schedule, 3)
    assert snapshot(net, optimiser, schedule) == before
    del kept


def test_an_interruption_while_a_checkpoint_is_taken_over_changes_nothing(path, monkeypatch):
    train(path, *parts(), 2)
    net, optimiser, schedule = parts()
    before = snapshot(net, optimiser, schedule)
    load, calls = nn.CosineSchedule.load_state_dict, []

    def interrupted(self, state):
        calls.append(self)
        if self is schedule and len([s for s in calls if s is schedule]) == 1:
            raise KeyboardInterrupt
        load(self, state)

    monkeypatch.setattr(nn.CosineSchedule, "load_state_dict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(path, net, optimiser, schedule, 3)
    assert snapshot(net, optimiser, schedule) == before
