"""The report on hand-derived gradients."""

from __future__ import annotations

import html
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.displayed import notebook
from autograd_lite.tensor import Tensor

COLUMNS = ("gradient", "of", "shape", "largest difference", "relative", "verdict")
UNTOLD = frozenset((None, "unknown", "shape"))
RIGHT = frozenset(("correct", "convention"))
COLOURS = {
    "correct": "32",
    "convention": "36",
    "inherited": "33",
    "missing": "35",
    "unmarked": "35",
    "wrong": "1;31",
}

BACKGROUNDS = {
    "correct": "#2e7d32",
    "convention": "#00695c",
    "inherited": "#8d5a00",
    "missing": "#6a1b9a",
    "unmarked": "#6a1b9a",
    "wrong": "#b3261e",
}
"""The colours behind a verdict in a notebook: white text on them can be read on light and dark."""

_BADGE = "color:#fff;border-radius:3px;padding:1px 5px;white-space:nowrap;background:"


@dataclass(frozen=True)
class Line:
    """The verdict on one hand-derived gradient.

    `status` is one of

    ============  ==================================================================
    "correct"     it is the gradient
    "convention"  it is the gradient in a consistent convention, such as N times the loss
    "wrong"       the mistake is in this line
    "inherited"   it is right in itself, but passes on the error of an earlier line
    "missing"     it was not derived
    "unmarked"    it has no verdict: the value that it belongs to is not known, or the inputs
                  decide nothing, because everything is zero or NaN there
    ============  ==================================================================

    Parameters
    ----------
    name : str
        The name of the gradient.
    tensor : str
        The name of the tensor that it belongs to.
    status : str
        One of the values above.
    error, absolute : float
        The largest relative difference, and the largest absolute difference: the first is the
        second divided by the largest element of either gradient.
    shape, expected_shape : tuple of int
        The shape of the gradient, and that of the tensor.
    cause : str or None
        For a wrong line, "factor", "sign", "transpose", "unsummed", "mask", "activation",
        "operand", "elementwise", "term", "accumulate", "index", "shape" or "unknown".
    message : str
        A sentence for the author of the derivation.
    line : int or None
        The line number in the source, where it is known.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> report = al.compare(np.sum(w**2), {"dw": -2 * w.data}, show=False)
    >>> report.lines[0].name, report.lines[0].status, report.lines[0].absolute
    ('dw', 'wrong', 8.0)
    """

    name: str
    tensor: str
    status: str
    error: float
    absolute: float
    shape: tuple[int, ...]
    expected_shape: tuple[int, ...]
    cause: str | None = None
    message: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Report:
    """The verdicts on all hand-derived gradients; true if every one of them is right.

    Parameters
    ----------
    lines : tuple of Line
        The verdicts, in the order in which the gradients were first derived.
    notes : tuple of str
        Remarks on the derivation as a whole.
    derived : mapping of str to ndarray
        The marked gradients by name.
    record : callable, optional
        Returns the loss with its graph, for pictures. It takes no part in comparisons, copies and
        pickles of the report.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> report = al.compare(np.sum(w**2), {"dw": 2 * w.data}, show=False)
    >>> bool(report), report.ok, report.first_wrong
    (True, True, None)
    """

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    derived: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    record: Callable[[], Tensor] | None = field(default=None, repr=False, compare=False)

    def recorded(self) -> Tensor:
        """The loss of this report, as a Tensor with its graph.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where the loss is gone, where the inputs have changed since, or in a copy of a report.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> loss = np.sum(w**2)
        >>> report = al.compare(loss, {"dw": 2 * w.data}, show=False)
        >>> report.recorded().item()
        5.0
        """
        if self.record is None:
            raise ValueError("this report has no graph, because it is a copy of another report")
        return self.record()

    def __reduce__(self) -> Any:
        return Report, (self.lines, self.notes)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> loss = np.sum(w**2)
        >>> [al.compare(loss, {"dw": k * w.data}, show=False).ok for k in (1, 2)]
        [False, True]
        """
        return all(line.status in RIGHT for line in self.lines)

    @property
    def first_wrong(self) -> Line | None:
        """The first line that has a mistake of its own, or None.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> def forward(w, x):
        ...     z = w * x
        ...     return np.sum(z**2), z
        >>> def backward(w, x, z):
        ...     dz = 3 * z
        ...     dw = dz * x
        ...     return dw
        >>> w, x = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        >>> report = al.check_derivation(forward, backward, w, x, show=False)
        >>> [(line.name, line.status) for line in report]
        [('dz', 'wrong'), ('dw', 'inherited')]
        >>> report.first_wrong.name, report.first_wrong.line
        ('dz', 2)
        """
        return next((line for line in self.lines if line.status == "wrong"), None)

    def raise_if_wrong(self) -> None:
        """Raises AssertionError, with the table, if a gradient is not right.

        Raises
        ------
        AssertionError
            With the table.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> report = al.compare(np.sum(w**2), {"dw": -2 * w.data}, show=False)
        >>> try:
        ...     report.raise_if_wrong()
        ... except AssertionError as error:
        ...     print(str(error).splitlines()[0])
        wrong hand-derived gradients: 1 of 1
        """
        if not self.ok:
            wrong = sum(line.status not in RIGHT for line in self.lines)
            raise AssertionError(
                f"wrong hand-derived gradients: {wrong} of {len(self.lines)}\n{self}"
            )

    def to_json(self) -> str:
        """The report as a JSON object, with `ok`, `notes` and a list of `lines`.

        Returns
        -------
        str

        Examples
        --------
        >>> import json
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> report = al.compare(np.sum(w**2), {"dw": -2 * w.data}, show=False)
        >>> found = json.loads(report.to_json())
        >>> found["ok"], found["lines"][0]["name"], found["lines"][0]["status"]
        (False, 'dw', 'wrong')
        """
        lines = [{name: _plain(value) for name, value in vars(line).items()} for line in self.lines]
        return json.dumps({"ok": self.ok, "notes": list(self.notes), "lines": lines}, indent=1)

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        right = sum(line.status in RIGHT for line in self.lines)
        return f"<Report: {right} of {len(self.lines)} gradients right>"

    def __str__(self) -> str:
        return "\n".join([*(text for text, _ in self._table()), *self._remarks()])

    def show(self) -> None:
        """Prints the report, in colours on a terminal that supports them.

        In a notebook it is displayed as a table, once in a cell, even if the cell ends in it.

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
        >>> report = al.compare(np.sum(w**2), {"dw": -2 * w.data}, show=False)
        >>> report.show()
        gradient  of  shape  largest difference  relative  verdict
        dw        w   (2,)   8.00e+00            2.00e+00  wrong
        dw[1] is -4, and should be 4
        """
        if notebook() is not None:
            self._ipython_display_()
            return
        if not _has_colours():
            print(self)
            return
        for text, status in self._table():
            colour = COLOURS.get(status or "")
            print(f"\033[{colour}m{text}\033[0m" if colour else text)
        print(*self._remarks(), sep="\n")

    def _rows(self) -> list[tuple[str, ...]]:
        numbered = any(line.line is not None for line in self.lines)
        header = ("line", *COLUMNS) if numbered else COLUMNS
        rows = [(str(n.line or ""), *_row(n)) if numbered else _row(n) for n in self.lines]
        return [header, *rows]

    def _table(self) -> Iterator[tuple[str, str | None]]:
        rows = self._rows()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row, status in zip(rows, [None, *(n.status for n in self.lines)], strict=True):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip(), status

    def _remarks(self) -> list[str]:
        return [*(line.message for line in self.lines if line.message), *self.notes]

    def _ipython_display_(self) -> None:
        shell = notebook()
        if shell is None:
            # IPython's own way to ask for the ordinary representation.
            raise NotImplementedError
        if getattr(self, "_displayed_in", None) == shell.execution_count:
            return
        object.__setattr__(self, "_displayed_in", shell.execution_count)
        forms = {"text/plain": str(self), "text/html": self._repr_html_()}
        sys.modules["IPython"].display.display(forms, raw=True)

    def _repr_html_(self) -> str:
        header, *rows = self._rows()
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
        body = "".join(
            f'<tr class="{line.status}">'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[:-1])
            + f'<td><span style="{_BADGE}{BACKGROUNDS[line.status]}">{html.escape(row[-1])}</span>'
            + "</td></tr>"
            for row, line in zip(rows, self.lines, strict=True)
        )
        remarks = "".join(f"<p>{html.escape(text)}</p>" for text in self._remarks())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{remarks}"


def _has_colours() -> bool:
    """Whether to print in colours, as https://no-color.org and https://force-color.org say."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _plain(value: object) -> object:
    """A value as JSON has it: infinity as text, and null for NaN, where nothing was compared."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _row(line: Line) -> tuple[str, ...]:
    is_compared = line.status != "missing" and not math.isnan(line.error)
    same_shape = line.shape == line.expected_shape and line.status != "missing"
    shape = str(line.shape) if same_shape else f"{line.shape}, not {line.expected_shape}"
    if not line.shape and not np.isfinite(line.error):
        shape = f"none, not {line.expected_shape}" if line.expected_shape else "-"
    if line.status == "missing":
        shape = str(line.expected_shape)
    return (
        line.name,
        line.tensor,
        shape,
        f"{line.absolute:.2e}" if same_shape and is_compared else "-",
        f"{line.error:.2e}" if same_shape and is_compared else "-",
        line.status if line.cause in UNTOLD else f"{line.status} ({line.cause})",
    )
