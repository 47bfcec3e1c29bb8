"""What is asked for, in values and in words, and which requests a corpus makes.

A request names the kind of piece, the instrument, the tempo, the mode and the dynamics. A
request about *order* names one of them twice: what it is at first and what it is then. Half of a
corpus's requests are about order, in pairs that differ in the order alone: both are worded by
the same template and the same synonyms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from whisq.rendered.scores import KINDS


@dataclass(frozen=True)
class Instrument:
    """A sound of the General MIDI bank.

    Attributes:
        program: General MIDI program, 0 to 127.
        centre: Pitch round which it is comfortable, as a MIDI number.
        family: Instruments of one family are confused more easily.
        words: What a prompt may call it, without an article.
        bottom: Lowest pitch that it plays, as a MIDI number.
        top: Highest. A few steps above, the font falls silent on some instruments and the
            synthesizer never ends on others, so this is a limit and not a matter of taste.
    """

    program: int
    centre: int
    family: str
    words: tuple[str, ...]
    bottom: int = 36
    top: int = 84


# Chosen: far enough apart in timbre to be told apart at 16 kHz, all common in prompts.
INSTRUMENTS: dict[str, Instrument] = {
    "piano": Instrument(0, 62, "keys", ("piano", "grand piano"), top=79),
    "harpsichord": Instrument(6, 62, "keys", ("harpsichord", "baroque harpsichord")),
    "music box": Instrument(10, 79, "bells", ("music box", "little music box"), top=96),
    "organ": Instrument(19, 60, "bellows", ("church organ", "pipe organ")),
    "accordion": Instrument(21, 65, "bellows", ("accordion", "squeezebox")),
    "guitar": Instrument(24, 57, "guitars", ("acoustic guitar", "nylon guitar")),
    "electric guitar": Instrument(
        30, 52, "guitars", ("distorted electric guitar", "overdriven electric guitar")
    ),
    "strings": Instrument(48, 62, "bowed", ("string orchestra", "string section")),
    "choir": Instrument(52, 62, "voices", ("choir", "wordless choir")),
    "trumpet": Instrument(56, 67, "brass", ("trumpet", "bright trumpet")),
    "saxophone": Instrument(66, 60, "woodwind", ("saxophone", "tenor saxophone")),
    "flute": Instrument(73, 76, "woodwind", ("flute", "concert flute"), top=96),
}

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

_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "kind": {
        "hymn": ("hymn", "chorale", "church hymn"),
        "reel": ("reel", "country dance tune", "jig"),
        "march": ("march", "military march", "marching tune"),
        "rag": ("rag", "ragtime piece", "ragtime dance"),
        "serenade": ("classical serenade", "serenade", "piece of classical chamber music"),
        "waltz": ("waltz", "waltz tune", "dance in three-four time"),
    },
    "tempo": {
        "slow": ("slow", "unhurried", "very slow"),
        "medium": ("moderate", "steady", "mid-tempo"),
        "fast": ("fast", "quick", "very fast"),
    },
    "mood": {
        "peaceful": ("peaceful", "calm", "serene"),
        "mournful": ("mournful", "sorrowful", "grieving"),
        "graceful": ("graceful", "pleasant", "gentle"),
        "wistful": ("wistful", "melancholy", "pensive"),
        "cheerful": ("cheerful", "joyful", "merry"),
        "agitated": ("agitated", "restless", "dramatic"),
    },
}

_MODES = {"major": "in a major key", "minor": "in a minor key"}

# How one half of a request about order is named; instruments and kinds take an article.
_HALVES: dict[str, dict[str, tuple[str, ...]]] = {
    "tempo": {
        "slow": ("a slow pace", "slow playing", "an unhurried tempo"),
        "medium": ("a moderate pace", "moderate playing", "a steady tempo"),
        "fast": ("a fast pace", "fast playing", "a hurried tempo"),
    },
    "dynamics": {
        "quiet": ("quiet playing", "a soft passage", "hushed music"),
        "even": ("even playing", "a half-loud passage", "music of medium loudness"),
        "loud": ("loud playing", "a thundering passage", "forceful music"),
    },
}

WHOLE = (
    "{Piece}.",
    "Please play {piece}.",
    "I would like to hear {piece}.",
    "{Piece}, suitable for a short film.",
    "Compose {piece} for a quiet evening at home.",
    "This is {piece}, recorded in a small hall.",
    "Background music: {piece}.",
    "{Piece} that a traveller might hear on a summer day.",
)
"""Sentences about a piece that stays the same throughout."""

ORDERED = (
    "{Piece} that opens with {a} and continues with {b}.",
    "{Piece}: {a} first, then {b}.",
    "{Piece} beginning with {a} and ending with {b}.",
    "Start with {a}, then change to {b}: {piece}.",
    "{Piece} moving from {a} to {b} half way through.",
    "{Piece} in two halves, {a} followed by {b}.",
    "First {a}, later {b}, all of it {piece}.",
    "{Piece}. It sets out with {a}; after a while {b} takes over.",
    "{Piece} that ends with {b} after an opening with {a}.",
    "{Piece} where {b} comes only after {a}.",
)
"""Sentences about an order. Two name the later half first, so that the order of mention alone
is not the answer either."""

# What the pairs are about, in turn.
# Chosen: instruments most, for they have the most pairs; dynamics and tempo next.
_ASPECTS = (
    *("instrument", "tempo", "instrument", "dynamics", "instrument", "kind"),
    *("instrument", "tempo", "instrument", "dynamics", "instrument", "tempo"),
)
# What a prompt about the whole mentions, and what a prompt about order does beside it, in turn.
_HELD = (
    ("kind", "instrument"),
    ("tempo", "instrument"),
    ("mood", "kind", "instrument"),
    ("tempo", "instrument"),
    ("kind", "tempo", "instrument"),
    ("mood", "instrument"),
    ("kind", "mode", "instrument"),
    ("tempo", "kind"),
)
_CONTEXT = ((), ("kind",), ("tempo",), ("instrument",), ("kind", "instrument"), ("kind", "tempo"))


@dataclass(frozen=True)
class Request:
    """What is asked for, and how it is worded.

    Attributes:
        kind: Kind of piece, one of `CHOICES["kind"]`.
        instrument: One of `CHOICES["instrument"]`.
        tempo: slow, medium or fast.
        mode: major or minor.
        dynamics: quiet, even or loud.
        held: What the prompt mentions, and is judged; "mood" is what tempo and mode make.
        order: The attribute that changes half way, or "". Never the mode: it is too little heard.
        then: The value that it changes to; what it is at first is its own field.
        template: Which form of sentence words it, from 0.
        wording: Which synonyms, from 0.
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
    """Read a request back from its row of ground truth.

    Args:
        row: Of `truth/prompts.csv` or `truth/clips.csv`, values as strings; the latter does not
            say how it was worded.

    Returns:
        The request; `sentence` words it as the row's prompt.
    """
    return Request(
        **{name: row[name] for name in (*CHOICES, "order", "then")},
        held=tuple(row.get("held", "").split()),
        template=int(row.get("template", 0)),
        wording=int(row.get("wording", 0)),
    )


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


