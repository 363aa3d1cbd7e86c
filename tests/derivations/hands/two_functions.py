"""Hands that write two functions, with the loss inside the first."""

from derivations.hands.hand import Hand, wrong

FORM = "two functions"

TWO_FUNCTIONS = [
    Hand(
        name="dictionary of parameters, columns",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(3)
n_x, n_h, n_y, m = 3, 5, 2, 7
X = rng.normal(size=(n_x, m))
Y = rng.uniform(0.1, 0.9, size=(n_y, m))
params = {
    "W1": rng.normal(size=(n_h, n_x)) * 0.6,
    "b1": rng.normal(size=(n_h, 1)) * 0.3,
    "W2": rng.normal(size=(n_y, n_h)) * 0.6,
    "b2": rng.normal(size=(n_y, 1)) * 0.3,
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, params):
    m = X.shape[1]
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = sigmoid(Z2)
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -np.sum(logprobs) / m
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return float(np.squeeze(cost)), cache


def backward(params, cache, X, Y):
    m = X.shape[1]
    W2 = params["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]

    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)

    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads
""",
        call="al.check_derivation(forward, backward, X, Y, params, show=False)",
        run="loss, cache = forward(X, Y, params); grads = backward(params, cache, X, Y)",
        loss="forward(X, Y, params)[0]",
        gradients={
            "W1": ('params["W1"]', 'grads["dW1"]'),
            "b1": ('params["b1"]', 'grads["db1"]'),
            "W2": ('params["W2"]', 'grads["dW2"]'),
            "b2": ('params["b2"]', 'grads["db2"]'),
        },
        derivation=("backward",),
        extra=(
            wrong(
                "activation of another kind", "1 - np.power(A1, 2)", "A1 * (1 - A1)", "activation"
            ),
            wrong("activation of another kind", "np.power(A1, 2)", "A1", "activation"),
        ),
    ),
    Hand(
        name="lists of weights, one sample",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(7)
sizes = [4, 5, 3, 2]
weights = [rng.standard_normal((y, x)) for x, y in zip(sizes[:-1], sizes[1:])]
biases = [rng.standard_normal((y, 1)) for y in sizes[1:]]
x = rng.standard_normal((sizes[0], 1))
y = rng.uniform(0.2, 0.8, (sizes[-1], 1))


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def feedforward(weights, biases, x, y):
    activation = x
    activations = [x]
    zs = []
    for b, w in zip(biases, weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    return 0.5 * np.sum((activations[-1] - y) ** 2), activations, zs


def backprop(weights, biases, y, activations, zs):
    nabla_b = [np.zeros(b.shape) for b in biases]
    nabla_w = [np.zeros(w.shape) for w in weights]
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].transpose())
    for l in range(2, len(weights) + 1):
        z = zs[-l]
        sp = sigmoid_prime(z)
        delta = np.dot(weights[-l + 1].transpose(), delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
    return (nabla_b, nabla_w)
""",
        call="al.check_derivation(feedforward, backprop, weights, biases, x, y, show=False)",
        run="loss, a, zs = feedforward(weights, biases, x, y)\n"
        "nabla_b, nabla_w = backprop(weights, biases, y, a, zs)",
        loss="feedforward(weights, biases, x, y)[0]",
        gradients={
            f"{kind}{layer}": (f"{kind}[{layer}]", f"nabla_{kind[0]}[{layer}]")
            for kind in ("weights", "biases")
            for layer in range(3)
        },
        derivation=("sigmoid_prime", "backprop"),
        extra=(
            wrong(
                "activation once too often",
                "np.dot(weights[-l + 1].transpose(), delta) * sp",
                "np.dot(weights[-l + 1].transpose(), delta) * sp * sp",
                "activation",
                "operand",
            ),
            wrong(
                "activation missing",
                "np.dot(weights[-l + 1].transpose(), delta) * sp",
                "np.dot(weights[-l + 1].transpose(), delta)",
                "activation",
            ),
            wrong(
                "before for after",
                "sp = sigmoid_prime(z)",
                "sp = sigmoid_prime(activations[-l])",
                "activation",
                "operand",
            ),
            wrong(
                "before for after",
                "* sigmoid_prime(zs[-1])",
                "* sigmoid_prime(activations[-1])",
                "activation",
                "operand",
            ),
        ),
    ),
    Hand(
        name="attention head with names of the paper",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(8)
T, D, H, C = 5, 6, 3, 4
x = rng.normal(size=(T, D))
target = rng.normal(size=(T, C))
Wq, Wk = rng.normal(size=(D, H)) * 0.5, rng.normal(size=(D, H)) * 0.5
Wv = rng.normal(size=(D, C)) * 0.5


def attend(x, target, Wq, Wk, Wv):
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    scores = q @ k.T / np.sqrt(Wk.shape[1])
    scores = scores - scores.max(axis=-1, keepdims=True)
    expd = np.exp(scores)
    att = expd / expd.sum(axis=-1, keepdims=True)
    out = att @ v
    loss = ((out - target) ** 2).mean()
    return loss, (x, q, k, v, att, out)


def attend_backward(target, Wq, Wk, Wv, cache):
    x, q, k, v, att, out = cache
    scale = 1 / np.sqrt(Wk.shape[1])
    dout = 2 * (out - target) / out.size
    datt = dout @ v.T
    dv = att.T @ dout
    dscores = att * (datt - (datt * att).sum(axis=-1, keepdims=True))
    dq = dscores @ k * scale
    dk = dscores.T @ q * scale
    dWq = x.T @ dq
    dWk = x.T @ dk
    dWv = x.T @ dv
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, dWq, dWk, dWv
""",
        call="al.check_derivation(attend, attend_backward, x, target, Wq, Wk, Wv, show=False)",
        run="loss, cache = attend(x, target, Wq, Wk, Wv)\n"
        "dx, dWq, dWk, dWv = attend_backward(target, Wq, Wk, Wv, cache)",
        loss="attend(x, target, Wq, Wk, Wv)[0]",
        gradients={n: (n, "d" + n) for n in ("x", "Wq", "Wk", "Wv")},
        derivation=("attend_backward",),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "att * (datt - (datt * att).sum(axis=-1, keepdims=True))",
                "datt * att * (1 - att)",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
    Hand(
        name="logistic regression from the exercise",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(21)
dim, m_train = 5, 8
train_x = rng.normal(size=(dim, m_train))
train_y = (rng.random((1, m_train)) > 0.5).astype(float)
w = rng.normal(size=(dim, 1)) * 0.4
b = 0.3


def sigmoid(z):
    s = 1.0 / (1.0 + np.exp(-z))
    return s


def cost_of(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    cost = np.squeeze(np.array(cost))
    return cost


def grads_of(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    diff = A - Y
    dw = 1 / m * np.dot(X, diff.T)
    db = 1 / m * np.sum(diff)
    return {"dw": dw, "db": db}
""",
        call="al.check_derivation(cost_of, grads_of, w, b, train_x, train_y, show=False)",
        run="grads = grads_of(w, b, train_x, train_y)",
        loss="cost_of(w, b, train_x, train_y)",
        gradients={"w": ("w", 'grads["dw"]'), "b": ("b", 'grads["db"]')},
        derivation=(("diff = A - Y", "db = 1 / m * np.sum(diff)"),),
    ),
    Hand(
        name="linear regression with ridge, dj_dw by loops",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(22)
X_train = rng.normal(size=(8, 4))
y_train = rng.normal(size=8)
w_init = rng.normal(size=4)
b_init = 0.7
lambda_ = 0.9


def compute_cost_linear_reg(X, y, w, b, lambda_=1):
    m = X.shape[0]
    n = len(w)
    cost = 0.0
    for i in range(m):
        f_wb_i = np.dot(X[i], w) + b
        cost = cost + (f_wb_i - y[i]) ** 2
    cost = cost / (2 * m)
    reg_cost = 0
    for j in range(n):
        reg_cost += w[j] ** 2
    reg_cost = (lambda_ / (2 * m)) * reg_cost
    return cost + reg_cost


def compute_gradient_linear_reg(X, y, w, b, lambda_):
    m, n = X.shape
    dj_dw = np.zeros((n,))
    dj_db = 0.0
    for i in range(m):
        err = (np.dot(X[i], w) + b) - y[i]
        for j in range(n):
            dj_dw[j] = dj_dw[j] + err * X[i, j]
        dj_db = dj_db + err
    dj_dw = dj_dw / m
    dj_db = dj_db / m

    for j in range(n):
        dj_dw[j] = dj_dw[j] + (lambda_ / m) * w[j]

    return dj_db, dj_dw
""",
        call="al.check_derivation(compute_cost_linear_reg, compute_gradient_linear_reg, "
        "X_train, y_train, w_init, b_init, lambda_, show=False)",
        run="db, dw = compute_gradient_linear_reg(X_train, y_train, w_init, b_init, lambda_)",
        loss="compute_cost_linear_reg(X_train, y_train, w_init, b_init, lambda_)",
        gradients={"w": ("w_init", "dw"), "b": ("b_init", "db")},
        derivation=(
            ("err = (np.dot", "dj_db = dj_db / m"),
            ("dj_dw[j] = dj_dw[j] + (lambda_", "dj_dw[j] = dj_dw[j] + (lambda_"),
        ),
    ),
    Hand(
        name="GRU step with gates",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(23)
n_in, n_hid = 3, 4
Wz, Wr, Wh = (rng.normal(size=(n_hid, n_in)) * 0.6 for _ in range(3))
Uz, Ur, Uh = (rng.normal(size=(n_hid, n_hid)) * 0.6 for _ in range(3))
bz, br, bh = (rng.normal(size=(n_hid, 1)) * 0.2 for _ in range(3))
x = rng.normal(size=(n_in, 6))
h_prev = rng.normal(size=(n_hid, 6)) * 0.5
target = rng.normal(size=(n_hid, 6))
p = [Wz, Wr, Wh, Uz, Ur, Uh, bz, br, bh]

sigma = lambda a: 1 / (1 + np.exp(-a))
dsigma = lambda s: s * (1 - s)
dtanh = lambda t: 1 - t * t


def gru(x, h_prev, target, p):
    Wz, Wr, Wh, Uz, Ur, Uh, bz, br, bh = p
    z = sigma(Wz @ x + Uz @ h_prev + bz)
    r = sigma(Wr @ x + Ur @ h_prev + br)
    rh = r * h_prev
    g = np.tanh(Wh @ x + Uh @ rh + bh)
    h = z * h_prev + (1 - z) * g
    E = 0.5 * ((h - target) ** 2).sum()
    return E, z, r, rh, g, h


def gru_grad(x, h_prev, target, p, z, r, rh, g, h):
    Wz, Wr, Wh, Uz, Ur, Uh, bz, br, bh = p
    dh = h - target
    dz = dh * (h_prev - g)
    dg = dh * (1 - z)
    da_h = dg * dtanh(g)
    drh = Uh.T @ da_h
    dr = drh * h_prev
    da_r = dr * dsigma(r)
    da_z = dz * dsigma(z)
    dh_prev = dh * z + drh * r + Ur.T @ da_r + Uz.T @ da_z
    dWz, dWr, dWh = da_z @ x.T, da_r @ x.T, da_h @ x.T
    dUz, dUr, dUh = da_z @ h_prev.T, da_r @ h_prev.T, da_h @ rh.T
    dbz, dbr, dbh = [d.sum(axis=1, keepdims=True) for d in (da_z, da_r, da_h)]
    return dh_prev, dWz, dWr, dWh, dUz, dUr, dUh, dbz, dbr, dbh
""",
        call="al.check_derivation(gru, gru_grad, x, h_prev, target, p, show=False)",
        run="E, *kept = gru(x, h_prev, target, p)\n"
        "dh_prev, dWz, dWr, dWh, dUz, dUr, dUh, dbz, dbr, dbh = "
        "gru_grad(x, h_prev, target, p, *kept)",
        loss="gru(x, h_prev, target, p)[0]",
        gradients={
            n: (n, "d" + n)
            for n in ("h_prev", "Wz", "Wr", "Wh", "Uz", "Ur", "Uh", "bz", "br", "bh")
        },
        derivation=("dsigma", "dtanh", ("dh = h - target", "dbz, dbr, dbh = [d.sum")),
    ),
    Hand(
        name="variational autoencoder with given noise",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(24)
B, D, H, Z = 7, 6, 5, 3
x = rng.uniform(0.1, 0.9, size=(B, D))
noise = rng.normal(size=(B, Z))
params = {
    "W_enc": rng.normal(size=(D, H)) * 0.5, "b_enc": rng.normal(size=H) * 0.1,
    "W_mu": rng.normal(size=(H, Z)) * 0.5, "b_mu": rng.normal(size=Z) * 0.1,
    "W_sig": rng.normal(size=(H, Z)) * 0.5, "b_sig": rng.normal(size=Z) * 0.1,
    "W_dec": rng.normal(size=(Z, H)) * 0.5, "b_dec": rng.normal(size=H) * 0.1,
    "W_out": rng.normal(size=(H, D)) * 0.5, "b_out": rng.normal(size=D) * 0.1,
}


def elbo(params, x, noise):
    P = params
    h = np.tanh(x @ P["W_enc"] + P["b_enc"])
    mu = h @ P["W_mu"] + P["b_mu"]
    logvar = h @ P["W_sig"] + P["b_sig"]
    std = np.exp(0.5 * logvar)
    z = mu + std * noise
    hd = np.maximum(0, z @ P["W_dec"] + P["b_dec"])
    logits = hd @ P["W_out"] + P["b_out"]
    xhat = 1 / (1 + np.exp(-logits))
    rec = -np.sum(x * np.log(xhat) + (1 - x) * np.log(1 - xhat))
    kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
    loss = (rec + kl) / len(x)
    return loss, dict(h=h, mu=mu, logvar=logvar, std=std, z=z, hd=hd, xhat=xhat)


def elbo_grads(params, x, noise, c):
    P, g = params, {}
    n = len(x)
    dlogits = (c["xhat"] - x) / n
    g["W_out"] = c["hd"].T @ dlogits
    g["b_out"] = dlogits.sum(0)
    dhd = dlogits @ P["W_out"].T
    dhd[c["hd"] <= 0] = 0
    g["W_dec"] = c["z"].T @ dhd
    g["b_dec"] = dhd.sum(0)
    dz = dhd @ P["W_dec"].T
    dmu = dz + c["mu"] / n
    dlogvar = dz * noise * 0.5 * c["std"] + 0.5 * (np.exp(c["logvar"]) - 1) / n
    g["W_mu"] = c["h"].T @ dmu
    g["b_mu"] = dmu.sum(0)
    g["W_sig"] = c["h"].T @ dlogvar
    g["b_sig"] = dlogvar.sum(0)
    dh = dmu @ P["W_mu"].T + dlogvar @ P["W_sig"].T
    dpre = dh * (1 - c["h"] ** 2)
    g["W_enc"] = x.T @ dpre
    g["b_enc"] = dpre.sum(0)
    return g
""",
        call="al.check_derivation(elbo, elbo_grads, params, x, noise, show=False)",
        run="loss, c = elbo(params, x, noise); g = elbo_grads(params, x, noise, c)",
        loss="elbo(params, x, noise)[0]",
        gradients={
            kind + part: (f'params["{kind}{part}"]', f'g["{kind}{part}"]')
            for part in ("enc", "mu", "sig", "dec", "out")
            for kind in ("W_", "b_")
        },
        derivation=(("dlogits = (c", 'g["b_enc"] = dpre.sum(0)'),),
    ),
    Hand(
        name="convolution and pooling by loops, then a loss",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(25)
images = rng.normal(size=(5, 6, 6))
kernels = rng.normal(size=(2, 3, 3)) * 0.5
fc = rng.normal(size=(8, 7)) * 0.5
labels = np.array([1, 4, 2, 6, 0])


def net(images, kernels, fc, labels):
    n, size, _ = images.shape
    k, f, _ = kernels.shape
    o = size - f + 1
    conv = np.zeros((n, k, o, o))
    for i in range(n):
        for c in range(k):
            for r in range(o):
                for s in range(o):
                    conv[i, c, r, s] = np.sum(images[i, r:r + f, s:s + f] * kernels[c])
    pooled = conv.reshape(n, k, o // 2, 2, o // 2, 2).max(axis=(3, 5))
    act = np.maximum(pooled, 0)
    flat = act.reshape(n, -1)
    scores = flat @ fc
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(probs[np.arange(n), labels]))
    return loss, (conv, pooled, flat, probs)


def net_back(images, kernels, fc, labels, cache):
    conv, pooled, flat, probs = cache
    n, k, half, _ = pooled.shape
    f = kernels.shape[1]
    d_scores = probs.copy()
    d_scores[np.arange(n), labels] -= 1
    d_scores /= n
    d_fc = flat.T @ d_scores
    d_pooled = (d_scores @ fc.T).reshape(pooled.shape)
    d_pooled = d_pooled * (pooled > 0)
    d_conv = np.zeros_like(conv)
    for i in range(n):
        for c in range(k):
            for r in range(half):
                for s in range(half):
                    window = conv[i, c, 2 * r:2 * r + 2, 2 * s:2 * s + 2]
                    a, b = np.unravel_index(np.argmax(window), window.shape)
                    d_conv[i, c, 2 * r + a, 2 * s + b] = d_pooled[i, c, r, s]
    d_kernels = np.zeros_like(kernels)
    for i in range(n):
        for c in range(k):
            for r in range(conv.shape[2]):
                for s in range(conv.shape[3]):
                    d_kernels[c] += d_conv[i, c, r, s] * images[i, r:r + f, s:s + f]
    return {"d_kernels": d_kernels, "d_fc": d_fc}
""",
        call="al.check_derivation(net, net_back, images, kernels, fc, labels, show=False)",
        run="loss, cache = net(images, kernels, fc, labels)\n"
        "grads = net_back(images, kernels, fc, labels, cache)",
        loss="net(images, kernels, fc, labels)[0]",
        gradients={
            "kernels": ("kernels", 'grads["d_kernels"]'),
            "fc": ("fc", 'grads["d_fc"]'),
        },
        derivation=(("d_scores = probs.copy()", "d_kernels[c] += d_conv"),),
    ),
    Hand(
        name="mixture of Gaussians, responsibilities",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(26)
data = rng.normal(size=(9, 2))
alpha = rng.normal(size=4)
means = rng.normal(size=(4, 2))
log_sigma = rng.normal(size=4) * 0.3


def nll(data, alpha, means, log_sigma):
    N, d = data.shape
    diff = data[:, None, :] - means[None, :, :]
    sq = (diff ** 2).sum(-1)
    logpi = alpha - np.log(np.exp(alpha).sum())
    logp = logpi - d * log_sigma - 0.5 * sq / np.exp(2 * log_sigma) - 0.5 * d * np.log(2 * np.pi)
    top = logp.max(axis=1, keepdims=True)
    total = top + np.log(np.exp(logp - top).sum(axis=1, keepdims=True))
    return -total.sum() / N, (diff, sq, logp, total)


def nll_gradients(data, alpha, means, log_sigma, cache):
    diff, sq, logp, total = cache
    N, d = data.shape
    resp = np.exp(logp - total)
    inv = np.exp(-2 * log_sigma)
    pi = np.exp(alpha) / np.exp(alpha).sum()
    grad_alpha = (N * pi - resp.sum(axis=0)) / N
    grad_means = -(resp[:, :, None] * diff).sum(axis=0) * inv[:, None] / N
    grad_log_sigma = (resp * (d - sq * inv)).sum(axis=0) / N
    return grad_alpha, grad_means, grad_log_sigma
""",
        call="al.check_derivation(nll, nll_gradients, data, alpha, means, log_sigma, show=False)",
        run="loss, cache = nll(data, alpha, means, log_sigma)\n"
        "ga, gm, gs = nll_gradients(data, alpha, means, log_sigma, cache)",
        loss="nll(data, alpha, means, log_sigma)[0]",
        gradients={
            "alpha": ("alpha", "ga"),
            "means": ("means", "gm"),
            "log_sigma": ("log_sigma", "gs"),
        },
        derivation=(("grad_alpha =", "grad_log_sigma ="),),
    ),
    Hand(
        name="tied autoencoder with einsum",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(27)
V = rng.uniform(0.1, 0.9, size=(8, 5))
W = rng.normal(size=(5, 3)) * 0.5
c = rng.normal(size=3) * 0.2
a = rng.normal(size=5) * 0.2
sig = lambda t: 1 / (1 + np.exp(-t))


def reconstruct(V, W, a, c):
    Hd = sig(np.einsum("ni,ij->nj", V, W) + c)
    R = sig(np.einsum("nj,ij->ni", Hd, W) + a)
    return ((V - R) ** 2).sum() / 2, Hd, R


def reconstruct_grad(V, W, a, c, Hd, R):
    dR = R - V
    d_out = dR * R * (1 - R)
    d_hid = np.einsum("ni,ij->nj", d_out, W) * Hd * (1 - Hd)
    grad_W = np.einsum("ni,nj->ij", V, d_hid) + np.einsum("ni,nj->ij", d_out, Hd)
    grad_a = d_out.sum(axis=0)
    grad_c = d_hid.sum(axis=0)
    return grad_W, grad_a, grad_c
""",
        call="al.check_derivation(reconstruct, reconstruct_grad, V, W, a, c, show=False)",
        run="loss, Hd, R = reconstruct(V, W, a, c)\n"
        "gW, ga, gc = reconstruct_grad(V, W, a, c, Hd, R)",
        loss="reconstruct(V, W, a, c)[0]",
        gradients={"W": ("W", "gW"), "a": ("a", "ga"), "c": ("c", "gc")},
        derivation=("reconstruct_grad",),
    ),
    Hand(
        name="gradients of the sum, loss the mean, namedtuple",
        form=FORM,
        source="""\
from collections import namedtuple

import numpy as np

Parameters = namedtuple("Parameters", "hidden_W hidden_b out_W out_b")
State = namedtuple("State", "pre hidden guess")

rng = np.random.default_rng(28)
points = rng.normal(size=(7, 3))
wanted = rng.normal(size=(7, 2))
parameters = Parameters(
    rng.normal(size=(4, 3)) * 0.6,
    rng.normal(size=4) * 0.2,
    rng.normal(size=(2, 4)) * 0.6,
    rng.normal(size=2) * 0.2,
)


def softplus(v):
    return np.log1p(np.exp(v))


def softplus_grad(v):
    return 1 / (1 + np.exp(-v))


def run(parameters, points, wanted):
    points = points.T
    pre = parameters.hidden_W @ points + parameters.hidden_b[:, None]
    hidden = softplus(pre)
    guess = parameters.out_W @ hidden + parameters.out_b[:, None]
    cost = np.mean(np.sum((guess - wanted.T) ** 2, axis=0))
    return cost.item(), State(pre, hidden, guess)


def run_backwards(parameters, points, wanted, state):
    grad_guess = 2 * (state.guess - wanted.T)
    grad_out_W = grad_guess @ state.hidden.T
    grad_out_b = grad_guess.sum(axis=1)
    grad_hidden = parameters.out_W.T @ grad_guess
    grad_pre = grad_hidden * softplus_grad(state.pre)
    grad_hidden_W = grad_pre @ points
    grad_hidden_b = grad_pre.sum(axis=1)
    return Parameters(grad_hidden_W, grad_hidden_b, grad_out_W, grad_out_b)
""",
        call="al.check_derivation(run, run_backwards, parameters, points, wanted, show=False)",
        run="cost, state = run(parameters, points, wanted)\n"
        "grads = run_backwards(parameters, points, wanted, state)",
        loss="len(points) * run(parameters, points, wanted)[0]",
        gradients={
            n: (f"parameters.{n}", f"grads.{n}") for n in ("hidden_W", "hidden_b", "out_W", "out_b")
        },
        derivation=("softplus_grad", "run_backwards"),
        convention="gradients of the sum, where the loss is the mean",
    ),
]
