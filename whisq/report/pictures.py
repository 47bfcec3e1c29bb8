"""The report's pictures of predictions, training and corpus; each says what it shows in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.metrics import AXES, system_means
from whisq.report.drawing import COLOURS, FAINT, INK, MOS, NAMES, Picture, sheet

if TYPE_CHECKING:
    from pandas import DataFrame

LEVELS = {"utt": "clips", "sys": "systems"}


def scatters(held_out: DataFrame, place: str) -> list[Picture]:
    """Draw predictions against ratings, by clip and by system.

    Args:
        held_out: `system`, `omq`, `ta` and their predictions, MOS units.
        place: Corpus and split.

    Returns:
        A picture a level and axis.
    """
    columns = [f"{axis}{kind}" for axis in AXES for kind in ("", "_prediction")]
    tables = {"utt": held_out[columns], "sys": system_means(held_out[columns], held_out["system"])}
    return [_scatter(table, axis, level, place) for level, table in tables.items() for axis in AXES]


def learning(epochs: DataFrame, best: dict[str, Any] | None) -> list[Picture]:
    """Draw how dev agreement and the training loss moved.

    Args:
        epochs: One row an epoch.
        best: metrics/train.json, whose `best_epoch_<branch>` say which epochs were kept.

    Returns:
        The pictures.
    """
    kept = sorted({best[key] for key in best or {} if key.startswith("best_epoch_")})
    dev = {
        NAMES[axis]: (f"dev_{axis}_utt_srcc", COLOURS[axis])
        for axis in AXES
        if f"dev_{axis}_utt_srcc" in epochs
    }
    train = {
        column.removeprefix("train_"): (column, colour)
        for column, colour in zip(
            ["train_loss", "train_mse", "train_ot"], [INK, *COLOURS.values()], strict=False
        )
        if column in epochs
    }
    return [
        _curves(epochs, dev, kept, "dev-srcc", "utterance SRCC on dev"),
        _curves(epochs, train, kept, "train-loss", "loss on the training clips"),
    ]


def reliability(calibration: dict[str, Any], place: str) -> list[Picture]:
    """Draw the mean rating of clips of like prediction.

    Args:
        calibration: By axis, with `slope`, `intercept` and `curve`.
        place: Corpus and split.

    Returns:
        A picture an axis.
    """
    return [_reliability(calibration[axis], axis, place) for axis in AXES]


def corpus_at_a_glance(rated: DataFrame, name: str) -> list[Picture]:
    """Draw how ratings and lengths are spread over the labelled clips.

    Args:
        rated: `omq`, `ta` and `seconds`.
        name: The corpus's.

    Returns:
        The pictures.
    """
    pictures = []
    for axis in AXES:
        with sheet(height=2.2) as page:
            page.axes.hist(rated[axis], np.arange(0.9, 5.2, 0.2), color=COLOURS[axis])
            page.axes.set(xlabel="mean rating", ylabel="clips", title=NAMES[axis])
        caption = f"Ratings of {len(rated)} clips ({name}): {NAMES[axis]}."
        pictures.append(page.picture(f"ratings-{axis}", caption))
    with sheet(height=2.2) as page:
        page.axes.hist(rated["seconds"], 30, color=COLOURS["other"])
        page.axes.set(xlabel="seconds", ylabel="clips", title="Length")
    return [*pictures, page.picture("lengths", f"Lengths of the clips ({name}).")]


def _scatter(table: DataFrame, axis: str, level: str, place: str) -> Picture:
    rating, prediction = table[axis], table[f"{axis}_prediction"]
    with sheet(height=3.0) as page:
        page.axes.plot(MOS, MOS, color=FAINT, linewidth=1)
        dots = {"s": 14, "alpha": 0.55} if level == "utt" else {"s": 34, "alpha": 0.9}
        page.axes.scatter(rating, prediction, color=COLOURS[axis], linewidths=0, **dots)
        low = min(MOS[0], prediction.min() - 0.1)
        high = max(MOS[1], prediction.max() + 0.1)
        page.axes.set(xlim=MOS, ylim=(low, high), xlabel="rating", ylabel="prediction")
        page.axes.set_title(f"{NAMES[axis]}, by {LEVELS[level].removesuffix('s')}")
    return page.picture(
        f"scatter-{level}-{axis}",
        f"{NAMES[axis]}: prediction against rating of {len(table)} {LEVELS[level]} ({place}). "
        "On the line they agree.",
    )


def _curves(
    epochs: DataFrame, lines: dict[str, tuple[str, str]], kept: list[int], name: str, what: str
) -> Picture:
    with sheet() as page:
        for label, (column, colour) in lines.items():
            page.axes.plot(epochs["epoch"], epochs[column], color=colour, label=label)
        for epoch in kept:
            page.axes.axvline(epoch, color=FAINT, linestyle=":", label=f"kept: epoch {epoch}")
        page.axes.set(xlabel="epoch", ylabel=what)
        page.axes.xaxis.get_major_locator().set_params(integer=True)
        page.axes.legend(fontsize=8)
    return page.picture(name, f"Epoch by epoch: {what}.")


def _reliability(found: dict[str, Any], axis: str, place: str) -> Picture:
    points = found["curve"]
    with sheet(height=3.0) as page:
        page.axes.plot(MOS, MOS, color=FAINT, linewidth=1)
        page.axes.errorbar(
            [point["prediction"] for point in points],
            [point["rating"] for point in points],
            [1.96 * (point["error"] or 0) for point in points],
            color=COLOURS[axis],
            marker="o",
            markersize=4,
        )
        page.axes.set(xlim=MOS, ylim=MOS, title=NAMES[axis])
        page.axes.set(xlabel="mean prediction of a tenth of the clips", ylabel="their mean rating")
    line = ""
    if found["slope"] is not None:
        line = f" Line: rating = {found['slope']:.2f} x prediction {found['intercept']:+.2f}."
    return page.picture(
        f"calibration-{axis}", f"{NAMES[axis]}: is a predicted 4 rated 4 ({place})?{line}"
    )
