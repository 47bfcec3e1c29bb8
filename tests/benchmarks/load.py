"""Many clients at once against a served model: errors, answers mixed up, waits and memory.

Start a server, then ask it; clips lie below WHISQ_AUDIO_ROOT, the server's own folder by default:

    mlflow models serve -m models:/whisq@champion --env-manager local -p 5001
    python tests/benchmarks/load.py CLIP... --port 5001 [--pid PID] [--clients 50] [--seconds 120]

Each client asks for a clip and prompt of its choice again and again. What one client alone is
answered first, before the others come, is what all must be answered. Prints one JSON object;
memory is that of the processes below PID, as Linux tells it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import threading
import time
import urllib.request
from pathlib import Path

PROMPTS = ["a calm piano waltz", "a flute begins, then strings join", "fast drums", None]
EQUAL = 1e-5  # what an answer may differ by from the same asked alone


class Clients:
    """Threads that ask, and what came of it."""

    def __init__(self, port: int, clips: list[str]) -> None:
        self.url = f"http://127.0.0.1:{port}/invocations"
        self.pairs = [(clip, prompt) for clip in clips for prompt in PROMPTS]
        self.waits, self.errors, self.mixed, self.largest = [], [], 0, 0.0
        self.alone = {pair: self.ask(pair) for pair in self.pairs}

    def ask(self, pair: tuple[str, str | None]) -> tuple[float, float | None]:
        """Return OMQ and TA of a clip with a prompt, or without one."""
        rows = [dict(zip(("audio", "prompt"), pair, strict=True))]
        body = json.dumps({"dataframe_records": rows}).encode()
        asked = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=300) as answer:
            [row] = json.load(answer)["predictions"]
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
            self.waits.append(time.monotonic() - started)
            known = self.alone[pair]
            apart = [abs((a or 0.0) - (b or 0.0)) for a, b in zip(found, known, strict=True)]
            self.largest = max(self.largest, *apart)
            if max(apart) > EQUAL or (found[1] is None) != (known[1] is None):
                self.mixed += 1


def memory(pid: int | None) -> int | None:
    """Return the resident MB of a process and of all below it; None where that can't be told."""
    if pid is None or not Path("/proc").is_dir():
        return None
    parents, sizes = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue  # it has ended
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        own = int(told["Pid"])
        parents[own] = int(told["PPid"])
        sizes[own] = int(told.get("VmRSS", "0 kB").split()[0])
    below, found = [pid], 0
    while below:
        parent = below.pop()
        found += sizes.get(parent, 0)
        below += [child for child, above in parents.items() if above == parent]
    return found // 1024


def main() -> None:
    """Print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    clients = Clients(options.port, options.clips)
    before, until = memory(options.pid), time.monotonic() + options.seconds
    every = [threading.Thread(target=clients.run, args=(until, n)) for n in range(options.clients)]
    for client in every:
        client.start()
    time.sleep(options.seconds / 2)
    halfway = memory(options.pid)
    for client in every:
        client.join()
    cuts = statistics.quantiles(clients.waits, n=20) if len(clients.waits) > 1 else [None] * 19
    result = {
        "clients": options.clients,
        "seconds": options.seconds,
        "answers": len(clients.waits),
        "errors": len(clients.errors),
        "first_error": next(iter(clients.errors), None),
        "mixed_up": clients.mixed,
        "largest_difference": clients.largest,
        "p50_seconds": cuts[9],
        "p95_seconds": cuts[18],
        "memory_mb": {"start": before, "halfway": halfway, "end": memory(options.pid)},
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
