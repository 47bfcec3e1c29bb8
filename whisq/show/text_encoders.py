"""What each prompt's encoder is worth in TA where systems and prompts are unseen, as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from whisq.show.results import RIDGE
from whisq.show.table import Cell, Table, number, span, verbatim, word
from whisq.show.unseen import MODEL, NAMED

AXIS = "ta"
HEADS = ("TA", "95% interval", "its ridge", "less its ridge", "95% interval", "swap")


def told(measured: Mapping[str, Any]) -> Table:
    """Return the table of what `tests/benchmarks/text_encoders.py` measured.

    Args:
        measured: The `corpus`, and by name under `encoders` the seconds to embed the `prompts`, the
            `dim`, what `whisq.trials.unseen.unseen` gave under `protocols`, and of each but the
            first `less_first`, in pairs of one fold.

    Returns:
        A row for each encoder and protocol, and below the further ones' their gain on the first.
    """
    encoders = measured["encoders"]
    first = next(iter(encoders))
    costs = "; ".join(
        f"{_short(name)}, {one['dim']} dimensions, {one['seconds']:g} s"
        for name, one in encoders.items()
    )
    counts = {one["prompts"] for one in encoders.values()}
    folds = {len(judged["swap"]["folds"]) for judged in encoders[first]["protocols"].values()}
    caption = (
        f"TA by the text encoder, nothing else changed: SRCC by clip ({measured['corpus']}, means "
        f"of {_one(folds)} folds, each with a training of its own; intervals draw systems). To "
        f"embed {_one(counts)} prompts takes one core: {costs}."
    )
    rows = [
        [verbatim(_short(name)), word(NAMED[held]), *_figures(judged)]
        for held in encoders[first]["protocols"]
        for name, judged in _under(encoders, held)
    ]
    rows += [
        [verbatim(f"{_short(name)} less {_short(first)}"), word(NAMED[held]), *_gain(less[AXIS])]
        for name, one in encoders.items()
        for held, less in one.get("less_first", {}).items()
    ]
    return Table(caption, ["text encoder", "held out", *HEADS], rows)


def _under(encoders: Mapping[str, Any], held: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, one["protocols"][held]) for name, one in encoders.items())


def _figures(judged: dict[str, Any]) -> list[Cell]:
    own, ridge = (judged["parties"][party][AXIS]["srcc"] for party in (MODEL, RIDGE))
    less = judged["less_ridge"][AXIS]
    return [
        *(number(own["mean"]), span(own["interval"]), number(ridge["mean"])),
        *(number(less["mean"], sign=True), span(less["interval"])),
        number(judged["swap"]["mean"]),
    ]


def _gain(less: dict[str, Any]) -> list[Cell]:
    blank = [number(None)] * (len(HEADS) - 2)
    return [number(less["mean"], sign=True), span(less["interval"]), *blank]


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _one(counts: set[int]) -> str:
    return " to ".join(str(count) for count in sorted({min(counts), max(counts)}))
