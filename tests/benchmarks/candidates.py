"""What is compared: for each piece of work the programs that do it, of the libraries installed."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import big_file
import numpy as np
from benchmarks import careful, nets

import autograd_lite as al
import nn

Runs = dict[str, Callable[[], object]]


def peer(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def limit_torch(threads: int) -> Any:
    """PyTorch with so many threads, or None."""
    torch = peer("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    return torch


def net(sizes: Sequence[int], columns: int, threads: int, dtype: Any = np.float64) -> Runs:
    """A training step of a net of ReLU layers with binary cross-entropy, the update included."""
    X, Y = nets.samples(sizes[0], columns)
    if sizes[-1] > 1:
        Y = (np.random.default_rng(2).random((sizes[-1], columns)) < 0.1).astype(float)
    X, Y = np.ascontiguousarray(X.T.astype(dtype)).T, Y.astype(dtype)
    runs: Runs = {
        "autograd_lite": nets.recorded(sizes, X, Y, dtype),
        "compiled": nets.compiled(sizes, X, Y, dtype, threads=threads),
    }
    if sizes[-1] == 1:
        runs["careful hand"] = nets.by_careful_hand(sizes, X, Y, dtype)
        runs["NumPy by hand"] = nets.by_numpy(sizes, X, Y, dtype)
    if (torch := limit_torch(threads)) is not None:
        runs["PyTorch"] = nets.in_torch(torch, sizes, X, Y)
        if threads == 1:
            runs["torch.compile"] = nets.in_torch(torch, sizes, X, Y, compiled=True)
    if (jax := peer("jax")) is not None:
        runs["JAX jit"] = nets.in_jax(jax, sizes, X, Y, dtype)
    if dtype == np.float64:
        if (autograd := peer("autograd")) is not None:
            runs["HIPS autograd"] = nets.in_autograd(autograd, sizes, X, Y)
        if (mygrad := peer("mygrad")) is not None:
            runs["MyGrad"] = nets.in_mygrad(mygrad, sizes, X, Y)
    return runs


def products_alone(
    sizes: Sequence[int], columns: int, dtype: Any = np.float64
) -> Callable[[], None]:
    """The matrix products of a step, into arrays that are there."""
    rng = np.random.default_rng(1)
    W = [rng.normal(size=(b, a)).astype(dtype) for a, b in zip(sizes, sizes[1:], strict=False)]
    A = [rng.random((n, columns)).astype(dtype) for n in sizes]
    outs, dW = [np.empty_like(a) for a in A], [np.empty_like(w) for w in W]

    def run() -> None:
        for i, w in enumerate(W):
            np.dot(w, A[i], outs[i + 1])
        for i in reversed(range(len(W))):
            np.dot(A[i + 1], A[i].T, dW[i])
            if i:
                np.dot(W[i].T, A[i + 1], outs[i])

    return run


def wide_net(columns: int, dtype: Any = np.float64) -> Runs:
    """A training step of 784-512-512-10 by cross-entropy, two threads, and its products alone."""
    sizes = (784, 512, 512, 10)
    rng = np.random.default_rng(0)
    X, labels = rng.random((784, columns)).astype(dtype), rng.integers(0, 10, columns)
    Y = np.eye(10, dtype=dtype)[:, labels]

    def cost(xp: Any, relu: Any, lse: Any, p: Any, X: Any, Y: Any) -> Any:
        A = X
        for i in (1, 2, 3):
            Z = xp.matmul(p[f"W{i}"], A) + p[f"b{i}"]
            A = relu(Z)
        return xp.mean(lse(Z) - xp.sum(Z * Y, axis=0))

    gradient = al.grad(
        lambda p, X, Y: cost(np, al.relu, lambda Z: al.logsumexp(Z, axis=0), p, X, Y)
    )

    def update(p: Any, slopes: Any) -> Any:
        return {name: p[name] - nets.RATE * slopes[name] for name in p}

    def carried_on(step: Any, state: Any, *data: Any) -> Callable[[], None]:
        def run() -> None:
            nonlocal state
            state = step(state, *data)

        return run

    program = al.compile(lambda p, X, Y: update(p, gradient(p, X, Y)), donate=0, threads=2)
    first = {name: value.astype(dtype) for name, value in nets.start(sizes).items()}
    runs: Runs = {
        "autograd_lite": nets.recorded(sizes, X, Y, dtype, nn.cross_entropy),
        "compiled": nets.settled(program, carried_on(program, first, X, Y)),
        "careful hand": nets.by_careful_hand(sizes, X, Y, dtype, careful.cross_entropy),
        "the products alone": products_alone(sizes, columns, dtype),
    }
    if (torch := limit_torch(2)) is not None:
        layers: list[Any] = []
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        rows, targets = torch.tensor(X.T.copy()), torch.tensor(labels)
        network = torch.nn.Sequential(*layers[:-1]).to(rows.dtype)
        optimiser = torch.optim.SGD(network.parameters(), lr=nets.RATE)

        def in_torch() -> None:
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(rows), targets).backward()
            optimiser.step()

        runs["PyTorch"] = in_torch
    if (jax := peer("jax")) is not None:
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        functions = jnp, jax.nn.relu, lambda Z: jax.nn.logsumexp(Z, axis=0)
        slope = jax.grad(lambda p, X, Y: cost(*functions, p, X, Y))
        jitted = jax.jit(lambda p, X, Y: update(p, slope(p, X, Y)), donate_argnums=0)
        state = {name: jnp.asarray(value) for name, value in first.items()}
        data = jnp.asarray(X), jnp.asarray(Y)
        runs["JAX jit"] = carried_on(lambda *a: jax.block_until_ready(jitted(*a)), state, *data)
    return runs


LENGTHS = {"HIPS autograd": 600, "MyGrad": 600, "micrograd": 600}
"""Operations of the peers that are recursive, in the place of 20,000."""


def chain(shape: tuple[int, ...]) -> Runs:
    """y = y*x + x again and again, forward and backward, on one thread."""

    def repeat(x: Any, y: Any, length: int) -> Any:
        for _ in range(length // 2):
            y = y * x + x
        return y

    def recorded() -> None:
        x, y = (al.Tensor(np.full(shape, v), requires_grad=True) for v in (1e-4, 0.5))
        repeat(x, y, 20_000).sum().backward()

    runs: Runs = {"autograd_lite": recorded}
    if (torch := limit_torch(1)) is not None:

        def in_torch() -> None:
            kind = {"dtype": torch.float64, "requires_grad": True}
            x, y = (torch.full(shape, v, **kind) for v in (1e-4, 0.5))
            repeat(x, y, 20_000).sum().backward()

        runs["PyTorch"] = in_torch
    if (autograd := peer("autograd")) is not None:

        def in_autograd() -> None:
            x, y = np.full(shape, 1e-4), np.full(shape, 0.5)
            autograd.grad(lambda x: autograd.numpy.sum(repeat(x, y * (1 + 0 * x), 600)))(x)

        runs["HIPS autograd"] = in_autograd
    if (mygrad := peer("mygrad")) is not None:

        def in_mygrad() -> None:
            x, y = (mygrad.tensor(np.full(shape, v)) for v in (1e-4, 0.5))
            repeat(x, y, 600).sum().backward()

        runs["MyGrad"] = in_mygrad
    if not shape and peer("micrograd") is not None:
        value = importlib.import_module("micrograd.engine").Value
        runs["micrograd"] = lambda: repeat(value(1e-4), value(0.5), 600).backward()
    return runs


def log_loss() -> Runs:
    """The log-loss of a million elements as the article writes it, with its gradient."""
    rng = np.random.default_rng(0)
    Z, Y = rng.normal(size=(1, 1_000_000)), (rng.random((1, 1_000_000)) < 0.5).astype(float)
    m = Y.shape[1]

    def cost(xp: Any, Z: Any, Y: Any) -> Any:
        A = 1 / (1 + xp.exp(-Z))
        return -xp.sum(Y * xp.log(A) + (1 - Y) * xp.log(1 - A)) / m

    def by_hand() -> Any:
        A = 1 / (1 + np.exp(-Z))
        value = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        dA = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A))
        return value, dA * A * (1 - A) / m

    recorded = al.value_and_grad(lambda Z, Y: cost(np, Z, Y))
    compiled = al.compile(recorded, threads=2)
    runs: Runs = {
        "autograd_lite": lambda: recorded(Z, Y),
        "compiled": nets.settled(compiled, lambda: compiled(Z, Y)),
        "careful hand": careful.log_loss(Z, Y),
        "NumPy by hand": by_hand,
    }
    if (torch := limit_torch(2)) is not None:
        tensor, target = torch.tensor(Z, requires_grad=True), torch.tensor(Y)

        def in_torch() -> None:
            tensor.grad = None
            cost(torch, tensor, target).backward()

        runs["PyTorch"] = in_torch
    if (jax := peer("jax")) is not None:
        jax.config.update("jax_enable_x64", True)
        jitted = jax.jit(jax.value_and_grad(lambda Z, Y: cost(jax.numpy, Z, Y)))
        arrays = jax.numpy.asarray(Z), jax.numpy.asarray(Y)
        runs["JAX jit"] = lambda: jax.block_until_ready(jitted(*arrays))
    if (autograd := peer("autograd")) is not None:
        theirs = autograd.value_and_grad(lambda Z: cost(autograd.numpy, Z, Y))
        runs["HIPS autograd"] = lambda: theirs(Z)
    return runs


def epoch(
    sizes: Sequence[int], samples: int, optimiser: str = "adam", dtype: Any = np.float64
) -> Runs:
    """An epoch in batches of 128, on networks that go on from one to the next; two threads."""
    rng = np.random.default_rng(0)
    x, y = rng.random((samples, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], samples)
    X = nn.flatten(x)
    pairs = list(enumerate(zip(sizes, sizes[1:], strict=False)))
    layers: list[Any] = []
    for i, (a, b) in pairs:
        layers += [nn.Linear(a, b, seed=i, dtype=dtype), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    rule: Any = {"adam": nn.Adam, "sgd": nn.SGD}[optimiser](network.parameters(), 1e-3)
    options: dict[str, Any] = {"epochs": 1, "batch_size": 128, "seed": 0}
    options |= {"verbose": False, "advice": False, "loss": nn.cross_entropy, "optimiser": rule}
    runs: Runs = {"autograd_lite": lambda: nn.fit(network, X, y, **options)}
    if peer("sklearn") is not None:
        kind = importlib.import_module("sklearn.neural_network").MLPClassifier
        settings = {"solver": optimiser, "batch_size": 128, "alpha": 0.0, "max_iter": 1}
        settings |= {"momentum": 0.0, "nesterovs_momentum": False, "warm_start": True}
        learner = kind(sizes[1:-1], **settings)

        def in_sklearn() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                learner.fit(x, y)

        runs["scikit-learn"] = in_sklearn
    if (torch := limit_torch(2)) is not None:
        theirs: list[Any] = []
        for _, (a, b) in pairs:
            theirs += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        inputs, labels = torch.tensor(x), torch.tensor(y)
        model = torch.nn.Sequential(*theirs[:-1]).to(inputs.dtype)
        made: Any = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimiser]
        steps = made(model.parameters(), 1e-3)

        def in_torch() -> None:
            for chosen in torch.randperm(len(x)).split(128):
                steps.zero_grad()
                torch.nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen]).backward()
                steps.step()

        runs["PyTorch"] = in_torch
    return runs


def convolution(n_in: int, n_out: int, size: int, count: int, dtype: Any = np.float64) -> Runs:
    """Conv2d(n_in, n_out, 3) on `count` pictures of `size` x `size`, both ways; two threads."""
    rng = np.random.default_rng(0)
    layer = nn.Conv2d(n_in, n_out, 3, padding=1, seed=0, dtype=dtype)
    X = al.Tensor(rng.normal(size=(n_in, size, size, count)).astype(dtype), True)
    ones = np.ones((n_out, size, size, count), dtype)

    def recorded() -> None:
        layer(X).backward(ones)
        layer.zero_grad()
        X.zero_grad()

    runs: Runs = {"autograd_lite": recorded}
    if (torch := limit_torch(2)) is not None:
        x = torch.tensor(np.ascontiguousarray(np.moveaxis(X.data, -1, 0)), requires_grad=True)
        W = torch.tensor(layer.weight.numpy(), requires_grad=True)
        assert layer.bias is not None
        b = torch.tensor(layer.bias.numpy()[:, 0], requires_grad=True)

        def in_torch() -> None:
            z = torch.nn.functional.conv2d(x, W, b, padding=1)
            z.backward(torch.ones_like(z))
            x.grad = W.grad = b.grad = None

        runs["PyTorch"] = in_torch
    return runs


def fit() -> Runs:
    """Forty epochs of nn.fit, compiled or not: 64-32-1, Adam, batches of 32 of 2,000 samples."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(64, 2000)), (rng.random((1, 2000)) < 0.5).astype(float)

    def going_on(compile: bool) -> Callable[[], object]:
        net = nn.Sequential(nn.Linear(64, 32, seed=0), nn.ReLU(), nn.Linear(32, 1, seed=1))
        options: dict[str, Any] = {"loss": nn.binary_cross_entropy_with_logits, "seed": 0}
        options |= {"optimiser": nn.Adam(net.parameters()), "verbose": False, "advice": False}
        return lambda: nn.fit(net, X, Y, epochs=40, compile=compile, **options)

    return {"compiled": going_on(True), "not compiled": going_on(False)}


