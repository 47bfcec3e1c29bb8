"""Reading one epoch at MusicEval's true size against what the network computes; prints JSON.

Sequences are noise of true size: 1,923 clips, 1,090 x 512 frames on average, float16, 2.1 GB of
disk while it runs. `step_floor_seconds` is the epoch's floating-point operations (network, losses,
gradients; batches of 16) at the rate of a large matrix product on all cores. Memory is what is
anonymous: pages of mapped files are the system's to take back.

    python tests/benchmarks/training_read.py [--clips 1923] [--batch-size 16]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pandas import DataFrame
from torch.utils.flop_counter import FlopCounterMode

from whisq.files import digest_of
from whisq.losses import Objective
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.store.sequences import Sequences
from whisq.store.store import Store, lay_out
from whisq.training.data import ClipDataset, make_loader

FRAMES, AUDIO = (680, 1500), 512  # of MusicEval's clips, cut at 30 s
TOKENS, TEXT = (10, 40), 1024


def store(folder: Path, kind: str, keys: list[str], steps: tuple[int, int], dim: int) -> Sequences:
    """Write noise as a stage would."""
    about = {"kind": kind, "spec": {"model": "noise"}, "preprocessing": 0}
    kept, generator = Store(about, folder / "store"), np.random.default_rng(0)
    kept.note((6,), dim)
    noise = generator.standard_normal((steps[1], dim)).astype(np.float16)
    contents = {key: digest_of(kind, key) for key in keys}
    for content in contents.values():
        kept.write(content, noise[None, : generator.integers(steps[0], steps[1] + 1)])
    lay_out(folder / kind, contents, kept, kept.whole(contents.values()))
    return Sequences.open(folder / kind)


def corpus(folder: Path, clips: int) -> ClipDataset:
    """Write a corpus of so many clips with a hundred prompts."""
    ids = [f"clip {number}" for number in range(clips)]
    prompts = [f"prompt {number % 100}" for number in range(clips)]
    ratings = DataFrame({"id": ids, "omq": 3.0, "ta": 3.0})
    audio = store(folder, "audio", ids, FRAMES, AUDIO)
    text = store(folder, "text", prompts[:100], TOKENS, TEXT)
    return ClipDataset(DataFrame({"id": ids, "prompt": prompts}), ratings, audio, text)


def anonymous() -> float:
    """Megabytes of memory that are no file's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def read(dataset: ClipDataset, batch_size: int) -> dict[str, float]:
    """Read an epoch and do nothing with it."""
    loader = make_loader(dataset, batch_size, shuffle=True)
    before, peak, real, padded, started = anonymous(), 0.0, 0, 0, time.perf_counter()
    for batch in loader:
        real, padded = real + int(batch.audio_mask.sum()), padded + batch.audio_mask.numel()
        peak = max(peak, anonymous() - before)
    seconds = time.perf_counter() - started
    return {
        "clips": len(dataset),
        "seconds": seconds,
        "gigabytes_per_second": 2 * AUDIO * real / seconds / 1e9,
        "padding_share": 1 - real / padded,
        "peak_megabytes": peak,
    }


def operations(dataset: ClipDataset, batch_size: int) -> float:
    """Count an epoch's floating-point operations, from one batch of middling length."""
    batches = list(make_loader(dataset, batch_size).batch_sampler)
    loader = make_loader(dataset, batch_size)
    batch = loader.collate_fn([dataset[index] for index in batches[len(batches) // 2]])
    model = build(ModelConfig(audio_dim=AUDIO, text_dim=TEXT, audio_layer=6))
    with FlopCounterMode(display=False) as counter:
        loss, _ = Objective()(model(*batch.inputs), batch)
        loss.backward()
    return counter.get_total_flops() * len(batches)


def matmul_rate() -> float:
    """Floating-point operations a second of a large float32 product on all cores."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(6):
        started = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - started)
    return 2 * 2048**3 / best


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1923)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        quarter = corpus(Path(folder) / "quarter", options.clips // 4)
        whole = corpus(Path(folder) / "whole", options.clips)
        result = {
            "quarter": read(quarter, options.batch_size),
            "whole": read(whole, options.batch_size),
            "step_floor_seconds": operations(whole, options.batch_size) / matmul_rate(),
        }
    result["read_to_floor"] = result["whole"]["seconds"] / result["step_floor_seconds"]
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
