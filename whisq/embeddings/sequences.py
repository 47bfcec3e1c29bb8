"""Stored sequences of a stage: shards, an index and a manifest that says what made them.

A shard is a safetensors file of float16 arrays (layers, steps, dim), each named by the hash of
its input; `index.csv` maps a clip's id or a prompt to its array; `manifest.json`, written last,
holds the encoder's settings and every shard's SHA-256. Reading maps the shards into memory, so
that only what is used is ever loaded.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

MANIFEST, INDEX = "manifest.json", "index.csv"
COLUMNS = ["key", "steps", "shard", "content"]


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
        """Take what `open` has read.

        Args:
            folder: Where the shards are.
            manifest: The manifest.
            rows: The index, one row a key.
        """
        self.folder, self.manifest = folder, manifest
        self.keys = [row["key"] for row in rows]
        self.lengths = np.array([int(row["steps"]) for row in rows], dtype=np.int64)
        self.dim: int = manifest["dim"]
        self.layers: tuple[int, ...] = tuple(manifest["layers"])
        self._rows = {row["key"]: row for row in rows}
        self._shards: dict[str, dict[str, np.ndarray]] = {}
        self._picked: slice | list[int] = slice(None)

    @classmethod
    def open(cls, folder: str | Path) -> Sequences:
        """Open the sequences that a stage has written.

        Args:
            folder: The stage's output.

        Returns:
            The sequences; no state is read yet.

        Raises:
            ValueError: The folder is not finished, or its files do not fit its manifest.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            raise ValueError(
                f"{folder} must hold finished embeddings but has no {MANIFEST}; "
                "run `dvc repro embed_audio embed_text`"
            )
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for file in manifest["files"]:
            path = folder / file["name"]
            if not path.is_file() or path.stat().st_size != file["bytes"]:
                raise ValueError(
                    f"{path} must be a file of {file['bytes']} bytes as {MANIFEST} says; "
                    "run the stage again"
                )
        with (folder / INDEX).open(encoding="utf-8", newline="") as index:
            return cls(folder, manifest, list(csv.DictReader(index)))

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.keys)

    def __iter__(self) -> Iterator[str]:
        """Return an iterator over the keys."""
        return iter(self.keys)

    def __contains__(self, key: str) -> bool:
        """Return whether a clip id or prompt was embedded."""
        return key in self._rows

    def __getitem__(self, key: str) -> np.ndarray:
        """Map one sequence into memory.

        Args:
            key: A clip's id or a prompt.

        Returns:
            float16, shape (layers, steps, dim), read-only.

        Raises:
            KeyError: It was not embedded.
        """
        if key not in self._rows:
            raise KeyError(f"{key!r} was not embedded into {self.folder}; run the stage again")
        row = self._rows[key]
        if row["shard"] not in self._shards:
            self._shards[row["shard"]] = map_shard(self.folder / row["shard"])
        return self._shards[row["shard"]][row["content"]][self._picked]

    def only(self, layers: Iterable[int]) -> Sequences:
        """Read some layers alone: the others are neither read nor padded.

        Args:
            layers: Some of `layers`, in the order wanted.

        Returns:
            The same sequences with these layers.

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

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the maps: a worker process opens its own."""
        return self.__dict__ | {"_shards": {}}

    def damaged(self) -> list[str]:
        """Read every file and compare it with the manifest.

        Returns:
            Names of the files whose SHA-256 is another.
        """
        return [
            file["name"]
            for file in self.manifest["files"]
            if file_digest(self.folder / file["name"]) != file["sha256"]
        ]


def map_shard(path: Path) -> dict[str, np.ndarray]:
    """Map the arrays of a safetensors file into memory.

    Args:
        path: The file.

    Returns:
        Read-only float16 arrays by name.
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    size = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:size].tobytes())
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        start = size + entry["data_offsets"][0]
        stop = start + 2 * math.prod(entry["shape"])
        arrays[name] = data[start:stop].view(np.float16).reshape(entry["shape"])
    return arrays


def file_digest(path: Path) -> str:
    """Hash a file.

    Args:
        path: The file.

    Returns:
        SHA-256, hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
