"""What the stages have left, read for the report; what was not run is None, never an error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame

from whisq.corpus.card import read_card
from whisq.evaluation.gather import read_rated
from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES


@dataclass(frozen=True)
class Results:
    """A run's results.

    Attributes:
        corpus: What was rated: `name`, `licence` and what else its card says.
        summary: The corpus in numbers, {} where not known.
        evaluate: What `judge.judge` found.
        rated: Ratings indexed by clip id, with `system, prompt, path, seconds, split`, and the
            model's predictions as `omq_prediction`, `ta_prediction`, MOS units.
        epochs: What training told, one row an epoch.
        best: The record of the epoch whose weights the model has.
        probes: What the probes found.
        faults: Predicted OMQ by `fault` and `strength`, with `omq` and its `error`.
        ablations: Variants beside their references, one row a variant, protocol and metric.
    """

    corpus: dict[str, Any]
    summary: dict[str, Any]
    evaluate: dict[str, Any]
    rated: DataFrame
    epochs: DataFrame | None = None
    best: dict[str, Any] | None = None
    probes: dict[str, Any] | None = None
    faults: DataFrame | None = None
    ablations: DataFrame | None = None

    @property
    def split(self) -> str:
        """The last held-out split, which the report is about.

        Raises:
            ValueError: Nothing was held out.
        """
        held_out = [split for split in JUDGED if split in self.evaluate]
        if not held_out:
            raise ValueError(
                f"a report needs results on one of {', '.join(JUDGED)}; metrics/evaluate.json has "
                "none: run `dvc repro evaluate` on a corpus with held-out clips"
            )
        return held_out[-1]

    @property
    def found(self) -> dict[str, Any]:
        """The judge's result on that split."""
        return self.evaluate[self.split]

    @property
    def held_out(self) -> DataFrame:
        """The rows of `rated` on that split."""
        return self.rated[self.rated["split"] == self.split]

    @property
    def place(self) -> str:
        """Corpus, split and protocol: what every figure must be labelled with."""
        return f"{self.evaluate['corpus']}, {self.split}, {self.evaluate['protocol']} split"


def read_results(data: Path, metrics: Path) -> Results:
    """Read what the stages have left.

    Args:
        data: The pipeline's data folder.
        metrics: Its metrics folder.

    Returns:
        The results, with None for each part that was not run.

    Raises:
        ValueError: There is no evaluation to report.
    """
    evaluate = _json(metrics / "evaluate.json")
    if evaluate is None:
        raise ValueError(
            f"a report needs {metrics / 'evaluate.json'}, which is not there: run "
            "`dvc repro evaluate`"
        )
    predictions = pd.read_csv(data / "predictions.csv", dtype={"id": str}).set_index("id")
    rated = read_rated(data).join(predictions[list(AXES)].add_suffix("_prediction"))
    return Results(
        corpus=read_card(data / "raw"),
        summary=_json(metrics / "corpus.json") or {},
        evaluate=evaluate,
        rated=rated,
        epochs=_csv(metrics / "epochs.csv"),
        best=_json(metrics / "train.json"),
        probes=_json(metrics / "probes.json"),
        faults=_csv(metrics / "plots/fault_response.csv"),
        ablations=_csv(metrics / "ablations.csv"),
    )


def _json(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _csv(path: Path) -> DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None
