"""al.sheet: a derivation as a page, a row for each line of code."""

from __future__ import annotations

import contextlib
import html
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autograd_lite.arrays.contracts import Tree
from autograd_lite.check.report import Report
from autograd_lite.files import write
from autograd_lite.pictures.fitting import PAGE_INCHES
from autograd_lite.rendering import Picture
from autograd_lite.sheets.assemble import assembled
from autograd_lite.sheets.computation import computed
from autograd_lite.sheets.content import Content
from autograd_lite.sheets.printed import printed
from autograd_lite.sheets.recorded import recorded_function, recorded_graph
from autograd_lite.sheets.statements import rows_of
from autograd_lite.tensor import Tensor

FRAME_HEIGHT_PIXELS = 720


def sheet(
    loss: Callable[..., Any] | Tensor | Report,
    *inputs: Tree,
    wrt: str | Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Sheet:
    """Show a derivation on a live page, with a row for each line of a function.

    The left of a row shows what the line computes, with its matrices as numbers; the right, read
    from below, shows the gradients that belong to it. Every input number on the page can be dragged
    or typed over, and everything is computed anew. Pointing at a number shows how it was computed,
    and a small change of the input measures a gradient.

    Parameters
    ----------
    loss : callable, Tensor or Report
        A function of `inputs` that returns a real number, or a tuple that begins with one. Or a
        result that still has its graph, which shows lines of code if it was recorded under
        `al.record_lines()`. Or a report of `al.compare` or `al.check_derivation`, whose verdicts
        are shown.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function, which runs once, on Tensors of their copies.
    wrt : name or names, optional
        The parameters to differentiate by. By default, the tensors that the function uses and that
        require grad, or all floating-point inputs except those with names of data: X, Y, y, t,
        inputs, targets, labels, ... Where all of several inputs are data, as in
        `al.sheet(net.loss, x, t)`, the arrays that the function finds in its object, in globals and
        in closures.
    path : path, optional
        A file to write the page to; `.html` is added to a name without an ending.

    Returns
    -------
    Sheet
        A page that a notebook displays. Its `str()` is the path, if it was written.

    Raises
    ------
    TypeError, ValueError
        Where `loss` does not give a real number, the graph was freed, or `wrt` names no
        floating-point input.
    OSError
        Where the file cannot be written; it is then as it was.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> def loss(w, X, Y):
    ...     d = w @ X - Y
    ...     return np.sum(d**2)
    >>> page = al.sheet(loss, np.ones((1, 2)), np.ones((2, 3)), np.zeros((1, 3)))
    >>> [statement for row in page.rows for statement in row]
    ['d = w @ X - Y', 'dw = dd @ X.T', 'loss = np.sum(d**2)', 'dd = 2 * d']
    """
    made = Sheet(content_of(loss, inputs, wrt))
    if path is not None:
        made.write(path)
    return made


def step_through(
    loss: Tensor | Report | Callable[..., Any],
    path: str | os.PathLike[str],
    *inputs: Tree,
    report: Report | None = None,
) -> str:
    """Write the sheet of `loss`, on which one walks through the computation, forward and backward.

    It is the page of `al.sheet`, with buttons, a slider and arrow keys for the walk.

    Parameters
    ----------
    loss : Tensor, callable or Report
        As for `al.sheet`. Neither the graph nor any `.grad` is changed.
    path : path
        The file to write; `.html` is added to a name without an ending.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function.
    report : Report, optional
        A report on hand-derived gradients, whose verdicts are shown beside those of the engine.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    TypeError, ValueError, OSError
        As `al.sheet` does.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "page.html")
    >>> os.path.basename(al.step_through(lambda w: np.sum(w**2), path, np.ones(2)))
    'page.html'
    """
    return Sheet(content_of(loss, inputs, None, report, "step_through")).write(path)


def with_ending(path: str | os.PathLike[str], ending: str) -> Path:
    """The path, with the ending added where it has none."""
    target = Path(path)
    return target if target.suffix else target.with_name(f"{target.name}{ending}")


def content_of(
    loss: Any,
    inputs: tuple[Tree, ...],
    wrt: str | Sequence[str] | None = None,
    report: Report | None = None,
    caller: str = "sheet",
) -> Content:
    """The content that `al.sheet` shows; errors name `caller`."""
    report = loss if isinstance(loss, Report) else report
    if isinstance(loss, Report):
        recorded = recorded_graph(caller, loss.recorded(), [line.name for line in loss.lines])
    elif isinstance(loss, Tensor) or not callable(loss):
        if inputs:
            raise TypeError(
                f"{caller}() takes example inputs only with a function, as in {caller}(f, x, y)"
            )
        recorded = recorded_graph(caller, loss)
    else:
        recorded = recorded_function(caller, loss, inputs, wrt)
    with _of_depth():
        computation = computed(recorded)
        content = Content(recorded, computation, rows_of(recorded, computation), report)
    if not isinstance(loss, (Report, Tensor)):
        recorded.release()
    return content


@contextlib.contextmanager
def _of_depth() -> Iterator[None]:
    """Adds advice to the error of an expression that is deeper than Python's stack."""
    try:
        yield
    except RecursionError:
        raise ValueError(
            "sheet(): a line nests too many operations to be written out; assign parts of it to "
            "variables, on lines of their own"
        ) from None


class Sheet:
    """A page that shows a derivation; see `al.sheet`.

    Notes
    -----
    A notebook displays it.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> page = al.sheet(lambda w: np.sum(w**2), np.ones(2))
    >>> len(page.rows)
    1
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        with _of_depth():
            self.html: str = assembled(content.data())
        self.path: str | None = None

    @property
    def rows(self) -> list[list[str]]:
        """The statements of each line, forward and then backward, as NumPy writes them."""
        return self._content.texts()

    def write(self, path: str | os.PathLike[str]) -> str:
        """Write the page to a file.

        Parameters
        ----------
        path : path
            The file; `.html` is added to a name without an ending.

        Returns
        -------
        str
            The path of the file.

        Raises
        ------
        OSError
            Where the file cannot be written.
        """
        target = with_ending(path, ".html")
        write(target, self.html.encode(errors="replace"), "sheet")
        self.path = str(target)
        return self.path

    def picture(self, width: float | str = PAGE_INCHES, theme: str = "light") -> Picture:
        """The sheet as a picture for paper, no wider than `width`.

        Its text has 8 points. `.render("sheet.pdf")` renders it, as the picture of `al.draw`.

        Parameters
        ----------
        width : float or str
            The width in inches, or as text with a unit, such as "16cm".
        theme : {"light", "dark", "print"}
            The colours: for a light page, for a dark one, or for black ink.

        Returns
        -------
        Picture
        """
        return printed(self._content, width, theme)

    def _repr_html_(self) -> str:
        # A sandboxed frame has an origin of its own, so the page's policy applies in it.
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'title="{html.escape(self._content.recorded.title)}" '
            f'style="width: 100%; height: {FRAME_HEIGHT_PIXELS}px; border: 0"></iframe>'
        )

    def __str__(self) -> str:
        return self.path if self.path is not None else repr(self)

    def __repr__(self) -> str:
        where = f", written to {self.path}" if self.path is not None else ""
        lines = "1 line" if len(self.rows) == 1 else f"{len(self.rows)} lines"
        return f"<sheet of {self._content.recorded.title}: {lines}{where}>"
