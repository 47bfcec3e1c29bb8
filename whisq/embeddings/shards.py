"""A stage's output put together from the cache, the same to the byte whatever came between."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from whisq.embeddings.cache import Cache
from whisq.embeddings.files import digest_of, sweep, tell, write_whole
from whisq.embeddings.known_files import digests
from whisq.embeddings.sequences import COLUMNS, INDEX, MANIFEST, file_digest

SHARD = 64 * 2**20  # bytes; few files for DVC, and one fits in memory while it is written


class DamagedError(Exception):
    """Outputs that the cache had are torn or altered: they have to be computed again."""


def assemble(
    folder: Path, contents: Mapping[str, str], cache: Cache, about: Mapping[str, Any]
) -> None:
    """Write shards, index and manifest of the given keys, unless they are there already.

    Args:
        folder: Where to; what else is in it is removed.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        cache: Where the outputs are, all of them.
        about: What the manifest says besides: kind, spec, weights, preprocessing.
    """
    if _there(folder, contents, cache, about):
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # unfinished from here on
    sweep(folder)
    places: dict[str, tuple[int, str]] = {}
    files = []
    for number, arrays in enumerate(_shards(dict.fromkeys(contents.values()), cache)):
        name = f"shard-{number:05d}.safetensors"
        files.append(_write_shard(folder / name, arrays))
        places |= {content: (array.shape[1], name) for content, array in arrays.items()}
    rows = [[key, *places[content], content] for key, content in contents.items()]
    files.append(_write(folder / INDEX, _table(rows)))
    for stray in set(folder.iterdir()) - {folder / file["name"] for file in files}:
        stray.unlink()
    totals = {"sequences": len(rows), "steps": sum(row[1] for row in rows), "files": files}
    manifest = _manifest(cache, about) | totals
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def _there(
    folder: Path, contents: Mapping[str, str], cache: Cache, about: Mapping[str, Any]
) -> bool:
    if not (folder / MANIFEST).is_file() or not (folder / INDEX).is_file():
        return False
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if {key: manifest.get(key) for key in _manifest(cache, about)} != _manifest(cache, about):
        return False
    with (folder / INDEX).open(encoding="utf-8", newline="") as index:
        rows = csv.DictReader(index)
        if [(row["key"], row["content"]) for row in rows] != list(contents.items()):
            return False
    noted = {folder / file["name"]: file["sha256"] for file in manifest["files"]}
    if set(folder.iterdir()) != {*noted, folder / MANIFEST}:
        return False
    found = digests(noted, "file", file_digest, cache.folder.parent)
    damaged = [path for path, digest in found.items() if digest != noted[path]]
    for path in damaged:
        tell(f"{path} is torn or altered: it is written again")
    return not damaged


def _manifest(cache: Cache, about: Mapping[str, Any]) -> dict[str, Any]:
    # Through JSON, so that tuples compare as the lists they are read back as.
    return json.loads(json.dumps(dict(about) | (cache.noted() or {}) | {"dtype": "float16"}))


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
