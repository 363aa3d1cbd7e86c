"""Training in nn beside scikit-learn's MLPClassifier and PyTorch's eager mode, two threads each.

pytest tests/benchmarks/bench_nn.py -s        (extras `benchmark`, `sklearn`)
"""

import os
import statistics
import time
import warnings

# The threads of one library would spin for a while and take the cores from whoever comes next.
os.environ.update(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

import autograd_lite as al  # noqa: E402
import nn  # noqa: E402

torch = pytest.importorskip("torch")
neural_network = pytest.importorskip("sklearn.neural_network")
torch.set_num_threads(2)
F = torch.nn.functional

ROUNDS = 9


def interleaved(**runs):
    """The median times in seconds, measured in turns after one turn that does not count."""
    times = {name: [] for name in runs}
    for turn in range(ROUNDS + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def told(title, medians):
    ours = medians["ours"]
    ratios = {name: ours / other for name, other in medians.items() if name != "ours"}
    print(
        f"\n{title}: {1e3 * ours:.1f} ms; "
        + ", ".join(f"{r:.2f} of {n}" for n, r in ratios.items())
    )
    return ratios


def data(n, features, classes, dtype):
    rng = np.random.default_rng(0)
    return rng.random((n, features)).astype(dtype), rng.integers(0, classes, n)


def epochs_of(x, y, sizes, batch, optimiser, dtype):
    """One epoch of each, on networks that go on from epoch to epoch."""
    X = nn.flatten(x)
    layers, theirs = [], []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
        layers += ([nn.ReLU()] if i else []) + [nn.Linear(a, b, seed=i, dtype=dtype)]
        theirs += ([torch.nn.ReLU()] if i else []) + [torch.nn.Linear(a, b)]
    net = nn.Sequential(*layers)
    make = {"adam": nn.Adam, "sgd": nn.SGD}[optimiser]
    steps = make(net.parameters(), 1e-3)

    def ours():
        nn.fit(
            net,
            X,
            y,
            loss=nn.cross_entropy,
            optimiser=steps,
            epochs=1,
            batch_size=batch,
            seed=0,
            verbose=False,
            advice=False,
        )

    model = torch.nn.Sequential(*theirs).to(torch.tensor(x[:1]).dtype)
    torch_make = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimiser]
    torch_steps = torch_make(model.parameters(), 1e-3)
    samples, labels = torch.tensor(x), torch.tensor(y)

    def eager():
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            chosen = order[first : first + batch]
            loss = F.cross_entropy(model(samples[chosen]), labels[chosen])
            torch_steps.zero_grad()
            loss.backward()
            torch_steps.step()

    learner = neural_network.MLPClassifier(
        sizes[1:-1],
        solver=optimiser,
        batch_size=batch,
        alpha=0.0,
        max_iter=1,
        warm_start=True,
        momentum=0.0,
        nesterovs_momentum=False,
    )

    def mlp():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            learner.fit(x, y)

    return {"ours": ours, "MLPClassifier": mlp, "PyTorch": eager}


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_epoch_on_digits(optimiser, dtype):
    x, y = data(1437, 64, 10, dtype)
    runs = epochs_of(x, y, (64, 64, 10), 128, optimiser, dtype)
    ratios = told(f"digits, 64-64-10, {optimiser}, {np.dtype(dtype)}", interleaved(**runs))
    assert max(ratios.values()) < 1


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_epoch_on_784_512_512_10(optimiser, dtype):
    x, y = data(6000, 784, 10, dtype)
    runs = epochs_of(x, y, (784, 512, 512, 10), 128, optimiser, dtype)
    ratios = told(f"784-512-512-10, {optimiser}, {np.dtype(dtype)}", interleaved(**runs))
    assert max(ratios.values()) < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("n_in", "n_out", "size", "n"), [(1, 16, 28, 128), (16, 32, 14, 128), (32, 32, 16, 64)]
)
def test_a_convolution_forward_and_backward(n_in, n_out, size, n, dtype):
    rng = np.random.default_rng(0)
    layer = nn.Conv2d(n_in, n_out, 3, padding=1, seed=0, dtype=dtype)
    X = al.Tensor(rng.normal(size=(n_in, size, size, n)).astype(dtype), True)
    ones = np.ones((n_out, size, size, n), dtype)

    def ours():
        layer(X).backward(ones)
        layer.zero_grad()
        X.zero_grad()

    x = torch.tensor(np.ascontiguousarray(np.moveaxis(X.data, -1, 0)), requires_grad=True)
    W = torch.tensor(layer.weight.numpy(), requires_grad=True)
    b = torch.tensor(layer.bias.numpy()[:, 0], requires_grad=True)

    def eager():
        z = F.conv2d(x, W, b, padding=1)
        z.backward(torch.ones_like(z))
        x.grad = W.grad = b.grad = None

    title = f"Conv2d({n_in}, {n_out}, 3) on {size} x {size}, {n} pictures, {np.dtype(dtype)}"
    ratios = told(title, interleaved(ours=ours, PyTorch=eager))
    assert ratios["PyTorch"] < 2
