"""Hands that write layers as objects with forward and backward."""

from derivations.hands.hand import Hand, wrong

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
    Hand(
        name="network of Linear, ReLU and loss objects",
        form=FORM,
        source="""\
import numpy as np


class Linear:
    def __init__(self, n_in, n_out, rng):
        self.weight = rng.normal(size=(n_in, n_out)) * 0.6
        self.bias = rng.normal(size=n_out) * 0.2

    def forward(self, x):
        self.input = x
        return x @ self.weight + self.bias

    def backward(self, grad_output):
        self.weight_grad = self.input.T @ grad_output
        self.bias_grad = grad_output.sum(axis=0)
        return grad_output @ self.weight.T


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad_output):
        return grad_output * self.mask


class SoftmaxCrossEntropy:
    def forward(self, logits, y):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        self.y = y
        return -np.log(self.p[np.arange(len(y)), y]).mean()

    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(self.y)), self.y] -= 1
        return grad / len(self.y)


class Network:
    def __init__(self, rng):
        self.fc1 = Linear(4, 5, rng)
        self.relu = ReLU()
        self.fc2 = Linear(5, 3, rng)
        self.criterion = SoftmaxCrossEntropy()

    def forward(self, x, y):
        h = self.relu.forward(self.fc1.forward(x))
        return self.criterion.forward(self.fc2.forward(h), y)

    def backward(self):
        g = self.criterion.backward()
        g = self.fc2.backward(g)
        g = self.relu.backward(g)
        return self.fc1.backward(g)


rng = np.random.default_rng(72)
network = Network(rng)
x = rng.normal(size=(7, 4))
y = np.array([0, 2, 1, 1, 0, 2, 1])
""",
        call="al.check_derivation(network, x, y, show=False)",
        run="loss = network.forward(x, y); dx = network.backward()",
        loss="network.forward(x, y)",
        gradients={
            f"fc{i}.{n}": (f"network.fc{i}.{n}", f"network.fc{i}.{n}_grad")
            for i in (1, 2)
            for n in ("weight", "bias")
        },
        derivation=(
            "Linear.backward",
            "ReLU.backward",
            "SoftmaxCrossEntropy.backward",
            "Network.backward",
        ),
    ),
    Hand(
        name="MatMul and sigmoid with params and grads lists",
        form=FORM,
        source="""\
import numpy as np


class TimeAffineSigmoid:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.cache = None

    def forward(self, x):
        N, T, D = x.shape
        W, b = self.params
        rx = x.reshape(N * T, -1)
        a = np.dot(rx, W) + b
        out = 1 / (1 + np.exp(-a))
        self.cache = (x, out)
        return out.reshape(N, T, -1)

    def backward(self, dout):
        x, out = self.cache
        N, T, D = x.shape
        W, b = self.params
        dout = dout.reshape(N * T, -1)
        rx = x.reshape(N * T, -1)
        da = dout * (1.0 - out) * out
        db = np.sum(da, axis=0)
        dW = np.dot(rx.T, da)
        dx = np.dot(da, W.T)
        dx = dx.reshape(*x.shape)
        self.grads[0][...] = dW
        self.grads[1][...] = db
        return dx


rng = np.random.default_rng(73)
layer = TimeAffineSigmoid(rng.normal(size=(5, 4)), rng.normal(size=4))
x = rng.normal(size=(2, 3, 5))
""",
        call="al.check_derivation(layer, x, show=False)",
        run="out = layer.forward(x)\n"
        "dout = np.random.default_rng(90).normal(size=out.shape)\n"
        "dx = layer.backward(dout)",
        loss="np.sum(layer.forward(x) * dout)",
        gradients={
            "x": ("x", "dx"),
            "params0": ("layer.params[0]", "layer.grads[0]"),
            "params1": ("layer.params[1]", "layer.grads[1]"),
        },
        derivation=(("da = dout * (1.0 - out) * out", "self.grads[1][...] = db"),),
    ),
    Hand(
        name="batch normalization object",
        form=FORM,
        source="""\
import numpy as np


class BatchNormalization:
    def __init__(self, gamma, beta):
        self.gamma = gamma
        self.beta = beta
        self.batch_size = None
        self.xc = None
        self.std = None
        self.dgamma = None
        self.dbeta = None

    def forward(self, x):
        mu = x.mean(axis=0)
        xc = x - mu
        var = np.mean(xc ** 2, axis=0)
        std = np.sqrt(var + 10e-7)
        xn = xc / std
        self.batch_size = x.shape[0]
        self.xc = xc
        self.xn = xn
        self.std = std
        return self.gamma * xn + self.beta

    def backward(self, dout):
        dbeta = dout.sum(axis=0)
        dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum((dxn * self.xc) / (self.std * self.std), axis=0)
        dvar = 0.5 * dstd / self.std
        dxc += (2.0 / self.batch_size) * self.xc * dvar
        dmu = np.sum(dxc, axis=0)
        dx = dxc - dmu / self.batch_size
        self.dgamma = dgamma
        self.dbeta = dbeta
        return dx


rng = np.random.default_rng(74)
bn = BatchNormalization(rng.uniform(0.5, 1.5, 4), rng.normal(size=4))
x = rng.normal(size=(7, 4)) * 2 + 1
""",
        call="al.check_derivation(bn, x, show=False)",
        run="out = bn.forward(x)\n"
        "dout = np.random.default_rng(90).normal(size=out.shape)\n"
        "dx = bn.backward(dout)",
        loss="np.sum(bn.forward(x) * dout)",
        gradients={
            "x": ("x", "dx"),
            "gamma": ("bn.gamma", "bn.dgamma"),
            "beta": ("bn.beta", "bn.dbeta"),
        },
        derivation=(("dbeta = dout.sum(axis=0)", "dx = dxc - dmu / self.batch_size"),),
    ),
    Hand(
        name="attention head object",
        form=FORM,
        source="""\
import numpy as np


class AttentionHead:
    def __init__(self, d_model, d_head, rng):
        self.W_q = rng.normal(size=(d_model, d_head)) * 0.5
        self.W_k = rng.normal(size=(d_model, d_head)) * 0.5
        self.W_v = rng.normal(size=(d_model, d_head)) * 0.5
        self.scale = d_head ** -0.5
        self.grads = {}

    def forward(self, x):
        self.x = x
        self.q = x @ self.W_q
        self.k = x @ self.W_k
        self.v = x @ self.W_v
        s = (self.q @ self.k.T) * self.scale
        s = np.exp(s - s.max(axis=1, keepdims=True))
        self.a = s / s.sum(axis=1, keepdims=True)
        return self.a @ self.v

    def backward(self, d_out):
        d_v = self.a.T @ d_out
        d_a = d_out @ self.v.T
        d_s = self.a * (d_a - np.sum(d_a * self.a, axis=1, keepdims=True))
        d_s = d_s * self.scale
        d_q = d_s @ self.k
        d_k = d_s.T @ self.q
        self.grads["W_q"] = self.x.T @ d_q
        self.grads["W_k"] = self.x.T @ d_k
        self.grads["W_v"] = self.x.T @ d_v
        d_x = d_q @ self.W_q.T
        d_x = d_x + d_k @ self.W_k.T
        d_x = d_x + d_v @ self.W_v.T
        return d_x


rng = np.random.default_rng(75)
head = AttentionHead(6, 3, rng)
x = rng.normal(size=(5, 6))
""",
        call="al.check_derivation(head, x, show=False)",
        run="out = head.forward(x)\n"
        "dout = np.random.default_rng(90).normal(size=out.shape)\n"
        "dx = head.backward(dout)",
        loss="np.sum(head.forward(x) * dout)",
        gradients={
            "x": ("x", "dx"),
            "W_q": ("head.W_q", 'head.grads["W_q"]'),
            "W_k": ("head.W_k", 'head.grads["W_k"]'),
            "W_v": ("head.W_v", 'head.grads["W_v"]'),
        },
        derivation=(("d_v = self.a.T @ d_out", "d_x = d_x + d_v @ self.W_v.T"),),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "self.a * (d_a - np.sum(d_a * self.a, axis=1, keepdims=True))",
                "d_a * self.a * (1 - self.a)",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
    Hand(
        name="max pool and flatten as objects in a chain",
        form=FORM,
        source="""\
import numpy as np


class HalvingPool:
    def windows(self, image):
        h, w, _ = image.shape
        for i in range(h // 2):
            for j in range(w // 2):
                yield image[i * 2:i * 2 + 2, j * 2:j * 2 + 2], i, j

    def forward(self, input):
        self.seen = input
        h, w, channels = input.shape
        output = np.zeros((h // 2, w // 2, channels))
        for window, i, j in self.windows(input):
            output[i, j] = np.max(window, axis=(0, 1))
        return output

    def backprop(self, dL_dout):
        dL_dinput = np.zeros(self.seen.shape)
        for window, i, j in self.windows(self.seen):
            h, w, f = window.shape
            best = np.max(window, axis=(0, 1))
            for i2 in range(h):
                for j2 in range(w):
                    for f2 in range(f):
                        if window[i2, j2, f2] == best[f2]:
                            dL_dinput[i * 2 + i2, j * 2 + j2, f2] = dL_dout[i, j, f2]
        return dL_dinput


class Classifier:
    def __init__(self, n_in, n_classes, rng):
        self.weights = rng.normal(size=(n_in, n_classes)) / 2
        self.biases = rng.normal(size=n_classes) / 5

    def forward(self, input):
        self.seen_shape = input.shape
        input = input.flatten()
        self.seen = input
        totals = np.dot(input, self.weights) + self.biases
        self.totals_ = totals
        exp = np.exp(totals)
        return exp / np.sum(exp, axis=0)

    def backprop(self, dL_dout):
        powers = np.exp(self.totals_)
        S = np.sum(powers)
        out = powers / S
        dL_dt = out * (dL_dout - np.dot(dL_dout, out))
        dL_dw = self.seen[np.newaxis].T @ dL_dt[np.newaxis]
        dL_db = dL_dt
        dL_dx = self.weights @ dL_dt
        self.d_weights = dL_dw
        self.d_biases = dL_db
        return dL_dx.reshape(self.seen_shape)


class CNN:
    def __init__(self, rng):
        self.pool = HalvingPool()
        self.softmax = Classifier(12, 5, rng)

    def forward(self, image, label):
        out = self.softmax.forward(self.pool.forward(image))
        self.out, self.label = out, label
        return -np.log(out[label])

    def backward(self):
        gradient = np.zeros(5)
        gradient[self.label] = -1 / self.out[self.label]
        gradient = self.softmax.backprop(gradient)
        return self.pool.backprop(gradient)


rng = np.random.default_rng(76)
cnn = CNN(rng)
image, label = rng.normal(size=(4, 6, 2)), 3
""",
        call="al.check_derivation(cnn, image, label, show=False)",
        run="loss = cnn.forward(image, label); d_image = cnn.backward()",
        loss="cnn.forward(image, label)",
        gradients={
            "image": ("image", "d_image"),
            "weights": ("cnn.softmax.weights", "cnn.softmax.d_weights"),
            "biases": ("cnn.softmax.biases", "cnn.softmax.d_biases"),
        },
        derivation=(
            ("if window[i2, j2, f2] == best[f2]", "dL_dinput[i * 2 + i2"),
            ("dL_dt = out *", "self.d_biases = dL_db"),
            ("gradient[self.label] = -1", "gradient[self.label] = -1"),
        ),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "out * (dL_dout - np.dot(dL_dout, out))",
                "out * (1 - out) * dL_dout",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
]
