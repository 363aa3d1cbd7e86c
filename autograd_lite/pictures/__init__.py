"""Pictures of computation graphs."""

from autograd_lite.pictures.graph import draw
from autograd_lite.rendering import Picture, RenderError

__all__ = ["Picture", "RenderError", "draw"]
