"""Progress of a training: a bar in a terminal or a notebook, else lines."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

LINE_SECONDS = 10.0
"""Files and pipes get a line for the first and the last epoch, and one after these seconds."""

_HIDDEN = ("epoch", "seconds", "learning_rate")


class Progress:
    """Shows the losses and metrics of each epoch on standard error, or in a notebook.

    The losses come first, so that a narrow terminal cuts off the bar and not the losses.
    """

    def __init__(self, epoch: int, epochs: int, verbose: bool) -> None:
        self.epoch: int = epoch
        self.epochs: int = epochs
        self.verbose: bool = verbose
        self.text: str = ""
        self.written: str = ""
        self.at: float = -LINE_SECONDS
        self.bar: Any = None
        if verbose and (sys.stderr.isatty() or _in_notebook()):
            self.bar = _bar_class()(
                total=epochs,
                initial=epoch,
                unit="epoch",
                dynamic_ncols=True,
                bar_format="{desc}epoch {n_fmt}/{total_fmt} |{bar}| {elapsed}<{remaining}",
            )

    def show(self, record: Mapping[str, float]) -> None:
        """Shows the record of a finished epoch."""
        self.epoch += 1
        found = (f"{n}={v:.4g}" for n, v in record.items() if n not in _HIDDEN)
        text = ", ".join(found)
        if self.bar is not None:
            self.bar.set_description_str(f"{text}, ", refresh=False)
            self.bar.update()
        elif self.verbose:
            self.text = f"epoch {self.epoch}/{self.epochs}, {text}"
            if time.monotonic() - self.at >= LINE_SECONDS:
                self._write()

    def close(self) -> None:
        """Shows the last epoch, if it was not shown, and closes the bar."""
        if self.bar is not None:
            self.bar.close()
        elif self.text != self.written:
            self._write()

    def _write(self) -> None:
        print(self.text, file=sys.stderr, flush=True)
        self.at = time.monotonic()
        self.written = self.text


def _in_notebook() -> bool:
    """Whether tqdm draws its bars with a notebook's widgets."""
    return any(kind.__module__ == "tqdm.notebook" for kind in _bar_class().__mro__)


def say(text: str) -> None:
    """Writes a line above the bars."""
    _bar_class().write(text)


def _bar_class() -> Any:
    # Imported late: loading tqdm takes longer than reading a small file, and many users of nn
    # train nothing.
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        # A notebook without widgets gets lines; it need not be told to install them.
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm

    return tqdm
