"""The values of params.yaml, read strictly: one class a section, named as its stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from whisq.losses.objective import Objective
from whisq.model.build import Model
from whisq.section import Positive, Section
from whisq.training.schedule import Schedule


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
    """Where MusicEval comes from: folder, zip, https address or hub file, and its SHA-256."""

    source: str | None
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
    pool: Positive
    dtype: Literal["float32", "bfloat16"]
    batch_size: Positive
    workers: Positive
    engine: Literal["local", "ray"]


class EmbedText(Section):
    """The frozen text encoder and what is kept of it."""

    model: str
    revision: str | None
    layer: int
    template: str
    dtype: Literal["float32", "bfloat16"]
    batch_size: Positive


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
    evaluate: Evaluate
    trials: Trials
    ablations: dict[str, dict[str, Any]]


def load(path: str | Path = "params.yaml", overrides: dict[str, Any] | None = None) -> Params:
    """Read and check all of params.yaml.

    Args:
        path: The YAML file.
        overrides: Values by dotted name (`loss.ot_weight`) that replace the file's.

    Returns:
        The checked values.
    """
    values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    for name, value in (overrides or {}).items():
        _replace(values, name.split("."), value)
    return Params.read(values, str(path))


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


def _replace(values: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value
