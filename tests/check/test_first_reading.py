"""Right derivations that are easily misread, and mistakes that no form may hide."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al


def normal(*shapes):
    rng = np.random.default_rng(6)
    return [rng.normal(size=shape) for shape in shapes]


def loaded(text):
    module = load(text, f"first reading {hash(text)}")[0].__globals__
    return module


def line_of(text, part):
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


APART = """
import numpy as np


def forward(X, p):
    pred = X @ p["W"] + p["b"]
    return pred, (X, p)


def cost(pred, y, p, delta):
    return np.sum((pred - y) ** 2) / len(y) + delta * np.sum(p["W"] ** 2)


def backward(pred, y, cache, delta):
    X, p = cache
    dpred = 2 * (pred - y) / len(y)
    return {"W": X.T @ dpred + 2 * delta * p["W"], "b": dpred.sum(axis=0)}
"""


@pytest.mark.parametrize("order", ["X y p delta", "X p y delta", "X p delta y"])
@pytest.mark.parametrize(
    "changes",
    [
        [],
        [
            ("    pred = X @", "    return X @"),
            ('+ p["b"]\n    return pred, (X, p)', '+ p["b"], (X, p)'),
        ],
        [
            ("cost(pred, y", "cost(z, t"),
            ("sum((pred - y) ** 2) / len(y) +", "sum((z - t) ** 2) / len(t) +"),
        ],
        [
            ("backward(pred, y", "backward(a, t"),
            ("* (pred - y) / len(y)\n", "* (a - t) / len(t)\n"),
        ],
        [("return pred, (X, p)", "return pred, X + 1, 2 * X, (X, p)")],
        [("(pred, y, cache, delta)", "(cache, delta, pred, y)")],
        [("delta", "d_scale")],
        [('X @ p["W"]', 'np.c_[X[:, 0], X[:, 1:]] @ p["W"]')],
        [('X @ p["W"]', 'np.r_[X[:2], X[2:]] @ p["W"]')],
    ],
)
def test_arguments_of_a_cost_apart(changes, order):
    text = APART
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    module = loaded(text)
    X, W, b, y = normal((6, 3), (3, 2), (2,), (6, 2))
    given = {"X": X, "p": {"W": W, "b": b}, "y": y, "delta": 0.3}
    inputs = [given[name] for name in order.split()]

    def report_on(backward):
        return al.check_derivation(
            module["forward"], backward, *inputs, loss=module["cost"], show=False
        )

    report = report_on(module["backward"])
    assert report.ok, str(report)
    assert {line.tensor for line in report} >= {"W", "b"}


def test_inputs_of_which_one_is_missing():
    module = loaded(APART)
    X, W, b = normal((6, 3), (3, 2), (2,))
    with pytest.raises(Exception, match=r".") as raised:
        al.check_derivation(
            module["forward"], module["backward"], X, {"W": W, "b": b}, loss=module["cost"]
        )
    assert raised.value.__notes__ == [
        "check_derivation() gave forward the first of the inputs, and cost the others, and tried "
        "other orders: is one missing?"
    ]


LABELS = """
import numpy as np


def forward(X, W, V, y):
    h = np.tanh(X @ W)
    y_pred = h @ V
    return np.mean((y_pred - y) ** 2), (h, y_pred)


def backward(X, W, V, y, kept):
    h, y_pred = kept
    dy = 2 * (y_pred - y) / y.size
    dV = h.T @ dy
    dW = X.T @ (dy @ V.T * (1 - h**2))
    return dW, dV
"""

ACTIVATED = """
import numpy as np


def forward(x, y, U, V, W):
    a1 = 1 / (1 + np.exp(-x @ U))
    a2 = np.tanh(a1 @ V)
    out = a2 @ W
    return 0.5 * np.sum((out - y) ** 2), (a1, a2, out)


def backward(x, y, V, W, kept):
    a1, a2, out = kept
    dout = out - y
    da2 = dout @ W.T * (1 - a2**2)
    da1 = da2 @ V.T * a1 * (1 - a1)
    return x.T @ da1, a1.T @ da2, a2.T @ dout
"""

GATES = """
import numpy as np


