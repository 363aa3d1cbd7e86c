"""Checking gradients."""

from autograd_lite.check.comparison import compare
from autograd_lite.check.derivation import assert_derivation, check_derivation
from autograd_lite.check.numeric import gradcheck
from autograd_lite.check.report import Line, Report
from autograd_lite.check.script import check_script
from autograd_lite.source import from_source

__all__ = [
    "Line",
    "Report",
    "assert_derivation",
    "check_derivation",
    "check_script",
    "compare",
    "from_source",
    "gradcheck",
]
