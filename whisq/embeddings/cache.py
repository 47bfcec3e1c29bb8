"""A cache of encoder outputs by the content of what was encoded.

One folder for each encoder as it was set up (its name is a hash of all that decides the
numbers), in it one file for each input (its name is a hash of the samples or the text). A name
that exists is therefore never stale, and nothing is ever written twice. Files are written
whole or not at all, and carry a checksum that is verified at every read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from whisq.embeddings.files import digest_of, sweep, tell, write_whole


def default_root() -> Path:
    """Tell where caches are kept.

    Returns:
        The folder in `WHISQ_CACHE`, else `whisq` in the user's cache folder.
    """
    if os.environ.get("WHISQ_CACHE"):
        return Path(os.environ["WHISQ_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "whisq"


def content_of(samples: np.ndarray, rate: int) -> str:
    """Hash decoded samples.

    Args:
        samples: float32, shape (samples,).
        rate: Their rate, Hz.

    Returns:
        SHA-256, hexadecimal.
    """
    return digest_of("audio", str(rate), samples.data)


class Cache:
    """Encoder outputs of one encoder as it was set up."""

    def __init__(self, about: Mapping[str, Any], root: Path | None = None) -> None:
        """Name the encoder.

        Args:
            about: All that decides the numbers, as JSON can hold it; its `kind` comes first
                in the folder's name.
            root: Where caches are kept; `default_root()` if None.
        """
        self.about = json.dumps(about, sort_keys=True, indent=1) + "\n"
        name = f"{about['kind']}-{digest_of(self.about)[:16]}"
        self.folder = (root or default_root()) / name

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

    def path(self, key: str) -> Path:
        """Tell where an output is kept.

        Args:
            key: Hash of the input.

        Returns:
            The file, whether it exists or not.
        """
        return self.folder / key[:2] / f"{key}.safetensors"

    def __contains__(self, key: str) -> bool:
        """Return whether an output is kept; its checksum is not looked at."""
        return self.path(key).exists()

    def write(self, key: str, states: np.ndarray) -> None:
        """Keep an output.

        Args:
            key: Hash of the input.
            states: float16, shape (layers, steps, dim).
        """
        from safetensors.numpy import save

        states = np.ascontiguousarray(states)
        checksum = {"sha256": _checksum(key, states)}
        write_whole(self.path(key), save({"states": states}, metadata=checksum))

    def read(self, key: str) -> np.ndarray | None:
        """Read an output and verify it; one that is torn or altered is removed.

        Args:
            key: Hash of the input.

        Returns:
            float16, shape (layers, steps, dim), or None if it is not kept (any more).
        """
        from safetensors import SafetensorError, safe_open

        with contextlib.suppress(SafetensorError, FileNotFoundError):
            with safe_open(self.path(key), framework="np") as file:
                states, noted = file.get_tensor("states"), file.metadata()["sha256"]
            if _checksum(key, states) == noted:
                return states
        if key in self:
            tell(f"{self.path(key)} is torn or altered: it is removed and computed again")
            self.path(key).unlink(missing_ok=True)
        return None

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
            os.utime(self.folder / "lock")  # tells when the cache was last used
            sweep(self.folder)
            if not (self.folder / "about.json").exists():
                write_whole(self.folder / "about.json", self.about.encode())
            yield
        finally:
            lock.release()


def _checksum(key: str, states: np.ndarray) -> str:
    return digest_of(key, f"{states.dtype} {states.shape}", states.data)
