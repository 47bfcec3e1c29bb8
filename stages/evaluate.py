"""Stage evaluate: the model beside floors and ceilings, with intervals, and what it responds to."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

import whisq.params
from whisq import tracking
from whisq.corpus.card import read_card
from whisq.evaluation import plots, show, show_probes
from whisq.evaluation.gather import gather, make_bench
from whisq.evaluation.headline import headline, logged
from whisq.evaluation.judge import JUDGED, judge
from whisq.evaluation.predict import write_predictions
from whisq.evaluation.probes import probe
from whisq.evaluation.published import published_table
from whisq.predictor import Predictor

DATA, METRICS = Path("data"), Path("metrics")


def main() -> None:
    """Judge `data/model`."""
    params = whisq.params.load()
    choices = params.evaluate
    with tracking.judging_run("evaluate", whisq.params.pipeline(params), DATA / "model") as run:
        model = Predictor.load(DATA / "model", params.train.device)
        case = gather(model, DATA)
        write_predictions(case.predictions, DATA / "predictions.csv")
        corpus = read_card(DATA / "raw")["name"]
        result = judge(case, corpus, params.split.protocol, choices.resamples, choices.seed)
        bench = make_bench(model, DATA, case.rated, choices.seed)
        probes, curves = probe(bench, corpus, choices.probe_clips, choices.probe_prompts)
        numbers = headline(result, probes)
        plots.draw(case, result, METRICS / "plots")
        plots.fault_response(curves, f"{corpus}, faults of clean clips", METRICS / "plots")
        found = {"evaluate": result, "probes": probes, "headline": numbers}
        for name, value in found.items():
            text = json.dumps(value, indent=2, allow_nan=False) + "\n"
            (METRICS / f"{name}.json").write_text(text, encoding="utf-8")
        run.metrics(logged(result) | numbers)
        run.artifacts(*(METRICS / f"{name}.json" for name in found))
        run.artifacts(METRICS / "plots", folder="plots")
    for split in JUDGED:
        if split in result:
            Console().print(show.standings(result[split], f"{corpus}, {split}"))
    Console().print(show.published(published_table(result)))
    Console().print(show_probes.responses(probes, f"{corpus}, probes"))


if __name__ == "__main__":
    main()
