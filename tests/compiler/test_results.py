"""What comes out of a compiled function belongs to the caller, and what goes in is left alone."""

import ctypes

import numpy as np
import pytest
from all_cases import cases_of
from cases import arrays, indexing, joining, linalg, products, shaping, statistics

import autograd_lite as al
from autograd_lite.arrays.trees import leaves_of

VIEWS = {
    "squeeze": lambda x, y: np.squeeze(np.sum(x * y, keepdims=True)),
    "reshape": lambda x, y: np.reshape(np.sum(x * y, keepdims=True), ()),
    "item": lambda x, y: (x * y)[0, 0],
    "item with dots": lambda x, y: (x * y)[0, 0, ...],
    "argument": lambda x, y: x,
    "view of an argument": lambda x, y: x.T,
    "number of an argument": lambda x, y: x[0, 0, ...],
    "both": lambda x, y: (x * y, (x * y).T),
    "one twice": lambda x, y: [x * y, x * y],
    "parts": lambda x, y: np.split(x * y, 2, axis=1),
    "dict": lambda x, y: {"a": (x * y)[0], "b": {"c": np.squeeze(np.sum(x, keepdims=True))}},
    "real": lambda x, y: np.real(x * y),
    "diagonal": lambda x, y: np.linalg.diagonal(x * y),
    "transpose of linalg": lambda x, y: np.linalg.matrix_transpose(x * y),
    "first power": lambda x, y: np.linalg.matrix_power((x * y)[:, :3], 1),
    "constant": lambda x, y: CONSTANT,
    "constant number": lambda x, y: CONSTANT[0, ...],
    "where": lambda x, y: np.where(x[0, 0] > 0, x[0, 0], y[0, 0]),
    "broadcast": lambda x, y: np.broadcast_to(np.sum(x), (2, 3)),
    "empty": lambda x, y: (x * y)[:0],
    "gradients": al.value_and_grad(lambda x, y: np.squeeze(np.sum(x * y, keepdims=True)), (0, 1)),
    "gradient alone": al.grad(lambda x, y: np.sum(x)),
    "jacobian": al.jacobian(lambda x, y: (x * y)[0]),
    "pulled": lambda x, y: al.vjp(lambda z: (z, z.T), x)[1]((y, y.T)),
}
CONSTANT = np.arange(3.0)


def draw(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


def assert_owned(compiled, results, arguments):
    """No result shares memory with the workspace, an argument, or another result."""
    found = [np.asarray(leaf) for leaf in leaves_of(results)]
    workspace = [
        memory
        for workspace in compiled._latest.lowered.workspaces.idle
        for memory in workspace
        if isinstance(memory, np.ndarray)
    ]
    constants = [np.asarray(c) for c in compiled.program.constants.values()]
    for i, result in enumerate(found):
        for other in (*workspace, *constants, *arguments, *found[:i]):
            assert not np.shares_memory(result, other)


@pytest.mark.parametrize("name", VIEWS)
def test_the_next_call_leaves_earlier_results_as_they_are(name):
    compiled = al.compile(VIEWS[name])
    kept, expected = [], []
    for seed in range(3):
        arguments = draw(seed)
        result = compiled(*arguments)
        assert_owned(compiled, result, arguments)
        kept.append(leaves_of(result))
        expected.append([np.array(leaf) for leaf in leaves_of(VIEWS[name](*arguments))])
    for results, wanted in zip(kept, expected, strict=True):
        for result, value in zip(results, wanted, strict=True):
            np.testing.assert_allclose(result, value, rtol=1e-12)


TABLE = [
    case
    for module in (arrays, shaping, joining, indexing, products, linalg, statistics)
    for case in cases_of(module)
    if case.call is None
]


@pytest.mark.parametrize("start", range(8))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.one_in(8)
def test_results_of_every_function_are_owned(start):
    compared = 0
    for case in TABLE[start::8]:

        def call(*operands, case=case):
            return case.function(*operands, **case.options)

        compiled = al.compile(call)
        try:
            results = compiled(*case.operands)
        except (al.TracedValueError, TypeError, np.linalg.LinAlgError):
            continue
        arguments = [a for a in case.operands if isinstance(a, np.ndarray)]
        assert_owned(compiled, results, arguments)
        compared += 1
    assert compared > 20


def buffers():
    memory = np.arange(101.0)
    yield "views", memory[1:], memory[:-1]
    yield "frombuffer", np.frombuffer(memory.data)[1:], np.frombuffer(memory.data)[:-1]
    view = memoryview(memory)
    yield "memoryview", np.asarray(view)[1:], np.asarray(view)[:-1]
    raw = (ctypes.c_double * 101)(*range(101))
    yield "ctypes", np.frombuffer(raw)[1:], np.frombuffer(raw)[:-1]
    yield "pointer", np.ctypeslib.as_array(raw)[1:], np.frombuffer(raw)[:-1]
    same = np.arange(100.0)
    yield "itself", same, same
    strided = np.lib.stride_tricks.as_strided(memory, (100,), (8,))
    yield "as_strided", strided, memory[1:]
    fixed = np.arange(100.0)
    fixed.flags.writeable = False
    yield "read-only", fixed, np.ones(100)


@pytest.mark.parametrize("name, donated, other", list(buffers()), ids=[b[0] for b in buffers()])
def test_donated_memory_that_somebody_else_has_is_left_alone(name, donated, other):
    step = al.compile(lambda w, v: w * 2 + v, donate=0)
    step(np.zeros(100), np.zeros(100))
    before, expected = other.copy(), donated * 2 + other
    was = donated.copy()
    result = step(donated, other)
    assert np.array_equal(result, expected)
    assert np.array_equal(other, before)
    assert np.array_equal(donated, was)


@pytest.mark.parametrize("dtype", [*"efdgFD?bhilqBHILQ", ">f4", ">f8", ">c16", ">i4", ">f2", "<f8"])
@pytest.mark.parametrize("size", [3, 40_000])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.one_in(7)
def test_every_dtype_that_numpy_computes_with(dtype, size):
    x = (np.arange(size) % 7).astype(dtype)

    def f(x):
        return np.sum(x * x + x), (x + x).T, np.where(np.abs(x) > 2, x, x * x)

    for found, expected in zip(al.compile(f)(x), f(x), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-2 if x.dtype.itemsize == 2 else 1e-6)
    if x.dtype.kind == "f":
        loss = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
        found, expected = al.compile(al.grad(loss))(x), al.grad(loss)(x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)
        derived = al.derive(lambda x: np.sum(x * x) * 2.0, x[:3])
        found = derived.backward(x[:3], derived.forward(x[:3])[1])["dx"]
        np.testing.assert_allclose(found, 4 * x[:3], rtol=1e-2)
