"""Random programs: lists of steps over the values so far, in NumPy, JAX or PyTorch.

Diamonds, repeated use, broadcasting, views, indexing and reductions come about by chance. Steps
take operands of any shape, and keep away from kinks, poles and ties; what they give is bounded, so
that long programs stay well conditioned.
"""

import inspect

import numpy as np

SHAPES = [(), (3,), (2, 3), (1, 3), (2, 1), (2, 1, 2)]


def is_complex(x):
    return "complex" in str(x.dtype)


def vector(xp, x, most=None):
    return xp.reshape(x, (-1,))[:most]


def apart(xp, x, n):
    """`x` with elements so far from each other that their order does not change, and no two tie."""
    size = int(np.prod(x.shape, dtype=int))
    order = np.random.default_rng(n).permutation(size).reshape(tuple(x.shape))
    return xp.real(x) + xp.asarray(4.0 * order)


def pattern(x, n, *values):
    """A constant array of the shape of `x`, of these values in random order."""
    return np.random.default_rng(n).choice(np.array(values), tuple(x.shape))


def matrix(xp, x, y):
    """A square matrix that is far from singular: a product of two vectors, and 2 I."""
    v = vector(xp, x, 3)
    w = vector(xp, xp.sin(y), 3)[:1] * xp.sin(v)
    return 0.3 * xp.reshape(v, (-1, 1)) * xp.reshape(w, (1, -1)) + xp.asarray(2 * np.eye(len(v)))


def axis_of(x, n):
    return n % len(x.shape)


def along(function):
    """A step along a random axis, on what has one."""

    def step(xp, x, y, n):
        return function(xp, x, axis_of(x, n)) if len(x.shape) else x

    return step


def each(function):
    """A step of one operand."""
    return lambda xp, x, y, n: function(xp, x)


def joined(xp, x, y):
    """Two operands of one shape."""
    shape = broadcast_shape(x, y)
    if shape is None:
        return xp.reshape(vector(xp, x, 1), (1,)), xp.reshape(vector(xp, y, 1), (1,))
    return xp.broadcast_to(x, shape), xp.broadcast_to(y, shape)


def broadcast_shape(x, y):
    try:
        return np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
    except ValueError:
        return None


def combined(operate):
    """A step of two operands, which broadcast, or of the sum of the first if they do not."""

    def step(xp, x, y, n):
        return operate(xp, x if broadcast_shape(x, y) is not None else xp.sum(x), y)

    return step


def rows(xp, x):
    return xp.reshape(x, (x.shape[0], -1)) if len(x.shape) else xp.reshape(x, (1, 1))


def product(xp, x, y, n):
    """A matrix product whose inner axis has more than one element where it can."""
    a, b = rows(xp, x), rows(xp, y)
    inner = min(a.shape[1], b.shape[0])
    return xp.matmul(a[:, :inner], b[:inner])


def einsum(xp, x, y, n):
    a, b = rows(xp, x), rows(xp, y)
    inner = min(a.shape[1], b.shape[1])
    operands = (a[:, :inner], b[:, :inner])
    return xp.einsum(("ij,kj->ik", "ij,kj->jk", "ij,kj->", "ij,kj->ikj")[n % 4], *operands)


def solve(xp, x, y, n):
    A = matrix(xp, x, y)
    return xp.linalg.solve(A, xp.sin(xp.reshape(vector(xp, x, 3), (-1, 1))))


def selected(xp, x, y, n):
    """The elements that a boolean mask leaves, at least one."""
    x = x if len(x.shape) else vector(xp, x)
    mask = pattern(x, n, True, False)
    mask.flat[n % mask.size] = True
    return x[mask]


def chosen(xp, x, y, n):
    x, y = joined(xp, x, y)
    return xp.where(xp.asarray(pattern(x, n, True, False)), xp.exp(x), y * y)


def split(xp, x, axis):
    head, tail = xp.split(x, [1], axis)
    return head * xp.sum(tail * tail) + 2.0 * xp.sum(head)


