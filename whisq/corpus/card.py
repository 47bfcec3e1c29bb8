"""`CORPUS.json`: what a corpus in `data/raw` is called, so that no number goes by a wrong name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "CORPUS.json"


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
