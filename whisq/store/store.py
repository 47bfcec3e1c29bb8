"""The one place where encoders' outputs are kept, by the content of what was encoded.

One folder for each encoder as it was set up (its name is a hash of all that decides the
numbers), in it one file for each input (its name is a hash of the samples or the text). A name
that exists is therefore never stale, and nothing is ever written twice. Files are written whole
or not at all, are never written into, and carry their own checksum; what a stage puts out are
links to them.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from whisq.encoders.frozen import Spec
from whisq.encoders.weights import Location, fingerprint
from whisq.files import cache_folder, digest_of, sweep, tell, write_whole
from whisq.store.known_files import digests
from whisq.store.sequences import Found, file_of, pack, verify


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
        self.folder = self.root / f"{about['kind']}-{digest_of(self.about)[:16]}"

    @classmethod
    def of(
        cls, kind: str, spec: Spec, location: Location, preprocessing: int, root: Path | None
    ) -> Store:
        """Name an encoder by all that decides its numbers.

        Args:
            kind: `audio` or `text`.
            spec: What is kept of which encoder.
            location: Where its weights are.
            preprocessing: Version of what is done around the encoder.
            root: Where all encoders' outputs are kept; `cache_folder()` if None.

        Returns:
            The store of its outputs.
        """
        decides = {"spec": spec.kept(), "weights": fingerprint(location)}
        return cls({"kind": kind, **decides, "preprocessing": preprocessing}, root)

    def note(self, layers: tuple[int, ...], dim: int) -> None:
        """Keep what is known of the encoder once it is loaded, so that it need not be again.

        Args:
            layers: Hidden states that are kept, counted from 0.
            dim: Width of a state.
        """
        noted = {"layers": list(layers), "dim": dim}
        if self.noted() != noted:
            write_whole(self.folder / "encoder.json", json.dumps(noted).encode())

    def noted(self) -> dict[str, Any] | None:
        """Tell what is known of the encoder.

        Returns:
            Its `layers` and `dim`, or None if it was never loaded.
        """
        path = self.folder / "encoder.json"
        return json.loads(path.read_text()) if path.exists() else None

    def path(self, content: str) -> Path:
        """Tell where an output is kept.

        Args:
            content: Hash of the input.

        Returns:
            The file, whether it exists or not.
        """
        return file_of(self.folder / content[:2], content)

    def __contains__(self, content: str) -> bool:
        """Return whether an output is kept; its checksum is not looked at."""
        return self.path(content).exists()

    def write(self, content: str, states: np.ndarray) -> None:
        """Keep an output.

        Args:
            content: Hash of the input.
            states: float16, shape (layers, steps, dim).
        """
        write_whole(self.path(content), pack(content, states))

    def whole(self, contents: Iterable[str]) -> dict[str, Found]:
        """Verify outputs; one that is torn or altered is removed.

        Args:
            contents: Hashes of inputs.

        Returns:
            What is kept of them, all of it whole.
        """
        kept = {content: self.path(content) for content in contents if content in self}
        found = check(kept.values(), self.root)
        for path in (path for path in kept.values() if not found[path]):
            tell(f"{path} is torn or altered: it is removed and computed again")
            with contextlib.suppress(OSError):
                path.chmod(0o644)  # DVC believes what is read-only: now it looks at its own name
            path.unlink()
        return {content: found[path] for content, path in kept.items() if found[path]}

    @contextlib.contextmanager
    def alone(self):
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
    """Verify files, reading those alone that are others than when they were verified last.

    Args:
        paths: Files with an output each, named by the hash of its input.
        root: Where all encoders' outputs are kept, and the memory of what was read.

    Returns:
        What each holds; None if it is torn or altered.
    """
    told = digests(paths, "states", lambda path: json.dumps(verify(path)), root, linked=True)
    return {path: (found := json.loads(line)) and Found(*found) for path, line in told.items()}
