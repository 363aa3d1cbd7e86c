"""fit(compile=...) against the same training without it."""

import importlib

import numpy as np
import pytest

import autograd_lite as al
import nn

# `nn.training.fit` is the function.
FIT = importlib.import_module(nn.fit.__module__)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 50))
ROW = (RNG.random((1, 50)) < 0.5).astype(float)
LABELS = RNG.integers(0, 3, 50)
OPTIMISERS = {
    "SGD": lambda p: nn.SGD(p, 0.1),
    "momentum": lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: nn.Adam(p, weight_decay=0.01),
    "AdamW": nn.AdamW,
    "RMSProp": nn.RMSProp,
    "Adagrad": nn.Adagrad,
    "groups": lambda p: nn.SGD(
        [{"parameters": p[:2], "learning_rate": 0.2}, {"parameters": p[2:]}], 0.1
    ),
}


def network(n_out=1, dtype=np.float64):
    return nn.Sequential(
        nn.Linear(6, 8, seed=0, dtype=dtype), nn.ReLU(), nn.Linear(8, n_out, seed=1, dtype=dtype)
    )


def trained(
    compile, optimiser=OPTIMISERS["SGD"], Y=ROW, dtype=np.float64, schedule=None, **options
):
    net = network(3 if Y is LABELS else 1, dtype)
    rule = optimiser(net.parameters())
    options.setdefault("loss", nn.binary_cross_entropy_with_logits)
    history = nn.fit(
        net,
        X.astype(dtype),
        Y.astype(dtype) if Y is ROW else Y,
        optimiser=rule,
        schedule=schedule and schedule(rule),
        epochs=4,
        batch_size=16,
        seed=0,
        verbose=False,
        compile=compile,
        **options,
    )
    return history["loss"], net.state_dict(), rule.state_dict()


def assert_same(actual, expected, tolerance=1e-10):
    np.testing.assert_allclose(actual[0], expected[0], rtol=tolerance)
    for ours, theirs in zip(actual[1:], expected[1:], strict=True):
        assert ours.keys() == theirs.keys()
        for name in theirs:
            assert np.asarray(ours[name]).dtype == np.asarray(theirs[name]).dtype
            np.testing.assert_allclose(ours[name], theirs[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clip_norm": 0.01},
        {"sample_weight": RNG.random(50)},
        {"loss": nn.cross_entropy, "Y": LABELS},
        {"loss": nn.mean_squared_error},
        {"schedule": lambda rule: nn.CosineSchedule(rule, 16)},
    ],
    ids=["plain", "clipped", "weighted", "classes", "squares", "schedule"],
)
@pytest.mark.one_in(5)
def test_it_is_the_same_training(optimiser, options):
    expected = trained(False, optimiser, **options)
    assert_same(trained(True, optimiser, **options), expected)


@pytest.mark.parametrize("clip_norm", [0.01, 0.4, 1e3])
def test_gradients_are_clipped_as_recorded_ones_are(clip_norm):
    """All of them, some, and none, with an update that depends on their length."""
    assert_same(trained(True, clip_norm=clip_norm), trained(False, clip_norm=clip_norm))


def test_float32_stays_float32():
    assert_same(trained(True, dtype=np.float32), trained(False, dtype=np.float32), 1e-4)


@pytest.mark.parametrize("model", [nn.DeepClassifier, nn.LogisticRegression])
@pytest.mark.parametrize("y", [LABELS, ROW[0].astype(int)], ids=["three", "two"])
def test_the_estimators(model, y):
    options = {"max_iter": 30, "random_state": 0, "optimiser": "adam", "alpha": 0.01}
    plain = model(**options).fit(X.T, y)
    compiled = model(compile=True, **options).fit(X.T, y)
    np.testing.assert_allclose(compiled.loss_curve_, plain.loss_curve_, rtol=1e-10)
    assert np.array_equal(compiled.predict(X.T), plain.predict(X.T))
    assert model(**compiled.get_params()).compile


def test_the_parameters_stay_the_arrays_they_were():
    net = network()
    arrays = [p.data for p in net.parameters()]
    before = [a.copy() for a in arrays]
    options = {"loss": nn.binary_cross_entropy_with_logits, "epochs": 2, "verbose": False}
    nn.fit(net, X, ROW, optimiser=nn.SGD(net.parameters()), compile=True, **options)
    for parameter, array, old in zip(net.parameters(), arrays, before, strict=True):
        assert parameter.data is array
        assert not np.array_equal(array, old)


def test_a_loss_that_is_nan_changes_nothing_and_is_explained():
    net = network()
    rule = nn.SGD(net.parameters(), 0.01)
    seen = []

    def spoil(training):
        seen.append((net.state_dict(), rule.steps))
        if training.epoch == 2:
            X_now[0, 0] = np.inf

    X_now = X.copy()
    with pytest.raises(FloatingPointError, match="the loss is (nan|inf) in epoch 3.*affine"):
        nn.fit(
            net,
            X_now,
            ROW,
            loss=nn.mean_squared_error,
            optimiser=rule,
            epochs=9,
            batch_size=None,
            callbacks=[spoil],
            advice=False,
            compile=True,
            verbose=False,
        )
    state, steps = seen[-1]
    assert rule.steps == steps
    for name, value in net.state_dict().items():
        assert np.array_equal(value, state[name])