ANY = {
    "sin": each(lambda xp, x: xp.sin(x)),
    "exp": each(lambda xp, x: xp.exp(x)),
    "square": each(lambda xp, x: x * x),
    "negative": each(lambda xp, x: -x),
    "log": each(lambda xp, x: xp.log(x + 2.5)),
    "sqrt": each(lambda xp, x: xp.sqrt(x + 2.5)),
    "power": each(lambda xp, x: (x + 2.5) ** 1.5),
    "cube": each(lambda xp, x: x**3),
    "reciprocal": each(lambda xp, x: 1.0 / (x + 2.5)),
    "sum": each(lambda xp, x: xp.sum(x)),
    "mean": along(lambda xp, x, axis: xp.mean(x, axis)),
    "sum along": along(lambda xp, x, axis: xp.sum(x, axis)),
    "prod": each(lambda xp, x: xp.prod(x)),
    "cumsum": along(lambda xp, x, axis: xp.cumsum(x, axis)),
    "cumprod": along(lambda xp, x, axis: xp.cumprod(x, axis)),
    "norm": each(lambda xp, x: xp.linalg.norm(vector(xp, x) + 2.5)),
    "absolute": each(lambda xp, x: abs(x + 2.5)),
    "transpose": each(lambda xp, x: x.T if len(x.shape) == 2 else x),
    "flatten": each(vector),
    "expand_dims": each(lambda xp, x: xp.expand_dims(x, 0) if len(x.shape) < 3 else x),
    "broadcast_to": each(lambda xp, x: xp.broadcast_to(x, (2, *x.shape))),
    "first": each(lambda xp, x: x[0] if len(x.shape) else x),
    "last column": each(lambda xp, x: x[..., -1] if len(x.shape) else x),
    "rest": each(lambda xp, x: x[1:] if len(x.shape) and x.shape[0] > 1 else x),
    "repeated": each(lambda xp, x: x[np.array([0, 0, -1])] if len(x.shape) else x),
    "take": each(lambda xp, x: xp.take(vector(xp, x), xp.asarray(np.array([0, -1, 0])))),
    "mask": selected,
    "roll": along(lambda xp, x, axis: xp.roll(x, 1, axis)),
    "flip": along(lambda xp, x, axis: xp.flip(x, axis)),
    "tile": each(lambda xp, x: xp.tile(vector(xp, x), (2,))),
    "pad": each(lambda xp, x: xp.pad(vector(xp, x), (1, 2))),
    "split": along(lambda xp, x, axis: split(xp, x, axis) if x.shape[axis] > 1 else x),
    "fft": each(lambda xp, x: xp.real(xp.fft.fft(vector(xp, x)) * 0.5)),
    "ifft": each(lambda xp, x: xp.imag(xp.fft.ifft(vector(xp, x)))),
    "add": combined(lambda xp, x, y: x + y),
    "subtract": combined(lambda xp, x, y: x - y),
    "multiply": combined(lambda xp, x, y: x * y),
    "divide": combined(lambda xp, x, y: x / (y + 2.5)),
    "outer": lambda xp, x, y, n: xp.reshape(x, (-1, 1)) * xp.reshape(y, (1, -1)),
    "matmul": product,
    "einsum": einsum,
    "stack": lambda xp, x, y, n: xp.stack([*joined(xp, x, y), joined(xp, x, y)[0]], 0),
    "concatenate": lambda xp, x, y, n: xp.concatenate([vector(xp, x), vector(xp, y)], 0),
    "where": chosen,
    "solve": solve,
    "inv": lambda xp, x, y, n: xp.linalg.inv(matrix(xp, x, y)),
    "det": lambda xp, x, y, n: 0.1 * xp.linalg.det(matrix(xp, x, y)),
}
"""Steps that real and complex operands go through, by name: (namespace, x, y, a number)."""

