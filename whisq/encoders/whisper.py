"""The frozen Whisper encoder: 16 kHz samples to a sequence of states.

A state covers 20 ms (two mel frames of 10 ms). Hidden states are counted as 0 after the
convolutions and positions, k after block k; the last has the encoder's final layer norm.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; the
sequence is kept as in WhisQ (arXiv 2506.05899).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from whisq.audio import RATE
from whisq.encoders.frozen import Spec, to_float16
from whisq.encoders.weights import Location, locate
from whisq.encoders.whisper_weights import load_encoder
from whisq.section import Positive

if TYPE_CHECKING:
    import torch

PREPROCESSING = 2  # raise when the same samples would give other states
LONGEST = 30  # seconds, Whisper's window
MEL = 160  # samples between mel frames
FRAME = 2 * MEL  # samples between states


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
        """Tell which layer is named twice and which window is none.

        Returns:
            One sentence a problem.
        """
        found = []
        if len(set(self.layers)) < len(self.layers):
            found.append(f"layers must be given, each once, given {self.layers}")
        seconds = isinstance(self.window, float) and 0 < self.window <= LONGEST
        if not seconds and self.window not in ("padded", "clip"):
            found.append(f"window must be padded, clip or seconds to 30, given {self.window!r}")
        return found

    def padded_to(self, samples: int) -> int:
        """Tell how long the encoder's input is for a clip.

        Args:
            samples: The clip's length at 16 kHz.

        Returns:
            Samples, 30 s at most.
        """
        named = {"padded": LONGEST, "clip": 0}
        seconds = named[self.window] if isinstance(self.window, str) else self.window
        return min(max(samples, round(seconds * RATE)), LONGEST * RATE)


class WhisperEncoder:
    """A frozen Whisper encoder that runs as many blocks as the wanted layers need."""

    def __init__(
        self, spec: AudioSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights.

        Args:
            spec: What to keep of which encoder.
            location: Where the weights are, if that is known already.
            device: Where to compute, as torch names it.

        Raises:
            ValueError: The weights are not found, or a layer is not one of the encoder's.
        """
        import torch

        from whisq.encoders.whisper_blocks import round_products

        self.spec, self.device = spec, torch.device(device)
        encoder, self.extractor = load_encoder(location or locate(spec.model, spec.revision))
        depth = len(encoder.layers)
        if not all(-depth - 1 <= layer <= depth for layer in spec.layers):
            raise ValueError(
                f"{spec.model} has hidden states 0 to {depth}, asked for {list(spec.layers)}"
            )
        self.layers = tuple(range(depth + 1)[layer] for layer in spec.layers)
        self.dim = encoder.conv1.out_channels
        self.encoder = encoder.to(self.device).eval()
        if spec.dtype == "bfloat16":
            round_products(self.encoder)

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
        """Compute the log-mel spectrogram that the encoder reads.

        Args:
            clip: 16 kHz samples, float32, shape (samples,).

        Returns:
            float32, shape (mels, mel frames), of the clip up to its window.
        """
        length = self.spec.padded_to(len(clip))
        features = self.extractor(
            clip[:length], sampling_rate=RATE, padding="max_length", max_length=length
        )
        return np.asarray(features["input_features"][0], dtype=np.float32)

    def _states(self, mels: np.ndarray, frames: int) -> np.ndarray:
        import torch

        from whisq.encoders.whisper_blocks import hidden_states

        half = self.spec.dtype == "bfloat16"
        batch = torch.from_numpy(mels).to(self.device)
        # Under autocast products are in bfloat16, sums of residuals and norms in float32.
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, half):
            return hidden_states(self.encoder, batch, self.layers, frames).cpu().numpy()


def own_frames(samples: int) -> int:
    """Count the states that belong to a clip.

    Args:
        samples: The clip's length at 16 kHz.

    Returns:
        States of 20 ms, of its first 30 s.
    """
    mel_frames = min(samples, LONGEST * RATE) // MEL
    return (mel_frames + 1) // 2


def average(states: np.ndarray, pool: int) -> np.ndarray:
    """Average consecutive steps.

    Args:
        states: float32, shape (layers, steps, dim).
        pool: Steps averaged into one; the last averages those that are left.

    Returns:
        float32, shape (layers, ceil(steps / pool), dim).
    """
    if pool == 1:
        return states
    starts = np.arange(0, states.shape[1], pool)
    sums = np.add.reduceat(states, starts, axis=1)
    counts = np.diff(np.append(starts, states.shape[1]))
    return sums / counts[:, None].astype(np.float32)
