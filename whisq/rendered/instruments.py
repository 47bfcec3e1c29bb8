"""The instruments that can be asked for, and how each is played.

Conventions: programs are General MIDI's, counted from 0; pitches are MIDI numbers.
"""

from __future__ import annotations

from dataclasses import dataclass


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
