"""Recipes and variants of params.yaml by name: listed, written as `-S` takes them, or run.

`python -m stages.recipe` lists them (`make variants`), with a NAME it writes that one's changes,
with `--run` it runs the pipeline with them (`make recipe NAME=...`, `make variant NAME=...`).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from whisq import params
from whisq.corpus.fetch import holds, obtain

RAW = Path("data/raw")


def main() -> None:
    """List, write or run."""
    parser = argparse.ArgumentParser(prog="python -m stages.recipe")
    parser.add_argument("name", nargs="?", help="a recipe or variant of params.yaml")
    parser.add_argument("--run", action="store_true", help="run the pipeline with it")
    about = "a value besides, as of `dvc exp run -S`"
    parser.add_argument("-S", "--set-param", action="append", default=[], help=about)
    asked = parser.parse_args()
    if not asked.name:
        print("\n".join(listed(params.load())))
        return
    try:
        changes = overrides(whole(params.changes_of(asked.name))) + asked.set_param
        if asked.run:
            check(changes)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if asked.run:
        run(asked.name, changes)
    print("\n".join(changes))


def listed(values: params.Params) -> list[str]:
    """Return a line for each recipe and variant: what it is there for, and who trains it."""
    wide = max(map(len, values.named))
    left = {name for name, changed in values.named.items() if not params.is_trained(changed)}
    table = [
        f"{name:{wide}}  {one.why}{' (make variant alone)' if name in left else ''}"
        for name, one in values.ablations.items()
    ]
    recipes = [f"{name:{wide}}  {one.why}" for name, one in values.recipes.items()]
    end = "make recipe NAME=..., make variant NAME=...  run the pipeline with one of them"
    kinds = ["Recipes, whole configurations:", "Variants, held side by side in docs/variants.md:"]
    return [kinds[0], *recipes, "", kinds[1], *table, "", end]


def whole(changes: params.Changes) -> params.Changes:
    """Return changes as the pipeline's own run needs them: with the layers that the network reads.

    What says how often a variant is trained is left out.
    """
    values = params.load(overrides=changes)
    own = {key: value for key, value in changes.items() if key.split(".")[0] not in params.BESIDES}
    read = values.model.audio_layers
    if not set(read) <= set(values.embed_audio.layers):
        own["embed_audio.layers"] = sorted({*read})
    return own


def check(changes: list[str]) -> None:
    """Make sure that the experiment can begin: its values are sound and its corpus is here.

    DVC empties `data/raw` and changes params.yaml before it runs a stage, so what can go wrong is
    found before it is called.

    Args:
        changes: `name=value` in the grammar of `dvc exp run -S`; the last of a name holds.

    Raises:
        ValueError: A value is none, or the corpus's source is of no form that is known.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        parsed = OverridesParser.create().parse_overrides(changes)
    except OverrideParseException as error:
        raise ValueError(f"{error.override!r} must be name=value: {error}") from None
    corpus = params.load(overrides={o.key_or_group: o.value() for o in parsed}).corpus
    source = corpus.musiceval
    if "${" in (source.source or ""):
        raise ValueError(f"the source must not hold '${{', DVC's own sign, given {source.source!r}")
    if corpus.name == "musiceval" and not holds(RAW, source):
        obtain(source, RAW)


def run(name: str, changes: list[str]) -> None:
    """Print the experiment's command, and let DVC run it in this process's place.

    Args:
        name: What it is called, with a number behind it where that is taken.
        changes: `name=value`, in the grammar of `dvc exp run -S`.
    """
    words = [word for change in changes for word in ("-S", change)]
    command = ["dvc", "exp", "run", "--name", free_name(name, _taken()), *words]
    print(shlex.join(command), flush=True)
    os.execv(sys.executable, [sys.executable, "-m", *command])


def overrides(changes: params.Changes) -> list[str]:
    """Return changes as DVC's `-S` reads them; text that it would read otherwise is quoted."""
    return [f"{name}={_written(value)}" for name, value in changes.items()]


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or the first of `name-2`, `name-3`... that is free.

    DVC refuses a name that is taken, if only by a run with other values.
    """
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _taken() -> set[str]:
    command = ["git", "for-each-ref", "--format=%(refname)", "refs/exps"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.rsplit("/", 1)[-1] for line in found.splitlines()}


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value if set(value).isdisjoint("{}[],:=' \"") else "'" + value + "'"
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
