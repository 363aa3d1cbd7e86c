"""The report on gradients that were derived by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

COLUMNS = ("gradient", "of", "shape", "largest difference", "relative", "verdict")


@dataclass(frozen=True)
class Line:
    """What is said of one hand-derived gradient.

    `status` is "correct" or "wrong". `absolute` and `error` are the largest absolute difference
    and the largest relative one: the absolute one over the largest element of either gradient.
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
    """A verdict per hand-derived gradient. It is true if all of them are right."""

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return self.first_wrong is None

    @property
    def first_wrong(self) -> Line | None:
        """The first gradient that is wrong, or None."""
        return next((line for line in self.lines if line.status == "wrong"), None)

    def raise_if_wrong(self) -> None:
        """Raise AssertionError, with the table, if a gradient is wrong."""
        if not self.ok:
            wrong = sum(line.status == "wrong" for line in self.lines)
            raise AssertionError(
                f"wrong hand-derived gradients: {wrong} of {len(self.lines)}\n{self}"
            )

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        right = sum(line.status == "correct" for line in self.lines)
        return f"<Report: {right} of {len(self.lines)} gradients right>"

    def __str__(self) -> str:
        rows = [COLUMNS, *(_row(line) for line in self.lines)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
        table = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows
        ]
        notes = [line.message for line in self.lines if line.message]
        return "\n".join(line.rstrip() for line in [*table, *notes])


def _row(line: Line) -> tuple[str, ...]:
    same_shape = line.shape == line.expected_shape
    shape = str(line.shape) if same_shape else f"{line.shape}, not {line.expected_shape}"
    return (
        line.name,
        line.tensor,
        shape,
        f"{line.absolute:.2e}" if same_shape else "-",
        f"{line.error:.2e}" if same_shape else "-",
        line.status,
    )
