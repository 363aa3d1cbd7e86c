"""Functions that no family of rules declares: without a gradient by nature, or refused with a way
out."""

from __future__ import annotations

import numpy as np

from autograd_lite.operations import non_differentiable, refused

# Steps: the derivative is 0 wherever there is one.
non_differentiable(np.floor, np.ceil, np.trunc, np.rint, np.round, np.around)
non_differentiable(np.fix, np.floor_divide, np.sign, np.signbit, np.spacing, np.nextafter)

# Comparisons and predicates.
non_differentiable(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
non_differentiable(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.all, np.any)
non_differentiable(np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.isnat)
non_differentiable(np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj, np.isfortran)
non_differentiable(np.allclose, np.isclose, np.array_equal, np.array_equiv)
non_differentiable(np.may_share_memory, np.shares_memory)

# Positions, counts and orders.
non_differentiable(np.argmax, np.argmin, np.nanargmax, np.nanargmin)
non_differentiable(np.count_nonzero)
non_differentiable(np.histogram_bin_edges)
non_differentiable(np.linalg.matrix_rank)

# Integers.
non_differentiable(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.bitwise_count)
non_differentiable(np.left_shift, np.right_shift, np.gcd, np.lcm, np.packbits, np.unpackbits)

# Shapes, types and text.
non_differentiable(np.common_type, np.min_scalar_type, np.einsum_path)
non_differentiable(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez)
non_differentiable(np.savez_compressed, np.datetime_as_string, np.is_busday, np.busday_count)
non_differentiable(np.busday_offset)

refused("divide by 2.0**exponent with the exponent of .data", np.frexp)
