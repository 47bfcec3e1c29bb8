"""What all architectures share: inputs, fitting to the training set, files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from whisq.model.config import Config
from whisq.model.inputs import AudioInput, TextInput
from whisq.model.output import Output

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


class Architecture(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="whisq",
    license="apache-2.0",
    tags=["music", "mos", "audio-quality"],
    model_card_template=CARD,
):
    """A network from a clip's and a prompt's cached states to OMQ and TA.

    A subclass defines `rate`. Its files are config.json and model.safetensors, never a pickle.

    Attributes:
        apart: Beginnings of the names of OMQ's and of TA's weights where the two share none.
    """

    apart: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self, config: Config) -> None:
        """Make the inputs.

        Args:
            config: The network's choices.
        """
        super().__init__()
        self.config = config
        self.audio_input = AudioInput(config)
        self.text_input = TextInput(config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def branches(self) -> dict[str, tuple[str, ...]]:
        """Tell which weights serve which axis.

        Returns:
            `both` where the axes share weights; else `omq` and `ta`, each with the beginnings of
            its weights' names; what neither claims is fixed before training.
        """
        if self.apart and self.audio_input.mixture is None:
            return dict(self.apart)
        return {"both": ("",)}

    def forward(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Rate clips against prompts.

        Args:
            audio: Cached audio states, (clips, layers, frames, dim).
            audio_mask: (clips, frames), True where real.
            text: Cached token states, (clips, tokens, dim).
            text_mask: (clips, tokens), True where real.

        Returns:
            Ratings in MOS units and what losses and explanations need.
        """
        frames, frame_mask = self.audio_input(audio, audio_mask)
        tokens, token_mask = self.text_input(text, text_mask)
        return self.rate(frames, frame_mask, tokens, token_mask)

    def against(self, batch: Any, output: Output, text: Tensor, text_mask: Tensor) -> Tensor:
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
            audio_moments.add(torch.stack(self.audio_input.pick(audio), 1), audio_mask)
            text_moments.add(text.unsqueeze(1), text_mask)
        self.audio_input.scaling.fit(audio_moments)
        self.text_input.scaling.fit(text_moments)

    @classmethod
    def _from_pretrained(
        cls, *, model_id: str, config: Any = None, map_location: str = "cpu", **hub: Any
    ) -> Architecture:
        # The mixin's own reader prints, falls back to a pickle and lets missing weights pass.
        model = cls(_as_config(config, model_id))
        path = fetch(model_id, "model.safetensors", **hub)
        model.load_state_dict(load_file(path, device=map_location), strict=True)
        return model.eval()


def fetch(where: str | Path, name: str, **hub: Any) -> Path:
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


def read_config(where: str | Path, **hub: Any) -> Config:
    """Read a saved model's config.

    Args:
        where: A folder or a hub id.
        **hub: `hf_hub_download`'s options.

    Returns:
        The checked config.
    """
    path = fetch(where, "config.json", **hub)
    return _as_config(json.loads(path.read_text(encoding="utf-8")), where)


def _as_config(config: Any, where: str | Path) -> Config:
    if isinstance(config, Config):
        return config
    if not config:
        raise ValueError(f"A model needs a config.json; {where} has none")
    unknown = sorted(set(config) - set(Config.__dataclass_fields__))
    if unknown:
        raise ValueError(
            f"config.json of {where} has keys that this version does not know: "
            f"{', '.join(unknown)}; update whisq"
        )
    return Config(**config)
