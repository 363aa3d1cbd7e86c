"""nn.save and nn.load, and what they make of damaged, hostile and unfitting checkpoints."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nn import checkpoint
from nn.data import bounded_json, hdf5
from nn.data.hdf5 import FileFormatError

ARRAYS: dict[str, Any] = {
    "layers.0.weight": np.arange(12.0).reshape(3, 4),
    "layers.0.bias": np.ones((3, 1), dtype=np.float32),
    "step": np.array(7),
    "mask": np.array([True, False]),
    "none": np.zeros((0, 3)),
}


class Model:
    """Arrays of fixed shapes and dtypes, and a note; counts how often it was changed."""

    def __init__(self, arrays: Mapping[str, Any] = ARRAYS, note: Any = "a note") -> None:
        self.arrays = {name: np.array(array) for name, array in arrays.items()}
        self.note = note
        self.changes = 0

    def state_dict(self) -> dict[str, np.ndarray]:
        return self.arrays

    def describe(self) -> dict[str, Any]:
        return {"note": self.note}

    def expected_state(self, description: dict[str, Any]) -> dict[str, Any]:
        return {name: (array.shape, array.dtype) for name, array in self.arrays.items()}

    def load_state_dict(self, arrays: dict[str, np.ndarray], description: dict[str, Any]) -> None:
        self.arrays, self.note = arrays, description["note"]
        self.changes += 1


def blank(**changes: Any) -> Model:
    """A model that ARRAYS fit into, of other values; a change of None takes an array away."""
    arrays = {name: np.zeros_like(array) for name, array in ARRAYS.items()} | changes
    return Model({name: array for name, array in arrays.items() if array is not None}, "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.h5"
    checkpoint.save(Model(), path)
    return path


def refused(path: Path, match: str, model: Model | None = None) -> str:
    model = model or blank()
    with pytest.raises(FileFormatError, match=match) as caught:
        checkpoint.load(path, model)
    message = str(caught.value)
    assert message.startswith(f"Checkpoint {str(path)!r}")
    assert "\n" not in message
    assert model.changes == 0
    return message


def change_metadata(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with h5py.File(path, "a") as file:
        metadata = json.loads(file["metadata"][()].tobytes())
        metadata = change(metadata) or metadata
        text = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        del file["metadata"]
        file["metadata"] = np.frombuffer(text, dtype=np.uint8)


def test_a_model_comes_back_as_it_was(path: Path) -> None:
    model = blank()
    assert checkpoint.load(path, model) is model
    assert (model.changes, model.note) == (1, "a note")
    assert list(model.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        found = model.arrays[name]
        assert (found.shape, found.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(found, array)
        assert found.flags.writeable
        assert isinstance(found, np.ndarray)


@pytest.mark.parametrize("dtype", "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 >f4 >i8 >c16".split())
def test_every_plain_dtype(tmp_path: Path, dtype: str) -> None:
    array = np.array([[0, 1], [2, 3]], dtype=dtype)
    checkpoint.write(tmp_path / "m.h5", {"a": array}, {})
    expected = {"a": ((2, 2), np.dtype(dtype))}
    arrays, _ = checkpoint.read(tmp_path / "m.h5", lambda description: expected)
    np.testing.assert_array_equal(arrays["a"], array)
    assert arrays["a"].dtype == np.dtype(dtype).newbyteorder("=")


def test_the_bits_of_floats_survive(tmp_path: Path) -> None:
    array = np.array([np.nan, -0.0, np.inf, -np.inf, 5e-324, np.nextafter(1, 2)])
    checkpoint.write(tmp_path / "m.h5", {"a": array, "t": array[::-2]}, {})
    arrays, _ = checkpoint.read(
        tmp_path / "m.h5", lambda d: {"a": ((6,), array.dtype), "t": ((3,), array.dtype)}
    )
    assert arrays["a"].tobytes() == array.tobytes()
    assert arrays["t"].tobytes() == array[::-2].tobytes()


def test_any_string_is_a_name(tmp_path: Path) -> None:
    names = ["a/b", "/", "", ".", "..", "a\0b", "metadata", "arrays/0", "Käse \U0001f9c0", "\ud800"]
    model = Model({name: np.full(2, i) for i, name in enumerate(names)})
    checkpoint.save(model, tmp_path / "m.h5")
    found = checkpoint.load(tmp_path / "m.h5", Model(dict.fromkeys(names, np.zeros(2, int))))
    assert {name: int(array[0]) for name, array in found.arrays.items()} == {
        name: i for i, name in enumerate(names)
    }


def test_a_model_without_arrays(tmp_path: Path) -> None:
    checkpoint.save(Model({}), tmp_path / "m.h5")
    assert checkpoint.load(tmp_path / "m.h5", Model({}, "")).note == "a note"


def test_descriptions_hold_what_json_holds_and_numpys_scalars(tmp_path: Path) -> None:
    note = {"sizes": (5, 3), "rate": np.float64(0.1), "seed": 2**127, "tol": -np.inf, "n": None}
    note |= {"name": "Käse \ud800", "deep": [[[np.int64(1), np.bool_(True)]]]}
    checkpoint.save(Model({}, note), tmp_path / "m.h5")
    assert checkpoint.load(tmp_path / "m.h5", Model({})).note == {
        "sizes": [5, 3],
        "rate": 0.1,
        "seed": 2**127,
        "tol": -np.inf,
        "n": None,
        "name": "Käse \ud800",
        "deep": [[[1, True]]],
    }


def test_a_description_larger_than_an_hdf5_attribute(tmp_path: Path) -> None:
    checkpoint.save(Model({}, "n" * 200_000), tmp_path / "m.h5")
    assert checkpoint.load(tmp_path / "m.h5", Model({})).note == "n" * 200_000


def test_the_documented_layout_is_what_plain_h5py_finds(path: Path) -> None:
    with h5py.File(path) as file:
        assert set(file) == {"metadata", "arrays"}
        metadata = json.loads(file["metadata"][()].tobytes())
        state = {a["name"]: file[f"arrays/{i}"][()] for i, a in enumerate(metadata["arrays"])}
        checksummed = {a["name"]: file[f"arrays/{i}"] for i, a in enumerate(metadata["arrays"])}
        assert file["metadata"].fletcher32
        assert all(array.fletcher32 for array in checksummed.values() if array.size)
    assert (metadata["format"], metadata["version"]) == ("autograd_lite checkpoint", 1)
    assert metadata["description"] == {"note": "a note"}
    assert metadata["arrays"][1] == {"name": "layers.0.bias", "shape": [3, 1], "dtype": "float32"}
    assert state.pop("step") == [7]
    for name, array in state.items():
        np.testing.assert_array_equal(array, ARRAYS[name])


# What does not fit.


def test_a_shape_that_does_not_fit_is_named(path: Path) -> None:
    model = blank(**{"layers.0.weight": np.zeros((3, 5))})
    refused(
        path,
        r"does not fit the model and was not loaded: layers\.0\.weight: the file has shape"
        r" \(3, 4\), the model has \(3, 5\)$",
        model,
    )
    refused(path, r"step: the file has shape \(\), the model has \(1,\)", blank(step=np.zeros(1)))


def test_a_dtype_that_does_not_fit_is_named(path: Path) -> None:
    model = blank(**{"layers.0.bias": np.zeros((3, 1))})
    refused(path, "layers.0.bias: the file has dtype float32, the model has float64$", model)


def test_missing_and_unexpected_names_are_listed(path: Path) -> None:
    model = blank(step=None, mask=None, extra=np.zeros(2))
    refused(path, "missing from the file: 'extra'; not in the model: 'mask', 'step'$", model)


def test_many_differences_make_no_wall_of_text(tmp_path: Path) -> None:
    names = [f"array{i:03}" for i in range(100)]
    checkpoint.save(Model(dict.fromkeys(names, np.zeros(2))), tmp_path / "m.h5")
    other = Model(dict.fromkeys(names, np.zeros(3)))
    assert len(refused(tmp_path / "m.h5", "array004: .*; and 95 more like these$", other)) < 700
    hostile = Model({"\x1b[31m" + "n" * 10_000: np.zeros(2)})
    checkpoint.save(hostile, tmp_path / "m.h5")
    message = refused(tmp_path / "m.h5", "not in the model", Model({}))
    assert message.isprintable()
    assert len(message) < 400


def test_nothing_is_read_before_everything_fits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    real = hdf5.Reader.read

    def note(self: hdf5.Reader, name: str, accepted: hdf5.Spec) -> np.ndarray:
        reads.append(name)
        return real(self, name, accepted)

    monkeypatch.setattr(hdf5.Reader, "read", note)
    refused(path, "does not fit", blank(none=np.zeros((0, 4))))
    with h5py.File(path, "a") as file:
        del file["arrays/4"]
    refused(path, "no dataset 'arrays/4'")
    assert reads == ["metadata", "metadata"]


def test_an_array_that_does_not_agree_with_the_metadata(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["arrays/0"]
        file["arrays/0"] = np.zeros((300, 4))
    refused(path, r"'arrays/0' is float64 \(300, 4\), expected float64 \(3, 4\) for 'layers.0.w")


def test_a_description_that_the_model_does_not_understand(path: Path) -> None:
    for wrong in (lambda d: d["sizes"], lambda d: d["note"].items(), lambda d: d["note"] + 1):
        with pytest.raises(FileFormatError, match="does not describe a model of this kind: "):
            checkpoint.read(path, wrong)

    def refuse(description: dict[str, Any]) -> Any:
        raise ValueError("this model has no notes")

    with pytest.raises(
        FileFormatError, match="^Checkpoint .* does not fit: this model has no notes$"
    ):
        checkpoint.read(path, refuse)


def test_the_limit_holds_for_what_the_file_makes_the_model_expect(path: Path) -> None:
    checkpoint.save(Model({"a": np.zeros(1000)}), path)
    with pytest.raises(FileFormatError, match="8,000 bytes, more than the limit of 7,999"):
        checkpoint.load(path, Model({"a": np.ones(1000)}), limit=7999)

    def huge(metadata: dict[str, Any]) -> None:
        metadata["arrays"] = [{"name": "a", "shape": [2**47], "dtype": "float64"}]

    change_metadata(path, huge)
    with h5py.File(path, "a") as file:
        del file["arrays/0"]
        file.create_dataset("arrays/0", (2**47,), np.float64, chunks=(1024,))
    with pytest.raises(FileFormatError, match="more than the limit of 4,294,967,296"):
        checkpoint.read(path, lambda d: {"a": ((2**47,), np.dtype("f8"))})


# What is no checkpoint, or not a whole one.


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^Checkpoint '.*no\.h5' does not exist"):
        checkpoint.load(tmp_path / "no.h5", blank())


def test_a_checkpoint_cut_off_anywhere_is_called_incomplete(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        refused(path, "^Checkpoint .* is incomplete .*probably interrupted while saving")


def test_a_flipped_bit_anywhere_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 61):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        refused(path, "^Checkpoint ")


def test_other_hdf5_files_are_no_checkpoints(path: Path, tmp_path: Path) -> None:
    hdf5.write(path, {"train_set_x": np.zeros(3)})
    refused(path, "has no dataset 'metadata': it holds 'train_set_x'")
    for other in (np.zeros(3), np.zeros((3, 1), np.uint8), np.array(7, np.uint8)):
        hdf5.write(path, {"metadata": other})
        refused(path, "'metadata' is .*it is not a checkpoint of this library")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 200_000, "nested more than 64 deep"),
        (b"[" * 65 + b"]" * 65, "nested more than 64 deep"),
        (b'["]]]]' + b'",[' * 1 + b"[" * 64 + b"]" * 66, "nested more than 64 deep"),
        (b"[" * 64 + b"]" * 64, "names no such format"),
        (b'["[[[[", "\\"' + b"[" * 100 + b'"]', "names no such format"),
        (b"[" + b"{}," * 600_000 + b"{}]", "takes .* bytes in memory"),
        (b"[" + b"[]," * 1_200_000 + b"[]]", "takes .* bytes in memory"),
        (b"[" + b'"ab",' * 2_000_000 + b"1]", "takes .* bytes in memory"),
        (b"[" + b"10.5," * 2_000_000 + b"1]", "takes .* bytes in memory"),
        (b'"' + b"a" * 2**24 + b'"', "expected at most 16,777,216 uint8"),
        (b"9" * 5000, "not valid JSON"),
        (b"[]", "names no such format"),
        (b"{}", "names no such format"),
    ],
)
def test_metadata_that_is_no_json_of_ours(path: Path, text: bytes, match: str) -> None:
    change_metadata(path, lambda metadata: text)
    refused(path, match)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": "another"}, "names no such format"),
        ({"version": 2}, "is of version 2, expected 1: it was written by another version"),
        ({"version": "\x1b" * 500}, "is of version"),
        ({"arrays": {}}, "lacks a list of arrays"),
        ({"description": []}, "lacks .* a description"),
    ],
)
def test_metadata_of_another_kind(path: Path, changes: dict[str, Any], match: str) -> None:
    change_metadata(path, lambda metadata: metadata | changes)
    refused(path, match)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "layers.0.weight",
        {"name": "a", "shape": [3]},
        {"name": 1, "shape": [3], "dtype": "float64"},
        {"name": "a", "shape": 3, "dtype": "float64"},
        {"name": "a", "shape": [-3], "dtype": "float64"},
        {"name": "a", "shape": [3.0], "dtype": "float64"},
        {"name": "a", "shape": [True], "dtype": "float64"},
        {"name": "a", "shape": [3], "dtype": "object"},
        {"name": "a", "shape": [3], "dtype": "f8,O"},
        {"name": "a", "shape": [3], "dtype": ["float64"]},
        {"name": "step", "shape": [], "dtype": "int64"},
    ],
)
def test_a_listing_of_something_else_than_arrays(path: Path, entry: Any) -> None:
    change_metadata(path, lambda metadata: metadata["arrays"].append(entry))
    refused(path, re.escape("'metadata' lists the array") + ".*, expected a new name, a shape")


def test_metadata_of_the_largest_size_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_json, "TEXT_BYTES", 100)
    refused(path, "expected at most 100 uint8")
    with pytest.raises(TypeError, match="takes .* bytes as JSON, more than the 100"):
        checkpoint.save(Model(), path)


def test_links_in_a_checkpoint_are_not_followed(path: Path, tmp_path: Path) -> None:
    checkpoint.save(Model(), tmp_path / "other.h5")
    with h5py.File(path, "a") as file:
        del file["arrays"]
        file["arrays"] = h5py.ExternalLink("other.h5", "/arrays")
    refused(path, "reached over 'arrays', a soft or external link")


# Saving.


@pytest.mark.parametrize(
    "array", [np.array(["text"]), np.array([b"text"]), np.array([None]), np.zeros(2, "M8[s]")]
)
def test_an_array_that_a_checkpoint_does_not_hold(path: Path, array: np.ndarray) -> None:
    before = path.read_bytes()
    with pytest.raises(TypeError, match="array 'odd' is of type .*expected one of bool, int8"):
        checkpoint.save(Model({"odd": array}), path)
    assert path.read_bytes() == before


def test_a_description_that_json_does_not_hold(path: Path) -> None:
    before = path.read_bytes()
    circle: list[Any] = []
    circle.append(circle)
    for note in (object(), np.zeros(3), {1j: 2}, {"set"}, circle):
        with pytest.raises(TypeError, match="description cannot be written as JSON"):
            checkpoint.save(Model({}, note), path)
    assert path.read_bytes() == before


def test_a_failure_while_saving_keeps_the_old_checkpoint(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="could not be saved: No space left on device; nothing was"):
        checkpoint.save(Model({}), path)
    assert [p.name for p in path.parent.iterdir()] == ["model.h5"]
    assert checkpoint.load(path, blank()).changes == 1


def test_metadata_of_a_later_version_is_refused(path: Path) -> None:
    change_metadata(path, lambda metadata: metadata.update(more=1, also=2))
    refused(path, "'metadata' has 'also', 'more', which this version of the library does not know")
