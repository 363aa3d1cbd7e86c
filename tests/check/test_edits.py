"""What each edit says of the mistake it undoes, and that the line it proposes is right."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import from_source

SOFTMAX = """
def forward(X, W, V, T):
    Z = X @ W
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    H = P @ V
    return 0.5 * np.sum((H - T) ** 2), (Z, P, H)

def backward(X, W, V, T, cache):
    Z, P, H = cache
    dH = H - T
    dV = P.T @ dH
    dP = dH @ V.T
    dZ = P * (dP - np.sum(dP * P, axis=1, keepdims=True))
    dW = X.T @ dZ
    return dW, dV
"""
RELU = """
def forward(X, W, b, V, T):
    Z = X @ W + b
    A = np.maximum(Z, 0)
    H = A @ V
    S = 1 / (1 + np.exp(-H))
    return np.mean((S - T) ** 2), (Z, A, H, S)

def backward(X, W, b, V, T, cache):
    Z, A, H, S = cache
    on = Z > 0
    dS = 2 * (S - T) / T.size
    dH = dS * S * (1 - S)
    dV = np.dot(A.T, dH)
    dA = np.dot(dH, V.T)
    dZ = dA * on
    dW = X.T.dot(dZ)
    db = np.sum(dZ, axis=0)
    return dW, db, dV
"""
NORM = """
def forward(X, gain, bias, T):
    mean = X.mean(axis=0)
    C = X - mean
    std = np.sqrt(np.mean(C ** 2, axis=0) + 1e-3)
    N = C / std
    Y = gain * N + bias
    return 0.5 * np.sum((Y - T) ** 2), (C, std, N, Y)

def backward(X, gain, bias, T, cache):
    C, std, N, Y = cache
    dY = Y - T
    dbias = dY.sum(axis=0)
    dgain = np.sum(dY * N, axis=0)
    dN = dY * gain
    dC = (dN - N * np.mean(dN * N, axis=0)) / std
    dX = dC - dC.mean(axis=0)
    return dX, dgain, dbias
"""
BATCH = """
def forward(Q, K, V):
    S = Q @ K.swapaxes(-1, -2)
    A = np.tanh(S)
    O = A @ V
    return 0.5 * np.sum(O ** 2), (S, A, O)

def backward(Q, K, V, cache):
    S, A, O = cache
    dO = O
    dV = A.swapaxes(-1, -2) @ dO
    dA = dO @ V.swapaxes(-1, -2)
    dS = dA * (1 - A ** 2)
    dQ = dS @ K
    dK = dS.swapaxes(-1, -2) @ Q
    return dQ, dK, dV
"""
WORDS = """
def forward(E, ids, W, y):
    x = E[ids]
    h = x @ W
    p = np.exp(h - h.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(y)), y])), (x, p)

def backward(E, ids, W, y, cache):
    x, p = cache
    dh = p.copy()
    dh[np.arange(len(y)), y] -= 1
    dh /= len(y)
    dW = x.T @ dh
    dx = dh @ W.T
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dx)
    return dE, dW
"""
LAYERS = """
def forward(X, W1, W2, W3, T):
    A1 = np.tanh(X @ W1)
    A2 = np.tanh(A1 @ W2)
    A3 = A2 @ W3
    return 0.5 * np.sum((A3 - T) ** 2), (A1, A2, A3)

def backward(X, W1, W2, W3, T, cache):
    A1, A2, A3 = cache
    dA3 = A3 - T
    dW3 = A2.T @ dA3
    dA2 = dA3 @ W3.T
    dZ2 = dA2 * (1 - A2 ** 2)
    dW2 = A1.T @ dZ2
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = X.T @ dZ1
    return dW1, dW2, dW3
"""
LISTS = """
def forward(X, W, T):
    A = [X]
    for w in W:
        A.append(np.tanh(A[-1] @ w))
    return 0.5 * np.sum((A[-1] - T) ** 2), A

