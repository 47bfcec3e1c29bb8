"""Requests put into English: what a user would type.

The two members of a pair that differ in their order alone are worded by the same template and
the same synonyms, so nothing but the order of the words tells them apart.
"""

from __future__ import annotations

import numpy as np

from whisq.rendered.instruments import INSTRUMENTS
from whisq.rendered.requests import Request, change

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
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

MODES = {"major": "in a major key", "minor": "in a minor key"}

HALVES: dict[str, dict[str, tuple[str, ...]]] = {
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
"""How one half of a request about order is named; instruments and kinds take an article."""

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


def changed(request: Request, attribute: str, rng: np.random.Generator) -> str:
    """Word the same request with another value of one attribute.

    Args:
        request: What was asked for; it must hold the attribute for the words to differ.
        attribute: Which attribute: kind, instrument, tempo, mode or dynamics.
        rng: Picks the new value.

    Returns:
        The sentence, of the same form and synonyms but for that attribute.
    """
    return sentence(change(request, attribute, rng))


def _piece(request: Request) -> str:
    # What changes half way is named by the sentence, not here.
    held = set(request.held) - {request.order}
    words = [
        _pick(WORDS[name][getattr(request, name)], request)
        for name in ("mood", "tempo")
        if name in held
    ]
    words.append(
        _pick(WORDS["kind"][request.kind], request) if "kind" in held else "piece of music"
    )
    text = _article(" ".join(words))
    if "mode" in held:
        text += f" {MODES[request.mode]}"
    if "instrument" in held:
        text += f" for {_pick(INSTRUMENTS[request.instrument].words, request)}"
    return text


def _half(request: Request, value: str) -> str:
    if request.order == "instrument":
        return _article(_pick(INSTRUMENTS[value].words, request))
    if request.order == "kind":
        return _article(_pick(WORDS["kind"][value], request))
    return _pick(HALVES[request.order][value], request)


def _pick(words: tuple[str, ...], request: Request) -> str:
    return words[request.wording % len(words)]


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
