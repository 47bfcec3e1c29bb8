"""The values of params.yaml, read strictly: one class a section, named as its stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Discriminator, Field, Tag

from whisq.corpus.fetch import Source
from whisq.corpus.rated_table import RatedTable
from whisq.corpus.splits import Protocol, Split
from whisq.devices import BatchSize
from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextSpec
from whisq.losses import Objective
from whisq.model.variants import Model
from whisq.rendered.takes import Rendered
from whisq.section import Device, Positive, Section, Workers, told
from whisq.training.loop import Schedule
from whisq.trials.pool import Curves

Changes = dict[str, Any]  # values by dotted name
# Trainings beside the pipeline's own run, which log themselves.
BESIDES = ("trials", "search", "curves", "recipes", "paper_table", "ablations")
TRAINED = ("model", "loss", "train")  # sections of which a training on what is embedded is made
SEEDS = "trials.seeds"  # a variant may be trained more often and under more protocols
SHOWN = 3  # changed values that are spelt out where there is little room


class Corpus(Section):
    """Which rated clips the pipeline works on."""

    name: Literal["rendered", "musiceval", "table"] = "rendered"
    rendered: Rendered = Rendered()
    musiceval: Source = Source()
    table: RatedTable = RatedTable()


class EmbedAudio(AudioSpec):
    """What is kept of the frozen audio encoder, and how it is run."""

    device: Device = "auto"
    batch_size: BatchSize = "auto"
    workers: Workers = "auto"
    engine: Literal["local", "ray"] = "local"


class EmbedText(TextSpec):
    """What is kept of the frozen text encoder, and how it is run."""

    device: Device = "auto"
    batch_size: BatchSize = "auto"


class Trials(Section):
    """What the variants of `ablations` may read, how often each is trained, and on what splits."""

    audio_layers: Annotated[list[int], Field(min_length=1)] = Field([2, 3, 6])
    seeds: dict[Protocol, Positive] = Field({"systems_and_prompts": 5})
    folds: Annotated[int, Field(ge=3)] = 5
    workers: Workers = "auto"


class Range(Section):
    """Numbers between two ends, which are among them: whole ones where both ends are.

    Attributes:
        low: The lower end.
        high: The upper one.
        log: Whether 1 to 10 is drawn as often as 10 to 100.
    """

    low: int | float
    high: int | float
    log: bool = False

    def problems(self) -> list[str]:
        """Return whether the ends make no range."""
        if self.low < self.high and (self.low > 0 or not self.log):
            return []
        return [
            f"low must be below high, and above 0 where log is true, given {self.low}, {self.high}"
        ]


# What a search draws a value from: a list or a range.
Drawn = Annotated[
    Annotated[list[Any], Field(min_length=1), Tag("list")] | Annotated[Range, Tag("range")],
    Discriminator(lambda drawn: "list" if isinstance(drawn, list) else "range"),
]


class Search(Section):
    """What `stages/search.py` draws, by dotted name, how many points, and how they are split."""

    protocol: Protocol
    trials: Positive
    space: Annotated[dict[str, Drawn], Field(min_length=1)]


class Unseen(Section):
    """How the pipeline's model is tried on what it never met: one training a fold and protocol."""

    protocols: list[Literal["systems", "prompts", "systems_and_prompts"]] = Field(
        ["systems", "prompts", "systems_and_prompts"]
    )
    folds: Annotated[int, Field(ge=3)] = 5
    workers: Workers = "auto"


class Evaluate(Section):
    """How the model is judged: draws for the intervals, and the clips that the probes alter."""

    resamples: Positive = 1000
    seed: Annotated[int, Field(ge=0)] = 0
    probe_clips: Annotated[int, Field(ge=2)] = 4
    probe_prompts: Positive = 8


class PaperTable(Section):
    """The networks of the paper's table: changes to its recipe, and trainings of each."""

    seeds: Positive
    networks: dict[str, Changes]


class Named(Section):
    """A set of changes to the sections above it, and why it is there, in a line."""

    why: Annotated[str, Field(min_length=1)]
    changes: Changes


class Params(Section):
    """All of params.yaml."""

    seed: int
    corpus: Corpus
    split: Split
    embed_audio: EmbedAudio
    embed_text: EmbedText
    model: Model
    loss: Objective
    train: Schedule
    unseen: Unseen
    evaluate: Evaluate
    trials: Trials
    search: Search
    curves: Curves
    recipes: dict[str, Named]
    paper_table: PaperTable
    ablations: dict[str, Named]

    @property
    def named(self) -> dict[str, Changes]:
        """The changes of all recipes and variants, by name."""
        return {name: one.changes for name, one in {**self.recipes, **self.ablations}.items()}

    def problems(self) -> list[str]:
        """Return which names are both a recipe's and a variant's."""
        twice = sorted(set(self.recipes) & set(self.ablations))
        return [f"{name} is a recipe and an ablation: rename one" for name in twice]


