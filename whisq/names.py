"""What a clip's name says: MusicEval's systems and prompts, and ids in which files agree."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

RENDERED = "rendered corpus"  # what the corpus that is made here is called
MUSICEVAL = re.compile(r"^(?:.*-)?(S\d{3,})_(P\d{3,})$")
SOUND = re.compile(r"\.(wav|flac|ogg|oga|mp3|opus|m4a|aiff?|au|w64|caf|webm)$", re.IGNORECASE)


def clip_id(name: str) -> str:
    """Return a clip's name without `.wav`: its id in this project's tables."""
    return name[:-4] if name.lower().endswith(".wav") else name


def system_and_prompt(key: str) -> tuple[str, str] | None:
    """Return what an id of MusicEval's form names, such as `("S001", "P001")`.

    Args:
        key: Such as `audiomos2025-track1-S001_P001`; any prefix that ends in `-`, or none. An id
            of another form gives None.
    """
    match = MUSICEVAL.match(key)
    return (match[1], match[2]) if match else None


def key(name: str) -> str:
    """Return a clip's name in the form in which files agree.

    Args:
        name: `audiomos2025-track1-S001_P001.wav` gives `S001_P001`, whatever the folder, prefix
            and ending; a path of another form is left without its ending.
    """
    path = PurePosixPath(SOUND.sub("", name.strip().replace("\\", "/")))
    pair = system_and_prompt(path.name)
    return "_".join(pair) if pair else str(path) if name.strip() else ""
