"""The package `nn` as `autograd_lite.nn`, a name that no other `nn` on the path can take.

In a checkout its folder lies beside this one; a wheel has the folder in place of this file.
"""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nn import *  # noqa: F403
else:
    _folder = Path(__file__).parents[1] / "nn"
    _spec = importlib.util.spec_from_file_location(
        __name__, _folder / "__init__.py", submodule_search_locations=[str(_folder)]
    )
    sys.modules[__name__] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