REAL = ANY | {
    "tanh": each(lambda xp, x: xp.tanh(x)),
    "max": lambda xp, x, y, n: xp.max(apart(xp, x, n)) - 4.0 * (int(np.prod(x.shape)) - 1),
    "min": lambda xp, x, y, n: xp.min(apart(xp, x, n)),
    "sort": lambda xp, x, y, n: xp.sin(xp.sort(vector(xp, apart(xp, x, n)))),
    "maximum": combined(
        lambda xp, x, y: xp.sin(xp.maximum(x + xp.asarray(pattern(x, 1, 4.0, -4.0)), y))
    ),
    "minimum": combined(
        lambda xp, x, y: xp.sin(xp.minimum(x + xp.asarray(pattern(x, 2, 4.0, -4.0)), y))
    ),
    "clip": lambda xp, x, y, n: xp.clip(x + xp.asarray(pattern(x, n, -10.0, 0.0, 10.0)), -5, 5) / 5,
    "var": each(lambda xp, x: xp.var(x)),
    "std": each(lambda xp, x: xp.std(xp.pad(vector(xp, x + 9.0), (1, 0))) / 4),
    "gate": each(lambda xp, x: xp.where(x > 0, x**3, xp.sin(x) ** 5)),
}

COMPLEX = ANY | {
    "conjugate": each(lambda xp, x: xp.conj(x)),
    "real": each(lambda xp, x: xp.real(x)),
    "imag": each(lambda xp, x: xp.imag(x) if is_complex(x) else x),
    "angle": each(lambda xp, x: xp.angle(x + 2.5) if is_complex(x) else x),
    "turned": each(lambda xp, x: x * xp.asarray(np.array(0.6 + 0.8j))),
    "together": combined(lambda xp, x, y: xp.real(x) + xp.asarray(np.array(1j)) * y),
    "cosh": each(lambda xp, x: xp.cosh(x)),
    "spectrum": each(lambda xp, x: xp.fft.fft(vector(xp, x)) * 0.3),
    "back": each(lambda xp, x: xp.fft.ifft(vector(xp, x))),
    "half spectrum": each(lambda xp, x: xp.fft.rfft(xp.real(vector(xp, x))) * 0.3),
    "inner": lambda xp, x, y, n: (
        xp.sum(xp.conj(vector(xp, x, 1)) * vector(xp, y)) if len(y.shape) else xp.conj(x)
    ),
}

CONSTANTS = [np.float32(1.5), np.float64(0.7), np.int32(2), np.int8(-1), np.True_, 2, 0.5, True]


