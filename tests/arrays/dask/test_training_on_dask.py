"""Training on Dask arrays gives what NumPy arrays give, by one computation per step."""

import dask
import dask.array as da
import numpy as np
import pytest
from loops import engine_loop, loss_of, parameters

import autograd_lite as al
import nn

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(8, N))
Y = (X[:1] * X[1:2] > 0).astype(float)
LABELS = np.digitize(X[2], [-0.5, 0.5])


def cut(array, parts=16):
    length = -(-array.shape[-1] // parts)
    return da.from_array(array, chunks=(*array.shape[:-1], length))


@pytest.fixture
def synchronous():
    """What costs most of these small blocks is handing them to threads."""
    with dask.config.set(scheduler="synchronous"):
        yield


class Counted:
    """A scheduler that notes the graphs that it is given."""

    def __init__(self):
        self.graphs = []

    def __call__(self, graph, keys, **options):
        graph = dict(graph) if isinstance(graph, dict) else graph.__dask_graph__()
        self.graphs.append(graph)
        return dask.get(graph, keys)


@pytest.fixture
def counted():
    scheduler = Counted()
    with dask.config.set(scheduler=scheduler):
        yield scheduler


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
@pytest.mark.parametrize("parts", [1, 2, 7, 16, 150])
@pytest.mark.one_in(3)
def test_a_plain_loop_gives_the_same_costs(scheduler, parts):
    with dask.config.set(scheduler=scheduler):
        found = engine_loop(cut(X, parts), cut(Y, parts))
    np.testing.assert_allclose(found, engine_loop(X, Y), rtol=0, atol=1e-10)


def test_there_is_one_computation_per_step(counted):
    engine_loop(cut(X), cut(Y), steps=5)
    assert len(counted.graphs) == 5


def test_targets_may_be_an_array(counted):
    np.testing.assert_allclose(engine_loop(cut(X), Y), engine_loop(X, Y), rtol=0, atol=1e-10)
    assert len(counted.graphs) == 5


@pytest.mark.parametrize("chunks", [(4, 30), (8, 300)])
def test_other_cuts_go_through_dask(counted, chunks):
    data = da.from_array(X, chunks=chunks), cut(Y)
    np.testing.assert_allclose(engine_loop(*data), engine_loop(X, Y), rtol=0, atol=1e-10)
    assert len(counted.graphs) == 5


def test_parameters_and_gradients_stay_numpy():
    own = parameters()
    cost = loss_of(*own, cut(X), cut(Y))
    assert isinstance(cost.data, da.Array)
    cost.backward()
    assert isinstance(cost.data, np.ndarray)
    for p in own:
        assert type(p.data) is type(p.grad) is np.ndarray
        assert p.grad.flags.writeable and p.grad.base is None


def test_gradients_add_up_over_backwards():
    own = parameters()
    for _ in range(2):
        loss_of(*own, cut(X), cut(Y)).backward()
    single = parameters()
    loss_of(*single, X, Y).backward()
    for p, q in zip(own, single, strict=True):
        np.testing.assert_allclose(p.grad, 2 * q.grad, rtol=1e-12)


def test_a_tensor_holds_the_dask_array_as_it_is():
    array = cut(X)
    x = al.Tensor(array, requires_grad=True)
    assert x.data is array
    np.sum(x * x).backward()
    assert isinstance(x.grad, da.Array)
    np.testing.assert_array_equal(x.grad.compute(), 2 * X)
    assert (x.detach().numpy() == X).all()


def tasks_per_step(parts, samples):
    scheduler = Counted()
    data = RNG.normal(size=(8, samples)), np.ones((1, samples))
    with dask.config.set(scheduler=scheduler, num_workers=2):
        engine_loop(*(cut(array, parts) for array in data), steps=1)
    return scheduler.graphs[0]


def test_the_graph_grows_with_the_blocks_and_not_with_the_samples():
    sizes = {n: len(tasks_per_step(16, n)) for n in (160, 16_000)}
    assert sizes[160] == sizes[16_000]
    few, many = len(tasks_per_step(64, 6400)), len(tasks_per_step(640, 6400))
    assert 5 * few <= many <= 20 * few


def test_gradients_are_summed_as_a_tree():
    graph = tasks_per_step(3000, 3000)
    names = {key: task[0].__name__ for key, task in graph.items()}
    inputs = {key: graph[key][2] for key, name in names.items() if name == "run_tree"}
    assert list(names.values()).count("run_group") == 188
    assert len(inputs) == 24 + 3
    assert max(map(len, inputs.values())) == 8
    # Some of them add up what others have added up.
    assert any(names[key] == "run_tree" for keys in inputs.values() for key in keys)


@pytest.mark.slow
def test_transforms_take_dask_arrays_as_constants(counted):
    W = RNG.normal(size=(1, 8))

    def loss(X, Y):
        return lambda W: np.mean((W @ X - Y) ** 4)

    of_dask, of_numpy = loss(cut(X), cut(Y)), loss(X, Y)
    value, gradient = al.value_and_grad(of_dask)(W)
    assert len(counted.graphs) == 1
    np.testing.assert_allclose(value, of_numpy(W), rtol=1e-12)
    assert type(gradient) is np.ndarray
    np.testing.assert_allclose(gradient, al.grad(of_numpy)(W), rtol=1e-12)
    np.testing.assert_allclose(al.hvp(of_dask)(W, W), al.hvp(of_numpy)(W, W), rtol=1e-12)
    np.testing.assert_allclose(al.hessian(of_dask)(W), al.hessian(of_numpy)(W), rtol=1e-12)
    assert al.gradcheck(of_dask, W, order=1)


def test_what_has_been_read_is_not_computed_again(counted):
    total = np.sum(al.Tensor(cut(X), requires_grad=True))
    for _ in range(3):
        assert total.item() == pytest.approx(X.sum())
    assert len(counted.graphs) == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x, b: np.sum(x * b),
        lambda x, b: np.sum(np.where(x > 0, b, 0)),
        lambda x, b: np.sum(np.maximum(x, b)),
        lambda x, b: np.sum(np.concatenate([x, b * x])),
        lambda x, b: np.sum(np.dot(x.T, b)),
        lambda x, b: np.sum(np.stack([x[:, 0], b[:, 0]])),
    ],
)
def test_a_tensor_is_seen_behind_blocks(function):
    """The array that comes first is asked first, and must not take a Tensor for an array."""
    values = RNG.normal(size=(8, 1))
    b, expected = (al.Tensor(values, requires_grad=True) for _ in range(2))
    blocks = al.Tensor(cut(X))._value
    function(blocks, b).backward()
    function(X, expected).backward()
    np.testing.assert_allclose(b.grad, expected.grad, rtol=1e-12)


