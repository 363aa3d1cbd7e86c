"""Text from files and callers, made safe to print: no control codes, one line, bounded length."""

from __future__ import annotations

import reprlib


def printable(text: object, longest: int = 60) -> str:
    """`text` on one line of at most `longest` characters.

    Characters that terminals, browsers or readers may act on instead of showing them (control
    codes, line ends, marks that change the direction of writing, lone surrogates) are escaped as
    in Python's strings. What is cut off ends in `...`.

    Parameters
    ----------
    text : object
        What is printed.
    longest : int
        The most characters.

    Returns
    -------
    str

    Examples
    --------
    >>> from autograd_lite.extend import printable
    >>> printable("red \\x1b[31m and \\u202e")
    'red \\\\x1b[31m and \\\\u202e'
    """
    text = str(text)
    shown: list[str] = []
    room = longest - 3
    for character in text[: longest + 1]:
        piece = character if character.isprintable() else ascii(character)[1:-1]
        shown.append(piece)
    whole = "".join(shown)
    if len(whole) <= longest:
        return whole
    length = 0
    for count, piece in enumerate(shown):
        length += len(piece)
        if length > room:
            return "".join(shown[:count]) + "..."
    return whole


def quoted(value: object, longest: int = 60) -> str:
    """The repr of `value`, of any size and depth, on one line of at most `longest` characters.

    Parameters
    ----------
    value : object
        Anything.
    longest : int
        The most characters.

    Returns
    -------
    str

    Examples
    --------
    >>> from autograd_lite.extend import quoted
    >>> quoted(list(range(100)), longest=20)
    '[0, 1, ...]'
    """
    if isinstance(value, (str, bytes)):
        text = repr(value[: longest + 1])
    else:
        text = _bounded(longest).repr(value)
    return printable(text, longest)


def _bounded(longest: int) -> reprlib.Repr:
    form = reprlib.Repr()
    form.maxlevel = 4
    form.maxstring = form.maxlong = form.maxother = longest
    form.maxlist = form.maxtuple = form.maxset = form.maxfrozenset = form.maxdict = longest // 10
    return form
