"""Modes end with their block: in threads, tasks and generators, and after exceptions."""

import asyncio
import concurrent.futures
import contextlib
import gc
import sys

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
from autograd_lite.modes import _suspending, is_recording


def test_threads():
    X = np.linspace(-1, 1, 12).reshape(3, 4)
    shared = parameter(np.ones((2, 3)))

    def work(k):
        W = parameter(np.full((2, 3), 0.1 * k))
        for i in range(300):
            if i % 3 == 0:
                with al.no_grad():
                    assert not np.dot(W, X).requires_grad
            W.zero_grad()
            np.sum(np.tanh(np.dot(W, X)) * np.dot(shared, X)).backward()
            expected = (1 - np.tanh(W.data @ X) ** 2) * (shared.data @ X) @ X.T
            np.testing.assert_allclose(W.grad, expected, rtol=1e-12)
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert X.flags.writeable


def test_asyncio_tasks():
    x = parameter(1)

    async def quiet(entered, leave):
        with al.no_grad():
            entered.set()
            await leave.wait()
            assert not (x * 2).requires_grad

    async def main():
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(quiet(entered, leave))
        await entered.wait()
        recorded = (x * 2).requires_grad
        leave.set()
        await task
        return recorded

    assert asyncio.run(main())


def test_generators():
    x = parameter(1)

    def inside():
        with al.no_grad():
            yield x * 2
            yield x * 2

    generator = inside()
    assert not next(generator).requires_grad
    assert (x * 2).requires_grad
    with al.no_grad():
        assert not next(generator).requires_grad
        assert next(generator, None) is None
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_asynchronous_generators():
    x = parameter(1)

    async def inside():
        with al.no_grad():
            yield x * 2
            yield x * 2

    async def main():
        async for inner in inside():
            assert not inner.requires_grad
            assert (x * 2).requires_grad

    asyncio.run(main())


def test_generators_that_are_left_unfinished():
    x = parameter(1)

    def inside():
        with al.no_grad():
            yield

    unfinished = [inside() for _ in range(3)]
    for generator in unfinished:
        next(generator)
    assert (x * 2).requires_grad
    unfinished.pop(0).close()
    assert (x * 2).requires_grad
    del unfinished, generator
    gc.collect()
    assert (x * 2).requires_grad


@pytest.mark.parametrize("enter", ["exit stack", "context manager"])
def test_generators_that_enter_through_contextlib(enter):
    x = parameter(1)

    @contextlib.contextmanager
    def evaluating():
        with al.no_grad():
            yield

    def by_exit_stack():
        with contextlib.ExitStack() as stack:
            stack.enter_context(al.no_grad())
            yield x * 2

    def by_context_manager():
        with evaluating():
            yield x * 2

    generator = by_exit_stack() if enter == "exit stack" else by_context_manager()
    try:
        assert not next(generator).requires_grad
        assert (x * 2).requires_grad
    finally:
        generator.close()


def test_with_blocks_that_contextlib_enters():
    x = parameter(1)

    @contextlib.contextmanager
    def evaluating():
        with al.no_grad():
            yield

    with evaluating():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    with contextlib.ExitStack() as stack:
        stack.enter_context(al.no_grad())
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_only_generators_suspend_their_blocks():
    def generator():
        frame = sys._getframe()
        yield _suspending(frame) is frame

    assert next(generator())
    assert _suspending(sys._getframe()) is None


def test_a_block_that_a_function_enters_for_its_caller():
    x = parameter(1)

    def evaluate(stack):
        stack.enter_context(al.no_grad())

    with contextlib.ExitStack() as stack:
        evaluate(stack)
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: al.no_grad()(f)(x),
        lambda f, x: al.detect_anomaly()(f)(x),
        lambda f, x: al.grad(f)(x),
        lambda f, x: al.value_and_grad(f)(x),
        lambda f, x: al.jacobian(f)(x),
        lambda f, x: al.hessian(f)(x),
        lambda f, x: al.hvp(f)(x, x),
        lambda f, x: al.vjp(f, x),
        lambda f, x: al.jvp(f, (x,), (x,)),
        lambda f, x: al.checkpoint(f)(parameter(x)),
        lambda f, x: al.gradcheck(f, x),
    ],
)
def test_an_exception_leaves_no_mode_on(run):
    array, state = np.ones(2), np.geterr()

    def fails(x):
        with np.errstate(all="ignore"):
            raise ZeroDivisionError(np.sum(x * x))

    with pytest.raises(ZeroDivisionError):
        run(fails, array)
    with pytest.raises(ZeroDivisionError), al.no_grad(), al.detect_anomaly():
        run(fails, array)
    assert is_recording()
    assert np.geterr() == state
    x = parameter([0, 1])
    with np.errstate(divide="ignore"):
        assert np.log(x).data[0] == -np.inf  # detect_anomaly would raise
    np.sum(x * x).backward()
    assert x.grad.tolist() == [0, 2]
    gc.collect()
    array[0] = 5


def test_an_exception_in_a_backward_pass_leaves_no_mode_on():
    state, calls = np.geterr(), []

    @al.checkpoint
    def fails_when_computed_again(x):
        calls.append(x)
        if len(calls) == 2:
            raise ZeroDivisionError
        return x * x

    x = parameter([1, 2])
    loss = np.sum(fails_when_computed_again(x))
    with al.no_grad(), pytest.raises(ZeroDivisionError):
        loss.backward()
    assert x.grad is None
    assert is_recording()
    assert np.geterr() == state
    np.sum(x * x).backward()
    assert x.grad.tolist() == [2, 4]