def backward(X, W, T, A):
    dW = [None] * len(W)
    dA = A[-1] - T
    for l in reversed(range(len(W))):
        dZ = dA * (1 - A[l + 1] ** 2)
        dW[l] = A[l].T @ dZ
        dA = dZ @ W[l].T
    return dW
"""

DICTS = """
def forward(X, p, T):
    c = {"A0": X}
    for l in (1, 2):
        c[f"A{l}"] = np.tanh(c[f"A{l - 1}"] @ p[f"W{l}"])
    return 0.5 * np.sum((c["A2"] - T) ** 2), c

def backward(X, p, T, c):
    g = {}
    dA2 = c["A2"] - T
    dZ2 = dA2 * (1 - c["A2"] ** 2)
    g["W2"] = c["A1"].T @ dZ2
    dA1 = dZ2 @ p["W2"].T
    dZ1 = dA1 * (1 - c["A1"] ** 2)
    g["W1"] = c["A0"].T @ dZ1
    return g
"""
GATES = """
def forward(X, W, T):
    n = W.shape[1] // 2
    Z = X @ W
    I = 1 / (1 + np.exp(-Z[:, :n]))
    G = np.tanh(Z[:, n:])
    return 0.5 * np.sum((I * G - T) ** 2), (Z, I, G)

def backward(X, W, T, cache):
    Z, I, G = cache
    n = W.shape[1] // 2
    dC = I * G - T
    dI = dC * G
    dG = dC * I
    dZ = np.zeros_like(Z)
    dZ[:, :n] = dI * I * (1 - I)
    dZ[:, n:] = dG * (1 - G ** 2)
    dW = X.T @ dZ
    dX = dZ @ W.T
    return dX, dW
"""
MAPS = """
def forward(X, b, k):
    Y = X * k[:, None, None] + b[:, None, None]
    S = np.maximum(Y, 0)
    return np.sum(S ** 2), (Y, S)

def backward(X, b, k, cache):
    Y, S = cache
    dS = 2 * S
    dY = dS * (Y > 0)
    db = np.sum(dY, axis=(0, 2, 3))
    dk = np.sum(dY * X, axis=(0, 2, 3))
    dX = dY * k[:, None, None]
    return dX, db, dk
"""
ROWS = """
def forward(X, W, T):
    Z = np.zeros_like(T)
    for i in range(len(X)):
        Z[i] = W @ X[i]
    return 0.5 * np.sum((Z - T) ** 2), Z

def backward(X, W, T, Z):
    dZ = Z - T
    dW, dX = np.zeros_like(W), np.zeros_like(X)
    for i in range(len(X)):
        dW += np.outer(dZ[i], X[i])
        dX[i] = W.T @ dZ[i]
    dX = dX * 1.0
    return dX, dW
"""
FILTER = """
def forward(x, w):
    y = np.zeros(len(x) - len(w) + 1)
    for i in range(len(y)):
        for j in range(len(w)):
            y[i] += x[i + j] * w[j]
    return 0.5 * np.sum(y ** 2), y

def backward(x, w, y):
    dy = y
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(len(y)):
        for j in range(len(w)):
            dx[i + j] += dy[i] * w[j]
            dw[j] += dy[i] * x[i + j]
    return dx, dw
"""
VECTORS = """
def forward(w, b, x, t):
    z = x.dot(w) + b
    p = 1 / (1 + np.exp(-z))
    return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p)) / len(t), (z, p)

def backward(w, b, x, t, cache):
    z, p = cache
    m = len(t)
    dp = -(t / p - (1 - t) / (1 - p)) / m
    dz = dp * p * (1 - p)
    dw = x.T.dot(dz)
    db = dz.sum()
    return dw, db
"""

DECAY = """
def forward(X, W, T, lam):
    E = X @ W - T
    return np.sum(E ** 2) + lam * np.sum(W ** 2), E

def backward(X, W, T, lam, E):
    dE = 2 * E
    dW = X.T @ dE + 2 * lam * W
    dX = dE @ W.T
    return dX, dW
