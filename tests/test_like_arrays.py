"""Tensors used as arrays are: methods, Python's protocols, `out=`, in-place operators."""

import copy
import io
import math
import operator
import pickle

import numpy as np
import pytest

import autograd_lite as al

X = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.5]])
SQUARE = np.array([[3.0, 1.0], [0.5, 4.0]])


def parameter(values=X, name="x"):
    return al.Tensor(values, requires_grad=True, name=name)


def plain(value):
    if isinstance(value, al.Tensor):
        return value.numpy()
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def equal(actual, expected):
    actual = plain(actual)
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for ours, theirs in zip(actual, expected, strict=True):
            equal(ours, theirs)
    elif isinstance(expected, (np.ndarray, np.generic)):
        actual = np.asarray(actual)
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(actual, expected)
    else:
        assert actual == expected


def ways(*calls):
    """Calls of a method: each (array, arguments) or (array, arguments, keywords)."""
    return [(call + ({},))[:3] for call in calls]


OUT = np.zeros(3)

CALLS = {
    "all": ways((X, ()), (X, (0,)), (X, (), {"axis": 1, "keepdims": True})),
    "any": ways((X, ()), (X, (1,)), (X, (), {"where": X > 1})),
    "argmax": ways((X, ()), (X, (1,)), (X, (0,), {"keepdims": True})),
    "argmin": ways((X, ()), (X, (0,))),
    "argpartition": ways((X[0], (1,)), (X, (1, 0))),
    "argsort": ways((X, ()), (X, (0,)), (X, (), {"kind": "stable"}), (X, (None,))),
    "astype": ways(
        *((X, (np.float32,)), (X, (int,)), (X, (bool,)), (X, (complex,)), (X, ("f4", "F"))),
        *((X, (float,), {"copy": False}), (X, ("f4",), {"casting": "same_kind", "order": "C"})),
    ),
    "byteswap": [],
    "choose": ways((np.array([1, 0, 1]), ([[1.0, 2, 3], [4.0, 5, 6]],))),
    "clip": ways((X, (0, 2)), (X, (0,)), (X, (), {"max": 1}), (X, (None, 1)), (X, ())),
    "compress": ways((X, ([True, False],), {"axis": 0}), (X, ([0, 1, 1], 1)), (X, ([1, 0, 1],))),
    "conj": ways((X, ()), (X + 1j, ())),
    "conjugate": ways((X, ()), (X + 1j, ())),
    "copy": ways((X, ()), (X, ("F",)), (X.T, (), {"order": "K"})),
    "cumprod": ways((X, ()), (X, (1,)), (X, (), {"axis": 0, "dtype": np.float32})),
    "cumsum": ways((X, ()), (X, (1,)), (X, (0, np.float32))),
    "diagonal": ways((SQUARE, ()), (X, (1,)), (X, (0, 1, 0))),
    "dot": ways((X, (np.ones(3),)), (X, (X.T,)), (X, (2.0,))),
    "dumps": [],
    "flatten": ways((X, ()), (X, ("F",))),
    "item": ways((X, (0,)), (X, (1, 2)), (X, ((1, 0),)), (np.array(5.0), ()), (X[:1, :1], ())),
    "max": ways((X, ()), (X, (0,)), (X, (1,), {"keepdims": True}), (X, (), {"initial": 9.0})),
    "mean": ways((X, ()), (X, (0,)), (X, (1,), {"dtype": np.float32}), (X, (), {"where": X > 0})),
    "min": ways((X, ()), (X, (0,)), (X, (), {"axis": (0, 1)})),
    "nonzero": ways((X > 1, ()), (X, ())),
    "prod": ways((X, ()), (X, (0,)), (X, (), {"keepdims": True})),
    "ravel": ways((X, ()), (X, ("F",)), (X, (), {"order": "C"})),
    "repeat": ways((X, (2,)), (X, (2, 0)), (X, ([1, 2],), {"axis": 0})),
    "reshape": ways(
        (X, (3, 2)),
        (X, ((3, 2),)),
        (X, (-1,)),
        (X, (6,), {"order": "F"}),
        (X, (6,), {"copy": True}),
    ),
    "round": ways((X, ()), (X, (1,)), (X, (), {"decimals": 1})),
    "searchsorted": ways(
        (np.arange(4.0), (1.5,)),
        (np.arange(4.0), ([1, 2], "right")),
        (X[0], (1,), {"sorter": [1, 2, 0]}),
    ),
    "squeeze": ways((X[:1], ()), (X[:1], (0,)), (X[None], (), {"axis": 0})),
    "std": ways((X, ()), (X, (0,)), (X, (), {"ddof": 1}), (X, (1, None, None, 1))),
    "sum": ways(
        (X, ()), (X, (0,)), (X, (0, np.float32)), (X, (), {"initial": 2.0, "where": X > 0})
    ),
    "swapaxes": ways((X, (0, 1))),
    "take": ways((X, ([0, 5],)), (X, ([1], 1)), (X, ([7],), {"mode": "wrap"})),
    "to_device": ways((X, ("cpu",))),
    "tobytes": ways((X, ()), (X, ("F",))),
    "tolist": ways((X, ()), (np.array(2.0), ())),
    "trace": ways((SQUARE, ()), (X, (1,)), (X, (0, 1, 0))),
    "transpose": ways((X, ()), (X, (1, 0)), (X, ((0, 1),))),
    "var": ways((X, ()), (X, (0,)), (X, (), {"ddof": 1})),
}
"""Calls of the methods of arrays, which give the same on a Tensor."""

