"""Names for what signatures take and give, where files agree on it or no type can say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A NumPy array, of a dtype that the text says."""

Description = Mapping[str, Any]
"""A JSON object: from `describe()`, or out of a file, where it is anything until it is checked."""

Json = Any
"""A value out of a JSON text, before it is checked."""

State = Mapping[str, Array]
"""Arrays by name: what `state_dict()` gives and `load_state_dict()` takes."""

Shapes = dict[str, tuple[tuple[int, ...], "np.dtype[Any]"]]
"""The shape and the dtype of every array of a state, by name."""

Model = Any
"""A fitted model, known by its methods: those of this package or of scikit-learn."""

Dataset = Any
"""A dataset of h5py, which has no types."""
