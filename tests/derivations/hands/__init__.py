"""The second corpus: derivations in the hands of many people, in seven forms."""

from derivations.hands.apart import APART
from derivations.hands.classes import CLASSES
from derivations.hands.hand import Hand
from derivations.hands.layer_objects import LAYER_OBJECTS
from derivations.hands.one_function import ONE_FUNCTION
from derivations.hands.scripts import SCRIPTS
from derivations.hands.two_functions import TWO_FUNCTIONS
from derivations.hands.upstream import UPSTREAM

HANDS: list[Hand] = [
    *TWO_FUNCTIONS,
    *APART,
    *ONE_FUNCTION,
    *UPSTREAM,
    *CLASSES,
    *LAYER_OBJECTS,
    *SCRIPTS,
]
