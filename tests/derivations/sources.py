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

SOFTMAX = """\
import numpy as np


def forward(X, Y, W, b):
    N = X.shape[0]
    Z = X @ W + b
    M = Z.max(axis=1, keepdims=True)
    S = M + np.log(np.sum(np.exp(Z - M), axis=1, keepdims=True))
    cost = np.sum(S - np.sum(Y * Z, axis=1, keepdims=True)) / N
    return cost, (X, Y, W, Z, S)


def backward(cache):
    X, Y, W, Z, S = cache
    N = X.shape[0]
    P = np.exp(Z - S)
    dZ = (P - Y) / N
    dW = X.T @ dZ
    db = dZ.sum(axis=0, keepdims=True)
    dX = dZ @ W.T
    return {"dZ": dZ, "dW": dW, "db": db, "dX": dX}
"""

SOFTMAX_HIDDEN = """\
import numpy as np


def forward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2 + b2
    E = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
    A2 = E / np.sum(E, axis=1, keepdims=True)
    cost = -np.sum(Y * np.log(A2)) / N
    return cost


def backward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2 + b2
    E = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
    A2 = E / np.sum(E, axis=1, keepdims=True)
    dZ2 = A2 - Y
    dW2 = A1.T @ dZ2 / N
    db2 = np.sum(dZ2, axis=0) / N
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (A1 > 0).astype(float)
    dW1 = X.T @ dZ1 / N
    db1 = np.sum(dZ1, axis=0) / N
    return [dW1, db1, dW2, db2]
"""

RESIDUAL = """\
import numpy as np


def forward(X, Y, W1, b1, W2, b2, W3, b3):
    N = X.shape[1]
    penalty = 0.3
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    T2 = np.tanh(Z2)
    A2 = T2 + A1
    Z3 = np.dot(W3, A2) + b3
    fit = np.sum((Z3 - Y) ** 2) / (2 * N)
    cost = fit + penalty / 2 * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2))
    return cost, (X, Y, Z1, A1, Z2, T2, A2, Z3, W1, W2, W3, penalty)


def backward(cache):
    X, Y, Z1, A1, Z2, T2, A2, Z3, W1, W2, W3, penalty = cache
    N = X.shape[1]
    dZ3 = (Z3 - Y) / N
    dW3 = np.dot(dZ3, A2.T) + penalty * W3
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = dA2 * (1 - T2**2)
    dW2 = np.dot(dZ2, A1.T) + penalty * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dA1 += dA2
    dZ1 = dA1 * (1 - np.square(A1))
    dW1 = np.dot(dZ1, X.T) + penalty * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {
        **{"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2},
        **{"dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1},
    }
"""

RESIDUAL_IN_ONE_SUM = """\
import numpy as np


def tanh_derivative(z):
    return 1 - np.tanh(z) ** 2


def forward(X, Y, W1, b1, W2, b2, W3, b3):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.tanh(Z2) + A1
    Z3 = W3 @ A2 + b3
    A3 = 1 / (1 + np.exp(-Z3))
    penalty = 0.2 / (2 * N)
    cost = -np.mean(np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3), axis=0))
    cost = cost + penalty * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return cost, (X, Y, Z1, A1, Z2, A2, A3, W1, W2, W3)


def backward(cache):
    X, Y, Z1, A1, Z2, A2, A3, W1, W2, W3 = cache
    N = X.shape[1]
    dZ3 = A3 - Y
    dW3 = dZ3 @ A2.T / N
    db3 = np.mean(dZ3, axis=1, keepdims=True)
    dA2 = W3.T @ dZ3
    dZ2 = np.multiply(dA2, tanh_derivative(Z2))
    dW2 = (dZ2 @ A1.T + 0.2 * W2) / N
    db2 = np.mean(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2 + dA2
    dZ1 = np.multiply(dA1, tanh_derivative(Z1))
    dW1 = dZ1 @ X.T / N + 0.2 / N * W1
    db1 = np.mean(dZ1, axis=1, keepdims=True)
"""

SQUARED_ERROR = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = sigmoid(Z1)
    Z2 = np.dot(W2, A1) + b2
    cost = np.sum((Z2 - Y) ** 2) / N
    return cost


