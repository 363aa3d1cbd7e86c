import sys

import numpy as np
import pytest

import autograd_lite as al
import nn

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(0)


def run(model, *inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, map(np.asarray, inputs), strict=True)))


def check(function, *inputs, tolerance=1e-6):
    model = al.to_onnx(function, *inputs)
    results = run(model, *inputs)
    expected = function(*inputs)
    expected = expected if isinstance(expected, (tuple, list)) else [expected]
    for ours, theirs in zip(results, expected, strict=True):
        theirs = theirs.numpy() if isinstance(theirs, al.Tensor) else np.asarray(theirs)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    return model


def x(*shape, dtype=np.float32):
    return RNG.normal(size=shape).astype(dtype)


def test_a_trained_network(tmp_path):
    net = nn.Sequential(
        nn.Linear(6, 5, seed=0, dtype=np.float32),
        nn.ReLU(),
        nn.Linear(5, 3, seed=1, dtype=np.float32),
        nn.Tanh(),
    )

    def predict(X):
        Z = net(X)
        return al.softmax(Z, axis=0)

    model = check(predict, x(6, 4))
    assert [i.name for i in model.graph.input] == ["X"]
    assert {"MatMul", "Relu", "Tanh", "Softmax"} <= {n.op_type for n in model.graph.node}
    assert any("weight" in i.name for i in model.graph.initializer)
    path = tmp_path / "net.onnx"
    al.to_onnx(predict, x(6, 4), path=path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_every_activation():
    def function(X):
        layers = (nn.ELU(), nn.GELU(), nn.LeakyReLU(), nn.SiLU(), nn.Softplus(), nn.Sigmoid())
        return tuple(layer(X) for layer in layers)

    check(function, x(3, 4), tolerance=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operations(dtype):
    def function(a, b):
        p = a + b * 2 - a / (1 + b * b)
        q = np.where(a > b, np.exp(a), np.log(1 + np.abs(b))) + np.sqrt(np.abs(p))
        return (
            p,
            np.maximum(np.minimum(a, b), 0.5) ** 2 + a**3,
            np.sum(q, axis=1),
            np.mean(q, axis=(0, 1), keepdims=True),
            np.max(q, axis=0),
            np.sum(q),
            np.concatenate([a, b.T.reshape(a.shape)], axis=1),
            np.transpose(a) @ b,
            np.argmax(a, axis=1),
            a[1:, ::2],
            a[0],
            a[..., -1],
            np.broadcast_to(a[:1], a.shape) >= b,
            np.clip(a, -0.5, 0.5),
            np.expand_dims(np.sin(a), 1),
            np.logical_or(a == b, a < 0),
        )

    check(function, x(3, 4, dtype=dtype), x(3, 4, dtype=dtype), tolerance=1e-5)


def test_dtypes_that_meet():
    check(lambda a, b: a * b + 1, x(3), x(3, dtype=np.float64))


def test_results_that_are_inputs_or_constants():
    constant = x(2)
    check(lambda a: (a, constant, a + 1), x(2))


def test_the_gradient_can_be_exported_too():
    def loss(W, X):
        return np.mean(np.tanh(W @ X) ** 2)

    check(al.grad(loss), x(2, 3), x(3, 4), tolerance=1e-5)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda a: np.linalg.inv(a), r"np\.linalg\.inv"),
        (lambda a: np.fft.fft(a), r"np\.fft\.fft"),
        (lambda a: a[np.array([0, 1])], "indexing by arrays"),
        (lambda a: np.cumsum(a, axis=0), r"np\.cumsum \(File .*test_onnx.py"),
        (
            lambda a: np.dot(a, np.reshape(a, (1, 3, 3))),
            r"^np\.dot of more than two .* use np\.matmul$",
        ),
        (
            lambda a: (a > 0) @ (a < 1),
            r"^np\.matmul \(File .*test_onnx.py.* of booleans .* convert them to numbers first$",
        ),
        (lambda a: np.argmax(a), r"^np\.argmax \(File .*\) has a form .* axis only; give axis=$"),
    ],
)
def test_what_has_no_form_is_refused_by_name(function, name):
    with pytest.raises(TypeError, match=name):
        al.to_onnx(function, x(3, 3))


def test_a_machine_without_onnx_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"^to_onnx needs ONNX: pip install 'autograd_lite\[onnx"):
        al.to_onnx(lambda a: a + 1, x(2), path=tmp_path / "net.onnx")
    assert not any(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="cannot write the .*full"):
        al.to_onnx(lambda a: a + 1, x(2), path=path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
