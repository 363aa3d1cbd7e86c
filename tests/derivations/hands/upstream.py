"""Hands that write layers as two functions, with an upstream gradient."""

from derivations.hands.hand import Hand

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
]
