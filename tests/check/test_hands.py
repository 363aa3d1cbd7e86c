"""Marking derivations as people write them: each right as it stands, and with one mistake."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from derivations.hands import HANDS
from derivations.hands.hand import FORMS, Hand
from derivations.hands.kinds import KINDS
from derivations.hands.mutants import corpus
from derivations.hands.running import differences_of, gradients_of
from derivations.hands.verdicts import Verdict, every, false_alarm, table, verdict
from derivations.running import on_every_core

from autograd_lite.check.marking import mark

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

LOCATED, RIGHT_CAUSE, WRONG_CAUSE = 0.97, 0.93, 0.005
"""What is required of the corpus, whatever the speed of the machine; one in eight is tried."""

OF_FEW = 0.95, 0.92, 0.02
"""What is required of a few mutants, of which a single one is 2 %."""

SLOW_MACHINE_SECONDS = 12.0
"""The time for a search in the slow test, so that the machine does not decide."""

hands = pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand.name.replace(" ", "_"))


def verdicts(hands: tuple[Hand, ...], step: int) -> list[Verdict]:
    return on_every_core(verdict, every(corpus(hands).mutants, step))


def assert_few(chosen: list[Verdict], of: list[Verdict], share: float) -> None:
    assert len(chosen) <= share * len(of), "\n".join(
        [*map(str, chosen), f"{len(chosen)} of {len(of)}"]
    )


@hands
@pytest.mark.one_in(5)
def test_hands_are_right_by_differences_of_their_own_loss(hand):
    derived, expected = gradients_of(hand, hand.source, hand.name), differences_of(hand)
    for name, gradient in derived.items():
        wanted = expected[name] if hand.clip is None else expected[name].clip(-hand.clip, hand.clip)
        assert gradient.size == wanted.size, name
        largest = np.max(np.abs(wanted))
        assert largest > 1e-3, name
        difference = np.max(np.abs(gradient.reshape(wanted.shape) - wanted))
        assert difference < 1e-5 * largest, name


def test_hands_are_of_all_forms_and_have_names_of_their_own():
    assert {hand.form for hand in HANDS} == set(FORMS)
    assert min(Counter(hand.form for hand in HANDS).values()) >= 6
    assert len({hand.name for hand in HANDS}) == len(HANDS) >= 45


@pytest.mark.slow
def test_mutants_are_many_and_differ():
    found = corpus()
    assert len(found.mutants) >= 3000
    assert len({mutant.id for mutant in found.mutants}) == len(found.mutants)
    assert len({(m.hand.name, m.text) for m in found.mutants}) == len(found.mutants)
    assert {mutant.kind for mutant in found.mutants} >= set(KINDS)
    assert len(found.raising) >= 300


@pytest.mark.slow
def test_mutants_differ_from_their_hand_in_the_lines_that_may_be_blamed():
    for mutant in corpus().mutants:
        before, after = mutant.hand.source.splitlines(), mutant.text.splitlines()
        changed = {
            n for n, pair in enumerate(zip(before, after, strict=True), 1) if len({*pair}) > 1
        }
        assert mutant.line in mutant.causes
        assert changed & mutant.causes.keys(), mutant.id


@pytest.mark.slow
def test_of_mutants_that_raise_the_line_is_known():
    for found in corpus().raising:
        assert found.line is not None, found.mutant.id
        assert ast.parse(found.mutant.text)


@pytest.mark.slow
def test_mutants_do_not_depend_on_the_order_of_hashes():
    program = (
        "from derivations.hands import HANDS; from derivations.hands.mutants import corpus\n"
        "print([(m.id, m.text, m.causes.keys()) for m in corpus(tuple(HANDS[::9])).mutants])"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join([".", "..", *sys.path])},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


@hands
def test_right_derivations_are_called_right_as_they_stand(hand):
    assert false_alarm(hand) == ""


def assert_good(found: list[Verdict], located: float, right: float, wrong: float) -> None:
    print("\n" + table(found, lambda mutant: mutant.hand.form, "form"))
    assert_few([v for v in found if not v.located], found, 1 - located)
    assert_few([v for v in found if v.cause != "right"], found, 1 - right)
    assert_few([v for v in found if v.cause == "wrong"], found, wrong)


@pytest.mark.slow
def test_the_wrong_line_of_a_few_is_found_and_the_cause_named():
    assert_good(verdicts(tuple(HANDS[::16]), 8), *OF_FEW)


@pytest.mark.first
@pytest.mark.slow
def test_the_wrong_line_is_found_and_the_cause_named(monkeypatch):
    monkeypatch.setattr(mark, "SEARCH_SECONDS", SLOW_MACHINE_SECONDS)
    assert_good(verdicts(tuple(HANDS), 16), LOCATED, RIGHT_CAUSE, WRONG_CAUSE)
