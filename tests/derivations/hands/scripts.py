"""Hands that write a script: a training loop, or a few lines."""

from derivations.hands.hand import Hand

FORM = "script"
CALL = 'al.check_script(TEXT, loss="loss", show=False)'

SCRIPTS = [
    Hand(
        name="eleven lines",
        form=FORM,
        source="""\
import numpy as np

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0]])
y = np.array([[0.1], [0.9], [0.8], [0.2], [0.7]])
np.random.seed(1)
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1
for j in range(60000):
    l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    loss = 0.5 * np.sum((y - l2) ** 2)
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
""",
        call=CALL,
        start="for j in range(60000):",
        gradients={
            "syn0": ("syn0", 'before["syn0"] - syn0'),
            "syn1": ("syn1", 'before["syn1"] - syn1'),
        },
        derivation=(("l2_delta = (y - l2)", "syn0 += X.T.dot(l1_delta)"),),
        convention="the deltas descend",
    ),
    Hand(
        name="cubic fitted in a loop",
        form=FORM,
        source="""\
import numpy as np
import math

x = np.linspace(-math.pi, math.pi, 9)
y = np.sin(x)
rng = np.random.default_rng(11)
a, b, c, d = rng.normal(size=4)
learning_rate = 1e-6
for t in range(2000):
    y_pred = a + b * x + c * x ** 2 + d * x ** 3
    loss = np.square(y_pred - y).sum()
    if t % 100 == 99:
        print(t, loss)

    grad_y_pred = 2.0 * (y_pred - y)
    grad_a = grad_y_pred.sum()
    grad_b = (grad_y_pred * x).sum()
    grad_c = (grad_y_pred * x ** 2).sum()
    grad_d = (grad_y_pred * x ** 3).sum()

    a -= learning_rate * grad_a
    b -= learning_rate * grad_b
    c -= learning_rate * grad_c
    d -= learning_rate * grad_d
""",
        call=CALL,
        start="for t in range(2000):",
        gradients={n: (n, f"grad_{n}") for n in "abcd"},
        derivation=(("grad_y_pred = 2.0 * (y_pred - y)", "grad_d = (grad_y_pred * x ** 3).sum()"),),
    ),
]
