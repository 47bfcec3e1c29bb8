"""From sound files to a score with an encoder of any family, by the roads that the stages take."""

import numpy as np
import pytest
import soundfile

import whisq
from whisq.encoders.audio import AudioSpec
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.store.audio import embed_audio
from whisq.store.sequences import Sequences

# Of LASR's own convolution, by torch.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
FAMILIES = ["ast", "clap", "dac", "data2vec-audio", "encodec", "encodec of 48 kHz", "hubert"]
FAMILIES += ["lasr", "moonshine", "parakeet", "pe-audio", "qwen2-audio", "sew", "sew-d"]
FAMILIES += ["unispeech", "unispeech-sat", "voxtral", "w2v-bert", "wav2vec2"]
FAMILIES += ["wav2vec2 with layer norm", "wav2vec2-conformer", "wavlm", "xcodec"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three clips of 32 kHz, two of one length."""
    folder, noise = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    paths = {}
    for key, seconds in (("a", 0.6), ("b", 0.6), ("c", 0.4)):
        paths[key] = folder / f"{key}.wav"
        soundfile.write(paths[key], noise.normal(0, 0.1, round(32_000 * seconds)), 32_000)
    return paths


def test_every_family_is_tried(families):
    assert set(families.MODELS) == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_file_is_scored_by_what_the_store_has_of_it(families, files, tmp_path, name):
    spec = AudioSpec(model=str(families.folder(name)), layers=(-1,), pool=2)
    counts = embed_audio(files, spec, tmp_path / "out", root=tmp_path / "store", device="cpu")
    assert counts.computed == 3
    stored = Sequences.open(tmp_path / "out")
    assert embed_audio(files, spec, tmp_path / "out", root=tmp_path / "store").computed == 0

    sizes = {"audio_dim": stored.dim, "text_dim": 4, "width": 8, "hidden": 8, "heads": 2}
    audio = spec.kept() | {"layers": list(stored.layers)}
    chosen = {"audio_layer": stored.layers[0], "audio": audio, "text": {"model": "none"}}
    own = {
        "weights": {"audio": stored.manifest["weights"]},
        "audio_scaling": "none",
        "text_scaling": "none",
        "audio_pool": 1,
    }
    build(ModelConfig(**sizes, **chosen, **own)).save_pretrained(tmp_path / "model")
    model = whisq.load(str(tmp_path / "model"), device="cpu")
    for key, path in files.items():
        (expected,) = model.score_embedded([(stored[key], None)])
        assert model.score(str(path)).omq == pytest.approx(expected.omq, abs=1e-5)
