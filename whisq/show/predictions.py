"""Predictions beside ratings: by clip and system, calibrated or not, and what is left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame, Series
from scipy import stats

from whisq.evaluation.metrics import AXES, system_means
from whisq.show.plot import COLOURS, FAINT, LINE, MOS, NAMES, Plot, beside_names
from whisq.show.table import Table, number, verbatim

DOTS = {"clip": {"s": 14, "alpha": 0.55}, "system": {"s": 34, "alpha": 0.9}}


@dataclass(frozen=True)
class Predictions:
    """A held-out split's predictions.

    Attributes:
        rated: `system`, `prompt`, `omq`, `ta` and their predictions, MOS units.
        curves: By axis, what `metrics.calibration` found.
        place: Corpus and split.
    """

    rated: DataFrame
    curves: dict[str, Any]
    place: str

    @property
    def scatters(self) -> list[Plot]:
        """Predictions against ratings, by clip and by system, a plot a level and axis."""
        columns = [f"{axis}{kind}" for axis in AXES for kind in ("", "_prediction")]
        clips = self.rated[columns]
        # A system's mean is of the clips that are rated, on both sides.
        compared = {f"{axis}_prediction": self.rated[axis].notna() for axis in AXES}
        clips = clips.assign(**{name: clips[name].where(known) for name, known in compared.items()})
        tables = {"clip": clips, "system": system_means(clips, self.rated["system"])}
        return [self._scatter(tables[one], axis, one) for one in tables for axis in self._axes]

    @property
    def scattered(self) -> DataFrame:
        """What `scatters` shows: `id, system`, ratings and predictions."""
        named = {axis: f"{axis}_rating" for axis in AXES}
        columns = [*named.values(), *(f"{axis}_prediction" for axis in AXES)]
        return self.rated.rename(columns=named)[["system", *columns]].reset_index()

    @property
    def calibration(self) -> list[Plot]:
        """The mean rating of clips of like prediction, a plot an axis."""
        return [self._calibration(axis) for axis in self._axes]

    @property
    def calibrated(self) -> DataFrame:
        """What `calibration` shows: the points of its curves, by `axis`."""
        curves = self.curves.items()
        return pd.concat(pd.DataFrame(found["curve"]).assign(axis=axis) for axis, found in curves)

    @property
    def residuals(self) -> list[Plot]:
        """How far predictions lie above or below each system's ratings, a plot an axis."""
        return [self._residuals(axis) for axis in self._axes]

    @property
    def by_prompt(self) -> Table:
        """How far they lie above or below each prompt's, worst prompts first."""
        off = pd.DataFrame({axis: self._residual(axis) for axis in AXES})
        by = off.groupby(self.rated["prompt"])
        means = by.mean().assign(clips=by.size())
        worst = means[list(AXES)].abs().max(axis=1).sort_values(ascending=False).index
        rows = [
            [
                verbatim(prompt),
                number(row["clips"], 0),
                *(number(row[axis], 2, sign=True) for axis in AXES),
            ]
            for prompt, row in means.loc[worst].iterrows()
        ]
        heads = ["prompt", "clips", "OMQ", "TA"]
        return Table(f"Mean residual of each prompt ({self.place})", heads, rows, tall=True)

    @property
    def _axes(self) -> list[str]:
        # What is rated at all.
        return [axis for axis in AXES if self.rated[axis].notna().any()]

    def _residual(self, axis: str) -> Series:
        return self.rated[f"{axis}_prediction"] - self.rated[axis]

    def _residuals(self, axis: str) -> Plot:
        by = self._residual(axis).dropna().groupby(self.rated["system"])
        by = by.agg(["mean", "std", "count"]).sort_values("mean")
        # One clip has no spread, and so no interval.
        student = stats.t.ppf(0.975, (by["count"] - 1).clip(lower=1))
        half = (student * by["std"] / np.sqrt(by["count"])).fillna(0).to_numpy()
        caption = (
            f"{NAMES[axis]}: mean residual of each system, with Student's 95% interval "
            f"({self.place})."
        )
        label = "prediction less rating"
        return beside_names(
            f"residual-{axis}", caption, axis, by["mean"], half, label, line=0.8 * LINE
        )

    def _scatter(self, table: DataFrame, axis: str, one: str) -> Plot:
        table = table.dropna(subset=axis)
        rating, prediction = table[axis], table[f"{axis}_prediction"]

        def draw(panel: Any) -> None:
            panel.plot(MOS, MOS, color=FAINT, linewidth=1)
            panel.scatter(rating, prediction, color=COLOURS[axis], linewidths=0, **DOTS[one])
            low, high = min(MOS[0], prediction.min() - 0.1), max(MOS[1], prediction.max() + 0.1)
            panel.set(xlim=MOS, ylim=(low, high), xlabel="rating", ylabel="prediction")
            panel.set_title(f"{NAMES[axis]}, by {one}")

        caption = (
            f"{NAMES[axis]}: prediction against rating of {len(table)} {one}s ({self.place}). "
            "On the line they agree."
        )
        level = {"clip": "utt", "system": "sys"}[one]
        return Plot(f"scatter-{level}-{axis}", caption, draw, height=3.0)

    def _calibration(self, axis: str) -> Plot:
        found = self.curves[axis]

        def draw(panel: Any) -> None:
            curve = pd.DataFrame(found["curve"])
            panel.plot(MOS, MOS, color=FAINT, linewidth=1)
            error = 1.96 * curve["error"].astype(float).fillna(0)
            style = {"color": COLOURS[axis], "marker": "o", "markersize": 4}
            panel.errorbar(curve["prediction"], curve["rating"], error, **style)
            panel.set(xlim=MOS, ylim=MOS, title=NAMES[axis])
            panel.set(xlabel="mean prediction of a tenth of the clips", ylabel="their mean rating")

        line = ""
        if found["slope"] is not None:
            line = f" Line: rating = {found['slope']:.2f} x prediction {found['intercept']:+.2f}."
        caption = f"{NAMES[axis]}: is a predicted 4 rated 4 ({self.place})?{line}"
        return Plot(f"calibration-{axis}", caption, draw, height=3.0)
