"""A second name for this package that loads none of its modules again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

_OWN = __name__.rpartition(".")[0]


class _Aliases:
    """A finder and loader that gives `autograd_lite.nn.layers` as `nn.layers`.

    It has what the import system asks of both; their base classes would load tempfile and others.
    """

    def __init__(self, alias: str) -> None:
        self._start = f"{alias}."
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(self._start):
            return None
        own = f"{_OWN}.{fullname.removeprefix(self._start)}"
        try:
            module = import_module(own)
        except ModuleNotFoundError as error:
            if error.name != own:
                raise
            return None
        is_package = hasattr(module, "__path__")
        return ModuleSpec(fullname, cast(Any, self), origin=module.__file__, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = sys.modules[f"{_OWN}.{spec.name.removeprefix(self._start)}"]
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has replaced the module's own specification by the alias's.
        if module.__spec__ is not None:
            module.__spec__ = self._specs.pop(module.__spec__.name)


def name_as(alias: str) -> None:
    """Gives this package and its modules the second name `alias`."""
    sys.modules[alias] = sys.modules[_OWN]
    sys.meta_path.insert(0, _Aliases(alias))
