"""Stage `corpus`: the rated clips, in MusicEval's layout under data/raw/."""

from __future__ import annotations

import sys
from pathlib import Path

import whisq.params
from whisq import stage
from whisq.corpus.card import read_card

RAW = Path("data/raw")


def main() -> str:
    """Return a line about the corpus, once made; what is in the way is told in one message."""
    params = whisq.params.load().corpus
    if params.name == "rendered":
        from whisq.rendered.build import build

        build(RAW, params.rendered)
    else:
        from whisq.corpus.fetch import fetch
        from whisq.corpus.rated_table import lay_out

        try:
            if params.name == "table":
                lay_out(params.table, RAW)
            else:
                fetch(params.musiceval, RAW)
        except (OSError, ValueError) as error:
            sys.exit(str(error))
    clips = sum(1 for _ in (RAW / "wav").iterdir())
    return f"{read_card(RAW)['name']}: {clips:,} clips in {RAW}"


if __name__ == "__main__":
    stage.run(main)