class Noise(nn.Module):
    """A module of one's own that draws random numbers."""

    def __init__(self):
        self.generator = np.random.default_rng(3)

    def forward(self, X):
        return X + self.generator.normal(size=X.shape)


class Counter(nn.Module):
    """A module of one's own that writes to itself."""

    def __init__(self):
        self.calls = 0

    def forward(self, X):
        self.calls += 1
        return X / self.calls


class Shared(nn.Module):
    """A module of one's own that draws from the generator of a layer."""

    def __init__(self):
        self.layer = nn.Dropout(0.5, seed=3)

    def forward(self, X):
        return self.layer(X) * self.layer.generator.random()


@pytest.mark.parametrize("layer", [Noise, Counter, Shared])
def test_models_that_cannot_be_compiled_are_refused(layer):
    net = nn.Sequential(nn.Linear(6, 8), layer(), nn.Linear(8, 1))
    before = net.state_dict()
    with pytest.raises(al.TracedValueError, match="a model of one's own must not draw"):
        nn.fit(
            net,
            X,
            ROW,
            loss=nn.binary_cross_entropy_with_logits,
            optimiser=nn.SGD(net.parameters()),
            epochs=2,
            advice=False,
            compile=True,
            verbose=False,
        )
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name])


def drawing(dtype=np.float64):
    """A network that draws random numbers twice, and keeps statistics."""
    widths = zip((6, 8, 5), (8, 5, 1), strict=True)
    first, second, last = (nn.Linear(*w, seed=seed, dtype=dtype) for seed, w in enumerate(widths))
    return nn.Sequential(
        *(first, nn.BatchNorm(8, dtype=dtype), nn.ReLU(), nn.Dropout(0.3, seed=4)),
        *(second, nn.Tanh(), nn.Dropout(0.2, seed=5), last),
    )


def fitted(net, Y=ROW, **options):
    options = {"epochs": 6, "batch_size": 16, "optimiser": "adam", "seed": 0, **options}
    options = {"loss": nn.binary_cross_entropy_with_logits, "verbose": False, **options}
    dtype = net.parameters()[0].dtype
    return nn.fit(net, X.astype(dtype), Y.astype(dtype), **options)


def states(net):
    return [generator.bit_generator.state for _, generator in net.named_generators()]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_random_numbers_and_statistics_are_those_of_the_recorded_training(dtype):
    plain, compiled = drawing(dtype), drawing(dtype)
    # Adam would enlarge the rounding errors of gradients that are 0.
    options = {"optimiser": "sgd"} if dtype is np.float32 else {}
    histories = [fitted(n, compile=c, **options) for n, c in ((plain, False), (compiled, True))]
    tolerance = 1e-10 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(histories[1]["loss"], histories[0]["loss"], rtol=tolerance)
    assert states(compiled) == states(plain)
    for name, value in plain.state_dict().items():
        found = compiled.state_dict()[name]
        assert found.dtype == value.dtype
        np.testing.assert_allclose(found, value, rtol=tolerance, atol=tolerance, err_msg=name)


def test_a_loss_that_is_nan_draws_nothing_and_keeps_nothing():
    net, seen = drawing(), []

    def spoil(training):
        if training.epoch == 3:
            net.layers[-1].bias.data[...] = np.nan
        seen.append((states(net), net.state_dict()))

    with pytest.raises(FloatingPointError, match="epoch 4"):
        fitted(net, compile=True, batch_size=None, advice=False, callbacks=[spoil])
    drawn, kept = seen[-1]
    assert states(net) == drawn
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, kept[name], err_msg=name)


@pytest.mark.parametrize("compile", [None, True, False])
def test_a_batch_too_small_for_statistics_is_told_with_a_way_out(compile):
    with pytest.raises(ValueError, match="batch_size=7 has 1; leave it out by drop_last=True"):
        fitted(drawing(), compile=compile, batch_size=7)


