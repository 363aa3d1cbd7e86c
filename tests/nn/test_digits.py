"""The embedded digits: what the examples run on is what its README says."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.data import hdf5, load_data

DATA = Path(__file__).parents[2] / "examples" / "data"
DIGITS = DATA / "digits.h5"
SHAPES = {
    "train_set_x": ((1437, 8, 8), "uint8"),
    "train_set_y": ((1437,), "int64"),
    "test_set_x": ((360, 8, 8), "uint8"),
    "test_set_y": ((360,), "int64"),
    "list_classes": ((10,), "S1"),
}


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    with hdf5.reading(DIGITS) as file:
        return {
            name: file.read(name, hdf5.Spec(shape, np.dtype(dtype)))
            for name, (shape, dtype) in SHAPES.items()
        }


def test_the_classes_are_the_digits(digits: dict[str, np.ndarray]) -> None:
    assert digits["list_classes"].tolist() == [str(i).encode() for i in range(10)]


def test_the_file_is_small() -> None:
    assert DIGITS.stat().st_size < 50_000


def test_the_levels_can_be_had_back(digits: dict[str, np.ndarray]) -> None:
    levels = np.arange(17)
    scaled = np.round(levels * 255 / 16)
    np.testing.assert_array_equal(np.round(scaled * 16 / 255), levels)
    pixels = np.concatenate([digits["train_set_x"], digits["test_set_x"]])
    np.testing.assert_array_equal(np.unique(pixels), scaled)


def test_every_digit_has_the_same_share_in_both_sets(digits: dict[str, np.ndarray]) -> None:
    train = np.bincount(digits["train_set_y"], minlength=10)
    test = np.bincount(digits["test_set_y"], minlength=10)
    shares = test / (train + test)
    assert shares.max() - shares.min() < 0.01
    assert not np.array_equal(digits["train_set_y"], np.sort(digits["train_set_y"]))


def test_they_are_the_digits_of_scikit_learn(digits: dict[str, np.ndarray]) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    images, target = datasets.load_digits(return_X_y=True)
    pixels = np.concatenate([digits["train_set_x"], digits["test_set_x"]]).reshape(1797, 64)
    labels = np.concatenate([digits["train_set_y"], digits["test_set_y"]])
    ours = np.column_stack([labels, np.round(pixels.astype(float) * 16 / 255)])
    theirs = np.column_stack([target, images])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_the_script_makes_them_again(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    pytest.importorskip("sklearn")
    make = runpy.run_path(str(DATA / "make_digits.py"))["make"]
    make(tmp_path / "again.h5")
    with hdf5.reading(tmp_path / "again.h5") as file:
        for name, array in digits.items():
            found = file.read(name, hdf5.Spec(array.shape, array.dtype))
            np.testing.assert_array_equal(found, array)


def test_they_load_as_odd_and_even() -> None:
    train_X, train_Y, test_X, test_Y, classes = load_data(DIGITS, DIGITS, positive=range(1, 10, 2))
    assert (train_X.shape, test_X.shape) == ((64, 1437), (64, 360))
    assert classes == ["0 2 4 6 8", "1 3 5 7 9"]
    assert (train_X.min(), train_X.max()) == (0, 1)
    assert 0.4 < train_Y.mean() < 0.6
    assert 0.4 < test_Y.mean() < 0.6


def test_their_source_is_credited() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for credit in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0", "What was changed"):
        assert credit in readme


def test_a_net_reads_97_of_100_digits(digits: dict[str, np.ndarray]) -> None:
    X, test_X = (nn.flatten(digits[f"{part}_set_x"]) / 255 for part in ("train", "test"))
    net = nn.Sequential(nn.Linear(64, 128, seed=0), nn.ReLU(), nn.Linear(128, 10, seed=1))
    history = nn.fit(
        net,
        X,
        digits["train_set_y"],
        loss=nn.cross_entropy,
        optimiser=nn.Adam(net.parameters(), 0.003),
        epochs=40,
        seed=0,
        validation=(test_X, digits["test_set_y"]),
        metrics=["accuracy"],
        verbose=False,
    )
    assert history["validation_accuracy"][-1] >= 0.97


@pytest.mark.slow
def test_a_convolutional_net_reads_98_of_100_digits(digits: dict[str, np.ndarray]) -> None:
    X, test_X = (nn.flatten(digits[f"{part}_set_x"]) / 255 for part in ("train", "test"))
    net = nn.Sequential(
        nn.Unflatten(1, 8, 8),
        nn.Conv2d(1, 16, 3, padding=1, seed=0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, seed=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10, seed=2),
    )
    history = nn.fit(
        net,
        X,
        digits["train_set_y"],
        loss=nn.cross_entropy,
        optimiser=nn.Adam(net.parameters(), 0.003),
        epochs=25,
        batch_size=64,
        seed=0,
        validation=(test_X, digits["test_set_y"]),
        metrics=["accuracy"],
        verbose=False,
    )
    assert history["validation_accuracy"][-1] >= 0.98
