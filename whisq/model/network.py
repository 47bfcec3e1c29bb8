"""What all networks share: they are fitted to the training set's scale, and kept as files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin
from torch import Tensor, nn

from whisq.model import card
from whisq.section import Section

TEMPLATE = """---
{{ card_data }}
---

Rates a text-to-music clip: overall musical quality (OMQ) and textual alignment (TA), 1 to 5.

    import whisq

    whisq.load("<this repository>").score("clip.wav", "the prompt")

`config.json` names the network's choices and the frozen encoders that it reads. After
[WhisQ](https://arxiv.org/abs/2506.05899). A score is worth what the ratings were that it learnt
from.

{{ about }}"""


class Others(NamedTuple):
    """Prompts that a batch's clips are rated against beside their own.

    Attributes:
        text: Token states of each, float32, shape (prompts, tokens, dim), zero where padded.
        text_mask: bool, shape (prompts, tokens).
        chosen: Which ones each clip meets, as their places, int64, shape (others, clips).
    """

    text: Tensor
    text_mask: Tensor
    chosen: Tensor


class Network(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="whisq",
    license="apache-2.0",
    tags=["music", "mos", "audio-quality"],
    model_card_template=TEMPLATE,
):
    """A network from a clip's and a prompt's cached states to OMQ and TA.

    A subclass makes `audio_input` and `text_input`, and its `forward` returns an `Output`. Its
    files are config.json, which is its config, and model.safetensors; beside them card.json, what
    it was found to be worth, once that is known.
    """

    audio_input: nn.Module
    text_input: nn.Module
    judged: dict[str, Any] | None = None  # what card.json holds

    def __init__(self, config: Section) -> None:
        super().__init__()
        self.config = config
        self.ridge: nn.Module | None = None  # what else has a share in both ratings
        self._hub_mixin_config = config.model_dump(mode="json")

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def branches(self) -> Mapping[str, tuple[str, ...]]:
        """Tell which weights serve which axis, by the beginnings of their names.

        It is `both` where the axes share weights, else `omq` and `ta`; what neither claims is fixed
        before training.
        """
        return {"both": ("",)}

    def against(self, batch: Any, output: Any, others: Others) -> Tensor:
        """Rate clips against other prompts: TA, (prompts, clips); `output` is of their own."""
        given = [(others.text[row], others.text_mask[row]) for row in others.chosen]
        return torch.stack([self(batch.audio, batch.audio_mask, *each).ta for each in given])

    def fit_scaling(self, batches: Iterable[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Fit the inputs' scaling to batches of the training set, each as `forward` takes it."""
        audio_scaling, text_scaling = self.audio_input.scaling, self.text_input.scaling
        audio_moments, text_moments = audio_scaling.moments(), text_scaling.moments()
        for audio, audio_mask, text, text_mask in batches:
            audio_moments.add(self.audio_input.pick(audio), audio_mask)
            text_moments.add(text, text_mask)
        audio_scaling.fit(audio_moments)
        text_scaling.fit(text_moments)

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """Return the hub's README: what `whisq about` prints of the model."""
        found = card.about(self._hub_mixin_config, self.judged)
        return super().generate_model_card(*args, about=card.text(found), **kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        if self.judged:
            text = json.dumps(self.judged, indent=2) + "\n"
            (save_directory / card.CARD).write_text(text, encoding="utf-8")

    @classmethod
    def from_pretrained(cls, where: str | Path, **hub: Any) -> Network:
        """Read a trained network, as `whisq.model.build.load` does."""
        # The mixin's own reader prints, falls back to a pickle and lets missing weights pass.
        from whisq.model.build import load

        return load(where, **hub)
