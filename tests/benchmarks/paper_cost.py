"""What the paper's configuration costs on the full set, estimated from a few clips and prompts.

    python tests/benchmarks/paper_cost.py [--clips 4] [--prompts 8]

Prints JSON: seconds a clip (Whisper-base, one window of 30 s) and a prompt (a network of
Qwen3-0.6B's sizes with random weights, which cost the same) measured here, and from these and
MusicEval's published counts the hours, disk and memory for all of it. The GPU's figure is on
paper: arithmetic over `GPU_FLOPS`, decoding and disk left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time

import numpy as np
import torch

from whisq.audio import RATE
from whisq.encoders.audio import AudioSpec
from whisq.encoders.whisper import WhisperEncoder

CLIPS, PROMPTS, FRAMES, TOKENS = 2748, 348, 1090, 30
WHISPER_FLOP = 87e9
"""A window of 30 s through Whisper-base's encoder."""
QWEN = {
    "vocab_size": 151_936,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
GPU_FLOPS = 20e12
"""Chosen: what a consumer card of 2020 to 2024 keeps up in bfloat16."""


def main() -> None:
    """Measure a little and estimate the whole."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--prompts", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    clip, prompt = seconds_a_clip(arguments.clips), seconds_a_prompt(arguments.prompts)
    found = {
        "threads": torch.get_num_threads(),
        "seconds_a_clip": round(clip, 3),
        "seconds_a_prompt": round(prompt, 3),
        "cpu_minutes_audio": round(CLIPS * clip / 60, 1),
        "cpu_minutes_text": round(PROMPTS * prompt / 60, 1),
        "gpu_minutes_audio_on_paper": round(CLIPS * WHISPER_FLOP / GPU_FLOPS / 60, 2),
        "audio_gigabytes_a_layer": round(CLIPS * FRAMES * 512 * 2 / 1e9, 2),
        "text_megabytes": round(PROMPTS * TOKENS * 1024 * 2 / 1e6, 1),
        "peak_memory_gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    print(json.dumps(found, indent=2))


def seconds_a_clip(count: int) -> float:
    """Encode noise of 30 s, one clip at a time.

    Args:
        count: How many clips.

    Returns:
        Mean seconds a clip, without loading.
    """
    encoder = WhisperEncoder(AudioSpec(layers=(6,), window="padded", pool=1))
    clips = np.random.default_rng(0).normal(0, 0.1, (count + 1, 30 * RATE)).astype(np.float32)
    encoder.encode([clips[0]])
    started = time.perf_counter()
    encoder.encode(list(clips[1:]))
    return (time.perf_counter() - started) / count


def seconds_a_prompt(count: int) -> float:
    """Run a network of Qwen3-0.6B's sizes over random tokens, one prompt at a time.

    Args:
        count: How many prompts.

    Returns:
        Mean seconds a prompt, without loading.
    """
    from transformers import Qwen3Config, Qwen3Model

    model = Qwen3Model(Qwen3Config(**QWEN)).eval()
    tokens = torch.randint(QWEN["vocab_size"], (count + 1, 1, TOKENS))
    with torch.inference_mode():
        model(tokens[0])
        started = time.perf_counter()
        for prompt in tokens[1:]:
            model(prompt)
    return (time.perf_counter() - started) / count


if __name__ == "__main__":
    main()
