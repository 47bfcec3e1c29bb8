"""A stage's output put together from the cache, the same to the byte whatever came between."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from whisq.embeddings.cache import Cache, digest_of, sweep, write_whole
from whisq.embeddings.sequences import COLUMNS, INDEX, MANIFEST

SHARD = 64 * 2**20  # bytes; few files for DVC, and one fits in memory while it is written


class DamagedError(Exception):
    """Outputs that the cache had are torn or altered: they have to be computed again."""


def assemble(
    folder: Path, contents: Mapping[str, str], cache: Cache, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write shards, index and manifest of the given keys.

    Args:
        folder: Where to; what else is in it is removed.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        cache: Where the outputs are, all of them.
        about: What the manifest says besides: kind, spec, weights, layers and dim.

    Returns:
        The manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # unfinished from here on
    sweep(folder)
    steps: dict[str, tuple[int, str]] = {}
    files = []
    for number, arrays in enumerate(_shards(dict.fromkeys(contents.values()), cache)):
        name = f"shard-{number:05d}.safetensors"
        files.append(_write_shard(folder / name, arrays))
        steps |= {content: (array.shape[1], name) for content, array in arrays.items()}
    rows = [[key, *steps[content], content] for key, content in contents.items()]
    files.append(_write(folder / INDEX, _table(rows)))
    manifest = dict(about) | {
        "dtype": "float16",
        "sequences": len(rows),
        "steps": sum(row[1] for row in rows),
        "files": files,
    }
    for stray in set(folder.iterdir()) - {folder / file["name"] for file in files}:
        stray.unlink()
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    return manifest


def _shards(contents: Mapping[str, None], cache: Cache) -> Iterator[dict[str, np.ndarray]]:
    arrays: dict[str, np.ndarray] = {}
    size = 0
    for content in contents:
        array = cache.read(content)
        if array is None:
            raise DamagedError(content)
        if arrays and size + array.nbytes > SHARD:
            yield arrays
            arrays, size = {}, 0
        arrays[content], size = array, size + array.nbytes
    if arrays:
        yield arrays


def _write_shard(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    from safetensors.numpy import save

    return _write(path, save(dict(arrays)))


def _write(path: Path, data: bytes) -> dict[str, Any]:
    write_whole(path, data)
    return {"name": path.name, "bytes": len(data), "sha256": digest_of(data)}


def _table(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue().encode()
