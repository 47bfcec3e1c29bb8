"""What embedding clips and prompts have in common: fill the store, then link the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whisq.encoders.weights import Location, fingerprint
from whisq.store.output import lay_out
from whisq.store.store import Store


@dataclass(frozen=True)
class Counts:
    """What a run of a stage did.

    Attributes:
        keys: Clips or prompts in the output.
        distinct: Different contents among them.
        computed: Contents that the store did not have.
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
        What names the encoder's folder and opens the manifest.
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
    store: Store,
    compute: Callable[[set[str]], None],
) -> Counts:
    """Compute what the store lacks and lay out the output.

    Args:
        folder: Where the output goes.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        store: Of the encoder.
        compute: Puts the given contents into the store.

    Returns:
        What was done.
    """
    distinct, computed = set(contents.values()), 0
    with store.alone():
        found = store.whole(distinct)
        while missing := distinct - (found.keys() if store.noted() else set()):
            compute(missing)
            computed += len(missing)
            found = store.whole(distinct)
        lay_out(folder, contents, store, found)
    return Counts(len(contents), len(distinct), computed)
