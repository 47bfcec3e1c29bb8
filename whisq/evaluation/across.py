"""A model on another corpus than it learnt from: its figures beside floors fitted on its own.

What a model adds is told by what a mean of its training ratings, or a ridge on the same embeddings
of its training clips, would say of the other corpus's clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pandas import DataFrame
from tqdm import tqdm

from whisq.audio import read as read_sound
from whisq.corpus.card import read_card
from whisq.corpus.musiceval import read
from whisq.evaluation.bench import Embedded, score
from whisq.evaluation.floors import loudness, pooled, ridge
from whisq.evaluation.gather import read_rated, read_sequences
from whisq.evaluation.judge import Case, join, judge
from whisq.evaluation.metrics import AXES

TOGETHER = 64  # clips whose states are held at once
SPLIT = "test"  # what all clips of the other corpus are


class Encoder(Protocol):
    """What this module asks of a model besides `Scorer`; `whisq.predictor.Predictor` is one."""

    def embed(self, audio: Any, prompt: str | None = None) -> tuple[Embedded, list[str]]:
        """Encode a clip and its prompt; a sentence for each thing to know of them."""

    def score_embedded(self, clips: Sequence[Embedded]) -> list[Any]:
        """Score pairs of such sequences: one object with `omq` and `ta` a pair, in order."""


def evaluate(
    model: Encoder,
    corpus: Path,
    learnt: Path | None,
    trained_on: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Judge a model on all labelled clips of a corpus.

    Args:
        model: The model.
        corpus: A folder in MusicEval's layout.
        learnt: The pipeline's data folder that the model was trained in; None leaves out the
            floors, which are fitted on its training clips.
        trained_on: What that corpus is called.
        resamples: For the intervals.
        seed: Of their draws.

    Returns:
        `corpus`, `trained_on`, and as `test` what `judge.judge` gives.

    Raises:
        ValueError: The corpus can't be read, or no clip of it is rated.
    """
    found = read(corpus)
    if found.ratings[list(AXES)].isna().all(axis=None):
        raise ValueError(f"{corpus} must have rated clips to judge a model by; it has none")
    rated = join(found.clips, found.ratings).assign(split=SPLIT)
    # Two corpora may give the same name to other systems; the words of a prompt are the same.
    rated["system"] = "other " + rated["system"]
    predictions, states = _predicted(model, rated, corpus.parent)
    # A model that learnt one axis alone is not asked for the other.
    unsaid = [axis for axis in AXES if predictions[axis].isna().all()]
    rated[unsaid] = np.nan
    if learnt is not None:
        own, own_states = _learnt(learnt)
        rated = pd.concat([own, rated.set_axis("other " + rated.index)])
        predictions = predictions.set_axis("other " + predictions.index)
        states = own_states + states
    case = Case(rated, predictions, _ridges(rated, states) if learnt is not None else {})
    name = read_card(corpus)["name"]
    return judge(case, name, "official", resamples, seed) | {"trained_on": trained_on}


def _predicted(
    model: Encoder, rated: DataFrame, root: Path
) -> tuple[DataFrame, list[tuple[Any, ...]]]:
    # A model's predictions, and of each clip the mean states of both sides and its loudness.
    paths, prompts = [root / path for path in rated["path"]], list(rated["prompt"])
    marks, states = [], []
    starts = range(0, len(paths), TOGETHER)
    for start in tqdm(starts, "encode", disable=None):
        part = slice(start, start + TOGETHER)
        embedded = [model.embed(*pair)[0] for pair in zip(paths[part], prompts[part], strict=True)]
        marks.append(score(model, embedded))
        states += map(_means, embedded, paths[part])
    predictions = DataFrame(np.concatenate(marks), rated.index, AXES)
    return predictions.assign(split=SPLIT), states


def _learnt(data: Path) -> tuple[DataFrame, list[tuple[Any, ...]]]:
    rated, (audio, text) = read_rated(data), read_sequences(data)
    rated = rated[rated["split"] == "train"]
    pairs = ((audio[key], text[prompt]) for key, prompt in rated["prompt"].items())
    return rated, list(map(_means, pairs, (data / path for path in rated["path"])))


def _means(states: Embedded, path: Path) -> tuple[Any, ...]:
    # Over time, kept as one step: whole sequences of two corpora would fill the memory.
    sides = (side.mean(axis=1, keepdims=True, dtype=np.float32) for side in states)
    sound = read_sound(path)
    return *sides, loudness([(sound.samples, sound.rate)])["omq"][0]


def _ridges(rated: DataFrame, states: Iterable[tuple[Any, ...]]) -> dict[str, DataFrame]:
    train = (rated["split"] == "train").to_numpy()
    audio, text, heard = zip(*states, strict=True)
    loud = np.stack(heard)
    return {
        "loudness_ridge": ridge({"omq": loud, "ta": loud}, rated, train),
        "pooled_ridge": ridge(pooled(audio, text, train), rated, train),
    }
