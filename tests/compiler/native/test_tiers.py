"""When native code is made, taken and kept, and what happens where it cannot be."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.compiler.native import build, cache, tiers

pytest.importorskip("numba")
pytest.importorskip("scipy")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "autograd_lite" / "native"


def chain(x):
    return np.exp(-x * x) * 2 + np.sum(x * 3)


def state(compiled):
    return str(compiled.explain()).rpartition("native code")[2].strip()


def until_settled(compiled, *args):
    for _ in range(6000):
        compiled(*args)
        if not compiled._last().is_open:
            return state(compiled)
        time.sleep(0.01)
    raise AssertionError(state(compiled))


def test_it_is_made_beside_and_measured(monkeypatch, own_cache):
    monkeypatch.setattr(tiers, "BUILD_FROM_CALLS", 3)
    x = np.linspace(-2, 2, 1000)
    compiled = al.compile(chain)
    compiled(x)
    assert state(compiled) == "made from call 3 on"
    assert "NumPy" not in compiled.source and "njit" not in compiled.source
    found = until_settled(compiled, x)
    assert found.startswith(("taken, ", "not taken, ")) and " a call for " in found
    assert ("@njit" in compiled.source) == found.startswith("taken")
    np.testing.assert_allclose(compiled(x), chain(x), rtol=1e-13, atol=1e-11)


@pytest.mark.parametrize("share, wins", [(0.0, False), (float("inf"), True)])
@pytest.mark.slow
def test_what_takes_less_time_is_taken(monkeypatch, share, wins):
    monkeypatch.setattr(tiers, "BUILD_FROM_CALLS", 1)
    monkeypatch.setattr(tiers, "TAKEN_BELOW_SHARE", share)
    compiled = al.compile(chain)
    found = until_settled(compiled, np.ones(5))
    assert found.startswith("taken, " if wins else "not taken, ")
    assert bool(compiled._last().lowered.natives) == wins


@pytest.mark.slow
def test_another_process_finds_it_on_the_disk(monkeypatch, own_cache):
    first = al.compile(chain, native=True)
    expected = first(np.ones(4))
    (folder,) = own_cache.iterdir()
    assert {f.name for f in folder.iterdir()} == {"program.py", "ready", "__pycache__"}
    made = []
    monkeypatch.setattr(build, "_compile_apart", lambda *args: made.append(args))
    second = al.compile(chain, native=True)
    assert np.array_equal(second(np.ones(4)), expected)
    assert not made
    assert al.compile(chain, native=True)(np.ones(5)).shape == (5,)
    assert len(made) == 1


@pytest.mark.slow
def test_the_library_that_native_products_call_takes_one_thread_as_well():
    """It is loaded with the first native function, after NumPy's was found."""
    pytest.importorskip("threadpoolctl")
    script = """if True:
        import numpy as np, threadpoolctl, autograd_lite as al
        from autograd_lite.arrays.blas import one_blas_thread
        with one_blas_thread():
            pass
        al.compile(lambda W, X: np.exp(W @ X), native=True)(np.ones((4, 4)), np.ones((4, 8)))
        with one_blas_thread():
            found = threadpoolctl.threadpool_info()
        print([library["num_threads"] for library in found if library["user_api"] == "blas"])
    """
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert set(json.loads(done.stdout)) == {1}


@pytest.mark.slow
def test_without_the_cache_nothing_is_left(own_cache):
    compiled = al.compile(chain, native=True, cache=False)
    compiled(np.ones(4))
    assert state(compiled) == "taken as asked for"
    assert not own_cache.exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
def test_a_folder_that_others_can_write_to_is_not_used(own_cache):
    own_cache.mkdir(parents=True)
    own_cache.chmod(0o777)
    compiled = al.compile(chain, native=True)
    compiled(np.ones(4))
    assert state(compiled) == "taken as asked for"
    assert not [f for f in own_cache.rglob("*") if f.is_file()]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
@pytest.mark.slow
def test_folders_are_private(own_cache):
    al.compile(chain, native=True)(np.ones(4))
    for folder in (own_cache, *own_cache.iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("system", "asked", "local", "expected"),
    [
        ("linux", os.path.abspath("own"), None, os.path.abspath("own")),
        ("linux", "own", None, "/home/me/.cache"),
        ("linux", None, "/local", "/home/me/.cache"),
        ("darwin", None, None, "/home/me/Library/Caches"),
        ("win32", None, "/local", "/local"),
        ("win32", None, None, "/home/me/AppData/Local"),
    ],
)
def test_programs_are_where_the_system_keeps_caches(monkeypatch, system, asked, local, expected):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    for name, value in (("XDG_CACHE_HOME", asked), ("LOCALAPPDATA", local)):
        monkeypatch.setenv(name, value or "")
    assert cache.root() == Path(expected, "autograd_lite", "native")


def test_the_folders_of_long_ago_go_first(monkeypatch, own_cache):
    for age, name in enumerate(["new", "older", "oldest"]):
        folder = own_cache / name
        folder.mkdir(parents=True, mode=0o700)
        (folder / "program.py").write_bytes(b"x" * 1000)
        os.utime(folder, (time.time() - 100 * age - 100,) * 2)
    monkeypatch.setattr(cache, "SIZE_LIMIT_BYTES", 2500)
    with cache.folder_for("used", is_kept=True):
        pass
    assert {f.name for f in own_cache.iterdir()} == {"used", "new", "older"}


