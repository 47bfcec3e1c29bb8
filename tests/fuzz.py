"""Inputs at random, by the hour: `python tests/fuzz.py decoder --minutes 60`.

Each target makes its inputs from a seed, knows what may come of them, and tells what else did: a
traceback, a number for sound that was not read, a row that got lost. What fails is shrunk and
printed with the seed of its round, which makes it again.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import io
import json
import resource
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from whisq import audio, tables
from whisq.evaluation.answers import read_scores
from whisq.scoring.requests import read_table
from whisq.scoring.rows import Row, write_rows
from whisq.serving.payload import clip_of

MEMORY = 12 * 2**30  # bytes of address space; what asks for more fails
FORMATS = {
    **{kind: (kind, "PCM_16") for kind in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")},
    "WAV float": ("WAV", "FLOAT"),
    "WAV 24": ("WAV", "PCM_24"),
    "FLAC": ("FLAC", "PCM_16"),
    "VORBIS": ("OGG", "VORBIS"),
    "OPUS": ("OGG", "OPUS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
}
# What a codec pads, in samples: an encoder's delay and the last frame.
PADDED = {"MP3": 4 * 1152, "OPUS": 960, "VORBIS": 0}
PIPED = (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB)


@dataclass(frozen=True)
class File:
    """A sound file: a key of FORMATS, its content, how many samples a channel has."""

    kind: str
    content: bytes
    samples: int

    def __repr__(self) -> str:
        return f"{self.kind}, {self.samples} samples"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


@st.composite
def sounds(draw: st.DrawFn) -> File:
    """A tone in noise, half a second to two, in any container."""
    kind = draw(st.sampled_from(sorted(FORMATS)))
    rate = draw(st.sampled_from([8000, 16000, 24000, 48000]))
    count = draw(st.integers(rate // 2, 2 * rate))
    channels = draw(st.sampled_from([1, 2]))
    noise = np.random.default_rng(draw(st.integers(0, 2**16)))
    clip = 0.3 * np.sin(np.arange(count) ** 1.2 / 20)[:, None] + noise.normal(
        0, 0.05, (count, channels)
    )
    file = io.BytesIO()
    container, subtype = FORMATS[kind]
    soundfile.write(file, clip, rate, format=container, subtype=subtype)
    return File(kind, file.getvalue(), count)


def heard(data: bytes) -> int | None:
    """Samples of a channel that are read from a file, None where it is refused."""
    try:
        clip = audio.read(data)
    except ValueError as error:
        if not str(error).strip():
            raise AssertionError("an error without a word") from None
        return None
    assert np.isfinite(clip.samples).all()
    assert np.isfinite(audio.resampled(clip)).all()
    return len(clip.samples)


def decoder(made: File, data: st.DataObject) -> None:
    """All of a file's sound is read, or the file is refused."""
    kind, file, count = made.kind, made.content, made.samples
    change = data.draw(
        st.sampled_from(
            ["none", "cut", "lengths", "flip", "append", "tag", "twice", "zeroed", "dropped"]
        )
    )
    read = PADDED.get(kind, 0)
    at = data.draw(st.integers(1, len(file) - 1))
    if change == "none":
        assert count <= (heard(file) or 0) <= count + read
    elif change == "cut":
        assert whole(heard(file[:at]), count, read)
    elif change == "lengths" and b"data" in file[:200]:
        place = file.index(b"data") + 4
        size = data.draw(st.sampled_from(PIPED) | st.integers(0, 2**32 - 1))
        # A length that a pipe writes stands for all that follows; another one that is too short
        # or too long has lost something, or never had it.
        assert whole(heard(file[:place] + struct.pack("<I", size) + file[place + 4 :]), count, read)
    elif change in {"append", "tag"}:
        rest = data.draw(st.binary(min_size=1, max_size=300))
        tail = b"TAG" + rest.ljust(125, b"\0")[:125] if change == "tag" else rest
        samples = heard(file + tail)
        assert samples is None or count <= samples <= count + read + len(tail) + 1152
    elif change == "twice":
        samples = heard(file + file)
        assert samples is None or samples >= 2 * count, "half of the sound"
    elif change == "zeroed":
        # Where a header went, anything may be claimed; no more is asked than an honest error.
        heard(file[:at] + bytes(min(64, len(file) - at)) + file[at + 64 :])
    elif change == "dropped":
        heard(file[:at] + file[at + data.draw(st.integers(1, 64)) :])
    else:
        flipped = bytearray(file)
        for place in data.draw(st.lists(st.integers(0, min(len(file), 400) - 1), max_size=8)):
            flipped[place] ^= 1 << data.draw(st.integers(0, 7))
        heard(bytes(flipped))