def in_blocks() -> Runs:
    """A step of 64-32-1 on 160,000 columns in 16 blocks: on threads, and with Dask's own graph."""
    import dask
    import dask.array as da

    X, Y = nets.samples(64, 160_000)
    parts = [da.from_array(a, chunks=(len(a), 10_000)) for a in (np.ascontiguousarray(X), Y)]
    held = [al.Tensor(part) for part in parts]
    W1, b1, W2, b2 = nets.start((64, 32, 1)).values()

    def dask_by_hand() -> Any:
        X, Y = parts
        Z1 = W1 @ X + b1
        A1 = np.maximum(Z1, 0)
        dZ2 = (1 / (1 + np.exp(-(W2 @ A1 + b2))) - Y) / X.shape[1]
        dZ1 = (W2.T @ dZ2) * (Z1 > 0)
        return dask.compute(dZ2 @ A1.T, dZ2.sum(axis=1), dZ1 @ X.T, dZ1.sum(axis=1))

    return {
        "autograd_lite": nets.recorded((64, 32, 1), *held),
        "NumPy by hand": nets.by_numpy((64, 32, 1), np.ascontiguousarray(X), Y),
        "Dask by hand": dask_by_hand,
    }


@contextlib.contextmanager
def on_a_cluster() -> Iterator[Runs]:
    """A step of 64-32-1 on 1,024 columns in 16 blocks, on two workers; nothing but overhead."""
    import dask.array as da
    from distributed import Client, LocalCluster

    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    X, Y = nets.samples(64, 1024)
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        parts = [da.from_array(a, chunks=(len(a), 64)).persist() for a in (X, Y)]
        number = itertools.count()

        def empty() -> None:
            name = f"empty-{next(number)}"
            keys = [(name, 0), (name, 1)]
            client.get({key: (int, 0) for key in keys}, keys)

        yield {
            "autograd_lite": nets.recorded((64, 32, 1), *map(al.Tensor, parts)),
            "two empty tasks": empty,
        }


