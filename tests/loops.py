"""Training in a loop, as people write it."""

import numpy as np

import autograd_lite as al


def parameters(width=6):
    rng = np.random.default_rng(1)
    shapes = [(width, 8), (width, 1), (1, width), (1, 1)]
    return [al.Tensor(rng.normal(size=s) * 0.5, requires_grad=True) for s in shapes]


def loss_of(W1, b1, W2, b2, X, Y):
    A1 = al.relu(np.dot(W1, X) + b1)
    A2 = al.sigmoid(np.dot(W2, A1) + b2)
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


def engine_loop(X, Y, steps=5):
    """The loop that people write; it knows nothing of Dask."""
    own = parameters()
    costs = []
    for _ in range(steps):
        cost = loss_of(*own, X, Y)
        cost.backward()
        for p in own:
            p.data -= 0.5 * p.grad
            p.zero_grad()
        costs.append(cost.item())
    return costs