def test_an_unselected_branch_has_gradient_0():
    b = al.Tensor(np.zeros((1, 1)), requires_grad=True)
    with np.errstate(divide="ignore"):
        np.sum(np.where(cut(X)[:1] > 0, np.log(cut(np.maximum(X[:1], 0)) + b), 0)).backward()
    np.testing.assert_allclose(b.grad, np.sum(1 / X[:1][X[:1] > 0]), rtol=1e-10)


ESTIMATORS = [
    (nn.LogisticRegression, {}),
    (nn.LogisticRegression, {"class_weight": "balanced", "alpha": 0.1}),
    (nn.DeepClassifier, {"hidden_layer_sizes": (6, 4), "optimiser": "adam"}),
]


@pytest.mark.parametrize("labels", [Y[0].astype(int), LABELS], ids=["two classes", "three"])
@pytest.mark.parametrize(("kind", "options"), ESTIMATORS)
@pytest.mark.one_in(5)
def test_estimators_are_unchanged(kind, options, labels, counted):
    def fitted(*data):
        return kind(learning_rate=0.1, max_iter=8, random_state=0, **options).fit(*data)

    expected = fitted(X.T, labels)
    samples = cut(X).T
    for given in (labels, cut(labels)):
        counted.graphs.clear()
        found = fitted(samples, given)
        np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=0, atol=1e-10)
        # The steps; the labels' classes, their weights, the least weight and the labels' way into
        # blocks, once each.
        assert len(counted.graphs) <= 8 + 4
    np.testing.assert_allclose(found.predict_proba(samples), expected.predict_proba(X.T), rtol=1e-9)
    assert (found.predict(samples) == expected.predict(X.T)).all()
    assert found.score(samples, cut(labels)) == expected.score(X.T, labels)
    assert all(type(p.data) is np.ndarray for p in found.network_.parameters())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [None, 1, 2])
