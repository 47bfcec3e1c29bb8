"""The workbench of the probes: a model and the held-out clips that it is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

    from whisq.evaluation.predict import Scorer


@dataclass(frozen=True)
class Bench:
    """What probes work on.

    Attributes:
        scorer: The model.
        clips: Held-out clips indexed by id, with `prompt`, `path` and their ratings.
        audio: Stored sequences by clip id.
        text: Stored sequences by prompt.
        read: Decodes a clip's file into 16 kHz samples, by id.
        seed: Of all draws.
        prompts: What each prompt asks for, indexed by its text, where the corpus knows.
        truth: What each clip plays, indexed by id, where the corpus knows.
    """

    scorer: Scorer
    clips: DataFrame
    audio: Any
    text: Any
    read: Callable[[str], np.ndarray]
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


def won(better: np.ndarray, worse: np.ndarray) -> np.ndarray:
    """Compare pairs of scores.

    Args:
        better: What should be higher.
        worse: What should be lower, of a like shape.

    Returns:
        1 where it is, 0 where not, 0.5 where equal.
    """
    return (np.sign(better - worse) + 1) / 2
