"""Where an interrupted training goes on: safetensors and JSON, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from whisq.files import digest_of, whole

SOURCES = ("model", "losses", "training")


def key_of(made_of: Mapping[str, Any]) -> str:
    """Name a training by all that makes it, so that no other resumes it.

    Args:
        made_of: Every setting and everything learnt from, ready for JSON.

    Returns:
        A hash that also covers the code of model, losses and training.
    """
    package = Path(__file__).parents[1]
    files = [path for name in SOURCES for path in sorted((package / name).rglob("*.py"))]
    code = (part for path in files for part in (path.name, path.read_bytes()))
    return digest_of(json.dumps(made_of, sort_keys=True), *code)[:16]


class Checkpoint:
    """One training's state on disk, replaced as a whole after each epoch."""

    def __init__(self, folder: Path, key: str) -> None:
        """Point at the training's own file.

        Args:
            folder: Where checkpoints lie.
            key: `key_of` all that makes the training.
        """
        self.path = folder / f"{key}.safetensors"

    def save(
        self,
        weights: Mapping[str, Mapping[str, Tensor]],
        optimizer: torch.optim.Optimizer,
        progress: Mapping[str, Any],
    ) -> None:
        """Write everything, then put it in the old one's place.

        Args:
            weights: Sets of weights by name, such as those of now and of the best epoch.
            optimizer: The optimiser.
            progress: What else must be known, ready for JSON.
        """
        tensors = {
            f"weights/{kind}/{name}": value
            for kind, values in weights.items()
            for name, value in values.items()
        }
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{name}": value for name, value in state.items()}
        tensors = {
            name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()
        }
        with whole(self.path) as unfinished:
            save_file(tensors, unfinished, metadata={"progress": json.dumps(progress)})

    def load(
        self, optimizer: torch.optim.Optimizer
    ) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]] | None:
        """Put the optimiser back as it was.

        Args:
            optimizer: Takes the saved state.

        Returns:
            The sets of weights and the progress; None if nothing was saved.
        """
        if not self.path.exists():
            return None
        weights: dict[str, dict[str, Tensor]] = {}
        state: dict[int, dict[str, Tensor]] = {}
        with safe_open(self.path, "pt") as file:
            progress = json.loads(file.metadata()["progress"])
            names = list(file.keys())
            for name in names:
                part, owner, rest = name.split("/", 2)
                into = weights.setdefault(owner, {}) if part == "weights" else None
                into = state.setdefault(int(owner), {}) if into is None else into
                into[rest] = file.get_tensor(name)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
        return weights, progress

    def remove(self) -> None:
        """Forget the training: it has ended."""
        self.path.unlink(missing_ok=True)