@pytest.mark.parametrize("kind", [nn.LinearRegression, nn.DeepRegressor])
@pytest.mark.one_in(5)
def test_regressors_are_unchanged(kind, outputs, weighted, synchronous):
    targets = X[0] + 3 if outputs is None else X[:outputs].T + 3
    weights = RNG.random(N) if weighted else None

    def fitted(*data):
        return kind(max_iter=4, random_state=0).fit(*data)

    expected = fitted(X.T, targets, weights)
    samples = cut(X, 3).T
    for given in (targets, cut(targets.T, 3).T):
        found = fitted(samples, given, weights if weights is None else cut(weights, 3))
        np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-9)
        np.testing.assert_allclose(found.predict(samples), expected.predict(X.T), rtol=1e-9)
        assert found.score(samples, targets) == pytest.approx(expected.score(X.T, targets))


def test_estimators_take_pictures_weights_and_float32():
    pictures = X.T.reshape(N, 2, 4).astype(np.float32)
    weights = RNG.random(N)
    data = (pictures, Y[0], weights)
    blocks = (da.from_array(pictures, chunks=(40, 1, 4)), cut(Y[0], 3), cut(weights))
    expected, found = (nn.LogisticRegression(max_iter=5).fit(*d) for d in (data, blocks))
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)
    assert found.coef_.dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(N), "y must hold two or more classes"),
        (np.where(np.arange(N) == 200, np.nan, Y[0]), r"y\[2\] is NaN"),
        (X[0], "Unknown label type"),
        (Y[0, :-1], r"y has shape \(299,\), but X has 300 samples"),
    ],
)
def test_labels_are_checked_by_their_classes(labels, message):
    with pytest.raises(ValueError, match=message):
        nn.LogisticRegression().fit(cut(X).T, cut(labels))


def test_what_needs_values_is_refused():
    with pytest.raises(TypeError, match="real numbers, but it has dtype complex128"):
        nn.LogisticRegression().fit(cut(X).T + 1j, Y[0])
    with pytest.raises(TypeError, match=r"fit\(compile=True\) takes NumPy arrays"):
        nn.LogisticRegression(compile=True).fit(cut(X).T, Y[0])


def layers():
    return {
        "plain": [nn.Linear(8, 5, seed=0), nn.ReLU(), nn.Linear(5, 1, seed=1)],
        "batch": [nn.Linear(8, 5, seed=0), nn.BatchNorm(5), nn.Tanh(), nn.Linear(5, 1, seed=1)],
        "layer": [nn.Linear(8, 5, seed=0), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 1, seed=1)],
        "dropout": [nn.Linear(8, 5, seed=0), nn.Dropout(0.3, seed=2), nn.Linear(5, 1, seed=1)],
    }


def fitted(name, X, Y, **options):
    model = nn.Sequential(*layers()[name])
    options = {"batch_size": None, "seed": 0, "verbose": False} | options
    loss = nn.binary_cross_entropy_with_logits
    optimiser = nn.Adam(model.parameters())
    return nn.fit(model, X, Y, loss=loss, optimiser=optimiser, epochs=4, **options), model


