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
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers as hf

from whisq.encoders.audio import AudioSpec
from whisq.encoders.hidden_states import HiddenStates
from whisq.encoders.registry import audio_encoder

SECONDS, ROUNDS = 10.0, 5
WHISPER = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8}


def speeds(roads: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return each road's seconds of clip a second, the best of a few rounds after one to warm up.

    The roads take turns, so that a busy machine is busy for all of them.
    """
    times: dict[str, list[float]] = {road: [] for road in roads}
    for _ in range(ROUNDS + 1):
        for road, encode in roads.items():
            start = time.perf_counter()
            encode()
            times[road].append(time.perf_counter() - start)
    return {road: round(SECONDS / min(took[1:]), 2) for road, took in times.items()}


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
        # As much sound as the library's lines: Whisper reads 30 s whatever it is given.
        for name, window, config, extractor in [
            ("wav2vec2", "clip", hf.Wav2Vec2Config(), hf.Wav2Vec2FeatureExtractor()),
            ("whisper", "padded", whisper, hf.WhisperFeatureExtractor()),
        ]:
            folder = Path(root) / name
            hf.AutoModel.from_config(config).save_pretrained(folder)
            extractor.save_pretrained(folder)
            spec = AudioSpec(model=str(folder), layers=[-1], window=window, pool=1)
            adapters = {"general": HiddenStates(spec)}
            if name == "whisper":
                adapters["fast path"] = audio_encoder(spec)
            ours = {road: partial(each.encode, [clip]) for road, each in adapters.items()}
            found[name] = speeds({"library": plain(folder, clip)} | ours)
    print(json.dumps({"seconds of clip a second": found, "clip": SECONDS, "threads": 1}, indent=1))


if __name__ == "__main__":
    main()
