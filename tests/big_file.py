"""A file of any size, whose samples are those of one block over and over."""

import numpy as np

import nn

FEATURES = 1024
ROWS = 7168


def block():
    """The samples, float32, and their labels."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, FEATURES), dtype=np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.float32)


class Repeated:
    """The rows of an array again and again, as `write_dataset` takes them."""

    def __init__(self, rows, times):
        self.rows, self.dtype = rows, rows.dtype
        self.shape = (times * len(rows), *rows.shape[1:])

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, span):
        return self.rows[np.arange(span.start, min(span.stop, len(self))) % len(self.rows)]


def write(path, size):
    """Write about `size` bytes of whole blocks."""
    x, y = block()
    times = size // x.nbytes + 1
    nn.write_dataset(path, Repeated(x, times), Repeated(y, times))
