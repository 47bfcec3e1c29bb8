"""A judged split in words: how far the model has come, and what it is worth."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import AXES

SHORT = {"omq": "quality (OMQ)", "ta": "alignment (TA)"}


def said(evaluate: dict[str, Any], split: str) -> list[str]:
    """Say what a judged split tells.

    Args:
        evaluate: What `judge.judge` found.
        split: One of its splits.

    Returns:
        Paragraphs: the headline (the way from the best floor to the ceiling, both axes, with
        intervals), where that way begins and ends, what is known inside a system, and how many
        raters the model is worth.
    """
    found = evaluate[split]
    ways = [f"{_way(found['share']['utt'][axis])} in {SHORT[axis]}" for axis in AXES]
    headline = (
        f"On the {found['n_clips']} {split} clips ({evaluate['corpus']}, {evaluate['protocol']} "
        f"split, clip by clip) the model covers {' and '.join(ways)} of the way from the best "
        "floor to the ceiling."
    )
    ends = " ".join(_ends(found, axis) for axis in AXES)
    worth = [_worth(found["raters_worth"][axis], axis) for axis in AXES]
    known = _inside(found["within"]["model"])
    what = "Measured by its correlation with the truth behind the ratings it is "
    minus = headline.replace("-", "−"), ends.replace(" -", " −"), known.replace("-", "−")
    return [*minus, f"{what}{' and '.join(worth)}."]


def _way(share: dict[str, Any]) -> str:
    if share["share"] is None:
        return "an unknown share"
    sure = share.get("interval")
    return f"{share['share']:.0%}" + (
        f" (95% interval {sure[0]:.0%} to {sure[1]:.0%})" if sure else ""
    )


def _ends(found: dict[str, Any], axis: str) -> str:
    share, srcc = found["share"]["utt"][axis], found["utt"][axis]["srcc"]
    floor = "no floor ranks anything (0)"
    if share["floor"]:
        name = share["floor"].replace("_", " ")
        floor = f"the {name}, which never listens, {share['floor_srcc']:.2f}"
    below = share["share"] is not None and share["share"] < 0
    ceiling = _figure(share["ceiling_srcc"], "unknown")
    return (
        f"{axis.upper()}: model SRCC {_figure(srcc)}; {floor}; raters' ceiling {ceiling}."
        + " The model stays below the floor." * below
    )


def _inside(within: dict[str, Any]) -> str:
    parts = []
    for axis in AXES:
        srcc, pairs = within["system"][axis]["srcc"], within["pairs"][axis]["agreement"]
        won = "of no pair" if pairs is None else f"in {pairs:.0%} of pairs"
        parts.append(
            f"in {SHORT[axis]} its SRCC is {_figure(srcc)} and it names the better clip {won}"
        )
    return (
        f"Among clips of one system, and between two clips of one prompt: {'; '.join(parts)} "
        "(knowing nothing: 0 and 50%)."
    )


def _worth(found: dict[str, Any], axis: str) -> str:
    if found["raters"] is None:
        return f"of unknown worth in {SHORT[axis]} ({found['undefined']})"
    return f"worth {found['raters']:.1f} raters in {SHORT[axis]}"


def _figure(value: float | None, otherwise: str = "undefined") -> str:
    return otherwise if value is None else f"{value:.2f}"
