"""draw: a computation graph as DOT."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd_lite.arrays.contracts import Tree
from autograd_lite.check.report import Report
from autograd_lite.elsewhere import answering
from autograd_lite.pictures.boxes import Boxes
from autograd_lite.pictures.details import Details, gradient_graph
from autograd_lite.pictures.dot import NORMAL, DotText, Size
from autograd_lite.pictures.figure import Figure
from autograd_lite.pictures.fitting import PAGE_INCHES, fitted, inches
from autograd_lite.pictures.folding import PICTURE_LIMIT_BOXES, folded
from autograd_lite.pictures.structure import structure
from autograd_lite.pictures.themes import THEMES
from autograd_lite.pictures.tracing import results_of, root_of
from autograd_lite.rendering import Picture
from autograd_lite.tensor import Tensor

UNFOLDED_LIMIT_NODES = 2_000
"""A graph of up to this many operations can be drawn without folding."""


@answering
def draw(
    loss: Tensor | Report | Callable[..., Any] | Sequence[Any] | Mapping[Any, Any],
    *inputs: Tree,
    direction: str = "auto",
    width: float | str | None = PAGE_INCHES,
    report: Report | None = None,
    values: bool = False,
    gradients: bool = False,
    local: bool = False,
    lines: bool = False,
    depth: int | None = None,
    fold: bool | None = None,
    backward: bool = False,
    theme: str = "light",
    legend: bool = False,
    wrt: str | Sequence[str] | None = None,
    layout: str = "graph",
) -> Picture:
    """Draw the graph that computed `loss`, a Tensor or a function, as a `graphviz.Digraph`.

    Arrows run in the direction of computation; those along which a gradient flows back are heavier.
    Parameters (tensors that require grad) are blue boxes, constants are grey, and operations are
    rounded boxes with the name of the result, the operation and the shape; `loss` itself is green.
    Sigmoid, softmax, log-sum-exp, log-loss and cross-entropy that were written out become one box
    with their name, except with `local` or `fold=False`. `•` stands for an operand that an arrow
    brings; operands keep their order, the first above or left of the second. Constants show the
    expression that made them, such as `X.T` or `Z > 0`. A frame surrounds the operations of a
    module of `nn`. An operation that made NaN or Inf from finite numbers is marked. In a graph of
    more than 40 operations, repeated blocks are drawn once, in a frame with the number of copies; a
    dashed arrow leads to the next copy. Operations that do not fit the page are drawn as one box,
    which says what it holds. The same computation always gives the same text. The DOT text is in
    `.source`; `.render("graph.svg")` writes a picture.

    Parameters
    ----------
    loss : Tensor, callable, Report, or lists, tuples and dicts of Tensors
        The result to draw, whose graph must not have been freed by `backward()`. Several results
        are drawn in one picture, with the gradients of their sum. A function of plain NumPy or a
        module is called with `inputs`, and returns the loss or (loss, cache). A report is one from
        `al.compare` or `al.check_derivation`.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function. The names in the picture are those of its local variables,
        and of the functions that it calls. Arrays are drawn as parameters or as data (see `wrt`);
        all are data if the function has parameters of its own, as modules do.
    direction : {"auto", "LR", "TB", "RL", "BT"}
        The direction of the graph: left to right, top to bottom, and so on. By default, it runs
        from left to right if it then fits, otherwise, and with `backward`, from top to bottom.
    width : float, str or None
        The width to fit, in inches or as text such as "16cm"; by default, the text width of a page.
        The text then has at least 8 points: where boxes do not fit side by side, matrices are
        summarised, and repeated blocks and calls become one box. If that is not enough, or if
        `fold` or `depth` decide the folding, the picture is scaled. With None, the width is free.
    report : Report, optional
        A report of `compare` or `check_derivation` on hand-derived gradients. The box of each
        tensor in it shows the verdict, with a border in its colour: green if right, amber if it
        inherits an error, thick and red if the error is its own.
    values : bool
        Write the values into the boxes: up to 12 numbers in full, if they fit; otherwise the
        smallest, the mean and the largest, and a histogram. The values are computed again from the
        leaves.
    gradients : bool
        Write the gradients of `loss` into the boxes, in the same way. If `loss` is not a scalar,
        they are the gradients of its sum.
    local : bool
        Write the local derivative on each arrow, as a formula; if it is not an element-wise factor,
        write the gradient that the chain rule gives from the one that arrives.
    lines : bool
        Write each line of source once: on the frame around its operations, or into its box. The
        lines of a function are always known; other lines are known if the operations were recorded
        under `al.record_lines()`.
    depth : int, optional
        The number of levels of modules to open, and of functions if lines were recorded. With 0,
        each outermost one is a box.
    fold : bool, optional
        Draw repeated blocks once: True for always, False for never (up to 2,000 operations).
    backward : bool
        Draw the graph of the gradients too: the recorded computation of `dW` back from `loss`,
        beside the tensors. Where space is short, the computation of a gradient is one box.
    theme : {"light", "dark", "print"}
        The colours: for a light page, for a dark one, or for black ink.
    legend : bool
        Explain the colours below the picture.
    wrt : str or sequence of str, optional
        The parameters of the function that are differentiated; its other inputs are drawn as data.
        By default, all are differentiated except those with names of data, such as X and Y; if the
        first is a list or a dict, only the first.
    layout : {"graph", "sheet"}
        With "sheet", the picture is the table of `al.sheet` for a page of paper, with a row for
        each line of code, forward and backward. Only `width`, `report`, `theme` and `wrt` apply
        then.

    Returns
    -------
    Picture
        A `graphviz.Digraph`.

    Raises
    ------
    TypeError
        Where `loss`, or the result of the function, neither is nor contains a Tensor.
    ValueError
        Where there is no graph, or a part of it was freed; where a leaf was changed since, so that
        the values cannot be computed; where an option has an invalid value.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> w = al.Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> picture = al.draw(np.sum(w**2))
    >>> "digraph" in picture.source
    True
    """
    _check_options(direction, theme, depth)
    if layout == "sheet":
        # The sheet imports this package, so it is imported only when it is drawn.
        from autograd_lite.sheets.live import content_of
        from autograd_lite.sheets.printed import printed

        content = content_of(loss, inputs, wrt, report, "draw")
        return printed(content, PAGE_INCHES if width is None else width, theme)
    if layout != "graph":
        raise ValueError(f"layout must be 'graph' or 'sheet', not {layout!r}")
    if isinstance(loss, Report):
        report, loss = loss, loss.recorded()
    page = None if width is None else inches(width)
    if backward and direction == "auto":
        # Gradients stand beside their tensors, so the graph is two columns wide.
        direction = "TB"
    inputs_as_tensors: list[Tree] = []
    results = results_of(
        "draw", loss, inputs, lines or depth is not None, wrt, keep=inputs_as_tensors
    )
    extent = gradient_graph(results) if backward else None
    ends = map(root_of, results)
    graph = structure([*ends, *(extent.roots if extent is not None else ())])
    if fold is False and len(graph.nodes) > UNFOLDED_LIMIT_NODES:
        raise ValueError(
            f"the graph has {len(graph.nodes):,} operations, and fold=False draws at most "
            f"{UNFOLDED_LIMIT_NODES:,}; use fold=None or fold=True"
        )
    details = Details(
        results, graph, report, extent, values=values, gradients=gradients, local=local, lines=lines
    )
    forms = fold is not False and not local

    @functools.cache
    def boxes(most: int, gradients: bool) -> Boxes:
        parts = folded(
            graph,
            depth,
            fold,
            forms=forms,
            lines=lines,
            most=most,
            backward=details.backward_start,
            gradients=gradients,
        )
        return Boxes(graph, parts)

    def make(way: str, size: Size, compact: bool, most: int) -> Figure:
        drawn = boxes(most, backward and forms and compact)
        return DotText(drawn, details, THEMES[theme], way, size, compact, legend).picture

    if page is None:
        return make("LR" if direction == "auto" else direction, NORMAL, False, PICTURE_LIMIT_BOXES)
    return fitted(make, direction, page)


def _check_options(direction: str, theme: str, depth: int | None) -> None:
    if direction not in ("auto", "LR", "TB", "RL", "BT"):
        raise ValueError(f"direction must be 'LR', 'TB', 'RL' or 'BT', not {direction!r}")
    if theme not in THEMES:
        raise ValueError(f"theme must be 'light', 'dark' or 'print', not {theme!r}")
    if depth is not None and not (isinstance(depth, int) and depth >= 0):
        raise ValueError(f"depth must be a number of levels, 0 or more, or None, not {depth!r}")
