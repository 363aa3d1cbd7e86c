"""What a derivation as people write it consists of."""

from dataclasses import dataclass, field

FORMS = (
    "two functions",
    "forward, cost and backward apart",
    "one function",
    "upstream gradient",
    "class with self",
    "layer objects",
    "script",
)


@dataclass(frozen=True)
class Extra:
    """A mistake written by hand: what a text that occurs once in the source becomes."""

    kind: str
    before: str
    after: str
    causes: frozenset[str]


@dataclass(frozen=True, eq=False)
class Hand:
    """A correct derivation in the hand of one person.

    `source` is their text, with the inputs made in it. `call` is the expression that marks it,
    evaluated in the namespace of that text; a script's call finds the text as `TEXT`.

    `run` are the statements that derive the gradients. `gradients` has, by the name of a tensor
    that must be marked, the expression of its array and that of its gradient after `run`. `loss` is
    the expression that these are the gradients of; its arrays are perturbed in place. In a script
    there is nothing to run but its text: up to the end of the first round of the loop, or of the
    lines, that begin with `start`. Its arrays as they were at that start are in `before`.

    `derivation` names the functions and methods whose bodies are the derivation, or gives the text
    of a first and of a last line, each found once in the source. `convention` says in words what
    besides the plain gradient the person derives; gradients are clipped to `clip`.
    """

    name: str
    form: str
    source: str
    call: str
    gradients: dict[str, tuple[str, str]]
    derivation: tuple[str | tuple[str, str], ...]
    run: str = ""
    loss: str = "loss"
    start: str = ""
    convention: str = ""
    clip: float | None = None
    extra: tuple[Extra, ...] = field(default=(), repr=False)

    @property
    def is_script(self) -> bool:
        return self.form == "script"

    @property
    def has_free_length(self) -> bool:
        """Whether the gradients are steps of the parameters, whose length is the person's."""
        return all("before[" in gradient for _, gradient in self.gradients.values())


def wrong(kind: str, before: str, after: str, *causes: str) -> Extra:
    """A mistake written by hand."""
    return Extra(kind, before, after, frozenset(causes))
