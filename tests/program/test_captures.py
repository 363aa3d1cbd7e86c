"""What a compiled function reads besides its arguments: noticed when it changes, or refused."""

import array
import collections
import contextvars
import ctypes
import dataclasses
import enum
import functools
import importlib.util
import itertools
import logging
import math
import os
import pathlib
import random
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.program.captures import Captures, same_bytes


class Colour(enum.Enum):
    RED = 1


Colour.RED.k = 2.0


class Named(np.ndarray):
    k = 2.0

    def __new__(cls, values):
        found = np.asarray(values).view(cls)
        found.k = 2.0
        return found


class Slots:
    __slots__ = ("k",)


class Base:
    k = 2.0


class Sub(Base):
    pass


class WithProperty:
    @property
    def k(self):
        return self.scale * SETTINGS["factor"]

    scale = 1.0


class Called:
    def __call__(self, x):
        return np.sum(x * SETTINGS["factor"])


class Pretender:
    """Claims to be equal to every other one."""

    def __init__(self, k):
        self.k = k

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


@dataclasses.dataclass
class Config:
    k: float = 2.0


class Number(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class Meta(type):
    k = 2.0


class OfMeta(metaclass=Meta):
    pass


SETTINGS = {"factor": 2.0}
GLOBAL = 2.0


def with_attribute(x):
    return np.sum(x * with_attribute.k)


with_attribute.k = 2.0


def with_default(x, k=2.0):
    return np.sum(x * k)


def with_keyword(x, *, k=2.0):
    return np.sum(x * k)


def replaced_code(x):
    return np.sum(x * 2.0)


def of(make, read, change):
    """A function that reads a value of `make()`, and what changes that value."""
    held = make()
    return (lambda x: np.sum(x * read(held))), (lambda: change(held))


def setter(name, value):
    return lambda held: setattr(held, name, value)


def slots():
    held = Slots()
    held.k = 2.0
    return held


def module_of(folder, name, text):
    path = folder / f"{name}.py"
    path.write_text(text)
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def kinds():
    first = lambda held: held[0]  # noqa: E731
    put = lambda held: held.__setitem__(0, 3.0)  # noqa: E731
    attribute = lambda held: held.k  # noqa: E731
    yield "slots", of(slots, attribute, setter("k", 3.0))
    yield (
        "namespace",
        of(lambda: types.SimpleNamespace(k=2.0), attribute, setter("k", 3.0)),
    )
    yield "base class", of(lambda: Sub, attribute, lambda held: setattr(Base, "k", 3.0))
    yield "object of it", of(Sub, attribute, lambda held: setattr(Base, "k", 3.0))
    yield "metaclass", of(lambda: OfMeta, attribute, lambda held: setattr(Meta, "k", 3.0))
    yield "function attribute", (with_attribute, lambda: setattr(with_attribute, "k", 3.0))
    yield "default", (with_default, lambda: setattr(with_default, "__defaults__", (3.0,)))
    yield (
        "keyword default",
        (with_keyword, lambda: setattr(with_keyword, "__kwdefaults__", {"k": 3.0})),
    )
    yield (
        "code",
        (replaced_code, lambda: setattr(replaced_code, "__code__", with_three.__code__)),
    )
    yield "list", of(lambda: [2.0], first, put)
    yield "nested list", of(lambda: [[2.0]], lambda h: h[0][0], lambda h: put(h[0]))
    yield "dict", of(lambda: {0: 2.0}, first, put)
    yield "deque", of(lambda: collections.deque([2.0]), first, put)
    yield "user dict", of(lambda: collections.UserDict({0: 2.0}), first, put)
    yield "user list", of(lambda: collections.UserList([2.0]), first, put)
    yield "ordered dict", of(lambda: collections.OrderedDict({0: 2.0}), first, put)
    yield "default dict", of(lambda: collections.defaultdict(float, {0: 2.0}), first, put)
    yield "chain map", of(lambda: collections.ChainMap({0: 2.0}), first, put)
    inner = {0: 2.0}
    yield "proxy", of(lambda: types.MappingProxyType(inner), first, lambda h: put(inner))
    yield "set", of(lambda: {2.0}, lambda h: sum(h), lambda h: (h.clear(), h.add(3.0)))
    yield "array", of(lambda: np.array([2.0]), first, put)
    yield "array.array", of(lambda: array.array("d", [2.0]), first, put)
    yield "bytearray", of(lambda: bytearray([2]), first, lambda h: h.__setitem__(0, 3))
    yield "ctypes", of(lambda: (ctypes.c_double * 1)(2.0), first, put)
    yield "memoryview", of(lambda: memoryview(np.array([2.0])), first, put)
    yield "dataclass", of(Config, attribute, setter("k", 3.0))
    yield (
        "pretender",
        of(lambda: [Pretender(2.0)], lambda h: h[0].k, lambda h: h.__setitem__(0, Pretender(3.0))),
    )
    yield (
        "number",
        of(lambda: [Number(2.0)], lambda h: float(h[0]), lambda h: h.__setitem__(0, Number(3.0))),
    )
    yield "property", of(WithProperty, attribute, lambda h: setattr(WithProperty, "scale", 1.5))
    yield "property's global", of(WithProperty, attribute, lambda h: SETTINGS.update(factor=3.0))
    yield "called object", (Called(), lambda: SETTINGS.update(factor=3.0))
    yield "method", (Called().__call__, lambda: SETTINGS.update(factor=3.0))
    yield "partial", (functools.partial(with_default, k=2.0), None)
    yield (
        "weak reference",
        of(
            lambda: (lambda c: (c, weakref.ref(c)))(Config()),
            lambda h: h[1]().k,
            lambda h: setattr(h[0], "k", 3.0),
        ),
    )
    yield "global", (lambda x: np.sum(x * GLOBAL), lambda: globals().update(GLOBAL=3.0))
    yield "gradient", gradient()
    yield "member", of(lambda: Colour.RED, lambda h: h.k, setter("k", 3.0))
    yield "array of a subclass", of(lambda: Named([1.0]), attribute, setter("k", 3.0))
    yield "shadowed", of(Sub, attribute, lambda h: setattr(Sub, "k", 3.0))
    yield "order", of(lambda: {"a": 2.0, "b": 3.0}, lambda h: next(iter(h.values())), reorder)
    yield "context variable", (lambda x: np.sum(x * variable.get()), lambda: variable.set(3.0))
    yield (
        "alias of a module",
        (lambda x: np.sum(x * alias.k), lambda: globals().update(alias=Config(3.0))),
    )
    yield (
        "environment",
        (lambda x: np.sum(x * float(os.environ["K"])), lambda: os.environ.update(K="3.0")),
    )


alias = Config()


def reorder(held):
    held["a"] = held.pop("a")


def with_three(x):
    return np.sum(x * 3.0)


def gradient():
    weight = al.Tensor(np.ones(1), requires_grad=True)
    weight.grad = np.array([2.0])
    return (lambda x: np.sum(x * weight.grad)), lambda: setattr(weight, "grad", np.array([3.0]))


@pytest.fixture(autouse=True)
def as_before():
    os.environ["K"] = "2.0"
    yield
    SETTINGS["factor"] = 2.0
    Base.k = Meta.k = Colour.RED.k = 2.0
    if "k" in vars(Sub):
        del Sub.k
    WithProperty.scale = 1.0
    globals().update(GLOBAL=2.0, alias=Config())
    variable.set(2.0)
    os.environ.pop("K")


@pytest.mark.parametrize("name", [name for name, _ in kinds()])
def test_what_changes_is_noticed(name):
    function, change = dict(kinds())[name]
    compiled = al.compile(function)
    assert compiled(np.ones(3)) == 6.0
    assert compiled(np.ones(3)) == 6.0
    if change is None:
        return
    change()
    with pytest.raises(RuntimeError, match="it has changed since; it is read at File"):
        compiled(np.ones(3))
    compiled.forget()
    assert np.isclose(compiled(np.ones(3)), function(np.ones(3)))


@pytest.mark.parametrize("name", ["nn", "code", "random", "numbers", "my_numpy"])
def test_modules_of_the_users_own_are_known_by_where_they_lie(name, tmp_path):
    module = module_of(
        tmp_path, name, "import numpy as np\nK = 2.0\ndef f(x):\n    return np.sum(x * K)\n"
    )
    through, own = al.compile(lambda x: np.sum(x * module.K)), al.compile(module.f)
    assert through(np.ones(3)) == own(np.ones(3)) == 6
    module.K = 3.0
    for compiled in (through, own):
        with pytest.raises(RuntimeError, match="has changed since"):
            compiled(np.ones(3))


generator = iter([2.0, 3.0])
counter = itertools.count(2)
draws = random.Random(0)
variable = contextvars.ContextVar("variable", default=2.0)


def file_of(x):
    with open(os.devnull) as file:
        return np.sum(x) * len(file.read())


@pytest.mark.parametrize(
    "function, named",
    [
        (lambda x: np.sum(x) * time.time(), "time.time"),
        (lambda x: np.sum(x) * random.random(), "random.random"),
        (lambda x: np.sum(x) * len(os.listdir(".")), "os.listdir"),
        (lambda x: np.sum(x) * next(generator), "generator"),
        (lambda x: np.sum(x) * eval("2.0"), "eval"),
        (file_of, "open"),
        (lambda x: np.sum(x) * globals()["GLOBAL"], "globals"),
        (lambda x: np.sum(x) * len(str(counter)), "counter"),
        (lambda x: np.sum(x) * draws.random(), "draws"),
    ],
)
def test_what_cannot_be_watched_is_refused_by_name(function, named):
    with pytest.raises(
        al.TracedValueError, match=rf"{named}.*test_captures.py|test_captures.py.*{named}"
    ):
        al.compile(function)(np.ones(3))


def test_frames_of_pandas_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"k": [2.0]})
    with pytest.raises(al.TracedValueError, match="nobody sees when a DataFrame changes"):
        al.compile(lambda x: np.sum(x * frame["k"].iloc[0]))(np.ones(3))


