"""Stage evaluate: the model beside floors and ceilings, with intervals, and what it responds to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import whisq.params
from whisq import tracking
from whisq.corpus.card import read_card
from whisq.encoders.weights import TRUST
from whisq.evaluation.bench import write_predictions
from whisq.evaluation.gather import gather, make_bench
from whisq.evaluation.judge import judge
from whisq.evaluation.probes import probe
from whisq.predictor import Predictor
from whisq.show import kept
from whisq.show.run import Run, beside

DATA, METRICS = Path("data"), Path("metrics")


def main() -> None:
    """Judge `data/model`."""
    params = whisq.params.load()
    choices = params.evaluate
    if params.embed_audio.trust_remote_code:
        os.environ[TRUST] = params.embed_audio.model
    with tracking.judging_run("evaluate", whisq.params.pipeline(params), DATA / "model") as run:
        model = Predictor.load(DATA / "model", params.train.device)
        case = gather(model, DATA)
        write_predictions(case.predictions, DATA / "predictions.csv")
        corpus = read_card(DATA / "raw")["name"]
        result = judge(case, corpus, params.split.protocol, choices.resamples, choices.seed)
        bench = make_bench(model, DATA, case.rated, choices.seed)
        probes, curves = probe(bench, corpus, choices.probe_clips, choices.probe_prompts)
        numbers = kept.headline(result, probes)
        judged = Run(result, beside(case.rated, case.predictions), probes, curves)
        kept.draw(judged, METRICS / "plots")
        found = {"evaluate": result, "probes": probes, "headline": numbers}
        for name, value in found.items():
            text = json.dumps(value, indent=2, allow_nan=False) + "\n"
            (METRICS / f"{name}.json").write_text(text, encoding="utf-8")
        run.metrics(kept.logged(result) | numbers)
        run.artifacts(*(METRICS / f"{name}.json" for name in found))
        run.artifacts(METRICS / "plots", folder="plots")
    kept.printed(result, probes)


if __name__ == "__main__":
    main()
