"""Stage report: everything on one page, metrics/report.html."""

from __future__ import annotations

from pathlib import Path

import whisq.params
from whisq import tracking
from whisq.report.page import render
from whisq.report.results import read_results

DATA, METRICS = Path("data"), Path("metrics")
PAGE = METRICS / "report.html"
TRANSPORT = ("cost", "epsilon", "iterations", "tolerance")


def main() -> None:
    """Render the page."""
    params = whisq.params.load()
    flat = whisq.params.flatten(params.model_dump())
    with tracking.model_run("report", flat) as run:
        page = render(
            read_results(DATA, METRICS),
            DATA,
            flat,
            lock=Path("dvc.lock"),
            seconds={},
            transport={name: flat[f"loss.ot_{name}"] for name in TRANSPORT},
        )
        PAGE.write_text(page, encoding="utf-8")
        run.artifacts(PAGE)
    print(f"{PAGE}: {len(page.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
