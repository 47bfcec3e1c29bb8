"""Stage report: everything on one page, metrics/report.html."""

from __future__ import annotations

from pathlib import Path

import whisq.params
from whisq import stage, tracking
from whisq.show import kept
from whisq.show.page import render
from whisq.show.run import read_run

DATA, METRICS = Path("data"), Path("metrics")
PAGE = METRICS / "report.html"
TRANSPORT = ("cost", "epsilon", "iterations")


def main() -> str:
    """Return a line about the page, once it is rendered."""
    params = whisq.params.load()
    flat, found = whisq.params.pipeline(params), read_run(DATA, METRICS)
    about = tracking.About.of(params, found.evaluate["corpus"])
    with tracking.judging_run(flat, about, DATA / "model") as run:
        page = render(
            found,
            DATA,
            flat,
            lock=Path("dvc.lock"),
            seconds=stage_seconds(run.training),
            transport={name: flat[f"loss.ot_{name}"] for name in TRANSPORT},
        )
        PAGE.write_text(page, encoding="utf-8")
        run.artifacts(PAGE)
        link = run.address(PAGE.name)
        run.note(kept.note(found.evaluate, about.variant, about.changes, link))
    return f"{PAGE}: {len(page.encode()) / 1e6:.1f} MB"


def stage_seconds(run_id: str) -> dict[str, float]:
    """Return seconds of each data stage's last finished run, and of a training's epochs."""
    from mlflow.tracking import MlflowClient

    client, found = MlflowClient(), {}
    data = client.get_experiment_by_name(tracking.DATA)
    finished = {"filter_string": "status = 'FINISHED'", "order_by": ["start_time DESC"]}
    for run in client.search_runs([data.experiment_id], **finished) if data else []:
        lasted = (run.info.end_time - run.info.start_time) / 1000
        found.setdefault(run.data.tags.get("stage", "unnamed"), lasted)
    epochs = client.get_metric_history(run_id, "seconds")
    return found | ({"train, its epochs": sum(epoch.value for epoch in epochs)} if epochs else {})


if __name__ == "__main__":
    stage.run(main)
