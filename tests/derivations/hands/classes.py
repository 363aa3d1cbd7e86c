"""Hands that write a network as a class with `self`."""

from derivations.hands.hand import Hand

FORM = "class with self"

CLASSES = [
    Hand(
        name="TwoLayerNet with a gradient method",
        form=FORM,
        source="""\
import numpy as np


def softmax(a):
    a = a - np.max(a, axis=1, keepdims=True)
    e = np.exp(a)
    return e / np.sum(e, axis=1, keepdims=True)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, rng):
        self.params = {}
        self.params["W1"] = rng.normal(size=(input_size, hidden_size)) * 0.5
        self.params["b1"] = rng.normal(size=hidden_size) * 0.1
        self.params["W2"] = rng.normal(size=(hidden_size, output_size)) * 0.5
        self.params["b2"] = rng.normal(size=output_size) * 0.1

    def predict(self, x):
        a1 = np.dot(x, self.params["W1"]) + self.params["b1"]
        z1 = sigmoid(a1)
        a2 = np.dot(z1, self.params["W2"]) + self.params["b2"]
        return softmax(a2)

    def loss(self, x, t):
        y = self.predict(x)
        return -np.sum(t * np.log(y + 1e-10)) / x.shape[0]

    def gradient(self, x, t):
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]
        grads = {}
        batch_num = x.shape[0]

        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)

        dy = (y - t) / batch_num
        grads["W2"] = np.dot(z1.T, dy)
        grads["b2"] = np.sum(dy, axis=0)
        dz1 = np.dot(dy, W2.T)
        da1 = sigmoid(a1) * (1 - sigmoid(a1)) * dz1
        grads["W1"] = np.dot(x.T, da1)
        grads["b1"] = np.sum(da1, axis=0)
        return grads


rng = np.random.default_rng(2)
net = TwoLayerNet(5, 4, 3, rng)
x = rng.normal(size=(6, 5))
t = np.eye(3)[[0, 2, 1, 2, 0, 1]]
""",
        call="al.check_derivation(net.loss, net.gradient, x, t, show=False)",
        run="grads = net.gradient(x, t)",
        loss="net.loss(x, t)",
        gradients={n: (f'net.params["{n}"]', f'grads["{n}"]') for n in ("W1", "b1", "W2", "b2")},
        derivation=(("dy = (y - t) / batch_num", 'grads["b1"] = np.sum(da1, axis=0)'),),
    ),
]
