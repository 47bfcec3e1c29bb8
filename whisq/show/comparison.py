"""Systems compared on the same prompts: in words, as tables, as a picture and as a page.

The picture of two systems shows the difference of each prompt and of all, against zero; that of
more shows how far each lies above the average of all on the same prompts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, LINE, NAMES, Plot, png
from whisq.show.table import BLANK, Cell, Table, number, span, verbatim

PAIRS = 6  # that a terminal lists of an axis
NAMED = 3  # systems that a sentence names
LETTERS = 20  # letters of a name in a picture
ENOUGH = "enough"
REACH = (
    "An interval tells how far a difference would move with other prompts, not how far the scores "
    "are from listeners."
)
FEWEST = 6  # prompts, of which 2 flips in 2**6 are less than 0.05
FEW = (
    f"On fewer than {FEWEST} prompts the p of flips can't fall to 0.05; what is told apart there "
    "stands on differences being normally spread."
)
POWER = "Told with 80% power: in four of five such comparisons."


@dataclass(frozen=True)
class Compared:
    """Compared systems.

    Attributes:
        found: What `whisq compare --json` prints.
    """

    found: dict[str, Any]

    @property
    def axes(self) -> list[str]:
        """Those that all systems have scores of."""
        return [axis for axis in AXES if axis in self.found]

    @property
    def two(self) -> bool:
        """Whether there are two systems: the second is held against the first."""
        return len(self.found["systems"]) == 2

    @property
    def title(self) -> str:
        """What was compared, on how many prompts and clips."""
        systems = self.found["systems"]
        who = f"{systems[1]} against {systems[0]}" if self.two else f"{len(systems)} systems"
        return f"{who} on {self._sample}"

    @property
    def _sample(self) -> str:
        prompts = max(self.found[axis]["n_prompts"] for axis in self.axes)
        clips = sum(self.found["n_clips"].values())
        return f"the same {_many(prompts, 'prompt')}, {_many(clips, 'clip')}"

    @property
    def said(self) -> list[str]:
        """What can be told and what can't, a sentence or two an axis, and what to keep in mind."""
        say = _said_of_two if self.two else _said_of_many
        lines = [f"{NAMES[axis]}: {say(self.found[axis])}" for axis in self.axes]
        if min(self.found[axis]["n_prompts"] for axis in self.axes) < FEWEST:
            lines.append(FEW)
        return [_minus(line) for line in (*lines, REACH)]

    @property
    def tables(self) -> list[Table]:
        """All figures, without those of single prompts."""
        if self.two:
            one, other = self.found["systems"]
            return [_two(self.found, self.axes, f"A = {one}, B = {other}: {self._sample}")]
        last = self.axes[-1]  # has the note, for all
        tables = (_ranking, _pairs)
        return [make(self.found[axis], axis, axis == last) for make in tables for axis in self.axes]

    @property
    def in_a_terminal(self) -> list[Table]:
        """The tables, less those that would fill pages."""
        return [table for table in self.tables if not table.tall or len(table.rows) <= PAIRS]

    @property
    def failed(self) -> dict[str, int]:
        """How many clips could not be scored, of the systems that have such."""
        return {system: count for system, count in self.found["failed"].items() if count}

    @property
    def prompts(self) -> list[Table]:
        """The scores of each prompt, an axis a table."""
        return [_by_prompt(self.found[axis], axis) for axis in self.axes]

    @property
    def plots(self) -> list[Plot]:
        """A picture an axis."""
        if not self.two:
            return [_above_average(self.found[axis], axis) for axis in self.axes]
        # Both in one scale, so that they can be held against each other.
        most = max(_farthest(self.found[axis]) for axis in self.axes)
        return [_against_zero(self.found[axis], axis, most) for axis in self.axes]


def to_html(compared: Compared) -> bytes:
    """Return a page that needs no other file."""
    from whisq.show.html import filled  # which loads torch

    return filled("compare", compared=compared).encode()


def to_png(compared: Compared) -> bytes:
    """Return a picture of the axes side by side."""
    return png(compared.plots, compared.title, dpi=150)


