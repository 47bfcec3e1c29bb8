"""Many clients at once against a served model: errors, answers mixed up, waits and memory.

    python tests/benchmarks/load.py [CLIP...] [--model data/model] [--clients 50] [--seconds 120]

The model is published in a store of its own and served as `mlflow models serve` does; without a
CLIP clips of 10 s are made. Each client asks for a clip and prompt of its choice again and again.
What one client alone is answered first, before the others come, is what all must be answered.
Prints one JSON object; memory is that of the server's processes, as Linux tells it; the exit code
is 1 if there was an error or an answer that was another's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import served
from embed import write_clips

PROMPTS = ["a calm piano waltz", "a flute begins, then strings join", "fast drums", None]
EQUAL = 1e-5  # what an answer may differ by from the same asked alone


class Clients:
    """Threads that ask, and what came of it."""

    def __init__(self, server: served.Served, clips: list[Path]) -> None:
        self.server = server
        self.pairs = [(str(clip), prompt) for clip in clips for prompt in PROMPTS]
        self.answers: list[tuple[float, float, bool]] = []  # seconds, difference, of its kind
        self.errors: list[str] = []
        started = time.monotonic()
        self.alone = {pair: self.ask(pair) for pair in self.pairs}
        self.seconds_alone = (time.monotonic() - started) / len(self.pairs)

    def ask(self, pair: tuple[str, str | None]) -> tuple[float, float | None]:
        """Return OMQ and TA of a clip with a prompt, or without one."""
        (row,) = self.server.ask([dict(zip(("audio", "prompt"), pair, strict=True))])
        return row["omq"], row["ta"]

    def run(self, until: float, seed: int) -> None:
        """Ask until a time of `time.monotonic`."""
        draw = random.Random(seed)
        while time.monotonic() < until:
            pair, started = draw.choice(self.pairs), time.monotonic()
            try:
                found = self.ask(pair)
            except (OSError, ValueError, KeyError) as error:
                self.errors.append(str(error))
                continue
            lasted, known = time.monotonic() - started, self.alone[pair]
            apart = [abs((a or 0.0) - (b or 0.0)) for a, b in zip(found, known, strict=True)]
            self.answers.append((lasted, max(apart), (found[1] is None) == (known[1] is None)))


def used(pid: int) -> tuple[int, float]:
    """Return the resident MB, and the seconds of processor, of a process and of all below it."""
    own = psutil.Process(pid)
    every = [own, *own.children(recursive=True)]
    times = [process.cpu_times() for process in every]
    size = sum(process.memory_info().rss for process in every)
    return size // 2**20, sum(time.user + time.system for time in times)


def measure(server: served.Served, clips: list[Path], number: int, seconds: float) -> dict:
    """Return what came of so many clients in so many seconds."""
    clients = Clients(server, clips)
    (before, worked), started = used(server.pid), time.monotonic()
    every = [
        threading.Thread(target=clients.run, args=(started + seconds, seed))
        for seed in range(number)
    ]
    for client in every:
        client.start()
    time.sleep(seconds / 2)
    halfway, _ = used(server.pid)
    for client in every:
        client.join()
    lasted, (after, worked_then) = time.monotonic() - started, used(server.pid)
    waits, apart, alike = zip(*clients.answers, strict=True) if clients.answers else ((), (), ())
    cuts = statistics.quantiles(waits, n=20) if len(waits) > 1 else [None] * 19
    return {
        "cores": os.cpu_count(),
        "clients": number,
        "seconds": lasted,
        "answers": len(waits),
        "errors": Counter(clients.errors),
        "mixed_up": sum(d > EQUAL or not same for d, same in zip(apart, alike, strict=True)),
        "largest_difference": max(apart, default=None),
        "seconds_alone": clients.seconds_alone,
        "answers_per_second": len(waits) / lasted,
        "processor_seconds_an_answer": (worked_then - worked) / max(len(waits), 1),
        "p50_seconds": cuts[9],
        "p95_seconds": cuts[18],
        "longest_seconds": max(waits, default=None),
        "memory_mb": {"start": before, "halfway": halfway, "end": after},
    }


def main() -> int:
    """Print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--model", type=Path, default="data/model")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = options.clips or write_clips(folder / "clips", 12, 10)
        clips = [clip.resolve() for clip in given]
        root = Path(os.path.commonpath([clip.parent for clip in clips]))
        with (
            served.publish(options.model, folder) as address,
            served.serve(address, folder, root) as server,
        ):
            result = measure(server, clips, options.clients, options.seconds)
    print(json.dumps(result, indent=1))
    return int(bool(result["errors"] or result["mixed_up"]))


if __name__ == "__main__":
    raise SystemExit(main())
