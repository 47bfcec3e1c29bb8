"""The values of params.yaml, read strictly: one class a section, named as its stage."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from whisq.devices import NAMES

Positive = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]
Device = Annotated[str, Field(pattern=NAMES)]  # `whisq.devices` says what each means
BatchSize = Positive | Literal["auto"]  # auto: 1 on a CPU, 16 on a GPU
Precision = Literal["float32", "bfloat16"]
Changes = dict[str, Any]  # values by dotted name

# Trainings beside the pipeline's own, which log themselves.
BESIDES = ("trials", "recipes", "paper_table", "ablations")


class Section(BaseModel):
    """A part of params.yaml: unknown keys, missing keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Rendered(Section):
    """The embedded corpus: its size and seed.

    `demo_systems` of the `systems` answer prompts of their own, `demo_clips` in all; the others
    answer the `prompts` that they share.
    """

    systems: Annotated[int, Field(ge=4)]
    demo_systems: Annotated[int, Field(ge=0)]
    prompts: Annotated[int, Field(ge=4)]
    demo_clips: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0)]


class MusicEval(Section):
    """Where MusicEval comes from: folder, zip, https address or hub file, and its SHA-256.

    Without a source it is the hub's own file, BAAI/MusicEval, at `revision`.
    """

    source: str | None
    revision: str
    sha256: str | None


class Corpus(Section):
    """Which rated clips the pipeline works on."""

    name: Literal["rendered", "musiceval"]
    rendered: Rendered
    musiceval: MusicEval


class Split(Section):
    """How clips are divided into train, dev and test."""

    protocol: Literal["official", "systems", "prompts", "systems_and_prompts"]
    folds: Annotated[int, Field(ge=3)]
    fold: Annotated[int, Field(ge=0)]
    seed: int


class EmbedAudio(Section):
    """The frozen audio encoder and what is kept of it."""

    model: str
    revision: str | None
    layers: list[int]
    window: Literal["padded", "clip"] | float
    past_window: Literal["first"]
    pool: Positive
    dtype: Precision
    device: Device
    batch_size: BatchSize
    workers: Positive
    engine: Literal["local", "ray"]


class EmbedText(Section):
    """The frozen text encoder and what is kept of it."""

    model: str
    revision: str | None
    layer: int
    template: str
    dtype: Precision
    device: Device
    batch_size: BatchSize


class Model(Section):
    """The trainable network; `whisq.model.config.Config` says what each choice means."""

    architecture: str
    audio_layers: Annotated[list[int], Field(min_length=1)]
    layer_mixing: Literal["softmax", "concat"]
    alignment_layers: list[int]
    audio_pool: Positive
    audio_scaling: Literal["none", "standard", "whiten"]
    text_scaling: Literal["none", "standard", "whiten"]
    text_sequence: Literal["tokens", "mean"]
    width: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    input_dropout: Annotated[float, Field(ge=0, lt=1)]
    frame_dropout: Annotated[float, Field(ge=0, lt=1)]
    quality_projection: Literal["shared", "own"]
    positions: Literal["none", "audio", "text", "both"]
    position_unit: Literal["steps", "share"]
    coattention: Literal["none", "audio_to_text", "text_to_audio", "both"]
    heads: Positive
    layers: Positive
    residual: bool
    segments: Annotated[int, Field(ge=0)]
    quality_pooling: Literal["mean", "max", "attention", "mean_std"]
    alignment_pooling: Literal["mean", "max", "attention", "mean_std"]
    interaction: Literal["none", "product"]
    bilinear: bool
    hidden: Positive
    bins: Annotated[int, Field(ge=0)]
    output_range: Literal["free", "sigmoid"]


class Loss(Section):
    """One weight a loss term (zero leaves it out) and the terms' settings.

    `whisq.losses.objective.Objective` says what each means.
    """

    mse_weight: Weight
    mae_weight: Weight
    huber_weight: Weight
    soft_label_weight: Weight
    rater_weight: Weight
    ranking_weight: Weight
    mismatch_weight: Weight
    ot_weight: Weight
    ot_form: Literal["plain", "rated", "ranked"]
    ot_cost: Literal["cosine", "squared"]
    ot_epsilon: Above0
    ot_iterations: Positive
    ot_tolerance: Above0
    mismatch_near: Annotated[float, Field(ge=0, le=1)]
    mismatch_margin: Above0
    huber_delta: Above0
    soft_label_sigma: Above0


