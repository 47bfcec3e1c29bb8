"""Time what a user waits for before anything is computed, beside a bare Python; prints JSON.

Seconds are the best of several starts; `processor` counts all threads' work and moves little on a
busy machine. `times_python` is a command's time over that of a Python that does nothing.

    python tests/benchmarks/startup.py [--starts 5]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLIPS, SYSTEMS = 413, 30  # as in MusicEval's test split


def lists(folder: Path) -> list[str]:
    """Write a MOS list and answers to it: the two paths that `whisq metrics` takes."""
    chance = np.random.default_rng(0)
    rating = chance.integers(5, 26, (CLIPS, 2)) / 5
    predicted = rating + chance.normal(0, 0.5, rating.shape)
    paths = folder / "answer.txt", folder / "truth.txt"
    for path, values in zip(paths, (predicted, rating), strict=True):
        rows = (f"S{i % SYSTEMS:03d}_P{i:03d},{a},{b}\n" for i, (a, b) in enumerate(values))
        path.write_text("".join(rows))
    return [str(path) for path in paths]


def once(words: list[str]) -> tuple[float, float]:
    """Run a command: seconds on the clock and of the processor."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system
    return seconds, used - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--starts", type=int, default=5)
    starts = parser.parse_args().starts
    with tempfile.TemporaryDirectory() as name:
        judged = ["-m", "whisq", "metrics", *lists(Path(name))]
        commands = {
            "python": ["-c", "pass"],
            "import whisq": ["-c", "import whisq"],
            "whisq --help": ["-m", "whisq", "--help"],
            "whisq metrics --resamples 0": [*judged, "--resamples", "0"],
            "whisq metrics": judged,
        }
        found = {
            command: tuple(map(min, zip(*(once(words) for _ in range(starts)), strict=True)))
            for command, words in commands.items()
        }
    bare = found["python"][0]
    result = {
        command: {
            "seconds": round(clock, 3),
            "processor": round(processor, 2),
            "times_python": round(clock / bare, 1),
        }
        for command, (clock, processor) in found.items()
    }
    print(json.dumps({"clips": CLIPS, "starts": starts, "commands": result}, indent=2))


if __name__ == "__main__":
    main()
