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
n_hidden, n_letters = 4, 6
W_in = np.random.randn(n_hidden, n_letters) * 0.5
W_rec = np.random.randn(n_hidden, n_hidden) * 0.5
W_out = np.random.randn(n_letters, n_hidden) * 0.5
b_hid = np.random.randn(n_hidden, 1) * 0.1
b_out = np.random.randn(n_letters, 1) * 0.1
letters, followers = [0, 3, 1, 5, 2], [3, 1, 5, 2, 4]
h_start = np.random.randn(n_hidden, 1) * 0.3


def sequence_loss(letters, followers, h_start):
    loss, onehot, score, prob = 0.0, {}, {}, {}
    state = {-1: h_start.copy()}
    for t in range(len(letters)):
        onehot[t] = np.zeros((n_letters, 1))
        onehot[t][letters[t]] = 1
        state[t] = np.tanh(np.dot(W_in, onehot[t]) + np.dot(W_rec, state[t - 1]) + b_hid)
        score[t] = np.dot(W_out, state[t]) + b_out
        prob[t] = np.exp(score[t]) / np.sum(np.exp(score[t]))
        loss += -np.log(prob[t][followers[t], 0])
    dW_in, db_hid = 0 * W_in, 0 * b_hid
    dW_rec = 0 * W_rec
    dW_out, db_out = 0 * W_out, 0 * b_out
    dh_later = 0 * state[-1]
    for t in reversed(range(len(letters))):
        dy = np.copy(prob[t])
        dy[followers[t]] -= 1
        dW_out += np.dot(dy, state[t].T)
        db_out += dy
        dh = np.dot(W_out.T, dy) + dh_later
        dpre = (1 - state[t] * state[t]) * dh
        db_hid += dpre
        dW_in += np.dot(dpre, onehot[t].T)
        dW_rec += np.dot(dpre, state[t - 1].T)
        dh_later = np.dot(W_rec.T, dpre)
    return loss, dW_in, dW_rec, dW_out, db_hid, db_out, state[len(letters) - 1]
