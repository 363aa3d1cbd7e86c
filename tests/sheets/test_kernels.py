"""Every function with a rule, in the page: its numbers are the engine's, or it says why not."""

import json

import numpy as np
import pytest
from all_cases import CASES, by_id
from pictures.browser import chromium
from sheets.computed import gradients_by_name

import autograd_lite as al
from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.operations import OPERATIONS

EACH = 4
"""So many cases of a function are computed."""

FACTOR = 1.0003
"""By so much every number is changed."""

READ_ONLY = {
    **dict.fromkeys(["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"], "complex numbers"),
    **dict.fromkeys(["fft2", "ifft2", "rfft2", "irfft2"], "complex numbers"),
    **dict.fromkeys(["fftn", "ifftn", "rfftn", "irfftn", "sort_complex"], "complex numbers"),
    **dict.fromkeys(["eig", "eigvals", "roots"], "eigenvalues that may be complex"),
    **dict.fromkeys(["i0", "unwrap", "histogram", "histogram2d"], "no kernel"),
    **dict.fromkeys(["partition", "histogramdd"], "rules that write into arrays"),
}
"""The functions with which a page does not compute anew, and what stands in the way."""

PARTLY = {
    **dict.fromkeys(["svd", "pinv", "truncated_pinv"], "bases are free to turn"),
    **dict.fromkeys(["quantile", "percentile", "nanquantile", "nanpercentile"], "slopes by q"),
    **dict.fromkeys(["unique", "union1d"], "other numbers would be in another order"),
    **dict.fromkeys(["piecewise", "qr", "tile"], "arrays without elements or axes"),
    **dict.fromkeys(["astype", "angle", "real", "imag"], "complex numbers"),
    "lstsq": "the rank decides",
    "poly": "eigenvalues that may be complex",
}
"""The functions of which that holds for some calls."""


def some_cases():
    """The first cases of each function, of real operands."""
    count = {}
    for case in CASES:
        count[case.function] = count.get(case.function, 0) + 1
        real = all(np.asarray(v).dtype.kind != "c" for v in leaves_of(case.operands))
        if real and count[case.function] <= EACH:
            yield case


def weighted(result):
    """A number that depends on each element of a result, and of its parts, in another way."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    total = 0.0
    for part in parts:
        if isinstance(part, al.Tensor) and part.dtype.kind in "fc":
            weights = np.cos(np.arange(1.0, part.size + 1)).reshape(part.shape)
            total = total + np.sum(part.real * weights)
    return total


def moved(value):
    """The numbers to which those of an operand are changed."""
    return np.asarray(value) * FACTOR if np.asarray(value).dtype.kind == "f" else value


@pytest.fixture(scope="module")
def tab():
    with chromium() as browser:
        yield browser.new_page()


@by_id(list(some_cases()), one_in=EACH)
@pytest.mark.one_in(3)
def test_the_page_computes_a_function_as_the_engine_does(case, tab, tmp_path):
    def loss(*operands):
        return weighted(case(*operands))

    name = case.function.__name__
    sheet = al.sheet(loss, *case.operands)
    tab.goto(f"file://{sheet.write(tmp_path / 'sheet.html')}")
    if tab.evaluate("sheet.state()") == "fixed":
        assert name in READ_ONLY | PARTLY, tab.text_content("#badge")
        return
    assert name not in READ_ONLY
    data = sheet._content.data()
    floats = [i["label"] for i in data["inputs"] if i["gradient"] is not None]
    tab.evaluate(
        """([labels, factor]) => {
          for (const label of labels)
            sheet.value(label).data.forEach((x, k) => sheet.set(label, k, x * factor));
        }""",
        [floats, FACTOR],
    )
    if tab.evaluate("sheet.state()") == "strayed":
        assert name in PARTLY, tab.text_content("#badge")
        return
    wanted, gradients = gradients_by_name(sheet, loss, map_leaves(moved, case.operands))
    found = tab.evaluate(f"sheet.value({json.dumps(data['name'])})")
    tolerance = dict(rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["data"], wanted, **tolerance)
    for label, gradient in gradients.items():
        shown = np.ravel(tab.evaluate(f"sheet.value({json.dumps('d' + label)})")["data"])
        scale = max(1.0, np.abs(gradient).max(initial=0))
        np.testing.assert_allclose(shown, np.ravel(gradient), rtol=1e-12, atol=1e-12 * scale)


def test_every_function_that_is_said_to_be_read_only_has_a_rule():
    known = {function.__name__ for function in OPERATIONS}
    known |= {case.function.__name__ for case in CASES}
    assert READ_ONLY.keys() | PARTLY.keys() <= known
