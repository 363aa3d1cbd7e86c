"""nn.save and nn.load of files that end in .safetensors."""

import json
import os
import struct
import sys

import numpy as np
import pytest

import nn

library = pytest.importorskip("safetensors.numpy")


def model(seed=0, dtype=np.float64):
    return nn.Sequential(
        nn.Linear(3, 4, seed=seed, dtype=dtype), nn.BatchNorm(4), nn.Linear(4, 1, seed=seed)
    )


def test_a_model_comes_back(tmp_path):
    path = tmp_path / "model.safetensors"
    original = model(1)
    nn.save(original, path)
    loaded = nn.load(path, model(2))
    for name, array in original.state_dict().items():
        assert np.array_equal(array, loaded.state_dict()[name])


def test_an_estimator_comes_back(tmp_path):
    path = tmp_path / "model.SAFETENSORS"
    X = np.random.default_rng(0).normal(size=(40, 3))
    classifier = nn.LogisticRegression(max_iter=20).fit(X, np.where(X[:, 0] > 0, "yes", "no"))
    nn.save(classifier, path)
    loaded = nn.load(path, nn.LogisticRegression())
    assert np.array_equal(loaded.predict(X), classifier.predict(X))


def test_other_libraries_read_and_write_it(tmp_path):
    path = tmp_path / "model.safetensors"
    original = model(1)
    nn.save(original, path)
    arrays = library.load_file(path)
    assert arrays.keys() == original.state_dict().keys()
    library.save_file({name: array + 1 for name, array in arrays.items()}, path)
    loaded = nn.load(path, model(2))
    assert np.array_equal(
        loaded.state_dict()["layers.0.weight"], original.state_dict()["layers.0.weight"] + 1
    )


def hostile(kind):
    arrays = {name: np.asarray(a) for name, a in model().state_dict().items()}
    good = library.save(arrays)
    (length,) = struct.unpack("<Q", good[:8])
    header = json.loads(good[8 : 8 + length])
    if kind == "empty":
        return b""
    if kind == "HDF5":
        return b"\x89HDF\r\n\x1a\n" + bytes(100)
    if kind == "cut":
        return good[:-5]
    if kind == "header too long":
        return struct.pack("<Q", 2**40) + good[8:]
    if kind == "header of spaces":
        return struct.pack("<Q", 2**25) + b" " * 2**25
    if kind == "description no JSON":
        return library.save(arrays, {"autograd_lite": "[" * 100_000})
    if kind == "description a list":
        return library.save(arrays, {"autograd_lite": "[]"})
    if kind == "another shape":
        return library.save({**arrays, "layers.0.weight": np.zeros((2, 2))})
    if kind == "another dtype":
        weight = arrays["layers.0.weight"].astype(np.float32)
        return library.save({**arrays, "layers.0.weight": weight})
    if kind == "one missing":
        return library.save({n: a for n, a in arrays.items() if n != "layers.0.bias"})
    if kind == "one more":
        return library.save({**arrays, "z\x1b[31m": np.zeros(1)})
    assert kind == "bfloat16"
    header["layers.0.weight"]["dtype"] = "BF16"
    size = header["layers.0.weight"]["data_offsets"]
    header["layers.0.weight"]["shape"] = [(size[1] - size[0]) // 2]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + good[8 + length :]


KINDS = [
    *("empty", "HDF5", "cut", "header too long", "header of spaces", "description no JSON"),
    *("description a list", "another shape", "another dtype", "one missing", "one more"),
    "bfloat16",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_does_not_fit_is_one_sentence_and_changes_nothing(kind, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(hostile(kind))
    target = model(3)
    before = {name: np.copy(a) for name, a in target.state_dict().items()}
    with pytest.raises(nn.FileFormatError) as error:
        nn.load(path, target)
    text = str(error.value)
    assert "model.safetensors" in text and "\n" not in text and "\x1b" not in text
    for name, array in target.state_dict().items():
        assert np.array_equal(array, before[name])


def test_arrays_beyond_the_limit_are_not_read(tmp_path):
    path = tmp_path / "model.safetensors"
    nn.save(model(), path)
    with pytest.raises(nn.FileFormatError, match="more than limit=10"):
        nn.load(path, model(), limit=10)


def test_what_is_no_regular_file(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match="does not exist"):
        nn.load(path, model())
    os.mkfifo(path)
    with pytest.raises(nn.FileFormatError, match="named pipe"):
        nn.load(path, model())
    with pytest.raises(OSError, match="named pipe"):
        nn.save(model(), path)


def test_a_header_that_would_take_much_memory_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    text = b'{"__metadata__": {"a": [' + b"{}," * 1_000_000 + b"{}]}}"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(nn.FileFormatError, match="has a header that .* that a header may have"):
        nn.load(path, model())


def test_dtypes_that_the_format_lacks(tmp_path):
    layer = nn.Linear(2, 1, dtype=np.float64)
    layer.buffers, layer.mask = ("mask",), np.ones(2, complex)
    with pytest.raises(
        TypeError, match="'mask' has dtype complex128, which the safetensors format"
    ):
        nn.save(layer, tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    nn.save(model(), path)

    def refuse(*args, **options):
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match="Checkpoint .* cannot be read: no permission"):
        nn.load(path, model())


@pytest.mark.parametrize("what", ["save", "load"])
def test_without_the_library_it_is_named(what, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    nn.save(model(), path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    message = rf"to {what} a .safetensors file, pip install 'autograd_lite\[safetensors\]'"
    with pytest.raises(ImportError, match=message):
        nn.save(model(), path) if what == "save" else nn.load(path, model())
