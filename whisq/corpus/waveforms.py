"""What a wav file holds, and whether it holds what its header says."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from whisq.corpus.problems import Problems

SILENCE = 1e-4
"""Peak below which a clip is called nearly silent, full scale 1 (-80 dB)."""
SHORTEST = 0.025
"""Seconds: one analysis window of the audio encoder."""

FETCH_AGAIN = "fetch the corpus again or put a whole file there"

# Programs that write to a pipe can't go back and fill in the length.
UNKNOWN_LENGTHS = (0, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True)
class Waveform:
    """What is known of one file.

    Attributes:
        seconds: Length.
        rate: Samples a second, Hz.
        channels: How many.
        peak: Largest magnitude, full scale 1; NaN if any sample is not a number.
        missing: Bytes of audio that the header promises and the file does not have.
        error: Why it could not be read, else blank.
    """

    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    peak: float = 0.0
    missing: int = 0
    error: str = ""


def inspect(path: Path) -> Waveform:
    """Decode one file from end to end.

    Args:
        path: An audio file.

    Returns:
        What it holds; an unreadable file is told by `error`, not raised.
    """
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            peak, frames = 0.0, 0
            for block in file.blocks(1 << 18, dtype="float32"):
                frames += len(block)
                # Not max(): that would lose a NaN.
                peak = float(np.maximum(peak, np.abs(block).max(initial=0.0)))
            seconds = frames / file.samplerate
            return Waveform(seconds, file.samplerate, file.channels, peak, missing_bytes(path))
    except (OSError, RuntimeError) as error:
        return Waveform(error=str(error))


def inspect_all(paths: list[Path], workers: int | None = None) -> list[Waveform]:
    """Decode many files at once; libsndfile works outside Python's lock.

    Args:
        paths: Audio files.
        workers: Threads; None for as many as Python thinks fit.

    Returns:
        What each holds, in the same order.
    """
    from tqdm import tqdm

    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(inspect, paths)
        return list(tqdm(found, total=len(paths), desc="check audio", unit="clip", disable=None))


def missing_bytes(path: Path) -> int:
    """Count the bytes by which a RIFF file falls short of its header: libsndfile keeps silent.

    Args:
        path: A file; one that is not RIFF/WAVE is taken to be whole.

    Returns:
        How many bytes of audio are missing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
            return 0
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                short = file.tell() + length - size
                return 0 if length in UNKNOWN_LENGTHS else max(0, short)
            file.seek(length + length % 2, 1)
    return 0


def note_damage(name: str, wave: Waveform, problems: Problems) -> None:
    """Note what makes a file unfit to be embedded.

    Args:
        name: The file, relative to the corpus.
        wave: What it holds.
        problems: Where it is noted: near silence as a warning, all else as fatal.
    """
    if wave.error:
        problems.fatal("unreadable audio", name, None, wave.error, FETCH_AGAIN)
    elif wave.missing:
        what = f"{wave.missing} bytes fewer than its header says"
        problems.fatal("truncated audio", name, None, what, FETCH_AGAIN)
    elif wave.seconds < SHORTEST:
        what = f"{wave.seconds:.4f} s, at least {SHORTEST} s wanted"
        problems.fatal("empty audio", name, None, what, FETCH_AGAIN)
    elif not wave.peak < float("inf"):
        problems.fatal("audio not a number", name, None, "NaN or infinite samples", FETCH_AGAIN)
    elif wave.peak == 0:
        remedy = f"{FETCH_AGAIN}, or take it out of the lists"
        problems.fatal("silent audio", name, None, "nothing but zeros", remedy)
    elif wave.peak < SILENCE:
        what = f"peak {wave.peak:.1e} of full scale"
        problems.warn("nearly silent audio", name, None, what, "make sure that it was rated so")
