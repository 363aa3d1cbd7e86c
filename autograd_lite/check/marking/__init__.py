"""Marking a derivation, told as a story.

`forms` binds what a person gave, `forward` runs and records the forward pass, `handed_in` finds the
gradients in the backward pass, `chain_rule` and `evidence` say which are wrong in themselves,
`wrong_line` and `edits` which line, and why; `verdicts`, `explanations` and `remarks` put it into
words. `mark` calls them in that order.
"""