def backward(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = sigmoid(Z1)
    Z2 = np.dot(W2, A1) + b2
    dZ2 = 2 * (Z2 - Y) / N
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * A1 * (1 - A1)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    gradients = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return gradients
"""

SQUARED_ERROR_HELPER = """\
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, W1, b1, W2, b2, W3, b3):
    Z1 = W1 @ X + b1
    A1 = sigmoid(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    Z3 = W3 @ A2 + b3
    N = Y.shape[1]
    return ((Z3 - Y) ** 2).sum() / (2 * N)


def backward(X, Y, W1, b1, W2, b2, W3, b3):
    Z1 = W1 @ X + b1
    A1 = sigmoid(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    Z3 = W3 @ A2 + b3
    N = Y.shape[1]
    dZ3 = (Z3 - Y) / N
    dZ2 = (W3.T @ dZ3) * sigmoid(Z2) * (1 - sigmoid(Z2))
    dZ1 = (W2.T @ dZ2) * (sigmoid(Z1) * (1 - sigmoid(Z1)))
    return {
        "dZ3": dZ3,
        "dW3": dZ3 @ A2.T,
        "db3": dZ3.sum(axis=1, keepdims=True),
        "dZ2": dZ2,
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
        "dZ1": dZ1,
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dX": W1.T @ dZ1,
    }
"""

SQUARE = """\
import numpy as np


def forward(X, Y, W1, b1, W2, b2, W3, b3):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.maximum(0, Z2)
    Z3 = np.dot(W3, A2) + b3
    cost = np.sum((Z3 - Y) ** 2) / (2 * N)
    return cost, (X, Y, Z1, A1, Z2, A2, Z3, W1, W2, W3)


def backward(cache):
    X, Y, Z1, A1, Z2, A2, Z3, W1, W2, W3 = cache
    N = X.shape[1]
    dZ3 = (Z3 - Y) / N
    dW3 = np.dot(dZ3, A2.T)
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = dA2 * (Z2 > 0)
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.where(A1 > 0, dA1, 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {
        **{"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2},
        **{"dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1},
    }
"""

SQUARE_DICT = """\
import numpy as np


def forward(X, Y, parameters):
    L = len(parameters) // 2
    N = X.shape[1]
    A, Z = {"0": X}, {}
    for l in range(1, L + 1):
        Z[str(l)] = parameters["W" + str(l)] @ A[str(l - 1)] + parameters["b" + str(l)]
        A[str(l)] = np.tanh(Z[str(l)])
    cost = np.sum((A[str(L)] - Y) ** 2) / N
    return cost, (A, Z, Y, parameters)


def backward(cache):
    A, Z, Y, parameters = cache
    L = len(parameters) // 2
    N = Y.shape[1]
    dA, dZ, gradients = {}, {}, {}
    dA[str(L)] = 2 * (A[str(L)] - Y) / N
    for l in range(L, 0, -1):
        dZ[str(l)] = dA[str(l)] * (1 - A[str(l)] ** 2)
        gradients["dW" + str(l)] = dZ[str(l)] @ A[str(l - 1)].T
        gradients["db" + str(l)] = dZ[str(l)].sum(axis=1, keepdims=True)
        if l > 1:
            dA[str(l - 1)] = parameters["W" + str(l)].T @ dZ[str(l)]
    return gradients
"""

RECURRENCE = """\
import numpy as np


def forward(X, Y, Wx, Wh, b, Wo):
    N = Y.shape[1]
    H0 = np.zeros((Wh.shape[0], N)) + 0.1
    Z1 = Wx @ X[0] + Wh @ H0 + b
    H1 = np.tanh(Z1)
    Z2 = Wx @ X[1] + Wh @ H1 + b
    H2 = np.tanh(Z2)
    Z3 = Wx @ X[2] + Wh @ H2 + b
    H3 = np.tanh(Z3)
    O = Wo @ H3
    cost = np.sum((O - Y) ** 2) / N
    return cost, (X, Y, Wx, Wh, Wo, H0, Z1, H1, Z2, H2, Z3, H3, O)


def backward(cache):
    X, Y, Wx, Wh, Wo, H0, Z1, H1, Z2, H2, Z3, H3, O = cache
    N = Y.shape[1]
    X1, X2, X3 = X
    dO = 2 * (O - Y) / N
    dWo = dO @ H3.T
    dH3 = Wo.T @ dO
    dZ3 = dH3 * (1 - H3**2)
    dWx = dZ3 @ X3.T
    dWh = dZ3 @ H2.T
    db = np.sum(dZ3, axis=1, keepdims=True)
    dH2 = Wh.T @ dZ3
    dZ2 = dH2 * (1 - H2**2)
    dWx += dZ2 @ X2.T
    dWh += dZ2 @ H1.T
    db += np.sum(dZ2, axis=1, keepdims=True)
    dH1 = Wh.T @ dZ2
    dZ1 = dH1 * (1 - H1**2)
    dWx += dZ1 @ X1.T
    dWh += dZ1 @ H0.T
    db += np.sum(dZ1, axis=1, keepdims=True)
"""

RECURRENCE_LOOP = """\
import numpy as np


def forward(X, Y, Wx, Wh, b):
    N = Y.shape[2]
    H, Z = {"0": np.full((Wh.shape[0], N), 0.1)}, {}
    cost = 0
    for l in range(1, 4):
        Z[str(l)] = Wx @ X[l - 1] + Wh @ H[str(l - 1)] + b
        H[str(l)] = np.tanh(Z[str(l)])
        cost = cost + np.sum((H[str(l)] - Y[l - 1]) ** 2) / (2 * N)
    return cost, (X, Y, Wx, Wh, b, H, Z)


def backward(cache):
    X, Y, Wx, Wh, b, H, Z = cache
    N = Y.shape[2]
    dH, dZ = {}, {}
    dWx = np.zeros_like(Wx)
    dWh = np.zeros_like(Wh)
    db = np.zeros_like(b)
    for l in range(3, 0, -1):
        dH[str(l)] = (H[str(l)] - Y[l - 1]) / N
        if l < 3:
            dH[str(l)] += Wh.T @ dZ[str(l + 1)]
        dZ[str(l)] = dH[str(l)] * (1 - H[str(l)] ** 2)
        dWx += dZ[str(l)] @ X[l - 1].T
        dWh += dZ[str(l)] @ H[str(l - 1)].T
        db += dZ[str(l)].sum(axis=1, keepdims=True)
    return {"dWx": dWx, "dWh": dWh, "db": db}
"""

BATCH_NORM = """\
import numpy as np


def forward(X, Y, W, gamma, beta):
    N = X.shape[1]
    Z = np.dot(W, X)
    mu = np.mean(Z, axis=1, keepdims=True)
    C = Z - mu
    S = C**2
    var = np.mean(S, axis=1, keepdims=True)
    sd = np.sqrt(var + 1e-3)
    inv = 1 / sd
    H = C * inv
    O = gamma * H + beta
    A = np.tanh(O)
    cost = np.sum((A - Y) ** 2) / (2 * N)
    return cost, (X, Y, Z, C, S, sd, inv, H, O, A, gamma)


def backward(cache):
    X, Y, Z, C, S, sd, inv, H, O, A, gamma = cache
    N = X.shape[1]
    dA = (A - Y) / N
    dO = dA * (1 - A**2)
    dbeta = np.sum(dO, axis=1, keepdims=True)
    dgamma = np.sum(dO * H, axis=1, keepdims=True)
    dH = dO * gamma
    dinv = np.sum(dH * C, axis=1, keepdims=True)
    dsd = -dinv / sd**2
    dvar = 0.5 * dsd / sd
    dS = dvar / N * np.ones_like(C)
    dC = dH * inv
    dC += 2 * C * dS
    dmu = -np.sum(dC, axis=1, keepdims=True)
    dZ = dC + dmu / N
    dW = np.dot(dZ, X.T)
    return {
        **{"dA": dA, "dO": dO, "dbeta": dbeta, "dgamma": dgamma, "dH": dH, "dinv": dinv},
        **{"dsd": dsd, "dvar": dvar, "dS": dS, "dC": dC, "dmu": dmu, "dZ": dZ, "dW": dW},
    }
"""

BATCH_NORM_IN_ONE = """\
import numpy as np


def forward(X, Y, W1, gamma, beta, W2, b2):
    N = X.shape[1]
    Z1 = W1 @ X
    mu = Z1.mean(axis=1, keepdims=True)
    var = ((Z1 - mu) ** 2).mean(axis=1, keepdims=True)
    H1 = (Z1 - mu) / np.sqrt(var + 1e-3)
    O1 = gamma * H1 + beta
    A1 = np.maximum(0, O1)
    Z2 = W2 @ A1 + b2
    cost = np.sum((Z2 - Y) ** 2) / (2 * N)
    return cost, (X, Y, Z1, var, H1, O1, A1, Z2, gamma, W2)


def backward(cache):
    X, Y, Z1, var, H1, O1, A1, Z2, gamma, W2 = cache
    N = X.shape[1]
    dZ2 = (Z2 - Y) / N
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dO1 = (W2.T @ dZ2) * (O1 > 0)
    dgamma = np.sum(dO1 * H1, axis=1, keepdims=True)
    dbeta = np.sum(dO1, axis=1, keepdims=True)
    dH1 = gamma * dO1
    inner = dH1 - np.mean(dH1, axis=1, keepdims=True)
    dZ1 = (inner - H1 * np.mean(dH1 * H1, axis=1, keepdims=True)) / np.sqrt(var + 1e-3)
    dW1 = dZ1 @ X.T
    return dW1, dgamma, dbeta, dW2, db2
"""

ATTENTION = """\
import numpy as np


def forward(X, Y, Wq, Wk, Wv):
    N = X.shape[0]
    d = Wq.shape[1]
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    S = Q @ K.T / np.sqrt(d)
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    O = P @ V
    cost = np.sum((O - Y) ** 2) / (2 * N)
    return cost, (X, Y, Wq, Wk, Wv, Q, K, V, S, P, O, d)


def backward(cache):
    X, Y, Wq, Wk, Wv, Q, K, V, S, P, O, d = cache
    N = X.shape[0]
    dO = (O - Y) / N
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True))
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    dWq = X.T @ dQ
    dWk = X.T @ dK
    dWv = X.T @ dV
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return {
        **{"dO": dO, "dV": dV, "dP": dP, "dS": dS, "dQ": dQ, "dK": dK},
        **{"dWq": dWq, "dWk": dWk, "dWv": dWv, "dX": dX},
    }
"""

MASKS_BY_NAME = """\
import numpy as np


def relu(z):
    return np.where(z > 0, z, 0)


def forward(X, Y, W1, b1, W2, b2, W3, b3):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.tanh(Z2)
    Z3 = W3 @ A2 + b3
    A3 = 1 / (1 + np.exp(-Z3))
    cost = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / N
    return cost, (N, X, Y, Z1, A1, Z2, A2, A3, W2, W3)


def backward(cache):
    N, X, Y, Z1, A1, Z2, A2, A3, W2, W3 = cache
    slope2 = 1 - A2**2
    mask1 = Z1 > 0
    dA3 = (A3 - Y) / (A3 * (1 - A3)) / N
    dZ3 = dA3 * A3 * (1 - A3)
    dW3 = dZ3 @ A2.T
    db3 = dZ3.sum(axis=1, keepdims=True)
    dA2 = W3.T @ dZ3
    dZ2 = slope2 * dA2
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = mask1 * dA1
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}
"""

SQUARE_RELU_LOOP = """\
import numpy as np


def forward(X, Y, parameters):
    L = len(parameters) // 2
    N = X.shape[1]
    A, Z = {"0": X}, {}
    for l in range(1, L + 1):
        Z[str(l)] = np.dot(parameters["W" + str(l)], A[str(l - 1)]) + parameters["b" + str(l)]
        A[str(l)] = np.maximum(Z[str(l)], 0) if l < L else 1 / (1 + np.exp(-Z[str(l)]))
    cost = -np.sum(Y * np.log(A[str(L)]) + (1 - Y) * np.log(1 - A[str(L)])) / N
    return cost, {"A": A, "Z": Z, "Y": Y, "parameters": parameters, "N": N}


def backward(cache):
    A, Z, Y, N = cache["A"], cache["Z"], cache["Y"], cache["N"]
    parameters = cache["parameters"]
    L = len(parameters) // 2
    dA, dZ, dW, db = {}, {}, {}, {}
    for l in range(L, 0, -1):
        if l == L:
            dZ[str(l)] = A[str(l)] - Y
        else:
            dA[str(l)] = np.matmul(parameters["W" + str(l + 1)].T, dZ[str(l + 1)])
            dZ[str(l)] = np.where(Z[str(l)] > 0, dA[str(l)], 0.0)
        dW[str(l)] = np.matmul(dZ[str(l)], A[str(l - 1)].T) / N
        db[str(l)] = dZ[str(l)].mean(axis=1, keepdims=True)
"""

EQUAL_WIDTHS = """\
import numpy as np


def relu(z):
    return np.maximum(0, z)


def forward(X, Y, W1, b1, W2, b2, W3, b3, W4, b4):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = relu(Z2)
    Z3 = W3 @ A2 + b3
    A3 = relu(Z3)
    Z4 = W4 @ A3 + b4
    A4 = 1 / (1 + np.exp(-Z4))
    cost = -np.mean(Y * np.log(A4) + (1 - Y) * np.log(1 - A4))
    return cost, (N, X, Y, Z1, A1, Z2, A2, Z3, A3, A4, W2, W3, W4)


def backward(cache):
    N, X, Y, Z1, A1, Z2, A2, Z3, A3, A4, W2, W3, W4 = cache
    dZ4 = A4 - Y
    dW4 = 1 / N * np.dot(dZ4, A3.T)
    db4 = 1 / N * np.sum(dZ4, axis=1, keepdims=True)
    dA3 = np.dot(W4.T, dZ4)
    dZ3 = dA3 * np.where(Z3 > 0, 1, 0)
    dW3 = 1 / N * np.dot(dZ3, A2.T)
    db3 = 1 / N * np.sum(dZ3, axis=1, keepdims=True)
    mask2 = A2 > 0
    dZ2 = np.dot(W3.T, dZ3) * mask2
    dW2 = 1 / N * np.dot(dZ2, A1.T)
    db2 = 1 / N * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2)
    dZ1[Z1 <= 0] = 0
    dW1 = 1 / N * np.dot(dZ1, X.T)
    db1 = 1 / N * np.sum(dZ1, axis=1, keepdims=True)
    grads = {"dW4": dW4, "db4": db4, "dW3": dW3, "db3": db3}
    grads.update({"dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1})
    return grads
"""