def _reading(path: str, rows: int) -> Callable[[], None]:
    """Plain h5py going through a file in order."""
    import h5py

    def read() -> None:
        with h5py.File(path) as file:
            x = file["x"]
            for at in range(0, len(x), rows):
                x[at : at + rows]

    return read


@contextlib.contextmanager
def from_a_file() -> Iterator[Runs]:
    """Logistic regression over an HDF5 file of 1 GiB that is in the system's cache, an epoch."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "big.h5")
        big_file.write(path, 2**30)
        X, y = nn.dask_arrays(path, dtype=np.float32)
        data = nn.ArrayData(nn.flatten(X), y[np.newaxis])
        model = nn.Linear(len(data.X), 1, dtype=np.float32)
        sgd = nn.SGD(model.parameters(), 0.1)

        def epoch() -> None:
            nn.binary_cross_entropy_with_logits(model(data.X), data.Y).backward()
            sgd.step()
            sgd.zero_grad()

        yield {"autograd_lite": epoch, "reading by h5py": _reading(path, 2_000)}


@contextlib.contextmanager
def batches_of_a_file(is_shuffled: bool) -> Iterator[Runs]:
    """nn.H5Dataset's batches of 256 of the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "big.h5")
        big_file.write(path, 2**30)
        data = nn.H5Dataset(path, dtype=np.float32)

        def epoch() -> None:
            for _ in data.batches(256, [0, 0] if is_shuffled else None):
                pass

        yield {"autograd_lite": epoch, "reading by h5py": _reading(path, 2_000)}


@contextlib.contextmanager
def batches_of_dask_arrays() -> Iterator[Runs]:
    """A shuffled epoch of nn.fit by batches of 256: nn.dask_arrays beside nn.H5Dataset."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "big.h5")
        big_file.write(path, 2**30)
        samples, targets = nn.dask_arrays(path, dtype=np.float32)

        def epoch(*data: Any) -> None:
            model = nn.Linear(samples.shape[1], 1, dtype=np.float32, seed=0)
            sgd = nn.SGD(model.parameters(), 0.1)
            options = {"epochs": 1, "batch_size": 256, "verbose": False, "advice": False}
            nn.fit(model, *data, loss=_row_loss, optimiser=sgd, **options)

        yield {
            "autograd_lite": lambda: epoch(nn.flatten(samples), targets),
            "nn.H5Dataset": lambda: epoch(nn.H5Dataset(path, dtype=np.float32)),
        }


def _row_loss(Z: Any, Y: Any) -> Any:
    return nn.binary_cross_entropy_with_logits(Z, Y[np.newaxis])
