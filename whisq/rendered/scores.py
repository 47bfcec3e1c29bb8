"""Real public-domain pieces of clearly different kinds, as plain arrays of notes.

Source: the scores that come with music21: chorales of Bach, fife tunes of the American
revolution, the fiddle tunes of Ryan's Mammoth Collection, Joplin, Mozart, Chopin, Verdi.

Conventions: times are in quarter notes, pitches are MIDI numbers (60 is middle C).
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

# One kind must differ from another by ear, whoever plays it: four voices in block chords, one
# voice of running notes, a tune with drums, syncopation over a striding bass, melody over
# repeated chords, and three beats to the bar. A number after # picks one tune of a collection.
FILES: dict[str, tuple[str, ...]] = {
    "hymn": (
        "bach/bwv64.8.mxl",
        "bach/bwv65.7.mxl",
        "bach/bwv253.mxl",
        "bach/bwv254.mxl",
        "bach/bwv255.mxl",
        "bach/bwv256.mxl",
        "bach/bwv6.6.mxl",
        "bach/bwv60.5.mxl",
    ),
    "reel": (
        "ryansMammoth/7thRegimentReel.abc",
        "ryansMammoth/AbithaMugginsFavoriteReel.abc",
        "ryansMammoth/AfterTheHareReel.abc",
        "ryansMammoth/AlhambraReel.abc",
        "ryansMammoth/AnnieHughesJig.abc",
        "ryansMammoth/AdmiralsHornpipe.abc",
        "ryansMammoth/AlbemarleHornpipe.abc",
        "ryansMammoth/BannocksOBarleyMealJig.abc",
        "ryansMammoth/BattleTheCashJig.abc",
    ),
    "march": tuple(
        f"miscFolk/americanfifeopus.abc#{number}" for number in (5, 6, 16, 17, 21, 23, 25, 30)
    ),
    "rag": ("joplin/maple_leaf_rag.mxl",),
    "serenade": (
        "mozart/k155/movement3.mxl",
        "mozart/k156/movement1.mxl",
        "mozart/k80/movement3.mxl",
    ),
    "waltz": ("chopin/mazurka06-2.krn", "verdi/laDonnaEMobile.mxl"),
}
KINDS = tuple(FILES)


@dataclass(frozen=True)
class Piece:
    """The notes of one piece, sorted by start.

    Attributes:
        name: Its file in music21's corpus, as in `FILES`.
        pitch: (notes,) MIDI numbers.
        start: (notes,) in quarter notes from the beginning.
        length: (notes,) in quarter notes, above 0.
    """

    name: str
    pitch: np.ndarray
    start: np.ndarray
    length: np.ndarray

    @property
    def end(self) -> float:
        """When the last note ends, in quarter notes."""
        return float((self.start + self.length).max())

    @property
    def onset_rate(self) -> float:
        """Distinct onsets in a quarter note."""
        return len(np.unique(self.start)) / self.end


@cache
def pieces(kind: str) -> tuple[Piece, ...]:
    """Parse the pieces of one kind; a process does so once.

    Args:
        kind: One of `KINDS`.

    Returns:
        The pieces, always in the same order.

    Raises:
        ValueError: No such kind is known.
    """
    if kind not in FILES:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    return tuple(_parse(name) for name in FILES[kind])


def _parse(name: str) -> Piece:
    folder = importlib.util.find_spec("music21").submodule_search_locations[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 warns of its optional parts and odd notation
        from music21 import converter

        # Its cache of pickles lies in a shared temporary folder: two processes would race for it.
        file, _, number = name.partition("#")
        score = converter.parse(
            Path(folder) / "corpus" / file,
            number=int(number) if number else None,
            forceSource=True,
            storePickle=False,
        )
        rows = [
            (pitch.midi, float(note.offset), float(note.quarterLength))
            for note in score.flatten().notes
            if note.quarterLength > 0
            for pitch in note.pitches
        ]
    pitch, start, length = np.array(sorted(rows, key=lambda row: (row[1], row[0]))).T
    return Piece(name, pitch.astype(int), start - start.min(), length)