WRITERS = {".html": to_html, ".png": to_png}


def _said_of_two(found: Mapping[str, Any]) -> str:
    (pair,) = found["differences"]
    one, other, ends = pair["less"], pair["system"], pair["interval"]
    if ends is None:
        return f"one prompt tells nothing of others ({other} {pair['difference']:+.2f})."
    if _clear(pair):
        better, worse = (other, one) if pair["difference"] > 0 else (one, other)
        low, high = sorted(map(abs, ends))
        return (
            f"{better} is better than {worse} by {abs(pair['difference']):.2f} (95% interval "
            f"{low:.2f} to {high:.2f})."
        )
    return (
        f"{one} and {other} can't be told apart: {other} is anything from {_apart(ends[0])} to "
        f"{_apart(ends[1])}. {_many(found['n_prompts'], 'prompt')} tell a difference of about "
        f"{pair['detectable']:.2f}{_more(pair)}."
    )


def _said_of_many(found: Mapping[str, Any]) -> str:
    pairs, (first, *others) = found["differences"], found["ranking"]
    apart = sum(_told(found, pair) for pair in pairs)
    if apart:
        alike = [row["system"] for row in others if {*row["groups"]} & {*first["groups"]}]
        more = f" and {len(alike) - NAMED} more" * (len(alike) > NAMED)
        said = f" and can't be told from {', '.join(alike[:NAMED])}{more}"
        said = said if alike else ", apart from all others"
        return f"{first['system']} comes first{said}; {apart} of {len(pairs)} pairs are told apart."
    said = f"no two of the {len(others) + 1} systems can be told apart on these prompts"
    nearest = min(pairs, key=lambda pair: pair["more_prompts"] or math.inf)
    if nearest["more_prompts"]:
        which = f"{nearest['system']} and {nearest['less']}, {abs(nearest['difference']):.2f} apart"
        more = _round(nearest["more_prompts"])
        said += f". Nearest to it are {which}: about {more} more prompts would tell them"
    return f"{said}."


def _two(found: Mapping[str, Any], axes: list[str], caption: str) -> Table:
    one, other = found["systems"]
    rows = []
    for axis in axes:
        (pair,), means = found[axis]["differences"], _means(found[axis])
        names = [verbatim(axis.upper()), number(found[axis]["n_prompts"], 0)]
        rows.append([*names, number(means[one], 2), number(means[other], 2), *_figures(pair)])
    heads = ["axis", "prompts", "A", "B", "B − A", "95% interval", "B wins", "p", "more prompts"]
    note = (
        "B wins: of the prompts. p: flips of signs. More prompts: so many, beside these, tell a "
        f"difference of this size. {POWER}"
    )
    return Table(caption, heads, rows, note)


def _ranking(found: Mapping[str, Any], axis: str, noted: bool) -> Table:
    rows = [
        [
            verbatim(row["system"]),
            number(row["mean"], 2),
            number(row["above"], 2, sign=True),
            span(row["interval"]),
            verbatim(row["groups"]),
        ]
        for row in found["ranking"]
    ]
    caption = f"{NAMES[axis]}: the best first, on the same {_many(found['n_prompts'], 'prompt')}"
    note = (
        "Systems with a letter in common can't be told apart: Student's paired p, after Holm's "
        "correction for all pairs, above 0.05. Above average: of all systems on the same prompts."
    )
    heads = ["system", "mean", "above average", "95% interval", "group"]
    return Table(caption, heads, rows, note * noted)


def _pairs(found: Mapping[str, Any], axis: str, noted: bool) -> Table:
    rows = [
        [
            verbatim(f"{pair['system']} − {pair['less']}"),
            *_figures(pair, _told(found, pair)),
            number(pair["p_holm"]),
        ]
        for pair in found["differences"]
    ]
    heads = ["pair", "difference", "95% interval", "prompts won", "p", "more prompts", "p, Holm"]
    note = (
        "Interval and p (flips of signs) are each pair's own; p, Holm (Student's), more prompts, "
        f"and what is bold as told apart allow for all pairs. {POWER}"
    )
    return Table(f"{NAMES[axis]}: every two systems", heads, rows, note * noted, tall=True)


