"""From rated clips and their cached sequences to a trained network, by one set of choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from whisq.devices import resolve
from whisq.losses.objective import Objective
from whisq.model.build import Model, ModelConfig, build
from whisq.model.network import Network
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
        model: The network, without what the data bring.
        loss: What is minimised.
        train: How long and how fast, and where.
        seed: Of weights, dropout and order.
    """

    model: Model
    loss: Objective
    train: Schedule
    seed: int = 0

    def config(self, data: Data) -> ModelConfig:
        """Complete the network's config by what the data bring.

        Args:
            data: Sequences, whose manifests say what made them.

        Returns:
            The config.
        """
        return ModelConfig(
            audio_dim=data.audio.dim,
            text_dim=data.text.dim,
            audio=dict(data.audio.manifest["spec"]) | {"layers": list(data.audio.layers)},
            text=dict(data.text.manifest["spec"]),
            preprocessing={
                "audio": data.audio.manifest["preprocessing"],
                "text": data.text.manifest["preprocessing"],
            },
            **self.model.model_dump(),
        )

    def fit(
        self,
        data: Data,
        *,
        checkpoints: Path | None = None,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
        progress: bool = True,
    ) -> tuple[Network, History]:
        """Train a network from scratch, or go on where the same training was interrupted.

        Args:
            data: Rated clips and their sequences.
            checkpoints: Folder of unfinished trainings; None keeps none.
            on_epoch: Told each epoch's record.
            progress: Whether to show a bar.

        Returns:
            The network with its best epoch's weights, on the recipe's device, and the history.
        """
        device = resolve(self.train.device)
        config, size, seed = self.config(data), self.train.batch_size, self.seed
        torch.manual_seed(seed)
        model = build(config)
        dataset = data.dataset("train")
        first = make_loader(dataset, size, shuffle=True, seed=seed)
        model.fit_scaling(inputs(batch) for batch in first)
        model.to(device)
        loader = make_loader(dataset, size, shuffle=True, seed=seed, device=device)
        dev = make_loader(data.dataset("dev"), size, device=device)

        def batches(epoch: int) -> Any:
            loader.batch_sampler.set_epoch(epoch)
            return loader

        checkpoint = Checkpoint(checkpoints, self.key(config, data)) if checkpoints else None
        history = train(
            model,
            self.loss,
            batches,
            dev,
            self.train,
            seed=self.seed,
            mismatches=Mismatches(dataset) if self.loss.mismatch_weight else None,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            progress=progress,
        )
        if checkpoint:
            checkpoint.remove()
        return model, history

    def key(self, config: ModelConfig, data: Data) -> str:
        """Name this training of this data.

        Args:
            config: The complete config.
            data: What is learnt from.

        Returns:
            A hash of choices, code, tables and embeddings; not of the device, so that a training
            may go on elsewhere.
        """
        made_of = {
            "config": config.model_dump(mode="json"),
            "loss": self.loss.model_dump(),
            "train": self.train.model_dump(exclude={"device"}),
            "seed": self.seed,
            "clips": data.clips.to_csv(),
            "ratings": data.ratings.to_csv(),
            "embeddings": [data.audio.manifest, data.text.manifest],
        }
        return key_of(made_of)
