"""Random programs against finite differences, and against JAX and PyTorch where they are installed.

A program is a list of steps over the values so far: diamonds, reuse, broadcasting, views, indexing
and reductions come about by chance. `pytest tests/test_fuzz.py --fuzz 5000` runs more of them;
a failure prints its seed.
"""

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al

SHAPES = [(), (3,), (2, 3), (1, 3), (2, 1)]


UNARY = [
    ("tanh", lambda xp, x: xp.tanh(x)),
    ("sin", lambda xp, x: xp.sin(x)),
    ("exp", lambda xp, x: xp.exp(xp.tanh(x))),
    ("log", lambda xp, x: xp.log(x * x + 1.5)),
    ("sqrt", lambda xp, x: xp.sqrt(x * x + 0.5)),
    ("square", lambda xp, x: x * x),
    ("negative", lambda xp, x: -x),
    ("power", lambda xp, x: (x * x + 1.0) ** 1.5),
    ("reciprocal", lambda xp, x: 1.0 / (x * x + 2.0)),
    ("sum", lambda xp, x: xp.sum(x)),
    ("mean of rows", lambda xp, x: xp.mean(x, 0) if len(x.shape) else x),
    ("transpose", lambda xp, x: x.T if len(x.shape) == 2 else x),
    ("flatten", lambda xp, x: xp.reshape(x, (-1,))),
    ("first", lambda xp, x: x[0] if len(x.shape) else x),
    ("last column", lambda xp, x: x[..., -1] if len(x.shape) else x),
    ("step", lambda xp, x: x[1:] if len(x.shape) and x.shape[0] > 1 else x),
    ("repeated", lambda xp, x: x[np.array([0, 0, -1])] if len(x.shape) else x),
    ("where", lambda xp, x: xp.where(x > 0, xp.sqrt(abs(x) + 0.1), x * x)),
    ("cumsum", lambda xp, x: xp.cumsum(x, 0) if len(x.shape) else x),
]
BINARY = [
    ("add", lambda xp, x, y: x + y),
    ("subtract", lambda xp, x, y: x - y),
    ("multiply", lambda xp, x, y: x * y),
    ("divide", lambda xp, x, y: x / (y * y + 1.0)),
    ("outer", lambda xp, x, y: xp.reshape(x, (-1, 1)) * xp.reshape(y, (1, -1))),
    ("inner", lambda xp, x, y: xp.sum(xp.reshape(x, (-1,))[:1] * xp.reshape(y, (-1,)))),
    ("matmul", lambda xp, x, y: xp.matmul(xp.reshape(x, (-1, 1)), xp.reshape(y, (1, -1)))),
]


def program(seed):
    """A random program, as a function of a namespace and inputs, and its inputs."""
    rng = np.random.default_rng(seed)
    inputs = [
        np.asarray(rng.uniform(0.3, 1.5, SHAPES[rng.integers(len(SHAPES))]))
        * np.where(rng.random() < 0.5, -1, 1)
        for _ in range(rng.integers(1, 4))
    ]
    choices = [
        (bool(rng.random() < 0.5), int(rng.integers(10**6)), rng.integers(0, 10**6, 2).tolist())
        for _ in range(rng.integers(4, 12))
    ]

    def run(xp, *values):
        values = list(values)
        for is_unary, which, operands in choices:
            x, y = (values[o % len(values)] for o in operands)
            if is_unary:
                result = UNARY[which % len(UNARY)][1](xp, x)
            elif broadcastable(x.shape, y.shape):
                result = BINARY[which % len(BINARY)][1](xp, x, y)
            else:
                result = xp.sum(x) * y
            if np.prod(result.shape, dtype=int) <= 200:
                # Bounded, so that long programs stay well conditioned.
                values.append(xp.tanh(result))
        return sum(xp.sum(v) for v in values[len(values) // 2 :])

    return run, inputs


def broadcastable(*shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def gradients_of(run, inputs):
    tensors = [al.Tensor(x, requires_grad=True) for x in inputs]
    value = run(np, *tensors)
    if not value.requires_grad:
        return value.item(), [np.zeros_like(x) for x in inputs]
    value.backward()
    return value.item(), [
        np.zeros_like(x) if t.grad is None else t.grad for t, x in zip(tensors, inputs, strict=True)
    ]


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--fuzz")))


def test_against_finite_differences(seed):
    run, inputs = program(seed)
    value, actual = gradients_of(run, inputs)
    assert np.isclose(value, run(np, *inputs), rtol=1e-13)
    for i, x in enumerate(inputs):

        def at(v, i=i):
            return run(np, *inputs[:i], v, *inputs[i + 1 :])

        assert_close(actual[i], numeric_gradient(at, x, step=3e-4), 1e-7)


def test_in_the_second_order(seed):
    if seed % 5:
        pytest.skip("every fifth program")
    run, inputs = program(seed)
    assert al.gradcheck(lambda *xs: run(np, *xs), *inputs, directions=2, tolerance=1e-5)


def test_against_jax(seed):
    jax = pytest.importorskip("jax")
    if seed % 5:
        pytest.skip("every fifth program: JAX compiles each operation for each shape")
    run, inputs = program(seed)
    with jax.enable_x64(True):
        arrays = [jax.numpy.asarray(x) for x in inputs]
        expected = jax.grad(lambda xs: run(jax.numpy, *xs))(arrays)
    for ours, theirs in zip(gradients_of(run, inputs)[1], expected, strict=True):
        assert_close(ours, np.asarray(theirs), 1e-12)


def test_against_pytorch(seed):
    torch = pytest.importorskip("torch")
    run, inputs = program(seed)
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    run(TorchNumPy(torch), *tensors).backward()
    for tensor, ours in zip(tensors, gradients_of(run, inputs)[1], strict=True):
        theirs = np.zeros_like(ours) if tensor.grad is None else tensor.grad.numpy()
        assert_close(ours, theirs, 1e-12)


class TorchNumPy:
    """PyTorch under NumPy's names."""

    def __init__(self, torch):
        self.torch = torch

    def __getattr__(self, name):
        return getattr(self.torch, name)

    def sum(self, x):
        return self.torch.sum(x)

    def cumsum(self, x, axis):
        return self.torch.cumsum(x, axis)
