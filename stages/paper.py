"""`make paper`: the paper's configuration as an experiment, on MusicEval.

What can go wrong with the values or with the corpus's source is found before DVC is called.
"""

from __future__ import annotations

import argparse
import os
import sys

import whisq.params
from stages.recipe import check, overrides, run

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
        print(error, file=sys.stderr)
        sys.exit(2)
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


def _given() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m stages.paper", description=__doc__)
    about = "a value besides, as of `dvc exp run -S`"
    parser.add_argument("-S", "--set-param", action="append", default=[], help=about)
    return parser.parse_args().set_param


if __name__ == "__main__":
    main()