ATTRIBUTES = "T base device dtype flat imag itemsize mT nbytes ndim real shape size strides".split()

REFUSED = {
    "fill": (1.0,),
    "partition": (1,),
    "put": ([0], 1.0),
    "resize": ((3, 2),),
    "setfield": (1.0, np.float64),
    "setflags": (False,),
    "sort": (),
}
"""Methods that write into the array."""

CUT_OFF = {"byteswap": (), "getfield": (np.float32,), "view": (np.int64,)}
"""Methods whose result a gradient cannot flow through: they are there without one only."""

# Files are written in a test of their own. What NumPy reads of an array's memory would go past the
# locks, and the rest is how classes of arrays are made.
ELSEWHERE = {"ctypes", "data", "dump", "dumps", "flags", "tofile"}
PROTOCOLS_OF_CLASSES = set(
    """__array_finalize__ __array_interface__ __array_priority__ __array_struct__ __array_wrap__
    __buffer__ __deepcopy__ __setstate__""".split()
)

OLD = {"itemset", "newbyteorder", "ptp", "tostring"}
"""Methods that NumPy 2.4 has no more; most of them only raise an error before it."""


@pytest.mark.parametrize(
    "name", [n for n in dir(np.ndarray) if not n.startswith("_") and n not in OLD]
)
def test_every_name_of_an_array_is_known_here(name):
    known = [CALLS, ATTRIBUTES, REFUSED, CUT_OFF, ELSEWHERE]
    assert any(name in some for some in known), f"say what a Tensor does for {name}"
    assert hasattr(al.Tensor, name)


@pytest.mark.parametrize(
    "name", [n for n in dir(np.ndarray) if n.startswith("__") and n not in PROTOCOLS_OF_CLASSES]
)
def test_every_protocol_of_an_array_is_there(name):
    assert hasattr(al.Tensor, name)


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize(
    ("name", "array", "args", "options"),
    [(name, *call) for name, calls in CALLS.items() for call in calls],
)
def test_methods_give_what_those_of_arrays_give(name, array, args, options, requires_grad):
    requires_grad = requires_grad and array.dtype.kind in "fc"
    expected = getattr(array, name)(*args, **options)
    with np.errstate(all="ignore"):
        actual = getattr(al.Tensor(array, requires_grad), name)(*args, **options)
    equal(actual, expected)


def test_methods_record():
    no_gradient = set(
        """all any argmax argmin argpartition argsort choose item nonzero round searchsorted tobytes
        tolist dumps byteswap""".split()
    )
    for name, calls in CALLS.items():
        for array, args, options in calls if name not in no_gradient else ():
            result = getattr(parameter(array), name)(*args, **options)
            assert result.requires_grad or result.dtype.kind not in "fc", name


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("array", [X, X.astype(np.float32), np.ones((2, 3, 4)), np.ones((1, 1))])
def test_attributes_are_those_of_arrays(name, array):
    array = array.copy()
    expected, actual = getattr(array, name), getattr(parameter(array), name)
    if name == "flat":
        expected, actual = np.array(list(expected)), np.array([t.numpy() for t in actual])
    equal(actual, expected)