def whole(samples: int | None, count: int, padded: int) -> bool:
    """Whether a file was refused, or all of its sound was read."""
    return samples is None or count <= samples <= count + padded


TEXT = st.text(max_size=30) | st.sampled_from(
    ["nan", "N/A", "none", "1,5", 'say "hi"', "a;b", "a\tb", "a\nb", "a\u2028b", " x ", "\ufeff"]
)
WORDS = TEXT.filter(
    lambda text: "\0" not in text and not any("\ud800" <= c < "\ue000" for c in text)
)
NAMES = st.text("abcXYZ019_- .é/\\", min_size=1, max_size=12).map(lambda name: f"a{name}b.wav")


def as_csv(rows: list[dict], path: Path, delimiter: str = ",", encoding: str = "utf-8") -> None:
    """Write a table as Python's own csv writes it."""
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


WRITERS: dict[str, Callable[[list[dict], Path], None]] = {
    "comma.csv": as_csv,
    "semicolon.csv": lambda rows, path: as_csv(rows, path, ";"),
    "tab.tsv": lambda rows, path: as_csv(rows, path, "\t"),
    "bom.csv": lambda rows, path: as_csv(rows, path, encoding="utf-8-sig"),
    "excel.csv": lambda rows, path: as_csv(rows, path, ";", "utf-16"),
    "list.jsonl": lambda rows, path: path.write_text("".join(json.dumps(r) + "\n" for r in rows)),
    "list.ndjson": lambda rows, path: path.write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    ),
    "list.json": lambda rows, path: path.write_text(json.dumps(rows, indent=1)),
    "list.parquet": lambda rows, path: pd.DataFrame(rows).to_parquet(path),
}


def damaged(path: Path, data: st.DataObject, read: Callable[[Path], object]) -> None:
    """A file with bytes lost or changed is read or refused, never a traceback."""
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    path.write_bytes(content)
    with contextlib.suppress(ValueError):
        read(path)


def lists(rows: list[tuple[str, str]], kind: str, column: str, data: st.DataObject) -> None:
    """Every row of a list comes out, with its own prompt."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / kind
        WRITERS[kind]([{column: name, "prompt": prompt} for name, prompt in rows], path)
        if data.draw(st.booleans()):
            damaged(path, data, read_table)
            return
        requests = read_table(path)
        assert len(requests) == len(rows), "rows were lost"
        for request, (name, prompt) in zip(requests, rows, strict=True):
            assert base_name(str(request.path)) == base_name(name)
            said = tables.cell(prompt)
            assert (request.prompt or "").split() == (said or "").split()


def base_name(path: str) -> str:
    """A file's own name, on either kind of system."""
    return path.replace("\\", "/").rpartition("/")[2]


RATING = st.floats(1, 5).map(lambda value: round(value, 6))


