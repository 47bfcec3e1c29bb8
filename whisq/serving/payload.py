"""What a client sends: clips as paths or base64, checked before anything is decoded."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whisq.tables import cell

ROWS = 64  # clips in one request
BYTES = 64 * 2**20  # of one clip, decoded from base64: 6 minutes of 16-bit stereo at 44.1 kHz
PATH = 4096  # characters, the longest path of Linux: what is longer must be base64
ROOT = "WHISQ_AUDIO_ROOT"


def clip_of(row: Mapping[str, Any], root: Path) -> tuple[str | bytes, str | None]:
    """Return a path or a sound file's bytes, and the prompt, of one row of a request.

    Args:
        row: `audio`: a path below the root, or base64 (a `data:` URL, or plain if longer than a
            path can be); `prompt`: text, or None or absent for quality alone.
        root: The folder that paths must lie in.

    Raises:
        ValueError: The row is not of that form.
    """
    unknown = set(row) - {"audio", "prompt"}
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}: send audio and prompt")
    prompt = row.get("prompt")
    if isinstance(prompt, str | float) and cell(prompt) is None:
        prompt = None  # how a table of requests holds a missing prompt
    audio = row.get("audio")
    if not isinstance(audio, str) or not audio:
        raise ValueError(f"audio must be a path or base64 text, given {audio!r:.60}")
    if audio.startswith("data:") or len(audio) > PATH:
        return _decoded(audio), prompt
    return _below(audio, root), prompt


def audio_root() -> Path:
    """Return the folder that WHISQ_AUDIO_ROOT names, else the server's working directory."""
    return Path(os.environ.get(ROOT, ".")).resolve()


def _decoded(text: str) -> bytes:
    payload = text.partition(",")[2] if text.startswith("data:") else text
    if len(payload) > BYTES * 4 / 3 + 4:
        raise ValueError(f"a clip may have {BYTES // 2**20} MB at most: send it as flac or ogg")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise ValueError(
            f"audio that is no path must be base64, but {error}: encode the file's bytes"
        ) from None


def _below(path: str, root: Path) -> str:
    # A client must not learn by the answer which files there are elsewhere on the server.
    try:
        found = (root / path).resolve()
    except (OSError, ValueError, RuntimeError):
        found = Path("/")
    if not found.is_relative_to(root):
        raise ValueError(
            f"{path!r} is outside the folder that this server reads clips from: send base64, or "
            f"start the server with {ROOT} naming the folder"
        )
    return str(found)
