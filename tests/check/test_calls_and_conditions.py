"""Mistakes in the calls of a person's own functions, in conditions, labels, divisors and sums."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

TOWERS = """
import numpy as np


def tower(x, W, V):
    h = np.tanh(x @ W)
    return h @ V, (x, h)


def tower_back(d, kept, V):
    x, h = kept
    dh = d @ V.T
    return x.T @ (dh * (1 - h ** 2)), h.T @ d


def forward(left, right, same, W, V):
    one, kept_one = tower(left, W, V)
    two, kept_two = tower(right, W, V)
    gap = one - two
    far = np.sqrt((gap ** 2).sum(axis=1) + 1e-9)
    return np.mean(same * far + (1 - same) * np.exp(-far)), (gap, far, kept_one, kept_two)


def backward(left, right, same, W, V, cache):
    gap, far, kept_one, kept_two = cache
    dfar = (same - (1 - same) * np.exp(-far)) / len(far)
    dgap = (dfar / far)[:, None] * gap
    ours = tower_back(dgap, kept_one, V)
    theirs = tower_back(-dgap, kept_two, V)
    return ours[0] + theirs[0], ours[1] + theirs[1]
"""


def report_on_towers(text):
    rng = np.random.default_rng(5)
    same = np.array([1.0, 0, 1, 0, 0, 1])
    inputs = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), same
    weights = rng.normal(size=(3, 5)), rng.normal(size=(5, 4))
    return al.check_derivation(*load(text, "towers"), *inputs, *weights, show=False, seconds=12)


DEEP = """
import numpy as np


def softsign(z):
    return z / (1 + np.abs(z))


def softsign_slope(z):
    return 1 / (1 + np.abs(z)) ** 2


def forward(X, y, weights, decay):
    zs, outs = [], [X]
    for i in range(len(weights)):
        zs.append(outs[-1] @ weights[i])
        outs.append(zs[-1] if i == len(weights) - 1 else softsign(zs[-1]))
    off = outs[-1] - y
    loss = 0.5 * np.sum(off ** 2) / len(X)
    return loss + 0.5 * decay * sum(np.sum(w ** 2) for w in weights), (zs, outs, off)


def backward(X, y, weights, decay, cache):
    zs, outs, off = cache
    grads = [None] * len(weights)
    delta = off / len(X)
    for i in reversed(range(len(weights))):
        if i < len(weights) - 1:
            delta = delta * softsign_slope(zs[i])
        grads[i] = outs[i].T @ delta + decay * weights[i]
        delta = delta @ weights[i].T
    return grads
"""


def report_on_deep(text):
    rng = np.random.default_rng(7)
    weights = [rng.normal(size=s) for s in ((4, 6), (6, 5), (5, 2))]
    inputs = rng.normal(size=(8, 4)), rng.normal(size=(8, 2)), weights, 0.3
    return al.check_derivation(*load(text, "deep"), *inputs, show=False, seconds=12)


WEIGHTED = """
import numpy as np


def forward(X, y, weight, W, b):
    e = np.exp(X @ W + b)
    p = e / e.sum(axis=1, keepdims=True)
    each = -np.log(p[np.arange(len(y)), y])
    return np.sum(weight * each) / np.sum(weight) + 0.5 * np.sum(W ** 2), p


def backward(X, y, weight, W, b, p):
    rest = p.copy()
    rest[np.arange(len(y)), y] -= 1
    rest = rest * weight[:, None]
    rest /= np.sum(weight)
    dW = X.T @ rest
    dW += W
    db = rest.sum(axis=0)
    return dW, db