def answers(rows: list[tuple], kind: str, columns: tuple[str, ...], data: st.DataObject) -> None:
    """Every score of an answer is read as it was written, by whisq's hand or another's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / kind
        if kind.startswith("own"):
            write_rows(
                [Row(name, f"{name}.wav", said, None, omq, ta) for name, said, omq, ta in rows],
                path,
            )
        else:
            table = [
                dict(zip((*columns, "prompt"), (n, q, t, said), strict=True))
                for n, said, q, t in rows
            ]
            WRITERS[kind](table, path)
        if data.draw(st.booleans()):
            damaged(path, data, read_scores)
            return
        scores = read_scores(path, failed=kind.startswith("own"))
        assert len(scores) == len(rows), "rows were lost"
        for (_, score), (_, _, omq, ta) in zip(scores.iterrows(), rows, strict=True):
            assert (score.omq, score.ta) == (omq, ta)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def payload(row: dict) -> None:
    """A client's row is a clip below the root and a prompt, or it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "a.wav").write_bytes(b"no sound")
        try:
            clip, prompt = clip_of(row, root)
        except ValueError as error:
            if not str(error).strip():
                raise AssertionError("an error without a word") from None
            return
        assert set(row) <= {"audio", "prompt"}, "a field was passed over"
        if prompt is not None and not isinstance(prompt, str):
            return  # refused by the model, as in all roads
        if isinstance(clip, str):
            assert Path(clip).is_relative_to(root), "outside the root"
        with contextlib.suppress(ValueError):
            audio.read(clip)


def rows_of(*cells: st.SearchStrategy) -> st.SearchStrategy:
    """A table's rows, the first cell of each its own."""
    return st.lists(st.tuples(*cells), min_size=1, max_size=6, unique_by=lambda row: row[0])


def by_address(sound: File) -> dict[str, str]:
    """A row whose clip is in it."""
    content = base64.b64encode(sound.content).decode()
    return {"audio": f"data:audio/wav;base64,{content}", "prompt": "x"}


TARGETS: dict[str, tuple[Callable, tuple[st.SearchStrategy, ...]]] = {
    "decoder": (decoder, (sounds(), st.data())),
    "lists": (
        lists,
        (
            rows_of(NAMES, WORDS),
            st.sampled_from(sorted(WRITERS)),
            st.sampled_from(["path", "audio", "filename", "wav_path"]),
            st.data(),
        ),
    ),
    "answers": (
        answers,
        (
            rows_of(st.text("abc_019", min_size=1, max_size=9), WORDS, RATING, RATING),
            st.sampled_from(["own.csv", "own.jsonl", "own.parquet", *sorted(WRITERS)]),
            st.sampled_from([("id", "omq", "ta"), ("file", "overall_quality", "text_alignment")]),
            st.data(),
        ),
    ),
    "payload": (
        payload,
        (
            st.fixed_dictionaries(
                {}, optional={"audio": JSON, "prompt": JSON, "promt": JSON, "rate": JSON}
            )
            | st.fixed_dictionaries({"audio": st.binary(max_size=40).map(bytes.hex)})
            | sounds().map(by_address),
        ),
    ),
}


def attempt(target: str, number: int, examples: int = 400) -> tuple[str, str] | None:
    """Try one round of inputs.

    Args:
        target: One of TARGETS.
        number: The round's seed.
        examples: How many inputs.

    Returns:
        The first fault, shrunk: its kind and place, and its traceback with the input that made
        it. None where there is none.
    """
    function, strategies = TARGETS[target]
    test = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )(given(*strategies)(function))
    try:
        seed(number)(test)()
    except Exception as error:  # whatever comes is what is looked for
        places = traceback.extract_tb(error.__traceback__)
        own = [place for place in places if "hypothesis" not in place.filename]
        last = own[-1] if own else places[-1]
        kind = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        notes = getattr(error, "__notes__", [])
        return kind, "\n".join([*traceback.format_exception(error), *notes])
    return None


def main() -> None:
    """Run one target for some minutes and say what came of it, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--examples", type=int, default=400, help="inputs a round")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    begun, number, faults = time.monotonic(), arguments.seed, {}
    while time.monotonic() < begun + 60 * arguments.minutes:
        if fault := attempt(arguments.target, number, arguments.examples):
            kind, told = fault
            if kind not in faults:
                print(f"seed {number}: {told}", file=sys.stderr, flush=True)
            faults.setdefault(kind, number)
        number += 1
    result = {
        "target": arguments.target,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "inputs": (number - arguments.seed) * arguments.examples,
        "faults": faults,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
