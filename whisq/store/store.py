"""The one place where encoders' outputs are kept, by the content of what was encoded.

One folder for each encoder as it was set up (its name is a hash of all that decides the
numbers), in it one file for each input (its name is a hash of the samples or the text). A name
that exists is therefore never stale, and nothing is ever written twice. Files are written whole
or not at all, are never written into, and carry their own checksum. What a stage puts out are
links to them, always the same to the byte.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from whisq.encoders.frozen import Spec
from whisq.encoders.weights import Location, fingerprint
from whisq.files import cache_folder, digest_of, link_or_copy, sweep, tell, write_whole
from whisq.store.known_files import digests
from whisq.store.sequences import COLUMNS, INDEX, MANIFEST, Found, file_of, pack, verify


class Store:
    """Outputs of one encoder as it was set up."""

    def __init__(self, about: Mapping[str, Any], root: Path | None = None) -> None:
        """Name the encoder.

        Args:
            about: All that decides the numbers, as JSON can hold it; its `kind` comes first
                in the folder's name.
            root: Where all encoders' outputs are kept; the user's cache if None.
        """
        self.about = json.dumps(about, sort_keys=True, indent=1) + "\n"
        self.root = root or cache_folder()
        self.commit: str | None = None
        self.commits_beside: list[str | None] = []
        self.folder = self.root / f"{about['kind']}-{digest_of(self.about)[:16]}"

    @classmethod
    def of(
        cls, kind: str, spec: Spec, location: Location, preprocessing: int, root: Path | None
    ) -> Store:
        """Return the store of an encoder's outputs, of `kind` audio or text."""
        decides = {"spec": spec.kept(), "weights": fingerprint(location)}
        store = cls({"kind": kind, **decides, "preprocessing": preprocessing}, root)
        # They name no sequence: the weights do.
        store.commit, *store.commits_beside = (each.commit for each in location.each)
        return store

    def note(self, layers: tuple[int, ...], dim: int) -> None:
        """Keep what is known of the encoder once it is loaded, so that it need not be again."""
        noted = {"layers": list(layers), "dim": dim}
        if self.noted() != noted:
            write_whole(self.folder / "encoder.json", json.dumps(noted).encode())

    def noted(self) -> dict[str, Any] | None:
        """Return the encoder's `layers` and `dim`, or None if it was never loaded."""
        path = self.folder / "encoder.json"
        return json.loads(path.read_text()) if path.exists() else None

    def path(self, content: str) -> Path:
        """Return where the output for an input of this hash is kept, or would be."""
        return file_of(self.folder / content[:2], content)

    def __contains__(self, content: str) -> bool:
        """Return whether an output is kept; its checksum is not looked at."""
        return self.path(content).exists()

    def write(self, content: str, states: np.ndarray) -> None:
        """Keep an output, float16 of shape (layers, steps, dim), by the hash of its input."""
        write_whole(self.path(content), pack(content, states))

    def whole(self, contents: Iterable[str]) -> dict[str, Found]:
        """Return what is kept for inputs of these hashes; what is torn or altered is removed."""
        kept = {content: self.path(content) for content in contents if content in self}
        found = check(kept.values(), self.root)
        for path in (path for path in kept.values() if not found[path]):
            tell(f"{path} is torn or altered: it is removed and computed again")
            with contextlib.suppress(OSError):
                path.chmod(0o644)  # DVC believes what is read-only: now it looks at its own name
            path.unlink()
        return {content: found[path] for content, path in kept.items() if found[path]}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from computing with the same encoder at the same time.

        Yields:
            Nothing; what a killed process left half written is gone by then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"waiting for another process that fills {self.folder}")
            lock.acquire()
        try:
            os.utime(self.folder / "lock")  # tells when the store was last used
            sweep(self.folder)
            if not (self.folder / "about.json").exists():
                write_whole(self.folder / "about.json", self.about.encode())
            yield
        finally:
            lock.release()


