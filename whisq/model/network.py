"""What all networks share: fitting to the training set, and files without a pickle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from whisq.section import Section

Sequences = tuple[Tensor, Tensor, Tensor, Tensor]  # audio, audio mask, text, text mask

CARD = """---
{{ card_data }}
---

Rates a text-to-music clip: overall musical quality (OMQ) and textual alignment (TA), 1 to 5.

    import whisq

    whisq.load("<this repository>").score("clip.wav", "the prompt")

`config.json` names the network's choices and the frozen encoders that it reads. After
[WhisQ](https://arxiv.org/abs/2506.05899). A score is worth what the ratings were that it learnt
from: see the run's metrics for the corpus and the figures.
"""


@dataclass(frozen=True)
class Output:
    """Ratings, and what losses and explanations need, None where a network has no such thing.

    Shapes are by the conventions of `whisq.model.whisq`.

    Attributes:
        omq: Overall musical quality.
        ta: Textual alignment.
        audio_mask: Of the frames that the network saw.
        text_mask: Of the tokens that it saw.
        audio: The clip in the shared space.
        text: The prompt in the shared space.
        omq_logits: Scores over the rating bins, (clips, bins).
        ta_logits: The same for TA.
        centres: The bins' ratings, (bins,).
        audio_to_text: The last layer's attention, (clips, heads, frames, tokens).
        text_to_audio: The same, (clips, heads, tokens, frames).
        quality_weights: How much each frame counts for OMQ, (clips, frames), summing to one.
    """

    omq: Tensor
    ta: Tensor
    audio_mask: Tensor
    text_mask: Tensor
    audio: Tensor | None = None
    text: Tensor | None = None
    omq_logits: Tensor | None = None
    ta_logits: Tensor | None = None
    centres: Tensor | None = None
    audio_to_text: Tensor | None = None
    text_to_audio: Tensor | None = None
    quality_weights: Tensor | None = None

    def float(self) -> Output:
        """Bring what was computed in half precision to float32.

        Returns:
            The same output; masks stay masks.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        masks = {"audio_mask", "text_mask"}
        return Output(
            **{
                name: value if value is None or name in masks else value.float()
                for name, value in values.items()
            }
        )


class Network(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="whisq",
    license="apache-2.0",
    tags=["music", "mos", "audio-quality"],
    model_card_template=CARD,
):
    """A network from a clip's and a prompt's cached states to OMQ and TA.

    A subclass makes `audio_input` and `text_input`, and its `forward` returns an `Output`. Its
    files are config.json, which is its config, and model.safetensors.
    """

    audio_input: nn.Module
    text_input: nn.Module

    def __init__(self, config: Section) -> None:
        """Keep the config.

        Args:
            config: The network's choices; saved as `config.json` beside the weights.
        """
        super().__init__()
        self.config = config
        self._hub_mixin_config = config.model_dump(mode="json")

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def branches(self) -> Mapping[str, tuple[str, ...]]:
        """Tell which weights serve which axis.

        Returns:
            `both` where the axes share weights; else `omq` and `ta`, each with the beginnings of
            its weights' names; what neither claims is fixed before training.
        """
        return {"both": ("",)}

    def against(self, batch: Any, output: Any, text: Tensor, text_mask: Tensor) -> Tensor:
        """Rate clips again, against other prompts.

        Args:
            batch: The clips, `audio` and `audio_mask`.
            output: What was made of them with their own prompts.
            text: Cached token states of the other prompts, (clips, tokens, dim).
            text_mask: (clips, tokens), True where real.

        Returns:
            TA in MOS units, (clips,).
        """
        return self(batch.audio, batch.audio_mask, text, text_mask).ta

    def fit_scaling(self, batches: Iterable[Sequences]) -> None:
        """Fit the inputs' scaling to the training set; do it once, before training.

        Args:
            batches: Arguments of `forward`, batch by batch.
        """
        audio_moments = self.audio_input.scaling.moments()
        text_moments = self.text_input.scaling.moments()
        for audio, audio_mask, text, text_mask in batches:
            audio_moments.add(self.audio_input.pick(audio), audio_mask)
            text_moments.add(text.unsqueeze(1), text_mask)
        self.audio_input.scaling.fit(audio_moments)
        self.text_input.scaling.fit(text_moments)

    @classmethod
    def from_pretrained(cls, where: str | Path, **hub: Any) -> Network:
        """Read a trained network; see `whisq.model.build.load`.

        Args:
            where: A folder or a hub id.
            **hub: The hub's options, such as revision.

        Returns:
            The network, ready to rate.
        """
        # The mixin's own reader prints, falls back to a pickle and lets missing weights pass.
        from whisq.model.build import load

        return load(where, **hub)


def read_weights(network: Network, where: str | Path, **hub: Any) -> Network:
    """Give a network its trained weights.

    Args:
        network: Made by the config that lies beside them.
        where: A folder or a hub id.
        **hub: `hf_hub_download`'s options, such as revision.

    Returns:
        The network, ready to rate.
    """
    path = find(where, "model.safetensors", **hub)
    network.load_state_dict(load_file(path), strict=True)
    return network.eval()


def find(where: str | Path, name: str, **hub: Any) -> Path:
    """Find a model's file in a folder or on the hub.

    Args:
        where: A folder or a hub id.
        name: The file's name.
        **hub: `hf_hub_download`'s options, such as revision.

    Returns:
        The file's path.

    Raises:
        ValueError: The folder has no such file.
    """
    folder = Path(where)
    if not folder.is_dir():
        return Path(hf_hub_download(str(where), name, **hub))
    if not (folder / name).is_file():
        raise ValueError(
            f"A model's folder must hold {name}; {folder} does not. Give the folder that "
            "`train` wrote (data/model)"
        )
    return folder / name
