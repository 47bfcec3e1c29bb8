"""Pictures of a result, each beside a CSV of what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES, system_means

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from whisq.evaluation.judge import Case

NAMES = {"omq": "OMQ (quality)", "ta": "TA (alignment)"}
SIZE = 3.6  # inches a panel
MOS = (0.8, 5.2)


def draw(case: Case, result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw the last held-out split.

    Args:
        case: What was judged.
        result: What `judge.judge` gave.
        folder: Where to.

    Returns:
        The files; none without a held-out split.
    """
    splits = [split for split in JUDGED if split in result]
    if not splits:
        return []
    found, title = result[splits[-1]], f"{result['corpus']}, {splits[-1]}"
    rated = case.rated[case.rated["split"] == splits[-1]]
    return [
        *scatter(rated, case.predictions, title, folder),
        *reliability(found["calibration"], title, folder),
        *standing(found, title, folder),
    ]


def scatter(rated: DataFrame, predictions: DataFrame, title: str, folder: Path) -> list[Path]:
    """Draw predictions against ratings, clips small and systems large.

    Args:
        rated: Ratings indexed by clip id: `system, omq, ta`.
        predictions: Of the same ids.
        title: What the picture is called; names the corpus and the split.
        folder: Where to.

    Returns:
        The files.
    """
    own = predictions.loc[rated.index, list(AXES)]
    figure, panels = _panels(len(AXES))
    for panel, axis in zip(panels, AXES, strict=True):
        panel.plot(MOS, MOS, color="0.8", linewidth=1)
        panel.scatter(rated[axis], own[axis], s=8, alpha=0.35, linewidths=0, label="clip")
        means = [system_means(table[[axis]], rated["system"])[axis] for table in (rated, own)]
        panel.scatter(*means, s=34, facecolors="none", edgecolors="C1", label="system")
        panel.set(xlim=MOS, ylim=MOS, xlabel="rating", ylabel="prediction", title=NAMES[axis])
        panel.set_aspect("equal")
    panels[0].legend(loc="upper left", frameon=False)
    table = rated[["system"]].join(
        [rated[list(AXES)].add_suffix("_rating"), own.add_suffix("_prediction")]
    )
    return _save(figure, title, table.reset_index(), folder / "scatter")


def reliability(calibration: dict[str, Any], title: str, folder: Path) -> list[Path]:
    """Draw the mean rating of clips of like prediction.

    Args:
        calibration: By axis, with its `curve`.
        title: What the picture is called.
        folder: Where to.

    Returns:
        The files.
    """
    figure, panels = _panels(len(AXES))
    rows = []
    for panel, axis in zip(panels, AXES, strict=True):
        curve = pd.DataFrame(calibration[axis]["curve"])
        panel.plot(MOS, MOS, color="0.8", linewidth=1)
        error = 1.96 * curve["error"].astype(float).fillna(0)
        panel.errorbar(curve["prediction"], curve["rating"], error, marker="o", markersize=4)
        panel.set(xlim=MOS, ylim=MOS, title=NAMES[axis])
        panel.set(xlabel="mean prediction of a tenth of the clips", ylabel="their mean rating")
        rows.append(curve.assign(axis=axis))
    return _save(figure, title, pd.concat(rows), folder / "calibration")


def standing(result: dict[str, Any], title: str, folder: Path) -> list[Path]:
    """Draw the model's SRCC between floors and ceilings.

    Args:
        result: One split of `metrics/evaluate.json`.
        title: What the picture is called.
        folder: Where to.

    Returns:
        The files.
    """
    parties = {**result["floors"], "model": result, **result["ceilings"]}
    rows = [
        {"level": level, "axis": axis, "name": name, "srcc": scores["srcc"]}
        for name, party in parties.items()
        for level in ("utt", "sys")
        for axis, scores in party.get(level, {}).items()
        if scores and scores["srcc"] is not None
    ]
    table = pd.DataFrame(rows, columns=["level", "axis", "name", "srcc"])
    figure, panels = _panels(len(AXES), height=0.9)
    for panel, axis in zip(panels, AXES, strict=True):
        for level, marker in (("utt", "o"), ("sys", "s")):
            part = table[(table["axis"] == axis) & (table["level"] == level)]
            panel.scatter(part["srcc"], part["name"], marker=marker, label=level)
        panel.set(xlabel="SRCC", title=NAMES[axis])
        panel.grid(axis="y", color="0.9")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return _save(figure, title, table, folder / "standing")


def fault_response(curves: DataFrame, title: str, folder: Path) -> list[Path]:
    """Draw how predicted quality falls as each fault grows.

    Args:
        curves: `fault, strength, omq, error`: the mean prediction and its standard error.
        title: What the picture is called.
        folder: Where to.

    Returns:
        The files.
    """
    figure, (panel,) = _panels(1, width=1.7)
    for place, (fault, curve) in enumerate(curves.groupby("fault")):
        style = dict(marker="os^"[place % 3], linestyle=["-", "--", ":"][place % 3], markersize=4)
        panel.plot(curve["strength"], curve["omq"], label=fault, color=f"C{place % 10}", **style)
    panel.set(xlabel="strength of the fault", ylabel="predicted OMQ")
    panel.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return _save(figure, title, curves, folder / "fault_response")


def _panels(count: int, width: float = 1.0, height: float = 1.0) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Without pyplot: no window, no global state, nothing to close.
    figure = Figure(figsize=(SIZE * width * count, SIZE * height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _save(figure: Figure, title: str, table: DataFrame, stem: Path) -> list[Path]:
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.suptitle(title)
    # Without the date and version that matplotlib writes, the same result is the same file.
    figure.savefig(stem.with_suffix(".png"), dpi=120, metadata={"Software": None})
    table.to_csv(stem.with_suffix(".csv"), index=False, float_format="%.6g")
    return [stem.with_suffix(".png"), stem.with_suffix(".csv")]
