"""A run: what the stages have left to be shown. What was not run is None, never an error."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame

from whisq.corpus.card import identify, read_card
from whisq.evaluation.gather import read_rated
from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES


@dataclass(frozen=True)
class Run:
    """A run's results.

    Attributes:
        evaluate: What `judge.judge` found.
        rated: Ratings indexed by clip id, with `system, prompt, path, seconds, split`, and the
            model's predictions as `omq_prediction`, `ta_prediction`, MOS units.
        probes: What the probes found.
        faults: Predicted OMQ by `fault` and `strength`, with `omq` and its `error`.
        corpus: What was rated: `name`, `licence` and what else its card says.
        summary: The corpus in numbers, {} where not known.
        epochs: What training told, one row an epoch.
        best: The record of the epoch whose weights the model has.
        ablations: Variants of the same rated clips beside their references, one row a variant,
            protocol and metric.
        unseen: The same network on systems and prompts that were held out, a training a fold.
    """

    evaluate: dict[str, Any]
    rated: DataFrame
    probes: dict[str, Any] | None = None
    faults: DataFrame | None = None
    corpus: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    epochs: DataFrame | None = None
    best: dict[str, Any] | None = None
    ablations: DataFrame | None = None
    unseen: dict[str, Any] | None = None

    @property
    def splits(self) -> list[str]:
        """The held-out splits that were judged."""
        return [split for split in JUDGED if split in self.evaluate]

    @property
    def split(self) -> str:
        """The last held-out split, which the page is about.

        Raises:
            ValueError: Nothing was held out.
        """
        if not self.splits:
            raise ValueError(
                f"a report needs results on one of {', '.join(JUDGED)}; metrics/evaluate.json has "
                "none: run `dvc repro evaluate` on a corpus with held-out clips"
            )
        return self.splits[-1]

    @property
    def held_out(self) -> DataFrame:
        """The rows of `rated` on that split."""
        return self.rated[self.rated["split"] == self.split]


def read_run(data: Path, metrics: Path) -> Run:
    """Return what the stages have left in the pipeline's folders.

    Raises:
        ValueError: There is no evaluation to report.
    """
    evaluate = _json(metrics / "evaluate.json")
    if evaluate is None:
        raise ValueError(
            f"a report needs {metrics / 'evaluate.json'}, which is not there: run "
            "`dvc repro evaluate`"
        )
    unseen = _json(metrics / "unseen.json")
    predictions = pd.read_csv(data / "predictions.csv", dtype={"id": str}).set_index("id")
    return Run(
        evaluate=evaluate,
        rated=beside(read_rated(data), predictions),
        probes=_json(metrics / "probes.json"),
        faults=_csv(metrics / "plots/fault_response.csv"),
        corpus=read_card(data / "raw"),
        summary=_json(metrics / "corpus.json") or {},
        epochs=_csv(metrics / "epochs.csv"),
        best=_json(metrics / "train.json"),
        ablations=_of(identify(data), _csv(metrics / "ablations.csv")),
        unseen=unseen if unseen and unseen["protocols"] else None,
    )


def beside(rated: DataFrame, predictions: DataFrame) -> DataFrame:
    """Return ratings with predictions of the same ids as `omq_prediction`, `ta_prediction`."""
    return rated.join(predictions[list(AXES)].add_suffix("_prediction"))


def _of(learnt: dict[str, str], table: DataFrame | None) -> DataFrame | None:
    # Variants of another corpus, or of one that was rated otherwise, are not this run's.
    if table is None or not set(learnt) <= set(table):
        return None
    own = table[(table[list(learnt)] == list(learnt.values())).all(axis=1)]
    return own if len(own) else None


def _json(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _csv(path: Path) -> DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None
