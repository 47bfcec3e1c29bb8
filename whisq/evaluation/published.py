"""The paper's claims, what others report on MusicEval, and this run's figures, side by side.

Conventions: SRCC in -1..1; a gain is in percent, relative, over the challenge's baseline on the
same split and level. A cell that nobody published or that was not run is empty (NaN), and a run
on any other corpus or split than MusicEval's official one fills none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

CORPUS = "MusicEval"
COLUMNS = [
    "system", "split", "level", "omq_srcc", "ta_srcc", "omq_gain", "ta_gain", "note", "source"
]  # fmt: skip
WHISQ, CHALLENGE, WINNER = "arXiv 2506.05899", "AudioMOS Challenge 2025", "arXiv 2507.09904"
NOT_STATED = "not stated"
# What the paper claims, in percent; whether relative or in points, on which level and split, is
# not stated, nor on which axis transport is worth as much.
GAIN = {"omq": 7.0, "ta": 14.0}
TRANSPORT_GAIN = 10.0

PUBLISHED = [
    ("challenge baseline", "dev", "utt", 0.688, 0.543, None, None, "CLAP, fine-tuned", CHALLENGE),
    ("challenge baseline", "dev", "sys", 0.776, 0.720, None, None, "CLAP, fine-tuned", CHALLENGE),
    ("challenge baseline", "test", "sys", 0.818, 0.724, None, None, "derived from gains", WINNER),
    ("WhisQ, as published", NOT_STATED, NOT_STATED, None, None, GAIN["omq"], GAIN["ta"],
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


def published_table(evaluate: dict[str, Any]) -> DataFrame:
    """Put this run beside what is published.

    Args:
        evaluate: What `metrics/evaluate.json` holds: the figures by split, level (`utt`, `sys`),
            axis and metric, the corpus's name under `corpus` and the split's under `protocol`.

    Returns:
        One row a published or own result, with columns `COLUMNS`; NaN where there is none.
    """
    rows = [*PUBLISHED, *(_own(evaluate, split, level) for split, level in _places())]
    table = DataFrame(rows, columns=COLUMNS)
    numbers = ["omq_srcc", "ta_srcc", "omq_gain", "ta_gain"]
    table[numbers] = table[numbers].apply(pd.to_numeric)
    return table


def counts(evaluate: dict[str, Any]) -> bool:
    """Tell whether a run's figures may stand beside the published ones.

    Args:
        evaluate: As in `published_table`.

    Returns:
        Whether the corpus is MusicEval and the split its own.
    """
    return evaluate.get("corpus") == CORPUS and evaluate.get("protocol") == "official"


def _places() -> list[tuple[str, str]]:
    return [(split, level) for split in ("dev", "test") for level in ("utt", "sys")]


def _own(evaluate: dict[str, Any], split: str, level: str) -> tuple[Any, ...]:
    omq, ta = (_srcc(evaluate, split, level, axis) for axis in ("omq", "ta"))
    baseline = next(
        (row for row in PUBLISHED if row[:3] == ("challenge baseline", split, level)), None
    )
    gains = [_gain(value, baseline and baseline[at]) for value, at in ((omq, 3), (ta, 4))]
    note = "" if counts(evaluate) else f"not run on {CORPUS}'s official split"
    return ("this run", split, level, omq, ta, *gains, note, "metrics/evaluate.json")


def _srcc(evaluate: dict[str, Any], split: str, level: str, axis: str) -> float | None:
    if not counts(evaluate):
        return None
    return evaluate.get(split, {}).get(level, {}).get(axis, {}).get("srcc")


def _gain(value: float | None, baseline: float | None) -> float | None:
    if value is None or baseline is None:
        return None
    return float(np.round(100 * (value / baseline - 1), 1))
