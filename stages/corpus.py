"""Stage `corpus`: the rated clips, in MusicEval's layout under data/raw/."""

from __future__ import annotations

import sys
from pathlib import Path

import whisq.params
from whisq import extras

RAW = Path("data/raw")


def rendered(params: whisq.params.Corpus) -> None:
    """Render the embedded corpus.

    Args:
        params: The section `corpus`.
    """
    from whisq.rendered.build import build

    build(RAW, params.rendered)


def musiceval(params: whisq.params.Corpus) -> None:
    """Fetch MusicEval; what stands in the way is told in one message.

    Args:
        params: The section `corpus`.
    """
    from whisq.corpus.fetch import fetch

    try:
        fetch(params.musiceval, RAW)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


ROADS = {"rendered": rendered, "musiceval": musiceval}


def main() -> None:
    """Make the corpus that `corpus.name` names."""
    params = whisq.params.load().corpus
    ROADS[params.name](params)


if __name__ == "__main__":
    extras.run(main)
