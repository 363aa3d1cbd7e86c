"""Hands that write layers as objects with forward and backward."""

from derivations.hands.hand import Hand

FORM = "layer objects"

LAYER_OBJECTS = [
    Hand(
        name="Affine that keeps dW and db",
        form=FORM,
        source="""\
import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.original_x_shape = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.original_x_shape = x.shape
        x = x.reshape(x.shape[0], -1)
        self.x = x
        out = np.dot(self.x, self.W) + self.b
        return out

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        dx = dx.reshape(*self.original_x_shape)
        return dx


rng = np.random.default_rng(9)
layer = Affine(rng.normal(size=(6, 4)), rng.normal(size=4))
x = rng.normal(size=(5, 2, 3))
""",
        call="al.check_derivation(layer, x, show=False)",
        run="out = layer.forward(x)\n"
        "dout = np.random.default_rng(90).normal(size=out.shape)\n"
        "dx = layer.backward(dout)",
        loss="np.sum(layer.forward(x) * dout)",
        gradients={"x": ("x", "dx"), "W": ("layer.W", "layer.dW"), "b": ("layer.b", "layer.db")},
        derivation=("Affine.backward",),
    ),
]
