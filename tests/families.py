"""Audio encoders of every family that transformers knows, of 16 dimensions and random weights.

Each is saved to disk with the feature extractor that its published models have, and is loaded by
the same road as real ones.
"""

import warnings
from functools import cache

import numpy as np
import pytest
import torch
import transformers as hf

BASE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
BASE |= {"intermediate_size": 32}
LONG = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
CONV = {"conv_dim": (8,) * 7} | LONG
LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
WHISPER_LIKE = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}
MOONSHINE = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in [
    ("num_hidden_layers", 2), ("num_attention_heads", 2), ("num_key_value_heads", 2)]}  # fmt: skip
PE_CODEC = {"encoder_hidden_size": 4, "decoder_hidden_size": 16, "hidden_size": 16}
PE_CODEC |= {"codebook_dim": 4, "codebook_size": 8, "n_codebooks": 2}
PE_CODEC |= {"downsampling_ratios": [2, 8, 10, 12], "upsampling_ratios": [12, 10, 8, 2]}
CLAP_AUDIO = {"patch_embeds_hidden_size": 4, "hidden_size": 32}
CLAP_AUDIO |= {"depths": [1, 1, 1, 1], "num_attention_heads": [1, 1, 2, 2]}
CLAP_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
CODES = {"codebook_size": 8}
SMALL_DAC = {"encoder_hidden_size": 2, "decoder_hidden_size": 16, "codebook_dim": 4} | CODES
SMALL_DAC |= {"n_codebooks": 2}
ENCODEC = {"num_filters": 2, "hidden_size": 16, "target_bandwidths": [1.5]} | CODES


def waves(**choices):
    return hf.Wav2Vec2FeatureExtractor(**choices)


MODELS = {
    "wav2vec2": lambda: (hf.Wav2Vec2Config(**BASE, **CONV), waves()),
    "wav2vec2 with layer norm": lambda: (
        hf.Wav2Vec2Config(**BASE, **CONV, **LAYER_NORM),
        waves(return_attention_mask=True),
    ),
    "wav2vec2-conformer": lambda: (hf.Wav2Vec2ConformerConfig(**BASE, **CONV), waves()),
    "hubert": lambda: (hf.HubertConfig(**BASE, **CONV), waves()),
    "wavlm": lambda: (hf.WavLMConfig(**BASE, **CONV), waves()),
    "data2vec-audio": lambda: (
        hf.Data2VecAudioConfig(
            **BASE, conv_dim=(8,) * 7, num_conv_pos_embeddings=2, num_conv_pos_embedding_groups=2
        ),
        waves(),
    ),
    "unispeech": lambda: (hf.UniSpeechConfig(**BASE, **CONV), waves()),
    "unispeech-sat": lambda: (hf.UniSpeechSatConfig(**BASE, **CONV), waves()),
    "sew": lambda: (hf.SEWConfig(**BASE, conv_dim=(8,) * 13, **LONG), waves()),
    "sew-d": lambda: (hf.SEWDConfig(**BASE, conv_dim=(8,) * 13, **LONG), waves()),
    "w2v-bert": lambda: (hf.Wav2Vec2BertConfig(**BASE), hf.SeamlessM4TFeatureExtractor()),
    "moonshine": lambda: (
        hf.MoonshineConfig(hidden_size=16, intermediate_size=32, **MOONSHINE),
        waves(do_normalize=False),
    ),
    "parakeet": lambda: (
        hf.ParakeetEncoderConfig(**BASE, subsampling_conv_channels=8, num_mel_bins=80),
        hf.ParakeetFeatureExtractor(feature_size=80),
    ),
    "lasr": lambda: (
        hf.LasrEncoderConfig(**BASE, subsampling_conv_channels=8, num_mel_bins=128),
        hf.LasrFeatureExtractor(),
    ),
    "ast": lambda: (hf.ASTConfig(**BASE), hf.ASTFeatureExtractor()),
    "qwen2-audio": lambda: (
        hf.Qwen2AudioEncoderConfig(**WHISPER_LIKE, encoder_ffn_dim=32, num_mel_bins=128),
        hf.WhisperFeatureExtractor(feature_size=128),
    ),
    "voxtral": lambda: (
        hf.VoxtralEncoderConfig(**BASE, num_mel_bins=128),
        hf.WhisperFeatureExtractor(feature_size=128),
    ),
    "pe-audio": lambda: (
        hf.PeAudioEncoderConfig(**BASE, num_key_value_heads=2, head_dim=8, dac_config=PE_CODEC),
        hf.PeAudioFeatureExtractor(),
    ),
    "clap": lambda: (
        hf.ClapConfig(audio_config=CLAP_AUDIO, text_config=CLAP_TEXT | {"intermediate_size": 16}),
        hf.ClapFeatureExtractor(truncation="rand_trunc"),
    ),
    "encodec": lambda: (hf.EncodecConfig(**ENCODEC), hf.EncodecFeatureExtractor()),
    "encodec of 48 kHz": lambda: (
        hf.EncodecConfig(
            **ENCODEC,
            sampling_rate=48_000,
            audio_channels=2,
            normalize=True,
            chunk_length_s=1.0,
            overlap=0.01,
            norm_type="time_group_norm",
            use_causal_conv=False,
        ),
        hf.EncodecFeatureExtractor(
            feature_size=2, sampling_rate=48_000, chunk_length_s=1.0, overlap=0.01
        ),
    ),
    "dac": lambda: (
        hf.DacConfig(**SMALL_DAC, sampling_rate=44_100),
        hf.DacFeatureExtractor(sampling_rate=44_100),
    ),
    "xcodec": lambda: (
        hf.XcodecConfig(
            target_bandwidths=[0.5],
            acoustic_model_config=SMALL_DAC | {"downsampling_ratios": [2, 4, 5, 8]},
            semantic_model_config={"model_type": "hubert"} | BASE | CONV,
            **CODES,
        ),
        hf.DacFeatureExtractor(sampling_rate=16_000),
    ),
}


