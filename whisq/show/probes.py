"""What the probes found: in words, as tables, and how predicted quality moves with faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pandas import DataFrame

from whisq.evaluation.metrics import AXES
from whisq.show.plot import INK, Plot
from whisq.show.table import Table, minus, number, word


@dataclass(frozen=True)
class Probes:
    """What the probes found.

    Attributes:
        found: What `metrics/probes.json` holds; None where they were not run.
        faults: `fault, strength, omq, error`: the mean prediction and its standard error.
        place: Corpus and split.
    """

    found: dict[str, Any] | None
    faults: DataFrame | None
    place: str

    @property
    def said(self) -> list[str]:
        """The answers in sentences."""
        if self.found is None:
            return ["The probes were not run."]
        shuffled, faults = self.found["shuffled_prompts"], self.found["faults"]
        lines = [_order(self.found["order_swap"]), _others(self.found["other_prompts"])]
        if shuffled["srcc"] is not None and shuffled["true_srcc"] is not None:
            lines.append(
                f"Shuffled prompts: TA's SRCC falls from {shuffled['true_srcc']:.2f} to "
                f"{shuffled['srcc']:.2f}."
            )
        tau = minus(f"{faults['tau']:.2f}")
        lines.append(
            f"Faults: predicted OMQ follows their strength with a mean Kendall tau of {tau} over "
            f"{faults['clips']} clips (perfect: −1)."
        )
        return lines

    @property
    def tables(self) -> list[Table]:
        """What was changed and how far scores moved; none without probes."""
        if self.found is None:
            return []
        changed = [
            [word(name), number(part["fell"], 2), number(part["fall"], 2, sign=True),
             number(part["clips"], 0)]
            for name, part in self.found["changed_attributes"].items()
        ]  # fmt: skip
        tables = [
            fallen(self.found["faults"], self.place),
            Table(
                f"When one attribute of the prompt is changed ({self.place})",
                ["attribute", "share of clips whose TA fell", "mean fall", "clips"],
                changed,
                "A share of 0.5 is deaf.",
            ),
            moved(self.found["invariance"], self.place),
        ]
        return [table for table in tables if table.rows]

    @property
    def responses(self) -> list[Plot]:
        """How predicted quality moves as each fault grows, a small plot each, on one scale."""
        if self.faults is None:
            return []
        return responses(self.faults, self.place)


def fallen(faults: dict[str, Any], place: str) -> Table:
    """Return how OMQ follows each fault; what was found is under `faults`."""
    rows = [
        [word(name), number(part["tau"], 2), number(part["fall"], 2, sign=True)]
        for name, part in faults.get("by_fault", {}).items()
    ]
    return Table(
        f"When a clip is given a fault ({place})",
        ["fault", "tau", "fall at full strength"],
        rows,
        "Kendall's tau of strength and predicted OMQ: −1 follows every step.",
    )


def moved(invariance: dict[str, Any], place: str) -> Table:
    """Return how far scores move with what nobody minds; what was found is under `invariance`."""
    kinds = [(axis, kind) for axis in AXES for kind in ("mean", "largest")]
    rows = [
        [word(name), *(number(part[axis][kind]) for axis, kind in kinds)]
        for name, part in invariance.items()
    ]
    return Table(
        f"When what no listener minds is changed: absolute move, MOS units ({place})",
        ["change", *(f"{axis.upper()}, {kind}" for axis, kind in kinds)],
        rows,
    )


def responses(faults: DataFrame, place: str) -> list[Plot]:
    """Return a small plot a fault, on one scale, of `fault, strength, omq, error`."""
    limits = (faults["omq"].min() - 0.2, faults["omq"].max() + 0.2)
    return [_response(str(fault), curve, limits, place) for fault, curve in faults.groupby("fault")]


def _order(swap: dict[str, Any]) -> str:
    if swap["swap"] is None:
        return f"Order: not asked, {swap['undefined']}."
    every = swap.get("all") or {}
    also = ""
    if every.get("swap") is not None:
        also = f"; of all {every['clips']} that were asked, {every['swap']:.0%}"
    return (
        f"Order: {swap['swap']:.0%} of {swap['clips']} clips that play the order asked for "
        f"prefer their prompt to the same prompt with its order reversed (deaf: 50%){also}."
    )


def _others(other: dict[str, Any]) -> str:
    if other["auc"] is None:
        return f"Other prompts: not asked, {other['undefined']}."
    return (
        f"Other prompts: the clip's own prompt wins {other['auc']:.0%} of "
        f"{other['comparisons']} comparisons (deaf: 50%)."
    )


def _response(fault: str, curve: DataFrame, limits: tuple[float, float], place: str) -> Plot:
    name = fault.replace("_", " ")

    def draw(panel: Any) -> None:
        error = 1.96 * curve["error"].astype(float).fillna(0)
        style = {"marker": "o", "markersize": 3, "color": INK}
        panel.errorbar(curve["strength"], curve["omq"], error, **style)
        panel.set(ylim=limits, xlabel="strength", ylabel="OMQ", title=name)

    return Plot(f"fault-{fault}", f"{name}, {place}", draw, 2.0, 1.7)
