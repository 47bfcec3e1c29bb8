"""Resumable downloads over https and from the Hugging Face hub.

The hub's own client keeps nothing of a download that was killed, so the file in progress is
kept here, and its client is asked for the rest. One folder a source holds one a version of the
file: parts of two versions must not be joined.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
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
from whisq.corpus.space import readable, require
from whisq.files import digest_of, file_digest

UNPACKED = 2
"""Bytes unpacked for a byte packed, at most. Chosen: sound hardly shrinks in a zip."""

FRUITLESS = 2
"""Tries that bring nothing, one after another, before giving up."""


@dataclass(frozen=True)
class Download:
    """A file or folder on this machine.

    Attributes:
        path: Where it is.
        commit: The hub's commit that it is of, or None where it is of none.
    """

    path: Path
    commit: str | None = None


def cache_folder() -> Path:
    """Tell where downloads are kept: `WHISQ_CACHE`, else the user's cache.

    Returns:
        The folder; it need not exist.
    """
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("WHISQ_CACHE") or user / "whisq")


def download(source: str, cache: Path, into: Path) -> Download:
    """Fetch an archive, going on where an earlier try was broken off.

    Args:
        source: `https://...` or `hf://datasets/<owner>/<name>/<file>@<revision>`.
        cache: Where downloads are kept.
        into: Where it will be unpacked: room is made sure of there too.

    Returns:
        The whole file, in the cache. Without a network it is what was fetched before, if any.

    Raises:
        OSError: The file is not there, not open to the user, not reachable, has no room or came
            damaged; the message says what to do.
    """
    folder = cache / "downloads" / digest_of(source)[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        try:
            return _fetch(locate(source), folder, file_name(source), into)
        except request_errors() as error:
            kept = _kept(folder, file_name(source))
            if kept and status_of(error) is None:
                print(f"{source} can't be reached; using what was fetched before, {kept.path}")
                return kept
            raise OSError(explain(error, source)) from None


def _fetch(remote: Remote, folder: Path, name: str, into: Path) -> Download:
    version = folder / digest_of(str(remote.etag))[:8]
    version.mkdir(exist_ok=True)
    whole = version / name
    if not (whole.exists() and remote.etag):
        _complete(remote, version / f"{name}.part", into)
        (version / f"{name}.part").replace(whole)
        for other in folder.iterdir():
            if other.is_dir() and other != version:
                shutil.rmtree(other)
    # Last, so that what it stands beside is whole; read where there is no network.
    (version / "commit").write_text(remote.commit or "")
    return Download(whole, remote.commit)


def _complete(remote: Remote, part: Path, into: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    if remote.size is None or have > remote.size:
        part.unlink(missing_ok=True)
        have = 0
    if have != remote.size:
        _announce(remote, part, have, into)
        _persist(remote, part, have)
    _check(remote, part)


def _persist(remote: Remote, part: Path, have: int) -> None:
    # The client takes up what ends too early, but not a connection that is reset.
    fruitless = 0
    while have != remote.size:
        try:
            return _continue(remote, part, have)
        except request_errors() as error:
            fruitless = 0 if part.stat().st_size > have else fruitless + 1
            have = part.stat().st_size
            if status_of(error) is not None or fruitless > FRUITLESS:
                raise


def _announce(remote: Remote, part: Path, have: int, into: Path) -> None:
    size = "of unknown size" if remote.size is None else readable(remote.size)
    here = f", {readable(have)} of it here already" if have else ""
    print(f"Fetching {remote.url}, {size}{here}, to {part.parent}", flush=True)
    if remote.size is not None:
        require({part.parent: remote.size - have, into: UNPACKED * remote.size})


def _continue(remote: Remote, part: Path, have: int) -> None:
    from huggingface_hub.file_download import http_get

    with part.open("ab") as file:
        http_get(
            remote.url,
            file,
            resume_size=have,
            headers=remote.headers,
            displayed_filename=part.stem,
        )


def _check(remote: Remote, part: Path) -> None:
    size = part.stat().st_size
    if remote.size is not None and size != remote.size:
        if size > remote.size:
            part.unlink()
        raise OSError(
            f"{remote.url} must have {remote.size:,} bytes, {size:,} came; run it again to go on"
        )
    if remote.sha256 and file_digest(part) != remote.sha256:
        part.unlink()
        raise OSError(
            f"{remote.url} came damaged: its SHA-256 is not {remote.sha256}; run it again"
        )


def _kept(folder: Path, name: str) -> Download | None:
    whole = [path for path in folder.glob("*/*") if path.name == name]
    if not whole:
        return None
    path = max(whole, key=lambda path: path.stat().st_mtime)
    commit = path.with_name("commit")
    return Download(path, (commit.read_text() if commit.exists() else "") or None)