def save(name, folder):
    """Save the model of a family with its feature extractor and return the folder."""
    try:
        config, extractor = MODELS[name]()
    except ImportError as error:  # before 5.2x transformers asks librosa for Parakeet's mels
        pytest.skip(f"{error}".strip().splitlines()[0])
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hf.AutoModel.from_config(config).save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


@cache
def plain(folder):
    """The model and its feature extractor, by transformers' own two lines."""
    model = hf.AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    return model, hf.AutoFeatureExtractor.from_pretrained(folder)


def run(folder, clip):
    """Every hidden state of one clip as transformers gives it, each (steps, dim)."""
    model, extractor = plain(folder)
    if getattr(extractor, "feature_size", 1) == 2:
        clip = np.stack([clip, clip])
    read = extractor(clip, sampling_rate=extractor.sampling_rate, return_tensors="pt")
    own = LATENTS.get(model.config.model_type)
    with torch.inference_mode():
        if own:
            return [own(model, read["input_values"])[0].numpy()]
        states = model(**read, output_hidden_states=True).hidden_states
    return [state[0].numpy() for state in states]


def encodec(model, samples):
    chunk = samples[..., : model.config.chunk_length]
    if model.config.normalize:
        chunk = chunk / (chunk.mean(1, keepdim=True).square().mean(-1, keepdim=True).sqrt() + 1e-8)
    return model.encoder(chunk).transpose(1, 2)


def xcodec(model, samples):
    padded = torch.nn.functional.pad(samples, (model.pad, model.pad))
    heard = model.semantic_model(padded[:, 0], output_hidden_states=True).hidden_states
    meant = model.encoder_semantic(torch.stack(heard).mean(0).transpose(1, 2))
    sound = model.acoustic_encoder(samples)
    if sound.shape[2] != meant.shape[2]:
        sound = model.acoustic_encoder(padded)
    return model.fc(torch.cat([sound, meant], dim=1).transpose(1, 2))


LATENTS = {
    "dac": lambda model, samples: model.encoder(samples).transpose(1, 2),
    "encodec": encodec,
    "xcodec": xcodec,
}