def test_memory_layout_is_told():
    x = parameter()
    assert x.flags.c_contiguous and x.T.flags.f_contiguous and not x.T.flags.c_contiguous
    assert x.T.strides == X.T.strides
    assert x.ctypes.shape[:] == [2, 3]
    with pytest.raises(ValueError, match="at least 2-dimensional"):
        _ = parameter(np.ones(2)).mT


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_what_changes_in_place_is_refused_with_a_way_out(name, requires_grad):
    x = al.Tensor(X, requires_grad, name="x")
    with pytest.raises(TypeError, match=rf"^{name}\(\) would change the Tensor 'x'.*; use "):
        getattr(x, name)(*REFUSED[name])
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize("name", CUT_OFF)
def test_what_would_lose_the_gradient_is_refused_with_a_way_out(name):
    expected = getattr(X, name)(*CUT_OFF[name])
    with pytest.raises(TypeError, match=rf"^{name}\(\) of the Tensor 'x'.*lose the gradient; use "):
        getattr(parameter(), name)(*CUT_OFF[name])
    equal(getattr(al.Tensor(X), name)(*CUT_OFF[name]), expected)
    with al.no_grad():
        equal(getattr(parameter(), name)(*CUT_OFF[name]), expected)


@pytest.mark.parametrize("options", [{"casting": "safe"}, {"casting": "equiv"}])
def test_casting_is_checked_as_arrays_do(options):
    for x in (X, parameter(), al.Tensor(X)):
        with pytest.raises(TypeError, match="[Cc]annot cast"):
            x.astype(np.float32, **options)


def test_astype_without_a_copy_is_the_tensor_itself():
    x = parameter()
    assert x.astype(float, copy=False) is x
    assert x.astype(float) is not x


def test_a_copy_has_memory_of_its_own():
    x = al.Tensor(X)
    taken = x.copy()
    x.data[0, 0] = 9
    assert taken.item(0) == X[0, 0]
    x = parameter()
    np.sum(x.copy() * 2).backward()
    assert x.grad.tolist() == np.full(X.shape, 2).tolist()


def test_elements_are_not_deleted():
    x = parameter()
    with pytest.raises(TypeError, match="'x' cannot lose elements; use np.delete"):
        del x[0]


def test_files(tmp_path):
    x = parameter()
    x.dump(tmp_path / "dumped")
    assert pickle.loads((tmp_path / "dumped").read_bytes()).tolist() == X.tolist()
    assert pickle.loads(x.dumps()).tolist() == X.tolist()
    x.tofile(tmp_path / "raw")
    assert np.fromfile(tmp_path / "raw").tolist() == X.ravel().tolist()
    file = io.BytesIO()
    np.save(file, x)
    assert np.load(io.BytesIO(file.getvalue())).tolist() == X.tolist()


def test_a_tensor_stays_on_its_device():
    x = parameter()
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="the Tensor 'x' stays on 'cpu'"):
        x.to_device("gpu")


def test_copies_by_pythons_module():
    for made in (copy.copy(parameter()), copy.deepcopy(parameter())):
        assert made.tolist() == X.tolist()
        assert made.requires_grad


NUMBERS = [2.5, -2.5, 0.5, 1.5, -0.25, 7.0]


@pytest.mark.parametrize(
    "ask",
    [
        *(round, math.floor, math.ceil, math.trunc, lambda x: round(x, 1), lambda x: round(x, -1)),
        *(bool, lambda x: f"{x:.3f}", lambda x: 2.5 == x, lambda x: x in [2.5, 7.0]),
    ],
)
@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_numbers_answer_python(ask, value, requires_grad):
    assert ask(al.Tensor(value, requires_grad)) == ask(np.float64(value))


def test_round_is_for_numbers():
    with pytest.raises(TypeError, match=r"'x' has shape \(2, 3\); use np.round"):
        round(parameter())


def test_arrays_answer_python():
    x = parameter()
    assert len(x) == 2
    assert [row.tolist() for row in x] == X.tolist()
    assert [row.tolist() for row in reversed(x)] == X[::-1].tolist()
    assert 4.0 in x and 5.0 not in x and np.array(4.0) in x and al.Tensor(4.0) in x
    assert isinstance(hash(x), int)
    for ours, theirs in zip(divmod(x, 2), divmod(X, 2), strict=True):
        equal(ours, theirs)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