class Model:
    """What people have in their objects besides numbers."""

    def __init__(self):
        self.started = time.time()
        self.logger = logging.getLogger("model")
        self.lock = threading.Lock()
        self.path = pathlib.Path("model.h5")
        self.colour = Colour.RED
        self.dtype = np.dtype(float)
        self.weights = [np.ones(3), np.ones(3)]
        self.activation = np.tanh
        self.name = "model"

    def forward(self, x):
        self.logger.debug("forward of %s", self.name)
        with self.lock:
            total = x
            for weight in self.weights:
                total = self.activation(total * weight)
        return np.sum(total) + math.sqrt(4.0)

    @functools.cached_property
    def unused(self):
        return time.time()


@functools.lru_cache
def cached(n):
    return n + 1


def decorated(function):
    @functools.wraps(function)
    def inner(x):
        return function(x) * cached(1)

    return inner


@decorated
def printed(x):
    print("traced", x.shape, file=sys.stderr)
    return np.sum(x)


def test_ordinary_objects_and_functions_are_no_trouble():
    model, x = Model(), np.ones(3)
    assert np.isclose(al.compile(model.forward)(x), model.forward(x))
    assert np.isclose(al.compile(printed)(x), 6.0)
    inner = al.compile(printed)
    assert np.isclose(al.compile(lambda x: inner(x) + 1)(x), 7.0)


