"""Dress rehearsal at MusicEval's full size: how long reading and checking it takes.

    python tests/benchmarks/musiceval_rehearsal.py [--seconds 21.8] [--lists FOLDER]

Prints JSON: the seconds it takes to make the corpus, to read and check it (what the stage `clips`
does), to split, write and count it, and what was counted. 21.8 s a clip is MusicEval's mean; the
audio is noise and tones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import rehearsal

from whisq.corpus import musiceval, splits
from whisq.corpus.clips import write_clips, write_ratings
from whisq.corpus.summary import summarise


def main() -> None:
    """Make a corpus of full size, and time what the stage `clips` does with it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=2748)
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a clip")
    parser.add_argument("--lists", type=Path, help="folder with MusicEval's real lists")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), **vars(arguments)), indent=2))


def measure(folder: Path, clips: int, seconds: float, lists: Path | None) -> dict[str, float]:
    """Time each part.

    Args:
        folder: An empty folder.
        clips: How many, at most 2748.
        seconds: Length of a clip.
        lists: Folder with the real lists, or None.

    Returns:
        Seconds by part, and what was found.
    """
    marks = [time.perf_counter()]
    rehearsal.make(folder / "raw", clips, seconds, lists=lists)
    marks.append(time.perf_counter())
    corpus = musiceval.read(folder / "raw")
    marks.append(time.perf_counter())
    ratings = splits.assign(corpus.ratings, corpus.clips, splits.Split(protocol="systems"))
    write_clips(corpus.clips, folder / "clips.csv")
    write_ratings(ratings, folder / "ratings.csv")
    summary = summarise(corpus.clips, corpus.ratings, rehearsal.NAME)
    marks.append(time.perf_counter())
    parts = ["make", "read_and_check", "split_write_and_count"]
    took = {
        f"{name}_seconds": round(b - a, 2)
        for name, (a, b) in zip(parts, pairwise(marks), strict=True)
    }
    return took | {key: summary[key] for key in ("clips", "hours", "systems", "prompts")}


if __name__ == "__main__":
    main()
