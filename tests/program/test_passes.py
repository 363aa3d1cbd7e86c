"""Every pass, and the printed source, against the interpreter, on random programs."""

import functools

import numpy as np
import pytest
from compiler.native.interpreted import interpreted
from random_programs import program

import autograd_lite as al
from autograd_lite.compiler import regions, schedule
from autograd_lite.compiler.compiled import traced
from autograd_lite.compiler.lowering import lower
from autograd_lite.compiler.native import cut
from autograd_lite.program import growth
from autograd_lite.program.arguments import flatten
from autograd_lite.program.factoring import factored
from autograd_lite.program.identities import algebra, expanding, stable
from autograd_lite.program.ir import interpret
from autograd_lite.program.passes import Identities, Optimised, optimised
from autograd_lite.program.rewriting import Rewriting, without_dead
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.special import softmax

KINDS = ["real", "complex", "mixed", "half"]
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 12))]
TOLERANCES = {"real": 1e-12, "complex": 1e-12, "mixed": 1e-5, "half": 5e-2}
PASSES = {
    "stable": lambda program: stable.table(),
    "expanding": expanding.rules_for,
    "algebra": lambda program: algebra.table(),
    "growth": lambda program: growth.table(),
    "none": lambda program: {},
}


def example(seed, kind):
    """The program of a random function's value and gradient, its values, and its inputs."""
    run, inputs = program(seed, kind)
    leaves = []
    structure = flatten(((inputs,), {}), leaves)
    function = al.value_and_grad(lambda xs: run(np, *xs))
    trace, found, _, _ = traced("f", function, structure, leaves)
    return found, trace, leaves


@functools.cache
def optimal(seed, kind):
    found, trace, leaves = example(seed, kind)
    return optimised(found, trace, []).program, leaves


