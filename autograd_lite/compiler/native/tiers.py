"""Tiers: a program runs as NumPy's calls at once, and as native code once that is ready and faster.

Native code is made beside the program, which goes on meanwhile. Then both run in turns on the calls
that come, until it is clear which takes less time.
"""

from __future__ import annotations

import importlib.util
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from autograd_lite.compiler.lowering import Lowered
from autograd_lite.compiler.native.cut import Blocks
from autograd_lite.forks import fork_safe

BUILD_FROM_CALLS = 3
"""Native code is made for a program from this call on: one that runs once is done before it is."""

STEPS_LIMIT = 1000
"""Longer programs stay as they are: compiling them takes minutes."""

TRIAL_ROUNDS = 7
TAKEN_BELOW_SHARE = 0.95
"""Native code is taken if its share of the time of NumPy's calls is below this."""


def is_available() -> bool:
    """Whether Numba is installed, and SciPy, since Numba calls BLAS through it."""
    return all(importlib.util.find_spec(name) for name in ("numba", "scipy"))


class Tiers:
    """The choice between the forms of one program.

    `lower` prints the native forms, the one to take unmeasured first. `says` is the state in words,
    and `chosen` the form that is taken for good, as soon as there is one.
    """

    def __init__(self, plain: Lowered, lower: Callable[[], list[Lowered]], is_kept: bool) -> None:
        self.plain: Lowered = plain
        self.lower = lower
        self.is_kept: bool = is_kept
        self.forms: list[Lowered] = [plain]
        self.times: list[list[float]] = []
        self.chosen: Lowered | None = None
        self.calls: int = 0
        self.says: str = f"made from call {BUILD_FROM_CALLS} on"

    def build(self) -> None:
        """Make the native forms."""
        from autograd_lite.compiler.native.build import BuildError, built

        if len(self.plain.items) > STEPS_LIMIT:
            self._keep_plain(f"not made: the program has more than {STEPS_LIMIT} steps")
            return
        try:
            forms = [form for form in self.lower() if form.natives]
            if not forms:
                self._keep_plain("no steps that have a native form")
                return
            for form in forms:
                form.namespace.update(built(form.natives, self.is_kept))
        except BuildError as error:
            self._keep_plain(f"not made: {error}")
            return
        except Exception as error:
            # The program runs as it is, whatever the compiler thinks of it.
            self._keep_plain(f"not made: {type(error).__name__}: {error}")
            return
        self.says = "measured against NumPy's calls"
        self.times = [[] for _ in (self.plain, *forms)]
        self.forms = [self.plain, *forms]

    def take_native(self) -> None:
        """Take the first native form, if there is one, without measuring it."""
        if len(self.forms) > 1:
            self.says = f"taken as asked for{_cut(self.forms[1])}"
            self.chosen = self.forms[1]

    def run(self, call: Callable[[Lowered], Any]) -> Any:
        """Run the program in one of its forms, and find out which is the fastest."""
        forms = self.forms
        if len(forms) == 1:
            self.calls += 1
            if self.calls == BUILD_FROM_CALLS:
                self.says = "being made"
                _builder.put(self)
            return call(self.plain)
        counts = [len(found) for found in self.times]
        turn = counts.index(min(counts))
        start = time.perf_counter()
        result = call(forms[turn])
        self._note(turn, time.perf_counter() - start)
        return result

    def _note(self, turn: int, seconds: float) -> None:
        self.times[turn].append(seconds)
        if min(map(len, self.times)) <= TRIAL_ROUNDS or self.chosen is not None:
            return
        # The least: what else the machine does at the time can only take longer.
        least = list(map(min, self.times))
        best = min(range(1, len(least)), key=least.__getitem__)
        compared = f"{_duration(least[best])} a call for {_duration(least[0])}"
        if least[best] < TAKEN_BELOW_SHARE * least[0]:
            self.chosen = self.forms[best]
            self.says = f"taken, {compared}{_cut(self.chosen)}"
        else:
            self._keep_plain(f"not taken, {compared}")

    def _keep_plain(self, why: str) -> None:
        self.says, self.chosen = why, self.plain
        self.forms = [self.plain]


def _cut(form: Lowered) -> str:
    """The words for a form that runs in blocks of samples."""
    blocks = [item for item in form.items if isinstance(item, Blocks)]
    return "".join(f", {b.cut.block} of {b.cut.length} samples at a time" for b in blocks)


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