def forward(x, c0, W):
    a = x @ W
    i, f, g = 1 / (1 + np.exp(-a[:, :4])), 1 / (1 + np.exp(-a[:, 4:8])), np.tanh(a[:, 8:])
    c = f * c0 + i * g
    return c, (x, c0, W, i, f, g)


def backward(dc, kept):
    x, c0, W, i, f, g = kept
    df = dc * c0 * f * (1 - f)
    di = dc * g * i * (1 - i)
    dg = dc * i * (1 - g**2)
    dc0 = dc * f
    da = np.hstack((di, df, dg))
    return da @ W.T, dc0, x.T @ da
"""


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        (LABELS, ((6, 3), (3, 4), (4, 2), (6, 2))),
        (
            LABELS.replace("dy ", "dL_dy ").replace("dy)", "dL_dy)").replace("@ dy\n", "@ dL_dy\n"),
            None,
        ),
        (ACTIVATED, ((6, 3), (6, 2), (3, 4), (4, 5), (5, 2))),
        (GATES, ((3, 5), (3, 4), (5, 12))),
    ],
    ids=["labels", "labels by another name", "activations", "gates"],
)
def test_gradients_that_are_called_after_a_value_beside(text, shapes):
    module = loaded(text.replace("(dy @", "(dL_dy @") if shapes is None else text)
    inputs = normal(*(shapes or ((6, 3), (3, 4), (4, 2), (6, 2))))
    report = al.check_derivation(module["forward"], module["backward"], *inputs, show=False)
    assert report.ok, str(report)


def test_a_missing_derivative_is_no_misleading_name():
    text = ACTIVATED.replace(" * (1 - a2**2)", "").replace("da2", "dz2")
    text = text.replace("a2 = np.tanh(a1 @ V)", "z2 = a1 @ V\n    a2 = np.tanh(z2)")
    module = loaded(text)
    inputs = normal((6, 3), (6, 2), (3, 4), (4, 5), (5, 2))
    report = al.check_derivation(module["forward"], module["backward"], *inputs, show=False)
    assert [line.line for line in report if line.status == "wrong"] == [line_of(text, "dz2 =")]


OBJECTS = """
import numpy as np


class Param:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class Dense:
    def __init__(self, rng, n, m):
        self.weight = Param(rng.normal(size=(n, m)))
        self.bias = Param(rng.normal(size=m))

    def forward(self, x):
        self.x = x
        return x @ self.weight.value + self.bias.value

    def backward(self, grad):
        self.weight.grad += self.x.T @ grad
        self.bias.grad += grad.sum(axis=0)
        return grad @ self.weight.value.T


class Net:
    def __init__(self):
        rng = np.random.default_rng(3)
        self.layers = [Dense(rng, 3, 4), Dense(rng, 4, 2)]

    def loss(self, x, t):
        for layer in self.layers:
            x = layer.forward(x)
        self.d = x - t
        return 0.5 * np.sum(self.d**2)

    def gradient(self, x, t):
        self.loss(x, t)
        grad = self.d
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


def forward():
    return Net()


backward = forward
"""


@pytest.mark.parametrize("style", ["value grad", "data grad", "grad_weight", "one layer"])
@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("", "", None),
        ("grad.sum(axis=0)", "grad.mean(axis=0)", "factor"),
        ("self.x.T @ grad", "2 * self.x.T @ grad", "factor"),
        ("self.weight.grad +=", "self.weight.grad -=", "sign"),
    ],
)
@pytest.mark.one_in(2)
def test_parameters_that_are_objects(style, old, new, cause):
    text = OBJECTS.replace(old, new) if old else OBJECTS
    if style == "data grad":
        text = text.replace("value", "data")
    if style == "grad_weight":
        text = text.replace("self.weight.grad +=", "self.grad_weight =")
        text = text.replace("self.weight.grad -=", "self.grad_weight = -")
        text = text.replace("self.bias.grad +=", "self.grad_bias =")
    net = loaded(text)["Net"]()
    x, t = normal((5, 3), (5, 2))
    if style == "one layer":
        report, count = al.check_derivation(net.layers[0], x, show=False), 2
    else:
        report, count = al.check_derivation(net.loss, net.gradient, x, t, show=False), 4
    owners = {line.tensor for line in report if "weight" in line.tensor or "bias" in line.tensor}
    assert len(owners) == count, str(report)
    wrong = {(line.line, line.cause) for line in report if line.status == "wrong"}
    part = new if new else "-"
    if style == "grad_weight" and cause == "sign":
        part = "self.grad_weight = -"
    assert wrong == (set() if cause is None else {(line_of(text, part), cause)}), str(report)


LAYERS = """
import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Norm:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        self.xc = x - x.mean(axis=0)
        self.std = np.sqrt(np.mean(self.xc**2, axis=0) + 1e-7)
        self.xn = self.xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum((dxn * self.xc) / self.std**2, axis=0)
        dvar = 0.5 * dstd / self.std
        dxc += 2.0 / len(dout) * self.xc * dvar
        return dxc - dxc.mean(axis=0)


