"""Taking a corpus out of a zip or a folder: the whole of it or nothing.

An archive comes from elsewhere, so an entry that could write outside the folder, or that would
unpack to far more than it seems, is refused by name before anything is written.
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from tqdm import tqdm

from whisq.corpus.card import FILE
from whisq.corpus.clips import REWORDINGS

# Which of the files in an archive or a folder are MusicEval's, or are read beside them.
PARTS = (
    *("wav", "sets", "person_mos", "system_mos"),
    *("prompt_info.txt", "demo_prompt_info.txt", REWORDINGS, FILE),
)

BOMB_RATIO = 100
"""Bytes out for a byte in. Chosen: a silent wav has 1,000, so small entries are let through."""
SMALL = 64 * 2**20
"""Bytes; MusicEval's longest clip has 11 million."""


def size(source: Path) -> int:
    """Look into a folder or a zip for the one corpus in it, without reading its files.

    Args:
        source: A folder or a zip; one without a corpus, with several or with refused entries is
            a `ValueError` that says so.

    Returns:
        What the corpus takes once it is unpacked or copied, in bytes.
    """
    with _files(source) as files:
        return sum(file.size for file in files.values())


def extract(source: Path, into: Path) -> None:
    """Write the corpus in a zip or a folder to a folder, replacing it.

    A source as `size` refuses it, or a damaged zip, is a `ValueError`, and the folder is as it was.
    Modes are not taken over: MusicEval's own folders are read-only in its zip, and its owner could
    not delete them. Nor is anything linked: what the pipeline's cache does to its files must not
    reach the user's.

    Args:
        source: What holds the corpus, at any depth.
        into: The corpus's folder.
    """
    what = "copy" if source.is_dir() else "unpack"
    with _files(source) as files, whole_folder(into) as new:
        for place, held in tqdm(files.items(), desc=what, unit="file", disable=None):
            target = new / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with held.open() as data, target.open("wb") as file:
                shutil.copyfileobj(data, file, 1 << 20)


@contextmanager
def whole_folder(into: Path) -> Iterator[Path]:
    """Yield a new folder beside an old one, whose place it takes only if all goes well."""
    into.parent.mkdir(parents=True, exist_ok=True)
    for left in into.parent.glob(f".{into.name}-*"):
        shutil.rmtree(left)
    new = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        yield new
        # mkdtemp makes it for the user alone.
        new.chmod(0o755)
        shutil.rmtree(into, ignore_errors=True)
        new.rename(into)
    finally:
        shutil.rmtree(new, ignore_errors=True)


class _File(NamedTuple):
    size: int  # bytes, unpacked
    open: Callable[[], IO[bytes]]


def _refused(entry: zipfile.ZipInfo) -> str | None:
    # Why an archive's entry must not be unpacked; None for a harmless one.
    place = _place(entry)
    if place.is_absolute() or re.match(r"^[A-Za-z]:", str(place)):
        return "an absolute path"
    if ".." in place.parts:
        return "a path that leads out of the folder"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link"
    if entry.flag_bits & 0x1:
        return "encrypted"
    if entry.file_size > max(SMALL, BOMB_RATIO * entry.compress_size):
        return f"{entry.file_size:,} bytes packed into {entry.compress_size:,}"
    return None


def _corpus_files(held: dict[PurePosixPath, _File], where: Path) -> dict[PurePosixPath, _File]:
    # Each wanted file by its place in the corpus, however deep that is nested.
    wanted = [name for name in held if not _is_litter(name)]
    wavs, sets = (
        {folder.parent for name in wanted for folder in name.parents if folder.name == part}
        for part in ("wav", "sets")
    )
    roots = sorted(wavs & sets)
    if len(roots) != 1:
        found = ", ".join(str(root) for root in roots) or "none"
        raise ValueError(
            f"{where} must hold one folder with wav/ and sets/ in it (MusicEval's layout), found "
            f"{found}; give the folder or archive of one corpus"
        )
    places = {name.relative_to(roots[0]): name for name in wanted if roots[0] in name.parents}
    return {place: held[name] for place, name in places.items() if place.parts[0] in PARTS}


def _is_litter(name: PurePosixPath) -> bool:
    # What operating systems leave behind in folders and archives.
    return (
        "__MACOSX" in name.parts
        or name.name.startswith("._")
        or name.name in {".DS_Store", "Thumbs.db", "desktop.ini"}
    )


@contextmanager
def _files(source: Path) -> Iterator[dict[PurePosixPath, _File]]:
    # The files of the one corpus in a folder or a zip, by their place in it.
    if source.is_dir():
        paths = [path for path in source.rglob("*") if path.is_file()]
        names = [PurePosixPath(path.relative_to(source).as_posix()) for path in paths]
        files = [_File(path.stat().st_size, partial(path.open, "rb")) for path in paths]
        yield _corpus_files(dict(zip(names, files, strict=True)), source)
        return
    try:
        with zipfile.ZipFile(source) as opened:
            _check(source, opened.infolist())
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            files = [_File(entry.file_size, partial(opened.open, entry)) for entry in entries]
            yield _corpus_files(dict(zip(map(_place, entries), files, strict=True)), source)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{source} must be a whole zip, but {_guess(source)} ({error}); delete it and get it "
            "again"
        ) from None


def _guess(archive: Path) -> str:
    # What drives and login pages send in a file's place.
    with archive.open("rb") as file:
        page = file.read(1) == b"<"
    return "it is a web page" if page else "it is damaged or cut short"


def _check(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    reasons = {entry.filename: _refused(entry) for entry in entries}
    bad = [f"  {name!r}: {reason}" for name, reason in reasons.items() if reason]
    total = sum(entry.file_size for entry in entries)
    if total > max(10 * SMALL, BOMB_RATIO * archive.stat().st_size):
        bad.append(f"  all entries together: {total:,} bytes, {BOMB_RATIO} times the archive's")
    if bad:
        raise ValueError(
            f"{archive} is refused, nothing was unpacked. A corpus has no such entries:\n"
            + "\n".join(bad[:20])
            + "\nGet the archive from its publisher, or unpack it yourself and give the folder."
        )


def _place(entry: zipfile.ZipInfo) -> PurePosixPath:
    # Some programs for Windows write backslashes.
    return PurePosixPath(entry.filename.replace("\\", "/"))