def load(path: str | Path = "params.yaml", overrides: Changes | None = None) -> Params:
    """Return the values of the YAML file, some replaced by dotted name, checked.

    Raises:
        ValueError: A key is unknown or missing or a value is of the wrong type or range, in the
            values or in a recipe, a network of the paper's table or an ablation; all of them are
            named in the one message.
    """
    values = _read(path)
    params = Params.read(_changed(values, overrides or {}), str(path))
    kinds = {"recipes": params.recipes, "ablations": params.ablations}
    sets = [(f"{kind}.{name}", one.changes) for kind in kinds for name, one in kinds[kind].items()]
    networks = params.paper_table.networks
    sets += [(f"paper_table.networks.{name}", changes) for name, changes in networks.items()]
    if problems := _problems(values, sets):
        raise ValueError(told(path, problems))
    return params


def load_search(path: str | Path = "params.yaml") -> Params:
    """Return the values of the YAML file, all that its search may draw being sound.

    Raises:
        ValueError: As `load` has it; or the space names what no training is made of, or may draw a
            value that is wrong beside the file's own: one of a list, or the end of a range. All of
            them are named in the one message.
    """
    params = load(path)
    space = params.search.space.items()
    others = [name for name, _ in space if name.split(".")[0] not in TRAINED]
    problems = [f"search.space: {name} is none of {', '.join(TRAINED)}" for name in others]
    ends = ((name, d if isinstance(d, list) else [d.low, d.high]) for name, d in space)
    sets = [("search.space", {name: value}) for name, values in ends for value in values]
    problems += _problems(_read(path), [one for one in sets if not set(one[1]) & set(others)])
    if problems:
        raise ValueError(told(path, problems))
    return params


def changes_of(name: str, path: str | Path = "params.yaml") -> Changes:
    """Return what a recipe or variant changes.

    Raises:
        ValueError: There is none of that name, or params.yaml is wrong.
    """
    named = load(path).named
    if name not in named:
        raise ValueError(f"a recipe or variant must be one of {', '.join(named)}, given {name!r}")
    return dict(named[name])


def is_trained(changes: Changes) -> bool:
    """Return whether the table of variants trains these changes: others change what is embedded."""
    return all(name.split(".")[0] in TRAINED or name == SEEDS for name in changes)


def pipeline(params: Params) -> Changes:
    """Return the values that the pipeline's own run is made of, by dotted name."""
    return flatten(params.model_dump(exclude=set(BESIDES)))


def described(
    values: Changes, defaults: Changes, named: Mapping[str, Changes]
) -> tuple[str, Changes, Changes]:
    """Tell which values differ, and which named set of changes makes them do so.

    Args:
        values: By dotted name.
        defaults: What they are held against.
        named: Sets of changes, such as the recipes and variants of params.yaml.

    Returns:
        The set that makes most of the changes, none of its own put back, or `default`; every
        value that differs; and those of them that the set leaves or makes otherwise.
    """
    changes = {name: value for name, value in values.items() if value != defaults.get(name)}
    variant, made = "default", {}
    for name, changed in named.items():
        own = {key: value for key, value in changed.items() if value != defaults.get(key, value)}
        makes = {key: value for key, value in own.items() if values.get(key) == value}
        left = len(changes) - len(makes)  # a set that leaves most of it untold says little
        if own.keys() <= changes.keys() and max(len(made), left) < len(makes):
            variant, made = name, makes
    return variant, changes, {name: changes[name] for name in changes if name not in made}


def defaults() -> Changes:
    """Return what the code itself chooses for the pipeline's own run, by dotted name."""
    kinds = {name: field.annotation for name, field in Params.model_fields.items()}
    sections = {
        name: kind().model_dump() if issubclass(kind, Section) else kind()
        for name, kind in kinds.items()
        if name not in BESIDES
    }
    return flatten(sections)


def in_words(variant: str, changes: Changes, besides: Changes) -> list[str]:
    """Put what `described` found into few words.

    Returns:
        Such as `ot_weight=0`; many changes go by the name of the set that makes them.
    """
    few = len(changes) <= SHOWN
    words = [
        f"{name.rsplit('.', 1)[-1]}={value:g}"
        if isinstance(value, float)
        else f"{name.rsplit('.', 1)[-1]}={str(value).rsplit('/', 1)[-1]}"
        for name, value in (changes if few else besides).items()
    ]
    if len(words) > SHOWN:
        words = [*words[:SHOWN], f"{len(words) - SHOWN} more"]
    return words if few and words else [variant, *words]


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by their dotted path, `{"loss.ot_weight": 0.1}`, as MLflow has them."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _read(path: str | Path) -> Changes:
    return yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}


def _problems(values: Changes, sets: Iterable[tuple[str, Changes]]) -> list[str]:
    # What is wrong with changes to the values, behind the place where they stand.
    return [
        f"{place}: {problem}"
        for place, changes in sets
        for problem in Params.wrong(_changed(values, changes))
    ]


def _changed(values: Changes, changes: Changes) -> Changes:
    values = deepcopy(values)
    for name, value in changes.items():
        *path, last = name.split(".")
        section = values
        for key in path:
            if not isinstance(section.get(key), dict):
                section[key] = {}
            section = section[key]
        section[last] = value
    return values
