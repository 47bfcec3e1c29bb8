"""The variants beside their reference: differences drawn, and two tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pandas import DataFrame

from whisq.evaluation.metrics import AXES
from whisq.show.plot import NAMES, Plot, beside_names
from whisq.show.table import BLANK, Cell, Table, number, span, verbatim, word

REFERENCE = "default"
LESS = f"less_{REFERENCE}"
LISTED = ("utt_omq_srcc", "utt_ta_srcc", "sys_omq_srcc", "sys_ta_srcc", "ta_order_srcc", "swap")
COMPARED = {
    ("systems_and_prompts", "utt_omq_srcc"): "OMQ, both unseen",
    ("systems_and_prompts", "utt_ta_srcc"): "TA, both unseen",
    ("systems_and_prompts", "ta_order_srcc"): "TA, order prompts, both unseen",
    ("systems_and_prompts", "swap"): "swap, both unseen",
    ("systems", "utt_omq_srcc"): "OMQ, systems unseen",
    ("systems", "utt_ta_srcc"): "TA, systems unseen",
    ("prompts", "utt_omq_srcc"): "OMQ, prompts unseen",
    ("prompts", "utt_ta_srcc"): "TA, prompts unseen",
    ("official", "utt_omq_srcc"): "OMQ, by clip",
    ("official", "utt_ta_srcc"): "TA, by clip",
    ("official", "ta_order_srcc"): "TA, order prompts",
    ("official", "swap"): "swap",
}
RIDGE = "*floor: ridge on pooled embeddings*"
FLOORS = {"*floor: the system's training mean*": "floor", RIDGE: "ridge"}


def forests(table: DataFrame) -> list[Plot]:
    """Return plots of each variant's paired difference from the reference.

    One a way of splitting and axis; none where nothing was compared with the reference. The table
    is what `comparison.table` laid out.
    """
    known = table.dropna(subset=[LESS])[::-1] if LESS in table else table[:0]
    plots = []
    for protocol in table["protocol"].unique():
        for axis in AXES:
            chosen = (known["metric"] == f"utt_{axis}_srcc") & (known["protocol"] == protocol)
            if chosen.any():
                plots.append(_forest(known[chosen], protocol, axis))
    return plots


def listed(table: DataFrame) -> Table:
    """Return the same table's means and differences, a row a variant, protocol and metric."""
    rows = [
        [
            word(record["variant"]),
            word(record["protocol"]),
            verbatim(record["metric"]),
            number(record["mean"]),
            number(record["sd"]),
            number(record["n"], 0),
            number(record.get(LESS), sign=True),
            span([record.get(f"{LESS}_low"), record.get(f"{LESS}_high")]),
        ]
        for record in table[table["metric"].isin(LISTED)].to_dict("records")
    ]
    heads = ["variant", "protocol", "metric", "mean", "sd", "trials"]
    heads += [f"less “{REFERENCE}”", "95%"]
    note = (
        "Trials share clips: the intervals tell how far a figure moves with seeds and folds, not "
        "with other corpora."
    )
    return Table("Variants over trials (metrics/ablations.csv)", heads, rows, note, tall=True)


def compared(variants: dict[str, Any]) -> Table:
    """Return the means that `metrics/ablations.json` holds, a row a variant below the floors.

    A variant that reads other embeddings than the reference has the ridge on those above it: what
    it gains may be theirs. In bold is what differs from the reference with an interval clear of
    zero. What was trained under no variant has no column.
    """
    places = [
        (protocol, metric)
        for protocol, metric in COMPARED
        if any(metric in found.get(protocol, {}) for found in variants.values())
    ]
    floors = {name: _floor(variants[REFERENCE], floor, places) for name, floor in FLOORS.items()}
    rows = [[Cell(name, ""), *row] for name, row in floors.items() if _known(row)]
    ridges = [floors[RIDGE]]
    for name, found in variants.items():
        ridge = _floor(found, FLOORS[RIDGE], places)
        if _known(ridge) and ridge not in ridges:
            rows.append([Cell(f"*floor: the ridge on what {name} reads*", ""), *ridge])
            ridges.append(ridge)
        rows.append(
            [verbatim(name), *(_mean(found.get(p, {}).get(metric)) for p, metric in places)]
        )
    return Table("Means over trials:", ["variant", *(COMPARED[place] for place in places)], rows)


def _floor(found: dict[str, Any], floor: str, places: Sequence[tuple[str, str]]) -> list[Cell]:
    return [
        _mean(found.get(protocol, {}).get(f"{floor}{metric.removeprefix('utt')}"))
        for protocol, metric in places
    ]


def _known(row: Sequence[Cell]) -> bool:
    return any(cell.text != BLANK for cell in row)


def _forest(rows: DataFrame, protocol: str, axis: str) -> Plot:
    half = rows[[f"{LESS}_low", f"{LESS}_high"]].sub(rows[LESS], axis=0).abs().fillna(0)
    names = [str(name).replace("_", " ") for name in rows["variant"]]
    less = rows[LESS].set_axis(names)
    caption = (
        f"{NAMES[axis]}, by clip, {protocol} split: mean paired difference over trials, with "
        "Student's 95% interval."
    )
    label = f"SRCC less that of “{REFERENCE}”"
    return beside_names(f"forest-{protocol}-{axis}", caption, axis, less, half.to_numpy().T, label)


def _mean(figure: dict[str, Any] | None) -> Cell:
    if not figure:
        return Cell(BLANK, None)
    ends = (figure.get("difference", {}).get(REFERENCE) or {}).get("interval")
    return number(figure["mean"], strong=bool(ends) and (ends[0] > 0 or ends[1] < 0))
