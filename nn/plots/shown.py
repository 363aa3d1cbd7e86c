"""A figure that shows itself without being made by pyplot."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure for notebooks, and for windows by `show()`."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()

    def show(self, warn: bool = True) -> None:
        """Opens the figure in a window and waits until it is closed; in a notebook displays it.

        Raises RuntimeError where matplotlib's backend has no windows and `warn` is True.
        """
        if _in_notebook():
            from IPython import display

            display.display(self)  # type: ignore[no-untyped-call]
            return
        from matplotlib import pyplot

        # pyplot manages this figure as long as its window is open.
        pyplot.figure(FigureClass=lambda *args, **options: self)  # type: ignore[arg-type]
        if self.canvas.required_interactive_framework is not None:
            pyplot.show()
            return
        pyplot.close(self)
        if warn:
            raise RuntimeError(
                f"matplotlib's backend {pyplot.get_backend()!r} has no windows to show a figure "
                "in; write it by savefig('figure.png')"
            )


def _in_notebook() -> bool:
    """Whether this runs in a kernel with a front end that displays figures."""
    try:
        shell = get_ipython()  # type: ignore[name-defined]
    except NameError:
        return False
    return hasattr(shell, "kernel")
