"""nn.load_data and nn.flatten: what they return, and what bad files get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nn.data import flatten, hdf5, load_data, pictures
from nn.data.hdf5 import FileFormatError

PIXELS = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3) * 8
LABELS = np.array([0, 1, 1, 0, 1])
NAMES = np.array([b"non-cat", b"cat"])
DIGITS = {
    "train_set_y": np.array([0, 1, 2, 2, 1]),
    "test_set_y": np.array([2, 0, 0, 1, 1]),
    "list_classes": np.array([b"zero", b"one", b"two"]),
}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a file of all five datasets, changed as asked; a value of None leaves one out."""

    def make(name: str = "data.h5", **changes: Any) -> Path:
        datasets = {
            "train_set_x": PIXELS,
            "train_set_y": LABELS,
            "test_set_x": PIXELS[::-1],
            "test_set_y": LABELS[::-1],
            "list_classes": NAMES,
        }
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in (datasets | changes).items():
                if value is not None:
                    file[key] = value
        return tmp_path / name

    return make


def refused(path: Path, match: str, test: Path | None = None, **options: Any) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        load_data(path, test or path, **options)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_the_five_of_the_article(make: Make) -> None:
    path = make()
    train_X, train_Y, test_X, test_Y, classes = load_data(path, path)
    assert train_X.shape == test_X.shape == (6, 5)
    assert train_Y.shape == test_Y.shape == (1, 5)
    assert {a.dtype for a in (train_X, train_Y, test_X, test_Y)} == {np.dtype(np.float64)}
    np.testing.assert_array_equal(train_X[:, 3], PIXELS[3].ravel() / 255)
    np.testing.assert_array_equal(test_X, train_X[:, ::-1])
    np.testing.assert_array_equal(train_Y, [LABELS])
    np.testing.assert_array_equal(test_Y, [LABELS[::-1]])
    assert classes == ["non-cat", "cat"]


def test_a_picture_is_contiguous_in_memory(make: Make) -> None:
    path = make()
    train_X, _, test_X, _, _ = load_data(path, path)
    assert train_X.T.flags.c_contiguous
    assert test_X.T.flags.c_contiguous


def test_two_files(make: Make) -> None:
    train = make("train.h5", test_set_x=None, test_set_y=None)
    test = make("test.h5", train_set_x=None, train_set_y=None)
    _, _, test_X, test_Y, _ = load_data(train, str(test))
    np.testing.assert_array_equal(test_X[:, 0], PIXELS[-1].ravel() / 255)
    np.testing.assert_array_equal(test_Y, [LABELS[::-1]])


def test_colour_pictures_and_the_extreme_pixels(make: Make) -> None:
    pixels = np.zeros((5, 2, 2, 3), dtype=np.uint8)
    pixels[0, 1, 0, 2] = 255
    path = make(train_set_x=pixels, test_set_x=pixels)
    train_X = load_data(path, path)[0]
    assert train_X.shape == (12, 5)
    assert train_X[8, 0] == train_X.max() == 1
    assert train_X.sum() == 1


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8"])
def test_pictures_of_floats(make: Make, dtype: str) -> None:
    pixels = (PIXELS / 256).astype(dtype)
    path = make(train_set_x=pixels)
    train_X = load_data(path, path)[0]
    assert train_X.dtype == np.float64
    np.testing.assert_array_equal(train_X, pixels.reshape(5, 6).T)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (1, 5)])
@pytest.mark.parametrize("dtype", ["i8", "u1", ">i2", "?"])
def test_labels_of_any_integers_as_row_or_column(make: Make, shape: Any, dtype: str) -> None:
    path = make(train_set_y=LABELS.reshape(shape).astype(dtype))
    np.testing.assert_array_equal(load_data(path, path)[1], [LABELS])


@pytest.mark.parametrize(
    "positive", [["two", "zero"], (0, 2), {b"zero", 2}, np.array([2, 0]), iter(["zero", "two"])]
)
def test_many_classes_become_two_groups(make: Make, positive: Any) -> None:
    path = make(**DIGITS)
    _, train_Y, _, test_Y, classes = load_data(path, path, positive=positive)
    np.testing.assert_array_equal(train_Y, [[1, 0, 1, 1, 0]])
    np.testing.assert_array_equal(test_Y, [[1, 1, 1, 0, 0]])
    assert classes == ["one", "zero two"]


@pytest.mark.parametrize("positive", ["one", b"one", 1, np.int64(1)])
def test_one_positive_class_needs_no_list(make: Make, positive: Any) -> None:
    path = make(**DIGITS)
    assert load_data(path, path, positive=positive)[4] == ["zero two", "one"]


