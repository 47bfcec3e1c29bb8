"""What DVC and MLflow keep of a run: the few figures to compare runs by, and its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES, METRICS
from whisq.show.plot import Plot, png
from whisq.show.predictions import Predictions
from whisq.show.probes import Probes
from whisq.show.results import Judged

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from whisq.show.run import Run


def headline(result: dict[str, Any], probes: dict[str, Any] | None) -> dict[str, float | None]:
    """Pick the figures for `metrics/headline.json`.

    Args:
        result: What `judge.judge` gave.
        probes: What `probes.probe` gave, or None.

    Returns:
        For each held-out split `<split>_<axis>_srcc` (utterance level) and for the last one
        `_share` of the way from floor to ceiling and the probes' main figures; None where a
        figure is not defined.
    """
    splits = [split for split in JUDGED if split in result]
    found: dict[str, float | None] = {}
    for split in splits:
        for axis in AXES:
            found[f"{split}_{axis}_srcc"] = result[split]["utt"][axis]["srcc"]
    for axis in AXES if splits else ():
        found[f"{splits[-1]}_{axis}_share"] = result[splits[-1]]["share"]["utt"][axis]["share"]
    return found | (_probed(probes) if probes else {})


def logged(result: dict[str, Any]) -> dict[str, float]:
    """Name the model's own figures as MLflow shows them.

    Args:
        result: What `judge.judge` gave.

    Returns:
        Numbers by name, such as `test/utt/omq/srcc`, undefined ones left out.
    """
    return {
        f"{split}/{level}/{axis}/{metric}": scores[metric]
        for split in JUDGED
        if split in result
        for level in ("utt", "sys")
        for axis, scores in result[split][level].items()
        for metric in METRICS
        if scores[metric] is not None
    }


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


def _probed(probes: dict[str, Any]) -> dict[str, float | None]:
    return {
        "swap": probes["order_swap"]["swap"],
        "prompt_auc": probes["other_prompts"]["auc"],
        "shuffled_ta_srcc": probes["shuffled_prompts"]["srcc"],
        "fault_tau": probes["faults"]["tau"],
    }
