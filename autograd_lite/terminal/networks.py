"""`train`, `predict` and `check`: classifiers of pictures in HDF5 files, and files of models."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from autograd_lite.terminal.options import Formatter, above_zero, in_options, whole


def add_to(commands: Any) -> None:
    """Adds the subcommands to a parser's."""
    train = commands.add_parser(
        "train",
        help="train a deep classifier on pictures in HDF5 files",
        description=(
            "Trains a deep classifier on pictures, labels and names of classes in the datasets "
            "train_set_x, train_set_y, test_set_x, test_set_y and list_classes, and writes it."
        ),
        formatter_class=Formatter,
    )
    train.add_argument("train", type=Path, help="the file to train on")
    train.add_argument("test", type=Path, help="the file to test on; it may be the same")
    train.add_argument(
        "--positive", nargs="+", metavar="CLASS", help="the classes to tell from all others"
    )
    train.add_argument(
        "--layers",
        type=whole(1),
        nargs="+",
        default=[20, 7, 5],
        metavar="UNITS",
        help="units of the hidden layers",
    )
    train.add_argument("--rate", type=above_zero, default=0.0075, help="the learning rate")
    train.add_argument(
        "--iterations",
        type=whole(1),
        default=2500,
        metavar="N",
        help="updates, of all samples each",
    )
    train.add_argument(
        "--seed", type=whole(0), default=0, metavar="N", help="seed of the first weights"
    )
    train.add_argument("--output", type=Path, default=Path("model.h5"), help="the file to write")
    train.set_defaults(run=_train)

    predict = commands.add_parser(
        "predict",
        help="say what a trained classifier sees in pictures",
        description="Prints the class that a model of `train`, or of an estimator, gives to each.",
        formatter_class=Formatter,
    )
    predict.add_argument("model", type=Path, help="a file that train or nn.save wrote")
    predict.add_argument("pictures", type=Path, help="an HDF5 file of pictures")
    predict.add_argument("--dataset", default="test_set_x", help="the dataset of the pictures")
    predict.set_defaults(run=_predict)

    check = commands.add_parser(
        "check",
        help="say whether a file of a model is whole and safe",
        description=(
            "Reads all of a checkpoint as nn.load does, and prints what is in it; the exit status "
            "is 1 if nn.load would refuse it."
        ),
    )
    check.add_argument("path", type=Path, help="a file that nn.save wrote")
    check.set_defaults(run=_check)


def _train(options: argparse.Namespace) -> int:
    from autograd_lite import nn

    if not options.output.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(options.output.parent)!r} for --output")
    try:
        data = nn.load_data(options.train, options.test, positive=options.positive)
    except ValueError as error:
        raise in_options(error) from None
    train_X, train_Y, test_X, test_Y, classes = data
    print(f"{train_X.shape[1]} and {test_X.shape[1]} pictures of {len(train_X)} numbers")
    print(f"{classes[0]!r} is 0, {classes[1]!r} is 1")
    model = nn.DeepClassifier(
        options.layers,
        learning_rate=options.rate,
        max_iter=options.iterations,
        random_state=options.seed,
        verbose=True,
    ).fit(train_X.T, train_Y[0])
    print(f"loss {model.loss_curve_[0]:.4f} -> {model.loss_curve_[-1]:.4f}")
    print(f"right in training {100 * model.score(train_X.T, train_Y[0]):.2f} %")
    print(f"right in the test {100 * model.score(test_X.T, test_Y[0]):.2f} %")
    nn.save(model, options.output)
    print(f"written: {options.output}")
    return 0


def _saved() -> Any:
    return import_module("autograd_lite.nn.saved")


def _predict(options: argparse.Namespace) -> int:
    saved = _saved()
    model = saved.estimator_in(options.model)
    predicted = model.predict(saved.samples_in(options.pictures, options.dataset))
    for number, label in enumerate(predicted):
        print(f"{number}\t{label}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from autograd_lite import nn

    try:
        arrays, description = _saved().contents(options.path)
    except nn.FileFormatError as error:
        print(error)
        return 1
    for name, array in arrays.items():
        print(f"{name:<28} {array.dtype} {array.shape}")
    told = ", ".join(f"{key} {value!r}" for key, value in description.items())
    print(f"whole, and nothing in it runs; described as: {told or 'nothing'}")
    return 0
