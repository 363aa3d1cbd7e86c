"""The backward pass of an article, marked: each report names a mistake, until none is left.

The listing is the last one of Keon Yong Lee, "Deep Learning by Andrew Ng, Course 1" (2019), with
nothing but its syntax repaired. Each step below corrects what the report before it says.
"""

import numpy as np

import autograd_lite as al

FORWARD = """
def forward(X, parameters, Y):
    L = len(parameters) // 2
    N = X.shape[1]
    A = {}
    Z = {}
    A['0'] = X
    for l in range(1, L):
        Z[str(l)] = np.dot(parameters['W' + str(l)], A[str(l - 1)]) + parameters['b' + str(l)]
        A[str(l)] = np.maximum(0, Z[str(l)])
    Z[str(L)] = np.dot(parameters['W' + str(L)], A[str(L - 1)]) + parameters['b' + str(L)]
    A[str(L)] = 1 / (1 + np.exp(-Z[str(L)]))
    cost = -np.sum(Y * np.log(A[str(L)]) + (1 - Y) * np.log(1 - A[str(L)])) / N
    return cost, (A, Z, parameters, Y)
"""

BACKWARD = """
def backward(cache):
    A, Z, parameters, Y = cache
    L = len(parameters) // 2
    N = Y.shape[1]
    dZ = {}
    gradients = {}
    dZ[str(L)] = A[str(L)] - Y
    gradients['dW' + str(L)] = np.dot(dZ[str(L)], A[str(L - 1)].T) / N
    gradients['db' + str(L)] = np.dot(dZ[str(L)].T, np.ones(N, 1)) / N
    for l in reversed(range(1, L)):
        dA[str(l)] = np.dot(parameters['W' + str(l + 1)].T, dZ[str(l + 1)])
        gradients['dW' + str(l)] = np.dot(dZ[str(l + 1)], A[str(l)].T) / N
        gradients['db' + str(l)] = np.dot(dZ[str(l + 1)].T, np.ones(N, 1)) / N
    return gradients
"""

dA = "dA[str(l)] = np.dot(parameters['W' + str(l + 1)].T, dZ[str(l + 1)])\n"
REPAIRS = [
    ("np.ones takes a shape", "np.ones(N, 1)", "np.ones((N, 1))"),
    ("dZ is (units, N) and needs no transpose", "].T, np.ones", "], np.ones"),
    ("dA is a dict as well", "    dZ = {}\n", "    dZ = {}\n    dA = {}\n"),
    (
        "the hidden layers have a dZ too",
        dA,
        dA + "        dZ[str(l)] = dA[str(l)] * (Z[str(l)] >= 0)\n",
    ),
    (
        "dW of a layer is of its dZ and the A before",
        "dZ[str(l + 1)], A[str(l)].T",
        "dZ[str(l)], A[str(l - 1)].T",
    ),
    ("db of a layer is of its dZ", "dZ[str(l + 1)], np.ones", "dZ[str(l)], np.ones"),
]


def main() -> None:
    """Mark the listing as it stands, and again after each repair."""
    rng = np.random.default_rng(0)
    sizes = [6, 5, 4, 3, 1]
    parameters = {}
    for l, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):  # noqa: E741
        parameters[f"W{l}"] = rng.normal(size=(n_out, n_in))
        parameters[f"b{l}"] = rng.normal(size=(n_out, 1))
    X, Y = rng.normal(size=(6, 9)), (rng.random((1, 9)) < 0.4).astype(float)

    source = BACKWARD
    for title, old, new in [("as it stands", "", ""), *REPAIRS]:
        source = source.replace(old, new) if old else source
        print(f"--- {title}")
        forward = al.check.from_source(FORWARD, np=np)
        backward = al.check.from_source(source, np=np)
        al.check_derivation(forward, backward, X, parameters, Y)
        print()


if __name__ == "__main__":
    main()
