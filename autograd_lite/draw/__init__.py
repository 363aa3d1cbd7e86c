"""Pictures of computation graphs."""

from autograd_lite.draw.graph import draw
from autograd_lite.draw.render import Picture, RenderError

__all__ = ["Picture", "RenderError", "draw"]