def assert_same(actual, expected, tolerance):
    for ours, theirs in zip(actual, expected, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        scale = np.max(np.abs(theirs), initial=0)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.one_in(3)
def test_the_trace_is_the_function(seed, kind):
    run, inputs = program(seed, kind)
    found, _, leaves = example(seed, kind)
    value, gradients = al.value_and_grad(lambda xs: run(np, *xs))(inputs)
    expected = [np.asarray(x)[()] for x in (value, *gradients)]
    for ours, theirs in zip(interpret(found, leaves), expected, strict=True):
        assert np.asarray(ours).dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=TOLERANCES[kind])


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.one_in(7)
def test_a_pass_alone(seed, kind, name):
    found, trace, leaves = example(seed, kind)
    after, values = Rewriting(found, trace.values).run(PASSES[name](found))
    results = interpret(after, leaves)
    assert_same(results, interpret(found, leaves), TOLERANCES[kind])
    for variable, result in zip(after.outputs, results, strict=True):
        assert (variable.shape, variable.dtype) == (np.shape(result), np.asarray(result).dtype)
        np.testing.assert_allclose(values[variable], result, rtol=TOLERANCES[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_without_dead_steps(seed, kind):
    found, _, leaves = example(seed, kind)
    after = without_dead(found)
    assert len(after.steps) <= len(found.steps)
    assert_same(interpret(after, leaves), interpret(found, leaves), 0)
    read = {v for step in after.steps for v in step.operands} | set(after.outputs)
    assert all(any(r in read for r in step.results) for step in after.steps)


@pytest.mark.parametrize(
    ("large", "block", "parallel"),
    [(65_536, 8_192, 150_000), (1, 3, 150_000), (1, 4, 0), (1, 1, 0), (4, 1_000, 0)],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.one_in(7)
def test_the_source(seed, kind, large, block, parallel, monkeypatch):
    monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", large)
    monkeypatch.setattr(regions, "BLOCK_ELEMENTS", block)
    monkeypatch.setattr(regions, "PARALLEL_FROM_NANOSECONDS", parallel)
    best, leaves = optimal(seed, kind)
    lowered = lower(best, [np.asarray(x).flags.c_contiguous for x in leaves], threads=2)
    assert_runs(lowered, best, leaves, TOLERANCES[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.one_in(5)
def test_the_native_source(seed, kind):
    best, leaves = optimal(seed, kind)
    contiguous = [np.asarray(x).flags.c_contiguous for x in leaves]
    lowered = interpreted(lower(best, contiguous, threads=1, native=True))
    assert kind in ("complex", "half") or lowered.natives
    assert_runs(lowered, best, leaves, TOLERANCES[kind])


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.one_in(7)
def test_the_native_source_in_blocks(seed, kind, block, monkeypatch):
    for name, value in {
        "SAMPLES_FROM": 2,
        "CUT_FROM_NANOSECONDS": 0,
        "INSIDE_FROM_SHARE": 0,
        "BLOCK_LIMITS_SAMPLES": (1, 1),
        "CACHE_BYTES": 10**6,
    }.items():
        monkeypatch.setattr(cut, name, value)
    monkeypatch.setattr(cut.Cut, "block", property(lambda self: min(block, self.length - 1)))
    best, leaves = optimal(seed, kind)
    contiguous = [np.asarray(x).flags.c_contiguous for x in leaves]
    found = cut.cut_of(best)
    if found is None:
        assert kind in ("complex", "half") or all(v.size < 4 for v in best.inputs)
        return
    lowered = interpreted(lower(best, contiguous, threads=2, native=True, cut=found))
    assert "in_spans" in lowered.source
    assert_runs(lowered, best, leaves, TOLERANCES[kind])


def assert_runs(lowered, program, leaves, tolerance):
    """What was printed gives the program's results, and leaves everything else alone."""
    expected = interpret(program, leaves)
    copies = [np.array(x) for x in leaves]
    for _ in range(2):
        workspace = lowered.workspaces.enter()
        with np.errstate(all="ignore"):
            results = lowered.run(*leaves, workspace)
        for memory in workspace:
            if isinstance(memory, np.ndarray) and memory.flags.writeable:
                memory[...] = 1
        lowered.workspaces.leave(workspace)
        # What came out is not in the workspace, which was written over.
        assert_same(results, expected, tolerance)
    for leaf, copy in zip(leaves, copies, strict=True):
        assert np.array_equal(leaf, copy)


@pytest.mark.parametrize(("large", "block"), [(65_536, 8_192), (1, 3)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.one_in(5)
def test_the_source_as_a_file(seed, kind, large, block, monkeypatch):
    """It needs nothing but its imports: the numbers are the same bit for bit."""
    monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", large)
    monkeypatch.setattr(regions, "BLOCK_ELEMENTS", block)
    best, leaves = optimal(seed, kind)
    lowered = lower(best, [np.asarray(x).flags.c_contiguous for x in leaves], threads=2)
    pasted = {}
    exec(compile(lowered.file, "pasted.py", "exec"), pasted)
    with np.errstate(all="ignore"):
        found = pasted["run"](*leaves, pasted["new_workspace"]())
        expected = lowered.run(*leaves, lowered.workspaces.enter())
    assert_same(found, expected, 0)


def descent(layers):
    """A step of gradient descent, with its learning rate as a number or as an argument."""

    def loss(p, X, Y):
        A = X
        for i in range(layers):
            A = np.tanh(np.dot(p[f"W{i}"], A) + p[f"b{i}"])
        return np.sum((A - Y) ** 2)

    def step(p, X, Y, rate=0.1):
        value, slopes = al.value_and_grad(loss)(p, X, Y)
        return value, {name: p[name] - rate * slopes[name] for name in p}

    return step


@pytest.mark.parametrize("rate", [(), (0.3,)], ids=["number", "argument"])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_common_factors(layers, rate):
    rng = np.random.default_rng(layers)
    p = {f"W{i}": rng.normal(size=(4, 4)) for i in range(layers)}
    p |= {f"b{i}": rng.normal(size=(4, 1)) for i in range(layers)}
    leaves = []
    structure = flatten(((p, rng.normal(size=(4, 9)), rng.normal(size=(4, 9)), *rate), {}), leaves)
    trace, found, _, _ = traced("step", descent(layers), structure, leaves)
    simple, values = Rewriting(found, trace.values).run(algebra.table())
    simple = without_dead(simple)
    after, new_values, saved = factored(simple, values)
    assert saved == 2 * layers - 1
    assert len(simple.steps) - len(after.steps) == saved
    assert_same(interpret(after, leaves), interpret(found, leaves), 1e-12)
    for variable, result in zip(after.outputs, interpret(after, leaves), strict=True):
        np.testing.assert_allclose(new_values[variable], result, rtol=1e-12)


def test_factors_of_what_is_needed_without_them_stay():
    def f(x):
        y = np.exp(x)
        return y * 0.5, y, np.sum(y * 0.5)

    leaves = []
    structure = flatten(((np.ones(3),), {}), leaves)
    trace, found, _, _ = traced("f", f, structure, leaves)
    after, _, saved = factored(found, trace.values)
    assert not saved
    assert_same(interpret(after, leaves), f(np.ones(3)), 0)


@pytest.mark.parametrize("first", [True, False], ids=["number first", "number last"])
def test_a_common_factor_may_stand_on_either_side(first):
    def scaled(x):
        return 0.5 * x if first else x * 0.5

    def f(x):
        y = np.exp(-x)
        return np.sum(-scaled(y)), np.sum(scaled(y * 0.25))

    x = np.linspace(0, 1, 50)
    leaves = []
    trace, found, _, _ = traced("f", f, flatten(((x,), {}), leaves), leaves)
    after, _, saved = factored(found, trace.values)
    assert saved == 1
    assert_same(interpret(after, leaves), f(x), 1e-15)


def test_a_quotient_of_a_value_by_itself_is_not_scaled_with_it():
    def f(x):
        y = np.exp(-x)
        return (y / y) * 0.5, (y * 3.0) * 0.5

    x = np.linspace(0, 1, 50)
    leaves = []
    trace, found, _, _ = traced("f", f, flatten(((x,), {}), leaves), leaves)
    after, _, _ = factored(found, trace.values)
    assert_same(interpret(after, leaves), f(x), 1e-15)


@pytest.mark.parametrize(
    ("product", "shapes", "smaller"),
    [
        (lambda W, X: 0.5 * (W @ X), ((2, 3), (3, 40)), (2, 3)),
        (lambda X, W: np.dot(X, W) * 0.5, ((40, 3), (3, 2)), (3, 2)),
    ],
)
def test_a_number_times_a_product_is_multiplied_into_the_smaller_operand(product, shapes, smaller):
    compiled = al.compile(product)
    arguments = [np.random.default_rng(0).normal(size=shape) for shape in shapes]
    np.testing.assert_allclose(compiled(*arguments), product(*arguments), rtol=1e-14)
    [scaling] = [step for step in compiled.program.steps if step.function is np.multiply]
    assert scaling.result.shape == smaller


def simplified(function, *arrays, rules=None):
    """The functions of a program's steps after the rules of algebra, or others."""
    leaves = []
    trace, found, _, _ = traced("f", function, flatten((arrays, {}), leaves), leaves)
    after, _ = Rewriting(found, trace.values).run(rules or algebra.table())
    assert_same(interpret(after, leaves), interpret(found, leaves), 1e-12)
    return [step.function for step in without_dead(after).steps]


@pytest.mark.parametrize(
    ("function", "functions"),
    [
        (lambda W, X: 0.5 * (W @ X), [np.multiply, np.matmul]),
        # A product that is read elsewhere is computed anyway.
        (lambda W, X: [0.5 * (P := W @ X), np.sin(P)], [np.matmul, np.multiply, np.sin]),
        (lambda W, X: [0.5 * (P := W @ X), P], [np.matmul, np.multiply]),
        (lambda W, X: 0.5 * (W[:, :1] @ X[:1, :3]), [getitem, getitem, np.multiply, np.matmul]),
        (lambda W, X: 0.5 * (W @ X[:, :3]), [getitem, np.matmul, np.multiply]),
        (lambda W, X: X * (W @ X)[:1], [np.matmul, getitem, np.multiply]),
    ],
)
def test_which_products_take_a_number_in(function, functions):
    assert simplified(function, np.ones((2, 3)), np.ones((3, 40))) == functions


@pytest.mark.parametrize(
    ("function", "functions"),
    [
        (lambda x: np.sum(x, axis=1), [np.reshape]),
        (lambda x: np.sum(x, axis=1, keepdims=True), [np.reshape]),
        (lambda x: np.sum(x, axis=0), [np.sum]),
        (lambda x: np.sum(x, 1), [np.sum]),
        (lambda x: np.sum(x, axis=1, initial=2.0), [np.sum]),
        (lambda x: np.sum(x, axis=1, dtype=np.float32), [np.sum]),
        (lambda x: np.sum(x[:0], axis=1), [getitem, np.sum]),
        (lambda x: np.sum(x[:1]), [getitem, np.sum]),
        (lambda x: np.reshape(np.reshape(x, (2, 3)), (6, 1)), []),
        (lambda x: np.reshape(np.reshape(x, (2, 3)), (3, 2)), [np.reshape]),
        (lambda x: np.reshape(np.reshape(x, (2, 3)), (3, 2), order="F"), [np.reshape] * 2),
        (lambda x: np.reshape(np.reshape(x, (2, 3), order="F"), (3, 2)), [np.reshape] * 2),
        (lambda x: np.reshape(np.reshape(x, (2, 3), order="C"), (3, 2)), [np.reshape]),
    ],
)
def test_sums_over_one_and_shapes_of_shapes(function, functions):
    assert simplified(function, np.arange(6.0).reshape(6, 1)) == functions


def of_exp(x, axis=1):
    return np.sum(np.exp(x), axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("function", "is_softmax"),
    [
        (lambda x, y: y / of_exp(x) * np.exp(x), True),
        (lambda x, y: np.exp(x) * (-y / of_exp(x)), True),
        (lambda x, y: (y / of_exp(x) + 2 * (x / of_exp(x))) * np.exp(x), True),
        (lambda x, y: (y / of_exp(x, 0) - x / of_exp(x, 0)) * np.exp(x), True),
        (lambda x, y: (y / of_exp(x) + x / of_exp(x, 0)) * np.exp(x), False),
        (lambda x, y: (y / of_exp(x) - x / of_exp(y)) * np.exp(x), False),
        (lambda x, y: y / of_exp(y) * np.exp(x), False),
        (lambda x, y: y / np.sum(y * y, axis=1, keepdims=True) * np.exp(x), False),
        (lambda x, y: (y / of_exp(x) + x) * np.exp(x), False),
    ],
)
def test_which_quotients_of_sums_are_a_softmax(function, is_softmax):
    arrays = np.random.default_rng(3).normal(size=(2, 3, 4))
    functions = simplified(function, *arrays, rules=stable.table())
    assert (softmax in functions) == is_softmax


def test_what_a_rule_wrote_in_vain_is_forgotten_and_nothing_else():
    def in_vain(now, step, args, options):
        np.cos(args[0])

    def again(now, step, args, options):
        return np.sin(now.operand(now.maker(args[0], np.sin), 0))

    leaves = []
    structure = flatten(((np.ones(3),), {}), leaves)
    trace, found, _, _ = traced("f", lambda x: [np.exp(x), np.sin(x) * 1.0], structure, leaves)
    rules = {np.exp: [in_vain], np.sin: [in_vain], np.multiply: [in_vain, again]}
    after, _ = Rewriting(found, trace.values).run(rules)
    assert [step.function for step in after.steps] == [np.exp, np.sin]


def test_short_forms_are_not_for_half_precision():
    many = np.full(1000, 100, np.float16)
    assert al.compile(np.mean)(many) == 100
    assert al.compile(lambda z: np.mean(al.softplus(z)))(many) == 100


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("mean", "array", "functions"),
    [
        (np.mean, np.ones((2, 3)), [np.sum, np.divide]),
        (lambda x: np.mean(x, 1), np.ones((2, 3)), [np.sum, np.divide]),
        (lambda x: np.mean(x, axis=0, keepdims=True), np.ones((2, 3)), [np.sum, np.divide]),
        (lambda x: np.mean(x, dtype=np.float32), np.ones((2, 3)), [np.mean]),
        (np.mean, np.ones((2, 3), np.float16), [np.mean]),
        (lambda x: np.mean(x, axis=1), np.ones((2, 0)), [np.mean]),
    ],
)
def test_a_mean_is_a_sum_and_a_division(mean, array, functions):
    compiled = al.compile(mean)
    found, expected = compiled(array), mean(array)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert [step.function for step in compiled.program.steps] == functions


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("power_first", [True, False])
def test_the_slope_of_a_sigmoid_is_found_in_either_order(power_first):
    def f(y, z):
        power = np.exp(-z)
        s = 1 / (1 + power)
        share = (y / s) * s / (1 + power)
        return power * share if power_first else share * power

    y, z = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-800.0, -1.0, 0.0, 2.0])
    np.testing.assert_allclose(al.compile(f)(y, z), y * al.sigmoid(-z), rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "runs", "did"),
    [
        # The last run is the one that changes nothing.
        (lambda x: np.sin(x), 1, "nothing to do"),
        (lambda x: np.sin(x * 1), 2, "1 steps rewritten"),
        (lambda x: np.sin(x) + np.sin(x), 1, "nothing to do"),
        (lambda x: np.sin(x * 1) + np.sin(x), 2, "1 steps rewritten, 1 equal ones taken together"),
        (lambda x: x * (np.float64(2) * 3), 1, "nothing to do"),
        (lambda x: np.where(x > 0, np.sin(x) * x, 0.0), 1, "nothing to do"),
    ],
)
def test_identities_are_applied_until_nothing_changes(function, runs, did):
    seen = []
    table = algebra.table()

    def table_of(program):
        seen.append(program)
        return table

    leaves = []
    structure = flatten(((np.ones(3),), {}), leaves)
    trace, program, _, _ = traced("f", function, structure, leaves)
    after, told = Identities("algebra", table_of).run(Optimised(program, trace.values))
    assert (len(seen), told) == (runs, did)
    assert_same(interpret(after.program, leaves), [function(np.ones(3))], 0)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (lambda z: np.log(np.sum(np.exp(z * 1j))), [np.exp, np.sum, np.log]),
        (lambda z: np.log(np.sum(z)), [np.sum, np.log]),
        (lambda z: np.log(np.sum(np.exp(z), dtype=np.float32)), [np.exp, np.sum, np.log]),
        (lambda z: np.exp(z) / np.sum(z), [np.exp, np.sum, np.divide]),
        (lambda z: np.exp(z) / np.sum(np.exp(z), axis=0), [np.exp, np.sum, np.divide]),
        (lambda z: np.exp(z) / np.sum(np.exp(z), axis=-1), [np.exp, np.sum, np.divide]),
    ],
)
def test_what_only_looks_like_a_stable_form_is_left_as_it_is(written, kept):
    compiled = al.compile(written)
    z = np.array([[0.5, 1.0], [2.0, 3.0]])
    np.testing.assert_allclose(compiled(z), written(z), rtol=1e-6)
    functions = [step.function for step in compiled.program.steps]
    assert functions[-len(kept) :] == kept


@pytest.mark.parametrize("slope_first", [True, False])
def test_a_quotient_by_a_sigmoid_goes_into_its_slope_in_either_order(slope_first):
    def f(y, z):
        s = 1 / (1 + np.exp(-z))
        quotient, slope = np.log(y) / s, s * (1 - s)
        return slope * quotient if slope_first else quotient * slope

    y, z = np.array([2.0, 3.0, 4.0]), np.array([-3.0, 0.0, 2.0])
    compiled = al.compile(f)
    np.testing.assert_allclose(compiled(y, z), f(y, z), rtol=1e-14)
    functions = [step.function for step in compiled.program.steps]
    assert functions.count(np.multiply) == 1


def test_steps_that_give_kept_values_are_left_as_they_are():
    leaves = []
    structure = flatten(((np.ones(3),), {}), leaves)
    trace, program, _, _ = traced("f", lambda x: np.sin(x * 1), structure, leaves)
    kept = {program.steps[0].result}
    for keep, functions in ((kept, [np.multiply, np.sin]), (set(), [np.sin])):
        after, _ = Rewriting(program, trace.values, keep).run(algebra.table())
        assert [step.function for step in after.steps] == functions


def test_passes_say_what_they_did():
    compiled = al.compile(lambda x: np.log(1 / (1 + np.exp(-x))))
    compiled(np.ones(3))
    explained = str(compiled.explain())
    for line in (
        "trace           0 equal steps taken together; 5 steps",
        "stable forms    2 steps rewritten, 1 equal ones taken together; 3 steps (2 saved)",
        "expansion       1 steps rewritten; 8 steps",
        "common factors  nothing to do; 8 steps",
        "algebra         1 steps rewritten; 8 steps",
        "overflow        nothing to do; 8 steps",
    ):
        assert f"  {line}\n" in explained


def _linear_function(rng):
    """A random function of products with one number, sums, quotients and views."""
    steps = [(str(rng.choice(KINDS_OF_STEP)), *rng.integers(0, 100, 2)) for _ in range(12)]

    def f(x, y, c):
        values = [x, y]
        for kind, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(
                a * c
                if kind == "scale"
                else a * (b * 0.125)
                if kind == "product"
                else a / (2 + b * b)
                if kind == "quotient"
                else np.negative(a)
                if kind == "negative"
                else a - b
            )
        return values[-1], np.sum(values[-2] * c), np.transpose(values[-3])

    return f


KINDS_OF_STEP = ["scale", "scale", "scale", "product", "quotient", "negative", "difference"]


@pytest.mark.parametrize("number", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_common_factors_of_values_that_are_scaled_more_than_once(seed, number):
    rng = np.random.default_rng(seed)
    f = _linear_function(rng)
    arguments = [rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), *([] if number else [-1.5])]
    called = (lambda x, y: f(x, y, -1.5)) if number else f
    leaves = []
    trace, found, _, _ = traced("f", called, flatten(((*arguments,), {}), leaves), leaves)
    after, values, _ = factored(found, trace.values)
    expected = interpret(found, leaves)
    assert_same(interpret(after, leaves), expected, 1e-12)
    for variable, result in zip(after.outputs, expected, strict=True):
        np.testing.assert_allclose(values[variable], result, rtol=1e-12, atol=1e-12)


def test_a_program_is_printed_readably():
    def cost(W, X, b):
        Z = np.dot(W, X) + b
        A = np.maximum(Z, 0)
        return np.sum(A)

    leaves = []
    arguments = (np.ones((2, 3)), np.ones((3, 4)), np.ones((2, 1)))
    structure = flatten((arguments, {}), leaves)
    _, found, _, _ = traced("cost", cost, structure, leaves)
    assert str(found).splitlines() == [
        "inputs   W: float64 (2, 3), X: float64 (3, 4), b: float64 (2, 1)",
        "v0 = np.dot(W, X)  # float64 (2, 4)",
        "Z = np.add(v0, b)  # float64 (2, 4)",
        "A = np.maximum(Z, 0)  # float64 (2, 4)",
        "v1 = np.sum(A)  # float64",
        "return   v1",
    ]


def test_a_value_that_is_reached_in_countless_ways_is_looked_at_once():
    # 2^40 ways from the result to the argument: one after the other they would never end.
    def f(x):
        y = x
        for _ in range(40):
            y = np.tanh(y * x) + np.exp(-y)
        return np.sum(y)

    x = np.array([0.3, 0.7])
    compiled = al.compile(al.grad(f), native=False)
    np.testing.assert_allclose(compiled(x), al.grad(f)(x), rtol=1e-9)
