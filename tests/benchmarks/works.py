"""What is compared: each work as a function per candidate, of those that are installed."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import big_file
import numpy as np
from benchmarks import nets

import autograd_lite as al
import nn

Runs = dict[str, Callable[[], object]]

OURS = ("autograd_lite", "compiled")
"""The candidates that are this project's: as recorded, and under al.compile."""


@dataclass(frozen=True)
class Work:
    """A piece of work: `runs()` gives the candidates, `lengths` how much of it each does.

    `threads` is what all libraries get; `times` how often a run is repeated to be timed. What
    `runs()` needs for as long as they run, it opens and closes as a context manager.
    """

    title: str
    threads: int
    runs: Callable[[], Runs | contextlib.AbstractContextManager[Runs]]
    rounds: int = 15
    times: int = 1
    lengths: Mapping[str, int] | None = None


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


def net(sizes: Sequence[int], columns: int, threads: int) -> Runs:
    """A training step of a net of ReLU layers with binary cross-entropy, the update included."""
    X, Y = nets.samples(sizes[0], columns)
    if sizes[-1] > 1:
        Y = (np.random.default_rng(2).random((sizes[-1], columns)) < 0.1).astype(float)
    runs: Runs = {
        "autograd_lite": nets.recorded(sizes, X, Y),
        "compiled": nets.compiled(sizes, X, Y, threads=threads),
    }
    if sizes[-1] == 1:
        runs["NumPy by hand"] = nets.by_numpy(sizes, X, Y)
    if (torch := limit_torch(threads)) is not None:
        runs["PyTorch"] = nets.in_torch(torch, sizes, X, Y)
    if (jax := peer("jax")) is not None:
        runs["JAX jit"] = nets.in_jax(jax, sizes, X, Y)
    if (autograd := peer("autograd")) is not None:
        runs["HIPS autograd"] = nets.in_autograd(autograd, sizes, X, Y)
    if (mygrad := peer("mygrad")) is not None:
        runs["MyGrad"] = nets.in_mygrad(mygrad, sizes, X, Y)
    return runs


LENGTHS = {"HIPS autograd": 600, "MyGrad": 600, "micrograd": 600}
"""Operations of the peers that are recursive, in the place of 20,000."""


def chain(shape: tuple[int, ...]) -> Runs:
    """y = y*x + x again and again, forward and backward."""

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
        "compiled": lambda: compiled(Z, Y),
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


def epoch() -> Runs:
    """An epoch of Adam on 64-64-10, 1,437 samples in batches of 128, beside scikit-learn's."""
    rng = np.random.default_rng(0)
    x, y = rng.random((1437, 64)), rng.integers(0, 10, 1437)
    X = nn.flatten(x)
    net = nn.Sequential(nn.Linear(64, 64, seed=0), nn.ReLU(), nn.Linear(64, 10, seed=1))
    adam = nn.Adam(net.parameters(), 1e-3)
    options: dict[str, Any] = {"epochs": 1, "batch_size": 128, "seed": 0}
    options |= {"verbose": False, "advice": False, "loss": nn.cross_entropy, "optimiser": adam}
    runs: Runs = {"autograd_lite": lambda: nn.fit(net, X, y, **options)}
    if peer("sklearn") is not None:
        kind = importlib.import_module("sklearn.neural_network").MLPClassifier
        learner = kind((64,), batch_size=128, alpha=0.0, max_iter=1, warm_start=True)

        def in_sklearn() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                learner.fit(x, y)

        runs["scikit-learn"] = in_sklearn
    if (torch := limit_torch(2)) is not None:
        layers = torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        model = torch.nn.Sequential(*layers).to(torch.float64)
        steps = torch.optim.Adam(model.parameters(), 1e-3)
        samples, labels = torch.tensor(x), torch.tensor(y)

        def in_torch() -> None:
            for chosen in torch.randperm(len(x)).split(128):
                steps.zero_grad()
                torch.nn.functional.cross_entropy(model(samples[chosen]), labels[chosen]).backward()
                steps.step()

        runs["PyTorch"] = in_torch
    return runs


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
        "NumPy by hand": nets.by_numpy((64, 32, 1), X, Y),
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


@contextlib.contextmanager
def from_a_file() -> Iterator[Runs]:
    """Logistic regression over an HDF5 file of 1 GiB that is in the system's cache, an epoch."""
    import h5py

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

        def read() -> None:
            with h5py.File(path) as file:
                x = file["x"]
                room = np.empty((big_file.ROWS, x.shape[1]), x.dtype)
                for at in range(0, len(x), len(room)):
                    x.read_direct(room, np.s_[at : at + len(room)])

        yield {"autograd_lite": epoch, "reading by h5py": read}


def _net(sizes: tuple[int, ...], columns: int, threads: int, **options: Any) -> Work:
    title = f"step of {'-'.join(map(str, sizes))}, {columns:,} columns"
    return Work(title, threads, lambda: net(sizes, columns, threads), **options)


WORKS = [
    _net((12288, 5, 5, 5, 3, 1), 209, 2, times=5),
    _net((12288, 20, 7, 5, 1), 209, 2, times=5),
    _net((64, 32, 16, 1), 32, 1, rounds=31, times=20),
    _net((64, 32, 16, 1), 2048, 1, times=5),
    _net((784, 512, 512, 10), 128, 2),
    Work("scalar operations", 1, lambda: chain(()), rounds=9, lengths=LENGTHS),
    Work("operations on (32, 10)", 1, lambda: chain((32, 10)), rounds=9, lengths=LENGTHS),
    Work("log-loss of 1,000,000, with gradient", 2, log_loss),
    Work("epoch of 64-64-10 by Adam", 2, epoch, rounds=9),
    Work("step of 64-32-1, 160,000 columns, 16 blocks", 2, in_blocks, rounds=9),
    Work("the same on 1,024 columns, a cluster of two", 1, on_a_cluster, rounds=31),
    Work("logistic regression over a file of 1 GiB", 2, from_a_file, rounds=9),
]
