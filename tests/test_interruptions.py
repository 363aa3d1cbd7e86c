"""Exceptions anywhere, threads, forks: nothing stays locked, no mode stays on, nothing is lost."""

import contextlib
import dis
import functools
import gc
import os
import signal
import sys
import threading

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.modes import entered, is_recording, watching

PACKAGE = os.path.dirname(al.__file__)


@pytest.fixture(autouse=True)
def _errors_as_before():
    """Restores NumPy's handling of errors: an interrupt within `np.errstate` itself leaves it."""
    with np.errstate():
        yield


class Interruption(BaseException):
    """Stands for Ctrl-C."""


@functools.cache
def where_signals_arrive(code):
    """The instructions before which Python looks for signals: after calls and backward jumps.

    Later versions than 3.11 let a tracer raise where no signal ever arrives: after the body of a
    `with`, and before its exit is called.
    """
    found, before = set(), "RESUME"
    for instruction in dis.get_instructions(code):
        if before.startswith(("CALL", "JUMP_BACKWARD", "RESUME")):
            found.add(instruction.offset)
        before = instruction.opname
    return found


def interrupted_at(count, run):
    """Whether `run` was interrupted, which happens at its `count`-th opcode in the package."""
    left = count

    def trace(frame, event, arg):
        nonlocal left
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return trace
        frame.f_trace_opcodes = True
        at_any = sys.version_info < (3, 12) or event == "call"
        here = at_any or frame.f_lasti in where_signals_arrive(frame.f_code)
        if event in ("opcode", "call") and here and left > 0:
            left -= 1
            # Python itself looks for signals where a function begins and after calls.
            if left == 0:
                raise Interruption
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except Interruption:
        return True
    finally:
        sys.settrace(outer)
    return False


def assert_nothing_is_left(*arrays):
    gc.collect()
    assert is_recording()
    assert watching.get() is None
    for array in arrays:
        assert array.flags.writeable


def forward_and_backward():
    base = np.arange(6.0)
    W = al.Tensor(np.ones(2), requires_grad=True)

    def run():
        loss = np.sum(W * base[1:3]) + np.sum(W * base[2:4] * base[2:4])
        loss.backward()

    return run, (base, W.data)


def modes():
    W = al.Tensor(np.ones(2), requires_grad=True)
    base = np.ones(2)

    def run():
        with al.no_grad():
            W * base
        with al.detect_anomaly(), al.record_lines():
            np.sum(W * base).backward()
        al.grad(lambda x: np.sum(x * base))(np.ones(2))

    return run, (base,)


@pytest.mark.parametrize("make", [modes, forward_and_backward])
# An interrupt of a generator that is dropped is Python's to report.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <generator")
@pytest.mark.one_in(2)
def test_an_interrupt_at_any_opcode_leaves_nothing_behind(make):
    at = 0
    while True:
        at += 1
        run, arrays = make()
        if not interrupted_at(at, run):
            break
        del run
        assert_nothing_is_left(*arrays)
    assert at > (500 if sys.version_info < (3, 12) else 100)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signals_leave_nothing_locked():
    def handler(number, frame):
        raise Interruption

    rng = np.random.default_rng(0)
    before = signal.signal(signal.SIGALRM, handler)
    unraisable, sys.unraisablehook = sys.unraisablehook, lambda args: None
    hits = 0
    try:
        while hits < 100:
            run, arrays = forward_and_backward()
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(2e-5, 1e-3))
                for _ in range(100):
                    run()
            except Interruption:
                hits += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            del run
            assert_nothing_is_left(*arrays)
    finally:
        signal.signal(signal.SIGALRM, before)
        # What is dropped late is reported while the hook is still in place.
        gc.collect()
        sys.unraisablehook = unraisable