"""
NAIVE = """
def forward(X, W, y):
    loss = 0.0
    for i in range(len(X)):
        s = X[i] @ W
        e = np.exp(s - np.max(s))
        p = e / np.sum(e)
        loss -= np.log(p[y[i]])
    return loss

def backward(X, W, y):
    dW, dX = np.zeros_like(W), np.zeros_like(X)
    for i in range(len(X)):
        s = X[i] @ W
        e = np.exp(s - np.max(s))
        ds = e / np.sum(e)
        ds[y[i]] -= 1
        dW += np.outer(X[i], ds)
        dX[i] = W @ ds
    return dX, dW
"""
TWO = """
def forward(X, W, V, T):
    A = np.tanh(X @ W)
    E = A @ V - T
    return np.sum(E ** 2), (A, E)

def backward(X, W, V, T, cache):
    A, E = cache
    delta = 2 * E
    gV = np.sum(A[:, :, None] * delta[:, None], 0)
    back = (delta @ V.T) * (1 - A ** 2)
    gW = np.einsum("ni,nj->ij", X, back)
    gX = back @ W.T
    return {"V": gV, "W": gW, "X": gX}
"""

COUNTED = """
def forward(X, W, T):
    A = [X]
    for w in W:
        A.append(np.tanh(A[-1] @ w))
    return 0.5 * np.sum((A[-1] - T) ** 2), A

def backward(X, W, T, A):
    n = len(W)
    dW, D = [None] * n, [0 * T] * (n + 2)
    D[n] = A[n] - T
    for l in reversed(range(n)):
        D[l + 1] = D[l + 1] * (1 - A[l + 1] ** 2)
        D[l] = D[l + 1] @ W[l].T
    for l in range(n):
        dW[n - 1 - l] = A[n - l - 1].T @ D[n - l]
    return dW
"""
GRID = """
def forward(X, K):
    Y = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            Y[i, j] = X[i, j] * K[j, i]
    return 0.5 * np.sum(Y ** 2), Y

def backward(X, K, Y):
    dY = Y
    dX, dK = np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            dX[i, j] += dY[i, j] * K[j, i]
            dK[j, i] += dY[i, j] * X[i, j]
    return dX, dK
"""
LENGTHS = """
def forward(X, W, T, lam, m):
    E = X @ W - T
    return np.sum(E ** 2) / m + lam / m * np.sum(W ** 2), E

def backward(X, W, T, lam, m, E):
    dE = 2 * E / m
    dW = X.T @ dE + 2 * lam / m * W
    dX = dE @ W.T
    return dX, dW
"""
LOGS = """
def forward(x, t):
    z = np.log(2 + x ** 2)
    return 0.5 * np.sum((z - t) ** 2), z

def backward(x, t, z):
    dz = z - t
    dx = dz * 2 * x / (2 + x ** 2)
    return dx
