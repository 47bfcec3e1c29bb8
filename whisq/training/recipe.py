"""From rated clips and their cached sequences to a trained network, by one set of choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from whisq.devices import AUTO, resolve
from whisq.losses.objective import Objective
from whisq.model.architecture import Architecture
from whisq.model.architectures import build
from whisq.model.config import Config
from whisq.training.checkpoints import Checkpoint, key_of
from whisq.training.data import Data
from whisq.training.dataset import make_loader
from whisq.training.history import History
from whisq.training.loop import train
from whisq.training.measuring import inputs
from whisq.training.mismatches import Mismatches
from whisq.training.schedule import Schedule


@dataclass(frozen=True)
class Recipe:
    """Every choice that makes a trained network of given data.

    Attributes:
        model: `Config`'s fields, without dimensions and encoder specs, which the data bring.
        objective: What is minimised.
        schedule: How long and how fast.
        batch_size: Clips a step.
        device: Where to compute, as `whisq.devices` names it.
    """

    model: Mapping[str, Any]
    objective: Objective
    schedule: Schedule
    batch_size: int
    device: str = AUTO

    @classmethod
    def of(
        cls, model: Mapping[str, Any], loss: Mapping[str, Any], train: Mapping[str, Any], seed: int
    ) -> Recipe:
        """Read a recipe from the sections of params.yaml.

        Args:
            model: Fields of `Config`.
            loss: Fields of `Objective`.
            train: Fields of `Schedule`, `batch_size` and `device`; others are not the recipe's.
            seed: Of weights, dropout and order.

        Returns:
            The recipe.
        """
        known = {key: train[key] for key in Schedule.__dataclass_fields__ if key in train}
        schedule = Schedule(**known, seed=seed)
        device = train.get("device", AUTO)
        return cls(dict(model), Objective(**loss), schedule, train["batch_size"], device)

    def config(self, data: Data) -> Config:
        """Complete the network's config by what the data bring.

        Args:
            data: Sequences, whose manifests say what made them.

        Returns:
            The config.
        """
        return Config(
            audio_dim=data.audio.dim,
            text_dim=data.text.dim,
            audio=dict(data.audio.manifest["spec"]) | {"layers": list(data.audio.layers)},
            text=dict(data.text.manifest["spec"]),
            preprocessing={
                "audio": data.audio.manifest["preprocessing"],
                "text": data.text.manifest["preprocessing"],
            },
            **self.model,
        )

    def fit(
        self,
        data: Data,
        *,
        checkpoints: Path | None = None,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
        progress: bool = True,
    ) -> tuple[Architecture, History]:
        """Train a network from scratch, or go on where the same training was interrupted.

        Args:
            data: Rated clips and their sequences.
            checkpoints: Folder of unfinished trainings; None keeps none.
            on_epoch: Told each epoch's record.
            progress: Whether to show a bar.

        Returns:
            The network with its best epoch's weights, on the recipe's device, and the history.
        """
        device = resolve(self.device)
        config, seed = self.config(data), self.schedule.seed
        torch.manual_seed(seed)
        model = build(config)
        dataset = data.dataset("train")
        first = make_loader(dataset, self.batch_size, shuffle=True, seed=seed)
        model.fit_scaling(inputs(batch) for batch in first)
        model.to(device)
        loader = make_loader(dataset, self.batch_size, shuffle=True, seed=seed, device=device)
        dev = make_loader(data.dataset("dev"), self.batch_size, device=device)

        def batches(epoch: int) -> Any:
            loader.batch_sampler.set_epoch(epoch)
            return loader

        near, wanted = self.objective.mismatch_near, self.objective.needs_mismatches
        checkpoint = Checkpoint(checkpoints, self.key(config, data)) if checkpoints else None
        history = train(
            model,
            self.objective,
            batches,
            dev,
            self.schedule,
            mismatches=Mismatches(dataset, near) if wanted else None,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            progress=progress,
        )
        if checkpoint:
            checkpoint.remove()
        return model, history

    def key(self, config: Config, data: Data) -> str:
        """Name this training of this data.

        Args:
            config: The complete config.
            data: What is learnt from.

        Returns:
            A hash of choices, code, tables and embeddings; not of the device, so that a training
            may go on elsewhere.
        """
        made_of = {
            "config": asdict(config),
            "objective": asdict(self.objective),
            "schedule": asdict(self.schedule),
            "batch_size": self.batch_size,
            "clips": data.clips.to_csv(),
            "ratings": data.ratings.to_csv(),
            "embeddings": [data.audio.manifest, data.text.manifest],
        }
        return key_of(made_of)
