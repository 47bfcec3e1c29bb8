"""Resumable downloads over https and from the Hugging Face hub.

The hub's own client keeps nothing of a download that was killed, so the file in progress is
kept here, and its client is asked for the rest.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from filelock import FileLock

from whisq.corpus.remote import (
    Remote,
    explain,
    file_name,
    locate,
    request_errors,
    status_of,
)


def cache_folder() -> Path:
    """Tell where downloads are kept: `WHISQ_CACHE`, else the user's cache.

    Returns:
        The folder; it need not exist.
    """
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("WHISQ_CACHE") or user / "whisq")


def download(source: str, cache: Path) -> Path:
    """Fetch a file, going on where an earlier try was broken off.

    Args:
        source: `https://...` or `hf://datasets/<owner>/<name>/<file>@<revision>`.
        cache: Where downloads are kept.

    Returns:
        The whole file, in the cache. Without a network it is what was fetched before, if any.

    Raises:
        OSError: The file is not there, not open to the user, not reachable, or came damaged; the
            message says what to do.
    """
    folder = cache / "downloads" / hashlib.sha256(source.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        try:
            return _fetch(locate(source), folder, file_name(source))
        except request_errors() as error:
            kept = _kept(folder)
            if kept and status_of(error) is None:
                print(f"{source} can't be reached; using what was fetched before, {kept}")
                return kept
            raise OSError(explain(error, source)) from None


def sha256_of(path: Path) -> str:
    """Compute a file's checksum.

    Args:
        path: The file.

    Returns:
        SHA-256 in hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(remote: Remote, folder: Path, name: str) -> Path:
    # Parts of two versions of a file must not be joined.
    version = hashlib.sha256(str(remote.etag).encode()).hexdigest()[:8]
    whole, part = folder / f"{version}-{name}", folder / f"{version}-{name}.part"
    if whole.exists() and remote.etag:
        return whole
    have = part.stat().st_size if part.exists() else 0
    if remote.size is None or have > remote.size:
        part.unlink(missing_ok=True)
        have = 0
    if have != remote.size:
        _continue(remote, part, have, name)
    _check(remote, part)
    part.replace(whole)
    return whole


def _continue(remote: Remote, part: Path, have: int, name: str) -> None:
    from huggingface_hub.file_download import http_get

    with part.open("ab") as file:
        http_get(
            remote.url,
            file,
            resume_size=have,
            headers=remote.headers,
            displayed_filename=name,
        )


def _check(remote: Remote, part: Path) -> None:
    size = part.stat().st_size
    if remote.size is not None and size != remote.size:
        if size > remote.size:
            part.unlink()
        raise OSError(
            f"{remote.url} must have {remote.size:,} bytes, {size:,} came; run it again to go on"
        )
    if remote.sha256 and sha256_of(part) != remote.sha256:
        part.unlink()
        raise OSError(
            f"{remote.url} came damaged: its SHA-256 is not {remote.sha256}; run it again"
        )


def _kept(folder: Path) -> Path | None:
    whole = [path for path in folder.iterdir() if path.name != "lock" and path.suffix != ".part"]
    return max(whole, key=lambda path: path.stat().st_mtime, default=None)
