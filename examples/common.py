"""The common parts of the two classifier examples: options, data and results."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import autograd_lite as al
import nn
from autograd_lite.extend import write
from autograd_lite.terminal.options import Formatter, above_zero, in_options, whole

DIGITS = Path(__file__).parent / "data" / "digits.h5"
ODD = ["1", "3", "5", "7", "9"]


def parser(description: str, learning_rate: float, iterations: int) -> argparse.ArgumentParser:
    """A parser of the options of both examples."""
    options = argparse.ArgumentParser(description=description, formatter_class=Formatter)
    options.add_argument(
        "--train", metavar="FILE", help="HDF5 file with train_set_x, train_set_y (default: digits)"
    )
    options.add_argument(
        "--test", metavar="FILE", help="HDF5 file with test_set_x, test_set_y (default: digits)"
    )
    options.add_argument(
        "--positive",
        nargs="+",
        metavar="CLASS",
        help="the classes to tell from all others (default: the odd digits)",
    )
    options.add_argument(
        "--learning-rate",
        type=above_zero,
        default=learning_rate,
        metavar="RATE",
        help="the length of a step along the gradient",
    )
    options.add_argument(
        "--iterations",
        type=whole(1),
        default=iterations,
        metavar="N",
        help="updates, of all samples each",
    )
    options.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        metavar="FOLDER",
        help="where the results are written",
    )
    return options


def load(options: argparse.Namespace) -> tuple[Any, ...]:
    """The five results of `nn.load_data`, by default for odd and even handwritten digits."""
    if (options.train is None) != (options.test is None):
        raise ValueError("--train and --test go together: give both files, or none")
    train, test, positive = options.train, options.test, options.positive
    if train is None:
        train, test, positive = DIGITS, DIGITS, positive or ODD
    try:
        return nn.load_data(train, test, positive=positive)
    except ValueError as error:
        raise in_options(error) from None


def prepare(folder: Path) -> None:
    """Makes the output folder, and looks for the extras, before any work is done."""
    try:
        import_module("matplotlib")
    except ImportError:
        raise ImportError("this example draws with matplotlib; pip install '.[examples]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make the output folder {str(folder)!r}: {error.strerror}") from None


def describe(train_X: Any, test_X: Any, classes: list[str]) -> None:
    """Prints the sizes of the data and the classes."""
    print(
        f"{train_X.shape[1]} training and {test_X.shape[1]} test pictures of {len(train_X)} numbers"
    )
    print(f"the question: {classes[0]!r} (0) or {classes[1]!r} (1)?\n")


def report(model: Any, data: tuple[Any, ...]) -> None:
    """Prints the cost and the accuracies."""
    train_X, train_Y, test_X, test_Y, _ = data
    print(f"cost           {model.loss_curve_[0]:.6f} -> {model.loss_curve_[-1]:.6f}")
    if not model.loss_curve_[-1] < model.loss_curve_[0]:
        print("note: the cost did not fall; try a smaller --learning-rate", file=sys.stderr)
    print(f"train accuracy {100 * model.score(train_X.T, train_Y[0]):.2f} %")
    print(f"test accuracy  {100 * model.score(test_X.T, test_Y[0]):.2f} %\n")


def write_results(model: Any, loss: al.Tensor, folder: Path) -> None:
    """Writes the model, the picture of the graph and the cost curve, and prints their paths."""
    nn.save(model, folder / "model.h5")
    written = [folder / "model.h5"]
    picture = al.draw(loss)
    try:
        written.append(Path(picture.render(folder / "graph.svg")))
    except RuntimeError as error:
        print(f"note: {error}", file=sys.stderr)
        written.append(Path(picture.render(folder / "graph.dot")))
    image = io.BytesIO()
    nn.plots.cost(model).savefig(image, format="png", dpi=120)
    write(folder / "cost.png", image.getvalue(), "figure")
    written.append(folder / "cost.png")
    for path in written:
        print(f"written: {path}")


def run(main: Callable[[], None]) -> None:
    """Runs an example; an error in its input is printed in one sentence, with exit status 2."""
    try:
        main()
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