def test_objects_among_the_arguments_are_themselves_whatever_they_are_equal_to():
    compiled = al.compile(lambda x, p: np.sum(x * p.k))
    first, second = Pretender(2.0), Pretender(3.0)
    assert compiled(np.ones(3), first) == 6
    assert compiled(np.ones(3), second) == 9
    assert compiled(np.ones(3), first) == 6


def test_a_name_that_appears_later_is_noticed():
    scope = {"np": np}
    exec("def f(x):\n    return np.sum(x) * max(1.0, 2.0)", scope)
    compiled = al.compile(scope["f"])
    assert compiled(np.ones(3)) == 6
    scope["max"] = min
    with pytest.raises(RuntimeError, match="max as it was then"):
        compiled(np.ones(3))


def test_a_module_that_several_functions_read_different_names_of(tmp_path):
    module = module_of(tmp_path, "settings", "first = 1.0\nsecond = 2.0\n")

    def inner(x):
        return np.sum(x * module.second)

    compiled = al.compile(lambda x: module.first * inner(x))
    assert compiled(np.ones(3)) == 6
    module.second = 3.0
    with pytest.raises(RuntimeError, match="second as it was then"):
        compiled(np.ones(3))


def test_a_global_that_is_called_as_an_attribute_may_change():
    pair = collections.namedtuple("pair", "left right")

    def f(x):
        return np.sum(pair(x, 2).left ** 2)

    globals()["left"] = 1
    try:
        compiled = al.compile(al.grad(f))
        compiled(np.ones(3))
        globals()["left"] = 2
        assert compiled(np.ones(3)).tolist() == [2, 2, 2]
    finally:
        del globals()["left"]


