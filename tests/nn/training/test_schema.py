"""What is declared of JSON from files: each kind of value at its bounds, and how it is refused."""

import math
import re

import pytest

from nn.training import schema

INF, NAN = math.inf, math.nan
WORD = schema.text(3)

CASES = [
    (schema.whole(), [0, 2**53], [-1, 2**53 + 1, 1.0, True, None, "1"]),
    (schema.whole(1, 3), [1, 2, 3], [0, 4]),
    (schema.number(), [0, -1e308, 2**1023 - 1], [INF, -INF, NAN, 2**1023, True, "0", None]),
    (schema.number(0), [0, -0.0, 0.5], [-1e-300, -1, INF]),
    (schema.number(0, 1), [0, 1, 0.5], [1.5, 2]),
    (schema.number(is_finite=False), [INF, -INF, 1], [NAN, "1"]),
    (schema.number(0, is_finite=False), [INF, 0], [-INF, NAN]),
    (schema.any_number, [NAN, INF, 2**1023 - 1, -1.5], [2**1023, -(2**1023), True, None, "1"]),
    (schema.flag, [True, False], [0, 1, None, "true"]),
    (WORD, ["", "abc"], ["abcd", 1, None, b"abc"]),
    (schema.exactly(3), [3], [3.0, 4, "3", True, None]),
    (schema.exactly(True), [True], [1, False]),
    (schema.exactly({"a": 1, "b": [2]}), [{"b": [2], "a": 1}], [{"a": 1}, {"a": 1, "b": [2.0]}]),
    (schema.optional(schema.flag), [None, True], [0, "x"]),
    (schema.record({"a": schema.flag}), [{"a": True}], [{}, {"a": 1}, {"a": True, "b": 1}, [], 1]),
    (schema.record({}), [{}], [{"a": 1}, None]),
    (
        schema.listing(lambda i: schema.exactly(i), 3),
        [[0, 1, 2]],
        [[0, 1], [0, 1, 2, 3], [0, 1, 3], {}, None],
    ),
    (schema.listing(lambda i: schema.flag, 0), [[]], [[True], "", ()]),
]


@pytest.mark.parametrize(("check", "accepted", "refused"), CASES)
def test_values_at_the_bounds(check, accepted, refused):
    for value in accepted:
        check(value, "it")
    for value in refused:
        with pytest.raises(ValueError, match="^it[ .[]"):
            check(value, "it")


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (schema.whole(1, 3), 4, "it is 4, expected a whole number from 1 to 3"),
        (schema.number(), "x", "it is 'x', expected a finite number"),
        (schema.number(0.5), 0, "it is 0, expected a finite number from 0.5 on"),
        (schema.number(is_finite=False), None, "it is None, expected a number"),
        (schema.number(0), INF, "it is inf, expected a finite number from 0 on"),
        (schema.any_number, [], "it is [], expected a number"),
        (schema.flag, 1, "it is 1, expected true or false"),
        (schema.text(2000), 1, "it is 1, expected text of at most 2,000 characters"),
        (schema.exactly("Adam"), "SGD", "it is 'SGD', expected 'Adam'"),
        (schema.record({}), 1, "it is 1, expected an object"),
        (schema.record({"a": schema.flag}), {}, "it lacks 'a'"),
        (schema.record({}), {"b": 1}, "it has 'b', which is not expected there"),
        (schema.record({"a": schema.flag}), {"a": 2}, "it.a is 2, expected true or false"),
        (schema.listing(lambda i: schema.flag, 1), 1, "it is 1, expected a list"),
        (schema.listing(lambda i: schema.flag, 1), [], "it has 0 items, expected 1"),
        (
            schema.listing(lambda i: schema.flag, 2),
            [True, 3],
            "it[1] is 3, expected true or false",
        ),
    ],
)
def test_messages(check, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(value, "it")
