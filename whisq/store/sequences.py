"""Stored sequences: one in a file of its own, and a stage's output of many.

A file is plain safetensors: one float16 array `states` (layers, steps, dim), named by the hash of
what was encoded, and in its header the SHA-256 of name, type, shape and numbers.

In an output `index.csv` maps a clip's id or a prompt to the hash of its input, and tells the file's
size and checksum; `manifest.json`, written last, says what made the states and holds the index's
SHA-256. Reading maps a file into memory, so that only what is used is ever loaded.
"""

from __future__ import annotations

import csv
import json
import math
import mmap
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from whisq.files import digest_of


class Found(NamedTuple):
    """What a file was found to hold.

    Attributes:
        steps: Length of the sequence.
        bytes: Size of the file.
        sha256: The checksum of its states, which they fit.
    """

    steps: int
    bytes: int
    sha256: str


MANIFEST, INDEX = "manifest.json", "index.csv"
COLUMNS = ["key", "content", *Found._fields]


class Sequences:
    """Stored sequences by clip id or prompt, read as they are asked for.

    Attributes:
        keys: Clip ids or prompts, in the order they were embedded.
        lengths: Steps of each, shape (keys,).
        dim: Width of a state.
        layers: The encoder's hidden states that are kept, in the order of the first axis.
        manifest: What made the sequences; `manifest["spec"]` rebuilds the encoder.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], rows: list[dict[str, str]]) -> None:
        """Take the manifest and the index, one row a key, that `open` has read in a folder."""
        self.folder, self.manifest = folder, manifest
        self.keys = [row["key"] for row in rows]
        self.lengths = np.array([int(row["steps"]) for row in rows], dtype=np.int64)
        self.dim: int = manifest["dim"]
        self.layers: tuple[int, ...] = tuple(manifest["layers"])
        self._contents = {row["key"]: row["content"] for row in rows}
        self._picked: slice | list[int] = slice(None)

    @classmethod
    def open(cls, folder: str | Path) -> Sequences:
        """Return the sequences that a stage has written; no state is read yet.

        Raises:
            ValueError: The folder is not finished, or its files do not fit its index.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            raise ValueError(
                f"{folder} must hold finished embeddings but has no {MANIFEST}; "
                "run `dvc repro embed_audio embed_text`"
            )
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        with (folder / INDEX).open(encoding="utf-8", newline="") as index:
            rows = list(csv.DictReader(index))
        for row in rows:
            path = file_of(folder, row["content"])
            if not path.is_file() or path.stat().st_size != int(row["bytes"]):
                raise ValueError(
                    f"{path} must be a file of {row['bytes']} bytes as {INDEX} says; "
                    "run the stage again"
                )
        return cls(folder, manifest, rows)

    def __contains__(self, key: str) -> bool:
        """Return whether a clip id or prompt was embedded."""
        return key in self._contents

    def __getitem__(self, key: str) -> np.ndarray:
        """Return the states of a key, float16 of shape (layers, steps, dim), mapped read-only.

        Raises:
            KeyError: It was not embedded.
        """
        if key not in self:
            raise KeyError(f"{key!r} was not embedded into {self.folder}; run the stage again")
        return map_states(file_of(self.folder, self._contents[key]))[self._picked]

    def only(self, layers: Iterable[int]) -> Sequences:
        """Return the same sequences with some of `layers` alone, in the order given.

        The others are neither read nor padded.

        Raises:
            ValueError: A layer is not stored.
        """
        wanted = tuple(layers)
        if not wanted or not set(wanted) <= set(self.layers):
            raise ValueError(
                f"{self.folder} holds layers {list(self.layers)}, asked for {list(wanted)}; add "
                "them to embed_audio.layers, or for variants to trials.audio_layers"
            )
        fewer = copy(self)
        fewer.layers = wanted
        places = [self.manifest["layers"].index(layer) for layer in wanted]
        # A slice is a view, a list of places a copy.
        fewer._picked = slice(places[0], places[0] + 1) if len(places) == 1 else places
        return fewer


def file_of(folder: Path, content: str) -> Path:
    """Return the file of a folder for the output of an input of this hash."""
    return folder / f"{content}.safetensors"


def pack(content: str, states: np.ndarray) -> bytes:
    """Return a file's bytes for states, float16 of shape (layers, steps, dim), by input's hash."""
    from safetensors.numpy import save

    states = np.ascontiguousarray(states)
    return save({"states": states}, metadata={"sha256": _checksum(content, states)})


def map_states(path: Path) -> np.ndarray:
    """Return a file's states, float16 of shape (layers, steps, dim), mapped read-only."""
    return _map(path)[0]


def verify(path: Path) -> Found | None:
    """Return what a file, named by the hash of its input, holds; None if torn or altered."""
    try:
        states, sha256, size = _map(path)
    except (ValueError, KeyError, TypeError, OSError):
        return None
    whole = size == path.stat().st_size and sha256 == _checksum(path.stem, states)
    return Found(states.shape[1], size, sha256) if whole else None


def _map(path: Path) -> tuple[np.ndarray, str, int]:
    # Each time anew: a process may have fewer files open than a corpus has clips.
    with path.open("rb", buffering=0) as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    shape, (first, last) = (header["states"][name] for name in ("shape", "data_offsets"))
    states = np.frombuffer(data, np.float16, math.prod(shape), start + first).reshape(shape)
    return states, header["__metadata__"]["sha256"], start + last


def _checksum(content: str, states: np.ndarray) -> str:
    return digest_of(content, f"{states.dtype} {states.shape}", states.data)
