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
    OWN: "**WhisQ, the paper's network**",
    "no_transport": "WhisQ without transport",
    "no_coattention": "WhisQ without co-attention",
    "own_projection": "WhisQ with OMQ's own projection",
}
CLAIMS = {
    "challenge_baseline": ", ".join(f"{axis.upper()} {gain:+.0f}%" for axis, gain in GAIN.items()),
    "no_transport": f"{TRANSPORT_GAIN:+.0f}%, axis not stated",
}


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
                rows.append(row | _spread("", figure) | {"n": figure["n"]})
                own = compared[OWN].get(protocol, {}).get(metric)
                if own and name != OWN:
                    rows[-1] |= _less(own["difference"][name], figure["mean"])
    return DataFrame(rows)


def markdown(table: DataFrame) -> str:
    """Write the table for people.

    Args:
        table: What `paper_table` gave.

    Returns:
        A line that says what was measured on what, the parties, and the claims beside WhisQ's
        differences, as Markdown.
    """
    one = table.iloc[0]
    cells = {(row["network"], row["metric"]): row for row in table.to_dict("records") if row["n"]}
    names = list(dict.fromkeys(table["network"]))
    trained = table[table["network"] == OWN]["n"].max()
    lines = [
        f"SRCC on the {one['corpus']}, {one['split']} split, protocol `{one['protocol']}`: means "
        f"of {trained} trainings, with 95% intervals over them. Audio: {one['audio']}. Text: "
        f"{one['text']}.",
        "",
        f"| | {' | '.join(METRICS.values())} |",
        "|---" * (len(METRICS) + 1) + "|",
    ]
    for name in names:
        figures = [_figure(cells.get((name, metric))) for metric in METRICS]
        lines.append(f"| {TITLES.get(name, name)} | {' | '.join(figures)} |")
    lines += [
        "",
        f"| WhisQ less | the paper claims | {' | '.join(METRICS.values())} |",
        "|---" * (len(METRICS) + 2) + "|",
    ]
    for name in names:
        if name != OWN:
            figures = [_difference(cells.get((name, metric))) for metric in METRICS]
            claim = CLAIMS.get(name, "")
            lines.append(f"| {TITLES.get(name, name)} | {claim} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _less(difference: Mapping[str, Any], reference: float | None) -> dict[str, Any]:
    row = _spread("whisq_less", difference)
    if not reference or reference < 0:
        return row  # a share of what is not above zero means nothing
    shares = {key.replace("less", "percent"): value for key, value in row.items()}
    return row | {k: v and 100 * v / reference for k, v in shares.items()}


def _spread(name: str, figure: Mapping[str, Any]) -> dict[str, Any]:
    low, high = figure["interval"] or (None, None)
    prefix = f"{name}_" if name else ""
    return {name or "mean": figure["mean"], f"{prefix}low": low, f"{prefix}high": high}


def _figure(row: Mapping[str, Any] | None) -> str:
    if row is None or isna(row["mean"]):
        return ""
    # A floor is the same in every training of one split.
    spread = "" if isna(row["low"]) else f" ± {(row['high'] - row['low']) / 2:.3f}"
    return f"{row['mean']:.3f}{spread.replace(' ± 0.000', '')}"


def _difference(row: Mapping[str, Any] | None) -> str:
    if row is None or isna(row.get("whisq_less")):
        return ""
    low, high = row["whisq_less_low"], row["whisq_less_high"]
    text = f"{row['whisq_less']:+.3f}"
    if not isna(low):
        text += f" ± {(high - low) / 2:.3f}"
    if not isna(row.get("whisq_percent")):
        text += f" ({row['whisq_percent']:+.1f}%)"
    return f"**{text}**" if low > 0 or high < 0 else text
