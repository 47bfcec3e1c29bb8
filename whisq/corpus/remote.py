"""Where a file on the web is, which version of it, and what a refusal means."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

HUB_FILE = re.compile(r"^hf://datasets/([^/@]+/[^/@]+)/([^@]+)(?:@([^@]+))?$")
HUB_PAGES = "https://huggingface.co"
PLAIN = {"Accept-Encoding": "identity"}
"""So that the length told is the file's and a download can be taken up again."""


@dataclass(frozen=True)
class Remote:
    """A file elsewhere.

    Attributes:
        url: Its address.
        headers: What to send with a request.
        etag: Which version of it, or None where the server does not say.
        size: Bytes, or None.
        commit: The hub's commit that the address is of, or None elsewhere.
    """

    url: str
    headers: dict[str, str]
    etag: str | None
    size: int | None
    commit: str | None = None

    @property
    def sha256(self) -> str | None:
        """The file's own checksum, where the hub tells it: its etag for large files."""
        return self.etag if self.etag and re.fullmatch(r"[0-9a-f]{64}", self.etag) else None


def locate(source: str) -> Remote:
    """Ask where a file is, which version of it and how large.

    Args:
        source: `https://...` or `hf://datasets/<owner>/<name>/<file>@<revision>`.

    Returns:
        What the server says. One that is not there or refuses raises one of `request_errors`.
    """
    return _on_hub(source) if source.startswith("hf://") else _on_web(source)


def file_name(source: str) -> str:
    """Read a file's name off its source.

    Args:
        source: As in `locate`.

    Returns:
        The last part of the path, without query or revision.
    """
    end = "@" if source.startswith("hf://") else "?"
    return source.split(end)[0].rstrip("/").rsplit("/", 1)[-1] or "download"


def request_errors() -> tuple[type[Exception], ...]:
    """Name what a request may raise.

    Returns:
        The hub's own error, and the base of its client's, which differs by version.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, ConnectionError, *HfHubHTTPError.__bases__[:1])


def status_of(error: Exception) -> int | None:
    """Read the server's answer off an error.

    Args:
        error: One of `request_errors`.

    Returns:
        The HTTP status, or None where no server answered.
    """
    return getattr(getattr(error, "response", None), "status_code", None)


def explain(error: Exception, source: str) -> str:
    """Say what a failed request means and what to do.

    Args:
        error: One of `request_errors`.
        source: What was asked for.

    Returns:
        One message.
    """
    status = status_of(error)
    if status in (401, 403):
        return f"{source} {_closed(error, source)}"
    if status in (404, 410):
        return f"{source} must exist, but there is no such file or revision ({status}); mend it"
    if status == 429:
        return f"{source} could not be fetched: the server is asked too often (429){_wait(error)}"
    if status is not None:
        return (
            f"{source} could not be fetched, the server says {status}; try again later, what was "
            "fetched is kept"
        )
    return (
        f"{source} could not be reached ({type(error).__name__}: {error}); with a network, run it "
        "again: what was fetched is kept"
    )


def _closed(error: Exception, source: str) -> str:
    status, hub = status_of(error), HUB_FILE.match(source)
    if hub is None:
        return f"must be open to you, but the server asks for permission ({status})"
    page = f"{HUB_PAGES}/datasets/{hub[1]}"
    log_in = f"`hf auth login`, or set HF_TOKEN to one of {HUB_PAGES}/settings/tokens"
    if status == 403:
        return (
            f"is not open to your log-in (403): accept its terms on {page}; a fine-grained token "
            "must be allowed to read gated repositories; then run it again"
        )
    if _logged_in():
        return f"is not open to your log-in (401): its token is wrong or out of date; {log_in}"
    gated = error.response.headers.get("X-Error-Code") == "GatedRepo"
    told = "asks for a log-in" if gated else "must exist, but without a log-in none is shown"
    return f"{told} (401):\n  1. accept its terms on {page}\n  2. {log_in}\n  3. run it again"


def _logged_in() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def _wait(error: Exception) -> str:
    seconds = error.response.headers.get("Retry-After")
    return f"; run it again in {seconds} s" if seconds else "; run it again later"


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
