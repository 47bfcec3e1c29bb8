"""What a GPU saves beside the CPU of the same machine, and how far its results are off.

Prints one JSON object. Encoders: Whisper-base on clips of noisy chords, and a network of
Qwen3-0.6B's sizes with random weights, which cost the same. Trainings: params.yaml's network, and
the paper's (every frame of a window of 30 s, Qwen3's tokens) at MusicEval's number of clips; both
on noise. Where there is no GPU, `--device cpu` tries the script out.

    python tests/benchmarks/gpu.py [--device cuda] [--clips 128] [--paper-clips 640]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from embed import spec_of, write_clips
from paper_cost import QWEN
from score import model
from transformers import Qwen3Config, Qwen3Model, WhisperFeatureExtractor

from whisq import params
from whisq.audio import RATE, read, resampled
from whisq.batch import Batch
from whisq.encoders.audio import AudioSpec
from whisq.encoders.whisper import WhisperEncoder
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.store.audio import embed_audio
from whisq.training.loop import train

PARAMS = Path(__file__).parents[2] / "params.yaml"
SECONDS = 10.0
TRAIN_CLIPS = 1923  # of MusicEval's 2,748
WINDOWS, PRECISIONS, BATCHES = ("padded", "clip"), ("float32", "bfloat16"), (1, 16, 64)
SIZES = {  # clips, steps of audio and their width, tokens and theirs
    "default": (TRAIN_CLIPS, 14, 512, 16, 384),
    "paper": (TRAIN_CLIPS, 1090, 512, 30, 1024),
}


def seconds_of(work: Callable[[], object], repeats: int = 3) -> float:
    """Time the best of some runs, after one to warm up; the GPU has ended its work each time."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def plain(device: str, sounds: list[np.ndarray]) -> float:
    """Clips a second of the usual lines: windows of 30 s, batches of 8, float32."""
    extractor, encoder = WhisperFeatureExtractor(), WhisperEncoder(spec_of()).encoder.to(device)

    def run() -> None:
        for start in range(0, len(sounds), 8):
            some = sounds[start : start + 8]
            mels = extractor(some, sampling_rate=RATE, return_tensors="pt").input_features
            with torch.inference_mode():
                encoder(mels.to(device)).last_hidden_state.half().cpu().numpy()

    return len(sounds) / seconds_of(run, 2)


def whisper(device: str, paths: list[Path]) -> dict[str, object]:
    """Encode clips in every window, precision and size of batch, and say how far states are off."""
    sounds = [resampled(read(path)) for path in paths]
    few = sounds[:8]
    rows = []
    for window in WINDOWS:
        exact = WhisperEncoder(spec_of(window)).encode(few)
        for dtype in PRECISIONS:
            encoder = WhisperEncoder(spec_of(window, dtype), device=device)
            mel = len(few) / seconds_of(lambda: [encoder.mel(clip) for clip in few])  # noqa: B023
            for size in BATCHES:
                took = seconds_of(lambda: encoder.encode(sounds, size), 2)  # noqa: B023
                off = [
                    np.linalg.norm(np.float64(a) - b) / np.linalg.norm(np.float64(b))
                    for a, b in zip(encoder.encode(few, size), exact, strict=True)
                ]
                rows.append(
                    {
                        "window": window,
                        "dtype": dtype,
                        "batch": size,
                        "clips_per_second": len(sounds) / took,
                        "mels_per_second": mel,
                        "off_by": max(off),
                    }
                )
    return {"plain_clips_per_second": plain(device, sounds), "ours": rows}


def stage(device: str, paths: list[Path], folder: Path) -> dict[str, float]:
    """Clips a second of the stage, from files to the store, the start of its processes included."""
    rates = {}
    spec = AudioSpec(layers=(6,), window="padded", pool=1)
    for workers in (1, 4, 8):
        started = time.perf_counter()
        embed_audio(
            {path.stem: path for path in paths}, spec, folder / f"out{workers}",
            root=folder / f"store{workers}", workers=workers, device=device,
        )  # fmt: skip
        rates[f"{workers}_processes"] = len(paths) / (time.perf_counter() - started)
    return rates


def qwen(device: str) -> dict[str, float]:
    """Prompts a second, one by one and 16 at once, on a machine's CPU and on its GPU."""
    tokens = torch.randint(QWEN["vocab_size"], (64, 30))
    rates = {}
    network = Qwen3Model(Qwen3Config(**QWEN)).eval()
    for place, dtype in (("cpu", "float32"), (device, "float32"), (device, "bfloat16")):
        network.to(place, getattr(torch, dtype))
        for size in (1, 16):
            some = tokens[: max(size, 4 if place == "cpu" else 64)].to(place)

            @torch.inference_mode()
            def run(some: torch.Tensor = some, size: int = size) -> None:
                for start in range(0, len(some), size):
                    network(some[start : start + size])

            rates[f"{place}_{dtype}_{size}"] = len(some) / seconds_of(run, 2)
    return rates


