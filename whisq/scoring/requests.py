"""What is asked of the scorer: one clip and its prompt a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from whisq.names import system_and_prompt


@dataclass(frozen=True)
class Request:
    """One clip to score.

    Attributes:
        id: Names the row, unique in its job; empty until `named` has run.
        path: Where the audio file is.
        prompt: The text that the clip was made from; None asks for musical quality alone.
        system: What made the clip; None where unknown.
    """

    id: str
    path: Path
    prompt: str | None = None
    system: str | None = None


def named(requests: Iterable[Request]) -> list[Request]:
    """Give an id to each request that has none.

    Chosen: the file's name without its suffix; where that is shared the whole path, and where
    even that is (one clip, several prompts) the path and a count from 1.

    Args:
        requests: Of one job, in its order; those with an id keep it.

    Returns:
        The same requests, each with an id that no other has.

    Raises:
        ValueError: Two requests bring the same id along.
    """
    requests = list(requests)
    stems = Counter(request.id or request.path.stem for request in requests)
    paths = Counter(str(request.path) for request in requests)
    seen: Counter[str] = Counter()
    done = []
    for request in requests:
        path = str(request.path)
        seen[path] += 1
        numbered = f"{path}#{seen[path]}" if paths[path] > 1 else path
        stem = request.path.stem
        done.append(replace(request, id=request.id or (stem if stems[stem] == 1 else numbered)))
    for name, count in Counter(request.id for request in done).items():
        if count > 1:
            raise ValueError(f"ids must be unique, but {name!r} is given twice")
    return done


def system_of(path: Path, folder: Path | None = None) -> str | None:
    """Guess what made a clip.

    Args:
        path: The clip.
        folder: The folder that is scored, if one is: a clip in a folder below it belongs to
            the system which that folder names.

    Returns:
        MusicEval's system in a name of its form, else the folder's name, else None.
    """
    pair = system_and_prompt(path.stem)
    if pair:
        return pair[0]
    parts = path.relative_to(folder).parts if folder else ()
    return parts[0] if len(parts) > 1 else None
