"""Pictures of computation graphs, and a page that steps through the chain rule."""

from autograd_lite.draw.graph import draw
from autograd_lite.draw.render import Picture, RenderError
from autograd_lite.draw.steps import step_through

__all__ = ["Picture", "RenderError", "draw", "step_through"]