INTEGERS = np.array([5, 2, 12])
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("operate", BITS)
@pytest.mark.parametrize("other", [3, np.array([1, 2, 3]), np.int64(2)])
def test_bits(operate, other):
    t = al.Tensor(INTEGERS)
    equal(operate(t, other), operate(INTEGERS, other))
    equal(operate(other, t), operate(other, INTEGERS))
    equal(operate(t, al.Tensor(other)), operate(INTEGERS, other))
    with pytest.raises(TypeError, match="not supported for the input types"):
        operate(parameter(), other)


def test_inversion():
    equal(~al.Tensor(INTEGERS), ~INTEGERS)
    equal(~al.Tensor([True, False]), ~np.array([True, False]))
    with pytest.raises(TypeError, match="not supported for the input types"):
        ~parameter()


def test_whole_numbers_are_indices():
    two, rows, mask = al.Tensor(2), al.Tensor([1, 0]), al.Tensor([True, False])
    equal(X[:, two], X[:, 2])
    equal(X[rows], X[[1, 0]])
    equal(X[mask], X[:1])
    assert list(range(two)) == [0, 1]
    assert [10, 20, 30][two] == 30
    assert operator.index(two) == 2
    equal(np.zeros(two), np.zeros(2))
    for index in (two, slice(None, two), slice(al.Tensor(0), two, al.Tensor(1)), (0, two)):
        numbers = tuple(map(_number, index)) if isinstance(index, tuple) else _number(index)
        values = np.arange(9.0).reshape(3, 3)
        x = parameter(values)
        result = x[index]
        equal(result, values[numbers])
        np.sum(result).backward()
        expected = np.zeros((3, 3))
        expected[numbers] = 1
        assert x.grad.tolist() == expected.tolist()
    for wrong in (al.Tensor(2.0), al.Tensor([1, 2])):
        with pytest.raises(TypeError, match="integer"):
            operator.index(wrong)


def _number(index):
    if isinstance(index, slice):
        return slice(*map(_number, (index.start, index.stop, index.step)))
    return index.item() if isinstance(index, al.Tensor) else index


def test_dlpack():
    constant = al.Tensor(X)
    shared = np.from_dlpack(constant)
    assert shared.tolist() == X.tolist()
    assert not np.shares_memory(shared, constant.data)
    with pytest.raises(TypeError, match=r"the Tensor 'x'.*\.detach\(\)"):
        np.from_dlpack(parameter())
    with pytest.raises(BufferError, match="copy=False"):
        np.from_dlpack(constant, copy=False)


def test_the_namespace_is_numpy():
    assert parameter().__array_namespace__() is np
    assert al.Tensor[float].__origin__ is al.Tensor


LISTS = {
    "np.array": lambda a, b: np.array([a, b]),
    "nested": lambda a, b: np.array([[a, b], [0.0, 1.0]]),
    "np.stack": lambda a, b: np.stack([[a, b], [0.0, 1.0]]),
    "Tensor": lambda a, b: al.Tensor([a, b]),
    "nested Tensor": lambda a, b: al.Tensor([[a, b], [b, a]]),
    "np.asarray": lambda a, b: np.asarray([a, b]),
    "np.vstack": lambda a, b: np.vstack([[a, b], [a, b]]),
    "np.sum": lambda a, b: np.sum([a, b]),
    "objects": lambda a, b: np.array([a, b], dtype=object),
}


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_lists_of_tensors_become_arrays_only_by_name(make):
    a, b = parameter(2.0), parameter(3.0)
    with pytest.raises(TypeError, match="np.stack or np.concatenate, or np.block for nested lists"):
        make(a, b)
    if make is not LISTS["objects"]:
        equal(make(al.Tensor(2.0), al.Tensor(3.0)), np.asarray(make(np.array(2.0), np.array(3.0))))
    matrix = np.block([[a, b], [0.0, 1.0]])
    np.sum(matrix * np.array([[1.0, 10.0], [5.0, 5.0]])).backward()
    assert (a.grad, b.grad) == (1, 10)