class Train(Section):
    """The optimiser and its schedule; `whisq.training.schedule.Schedule` says what each means."""

    epochs: Positive
    patience: Positive
    batch_size: Positive
    learning_rate: Above0
    weight_decay: Weight
    gradient_clip: Above0
    warmup: Weight
    decay: Literal["constant", "cosine"]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    threads: Positive
    device: Device
    precision: Precision


class Trials(Section):
    """What the variants of `ablations` may read, how often each is trained, and on what splits."""

    audio_layers: Annotated[list[int], Field(min_length=1)]
    seeds: dict[Literal["official", "systems", "prompts", "systems_and_prompts"], Positive]
    folds: Annotated[int, Field(ge=3)]
    workers: Positive


class Evaluate(Section):
    """How the model is judged: draws for the intervals, and the clips that the probes alter."""

    resamples: Positive
    seed: Annotated[int, Field(ge=0)]
    probe_clips: Annotated[int, Field(ge=2)]
    probe_prompts: Positive


class PaperTable(Section):
    """The networks of the paper's table: changes to its recipe, and trainings of each."""

    seeds: Positive
    networks: dict[str, Changes]


class Params(Section):
    """All of params.yaml."""

    seed: int
    corpus: Corpus
    split: Split
    embed_audio: EmbedAudio
    embed_text: EmbedText
    model: Model
    loss: Loss
    train: Train
    evaluate: Evaluate
    trials: Trials
    recipes: dict[str, Changes]
    paper_table: PaperTable
    ablations: dict[str, Changes]


def load(path: str | Path = "params.yaml", overrides: Changes | None = None) -> Params:
    """Read and check all of params.yaml, each named set of changes with it.

    Args:
        path: The YAML file.
        overrides: Values by dotted name (`loss.ot_weight`) that replace the file's.

    Returns:
        The checked values.

    Raises:
        ValueError: A key is unknown or missing or a value is of the wrong type or range, in the
            values or in a recipe, a network of the paper's table or an ablation; all of them are
            named in the one message.
    """
    values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    problems = _problems(values, overrides or {})
    if not problems:
        params = Params.model_validate(_changed(values, overrides or {}))
        problems = [
            f"  {where}: {problem.strip()}"
            for where, changes in _named(params)
            for problem in _problems(values, changes)
        ]
    if problems:
        raise ValueError(f"{path} has {len(problems)} problem(s):\n" + "\n".join(problems))
    return params


def recipe(name: str, path: str | Path = "params.yaml") -> Changes:
    """Take a named configuration of the pipeline.

    Args:
        name: One of `recipes`, such as `paper`.
        path: The YAML file.

    Returns:
        What it changes: values by dotted name.

    Raises:
        ValueError: There is no such recipe, or params.yaml is wrong.
    """
    recipes = load(path).recipes
    if name not in recipes:
        raise ValueError(f"a recipe must be one of {', '.join(recipes)}, given {name!r}")
    return dict(recipes[name])


def pipeline(params: Params) -> Changes:
    """Name the values that the pipeline's own run is made of.

    Args:
        params: All of params.yaml.

    Returns:
        Values by dotted name, without the trainings beside it.
    """
    return flatten(params.model_dump(exclude=set(BESIDES)))


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name nested values by their dotted path, as `-S` and MLflow do.

    Args:
        values: Sections by name, as deep as they go.
        prefix: What every name begins with.

    Returns:
        The same values by name, one level deep: `{"loss.ot_weight": 0.1}`.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _named(params: Params) -> Iterator[tuple[str, Changes]]:
    groups = {
        "recipes": params.recipes,
        "paper_table.networks": params.paper_table.networks,
        "ablations": params.ablations,
    }
    for group, sets in groups.items():
        yield from ((f"{group}.{name}", changes) for name, changes in sets.items())


def _problems(values: Changes, changes: Changes) -> list[str]:
    try:
        Params.model_validate(_changed(values, changes))
    except ValidationError as error:
        return [_problem(item) for item in error.errors()]
    return []


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


def _problem(item: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"  {name}: no such parameter; remove it or mend its spelling"
    if item["type"] == "missing":
        return f"  {name}: missing; add it (whisq/params.py says what it means)"
    return f"  {name}: {item['msg']}, given {item['input']!r}"
