"""The file of a sheet: complete in itself, and nothing of anybody's text is markup."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.sheets.assemble import SCRIPTS, assembled, page_text

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'`${alert(1)}&amp;{{style}}",
    "🧮 ∂L/∂W\u2028\u2029\u202e",
    "n" * 10_000,
]


def loss_of(x, name="loss"):
    loss = np.sum(x * x)
    loss.name = name
    return loss


@pytest.mark.parametrize("name", HOSTILE)
def test_the_data_comes_back_as_it_was_whatever_it_holds(name):
    x = al.Tensor([1.0, 2.0], requires_grad=True, name=name)
    text = al.sheet(loss_of(x, name)).html
    found = re.findall(r'<script type="application/json" id="computation">(.*?)</script>', text)
    assert not re.search("[<>&\u2028\u2029]", found[0])
    assert text.count("</script>") == 2
    data = json.loads(found[0])
    assert data["title"] == name and data["inputs"][0]["label"] == name


def test_a_text_that_utf_8_cannot_write_is_no_obstacle(tmp_path):
    x = al.Tensor([1.0], requires_grad=True, name="\ud800")
    al.sheet(loss_of(x, "\ud800"), path=tmp_path / "sheet.html")
    assert b"<title>?</title>" in (tmp_path / "sheet.html").read_bytes()


def test_the_policy_allows_its_own_two_texts_and_pictures_of_its_own():
    text = al.sheet(loss_of(al.Tensor([1.0], requires_grad=True))).html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    script = re.search('<script type="module">(.*?)</script>', text, re.DOTALL)[1]
    hashes = [
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        for part in (script, style)
    ]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert script == "\n".join(page_text(name) for name in SCRIPTS)


def test_the_page_neither_fetches_nor_makes_markup_of_text():
    script = "\n".join(page_text(name) for name in SCRIPTS)
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "eval(",
        "Function(",
        "fetch(",
        "http:",
    ):
        assert word not in script.replace("http://www.w3.org/", "")
    assert not re.search(r"(src|href)=\"(?!#)", page_text("sheet.html"))


def test_numbers_that_are_none_are_in_the_page_by_name():
    x = al.Tensor([np.nan, np.inf, -np.inf], requires_grad=True)
    data = al.sheet(loss_of(x))._content.data()
    assert ["NaN", "Infinity", "-Infinity"] in [v["numbers"] for v in data["values"]]
    with pytest.raises(ValueError, match="not JSON compliant"):
        assembled(data | {"loss": float("nan")})


def test_no_path_of_this_machine_is_in_it():
    def loss(w):
        return np.sum(w**2)

    assert __file__ not in al.sheet(loss, np.ones(2)).html


def test_str_is_the_path_when_it_is_written(tmp_path):
    sheet = al.sheet(loss_of(al.Tensor([1.0], requires_grad=True)))
    assert str(sheet) == repr(sheet) == "<sheet of loss: 1 line>"
    assert sheet.write(tmp_path / "page") == str(sheet) == str(tmp_path / "page.html")
    with pytest.raises(OSError, match="cannot write the sheet to .*: there is no folder"):
        sheet.write(tmp_path / "no" / "page.html")


class TestStepThrough:
    def test_it_writes_the_same_page(self, tmp_path):
        def loss(w):
            return np.sum(w**2)

        path = al.step_through(loss, tmp_path / "walk", np.ones(2))
        assert path == str(tmp_path / "walk.html")
        with open(path, encoding="utf-8") as file:
            assert file.read() == al.sheet(loss, np.ones(2)).html

    def test_the_graph_and_the_gradients_stay_as_they_were(self, tmp_path):
        x = al.Tensor([1.0, 2.0], True, name="x")
        loss = (x * x).sum()
        al.step_through(loss, tmp_path / "page.html")
        assert x.grad is None
        loss.backward()
        np.testing.assert_array_equal(x.grad, [2.0, 4.0])

    def test_of_a_result_that_is_no_number_the_gradients_are_those_of_its_sum(self, tmp_path):
        x = al.Tensor([1.0, 2.0], True, name="x")
        content = al.sheet(x * x)._content
        [total] = (content.computation.total[content.recorded.wrt[0]],)
        np.testing.assert_array_equal(content.values[total], [2.0, 4.0])
        al.step_through(x * x, tmp_path / "page.html")

    def test_too_many_operations_are_refused_and_nothing_is_written(self, tmp_path):
        x = al.Tensor(1.0, True)
        y = x
        for _ in range(20_001):
            y = y + 1
        with pytest.raises(ValueError, match=r"has 20,001 operations, .* shows at most 20,000"):
            al.step_through(y, tmp_path / "page.html")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("value", [3.0, np.ones(3), None, "loss"])
    def test_what_is_no_tensor_is_refused(self, value, tmp_path):
        with pytest.raises(TypeError, match=r"step_through\(\) takes the Tensor that"):
            al.step_through(value, tmp_path / "page.html")

    def test_a_freed_graph_is_refused(self, tmp_path):
        x = al.Tensor([1.0], True)
        loss = (x * x).sum()
        loss.backward()
        with pytest.raises(ValueError, match=r"freed by backward\(\) at .*; step through before"):
            al.step_through(loss, tmp_path / "page.html")

    def test_a_report_beside_it_is_shown(self, tmp_path):
        x = al.Tensor([1.0, 2.0], True, name="x")
        loss = (x * x).sum()
        report = al.compare(loss, {"dx": np.array([2.0, 5.0])}, show=False)
        al.step_through(loss, tmp_path / "page.html", report=report)
        text = (tmp_path / "page.html").read_text("utf-8")
        assert '"status":"wrong"' in text
