"""Train one classifier and write pictures of all kinds of it into a folder, with an index.

The classifier tells odd handwritten digits from even ones. `index.html` in the folder shows the
pictures, `sheet.html` the derivation of a small net line by line, `mistake.html` a derivation by
hand with a mistake, and `walk.html` the derivation of the classifier.
"""

import argparse
import functools
import html
import importlib.util
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import DIGITS, ODD, prepare, run

import autograd_lite as al
import nn
from autograd_lite.extend import write
from autograd_lite.terminal.options import Formatter, whole
from nn import plots

SAMPLES = 6
"""The number of samples in pictures of the graph; training uses all samples."""


def trained(
    data: tuple[Any, ...], updates: int
) -> tuple[Any, list[float], list[float], plots.Steps]:
    """A classifier, its costs on the training and on the test data, and its recorded steps."""
    train_X, train_Y, test_X, test_Y, _ = data
    # fit() makes the network; the training is written out to get the second curve.
    model = nn.DeepClassifier((12, 6), max_iter=1, random_state=0).fit(train_X.T, train_Y[0])
    network = model.network_
    optimiser = nn.SGD(network.parameters(), learning_rate=0.1)
    costs, test_costs, steps = [], [], plots.Steps(network)
    for update in range(updates):
        network.zero_grad()
        cost = nn.binary_cross_entropy_with_logits(network(train_X), train_Y)
        cost.backward()
        optimiser.step()
        steps()
        costs.append(cost.item())
        if update % 10 == 0:
            with al.no_grad():
                seen = nn.binary_cross_entropy_with_logits(network(test_X), test_Y)
            test_costs.append(seen.item())
    return model, costs, test_costs, steps


def forward(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:
    """A net with one hidden layer, as a person derives it by hand."""
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return cost, (X, Y, Z1, A1, W2, A2)


def squared_error(W: Any, b: Any, X: Any) -> Any:
    """The function for the picture of local derivatives."""
    Z = W @ X + b
    A = np.tanh(Z)
    return np.sum((A - 1) ** 2)


def backward(cache: tuple[Any, ...]) -> dict[str, Any]:
    """The gradients of the net, with a mistake in the line of dZ1."""
    X, Y, Z1, A1, W2, A2 = cache
    dZ2 = (A2 - Y) / Y.size
    dW2 = dZ2 @ A1.T
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (A1 >= 0)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def rings() -> tuple[Any, Any, Any]:
    """A classifier of points in the plane, and the points: a disc in a ring."""
    rng = np.random.default_rng(0)
    angle, inside = rng.uniform(0, 2 * np.pi, 300), np.arange(300) % 2
    radius = np.where(inside, 0.5, 1.5) + 0.2 * rng.normal(size=300)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    model = nn.DeepClassifier((8, 8), learning_rate=0.3, max_iter=800, random_state=1)
    return model.fit(X, inside), X, inside


def graphs(model: Any, data: tuple[Any, ...]) -> Iterator[tuple[str, str, Any]]:
    """Yields the pictures of computations: the name of a file, its title, and the picture."""
    X, Y = al.Tensor(data[0][:, :SAMPLES], name="X"), data[1][:, :SAMPLES]
    network = model.network_

    def cost() -> al.Tensor:
        found = nn.binary_cross_entropy_with_logits(network(X), Y)
        al.label({"Y": Y, "cost": found})
        return found

    small = np.random.default_rng(0).normal(size=(3, 4))
    net = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Tanh(), nn.Linear(2, 1, seed=1))
    deep = nn.Sequential(
        *[part for _ in range(12) for part in (nn.Linear(3, 3, seed=0), nn.ReLU())]
    )
    weights = [p.numpy() for p in net.parameters()]
    targets = np.array([[0.0, 1.0, 1.0, 0.0]])
    report = al.check_derivation(forward, backward, *weights, small, targets, show=False)
    yield (
        "sheet",
        "A small net, line by line",
        al.sheet(forward, *weights, small, targets).picture(),
    )
    yield "graph", "The cost of the classifier: modules, parameters, shapes", al.draw(cost())
    yield "folded", "Its modules as one box each", al.draw(cost(), depth=1)
    yield (
        "values",
        "Values and gradients: their numbers, or their range and distribution",
        al.draw(cost(), values=True, gradients=True, legend=True),
    )
    yield (
        "local",
        "The local derivative on each arrow, and the line of source",
        al.draw(squared_error, *weights[:2], small, local=True, lines=True),
    )
    yield (
        "backward",
        "The computation of the gradients, recorded as well",
        al.draw(net, small, backward=True),
    )
    yield "repeated", "Twelve equal layers", al.draw(deep, small, fold=True)
    yield "report", "A derivation by hand, marked", al.draw(report)
    yield "dark", "On a dark background", al.draw(net, small, values=True, theme="dark")
    yield "print", "In ink", al.draw(net, small, theme="print")