class TestWriting:
    """`out=`, `where=`, the methods of ufuncs, and `a += t`."""

    CALLS = {
        "np.add": lambda t, out: np.add(t, 1, out=out),
        "positional": lambda t, out: np.add(t, 1, out),
        "where": lambda t, out: np.add(t, 1, out=out, where=[True, False, True]),
        "np.sum": lambda t, out: np.sum(np.outer(t, [1.0, 2.0, 3.0]), axis=1, out=out),
        "np.sum positional": lambda t, out: np.sum(np.outer(t, [1.0, 2.0]), 1, None, out),
        "method": lambda t, out: np.outer(t, [1.0, 2.0, 3.0]).sum(axis=0, out=out),
        "np.dot": lambda t, out: np.dot(np.eye(3), t, out),
        "np.matmul": lambda t, out: np.matmul(np.eye(3), t, out=out),
        "np.clip": lambda t, out: np.clip(t, 0, 1, out=out),
        "np.clip positional": lambda t, out: np.clip(t, 0, 1, out),
        "np.cumsum": lambda t, out: np.cumsum(t, out=out),
        "np.cumprod": lambda t, out: t.cumprod(0, None, out),
        "np.concatenate": lambda t, out: np.concatenate([t[:1], t[1:]], out=out),
        "np.stack": lambda t, out: np.stack([t[0], t[1], t[2]], out=out),
        "np.einsum": lambda t, out: np.einsum("i->i", t, out=out),
        "np.take": lambda t, out: np.take(t, [0, 0, 1], None, out, "clip"),
        "np.round": lambda t, out: np.round(t, 0, out),
        "np.compress": lambda t, out: t.compress([True, True, True], 0, out),
        "reduce": lambda t, out: np.add.reduce(np.outer(t, [1.0, 2.0, 3.0]), out=out),
        "accumulate": lambda t, out: np.multiply.accumulate(t, out=out),
        "np.mean": lambda t, out: np.mean(np.outer(t, [1.0, 2.0]), axis=1, out=out),
        "at": lambda t, out: np.add.at(out, [0, 1, 0], t),
        "+=": lambda t, out: operator.iadd(out, t),
        "**=": lambda t, out: operator.ipow(out, t),
        "np.copyto": lambda t, out: np.copyto(out, t),
        "np.put": lambda t, out: np.put(out, [0, 2, 1], t),
    }

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_without_a_gradient_it_is_numpys(self, call):
        values = np.array([1.25, -2.0, 3.5])
        expected, out = np.full(3, 5.0), np.full(3, 5.0)
        given = call(values, expected)
        result = call(al.Tensor(values), out)
        assert out.tolist() == expected.tolist()
        assert (result is out) == (given is expected)
        out = np.full(3, 5.0)
        with al.no_grad():
            call(parameter(values), out)
        assert out.tolist() == expected.tolist()

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_with_a_gradient_it_is_refused(self, call):
        out = np.full(3, 5.0)
        with pytest.raises(TypeError, match="nothing (would )?records? (it|a write)"):
            call(parameter(np.array([1.25, -2.0, 3.5])), out)
        assert out.tolist() == [5, 5, 5]

    @pytest.mark.parametrize(
        ("call", "name"),
        [
            (lambda t, out: np.add.at(out, [0, 1, 2], t), r"np\.add\.at"),
            (lambda t, out: np.add.reduce(t, keepdims=True, out=out), r"np\.add\.reduce"),
            (lambda t, out: np.linalg.multi_dot([t, t], out=out), r"np\.linalg\.multi_dot"),
            (lambda t, out: operator.imul(out, t), r"np\.multiply"),
        ],
    )
    def test_what_is_refused_is_named(self, call, name):
        with pytest.raises(TypeError, match=f"^{name} cannot write its result"):
            call(parameter(np.ones(3)), np.zeros(3))

    def test_a_constant_is_written_to(self):
        out = al.Tensor(np.zeros(3))
        assert np.add(np.ones(3), 1, out=out) is out
        assert out.tolist() == [2, 2, 2]
        assert np.sum(al.Tensor(np.ones((2, 3))), axis=0, out=out) is out
        assert out.tolist() == [2, 2, 2]
        np.add.at(out, [0, 0], 1)
        assert out.tolist() == [4, 2, 2]

    def test_a_parameter_is_written_to_where_nothing_is_recorded(self):
        W = parameter(np.ones(3), "W")
        with pytest.raises(TypeError, match="nothing would record it"):
            np.subtract(W, 0.5, out=W)
        with al.no_grad():
            assert np.subtract(W, 0.5, out=W) is W
        assert W.data.tolist() == [0.5, 0.5, 0.5]
        loss = np.sum(W * W)
        with al.no_grad(), pytest.raises(ValueError, match="'W' cannot be written to"):
            np.subtract(W, 0.5, out=W)
        loss.backward()
        assert W.grad.tolist() == [1, 1, 1]

    def test_a_result_is_not_written_to(self):
        result = al.Tensor(np.ones(3)) * 2
        with pytest.raises(ValueError, match="result of an operation, so nothing can be written"):
            np.add(np.ones(3), 1, out=result)

    def test_several_results(self):
        values = np.array([1.25, -2.5])
        fraction = np.zeros(2)
        first, whole = np.modf(al.Tensor(values), out=(fraction, None))
        assert first is fraction
        assert (fraction.tolist(), whole.tolist()) == ([0.25, -0.5], [1, -2])


