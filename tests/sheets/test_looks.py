"""What the page looks like: screenshots against those that were looked at and found good.

A baseline is an eighth as wide and high, in grey, so that it shows where things stand and how dark
they are, and not which fonts a machine has. With AUTOGRAD_LITE_BASELINES=1 in the environment they
are made anew: look at each of them then.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from pictures.browser import chromium
from pictures.functions import FUNCTIONS

import autograd_lite as al

BASELINES = Path(__file__).parent / "baselines"
LARGEST_MEAN_DIFFERENCE = 8
"""Of 255. Another function makes 15, and another theme over 100."""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("name", ["logistic regression", "softmax with helpers"])
def test_the_page_looks_as_it_did(name, width, scheme, browser, tmp_path):
    image = pytest.importorskip("PIL.Image")
    function, inputs = FUNCTIONS[name]
    path = al.sheet(function, *inputs, path=tmp_path / "sheet.html").path
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"file://{path}")
    page.wait_for_selector(".statement")
    page.wait_for_timeout(200)
    picture = image.open(io.BytesIO(page.screenshot())).convert("L")
    page.close()
    small = picture.resize((width // 8, 900 // 8), image.Resampling.BOX)
    baseline = BASELINES / f"{name.split()[0]}_{width}_{scheme}.png"
    if os.environ.get("AUTOGRAD_LITE_BASELINES"):
        BASELINES.mkdir(exist_ok=True)
        small.save(baseline)
    before = np.asarray(image.open(baseline), float)
    assert np.abs(before - np.asarray(small, float)).mean() < LARGEST_MEAN_DIFFERENCE
