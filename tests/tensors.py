"""The tensors that tests begin with."""

import numpy as np

import autograd_lite as al


def parameter(values, name=None, dtype=np.float64):
    return al.Tensor(values, requires_grad=True, dtype=dtype, name=name)
