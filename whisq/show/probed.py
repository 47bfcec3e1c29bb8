"""What a model makes of clips that nobody has rated: in words, as tables and as a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pandas import DataFrame

from whisq.show.plot import Plot
from whisq.show.probes import fallen, moved, responses
from whisq.show.table import Table, minus, number, span, verbatim, word

ALL = "all clips"


@dataclass(frozen=True)
class Probed:
    """A model's answers.

    Attributes:
        found: What `whisq probe --json` prints.
    """

    found: dict[str, Any]

    @property
    def title(self) -> str:
        """Which model was asked, about how many clips."""
        return f"{self.found['model']} asked about {self.found['n_clips']} clips"

    @property
    def said(self) -> list[str]:
        """The answers in sentences."""
        faults = self.found["faults"]
        tau = minus(f"{faults['tau']:.2f}")
        return [
            _own_prompt(self.found["own_prompt"]),
            f"Faults: predicted OMQ follows their strength with a mean Kendall tau of {tau} over "
            f"{faults['clips']} clips (perfect: −1, deaf: 0).",
        ]

    @property
    def tables(self) -> list[Table]:
        """Own prompts by system, faults, and what nobody minds."""
        place = f"{self.found['faults']['clips']} of the clips"
        tables = [fallen(self.found["faults"], place), moved(self.found["invariance"], place)]
        own = self.found["own_prompt"]
        return tables if own["share"] is None else [_by_system(own), *tables]

    @property
    def responses(self) -> list[Plot]:
        """How predicted quality moves as each fault grows."""
        curves = DataFrame(self.found["faults"]["curves"])
        return responses(curves, f"{self.found['faults']['clips']} of the clips")

    @property
    def clips(self) -> Table:
        """Each clip's answer, or why there is none."""
        rows = [
            [
                *(verbatim(clip[name] or "") for name in ("id", "system", "prompt")),
                *(number(clip[name], 2) for name in ("omq", "ta", "own_prompt")),
                verbatim(clip["error"] or ""),
            ]
            for clip in self.found["clips"]
        ]
        heads = ["clip", "system", "prompt", "OMQ", "TA", "own prompt preferred", "error"]
        return Table("Clip by clip", heads, rows, tall=True)


def to_html(probed: Probed) -> bytes:
    """Return a page that needs no other file."""
    from whisq.show.html import filled

    return filled("probe", probed=probed).encode()


def to_csv(probed: Probed) -> bytes:
    """Return one row a clip, in the list's order."""
    return DataFrame(probed.found["clips"]).to_csv(index=False, lineterminator="\n").encode()


WRITERS = {".html": to_html, ".csv": to_csv}


def _own_prompt(own: dict[str, Any]) -> str:
    if own["share"] is None:
        return f"Own prompt: not asked, {own['undefined']}."
    ends, chance = own["interval"], ""
    if ends is not None:
        told = ends[0] > 0.5 or ends[1] < 0.5
        chance = f", 95% interval {ends[0]:.0%} to {ends[1]:.0%}"
        chance += "" if told else ": not told from chance"
    return (
        f"Own prompt: TA prefers it to another clip's in {own['share']:.0%} of "
        f"{own['comparisons']} comparisons (deaf: 50%{chance})."
    )


def _by_system(own: dict[str, Any]) -> Table:
    parts = {ALL: own} | own["by_system"]
    rows = [
        [
            word(name, strong=part is own),
            number(part["share"], 2, strong=part is own),
            span(part["interval"]),
            *(number(part[count], 0) for count in ("clips", "prompts", "comparisons")),
        ]
        for name, part in parts.items()
    ]
    return Table(
        "How often TA prefers a clip's own prompt to another clip's",
        ["system", "share", "95%", "clips", "prompts", "comparisons"],
        rows,
        "0.5 is chance. The interval draws prompts: how far the share would move with others.",
    )
