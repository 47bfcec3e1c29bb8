"""`CORPUS.json`: what a corpus in `data/raw` is called, so that no number goes by a wrong name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from whisq.files import digest_of

FILE = "CORPUS.json"
TABLES = ("clips.csv", "ratings.csv")


def write_card(folder: str | Path, name: str, **facts: Any) -> None:
    """Name the corpus in a folder, and what else is to be known: `licence`, `seed`, `source`."""
    text = json.dumps({"name": name, **facts}, indent=2, ensure_ascii=False)
    (Path(folder) / FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: str | Path) -> dict[str, Any]:
    """Return a corpus's `name` and what else was written; `unnamed corpus` without a card."""
    path = Path(folder) / FILE
    if not path.exists():
        return {"name": "unnamed corpus"}
    return json.loads(path.read_text(encoding="utf-8"))


def identify(data: str | Path) -> dict[str, str]:
    """Tell which rated clips a result is of; results of other ones are not set beside it.

    Args:
        data: The pipeline's data folder.

    Returns:
        `corpus`, its name, and `data`, a hash of its prompts, systems, splits and ratings.
    """
    tables = (Path(data, table).read_bytes() for table in TABLES)
    return {"corpus": read_card(Path(data, "raw"))["name"], "data": digest_of(*tables)[:12]}
