"""`metrics/report.html`: one file that shows a run, from disk, without a network.

What stands on it and where, `templates/report.html.j2` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from whisq.show import (
    ablations,
    corpus,
    predictions,
    probes,
    provenance,
    published,
    results,
    sentences,
    training,
)
from whisq.show.mistakes import mistakes
from whisq.show.run import Run

SHOWING = (
    ablations, corpus, predictions, probes, provenance, published, results, sentences, training
)  # fmt: skip


def render(
    run: Run,
    data: Path,
    params: Mapping[str, Any],
    *,
    lock: Path,
    seconds: Mapping[str, float],
    worst: int = 10,
    transport: Mapping[str, Any] | None = None,
) -> str:
    """Write the page.

    Args:
        run: The run.
        data: The pipeline's data folder.
        params: The run's parameters by dotted name.
        lock: `dvc.lock`, whether or not it is there.
        seconds: What each stage took, where known.
        worst: How many mistaken clips are shown.
        transport: Settings of `transport_cost`.

    Returns:
        HTML.
    """
    return page(
        "report",
        {module.__name__.rpartition(".")[2]: module for module in SHOWING},
        run=run,
        mistakes=mistakes(run.held_out, data, worst, transport or {}),
        params=params,
        lock=lock,
        seconds=seconds,
    )


def page(name: str, modules: Mapping[str, Any] | None = None, **values: Any) -> str:
    """Fill in one of the package's pages.

    Args:
        name: Of the template.
        modules: What makes its tables and plots, by the name that the template calls it by.
        **values: What it shows; all text is escaped, and a name that is not given is an error.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=PackageLoader("whisq.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.html.j2").render(**(modules or {}), **values)
