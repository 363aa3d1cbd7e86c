"""Marking derivations: correct passes in every convention, and mistakes made on purpose."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from derivations.exact import derived_gradients, exact_gradients, sample_count, wrong_by_propagation
from derivations.mutations import Mutant, corpus, counts, run_of
from derivations.passes import PASSES, Pass
from derivations.running import load, on_every_core
from derivations.variants import at_zero, conventions

import autograd_lite as al

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SOME, ALL = tuple(PASSES[::5]), tuple(PASSES)
some_and_all = pytest.mark.parametrize(
    "passes", [SOME, pytest.param(ALL, marks=pytest.mark.slow)], ids=["some", "all"]
)

few_and_more = pytest.mark.parametrize(
    "passes",
    [
        tuple(PASSES[::25]),
        *(
            pytest.param(passes, marks=[pytest.mark.slow, pytest.mark.first])
            for passes in (SOME, tuple(PASSES[1::6]))
        ),
    ],
    ids=["few", "some", "more"],
)

LOCATED, RIGHT_CAUSE, WRONG_CAUSE = 0.99, 0.95, 0.005


@dataclass(frozen=True)
class Outcome:
    """What the marker says of a mutant: `verdict` of its causes is right, unknown or wrong."""

    mutant: Mutant
    found: dict[str, str | None]
    error: str = ""

    @property
    def located(self) -> bool:
        return set(self.found) in (self.mutant.wrong, *self.mutant.alternatives)

    @property
    def verdict(self) -> str:
        """Right if all causes are, wrong if one is; of lines that are wrong and called so."""
        causes = [self.of_line(name) for name in self.found if name in self.mutant.wrong]
        if not causes:
            return "unknown"
        return next((v for v in ("wrong", "unknown") if v in causes), "right")

    def of_line(self, name: str) -> str:
        cause = self.found[name]
        if cause in (None, "unknown"):
            return "unknown"
        return "right" if cause in self.mutant.causes[name] else "wrong"

    def __str__(self) -> str:
        expected = {name: sorted(causes) for name, causes in self.mutant.causes.items()}
        also = f" or wrong are {[sorted(a) for a in self.mutant.alternatives]}"
        lines = "\n".join(f"    {line}" for line in self.mutant.source_lines)
        return (
            f"{self.mutant.id}\n{lines}\n    expected {expected}"
            f"{also if self.mutant.ambiguous else ''}\n    got {self.error or self.found}"
        )


def mark(source: str, name: str, inputs: tuple):
    """The marker's report on a source text."""
    forward, backward = load(source, name)
    return al.check_derivation(forward, backward, *inputs)


def outcome(mutant: Mutant) -> Outcome:
    try:
        report = mark(mutant.source, mutant.id, mutant.passed.make_inputs())
    except Exception as error:
        return Outcome(mutant, {}, f"{type(error).__name__}: {error}")
    found: dict[str, str | None] = {}
    for line in report:
        if line.status == "wrong":
            # The line of a variable that is no gradient is named where the mistake is there.
            names = mutant.helpers.get(line.name, (line.name,))
            found |= dict.fromkeys(names, line.cause)
    return Outcome(mutant, found)


def outcomes(passes: tuple[Pass, ...]) -> list[Outcome]:
    return on_every_core(outcome, corpus(passes).mutants)


def table(outcomes: list[Outcome]) -> str:
    """For each kind: mutants, share located, and share of the causes that are right and not."""
    rows = [f"{'kind':32}{'mutants':>8}{'located':>9}{'right':>8}{'unknown':>9}{'wrong':>7}"]
    kinds = [*dict.fromkeys(o.mutant.kind for o in outcomes), "all"]
    for kind in kinds:
        chosen = [o for o in outcomes if kind in (o.mutant.kind, "all")]
        verdicts = Counter(o.verdict for o in chosen)
        rows.append(
            f"{kind:32}{len(chosen):8}{sum(o.located for o in chosen):9}"
            f"{verdicts['right']:8}{verdicts['unknown']:9}{verdicts['wrong']:7}"
        )
    return "\n".join(rows)


def assert_few(chosen: list[Outcome], outcomes: list[Outcome], share: float) -> None:
    assert len(chosen) <= share * len(outcomes), (
        "\n".join(map(str, chosen)) + f"\n{len(chosen)} of {len(outcomes)}"
    )


@pytest.mark.parametrize("passed", PASSES, ids=lambda passed: passed.name)
def test_passes_agree_with_autodiff(passed):
    exact, derived = exact_gradients(passed), derived_gradients(passed)
    assert list(derived) == list(passed.gradients)
    for name, gradient in derived.items():
        summed = passed.convention == "summed" and name not in passed.parameters
        expected = exact[name] * (sample_count(passed) if summed else 1)
        assert gradient.shape == expected.shape
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("passed", [*conventions()], ids=lambda passed: passed.name)
def test_conventions_differ_by_the_number_of_samples_alone(passed):
    exact, derived = exact_gradients(passed), derived_gradients(passed)
    count = sample_count(passed)
    for names in (set(passed.parameters), set(passed.gradients) - set(passed.parameters)):
        shares = {np.sum(derived[n] * exact[n]) / np.sum(exact[n] ** 2) for n in names}
        assert {round(share, 6) for share in shares} in ({1}, {count})


@pytest.mark.slow
def test_mutants_are_many():
    found = corpus()
    print("\n" + counts(found.mutants))
    print(f"{len(found.raising):5d}  raise")
    assert len(found.mutants) >= 400
    assert sum(mutant.kind == "pair" for mutant in found.mutants) >= 60
    assert len(found.raising) >= 50


@some_and_all
@pytest.mark.slow
def test_mutants_differ(passes):
    found = corpus(passes)
    assert len({mutant.id for mutant in found.mutants}) == len(found.mutants)
    assert all(mutant.wrong <= mutant.assigned for mutant in found.mutants)
    assert all(mutant.source != mutant.passed.source for mutant in found.mutants)


@some_and_all
def test_what_is_wrong_agrees_with_errors_carried_on_by_autodiff(passes):
    for mutant in corpus(passes).mutants:
        gradients, exact = run_of(mutant).gradients, exact_gradients(mutant.passed)
        if all(gradients[name].shape == exact[name].shape for name in exact):
            assert wrong_by_propagation(mutant.passed, gradients) == mutant.wrong, mutant.id


@some_and_all
def test_of_mutants_that_raise_the_line_is_known(passes):
    raising = corpus(passes).raising
    assert raising
    for found in raising:
        before_backward = found.mutant.source[: found.mutant.source.index("def backward")]
        assert found.line is not None
        assert found.line > before_backward.count("\n")


@pytest.mark.parametrize("passed", [*conventions(), *at_zero()], ids=lambda passed: passed.name)
def test_correct_passes_are_ok_in_every_convention(passed: Pass):
    report = mark(passed.source, passed.name, passed.make_inputs())
    assert report.ok, str(report)
    assert {line.name for line in report} >= set(passed.gradients)


@few_and_more
def test_the_wrong_lines_are_found_and_the_causes_named(passes):
    found = outcomes(passes)
    print("\n" + table(found))
    assert_few([o for o in found if not o.located], found, 1 - LOCATED)
    assert_few([o for o in found if o.verdict != "right"], found, 1 - RIGHT_CAUSE)
    assert_few([o for o in found if o.verdict == "wrong"], found, WRONG_CAUSE)
