"""Which adapter reads which audio encoder, told by the type in its config.json."""

from __future__ import annotations

import torch

from whisq.encoders.audio import AudioEncoder, AudioSpec
from whisq.encoders.beside import Beside
from whisq.encoders.codecs import BEFORE_QUANTISER, Latents
from whisq.encoders.hidden_states import HiddenStates
from whisq.encoders.muq import Muq
from whisq.encoders.spectrograms import Clap, SpectrogramTransformer
from whisq.encoders.weights import Location, settings
from whisq.encoders.whisper import WhisperEncoder

ADAPTERS: dict[str, type[AudioEncoder]] = {
    "audio-spectrogram-transformer": SpectrogramTransformer,
    "clap": Clap,
    "muq": Muq,
    "whisper": WhisperEncoder,
    **dict.fromkeys(BEFORE_QUANTISER, Latents),
}
MUQ = {"label_rate", "encoder_depth", "n_mels"}  # what MuQ's config.json has, with no type


def audio_encoder(
    spec: AudioSpec, location: Location | None = None, device: torch.device | str = "cpu"
) -> AudioEncoder | Beside:
    """Load an audio encoder by its own adapter, or by that of any model with hidden states.

    Several are loaded, each by its own, where the spec names some beside the first.

    Args:
        spec: What to keep of which encoder.
        location: Where its weights are; looked for if None.
        device: Where to compute.

    Returns:
        The encoder, in evaluation mode.
    """
    location = location or spec.locate()
    if spec.beside:
        pairs = zip(spec.each(), location.each, strict=True)
        return Beside(spec, [audio_encoder(*pair, device) for pair in pairs])
    return ADAPTERS.get(model_type(location), HiddenStates)(spec, location, device)


def model_type(location: Location) -> str:
    """Return what a model's config.json says that it is, empty if it says nothing."""
    if location.folder is None:
        return "whisper"
    told = settings(location)
    return told.get("model_type", "muq" if told.keys() >= MUQ else "")