@pytest.mark.parametrize("name", layers())
def test_fit_is_unchanged(name):
    expected, net = fitted(name, X, Y, validation=0.2, metrics=["accuracy"])
    found, other = fitted(name, cut(X), cut(Y), validation=0.2, metrics=["accuracy"])
    for column in ("loss", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(found[column], expected[column], rtol=0, atol=1e-10)
    for path, value in net.state_dict().items():
        np.testing.assert_allclose(other.state_dict()[path], value, rtol=0, atol=1e-10)


def test_fit_by_batches_learns():
    history, _ = fitted("plain", cut(X), cut(Y), batch_size=32)
    assert history["loss"][-1] < history["loss"][0]


def test_a_loss_that_is_not_finite_stops_the_training():
    broken = X.copy()
    broken[0, 100] = np.inf
    with pytest.raises(
        FloatingPointError, match="the data may hold NaN, which is not searched for"
    ):
        with np.errstate(invalid="ignore"):
            fitted("plain", cut(broken), cut(Y))


class TestWhatIsReadLater:
    """Values are those of the moment at which a line was run, as with NumPy arrays."""

    @pytest.fixture(params=["NumPy", "Dask"])
    def x(self, request):
        return al.Tensor(X if request.param == "NumPy" else cut(X))

    def weights(self):
        return al.Tensor(np.ones((1, 8)), requires_grad=True)

    def test_predictions_after_the_update(self, x):
        W = self.weights()
        Z = W @ x
        np.mean((Z - 1) ** 2).backward()
        W.data[...] = 0
        np.testing.assert_allclose(Z.numpy(), np.sum(X, axis=0, keepdims=True))

    def test_losses_that_are_read_at_the_end(self, x):
        W, losses = np.ones((1, 8)), []
        for _ in range(3):
            losses.append(np.sum(W @ x))
            W *= 0.5
        expected = [np.sum(X) / 2**i for i in range(3)]
        np.testing.assert_allclose([loss.item() for loss in losses], expected)

    def test_targets_that_are_written_to(self, x):
        W, targets = self.weights(), np.zeros(300)
        loss = np.sum((W @ x - targets) ** 2)
        targets += 1
        loss.backward()
        np.testing.assert_allclose(loss.item(), np.sum(np.sum(X, axis=0) ** 2))

    def test_the_gradient_of_the_data(self):
        x, W = al.Tensor(cut(X), requires_grad=True), self.weights()
        np.sum((W @ x) ** 2).backward()
        W.data *= 0
        expected = 2 * np.ones((8, 1)) * np.sum(X, axis=0)
        np.testing.assert_allclose(np.asarray(x.grad), expected)

    def test_a_dask_array_that_is_written_to(self):
        array = cut(X)
        before = al.Tensor(array)
        assert np.sum(before).item() == pytest.approx(np.sum(X))
        array[array > 0] = 0
        assert np.sum(al.Tensor(array)).item() == pytest.approx(np.sum(np.minimum(X, 0)))
        assert np.sum(before).item() == pytest.approx(np.sum(X))


@pytest.mark.parametrize("kind", ["NumPy", "Dask"])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(N), "finite numbers from 0 on"),
        (np.full(N, np.nan), "finite numbers from 0 on"),
        (np.zeros(N), "every weight is zero"),
        (np.ones(N - 1), r"sample_weight.shape == \(299,\), expected \(300,\)"),
        (np.ones((N, 1)), "must be 1D array or scalar"),
    ],
    ids=["negative", "NaN", "zero", "too few", "a column"],
)
def test_weights_that_cannot_be_are_refused(weights, message, kind):
    given = weights if kind == "NumPy" else da.from_array(weights, chunks=50)
    with pytest.raises(ValueError, match=message):
        nn.LogisticRegression(max_iter=2).fit(cut(X).T, LABELS > 0, sample_weight=given)


def test_one_weight_for_all():
    found = nn.LogisticRegression(max_iter=3).fit(cut(X).T, LABELS > 0, sample_weight=2.0)
    expected = nn.LogisticRegression(max_iter=3).fit(X.T, LABELS > 0, sample_weight=2.0)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-10)


def test_fit_refuses_negative_weights():
    with pytest.raises(ValueError, match="weights of samples must be numbers from 0 on"):
        nn.ArrayData(cut(X), cut(Y), cut(-np.ones((1, N)))[0])


def test_predictions_of_nan_are_refused():
    model = nn.LogisticRegression(max_iter=2).fit(X.T, LABELS > 0)
    samples = X.T.copy()
    samples[37, 2] = np.nan
    predicted = model.predict(da.from_array(samples, chunks=(50, 8)))
    assert predicted[50:].compute().shape == (N - 50,)
    with pytest.raises(ValueError, match=r"sample 37 are not finite: X\[37\] holds NaN"):
        predicted.compute()


def test_labels_that_cannot_be_sorted_are_refused():
    mixed = da.from_array(np.array(["a", 1] * (N // 2), dtype=object), chunks=50)
    with pytest.raises(TypeError, match="y mixes labels of several types"):
        nn.LogisticRegression(max_iter=2).fit(cut(X).T, mixed)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_errors_name_the_block(scheduler):
    def fail(block, block_info=None):
        if block_info and block_info[0]["array-location"][1][0] == 200:
            raise OSError("the disk is gone")
        return block

    x = da.from_array(X, chunks=(8, 50)).map_blocks(fail, dtype=float)
    for failing in (lambda: engine_loop(x, cut(Y)), lambda: fitted("plain", x, Y, batch_size=20)):
        with dask.config.set(scheduler=scheduler), pytest.raises(OSError) as found:
            failing()
        assert found.value.__notes__ == ["in the block from sample 200 on"]


def test_errors_name_the_file(tmp_path, synchronous):
    nn.write_dataset(tmp_path / "a.h5", X.T, Y[0])
    x, y = nn.dask_arrays(tmp_path / "a.h5", rows=100)
    (tmp_path / "a.h5").unlink()
    with pytest.raises(FileNotFoundError) as found:
        np.sum(al.Tensor(nn.flatten(x))).item()
    (note,) = found.value.__notes__
    assert note.startswith("in the block from sample ")
    assert note.endswith(f" on, read from {str(tmp_path / 'a.h5')!r}")
