"""What embedding clips and prompts have in common: fill the cache, then assemble the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whisq.embeddings.cache import Cache
from whisq.embeddings.shards import DamagedError, assemble
from whisq.encoders.weights import Location, fingerprint


@dataclass(frozen=True)
class Counts:
    """What a run of a stage did.

    Attributes:
        keys: Clips or prompts in the output.
        distinct: Different contents among them.
        computed: Contents that the cache did not have.
    """

    keys: int
    distinct: int
    computed: int


def describe(kind: str, spec: Any, location: Location, preprocessing: int) -> dict[str, Any]:
    """Gather all that decides an encoder's numbers.

    Args:
        kind: `audio` or `text`.
        spec: The encoder's dataclass of settings.
        location: Where its weights are.
        preprocessing: Version of what is done around the encoder.

    Returns:
        What names the cache and opens the manifest.
    """
    return {
        "kind": kind,
        "spec": asdict(spec),
        "weights": fingerprint(location),
        "preprocessing": preprocessing,
    }


def fill(
    folder: Path,
    contents: Mapping[str, str],
    cache: Cache,
    about: Mapping[str, Any],
    compute: Callable[[set[str]], None],
) -> Counts:
    """Compute what the cache lacks and put the output together.

    Args:
        folder: Where the output goes.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        cache: Of the encoder.
        about: What `describe` gave.
        compute: Puts the given contents into the cache.

    Returns:
        What was done.
    """
    distinct = set(contents.values())
    computed = 0
    with cache.alone():
        while True:
            known = cache.noted() is not None
            missing = {content for content in distinct if not known or content not in cache}
            computed += len(missing)
            if missing:
                compute(missing)
            try:
                assemble(folder, contents, cache, about)
            except DamagedError:
                continue  # what was damaged is gone from the cache, and so missing now
            return Counts(len(contents), len(distinct), computed)
