"""Stage clips: the corpus's files become one checked table of clips and one of ratings."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import whisq.params
from whisq import audio, stage, tracking
from whisq.audio import Sound
from whisq.corpus import splits
from whisq.corpus.card import read_card
from whisq.corpus.clips import write_clips, write_ratings
from whisq.corpus.musiceval import read
from whisq.corpus.summary import summarise
from whisq.corpus.tables import report
from whisq.files import cache_folder
from whisq.store.known_files import SAMPLES, Memory

RAW = Path("data/raw")


def main() -> str:
    """Return a line about the corpus in `data/raw`, once it is read, checked and split."""
    params = whisq.params.load()
    choices = whisq.params.flatten({"split": params.split.model_dump()})
    with tracking.data_run("clips", choices) as run:
        with Memory(SAMPLES, cache_folder()) as known:
            corpus = read(RAW, hear=partial(hear, known))
        for line in report(corpus.problems.warnings):
            print(f"warning:{line}")
        ratings = splits.assign(corpus.ratings, corpus.clips, params.split)
        write_clips(corpus.clips, "data/clips.csv")
        write_ratings(ratings, "data/ratings.csv")
        summary = summarise(corpus.clips, ratings, read_card(RAW)["name"])
        summary["system_tables"] = corpus.systems
        summary["warnings"] = len(corpus.problems.warnings)
        Path("metrics/corpus.json").write_text(json.dumps(summary, indent=2) + "\n")
        run.metrics(whisq.params.flatten(summary))
        run.artifacts("metrics/corpus.json")
    counts = ", ".join(f"{summary[kind]:,} {kind}" for kind in ("clips", "systems", "prompts"))
    rated = ", ".join(f"{count:,} {split}" for split, count in summary["splits"].items())
    return f"{counts}, {summary['hours']:.1f} h; rated: {rated}; all in metrics/corpus.json"


def hear(known: Memory, path: Path) -> Sound:
    """Return a clip, decoded, and remember what it holds: `embed_audio` need not decode it."""
    stamp = known.stamp(path)
    clip = audio.read(path)
    known.learn(path, stamp, clip.digest)
    return clip


if __name__ == "__main__":
    stage.run(main)
