"""What stays of a run beside its page: what DVC and MLflow keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pandas import DataFrame

from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES, METRICS
from whisq.show.plot import Plot, png
from whisq.show.predictions import Predictions
from whisq.show.probes import Probes
from whisq.show.results import PLACES, Judged, used
from whisq.show.run import Run
from whisq.show.table import LEVELS, Table, verbatim
from whisq.show.training import curves


def headline(result: dict[str, Any], probes: dict[str, Any] | None) -> dict[str, float | None]:
    """Return the figures for `metrics/headline.json`, None where one is not defined.

    Args:
        result: What `judge.judge` gave.
        probes: What `probes.probe` gave, or None.

    Returns:
        For each held-out split `<split>_<axis>_srcc` (utterance level) and for the last one
        `_share` of the way from floor to ceiling and the probes' main figures.
    """
    splits = [split for split in JUDGED if split in result]
    found: dict[str, float | None] = {
        f"{split}_{axis}_srcc": result[split]["utt"][axis]["srcc"]
        for split in splits
        for axis in AXES
    }
    for axis in AXES if splits else ():
        found[f"{splits[-1]}_{axis}_share"] = result[splits[-1]]["share"]["utt"][axis]["share"]
    if probes:
        found["swap"] = probes["order_swap"]["swap"]
        found["prompt_auc"] = probes["other_prompts"]["auc"]
        found["shuffled_ta_srcc"] = probes["shuffled_prompts"]["srcc"]
        found["fault_tau"] = probes["faults"]["tau"]
    return found


def logged(result: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the model's own defined figures by split and name, such as `test/utt/omq/srcc`."""
    return {
        split: {
            f"{split}/{level}/{axis}/{metric}": value
            for level, axis in PLACES
            for metric in METRICS
            if (value := result[split][level][axis][metric]) is not None
        }
        for split in JUDGED
        if split in result
    }


def card(result: dict[str, Any], model: str) -> dict[str, Any]:
    """Return what goes with a model: the figures of the last held-out split, and their table.

    Args:
        result: What `judge.judge` gave.
        model: Its hash, without which figures could be taken for another model's.
    """
    split = [split for split in JUDGED if split in result][-1]
    parts = ("n_clips", "n_systems", *LEVELS, "intervals", "floors", "ceilings")
    found = {part: result[split][part] for part in parts}
    about = {"model": model, "corpus": result["corpus"], "protocol": result["protocol"]}
    return about | {"split": split, **found, "table": Judged.of(result, split).standings.markdown()}


def besides(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the figures of `headline` that `logged` has not."""
    own = {f"{split}_{axis}_srcc" for split in JUDGED for axis in AXES}
    return {name: value for name, value in numbers.items() if name not in own}


def note(
    result: dict[str, Any], variant: str, changes: Mapping[str, Any], report: str | None = None
) -> str:
    """Return what MLflow says of a run at the head of its page, in Markdown.

    Args:
        result: What `judge.judge` gave.
        variant: The named set of changes that the run has made, or `default`.
        changes: Params that are not the defaults, by dotted name.
        report: Where the run's report is to be seen.
    """
    parts = [f"Variant `{variant}`."]
    if splits := [split for split in JUDGED if split in result]:
        standings = Judged.of(result, splits[-1]).standings
        parts = [used(result, splits[-1]), standings.markdown(), *parts]
    if changes:
        rows = [[verbatim(name), verbatim(value)] for name, value in changes.items()]
        parts.append(Table("Not the default:", ["param", "value"], rows).markdown())
    return "\n\n".join([*parts, f"[The report]({report})"] if report else parts)


def draw(run: Run, folder: Path) -> list[Path]:
    """Draw the page's main plots of the last held-out split, each beside a CSV of what it shows.

    Args:
        run: The run, with `faults`, and `epochs` if they are to be drawn.
        folder: Where to.

    Returns:
        The files; those of faults and epochs alone without a held-out split.
    """
    files = []
    if run.splits:
        judged = Judged.of(run.evaluate, run.split)
        own = Predictions(run.held_out, judged.found["calibration"], judged.place)
        shown = {
            "scatter": (own.scatters, own.scattered),
            "calibration": (own.calibration, own.calibrated),
            "standing": (judged.standing, judged.standing_rows),
        }
        for name, (plots, table) in shown.items():
            files += _write(plots, judged.place, table, folder / name)
    if run.epochs is not None:
        place = f"{run.evaluate['corpus']}, dev and training, epoch by epoch"
        files += _write(curves(run.epochs, run.best), place, run.epochs, folder / "curves")
    place = f"{run.evaluate['corpus']}, faults of clean clips"
    plots = Probes(run.probes, run.faults, place).responses
    return files + _write(plots, place, run.faults, folder / "fault_response", columns=5)


def _write(
    plots: list[Plot], title: str, table: DataFrame, stem: Path, columns: int = 2
) -> list[Path]:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".png").write_bytes(png(plots, title, columns))
    table.to_csv(stem.with_suffix(".csv"), index=False, float_format="%.6g")
    return [stem.with_suffix(".png"), stem.with_suffix(".csv")]
