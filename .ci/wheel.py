"""The place of nn in a wheel: inside of autograd_lite, where no other distribution writes."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NnInside(BuildHookInterface):
    """Puts the folder nn into autograd_lite, and beside it only what makes `import nn` work.

    An editable install reads the checkout, where `autograd_lite/nn.py` finds the folder.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {
                "nn": "autograd_lite/nn",
                "nn/__init__.py": "nn/__init__.py",
            }
