"""`mark`: derivations in files, which line of each is wrong, and why."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from autograd_lite.files import write
from autograd_lite.terminal.options import Formatter, above_zero

RIGHT, WRONG, NOT_MARKED = 0, 1, 2


def add_to(commands: Any) -> None:
    """Adds the subcommand to a parser's."""
    mark = commands.add_parser(
        "mark",
        formatter_class=Formatter,
        help="mark derivations that were written by hand",
        description=(
            "Marks the derivation in a script, in a notebook, or in each file of a folder: which "
            "line is wrong, and why. THE CODE IS RUN: mark only what you would run. The exit "
            "status is 0 where all is right, 1 where something is wrong, 2 where something could "
            "not be marked."
        ),
    )
    mark.add_argument("path", type=Path, help="a .py or .ipynb file, or a folder of them")
    mark.add_argument("--loss", help="the variable that holds the loss, or an expression")
    mark.add_argument("--function", help="the function whose loop is marked")
    mark.add_argument("--json", action="store_true", help="print the reports as JSON")
    mark.add_argument("--csv", type=Path, help="write a table of a folder's files to this file")
    mark.add_argument(
        "--seconds", type=above_zero, default=3.0, help="time for the search in each file"
    )
    mark.add_argument(
        "--limit", type=above_zero, default=60.0, help="seconds after which a file is stopped"
    )
    mark.set_defaults(run=_mark)


def _mark(options: argparse.Namespace) -> int:
    files = _files(options.path)
    if not files:
        print(f"there is no .py or .ipynb file at {options.path}", file=sys.stderr)
        return NOT_MARKED
    print(f"this runs the code of {', '.join(f.name for f in files)}", file=sys.stderr)
    rows = [_marked(path, options) for path in files]
    if options.json:
        found = [{"file": r["file"], **(r["report"] or {"error": r["why"]})} for r in rows]
        print(json.dumps(found if options.path.is_dir() else found[0], indent=1))
    told = _tell_table(rows, options) if options.path.is_dir() else RIGHT
    return max(told, *(row["status"] for row in rows))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    return sorted(p for p in path.iterdir() if p.suffix in (".py", ".ipynb") and p.is_file())


def _marked(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The verdict on one file, or the reason why it cannot be marked."""
    from autograd_lite.check.process import NotMarked, check_file

    row: dict[str, Any] = {"file": str(path), "report": None, "why": "", "lines": []}
    try:
        report = check_file(
            *(path, options.limit),
            **{"loss": options.loss, "function": options.function, "seconds": options.seconds},
        )
    except NotMarked as error:
        row |= {"status": NOT_MARKED, "why": str(error).partition("\n")[0]}
        print(f"{path.name} could not be marked: {row['why']}", file=sys.stderr)
        return row
    wrong = [line for line in report if line.status in ("wrong", "missing")]
    unmarked = [line.name for line in report if line.status == "unmarked"]
    row |= {
        "status": WRONG if wrong else NOT_MARKED if unmarked else RIGHT,
        "report": json.loads(report.to_json()),
        "lines": sorted({line.line for line in wrong if line.line is not None}),
        "why": "; ".join(
            [
                *(str(line.cause or line.status) for line in wrong),
                *(f"{name} cannot be marked" for name in unmarked),
            ]
        ),
    }
    if not options.json and not options.path.is_dir():
        report.show()
    return row


def _tell_table(rows: list[dict[str, Any]], options: argparse.Namespace) -> int:
    """Prints a line for each file, and writes the table where that is asked for."""
    words = {RIGHT: "right", WRONG: "wrong", NOT_MARKED: "not marked"}
    table = [
        (Path(r["file"]).name, words[r["status"]], " ".join(map(str, r["lines"])), r["why"])
        for r in rows
    ]
    header = ("file", "verdict", "lines", "why")
    if not options.json:
        widths = [max(len(row[i]) for row in [header, *table]) for i in range(3)]
        for row in [header, *table]:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[3]]).rstrip())
    if options.csv is not None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([header, *map(_safe, table)])
        try:
            write(options.csv, text.getvalue().encode("utf-8"), "table")
        except OSError as error:
            print(error, file=sys.stderr)
            return NOT_MARKED
    return RIGHT


def _safe(row: tuple[str, ...]) -> list[str]:
    """Cells that no spreadsheet takes for formulas."""
    return [f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row]
