"""What traced arrays refuse, in words and with the user's line."""

import re

import numpy as np
import pytest

import autograd_lite as al


@pytest.mark.parametrize("symbol", "+ - * / // % @ & | ^ << >> **".split())
def test_operators_that_write_into_a_traced_array_are_refused(symbol):
    scope = {}
    exec(f"def doubled(a):\n    b = a\n    b {symbol}= 2\n    return b", scope)
    message = (
        f"line 3, in doubled: {symbol}= would change a traced array in place: "
        f"write a = a {symbol} x instead"
    )
    with pytest.raises(al.TracedValueError, match=re.escape(message) + "$"):
        al.compile(scope["doubled"])(np.ones((2, 2)))