""",
        call="al.check_derivation(sequence_loss, letters, followers, h_start, show=False)",
        run="loss, dW_in, dW_rec, dW_out, db_hid, db_out, h = "
        "sequence_loss(letters, followers, h_start)",
        loss="sequence_loss(letters, followers, h_start)[0]",
        gradients={n: (n, "d" + n) for n in ("W_in", "W_rec", "W_out", "b_hid", "b_out")},
        derivation=(("dy = np.copy(prob[t])", "dh_later = np.dot(W_rec.T, dpre)"),),
        extra=(
            wrong(
                "accumulation left out",
                "dh = np.dot(W_out.T, dy) + dh_later",
                "dh = np.dot(W_out.T, dy)",
                "term",
            ),
        ),
    ),
    Hand(
        name="SVM vectorised",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(41)
X = rng.normal(size=(8, 5))
y = np.array([0, 2, 1, 3, 1, 0, 2, 3])
W = rng.normal(size=(5, 4)) * 0.5


def svm_loss_vectorized(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(num_train), y] = 0
    loss = margins.sum() / num_train + reg * np.sum(W ** 2)

    binary = (margins > 0).astype(float)
    row_sum = np.sum(binary, axis=1)
    binary[np.arange(num_train), y] = -row_sum
    dW = X.T.dot(binary)
    dW /= num_train
    dW += 2 * reg * W
    return loss, dW
""",
        call="al.check_derivation(svm_loss_vectorized, W, X, y, 0.15, show=False)",
        run="loss, dW = svm_loss_vectorized(W, X, y, 0.15)",
        loss="svm_loss_vectorized(W, X, y, 0.15)[0]",
        gradients={"W": ("W", "dW")},
        derivation=(("binary = (margins > 0)", "dW += 2 * reg * W"),),
    ),
    Hand(
        name="two-layer net with grads dictionary",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(42)
X = rng.normal(size=(7, 4))
y = np.array([0, 1, 2, 2, 1, 0, 1])
params = {
    "W1": rng.normal(size=(4, 5)) * 0.6,
    "b1": rng.normal(size=5) * 0.2,
    "W2": rng.normal(size=(5, 3)) * 0.6,
    "b2": rng.normal(size=3) * 0.2,
}


def two_layer_loss(params, X, y, reg=0.05):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    N, D = X.shape

    h1 = X.dot(W1) + b1
    relu = np.maximum(0, h1)
    scores = relu.dot(W2) + b2

    scores = scores - np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    data_loss = np.sum(-np.log(probs[range(N), y])) / N
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    grads = {}
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N

    grads["W2"] = np.dot(relu.T, dscores) + reg * W2
    grads["b2"] = np.sum(dscores, axis=0)

    dhidden = np.dot(dscores, W2.T)
    dhidden[relu <= 0] = 0

    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    grads["W1"] += reg * W1

    return loss, grads
""",
        call="al.check_derivation(two_layer_loss, params, X, y, show=False)",
        run="loss, grads = two_layer_loss(params, X, y)",
        loss="two_layer_loss(params, X, y)[0]",
        gradients={n: (f'params["{n}"]', f'grads["{n}"]') for n in ("W1", "b1", "W2", "b2")},
        derivation=(("dscores[range(N), y] -= 1", 'grads["W1"] += reg * W1'),),
    ),
    Hand(
        name="word2vec, naive softmax",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(43)
centerWordVec = rng.normal(size=4)
outsideVectors = rng.normal(size=(6, 4))
outsideWordIdx = 3


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors):
    scores = outsideVectors @ centerWordVec
    yHat = softmax(scores)
    loss = -np.log(yHat[outsideWordIdx])
    delta = yHat.copy()
    delta[outsideWordIdx] -= 1
    gradCenterVec = outsideVectors.T @ delta
    gradOutsideVecs = np.outer(delta, centerWordVec)
    return loss, gradCenterVec, gradOutsideVecs
""",
        call="al.check_derivation(naiveSoftmaxLossAndGradient, centerWordVec, outsideWordIdx, "
        "outsideVectors, show=False)",
        run="loss, gc, go = naiveSoftmaxLossAndGradient("
        "centerWordVec, outsideWordIdx, outsideVectors)",
        loss="naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors)[0]",
        gradients={
            "centerWordVec": ("centerWordVec", "gc"),
            "outsideVectors": ("outsideVectors", "go"),
        },
        derivation=(("delta[outsideWordIdx] -= 1", "gradOutsideVecs = np.outer"),),
    ),
    Hand(
        name="word2vec, negative sampling",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(44)
v_c = rng.normal(size=5) * 0.8
U = rng.normal(size=(7, 5)) * 0.8
o = 2
negatives = [4, 0, 4, 6, 1]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def neg_sampling(v_c, o, U, negatives):
    grad_v = np.zeros_like(v_c)
    grad_U = np.zeros_like(U)

    p = sigmoid(U[o] @ v_c)
    loss = -np.log(p)
    grad_v += (p - 1) * U[o]
    grad_U[o] += (p - 1) * v_c

    for k in negatives:
        q = sigmoid(-U[k] @ v_c)
        loss += -np.log(q)
        grad_v += (1 - q) * U[k]
        grad_U[k] += (1 - q) * v_c
    return loss, grad_v, grad_U
""",
        call="al.check_derivation(neg_sampling, v_c, o, U, negatives, show=False)",
        run="loss, grad_v, grad_U = neg_sampling(v_c, o, U, negatives)",
        loss="neg_sampling(v_c, o, U, negatives)[0]",
        gradients={"v_c": ("v_c", "grad_v"), "U": ("U", "grad_U")},
        derivation=(
            ("grad_v += (p - 1)", "grad_U[o] += (p - 1)"),
            ("grad_v += (1 - q)", "grad_U[k] += (1 - q)"),
        ),
    ),
    Hand(
        name="softmax regression by loops",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(45)
X = rng.normal(size=(6, 5))
y = np.array([3, 0, 1, 2, 1, 3])
W = rng.normal(size=(5, 4)) * 0.6


def softmax_loss_naive(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    N = X.shape[0]
    C = W.shape[1]
    for i in range(N):
        f = X[i].dot(W)
        f = f - np.max(f)
        p = np.exp(f) / np.sum(np.exp(f))
        loss += -np.log(p[y[i]])
        for c in range(C):
            dW[:, c] += (p[c] - (c == y[i])) * X[i]
    loss = loss / N + 0.5 * reg * np.sum(W * W)
    dW = dW / N + reg * W
    return loss, dW
""",
        call="al.check_derivation(softmax_loss_naive, W, X, y, 0.3, show=False)",
        run="loss, dW = softmax_loss_naive(W, X, y, 0.3)",
        loss="softmax_loss_naive(W, X, y, 0.3)[0]",
        gradients={"W": ("W", "dW")},
        derivation=(("dW[:, c] +=", "dW[:, c] +="), ("dW = dW / N", "dW = dW / N")),
        extra=(
            wrong("term left out", "(p[c] - (c == y[i])) * X[i]", "p[c] * X[i]", "term", "operand"),
        ),
    ),
    Hand(
        name="policy gradient with advantages",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(46)
states = rng.normal(size=(8, 4))
actions = np.array([0, 2, 1, 1, 0, 2, 2, 0])
advantages = rng.normal(size=8)
theta = {"W1": rng.normal(size=(4, 5)) * 0.7, "W2": rng.normal(size=(5, 3)) * 0.7}


def policy_loss(theta, states, actions, advantages, beta=0.1):
    hid = np.tanh(states @ theta["W1"])
    logits = hid @ theta["W2"]
    logits = logits - logits.max(axis=1, keepdims=True)
    pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    idx = np.arange(len(actions))
    logp = np.log(pi)
    entropy = -(pi * logp).sum(axis=1)
    J = -(logp[idx, actions] * advantages).mean() - beta * entropy.mean()

    onehot = np.zeros_like(pi)
    onehot[idx, actions] = 1.0
    dlogits = (pi - onehot) * advantages[:, None]
    dlogits += beta * pi * (logp + entropy[:, None])
    dlogits /= len(states)
    grads = {}
    grads["W2"] = hid.T @ dlogits
    dhid = dlogits @ theta["W2"].T
    dhid *= 1 - hid ** 2
    grads["W1"] = states.T @ dhid
    return J, grads
""",
        call="al.check_derivation(policy_loss, theta, states, actions, advantages, show=False)",
        run="J, grads = policy_loss(theta, states, actions, advantages)",
        loss="policy_loss(theta, states, actions, advantages)[0]",
        gradients={n: (f'theta["{n}"]', f'grads["{n}"]') for n in ("W1", "W2")},
        derivation=(("onehot[idx, actions] = 1.0", 'grads["W1"] = states.T @ dhid'),),
        extra=(
            wrong(
                "activation of another kind",
                "dhid *= 1 - hid ** 2",
                "dhid *= 1 - hid",
                "activation",
            ),
            wrong(
                "activation of another kind",
                "dhid *= 1 - hid ** 2",
                "dhid *= hid * (1 - hid)",
                "activation",
            ),
        ),
    ),
    Hand(
        name="Huber regression, value_and_grad",
        form=FORM,
        source="""\
import numpy as np

gen = np.random.default_rng(47)
feats = gen.normal(size=(9, 4))
obs = gen.normal(size=9) * 3
coef = gen.normal(size=4)
intercept = 0.25


def value_and_grad(coef, intercept, feats, obs, delta=1.0, alpha=0.05):
    n = feats.shape[0]
    resid = feats @ coef + intercept - obs
    small = np.abs(resid) <= delta
    quad = 0.5 * resid ** 2
    lin = delta * (np.abs(resid) - 0.5 * delta)
    value = np.where(small, quad, lin).sum() / n + 0.5 * alpha * coef @ coef
    psi = np.where(small, resid, delta * np.sign(resid))
    g_coef = feats.T @ psi / n + alpha * coef
    g_intercept = psi.sum() / n
    return value, (g_coef, g_intercept)
""",
        call="al.check_derivation(value_and_grad, coef, intercept, feats, obs, show=False)",
        run="value, (g_coef, g_intercept) = value_and_grad(coef, intercept, feats, obs)",
        loss="value_and_grad(coef, intercept, feats, obs)[0]",
        gradients={"coef": ("coef", "g_coef"), "intercept": ("intercept", "g_intercept")},
        derivation=(("psi = np.where", "g_intercept = psi.sum() / n"),),
        extra=(
            wrong(
                "sign of the residual left out",
                "delta * np.sign(resid))",
                "delta)",
                "sign",
                "operand",
                "term",
                "mask",
                "factor",
                "activation",
            ),
        ),
    ),
    Hand(
        name="recurrent net with clipped gradients",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(48)
width, dim = 4, 3
model = dict(
    U=rng.normal(size=(width, dim)) * 0.7,
    V=rng.normal(size=(width, width)) * 0.7,
    c=rng.normal(size=width) * 0.2,
)
series = rng.normal(size=(6, dim)) * 1.5
goals = rng.normal(size=(6, width)) * 2


def bptt(model, series, goals):
    U, V, c = model["U"], model["V"], model["c"]
    steps = len(series)
    h = np.zeros((steps + 1, width))
    for t in range(steps):
        h[t] = np.tanh(U @ series[t] + V @ h[t - 1] + c)
    loss = 0.5 * np.sum((h[:steps] - goals) ** 2)

    dU, dV, dc = (np.zeros_like(p) for p in (U, V, c))
    back = np.zeros(width)
    for t in range(steps - 1, -1, -1):
        dh = h[t] - goals[t] + back
        da = dh * (1 - h[t] ** 2)
        dU += np.outer(da, series[t])
        dV += np.outer(da, h[t - 1])
        dc += da
        back = V.T @ da
    for g in (dU, dV, dc):
        np.clip(g, -2, 2, out=g)
    return loss, dict(U=dU, V=dV, c=dc)
""",
        call="al.check_derivation(bptt, model, series, goals, show=False)",
        run="loss, grads = bptt(model, series, goals)",
        loss="bptt(model, series, goals)[0]",
        gradients={n: (f'model["{n}"]', f'grads["{n}"]') for n in "UVc"},
        derivation=(("dh = h[t] - goals[t] + back", "back = V.T @ da"),),
        convention="gradients are clipped at 2",
        clip=2,
    ),
]