"""


def normal(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size) for size in sizes]


def in_order(E, W):
    return E, np.array([0, 2, 2, 4, 1, 2]), W, np.array([0, 1, 2, 2, 1, 0])


def layered(X, first, second, T):
    return X, [first, second], T


def by_name(X, first, second, T):
    return X, {"W1": first, "W2": second}, T


def labelled(w, x, scores):
    return w, 0.3, x, (scores > 0) * 1.0


PIECES = {
    "softmax": (SOFTMAX, normal(0, (6, 3), (3, 4), (4, 2), (6, 2))),
    "relu": (RELU, normal(1, (6, 3), (3, 4), 4, (4, 2), (6, 2))),
    "norm": (NORM, normal(2, (6, 3), 3, 3, (6, 3))),
    "batch": (BATCH, normal(3, (2, 3, 4), (2, 3, 4), (2, 3, 5))),
    "words": (WORDS, in_order(*normal(4, (5, 3), (3, 3)))),
    "layers": (LAYERS, normal(6, (6, 4), (4, 4), (4, 4), (4, 4), (6, 4))),
    "dicts": (DICTS, by_name(*normal(8, (6, 3), (3, 3), (3, 3), (6, 3)))),
    "gates": (GATES, normal(9, (6, 3), (3, 8), (6, 4))),
    "maps": (MAPS, normal(10, (2, 3, 4, 5), 3, 3)),
    "rows": (ROWS, normal(11, (5, 3), (3, 3), (5, 3))),
    "filter": (FILTER, normal(12, 7, 3)),
    "vectors": (VECTORS, labelled(*normal(13, 3, (6, 3), 6))),
    "decay": (DECAY, [*normal(14, (6, 3), (3, 2), (6, 2)), 0.7]),
    "naive": (NAIVE, [*normal(15, (5, 3), (3, 4)), np.array([0, 3, 1, 2, 3])]),
    "counted": (COUNTED, layered(*normal(7, (6, 3), (3, 3), (3, 3), (6, 3)))),
    "grid": (GRID, normal(17, (3, 3), (3, 3))),
    "lengths": (LENGTHS, [*normal(14, (6, 3), (3, 2), (6, 2)), 0.7, 6.0]),
    "logs": (LOGS, normal(18, 5, 5)),
    "two": (TWO, normal(16, (6, 3), (3, 4), (4, 2), (6, 2))),
    "lists": (LISTS, layered(*normal(7, (6, 3), (3, 3), (3, 3), (6, 3)))),
}

MISTAKES = [
    (
        "softmax",
        "P * (dP - np.sum(dP * P, axis=1, keepdims=True))",
        "dP * P * (1 - P)",
        "activation",
        (
            "dP * P * (1 - P) treats a softmax as element-wise: it should be "
            "P * (dP - (dP * P).sum(axis=-1, keepdims=True))"
        ),
    ),
    (
        "softmax",
        "P * (dP - np.sum(dP * P, axis=1, keepdims=True))",
        "dP - np.sum(dP * P, axis=1, keepdims=True)",
        "factor",
        "the factor P is missing in dZ",
    ),
    (
        "softmax",
        "(dP * P, axis=1",
        "(dP * P, axis=0",
        "shape",
        "axis=0 should be axis=1 in np.sum(dP * P, axis=0, keepdims=True)",
    ),
    (
        "softmax",
        "np.sum(dP * P, axis=1, keepdims=True)",
        "np.sum(dP * P)",
        "shape",
        "no axis should be axis=1 in np.sum(dP * P)",
    ),
    (
        "softmax",
        "np.sum(dP * P, axis=1, keepdims=True)",
        "dP * P",
        "unsummed",
        "dP * P must be summed over axis 1",
    ),
    (
        "softmax",
        "np.sum(dP * P, axis=1, keepdims=True)",
        "np.mean(dP * P, axis=1, keepdims=True)",
        "factor",
        "np.mean(dP * P, axis=1, keepdims=True) should be a sum",
    ),
    (
        "softmax",
        "dP - np.sum",
        "dP + np.sum",
        "sign",
        (
            "dP + np.sum(dP * P, axis=1, keepdims=True) should be dP "
            "- np.sum(dP * P, axis=1, keepdims=True)"
        ),
    ),
    ("softmax", "dH = H - T", "dH = T - H", "sign", "T - H has the wrong sign"),
    ("softmax", "dH = H - T", "dH = -(H - T)", "sign", "-(H - T) has the wrong sign"),
    ("softmax", "dH = H - T", "dH = H", "term", "T is never used: the term - T is missing in dH"),
    (
        "softmax",
        "dH = H - T",
        "dH = np.abs(H - T)",
        "activation",
        "abs in np.abs(H - T) should be left out",
    ),
    ("softmax", "P.T @ dH", "H.T @ dH", "operand", "H should be P"),
    ("softmax", "X.T @ dZ", "dZ.T @ X", "transpose", "dZ.T @ X should be X.T @ dZ"),
    ("relu", "dA * on", "dA", "mask", "on is never used: the factor on is missing in dZ"),
    ("relu", "dA * on", "dA * (Z > 0.5)", "mask", "the mask Z > 0.5 should be on > 0.5"),
    ("relu", "on = Z > 0", "on = Z < 0", "mask", "the mask Z < 0 is inverted"),
    ("relu", "on = Z > 0", "on = Z > 0.5", "mask", "Z > 0.5 should be Z > 0"),
    (
        "relu",
        "dA * on",
        "dA * on * (X[:, :1] > 0)",
        "mask",
        "the mask X[:, :1] > 0 should be left out",
    ),
    (
        "relu",
        "dW = X.T.dot(dZ)",
        "half = X[:, :1] > 0.1; dW = X.T.dot(dZ * half)",
        "mask",
        "the mask half should be left out",
    ),
    ("relu", "dS * S * (1 - S)", "dS * S", "activation", "S should be S * (1 - S)"),
    (
        "relu",
        "dS * S * (1 - S)",
        "dS",
        "activation",
        "the derivative of the activation is missing in dH: multiply by S * (1 - S)",
    ),
    ("relu", "dS * S * (1 - S)", "dS * H * (1 - H)", "activation", "H should be S"),
    (
        "relu",
        "dS * S * (1 - S)",
        "dS * S * (1 - S) * S * (1 - S)",
        "activation",
        "the factor S * (1 - S) should be left out",
    ),
    ("relu", "2 * (S - T) / T.size", "2 * (S - T)", "factor", "dS lacks a factor 1/12"),
    ("relu", "2 * (S - T) / T.size", "(S - T) / T.size", "factor", "dS lacks a factor 2"),
    (
        "relu",
        "2 * (S - T) / T.size",
        "3 * (S - T) / T.size",
        "factor",
        "3 * (S - T): 3 should be 2",
    ),
    (
        "relu",
        "2 * (S - T) / T.size",
        "2 * (S - T) / 6",
        "factor",
        "2 * (S - T) / 6: 6 should be 12",
    ),
    (
        "relu",
        "2 * (S - T) / T.size",
        "2 * (S - T) / len(T)",
        "factor",
        "the factor 2 should be left out",
    ),
    (
        "relu",
        "np.dot(A.T, dH)",
        "np.dot(dH.T, A)",
        "transpose",
        "np.dot(dH.T, A) should be np.dot(A.T, dH)",
    ),
    ("relu", "np.dot(A.T, dH)", "np.dot(Z.T, dH)", "operand", "A is never used: Z should be A"),
    ("relu", "X.T.dot(dZ)", "X.T.dot(dZ) + W", "term", "the term W should be left out"),
    ("relu", "np.sum(dZ, axis=0)", "dZ", "unsummed", "db must be summed over axis 0"),
    (
        "relu",
        "np.sum(dZ, axis=0)",
        "np.sum(dZ, axis=1)",
        "shape",
        "axis=1 should be axis=0 in np.sum(dZ, axis=1); or dZ should be dZ.T",
    ),
    (
        "relu",
        "np.sum(dZ, axis=0)",
        "np.mean(dZ, axis=0)",
        "factor",
        "np.mean(dZ, axis=0) should be a sum",
    ),
    (
        "norm",
        "dX = dC - dC.mean(axis=0)",
        "dX = dC",
        "term",
        "the term - dC.mean(axis=0, keepdims=True) is missing in dX",
    ),
    (
        "norm",
        "(dN - N * np.mean(dN * N, axis=0)) / std",
        "dN / std",
        "term",
        "the term - N * (dN / std * N).mean(axis=0, keepdims=True) is missing in dC",
    ),
    (
        "norm",
        ") / std",
        ") * std",
        "factor",
        (
            "(dN - N * np.mean(dN * N, axis=0)) * std should be (dN "
            "- N * np.mean(dN * N, axis=0)) / std"
        ),
    ),
    ("norm", ") / std", ")", "factor", "std is never used: the division by std is missing in dC"),
    (
        "batch",
        "dV = A.swapaxes(-1, -2) @ dO",
        "dV = A @ dO",
        "transpose",
        "the last two axes of A should be exchanged",
    ),
    ("batch", "1 - A ** 2", "1 - A", "activation", "1 - A should be 1 - A ** 2"),
    ("batch", "1 - A ** 2", "1 - A ** 3", "activation", "A ** 3 should be A ** 2"),
    ("batch", "1 - A ** 2", "-A ** 2", "activation", "-A ** 2 should be 1 - A ** 2"),
    (
        "batch",
        "dA * (1 - A ** 2)",
        "dA / (1 - A ** 2)",
        "factor",
        "dA / (1 - A ** 2) should be dA * (1 - A ** 2)",
    ),
    ("batch", "dA * (1 - A ** 2)", "1 - A ** 2", "factor", "the factor dA is missing in dS"),
    (
        "words",
        "np.add.at(dE, ids, dx)",
        "dE[ids] += dx",
        "accumulate",
        "dE[ids] counts a repeated index only once: write np.add.at(dE, ids, ...)",
    ),
    (
        "words",
        "dh = p.copy()\n    dh[np.arange(len(y)), y] -= 1",
        "dh = p.copy()",
        "term",
        "after this line a term is missing: dh[np.arange(len(y)), y] -= 1",
    ),
    ("words", "y] -= 1", "y] += 1", "sign", "it should be -="),
    ("words", "y] -= 1", "y] -= 2", "factor", "2: 2 should be 1"),
    (
        "words",
        "y] -= 1",
        "y] = -1",
        "accumulate",
        (
            "dh[np.arange(len(y)), y] is overwritten where "
            "contributions add up: write += in this line"
        ),
    ),
    ("words", "dh /= len(y)", "dh *= len(y)", "factor", "dh lacks a factor 0.0277778"),
    ("layers", "dW1 = X.T @ dZ1", "dW1 = -X.T @ dZ1", "sign", "-X.T has the wrong sign"),
    ("layers", "dZ2 @ W2.T", "dZ2 @ W1.T", "operand", "W1 should be W2"),
    ("layers", "dZ2 @ W2.T", "dZ2 @ W2", "transpose", "dZ2 @ W2 should be dZ2 @ W2.T"),
    ("layers", "dW2, dW3\n", "dW2, W3\n", "operand", "W3 should be dW3"),
    ("lists", "A[l].T", "A[l + 1].T", "index", "the index l + 1 should be l"),
    ("lists", "@ W[l].T", "@ W[l - 1].T", "index", "the index l - 1 should be l"),
    (
        "lists",
        "dA = dZ @",
        "dA += dZ @",
        "accumulate",
        "dA is added to where it should be assigned: write =",
    ),
    ("dicts", 'c["A1"].T @ dZ2', 'c["A2"].T @ dZ2', "index", "the key 'A2' should be 'A1'"),
    ("dicts", 'p["W2"].T', 'p["W1"].T', "index", "the key 'W1' should be 'W2'"),
    ("dicts", 'c["A0"].T @ dZ1', "X.T @ dZ2", "operand", "dZ2 should be dZ1"),
    (
        "dicts",
        'c["A1"] ** 2',
        'c["A2"] ** 2',
        "activation",
        "1 - c['A2'] ** 2 should be 1 - c['A1'] * c['A1']; or the key 'A2' should be 'A1'",
    ),
    ("gates", "dG = dC * I", "dG = dC * G", "operand", "G should be I"),
    ("gates", "dZ[:, n:] = dG", "dZ[:, :n] = dG", "index", "dZ[:, :n] should be dZ[:, n:]"),
    ("gates", "dZ[:, :n] = dI", "dZ[:, :n] = 3 * dI", "factor", "the factor 3 should be left out"),
    ("gates", "dI * I * (1 - I)", "dI * I", "activation", "I should be I * (1 - I)"),
    ("gates", "1 - G ** 2", "1 - np.tanh(Z[:, :n]) ** 2", "index", "Z[:, :n] should be Z[:, n:]"),
    (
        "maps",
        "(dY, axis=(0, 2, 3))",
        "(dY, axis=(0, 1, 2))",
        "shape",
        "axis=(0, 1, 2) should be axis=(0, 2, 3) in np.sum(dY, axis=(0, 1, 2))",
    ),
    (
        "maps",
        "np.sum(dY, axis=(0, 2, 3))",
        "dY",
        "unsummed",
        "db must be summed over axis (0, 2, 3)",
    ),
    (
        "maps",
        "np.sum(dY, axis=(0, 2, 3))",
        "np.sum(dY)",
        "shape",
        "no axis should be axis=(0, 2, 3) in np.sum(dY)",
    ),
    ("maps", "dS * (Y > 0)", "dS * Y", "factor", "the factor Y should be left out"),
    (
        "maps",
        "dY * k[",
        "dY / k[",
        "factor",
        "dY / k[:, None, None] should be dY * k[:, None, None]",
    ),
    (
        "rows",
        "np.outer(dZ[i], X[i])",
        "np.outer(X[i], dZ[i])",
        "transpose",
        "dW is the transpose of what it should be",
    ),
    (
        "rows",
        "np.outer(dZ[i], X[i])",
        "np.outer(dZ[i], X[i - 1])",
        "index",
        "the index i should be i - 1",
    ),
    ("rows", "dZ[i], X", "dZ[0], X", "index", "dZ[0] should be dZ[i]"),
    ("rows", "dW += np", "dW -= np", "sign", "it should be +="),
    ("rows", "dX[i] = W.T", "dX[i] += 2 * W.T", "factor", "the factor 2 should be left out"),
    ("rows", "dX[i] = W.T", "dX[i] = W", "transpose", "W @ dZ[i] should be W.T @ dZ[i]"),
    ("rows", "dX = dX * 1.0", "dX[:, 0] *= 2", "factor", "2: 2 should be 1"),
    ("filter", "dx[i + j] +=", "dx[i - j] +=", "index", "the index i - j should be i + j"),
    (
        "filter",
        "dx[i + j] +=",
        "dx[i + j] =",
        "accumulate",
        "dx[i + j] is overwritten where contributions add up: write += in this line",
    ),
    ("filter", "* x[i + j]", "* x[i - j]", "index", "the index i - j should be i + j"),
    ("filter", "dy[i] * w[j]", "dy[i] * w[2 - j]", "index", "w[2 - j] should be w[j]"),
    ("filter", "dw[j] += dy[i]", "dw[j] += dy[j]", "operand", "dy[j] should be y[i]"),
    ("vectors", "= -(t", "= (t", "sign", "t / p - (1 - t) / (1 - p) has the wrong sign"),
    (
        "vectors",
        "t / p - (",
        "t / p + (",
        "sign",
        "t / p + (1 - t) / (1 - p) should be t / p - (1 - t) / (1 - p)",
    ),
    ("vectors", ") / m\n    dz", ") / m ** 2\n    dz", "factor", "m ** 2 should be m"),
    ("vectors", "x.T.dot(dz)", "dz.dot(x) + w", "term", "the term w should be left out"),
    ("vectors", "x.T.dot(dz)", "x.T.dot(dz) / m", "factor", "the division by m should be left out"),
    ("vectors", "dz.sum()", "dz.mean()", "factor", "dz.mean() should be a sum"),
    ("vectors", "dz.sum()", "dz", "unsummed", "db must be summed over axis 0"),
    ("vectors", "dp * p * (1 - p)", "p - t", "factor", "dz lacks a factor 1/m"),
    ("vectors", "p * (1 - p)", "p * (p - 1)", "sign", "p - 1 has the wrong sign"),
    ("decay", "2 * lam * W", "lam * W", "factor", "the term lam * W lacks a factor 2"),
    (
        "decay",
        "+ 2 * lam * W",
        "- 2 * lam * W",
        "sign",
        "X.T @ dE - 2 * lam * W should be X.T @ dE + 2 * lam * W",
    ),
    (
        "decay",
        "2 * lam * W",
        "2 * W",
        "factor",
        "lam is never used: the factor lam is missing in 2 * W",
    ),
    ("decay", " + 2 * lam * W", "", "term", "the term + 2 * lam * W is missing in dW"),
    ("decay", "X.T @ dE +", "3 * X.T @ dE +", "factor", "the factor 3 should be left out"),
    (
        "naive",
        "ds = e / np.sum(e)\n        ds[y[i]] -= 1",
        "ds = e / np.sum(e)",
        "term",
        "after this line a term is missing: ds[y[i]] -= 1",
    ),
    (
        "naive",
        "ds[y[i]] -= 1",
        "ds[y[i]] = 1 - ds[y[i]]",
        "sign",
        "1 - ds[y[i]] has the wrong sign",
    ),
    ("naive", "np.outer(X[i], ds)", "np.outer(X[i], s)", "operand", "s should be ds"),
    ("two", "delta = 2 * E", "delta = E", "factor", "delta lacks a factor 2"),
    ("two", "delta = 2 * E", "delta = -2 * E", "sign", "delta has the wrong sign"),
    (
        "two",
        "delta[:, None], 0)",
        "delta[:, None], 1)",
        "shape",
        "axis=1 should be axis=0 in np.sum(A[:, :, None] * delta[:, None], 1)",
    ),
    (
        "two",
        "np.sum(A[:, :, None] * delta[:, None], 0)",
        "(A[:, :, None] * delta[:, None]).sum(2)",
        "shape",
        "axis=2 should be axis=0 in (A[:, :, None] * delta[:, None]).sum(2)",
    ),
    ("words", "dh /= len(y)", "dh /= -0.8 * len(y)", "factor", "-0.8 should be left out"),
    ("words", "y] -= 1\n", "y] -= 1\n    dh *= -0.8\n", "factor", "dh lacks a factor -1.25"),
    (
        "counted",
        "A[n - l - 1].T @ D[n - l]",
        "A[n - l - 2].T @ D[n - l - 1]",
        "index",
        "the layer number is one too low",
    ),
    ("grid", "dY[i, j] * K[j, i]", "dY[i, j] * K[i, j]", "index", "(i, j) should be (j, i)"),
    ("grid", "dY[i, j] * K[j, i]", "dY[j, i] * K[j, i]", "index", "(j, i) should be (i, j)"),
    ("lengths", "2 * lam / m * W", "2 * W", "factor", "the factor lam / m is missing in 2 * W"),
    ("lengths", "2 * lam / m * W", "2 * lam * W", "factor", "lacks a factor 1/m"),
    ("lengths", "2 * E / m", "2 * E", "factor", "dE lacks a factor 1/m"),
    ("lengths", "lam / m * W\n    dX", "m * W\n    dX", "factor", "m should be lam / m"),
    ("logs", " / (2 + x ** 2)", " / 2", "term", "2 should be 2 + x ** 2"),
    ("logs", "dz = z - t", "dz = 3 * (t - z)", "factor", "lacks a factor -0.333333"),
    ("logs", "dz = z - t", "dz = t - z", "sign", "t - z has the wrong sign"),
    ("two", "gX = back", "gX = -back", "sign", "-back has the wrong sign"),
]


def marked(source, arguments):
    forward, backward = source.split("\n\n")
    functions = (from_source(f"\n{text}", np=np) for text in (forward, backward))
    return al.check_derivation(*functions, *arguments, show=False)


@pytest.mark.parametrize("name", PIECES)
def test_the_pieces_are_right_as_they_stand(name):
    assert marked(*PIECES[name]).ok


@pytest.mark.parametrize(("name", "right", "wrong", "cause", "said"), MISTAKES)
@pytest.mark.one_in(16)
def test_a_mistake_is_named_and_the_proposed_line_is_right(name, right, wrong, cause, said):
    source, arguments = PIECES[name]
    assert source.count(right) == 1
    changed = source.replace(right, wrong)
    found, *others = [line for line in marked(changed, arguments) if line.status == "wrong"]
    assert {line.line for line in others} <= {found.line}
    assert (found.cause, said in found.message) == (cause, True), found.message
    written, proposed = found.message.split(". In backward(): ")[1].split("  should be  ")
    assert changed.count(written) == 1
    assert marked(changed.replace(written, proposed), arguments).ok
