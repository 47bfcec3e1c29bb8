"""The same clips on every road to a score: rows lost, columns unfilled, and the largest difference.

    python tests/benchmarks/roads.py [SOURCE...] [--model data/model] [--only ROAD...]

A SOURCE is what `whisq score` takes; without one clips are made. Each clip is asked for alone, in
Python; what is answered then is what all other roads must answer: a list, the list reversed, two
clips side by side, several encoded together, the served model over HTTP (every other clip sent
whole, the others by path) and a Ray cluster. Prints one JSON object; the exit code is 1 if a row is
lost, a column of where scores come from is not filled, or two roads differ by more than 1e-5.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import served

from whisq.predictor import Predictor
from whisq.scoring.command import Command, run
from whisq.scoring.requests import Request, read_sources
from whisq.scoring.rows import Provenance

EQUAL = 1e-5
ALONE = "alone"
PROMPTS = ["a calm piano waltz", "a flute begins, then strings join", "fast drums", None]
Answer = Mapping[str, Any]  # `id, omq, ta`, and where it comes from if the road tells it
Road = Callable[[Sequence[Request], Path, Path], list[Answer]]  # requests, model, folder to use


def alone(requests: Sequence[Request], model: Path, _: Path) -> list[Answer]:
    """Ask for each clip by itself."""
    predictor = Predictor.load(model, "cpu")
    scores = [predictor.score(request.path, request.prompt) for request in requests]
    return [
        {"id": request.id, "omq": score.omq, "ta": score.ta}
        for request, score in zip(requests, scores, strict=True)
    ]


def command(
    requests: Sequence[Request],
    model: Path,
    folder: Path,
    order: int = 1,
    engine: str = "local",
    workers: int = 1,
    batch_size: int | str = "auto",
) -> list[Answer]:
    """Call `whisq score LIST --output FILE --provenance`; `order` -1 asks from the end."""
    lines = [
        {"id": request.id, "path": str(request.path.resolve()), "prompt": request.prompt}
        for request in requests[::order]
    ]
    listed, output = folder / "list.jsonl", folder / "out.jsonl"
    listed.write_text("".join(json.dumps(line) + "\n" for line in lines))
    columns = dict.fromkeys(("path", "prompt", "id", "system"))
    how = {"engine": engine, "workers": workers, "batch_size": batch_size, "device": "cpu"}
    wanted = {"resume": False, "strict": False, "summary": False, "provenance": True}
    run(Command([str(listed)], str(model), None, output, columns, **how, **wanted))
    return [json.loads(line) for line in output.read_text().splitlines()][::order]


def cluster(requests: Sequence[Request], model: Path, folder: Path) -> list[Answer]:
    """Call `whisq score --engine ray`; no cluster is left behind."""
    import ray

    try:
        return command(requests, model, folder, engine="ray", workers=2)
    finally:
        ray.shutdown()


def http(requests: Sequence[Request], model: Path, folder: Path) -> list[Answer]:
    """Ask a server, several clients at once, a clip a request."""
    root = Path(os.path.commonpath([request.path.resolve().parent for request in requests]))

    def ask(server: served.Served, number: int, request: Request) -> Answer:
        audio = str(request.path.resolve())
        if number % 2:
            audio = "data:;base64," + base64.b64encode(request.path.read_bytes()).decode()
        (row,) = server.ask([{"audio": audio, "prompt": request.prompt}])
        return {"id": request.id, **row}

    with (
        served.publish(model, folder) as address,
        served.serve(address, folder, root) as server,
        ThreadPoolExecutor(4) as clients,
    ):
        return list(clients.map(partial(ask, server), range(len(requests)), requests))


ROADS: dict[str, Road] = {
    ALONE: alone,
    "list": command,
    "reversed": partial(command, order=-1),
    "two workers": partial(command, workers=2),
    "encoded together": partial(command, batch_size=4),
    "http": http,
    "ray": cluster,
}
TELLING = set(ROADS) - {ALONE, "http"}  # where each score comes from


def travel(requests: Sequence[Request], model: Path, names: Iterable[str]) -> dict[str, list]:
    """Return each road's answers, that of each clip alone first."""
    found = {}
    for name in (ALONE, *(name for name in names if name != ALONE)):
        with tempfile.TemporaryDirectory() as folder:
            found[name] = ROADS[name](requests, model, Path(folder))
    return found


def compare(ids: Sequence[str], answers: Mapping[str, Sequence[Answer]]) -> dict[str, Any]:
    """Tell what each road made of the same requests.

    Args:
        ids: Of the requests, in order.
        answers: By road; that of each clip alone among them.

    Returns:
        By road `rows`, `ids_kept`, the ids `without_a_score`, the columns `unfilled` in some row
        and the `largest_difference` from what a clip was answered alone; and whether all is `well`.
    """
    roads = {name: _told(name, ids, found, answers[ALONE]) for name, found in answers.items()}
    well = all(
        road["ids_kept"]
        and not road["without_a_score"]
        and not road["unfilled"]
        and max(road["largest_difference"].values()) <= EQUAL
        for road in roads.values()
    )
    return {"clips": len(ids), "well": well, "roads": roads}


def _told(
    name: str, ids: Sequence[str], found: Sequence[Answer], known: Sequence[Answer]
) -> dict[str, Any]:
    by_id = {answer["id"]: answer for answer in found}
    pairs = [(by_id[answer["id"]], answer) for answer in known if answer["id"] in by_id]
    told = [field.name for field in fields(Provenance)] if name in TELLING else []
    return {
        "rows": len(found),
        "ids_kept": [answer["id"] for answer in found] == list(ids),
        "without_a_score": [answer["id"] for answer in found if answer["omq"] is None],
        "unfilled": [key for key in told if any(answer[key] is None for answer in found)],
        "largest_difference": {
            axis: max((_apart(*(answer[axis] for answer in pair)) for pair in pairs), default=0.0)
            for axis in ("omq", "ta")
        },
    }


def _apart(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else float("inf")
    return abs(one - other)


def main() -> int:
    """Print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--model", type=Path, default="data/model")
    here = [name for name in ROADS if name != "ray" or find_spec("ray")]
    parser.add_argument("--only", nargs="+", choices=here, default=here)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.sources:
            requests = read_sources(options.sources)
        else:
            from embed import write_clips

            paths = write_clips(Path(folder) / "clips", 12, 10)
            requests = [
                Request(path.stem, path, PROMPTS[n % len(PROMPTS)]) for n, path in enumerate(paths)
            ]
        ids = [request.id for request in requests]
        result = compare(ids, travel(requests, options.model, options.only))
    print(json.dumps(result, indent=1))
    return 0 if result["well"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
