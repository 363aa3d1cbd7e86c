"""Hands that write one function that returns the loss and its gradients."""

from derivations.hands.hand import Hand, wrong

FORM = "one function"

ONE_FUNCTION = [
    Hand(
        name="SVM by loops",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(7, 5))
y = np.array([0, 2, 1, 3, 1, 0, 2])
W = rng.normal(size=(5, 4)) * 0.5


def svm_loss_naive(W, X, y, reg):
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct_class_score = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct_class_score + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW
""",
        call="al.check_derivation(svm_loss_naive, W, X, y, 0.2, show=False)",
        run="loss, dW = svm_loss_naive(W, X, y, 0.2)",
        loss="svm_loss_naive(W, X, y, 0.2)[0]",
        gradients={"W": ("W", "dW")},
        derivation=(
            ("dW[:, j] += X[i]", "dW[:, y[i]] -= X[i]"),
            ("dW /= num_train", "dW /= num_train"),
            ("dW += 2 * reg * W", "dW += 2 * reg * W"),
        ),
    ),
    Hand(
        name="character RNN with globals",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(5)
hidden_size, vocab_size = 4, 6
Wxh = np.random.randn(hidden_size, vocab_size) * 0.5
Whh = np.random.randn(hidden_size, hidden_size) * 0.5
Why = np.random.randn(vocab_size, hidden_size) * 0.5
bh = np.random.randn(hidden_size, 1) * 0.1
by = np.random.randn(vocab_size, 1) * 0.1
inputs, targets = [0, 3, 1, 5, 2], [3, 1, 5, 2, 4]
hprev = np.random.randn(hidden_size, 1) * 0.3


def lossFun(inputs, targets, hprev):
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((vocab_size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
""",
        call="al.check_derivation(lossFun, inputs, targets, hprev, show=False)",
        run="loss, dWxh, dWhh, dWhy, dbh, dby, h = lossFun(inputs, targets, hprev)",
        loss="lossFun(inputs, targets, hprev)[0]",
        gradients={n: (n, "d" + n) for n in ("Wxh", "Whh", "Why", "bh", "by")},
        derivation=(("dy = np.copy(ps[t])", "dhnext = np.dot(Whh.T, dhraw)"),),
        extra=(
            wrong(
                "accumulation left out",
                "dh = np.dot(Why.T, dy) + dhnext",
                "dh = np.dot(Why.T, dy)",
                "term",
            ),
        ),
    ),
]
