"""Getting MusicEval: from the hub, a folder, a zip or an address into the pipeline's folder."""

from __future__ import annotations

from pathlib import Path

from whisq.corpus import archive
from whisq.corpus.card import FILE, read_card, write_card
from whisq.corpus.clips import SPLITS
from whisq.corpus.download import Download, download, make_sure_of_room
from whisq.corpus.tables import Problems, read_mos
from whisq.files import cache_folder, digest_of, file_digest, in_project
from whisq.names import system_and_prompt
from whisq.section import Section

NAME = "MusicEval"
LICENCE = "CC BY-NC 4.0"
HUB = "hf://datasets/BAAI/MusicEval/MusicEval-full.zip"
"""Where it is fetched from if nothing is said. The parquet files of the same repository are not
enough: they have no file names and no prompts."""

WHERE = f"""\
{NAME} is AISHELL-7A, licensed {LICENCE} (https://www.aishelltech.com/AISHELL_7A). If you have it,
say where: its folder or zip, https://... or hf://datasets/<owner>/<name>/<file>@<revision>
  make paper SOURCE=/where/it/is/MusicEval-full.zip
  dvc exp run -S corpus.name=musiceval -S corpus.musiceval.source=/where/it/is/MusicEval-full.zip"""

DIGESTS = {
    "train": "7d26033109b49a80d9f48218ac7c75e0a8537668d4decd64e220582a694411e0",
    "dev": "e98729be86d1c55a3baf16740c0164f8463411a1681188e13b1ab20aec891ec2",
    "test": "410a0035d7644e0c7bc196b2519841bddf3a07edba3544b7b45678867beea801",
}
"""SHA-256 of each published list's sorted rows `Sxxx_Pxxx,overall,textual` with one decimal: none
of its rows need be kept here."""

ROADS = ("https://", "http://", "hf://")


class Source(Section):
    """Where a corpus comes from.

    Attributes:
        source: A folder, a zip, `https://...` or `hf://datasets/<owner>/<name>/<file>@<revision>`;
            a relative path counts from the working folder or else the project's. None is the hub's
            own file of MusicEval.
        revision: Branch, tag or commit of a hub file whose address names none.
        sha256: The archive's checksum, or None for unchecked.
    """

    source: str | None = None
    revision: str = "main"
    sha256: str | None = None

    @property
    def full(self) -> str:
        """The address with nothing left out."""
        address = self.source or HUB
        on_branch = address.startswith("hf://") and "@" not in address
        return f"{address}@{self.revision}" if on_branch else address


def fetch(source: Source, into: str | Path) -> None:
    """Bring the corpus into a folder: all of it, or an error and the folder as it was.

    Args:
        source: Where it comes from. What can be wrong with it: see `obtain`.
        into: The folder to fill; replaced if there is one.
    """
    into = Path(into)
    got = obtain(source, into)
    archive.extract(got.path, into)
    _name(into, source.full, got.commit)


def obtain(source: Source, into: Path) -> Download:
    """Make sure of the corpus without writing any of it: on disk, whole, and with room to unpack.

    Args:
        source: Where it comes from.
        into: The folder that it is meant for.

    Returns:
        The corpus's folder or zip on this machine.

    Raises:
        ValueError: The source has another form or checksum, or it is no corpus.
        OSError: It is not to be had, or has no room; the message says what to do.
    """
    address = source.full
    if "://" in address and not address.startswith(ROADS):
        raise ValueError(f"corpus.musiceval.source can't be {address!r}.\n{WHERE}")
    try:
        remote = "://" in address
        got = download(address, cache_folder(), into) if remote else _local(address, into)
    except OSError as error:
        raise OSError(f"{error}\n{WHERE}") from None
    if source.sha256:
        _check_sum(got.path, source.sha256)
    make_sure_of_room({into: archive.size(got.path)})
    return got


def holds(folder: Path, source: Source) -> bool:
    """Return whether a folder, which need not exist, holds the corpus of a source, by its card."""
    return read_card(folder).get("source") == source.full


def _local(address: str, into: Path) -> Download:
    path = in_project(address)
    if path is None:
        raise OSError(f"corpus.musiceval.source must exist, but there is no {Path(address)}")
    into = into.resolve()
    if path == into or path in into.parents or into in path.parents:
        raise ValueError(
            f"corpus.musiceval.source must lie apart from {into}, which is replaced, given {path}; "
            "copy the corpus elsewhere, or give its own folder"
        )
    return Download(path)


def _check_sum(path: Path, wanted: str) -> None:
    if path.is_dir():
        raise ValueError(f"corpus.musiceval.sha256 is of an archive, but {path} is a folder")
    found = file_digest(path)
    if found != wanted.lower():
        raise ValueError(
            f"{path} must have the SHA-256 {wanted} (corpus.musiceval.sha256), found {found}; "
            "delete it and get it again, or mend the parameter"
        )


def _name(folder: Path, address: str, commit: str | None) -> None:
    facts = {"source": address} | ({"commit": commit} if commit else {})
    card = read_card(folder)
    if (folder / FILE).exists() and card["name"] != NAME:
        write_card(folder, **card | facts)
        return
    print(f"{NAME} is licensed {LICENCE}: no commercial use, and name its authors.")
    if _is_musiceval(folder):
        write_card(folder, NAME, licence=LICENCE, **facts)
    else:
        print(f"{address} has {NAME}'s form but not its labels: no result counts as {NAME}'s.")
        write_card(folder, f"corpus in {NAME}'s layout", **facts)


def _is_musiceval(folder: Path) -> bool:
    # Whether its labels are MusicEval's own, in any order: a name in a parameter proves nothing.
    lists = {split: folder / "sets" / f"{split}_mos_list.txt" for split in SPLITS}
    there = {split: path for split, path in lists.items() if path.exists()}
    return bool(there) and all(_digest(path) == DIGESTS[split] for split, path in there.items())


def _digest(path: Path) -> str:
    table = read_mos(path, Problems())
    names = ["_".join(system_and_prompt(key)) for key in table["id"]]
    labels = zip(names, table["omq"], table["ta"], strict=True)
    rows = sorted(f"{name},{omq:.1f},{ta:.1f}\n" for name, omq, ta in labels)
    return digest_of(*rows)
