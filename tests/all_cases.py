"""The cases of every family of functions."""

import importlib
import pkgutil

import cases
import pytest

FAMILIES = [
    importlib.import_module(f"cases.{m.name}") for m in pkgutil.iter_modules(cases.__path__)
]
CASES = [case for family in FAMILIES for case in family.cases()]


def by_id(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)