def pages(model: Any, data: tuple[Any, ...], folder: Path) -> Iterator[tuple[str, str]]:
    """Writes the pages that step through the chain rule; yields their files and titles."""
    X, Y = al.Tensor(data[0][:, :SAMPLES], name="X"), data[1][:, :SAMPLES]
    cost = nn.binary_cross_entropy_with_logits(model.network_(X), Y)
    al.label({"Y": Y, "cost": cost})
    al.sheet(cost, path=folder / "walk.html")
    yield "walk.html", "The cost of the classifier, value by value"
    weights = [
        p.numpy()
        for p in nn.Sequential(nn.Linear(3, 2, seed=0), nn.Linear(2, 1, seed=1)).parameters()
    ]
    rng = np.random.default_rng(0)
    inputs = (*weights, rng.normal(size=(3, 4)), np.array([[0.0, 1.0, 1.0, 0.0]]))
    report = al.check_derivation(forward, backward, *inputs, show=False)
    al.sheet(forward, *inputs, path=folder / "sheet.html")
    yield "sheet.html", "The derivation of a small net, line by line, with numbers to drag"
    al.sheet(report, path=folder / "mistake.html")
    yield "mistake.html", "A derivation by hand, with the verdict on each line"


def charts(
    model: Any,
    data: tuple[Any, ...],
    costs: list[float],
    test_costs: list[float],
    steps: plots.Steps,
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yields the plots: the name of a file, its title, and a function that makes the figure."""
    train_X, train_Y, test_X, test_Y, classes = data
    network = model.network_
    yield (
        "cost",
        "The cost in training, and on the test data",
        lambda: plots.cost(costs, test_costs),
    )
    yield "weights", "What the first layer looks for", lambda: plots.weights(network)
    yield (
        "mistakes",
        "The test pictures that it is most wrong about",
        lambda: plots.mistakes(model, test_X.T, test_Y[0]),
    )
    yield "gradient_flow", "The gradients by layer", lambda: plots.gradient_flow(network)
    yield (
        "dead_units",
        "The units that give 0 for every sample",
        lambda: plots.dead_units(network, train_X),
    )
    yield (
        "update_ratios",
        "The size of each update over that of the weights",
        lambda: plots.update_ratios(steps),
    )
    yield "histograms", "The weights over the updates", lambda: plots.histograms(steps)
    # These plots need scikit-learn.
    scores = (plots.confusion_matrix, plots.roc, plots.precision_recall, plots.calibration)
    for score in scores if importlib.util.find_spec("sklearn") else ():
        yield (
            score.__name__,
            f"On the test pictures: {score.__name__.replace('_', ' ')}",
            functools.partial(score, model, test_X.T, test_Y[0]),
        )
    yield (
        "boundary",
        "A problem in the plane, and where a classifier of it decides",
        lambda: plots.decision_boundary(*rings()),
    )


def write_index(folder: Path, links: list[tuple[str, str]], images: list[tuple[str, str]]) -> None:
    """Writes the page that shows all pictures."""
    items = "".join(
        f'<li><a href="{name}">{html.escape(title)}</a></li>\n' for name, title in links
    )
    figures = "".join(
        f'<figure><a href="{name}"><img src="{name}" alt="{html.escape(title)}" loading="lazy"></a>'
        f"<figcaption>{html.escape(title)}</figcaption></figure>\n"
        for name, title in images
    )
    style = (
        "body{font:16px/1.5 Georgia,serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
        "background:#fdfcf9;color:#1d2129}figure{margin:2.5rem 0}img{max-width:100%;"
        "background:#fff;border:1px solid #ddd;border-radius:6px;padding:.5rem;"
        "box-sizing:border-box}figcaption{color:#555}a{color:#2b5f94}"
    )
    page = (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>One classifier, in pictures</title>\n<style>{style}</style>\n"
        f"<h1>One classifier, in pictures</h1>\n<ul>\n{items}</ul>\n{figures}</html>\n"
    )
    write(folder / "index.html", page.encode(), "page")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=Formatter)
    options.add_argument(
        "--output",
        type=Path,
        default=Path("gallery"),
        metavar="FOLDER",
        help="where the pictures are written",
    )
    options.add_argument(
        "--updates", type=whole(1), default=1000, metavar="N", help="updates of the training"
    )
    args = options.parse_args()

    prepare(args.output)
    data = nn.load_data(DIGITS, DIGITS, positive=ODD)
    model, costs, test_costs, steps = trained(data, args.updates)
    print(f"test accuracy {100 * model.score(data[2].T, data[3][0]):.2f} %")

    images = []
    for name, title, picture in graphs(model, data):
        images.append((Path(picture.render(args.output / f"{name}.svg")).name, title))
    links = list(pages(model, data, args.output))
    for name, title, figure in charts(model, data, costs, test_costs, steps):
        image = io.BytesIO()
        figure().savefig(image, format="png", dpi=120)
        write(args.output / f"{name}.png", image.getvalue(), "figure")
        images.append((f"{name}.png", title))
    write_index(args.output, links, images)
    print(f"written: {args.output / 'index.html'} and {len(images) + len(links)} files beside it")


if __name__ == "__main__":
    run(main)