def check(paths: Iterable[Path], root: Path) -> dict[Path, Found | None]:
    """Return what files hold, None if torn; only those are read that changed since the last time.

    Args:
        paths: Files with an output each, named by the hash of its input.
        root: Where all encoders' outputs are kept, and the memory of what was read.
    """
    told = digests(paths, "states", lambda path: json.dumps(verify(path)), root, linked=True)
    return {path: (found := json.loads(line)) and Found(*found) for path, line in told.items()}


@dataclass(frozen=True)
class Counts:
    """What a run of a stage did.

    Attributes:
        keys: Clips or prompts in the output.
        distinct: Different contents among them.
        computed: Contents that the store did not have.
    """

    keys: int
    distinct: int
    computed: int


def fill(
    folder: Path,
    contents: Mapping[str, str],
    store: Store,
    compute: Callable[[set[str]], None],
) -> Counts:
    """Compute what the store lacks and lay out a stage's output.

    Args:
        folder: Where the output goes.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        store: Of the encoder.
        compute: Puts the given contents into the store.

    Returns:
        What was done.
    """
    distinct = set(contents.values())
    with store.alone():
        found, computed = complete(distinct, store, compute)
        lay_out(folder, contents, store, found)
    return Counts(len(contents), len(distinct), computed)


def complete(
    wanted: set[str], store: Store, compute: Callable[[set[str]], None]
) -> tuple[dict[str, Found], int]:
    """Compute what a store lacks, which must be `alone`; arguments as those of `fill`.

    Returns:
        What it holds for each hash, and how many were computed.
    """
    found, computed = store.whole(wanted), 0
    while missing := wanted - (found.keys() if store.noted() else set()):
        compute(missing)
        computed += len(missing)
        found = store.whole(wanted)
    return found, computed


def lay_out(
    folder: Path, contents: Mapping[str, str], store: Store, found: Mapping[str, Found]
) -> None:
    """Write links, index and manifest of the given keys, unless they are there already.

    Args:
        folder: Where to; what else is in it is removed.
        contents: As `fill` takes them.
        store: Where the states are.
        found: What the store holds for each hash, all of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = _index(contents, found)
    texts = {INDEX: index, MANIFEST: _manifest(store, contents, found, index)}
    files = {content: file_of(folder, content) for content in found}
    lacking = _lacking(files, store, found)
    strays = set(folder.iterdir()) - {*files.values(), *(folder / name for name in texts)}
    if not lacking and not strays and all(_holds(folder / name, texts[name]) for name in texts):
        return
    (folder / MANIFEST).unlink(missing_ok=True)  # unfinished from here on
    for stray in strays:
        stray.unlink()
    for content in lacking:
        link_or_copy(store.path(content), files[content])
    for name, text in texts.items():
        write_whole(folder / name, text)


def _lacking(files: Mapping[str, Path], store: Store, found: Mapping[str, Found]) -> list[str]:
    there = {content: path for content, path in files.items() if path.exists()}
    apart = {c: path for c, path in there.items() if not path.samefile(store.path(c))}
    held = check(apart.values(), store.root)
    others = [content for content, path in apart.items() if held[path] != found[content]]
    if others:
        first = files[others[0]]
        tell(f"{first}, one of {len(others)}, is not what the store has: it is replaced")
    return [content for content in files if content not in there] + others


def _index(contents: Mapping[str, str], found: Mapping[str, Found]) -> bytes:
    text = io.StringIO(newline="")
    rows = ([key, content, *found[content]] for key, content in contents.items())
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def _manifest(
    store: Store, contents: Mapping[str, str], found: Mapping[str, Found], index: bytes
) -> bytes:
    steps = sum(found[content].steps for content in contents.values())
    totals = {"sequences": len(contents), "steps": steps, "index_sha256": digest_of(index)}
    about = json.loads(store.about) | (store.noted() or {}) | {"dtype": "float16"}
    about |= {"commit": store.commit} if store.commit else {}
    about |= {"commits_beside": store.commits_beside} if any(store.commits_beside) else {}
    return (json.dumps(about | totals, indent=1) + "\n").encode()


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
