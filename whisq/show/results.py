"""A judged split as tables and a plot: the model between floors and ceilings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whisq.evaluation.metrics import AXES
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
        """Pick a split.

        Args:
            evaluate: What `judge.judge` found.
            split: One of its splits.

        Returns:
            The split, labelled with corpus, split and protocol.
        """
        place = f"{evaluate['corpus']}, {split}, {evaluate['protocol']} split"
        return cls(evaluate[split], place)

    @property
    def standings(self) -> Table:
        """The SRCC of floors, model (in bold, its interval below) and ceilings, as a table."""
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
        """What is left when the system or the prompt is known, as a table."""
        asked = (("system", "srcc"), ("prompt", "srcc"), ("pairs", "agreement"))
        rows = [
            [word(name, name == "model")]
            + [
                number(scores[group].get(axis, {}).get(key), strong=name == "model")
                for axis in AXES
                for group, key in asked
            ]
            for name, scores in self.found["within"].items()
        ]
        kinds = ("within systems", "within prompts", "pairs")
        heads = ["who", *(f"{axis.upper()} {kind}" for axis in AXES for kind in kinds)]
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
        from pandas import DataFrame

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
        return [self._standing(axis) for axis in AXES]

    def _standing(self, axis: str) -> Plot:
        table, names = self.standing_rows, list(self._everyone)

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

        caption = f"{NAMES[axis]}: SRCC of floors, model and ceilings ({self.place})."
        return Plot(f"standing-{axis}", caption, draw, height=1.3 + LINE * len(names))

    @property
    def _everyone(self) -> dict[str, Any]:
        return {**self.found["floors"], "model": self.found, **self.found["ceilings"]}


def _parties(kind: str, parties: dict[str, Any]) -> list[list[Cell]]:
    return [_srccs(f"{kind}: {WHO.get(name, name)}", scores) for name, scores in parties.items()]


def _srccs(who: str, scores: dict[str, Any], strong: bool = False) -> list[Cell]:
    values = [_at(scores, level, axis).get("srcc") for level, axis in PLACES]
    return [word(who, strong), *(number(value, strong=strong) for value in values)]


def _at(scores: dict[str, Any], level: str, axis: str) -> dict[str, Any]:
    return (scores.get(level) or {}).get(axis) or {}