def test_positive_turns_two_classes_round(make: Make) -> None:
    path = make()
    _, train_Y, _, _, classes = load_data(path, path, positive="non-cat")
    np.testing.assert_array_equal(train_Y, [1 - LABELS])
    assert classes == ["cat", "non-cat"]


def test_a_test_set_of_one_class_is_no_error(make: Make) -> None:
    path = make(test_set_y=np.ones(5, int))
    np.testing.assert_array_equal(load_data(path, path)[3], np.ones((1, 5)))


def test_more_than_two_classes_without_a_choice(make: Make) -> None:
    refused(make(**DIGITS), "has 3 classes, 'zero', 'one', 'two': name those .* positive=")


def test_a_positive_that_is_no_class(make: Make) -> None:
    path = make(**DIGITS)
    refused(path, "the class 'three', which .* does not have: its classes are 'z", positive="three")
    refused(path, "the class 3, which", positive=[1, 3])
    refused(path, "the class -1, which", positive=-1)
    refused(path, "expected some of them and not all", positive=["zero", "one", "two"])
    refused(path, "names 0 of the 3 classes", positive=[])


def test_files_that_cannot_be_read(make: Make, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing.h5.*does not exist"):
        load_data(tmp_path / "nothing.h5", make())
    refused(make(train_set_y=None), "no dataset 'train_set_y': it holds 'list_cl.*'train_set_x'$")
    refused(make(list_classes=None), "no dataset 'list_classes'")
    refused(make(), "declares .* more than the limit of 29", limit=29)


@pytest.mark.parametrize("kept", [0, 2**26])
@pytest.mark.parametrize("block", [1, 40, 2**23])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_many_pictures_are_read_twice_and_some_at_a_time(
    make: Make, monkeypatch: pytest.MonkeyPatch, kept: int, block: int, dtype: str
) -> None:
    monkeypatch.setattr(pictures, "_KEPT_BYTES", kept)
    monkeypatch.setattr(hdf5, "_BLOCK", block)
    pixels = PIXELS if dtype == "u1" else (PIXELS / 255).astype(dtype)
    path = make(train_set_x=pixels, test_set_x=pixels[::-1])
    train_X, _, test_X, *_ = load_data(path, path)
    np.testing.assert_allclose(train_X, flatten(PIXELS) / 255, rtol=1e-6)
    np.testing.assert_array_equal(test_X, train_X[:, ::-1])


def test_labels_that_differ_in_number_from_the_pictures(make: Make) -> None:
    refused(make(train_set_y=LABELS[:4]), r"train_set_y has 4 labels .* for 5 pictures, expected")
    refused(make(test_set_y=np.zeros((2, 5), int)), r"test_set_y has 10 labels .*\(2, 5\)")
    ten = {"train_set_x": np.zeros((10, 2, 3), np.uint8), "train_set_y": np.zeros((2, 5), int)}
    refused(make(**ten), r"train_set_y has shape \(2, 5\), expected \(10,\)")


def test_training_labels_of_one_class(make: Make) -> None:
    refused(
        make(train_set_y=np.ones(5, int)),
        r"train_set_y has only one class, all 5 labels are 1 \('cat'\), expected .*'non-cat', 'c",
    )
    refused(make(train_set_y=np.zeros(5, int)), r"all 5 labels are 0 \('non-cat'\)")
    digits = DIGITS | {"train_set_y": np.array([0, 1, 0, 1, 0])}
    refused(make(**digits), r"all 5 labels are 0 \('zero one'\)", positive="two")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite(make: Make, value: float) -> None:
    pixels = PIXELS / 255
    pixels[3, 1, 2] = pixels[4, 0, 0] = value
    refused(
        make(train_set_x=pixels),
        rf"train_set_x has 2 values .* first one \({value}\) in picture 3 at \(1, 2\)",
    )
    refused(make(test_set_x=pixels), "test_set_x has 2 values")


def test_floats_outside_0_to_1(make: Make) -> None:
    refused(make(train_set_x=PIXELS.astype(float)), "floats from 0 to 232, expected 0 to 1")
    refused(make(train_set_x=PIXELS / 255 - 0.5), "floats from -0.5 to")


@pytest.mark.parametrize("dtype", ["i8", "i1", "u2", "c16", "?"])
def test_pixels_of_other_types(make: Make, dtype: str) -> None:
    refused(make(train_set_x=PIXELS.astype(dtype)), "train_set_x is of type .*, expected uint8")


def test_pictures_of_different_size(make: Make) -> None:
    refused(
        make(test_set_x=PIXELS.reshape(5, 3, 2)),
        r"test_set_x has pictures of shape \(3, 2\), expected \(2, 3\) as in train_set_x",
    )


@pytest.mark.parametrize("shape", [(30,), (5, 6), (5, 2, 3, 1, 1), ()])
def test_pictures_of_another_rank(make: Make, shape: tuple[int, ...]) -> None:
    refused(make(train_set_x=np.zeros(shape, np.uint8)), r"expected \(pictures, height, width\)")


@pytest.mark.parametrize("shape", [(0, 2, 3), (5, 0, 3)])
def test_empty_sets(make: Make, shape: tuple[int, ...]) -> None:
    empty = {"train_set_x": np.zeros(shape, np.uint8), "train_set_y": np.zeros(shape[0], int)}
    refused(make(**empty), r"train_set_x is empty \(its shape is \(")


def test_labels_that_are_no_integers(make: Make) -> None:
    refused(make(train_set_y=LABELS * 1.0), "train_set_y is of type float64, expected integers")
    refused(make(train_set_y=NAMES[LABELS]), r"train_set_y is of type \|S7, expected integers")


def test_labels_outside_of_the_classes(make: Make) -> None:
    refused(make(train_set_y=LABELS + 1), "holds the label 2, expected 0 to 1, as list_classes")
    refused(make(test_set_y=LABELS - 1), "test_set_y holds the label -1")
    refused(make(train_set_y=LABELS.astype("u8") * (2**64 - 1)), f"holds the label {2**64 - 1}")


def test_classes_that_are_no_list_of_names(make: Make) -> None:
    for classes in (NAMES[:1], NAMES.reshape(2, 1), np.arange(2), NAMES[0], NAMES[:0]):
        refused(make(list_classes=classes), "list_classes is .*, expected a list of two or more")
    text = np.array(["a", "b"], dtype=h5py.string_dtype())
    refused(make(list_classes=text), 'list_classes.*store np.array.names, dtype="S"')


@pytest.mark.parametrize(
    "names", [np.full(5, b"a" * 2**20), np.arange(70_000).astype("S5")], ids=["long", "many"]
)
def test_names_that_take_much_memory(make: Make, names: np.ndarray) -> None:
    refused(
        make(list_classes=names), "expected at most .* class names of together at most .* bytes"
    )


def test_names_beyond_ascii(make: Make) -> None:
    path = make(list_classes=np.array(["Käse".encode(), b"\xff"]))
    assert load_data(path, path)[4] == ["Käse", "\\xff"]


def test_classes_that_differ_between_the_files(make: Make) -> None:
    train, test = make("train.h5"), make("train.h5.test", list_classes=NAMES[::-1])
    refused(train, "list_classes is 'cat', 'non-cat', expected 'non-cat', 'cat' as", test)


def test_an_error_of_the_file_is_told_from_one_of_the_call(make: Make) -> None:
    with pytest.raises(FileFormatError):
        load_data(make(train_set_y=LABELS[:4]), make("test.h5"))


@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 3), (1, 2, 3, 3), (0, 2, 3), (3, 0, 2)])
def test_flatten_makes_a_column_of_each_picture(shape: tuple[int, ...]) -> None:
    images = np.arange(np.prod(shape)).reshape(shape)
    columns = flatten(images)
    assert columns.shape == (int(np.prod(shape[1:])), shape[0])
    for j in range(shape[0]):
        np.testing.assert_array_equal(columns[:, j], images[j].ravel())


def test_flatten_is_a_view_where_it_can_be_and_right_where_it_cannot() -> None:
    images = np.arange(24).reshape(4, 2, 3)
    assert np.shares_memory(flatten(images), images)
    assert flatten(images).T.flags.c_contiguous
    turned = images.transpose(0, 2, 1)
    np.testing.assert_array_equal(flatten(turned)[:, 1], turned[1].ravel())


@pytest.mark.parametrize("shape", [(), (4,)])
def test_flatten_needs_pictures(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"flatten needs pictures of shape \(N, \.\.\.\), got"):
        flatten(np.zeros(shape))


def test_flatten_goes_through_numpys_protocols() -> None:
    calls = []

    class Recorder:
        shape = (4, 2, 3)

        def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
            calls.append(function)
            return self

    recorder = Recorder()
    assert flatten(recorder) is recorder
    assert calls == [np.reshape, np.transpose]


def test_flatten_keeps_pictures_together() -> None:
    values = np.arange(24).reshape(4, 2, 3)
    columns = flatten(values)
    assert columns.shape == (6, 4)
    for j, picture in enumerate(values):
        assert columns[:, j].tolist() == picture.ravel().tolist()
    assert not np.array_equal(columns, values.reshape(-1, 4))
