"""What every test is given: options, one BLAS thread a process, data from outside the checkout."""

import gc
import importlib
import importlib.util
import itertools
import os
import signal
import zlib
from collections import Counter
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before NumPy is imported; programs that a test starts inherit it.
    for library in ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{library}_THREADS", "1")

# Unless they are named: some set the number of threads when they are imported.
collect_ignore = ["tests/benchmarks"]
if importlib.util.find_spec("numba") is None:
    native = "autograd_lite/compiler/native"
    collect_ignore += [f"{native}/elementary.py", f"{native}/products.py"]

DATA = "AUTOGRAD_LITE_DATA"
PASSED = "autograd_lite/passed"
DECLARATIONS = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--fuzz", type=int, default=100, help="how many random programs to run")
    parser.addoption("--share", type=int, default=1, help="run one in so many cases of each test")
    parser.addoption(
        "--not-again",
        action="store_true",
        help="leave out what passed in the last run without this option",
    )
    parser.addoption(
        "--data",
        type=Path,
        default=os.environ.get(DATA) or Path(__file__).parents[1] / "shared" / "data",
        help=f"the folder of the course's cat pictures, which are no part of the repository; "
        f"${DATA} names it too (default: %(default)s)",
    )


def pytest_configure(config):
    config.pluginmanager.register(Passed(config))
    config.pluginmanager.register(Longest())
    # pytest imports the file of a doctest a second time if that is what imports its package.
    for package in ("autograd_lite", "nn"):
        importlib.import_module(package)
    # What a shell starts in the background ignores Ctrl-C, which tests send.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Passed:
    """The tests that passed, kept from one run to the next for `--not-again`."""

    def __init__(self, config):
        self.config, self.found = config, set()

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.found.add(report.nodeid)

    # After syrupy has seen them all: a snapshot of a test that it never saw would be obsolete.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        if self.config.getoption("--not-again"):
            passed = set(self.config.cache.get(PASSED, ()))
            left_out = [item for item in items if item.nodeid in passed]
            items[:] = [item for item in items if item.nodeid not in passed]
            self.config.hook.pytest_deselected(items=left_out)

    def pytest_sessionfinish(self):
        again = not self.config.getoption("--not-again")
        if again and not hasattr(self.config, "workerinput") and hasattr(self.config, "cache"):
            self.config.cache.set(PASSED, sorted(self.found))


class Longest:
    """The tests that take minutes, which begin first, so that no core is idle at the end."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    count = Counter()
    for item in items:
        marked, cases = item.get_closest_marker("one_in"), getattr(item, "callspec", None)
        share = config.getoption("--share") * (1 if marked is None else marked.args[0])
        # A share of what is compared with snapshots would leave obsolete ones.
        if cases is not None and "snapshot" not in item.fixturenames:
            test = item.parent.nodeid, item.originalname
            if count[test] % share:
                item.add_marker(pytest.mark.slow)
            count[test] += 1


@pytest.fixture(scope="session", autouse=True)
def no_native_code_by_itself():
    """Programs are compiled to native code in tests that ask for it: it takes seconds, beside."""
    tiers = importlib.import_module("autograd_lite.compiler.native.tiers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "BUILD_FROM_CALLS", float("inf"))
        yield


@pytest.fixture(autouse=True)
def seeds_of_ones_own(request, monkeypatch):
    """Generators without a seed draw the same in every run of a test, each its own numbers."""
    random = importlib.import_module("numpy.random")
    default_rng, name = random.default_rng, zlib.crc32(request.node.nodeid.encode())
    counted = itertools.count()
    monkeypatch.setattr(
        random,
        "default_rng",
        lambda seed=None: default_rng([name, next(counted)] if seed is None else seed),
    )


@pytest.fixture(scope="session")
def cat_files(pytestconfig):
    """The files of the course's cat pictures, for training and for testing."""
    folder = pytestconfig.getoption("--data")
    files = [folder / f"{subset}_catvnoncat.h5" for subset in ("train", "test")]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        pytest.skip(f"there is no {absent[0]}: --data or ${DATA} says where the cat pictures are")
    return files


@pytest.fixture(scope="module", autouse=True)
def new_garbage():
    """Tests that collect garbage, or ask who refers to an array, look at what is new only."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Tens of thousands of tests that all stay: garbage is not looked for among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class Declarations:
    """What is declared of functions, as it was before a test or an example."""

    def __init__(self):
        from autograd_lite import nn
        from autograd_lite.functions import TRAITS
        from autograd_lite.operations import COMPOSITES, OPERATIONS, REFUSED

        # What nn's modules declare when a test loads them first is no part of the test.
        for name in nn.__all__:
            getattr(nn, name)
        self.operations = OPERATIONS
        self.tables = [OPERATIONS, TRAITS, COMPOSITES, REFUSED]
        self.note()

    def note(self):
        self.before = [dict(table) for table in self.tables]
        self.lengths = [len(table) for table in self.tables]
        self.rules = [(operation, operation.rules) for operation in self.operations.values()]

    def begin(self):
        if [len(table) for table in self.tables] != self.lengths:
            self.note()

    def restore(self):
        unchanged = all(operation.rules is declared for operation, declared in self.rules)
        if unchanged and self.tables == self.before:
            return
        import numpy as np

        for table, was in zip(self.tables, self.before, strict=True):
            for function in table.keys() - was.keys():
                # SciPy's, which are all ufuncs, are loaded when the first of them is called.
                if not isinstance(function, np.ufunc):
                    del table[function]
            table.update(was)
        for operation, declared in self.rules:
            if operation.rules is not declared:
                operation.declare(declared)
        self.note()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """What a test or an example declares of functions ends with it."""
    declarations = item.config.stash.setdefault(DECLARATIONS, None)
    if declarations is None:
        declarations = item.config.stash[DECLARATIONS] = Declarations()
    declarations.begin()
    try:
        return (yield)
    finally:
        declarations.restore()