"""


def report_on_weighted(text):
    rng = np.random.default_rng(3)
    labels, weight = np.array([0, 2, 1, 1, 2, 0, 2]), rng.uniform(0.5, 2, 7)
    inputs = rng.normal(size=(7, 4)), labels, weight, rng.normal(size=(4, 3)), rng.normal(size=3)
    return al.check_derivation(*load(text, "weighted"), *inputs, show=False, seconds=12)


CASES = [
    (report_on_towers, TOWERS),
    (report_on_deep, DEEP),
    (report_on_weighted, WEIGHTED),
]


@pytest.mark.parametrize(("report_on", "text"), CASES)
def test_they_are_right(report_on, text):
    assert report_on(text).ok


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("back(-dgap, kept_two", "back(dgap, kept_two", "sign", "dgap should be -dgap in"),
        ("back(-dgap, kept_two", "back(-dgap, kept_one", "operand", "kept_one should be kept_two"),
        ("(dfar / far)[:, None]", "dfar[:, None]", "factor", "the division by far[:, None]"),
    ],
)
@pytest.mark.one_in(2)
def test_arguments_of_a_helper_that_is_called_twice(right, wrong, cause, words):
    text = TOWERS.replace(right, wrong)
    assert_blamed(report_on_towers(text), text, wrong, cause, words)


@pytest.mark.parametrize(
    ("right", "wrong", "part", "cause", "words"),
    [
        ("* softsign_slope(zs[i])", "* softsign(zs[i])", "", "activation", "softsign_slope(zs[i])"),
        ("* softsign_slope(zs[i])", "", "delta = delta\n", "activation", "softsign_slope(zs[i])"),
        (
            "1 / (1 + np.abs(z)) ** 2",
            "1 / (1 + np.abs(z))",
            "",
            "activation",
            "softsign_slope(z) should be the derivative of softsign(z)",
        ),
        ("if i < len(weights) - 1:", "if i > 0:", "", "mask", "should be i != len(weights) - 1"),
        ("if i < len(weights) - 1:", "if i <= len(weights) - 1:", "", "mask", "the condition i <="),
        (" + decay * weights[i]", "", "grads[i] = outs", "term", "+ decay * weights[i]"),
    ],
)
@pytest.mark.one_in(3)
def test_a_deep_net_over_lists(right, wrong, part, cause, words):
    text = DEEP.replace(right, wrong)
    report = report_on_deep(text)
    assert {line.line for line in report if line.status == "wrong"} == {
        _line_of(text, part or wrong)
    }
    assert {line.cause for line in report if line.status == "wrong"} == {cause}
    assert words in str(report)


def _line_of(text, part):
    return text[: text.index(part.strip())].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("rest * weight[:, None]", "rest * 1", "factor", "the factor weight[:, None] is missing"),
        ("/= np.sum(weight)", "/= len(y)", "factor", "len(y) should be np.sum(weight)"),
        ("db = rest.sum(", "db = dW.sum(", "operand", "dW should be rest in dW.sum(axis=0)"),
        ("rest.sum(axis=0)", "rest[0]", "unsummed", "rest[0] should be rest.sum(axis=0)"),
        ("dW += W", "dW += np.sign(W)", "activation", "sign in np.sign(W) should be left out"),
        ("rest[np.arange(len(y)), y]", "rest[:, y]", "index", "should be rest[np.arange(len(y))"),
    ],
)
@pytest.mark.one_in(3)
def test_weights_of_samples(right, wrong, cause, words):
    text = WEIGHTED.replace(right, wrong)
    assert_blamed(report_on_weighted(text), text, wrong, cause, words)


LEAKY = """
import numpy as np


def forward(x, y, W, V):
    z = x @ W
    a = np.where(z > 0, z, 0.07 * z)
    loss = 0.0
    for t in range(len(y)):
        loss -= np.log(np.exp(a[t] @ V)[y[t]] / np.exp(a[t] @ V).sum())
    return loss, (z, a)


def backward(x, y, W, V, cache):
    z, a = cache
    seen = list(range(len(y)))
    da, dV = np.zeros_like(a), np.zeros_like(V)
    for t in range(len(y)):
        p = np.exp(a[t] @ V) / np.exp(a[t] @ V).sum()
        p[y[t]] -= 1
        dV += np.outer(a[t], p)
        da[t] = V @ p
    da[z <= 0] *= 0.07
    return x.T @ da, dV
