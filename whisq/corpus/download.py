"""Resumable downloads over https and from the Hugging Face hub, and room for them.

The hub's own client keeps nothing of a download that was killed, so the file in progress is
kept here, and its client is asked for the rest. One folder a source holds one a version of the
file: parts of two versions must not be joined.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from whisq.files import digest_of, file_digest

UNPACKED = 2
"""Bytes unpacked for a byte packed, at most. Chosen: sound hardly shrinks in a zip."""

FRUITLESS = 2
"""Tries that bring nothing, one after another, before giving up."""

HUB_FILE = re.compile(r"^hf://datasets/([^/@]+/[^/@]+)/([^@]+)(?:@([^@]+))?$")
HUB_PAGES = "https://huggingface.co"
PLAIN = {"Accept-Encoding": "identity"}
"""So that the length told is the file's and a download can be taken up again."""


class Download(NamedTuple):
    """A file or folder on this machine, and the hub's commit that it is of, if any."""

    path: Path
    commit: str | None = None


@dataclass(frozen=True)
class Remote:
    """A file elsewhere; None is what its server does not tell."""

    url: str
    headers: dict[str, str]  # to send with a request
    etag: str | None  # which version of it
    size: int | None  # bytes
    commit: str | None = None  # the hub's, that the address is of

    @property
    def sha256(self) -> str | None:
        """The file's own checksum, where the hub tells it: its etag for large files."""
        return self.etag if self.etag and re.fullmatch(r"[0-9a-f]{64}", self.etag) else None


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
            return _fetch(locate(source), folder, _file_name(source), into)
        except _request_errors() as error:
            kept = _kept(folder, _file_name(source))
            if kept and _status_of(error) is None:
                print(f"{source} can't be reached; using what was fetched before, {kept.path}")
                return kept
            raise OSError(_explain(error, source)) from None


def locate(source: str) -> Remote:
    """Return what the server of a `source` says; one that refuses is the hub's client's error."""
    return _on_hub(source) if source.startswith("hf://") else _on_web(source)


def make_sure_of_room(wanted: Mapping[Path, int]) -> None:
    """Check that files have room where they go, given bytes as `lacking_room` takes them.

    Raises:
        OSError: A file system has less free than all that goes to it.
    """
    if lacking := lacking_room(wanted):
        raise OSError(
            f"{lacking}; free some, or have downloads kept elsewhere: WHISQ_CACHE=/another/disk"
        )


def lacking_room(wanted: Mapping[Path, int]) -> str:
    """Look for a file system that has less free than all that goes to it.

    Args:
        wanted: Bytes to be written by folder, which need not exist yet.

    Returns:
        What is wanted there and what is free, in words; nothing where all have room.
    """
    together: dict[int, list[Path]] = defaultdict(list)
    for folder in wanted:
        together[os.stat(existing(folder)).st_dev].append(folder)
    for folders in together.values():
        free = shutil.disk_usage(existing(folders[0])).free
        if free < sum(wanted[folder] for folder in folders):
            parts = " and ".join(f"{readable(wanted[folder])} in {folder}" for folder in folders)
            return f"{parts} must have room, but {readable(free)} are free there"
    return ""


def _fetch(remote: Remote, folder: Path, name: str, into: Path) -> Download:
    version = folder / digest_of(str(remote.etag))[:8]
    version.mkdir(exist_ok=True)
    whole, part = version / name, version / f"{name}.part"
    if not (whole.exists() and remote.etag):
        _complete(remote, part, into)
        part.replace(whole)
        for other in folder.iterdir():
            if other.is_dir() and other != version:
                shutil.rmtree(other)
    # Last, so that what it stands beside is whole; read where there is no network.
    (version / "commit").write_text(remote.commit or "")
    return Download(whole, remote.commit)


def _complete(remote: Remote, part: Path, into: Path) -> None:
    if remote.size is None or _size(part) > remote.size:
        part.unlink(missing_ok=True)
    have = _size(part)
    if have != remote.size:
        told = "of unknown size" if remote.size is None else readable(remote.size)
        here = f", {readable(have)} of it here already" if have else ""
        print(f"Fetching {remote.url}, {told}{here}, to {part.parent}", flush=True)
        if remote.size is not None:
            make_sure_of_room({part.parent: remote.size - have, into: UNPACKED * remote.size})
        _persist(remote, part)
    _check(remote, part)


def _persist(remote: Remote, part: Path) -> None:
    # The client takes up what ends too early, but not a connection that is reset.
    fruitless = 0
    while (have := _size(part)) != remote.size:
        try:
            return _continue(remote, part, have)
        except _request_errors() as error:
            fruitless = 0 if _size(part) > have else fruitless + 1
            if _status_of(error) is not None or fruitless > FRUITLESS:
                raise