def _by_prompt(found: Mapping[str, Any], axis: str) -> Table:
    scores, (first, *others) = found["scores"], found["scores"]
    two = len(others) == 1
    rows = [
        [
            verbatim(prompt),
            *(number(scores[system][place], 2) for system in scores),
            *([number(scores[others[0]][place] - scores[first][place], 2, sign=True)] * two),
        ]
        for place, prompt in enumerate(found["prompts"])
    ]
    heads = ["prompt", *scores, *[f"{others[0]} − {first}"] * two]
    return Table(f"{NAMES[axis]}, prompt by prompt", heads, rows, tall=True)


def _figures(pair: Mapping[str, Any], strong: bool | None = None) -> list[Cell]:
    clear = _clear(pair) if strong is None else strong
    more = pair["more_prompts"]
    needed = Cell(BLANK, None) if more is None else Cell(_round(more), float(more))
    return [
        number(pair["difference"], 2, sign=True, strong=clear),
        span(pair["interval"]),
        Cell(f"{pair['wins']:.0%}", pair["wins"]),
        number(pair["p"]),
        Cell(ENOUGH, 0.0) if clear or more == 0 else needed,
    ]


def _less(found: Mapping[str, Any]) -> list[float]:
    # The second system's scores less the first's, from the least.
    (pair,), scores = found["differences"], found["scores"]
    both = zip(scores[pair["system"]], scores[pair["less"]], strict=True)
    return sorted(mine - its for mine, its in both)


def _farthest(found: Mapping[str, Any]) -> float:
    ends = found["differences"][0]["interval"] or ()
    return max(0.01, *map(abs, (*_less(found), *ends)))


def _against_zero(found: Mapping[str, Any], axis: str, most: float) -> Plot:
    (pair,), less = found["differences"], _less(found)
    one, other = pair["less"], pair["system"]
    low, high = pair["interval"] or [pair["difference"]] * 2

    def draw(panel: Any) -> None:
        panel.axvline(0, color=FAINT, linewidth=1)
        # However many prompts there are, their dots fill the same height.
        places = [(place + 0.5) / len(less) for place in range(len(less))]
        colours = [COLOURS[axis] if value > 0 else FAINT for value in less]
        panel.hlines(places, 0, less, colors=colours, linewidth=1, alpha=0.5)
        panel.scatter(less, places, s=16, c=colours)
        _mean(panel, pair["difference"], (low, high), 1.25, COLOURS[axis], 7)
        prompts = _many(len(less), "prompt")
        panel.set_yticks([0.5, 1.25], [f"{prompts},\na dot each", "mean, 95%\ninterval"])
        panel.tick_params(axis="y", length=0)
        panel.set(xlim=(-1.08 * most, 1.08 * most), ylim=(-0.05, 1.5))
        panel.locator_params(axis="x", nbins=6)
        panel.figure.suptitle(f"{NAMES[axis]}\n{_verdict(pair)}", fontsize=10)
        below = {"transform": panel.transAxes, "fontsize": 9, "va": "top"}
        panel.text(0, -0.11, f"← better:\n{_short(one)}", ha="left", **below)
        panel.text(1, -0.11, f"better: →\n{_short(other)}", ha="right", **below)
        panel.set_xlabel("difference in MOS", labelpad=12)

    caption = (
        f"{NAMES[axis]}: {other} less {one}. A dot is a prompt; coloured where {other} is better. "
        "The diamond is the mean with its 95% interval: clear of zero, the two are told apart."
    )
    return Plot(f"difference-{axis}", caption, draw, 4.2, 3.6)


