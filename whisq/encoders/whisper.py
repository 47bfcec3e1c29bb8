"""The frozen Whisper encoder: 16 kHz samples to a sequence of states.

A state covers 20 ms (two mel frames of 10 ms). Hidden states are counted as 0 after the
convolutions and positions, k after block k; the last has the encoder's final layer norm. The blocks
are transformers' own; only the order of the work is ours: no block is run that is not needed.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; the
sequence is kept as in WhisQ (arXiv 2506.05899).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import Conv1d, Linear
from torch.nn.functional import gelu, scaled_dot_product_attention

from whisq.audio import HEARD, RATE
from whisq.encoders.frozen import Spec, average, to_float16
from whisq.encoders.weights import Location, locate
from whisq.encoders.whisper_weights import load_encoder
from whisq.section import Positive

PREPROCESSING = 2  # raise when the same samples would give other states
LONGEST = HEARD  # seconds
MEL = 160  # samples between mel frames
FRAME = 2 * MEL  # samples between states
# Sums from its inverse to it are kept: scores to about ±69, eight digits from bfloat16's end.
IN_RANGE = 1e30


class AudioSpec(Spec):
    """What of which audio encoder is kept.

    Chosen: the paper does not say which hidden state, nor whether padding is kept.

    Attributes:
        layers: Hidden states to keep, 0 to the number of blocks, or negative from the end.
        window: What the encoder attends to: the clip with silence up to 30 s (`padded`, as
            Whisper was trained), the clip alone (`clip`), or the clip with silence up to so
            many seconds, 0-30. In each case only the clip's own states are kept.
        pool: Consecutive states that are averaged into one, at least 1; the last of a clip
            averages those that are left.
        past_window: What is kept of a clip longer than 30 s: `first`, its first 30 s.
    """

    model: str = "openai/whisper-base"
    layers: list[int] = Field([2], min_length=1, strict=False)
    window: str | float = "clip"
    pool: Positive = 8
    past_window: Literal["first"] = Field("first", exclude=True)

    def problems(self) -> list[str]:
        """Return a sentence for layers named twice, and one for a window that is none."""
        found = []
        if len(set(self.layers)) < len(self.layers):
            found.append(f"layers must be given, each once, given {self.layers}")
        seconds = isinstance(self.window, float) and 0 < self.window <= LONGEST
        if not seconds and self.window not in ("padded", "clip"):
            found.append(f"window must be padded, clip or seconds to 30, given {self.window!r}")
        return found


class WhisperEncoder:
    """A frozen Whisper encoder that runs as many blocks as the wanted layers need."""

    rate = RATE

    def __init__(
        self, spec: AudioSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights, which are looked for where no location is given."""
        self.spec, self.device = spec, torch.device(device)
        encoder, self.extractor = load_encoder(location or locate(spec.model, spec.revision))
        self.layers = spec.numbered(spec.layers, len(encoder.layers))
        self.dim = encoder.conv1.out_channels
        self.encoder = encoder.to(self.device).eval()
        if spec.dtype == "bfloat16":  # as autocast would round the weights at every call
            for module in self.encoder.modules():
                if isinstance(module, Linear | Conv1d):
                    module.to(torch.bfloat16)

    def encode(self, clips: list[np.ndarray], batch_size: int = 1) -> list[np.ndarray]:
        """Encode clips; a clip's result is its own, whatever it is encoded with.

        Args:
            clips: 16 kHz samples, float32, each (samples,).
            batch_size: Clips of one length that are run at once, at least 1. With 1 the result
                does not depend on the other clips in any bit, else to rounding.

        Returns:
            For each clip float16, shape (layers, steps, dim).
        """
        mels = [self.mel(clip) for clip in clips]
        alike: dict[int, list[int]] = {}
        for index, mel in enumerate(mels):
            alike.setdefault(mel.shape[-1], []).append(index)
        done: dict[int, np.ndarray] = {}
        for group in alike.values():
            for start in range(0, len(group), batch_size):
                chosen = group[start : start + batch_size]
                frames = [own_frames(len(clips[index])) for index in chosen]
                states = self._states(np.stack([mels[index] for index in chosen]), max(frames))
                for index, state, own in zip(chosen, states, frames, strict=True):
                    done[index] = to_float16(average(state[:, :own], self.spec.pool))
        return [done[index] for index in range(len(clips))]

    def mel(self, clip: np.ndarray) -> np.ndarray:
        """Return the log-mel spectrogram that is read of a clip up to its window.

        Args:
            clip: 16 kHz samples, float32, shape (samples,).

        Returns:
            float32, shape (mels, mel frames).
        """
        seconds = {"padded": LONGEST, "clip": 0}.get(self.spec.window, self.spec.window)
        length = min(max(len(clip), round(seconds * RATE)), LONGEST * RATE)
        features = self.extractor(
            clip[:length], sampling_rate=RATE, padding="max_length", max_length=length
        )
        return np.asarray(features["input_features"][0], dtype=np.float32)

    def _states(self, mels: np.ndarray, frames: int) -> np.ndarray:
        # (clips, layers, frames, dim) of the first frames. The last block that is run computes what
        # attends (queries, and all that follows) for these alone: padding is attended to, but
        # nobody reads its states. The numbers are those of the full run.
        half = self.spec.dtype == "bfloat16"
        batch, last = torch.from_numpy(mels).to(self.device), max(self.layers)
        # Under autocast products are in bfloat16, sums of residuals and norms in float32.
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, half):
            hidden = gelu(self.encoder.conv2(gelu(self.encoder.conv1(batch)))).transpose(1, 2)
            hidden = hidden.float() + self.encoder.embed_positions.weight[: hidden.shape[1]]
            kept = {0: hidden[:, :frames]}
            for number, block in enumerate(self.encoder.layers[:last], start=1):
                hidden = _run(block, hidden, frames if number == last else hidden.shape[1])
                kept[number] = hidden[:, :frames]
            if last == len(self.encoder.layers):
                kept[last] = self.encoder.layer_norm(kept[last])
            return torch.stack([kept[layer] for layer in self.layers], dim=1).float().cpu().numpy()


def own_frames(samples: int) -> int:
    """Return how many states of 20 ms belong to a clip of so many samples at 16 kHz."""
    return (min(samples, LONGEST * RATE) // MEL + 1) // 2


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
