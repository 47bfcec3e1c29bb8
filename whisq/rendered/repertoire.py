"""What can be played and how it is called: scores by `vocabulary.toml`, bands by `bands.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np


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
    words: list[str]
    bottom: int = 36
    top: int = 84

    def fit(self, pitch: np.ndarray) -> np.ndarray:
        """Return notes (at least one) moved by whole octaves to where the instrument plays them.

        Their median comes near its centre, all of them within its range.
        """
        return self.fold(pitch + int(12 * np.round((self.centre - np.median(pitch)) / 12)))

    def fold(self, pitch: np.ndarray) -> np.ndarray:
        """Return notes, those outside the range brought into it by whole octaves."""
        above = np.maximum(pitch - self.top, 0)
        below = np.maximum(self.bottom - pitch, 0)
        return pitch - 12 * -(-above // 12) + 12 * -(-below // 12)


def _words(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


_SCORES, _BANDS = _words("vocabulary.toml"), _words("bands.toml")

VOCABULARY: dict[str, dict[str, Any]] = {
    **_BANDS,
    **_SCORES,
    **{name: _SCORES[name] | _BANDS[name] for name in ("kind", "instrument")},
}
"""What can be played and how it is called, by attribute and value; the files say more."""

PLAYERS = {
    name: Instrument(family="", words=[], **facts) for name, facts in _BANDS["player"].items()
}
"""Who plays in bands."""

INSTRUMENTS = {
    **{name: Instrument(**facts) for name, facts in _SCORES["instrument"].items()},
    **{
        name: replace(PLAYERS[facts["lead"]], family=facts["family"], words=facts["words"])
        for name, facts in _BANDS["instrument"].items()
    },
}
"""What an instrument of a request is; of a band, who leads."""

CHOICES: dict[str, tuple[str, ...]] = {
    "kind": tuple(_SCORES["kind"]),
    "instrument": tuple(_SCORES["instrument"]),
    "tempo": ("slow", "medium", "fast"),
    "mode": ("major", "minor"),
    "dynamics": ("quiet", "even", "loud"),
}
"""The values that each attribute can take; tempo and dynamics are in rising order."""


@dataclass(frozen=True)
class Repertoire:
    """What can be asked of the same players, and the sentences that ask for it.

    Attributes:
        choices: As `CHOICES`.
        whole: Sentences about a piece that stays the same throughout.
        ordered: Those about an order.
    """

    choices: dict[str, tuple[str, ...]]
    whole: list[str]
    ordered: list[str]


SCORES = Repertoire(CHOICES, **_SCORES["sentences"])
BANDS = Repertoire(
    CHOICES | {name: tuple(_BANDS[name]) for name in ("kind", "instrument")}, **_BANDS["sentences"]
)
