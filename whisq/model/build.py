"""Every network by name, and a trained one read back."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file

from whisq.model import card
from whisq.model.network import Network
from whisq.model.peers import Astar, ChallengeBaseline, ChallengeBaselineReLU, MuqEval
from whisq.model.variants import ModelConfig, Variant
from whisq.model.whisq import WhisQ

ARCHITECTURES: dict[str, type[Network]] = {
    "whisq": WhisQ,
    "challenge_baseline": ChallengeBaseline,
    "challenge_baseline_relu": ChallengeBaselineReLU,
    "astar": Astar,
    "muq_eval": MuqEval,
}


def build(config: ModelConfig) -> Network:
    """Make a new network, not trained; seed torch first for the same weights again."""
    if config.architecture == "whisq" and config.extends:
        return Variant(config)
    return ARCHITECTURES[config.architecture](config)


def load(where: str | Path, **hub: Any) -> Network:
    """Read a trained network, ready to rate.

    Args:
        where: A folder with config.json and model.safetensors, or a hub id.
        **hub: `hf_hub_download`'s options, such as revision.
    """
    network = build(read_config(where, **hub))
    file = _find(where, "model.safetensors", **hub)
    network.load_state_dict(load_file(file), strict=True)
    if not Path(where).is_dir():
        with suppress(EntryNotFoundError):  # most models have no card
            hf_hub_download(str(where), card.CARD, **hub)
    folder = file.parent
    network.judged = card.read(folder, folder.parent, model=card.fingerprint(folder))
    return network.eval()


def read_config(where: str | Path, **hub: Any) -> ModelConfig:
    """Read and check a saved model's config; arguments as those of `load`.

    Raises:
        ValueError: It is not one of this version's.
    """
    values = json.loads(_find(where, "config.json", **hub).read_text(encoding="utf-8"))
    try:
        return ModelConfig.read(values, f"config.json of {where}")
    except ValueError as error:
        problems = " ".join(str(error).split())
        raise ValueError(f"{problems}; another version of whisq wrote it") from None


def _find(where: str | Path, name: str, **hub: Any) -> Path:
    folder = Path(where)
    if not folder.is_dir():
        return Path(hf_hub_download(str(where), name, **hub))
    if not (folder / name).is_file():
        raise ValueError(
            f"A model's folder must hold {name}; {folder} does not. Give the folder that "
            "`train` wrote (data/model)"
        )
    return folder / name
