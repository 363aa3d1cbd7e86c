"""What the marker says of mutants, judged and counted."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from derivations.hands.hand import Hand
from derivations.hands.mutants import Mutant
from derivations.hands.running import report_on


@dataclass(frozen=True)
class Verdict:
    """The lines that are blamed for a mutant, with their causes; `error` where marking raised."""

    mutant: Mutant
    blamed: tuple[tuple[int | None, str | None], ...]
    error: str = ""

    @property
    def located(self) -> bool:
        """Whether exactly the wrong line is blamed, or exactly one that explains the same."""
        lines = {line for line, _ in self.blamed}
        return len(lines) == 1 and lines <= self.mutant.causes.keys()

    @property
    def cause(self) -> str:
        """Whether the causes named for wrong lines are "right", "unknown", or "wrong"."""
        said = [
            "unknown"
            if cause in (None, "unknown")
            else "right"
            if cause in self.mutant.causes[line]
            else "wrong"
            for line, cause in self.blamed
            if line in self.mutant.causes
        ]
        return next((v for v in ("wrong", "unknown") if v in said), "right" if said else "unknown")

    @property
    def astray(self) -> bool:
        """Whether a cause is named for a line that is right."""
        return any(
            cause not in (None, "unknown") and line not in self.mutant.causes
            for line, cause in self.blamed
        )

    def __str__(self) -> str:
        allowed = {line: sorted(causes) for line, causes in self.mutant.causes.items()}
        return (
            f"{self.mutant.id}\n    {self.mutant.change}\n    expected {allowed}"
            f"\n    got {self.error or list(self.blamed)}"
        )


def verdict(mutant: Mutant) -> Verdict:
    """The marker's verdict on a mutant."""
    try:
        report = report_on(mutant.hand, mutant.text, mutant.id)
    except Exception as error:
        return Verdict(mutant, (), f"{type(error).__name__}: {error}")
    return Verdict(mutant, tuple((n.line, n.cause) for n in report if n.status == "wrong"))


def false_alarm(hand: Hand) -> str:
    """What the marker says against a right derivation, or leaves unmarked; "" if nothing."""
    try:
        report = report_on(hand, hand.source, hand.name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    wrong = [
        f"{n.name} {n.status}, line {n.line}, {n.cause}" for n in report if n.status != "correct"
    ]
    if not report.ok:
        return "; ".join(wrong)
    marked = {n.tensor for n in report} | {n.name for n in report}
    unmarked = [name for name in hand.gradients if name not in marked]
    return f"not marked: {', '.join(unmarked)}" if unmarked else ""


def table(verdicts: list[Verdict], key: Callable[[Mutant], str], title: str) -> str:
    """For each group of mutants: how many, located, and causes right, unknown and wrong.

    The last column counts those of which a cause is named for a line that is right.
    """
    columns = f"{'mutants':>8}{'located':>9}{'right':>8}{'unknown':>9}{'wrong':>7}{'astray':>8}"
    rows = [f"{title:62}{columns}"]
    groups: dict[str, list[Verdict]] = {}
    for found in verdicts:
        groups.setdefault(key(found.mutant), []).append(found)
    for name, chosen in [*groups.items(), ("all", verdicts)]:
        causes = Counter(v.cause for v in chosen)
        rows.append(
            f"{name:62}{len(chosen):8}{sum(v.located for v in chosen):9}"
            f"{causes['right']:8}{causes['unknown']:9}{causes['wrong']:7}"
            f"{sum(v.astray for v in chosen):8}"
        )
    return "\n".join(rows)


def every(mutants: Iterable[Mutant], step: int) -> list[Mutant]:
    """One mutant out of so many."""
    return list(mutants)[::step]
