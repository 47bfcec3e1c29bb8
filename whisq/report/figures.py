"""The report's figures as tables: floors, model, ceilings, what is published, where it errs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.metrics import AXES, METRICS
from whisq.evaluation.published import CORPUS, counts, published_table
from whisq.report.tables import Cell, Table, number, span, word

if TYPE_CHECKING:
    from pandas import DataFrame

PLACES = [(level, axis) for level in ("utt", "sys") for axis in AXES]
HEADS = ["OMQ, by clip", "TA, by clip", "OMQ, by system", "TA, by system"]


def standings(found: dict[str, Any], place: str) -> Table:
    """Lay out the SRCC of floors, model and ceilings.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        The table.
    """
    parties = [("floor", name, scores) for name, scores in found["floors"].items()]
    parties += [("this run", "model", found)]
    parties += [("ceiling", name, scores) for name, scores in found["ceilings"].items()]
    rows = [
        [word(kind, kind == "this run"), word(name, kind == "this run")]
        + [number(_srcc(scores, *where), strong=kind == "this run") for where in PLACES]
        for kind, name, scores in parties
    ]
    return Table(
        f"SRCC ({place}; {found['n_clips']} clips, {found['n_systems']} systems)",
        ["", "who", *HEADS],
        rows,
        "A floor never listens, or listens with nothing but a ridge; “gold omq” is told the "
        "quality's true rating. A ceiling is what ratings this noisy let anybody reach.",
    )


def every_metric(found: dict[str, Any], place: str) -> Table:
    """Lay out all four metrics of the model with their intervals.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        The table.
    """
    ways = ("clip", "system", "prompt")
    rows = []
    for level, axis in PLACES:
        for metric in METRICS:
            ends = found["intervals"].get(level, {}).get(axis, {}).get(metric, {})
            rows.append(
                [
                    word({"utt": "by clip", "sys": "by system"}[level]),
                    word(axis.upper()),
                    word(metric.upper()),
                    number(found[level][axis][metric]),
                    *(span(ends.get(by)) for by in ways),
                ]
            )
    heads = ["level", "axis", "metric", "model", *(f"95%, drawing {by}s" for by in ways)]
    note = "Clips of one system stand or fall together: the interval by systems is the honest one."
    return Table(f"All metrics of the model ({place})", heads, rows, note)


def published(evaluate: dict[str, Any]) -> Table:
    """Lay out the paper's claims and what others report.

    Args:
        evaluate: What `metrics/evaluate.json` holds.

    Returns:
        The table; this run's rows are empty unless it ran on MusicEval's own split.
    """
    table = published_table(evaluate)
    rows = [
        [
            *(word(row[name], row["system"] == "this run") for name in ("system", "split")),
            word({"utt": "by clip", "sys": "by system"}.get(row["level"], row["level"])),
            *(number(row[name]) for name in ("omq_srcc", "ta_srcc")),
            *(number(row[name], 1, sign=True) for name in ("omq_gain", "ta_gain")),
            *(word(row[name]) for name in ("note", "source")),
        ]
        for row in table.to_dict("records")
    ]
    note = f"All figures here are on {CORPUS}."
    if not counts(evaluate):
        note += (
            f" This run is on “{evaluate['corpus']}”, protocol “{evaluate['protocol']}”: none of "
            "its figures may stand in this table, and its rows are empty."
        )
    heads = ["system", "split", "level", "OMQ SRCC", "TA SRCC", "OMQ gain %", "TA gain %"]
    return Table(f"Published on {CORPUS}, SRCC", [*heads, "note", "source"], rows, note)


def left_within(found: dict[str, Any], place: str) -> Table:
    """Lay out what is left when the system or the prompt is known.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        The table.
    """
    rows = []
    for name, scores in found["within"].items():
        strong = name == "model"
        cells = [word(name, strong)]
        for axis in AXES:
            cells += [
                number(scores[group].get(axis, {}).get(key), strong=strong)
                for group, key in (("system", "srcc"), ("prompt", "srcc"), ("pairs", "agreement"))
            ]
        rows.append(cells)
    heads = ["who"]
    for axis in ("OMQ", "TA"):
        heads += [f"{axis} within systems", f"{axis} within prompts", f"{axis} pairs"]
    note = (
        "SRCC inside each system and inside each prompt, averaged; and the share of pairs of clips "
        "of one prompt that are ranked as the listeners did (0.5 is chance)."
    )
    return Table(f"What is left when system or prompt is known ({place})", heads, rows, note)


def subsets(found: dict[str, Any], place: str) -> Table | None:
    """Lay out the model on prompts about order and on the others.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        The table, None for a corpus that does not say which prompts are about order.
    """
    if not found["subsets"]:
        return None
    rows = [
        [
            word(name),
            number(part["n_clips"], 0),
            *(number(_srcc(part, "utt", axis), strong=True) for axis in AXES),
            *(number(_srcc(part["floors"]["system_mean"], "utt", axis)) for axis in AXES),
        ]
        for name, part in found["subsets"].items()
    ]
    heads = ["prompts", "clips", "OMQ", "TA", "OMQ, system mean", "TA, system mean"]
    return Table(f"By kind of prompt, SRCC by clip ({place})", heads, rows)


def residuals_by_prompt(held_out: DataFrame, place: str) -> Table:
    """Lay out how far predictions lie above or below each prompt's ratings.

    Args:
        held_out: `prompt`, `omq`, `ta` and their predictions, MOS units.
        place: Corpus and split.

    Returns:
        The table, worst prompts first.
    """
    table = held_out[["prompt"]].copy()
    for axis in AXES:
        table[axis] = held_out[f"{axis}_prediction"] - held_out[axis]
    means = table.groupby("prompt").agg(omq=("omq", "mean"), ta=("ta", "mean"), n=("ta", "size"))
    means["off"] = means[list(AXES)].abs().max(axis=1)
    rows = [
        [Cell(str(prompt), str(prompt).lower()), number(row["n"], 0)]
        + [number(row[axis], 2, sign=True) for axis in AXES]
        for prompt, row in means.sort_values("off", ascending=False).iterrows()
    ]
    heads = ["prompt", "clips", "OMQ", "TA"]
    return Table(f"Mean residual of each prompt ({place})", heads, rows, tall=True)


def _srcc(scores: dict[str, Any], level: str, axis: str) -> float | None:
    return ((scores.get(level) or {}).get(axis) or {}).get("srcc")