def with_constant(xp, x, y, n):
    """A number or an array of another dtype on either side."""
    constant = CONSTANTS[n % len(CONSTANTS)]
    if n // 8 % 2 and isinstance(constant, np.generic):
        constant = constant * pattern(x, n, 1, 0).astype(constant.dtype)
    operations = (
        lambda a, b: a + b,
        lambda a, b: b - a,
        lambda a, b: a * b,
        lambda a, b: b / (a + 2.5),
    )
    return operations[n // 16 % 4](x, constant)


MIXED = {
    **{name: step for name, step in REAL.items() if name not in ("fft", "ifft")},
    **{f"constant {i}": with_constant for i in range(12)},
}
TABLES = {
    "real": REAL,
    "complex": COMPLEX,
    "mixed": MIXED,
    # NumPy has no linear algebra in float16.
    "half": {name: f for name, f in MIXED.items() if name not in ("solve", "inv", "det")},
}
DTYPES = {"mixed": [np.float32, np.float64], "half": [np.float16, np.float16, np.float32]}


def bounded(xp, x):
    return x / xp.sqrt(1.0 + xp.real(x * xp.conj(x))) if is_complex(x) else xp.tanh(x)


def program(seed, kind):
    """A random program, as a function of a namespace and inputs, and its inputs."""
    steps = list(TABLES[kind].values())
    rng = np.random.default_rng((seed, list(TABLES).index(kind)))
    inputs = [random_input(rng, kind) for _ in range(rng.integers(1, 4))]
    choices = [
        (int(rng.integers(len(steps))), rng.integers(0, 10**6, 3).tolist())
        for _ in range(rng.integers(4, 12))
    ]

    def run(xp, *values):
        values = [bounded(xp, value) for value in values]
        for which, (first, second, n) in choices:
            x, y = values[first % len(values)], values[second % len(values)]
            result = steps[which](xp, x, y, n)
            if np.prod(result.shape, dtype=int) <= 64:
                values.append(bounded(xp, result))
        # From all of the second half, so that no step is in vain.
        return sum(real_part(xp, v, k) for k, v in enumerate(values[len(values) // 2 :]))

    return run, inputs


def real_part(xp, x, k):
    """A real number that every element of x takes part in."""
    total = xp.sum(x) + xp.sum(xp.real(x * xp.conj(x))) * (0.5 + k)
    return xp.real(total) + 0.7 * xp.imag(total) if is_complex(total) else total


def random_input(rng, kind):
    shape = SHAPES[rng.integers(len(SHAPES))]
    values = np.asarray(rng.uniform(0.3, 1.5, shape)) * rng.choice([-1, 1])
    if kind == "complex" and rng.random() < 0.7:
        return values + 1j * rng.uniform(-1, 1, shape)
    return values.astype(rng.choice(DTYPES.get(kind, [np.float64])))


class TorchNumPy:
    """PyTorch under NumPy's names, with NumPy's promotion of real to complex."""

    def __init__(self, torch):
        self.torch = torch
        self.linalg = TorchLinalg(self)

    def __getattr__(self, name):
        return getattr(self.torch, name)

    def alike(self, *tensors):
        dtype = max((t.dtype for t in tensors), key=lambda dtype: dtype.is_complex)
        return [t.to(dtype) for t in tensors]

    def asarray(self, array):
        return self.torch.tensor(array)

    def sum(self, x, axis=None):
        return self.torch.sum(x) if axis is None else self.torch.sum(x, axis)

    def conj(self, x):
        return self.torch.conj_physical(x)

    def take(self, x, index):
        return x[index]

    def max(self, x):
        return self.torch.amax(x)

    def min(self, x):
        return self.torch.amin(x)

    def var(self, x):
        return self.torch.var(x, correction=0)

    def std(self, x):
        return self.torch.std(x, correction=0)

    def sort(self, x):
        return self.torch.sort(x).values

    def expand_dims(self, x, axis):
        return self.torch.unsqueeze(x, axis)

    def flip(self, x, axis):
        return self.torch.flip(x, (axis,))

    def pad(self, x, widths):
        return self.torch.nn.functional.pad(x, widths)

    def split(self, x, where, axis):
        return self.torch.tensor_split(x, where, axis)

    def matmul(self, x, y):
        return self.torch.matmul(*self.alike(x, y))

    def einsum(self, subscripts, x, y):
        return self.torch.einsum(subscripts, *self.alike(x, y))

    def stack(self, tensors, axis):
        return self.torch.stack(self.alike(*tensors), axis)

    def concatenate(self, tensors, axis):
        return self.torch.concatenate(self.alike(*tensors), axis)

    def where(self, condition, x, y):
        return self.torch.where(condition, *self.alike(x, y))


class TorchLinalg:
    """`torch.linalg` for `TorchNumPy`."""

    def __init__(self, namespace):
        self.namespace = namespace

    def __getattr__(self, name):
        return getattr(self.namespace.torch.linalg, name)

    def solve(self, A, b):
        return self.namespace.torch.linalg.solve(*self.namespace.alike(A, b))

    def norm(self, x):
        return self.namespace.torch.linalg.vector_norm(x)


def used_steps(seed, kind):
    """The names of the steps of a program, to find out what a failing one consists of."""
    run, _ = program(seed, kind)
    names = list(TABLES[kind])
    choices = inspect.getclosurevars(run).nonlocals["choices"]
    return [names[which] for which, _ in choices]
