"""Every architecture by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whisq.model.architecture import Architecture, read_config
from whisq.model.config import Config
from whisq.model.peers import Astar, ChallengeBaseline, ChallengeBaselineReLU, MuqEval
from whisq.model.whisq import WhisQ

ARCHITECTURES: dict[str, type[Architecture]] = {
    "whisq": WhisQ,
    "challenge_baseline": ChallengeBaseline,
    "challenge_baseline_relu": ChallengeBaselineReLU,
    "astar": Astar,
    "muq_eval": MuqEval,
}


def build(config: Config) -> Architecture:
    """Make a new network; seed torch first for the same weights again.

    Args:
        config: The network's choices.

    Returns:
        The network, not trained.

    Raises:
        ValueError: No architecture has the config's name.
    """
    if config.architecture not in ARCHITECTURES:
        raise ValueError(
            f"architecture must be one of {', '.join(ARCHITECTURES)}, given {config.architecture!r}"
        )
    return ARCHITECTURES[config.architecture](config)


def load(where: str | Path, **hub: Any) -> Architecture:
    """Read a trained network, whichever architecture it is.

    Args:
        where: A folder with config.json and model.safetensors, or a hub id.
        **hub: The hub's options, such as revision.

    Returns:
        The network, ready to rate.
    """
    config = read_config(where, **hub)
    return type(build(config)).from_pretrained(where, **hub)
