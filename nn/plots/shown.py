"""A figure that shows itself, without pyplot having made it."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that notebooks display, and that `show()` opens in a window."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()

    def show(self, warn: bool = True) -> None:
        """Open the figure in a window, and wait until it is closed; in a notebook display it.

        Raises RuntimeError where matplotlib's backend has no windows and `warn` is true.
        """
        if _in_notebook():
            from IPython import display

            display.display(self)  # type: ignore[no-untyped-call]
            return
        from matplotlib import pyplot

        # pyplot manages this figure as long as its window is there.
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
    """Whether this runs in a kernel, whose front end displays figures."""
    try:
        shell = get_ipython()  # type: ignore[name-defined]
    except NameError:
        return False
    return hasattr(shell, "kernel")