class TestByDefault:
    """What fit() compiles where nobody asks for it."""

    @pytest.fixture(autouse=True)
    def few_updates(self, monkeypatch):
        monkeypatch.setattr(FIT, "RECORDED_UPDATES", 5)

    def test_some_hundred_updates_are_recorded(self, monkeypatch):
        monkeypatch.undo()
        for epochs, notes in ((300, []), (302, ["updates are compiled from number 301 on"])):
            net = nn.Linear(6, 1, seed=0)
            assert fitted(net, batch_size=None, epochs=epochs, advice=False).notes == notes

    @pytest.mark.parametrize("make", [network, drawing])
    def test_the_numbers_are_those_of_the_recorded_training(self, make):
        nets = [make(), make()]
        plain, usual = (fitted(n, compile=c) for n, c in zip(nets, (False, None), strict=True))
        assert plain.notes == []
        assert usual.notes[0].startswith("updates are compiled from number ")
        np.testing.assert_allclose(usual["loss"], plain["loss"], rtol=1e-10)
        assert states(nets[0]) == states(nets[1])

    @pytest.mark.parametrize("first", [1, 2, 4])
    @pytest.mark.one_in(3)
    def test_a_training_that_is_resumed_gives_the_same_bits(self, first, tmp_path):
        path = tmp_path / "training.h5"
        whole, parts = drawing(), [drawing(), drawing()]
        expected = fitted(whole)
        fitted(parts[0], epochs=first, checkpoint=path)
        found = fitted(parts[1], checkpoint=path, resume=True)
        assert found["loss"] == expected["loss"]
        for name, value in whole.state_dict().items():
            assert np.array_equal(parts[1].state_dict()[name], value), name

    @pytest.mark.parametrize("layer", [Noise, Counter, Shared])
    def test_what_cannot_be_compiled_is_recorded_to_the_bit(self, layer):
        def net():
            return nn.Sequential(nn.Linear(6, 8, seed=0), layer(), nn.Linear(8, 1, seed=1))

        usual, plain = fitted(net()), fitted(net(), compile=False)
        assert usual["loss"] == plain["loss"]
        [note] = usual.notes
        assert note.startswith("updates are recorded, not compiled: ")

    def test_a_layer_that_changes_its_way_is_recorded_from_then_on(self):
        def training(compile):
            net = drawing()

            def change(training):
                net.layers[3].share = 0.1 * training.epoch

            return fitted(net, compile=compile, callbacks=[change])

        usual, plain = training(None), training(False)
        np.testing.assert_allclose(usual["loss"], plain["loss"], rtol=1e-10)
        assert "has changed" in usual.notes[-1]

    @pytest.mark.parametrize("options", [{"accumulate": 2}, {"compile": False}])
    def test_it_is_left_out(self, options):
        assert fitted(network(), **options).notes == []

    def test_large_batches_are_not_compiled(self, monkeypatch):
        monkeypatch.setattr(FIT, "COMPILE_LIMIT_BYTES", X[:, :16].nbytes - 1)
        # The last batch is smaller.
        assert "compiled" in fitted(network()).notes[0]
        assert fitted(network(), drop_last=True).notes == []

    @pytest.mark.parametrize("compile", [None, True])
    def test_gradients_that_explode_later_are_told(self, compile):
        net = network()

        def spoil(training):
            if training.epoch == 8:
                net.layers[0].weight.data[...] = 1e30

        with pytest.warns(nn.TrainingWarning, match="the gradients explode"):
            fitted(
                *(net, 1e3 * ROW),
                **{"loss": nn.mean_squared_error, "compile": compile, "callbacks": [spoil]},
                **{"epochs": 40, "optimiser": nn.SGD(net.parameters(), 1e-300)},
            )


class Halved(nn.SGD):
    """An optimiser of one's own with another step."""

    def step(self):
        for parameter in self.parameters:
            parameter.grad /= 2
        super().step()


def test_an_optimiser_with_a_step_of_its_own_is_not_compiled(monkeypatch):
    with pytest.raises(TypeError, match=r"not the step\(\) that it defines"):
        trained(True, Halved)
    expected = trained(False, Halved)
    monkeypatch.setattr(FIT, "RECORDED_UPDATES", 5)
    assert_same(trained(None, Halved), expected, 0)


def test_a_layer_that_changes_its_way_is_noticed():
    class Scaled(nn.Module):
        factor = 1.0

        def __init__(self):
            self.factor = 1.0

        def forward(self, X):
            return X * self.factor

    scaled = Scaled()
    net = nn.Sequential(nn.Linear(6, 1, seed=0), scaled)

    def change(training):
        scaled.factor = 2.0

    with pytest.raises(RuntimeError, match="factor.*has changed"):
        nn.fit(
            net,
            X,
            ROW,
            loss=nn.mean_squared_error,
            optimiser=nn.SGD(net.parameters()),
            epochs=3,
            batch_size=None,
            callbacks=[change],
            advice=False,
            compile=True,
            verbose=False,
        )


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["Adam", "momentum"])
def test_as_native_code(optimiser, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    pytest.importorskip("scipy")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rule = OPTIMISERS[optimiser]
    native = trained("native", rule)
    assert_same(native, trained(False, rule))
    # The form is settled before the first update: the same numbers every time.
    assert_same(trained("native", rule), native, 0)


def test_native_code_without_numba(monkeypatch):
    monkeypatch.setattr("autograd_lite.compiler.native.tiers.is_available", lambda: False)
    with pytest.raises(ImportError, match="native code needs Numba"):
        trained("native")


def test_another_word_for_compile():
    with pytest.raises(ValueError, match="must be None, True, False or \"native\", not 'jit'"):
        trained("jit")
