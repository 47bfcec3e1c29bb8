"""What stays of a run beside its page: what is printed, and what DVC and MLflow keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pandas import DataFrame
from rich.console import Console

from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES, METRICS
from whisq.show.plot import Plot, png
from whisq.show.predictions import Predictions
from whisq.show.probes import Probes
from whisq.show.published import published
from whisq.show.results import PLACES, Judged, said
from whisq.show.run import Run
from whisq.show.table import LEVELS


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


def logged(result: dict[str, Any]) -> dict[str, float]:
    """Return the model's own defined figures by MLflow's names, such as `test/utt/omq/srcc`."""
    return {
        f"{split}/{level}/{axis}/{metric}": value
        for split in JUDGED
        if split in result
        for level, axis in PLACES
        for metric in METRICS
        if (value := result[split][level][axis][metric]) is not None
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


def printed(result: dict[str, Any], probes: dict[str, Any] | None) -> None:
    """Print what a run has come to, as for `headline`."""
    console, probed = Console(), Probes(probes, None, result["corpus"])
    for split in (split for split in JUDGED if split in result):
        console.print(Judged.of(result, split).standings)
        console.print(*said(result, split), sep="\n")
    console.print(published(result))
    console.print(*probed.said, *probed.tables, sep="\n")


def draw(run: Run, folder: Path) -> list[Path]:
    """Draw the page's main plots of the last held-out split, each beside a CSV of what it shows.

    Args:
        run: The run, with `faults`.
        folder: Where to.

    Returns:
        The files; those of the faults alone without a held-out split.
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
