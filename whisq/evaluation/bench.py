"""What is asked of a model: predictions of clips as they are, and of clips and prompts altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

Embedded = tuple[np.ndarray, np.ndarray | None]


class Scorer(Protocol):
    """What this package asks of a model; `whisq.predictor.Predictor` is one."""

    def embed_audio(self, samples: np.ndarray) -> np.ndarray:
        """Encode 16 kHz samples, float32, shape (samples,), as (layers, steps, dim)."""

    def embed_prompt(self, prompt: str) -> np.ndarray:
        """Encode a prompt as (1, tokens, dim)."""

    def score_embedded(self, clips: Sequence[Embedded]) -> list[Any]:
        """Score pairs of such sequences: one object with `omq` and `ta` a pair, in order."""


def score(scorer: Scorer, clips: Sequence[Embedded]) -> np.ndarray:
    """Return OMQ and TA of each pair of sequences, shape (clips, 2), in their order."""
    # Clips of like length side by side waste no time on padding.
    order = sorted(range(len(clips)), key=lambda at: clips[at][0].shape[1])
    found = np.empty((len(clips), 2))
    found[order] = _marks(scorer.score_embedded([clips[at] for at in order]))
    return found


def _marks(scores: list[Any]) -> np.ndarray:
    # None, of a model that learnt no alignment, becomes NaN.
    return np.array([(one.omq, one.ta) for one in scores], dtype=float).reshape(-1, 2)


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
    clips = [(audio[key], text[prompt]) for key, prompt in rated["prompt"].items()]
    found = rated[["split"]].copy()
    found[["omq", "ta"]] = score(scorer, clips)
    return found


def write_predictions(predictions: DataFrame, path: Path) -> None:
    """Write predictions with six decimals, finer than any two ways of computing one differ."""
    predictions.to_csv(path, index_label="id", float_format="%.6f", lineterminator="\n")


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

    def prompt(self, text: str | None) -> np.ndarray | None:
        """Return a prompt's states, (1, tokens, dim), looked up or encoded once; None of none."""
        if text is None:
            return None
        if text in self.text:
            return self.text[text]
        if text not in self.states:
            self.states[text] = self.scorer.embed_prompt(text)
        return self.states[text]

    def alignment(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """Return the TA of stored clips against any prompts: (pairs,), of clip ids and prompts."""
        clips = [(self.audio[key], self.prompt(text)) for key, text in pairs]
        return score(self.scorer, clips)[:, 1]

    def rescore(self, sounds: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
        """Encode altered clips anew and score them against their own prompts.

        Args:
            sounds: Clip id and 16 kHz samples.

        Returns:
            OMQ and TA, shape (sounds, 2).
        """
        prompts, encode = self.clips["prompt"], self.scorer.embed_audio
        clips = [(encode(samples), self.prompt(prompts[key])) for key, samples in sounds]
        return _marks(self.scorer.score_embedded(clips))
