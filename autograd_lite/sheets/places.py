"""Places of statements in the calls of a function."""

from __future__ import annotations

from autograd_lite.sheets.running import Execution, Frame


class Places:
    """The calls and statements around each statement."""

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
        """The calls that a statement runs in, the outermost first."""
        return self._frames[self.frame[execution]]

    def depth(self, frame: Frame) -> int:
        """How many calls a call is inside of."""
        return len(self._frames[frame])

    def around(self, execution: Execution) -> tuple[Execution, ...]:
        """A statement and those that it runs in, the outermost first."""
        return self._outer[execution]

    def is_within(self, inner: Execution | None, outer: Execution) -> bool:
        """Whether a statement is another, or runs in a function that the other calls."""
        return inner is not None and outer in self._outer[inner]

    def call_within(self, inner: Execution, outer: Execution) -> Frame | None:
        """The call by the statement `outer` that `inner` runs in; None if it is `outer` itself."""
        depth = len(self._outer[outer])
        chain = self._outer[inner]
        return self.frame[chain[depth]] if len(chain) > depth else None
