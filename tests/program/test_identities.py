"""Identities as pairs of functions: each holds for numbers, and is found where it stands."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.program.arguments import flatten
from autograd_lite.program.identities.algebra import CHEAPER
from autograd_lite.program.identities.expanding import SHORT
from autograd_lite.program.identities.pairs import Identity, Symbol, rules_of
from autograd_lite.program.identities.readable import READABLE
from autograd_lite.program.identities.stable import LOG_LOSS, LOGARITHMS, SIGMOIDS
from autograd_lite.program.identities.textbook import TEXTBOOK
from autograd_lite.program.passes import Identities, Optimised
from autograd_lite.program.traced import traced

COMPILED = (*CHEAPER, *SIGMOIDS, *LOGARITHMS, *LOG_LOSS, *SHORT)
IDENTITIES = (*COMPILED, *TEXTBOOK, *READABLE)


def operands(identity):
    rng = np.random.default_rng(3)
    names = identity.before.__code__.co_varnames[: identity.before.__code__.co_argcount]
    numbers = [1.5 if name in "cd" else rng.uniform(-2, 2, (3, 3)) for name in names]
    return [x > 0 if name == "on" else x for name, x in zip(names, numbers, strict=True)]


def label(identity):
    return f"{identity.purpose} {formula(identity.pattern)}"


def formula(part):
    if not isinstance(part, Symbol):
        return str(part)
    if part.function is None:
        return part.name
    return f"{part.function.__name__}({', '.join(map(formula, part.args))})"


@pytest.mark.parametrize("identity", IDENTITIES, ids=label)
def test_both_sides_give_the_same(identity):
    values = operands(identity)
    before, after = identity.before(*values), identity.after(*values)
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("identity", COMPILED, ids=label)
def test_the_formula_is_found_in_a_compiled_program(identity):
    values = operands(identity)
    arrays = [value for value in values if np.ndim(value)]

    def both(function):
        def computed(*arrays):
            given = iter(arrays)
            return np.sin(function(*(next(given) if np.ndim(v) else v for v in values)))

        return al.compile(computed)

    compiled, wanted = both(identity.before), both(identity.after)
    expected = np.sin(identity.before(*values))
    np.testing.assert_allclose(compiled(*arrays), expected, rtol=1e-12)
    wanted(*arrays)
    assert steps(compiled.program) == steps(wanted.program)


def rewritten(function, identity):
    """The functions of the steps of a program after one identity."""
    leaves = []
    structure = flatten(((np.array([1.0, 2.0]), np.array([3.0, 4.0])), {}), leaves)
    trace, program, _, _ = traced("f", function, structure, leaves)
    only = Identities("one identity", lambda program: rules_of([identity]))
    given = Optimised(program, trace.values)
    return [step.function for step in only.run(given)[0].program.steps]


def steps(program):
    return [(step.function, len(step.args)) for step in program.steps]


@pytest.mark.parametrize(
    "written",
    [lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (np.exp(-z) + 1)],
    ids=["1 + exp", "exp + 1"],
)
def test_sums_are_found_in_either_order(written):
    compiled = al.compile(lambda z: np.log(written(z)))
    np.testing.assert_array_equal(compiled(np.array([-1000.0, 0.0]))[0], -1000.0)


def test_a_parameter_that_stands_twice_must_be_the_same_value():
    square = Identity("cheaper", lambda x: x * x, np.square)
    assert rewritten(lambda x, y: x * x, square) == [np.square]
    assert rewritten(lambda x, y: x * y, square) == [np.multiply]


def test_values_inside_of_a_formula_may_have_to_be_read_once():
    difference = Identity("cheaper", lambda x, y: -(x - y), lambda x, y: y - x, once=True)
    assert rewritten(lambda x, y: -(x - y), difference) == [np.subtract]
    assert np.negative in rewritten(lambda x, y: (-(x - y), x - y), difference)


def test_a_formula_has_no_options():
    with pytest.raises(TypeError, match="an identity calls sum with options"):
        rules_of([Identity("cheaper", lambda x: np.sum(x, axis=0), lambda x: x)])


def test_numbers_in_a_formula_stand_for_themselves():
    compiled = al.compile(lambda z: np.log(2 / (1 + np.exp(-z))))
    compiled(np.ones(3))
    assert np.divide in [step.function for step in compiled.program.steps]


def test_identities_are_kept_by_the_function_of_their_last_step():
    table = rules_of(LOGARITHMS)
    assert set(table) == {np.log, np.log1p, al.xlogy, al.xlog1py}
    assert len(table[np.log]) == 2
