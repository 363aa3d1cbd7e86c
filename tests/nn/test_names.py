"""The two names of the package: `autograd_lite.nn`, which is always ours, and `nn`."""

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(source, folder):
    """What a program prints that runs in a folder, with the checkout behind it on the path."""
    code = f"import sys; sys.path.append({str(ROOT)!r})\n{source}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("first", ["import nn", "from autograd_lite import nn", "import nn.plots"])
@pytest.mark.one_in(3)
def test_both_names_give_the_same_modules_whichever_comes_first(first, tmp_path):
    source = f"""
{first}
import autograd_lite.nn, nn.layers.linear, autograd_lite.nn.plots, nn.plots
from autograd_lite import nn as own
import sys
assert nn is own is autograd_lite.nn
for name, module in list(sys.modules.items()):
    if name.split(".")[0] == "nn":
        assert module is sys.modules["autograd_lite." + name], name
        assert module.__spec__.name == module.__name__ == "autograd_lite." + name
print(nn.layers.linear.Linear is own.Linear)
"""
    assert run(source, tmp_path) == "True"


@pytest.mark.parametrize("as_package", [False, True])
def test_somebodys_own_nn_is_not_taken_for_it(as_package, tmp_path):
    place = tmp_path / "nn" / "__init__.py" if as_package else tmp_path / "nn.py"
    place.parent.mkdir(exist_ok=True)
    place.write_text("mine = 1\n")
    source = """
import nn
from autograd_lite import nn as own
import numpy as np
model = own.Sequential(own.Linear(2, 1), own.Sigmoid())
history = own.fit(
    model,
    *(np.ones((2, 4)), np.ones((1, 4))),
    optimiser=own.SGD(model.parameters()),
    loss=own.binary_cross_entropy,
    epochs=1,
)
print(nn.mine, hasattr(nn, "fit"), len(history.records))
"""
    assert run(source, tmp_path).splitlines()[-1] == "1 False 1"


def test_a_module_that_is_not_there_is_an_import_error_under_the_name_that_was_asked_for(tmp_path):
    source = """
import nn
try:
    import nn.nothing
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert run(source, tmp_path) == "nn.nothing"


def test_what_was_pickled_under_the_name_nn_is_read():
    text = b"cnn.optimisers.rules\nSGD\n."
    assert pickle.loads(text) is importlib.import_module("autograd_lite.nn").SGD
