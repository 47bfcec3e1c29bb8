"""A judged split as tables and a plot: the model between floors and ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.metrics import AXES, METRICS
from whisq.show.plot import COLOURS, FAINT, LINE, NAMES, Plot
from whisq.show.table import LEVELS, Cell, Table, number, span, word

if TYPE_CHECKING:
    from pandas import DataFrame

PLACES = [(level, axis) for level in LEVELS for axis in AXES]
HEADS = [f"{axis.upper()}, {LEVELS[level]}" for level, axis in PLACES]
WHO = {
    "global_mean": "one mean for all",
    "system_mean": "the system's training mean",
    "prompt_mean": "the prompt's training mean",
    "gold_omq": "the true OMQ, as TA",
    "loudness_ridge": "ridge on loudness",
    "pooled_ridge": "ridge on pooled embeddings",
    "raters": "what the raters allow",
    "latent_truth": "the truth behind ratings",
}


def place(evaluate: dict[str, Any], split: str) -> str:
    """Say where figures were measured.

    Args:
        evaluate: What `judge.judge` found.
        split: The split.

    Returns:
        Corpus, split and protocol.
    """
    return f"{evaluate['corpus']}, {split}, {evaluate['protocol']} split"


def standings(found: dict[str, Any], place: str, who: str = "the model") -> Table:
    """Lay out the SRCC of floors, model and ceilings.

    Args:
        found: The judge's result on a split; `ceilings` and `share` may be missing.
        place: Corpus and split.
        who: Whose scores were judged.

    Returns:
        The table, the model in bold with its interval below.
    """
    ends = [_at(found["intervals"], level, axis).get("srcc", {}) for level, axis in PLACES]
    rows = [
        *_parties("floor", found["floors"]),
        _srccs(who, found, strong=True),
        [word("95% interval, drawing systems"), *(span(end.get("system")) for end in ends)],
        *_parties("ceiling", found.get("ceilings", {})),
    ]
    if "share" in found:
        shares = [number(found["share"][level][axis]["share"]) for level, axis in PLACES]
        rows.append([word("way from best floor to ceiling"), *shares])
    return Table(
        f"SRCC ({place}; {found['n_clips']} clips, {found['n_systems']} systems)",
        ["who", *HEADS],
        rows,
        "A floor never listens, or listens with nothing but a ridge; “the true OMQ” is told the "
        "quality's true rating. A ceiling is what ratings this noisy let anybody reach.",
    )


def every_metric(found: dict[str, Any], caption: str) -> Table:
    """Lay out all four metrics with their intervals.

    Args:
        found: The judge's result on a split, or what `whisq metrics` found.
        caption: What was judged, and on which clips.

    Returns:
        The table; where a metric is undefined its note says why.
    """
    ways, rows, undefined = _ways(found["intervals"]), [], []
    for level, said in LEVELS.items():
        for axis, scores in found[level].items():
            for metric in METRICS:
                ends = _at(found["intervals"], level, axis).get(metric, {})
                names = [word(said), word(axis.upper()), word(metric.upper())]
                rows.append([*names, number(scores[metric]), *(span(ends.get(by)) for by in ways)])
            if "undefined" in scores:
                undefined.append(f"{axis.upper()} {said} is not defined: {scores['undefined']}.")
    heads = ["level", "axis", "metric", "value", *(f"95%, drawing {by}s" for by in ways)]
    note = "Clips of one system stand or fall together: the interval by systems is the honest one."
    return Table(caption, heads, rows, " ".join([note] * bool(ways) + undefined))


def differences(comparison: dict[str, Any], caption: str) -> Table:
    """Lay out a paired comparison.

    Args:
        comparison: What `intervals.compare` gave.
        caption: What was compared.

    Returns:
        A table of a row a level, axis and metric: the difference and, by whole systems and by
        whole prompts where there are any, its interval and how likely the first is better.
    """
    ways = _ways(comparison)[-2:]
    rows = [
        [
            word(f"{axis.upper()} {metric.upper()}, {LEVELS[level]}"),
            number(found["difference"], sign=True),
            *(span(found[by]["interval"], _chance(found[by]["better"])) for by in ways),
        ]
        for level, axes in comparison.items()
        for axis, metrics in axes.items()
        for metric, found in metrics.items()
    ]
    heads = ["metric", "A − B", *(f"95%, drawing {by}s (A better)" for by in ways)]
    return Table(caption, heads, rows)


def left_within(found: dict[str, Any], place: str) -> Table:
    """Lay out what is left when the system or the prompt is known.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        The table.
    """
    asked = (("system", "srcc"), ("prompt", "srcc"), ("pairs", "agreement"))
    rows = [
        [word(name, name == "model")]
        + [
            number(scores[group].get(axis, {}).get(key), strong=name == "model")
            for axis in AXES
            for group, key in asked
        ]
        for name, scores in found["within"].items()
    ]
    kinds = ("within systems", "within prompts", "pairs")
    heads = ["who", *(f"{axis.upper()} {kind}" for axis in AXES for kind in kinds)]
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
            *(number(_at(part, "utt", axis).get("srcc"), strong=True) for axis in AXES),
            *(
                number(_at(part["floors"]["system_mean"], "utt", axis).get("srcc"))
                for axis in AXES
            ),
        ]
        for name, part in found["subsets"].items()
    ]  # fmt: skip
    heads = ["prompts", "clips", "OMQ", "TA", "OMQ, system mean", "TA, system mean"]
    return Table(f"By kind of prompt, SRCC by clip ({place})", heads, rows)


def standing_rows(found: dict[str, Any]) -> DataFrame:
    """List the SRCC of floors, model and ceilings.

    Args:
        found: The judge's result on a split.

    Returns:
        `level, axis, name, srcc`, one row a defined figure.
    """
    from pandas import DataFrame

    rows = [
        (level, axis, name, scores["srcc"])
        for name, party in _everyone(found).items()
        for level in LEVELS
        for axis, scores in party.get(level, {}).items()
        if scores and scores["srcc"] is not None
    ]
    return DataFrame(rows, columns=["level", "axis", "name", "srcc"])


def standing(found: dict[str, Any], place: str) -> list[Plot]:
    """Draw the model's SRCC between floors and ceilings.

    Args:
        found: The judge's result on a split.
        place: Corpus and split.

    Returns:
        A plot an axis.
    """
    return [_standing(found, axis, place) for axis in AXES]


def _parties(kind: str, parties: dict[str, Any]) -> list[list[Cell]]:
    return [_srccs(f"{kind}: {WHO.get(name, name)}", scores) for name, scores in parties.items()]


def _srccs(who: str, scores: dict[str, Any], strong: bool = False) -> list[Cell]:
    values = [_at(scores, level, axis).get("srcc") for level, axis in PLACES]
    return [word(who, strong), *(number(value, strong=strong) for value in values)]


def _everyone(found: dict[str, Any]) -> dict[str, Any]:
    return {**found["floors"], "model": found, **found["ceilings"]}


def _at(scores: dict[str, Any], level: str, axis: str) -> dict[str, Any]:
    return (scores.get(level) or {}).get(axis) or {}


def _ways(nested: dict[str, Any]) -> list[str]:
    # Such as by clip, system and prompt; the same for every figure.
    figures = (found for axes in nested.values() for m in axes.values() for found in m.values())
    return [by for by in next(figures, {}) if by != "difference"]


def _chance(better: float | None) -> str:
    return "" if better is None else f" ({better:.0%})"


def _standing(found: dict[str, Any], axis: str, place: str) -> Plot:
    table, names = standing_rows(found), list(_everyone(found))

    def draw(figure: Any) -> None:
        panel = figure.subplots()
        for (level, label), marker in zip(LEVELS.items(), "os", strict=True):
            part = table[(table["axis"] == axis) & (table["level"] == level)]
            colours = [COLOURS[axis] if name == "model" else FAINT for name in part["name"]]
            rows = [names.index(name) for name in part["name"]]
            panel.scatter(part["srcc"], rows, marker=marker, color=colours, label=label)
        panel.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        panel.set(xlabel="SRCC", title=NAMES[axis], ylim=(len(names) - 0.4, -0.6))
        panel.grid(axis="y", color=FAINT, alpha=0.25)
        figure.legend(fontsize=8, loc="outside lower center", ncols=2)

    caption = f"{NAMES[axis]}: SRCC of floors, model and ceilings ({place})."
    return Plot(f"standing-{axis}", caption, draw, height=1.3 + LINE * len(names))
