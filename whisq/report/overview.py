"""Tables and pictures of what surrounds the main result: corpus, probes, variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from whisq.evaluation.metrics import AXES
from whisq.report.comparisons import REFERENCE, forest
from whisq.report.drawing import Picture
from whisq.report.tables import Cell, Table, number, span, word

if TYPE_CHECKING:
    from pandas import DataFrame

    from whisq.report.results import Results

SHOWN = ("utt_omq_srcc", "utt_ta_srcc", "sys_omq_srcc", "sys_ta_srcc", "ta_order_srcc", "swap")


def corpus(results: Results) -> Table:
    """Lay out the corpus in numbers.

    Args:
        results: The run's.

    Returns:
        The table, one row a split and one for all.
    """
    rated = results.rated
    parts = [(split, rated[rated["split"] == split]) for split in ("train", "dev", "test")]
    rows = []
    for name, part in [*((s, p) for s, p in parts if len(p)), ("all", rated)]:
        counts = [len(part), part["system"].nunique(), part["prompt"].nunique()]
        figures = [part["seconds"].sum() / 3600]
        figures += [figure for axis in AXES for figure in (part[axis].mean(), part[axis].std())]
        figures.append(part["omq"].corr(part["ta"]) if len(part) > 2 else None)
        cells = [number(count, 0) for count in counts] + [number(f, 2) for f in figures]
        rows.append([word(name, name == "all"), *cells])
    heads = ["split", "clips", "systems", "prompts", "hours"]
    heads += ["OMQ mean", "OMQ sd", "TA mean", "TA sd", "OMQ-TA correlation"]
    raters = results.summary.get("raters", {})
    known = [
        f"{axis.upper()}: {raters[axis]['per_clip']} raters a clip, reliability of one "
        f"{raters[axis]['icc1']:.2f}, of their mean {raters[axis]['icck']:.2f}"
        for axis in AXES
        if raters.get(axis, {}).get("icck") is not None
    ]
    note = f"{'; '.join(known)}." if known else ""
    return Table(f"Labelled clips ({results.evaluate['corpus']})", heads, rows, note)


def probes(found: dict[str, Any] | None, place: str) -> list[Table]:
    """Lay out what the probes changed and how far scores moved.

    Args:
        found: What `metrics/probes.json` holds, or None.
        place: Corpus and split.

    Returns:
        Tables, none without probes.
    """
    if found is None:
        return []
    changed = [
        [word(name), number(part["fell"], 2), number(part["fall"], 2, sign=True),
         number(part["clips"], 0)]
        for name, part in found["changed_attributes"].items()
    ]  # fmt: skip
    moved = [
        [word(name)]
        + [number(part[axis][kind], 3) for axis in AXES for kind in ("mean", "largest")]
        for name, part in found["invariance"].items()
    ]
    fell = [
        [word(name), number(part["tau"], 2), number(part["fall"], 2, sign=True)]
        for name, part in found["faults"].get("by_fault", {}).items()
    ]
    tables = []
    if fell:
        caption = f"When a clean clip is given a fault ({place})"
        note = "Kendall's tau of strength and predicted OMQ: −1 follows every step."
        tables.append(Table(caption, ["fault", "tau", "fall at full strength"], fell, note))
    if changed:
        heads = ["attribute", "share of clips whose TA fell", "mean fall", "clips"]
        caption = f"When one attribute of the prompt is changed ({place})"
        tables.append(Table(caption, heads, changed, "A share of 0.5 is deaf."))
    if moved:
        heads = ["change", "OMQ, mean", "OMQ, largest", "TA, mean", "TA, largest"]
        caption = f"When what no listener minds is changed: absolute move, MOS units ({place})"
        tables.append(Table(caption, heads, moved))
    return tables


def forests(ablations: DataFrame | None) -> list[Picture]:
    """Draw the variants under each way of splitting.

    Args:
        ablations: What `comparison.table` laid out, or None.

    Returns:
        Pictures, none without variants.
    """
    if ablations is None or ablations.empty:
        return []
    protocols = ablations["protocol"].unique()
    return [picture for protocol in protocols for picture in forest(ablations, protocol)]


def ablations(table: DataFrame) -> Table:
    """Lay out the variants' means and differences.

    Args:
        table: What `comparison.table` laid out.

    Returns:
        The table.
    """
    column = f"less_{REFERENCE}"
    rows = []
    for record in table[table["metric"].isin(SHOWN)].to_dict("records"):
        ends = [record.get(f"{column}_low"), record.get(f"{column}_high")]
        known = not any(end is None or pd.isna(end) for end in ends)
        rows.append(
            [
                word(record["variant"]),
                word(record["protocol"]),
                Cell(record["metric"], record["metric"]),
                number(record["mean"]),
                number(record["sd"]),
                number(record["n"], 0),
                number(record.get(column), sign=True),
                span(ends if known else None),
            ]
        )
    heads = ["variant", "protocol", "metric", "mean", "sd", "trials"]
    heads += [f"less “{REFERENCE}”", "95%"]
    note = (
        "Trials share clips: the intervals tell how far a figure moves with seeds and folds, not "
        "with other corpora."
    )
    return Table("Variants over trials (metrics/ablations.csv)", heads, rows, note, tall=True)
