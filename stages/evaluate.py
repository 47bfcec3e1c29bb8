"""Stage evaluate: the model beside floors and ceilings, with intervals, and what it responds to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pandas import read_csv

import whisq.params
from whisq import stage, tracking
from whisq.comparing.preferences import held_out
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_pairs
from whisq.encoders.weights import TRUST
from whisq.evaluation.bench import write_predictions
from whisq.evaluation.gather import gather, make_bench
from whisq.evaluation.judge import JUDGED, Case, judge, rounded
from whisq.evaluation.probes import probe
from whisq.model.card import CARD, fingerprint
from whisq.predictor import Predictor
from whisq.serving.publish import describe
from whisq.show import kept, outcome
from whisq.show.run import Run, beside

DATA, METRICS = Path("data"), Path("metrics")


def main() -> str:
    """Return a line about where the judgement of `data/model` stands, its first figures printed."""
    params = whisq.params.load()
    choices = params.evaluate
    if trusted := [spec.model for spec in params.embed_audio.each() if spec.trust_remote_code]:
        os.environ[TRUST] = " ".join(trusted)
    card = read_card(DATA / "raw")
    corpus, protocol = card["name"], params.split.protocol
    if protocol == "official":  # a corpus's own division may hold groups out too
        protocol = card.get("protocol", protocol)
    about = tracking.About.of(params, corpus)
    with tracking.judging_run(whisq.params.pipeline(params), about, DATA / "model") as run:
        model = Predictor.load(DATA / "model", params.train.device)
        case = gather(model, DATA)
        write_predictions(case.predictions, DATA / "predictions.csv")
        result = judge(case, corpus, protocol, choices.resamples, choices.seed)
        preferred = by_pairs(case, choices.resamples, choices.seed)
        for split, figures in preferred.items():
            result[split]["pairs"] = figures
        bench = make_bench(model, DATA, case.rated, choices.seed)
        probes, curves = probe(bench, corpus, choices.probe_clips, choices.probe_prompts)
        numbers = kept.headline(result, probes) | accuracies(preferred)
        best = json.loads((METRICS / "train.json").read_text())
        epochs = {"epochs": read_csv(METRICS / "epochs.csv"), "best": best}
        judged = Run(result, beside(case.rated, case.predictions), probes, curves, **epochs)
        kept.draw(judged, METRICS / "plots")
        found = {"evaluate": result, "probes": probes, "headline": numbers}
        for name, value in found.items():
            text = json.dumps(value, indent=2, allow_nan=False) + "\n"
            (METRICS / f"{name}.json").write_text(text, encoding="utf-8")
        told = kept.card(result, fingerprint(DATA / "model"))
        text = json.dumps(told, indent=2, allow_nan=False) + "\n"
        (DATA / CARD).write_text(text, encoding="utf-8")
        run.artifacts(DATA / CARD)
        for split, values in kept.logged(result).items():
            rated = case.rated[case.rated["split"] == split]
            run.judged(values, rated.reset_index(), f"{corpus}, {split}", DATA / "ratings.csv")
        run.metrics(kept.besides(numbers))
        run.note(kept.note(result, about.variant, about.changes))
        describe(run.training, f"{about.name}. {' '.join(outcome.figures(result))}")
        run.artifacts(*(METRICS / f"{name}.json" for name in found))
        run.artifacts(METRICS / "plots", folder="plots")
    print(*outcome.figures(result), sep="\n")
    for name, share in accuracies(preferred).items():
        print(f"{name}: {share:.3f}" if share is not None else f"{name}: not defined")
    return f"{DATA}/predictions.csv, {', '.join(f'{METRICS}/{name}.json' for name in found)}"


def by_pairs(case: Case, resamples: int, seed: int) -> dict[str, Any]:
    """Return by held-out split how the model is judged by the corpus's own preferences."""
    words, found = read_pairs(DATA / "raw"), {}
    for split in JUDGED:
        rated = case.rated[case.rated["split"] == split]
        figures = held_out(words, rated, case.predictions, resamples, seed)
        if figures:
            found[split] = rounded(figures)
    return found


def accuracies(preferred: dict[str, Any]) -> dict[str, float | None]:
    """Return the share of preferences that the model agrees with, by split and axis."""
    return {
        f"{split}_{axis}_pair_accuracy": figures["accuracy"]
        for split, by_axis in preferred.items()
        for axis, figures in by_axis.items()
    }


if __name__ == "__main__":
    stage.run(main)
