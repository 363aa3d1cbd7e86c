"""What is a person's stays as it was, and what they wrote is what is marked."""

import functools
import sys
import types

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import from_source
from autograd_lite.check.marking.definitions import (
    Sources,
    innermost,
    without_library_decorators,
)
from autograd_lite.check.marking.execution import Execution
from autograd_lite.check.marking.world import World, _deep

X = np.array([[0.3, -0.5], [1.0, 0.2], [-0.7, 0.9]])
Y = np.array([[1.0], [0.0], [0.5]])

LIBRARY = """
import numpy as np

W = np.array([[0.2, -0.4], [0.7, 0.1]])
cache = {}
steps = []


def hidden(X):
    cache["X"] = X
    return np.tanh(X @ W)


def step(dW):
    global W
    W -= 0.1 * dW
    steps.append(1)
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A module of the person's own, with a parameter, a cache and a function that updates."""
    (tmp_path / "my_layers.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    import my_layers

    yield my_layers
    sys.modules.pop("my_layers", None)


def net_with(library, factor=1.0):
    class Net:
        V = np.array([[0.6], [-0.3]])
        log: list[int] = []

        def loss(self, X, Y):
            self.h = library.hidden(X)
            self.e = self.h @ self.V - Y
            Net.log.append(1)
            return 0.5 * np.sum(self.e**2)

        def gradient(self, X, Y):
            dV = factor * self.h.T @ self.e
            dh = self.e @ self.V.T
            dz = dh * (1 - self.h**2)
            dW = library.cache["X"].T @ dz
            self.V -= 0.1 * dV
            library.step(dW)
            library.W *= 2
            Net.seen = True
            return dW, dV

    return Net


@pytest.mark.parametrize("factor", [1.0, 3.5])
def test_arrays_of_classes_and_of_modules_are_parameters_and_stay_as_they_are(library, factor):
    Net = net_with(library, factor)
    net = Net()
    before = Net.V, library.W, Net.V.copy(), library.W.copy()
    for _ in range(2):
        report = al.check_derivation(net.loss, net.gradient, X, Y, show=False)
        assert report.ok == (factor == 1)
        assert {"V", "W"} <= {line.tensor for line in report}
        assert Net.V is before[0] and library.W is before[1]
        np.testing.assert_array_equal(Net.V, before[2])
        np.testing.assert_array_equal(library.W, before[3])
        assert (library.cache, library.steps, Net.log, vars(net)) == ({}, [], [], {})
        assert not hasattr(Net, "seen")
    if factor != 1:
        assert report.first_wrong.name == "dV"


def test_classes_and_modules_get_their_own_back_where_a_pass_raises(library):
    Net = net_with(library)

    def broken(self, X, Y):
        self.V[:] = 0
        library.W[:] = 0
        raise RuntimeError("no")

    Net.gradient = broken
    net = Net()
    values = Net.V.copy(), library.W.copy()
    report = al.check_derivation(net.loss, net.gradient, X, Y, show=False)
    assert not report.ok
    np.testing.assert_array_equal(Net.V, values[0])
    np.testing.assert_array_equal(library.W, values[1])


def forward(W, X, Y):
    Z = X @ W
    E = Z - Y
    return 0.5 * np.sum(E**2), (Z, E)


def backward(W, X, Y, cache):
    _, E = cache
    dZ = E
    dW = X.T @ dZ
    return (dW,)


def doubled(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return tuple(2 * g for g in function(*arguments))

    return wrapper


def counted(function):
    def wrapper(*arguments, **options):
        wrapper.calls = getattr(wrapper, "calls", 0) + 1
        return function(*arguments, **options)

    return wrapper


def in_order(function):
    return functools.wraps(function)(lambda *arguments: function(*arguments))


W = np.array([[0.4], [-1.1]])
QUIET = {
    "counted": counted,
    "in order": in_order,
    "np.errstate": np.errstate(all="ignore"),
    "two": lambda f: counted(in_order(f)),
}


@pytest.mark.parametrize("decorator", QUIET.values(), ids=QUIET)
def test_decorators_that_change_nothing_change_no_verdict(decorator):
    report = al.check_derivation(decorator(forward), decorator(backward), W, X, Y, show=False)
    assert report.ok
    assert {"dZ", "dW"} <= {line.name for line in report}


def given(other=None, k=0):
    """A decorator whose function has `other`, a number and perhaps an empty cell around it."""

    def decorator(function):
        if function is None:
            unbound = 1

        def wrapper(*arguments, **options):
            return k, other, function(*arguments, **options), unbound

        return wrapper

    return decorator


@pytest.mark.parametrize(
    "decorator",
    [
        *(counted, in_order, doubled, np.errstate(all="ignore"), functools.lru_cache, given()),
        *(given(other=[print]), lambda f: counted(counted(in_order(f)))),
    ],
)
def test_what_a_decorator_was_given_is_what_a_person_wrote(decorator):
    assert innermost(decorator(forward)) is forward

    class Net:
        method = decorator(forward)

    if isinstance(Net.method, types.FunctionType):
        net = Net()
        assert innermost(net.method).__func__ is forward
        assert innermost(net.method).__self__ is net


@pytest.mark.parametrize(
    "function",
    [
        *(forward, np.sin, print, np.vectorize(forward), functools.partial(forward, 1.0), len),
        # Of two functions either may be what is decorated, of named parameters none.
        given(other=backward)(forward),
        (lambda f: lambda W, *rest: f(W, *rest))(forward),
        (lambda f: lambda **options: f(**options))(forward),
        *((lambda k: lambda *arguments: (k, arguments))(1.0), lambda *arguments: arguments),
    ],
)
def test_what_decorates_no_function_is_itself_what_a_person_wrote(function):
    assert innermost(function) is function


@pytest.mark.parametrize("decorator", [np.errstate(all="ignore"), functools.lru_cache])
def test_a_persons_own_decorators_are_kept(decorator):
    mine = counted(forward)
    assert without_library_decorators(decorator(mine), Sources()) is mine


def test_what_a_decorator_changes_is_marked():
    assert not al.check_derivation(forward, doubled(backward), W, X, Y, show=False).ok
    half = functools.wraps(backward)(lambda *a: tuple(g / 2 for g in backward(*a)))
    assert al.check_derivation(forward, doubled(half), W, X, Y, show=False).ok


def test_what_the_decorator_of_a_helper_changes_is_marked():
    @doubled
    def pair(one, other):
        return one, other

    def loss(W, X, Y):
        E = X @ W - Y
        loss = np.sum(E**2)
        dE, _ = pair(E, E)
        dW = X.T @ dE
        return loss, dW

    assert al.check_derivation(loss, W, X, Y, show=False).ok


def test_lambdas_on_one_line_are_told_apart():
    square, slope = lambda W, X: np.sum((X @ W) ** 2), lambda W, X: 2 * X.T @ (X @ W)  # noqa: E731
    assert al.check_derivation(square, slope, W, X, show=False).ok
    square, slope = lambda W, X: np.sum((X @ W) ** 2), lambda W, X: -2 * X.T @ (X @ W)  # noqa: E731
    report = al.check_derivation(square, slope, W, X, show=False)
    assert [(line.status, line.cause) for line in report] == [("wrong", "sign")]
    assert report.first_wrong.line == slope.__code__.co_firstlineno


def test_lambdas_with_equal_parameters_in_a_call_over_several_lines():
    report = al.check_derivation(
        lambda W, X: np.sum((X @ W) ** 2), lambda W, X: (X.T @ (X @ W)),
        W, X, show=False,
    )  # fmt: skip
    assert report.first_wrong.cause == "factor"
    assert report.first_wrong.line is not None


def test_a_module_made_by_hand_is_a_persons():
    module = types.ModuleType("made_by_hand")
    module.V = np.array([2.0, -1.0])

    def loss(x):
        return np.sum(module.V * x**2)

    def gradient(x):
        module.V *= 1
        dV = x**2
        dx = 2 * module.V * x
        module.V[:] = 0
        return dx, dV

    report = al.check_derivation(loss, gradient, np.array([1.0, 3.0]), show=False)
    assert report.ok
    np.testing.assert_array_equal(module.V, [2.0, -1.0])


class Private:
    def __init__(self):
        self.__W, self.__V = np.array([[0.4, -0.3], [-1.1, 0.2]]), np.array([[0.6], [-0.3]])

    def forward(self, X, Y):
        self.__A = np.tanh(X @ self.__W)
        self.__E = self.__A @ self.__V - Y
        return 0.5 * np.sum(self.__E**2)

    def backward(self, X, Y):
        dV = self.__A.T @ self.__E
        dA = self.__E @ self.__V.T
        dZ = dA * (1 - self.__A**2)
        dW = X.T @ dZ
        return {"W": dW, "V": dV} if self.__dict__ else {}


def test_private_names_are_those_of_the_class():
    class Inner(Private):
        def backward(self, X, Y):
            self.__A, self.__half = self._Private__A, 0.5
            dV = self.__half * self.__A.T @ self._Private__E
            return {"V": dV}

    report = al.check_derivation(Private(), X, Y, show=False)
    assert report.ok
    assert {line.tensor for line in report} >= {"_Private__W", "_Private__V"}
    report = al.check_derivation(Inner(), X, Y, show=False, names={"V": "_Private__V"})
    assert (report.first_wrong.name, report.first_wrong.cause) == ("V", "factor")


class Shared:
    def forward(self, W, X, Y):
        Shared.A = np.tanh(X @ W)
        return 0.5 * np.sum((Shared.A - Y) ** 2)

    def backward(self, W, X, Y):
        dA = Shared.A - Y
        dZ = dA * (1 - Shared.A**2)
        del Shared.A
        return {"W": X.T @ dZ}


def test_what_a_forward_pass_leaves_in_its_class_is_there_in_the_backward_pass_and_then_gone():
    for _ in range(2):
        assert al.check_derivation(Shared(), W, X, Y, show=False).ok
        assert not hasattr(Shared, "A")
    assert not al.check_derivation(
        Shared().forward, lambda W, X, Y: {"W": X.T @ (Shared.A - Y)}, W, X, Y, show=False
    ).ok


@pytest.mark.parametrize("factor", ["1.0", "2.0"])
@pytest.mark.parametrize(
    "returned", ['{"W": dW, **more}', '{**more, "W": dW}', '{**more, **{"W": dW}}']
)
def test_dicts_of_gradients_that_are_joined(returned, factor):
    def forward(W, b, X):
        Z = W @ X + b
        return np.sum(Z**2), (Z,)

    backward = from_source(
        f"""
def backward(W, b, X, cache):
    (Z,) = cache
    dZ = 2 * Z
    more = {{"b": dZ.sum(axis=1, keepdims=True)}}
    scale = (lambda *, by={factor}: by)()
    dW = dZ @ X.T * scale
    return {returned}
""",
        np=np,
    )
    inputs = np.array([[0.3, -0.5]]), np.zeros((1, 1)), Y.T * np.array([[1.0], [2.0]])
    report = al.check_derivation(forward, backward, *inputs, show=False)
    assert report.ok == (factor == "1.0")
    assert {line.name for line in report} >= {"dW", "b"}


def test_functions_that_are_made_in_the_run_share_its_variables(monkeypatch):
    copied = []
    original = World.copied
    monkeypatch.setattr(World, "copied", lambda *args: copied.append(args[1]) or original(*args))
    backward = from_source(
        """
count = 0

def backward(W, b, X, cache):
    global count
    (Z,) = cache
    dZ = 2 * Z

    def add(total, term):
        global count
        count += 1
        return total + term

    dW = np.zeros_like(W)
    for x, dz in zip(X.T, dZ.T, strict=True):
        dW = add(dW, np.outer(dz, x))
    return {"W": dW / count * X.shape[1], "b": dZ.sum(axis=1, keepdims=True)}
""",
        np=np,
    )

    def forward(W, b, X):
        Z = W @ X + b
        return np.sum(Z**2), (Z,)

    inputs = np.array([[0.3, -0.5]]), np.zeros((1, 1)), Y.T * np.array([[1.0], [2.0]])
    assert al.check_derivation(forward, backward, *inputs, show=False).ok
    assert not any(isinstance(value, Execution) for value in copied)
    assert backward.__globals__["count"] == 0


def test_a_variable_that_is_not_set_yet_holds_no_array():
    world = World()
    world.cells = {0: types.CellType(), 1: types.CellType(np.ones(2))}
    assert [array.tolist() for array in world.arrays()] == [[1.0, 1.0]]


def test_copies_are_remembered_under_the_identities_of_what_lives():
    """`copy.deepcopy` lists what it keeps alive under the identity of its own dict, which goes."""
    memo = {}
    for value in (slice(1, 2), {3, 4}, [slice(5, 6)], np.random.default_rng(0)):
        _deep(value, memo)
        alive = {id(kept) for kept in memo[id(memo)]} | {id(memo), id(value)}
        assert {key for key in memo if isinstance(memo[key], list)} <= alive
