"""What is asked of a model: predictions of clips as they are, and of clips and prompts altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

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


@dataclass(frozen=True)
class Bench:
    """What probes work on.

    Attributes:
        scorer: The model.
        clips: Held-out clips indexed by id, with `prompt`, `path` and their ratings.
        audio: Stored sequences by clip id.
        text: Stored sequences by prompt.
        read: Decodes a clip's file into 16 kHz samples, by id; None where no sound is altered.
        seed: Of all draws.
        prompts: What each prompt asks for, indexed by its text, where the corpus knows.
        truth: What each clip plays, indexed by id, where the corpus knows.
    """

    scorer: Scorer
    clips: DataFrame
    audio: Any
    text: Any
    read: Callable[[str], np.ndarray] | None
    seed: int = 0
    prompts: DataFrame | None = None
    truth: DataFrame | None = None
    states: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def prompt(self, text: str) -> np.ndarray:
        """Look a prompt's states up, or encode it once.

        Args:
            text: The prompt.

        Returns:
            Shape (1, tokens, dim).
        """
        if text in self.text:
            return self.text[text]
        if text not in self.states:
            self.states[text] = self.scorer.embed_prompt(text)
        return self.states[text]

    def alignment(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """Score stored clips against any prompts.

        Args:
            pairs: Clip id and prompt.

        Returns:
            TA, shape (pairs,), in their order.
        """
        pairs = list(pairs)
        # Clips of like length side by side waste no time on padding.
        order = sorted(range(len(pairs)), key=lambda at: self.audio[pairs[at][0]].shape[1])
        sequences = [(self.audio[pairs[at][0]], self.prompt(pairs[at][1])) for at in order]
        scores = np.empty(len(pairs))
        scores[order] = [score.ta for score in self.scorer.score_embedded(sequences)]
        return scores

    def rescore(self, sounds: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
        """Encode altered clips anew and score them against their own prompts.

        Args:
            sounds: Clip id and 16 kHz samples.

        Returns:
            OMQ and TA, shape (sounds, 2).
        """
        prompts = self.clips["prompt"]
        sequences = [
            (self.scorer.embed_audio(samples), self.prompt(prompts[key])) for key, samples in sounds
        ]
        scores = self.scorer.score_embedded(sequences)
        return np.array([(score.omq, score.ta) for score in scores]).reshape(-1, 2)
