"""Names of any kind - keys, functions, tensors, files - as identifiers, and values as literals.

Everything that becomes part of generated source goes through here, so that no text of a user's is
ever read as code.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable
from typing import Any, Protocol

RESERVED = frozenset((*keyword.kwlist, "np"))


def identifier(text: str, otherwise: str = "value") -> str:
    """A valid identifier that looks like `text`; characters that are not allowed become `_`.

    In the form that Python itself gives identifiers (NFKC), so that two which Python takes for one
    are equal. Keywords and `np` get a `_` behind them.

    >>> identifier("m²"), identifier("learning rate"), identifier("lambda"), identifier("2nd")
    ('m2', 'learning_rate', 'lambda_', '_2nd')
    """
    text = unicodedata.normalize("NFKC", str.__str__(text))
    kept = "".join(c if f"a{c}".isidentifier() else "_" for c in text)
    # Names that begin with two underscores mean something to Python.
    word = kept.strip("_") if kept.startswith("__") else kept
    if not word.strip("_"):
        word = otherwise
    if not word.isidentifier():
        word = f"_{word}"
    word = unicodedata.normalize("NFKC", word)
    return f"{word}_" if word in RESERVED else word


class Named(Protocol):
    """Something that a person may have called by a name, such as a variable of a program."""

    name: str | None


class Names:
    """A different identifier for each variable: the user's name, with a number where it is taken.

    `taken` are names that are something else already.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.given: dict[Any, str] = {}
        self.used: set[str] = {*RESERVED, *taken}
        self.count: int = 0

    def __getitem__(self, variable: Named) -> str:
        name = self.given.get(variable)
        if name is None:
            name = self.given[variable] = self.new(variable.name)
        return name

    def new(self, wish: str | None) -> str:
        """A name that nothing else has."""
        if wish is None:
            name = f"v{self.count}"
            self.count += 1
            return self.new(name) if name not in self.used else self.new(None)
        wish = name = identifier(wish)
        number = 2
        while name in self.used:
            name, number = f"{wish}_{number}", number + 1
        self.used.add(name)
        return name


def literal(value: Any) -> str:
    """A plain value as source that evaluates to an equal value of the same type.

    TypeError for anything but None, booleans, numbers, strings, bytes and tuples of them.
    """
    if type(value) is str:
        quoted = str.__repr__(f"'{value}")
        # In double quotes, where none have to be escaped.
        return f'"{quoted[2:]}' if quoted[0] == '"' and quoted[-1] == '"' else str.__repr__(value)
    if type(value) is tuple:
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) in (int, bool, bytes, type(None)):
        return repr(value)
    if type(value) is float and value == value and abs(value) != float("inf"):
        return repr(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as source")


def in_docstring(text: str) -> str:
    """Text as it stands in a docstring in three double quotes."""
    escaped = text.replace("\\", "\\\\")
    if '"""' in text or text.endswith('"'):
        escaped = escaped.replace('"', '\\"')
    return "".join(c if c.isprintable() else str.__repr__(c)[1:-1] for c in escaped)