METHODS_OF_UFUNCS = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce axis": lambda x: np.add.reduce(x, axis=1, keepdims=True),
    "add.reduce all": lambda x: np.add.reduce(x, axis=None),
    "add.reduce dtype": lambda x: np.add.reduce(x, 0, np.float32),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1),
    "maximum.reduce": lambda x: np.maximum.reduce(x),
    "minimum.reduce": lambda x: np.minimum.reduce(x, axis=-1, initial=0.0),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "logaddexp.reduce all": lambda x: np.logaddexp.reduce(x, axis=None),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, 1),
    "multiply.outer": lambda x: np.multiply.outer(x, x[0]),
    "subtract.outer": lambda x: np.subtract.outer([1.0, 2.0], x),
    "power.outer": lambda x: np.power.outer(x, 2),
}


@pytest.mark.parametrize("call", METHODS_OF_UFUNCS.values(), ids=METHODS_OF_UFUNCS)
def test_methods_of_ufuncs(call):
    expected = call(X)
    for x in (parameter(), al.Tensor(X)):
        actual = plain(call(x))
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    if expected.dtype == X.dtype:
        assert al.gradcheck(call, X)


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize(
    ("call", "way_out"),
    [
        (lambda x: np.subtract.reduce(x), "loop over the rows"),
        (lambda x: np.maximum.accumulate(x), "np.stack"),
        (lambda x: np.add.reduceat(x, [0, 1]), "np.stack"),
        (lambda x: np.add(x, 1, where=X > 0), "np.where"),
    ],
)
def test_methods_of_ufuncs_without_a_derivative(call, way_out):
    with pytest.raises(TypeError, match=way_out):
        call(parameter())
    expected, actual = call(X), call(al.Tensor(X))
    defined = X > 0 if expected.shape == X.shape else np.full(expected.shape, True)
    equal(actual[defined], expected[defined])


IN_PLACE = {
    getattr(operator, f"__i{name}__"): getattr(operator, f"__{name}__")
    for name in (name.strip("_") for name in dir(operator))
    if hasattr(operator, f"__i{name}__") and hasattr(np.ndarray, f"__i{name}__")
}


class TestInPlace:
    def test_every_operator_is_tried(self):
        assert len(IN_PLACE) == 13

    @pytest.mark.parametrize("change", IN_PLACE, ids=lambda f: f.__name__)
    def test_a_parameter_is_not_rebound(self, change):
        W = parameter(SQUARE, "W")
        with pytest.raises(TypeError, match=r"'W' is a parameter.*write W\.data (\S+)= x to"):
            change(W, np.eye(2))
        assert W.data.tolist() == SQUARE.tolist()

    @pytest.mark.parametrize("change", IN_PLACE, ids=lambda f: f.__name__)
    def test_a_parameter_changes_where_nothing_is_recorded(self, change):
        W, expected = parameter(SQUARE, "W"), SQUARE.copy()
        try:
            change(expected, SQUARE)
        except TypeError:
            with al.no_grad(), pytest.raises(TypeError, match="not supported for the input types"):
                change(W, SQUARE)
            return
        with al.no_grad():
            assert change(W, al.Tensor(SQUARE)) is W
        assert W.data.tolist() == expected.tolist()

    @pytest.mark.parametrize("change", IN_PLACE, ids=lambda f: f.__name__)
    def test_anything_else_is_computed_anew(self, change):
        operate = IN_PLACE[change]
        integers = np.array([[3, 1], [2, 4]])
        for array in (SQUARE, integers):
            t = al.Tensor(array)
            try:
                expected = operate(array, integers)
            except TypeError:
                with pytest.raises(TypeError):
                    change(t, integers)
                continue
            result = change(t, integers)
            assert result is not t
            equal(result, expected)
            assert t.tolist() == array.tolist()