def _above_average(found: Mapping[str, Any], axis: str) -> Plot:
    ranking, best = found["ranking"][::-1], {*found["ranking"][0]["groups"]}
    names = [f"{_short(row['system'])}  {row['mean']:.2f}" for row in ranking]
    columns = zip(*found["scores"].values(), strict=True)
    averages = [sum(scores) / len(scores) for scores in columns]

    def draw(panel: Any) -> None:
        panel.axvline(0, color=FAINT, linewidth=1)
        aside = panel.get_yaxis_transform()
        for place, row in enumerate(ranking):
            own = zip(found["scores"][row["system"]], averages, strict=True)
            dots = [score - average for score, average in own]
            panel.scatter(dots, [place - 0.25] * len(dots), s=8, color=FAINT, alpha=0.6)
            colour = COLOURS[axis] if {*row["groups"]} & best else FAINT
            _mean(panel, row["above"], row["interval"] or [row["above"]] * 2, place, colour, 5)
            panel.text(1.02, place, row["groups"], transform=aside, va="center")
        panel.text(1.02, len(names) - 0.45, "group", transform=aside, va="center", fontsize=8)
        panel.set_yticks(range(len(names)), names)
        panel.tick_params(axis="y", length=0)
        panel.set(ylim=(-0.7, len(names) - 0.3))
        apart = sum(_told(found, pair) for pair in found["differences"])
        told = f"{apart} of {len(found['differences'])} pairs are told apart"
        panel.figure.suptitle(
            f"{NAMES[axis]}\n{told if apart else 'no two can be told apart'}", fontsize=10
        )
        label = (
            "MOS above the average of all on the same prompts\n"
            "dot: a prompt; diamond: mean, 95% interval; letter in common:\n"
            "can't be told apart; coloured: can't be told from the first"
        )
        panel.figure.supxlabel(label, fontsize=8)

    caption = (
        f"{NAMES[axis]}: each system's mean, and how far it lies above the average of all systems "
        "on the same prompts. A dot is a prompt, a diamond the mean with its 95% interval. Systems "
        "with a letter in common can't be told apart; coloured are those that can't be told from "
        "the first."
    )
    return Plot(f"ranking-{axis}", caption, draw, 4.6, 1.6 + 1.8 * LINE * len(names))


def _mean(
    panel: Any, mean: float, ends: Sequence[float], place: float, colour: str, size: int
) -> None:
    half = [[mean - ends[0]], [ends[1] - mean]]
    style = {"fmt": "D", "markersize": size, "elinewidth": size / 2.5, "capsize": size / 2 + 1}
    panel.errorbar([mean], [place], xerr=half, color=colour, **style)


def _verdict(pair: Mapping[str, Any]) -> str:
    if pair["interval"] is None:
        return "one prompt tells nothing of others"
    low, high = (f"{end:+.2f}" for end in pair["interval"])
    better = pair["system"] if pair["difference"] > 0 else pair["less"]
    if _clear(pair):
        wins = pair["wins"] if pair["difference"] > 0 else 1 - pair["wins"]
        start, then = f"{_short(better)} is better:", f"\nit wins {wins:.0%} of the prompts"
    else:
        more = _round(pair["more_prompts"] or 0)
        start = "can't be told apart:"
        then = f"\nto tell {pair['difference']:+.2f} takes about {more} more prompts"
        then = then if pair["more_prompts"] else "\nno difference was seen"
    said = f"{start} {pair['difference']:+.2f} ({low} to {high}){then}"
    return _minus(said)


def _clear(pair: Mapping[str, Any]) -> bool:
    ends = pair["interval"]
    return ends is not None and (ends[0] > 0 or ends[1] < 0)


def _told(found: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    letters = {row["system"]: {*row["groups"]} for row in found["ranking"]}
    return not letters[pair["system"]] & letters[pair["less"]]


def _more(pair: Mapping[str, Any]) -> str:
    if not pair["more_prompts"]:
        return ""
    size = abs(pair["difference"])
    return f"; about {_round(pair['more_prompts'])} more would tell one as was seen ({size:.2f})"


def _means(found: Mapping[str, Any]) -> dict[str, float]:
    return {row["system"]: row["mean"] for row in found["ranking"]}


def _minus(text: str) -> str:
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def _apart(end: float) -> str:
    return f"{abs(end):.2f} {'better' if end > 0 else 'worse'}"


def _round(count: int) -> str:
    # An estimate: two figures of it say all that it knows.
    if count < 100:
        return str(count)
    return f"{round(count, 2 - len(str(count))):,}" if count < 10**5 else "over 100,000"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
