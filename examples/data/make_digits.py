"""Make digits.h5 from the handwritten digits that scikit-learn ships (see README.md).

`python -m examples.data.make_digits [FILE]`, from the top of the repository. The same
scikit-learn gives the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nn.data import hdf5

DIGITS = Path(__file__).with_name("digits.h5")
LEVELS = 16
TEST_SIZE = 360
SEED = 0


def make(path: Path) -> None:
    digits = load_digits()
    pictures = np.round(digits.images * 255 / LEVELS).astype(np.uint8)
    labels = digits.target.astype(np.int64)
    train_x, test_x, train_y, test_y = train_test_split(
        pictures, labels, test_size=TEST_SIZE, random_state=SEED, stratify=labels
    )
    datasets = {
        "train_set_x": train_x,
        "train_set_y": train_y,
        "test_set_x": test_x,
        "test_set_y": test_y,
        "list_classes": np.array([str(name) for name in digits.target_names], dtype="S"),
    }
    hdf5.write(path, datasets, compress=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else DIGITS)
