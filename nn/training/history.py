"""The history of a training: the numbers of each epoch."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from autograd_lite.extend import printable, quoted

from .. import plots
from ..spelling import Spelled
from ..summary import table
from .curves import curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MOST_SHOWN = 20
_ENDS = 4
"""How many of the first and of the last epochs a notebook shows."""


class History(Spelled):
    """A record per epoch: `history["loss"]` is the list of the mean losses of the epochs.

    `stopped` is the reason why the training ended early, or None. `best_epoch` is the epoch with
    the lowest (validation) loss; with early stopping (`patience`) the model has its weights.
    `notes` are sentences on how the training ran, such as from which update on it was compiled.

    Parameters
    ----------
    records : list of dict, optional
        The entries of a record are `epoch` (from 1 on), `loss`, `learning_rate`, `seconds`, and
        with validation data or metrics `validation_loss` and the metrics by name.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> history = nn.History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"]
    [0.5, 0.25]
    """

    def __init__(self, records: list[dict[str, float]] | None = None) -> None:
        self.records: list[dict[str, float]] = records if records is not None else []
        self.stopped: str | None = None
        self.best_epoch: int | None = None
        self.notes: list[str] = []

    @property
    def names(self) -> list[str]:
        """The names of the numbers in the records.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> history = nn.History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
        >>> history.names
        ['epoch', 'loss']
        """
        return list(dict.fromkeys(name for record in self.records for name in record))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(f"the history has no {quoted(name)}: {quoted(self.names, 500)}")
        return [record[name] for record in self.records if name in record]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.records)

    def plot(self, *, log: bool = False) -> Figure:
        """Plots the loss of each epoch, and that of the validation data if there are any.

        Parameters
        ----------
        log : bool
            Whether the scale is logarithmic.

        Returns
        -------
        matplotlib.figure.Figure

        Examples
        --------
        >>> from autograd_lite import nn
        >>> history = nn.History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
        >>> figure = history.plot(log=True)
        >>> figure.axes[0].get_yscale()
        'log'
        """
        validation = self["validation_loss"] if "validation_loss" in self.names else None
        return plots.cost(self["loss"], validation, log=log, step="epoch")

    def __repr__(self) -> str:
        last = self.records[-1] if self else {}
        # Names may come from a checkpoint.
        shown = ", ".join(f"{printable(k)}={v:.4g}" for k, v in list(last.items())[:_MOST_SHOWN])
        more = ", ..." if len(last) > _MOST_SHOWN else ""
        return f"<History of {len(self)} epochs: {shown or 'empty'}{more}>"

    def _repr_html_(self) -> str:
        names = self.names[:_MOST_SHOWN]
        losses = [name for name in ("loss", "validation_loss") if name in self.names]
        drawn: dict[str, list[tuple[float, float]]] = {
            name: [(r.get("epoch", i), r[name]) for i, r in enumerate(self, 1) if name in r]
            for name in losses
        }
        rows = (
            ["..." if record is None else _cell(record.get(name)) for name in names]
            for record in self._shown()
        )
        told = f"<p>{html.escape(printable(self.stopped))}</p>" if self.stopped else ""
        return curves(drawn) + table([printable(name) for name in names], rows) + told

    def _shown(self) -> Iterator[dict[str, float] | None]:
        """The records of a table: the first, the best and the last epochs, and None for a gap."""
        ends = {*range(_ENDS), *range(len(self) - _ENDS, len(self))}
        best = (i for i, record in enumerate(self) if record.get("epoch") == self.best_epoch)
        before = -1
        for place in sorted({*ends, *best} & {*range(len(self))}):
            if place > before + 1:
                yield None
            before = place
            yield self.records[place]


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.5g}"
