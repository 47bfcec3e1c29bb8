"""What a prompt asks for, as values rather than words.

A request names the kind of piece, the instrument, the tempo, the mode and the dynamics. A
request about *order* names one of them twice: what it is at first and what it is then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from whisq.rendered.instruments import INSTRUMENTS
from whisq.rendered.scores import KINDS

CHOICES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "instrument": tuple(INSTRUMENTS),
    "tempo": ("slow", "medium", "fast"),
    "mode": ("major", "minor"),
    "dynamics": ("quiet", "even", "loud"),
}
"""The values that each attribute can take; tempo and dynamics are in rising order."""

MOODS = {
    ("slow", "major"): "peaceful",
    ("slow", "minor"): "mournful",
    ("medium", "major"): "graceful",
    ("medium", "minor"): "wistful",
    ("fast", "major"): "cheerful",
    ("fast", "minor"): "agitated",
}
"""The mood that a tempo and a mode make together."""


@dataclass(frozen=True)
class Request:
    """What is asked for, and how it is worded.

    Attributes:
        kind: Kind of piece, one of `CHOICES["kind"]`.
        instrument: One of `CHOICES["instrument"]`.
        tempo: slow, medium or fast.
        mode: major or minor.
        dynamics: quiet, even or loud.
        held: The attributes that the prompt mentions, and that are therefore judged; may hold
            "mood", which tempo and mode make.
        order: The attribute that changes half way, or "" when nothing does. Any but the mode:
            it is too little heard to be asked for in halves.
        then: The value that it changes to; what it is at first is its own field.
        template: Which form of sentence words the request, from 0.
        wording: Which synonyms word it, from 0.
    """

    kind: str
    instrument: str
    tempo: str
    mode: str
    dynamics: str = "even"
    held: tuple[str, ...] = ()
    order: str = ""
    then: str = ""
    template: int = 0
    wording: int = 0

    @property
    def mood(self) -> str:
        """The mood of the first half."""
        return MOODS[self.tempo, self.mode]

    @property
    def judged(self) -> tuple[str, ...]:
        """The attributes that the prompt binds throughout; a mood binds tempo and mode."""
        held = {*self.held, *(("tempo", "mode") if "mood" in self.held else ())}
        return tuple(name for name in CHOICES if name in held and name != self.order)

    @property
    def first(self) -> str:
        """What the changing attribute is at first; "" when nothing changes."""
        return getattr(self, self.order) if self.order else ""


def from_row(row: Mapping[str, str]) -> Request:
    """Rebuild a request from its row in `truth/prompts.csv`.

    Args:
        row: The row's values as strings.

    Returns:
        The request; `prompts.sentence` words it as the row's prompt.
    """
    values = {name: row[name] for name in (*CHOICES, "order", "then")}
    template, wording = int(row["template"]), int(row["wording"])
    return Request(**values, held=tuple(row["held"].split()), template=template, wording=wording)


def reverse(request: Request) -> Request:
    """Ask for the same two halves in the other order, in the same words.

    Args:
        request: A request about order.

    Returns:
        The reversed request.

    Raises:
        ValueError: The request is not about order.
    """
    if not request.order:
        raise ValueError(f"only a request about order can be reversed, not {request}")
    return replace(request, **{request.order: request.then}, then=request.first)


def change(request: Request, attribute: str, rng: np.random.Generator) -> Request:
    """Ask for another value of one attribute, all else the same.

    Args:
        request: Any request.
        attribute: Which attribute: kind, instrument, tempo, mode or dynamics.
        rng: Picks the new value.

    Returns:
        The changed request; of an attribute that changes half way, its first value is new.

    Raises:
        ValueError: The attribute is unknown, or has no other value left to take.
    """
    others = [value for value in CHOICES.get(attribute, ()) if value != getattr(request, attribute)]
    if attribute == request.order:
        others = [value for value in others if value != request.then]
    if not others:
        raise ValueError(f"{attribute!r} has no other value to take in {request}")
    return replace(request, **{attribute: others[rng.integers(len(others))]})