"""


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("da[z <= 0] *= 0.07", "da[z <= 0] = 0", "mask", "should be multiplied by 0.07"),
        ("p[y[t]] -= 1", "p[seen[t]] -= 1", "index", "the index seen[t] should be y[t]"),
    ],
)
def test_a_slope_for_negative_values_and_labels_in_lists(right, wrong, cause, words):
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(5, 4)), np.array([2, 0, 3, 5, 1]), rng.normal(size=(4, 3))
    text = LEAKY.replace(right, wrong)
    functions = load(text, "leaky")
    report = al.check_derivation(
        *functions, *inputs, rng.normal(size=(3, 6)), show=False, seconds=12
    )
    assert_blamed(report, text, wrong, cause, words)


ROBUST = """
import numpy as np


def forward(X, w):
    return X @ w


def cost(guess, target, width=1.0):
    off = np.abs(guess - target)
    return np.mean(np.where(off <= width, 0.5 * off ** 2, width * (off - 0.5 * width)))


def backward(X, w, guess, target, width=1.0):
    off = guess - target
    doff = np.where(np.abs(off) <= width, off, width * np.sign(off)) / len(target)
    return X.T @ doff
"""


def test_a_parameter_with_a_default_keeps_it():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(9, 4)), rng.normal(size=4), 3 * rng.normal(size=9)
    functions = load(ROBUST, "robust")
    cost = functions[0].__globals__["cost"]
    assert al.check_derivation(*functions, *inputs, loss=cost, show=False).ok


WINDOWS = """
import numpy as np


def forward(image, weight, step):
    n = (len(image) - 2) // step + 1
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            top, left = i * step, j * step
            out[i, j] = np.tanh(np.sum(image[top:top + 2, left:left + 2] * weight))
    return np.sum(out ** 2), out


def backward(image, weight, step, out):
    dimage, dweight = np.zeros_like(image), np.zeros_like(weight)
    for i in range(len(out)):
        for j in range(len(out)):
            top, left = i * step, j * step
            d = 2 * out[i, j] * (1 - out[i, j] ** 2)
            dimage[top:top + 2, left:left + 2] += d * weight
            dweight += d * image[top:top + 2, left:left + 2]
    return dimage, dweight
"""


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        (
            "top, left = i * step, j * step",
            "top, left = i, j",
            "index",
            "i and j should be multiplied by step",
        ),
        ("for i in range(len(out))", "for i in range(len(out) - 1)", "index", "run over range(len"),
    ],
)
def test_windows_at_a_distance(right, wrong, cause, words):
    rng = np.random.default_rng(4)
    # Its second place, in the backward pass.
    ahead, behind = WINDOWS.split("def backward")
    text = f"{ahead}def backward{behind.replace(right, wrong)}"
    inputs = rng.normal(size=(8, 8)), rng.normal(size=(2, 2)), 3
    report = al.check_derivation(*load(text, "windows"), *inputs, show=False, seconds=12)
    assert_blamed(report, text, wrong, cause, words)


SCALARS = """
import numpy as np


def forward(x, w_1, w_2, v_1, v_2, bias):
    net_1, net_2 = w_1 * x + bias, w_2 * x + bias
    out_1, out_2 = np.tanh(net_1), np.tanh(net_2)
    return 0.5 * (v_1 * out_1 + v_2 * out_2) ** 2, (out_1, out_2)


def backward(x, w_1, w_2, v_1, v_2, bias, cache):
    out_1, out_2 = cache
    off = v_1 * out_1 + v_2 * out_2
    dv_1, dv_2 = off * out_1, off * out_2
    dout_1, dout_2 = off * v_1, off * v_2
    dnet_1, dnet_2 = dout_1 * (1 - out_1 ** 2), dout_2 * (1 - out_2 ** 2)
    dw_1, dw_2 = dnet_1 * x, dnet_2 * x
    dbias = dnet_1 + dnet_2
    return dw_1, dw_2, dv_1, dv_2, dbias
