"""Stage `corpus`: the rated clips, in MusicEval's layout under data/raw/."""

from __future__ import annotations

import sys
from pathlib import Path

import whisq.params
from whisq import extras

RAW = Path("data/raw")


def main() -> None:
    """Make the corpus that `corpus.name` names; what stands in the way is told in one message."""
    params = whisq.params.load().corpus
    if params.name == "rendered":
        from whisq.rendered.build import build

        build(RAW, params.rendered)
        return
    from whisq.corpus.fetch import fetch

    try:
        fetch(params.musiceval, RAW)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    extras.run(main)
