"""A net that derives the gradients of one example at a time, and sums them in lists."""

import numpy as np
import pytest
from derivations.running import assert_blamed

import autograd_lite as al

NET = """
import numpy as np


class Net:
    def __init__(self, sizes):
        rng = np.random.default_rng(3)
        self.biases = [rng.normal(size=(n, 1)) for n in sizes[1:]]
        self.weights = [rng.normal(size=(n, m)) for m, n in zip(sizes[:-1], sizes[1:])]

    def cost(self, examples, decay):
        total = 0.0
        for x, y in examples:
            a = x
            for b, w in zip(self.biases, self.weights):
                a = bend(np.dot(w, a) + b)
            total += 0.5 * np.sum((a - y) ** 2) / len(examples)
        return total + 0.5 * decay * sum(np.sum(w ** 2) for w in self.weights)

    def gradient(self, examples, decay):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in examples:
            more_b, more_w = self.of_one(x, y)
            nabla_b = [nb + mb for nb, mb in zip(nabla_b, more_b)]
            nabla_w = [nw + mw for nw, mw in zip(nabla_w, more_w)]
        n = len(examples)
        nabla_b = [nb / n for nb in nabla_b]
        nabla_w = [nw / n + decay * w for nw, w in zip(nabla_w, self.weights)]
        return nabla_b, nabla_w

    def of_one(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        a, outputs, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, a) + b
            zs.append(z)
            a = bend(z)
            outputs.append(a)
        delta = self.off_by(outputs[-1], y) * slope(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, outputs[-2].T)
        for k in range(2, len(self.biases) + 1):
            bent = slope(zs[-k])
            delta = np.dot(self.weights[-k + 1].T, delta) * bent
            nabla_b[-k] = delta
            nabla_w[-k] = np.dot(delta, outputs[-k - 1].T)
        return nabla_b, nabla_w

    def off_by(self, output, y):
        return output - y


def bend(z):
    return 1.0 / (1.0 + np.exp(-z))


def slope(z):
    return bend(z) * (1 - bend(z))
"""


def report_on(text, tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    names = {}
    exec(compile(text, str(path), "exec"), names)
    net, rng = names["Net"]([3, 6, 5, 2]), np.random.default_rng(1)
    examples = [(rng.normal(size=(3, 1)), rng.random((2, 1))) for _ in range(4)]
    return al.check_derivation(net.cost, net.gradient, examples, 0.05, show=False, seconds=12)


def test_it_is_right(tmp_path):
    assert report_on(NET, tmp_path, "right").ok


@pytest.mark.parametrize(
    ("right", "wrong", "part", "cause", "words"),
    [
        (" * slope(zs[-1])", "", "delta = self.off_by", "activation", "missing"),
        ("nw / n + decay * w", "nw / n - decay * w", "nw / n - decay", "sign", "decay"),
        ("outputs[-k - 1].T)\n", "outputs[-k - 1].T) * 2\n", ".T) * 2", "factor", "the factor 2"),
    ],
)
@pytest.mark.slow
def test_the_line_is_blamed_from_which_all_comes(right, wrong, part, cause, words, tmp_path):
    text = NET.replace(right, wrong, 1)
    assert_blamed(report_on(text, tmp_path, "wrong"), text, part, cause, words)
