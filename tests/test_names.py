"""Names of other libraries are answered with what to do here."""

import re

import pytest

import autograd_lite as al
from autograd_lite import nn


@pytest.mark.parametrize("name", al._NAMES_ELSEWHERE)
def test_a_name_from_elsewhere_is_answered_by_what_there_is(name):
    with pytest.raises(AttributeError, match=re.escape(al._NAMES_ELSEWHERE[name])):
        getattr(al, name)
    for module, ours in re.findall(r"\b(al|nn)\.(\w+)", al._NAMES_ELSEWHERE[name]):
        assert hasattr({"al": al, "nn": nn}[module], ours)


def test_a_name_from_nowhere_is_an_attribute_error_without_advice():
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'$"):
        al.nowhere  # noqa: B018
