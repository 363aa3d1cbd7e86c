"""Tiers: a program runs as NumPy's calls at once, and as native code once that is ready and faster.

Native code is made beside the program, which goes on meanwhile. Then both run in turns on the calls
that come, until it is clear which takes less time.
"""

from __future__ import annotations

import importlib.util
import queue
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from autograd_lite.compiler.lowering import Lowered
from autograd_lite.forks import fork_safe

BUILD_FROM_CALLS = 3
"""Native code is made for a program from this call on: one that runs once is done before it is."""

TRIAL_ROUNDS = 7
TAKEN_BELOW_SHARE = 0.95
"""Native code is taken if its share of the time of NumPy's calls is below this."""


def is_available() -> bool:
    """Whether Numba is installed, and SciPy, whose BLAS it calls."""
    return all(importlib.util.find_spec(name) for name in ("numba", "scipy"))


class Tiers:
    """The choice between two forms of one program.

    `lower` prints the native form. `says` is the state in words, and `chosen` the form that is
    taken for good, as soon as there is one.
    """

    def __init__(self, plain: Lowered, lower: Callable[[], Lowered], is_kept: bool) -> None:
        self.plain, self.lower, self.is_kept = plain, lower, is_kept
        self.native: Lowered | None = None
        self.chosen: Lowered | None = None
        self.calls = 0
        self.says = f"made from call {BUILD_FROM_CALLS} on"
        self.times: dict[bool, list[float]] = {False: [], True: []}

    def build(self) -> None:
        """Make the native form."""
        from autograd_lite.compiler.native.build import BuildError, built

        try:
            native = self.lower()
            if not native.natives:
                self._keep_plain("no steps that have a native form")
                return
            native.namespace.update(built(native.natives, self.is_kept))
        except BuildError as error:
            self._keep_plain(f"not made: {error}")
            return
        except Exception as error:
            # The program runs as it is, whatever the compiler thinks of it.
            self._keep_plain(f"not made: {type(error).__name__}: {error}")
            return
        self.says = "measured against NumPy's calls"
        self.native = native

    def take_native(self) -> None:
        """Take the native form without measuring, if there is one."""
        if self.native is not None:
            self.says = "taken as asked for"
            self.chosen = self.native

    def run(self, call: Callable[[Lowered], Any]) -> Any:
        """Run the program in one of its forms, and find out which is faster."""
        if self.native is None:
            self.calls += 1
            if self.calls == BUILD_FROM_CALLS:
                self.says = "being made"
                _builder.put(self)
            return call(self.plain)
        is_native = len(self.times[True]) <= len(self.times[False])
        start = time.perf_counter()
        result = call(self.native if is_native else self.plain)
        self._note(is_native, time.perf_counter() - start)
        return result

    def _note(self, is_native: bool, seconds: float) -> None:
        self.times[is_native].append(seconds)
        if min(map(len, self.times.values())) <= TRIAL_ROUNDS or self.chosen is not None:
            return
        # The first calls found nothing in the cache.
        medians = {k: statistics.median(found[1:]) for k, found in self.times.items()}
        compared = f"{_duration(medians[True])} a call for {_duration(medians[False])}"
        if medians[True] < TAKEN_BELOW_SHARE * medians[False]:
            self.says, self.chosen = f"taken, {compared}", self.native
        else:
            self._keep_plain(f"not taken, {compared}")

    def _keep_plain(self, why: str) -> None:
        self.says, self.chosen, self.native = why, self.plain, None


class _Builder:
    """A thread that makes native forms, one after the other."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Tiers] = queue.SimpleQueue()
        self.lock = fork_safe(threading.Lock())
        self.thread: threading.Thread | None = None

    def put(self, tiers: Tiers) -> None:
        """Have a native form made."""
        self.waiting.put(tiers)
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._work, name="native code", daemon=True)
                self.thread.start()

    def _work(self) -> None:
        while True:
            self.waiting.get().build()


_builder = _Builder()


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"
