"""Predictions of every labelled clip from stored sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from pandas import DataFrame

    Embedded = tuple[np.ndarray, np.ndarray | None]

COLUMNS = ["id", "split", "omq", "ta"]


class Scorer(Protocol):
    """What this package asks of a model; `whisq.predictor.Predictor` is one."""

    def embed_audio(self, samples: np.ndarray) -> np.ndarray:
        """Encode 16 kHz samples, float32, shape (samples,), as (layers, steps, dim)."""

    def embed_prompt(self, prompt: str) -> np.ndarray:
        """Encode a prompt as (1, tokens, dim)."""

    def score_embedded(self, clips: Sequence[Embedded]) -> list[Any]:
        """Score pairs of such sequences: one object with `omq` and `ta` a pair, in order."""


def predict(scorer: Scorer, rated: DataFrame, audio: Any, text: Any) -> DataFrame:
    """Score every labelled clip against its own prompt.

    Args:
        scorer: The model.
        rated: Ratings indexed by clip id, with `prompt` and `split`.
        audio: Stored sequences by clip id.
        text: Stored sequences by prompt.

    Returns:
        `split, omq, ta`, indexed as `rated`.
    """
    # Clips of like length side by side waste no time on padding.
    order = sorted(rated.index, key=lambda key: audio[key].shape[1])
    prompts = rated["prompt"]
    scores = scorer.score_embedded([(audio[key], text[prompts[key]]) for key in order])
    rows = [(key, rated["split"][key], s.omq, s.ta) for key, s in zip(order, scores, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS).set_index("id").loc[rated.index]


def write_predictions(predictions: DataFrame, path: Path) -> None:
    """Write predictions with six decimals, finer than any two ways of computing one differ.

    Args:
        predictions: What `predict` gave.
        path: The file.
    """
    table = predictions.reset_index()[COLUMNS]
    table.to_csv(path, index=False, float_format="%.6f", lineterminator="\n")
