"""The frozen Whisper encoder: 16 kHz samples to a sequence of states.

A state covers 20 ms (two mel frames of 10 ms). Hidden states are counted as 0 after the
convolutions and positions, k after block k; the last has the encoder's final layer norm. The blocks
are transformers' own; only the order of the work is ours: no block is run that is not needed.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; the
sequence is kept as in WhisQ (arXiv 2506.05899).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Conv1d, Linear
from torch.nn.functional import gelu, scaled_dot_product_attention

from whisq.audio import RATE
from whisq.encoders.audio import AudioEncoder, AudioSpec, Inputs
from whisq.encoders.weights import Location
from whisq.encoders.whisper_weights import load_encoder

WINDOW = 30  # seconds
MEL = 160  # samples between mel frames
FRAME = 2 * MEL  # samples between states
# Sums from its inverse to it are kept: scores to about ±69, eight digits from bfloat16's end.
IN_RANGE = 1e30


class WhisperEncoder(AudioEncoder):
    """A frozen Whisper encoder that runs as many blocks as the wanted layers need."""

    rate, longest, steps_per_second = RATE, WINDOW, RATE / FRAME

    def __init__(
        self, spec: AudioSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights, which are looked for where no location is given."""
        super().__init__(spec, device)
        encoder, self.extractor = load_encoder(location or spec.locate())
        self.layers = spec.numbered(spec.layers, len(encoder.layers))
        self.dim = encoder.conv1.out_channels
        self.encoder = encoder.to(self.device).eval()
        if spec.dtype == "bfloat16":  # as autocast would round the weights at every call
            for module in self.encoder.modules():
                if isinstance(module, Linear | Conv1d):
                    module.to(torch.bfloat16)

    def inputs(self, clip: np.ndarray) -> Inputs:
        """Return the log-mel spectrogram of samples, (samples,)."""
        return {"mel": self.mel(clip)}

    def states(self, inputs: Inputs, steps: int) -> np.ndarray:
        """Return the first `steps` states, float32, shape (clips, layers, steps, dim).

        The last block that is run computes what attends (queries, and all that follows) for these
        alone: padding is attended to, but nobody reads its states. The numbers are those of the
        full run.
        """
        half = self.spec.dtype == "bfloat16"
        batch, last = torch.from_numpy(inputs["mel"]).to(self.device), max(self.layers)
        # Under autocast products are in bfloat16, sums of residuals and norms in float32.
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, half):
            hidden = gelu(self.encoder.conv2(gelu(self.encoder.conv1(batch)))).transpose(1, 2)
            hidden = hidden.float() + self.encoder.embed_positions.weight[: hidden.shape[1]]
            kept = {0: hidden[:, :steps]}
            for number, block in enumerate(self.encoder.layers[:last], start=1):
                hidden = _run(block, hidden, steps if number == last else hidden.shape[1])
                kept[number] = hidden[:, :steps]
            if last == len(self.encoder.layers):
                kept[last] = self.encoder.layer_norm(kept[last])
            return torch.stack([kept[layer] for layer in self.layers], dim=1).float().cpu().numpy()

    def own(self, samples: int) -> int:
        """Return how many states of 20 ms belong to so many samples at 16 kHz."""
        return (min(samples, WINDOW * RATE) // MEL + 1) // 2

    def mel(self, clip: np.ndarray) -> np.ndarray:
        """Return the log-mel spectrogram that is read of a clip up to its window.

        Args:
            clip: 16 kHz samples, float32, shape (samples,).

        Returns:
            float32, shape (mels, mel frames).
        """
        seconds = {"padded": self.spec.seconds, "clip": 0}.get(self.spec.window, self.spec.window)
        length = min(max(len(clip), round(seconds * RATE)), WINDOW * RATE)
        features = self.extractor(
            clip[:length], sampling_rate=RATE, padding="max_length", max_length=length
        )
        return np.asarray(features["input_features"][0], dtype=np.float32)


def _run(block: Any, hidden: Tensor, frames: int) -> Tensor:
    attention = block.self_attn
    normed = block.self_attn_layer_norm(hidden).to(attention.q_proj.weight.dtype)
    query = _heads(attention.q_proj(normed[:, :frames]), attention.num_heads)
    key = _heads(attention.k_proj(normed), attention.num_heads)
    value = _heads(attention.v_proj(normed), attention.num_heads)
    mixed = _attend(query, key, value, attention.scaling)
    # Products may be in bfloat16, sums are in float32; new memory for each would cost more than it.
    hidden = attention.out_proj(mixed).float().add_(hidden[:, :frames])
    inner = block.activation_fn(block.fc1(block.final_layer_norm(hidden)))
    return block.fc2(inner).float().add_(hidden)


def _heads(states: Tensor, heads: int) -> Tensor:
    return states.unflatten(-1, (heads, -1)).transpose(1, 2)  # clips, heads, frames, width


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    if query.dtype != torch.bfloat16 or query.device.type != "cpu":
        mixed = scaled_dot_product_attention(query, key, value, scale=scale)
        return mixed.transpose(1, 2).flatten(2)
    # A head at a time stays in the processor's cache: twice as fast here as the fused kernel.
    return torch.stack(
        [attend_by_head(*clip, scale) for clip in zip(query, key, value, strict=True)]
    )


def attend_by_head(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Return what one clip attends to, (frames, heads * width), computed head after head.

    Softmax first takes each row's largest score off, which costs a pass over the scores and
    changes nothing unless exponentials leave the range of numbers. Whether they did is seen from
    their sums. Query, key and value have the shape (heads, frames, width).
    """
    heads = list(zip(query * scale, key.mT, value, strict=True))
    mixed, sums = [], []
    for q, k, v in heads:
        weights = (q @ k).exp_()
        sums.append(weights.sum(-1, keepdim=True))
        mixed.append((weights @ v).div_(sums[-1]))
    lowest, highest = torch.cat(sums).aminmax()
    if not (lowest > 1 / IN_RANGE and highest < IN_RANGE):
        mixed = [(q @ k).softmax(-1) @ v for q, k, v in heads]
    return torch.cat(mixed, dim=-1)
