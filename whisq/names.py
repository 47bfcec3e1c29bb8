"""What a clip's name says: MusicEval's systems and prompts, and ids in which files agree."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

MUSICEVAL = re.compile(r"^(?:.*-)?(S\d{3})_(P\d{3})$")
SOUND = re.compile(r"\.(wav|flac|ogg|oga|mp3|opus|m4a|aiff?|au|w64|caf|webm)$", re.IGNORECASE)


def clip_id(name: str) -> str:
    """Name a clip as the tables of this project do.

    Args:
        name: A file name or id, with or without `.wav`.

    Returns:
        The name without `.wav`.
    """
    return name[:-4] if name.lower().endswith(".wav") else name


def system_and_prompt(key: str) -> tuple[str, str] | None:
    """Read the system and the prompt off a clip's id.

    Args:
        key: Such as `audiomos2025-track1-S001_P001`; any prefix that ends in `-`, or none.

    Returns:
        Such as `("S001", "P001")`, or None for an id of another form.
    """
    match = MUSICEVAL.match(key)
    return (match[1], match[2]) if match else None


def key(name: str) -> str:
    """Bring a clip's name to the form in which files agree.

    Args:
        name: Such as `audiomos2025-track1-S001_P001.wav`, or a path of any other form.

    Returns:
        `S001_P001`, whatever the folder, prefix and ending; of other names the path without
        ending.
    """
    path = PurePosixPath(SOUND.sub("", name.strip().replace("\\", "/")))
    pair = system_and_prompt(path.name)
    return "_".join(pair) if pair else str(path) if name.strip() else ""
