"""Getting MusicEval: from a folder, a zip, an address or the hub into the pipeline's folder."""

from __future__ import annotations

import os
from pathlib import Path

from whisq.corpus import archive
from whisq.corpus.card import FILE, read_card, write_card
from whisq.corpus.download import cache_folder, download, sha256_of
from whisq.corpus.identity import LICENCE, NAME, is_musiceval

WHERE = """\
MusicEval is AISHELL-7A, CC BY-NC 4.0 (https://www.aishelltech.com/AISHELL_7A; also track 1 of the
AudioMOS Challenge 2025 on Codabench). The parquet files of BAAI/MusicEval on the hub are not
enough: they have no file names and no prompts. Put the archive or its unpacked folder anywhere and
say where:
  dvc exp run -S corpus.name=musiceval -S corpus.musiceval.source=/where/it/is/MusicEval-full.zip
The source may also be https://... or hf://datasets/<owner>/<name>/<file>@<revision>."""

ROADS = ("https://", "http://", "hf://")


def fetch(source: str | None, into: str | Path, sha256: str | None = None) -> None:
    """Bring the corpus into a folder: all of it, or an error and the folder as it was.

    Args:
        source: A folder, a zip, `https://...` or `hf://datasets/<owner>/<name>/<file>@<revision>`;
            a relative path counts from the working folder or else the project's.
        into: The folder to fill; replaced if there is one.
        sha256: The archive's checksum, or None for unchecked.

    Raises:
        ValueError: There is no source, it has another form or checksum, or it is no corpus.
        OSError: It is not to be had; the message says where to get it and where to put it.
    """
    if not source:
        raise ValueError(f"corpus.musiceval.source must say where MusicEval is.\n{WHERE}")
    if "://" in source and not source.startswith(ROADS):
        raise ValueError(f"corpus.musiceval.source can't be {source!r}.\n{WHERE}")
    into = Path(into)
    try:
        local = download(source, cache_folder()) if "://" in source else _local(source)
    except OSError as error:
        raise OSError(f"{error}\n{WHERE}") from None
    if local.is_dir():
        if sha256:
            raise ValueError(f"corpus.musiceval.sha256 is of an archive, but {local} is a folder")
        archive.copy(local, into)
    else:
        _check_sum(local, sha256)
        archive.unpack(local, into)
    _name(into, source)


def _local(source: str) -> Path:
    # In a temporary copy of the project, relative paths are those of the project itself.
    for base in (Path(), Path(os.environ.get("DVC_ROOT", "."))):
        path = (base / Path(source).expanduser()).resolve()
        if path.exists():
            return path
    raise OSError(f"corpus.musiceval.source must exist, but there is no {path}")


def _check_sum(path: Path, wanted: str | None) -> None:
    if wanted is None:
        return
    found = sha256_of(path)
    if found != wanted.lower():
        raise ValueError(
            f"{path} must have the SHA-256 {wanted} (corpus.musiceval.sha256), found {found}; "
            "delete it and get it again, or mend the parameter"
        )


def _name(folder: Path, source: str) -> None:
    if (folder / FILE).exists() and read_card(folder)["name"] != NAME:
        return
    print(f"{NAME} is licensed {LICENCE}: no commercial use, and name its authors.")
    if is_musiceval(folder):
        write_card(folder, NAME, licence=LICENCE, source=source)
    else:
        print(f"{source} has {NAME}'s form but not its labels: no result counts as {NAME}'s.")
        write_card(folder, f"corpus in {NAME}'s layout", source=source)
