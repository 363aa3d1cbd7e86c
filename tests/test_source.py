"""Which code is the user's own, wherever the project was found."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

SCRIPT = """
import sys, warnings
sys.path.insert(0, {home!r})
import numpy as np
import autograd_lite as al
from autograd_lite import nn

assert ".." in al.__file__, al.__file__


def forward(W, X, Y):
    A = np.exp(W @ X)
    loss = np.mean((A - Y) ** 2)
    return loss, (A,)


def backward(W, X, Y, cache):
    (A,) = cache
    dA = 2 * (A - Y) / A.size
    dW = dA @ X.T
    return dW


rng = np.random.default_rng(0)
data = rng.normal(size=(1, 2)), rng.normal(size=(2, 5)), rng.normal(size=(1, 5))
report = al.check_derivation(forward, backward, *data, show=False)
assert [line.name for line in report if line.status == "wrong"] == ["dW"], report
assert "np.exp(W @ X)" in al.sheet(lambda W, X, Y: forward(W, X, Y)[0], *data).html
model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
options = dict(loss=nn.mean_squared_error, optimiser=nn.SGD(model.parameters(), 1e-9), epochs=1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nn.fit(model, 100 + data[1], np.ones((1, 5)), **options)
assert {{one.filename for one in caught if one.category is nn.TrainingWarning}} == {{__file__}}
"""


def test_lines_are_the_users_where_the_path_has_two_dots(tmp_path):
    """As after `sys.path.append("..")` in a notebook that lies in a folder of the checkout."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(home=str(ROOT / "tests" / "..")))
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