class Squash:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class Net:
    def __init__(self):
        r = np.random.default_rng(0)
        self.first = Affine(r.normal(size=(3, 4)), r.normal(size=4))
        self.norm = Norm(r.uniform(0.5, 1, size=4), r.normal(size=4))
        self.last = Affine(r.normal(size=(4, 2)), r.normal(size=2))
        self.layers = [self.first, self.norm, Squash(), self.last]

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        self.d = self.predict(x) - t
        return 0.5 * np.sum(self.d**2)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.d
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        grads = {"W1": self.first.dW, "b1": self.first.db}
        grads["gamma1"], grads["beta1"] = self.norm.dgamma, self.norm.dbeta
        grads["W2"], grads["b2"] = self.last.dW, self.last.db
        return grads


def forward():
    return Net()


backward = forward
"""


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("", "", ""),
        ("self.last.dW, self.last.db", "self.last.dW, self.last.b", "self.last.b"),
        ('"W1": self.first.dW', '"W1": 2 * self.first.dW', "2 * self.first"),
        ("self.xn * dout", "self.xc * dout", "self.xc * dout"),
        ("2.0 / len(dout)", "1.0 / len(dout)", "1.0 / len"),
        ("/ self.std**2, axis=0)", "/ self.std, axis=0)", "dstd ="),
        ("dout * self.out * (1 - self.out)", "dout * self.out", "return dout * self.out"),
    ],
)
@pytest.mark.one_in(4)
def test_a_net_that_runs_its_forward_pass_again_and_collects_what_its_layers_hand_in(
    old, new, part
):
    text = LAYERS.replace(old, new) if old else LAYERS
    net = loaded(text)["Net"]()
    x, t = normal((6, 3), (6, 2))
    report = al.check_derivation(net.loss, net.gradient, x, t, show=False)
    wrong = {line.line for line in report if line.status == "wrong"}
    assert wrong == ({line_of(text, part)} if part else set()), str(report)
    assert "earlier steps" not in str(report)
    assert "is not marked:" not in str(report)


SCRIPT = """
import numpy as np

rng = np.random.default_rng(4)
X, Y = rng.normal(size=(3, 20)), rng.integers(0, 2, size=(1, 20))
poids = {"W1": rng.normal(size=(4, 3)), "b1": np.full((4, 1), 0.1)}
poids |= {"W2": rng.normal(size=(1, 4)), "b2": np.zeros((1, 1))}
vitesse = {cle: np.zeros_like(v) for cle, v in poids.items()}
taux, moment = 0.05, 0.9
for epoque in range(200):
    A1 = np.tanh(poids["W1"] @ X + poids["b1"])
    A2 = 1 / (1 + np.exp(-(poids["W2"] @ A1 + poids["b2"])))
    cout = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    pentes = {}
    dZ2 = (A2 - Y) / 20
    pentes["W2"], pentes["b2"] = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
    dZ1 = (poids["W2"].T @ dZ2) * (1 - A1**2)
    pentes["W1"], pentes["b1"] = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
    for cle in poids:
        UPDATE
