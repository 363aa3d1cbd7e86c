"""The source texts of the correct passes."""

LOGISTIC = """\
import numpy as np


def forward(X, Y, w, b):
    N = X.shape[1]
    Z = np.dot(w.T, X) + b
    A = 1 / (1 + np.exp(-Z))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / N
    return cost


def backward(X, Y, w, b):
    N = X.shape[1]
    Z = np.dot(w.T, X) + b
    A = 1 / (1 + np.exp(-Z))
    dZ = (A - Y) / N
    dw = np.dot(X, dZ.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    return {"dZ": dZ, "dw": dw, "db": db}
"""

LOGISTIC_COURSE = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, w, b):
    m = X.shape[1]
    Z = np.dot(w.T, X) + b
    A = sigmoid(Z)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return cost, (X, Y, A)


def backward(cache):
    X, Y, A = cache
    m = X.shape[1]
    dZ = A - Y
    dw = 1 / m * np.dot(X, dZ.T)
    db = np.mean(dZ, axis=1, keepdims=True)
    return dw, db
"""

LOGISTIC_BY_ACTIVATION = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, w, b):
    N = X.shape[1]
    Z = w.T @ X + b
    A = sigmoid(Z)
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return cost, (X, Y, Z, A, N)


def backward(cache):
    X, Y, Z, A, N = cache
    dA = ((1 - Y) / (1 - A) - Y / A) / N
    dZ = dA * A * (1 - A)
    return {
        "dA": dA,
        "dZ": dZ,
        "dw": X @ dZ.T,
        "db": dZ.sum(axis=1, keepdims=True),
    }
"""

HIDDEN = """\
import numpy as np


def forward(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N
    return cost


def backward(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    dZ2 = (A2 - Y) / N
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {
        **{"dZ2": dZ2, "dW2": dW2, "db2": db2},
        **{"dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1},
    }
"""

HIDDEN_COURSE = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return cost, {"A1": A1, "A2": A2, "Z1": Z1, "W2": W2, "X": X, "Y": Y, "N": N}


def backward(cache):
    X, Y, W2, N = cache["X"], cache["Y"], cache["W2"], cache["N"]
    Z1, A1, A2 = cache["Z1"], cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / N
    db2 = np.sum(dZ2, axis=1, keepdims=True) / N
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / N
    db1 = np.sum(dZ1, axis=1, keepdims=True) / N
    return dW1, db1, dW2, db2
"""

DEEP = """\
import numpy as np


def forward(X, Y, W1, b1, W2, b2, W3, b3, W4, b4):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.maximum(0, Z2)
    Z3 = np.dot(W3, A2) + b3
    A3 = np.maximum(0, Z3)
    Z4 = np.dot(W4, A3) + b4
    A4 = 1 / (1 + np.exp(-Z4))
    cost = -np.sum(Y * np.log(A4) + (1 - Y) * np.log(1 - A4)) / N
    return cost, (N, X, Y, Z1, A1, Z2, A2, Z3, A3, Z4, A4, W2, W3, W4)


def backward(cache):
    N, X, Y, Z1, A1, Z2, A2, Z3, A3, Z4, A4, W2, W3, W4 = cache
    dZ4 = (A4 - Y) / N
    dW4 = np.dot(dZ4, A3.T)
    db4 = np.sum(dZ4, axis=1, keepdims=True)
    dA3 = np.dot(W4.T, dZ4)
    dZ3 = np.where(Z3 > 0, dA3, 0)
    dW3 = np.dot(dZ3, A2.T)
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, A2 > 0)
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
"""

DEEP_DICT = """\
import numpy as np


def forward(X, Y, parameters):
    L = len(parameters) // 2
    N = X.shape[1]
    A = {"0": X}
    Z = {}
    for l in range(1, L):
        Z[str(l)] = np.dot(parameters["W" + str(l)], A[str(l - 1)]) + parameters["b" + str(l)]
        A[str(l)] = np.maximum(0, Z[str(l)])
    Z[str(L)] = np.dot(parameters["W" + str(L)], A[str(L - 1)]) + parameters["b" + str(L)]
    A[str(L)] = 1 / (1 + np.exp(-Z[str(L)]))
    cost = -np.sum(Y * np.log(A[str(L)]) + (1 - Y) * np.log(1 - A[str(L)])) / N
    return cost, (A, Z, Y, parameters)


def backward(cache):
    A, Z, Y, parameters = cache
    L = len(parameters) // 2
    N = Y.shape[1]
    dZ, dA, gradients = {}, {}, {}
    dZ[str(L)] = (A[str(L)] - Y) / N
    gradients["dW" + str(L)] = np.dot(dZ[str(L)], A[str(L - 1)].T)
    gradients["db" + str(L)] = np.sum(dZ[str(L)], axis=1, keepdims=True)
    for l in range(L - 1, 0, -1):
        dA[str(l)] = np.dot(parameters["W" + str(l + 1)].T, dZ[str(l + 1)])
        dZ[str(l)] = dA[str(l)] * (Z[str(l)] > 0)
        gradients["dW" + str(l)] = np.dot(dZ[str(l)], A[str(l - 1)].T)
        gradients["db" + str(l)] = np.sum(dZ[str(l)], axis=1, keepdims=True)
    return gradients
"""
