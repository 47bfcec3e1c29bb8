"""Whether a corpus's labels are MusicEval's own: a name in a parameter proves nothing.

The digests are of the published lists, so that none of their rows need be kept here.
"""

from __future__ import annotations

from pathlib import Path

from whisq.corpus.clips import SPLITS
from whisq.corpus.problems import Problems
from whisq.corpus.tables import read_mos
from whisq.files import digest_of
from whisq.names import system_and_prompt

NAME = "MusicEval"
LICENCE = "CC BY-NC 4.0"
DIGESTS = {
    "train": "7d26033109b49a80d9f48218ac7c75e0a8537668d4decd64e220582a694411e0",
    "dev": "e98729be86d1c55a3baf16740c0164f8463411a1681188e13b1ab20aec891ec2",
    "test": "410a0035d7644e0c7bc196b2519841bddf3a07edba3544b7b45678867beea801",
}
"""SHA-256 of each list's sorted rows `Sxxx_Pxxx,overall,textual` with one decimal."""


def is_musiceval(folder: Path) -> bool:
    """Tell whether every list of a corpus is MusicEval's own.

    Args:
        folder: A corpus in MusicEval's layout.

    Returns:
        Whether there is a list of labels, and each has the published rows in any order.
    """
    lists = {split: folder / "sets" / f"{split}_mos_list.txt" for split in SPLITS}
    there = {split: path for split, path in lists.items() if path.exists()}
    return bool(there) and all(digest(path) == DIGESTS[split] for split, path in there.items())


def digest(path: Path) -> str:
    """Digest a list of mean ratings, whatever the order and form of its rows.

    Args:
        path: A list `file.wav,overall,textual`.

    Returns:
        SHA-256 in hexadecimal.
    """
    table = read_mos(path, Problems())
    names = ["_".join(system_and_prompt(key)) for key in table["id"]]
    labels = zip(names, table["omq"], table["ta"], strict=True)
    rows = sorted(f"{name},{omq:.1f},{ta:.1f}\n" for name, omq, ta in labels)
    return digest_of(*rows)