def batches(size: int, device: str, clips: int, frames: int, wide: int, words: int, deep: int):
    """Draw noise of a training set's sizes; all batches look at the same few sequences."""
    torch.manual_seed(0)
    audio, text = torch.randn(size, 1, frames, wide), torch.randn(size, words, deep)
    mask = torch.ones(size, frames, dtype=torch.bool)
    return [
        Batch(
            ids=tuple(map(str, range(size))),
            audio=audio, audio_mask=mask, text=text,
            text_mask=torch.ones(size, words, dtype=torch.bool),
            omq=1 + 4 * torch.rand(size), ta=1 + 4 * torch.rand(size),
        ).to(device)
        for _ in range(clips // size)
    ]  # fmt: skip


def epoch(device: str, precision: str, which: str, clips: int) -> float:
    """Seconds of an epoch, without dev and without other prompts to tell from."""
    values = params.load(PARAMS)
    _, *sizes = SIZES[which]
    made = batches(values.train.batch_size, device, clips, *sizes)
    about = {"audio_dim": sizes[1], "text_dim": sizes[3], "audio": {"layers": [2]}}
    about |= {"audio_pool": 1} if which == "paper" else {}
    network = build(ModelConfig(**(values.model.model_dump() | about)))
    network.fit_scaling(batch.to("cpu").inputs for batch in made[:2])
    network.to(device)
    objective = values.loss.model_copy(update={"contrast_weight": 0.0})
    schedule = values.train.model_copy(
        update={"epochs": 3, "warmup": 0.0, "precision": precision, "device": device}
    )
    ended = []
    train(
        network, objective, lambda _: made, made[:1], schedule,
        on_epoch=lambda _: ended.append(time.perf_counter()), progress=False,
    )  # fmt: skip
    return ended[2] - ended[1]


def training(device: str, paper_clips: int) -> dict[str, dict[str, float]]:
    """Seconds of an epoch at MusicEval's size on one core, on all and on the GPU."""
    found = {}
    cores = len(os.sched_getaffinity(0))
    for which, clips in (("default", TRAIN_CLIPS), ("paper", paper_clips)):
        scale = TRAIN_CLIPS / clips  # fewer clips are the same steps, fewer of them
        row = found[which] = {}
        for count in (1, cores):
            torch.set_num_threads(count)
            row[f"cpu_{count}_threads"] = scale * epoch("cpu", "float32", which, clips)
        for precision in PRECISIONS:
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            row[f"{device}_{precision}"] = scale * epoch(device, precision, which, clips)
            if torch.cuda.is_available():
                peak = torch.cuda.max_memory_allocated()
                row[f"{device}_{precision}_gigabytes"] = peak / 1e9
    return found


def scoring(device: str, paths: list[Path]) -> dict[str, float]:
    """Clips a second of `score_many` here and there, and the largest difference of a score."""
    prompts = ("a calm piano waltz", "a flute begins, then strings join", "fast drums")
    pairs = [(path, f"{prompts[n % 3]}, take {n}") for n, path in enumerate(paths)]
    here = model(AudioSpec(layers=(2,), window="clip", pool=8))
    there = type(here)(here.network, device) if device == "cpu" else None
    known, rates = list(here.score_many(pairs)), {}
    rates["cpu"] = len(pairs) / seconds_of(lambda: list(here.score_many(pairs)), 1)
    there = there or type(here)(here.network.to(device), device)
    found = list(there.score_many(pairs))
    rates[device] = len(pairs) / seconds_of(lambda: list(there.score_many(pairs)), 2)
    rates["largest_difference"] = max(
        max(abs(a.omq - b.omq), abs(a.ta - b.ta)) for a, b in zip(known, found, strict=True)
    )
    return rates


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--paper-clips", type=int, default=640)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    on_gpu = given.device != "cpu"
    found: dict[str, object] = {
        "card": torch.cuda.get_device_name() if on_gpu else "none",
        "torch": torch.__version__,
        "cores": len(os.sched_getaffinity(0)),
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = write_clips(Path(folder) / "clips", given.clips, SECONDS)
        found["whisper"] = whisper(given.device, paths)
        found["stage"] = stage(given.device, paths, Path(folder))
        found["scoring"] = scoring(given.device, paths)
    found["qwen"] = qwen(given.device)
    found["training"] = training(given.device, given.paper_clips)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