def sentence(request: Request) -> str:
    """Word a request.

    Args:
        request: What is asked for; its template and wording choose the form and the synonyms.

    Returns:
        One or two sentences.
    """
    piece = _piece(request)
    forms = ORDERED if request.order else WHOLE
    form = forms[request.template % len(forms)]
    halves = {}
    if request.order:
        halves["a"] = _half(request, request.first)
        halves["b"] = _half(request, request.then)
    text = form.format(piece=piece, Piece=_capital(piece), **halves)
    return _capital(text)


def draw(counts: tuple[int, ...], rng: np.random.Generator) -> list[list[tuple[Request, str]]]:
    """Draw groups of requests, all worded differently.

    Args:
        counts: How many in each group.
        rng: Draws them.

    Returns:
        The groups, each in random order: requests and the names of their pairs, "" where they
        have none. Pairs are complete within their group, and half of it (to the even number
        below) is in pairs.
    """
    taken: set[str] = set()
    return [_group(count, f"{place}", taken, rng) for place, count in enumerate(counts)]


def _group(
    count: int, name: str, taken: set[str], rng: np.random.Generator
) -> list[tuple[Request, str]]:
    drawn: list[tuple[Request, str]] = []
    ordered = _turns(len(ORDERED), count // 4, rng)
    whole = _turns(len(WHOLE), count, rng)
    for number in range(count // 4):
        aspect = _ASPECTS[number % len(_ASPECTS)]
        request = _distinct(aspect, number, ordered[number], taken, rng)
        pair = f"{name}-{number + 1}"
        drawn += [(request, pair), (reverse(request), pair)]
    for number in range(count - len(drawn)):
        drawn.append((_distinct("", number, whole[number], taken, rng), ""))
    return [drawn[place] for place in rng.permutation(len(drawn))]


def _turns(choices: int, count: int, rng: np.random.Generator) -> list[int]:
    # Every choice about equally often, in random order.
    return rng.permutation(np.arange(count) % choices).tolist()


def _distinct(
    aspect: str, number: int, template: int, taken: set[str], rng: np.random.Generator
) -> Request:
    while True:
        request = _request(aspect, number, template, rng)
        words = {sentence(request)} | ({sentence(reverse(request))} if aspect else set())
        if not words & taken:
            taken |= words
            return request


def _request(aspect: str, number: int, template: int, rng: np.random.Generator) -> Request:
    values = {name: str(rng.choice(choices)) for name, choices in CHOICES.items()}
    values["dynamics"] = "even"
    then = ""
    if aspect:
        ends = CHOICES[aspect][:: len(CHOICES[aspect]) - 1]
        pair = ends if aspect in ("tempo", "dynamics") else CHOICES[aspect]
        values[aspect], then = (str(value) for value in rng.permutation(pair)[:2])
        context = _CONTEXT[rng.integers(len(_CONTEXT))]
        held = (aspect, *(name for name in context if name != aspect))
    else:
        held = _HELD[number % len(_HELD)]
    request = Request(**values, held=held, order=aspect, then=then)
    return replace(request, template=template, wording=int(rng.integers(6)))


def _piece(request: Request) -> str:
    # What changes half way is named by the sentence, not here.
    held = set(request.held) - {request.order}
    words = [
        _pick(_WORDS[name][getattr(request, name)], request)
        for name in ("mood", "tempo")
        if name in held
    ]
    words.append(
        _pick(_WORDS["kind"][request.kind], request) if "kind" in held else "piece of music"
    )
    text = _article(" ".join(words))
    if "mode" in held:
        text += f" {_MODES[request.mode]}"
    if "instrument" in held:
        text += f" for {_pick(INSTRUMENTS[request.instrument].words, request)}"
    return text


def _half(request: Request, value: str) -> str:
    if request.order == "instrument":
        return _article(_pick(INSTRUMENTS[value].words, request))
    if request.order == "kind":
        return _article(_pick(_WORDS["kind"][value], request))
    return _pick(_HALVES[request.order][value], request)


def _pick(words: tuple[str, ...], request: Request) -> str:
    return words[request.wording % len(words)]


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
