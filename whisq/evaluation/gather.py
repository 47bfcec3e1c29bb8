"""What the judge needs, from the files that the pipeline's stages have written."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from whisq.audio import read, resampled
from whisq.corpus.clips import read_clips, read_ratings
from whisq.evaluation import truth
from whisq.evaluation.bench import Bench, Scorer, predict
from whisq.evaluation.floors import loudness, pooled_ridge, ridge
from whisq.evaluation.judge import JUDGED, Case, join
from whisq.store.sequences import Sequences


def read_rated(data: Path) -> DataFrame:
    """Return the labelled clips of the pipeline's data folder, as `join` makes them."""
    return join(read_clips(data / "clips.csv"), read_ratings(data / "ratings.csv"))


def read_sequences(data: Path) -> tuple[Sequences, Sequences]:
    """Return the stored sequences: audio by clip id, and text by prompt."""
    folder = data / "embeddings"
    return Sequences.open(folder / "audio"), Sequences.open(folder / "text")


def make_bench(scorer: Scorer, data: Path, rated: DataFrame, seed: int) -> Bench:
    """Return what the probes work on: the last held-out split."""
    held_out = [split for split in JUDGED if (rated["split"] == split).any()]
    clips = rated[rated["split"] == held_out[-1]] if held_out else rated
    audio, text = read_sequences(data)
    return Bench(
        scorer=scorer,
        clips=clips,
        audio=audio,
        text=text,
        read=lambda key: resampled(read(data / clips.loc[key, "path"])),
        seed=seed,
        prompts=truth.read_prompts(data / "raw"),
        truth=truth.read_clips(data / "raw"),
    )


def gather(scorer: Scorer, data: Path) -> Case:
    """Return all that is judged: every labelled clip by the model and by the ridges."""
    rated, (audio, text) = read_rated(data), read_sequences(data)
    train = (rated["split"] == "train").to_numpy()
    sounds = (read(data / path) for path in rated["path"])
    heard = loudness((sound.samples, sound.rate) for sound in sounds)
    return Case(
        rated=rated,
        predictions=predict(scorer, rated, audio, text),
        floors={
            "loudness_ridge": ridge(heard, rated, train),
            "pooled_ridge": pooled_ridge(rated, audio, text),
        },
        latent=truth.latent(truth.read_clips(data / "raw"), rated),
        order=truth.about_order(truth.read_prompts(data / "raw"), rated),
    )
