"""Random programs against finite differences, and against JAX and PyTorch where they are installed.

`pytest tests/test_fuzz.py --fuzz 5000` runs more of them; the seed of one that fails is in the
name of its test, and `random_programs.used_steps(seed, kind)` tells what it does.
"""

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient
from random_programs import TorchNumPy, program

import autograd_lite as al


def every(step):
    """Only every so many programs: for what takes its time."""

    def mark(test):
        test.every = step
        return test

    return mark


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        step = getattr(metafunc.function, "every", 1)
        metafunc.parametrize("seed", range(0, metafunc.config.getoption("--fuzz"), step))


def gradients_of(run, inputs):
    tensors = [al.Tensor(x, requires_grad=True) for x in inputs]
    value = run(np, *tensors)
    if not value.requires_grad:
        return value, [np.zeros_like(x) for x in inputs]
    value.backward()
    return value, [
        np.zeros_like(x) if t.grad is None else t.grad for t, x in zip(tensors, inputs, strict=True)
    ]


def differences(run, inputs):
    for i, x in enumerate(inputs):

        def at(v, i=i):
            return run(np, *inputs[:i], v, *inputs[i + 1 :])

        yield numeric_gradient(at, x, step=2e-3)


def check_against_differences(kind, seed):
    run, inputs = program(seed, kind)
    value, actual = gradients_of(run, inputs)
    assert np.isclose(value.item(), run(np, *inputs), rtol=1e-13)
    for ours, expected, x in zip(actual, differences(run, inputs), inputs, strict=True):
        assert ours.dtype == x.dtype
        assert_close(ours, expected, 1e-8)


@pytest.mark.one_in(3)
def test_real_programs(seed):
    check_against_differences("real", seed)


@pytest.mark.one_in(3)
def test_complex_programs(seed):
    check_against_differences("complex", seed)


@pytest.mark.one_in(3)
def test_programs_of_mixed_dtypes(seed):
    run, inputs = program(seed, "mixed")
    value, actual = gradients_of(run, inputs)
    plain = run(np, *inputs)
    assert value.dtype == plain.dtype
    assert np.isclose(value.item(), plain, rtol=1e-5)
    exact = [x.astype(np.float64) for x in inputs]
    for ours, expected, x in zip(actual, differences(run, exact), inputs, strict=True):
        assert ours.dtype == x.dtype
        assert_close(ours, expected, 1e-8 if all(i.dtype == np.float64 for i in inputs) else 3e-4)


def test_programs_of_float16(seed):
    run, inputs = program(seed, "half")
    value, actual = gradients_of(run, inputs)
    assert value.dtype == run(np, *inputs).dtype
    for ours, x in zip(actual, inputs, strict=True):
        assert (ours.dtype, ours.shape) == (x.dtype, x.shape)
        assert np.isfinite(ours).all()


COMPILED = {"real": 1e-12, "complex": 1e-12, "mixed": 1e-5, "half": 0.05}
"""How far compiled results may be from eager ones: float32 and float16 have fewer digits."""


@every(4)
@pytest.mark.parametrize("kind", COMPILED)
@pytest.mark.one_in(9)
def test_compiled_programs(kind, seed):
    run, inputs = program(seed, kind)
    function = al.value_and_grad(lambda xs: run(np, *xs))
    value, gradients = function(inputs)
    compiled_value, compiled_gradients = al.compile(function)(inputs)
    for ours, eager in zip((compiled_value, *compiled_gradients), (value, *gradients), strict=True):
        assert (np.shape(ours), ours.dtype) == (np.shape(eager), eager.dtype)
        assert_close(ours, eager, COMPILED[kind])


@every(10)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_the_second_order(kind, seed):
    run, inputs = program(seed, kind)
    assert al.gradcheck(lambda *xs: run(np, *xs), *inputs, directions=1, tolerance=1e-6)


@every(100)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_against_jax(kind, seed):
    jax = pytest.importorskip("jax")
    run, inputs = program(seed, kind)
    with jax.enable_x64(True):
        arrays = [jax.numpy.asarray(x) for x in inputs]
        # One compilation of the program is quicker than one of each operation.
        expected = jax.jit(jax.grad(lambda xs: run(jax.numpy, *xs)))(arrays)
    for ours, theirs in zip(gradients_of(run, inputs)[1], expected, strict=True):
        assert_close(ours, np.asarray(theirs), 1e-12)


@every(4)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_against_pytorch(kind, seed):
    torch = pytest.importorskip("torch")
    run, inputs = program(seed, kind)
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    run(TorchNumPy(torch), *tensors).backward()
    for tensor, ours in zip(tensors, gradients_of(run, inputs)[1], strict=True):
        theirs = np.zeros_like(ours) if tensor.grad is None else tensor.grad.numpy()
        # PyTorch gives dL/dx + i dL/dy.
        assert_close(ours, theirs.conj(), 1e-12)
