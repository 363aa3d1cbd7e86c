"""What compiled programs cost beside NumPy written by hand and beside other engines.

    pip install -e '.[all]' --group benchmark
    pytest tests/benchmarks/bench_compile.py -s

Each benchmark measures all candidates in turns and asserts ratios of medians, never seconds. Where
a figure that was aimed at is not met, its docstring says what stands in the way; the asserted limit
is then what was measured, with room for the noise of a process. The first group runs on one thread,
in a process of its own.
"""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from benchmarks import candidates, nets
from benchmarks.measure import medians

import autograd_lite as al

ARTICLE = {"5-5-5-3": (12288, 5, 5, 5, 3, 1), "20-7-5": (12288, 20, 7, 5, 1)}


def report(title, runs, rounds=15, times=1):
    """Our time as a multiple of every other candidate's, printed."""
    several = {n: (lambda run=run: [run() for _ in range(times)]) for n, run in runs.items()}
    measured = medians(several, rounds)
    ratios = {n: measured["compiled"] / s for n, s in measured.items() if n != "compiled"}
    shown = ", ".join(f"{r:.2f} of {n}" for n, r in ratios.items())
    print(f"\n{title}: {1e6 * measured['compiled'] / times:.0f} us a step; {shown}")
    return ratios


def on_one_thread(function):
    """The ratios that a function of this module prints, in a process whose libraries have one."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        "PYTHONPATH": os.pathsep.join(["..", *sys.path]),
    }
    code = f"from benchmarks import bench_compile as b; b.{function}"
    command = [sys.executable, "-c", code]
    folder = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout.rsplit("\n", 2)[0])
    return json.loads(done.stdout.rsplit("\n", 2)[1])


def small_net(columns, rounds, times):
    """Print the ratios of 64-32-16-1 on one thread, on the last line as JSON."""
    steps = candidates.net((64, 32, 16, 1), columns, threads=1)
    ratios = report(f"64-32-16-1, {columns} columns", steps, rounds, times)
    print(json.dumps(ratios))


def test_a_step_of_a_small_net():
    """64-32-16-1, 32 columns, one thread: nothing but overhead.

    Of 45 microseconds 37 statements take 34, and 11 go to finding the program for the arguments and
    to putting the results into their dict.
    """
    ratios = on_one_thread("small_net(32, 41, 20)")
    assert ratios["NumPy by hand"] <= 0.95
    assert ratios["PyTorch"] <= 0.3
    assert ratios["JAX jit"] < 1


def test_a_step_of_a_small_net_with_many_samples():
    """The same with 2,048 columns. Half of NumPy by hand was aimed at; 0.8 to 0.9 is measured.

    By hand a step takes 1,000 microseconds, of which 650 are the eight matrix products: they are
    the same in both, so 0.5 would leave less than nothing for the rest. Of the 860 of the compiled
    step 650 are the products (212 and 208 those with the samples, 84, 68 and 61 those of the second
    layer), 80 and 48 the two regions of the first layer, and 50 those of the second.
    """
    ratios = on_one_thread("small_net(2048, 25, 5)")
    assert ratios["NumPy by hand"] <= 0.95
    assert ratios["PyTorch"] < 1
    assert ratios["torch.compile"] < 1


def test_the_log_loss_of_a_million_elements():
    """As the article writes it, value and gradient, two threads: the gradient by its formulas.

    0.25 of NumPy by hand was aimed at; 0.35 to 0.39 is measured. The program is one pass of 15
    steps over blocks of 65,536 elements: exp twice and log1p, which alone take 4.1 of the 6.2
    milliseconds of one thread at 1.1 and 1.9 nanoseconds an element, and twelve that take 0.2 to
    0.45. NumPy's own exp and log, which the hand-written form calls three times, are the same
    vectorised ones, so that only the memory's share of its time can be saved. Two threads take
    0.6 to 0.65 of one: both want the interpreter after every call.
    """
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    ratios = report("log-loss of 1,000,000 elements", candidates.log_loss(), rounds=25)
    assert ratios["NumPy by hand"] <= 0.5
    assert ratios["PyTorch"] <= 0.6
    assert ratios["JAX jit"] < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("sizes", ARTICLE.values(), ids=ARTICLE)
def test_a_step_of_the_articles_nets(sizes, dtype):
    """209 columns, two threads. 0.97 of NumPy by hand was aimed at.

    It is met with 5 units (0.76 to 0.78 in float64, 0.44 in float32; 0.99 to 1.10 and 0.47 to 0.54
    without Numba), and with 20 units in float32 (0.77 to 0.86); with 20 in float64 0.95 to 1.05 is
    measured. There 92 % of a step are the two products with the samples, of 2.3 and 1.8
    milliseconds, for which no way that is measured at compile time is clearly faster than np.dot
    (see the next one), so that what is left is the noise of a process.
    """
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    title = f"{'-'.join(map(str, sizes))} in {np.dtype(dtype)}"
    steps = candidates.net(sizes, 209, threads=2, dtype=dtype)
    ratios = report(title, steps, rounds=21, times=5)
    assert ratios["NumPy by hand"] <= (1 if dtype == np.float32 else 1.15)
    assert ratios["PyTorch"] < 1
    assert ratios["JAX jit"] < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("rows", [5, 20])
def test_the_products_with_the_samples(rows, dtype):
    """W X and dZ X^T with 5 or 20 rows: what was chosen, against np.dot.

    A product with a vector for each row reads X as often as there are rows, from the third-level
    cache, which it fits into: in float32 that takes 0.4 to 0.9 of np.dot with 5 rows, in float64
    0.9 to 1.1. The transposed product takes 0.6 to 0.9 of it for W X with 20 rows. np.dot itself
    takes 2 to 3 times the time of reading X once with 5 rows (0.45 milliseconds), 3 to 6 times with
    20. A loop of Numba's that reads X once takes the least with 5 rows; with 20 the sums do not fit
    into the registers.
    """
    from autograd_lite.compiler.matrix_products import ways_for

    rng = np.random.default_rng(0)
    X = rng.random((209, 12288)).astype(dtype).T
    W, dZ = (rng.normal(size=(rows, n)).astype(dtype) for n in (12288, 209))
    for name, a, b in (("W X", W, X), ("dZ X^T", dZ, X.T)):
        compiled = al.compile(np.dot)
        compiled(a, b)
        (label,) = compiled.explain().lowered.products
        out = np.empty((rows, b.shape[1]), dtype)
        way = ways_for(a, b)[label]
        ways = {label: lambda a=a, b=b, out=out, way=way: way(a, b, out)}
        measured = medians(ways | {"np.dot": lambda a=a, b=b, out=out: np.dot(a, b, out)}, 41)
        ratio = measured[label] / measured["np.dot"]
        print(f"\n{name}, {rows} rows, {np.dtype(dtype)}: {label}, {ratio:.2f} of np.dot")
        assert ratio <= 1.1


@pytest.mark.parametrize("columns", [128, 4096])
def test_a_step_of_a_wide_net(columns):
    """784-512-512-10, cross-entropy, two threads. 1.1 times the products alone was aimed at.

    1.05 to 1.08 is measured with 4,096 columns and 1.08 to 1.25 with 128, and up to 1.5 in about
    one process of four, in which everything that reads much memory is slower. There 5.1 of 6.2
    milliseconds are the eight products, 0.45 the updates of W1 and W2, which read and write 16 MB
    (a product that added to W in place would save them, but NumPy has none), 0.35 the four regions
    of the hidden layers, of 65,536 elements each, and the rest the ten classes and the interpreter.
    """
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    rounds, times = (15, 3) if columns == 128 else (9, 1)
    ratios = report(
        f"784-512-512-10, {columns} columns", candidates.wide_net(columns), rounds, times
    )
    assert ratios["the products alone"] <= (1.6 if columns == 128 else 1.15)
    assert ratios["PyTorch"] <= (1.2 if columns == 128 else 1)
    assert ratios["JAX jit"] <= (1.1 if columns == 128 else 1)


def test_compiling_a_step_of_a_deep_net():
    """The first call of a step of 50 layers: traced, optimised, printed, run."""
    X, Y = nets.samples(64, 32)
    seconds = []
    for _ in range(5):
        step = nets.compiled((64, *(32,) * 49, 1), X, Y, settles=False)
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(f"\na step of 50 layers is compiled in {min(seconds):.2f} to {max(seconds):.2f} s")
    assert sorted(seconds)[2] <= 1


@pytest.mark.parametrize(
    ("sizes", "columns", "limit"),
    [((784, 512, 512, 10), 4096, 0.7), ((64, 32, 16, 1), 2048, 0.7), (ARTICLE["20-7-5"], 209, 1.1)],
)
def test_memory(sizes, columns, limit):
    """The peak of a compiled step over that of an eager one, with NumPy's arrays and the workspace.

    0.7 was aimed at; 0.47 and 0.64 is measured in the first two. In the article's net the gradient
    of W1, of 2 MB, is nearly all of either, and no step can do without it.
    """
    rng = np.random.default_rng(0)
    X, _ = nets.samples(sizes[0], columns)
    Y = (rng.random((sizes[-1], columns)) < 0.1).astype(float)
    eager, compiled = nets.recorded(sizes, X, Y), nets.compiled(sizes, X, Y, settles=False)
    peaks = []
    for step in (compiled, eager):
        step()
        if step is compiled:
            # It works in the same memory in every call; here it has to take it anew.
            step.program._last().lowered.workspaces.idle.clear()
        tracemalloc.start()
        step()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    ratio = peaks[0] / peaks[1]
    print(f"\n{'-'.join(map(str, sizes))}, {columns} columns: {ratio:.2f} of the eager memory")
    assert ratio <= limit


def test_fit():
    """nn.fit with compile=True and without: 64-32-1, Adam, batches of 32 of 2,000 samples.

    Two programs, for whole batches and for the last one, are compiled in 25 milliseconds of 330.
    """
    ratios = report("40 epochs of fit", candidates.fit(), 9)
    assert ratios["not compiled"] <= 0.8
