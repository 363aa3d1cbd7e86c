"""One and the same network, written for every engine that is compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from benchmarks import careful

import autograd_lite as al
import nn
from nn import by_hand

Step = Callable[[], object]
RATE = 0.0075

SETTLING_LIMIT_SECONDS = 180
"""Native code has so long to be made and measured before a comparison begins."""


def samples(features: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """X (features, count), laid out as the estimators do it, and Y (1, count)."""
    rng = np.random.default_rng(0)
    return rng.random((count, features)).T, (rng.random((1, count)) < 0.34).astype(float)


def start(sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """Parameters that every candidate starts from."""
    return by_hand.initialize_parameters(list(sizes), np.random.default_rng(1))


def recorded(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    dtype: Any = np.float64,
    loss: Callable[..., Any] = nn.binary_cross_entropy_with_logits,
) -> Step:
    """A training step of `nn`, the update included."""
    layers: list[Any] = []
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        layers += [nn.Linear(n_in, n_out, dtype=dtype), nn.ReLU()]
        layers[-2].weight.data = start(sizes)[f"W{number}"]
    network = nn.Sequential(*layers[:-1])
    optimiser = nn.SGD(network.parameters(), RATE)

    def step() -> None:
        loss(network(X), Y).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def by_numpy(sizes: Sequence[int], X: Any, Y: Any, dtype: Any = np.float64) -> Step:
    """The same, derived by hand."""
    parameters = {name: value.astype(dtype) for name, value in start(sizes).items()}

    def step() -> None:
        _, gradients = by_hand.propagate(X, parameters, Y)
        by_hand.update_parameters(parameters, gradients, RATE)

    return step


def by_careful_hand(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    dtype: Any = np.float64,
    loss_of: Callable[[Any, Any], careful.Loss] = careful.log_loss,
) -> Step:
    """The same as a careful person writes it for speed."""
    return careful.net(sizes, X, Y, start(sizes), RATE, dtype, loss_of)


def settled(program: Any, run: Step) -> Step:
    """`run`, called until it is decided in which form the program runs."""
    ends = time.monotonic() + SETTLING_LIMIT_SECONDS
    run()
    while program._last().is_open and time.monotonic() < ends:
        run()
    return run


def in_torch(torch: Any, sizes: Sequence[int], X: Any, Y: Any, compiled: bool = False) -> Step:
    """The same in PyTorch, eager or compiled, with its own layers (samples are rows)."""
    layers: list[Any] = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    rows, targets = torch.tensor(X.T), torch.tensor(Y.T)
    network = torch.nn.Sequential(*layers[:-1]).to(rows.dtype)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    if compiled:
        network = torch.compile(network)

    def step() -> None:
        optimiser.zero_grad()
        loss(network(rows), targets).backward()
        optimiser.step()

    return step


def _cost(xp: Any, parameters: dict[str, Any], X: Any, Y: Any) -> Any:
    """The cost in the functions of a NumPy-like namespace, from the logits."""
    depth = len(parameters) // 2
    A = X
    for layer in range(1, depth + 1):
        Z = xp.matmul(parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
        A = xp.maximum(Z, 0)
    return xp.mean(xp.maximum(Z, 0) - Z * Y + xp.log(1 + xp.exp(-xp.abs(Z))))


def in_jax(jax: Any, sizes: Sequence[int], X: Any, Y: Any, dtype: Any = np.float64) -> Step:
    """The same under jax.jit, the update included and donated."""
    # For the rest of the process: what is traced in single precision would stay so.
    jax.config.update("jax_enable_x64", True)
    gradient = jax.grad(lambda p, X, Y: _cost(jax.numpy, p, X, Y))

    def update(parameters: Any, X: Any, Y: Any) -> Any:
        slopes = gradient(parameters, X, Y)
        return {name: value - RATE * slopes[name] for name, value in parameters.items()}

    compiled = jax.jit(update, donate_argnums=0)
    state = {n: jax.numpy.asarray(value.astype(dtype)) for n, value in start(sizes).items()}
    device_X, device_Y = jax.numpy.asarray(X), jax.numpy.asarray(Y)

    def step() -> None:
        nonlocal state
        state = jax.block_until_ready(compiled(state, device_X, device_Y))

    return step


def in_autograd(autograd: Any, sizes: Sequence[int], X: Any, Y: Any) -> Step:
    """The same in HIPS autograd."""
    parameters = start(sizes)
    gradient = autograd.grad(lambda p: _cost(autograd.numpy, p, X, Y))

    def step() -> None:
        for name, slope in gradient(parameters).items():
            parameters[name] -= RATE * slope

    return step


def in_mygrad(mygrad: Any, sizes: Sequence[int], X: Any, Y: Any) -> Step:
    """The same in MyGrad."""
    parameters = {name: mygrad.tensor(value) for name, value in start(sizes).items()}

    def step() -> None:
        _cost(mygrad, parameters, X, Y).backward()
        for parameter in parameters.values():
            parameter.data -= RATE * parameter.grad
            parameter.null_grad()

    return step


def compiled(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    dtype: Any = np.float64,
    threads: int | None = None,
    settles: bool = True,
) -> Step:
    """A training step written as a function of arrays, under al.compile, the update donated.

    It is called until its form is settled, unless it is not to be called before it is measured.
    """
    depth = len(sizes) - 1

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        A = X
        for layer in range(1, depth + 1):
            Z = np.dot(parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
            A = al.relu(Z)
        return nn.binary_cross_entropy_with_logits(Z, Y)

    def update(parameters: Any, X: Any, Y: Any) -> Any:
        loss, slopes = al.value_and_grad(cost)(parameters, X, Y)
        return {name: value - RATE * slopes[name] for name, value in parameters.items()}, loss

    program = al.compile(update, donate=0, threads=threads)
    state = {name: value.astype(dtype) for name, value in start(sizes).items()}

    def step() -> None:
        nonlocal state
        state, _ = program(state, X, Y)

    step.program = program  # type: ignore[attr-defined]
    return settled(program, step) if settles else step
