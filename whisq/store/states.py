"""One encoder's output in a file: plain safetensors with a checksum of its own.

The file holds one float16 array `states` (layers, steps, dim), named by the hash of what was
encoded, and in its header the SHA-256 of name, type, shape and numbers.
"""

from __future__ import annotations

import json
import math
import mmap
from pathlib import Path
from typing import NamedTuple

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


def file_of(folder: Path, content: str) -> Path:
    """Tell which file of a folder holds an output.

    Args:
        folder: The folder.
        content: Hash of the input.

    Returns:
        The file, whether it exists or not.
    """
    return folder / f"{content}.safetensors"


def pack(content: str, states: np.ndarray) -> bytes:
    """Make a file's bytes.

    Args:
        content: Hash of the input.
        states: float16, shape (layers, steps, dim).

    Returns:
        What to write.
    """
    from safetensors.numpy import save

    states = np.ascontiguousarray(states)
    return save({"states": states}, metadata={"sha256": _checksum(content, states)})


def map_states(path: Path) -> np.ndarray:
    """Map a file's states into memory.

    Args:
        path: The file.

    Returns:
        float16, shape (layers, steps, dim), read-only.
    """
    return _map(path)[0]


def verify(path: Path) -> Found | None:
    """Read a file and compare it with its checksum.

    Args:
        path: The file, named by the hash of its input.

    Returns:
        What it holds; None if it is torn or altered.
    """
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
