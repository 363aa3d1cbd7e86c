"""The cases of every family of functions."""

import importlib
import pkgutil
from collections import Counter

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


def by_id(cases, one_in=1):
    """A test of each case; by default, of one in so many cases of each function."""
    count, parameters, names = Counter(), [], numbered([case.id for case in cases])
    for case, name in zip(cases, names, strict=True):
        marks = pytest.mark.slow if count[case.function] % one_in else ()
        parameters.append(pytest.param(case, id=name, marks=marks))
        count[case.function] += 1
    return pytest.mark.parametrize("case", parameters)


def numbered(names):
    """Names of which no two are alike: pytest looks through all of them for each that is."""
    total, count, used = Counter(names), Counter(), set(names)
    for name in names:
        if total[name] == 1:
            yield name
            continue
        mark = "_" if name[-1:].isdigit() else ""
        while (found := f"{name}{mark}{count[name]}") in used:
            count[name] += 1
        used.add(found)
        yield found
