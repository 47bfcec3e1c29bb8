"""`metrics/report.html`: one file that shows a run, from disk, without a network.

What stands on it and where, `templates/report.html.j2` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whisq.evaluation.raters import alone
from whisq.show import ablations, corpus, preferences, provenance, training, unseen
from whisq.show.html import filled
from whisq.show.mistakes import mistakes
from whisq.show.predictions import Predictions
from whisq.show.probes import Probes
from whisq.show.published import published
from whisq.show.results import Judged, every_metric, said, used
from whisq.show.run import Run


def render(
    run: Run,
    data: Path,
    params: Mapping[str, Any],
    *,
    lock: Path,
    seconds: Mapping[str, float],
    transport: Mapping[str, Any],
) -> str:
    """Return the page as HTML.

    Args:
        run: The run.
        data: The pipeline's data folder.
        params: The run's parameters by dotted name.
        lock: `dvc.lock`, whether or not it is there.
        seconds: What each stage took, where known.
        transport: Settings of `transport_cost`.
    """
    judged = Judged.of(run.evaluate, run.split)
    return filled(
        "report",
        run=run,
        place=judged.place,
        revision=provenance.revision(),
        used=used(run.evaluate, run.split, alone(run.held_out)),
        unseen=unseen,
        said=said(run.evaluate, run.split),
        judged=judged,
        preferred=preferences.judged(
            judged.found["pairs"], f"By listeners' preferences ({judged.place})"
        )
        if "pairs" in judged.found
        else None,
        every_metric=every_metric(judged.found, f"All metrics of the model ({judged.place})"),
        published=published(run.evaluate),
        predictions=Predictions(run.held_out, judged.found["calibration"], judged.place),
        mistakes=mistakes(run.held_out, data, transport),
        probes=Probes(run.probes, run.faults, judged.place),
        ablations=ablations,
        training=training,
        corpus=corpus,
        times=provenance.stage_times(seconds),
        provenance=provenance.made_with(params, lock),
    )
