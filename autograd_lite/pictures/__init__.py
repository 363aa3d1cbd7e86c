"""Pictures of computation graphs, and a page that steps through the chain rule."""

from autograd_lite.pictures.graph import draw
from autograd_lite.pictures.steps import step_through
from autograd_lite.rendering import Picture, RenderError

__all__ = ["Picture", "RenderError", "draw", "step_through"]
