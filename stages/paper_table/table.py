"""The paper's claims beside its networks' trials here: metrics/paper_table.csv, and printed."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame, read_csv

from whisq import params
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_clips, read_ratings
from whisq.corpus.splits import Split, assign
from whisq.evaluation import judge
from whisq.evaluation.floors import pooled_ridge
from whisq.evaluation.gather import read_sequences
from whisq.evaluation.metrics import record_of
from whisq.show.paper_table import markdown, paper_table

DATA, FOLDER = Path("data"), Path("metrics/paper_table")
FLOORS = ("system_mean", "pooled_ridge")
SPLIT = "test"


def main() -> None:
    """Run the stage."""
    values = params.load()
    networks = {name: read_csv(FOLDER / f"{name}.csv") for name in values.paper_table.networks}
    parties = floors(values.split.protocol, values.split.folds, values.paper_table.seeds)
    table = paper_table(networks, parties, place())
    table.to_csv("metrics/paper_table.csv", index=False, float_format="%.6f")
    print(markdown(table))


def place() -> dict[str, str]:
    """Return what the networks learnt: `corpus`, `split`, stored sequences `audio` and `text`."""
    audio, text = (sequences.manifest["spec"] for sequences in read_sequences(DATA))
    window = audio["window"] if isinstance(audio["window"], str) else f"{audio['window']} s"
    heard = (
        f"{audio['model']}, layers {audio['layers']}, window `{window}`, "
        f"{audio['pool']} frames a step"
    )
    corpus = read_card(DATA / "raw")["name"]
    return {"corpus": corpus, "split": SPLIT, "audio": heard, "text": text["model"]}


def floors(protocol: str, folds: int, seeds: int) -> dict[str, DataFrame]:
    """Judge the floors on the splits that the networks were trained on.

    Args:
        protocol: How clips are split.
        folds: Into how many parts systems or prompts are divided.
        seeds: Trainings of a network; a seed chooses the fold, as for a trial.

    Returns:
        A record a seed by the floor's name.
    """
    chosen = [0 if protocol == "official" else seed % folds for seed in range(seeds)]
    judged = {fold: _judged(Split(protocol=protocol, folds=folds, fold=fold)) for fold in {*chosen}}
    return {
        name: DataFrame(
            {"protocol": protocol, "seed": seed, **judged[fold][name]}
            for seed, fold in enumerate(chosen)
        )
        for name in FLOORS
    }


def _judged(split: Split) -> dict[str, dict[str, float | None]]:
    clips, (audio, text) = read_clips(DATA / "clips.csv"), read_sequences(DATA)
    rated = judge.join(clips, assign(read_ratings(DATA / "ratings.csv"), clips, split))
    linear = pooled_ridge(rated, audio, text)
    case = judge.Case(rated, linear, floors={"pooled_ridge": linear})
    found = judge.figures(case, SPLIT)["floors"]
    return {name: record_of(found[name]) for name in FLOORS}


if __name__ == "__main__":
    main()
