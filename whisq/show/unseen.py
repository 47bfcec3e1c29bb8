"""What a model is worth on what it never met: in a sentence, a table, a plot and a few numbers."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, NAMES, Plot
from whisq.show.results import RIDGE, SHORT, WHO
from whisq.show.table import Cell, Table, number, span, word

MODEL = "model"
NAMED = {
    "systems": "unseen systems",
    "prompts": "unseen prompts",
    "systems_and_prompts": "both unseen",
}
BRIEF = {"systems": "systems", "prompts": "prompts", "systems_and_prompts": "both"}
MET = {
    "systems": "by systems that it never heard",
    "prompts": "to prompts that it never read",
    "systems_and_prompts": "by systems that it never heard, to prompts that it never read",
}


def headline(unseen: dict[str, Any]) -> dict[str, float | None]:
    """Return the figures for `metrics/unseen_headline.json`, None where one is not defined.

    Args:
        unseen: The `corpus`, and under `protocols` what `whisq.trials.unseen.unseen` gave.

    Returns:
        For `systems`, `prompts` and `both` `<protocol>_<axis>_srcc`, `<protocol>_ridge_<axis>_srcc`
        and `<protocol>_swap`.
    """
    found: dict[str, float | None] = {}
    for protocol, judged in unseen["protocols"].items():
        for party, infix in ((MODEL, ""), (RIDGE, "ridge_")):
            for axis in AXES:
                name = f"{BRIEF[protocol]}_{infix}{axis}_srcc"
                found[name] = (_srcc(party, judged, axis) or {}).get("mean")
        found[f"{BRIEF[protocol]}_swap"] = judged["swap"]["mean"]
    return found


def standings(unseen: dict[str, Any]) -> Table:
    """Return the SRCC of floors, model (in bold, its interval below) and ceiling by protocol."""
    protocols = unseen["protocols"]
    if not protocols:
        return Table("Nothing was held out: `unseen.protocols` is empty.", ["who"], [])
    places = [(judged, axis) for judged in protocols.values() for axis in rated(judged)]
    everyone = list(dict.fromkeys(p for judged in protocols.values() for p in judged["parties"]))
    rows = [
        _means(f"floor: {WHO[party]}", party, places)
        for party in everyone
        if party != MODEL and any(_srcc(party, *place) for place in places)
    ]
    less = [judged["less_ridge"][axis] for judged, axis in places]
    rows += [
        _means("the model", MODEL, places, strong=True),
        [word("95% interval, drawing systems"), *(_span(_srcc(MODEL, *p)) for p in places)],
        [word("the model less the ridge"), *(number(f["mean"], sign=True) for f in less)],
        [word("95% interval, drawing systems"), *(_span(figure) for figure in less)],
        [
            word("ceiling: what the raters allow"),
            *(number(judged["raters"][axis]["ceiling"]) for judged, axis in places),
        ],
    ]
    heads = [
        f"{axis.upper()}, {NAMED[protocol]}"
        for protocol, judged in protocols.items()
        for axis in rated(judged)
    ]
    counts = {judged["n_clips"] for judged in protocols.values()}
    clips = " to ".join(f"{count}" for count in sorted({min(counts), max(counts)}))
    folds = max(len(judged["swap"]["folds"]) for judged in protocols.values())
    caption = (
        f"SRCC by clip where systems, prompts or both were held out ({unseen['corpus']}, means of "
        f"{folds} folds, each with a training of its own; {clips} test clips in all)"
    )
    return Table(
        caption,
        ["who", *heads],
        rows,
        "A floor never listens, or listens with nothing but a ridge; all were fitted on the same "
        "training clips. Where a system is unseen, its mean is not known.",
    )


def said(unseen: dict[str, Any]) -> str:
    """Say in one sentence what the model is worth where it is used.

    Args:
        unseen: As of `headline`, of one protocol at least; the last one is told.

    Returns:
        How often model, ridge and one rater rank two clips as the listeners' mean does.
    """
    protocol, judged = list(unseen["protocols"].items())[-1]
    axes = rated(judged)
    model, ridge = (
        [judged["parties"][party][axis]["agreement"] for axis in axes] for party in (MODEL, RIDGE)
    )
    others = f"a ridge on the same embeddings in {_of_100(ridge)}"
    one = [judged["raters"][axis]["one"] for axis in axes]
    if None not in one:
        others += f", one rater in {_of_100(one)}"
    what = " and ".join(SHORT[axis] for axis in axes)
    return (
        f"Of two clips {MET[protocol]}, the model ranks the better one first, as the listeners do, "
        f"in {_of_100(model)} of 100 pairs for {what}; {others}; guessing, 50 "
        f"({unseen['corpus']}, {judged['n_clips']} held-out clips)."
    )


def note(unseen: dict[str, Any]) -> str:
    """Return what MLflow says of the run at the head of its page, in Markdown."""
    return f"{said(unseen)}\n\n{standings(unseen).markdown()}"


def standing(unseen: dict[str, Any]) -> list[Plot]:
    """Return model and ridge drawn with their intervals, a plot an axis."""
    found = [rated(judged) for judged in unseen["protocols"].values()]
    return [_standing(unseen, axis) for axis in AXES if any(axis in axes for axes in found)]


def rated(judged: dict[str, Any]) -> list[str]:
    """Return the axes on which a protocol's test clips are rated."""
    return [axis for axis in AXES if axis in judged["less_ridge"]]


def _standing(unseen: dict[str, Any], axis: str) -> Plot:
    protocols = unseen["protocols"]

    def draw(panel: Any) -> None:
        for party, offset, colour, marker in (
            (MODEL, -0.12, COLOURS[axis], "o"),
            (RIDGE, 0.12, FAINT, "s"),
        ):
            for place, judged in enumerate(protocols.values()):
                figure = _srcc(party, judged, axis)
                if figure is None:
                    continue
                low, high = figure["interval"] or (figure["mean"],) * 2
                panel.plot([low, high], [place + offset] * 2, color=colour)
                label = {MODEL: "the model", RIDGE: WHO[RIDGE]}[party] if not place else None
                panel.plot(
                    figure["mean"], place + offset, marker, color=colour, markersize=5, label=label
                )
        panel.set_yticks(range(len(protocols)), [NAMED[protocol] for protocol in protocols])
        panel.set(xlabel="SRCC", title=NAMES[axis], ylim=(len(protocols) - 0.5, -0.5))
        panel.axvline(0, color=FAINT, linewidth=1)
        panel.figure.legend(fontsize=8, loc="outside lower center", ncols=2)

    caption = (
        f"{NAMES[axis]}: SRCC by clip of the model and of a ridge on the same embeddings, with 95% "
        f"intervals by systems ({unseen['corpus']})."
    )
    return Plot(f"unseen-{axis}", caption, draw, height=1.3 + 0.4 * len(protocols))


def _means(who: str, party: str, places: list, strong: bool = False) -> list[Cell]:
    figures = [_srcc(party, *place) for place in places]
    means = [number(figure["mean"] if figure else None, strong=strong) for figure in figures]
    return [word(who, strong), *means]


def _srcc(party: str, judged: dict[str, Any], axis: str) -> dict[str, Any] | None:
    figure = judged["parties"].get(party, {}).get(axis, {}).get("srcc")
    return figure if figure and figure["mean"] is not None else None


def _span(figure: dict[str, Any] | None) -> Cell:
    return span(figure["interval"] if figure else None)


def _of_100(shares: list[float | None]) -> str:
    return " and ".join("none" if share is None else f"{100 * share:.0f}" for share in shares)