def _continue(remote: Remote, part: Path, have: int) -> None:
    from huggingface_hub.file_download import http_get

    with part.open("ab") as file:
        told = {"headers": remote.headers, "displayed_filename": part.stem}
        http_get(remote.url, file, resume_size=have, **told)


def _check(remote: Remote, part: Path) -> None:
    size = _size(part)
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


def _file_name(source: str) -> str:
    # The last part of the path, without query or revision.
    end = "@" if source.startswith("hf://") else "?"
    return source.split(end)[0].rstrip("/").rsplit("/", 1)[-1] or "download"


def _request_errors() -> tuple[type[Exception], ...]:
    # The hub's own error, and the base of its client's, which differs by version.
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, ConnectionError, *HfHubHTTPError.__bases__[:1])


def _status_of(error: Exception) -> int | None:
    # None where no server answered.
    return getattr(getattr(error, "response", None), "status_code", None)


def _explain(error: Exception, source: str) -> str:
    # What a failed request means and what to do.
    status, kept = _status_of(error), "what was fetched is kept"
    if status is None:
        what = f"{type(error).__name__}: {error}"
        return f"{source} could not be reached ({what}); with a network, run it again: {kept}"
    if status in (401, 403):
        return f"{source} {_closed(error, source)}"
    if status in (404, 410):
        return f"{source} must exist, but there is no such file or revision ({status}); mend it"
    if status == 429:
        seconds = error.response.headers.get("Retry-After")
        when = f"in {seconds} s" if seconds else "later"
        return (
            f"{source} could not be fetched: the server is asked too often (429); run it again "
            f"{when}"
        )
    return f"{source} could not be fetched, the server says {status}; try again later, {kept}"


def _closed(error: Exception, source: str) -> str:
    from huggingface_hub import get_token

    status, hub = _status_of(error), HUB_FILE.match(source)
    if hub is None:
        return f"must be open to you, but the server asks for permission ({status})"
    page = f"{HUB_PAGES}/datasets/{hub[1]}"
    log_in = f"`hf auth login`, or set HF_TOKEN to one of {HUB_PAGES}/settings/tokens"
    if status == 403:
        return (
            f"is not open to your log-in (403): accept its terms on {page}; a fine-grained token "
            "must be allowed to read gated repositories; then run it again"
        )
    if get_token():
        return f"is not open to your log-in (401): its token is wrong or out of date; {log_in}"
    gated = error.response.headers.get("X-Error-Code") == "GatedRepo"
    told = "asks for a log-in" if gated else "must exist, but without a log-in none is shown"
    return f"{told} (401):\n  1. accept its terms on {page}\n  2. {log_in}\n  3. run it again"


def _on_web(address: str) -> Remote:
    from huggingface_hub.utils import get_session, hf_raise_for_status

    answer = get_session().head(address, headers=PLAIN, follow_redirects=True, timeout=10)
    if answer.status_code in (403, 405, 501):
        # Signed addresses and small servers answer GET alone.
        return Remote(address, PLAIN, None, None)
    hf_raise_for_status(answer)
    etag, size = answer.headers.get("ETag"), answer.headers.get("Content-Length")
    # A file that is replaced meanwhile comes whole, and not as the rest of another one.
    strong = {"If-Range": etag} if etag and etag.startswith('"') else {}
    return Remote(address, PLAIN | strong, etag, int(size) if size else None)


def _on_hub(source: str) -> Remote:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    match = HUB_FILE.match(source)
    if match is None:
        raise ValueError(
            f"a hub source must be hf://datasets/<owner>/<name>/<file>@<revision>, given {source!r}"
        )
    repository, file, revision = match.groups()
    # Read here, not at the client's import, so that it holds when set late.
    endpoint = os.environ.get("HF_ENDPOINT")
    place = {"repo_id": repository, "filename": file, "repo_type": "dataset", "endpoint": endpoint}
    found = get_hf_file_metadata(hf_hub_url(**place, revision=revision), endpoint=endpoint)
    # The commit's own address: a branch may move between this answer and the last byte.
    url = hf_hub_url(**place, revision=found.commit_hash or revision)
    return Remote(url, PLAIN | build_hf_headers(), found.etag, found.size, found.commit_hash)


def readable(size: int) -> str:
    """Return a number of bytes such as `1.76 GB`, in powers of ten."""
    units = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))
    unit, power = next((u, p) for u, p in units if size >= p or p == 1)
    return f"{size / power:.3g} {unit}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def existing(folder: Path) -> Path:
    """Return a folder, or where it is not there yet the next above it that is."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
