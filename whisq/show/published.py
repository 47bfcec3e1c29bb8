"""The paper's claims, what others report on MusicEval, and this run's figures, side by side.

Conventions: SRCC in -1..1; a gain is in percent, relative, over the challenge's baseline on the
same split and level. A cell that nobody published or that was not run is empty, and a run on any
other corpus or split than MusicEval's official one fills none.
"""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.table import LEVELS, Table, number, word

CORPUS = "MusicEval"
HEADS = (
    "system", "split", "level", "OMQ SRCC", "TA SRCC", "OMQ gain %", "TA gain %", "note", "source"
)  # fmt: skip
WHISQ, CHALLENGE, WINNER = "arXiv 2506.05899", "AudioMOS Challenge 2025", "arXiv 2507.09904"
BASELINE, NOT_STATED, OWN = "challenge baseline", "not stated", "this run"
# What the paper claims, in percent; whether relative or in points, on which level and split, is
# not stated, nor on which axis transport is worth as much.
GAIN = {"omq": 7.0, "ta": 14.0}
TRANSPORT_GAIN = 10.0

PUBLISHED = [
    (BASELINE, "dev", "utt", 0.688, 0.543, None, None, "CLAP, fine-tuned", CHALLENGE),
    (BASELINE, "dev", "sys", 0.776, 0.720, None, None, "CLAP, fine-tuned", CHALLENGE),
    (BASELINE, "test", "sys", 0.818, 0.724, None, None, "derived from gains", WINNER),
    ("WhisQ, as published", NOT_STATED, NOT_STATED, None, None, *GAIN.values(),
     "over the baseline; relative or points not stated", WHISQ),
    ("WhisQ, as published: transport loss", NOT_STATED, NOT_STATED, None, None, None, None,
     f"{TRANSPORT_GAIN:+.0f}% SRCC over the same without it; axis not stated", WHISQ),
    ("ASTAR-NTU, the challenge's winner", "test", "sys", 0.991, 0.952, None, None,
     "MuQ and RoBERTa, soft labels", WINNER),
    ("DeRA-MOS", "test", "sys", 0.989, 0.956, None, None, "ranking and alignment",
     "arXiv 2606.10010"),
    ("CMI-RM", "test", "utt", 0.827, None, None, None, "110k pseudo-labels", "arXiv 2603.00610"),
    ("MuQ-Eval", "5-fold", "utt", 0.838, None, None, None, "all clips", "arXiv 2603.22677"),
    ("MuQ-Eval", "5-fold", "sys", 0.957, None, None, None, "all clips", "arXiv 2603.22677"),
]  # fmt: skip


def published(evaluate: dict[str, Any]) -> Table:
    """Return what is published and, beside it, what `metrics/evaluate.json` holds."""
    corpus, protocol = evaluate.get("corpus"), evaluate.get("protocol")
    note, counts = f"All figures here are on {CORPUS}.", (corpus, protocol) == (CORPUS, "official")
    if not counts:
        note += (
            f" This run is on “{corpus}”, protocol “{protocol}”: none of its figures may stand in "
            "this table, and its rows are empty."
        )
    found = evaluate if counts else {}
    own = [_own(found, split, level) for split in ("dev", "test") for level in LEVELS]
    rows = [
        [
            *(word(name, system == OWN) for name in (system, split)),
            word(LEVELS.get(level, level)),
            *(number(srcc) for srcc in figures[:2]),
            *(number(gain, 1, sign=True) for gain in figures[2:]),
            word(remark),
            word(source),
        ]
        for system, split, level, *figures, remark, source in [*PUBLISHED, *own]
    ]
    return Table(f"Published on {CORPUS}, SRCC", HEADS, rows, note)


def _own(evaluate: dict[str, Any], split: str, level: str) -> tuple[Any, ...]:
    figures = [evaluate.get(split, {}).get(level, {}).get(axis, {}).get("srcc") for axis in AXES]
    beaten = {row[:3]: row[3:5] for row in PUBLISHED}.get((BASELINE, split, level), (None, None))
    gains = [
        None if None in (own, other) else round(100 * (own / other - 1), 1)
        for own, other in zip(figures, beaten, strict=True)
    ]
    note = "" if evaluate else f"not run on {CORPUS}'s official split"
    return (OWN, split, level, *figures, *gains, note, "metrics/evaluate.json")
