"""The paper's claims beside its networks' trials here: metrics/paper_table.csv, and printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pandas import DataFrame, read_csv

from whisq import params
from whisq.corpus.card import read_card
from whisq.corpus.splits import Split, assign
from whisq.evaluation import judge
from whisq.evaluation.floors import pooled, ridge
from whisq.evaluation.gather import read_rated, read_sequences
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
    """Say what the networks were trained on.

    Returns:
        `corpus`, `split`, and the stored sequences as `audio` and `text`.
    """
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
    rated, sequences = read_rated(DATA), read_sequences(DATA)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in FLOORS}
    known: dict[int, dict[str, Any]] = {}
    for seed in range(seeds):
        fold = 0 if protocol == "official" else seed % folds
        if fold not in known:
            known[fold] = _judged(rated, sequences, protocol, folds, fold)
        for name in FLOORS:
            found[name].append({"protocol": protocol, "seed": seed, **known[fold][name]})
    return {name: DataFrame(records) for name, records in found.items()}


def _judged(
    rated: DataFrame, sequences: tuple[Any, Any], protocol: str, folds: int, fold: int
) -> dict[str, dict[str, float | None]]:
    rows = rated.reset_index()
    clips = rows[["id", "system", "prompt"]]
    split = Split(protocol=protocol, folds=folds, fold=fold)
    ratings = assign(rows.drop(columns=["system", "prompt"]), clips, split)
    rated, (audio, text) = judge.join(clips, ratings), sequences
    train = (rated["split"] == "train").to_numpy()
    pairs = [(audio[key], text[prompt]) for key, prompt in rated["prompt"].items()]
    linear = ridge(pooled(*zip(*pairs, strict=True), train), rated, train)
    case = judge.Case(rated, linear, floors={"pooled_ridge": linear})
    found = judge.figures(case, SPLIT)["floors"]
    return {name: record_of(found[name]) for name in FLOORS}


if __name__ == "__main__":
    main()
