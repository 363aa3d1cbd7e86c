"""Edits: changes to a statement, each of which would undo a common mistake.

A source of edits is a function that takes a `Line`, one statement of the backward pass with the
values known there, and yields edits, the likeliest first. To add one, write the function into the
module of its kind and list it in a table here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autograd_lite.check.marking.edits.activations import (
    derivatives,
    missing_derivatives,
    missing_factors,
    other_slopes,
    tanh_slopes,
    whole_slopes,
)
from autograd_lite.check.marking.edits.conditions import conditions
from autograd_lite.check.marking.edits.factors import (
    carried,
    factors,
    lacking_as_returned,
    masks,
    numbers,
    opposite,
    scaled_like_others,
    signs,
    terms,
    unused,
)
from autograd_lite.check.marking.edits.helpers import (
    arguments,
    called_anew,
    called_as_factors,
    other_functions,
    slopes_of_functions,
)
from autograd_lite.check.marking.edits.line import Edit, Line
from autograd_lite.check.marking.edits.loops import rounds
from autograd_lite.check.marking.edits.measured import (
    factors_after_loops,
    left_out_factors,
    measured_factors,
    measured_terms,
)
from autograd_lite.check.marking.edits.operands import (
    exchanged,
    exchanged_operands,
    flipped,
    indices,
    layers,
    limits,
    of_the_forward_pass,
    operands,
    other_numbers,
    reduced,
    renamed,
    strides,
    too_early,
    values_for_products,
)
from autograd_lite.check.marking.edits.products import (
    calls,
    products,
    slopes_of_calls,
    sums,
    transposes,
)
from autograd_lite.check.marking.edits.statements import (
    centred,
    left_out,
    missing_paths,
    statements,
)

Source = Callable[[Line], Iterator[Edit]]

FIRST_EDITS: tuple[Source, ...] = (
    *(
        too_early,
        statements,
        masks,
        signs,
        opposite,
        unused,
        calls,
        products,
        transposes,
        indices,
        numbers,
        factors,
    ),
    *(tanh_slopes, terms, arguments),
)

SECOND_EDITS: tuple[Source, ...] = (
    *(
        operands,
        other_numbers,
        exchanged,
        exchanged_operands,
        of_the_forward_pass,
        reduced,
        renamed,
        strides,
        flipped,
        other_functions,
        slopes_of_functions,
        other_slopes,
        derivatives,
        layers,
        measured_factors,
        sums,
        slopes_of_calls,
    ),
)

EDITS = FIRST_EDITS + SECOND_EDITS

LATER_EDITS: tuple[Source, ...] = (
    *(missing_paths, missing_factors, measured_terms, missing_derivatives, centred, limits),
    *(called_as_factors, called_anew, values_for_products),
)

MEASURED: tuple[Source, ...] = (missing_factors, measured_terms)

TERMS: tuple[Source, ...] = (centred, measured_terms)

RETURNED: tuple[Source, ...] = (scaled_like_others, lacking_as_returned)

CARRIED: tuple[Source, ...] = (carried,)

HEADS: tuple[Source, ...] = (rounds, conditions)

INSERTED: tuple[Source, ...] = (left_out,)

LACKING: tuple[Source, ...] = (left_out_factors, factors_after_loops)

WRITTEN_ANEW: tuple[Source, ...] = (whole_slopes,)

ALL_EDITS = EDITS + LATER_EDITS

__all__ = [
    "ALL_EDITS",
    "CARRIED",
    "EDITS",
    "FIRST_EDITS",
    "INSERTED",
    "LACKING",
    "LATER_EDITS",
    "MEASURED",
    "HEADS",
    "RETURNED",
    "SECOND_EDITS",
    "TERMS",
    "WRITTEN_ANEW",
    "Edit",
    "Line",
    "Source",
]
