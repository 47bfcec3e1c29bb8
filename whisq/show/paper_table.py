"""What the paper claims and what the same networks reach here, side by side.

Conventions: SRCC in -1..1, means over trainings with Student's 95% interval; a difference is
paired, WhisQ less the other network in trials of one seed and split; its percentage is of the
other's mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pandas import DataFrame, isna

from whisq.show.published import GAIN, TRANSPORT_GAIN
from whisq.show.results import WHO
from whisq.show.table import Cell, Table, verbatim
from whisq.trials.comparison import compare

OWN = "whisq"
METRICS = {
    "utt_omq_srcc": "OMQ, clips",
    "utt_ta_srcc": "TA, clips",
    "sys_omq_srcc": "OMQ, systems",
    "sys_ta_srcc": "TA, systems",
}
TITLES = {name: f"floor: {title}" for name, title in WHO.items()} | {
    "challenge_baseline": "the challenge's baseline head",
    OWN: "WhisQ, the paper's network",
    "no_transport": "WhisQ without transport",
    "no_coattention": "WhisQ without co-attention",
    "own_projection": "WhisQ with OMQ's own projection",
}
CLAIMS = {
    "challenge_baseline": ", ".join(f"{axis.upper()} {gain:+.0f}%" for axis, gain in GAIN.items()),
    "no_transport": f"{TRANSPORT_GAIN:+.0f}%, axis not stated",
}
ENDS = ("", "_low", "_high")


def paper_table(
    networks: Mapping[str, DataFrame], floors: Mapping[str, DataFrame], place: Mapping[str, str]
) -> DataFrame:
    """Set networks beside floors, and WhisQ against each of them.

    Args:
        networks: Each network's trials: `protocol`, `seed`, metrics; `whisq` among them.
        floors: The same of predictors that are not trained on sequences.
        place: What all of it was measured on, such as `corpus`, `split`, `audio` and `text`.

    Returns:
        One row a party, protocol and metric: the place, `mean, low, high, n`, and of WhisQ's
        difference from it `whisq_less` and `whisq_percent` with their `_low` and `_high`.
    """
    parties = {**floors, **networks}
    compared = compare(parties, parties, METRICS)
    rows = []
    for name in parties:
        for protocol, figures in compared[name].items():
            if protocol == "errors":
                continue
            for metric, figure in figures.items():
                row = {**place, "protocol": protocol, "network": name, "metric": metric}
                row |= zip(("mean", "low", "high"), _spread(figure), strict=True)
                rows.append(row | {"n": figure["n"]})
                own = compared[OWN].get(protocol, {}).get(metric)
                if own and name != OWN:
                    rows[-1] |= _less(_spread(own["difference"][name]), figure["mean"])
    return DataFrame(rows)


def markdown(table: DataFrame) -> str:
    """Return the parties, and the claims beside WhisQ's differences from them, as Markdown."""
    one = table.iloc[0]
    found = {(row["network"], row["metric"]): row for row in table.to_dict("records") if row["n"]}
    names = list(dict.fromkeys(table["network"]))
    titles = {name: verbatim(TITLES.get(name, name), name == OWN) for name in names}
    caption = (
        f"SRCC on the {one['corpus']}, {one['split']} split, protocol `{one['protocol']}`: means "
        f"of {table[table['network'] == OWN]['n'].max()} trainings, with 95% intervals over them. "
        f"Audio: {one['audio']}. Text: {one['text']}."
    )
    reached = [
        [titles[name], *(_reached(found.get((name, metric))) for metric in METRICS)]
        for name in names
    ]
    less = [
        [titles[name], verbatim(CLAIMS.get(name, ""))]
        + [_difference(found.get((name, metric))) for metric in METRICS]
        for name in names
        if name != OWN
    ]
    figures = Table(caption, ["", *METRICS.values()], reached)
    claims = Table("", ["WhisQ less", "the paper claims", *METRICS.values()], less)
    return f"{figures.markdown()}\n\n{claims.markdown()}"


def _spread(figure: Mapping[str, Any]) -> tuple[float | None, ...]:
    return figure["mean"], *(figure["interval"] or (None, None))


def _less(difference: tuple[float | None, ...], reference: float | None) -> dict[str, Any]:
    row = {f"whisq_less{end}": value for end, value in zip(ENDS, difference, strict=True)}
    if not reference or reference < 0:
        return row  # a share of what is not above zero means nothing
    shares = (value and 100 * value / reference for value in difference)
    return row | {f"whisq_percent{end}": share for end, share in zip(ENDS, shares, strict=True)}


def _reached(row: Mapping[str, Any] | None) -> Cell:
    if row is None or isna(row["mean"]):
        return verbatim("")
    # A floor is the same in every training of one split.
    return verbatim(f"{row['mean']:.3f}{_half(row['low'], row['high']).replace(' ± 0.000', '')}")


def _difference(row: Mapping[str, Any] | None) -> Cell:
    if row is None or isna(row.get("whisq_less")):
        return verbatim("")
    less, low, high = (row[f"whisq_less{end}"] for end in ENDS)
    share = row.get("whisq_percent")
    percent = "" if isna(share) else f" ({share:+.1f}%)"
    return verbatim(f"{less:+.3f}{_half(low, high)}{percent}", strong=low > 0 or high < 0)


def _half(low: float, high: float) -> str:
    return "" if isna(low) else f" ± {(high - low) / 2:.3f}"
