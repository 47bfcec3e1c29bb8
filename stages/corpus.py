"""Stage `corpus`: the rated clips, in MusicEval's layout under data/raw/."""

from __future__ import annotations

from pathlib import Path

import whisq.params
from whisq import extras

RAW = Path("data/raw")


def rendered(params: whisq.params.Corpus) -> None:
    """Render the embedded corpus.

    Args:
        params: The section `corpus`.
    """
    from whisq.corpus.rendered.build import build

    build(RAW, **params.rendered.model_dump())


def musiceval(params: whisq.params.Corpus) -> None:
    """Fetch MusicEval.

    Args:
        params: The section `corpus`.
    """
    from whisq.corpus.fetch import fetch

    fetch(params.musiceval.source, RAW, params.musiceval.sha256)


ROADS = {"rendered": rendered, "musiceval": musiceval}


def main() -> None:
    """Make the corpus that `corpus.name` names."""
    params = whisq.params.load().corpus
    ROADS[params.name](params)


if __name__ == "__main__":
    extras.run(main)
