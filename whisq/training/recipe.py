"""From rated clips and their cached sequences to a trained network, by one set of choices."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pandas import DataFrame

from whisq.corpus.card import read_card
from whisq.devices import resolve
from whisq.evaluation.metrics import AXES
from whisq.files import digest_of, in_project
from whisq.losses import Objective
from whisq.model.build import build, load
from whisq.model.card import fingerprint
from whisq.model.network import Network
from whisq.model.variants import Model, ModelConfig
from whisq.training import ridge
from whisq.training.data import ClipDataset, Data, Mismatches, Rewordings, make_loader
from whisq.training.history import Checkpoint, History
from whisq.training.loop import Schedule, train
from whisq.training.pairs import Words, make_pair_loader, read_words

CODE = ("losses.py", "model/*.py", "training/*.py")  # what makes a trained network


@dataclass(frozen=True)
class Recipe:
    """Every choice that makes a trained network of given data."""

    model: Model
    loss: Objective
    train: Schedule
    seed: int = 0  # of weights, dropout and order

    def fit(
        self,
        data: Data,
        *,
        checkpoints: Path | None = None,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
        progress: bool = True,
    ) -> tuple[Network, History]:
        """Train a network, or go on where the same training was interrupted.

        Args:
            data: Rated clips and their sequences.
            checkpoints: Folder of unfinished trainings; None keeps none.
            on_epoch: Told each epoch's record.
            progress: Whether to show a bar.

        Returns:
            The network with its best epoch's weights, on the recipe's device, and the history.
            With `train.start_from` those are the weights that it started from where no epoch was
            better on dev. A model that does not fit these choices and encoders is a `ValueError`.
        """
        device, size, seed = resolve(self.train.device), self.train.batch_size, self.seed
        config = self.config(data)
        torch.manual_seed(seed)
        model = build(config)
        dataset = data.dataset("train")
        first = make_loader(dataset, size, shuffle=True, seed=seed)
        if base := self._base(config):
            model.load_state_dict(base.state_dict())  # with its scaling
        else:
            model.fit_scaling(batch.inputs for batch in first)
            if model.ridge is not None and self.loss.of_ratings:
                ridge.fit(model.ridge, dataset, model.audio_input.places)
        model.to(device)
        dev, words, judges = data.dataset("dev"), self._words(data), None
        if words is None:
            loader = make_loader(dataset, size, shuffle=True, seed=seed, device=device)
        else:
            own = Words(words, dataset.ids)
            loader = make_pair_loader(dataset, own, size, seed, device)
            judges = self._judges(words, dev)

        def batches(epoch: int) -> Any:
            loader.batch_sampler.epoch = epoch
            return loader

        checkpoint = Checkpoint(checkpoints, self.key(config, data)) if checkpoints else None
        history = train(
            model,
            self.loss,
            batches,
            make_loader(dev, size, device=device),
            self.train,
            seed=seed,
            mismatches=self._mismatches(dataset, data),
            words=judges,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            progress=progress,
        )
        if checkpoint:
            checkpoint.remove()
        return model, history

    def _mismatches(self, dataset: ClipDataset, data: Data) -> Mismatches | None:
        if self.train.rewordings:
            return Rewordings(dataset, data.rewordings())
        if self.loss.against_others:
            return Mismatches(dataset, by_clip=self.loss.contrast_weight > 0)
        return None

    def _words(self, data: Data) -> DataFrame | None:
        return read_words(data, self.train.pairs) if self.loss.preference_weight else None

    def _judges(self, words: DataFrame, dev: ClipDataset) -> Words | None:
        # What is learnt from ratings is judged by ratings.
        if self.loss.of_ratings and not np.isnan(dev.ratings).all():
            return None
        judges = Words(words, dev.ids)
        if not judges.axes():
            raise ValueError(
                "the best epoch is chosen by preferences between clips of split 'dev', and there "
                "are none; hold whole prompts out (split.protocol=prompts)"
            )
        return judges

    def _taught(self, data: Data) -> dict[str, str]:
        # Axes that nothing, or preferences alone, say something of: what a score is worth.
        learnt = data.ratings[data.ratings["split"] == "train"]
        words = self._words(data)
        by_pairs = [] if words is None else Words(words, list(learnt["id"])).axes()
        by_ratings = [axis for axis in AXES if learnt[axis].notna().any()]
        if by_pairs and not self.loss.of_ratings:
            by_ratings = []
        unrated = [axis for axis in AXES if axis not in by_ratings + by_pairs]
        compared = [axis for axis in by_pairs if axis not in by_ratings]
        found = {"unrated": " ".join(unrated), "compared": " ".join(compared)}
        return {key: axes for key, axes in found.items() if axes}

    def config(self, data: Data) -> ModelConfig:
        """Return the network's config, completed by what the data bring.

        Encoders of the hub are named by their commits: a branch moves.
        """
        audio, text = data.audio.manifest, data.text.manifest
        card = read_card(data.folder / "raw")
        return ModelConfig(
            audio_dim=data.audio.dim,
            text_dim=data.text.dim,
            audio=_pinned(audio, data.audio.layers),
            text=_at(text["spec"], text.get("commit")),
            weights={"audio": audio["weights"], "text": text["weights"]},
            preprocessing={"audio": audio["preprocessing"], "text": text["preprocessing"]},
            corpus={key: card[key] for key in ("name", "licence", "commit") if key in card}
            | self._taught(data),
            **self.model.model_dump(),
        )

    def _base(self, config: ModelConfig) -> Network | None:
        # The model to start from, if one is named.
        named = self.train.start_from
        if named is None:
            return None
        folder = in_project(named)
        if folder is None:
            raise ValueError(f"train.start_from must exist, but there is no {named}")
        base = load(folder)
        ours, theirs = config.model_dump(mode="json"), base.config.model_dump(mode="json")
        others = [name for name in ours if name != "corpus" and ours[name] != theirs.get(name)]
        if others:
            told = ", ".join(f"{name} {theirs.get(name)!r:.60}" for name in others)
            raise ValueError(
                f"train.start_from must have this training's choices and encoders, but {named} has "
                f"{told}: set them alike, or start from scratch"
            )
        return base

    def key(self, config: ModelConfig, data: Data) -> str:
        """Return a hash of choices, code, tables and embeddings, so that no other training goes on.

        The device is no part of it: a training may go on elsewhere.
        """
        package = Path(__file__).parents[1]
        files = [path for name in CODE for path in sorted(package.glob(name))]
        code = (part for path in files for part in (path.name, path.read_bytes()))
        made_of = {
            "config": config.model_dump(mode="json"),
            "loss": self.loss.model_dump(),
            "train": self.train.model_dump(exclude={"device"}),
            "seed": self.seed,
            "base": fingerprint(in_project(named)) if (named := self.train.start_from) else None,
            "clips": data.clips.to_csv(),
            "ratings": data.ratings.to_csv(),
            "words": None if (words := self._words(data)) is None else words.to_csv(),
            "embeddings": [data.audio.manifest, data.text.manifest],
        }
        return digest_of(json.dumps(made_of, sort_keys=True), *code)[:16]


def _pinned(manifest: dict[str, Any], layers: Sequence[int]) -> dict[str, Any]:
    # The audio encoders' spec with those layers alone, each encoder named by its commit.
    spec = _at(manifest["spec"], manifest.get("commit")) | {"layers": list(layers)}
    if "beside" not in spec:
        return spec
    places = [manifest["layers"].index(layer) for layer in layers]
    commits = manifest.get("commits_beside", [None] * len(spec["beside"]))
    beside = [
        _at(own, commit) | {"layers": _picked(own["layers"], places)}
        for own, commit in zip(spec["beside"], commits, strict=True)
    ]
    return spec | {"beside": beside}


def _picked(layers: list[int], places: list[int]) -> list[int]:
    return layers if len(layers) == 1 else [layers[place] for place in places]


def _at(spec: dict[str, Any], commit: str | None) -> dict[str, Any]:
    return spec | ({"revision": commit} if commit else {})
