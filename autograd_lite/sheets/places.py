"""The places of statements within the calls of a function."""

from __future__ import annotations

from autograd_lite.sheets.running import Execution, Frame


class Places:
    """The calls and statements that enclose each statement."""

    def __init__(self, top: Frame) -> None:
        self.frame: dict[Execution, Frame] = {}
        self._frames: dict[Frame, tuple[Frame, ...]] = {top: (top,)}
        self._outer: dict[Execution, tuple[Execution, ...]] = {}
        stack: list[tuple[Frame, tuple[Execution, ...]]] = [(top, ())]
        while stack:
            frame, outer = stack.pop()
            for execution in frame.executions:
                self.frame[execution] = frame
                self._outer[execution] = inside = (*outer, execution)
                for call in execution.calls:
                    self._frames[call] = (*self._frames[frame], call)
                    stack.append((call, inside))

    def frames(self, execution: Execution) -> tuple[Frame, ...]:
        """The calls in which a statement runs, the outermost first."""
        return self._frames[self.frame[execution]]

    def depth(self, frame: Frame) -> int:
        """The depth of a call, counted from the top."""
        return len(self._frames[frame])

    def around(self, execution: Execution) -> tuple[Execution, ...]:
        """A statement and those in which it runs, the outermost first."""
        return self._outer[execution]

    def is_within(self, inner: Execution | None, outer: Execution) -> bool:
        """Whether `inner` is `outer`, or runs in a function that `outer` calls."""
        return inner is not None and outer in self._outer[inner]

    def call_within(self, inner: Execution, outer: Execution) -> Frame | None:
        """The call made by `outer` in which `inner` runs; None if `inner` is `outer` itself."""
        depth = len(self._outer[outer])
        chain = self._outer[inner]
        return self.frame[chain[depth]] if len(chain) > depth else None
