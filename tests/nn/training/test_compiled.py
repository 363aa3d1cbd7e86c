"""fit(compile=True) against the same training without it."""

import numpy as np
import pytest

import autograd_lite as al
import nn

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
@pytest.mark.one_in(2)
def test_it_is_the_same_training(optimiser, options):
    expected = trained(False, optimiser, **options)
    assert_same(trained(True, optimiser, **options), expected)


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


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm(8)], ids=["Dropout", "BatchNorm"])
def test_models_that_cannot_be_compiled_are_refused(layer):
    net = nn.Sequential(nn.Linear(6, 8), layer, nn.Linear(8, 1))
    before = net.state_dict()
    with pytest.raises(al.TracedValueError, match="Dropout and BatchNorm"):
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


@pytest.mark.parametrize("optimiser", ["Adam", "momentum"])
@pytest.mark.one_in(2)
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
    with pytest.raises(ValueError, match="compile must be True, False or \"native\", not 'jit'"):
        trained("jit")
