"""Any audio encoder of transformers that gives hidden states: samples to a sequence of them.

Its feature extractor makes what the model reads, as the model's own files say; rate, number of
layers, dimension and steps are seen in what comes out. Nothing here is written for one model but
what no model's files tell: which part of a larger model hears (`TOWERS`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whisq.devices import threads
from whisq.encoders.audio import AudioEncoder, AudioSpec, Inputs
from whisq.encoders.frozen import average
from whisq.encoders.weights import Location, check_code, settings

LEAST_HEARD = 0.2  # seconds; clips below are read with silence after them, as some models must
FAR = 30.0  # seconds in which steps are counted, of which most strides are a divisor
TOWERS = {
    "clap": "audio_model",
    "lasr_ctc": "encoder",
    "parakeet_ctc": "encoder",
    "pe_audio": "audio_encoder",
    "qwen2_audio": "audio_tower",
    "voxtral": "audio_tower",
}


class HiddenStates(AudioEncoder):
    """A frozen model of transformers with its own feature extractor."""

    def __init__(
        self, spec: AudioSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights, which are looked for where no location is given, and try a second."""
        super().__init__(spec, device)
        self.extractor, self.model = self.load(location or spec.locate())
        self.rate = int(self.extractor.sampling_rate)
        second, more = (self._read(np.zeros(n * self.rate, dtype=np.float32)) for n in (1, 2))
        self.fills = all(second[name].shape == more[name].shape for name in second)
        tried = self.run(second)
        self.layers = spec.numbered(spec.layers, len(tried) - 1)
        self.dim = tried[-1].shape[-1]
        self._lengths = [state.shape[1] for state in tried]
        self.longest = self.window()

    def window(self) -> float:
        """Return the seconds that are read at once: of what always fills a window, that one."""
        return self.extractor.n_samples / self.rate if self.fills else self.spec.seconds

    def load(self, location: Location) -> tuple[Any, Any]:
        """Return the feature extractor and the model, float32.

        Raises:
            ValueError: They can't be read.
        """
        from transformers import CONFIG_MAPPING, AutoFeatureExtractor, AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        told = settings(location)
        code = "auto_map" in told and told.get("model_type") not in CONFIG_MAPPING
        if code:
            check_code(self.spec.model, self.spec.revision, self.spec.trust_remote_code)
        try:
            extractor = AutoFeatureExtractor.from_pretrained(location.folder)
            model = AutoModel.from_pretrained(
                location.folder,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=code,
            )
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{self.spec.model} can't be read as an audio encoder: its folder must hold "
                "config.json, preprocessor_config.json and safetensors of a model that "
                f"transformers knows ({str(error).strip().splitlines()[0]})"
            ) from None
        if tower := TOWERS.get(model.config.model_type):
            model = getattr(model, tower)
        elif model.config.is_encoder_decoder:
            model = model.get_encoder()
        return extractor, model.to(self.device).eval()

    def run(self, inputs: Inputs) -> Sequence[Tensor]:
        """Return every hidden state of a batch of inputs, each (clips, steps, dim).

        Raises:
            ValueError: The model gives none.
        """
        states = self.call(self.model, inputs, output_hidden_states=True).hidden_states
        if states is None:
            raise ValueError(f"{self.spec.model} gives no hidden states: choose another encoder")
        return states

    def call(self, function: Callable[..., Any], inputs: Inputs, **options: Any) -> Any:
        """Return what the model, or a function of it, makes of a batch of inputs."""
        batch = {name: torch.from_numpy(array).to(self.device) for name, array in inputs.items()}
        half = torch.autocast(self.device.type, torch.bfloat16, self.spec.dtype == "bfloat16")
        with torch.inference_mode(), threads(1), half:
            return function(**batch, **options)

    @cached_property
    def steps_per_second(self) -> float:
        """Counted between a short and a long clip, as a whole number of samples a step."""
        if self.fills:
            return self._lengths[-1] / self.longest
        silence = np.zeros(round((1 + FAR) * self.rate), dtype=np.float32)
        more = self.run(self._read(silence))[-1].shape[1] - self._lengths[-1]
        return self.rate / round(FAR * self.rate / more)

    def inputs(self, clip: np.ndarray) -> Inputs:
        """Return what the feature extractor makes of samples, padded as the spec's window says."""
        padded = np.pad(clip, (0, self._padded(len(clip)) - len(clip)))
        return {name: array[0] for name, array in self._read(padded).items()}

    def states(self, inputs: Inputs, steps: int) -> np.ndarray:
        """Return float32, shape (clips, layers, steps, dim); all steps are kept."""
        found = self.run(inputs)
        return np.stack([self._in_step(found, layer) for layer in self.layers], axis=1)

    def own(self, samples: int) -> int:
        """Return how many states belong to so many samples; all there are where none is padded."""
        if not self.fills and samples == self._padded(samples):
            return sys.maxsize
        return max(1, math.ceil(samples * self.steps_per_second / self.rate))

    def _read(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        features = self.extractor(samples, sampling_rate=self.rate, return_tensors="np")
        return {name: np.asarray(array) for name, array in features.items()}

    def _padded(self, samples: int) -> int:
        seconds = {"padded": self.spec.seconds, "clip": 0}.get(self.spec.window, self.spec.window)
        return max(samples, round(max(min(seconds, self.longest), LEAST_HEARD) * self.rate))

    def _in_step(self, found: Sequence[Tensor], layer: int) -> np.ndarray:
        # Some models put a class token before all states but the last, or halve the last.
        state, length, last = found[layer].float().cpu(), self._lengths[layer], self._lengths[-1]
        if length >= 2 * last:
            return np.stack([average(each[None], length // last)[0] for each in state.numpy()])
        return state.numpy()[:, length - last :]
