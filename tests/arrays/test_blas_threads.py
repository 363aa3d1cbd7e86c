"""Matrix products take one thread while several of Dask's compute, and as many as before then."""

import sys
import threading

import dask
import dask.array as da
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.arrays import blas

threadpoolctl = pytest.importorskip("threadpoolctl")

X = np.random.default_rng(0).normal(size=(6, 64))


class Library:
    """A BLAS library that notes what is set."""

    user_api = "blas"

    def __init__(self, num_threads):
        self.num_threads, self.set = num_threads, []

    def set_num_threads(self, number):
        self.num_threads = number
        self.set.append(number)


@pytest.fixture
def library(monkeypatch):
    found = Library(7)
    monkeypatch.setattr(blas, "_libraries", lambda: (found,))
    return found


def step(function=np.tanh, blocks=8):
    """The threads that BLAS has while a step runs."""
    W = al.Tensor(np.ones((1, 6)), requires_grad=True)
    x = da.from_array(X, chunks=(6, 64 // blocks)).map_blocks(function, dtype=float)
    np.mean(W @ x).backward()


@pytest.mark.parametrize("workers", [2, 4])
def test_there_is_one_switch_a_step(workers, library):
    seen = []

    def note(block):
        seen.append(library.num_threads)
        return block

    with dask.config.set(scheduler="threads", num_workers=workers):
        step(note)
    assert library.set == [1, 7]
    # Dask looks at the function once, without data, before.
    assert seen.count(1) >= 8


@pytest.mark.parametrize(
    "options", [{"scheduler": "synchronous"}, {"scheduler": "threads", "num_workers": 1}]
)
def test_one_thread_of_dask_leaves_them(options, library):
    with dask.config.set(options):
        step()
    assert library.set == []


def test_what_multiplies_no_matrices_leaves_them(library):
    with dask.config.set(scheduler="threads", num_workers=2):
        np.asarray(np.sum(al.Tensor(da.from_array(X, chunks=(6, 8))) ** 2).data)
    assert library.set == []


def test_they_are_put_back_after_errors(library):
    def fail(block):
        if block.size:
            raise OSError("the disk is gone")
        return block

    with dask.config.set(scheduler="threads", num_workers=2), pytest.raises(OSError):
        step(fail)
    assert library.set == [1, 7]


def test_the_last_of_several_threads_puts_them_back(library):
    """One enters before the other leaves, and leaves after it; and inside of each other."""
    entered, may_leave = threading.Event(), threading.Event()

    def longer():
        with blas.one_blas_thread():
            entered.set()
            may_leave.wait(10)

    thread = threading.Thread(target=longer)
    with blas.one_blas_thread(), blas.one_blas_thread():
        thread.start()
        entered.wait(10)
    assert library.num_threads == 1
    may_leave.set()
    thread.join()
    assert library.set == [1, 7]


def test_numpys_library_is_switched():
    def threads():
        return {
            p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"
        }

    with threadpoolctl.threadpool_limits(2, "blas"):
        before = threads()
        if not before:
            pytest.skip("threadpoolctl does not know NumPy's library")
        with blas.one_blas_thread():
            assert threads() == {1}
        assert threads() == before


def test_libraries_of_matrix_products_are_found_and_no_others():
    found = blas._libraries.__wrapped__()
    every = threadpoolctl.ThreadpoolController().lib_controllers
    assert [library.filepath for library in found] == [
        library.filepath for library in every if library.user_api == "blas"
    ]


def test_without_threadpoolctl_nothing_is_switched(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert blas._libraries.__wrapped__() == ()
    monkeypatch.setattr(blas, "_libraries", blas._libraries.__wrapped__)
    with dask.config.set(scheduler="threads", num_workers=2):
        step()
