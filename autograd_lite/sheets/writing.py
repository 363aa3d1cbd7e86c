"""A run of a person's function that writes into arrays, as `out[i, j] = ...` does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import map_leaves
from autograd_lite.check.marking.definitions import Sources
from autograd_lite.check.marking.execution import Execution
from autograd_lite.check.marking.forward import path_name
from autograd_lite.check.marking.mutable import Mutable, left_recording, put, settled
from autograd_lite.check.marking.world import World
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, is_same
from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.sheets.running import Follower, Frame
from autograd_lite.tensor import Tensor


def read_again(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """put(g, 0, i) + put_back(g[i], i) = g: the gradient of what an array was added to in place."""
    for written, added in (args, args[::-1]):
        zeroed, back = now.maker(written, put), now.maker(added, put_back)
        item = now.maker(now.operand(back, 0), getitem) if back is not None else None
        if (
            zeroed is None
            or back is None
            or item is None
            or not now.is_all(now.operand(zeroed, 1), 0)
        ):
            continue
        g, same = now.operand(zeroed, 0), now.operand(item, 0)
        if is_same(g, same) and zeroed.args[2] == back.args[1] == item.args[1]:
            return g
    return None


def run_writing(
    function: Callable[..., Any], args: tuple[Any, ...], own: list[tuple[Tensor, Tensor]]
) -> tuple[Any, Frame, list[tuple[np.ndarray, str]]]:
    """The result of a function on arrays that can be written to, its record, and the arrays that
    it took from outside, with their names.

    `own` holds the tensors that the function took from outside, each with its stand-in.
    """
    copies: list[tuple[np.ndarray, str]] = []

    def convert(array: np.ndarray, path: tuple[Any, ...]) -> Any:
        copied = array.copy()
        copies.append((copied, path_name(path)))
        return Mutable(copied) if array.dtype.kind in "fc" else copied

    world = World(convert)
    for tensor, stand_in in own:
        world.memo[id(tensor)] = Mutable(stand_in)
    given = map_leaves(lambda v: Mutable(v) if isinstance(v, Tensor) else v, args)
    execution = Execution(Sources(), world, recorded=True)
    follower = Follower(None, rewritten=True)
    left_recording.clear()
    outer = sys.gettrace()
    sys.settrace(follower.enter)
    try:
        execution.run(world.copied(function), world.copied(given))
    finally:
        sys.settrace(outer)
    if execution.error is not None:
        raise execution.error
    if left_recording:
        raise TypeError(f"{left_recording[0]} turns a value into a number, which has no gradient")
    return settled(execution.result), follower.top, copies