"""


def test_a_word_in_several_names():
    text = SCALARS.replace("dbias = dnet_1 + dnet_2", "dbias = dout_1 + dout_2")
    inputs = 0.7, 0.3, -0.8, 1.1, 0.4, 0.2
    report = al.check_derivation(*load(text, "scalars"), *inputs, show=False, seconds=12)
    words = "dout should be dnet in the names of 2 values"
    assert_blamed(report, text, "dbias = dout_1", "operand", words)


STARTED = """
import numpy as np

STARTS = []


def forward(x, w):
    out = np.tanh(x @ w)
    return np.sum(out ** 2), out


def backward(x, w, out):
    d = out.copy()
    d = d * (1 - out ** 2)
    return x.T @ d


def train():
    STARTS.append(1)
    return np.zeros((5, 2))


def report(values):
    STARTS.append(2)
    return values
"""


def test_functions_that_do_something_are_not_tried():
    rng = np.random.default_rng(4)
    functions = load(STARTED, "started")
    report = al.check_derivation(
        *functions, rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), show=False, seconds=12
    )
    assert_blamed(report, STARTED, "d = d * (1", "factor", "d lacks a factor 2")
    assert functions[0].__globals__["STARTS"] == []


FLIPPED = """
import numpy as np


def windows(x, size):
    return np.lib.stride_tricks.sliding_window_view(x, size)


def forward(x, w):
    out = np.einsum("ijab,ab->ij", windows(x, w.shape), w)
    return 0.5 * np.sum(out ** 2), out


def backward(x, w, out):
    dw = np.einsum("ijab,ij->ab", windows(x, w.shape), out)
    wide = np.pad(out, [(n - 1, n - 1) for n in w.shape])
    dx = np.einsum("ijab,ab->ij", windows(wide, w.shape), w[::-1, ::-1])
    return dx, dw
"""


@pytest.mark.parametrize("wrong", ["w)\n    return dx", "w[::-1])\n    return dx"])
def test_a_kernel_that_is_not_flipped(wrong):
    rng = np.random.default_rng(4)
    text = FLIPPED.replace("w[::-1, ::-1])\n    return dx", wrong)
    inputs = rng.normal(size=(5, 6)), rng.normal(size=(3, 2))
    report = al.check_derivation(*load(text, "flipped"), *inputs, show=False, seconds=12)
    assert_blamed(report, text, "dx = ", "index", "should be w[::-1, ::-1]")


WORDS = """
import numpy as np


def forward(words, following, U, V):
    p = np.exp(U[words] @ V)
    p /= p.sum(axis=1, keepdims=True)
    return -np.sum(np.log(p[np.arange(len(words)), following])), p


def backward(words, following, U, V, p):
    d = p.copy()
    d[np.arange(len(words)), following] -= 1
    dV = U[words].T @ d
    dU = np.zeros_like(U)
    for t in np.arange(len(words)):
        for k in np.arange(1):
            dU[words[t]] += d[t] @ V.T
    return dU, dV
"""


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("following] -= 1", "words] -= 1", "the index words should be following"),
        ("dU[words[t]]", "dU[words[k]]", "the index k should be t"),
    ],
)
def test_labels_in_lists_and_counters_of_numpy(right, wrong, words):
    rng = np.random.default_rng(4)
    text = WORDS.replace(right, wrong)
    inputs = [0, 3, 1, 3], [3, 1, 2, 0], rng.normal(size=(4, 3)), rng.normal(size=(3, 4))
    report = al.check_derivation(*load(text, "words"), *inputs, show=False, seconds=12)
    assert_blamed(report, text, wrong, "index", words)
