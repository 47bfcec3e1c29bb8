"""Pictures that set one thing beside another: floors and ceilings, systems, variants, faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from whisq.evaluation.metrics import AXES
from whisq.report.drawing import COLOURS, FAINT, INK, NAMES, Picture, sheet

if TYPE_CHECKING:
    from pandas import DataFrame

REFERENCE = "default"
LEVELS = {"utt": ("by clip", "o"), "sys": ("by system", "s")}
LINE = 0.2  # inches a row


def standing(found: dict[str, Any], place: str) -> list[Picture]:
    """Draw the model's SRCC between floors and ceilings.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        A picture an axis.
    """
    return [_standing(found, axis, place) for axis in AXES]


def residuals_by_system(held_out: DataFrame, place: str) -> list[Picture]:
    """Draw how far predictions lie above or below each system's ratings.

    Args:
        held_out: `system`, `omq`, `ta` and their predictions, MOS units.
        place: Corpus and split.

    Returns:
        A picture an axis.
    """
    pictures = []
    for axis in AXES:
        residual = held_out[f"{axis}_prediction"] - held_out[axis]
        by = residual.groupby(held_out["system"]).agg(["mean", "std", "count"]).sort_values("mean")
        # One clip has no spread, and so no interval.
        student = stats.t.ppf(0.975, (by["count"] - 1).clip(lower=1))
        half = (student * by["std"] / np.sqrt(by["count"])).fillna(0).to_numpy()
        caption = (
            f"{NAMES[axis]}: mean residual of each system, with Student's 95% interval ({place})."
        )
        pictures.append(
            _rows(by["mean"], half, list(by.index), axis, "prediction less rating", 0.8 * LINE)
            .picture(f"residual-{axis}", caption)
        )  # fmt: skip
    return pictures


def forest(ablations: DataFrame, protocol: str) -> list[Picture]:
    """Draw each variant's paired difference from the reference.

    Args:
        ablations: What `comparison.table` laid out.
        protocol: How the clips were split.

    Returns:
        A picture an axis; none where nothing was compared with the reference.
    """
    column = f"less_{REFERENCE}"
    if column not in ablations:
        return []
    pictures = []
    for axis in AXES:
        chosen = (ablations["metric"] == f"utt_{axis}_srcc") & (ablations["protocol"] == protocol)
        rows = ablations[chosen].dropna(subset=[column])[::-1]
        if rows.empty:
            continue
        ends = rows[[f"{column}_low", f"{column}_high"]].sub(rows[column], axis=0).abs()
        names = [str(name).replace("_", " ") for name in rows["variant"]]
        caption = (
            f"{NAMES[axis]}, by clip, {protocol} split: mean paired difference over trials, with "
            "Student's 95% interval."
        )
        pictures.append(
            _rows(rows[column], ends.fillna(0).to_numpy().T, names, axis,
                  f"SRCC less that of “{REFERENCE}”", LINE)
            .picture(f"forest-{protocol}-{axis}", caption)
        )  # fmt: skip
    return pictures


def fault_responses(curves: DataFrame, place: str) -> list[Picture]:
    """Draw how predicted quality moves as each fault grows, all on one scale.

    Args:
        curves: `fault, strength, omq, error`.
        place: Corpus and split.

    Returns:
        A small picture a fault.
    """
    low, high = curves["omq"].min() - 0.2, curves["omq"].max() + 0.2
    pictures = []
    for fault, curve in curves.groupby("fault"):
        name = str(fault).replace("_", " ")
        error = 1.96 * curve["error"].astype(float).fillna(0)
        with sheet(2.0, 1.7) as page:
            page.axes.errorbar(
                curve["strength"], curve["omq"], error, marker="o", markersize=3, color=INK
            )
            page.axes.set(ylim=(low, high), xlabel="strength", ylabel="OMQ", title=name)
        caption = f"{name}, {place}"
        pictures.append(page.picture(f"fault-{fault}", caption))
    return pictures


def _standing(found: dict[str, Any], axis: str, place: str) -> Picture:
    parties = {**found["floors"], "model": found, **found["ceilings"]}
    with sheet(height=1.3 + LINE * len(parties)) as page:
        for level, (label, marker) in LEVELS.items():
            scores = [(party.get(level) or {}).get(axis) or {} for party in parties.values()]
            known = [
                (score["srcc"], row, COLOURS[axis] if name == "model" else FAINT)
                for row, (name, score) in enumerate(zip(parties, scores, strict=True))
                if score.get("srcc") is not None
            ]
            values, rows, colours = zip(*known, strict=True) if known else ((), (), ())
            page.axes.scatter(values, rows, marker=marker, color=colours, label=label)
        page.axes.set_yticks(range(len(parties)), [name.replace("_", " ") for name in parties])
        page.axes.set(xlabel="SRCC", title=NAMES[axis], ylim=(len(parties) - 0.4, -0.6))
        page.axes.grid(axis="y", color=FAINT, alpha=0.25)
        page.figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    caption = f"{NAMES[axis]}: SRCC of floors, model and ceilings ({place})."
    return page.picture(f"standing-{axis}", caption)


def _rows(
    values: Sequence[float], half: np.ndarray, names: list[str], axis: str, label: str, line: float
) -> Any:
    # An interval of two clips spans the scale: it may leave the picture.
    far = float(np.max(np.abs(values)))
    most = 1.1 * max(min(far + np.max(half), 2 * (far + np.median(half))), 1e-3)
    with sheet(height=1 + line * len(names)) as page:
        page.axes.axvline(0, color=FAINT, linewidth=1)
        page.axes.errorbar(
            values, range(len(names)), xerr=half, fmt="o", markersize=4, color=COLOURS[axis]
        )
        page.axes.set_yticks(range(len(names)), names, fontsize=9 if line >= LINE else 7)
        page.axes.set(xlim=(-most, most), ylim=(-0.7, len(names) - 0.3))
        # Over and under the names too, which leave the panel less than a title needs.
        page.figure.suptitle(NAMES[axis], fontsize=10)
        page.figure.supxlabel(label, fontsize=9)
    return page
