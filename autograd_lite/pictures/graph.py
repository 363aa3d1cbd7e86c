"""draw: a computation graph as DOT."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd_lite.check.report import Report
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
"""A graph of up to this many operations is drawn without folding anything."""


def draw(
    loss: Tensor | Report | Callable[..., Any] | Sequence[Any] | Mapping[Any, Any],
    *inputs: Any,
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
    """The graph that computed `loss`, as a `graphviz.Digraph`; `loss` may be a function, too.

    Arrows run in the direction of computation; those along which a gradient flows back are heavier.
    Parameters (tensors that require grad) are blue boxes, constants grey ones, operations rounded
    boxes with the name of their result, what they compute and its shape; `loss` itself is green.
    Sigmoid, softmax, log-sum-exp, log-loss and cross-entropy that were written out are one box with
    their name, except with `local` or `fold=False`. `•` stands for an operand that an arrow brings;
    operands stand in their order, the first above or left of the second. Constants say what they
    were made of, such as `X.T` or `Z > 0`. A frame is drawn around what a module of `nn` computed.
    An operation that made NaN or Inf of finite numbers is marked. Where there are more than 40
    operations, blocks that repeat are drawn once, in a frame that says how often they come; a
    dashed arrow leads to the next. What cannot be told apart on a page is drawn as one box that
    says what it stands for. The same computation gives the same text every time. The DOT text is in
    `.source`, `.render("graph.svg")` writes a picture.

    Parameters
    ----------
    loss : Tensor, callable, Report, or lists, tuples and dicts of Tensors
        The result to draw, whose graph must not have been freed by `backward()`; or several, which
        are drawn in one picture with the gradients of their sum; or a function of plain NumPy (or a
        module) that gives it, or (loss, cache), for `inputs`; or what `al.compare` or
        `al.check_derivation` returned.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function. Its local variables, and those of the functions that it
        calls, are the names in the picture. Arrays are drawn as parameters or as data (see `wrt`);
        all are data where the function has parameters of its own, as modules do.
    direction : {"auto", "LR", "TB", "RL", "BT"}
        Where the graph runs: left to right, top to bottom, and so on. By default from left to right
        if it fits so, else from top to bottom, as with `backward`.
    width : float, str or None
        What the picture has to fit: inches, or a text such as "16cm"; by default the text of a
        page. Its text is 8 points or larger then: where boxes do not fit side by side, matrices are
        summed up, repeated blocks and calls become one box. What is left to do is done by scaling,
        also where `fold` or `depth` say what to fold. With None it is as wide as it gets.
    report : Report, optional
        What `compare` or `check_derivation` says of gradients derived by hand: each tensor that a
        line is about has the verdict on its box, and a border of its colour (green, amber where
        an error is inherited, thick and red where it is made).
    values : bool
        Write the values into the boxes: up to 12 numbers in full, if they fit; else the smallest,
        the mean and the largest, and a picture of how they are distributed between these. They are
        computed again from the leaves.
    gradients : bool
        Write the gradients of `loss` into the boxes, in the same way. Of a loss that is no scalar
        those of its sum.
    local : bool
        Write on each arrow the local derivative that it stands for, as a formula; or, where that
        is no element-wise factor, what the chain rule makes of the gradient that arrives.
    lines : bool
        Write each line of source once: on the frame around what it computed, or into the box. Those
        of a function are always known, others where the operations were recorded under
        `al.record_lines()`.
    depth : int, optional
        How many levels of modules, and of functions where lines were recorded, are opened: with 0
        each outermost one is a box.
    fold : bool, optional
        Draw repeated blocks once: always, or never (up to 2,000 operations).
    backward : bool
        Draw the graph of the gradients too: the recorded computation of `dW` from `loss` back,
        beside the tensors. Where there is little room, what computes a gradient is one box.
    theme : {"light", "dark", "print"}
        The colours: for a light page, for a dark one, or for black ink.
    legend : bool
        Say below the picture what the colours mean.
    wrt : str or sequence of str, optional
        The parameters of the function that are differentiated; its other inputs are drawn as data.
        By default all but those with a name that data has, such as X and Y; or the first one alone
        where that is a list or a dict.

    layout : {"graph", "sheet"}
        With "sheet" the picture is a table with a row for each line of code, forward and backward,
        as `al.sheet` has it, for a page of paper. Then only `width`, `report`, `theme` and `wrt`
        have a meaning.

    Returns
    -------
    Picture
        A `graphviz.Digraph`.

    Raises
    ------
    TypeError
        Where `loss`, or what the function returns, is no Tensor and has none in it.
    ValueError
        Where the graph, or a part of it, was freed, or where there is none; where a leaf was
        changed since, so that the values cannot be had; where an option has no such value.

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
        # The sheet is drawn with what is here.
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
        # Gradients are beside their tensors, which takes the room of a second column.
        direction = "TB"
    inputs_as_tensors: list[Any] = []
    results = results_of(
        "draw", loss, inputs, lines or depth is not None, wrt, keep=inputs_as_tensors
    )
    extent = gradient_graph(results) if backward else None
    ends = map(root_of, results)
    graph = structure([*ends, *(extent.roots if extent is not None else ())])
    if fold is False and len(graph.nodes) > UNFOLDED_LIMIT_NODES:
        raise ValueError(
            f"the graph has {len(graph.nodes):,} operations, and more than "
            f"{UNFOLDED_LIMIT_NODES:,} are drawn with fold=None or fold=True only"
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
        raise ValueError(f"depth must be a number of levels from 0 on, or None, not {depth!r}")
