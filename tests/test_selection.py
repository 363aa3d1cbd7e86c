"""Which tests run: one in so many cases by default, each of them with `-m`; and what they draw."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = """
import pytest

@pytest.mark.parametrize("n", range(7))
@pytest.mark.one_in(3)
def test_some(n):
    pass

class TestOthers:
    @pytest.mark.parametrize("n", range(4))
    @pytest.mark.one_in(2)
    def test_some(self, n):
        assert n != 3

def test_always():
    pass
"""
EVERY = "-mslow or not slow"


@pytest.fixture
def outcome(tmp_path):
    """A function that runs the tests above, and gives the last lines of what pytest prints."""
    (tmp_path / "test_it.py").write_text(TEXT)

    def run(*options, status=None):
        command = [sys.executable, "-m", "pytest", "-p", "conftest", "-c", ROOT / "pyproject.toml"]
        command += ["-p", "no:hypothesispytest", "-p", "no:random_order", "-p", "no:xdist"]
        command += ["--rootdir", tmp_path, "-q", *options, tmp_path / "test_it.py"]
        # Options of the run around it may be those of plugins that are left out here.
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert status in (None, ran.returncode)
        return ran.stdout.splitlines()[-1].split(" in ")[0]

    return run


def test_a_snapshot_whose_test_is_left_out_is_no_obsolete_one(outcome, tmp_path):
    file = tmp_path / "test_it.py"
    file.write_text("def test_shown(snapshot):\n    assert 'a word' == snapshot\n")
    assert outcome("--snapshot-update") == "1 passed"
    file.write_text(f"{file.read_text()}\ndef test_later():\n    pass\n")
    assert outcome("--not-again", status=0) == "1 passed, 1 deselected"


def test_one_in_so_many_cases_runs_by_default(outcome):
    assert outcome() == "6 passed, 6 deselected"


def test_each_runs_with_the_slow_ones(outcome):
    assert outcome(EVERY) == "1 failed, 11 passed"


def test_what_passed_is_left_out_when_asked(outcome):
    assert outcome() == "6 passed, 6 deselected"
    assert outcome("--not-again", EVERY) == "1 failed, 5 passed, 6 deselected"
    assert outcome("--not-again", EVERY) == "1 failed, 5 passed, 6 deselected"


def test_a_share_of_the_cases_of_each_test(outcome):
    assert outcome("--share", "3") == "3 passed, 9 deselected"
    assert outcome("--share", "3", EVERY, status=1) == "1 failed, 11 passed"


def test_generators_without_a_seed_draw_the_same_in_every_run_of_a_test(outcome, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pathlib\nimport numpy as np\n"
        "def test_drawn():\n"
        "    drawn = [np.random.default_rng().normal() for _ in range(2)]\n"
        "    assert drawn[0] != drawn[1]\n"
        "    assert np.random.default_rng(3).normal() == np.random.default_rng(3).normal()\n"
        f"    file = pathlib.Path({str(tmp_path / 'drawn')!r})\n"
        "    assert not file.exists() or file.read_text() == str(drawn)\n"
        "    file.write_text(str(drawn))\n"
    )
    assert outcome() == outcome() == "1 passed"
