"""What the general adapter costs beside the library's own loop, and Whisper's fast path beside it.

Seconds of clip encoded in a second, on one thread, one clip at a time. The encoders are as large as
whisper-base and wav2vec2-base are, with random weights: no network is needed.
"""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers as hf

from whisq.encoders.audio import AudioSpec
from whisq.encoders.hidden_states import HiddenStates
from whisq.encoders.registry import audio_encoder

SECONDS, ROUNDS = 10.0, 3
WHISPER = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8}


def speed(encode: Callable[[], object]) -> float:
    """Return seconds of clip a second, the best of a few rounds after one to warm up."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        encode()
        times.append(time.perf_counter() - start)
    return round(SECONDS / min(times[1:]), 2)


def plain(folder: Path, clip: np.ndarray) -> Callable[[], object]:
    """Return transformers' own lines for every hidden state of a clip."""
    model = hf.AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    extractor = hf.AutoFeatureExtractor.from_pretrained(folder)

    @torch.inference_mode()
    def encode() -> object:
        read = extractor(clip, sampling_rate=16_000, return_tensors="pt")
        return model(**read, output_hidden_states=True).hidden_states

    return encode


def main() -> None:
    """Print the figures as JSON."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    clip = np.random.default_rng(0).normal(0, 0.1, round(16_000 * SECONDS)).astype(np.float32)
    whisper = hf.WhisperConfig(**WHISPER, decoder_layers=1, decoder_attention_heads=8)
    found = {}
    with tempfile.TemporaryDirectory() as root:
        for name, config, extractor in [
            ("wav2vec2", hf.Wav2Vec2Config(), hf.Wav2Vec2FeatureExtractor()),
            ("whisper", whisper, hf.WhisperFeatureExtractor()),
        ]:
            folder = Path(root) / name
            hf.AutoModel.from_config(config).save_pretrained(folder)
            extractor.save_pretrained(folder)
            spec = AudioSpec(model=str(folder), layers=[-1], window="padded", pool=1)
            adapters = {"general": HiddenStates(spec)}
            if name == "whisper":
                adapters["fast path"] = audio_encoder(spec)
            found[name] = {"library": speed(plain(folder, clip))}
            for road, encoder in adapters.items():
                found[name][road] = speed(lambda encoder=encoder: encoder.encode([clip]))
    print(json.dumps({"seconds of clip a second": found, "clip": SECONDS, "threads": 1}, indent=1))


if __name__ == "__main__":
    main()
