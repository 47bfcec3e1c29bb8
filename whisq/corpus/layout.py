"""Which of the files in an archive or a folder are MusicEval's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

PARTS = (
    "wav",
    "sets",
    "person_mos",
    "system_mos",
    "prompt_info.txt",
    "demo_prompt_info.txt",
    "CORPUS.json",
)


def is_litter(name: PurePosixPath) -> bool:
    """Tell what operating systems leave behind in folders and archives.

    Args:
        name: A file's path.

    Returns:
        Whether it is none of the corpus's.
    """
    return (
        "__MACOSX" in name.parts
        or name.name.startswith("._")
        or name.name in {".DS_Store", "Thumbs.db", "desktop.ini"}
    )


def corpus_files(names: Iterable[PurePosixPath], where: str) -> dict[PurePosixPath, PurePosixPath]:
    """Find the corpus's files, however deep they are nested.

    Args:
        names: All files' paths, relative to the archive or folder.
        where: What the archive or folder is called in an error.

    Returns:
        Each wanted file's place in the corpus (`sets/train_mos_list.txt`) by its path.

    Raises:
        ValueError: No folder there holds both `wav` and `sets`, or several do.
    """
    wanted = [name for name in names if not is_litter(name)]
    holders = {part: _holders(wanted, part) for part in ("wav", "sets")}
    roots = sorted(holders["wav"] & holders["sets"])
    if len(roots) != 1:
        found = ", ".join(str(root) for root in roots) or "none"
        raise ValueError(
            f"{where} must hold one folder with wav/ and sets/ in it (MusicEval's layout), found "
            f"{found}; give the folder or archive of one corpus"
        )
    inside = {name: name.relative_to(roots[0]) for name in wanted if roots[0] in name.parents}
    return {name: place for name, place in inside.items() if place.parts[0] in PARTS}


def _holders(names: list[PurePosixPath], part: str) -> set[PurePosixPath]:
    return {
        PurePosixPath(*name.parts[:depth])
        for name in names
        for depth, folder in enumerate(name.parts[:-1])
        if folder == part
    }
