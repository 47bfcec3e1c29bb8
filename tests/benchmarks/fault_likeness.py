"""How often `whisq explain --faults` names the fault that a clip has: prints JSON.

    python tests/benchmarks/fault_likeness.py [CLIPS]

Takes held-out clips of the rendered corpus with one strong fault of the sound that lasts
throughout, as the corpus's truth tells. Needs `dvc repro`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import whisq
from whisq.audio import read, resampled
from whisq.evaluation.gather import read_rated
from whisq.rendered.faults import SOUND_FAULTS
from whisq.show.likeness import moves, references

DATA = Path("data")
STRONG = 0.5


def main(count: int) -> None:
    """Ask.

    Args:
        count: How many clips.
    """
    torch.set_num_threads(1)
    predictor, rated = whisq.load(DATA / "model"), read_rated(DATA)
    faults = pd.read_csv(DATA / "raw/truth/faults.csv")
    heard = faults["fault"].isin(SOUND_FAULTS) & (faults["strength"] > STRONG)
    strong = faults[heard & faults["start_seconds"].isna()].drop_duplicates("id", keep=False)
    held_out = rated.index[rated["split"] != "train"]
    chosen = strong[strong["id"].isin(held_out)].sample(frac=1, random_state=0).head(count)
    clean = np.mean([moves(predictor, music) for music in references()], axis=0)
    places = []
    for row in chosen.itertuples():
        samples = resampled(read(DATA / rated.loc[row.id, "path"]))
        shares = moves(predictor, samples) / clean
        places.append(int((shares < shares[list(SOUND_FAULTS).index(row.fault)]).sum()))
    places = np.array(places)
    first, second = float((places == 0).mean()), float((places < 2).mean())
    faults = len(SOUND_FAULTS)
    print(
        json.dumps(
            {"clips": len(places), "first": first, "among_first_two": second,
             "chance": [round(1 / faults, 3), round(2 / faults, 3)]}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
