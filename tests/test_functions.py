"""Traits of functions: what the table says is what the functions do, in every case of the rules."""

from collections import defaultdict

import numpy as np
import pytest
from all_cases import CASES as ALL

import autograd_lite as al
from autograd_lite.functions import TRAITS, Traits, traits, with_trait

CASES = defaultdict(list)
for case in ALL:
    if case.operands and all(np.size(o) for o in case.operands):
        CASES[case.function].append(case)


def described(name):
    """The cases of the functions that have a trait."""
    return [
        pytest.param(case, id=case.id)
        for function, cases in CASES.items()
        if getattr(traits(function), name)
        for case in cases
    ]


def functions_with(name):
    """The functions of NumPy, Python and this package with a trait, in an order that stays."""
    found = [
        (f.__name__, getattr(f, "__module__", "numpy"), f)
        for f in with_trait(name)
        if getattr(f, "__module__", "numpy").partition(".")[0]
        in ("numpy", "_operator", "autograd_lite")
    ]
    return [f for *_, f in sorted(found, key=lambda item: item[:2])]


def items(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def agree(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def moved(operand):
    """Numbers to add to an operand, which keep it on its side of 0."""
    rng = np.random.default_rng(7)
    return np.sign(np.real(operand)) * rng.uniform(0.01, 0.2, np.shape(operand))


@pytest.mark.parametrize("case", described("elementwise"))
@pytest.mark.one_in(3)
def test_an_element_of_the_result_depends_on_its_own_elements(case):
    result = np.array(case(*case.operands))
    if "scalar" in case.id:
        return
    shape = np.broadcast_shapes(*map(np.shape, case.operands))
    # modf and divmod have two results, each of which is element-wise.
    assert result.shape in (shape, (2, *shape))
    result = result.reshape(-1, *shape)[0]
    place = (0,) * len(shape)
    for i, operand in enumerate(case.operands):
        changed = np.array(np.broadcast_to(operand, shape))
        changed[place] += 0.03125
        operands = [*case.operands[:i], changed, *case.operands[i + 1 :]]
        differs = np.array(np.array(case(*operands)).reshape(-1, *shape)[0] != result)
        differs[place] = False
        assert not differs.any()


@pytest.mark.parametrize("case", described("rearranges"))
@pytest.mark.one_in(3)
def test_the_elements_of_the_result_are_those_of_the_operand(case):
    x, *others = case.operands
    numbers = np.arange(1.0, np.size(x) + 1).reshape(np.shape(x))
    result = np.asarray(case(numbers, *others))
    assert np.isin(result[result != 0], numbers).all()


@pytest.mark.parametrize("case", described("linear"))
@pytest.mark.one_in(3)
def test_what_is_called_linear_is_linear(case):
    how = traits(case.function).linear
    one = case.operands
    if len(one) == 1 and how != "first" or "initial" in case.options or case.note == "1/x":
        # A call with a number in the place of an operand, or with one to begin the sum.
        return
    if how == "together":
        other = [moved(o) for o in one]
        both = [np.add(a, b) for a, b in zip(one, other, strict=True)]
        agree(items(case(*both)), map(np.add, items(case(*one)), items(case(*other))))
        return
    for i in range(len(one) if how == "each" else 1):
        other = [*one[:i], moved(one[i]), *one[i + 1 :]]
        both = [*one[:i], np.add(one[i], other[i]), *one[i + 1 :]]
        agree(items(case(*both)), map(np.add, items(case(*one)), items(case(*other))))


def holds(test, cases):
    """Whether a property is that of all cases of a function."""
    try:
        for case in cases:
            test(case)
    except (AssertionError, TypeError, ValueError, IndexError):
        return False
    return True


def test_every_function_that_is_elementwise_says_so():
    silent = {
        function.__name__
        for function, cases in CASES.items()
        if not traits(function).elementwise and any(np.ndim(o) for o in cases[0].operands)
        if holds(test_an_element_of_the_result_depends_on_its_own_elements, cases)
    }
    # These take lists of operands, look at all values, or are so in the chosen cases only.
    others = {"block", "broadcast_arrays", "meshgrid", "piecewise", "real_if_close", "select"}
    assert silent == others | {"unwrap"}


@pytest.mark.parametrize("function", functions_with("views"))
def test_what_may_view_is_seen_to(function):
    """In one case at least, so that the trait is not claimed for a function that always copies."""

    def shares(case):
        x = np.array(case.operands[0])
        return any(np.shares_memory(x, y) for y in items(case(x, *case.operands[1:])))

    cases = CASES.get(function, [])
    assert not cases or any(map(shares, cases))


@pytest.mark.parametrize("function", functions_with("reduction"), ids=lambda f: f.__name__)
def test_a_reduction_folds_with_its_ufunc(function):
    numbers = np.array([[3.0, 1.0, 2.0], [5.0, 0.0, 4.0]])
    expected = traits(function).reduction.reduce(numbers, axis=1)
    np.testing.assert_array_equal(function(numbers, axis=1), expected)


@pytest.mark.parametrize("function", functions_with("operator"), ids=lambda f: f.__name__)
def test_an_operator_is_what_python_computes(function):
    sign = traits(function).operator
    square = np.array([[2.0, 3.0], [4.0, 5.0]])
    unary = sign.symbol == "abs" or function is np.negative
    text = f"{sign.symbol}(a)" if unary else f"a {sign.symbol} b"
    operands = (square,) if unary else (square, square.T)
    expected = eval(text, dict(zip("ab", operands, strict=False)))
    np.testing.assert_array_equal(function(*operands), expected)


def test_operators_of_numbers_are_those_that_python_computes_as_numpy_does():
    operators = [f for f in functions_with("operator") if traits(f).operator.is_on_numbers]
    on_numbers = {f.__name__ for f in operators}
    assert on_numbers >= {"add", "subtract", "multiply", "divide", "less", "equal", "not_equal"}
    assert not on_numbers & {"power", "remainder", "floor_divide", "matmul", "negative", "absolute"}


@pytest.mark.parametrize("function", functions_with("of_shapes"))
def test_functions_of_shapes_do_not_look_at_values(function):
    arguments = {np.can_cast: (np.dtype(float), np.dtype(int))}
    for shape in [(), (2, 3)]:
        one, two = np.zeros(shape), np.full(shape, np.nan)
        assert function(*arguments.get(function, (one,))) == function(
            *arguments.get(function, (two,))
        )


def test_a_ufunc_that_nobody_described_is_elementwise():
    assert traits(np.arctan2).elementwise
    assert not traits(np.matvec).elementwise
    assert traits(np.frompyfunc(lambda x: x, 1, 1)).elementwise


def test_an_operation_of_ones_own_says_what_it_is():
    @al.primitive(Traits(elementwise=True, linear="first"))
    def half(x):
        return x / 2

    def third(x):
        return x / 3

    al.defvjp(half, x=lambda g: half(g))
    al.defvjp(third, Traits(linear="first"), x=lambda g: g / 3)
    assert traits(half).elementwise and traits(third).linear == "first"
    assert TRAITS[half] is TRAITS[half.__wrapped__]