class TestExceptions:
    def test_of_a_hook(self):
        base = np.ones(3)
        W = al.Tensor(base, requires_grad=True, copy=False)
        y = W * W
        y.register_hook(lambda g: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            np.sum(y).backward()
        del y
        assert_nothing_is_left(base)

    def test_of_a_rule(self):
        @al.primitive
        def failing(x):
            return x * 1

        def rule(g, x):
            raise MemoryError

        al.defvjp(failing, x=rule)
        base = np.ones(3)
        with pytest.raises(MemoryError), al.detect_anomaly():
            al.grad(lambda x: np.sum(failing(x * base)))(np.ones(3))
        assert_nothing_is_left(base)

    @pytest.mark.parametrize("mode", [al.no_grad, al.detect_anomaly, al.record_lines])
    def test_in_a_function_that_is_compiled(self, mode):
        base = np.ones(3)

        def f(x):
            with mode():
                raise KeyError("mine")

        for run in (al.compile(f), lambda x: al.derive(f, x), al.grad(f)):
            with contextlib.suppress(KeyError):
                run(base)
            assert_nothing_is_left(base)


class TestGenerators:
    @pytest.mark.parametrize("mode", [al.detect_anomaly, al.record_lines, al.no_grad])
    def test_a_mode_rests_while_its_generator_is_suspended(self, mode):
        def steps():
            with mode():
                yield len([e for e in entered.get() if e.in_force()])
                yield len([e for e in entered.get() if e.in_force()])

        def in_force():
            return not is_recording() or watching.get() is not None

        first, second = steps(), steps()
        assert next(first) == 1
        assert not in_force()
        assert next(second) == 1
        first.close()
        assert not in_force()
        assert next(second) == 1
        del second
        gc.collect()
        assert_nothing_is_left()

    @pytest.mark.parametrize("mode", [al.detect_anomaly, al.record_lines])
    def test_a_decorated_generator(self, mode):
        @mode()
        def steps():
            yield watching.get() is not None
            yield watching.get() is not None

        generator = steps()
        assert next(generator)
        assert watching.get() is None
        assert next(generator)


class TestThreads:
    def race(self, work, threads=8):
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        errors = []

        def run():
            try:
                work()
            except BaseException as error:
                errors.append(error)

        running = [threading.Thread(target=run) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        sys.setswitchinterval(interval)
        assert not errors
        return threads

    def test_gradients_of_all_threads_arrive_in_a_shared_leaf(self):
        W = al.Tensor(np.ones(20_000), requires_grad=True)

        def work():
            for _ in range(30):
                np.sum(W * 1.0).backward()

        assert W.grad is None
        assert (self.race(work) * 30 == W.grad).all()

    def test_a_graph_that_is_retained_goes_through_in_every_thread(self):
        W = al.Tensor(np.ones(5_000), requires_grad=True)
        middle = W * 2.0
        middle.retain_grad()
        loss = np.sum(middle * middle)

        def work():
            for _ in range(30):
                loss.backward(retain_graph=True)

        count = self.race(work) * 30
        assert (W.grad == 8.0 * count).all()
        assert (middle.grad == 4.0 * count).all()

    def test_a_graph_is_freed_once(self):
        W = al.Tensor(np.ones(10), requires_grad=True)
        for _ in range(50):
            W.zero_grad()
            loss = np.sum(np.tanh(W * W) * 1.0)
            freed = []

            def work(loss=loss, freed=freed):
                try:
                    loss.backward()
                except RuntimeError as error:
                    freed.append(str(error))

            self.race(work, threads=2)
            assert all("was freed by an earlier backward()" in text for text in freed)
            assert len(freed) in (0, 1)

    def test_a_trace_is_seen_by_its_own_thread_only(self):
        net = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Tanh(), nn.Linear(2, 1, seed=1))
        X, stop, seen = np.ones((3, 4)), threading.Event(), set()

        def predict():
            while not stop.is_set():
                with al.no_grad():
                    seen.add(type(net(X).data))
                seen.add(type(net.parameters()[0].data))
                seen.add(type(net.parameters()[0] > 0))

        thread = threading.Thread(target=predict)
        thread.start()
        try:
            for seed in range(3):
                nn.fit(
                    net,
                    X,
                    np.ones((1, 4)),
                    loss=nn.mean_squared_error,
                    optimiser=nn.SGD(net.parameters(), 1e-3),
                    epochs=1,
                    seed=seed,
                    verbose=False,
                    advice=False,
                    compile=True,
                )
                al.derive(lambda x: np.sum(net(x)), X)
        finally:
            stop.set()
            thread.join()
        assert seen == {np.ndarray}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning",
    # JAX, which other tests import, warns of every fork.
    "ignore:os.fork:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
class TestForks:
    def in_child(self, run):
        """The exit status of a forked child that runs `run`; None where it hung."""
        pid = os.fork()
        if not pid:
            signal.alarm(20)
            status = 1
            try:
                run()
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def test_while_other_threads_record_and_compile(self):
        stop = threading.Event()

        def busy():
            W = al.Tensor(np.ones(3), requires_grad=True)
            while not stop.is_set():
                np.sum(W * np.ones(3)).backward()
                al.compile(al.grad(lambda x: np.sum(x * x)))(np.ones(3))

        def run():
            W = al.Tensor(np.ones(3), requires_grad=True)
            np.sum(W * np.ones(3)).backward()
            assert (W.grad == 1).all()
            large = np.ones(200_000)
            assert np.isclose(al.compile(lambda x: np.sum(np.sin(x)))(large), np.sum(np.sin(large)))

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            assert [self.in_child(run) for _ in range(10)] == [0] * 10
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            sys.setswitchinterval(interval)