@pytest.mark.parametrize(
    "fault",
    [
        lambda *args: (_ for _ in ()).throw(build.BuildError("the compiler ended with 1")),
        lambda *args: (_ for _ in ()).throw(OSError("No space left on device")),
        lambda *args: (_ for _ in ()).throw(MemoryError()),
    ],
)
def test_a_program_runs_on_where_none_can_be_made(monkeypatch, fault):
    monkeypatch.setattr(tiers, "BUILD_FROM_CALLS", 1)
    monkeypatch.setattr(build, "_compile_apart", fault)
    compiled = al.compile(chain)
    assert until_settled(compiled, np.ones(3)).startswith("not made: ")
    np.testing.assert_allclose(compiled(np.ones(3)), chain(np.ones(3)), rtol=1e-15)


def test_a_compiler_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    compiled = al.compile(chain, native=True)
    compiled(np.ones(3))
    assert state(compiled) == "not made: there is no interpreter to compile with"
    broken = build._CHILD.replace("compile_module(", "compile_modules(")
    monkeypatch.undo()
    monkeypatch.setattr(build, "_CHILD", broken)
    compiled = al.compile(chain, native=True, cache=False)
    compiled(np.ones(3))
    assert "cannot import name" in state(compiled) or "not defined" in state(compiled)


def test_a_compiler_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(build, "TIME_LIMIT_SECONDS", 0.01)
    compiled = al.compile(chain, native=True, cache=False)
    np.testing.assert_allclose(compiled(np.ones(3)), chain(np.ones(3)), rtol=1e-15)
    assert state(compiled) == "not made: compiling took longer than 0.01 seconds"


def test_without_numba(monkeypatch):
    monkeypatch.setattr(tiers, "is_available", lambda: False)
    with pytest.raises(ImportError, match=r"pip install 'autograd_lite\[jit\]'"):
        al.compile(chain, native=True)
    compiled = al.compile(chain)
    compiled(np.ones(3))
    assert "native code" not in str(compiled.explain())


def test_native_false_makes_none(monkeypatch):
    monkeypatch.setattr(tiers, "BUILD_FROM_CALLS", 1)
    compiled = al.compile(chain, native=False)
    compiled(np.ones(3))
    assert not compiled._last().is_open


def test_what_has_no_native_form_stays_as_it_is():
    compiled = al.compile(lambda x: np.linalg.inv(x), native=True)
    compiled(np.eye(2))
    assert state(compiled) == "no steps that have a native form"


@pytest.mark.slow
def test_odd_arguments_in_turns_with_ordinary_ones():
    """Read-only, strided, unaligned, foreign-endian, of no dimensions: each has its program."""
    compiled = al.compile(lambda x, c: x * c + np.sum(x), native=True)
    x = np.arange(6.0)
    fixed = x.copy()
    fixed.flags.writeable = False
    buffer = np.zeros(6 * 8 + 1, np.uint8)
    unaligned = buffer[1:].view(np.float64)
    unaligned[...] = x
    for _ in range(2):
        for odd in (x, fixed, x[::2], x[::-1], unaligned, x.astype(">f8"), x.astype(np.float32)):
            for number in (2.0, np.float64(2), np.array(2.0)):
                found, expected = compiled(odd, number), odd * number + np.sum(odd)
                assert found.dtype == expected.dtype
                np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_calls_at_the_same_time():
    compiled = al.compile(lambda x: np.exp(x) * x + np.sum(x), native=True)
    inputs = [np.full(2000, float(i)) for i in range(8)]
    expected = [np.exp(x) * x + np.sum(x) for x in inputs]
    compiled(inputs[0])
    wrong = []

    def work(i):
        for _ in range(200):
            if not np.allclose(compiled(inputs[i]), expected[i], rtol=1e-12):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.slow
def test_donated_arguments_and_into():
    step = al.compile(lambda w, g: w - 0.1 * g, donate=0, native=True)
    w, g = np.ones(10), np.arange(10.0)
    result = step(w, g)
    assert result is w
    np.testing.assert_allclose(w, 1 - 0.1 * g)
    out = np.empty(10)
    assert step.into(out, np.ones(10), g) is out
    np.testing.assert_allclose(out, 1 - 0.1 * g)


@pytest.mark.slow
def test_the_source_is_a_module_that_numba_compiles():
    compiled = al.compile(chain, native=True)
    compiled(np.ones(4))
    assert "from numba import njit" in compiled.source
    compile(compiled.source, "source", "exec")


@pytest.mark.slow
def test_the_native_source_can_be_pasted_into_a_file(tmp_path):
    compiled, x = al.compile(chain, native=True), np.linspace(0, 1, 4)
    expected = compiled(x)
    path = tmp_path / "pasted.py"
    call = "print(repr(chain(np.linspace(0, 1, 4), new_workspace())[0].tolist()))"
    path.write_text(f"{compiled.source}\n\n{call}\n")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == f"{expected.tolist()!r}\n"


def test_long_programs_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(tiers, "STEPS_LIMIT", 20)

    def function(x):
        for i in range(30):
            x = np.sin(x) + i
        return x

    compiled = al.compile(function, native=True)
    compiled(np.ones(3))
    assert state(compiled) == "not made: the program has more than 20 steps"
