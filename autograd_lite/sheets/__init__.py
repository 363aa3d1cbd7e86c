"""The sheet: a derivation as a page with a row for each line of code."""

from autograd_lite.sheets.animation import animate
from autograd_lite.sheets.live import Sheet, sheet, step_through

__all__ = ["Sheet", "animate", "sheet", "step_through"]
