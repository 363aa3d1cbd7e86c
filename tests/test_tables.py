"""What a notebook shows of a Tensor."""

import re

import numpy as np
import pytest

import autograd_lite as al


def cells(text):
    """The texts of each table, row by row."""
    return [
        [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", table)]
        for table in re.findall("<table>(.*?)</table>", text)
    ]


def test_a_matrix_is_a_table_with_its_gradient_beside():
    W = al.Tensor([[1.0, -2.5], [0.0, 4.0]], requires_grad=True, name="W")
    np.sum(W * W).backward()
    text = W._repr_html_()
    assert "W, 2 x 2, float64, requires grad" in text
    assert cells(text) == [[["1", "-2.5"], ["0", "4"]], [["2", "-5"], ["0", "8"]]]
    assert "<div>values</div>" in text and "<div>gradient</div>" in text


def test_vectors_numbers_and_results():
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    assert cells(x._repr_html_()) == [[["1", "2"]]]
    total = np.sum(x)
    assert cells(total._repr_html_()) == [[["3"]]]
    assert "a number, float64, result of sum" in total._repr_html_()


def test_long_axes_show_their_ends():
    text = al.Tensor(np.arange(2600.0).reshape(13, 200))._repr_html_()
    (table,) = cells(text)
    assert [len(row) for row in table] == [9] * 9
    assert table[0] == ["0", "1", "2", "3", "...", "196", "197", "198", "199"]
    assert table[4] == ["..."] * 9
    assert table[-1][-1] == "2599"
    assert len(text) < 8000


@pytest.mark.parametrize("shape", [(2, 2, 2), (0,), (3, 0)])
def test_other_arrays_have_their_text(shape):
    assert al.Tensor(np.ones(shape))._repr_html_() is None


@pytest.mark.parametrize(
    "value, shown",
    [(True, "True"), (7, "7"), (np.nan, "nan"), (-np.inf, "-inf"), (1 + 2j, "1+2j")],
)
@pytest.mark.parametrize("dtype", [None, ">"])
def test_numbers_of_all_kinds(value, shown, dtype):
    array = np.array([value])
    array = array if dtype is None else array.astype(array.dtype.newbyteorder(dtype))
    assert cells(al.Tensor(array)._repr_html_()) == [[[shown]]]


def test_names_are_text():
    text = al.Tensor([1.0], name="<script>alert('x')</script>\n")._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_it_reads_nothing_while_a_function_is_traced():
    def f(x):
        al.Tensor(np.ones(2))._repr_html_()
        return np.sum(x * x)

    assert al.compile(f)(np.array([1.0, 2.0])) == 5.0
