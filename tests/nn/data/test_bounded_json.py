"""JSON from files: what is too much of it is told before it is parsed, and to the byte."""

import math

import numpy as np
import pytest

from nn.data import bounded_json


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"{}", 12 + 232),
        (b"[]", 12 + 88),
        (b"[1,2,3]", 42 + 88 + 128),
        (b'{"a":[1],"b":{}}', 96 + 464 + 88 + 64 * 3),
    ],
)
def test_memory_is_counted_to_the_byte(text, size, monkeypatch):
    monkeypatch.setattr(bounded_json, "OBJECTS_BYTES", size)
    assert bounded_json.excess(text) == ""
    monkeypatch.setattr(bounded_json, "OBJECTS_BYTES", size - 1)
    expected = f"takes {size:,} bytes in memory, more than the {size - 1:,}"
    assert bounded_json.excess(text) == expected


def test_text_is_counted_to_the_byte(monkeypatch):
    monkeypatch.setattr(bounded_json, "TEXT_BYTES", 4)
    assert bounded_json.excess(b"1234") == ""
    assert bounded_json.excess(b"12345") == "takes 5 bytes as JSON, more than the 4"


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_depth_is_counted_to_the_bracket(brackets):
    def nested(depth):
        return (brackets[0] * depth + "1" + brackets[1] * depth).encode()

    assert bounded_json.excess(nested(bounded_json.DEPTH)) == ""
    said = f"is nested more than {bounded_json.DEPTH} deep, which is the most"
    assert bounded_json.excess(nested(bounded_json.DEPTH + 1)) == said


def test_brackets_in_strings_and_beside_each_other_are_not_deep():
    inside = '"' + "[" * 1000 + '\\"{\\\\"'
    assert bounded_json.excess(f"[{inside}, []]".encode()) == ""
    assert bounded_json.excess(b"[" + b"[],{}," * 1000 + b"[]]") == ""


def test_values_come_back():
    value = {"a": [1, 2.5, None, True, "ä\n"], "b": {"c": math.inf}}
    assert bounded_json.decoded(bounded_json.encoded(value)) == value
    text = bounded_json.encoded({"n": np.int64(3), "x": np.float32(0.5), "t": np.bool_(True)})
    assert bounded_json.decoded(text) == {"n": 3, "x": 0.5, "t": True}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", r"^is not valid JSON \("),
        (b"\xff", r"^is not valid JSON \("),
        (b"[" * 2000, "^is nested more than .* deep, which is the most that a checkpoint may have"),
    ],
)
def test_what_is_no_json_or_too_much(text, message):
    with pytest.raises(ValueError, match=message):
        bounded_json.decoded(text)


def test_what_json_does_not_have():
    with pytest.raises(TypeError, match="the model's description cannot be written as JSON: "):
        bounded_json.encoded({"a": object()})
    with pytest.raises(TypeError, match="description is nested .* may have: store numbers in arr"):
        deep = []
        for _ in range(bounded_json.DEPTH):
            deep = [deep]
        bounded_json.encoded(deep)
