import os
import platform
import subprocess
import sys

import pytest

IS_GLIBC = platform.libc_ver()[0] == "glibc"

STEPS = """
import resource

import numpy as np

IMPORT


def step():
    return [np.ones(2**17) for _ in range(8)]


step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_A_STEP = 8 * 2**20 // 4096


def page_faults(imported, **settings):
    """How many pages the system hands over in 20 steps of 8 MiB, after a first one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", STEPS.replace("IMPORT", imported)],
        env={**environment, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(not IS_GLIBC, reason="glibc learns which memory to keep")
def test_the_arrays_of_a_step_take_the_memory_of_those_of_the_step_before():
    assert page_faults("import autograd_lite") < PAGES_OF_A_STEP


@pytest.mark.skipif(not IS_GLIBC, reason="glibc learns which memory to keep")
def test_settings_of_the_environment_prevail():
    given_back = page_faults("import autograd_lite", MALLOC_TRIM_THRESHOLD_="65536")
    assert given_back > PAGES_OF_A_STEP


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
def test_the_import_works_where_memory_is_short():
    code = (
        "import numpy, resource; from pathlib import Path\n"
        "now = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "import autograd_lite.arrays.memory as memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 2**23, now + 2**23))\n"
        "memory.keep_freed_memory()\n"
        "print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "done", done.stderr
