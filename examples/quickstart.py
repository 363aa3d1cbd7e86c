"""The README's first lines: record NumPy code, differentiate it, check a derivation, draw it."""

import numpy as np

import autograd_lite as al

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(4, 8)), rng.normal(size=(1, 8))
W = al.Tensor(rng.normal(size=(1, 4)), requires_grad=True)
b = al.Tensor(np.zeros((1, 1)), requires_grad=True)

Z = np.dot(W, X) + b  # NumPy's own functions and operators
cost = np.mean((Z - Y) ** 2)

dZ = 2 * (Z.data - Y) / Y.size  # derived by hand
al.label(locals())
al.compare(cost, {"dZ": dZ, "dW": dZ @ X.T, "db": dZ.sum(axis=1, keepdims=True)})
picture = al.draw(cost)  # picture.render("graph.svg")

cost.backward()
W.data -= 0.1 * W.grad
