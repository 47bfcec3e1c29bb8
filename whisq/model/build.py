"""Every network by name, and a trained one read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from whisq.model.network import Network, find, read_weights
from whisq.model.peers import Astar, ChallengeBaseline, ChallengeBaselineReLU, MuqEval
from whisq.model.variants import Extension, Variant
from whisq.model.whisq import Config, WhisQ

ARCHITECTURES: dict[str, type[Network]] = {
    "whisq": WhisQ,
    "challenge_baseline": ChallengeBaseline,
    "challenge_baseline_relu": ChallengeBaselineReLU,
    "astar": Astar,
    "muq_eval": MuqEval,
}


class Model(Extension):
    """The section `model` of params.yaml.

    Attributes:
        architecture: The paper's network, with what `Extension` changes of it, or a peer, which
            takes what it needs of the choices.
    """

    architecture: Literal[
        "whisq", "challenge_baseline", "challenge_baseline_relu", "astar", "muq_eval"
    ] = "whisq"


class ModelConfig(Model, Config):
    """What config.json holds: the section, and what the data bring."""


def build(config: ModelConfig) -> Network:
    """Make a new network; seed torch first for the same weights again.

    Args:
        config: The network's choices.

    Returns:
        The network, not trained.
    """
    if config.architecture == "whisq" and config.extends:
        return Variant(config)
    return ARCHITECTURES[config.architecture](config)


def load(where: str | Path, **hub: Any) -> Network:
    """Read a trained network, whichever it is.

    Args:
        where: A folder with config.json and model.safetensors, or a hub id.
        **hub: The hub's options, such as revision.

    Returns:
        The network, ready to rate.
    """
    return read_weights(build(read_config(where, **hub)), where, **hub)


def read_config(where: str | Path, **hub: Any) -> ModelConfig:
    """Read a saved model's config.

    Args:
        where: A folder or a hub id.
        **hub: The hub's options.

    Returns:
        The checked config.

    Raises:
        ValueError: It is not one of this version's.
    """
    values = json.loads(find(where, "config.json", **hub).read_text(encoding="utf-8"))
    try:
        return ModelConfig.read(values, f"config.json of {where}")
    except ValueError as error:
        problems = " ".join(str(error).split())
        raise ValueError(f"{problems}; another version of whisq wrote it") from None
