"""Stage evaluate: the model beside floors and ceilings, with intervals."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

import whisq.params
from whisq import tracking
from whisq.corpus.card import read_card
from whisq.evaluation import plots, show
from whisq.evaluation.gather import gather
from whisq.evaluation.headline import headline, logged
from whisq.evaluation.judge import JUDGED, judge
from whisq.evaluation.predict import write_predictions
from whisq.predictor import Predictor

DATA, METRICS = Path("data"), Path("metrics")


def main() -> None:
    """Judge `data/model`."""
    params = whisq.params.load()
    choices = params.evaluate
    with tracking.model_run("evaluate", whisq.params.flatten(params.model_dump())) as run:
        case = gather(Predictor.load(DATA / "model"), DATA)
        write_predictions(case.predictions, DATA / "predictions.csv")
        corpus = read_card(DATA / "raw")["name"]
        result = judge(case, corpus, params.split.protocol, choices.resamples, choices.seed)
        numbers = headline(result, None)
        for name, value in (("evaluate", result), ("headline", numbers)):
            (METRICS / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")
        plots.draw(case, result, METRICS / "plots")
        run.metrics(logged(result) | numbers)
        run.artifacts(METRICS / "evaluate.json", METRICS / "headline.json", METRICS / "plots")
    for split in JUDGED:
        if split in result:
            Console().print(show.standings(result[split], f"{corpus}, {split}"))
    print(json.dumps(numbers, indent=2))


if __name__ == "__main__":
    main()
