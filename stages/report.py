"""Stage report: everything on one page, metrics/report.html."""

from __future__ import annotations

from pathlib import Path

import whisq.params
from whisq import tracking
from whisq.show.page import render
from whisq.show.run import read_run

DATA, METRICS = Path("data"), Path("metrics")
PAGE = METRICS / "report.html"
TRANSPORT = ("cost", "epsilon", "iterations")


def main() -> None:
    """Render the page."""
    flat = whisq.params.pipeline(whisq.params.load())
    with tracking.judging_run("report", flat, DATA / "model") as run:
        page = render(
            read_run(DATA, METRICS),
            DATA,
            flat,
            lock=Path("dvc.lock"),
            seconds=stage_seconds(run.training),
            transport={name: flat[f"loss.ot_{name}"] for name in TRANSPORT},
        )
        PAGE.write_text(page, encoding="utf-8")
        run.artifacts(PAGE)
    print(f"{PAGE}: {len(page.encode()) / 1e6:.1f} MB")


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
    main()
