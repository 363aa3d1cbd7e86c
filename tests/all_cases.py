"""The cases of every family of functions."""

import importlib
import pkgutil

import cases
import numpy as np
import pytest

FAMILIES = [
    importlib.import_module(f"cases.{m.name}") for m in pkgutil.iter_modules(cases.__path__)
]
NUMPY = np.lib.NumpyVersion(np.__version__)


def cases_of(family):
    """The cases of a family that this NumPy has."""
    return [case for case in family.cases() if NUMPY >= case.since]


CASES = [case for family in FAMILIES for case in cases_of(family)]


def by_id(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)
