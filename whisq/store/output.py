"""A stage's output: the store filled, then links into it, always the same to the byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from whisq.files import digest_of, link_or_copy, tell, write_whole
from whisq.store.sequences import COLUMNS, INDEX, MANIFEST, Found, file_of
from whisq.store.store import Store, check


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


def lay_out(
    folder: Path, contents: Mapping[str, str], store: Store, found: Mapping[str, Found]
) -> None:
    """Write links, index and manifest of the given keys, unless they are there already.

    Args:
        folder: Where to; what else is in it is removed.
        contents: Hash of the input by clip id or prompt, in the order to keep.
        store: Where the states are.
        found: What the store holds for each hash, all of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = _index(contents, found)
    texts = {INDEX: index, MANIFEST: _manifest(store, contents, found, index)}
    files = {content: file_of(folder, content) for content in found}
    lacking = _lacking(files, store, found)
    strays = set(folder.iterdir()) - {*files.values(), *(folder / name for name in texts)}
    if not lacking and not strays and all(_holds(folder / name, texts[name]) for name in texts):
        return
    (folder / MANIFEST).unlink(missing_ok=True)  # unfinished from here on
    for stray in strays:
        stray.unlink()
    for content in lacking:
        link_or_copy(store.path(content), files[content])
    for name, text in texts.items():
        write_whole(folder / name, text)


def _lacking(files: Mapping[str, Path], store: Store, found: Mapping[str, Found]) -> list[str]:
    there = {content: path for content, path in files.items() if path.exists()}
    apart = {c: path for c, path in there.items() if not path.samefile(store.path(c))}
    held = check(apart.values(), store.root)
    others = [content for content, path in apart.items() if held[path] != found[content]]
    if others:
        first = files[others[0]]
        tell(f"{first}, one of {len(others)}, is not what the store has: it is replaced")
    return [content for content in files if content not in there] + others


def _index(contents: Mapping[str, str], found: Mapping[str, Found]) -> bytes:
    text = io.StringIO(newline="")
    rows = ([key, content, *found[content]] for key, content in contents.items())
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def _manifest(
    store: Store, contents: Mapping[str, str], found: Mapping[str, Found], index: bytes
) -> bytes:
    steps = sum(found[content].steps for content in contents.values())
    totals = {"sequences": len(contents), "steps": steps, "index_sha256": digest_of(index)}
    about = json.loads(store.about) | (store.noted() or {}) | {"dtype": "float16"}
    return (json.dumps(about | totals, indent=1) + "\n").encode()


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