@pytest.mark.parametrize("count", [7, 8, 9, 16])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_arrays_are_the_same_by_their_bits(count, layout):
    array = np.zeros((2, count, 2), np.int8, order="F" if layout == "F" else "C")
    array = array[..., 0] if layout == "strided" else array
    other = array.copy(order="A")
    assert same_bytes(array, other)
    other[-1, count - 1] = 1
    assert not same_bytes(array, other)
    assert not same_bytes(array, array.view(np.uint8))
    assert not same_bytes(array, array[:, :-1])
    zeros, nans = np.array([0.0, -0.0]), np.array([np.nan])
    assert not same_bytes(zeros, zeros[::-1])
    assert same_bytes(nans, nans.copy())


LIMITS = {"rows": 40, "share": 0.5}


def compared(x):
    return x[: LIMITS["rows"], 7:9] if len(x) > 1e3 else x * 2.5


def not_compared(x):
    return x[: LIMITS["rows"], 7:9] * 1e3 * (2, 2.5, "11", True)[0]


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (compared, {40, 7, 9, 1000}),
        (not_compared, {40, 7, 9}),
        (lambda x: np.minimum(x, 1e3), {1000}),
        (lambda x: [n for n in x if n < 1e3], {1000}),
        (lambda x: np.add(x, 1e3), set()),
    ],
)
def test_the_whole_numbers_that_lengths_may_be_compared_with(function, numbers):
    assert Captures(function).whole_numbers() == numbers


def test_what_functions_and_objects_among_the_arguments_read_is_noticed():
    factors = {"k": 2.0}

    class Scale:
        k = 2.0

    def scaled(x):
        return np.sum(x * factors["k"])

    compiled = al.compile(lambda f, x: f(x))
    assert compiled(scaled, np.ones(3)) == 6
    factors["k"] = 3.0
    with pytest.raises(RuntimeError, match="k.*as it was then"):
        compiled(scaled, np.ones(3))
    compiled, scale = al.compile(lambda x, scale: np.sum(x * scale.k)), Scale()
    assert compiled(np.ones(3), scale) == 6
    scale.k = 3.0
    with pytest.raises(RuntimeError, match="Scale as it was then"):
        compiled(np.ones(3), scale)


def counting(x):
    k = 2.0
    seen = counted.k
    counted.k = seen + k
    return np.sum(x) * k


def kept_first(x):
    global kept
    k = 2.0
    x = x * k
    kept = 3.0
    return np.sum(x * kept)


def with_a_function_inside(x):
    def scaled(y):
        kept = y * 2.0
        return kept * counted.k

    return np.sum(scaled(x))


counted, kept = Slots(), 1.0


@pytest.mark.parametrize(
    ("function", "label", "writes", "line"),
    [
        # The k that is a variable of the function's own is another one.
        (counting, "counted.k", False, 2),
        (counting, "counted.k", True, 3),
        (counting, "['k']", True, 3),
        (kept_first, "kept", True, 4),
        (kept_first, "kept", False, 5),
        (kept_first, "other.k", False, 0),
        (with_a_function_inside, "counted['k']", False, 3),
        (with_a_function_inside, "counted", True, 3),
        (with_a_function_inside, "kept", False, 0),
    ],
)
def test_the_line_that_is_named(function, label, writes, line):
    said = Captures(function).line(label, writes)
    number = function.__code__.co_firstlineno + line
    where = "scaled" if function is with_a_function_inside and line else function.__name__
    assert said == f'File "{__file__}", line {number}, in {where}'
