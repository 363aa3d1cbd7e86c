"""A training loop with types: mypy and pyright accept it in their strict modes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_lite as al
from autograd_lite import nn

Floats = NDArray[np.float64]


def cost(W: al.Tensor, b: al.Tensor, X: Floats, Y: Floats) -> al.Tensor:
    """The log-loss of logistic regression.

    To a type checker `np.exp` returns an array, and `al.exp` a Tensor. A Tensor times an array is a
    Tensor, but an array times a Tensor has the type Any.
    """
    A = 1 / (1 + al.exp(-(al.dot(W, X) + b)))
    return -al.mean(al.log(A) * Y + al.log(1 - A) * (1 - Y))


def squares(w: Floats) -> np.float64:
    """A function of plain arrays, to show that transforms keep the types of its parameters."""
    return np.sum(w**2)


@al.no_grad
def accuracy(W: al.Tensor, b: al.Tensor, X: Floats, Y: Floats) -> float:
    """The share of samples on the right side of 1/2."""
    are_right = ((W @ X + b).data > 0) == (Y > 0.5)
    return np.count_nonzero(are_right) / Y.size


def main() -> None:
    """Trains by hand and by `nn.fit`, and prints the results."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 100))
    Y = (X[:1] + X[1:] > 0).astype(np.float64)
    W = al.Tensor(np.zeros((1, 2)), requires_grad=True)
    b = al.Tensor(np.zeros((1, 1)), requires_grad=True)
    for _ in range(50):
        loss = cost(W, b, X, Y)
        loss.backward()
        for parameter in (W, b):
            if parameter.grad is not None:
                parameter.data -= 0.5 * parameter.grad
            parameter.zero_grad()
    print(f"by hand: {accuracy(W, b, X, Y):.2f}")

    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    optimiser = nn.Adam(model.parameters(), 0.1)
    history = nn.fit(
        model, X, Y, loss=nn.binary_cross_entropy, optimiser=optimiser, epochs=20, verbose=False
    )
    print(f"by nn.fit: cost {history.records[-1]['loss']:.3f}")

    gradient: Any = al.grad(al.compile(squares))(np.array([1.0, 2.0]))
    value, slope = al.value_and_grad(squares)(np.array([3.0]))
    print(f"gradients: {gradient}, {slope} at {value}")


if __name__ == "__main__":
    main()
