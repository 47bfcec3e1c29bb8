"""What scoring costs above encoding: one warm clip, and a list against the embedding stage.

Prints one JSON object. `warm_clip` compares a call of `score` with the time in which the two
encoders' networks run, for prompts that are new each time; `list` compares the command's engine
with the embedding stage's processes on the same clips and settings.

    python tests/benchmarks/score.py [--clips 24] [--repeats 15]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from embed import CORES, ours, write_clips

from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextSpec
from whisq.encoders.weights import fingerprint, locate
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.predictor import Predictor
from whisq.scoring.engines import Scorer
from whisq.scoring.requests import Request, named
from whisq.store import audio as workers

TEXT = TextSpec(model="sentence-transformers/all-MiniLM-L6-v2")
SETTINGS = {
    "default": AudioSpec(layers=(2,), window="clip", pool=8),
    "paper's window": AudioSpec(layers=(6,), window="padded", pool=1),
}


def model(audio: AudioSpec) -> Predictor:
    """Make an untrained model of the default size: its weights do not matter for speed."""
    specs = {"audio": audio.kept(), "text": TEXT.kept()}
    specs["weights"] = {kind: fingerprint(locate(specs[kind]["model"])) for kind in specs}
    config = ModelConfig(audio_dim=512, text_dim=384, audio_layer=audio.layers[0], **specs)
    return Predictor(build(config), "cpu")


class Clock:
    """Adds up the time spent in calls of a function."""

    def __init__(self, work) -> None:
        self.work, self.seconds = work, 0.0

    def __call__(self, *given, **named):
        start = time.perf_counter()
        try:
            return self.work(*given, **named)
        finally:
            self.seconds += time.perf_counter() - start


def warm_clip(predictor: Predictor, path: Path, repeats: int) -> dict[str, float]:
    """Score one clip again and again; the encoders' share is timed within each call."""
    audio, text = predictor.audio_encoder, predictor.text_encoder
    audio._states, text.model = Clock(audio._states), Clock(text.model)
    calls = []
    for number in range(repeats + 3):
        audio._states.seconds = text.model.seconds = 0.0
        start = time.perf_counter()
        predictor.score(path, f"a calm piano waltz, take {number}")
        whole = time.perf_counter() - start
        calls.append((whole, audio._states.seconds + text.model.seconds))
    calls = calls[3:]
    return {
        "seconds": statistics.median(whole for whole, _ in calls),
        "encoders_seconds": statistics.median(encoders for _, encoders in calls),
        "ratio": statistics.median(whole / encoders for whole, encoders in calls),
    }


def list_rate(predictor: Predictor, paths: list[Path], repeats: int = 3) -> float:
    """Clips a second of the command's engine, best of some runs after one to warm up."""
    prompts = ["a calm piano waltz", "a flute begins, then strings join", "fast drums"]
    requests = named(Request("", path, prompts[n % 3]) for n, path in enumerate(paths))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        assert all(row.error is None for row in Scorer(predictor).rows(requests, 8, CORES))
        times.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return len(paths) / min(times[1:])


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    result = {"cores": CORES, "warm_clip": {}, "list": {}}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_clips(Path(folder) / "clips", options.clips, 10)
        for name, spec in SETTINGS.items():
            result["warm_clip"][name] = warm_clip(model(spec), paths[0], options.repeats)
            with workers.start((None, None, None), CORES) as pool:
                embedding = ours(pool, paths, spec, Path(folder) / "cache")
            scoring = list_rate(model(spec), paths)
            result["list"][name] = {
                "embedding_clips_per_second": embedding,
                "scoring_clips_per_second": scoring,
                "ratio": scoring / embedding,
            }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
