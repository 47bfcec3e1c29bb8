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
from typing import Any

from whisq import params

SEEDS = "trials.seeds"  # a variant may be trained more often and under more protocols


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
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if asked.run:
        run(asked.name, changes)
    print("\n".join(changes))


def listed(values: params.Params) -> list[str]:
    """Return a line for each recipe and variant: what it is there for, and who trains it."""
    wide = max(map(len, values.named))
    table = [
        f"{name:{wide}}  {one.why}{'' if is_trained(one.changes) else ' (make variant alone)'}"
        for name, one in values.ablations.items()
    ]
    recipes = [f"{name:{wide}}  {one.why}" for name, one in values.recipes.items()]
    end = "make recipe NAME=..., make variant NAME=...  run the pipeline with one of them"
    kinds = ["Recipes, whole configurations:", "Variants, held side by side in docs/variants.md:"]
    return [kinds[0], *recipes, "", kinds[1], *table, "", end]


def is_trained(changes: params.Changes) -> bool:
    """Return whether the table of variants trains these changes: others change what is embedded."""
    return all(key.split(".")[0] in params.TRAINED or key == SEEDS for key in changes)


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
