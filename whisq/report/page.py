"""`metrics/report.html`: one file that shows a run, from disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from whisq.evaluation.metrics import AXES
from whisq.report import (
    comparisons,
    figures,
    overview,
    pictures,
    provenance,
    sentences,
)
from whisq.report.mistaken import Mistake, mistakes
from whisq.report.results import Results
from whisq.report.shown import shown

NO_PLAN = "This network has no transport plan: its two sides share no space."
NO_STATES = "No map: data/model or data/embeddings is not there."
SECTIONS = {
    "results": "Results",
    "published": "Published",
    "predictions": "Predictions",
    "mistakes": "Mistakes",
    "probes": "Probes",
    "ablations": "Ablations",
    "training": "Training",
    "corpus": "Corpus",
    "provenance": "Provenance",
}


def render(
    results: Results,
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
        results: The run's.
        data: The pipeline's data folder.
        params: The run's parameters by dotted name.
        lock: `dvc.lock`, whether or not it is there.
        seconds: What each stage took, where known.
        worst: How many mistaken clips are shown.
        transport: Settings of `transport_cost`.

    Returns:
        HTML.
    """
    found, place, held_out = results.found, results.place, results.held_out
    chosen = mistakes(held_out, data, worst, transport or {})
    tables = [provenance.parameters(params), provenance.data_hashes(lock), provenance.versions()]
    return environment().get_template("report.html.j2").render(
        place=place,
        revision=provenance.revision(),
        sections=SECTIONS.items(),
        headline=sentences.headline(results),
        ends=sentences.ends(found),
        inside=sentences.inside(found),
        worth=sentences.worth(found),
        standings=figures.standings(found, place),
        standing=comparisons.standing(found, place),
        left_within=figures.left_within(found, place),
        subsets=figures.subsets(found, place),
        every_metric=figures.every_metric(found, place),
        published=figures.published(results.evaluate),
        scatters=pictures.scatters(held_out, place),
        calibration=pictures.reliability(found["calibration"], place),
        residuals=comparisons.residuals_by_system(held_out, place),
        residuals_by_prompt=figures.residuals_by_prompt(held_out, place),
        mistakes=[described(mistake) for mistake in chosen],
        probes=sentences.probes(results.probes),
        probe_tables=overview.probes(results.probes, place),
        faults=_each(results.faults, comparisons.fault_responses, place),
        forests=overview.forests(results.ablations),
        ablations=_each(results.ablations, overview.ablations),
        learning=_each(results.epochs, pictures.learning, results.best),
        corpus=overview.corpus(results),
        glance=pictures.corpus_at_a_glance(results.rated, results.evaluate["corpus"]),
        licence=results.corpus.get("licence", ""),
        times=provenance.stage_times(dict(seconds)),
        provenance=[table for table in tables if table],
    )  # fmt: skip


def environment() -> Environment:
    """Open the package's templates.

    Returns:
        Where they render; all text is escaped, and a name that is not given is an error.
    """
    return Environment(
        loader=PackageLoader("whisq.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def described(mistake: Mistake) -> dict[str, Any]:
    """Say of a mistaken clip what the page shows.

    Args:
        mistake: The clip.

    Returns:
        What the template asks for.
    """
    row, maps = mistake.row, mistake.maps
    lines = []
    for axis in AXES:
        grades = str(row.get(f"{axis}_raters", "") or "")
        given = f" ({', '.join(grades.split())})" if grades else ""
        predicted = row[f"{axis}_prediction"]
        text = (
            f"rated {row[axis]:.1f}{given}, predicted {predicted:.2f} "
            f"({predicted - row[axis]:+.2f})"
        )
        lines.append({"name": axis.upper(), "text": text.replace("-", "−")})
    plan = maps and maps.maps.get("transport") is not None
    return {
        "id": mistake.id,
        "system": row["system"],
        "prompt": row["prompt"],
        "sound": mistake.sound,
        "lines": lines,
        "map": shown(maps, "transport") if plan else None,
        "no_map": NO_PLAN if maps else NO_STATES,
        "remark": sentences.unplaced(maps) if plan else "",
    }


def _each(part: Any, make: Any, *others: Any) -> Any:
    return None if part is None else make(part, *others)
