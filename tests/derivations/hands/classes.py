"""Hands that write a network as a class with `self`."""

from derivations.hands.hand import Hand

FORM = "class with self"

CLASSES = [
    Hand(
        name="ShallowNet with a gradient method",
        form=FORM,
        source="""\
import numpy as np


def softmax(a):
    a = a - np.max(a, axis=1, keepdims=True)
    e = np.exp(a)
    return e / np.sum(e, axis=1, keepdims=True)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class ShallowNet:
    def __init__(self, n_in, n_mid, n_out, rng):
        self.params = {}
        self.params["W1"] = rng.normal(size=(n_in, n_mid)) * 0.5
        self.params["b1"] = rng.normal(size=n_mid) * 0.1
        self.params["W2"] = rng.normal(size=(n_mid, n_out)) * 0.5
        self.params["b2"] = rng.normal(size=n_out) * 0.1

    def infer(self, x):
        a1 = np.dot(x, self.params["W1"]) + self.params["b1"]
        z1 = sigmoid(a1)
        a2 = np.dot(z1, self.params["W2"]) + self.params["b2"]
        return softmax(a2)

    def loss(self, x, t):
        y = self.infer(x)
        return -np.sum(t * np.log(y + 1e-10)) / x.shape[0]

    def gradient(self, x, t):
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]
        grads = {}
        count = x.shape[0]

        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)

        dy = (y - t) / count
        grads["W2"] = np.dot(z1.T, dy)
        grads["b2"] = np.sum(dy, axis=0)
        dz1 = np.dot(dy, W2.T)
        da1 = sigmoid(a1) * (1 - sigmoid(a1)) * dz1
        grads["W1"] = np.dot(x.T, da1)
        grads["b1"] = np.sum(da1, axis=0)
        return grads


rng = np.random.default_rng(2)
net = ShallowNet(5, 4, 3, rng)
x = rng.normal(size=(6, 5))
t = np.eye(3)[[0, 2, 1, 2, 0, 1]]
""",
        call="al.check_derivation(net.loss, net.gradient, x, t, show=False)",
        run="grads = net.gradient(x, t)",
        loss="net.loss(x, t)",
        gradients={n: (f'net.params["{n}"]', f'grads["{n}"]') for n in ("W1", "b1", "W2", "b2")},
        derivation=(("dy = (y - t) / count", 'grads["b1"] = np.sum(da1, axis=0)'),),
    ),
    Hand(
        name="NeuralNet with costFunctionPrime",
        form=FORM,
        source="""\
import numpy as np


class NeuralNet:
    def __init__(self, lam=0.02):
        np.random.seed(62)
        self.nIn = 2
        self.nOut = 1
        self.nHid = 3
        self.W1 = np.random.randn(self.nIn, self.nHid) * 0.8
        self.W2 = np.random.randn(self.nHid, self.nOut)
        self.lam = lam

    def forward(self, X):
        self.z2 = np.dot(X, self.W1)
        self.a2 = self.sigmoid(self.z2)
        self.z3 = np.dot(self.a2, self.W2)
        guess = self.sigmoid(self.z3)
        return guess

    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def sigmoidPrime(self, z):
        return np.exp(-z) / ((1 + np.exp(-z)) ** 2)

    def costFunction(self, X, y):
        self.guess = self.forward(X)
        J = 0.5 * sum((y - self.guess) ** 2) / X.shape[0] + (self.lam / 2) * (
            np.sum(self.W1 ** 2) + np.sum(self.W2 ** 2)
        )
        return J

    def costFunctionPrime(self, X, y):
        self.guess = self.forward(X)

        d3 = np.multiply(-(y - self.guess), self.sigmoidPrime(self.z3))
        dJdW2 = np.dot(self.a2.T, d3) / X.shape[0] + self.lam * self.W2

        d2 = np.dot(d3, self.W2.T) * self.sigmoidPrime(self.z2)
        dJdW1 = np.dot(X.T, d2) / X.shape[0] + self.lam * self.W1

        return dJdW1, dJdW2


nnet = NeuralNet()
rs = np.random.RandomState(92)
X, y = rs.rand(5, 2), rs.rand(5, 1)
""",
        call="al.check_derivation(nnet.costFunction, nnet.costFunctionPrime, X, y, show=False)",
        run="dJdW1, dJdW2 = nnet.costFunctionPrime(X, y)",
        loss="nnet.costFunction(X, y)",
        gradients={"W1": ("nnet.W1", "dJdW1"), "W2": ("nnet.W2", "dJdW2")},
        derivation=("NeuralNet.sigmoidPrime", "NeuralNet.costFunctionPrime"),
    ),
    Hand(
        name="MLP that stores gradients in self",
        form=FORM,
        source="""\
import numpy as np


class MLP:
    def __init__(self, n_in, n_hidden, n_out, seed=0):
        rng = np.random.RandomState(seed)
        self.W1 = rng.randn(n_in, n_hidden) * 0.5
        self.b1 = np.zeros((1, n_hidden)) + 0.1
        self.W2 = rng.randn(n_hidden, n_out) * 0.5
        self.b2 = np.zeros((1, n_out)) - 0.1

    def forward(self, X, Y):
        self.X, self.Y = X, Y
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.tanh(self.Z1)
        self.Z2 = self.A1 @ self.W2 + self.b2
        expZ = np.exp(self.Z2 - self.Z2.max(axis=1, keepdims=True))
        self.A2 = expZ / expZ.sum(axis=1, keepdims=True)
        return -np.mean(np.sum(Y * np.log(self.A2), axis=1))

    def backward(self):
        m = self.X.shape[0]
        self.dZ2 = (self.A2 - self.Y) / m
        self.dW2 = self.A1.T @ self.dZ2
        self.db2 = self.dZ2.sum(axis=0, keepdims=True)
        self.dA1 = self.dZ2 @ self.W2.T
        self.dZ1 = self.dA1 * (1 - self.A1 ** 2)
        self.dW1 = self.X.T @ self.dZ1
        self.db1 = self.dZ1.sum(axis=0, keepdims=True)


rng = np.random.default_rng(63)
mlp = MLP(3, 5, 4)
X = rng.normal(size=(7, 3))
Y = np.eye(4)[[0, 1, 3, 2, 1, 0, 2]]
""",
        call="al.check_derivation(mlp.forward, mlp.backward, X, Y, show=False)",
        run="mlp.forward(X, Y); mlp.backward()",
        loss="mlp.forward(X, Y)",
        gradients={n: (f"mlp.{n}", f"mlp.d{n}") for n in ("W1", "b1", "W2", "b2")},
        derivation=("MLP.backward",),
    ),
    Hand(
        name="Network with deltas and updates in backprop",
        form=FORM,
        source="""\
import numpy as np


class Regressor:
    def __init__(self, n_in, n_hid, n_out, learning_rate):
        rng = np.random.default_rng(64)
        self.lr = learning_rate
        self.weights_in = rng.normal(0.0, 0.6, (n_in, n_hid))
        self.weights_out = rng.normal(0.0, 0.6, (n_hid, n_out))

    def squash(self, x):
        return 1 / (1 + np.exp(-x))

    def run(self, features):
        net_in = np.dot(features, self.weights_in)
        hidden = self.squash(net_in)
        predicted = np.dot(hidden, self.weights_out)
        return predicted, hidden

    def loss(self, features, targets):
        predicted, _ = self.run(features)
        return 0.5 * np.sum((targets - predicted) ** 2)

    def train(self, features, targets):
        n_records = features.shape[0]
        delta_in = np.zeros(self.weights_in.shape)
        delta_out = np.zeros(self.weights_out.shape)
        for X, y in zip(features, targets):
            predicted, hidden = self.run(X)
            error = y - predicted
            output_term = error
            hidden_error = np.dot(self.weights_out, output_term)
            hidden_term = hidden_error * hidden * (1 - hidden)
            delta_in += hidden_term * X[:, None]
            delta_out += output_term * hidden[:, None]
        self.weights_out += self.lr * delta_out / n_records
        self.weights_in += self.lr * delta_in / n_records


rng = np.random.default_rng(65)
network = Regressor(3, 4, 2, 0.5)
features = rng.normal(size=(6, 3))
targets = rng.normal(size=(6, 2))
""",
        call="al.check_derivation(network.loss, network.train, features, targets, show=False)",
        run="start = copy.deepcopy(network); network.train(features, targets)",
        loss="start.loss(features, targets) / len(features)",
        gradients={
            "weights_in": (
                "start.weights_in",
                "(start.weights_in - network.weights_in) / 0.5",
            ),
            "weights_out": (
                "start.weights_out",
                "(start.weights_out - network.weights_out) / 0.5",
            ),
        },
        derivation=(("error = y - predicted", "delta_out += output_term"),),
        convention="the deltas descend, and are divided by the number of records in the step",
    ),
    Hand(
        name="logistic regression with fit-like gradient",
        form=FORM,
        source="""\
import numpy as np


class LogisticRegression:
    def __init__(self, n_features, l2=0.3):
        rng = np.random.default_rng(66)
        self.coef_ = rng.normal(size=n_features)
        self.intercept_ = 0.4
        self.l2 = l2

    def _sigmoid(self, z):
        return 1.0 / (1.0 + np.exp(-z))

    def predict_proba(self, X):
        return self._sigmoid(X @ self.coef_ + self.intercept_)

    def loss(self, X, y):
        p = self.predict_proba(X)
        eps = 1e-15
        ll = y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps)
        return -ll.mean() + self.l2 / 2 * (self.coef_ ** 2).sum()

    def gradients(self, X, y):
        p = self.predict_proba(X)
        residual = p - y
        grad_coef_ = X.T @ residual / len(y)
        grad_coef_ += self.l2 * self.coef_
        grad_intercept_ = residual.mean()
        return grad_coef_, grad_intercept_


rng = np.random.default_rng(67)
clf = LogisticRegression(4)
X = rng.normal(size=(9, 4))
y = (X[:, 0] + rng.normal(size=9) > 0).astype(float)
""",
        call="al.check_derivation(clf.loss, clf.gradients, X, y, show=False)",
        run="g, g0 = clf.gradients(X, y)",
        loss="clf.loss(X, y)",
        gradients={"coef_": ("clf.coef_", "g"), "intercept_": ("clf.intercept_", "g0")},
        derivation=(("residual = p - y", "grad_intercept_ = residual.mean()"),),
    ),
    Hand(
        name="deep net with lists of layers, any depth",
        form=FORM,
        source="""\
import numpy as np


class DeepNet:
    def __init__(self, sizes, rng):
        self.sizes = sizes
        self.W = [rng.normal(size=(i, o)) / np.sqrt(i) for i, o in zip(sizes, sizes[1:])]
        self.b = [rng.normal(size=o) * 0.1 for o in sizes[1:]]

    def forward(self, x):
        self.a = [x]
        self.z = []
        for i, (W, b) in enumerate(zip(self.W, self.b)):
            z = self.a[-1] @ W + b
            self.z.append(z)
            last = i == len(self.W) - 1
            self.a.append(z if last else np.where(z > 0, z, 0.1 * z))
        return self.a[-1]

    def loss(self, x, t):
        return 0.5 * np.mean(np.sum((self.forward(x) - t) ** 2, axis=1))

    def grads(self, x, t):
        y = self.forward(x)
        dW = [None] * len(self.W)
        db = [None] * len(self.b)
        d = (y - t) / len(x)
        for i in range(len(self.W) - 1, -1, -1):
            if i < len(self.W) - 1:
                d = d * np.where(self.z[i] > 0, 1, 0.1)
            dW[i] = self.a[i].T @ d
            db[i] = d.sum(axis=0)
            d = d @ self.W[i].T
        return dW, db


rng = np.random.default_rng(68)
net = DeepNet([3, 5, 4, 2], rng)
x, t = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
""",
        call="al.check_derivation(net.loss, net.grads, x, t, show=False)",
        run="dW, db = net.grads(x, t)",
        loss="net.loss(x, t)",
        gradients={
            f"{kind}{i}": (f"net.{kind}[{i}]", f"d{kind}[{i}]") for kind in "Wb" for i in range(3)
        },
        derivation=(("d = (y - t) / len(x)", "d = d @ self.W[i].T"),),
    ),
    Hand(
        name="GRU language model with self.grads",
        form=FORM,
        source="""\
import numpy as np


def logistic(v):
    return 1.0 / (1.0 + np.exp(-v))


class GRUModel:
    def __init__(self, vocab, hidden, rng):
        self.V, self.H = vocab, hidden
        self.Wz = rng.normal(size=(hidden, hidden + vocab)) * 0.5
        self.Wr = rng.normal(size=(hidden, hidden + vocab)) * 0.5
        self.Wc = rng.normal(size=(hidden, hidden + vocab)) * 0.5
        self.Wy = rng.normal(size=(vocab, hidden)) * 0.5

    def loss(self, ids, targets):
        h = np.zeros((self.H, 1))
        self.tape = []
        total = 0.0
        for i, t in zip(ids, targets):
            x = np.zeros((self.V, 1))
            x[i] = 1
            hx = np.vstack([h, x])
            z = logistic(self.Wz @ hx)
            r = logistic(self.Wr @ hx)
            rhx = np.vstack([r * h, x])
            c = np.tanh(self.Wc @ rhx)
            h_new = (1 - z) * h + z * c
            y = self.Wy @ h_new
            p = np.exp(y) / np.exp(y).sum()
            total -= np.log(p[t, 0])
            self.tape.append((h, hx, z, r, rhx, c, h_new, p, t))
            h = h_new
        return total

    def backward(self, ids, targets):
        self.loss(ids, targets)
        H = self.H
        self.grads = {n: np.zeros_like(getattr(self, n)) for n in ("Wz", "Wr", "Wc", "Wy")}
        dh_next = np.zeros((H, 1))
        for h, hx, z, r, rhx, c, h_new, p, t in reversed(self.tape):
            dy = p.copy()
            dy[t] -= 1
            self.grads["Wy"] += dy @ h_new.T
            dh = self.Wy.T @ dy + dh_next
            dc = dh * z
            dz = dh * (c - h)
            dh_prev = dh * (1 - z)
            dac = dc * (1 - c ** 2)
            self.grads["Wc"] += dac @ rhx.T
            drh = (self.Wc.T @ dac)[:H]
            dr = drh * h
            dh_prev += drh * r
            dar = dr * r * (1 - r)
            daz = dz * z * (1 - z)
            self.grads["Wr"] += dar @ hx.T
            self.grads["Wz"] += daz @ hx.T
            dh_prev += (self.Wr.T @ dar + self.Wz.T @ daz)[:H]
            dh_next = dh_prev
        return self.grads


rng = np.random.default_rng(69)
model = GRUModel(6, 4, rng)
ids, targets = [0, 3, 5, 1, 2], [3, 5, 1, 2, 4]
""",
        call="al.check_derivation(model.loss, model.backward, ids, targets, show=False)",
        run="grads = model.backward(ids, targets)",
        loss="model.loss(ids, targets)",
        gradients={n: (f"model.{n}", f'grads["{n}"]') for n in ("Wz", "Wr", "Wc", "Wy")},
        derivation=(("dy = p.copy()", "dh_next = dh_prev"),),
    ),
    Hand(
        name="factorisation machine with W_grad attributes",
        form=FORM,
        source="""\
import numpy as np


class FactorizationMachine:
    def __init__(self, n, k):
        state = np.random.RandomState(70)
        self.w0 = np.array([0.2])
        self.w = state.normal(size=n) * 0.5
        self.V = state.normal(size=(n, k)) * 0.5

    def predict(self, X):
        self.XV = X @ self.V
        pairs = 0.5 * ((self.XV ** 2).sum(axis=1) - ((X ** 2) @ (self.V ** 2)).sum(axis=1))
        return self.w0 + X @ self.w + pairs

    def loss(self, X, y):
        return np.mean((self.predict(X) - y) ** 2)

    def compute_gradients(self, X, y):
        e = 2.0 * (self.predict(X) - y) / len(y)
        self.w0_grad = np.array([e.sum()])
        self.w_grad = X.T @ e
        self.V_grad = np.zeros_like(self.V)
        for f in range(self.V.shape[1]):
            vf = self.V[:, f]
            self.V_grad[:, f] = X.T @ (e * self.XV[:, f]) - ((X ** 2).T @ e) * vf


rng = np.random.default_rng(71)
fm = FactorizationMachine(5, 3)
X, y = rng.normal(size=(8, 5)), rng.normal(size=8)
""",
        call="al.check_derivation(fm.loss, fm.compute_gradients, X, y, show=False)",
        run="fm.compute_gradients(X, y)",
        loss="fm.loss(X, y)",
        gradients={n: (f"fm.{n}", f"fm.{n}_grad") for n in ("w0", "w", "V")},
        derivation=(("e = 2.0 * (self.predict(X) - y)", "self.V_grad[:, f] ="),),
    ),
]
