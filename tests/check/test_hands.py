"""Marking derivations as people write them: each right as it stands, and with one mistake."""

import numpy as np
import pytest
from derivations.hands import HANDS
from derivations.hands.hand import FORMS
from derivations.hands.running import differences_of, gradients_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

hands = pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand.name.replace(" ", "_"))


@hands
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
    assert len({hand.name for hand in HANDS}) == len(HANDS)
