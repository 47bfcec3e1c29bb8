"""`make paper`: the paper's configuration as an experiment, on MusicEval.

DVC empties `data/raw` and changes params.yaml before it runs a stage, so what can go wrong with
the values or with the corpus's source is found here, before DVC is called.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import whisq.params
from stages.recipe import overrides, run
from whisq.corpus.fetch import holds, obtain

RAW = Path("data/raw")
NAME = "paper-musiceval"


def main() -> None:
    """Fetch the corpus, then let DVC run the experiment in this process's place."""
    changes = [
        *overrides(whisq.params.changes_of("paper")),
        *sourced(os.environ.get("SOURCE")),
        *_given(),
    ]
    try:
        check(changes)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(
        "Running in the workspace: params.yaml, data/ and metrics/ become this experiment's own.\n"
        "If it is stopped, the same command goes on; the way back is\n"
        "  git checkout params.yaml dvc.lock metrics && dvc checkout",
        flush=True,
    )
    run(NAME, changes)


def sourced(source: str | None) -> list[str]:
    """Return a source as a change in the grammar of `dvc exp run -S`, whatever signs it has in it.

    Empty stands for the hub's MusicEval; None leaves the one of params.yaml and changes nothing.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    if source is None:
        return []
    value = QuotedString(source, Quote.single).with_quotes() if source else "null"
    return [f"corpus.musiceval.source={value}"]


def check(changes: list[str]) -> None:
    """Make sure that the experiment can begin: its values are sound and its corpus is here.

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
    params = whisq.params.load(overrides={o.key_or_group: o.value() for o in parsed})
    source = params.corpus.musiceval
    if "${" in (source.source or ""):
        raise ValueError(f"the source must not hold '${{', DVC's own sign, given {source.source!r}")
    if params.corpus.name == "musiceval" and not holds(RAW, source):
        obtain(source, RAW)


def _given() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m stages.paper", description=__doc__)
    about = "a value besides, as of `dvc exp run -S`"
    parser.add_argument("-S", "--set-param", action="append", default=[], help=about)
    return parser.parse_args().set_param


if __name__ == "__main__":
    main()
