"""Programs as ONNX models."""

from autograd_lite.onnx.export import to_onnx

__all__ = ["to_onnx"]