"""

UPDATES = {
    "plain": "poids[cle] = poids[cle] - taux * pentes[cle]",
    "in place": "poids[cle] -= taux * pentes[cle]",
    "average": "vitesse[cle] = moment * vitesse[cle] + (1 - moment) * pentes[cle]\n"
    "        poids[cle] = poids[cle] - taux * vitesse[cle]",
    "ball": "vitesse[cle] = moment * vitesse[cle] - taux * pentes[cle]\n"
    "        poids[cle] = poids[cle] + vitesse[cle]",
    "two steps": "vitesse[cle] *= moment\n        vitesse[cle] += pentes[cle]\n"
    "        poids[cle] -= taux * vitesse[cle]",
}


@pytest.mark.parametrize("rate", ["taux", "alpha", "tasa", "k"])
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.one_in(5)
def test_rates_and_momentum_of_parameters_in_a_dict(update, rate):
    text = SCRIPT.replace("UPDATE", UPDATES[update]).replace("taux", rate)
    report = al.check_script(text, loss="cout", show=False)
    assert report.ok, str(report)
    assert {"W1", "b1", "W2", "b2"} <= {line.tensor for line in report}
    wrong = text.replace("(1 - A1**2)", "(1 - A1)")
    report = al.check_script(wrong, loss="cout", show=False)
    found = {(line.line, line.cause) for line in report if line.status == "wrong"}
    assert found == {(line_of(wrong, "dZ1 ="), "activation")}, str(report)


SWING = """
import numpy as np


class Swing:
    def __init__(self, force, goal, step=0.1):
        self.force, self.goal, self.step = force, goal, step

    def loss(self):
        self.angle = np.zeros(len(self.force) + 1)
        self.speed = np.zeros(len(self.force) + 1)
        for k in range(len(self.force)):
            self.speed[k + 1] = self.speed[k] + self.step * (
                self.force[k] - np.sin(self.angle[k])
            )
            self.angle[k + 1] = self.angle[k] + self.step * self.speed[k + 1]
        return 0.5 * np.sum((self.angle - self.goal) ** 2)

    def gradient(self):
        g_force = np.zeros_like(self.force)
        g_speed = 0.0
        g_angle = self.angle[-1] - self.goal
        for k in reversed(range(len(self.force))):
            g_speed += self.step * g_angle
            g_force[k] = self.step * g_speed
            g_angle -= self.step * g_speed * np.cos(self.angle[k])
            g_angle += self.angle[k] - self.goal
        return g_force


def forward():
    return Swing


backward = forward
"""


def test_numbers_of_a_loop_that_are_called_after_arrays():
    def report_on(text):
        swing = loaded(text)["Swing"](3 * normal((6,))[0], 0.4)
        return al.check_derivation(swing.loss, swing.gradient, show=False)

    assert report_on(SWING).ok, str(report_on(SWING))
    for old, new, part in (
        ("g_angle -=", "g_angle +=", "np.cos"),
        ("g_speed += self", "g_speed = self", "g_speed = self"),
    ):
        wrong = SWING.replace(old, new)
        lines = {line.line for line in report_on(wrong) if line.status == "wrong"}
        assert lines == {line_of(wrong, part)}, str(report_on(wrong))


BIASES = """
def forward(X, T, W, b, V, c):
    h = np.tanh(X @ W + b)
    e = h @ V + c - T
    return np.sum(e**2) / len(X), (h, e)


def backward(X, T, W, b, V, c, cache):
    h, e = cache
    n = len(X)
    de = 2 * e / n
    dV, dc = h.T @ de, np.sum(de, axis=0)
    dz = de @ V.T * (1 - h**2)
    dW = X.T @ dz
    db = np.sum(dz, axis=0)
    return dW, db, dV, dc
"""


@pytest.mark.parametrize(
    ("wrong", "cause", "words"),
    [
        ("db = np.mean(dz, axis=0)", "factor", "should be a sum"),
        ("db = np.sum(dz, axis=0) / n", "factor", "n"),
        ("db = np.sum(dz * h, axis=0)", "factor", "h"),
        ("db = -np.sum(dz, axis=0)", "sign", "sign"),
    ],
)
def test_a_mistake_in_the_gradient_of_a_row_that_is_handed_in_as_a_vector(wrong, cause, words):
    rng = np.random.default_rng(1)
    text = "import numpy as np\n" + BIASES.replace("db = np.sum(dz, axis=0)", wrong)
    inputs = [rng.normal(size=s) for s in ((8, 3), (8, 2), (3, 5), (1, 5), (5, 2), (1, 2))]
    report = al.check_derivation(*load(text, "biases"), *inputs, show=False)
    assert_blamed(report, text, wrong, cause, words)
