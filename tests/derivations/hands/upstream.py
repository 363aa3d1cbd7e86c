"""Hands that write layers as two functions, with an upstream gradient."""

from derivations.hands.hand import Hand, wrong

FORM = "upstream gradient"

UPSTREAM = [
    Hand(
        name="batch norm step by step",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(6)
N, D = 7, 4
x = 2 * rng.normal(size=(N, D)) + 1
gamma = rng.uniform(0.5, 1.5, size=D)
beta = rng.normal(size=D)


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu ** 2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgammax = dout
    dgamma = np.sum(dgammax * xhat, axis=0)
    dxhat = dgammax * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar ** 2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta
""",
        call="al.check_derivation("
        "batchnorm_forward, batchnorm_backward, x, gamma, beta, show=False)",
        run="out, cache = batchnorm_forward(x, gamma, beta)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dgamma, dbeta = batchnorm_backward(dout, cache)",
        loss="np.sum(batchnorm_forward(x, gamma, beta)[0] * dout)",
        gradients={n: (n, "d" + n) for n in ("x", "gamma", "beta")},
        derivation=("batchnorm_backward",),
    ),
    Hand(
        name="affine and ReLU from the assignment",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(51)
x = rng.normal(size=(5, 2, 3))
w = rng.normal(size=(6, 4))
b = rng.normal(size=4)


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx, dw, db = None, None, None
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    dx, x = None, cache
    dx = dout * (x > 0)
    return dx


def affine_relu_forward(x, w, b):
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    cache = (fc_cache, relu_cache)
    return out, cache


def affine_relu_backward(dout, cache):
    fc_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    dx, dw, db = affine_backward(da, fc_cache)
    return dx, dw, db
""",
        call="al.check_derivation(affine_relu_forward, affine_relu_backward, x, w, b, show=False)",
        run="out, cache = affine_relu_forward(x, w, b)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dw, db = affine_relu_backward(dout, cache)",
        loss="np.sum(affine_relu_forward(x, w, b)[0] * dout)",
        gradients={n: (n, "d" + n) for n in ("x", "w", "b")},
        derivation=("affine_backward", "relu_backward", "affine_relu_backward"),
    ),
    Hand(
        name="layer norm with short names",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(52)
inp = rng.normal(size=(3, 4, 5)) * 2
weight = rng.uniform(0.5, 1.5, size=5)
bias = rng.normal(size=5)


def layernorm(inp, weight, bias):
    eps = 1e-5
    mean = inp.mean(-1, keepdims=True)
    xshift = inp - mean
    var = (xshift ** 2).mean(-1, keepdims=True)
    rstd = (var + eps) ** -0.5
    norm = xshift * rstd
    return norm * weight + bias, (inp, weight, mean, rstd)


def layernorm_backward(dout, cache):
    x, w, mean, rstd = cache
    norm = (x - mean) * rstd
    db = dout.sum((0, 1))
    dw = (dout * norm).sum((0, 1))
    dnorm = dout * w
    dx = dnorm - dnorm.mean(-1, keepdims=True) - norm * (dnorm * norm).mean(-1, keepdims=True)
    dx *= rstd
    return dx, dw, db
""",
        call="al.check_derivation(layernorm, layernorm_backward, inp, weight, bias, show=False)",
        run="out, cache = layernorm(inp, weight, bias)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dw, db = layernorm_backward(dout, cache)",
        loss="np.sum(layernorm(inp, weight, bias)[0] * dout)",
        gradients={"inp": ("inp", "dx"), "weight": ("weight", "dw"), "bias": ("bias", "db")},
        derivation=(("norm = (x - mean) * rstd", "dx *= rstd"),),
    ),
    Hand(
        name="batch norm, the short form",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(53)
x = 3 * np.random.randn(8, 5) + 2
gamma = np.random.uniform(0.5, 1.5, 5)
beta = np.random.randn(5)


def batchnorm_forward(x, gamma, beta):
    eps = 1e-6
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    std = np.sqrt(var + eps)
    x_hat = (x - mu) / std
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, std)


def batchnorm_backward_alt(dout, cache):
    x_hat, gamma, std = cache
    m = dout.shape[0]
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx_hat = dout * gamma
    dx = (1.0 / m) * (1 / std) * (
        m * dx_hat - np.sum(dx_hat, axis=0) - x_hat * np.sum(dx_hat * x_hat, axis=0)
    )
    return dx, dgamma, dbeta
""",
        call="al.check_derivation("
        "batchnorm_forward, batchnorm_backward_alt, x, gamma, beta, show=False)",
        run="out, cache = batchnorm_forward(x, gamma, beta)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)",
        loss="np.sum(batchnorm_forward(x, gamma, beta)[0] * dout)",
        gradients={n: (n, "d" + n) for n in ("x", "gamma", "beta")},
        derivation=(("dgamma = (dout * x_hat)", "dx = (1.0 / m)"),),
    ),
    Hand(
        name="convolution with stride and padding, naive",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(54)
x = rng.normal(size=(2, 6, 5, 7))
w = rng.normal(size=(5, 6, 3, 3)) * 0.5
b = rng.normal(size=5)
conv_param = {"stride": 2, "pad": 1}


def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride:i * stride + HH, j * stride:j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2], w.shape[3]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.sum(dout, axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, hs:hs + HH, ws:ws + WW]
                    dx_pad[n, :, hs:hs + HH, ws:ws + WW] += dout[n, f, i, j] * w[f]
    dx = dx_pad[:, :, pad:-pad, pad:-pad]
    return dx, dw, db
""",
        call="al.check_derivation("
        "conv_forward_naive, conv_backward_naive, x, w, b, conv_param, show=False)",
        run="out, cache = conv_forward_naive(x, w, b, conv_param)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dw, db = conv_backward_naive(dout, cache)",
        loss="np.sum(conv_forward_naive(x, w, b, conv_param)[0] * dout)",
        gradients={n: (n, "d" + n) for n in ("x", "w", "b")},
        derivation=(("db = np.sum(dout, axis=(0, 2, 3))", "dx = dx_pad[:, :"),),
    ),
    Hand(
        name="max pooling, naive",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(55)
x = rng.normal(size=(3, 2, 6, 4))


def max_pool_forward_naive(x, size=2, stride=2):
    N, C, H, W = x.shape
    H_out, W_out = (H - size) // stride + 1, (W - size) // stride + 1
    out = np.zeros((N, C, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            r, c = i * stride, j * stride
            out[:, :, i, j] = np.max(x[:, :, r:r + size, c:c + size], axis=(2, 3))
    return out, (x, size, stride)


def max_pool_backward_naive(dout, cache):
    x, size, stride = cache
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    h0, w0 = i * stride, j * stride
                    patch = x[n, c, h0:h0 + size, w0:w0 + size]
                    mask = patch == patch.max()
                    dx[n, c, h0:h0 + size, w0:w0 + size] += mask * dout[n, c, i, j]
    return dx
""",
        call="al.check_derivation(max_pool_forward_naive, max_pool_backward_naive, x, show=False)",
        run="out, cache = max_pool_forward_naive(x)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx = max_pool_backward_naive(dout, cache)",
        loss="np.sum(max_pool_forward_naive(x)[0] * dout)",
        gradients={"x": ("x", "dx")},
        derivation=(("h0, w0 = i * stride", "dx[n, c, h0:h0"),),
    ),
    Hand(
        name="LSTM step with stacked gates",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(56)
N, D, H = 6, 3, 4
x = rng.normal(size=(N, D))
prev_h = rng.normal(size=(N, H))
prev_c = rng.normal(size=(N, H))
Wx = rng.normal(size=(D, 4 * H)) * 0.5
Wh = rng.normal(size=(H, 4 * H)) * 0.5
b = rng.normal(size=4 * H) * 0.3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H:2 * H])
    o = sigmoid(a[:, 2 * H:3 * H])
    g = np.tanh(a[:, 3 * H:])
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    next_h = o * tanh_c
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)
    return next_h, next_c, cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    N, H = dnext_h.shape
    dc = dnext_c + dnext_h * o * (1 - tanh_c ** 2)
    dprev_c = dc * f
    da = np.empty((N, 4 * H))
    da[:, :H] = dc * g * i * (1 - i)
    da[:, H:2 * H] = dc * prev_c * f * (1 - f)
    da[:, 2 * H:3 * H] = dnext_h * tanh_c * o * (1 - o)
    da[:, 3 * H:] = dc * i * (1 - g ** 2)
    dx = da @ Wx.T
    dprev_h = da @ Wh.T
    dWx = x.T @ da
    dWh = prev_h.T @ da
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db
""",
        call="al.check_derivation(lstm_step_forward, lstm_step_backward, "
        "x, prev_h, prev_c, Wx, Wh, b, show=False)",
        run="h, c, cache = lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)\n"
        "r = np.random.default_rng(60)\n"
        "dh, dc = r.normal(size=h.shape), r.normal(size=c.shape)\n"
        "dx, dprev_h, dprev_c, dWx, dWh, db = lstm_step_backward(dh, dc, cache)",
        loss="sum(np.sum(o * d) for o, d in "
        "zip(lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b), (dh, dc)))",
        gradients={n: (n, "d" + n) for n in ("x", "prev_h", "prev_c", "Wx", "Wh", "b")},
        derivation=(("dc = dnext_c + dnext_h", "db = da.sum(axis=0)"),),
    ),
    Hand(
        name="word embedding with np.add.at",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(57)
x = np.array([[0, 3, 1, 3], [2, 1, 1, 5], [0, 0, 4, 2]])
W = rng.normal(size=(6, 5))


def word_embedding_forward(x, W):
    out = W[x]
    cache = (x, W.shape)
    return out, cache


def word_embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW
""",
        call="al.check_derivation("
        "word_embedding_forward, word_embedding_backward, x, W, show=False)",
        run="out, cache = word_embedding_forward(x, W)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dW = word_embedding_backward(dout, cache)",
        loss="np.sum(word_embedding_forward(x, W)[0] * dout)",
        gradients={"W": ("W", "dW")},
        derivation=(("np.add.at(dW, x, dout)", "return dW"),),
    ),
    Hand(
        name="RNN over a sequence with a step helper",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(58)
N, T, D, H = 2, 5, 3, 4
x = rng.normal(size=(N, T, D))
h0 = rng.normal(size=(N, H))
Wx = rng.normal(size=(D, H)) * 0.6
Wh = rng.normal(size=(H, H)) * 0.6
b = rng.normal(size=H) * 0.2


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtheta = dnext_h * (1 - next_h ** 2)
    dx = dtheta.dot(Wx.T)
    dprev_h = dtheta.dot(Wh.T)
    dWx = x.T.dot(dtheta)
    dWh = prev_h.T.dot(dtheta)
    db = dtheta.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev_h, cache = h0, []
    for t in range(T):
        prev_h, step = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(step)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        dcur = dh[:, t, :] + dprev_h
        dx_t, dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dcur, cache[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db
""",
        call="al.check_derivation(rnn_forward, rnn_backward, x, h0, Wx, Wh, b, show=False)",
        run="h, cache = rnn_forward(x, h0, Wx, Wh, b)\n"
        "dh = np.random.default_rng(60).normal(size=h.shape)\n"
        "dx, dh0, dWx, dWh, db = rnn_backward(dh, cache)",
        loss="np.sum(rnn_forward(x, h0, Wx, Wh, b)[0] * dh)",
        gradients={n: (n, "d" + n) for n in ("x", "h0", "Wx", "Wh", "b")},
        derivation=("rnn_step_backward", "rnn_backward"),
    ),
    Hand(
        name="convolution by im2col",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(59)
x = rng.normal(size=(2, 3, 6, 5))
w = rng.normal(size=(7, 3, 3, 3)) * 0.5
b = rng.normal(size=7)


def im2col(x, k):
    n, c, h, wd = x.shape
    oh, ow = h - k + 1, wd - k + 1
    cols = np.zeros((n, oh, ow, c, k, k))
    for i in range(k):
        for j in range(k):
            cols[:, :, :, :, i, j] = x[:, :, i:i + oh, j:j + ow].transpose(0, 2, 3, 1)
    return cols.reshape(n * oh * ow, -1)


def col2im(dcols, shape, k):
    n, c, h, wd = shape
    oh, ow = h - k + 1, wd - k + 1
    dcols = dcols.reshape(n, oh, ow, c, k, k)
    dx = np.zeros(shape)
    for i in range(k):
        for j in range(k):
            dx[:, :, i:i + oh, j:j + ow] += dcols[:, :, :, :, i, j].transpose(0, 3, 1, 2)
    return dx


def conv(x, w, b):
    f, _, k, _ = w.shape
    n, _, h, wd = x.shape
    cols = im2col(x, k)
    out = cols @ w.reshape(f, -1).T + b
    out = out.reshape(n, h - k + 1, wd - k + 1, f).transpose(0, 3, 1, 2)
    return out, (x.shape, w, cols)


def conv_back(dout, cache):
    x_shape, w, cols = cache
    f, _, k, _ = w.shape
    d2 = dout.transpose(0, 2, 3, 1).reshape(-1, f)
    db = d2.sum(axis=0)
    dw = (d2.T @ cols).reshape(w.shape)
    dcols = d2 @ w.reshape(f, -1)
    dx = col2im(dcols, x_shape, k)
    return dx, dw, db
""",
        call="al.check_derivation(conv, conv_back, x, w, b, show=False)",
        run="out, cache = conv(x, w, b)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dx, dw, db = conv_back(dout, cache)",
        loss="np.sum(conv(x, w, b)[0] * dout)",
        gradients={n: (n, "d" + n) for n in ("x", "w", "b")},
        derivation=("conv_back", ("dx[:, :, i:i + oh", "dx[:, :, i:i + oh")),
    ),
    Hand(
        name="causal self-attention, batched",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(50)
B, T, C = 2, 5, 3
Q, K, V = (rng.normal(size=(B, T, C)) for _ in range(3))


def causal_attention(Q, K, V):
    T, C = Q.shape[1], Q.shape[2]
    preatt = Q @ K.transpose(0, 2, 1) / np.sqrt(C)
    mask = np.triu(np.ones((T, T)), k=1) * -1e9
    preatt = preatt + mask
    e = np.exp(preatt - preatt.max(axis=-1, keepdims=True))
    att = e / e.sum(axis=-1, keepdims=True)
    return att @ V, (Q, K, V, att)


def causal_attention_backward(dout, cache):
    Q, K, V, att = cache
    C = Q.shape[2]
    dV = att.transpose(0, 2, 1) @ dout
    datt = dout @ V.transpose(0, 2, 1)
    rowsum = (datt * att).sum(axis=-1, keepdims=True)
    dpreatt = att * (datt - rowsum)
    dpreatt = dpreatt / np.sqrt(C)
    dQ = dpreatt @ K
    dK = dpreatt.transpose(0, 2, 1) @ Q
    return dQ, dK, dV
""",
        call="al.check_derivation("
        "causal_attention, causal_attention_backward, Q, K, V, show=False)",
        run="out, cache = causal_attention(Q, K, V)\n"
        "dout = np.random.default_rng(60).normal(size=out.shape)\n"
        "dQ, dK, dV = causal_attention_backward(dout, cache)",
        loss="np.sum(causal_attention(Q, K, V)[0] * dout)",
        gradients={n: (n, "d" + n) for n in "QKV"},
        derivation=(("dV = att.transpose", "dK = dpreatt.transpose"),),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "att * (datt - rowsum)",
                "att * (1 - att) * datt",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
    Hand(
        name="dropout and softmax layer with a seed",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(61)
x = rng.normal(size=(6, 4))
W = rng.normal(size=(4, 5))


def forward(x, W, p=0.6, seed=3):
    keep = np.random.default_rng(seed).random(x.shape) < p
    dropped = x * keep / p
    z = dropped @ W
    e = np.exp(z - z.max(1, keepdims=True))
    s = e / e.sum(1, keepdims=True)
    return s, (keep, p, dropped, W, s)


def backward(dout, cache):
    keep, p, dropped, W, s = cache
    dz = np.empty_like(s)
    for i, (row, d) in enumerate(zip(s, dout)):
        jacobian = np.diag(row) - np.outer(row, row)
        dz[i] = jacobian @ d
    dW = dropped.T @ dz
    ddropped = dz @ W.T
    dx = ddropped * keep / p
    return dx, dW
""",
        call="al.check_derivation(forward, backward, x, W, show=False)",
        run="s, cache = forward(x, W)\n"
        "dout = np.random.default_rng(60).normal(size=s.shape)\n"
        "dx, dW = backward(dout, cache)",
        loss="np.sum(forward(x, W)[0] * dout)",
        gradients={"x": ("x", "dx"), "W": ("W", "dW")},
        derivation=(("jacobian = np.diag", "dx = ddropped * keep / p"),),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "np.diag(row) - np.outer(row, row)",
                "np.diag(row * (1 - row))",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
]
