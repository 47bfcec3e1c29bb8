"""A judged split in words, tables and a plot: the model between floors and ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pandas import DataFrame

from whisq.evaluation.metrics import AXES, METRICS
from whisq.show.plot import COLOURS, FAINT, LINE, NAMES, Plot
from whisq.show.table import LEVELS, Cell, Table, minus, number, span, word

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
SHORT = {"omq": "quality (OMQ)", "ta": "alignment (TA)"}
# What the held-out clips have in common with those that were learnt from.
LEARNT = {
    "official": "by systems that it learnt from",
    "systems": "by systems that it never heard",
    "prompts": "to prompts that it never read",
    "systems_and_prompts": "by systems and to prompts that it never met",
}
RIDGE = "pooled_ridge"
CHOOSERS = {
    RIDGE: "a ridge on the same embeddings",
    "system_mean": "the mean of the clip's system, which never listens,",
}


@dataclass(frozen=True)
class Judged:
    """A judged split.

    Attributes:
        found: The judge's result on it; `ceilings` and `share` may be missing.
        place: Corpus and split.
        who: Whose scores were judged.
    """

    found: dict[str, Any]
    place: str
    who: str = "the model"

    @classmethod
    def of(cls, evaluate: dict[str, Any], split: str) -> Judged:
        """Return a split of what `judge.judge` found, labelled with corpus, split and protocol."""
        place = f"{evaluate['corpus']}, {split}, {evaluate['protocol']} split"
        return cls(evaluate[split], place)

    def beside(self, *names: str) -> Judged:
        """Return the same beside these floors and ceilings alone, without the way between them."""
        found = {name: part for name, part in self.found.items() if name != "share"}
        for kind in ("floors", "ceilings"):
            parties = self.found.get(kind, {})
            found[kind] = {name: parties[name] for name in names if name in parties}
        return replace(self, found=found)

    @property
    def standings(self) -> Table:
        """The SRCC of floors, model (in bold, its interval below) and ceilings."""
        ends = [_at(self.found["intervals"], level, axis).get("srcc", {}) for level, axis in PLACES]
        rows = [
            *_parties("floor", self.found["floors"]),
            _srccs(self.who, self.found, strong=True),
            [word("95% interval, drawing systems"), *(span(end.get("system")) for end in ends)],
            *_parties("ceiling", self.found.get("ceilings", {})),
        ]
        if "share" in self.found:
            shares = [number(self.found["share"][level][axis]["share"]) for level, axis in PLACES]
            rows.append([word("way from best floor to ceiling"), *shares])
        counts = f"{self.found['n_clips']} clips, {self.found['n_systems']}"
        return Table(
            f"SRCC ({self.place}; {counts} systems)",
            ["who", *HEADS],
            rows,
            "A floor never listens, or listens with nothing but a ridge; “the true OMQ” is told "
            "the quality's true rating. A ceiling is what ratings this noisy let anybody reach.",
        )

    @property
    def left_within(self) -> Table:
        """What is left when the system or the prompt is known."""
        asked = {
            "within systems": ("system", "srcc"),
            "within prompts": ("prompt", "srcc"),
            "pairs": ("pairs", "agreement"),
        }
        rows = [
            [word(name, name == "model")]
            + [
                number(scores[group].get(axis, {}).get(key), strong=name == "model")
                for axis in AXES
                for group, key in asked.values()
            ]
            for name, scores in self.found["within"].items()
        ]
        heads = ["who", *(f"{axis.upper()} {kind}" for axis in AXES for kind in asked)]
        note = (
            "SRCC inside each system and inside each prompt, averaged; and the share of pairs of "
            "clips of one prompt that are ranked as the listeners did (0.5 is chance)."
        )
        caption = f"What is left when system or prompt is known ({self.place})"
        return Table(caption, heads, rows, note)

    @property
    def subsets(self) -> Table | None:
        """By kind of prompt, where the corpus says which are about order."""
        if not self.found["subsets"]:
            return None
        rows = [
            [
                word(name),
                number(part["n_clips"], 0),
                *_srccs("", part, strong=True)[1:3],
                *_srccs("", part["floors"]["system_mean"])[1:3],
            ]
            for name, part in self.found["subsets"].items()
        ]
        heads = ["prompts", "clips", "OMQ", "TA", "OMQ, system mean", "TA, system mean"]
        return Table(f"By kind of prompt, SRCC by clip ({self.place})", heads, rows)

    @property
    def standing_rows(self) -> DataFrame:
        """The SRCC of floors, model and ceilings: `level, axis, name, srcc`."""
        rows = [
            (level, axis, name, scores["srcc"])
            for name, party in self._everyone.items()
            for level in LEVELS
            for axis, scores in party.get(level, {}).items()
            if scores and scores["srcc"] is not None
        ]
        return DataFrame(rows, columns=["level", "axis", "name", "srcc"])

    @property
    def standing(self) -> list[Plot]:
        """The same drawn, a plot an axis."""
        return [self._standing(axis) for axis in _rated(self.found)]

    def _standing(self, axis: str) -> Plot:
        table, names = self.standing_rows, list(self._everyone)

        def draw(panel: Any) -> None:
            for (level, label), marker in zip(LEVELS.items(), "os", strict=True):
                part = table[(table["axis"] == axis) & (table["level"] == level)]
                colours = [COLOURS[axis] if name == "model" else FAINT for name in part["name"]]
                rows = [names.index(name) for name in part["name"]]
                panel.scatter(part["srcc"], rows, marker=marker, color=colours, label=label)
            panel.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
            panel.set(xlabel="SRCC", title=NAMES[axis], ylim=(len(names) - 0.4, -0.6))
            panel.grid(axis="y", color=FAINT, alpha=0.25)
            panel.figure.legend(fontsize=8, loc="outside lower center", ncols=2)

        caption = f"{NAMES[axis]}: SRCC of floors, model and ceilings ({self.place})."
        return Plot(f"standing-{axis}", caption, draw, height=1.3 + LINE * len(names))

    @property
    def _everyone(self) -> dict[str, Any]:
        return {**self.found["floors"], "model": self.found, **self.found["ceilings"]}


def every_metric(found: dict[str, Any], caption: str) -> Table:
    """Lay out all four metrics with their intervals.

    Args:
        found: The judge's result on a split, or what `whisq metrics` found.
        caption: What was judged, and on which clips.

    Returns:
        The table; where a metric is undefined its note says why.
    """
    ways, rows, undefined = _ways(found["intervals"]), [], []
    for level, named in LEVELS.items():
        for axis, scores in found[level].items():
            for metric in METRICS:
                ends = _at(found["intervals"], level, axis).get(metric, {})
                names = [word(named), word(axis.upper()), word(metric.upper())]
                rows.append([*names, number(scores[metric]), *(span(ends.get(by)) for by in ways)])
            if "undefined" in scores:
                undefined.append(f"{axis.upper()} {named} is not defined: {scores['undefined']}.")
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


def used(
    evaluate: dict[str, Any], split: str, rater: Mapping[str, float | None] | None = None
) -> str:
    """Say in one sentence what a model is worth to who must choose between two clips.

    Args:
        evaluate: What `judge.judge` found.
        split: One of its splits.
        rater: What `raters.alone` found.

    Returns:
        How often the model, the ridge, the system's mean and one listener name the better clip of
        a pair; where no two clips of one prompt are rated apart, that.
    """
    won = {name: of["pairs"] for name, of in evaluate[split]["within"].items()}
    pairs = (
        f"Of two {split} clips ({evaluate['corpus']}) made to one prompt, "
        f"{LEARNT[evaluate['protocol']]}, "
    )
    axes = [axis for axis in AXES if won["model"][axis]["agreement"] is not None]
    if not axes:
        return f"{pairs}none could be compared: no two of them are rated apart."
    shares = {
        name: [f"{100 * of[axis]['agreement']:.0f}" for axis in axes]
        for name, of in won.items()
        if name in ("model", *CHOOSERS) and set(axes) <= set(of)
    }
    first, *others = zip(shares["model"], axes, strict=True)
    told = [f"{first[0]} of 100 pairs for {SHORT[first[1]]}"]
    told += [f"{share} for {SHORT[axis]}" for share, axis in others]
    choosers = {who: shares[name] for name, who in CHOOSERS.items() if name in shares}
    if rater and None not in [rater.get(axis) for axis in axes]:
        choosers["one listener alone"] = [f"{100 * rater[axis]:.0f}" for axis in axes]
    others = [f"; {who} in {' and '.join(share)}" for who, share in choosers.items()]
    return (
        f"{pairs}the model names the one that listeners rated higher in {' and '.join(told)}"
        f"{''.join(others)}. Guessing: 50."
    )


def in_short(evaluate: dict[str, Any], split: str) -> list[str]:
    """Return the figures that come first as lines of text: SRCC by clip, a line an axis."""
    found = evaluate[split]
    lines = [f"SRCC by clip ({Judged.of(evaluate, split).place}; {found['n_clips']} clips):"]
    for axis in _rated(found):
        share, ends = found["share"]["utt"][axis], found["intervals"]["utt"][axis].get("srcc", {})
        ridge = _at(found["floors"].get(RIDGE, {}), "utt", axis).get("srcc")
        beside = {"ridge": ridge, "best floor": share["floor_srcc"]}
        beside["ceiling"] = share["ceiling_srcc"]
        known = [f"{name} {value:.2f}" for name, value in beside.items() if value is not None]
        model = f"{_figure(found['utt'][axis]['srcc'])} ({span(ends.get('system')).text})"
        lines.append(minus(f"  {axis.upper():3} {model}; {', '.join(known)}"))
    return lines


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
    axes = _rated(found)
    ways = [f"{_way(found['share']['utt'][axis])} in {SHORT[axis]}" for axis in axes]
    headline = (
        f"On the {found['n_clips']} {split} clips ({evaluate['corpus']}, {evaluate['protocol']} "
        f"split, clip by clip) the model covers {' and '.join(ways)} of the way from the best "
        "floor to the ceiling."
    )
    ends = " ".join(
        [_ends(found, axis) for axis in axes]
        + [f"No clip is rated on {SHORT[axis]}." for axis in AXES if axis not in axes]
    )
    worth = [_worth(found["raters_worth"][axis], axis) for axis in axes]
    what = "Measured by its correlation with the truth behind the ratings it is "
    known = minus(_inside(found["within"]["model"], axes))
    return [minus(headline), ends.replace(" -", " −"), known, f"{what}{' and '.join(worth)}."]


def _rated(found: dict[str, Any]) -> list[str]:
    # The axes that any clip of a judged split is rated on.
    return [axis for axis in AXES if found["utt"][axis]["mse"] is not None]


def _parties(kind: str, parties: dict[str, Any]) -> list[list[Cell]]:
    return [_srccs(f"{kind}: {WHO.get(name, name)}", scores) for name, scores in parties.items()]


def _srccs(who: str, scores: dict[str, Any], strong: bool = False) -> list[Cell]:
    values = [_at(scores, level, axis).get("srcc") for level, axis in PLACES]
    return [word(who, strong), *(number(value, strong=strong) for value in values)]


def _at(scores: dict[str, Any], level: str, axis: str) -> dict[str, Any]:
    return (scores.get(level) or {}).get(axis) or {}


def _ways(nested: dict[str, Any]) -> list[str]:
    # Such as by clip, system and prompt; the same for every figure.
    figures = (found for axes in nested.values() for m in axes.values() for found in m.values())
    return [by for by in next(figures, {}) if by != "difference"]


def _chance(better: float | None) -> str:
    return "" if better is None else f" ({better:.0%})"


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


def _inside(within: dict[str, Any], axes: list[str]) -> str:
    parts = []
    for axis in axes:
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
