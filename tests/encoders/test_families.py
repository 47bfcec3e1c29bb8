"""Every family of audio encoders by the one adapter, against transformers' own use of it."""

import numpy as np
import pytest

from whisq.encoders.audio import AudioSpec
from whisq.encoders.registry import audio_encoder

GIVEN = {  # Hz, steps a second and seconds at once, as each family's papers have them
    "ast": (16_000, 10, 10.1),
    "clap": (48_000, 3.2, 10),
    "dac": (44_100, 44_100 / 512, 30),
    "data2vec-audio": (16_000, 50, 30),
    "encodec": (24_000, 75, 30),
    "encodec of 48 kHz": (48_000, 150, 1),
    "hubert": (16_000, 50, 30),
    "lasr": (16_000, 25, 30),
    "moonshine": (16_000, 16_000 / 384, 30),
    "parakeet": (16_000, 12.5, 30),
    "pe-audio": (48_000, 25, 30),
    "qwen2-audio": (16_000, 25, 30),
    "sew": (16_000, 25, 30),
    "sew-d": (16_000, 25, 30),
    "unispeech": (16_000, 50, 30),
    "unispeech-sat": (16_000, 50, 30),
    "voxtral": (16_000, 50, 30),
    "w2v-bert": (16_000, 50, 30),
    "wav2vec2": (16_000, 50, 30),
    "wav2vec2 with layer norm": (16_000, 50, 30),
    "wav2vec2-conformer": (16_000, 50, 30),
    "wavlm": (16_000, 50, 30),
    "xcodec": (16_000, 50, 30),
}
SINGLE = {"clap": 32, "dac": 32, "encodec": 16, "encodec of 48 kHz": 16, "xcodec": 272}
# Of LASR's own convolution, by torch.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
everywhere = pytest.mark.parametrize("name", sorted(GIVEN))


@pytest.fixture(scope="module")
def load(families):
    """Load a family's tiny encoder once: `load("wavlm")`; every layer, nothing averaged."""
    known = {}

    def make(name, **spec):
        layers = (0,) if name in SINGLE else (0, 1, 2)
        plain = {"model": str(families.folder(name)), "layers": layers, "pool": 1}
        if spec:
            return audio_encoder(AudioSpec(**plain | spec))
        return known.get(name) or known.setdefault(name, audio_encoder(AudioSpec(**plain)))

    return make


def noise(encoder, seconds, seed=0):
    samples = round(encoder.rate * seconds)
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def float32(encoder, clip):
    inputs = {name: array[None] for name, array in encoder.inputs(clip).items()}
    own = encoder.own(len(clip))
    return encoder.states(inputs, own)[0][:, :own]


def test_every_family_is_tried(families):
    assert set(GIVEN) == set(families.MODELS)


@everywhere
def test_rate_steps_and_window_are_the_models_own(load, name):
    encoder = load(name)
    found = encoder.rate, encoder.steps_per_second, encoder.longest
    assert found == pytest.approx(GIVEN[name])
    layers = (0,) if name in SINGLE else (0, 1, 2)
    assert (encoder.layers, encoder.dim) == (layers, SINGLE.get(name, 16))


@everywhere
def test_states_are_those_of_the_librarys_own_class(load, families, name):
    encoder = load(name)
    clip = noise(encoder, 0.8)
    if name == "clap":  # only its pooled vector is the library's
        model, extractor = families.plain(families.folder(name))
        read = extractor(clip, sampling_rate=48_000, return_tensors="pt")
        pooled = model.audio_model(**read).pooler_output[0].detach().numpy()
        inputs = {key: array[None] for key, array in encoder.inputs(clip).items()}
        np.testing.assert_allclose(encoder.states(inputs, 32)[0, 0].mean(0), pooled, atol=1e-5)
        return
    last = families.run(families.folder(name), clip)[-1]
    if name == "ast":  # two tokens, then 12 bands of 101 columns
        last = last[2:].reshape(12, 101, 16).mean(0)
    states = float32(encoder, clip)[-1]
    np.testing.assert_allclose(states, last[: len(states)], atol=1e-5)
    assert 0 <= 0.8 * encoder.steps_per_second + 1 - len(states) < 5  # none beyond, few cut off


@everywhere
def test_a_clip_s_states_are_its_own_in_any_batch(load, name):
    encoder = load(name)
    clips = [noise(encoder, seconds, seed) for seed, seconds in enumerate([1, 0.6, 1, 0.05])]
    together = encoder.encode(clips)
    for clip, states, backwards in zip(
        clips, together, encoder.encode(clips[::-1])[::-1], strict=True
    ):
        np.testing.assert_array_equal(states, encoder.encode([clip])[0])
        np.testing.assert_array_equal(states, backwards)
    for one, many in zip(together, encoder.encode(clips, 4), strict=True):
        np.testing.assert_allclose(one, many, rtol=2e-3, atol=1e-4)


@everywhere
def test_a_click_is_at_the_step_of_its_second(load, name):
    # A click moves in a clip that stays as loud: some families scale by the whole clip.
    encoder = load(name)

    def clicking(second):
        clip, start = noise(encoder, 3) / 10, round(second * encoder.rate)
        clip[start : start + encoder.rate // 50] += 0.9
        return encoder.encode([clip])[0][0].astype(np.float32)

    moved = np.abs(clicking(1.1) - clicking(2.3)).sum(-1)
    half, near = len(moved) // 2, max(0.12, 1 / encoder.steps_per_second)
    for part, first, at in ((moved[:half], 0, 1.1), (moved[half:], half, 2.3)):
        assert (first + part.argmax()) / encoder.steps_per_second == pytest.approx(at, abs=near)


@everywhere
def test_of_a_padded_window_the_clip_s_own_states_are_kept(load, name):
    encoder = load(name, window=5.0, layers=(-1,))
    steps = encoder.encode([noise(encoder, 2)])[0].shape[1]
    assert steps == np.ceil(2 * encoder.steps_per_second)


def test_a_short_window_is_read_one_after_the_other(load):
    encoder = load("ast")
    clip = noise(encoder, 25)
    states = encoder.encode([clip])[0]
    assert states.shape == (3, 250, 16)
    second = encoder.encode([clip[161_600 : 2 * 161_600]])[0]
    np.testing.assert_array_equal(states[:, 101:202], second)


def test_layers_in_another_step_are_brought_to_that_of_the_last(load, families):
    for name, whole in (("qwen2-audio", lambda states: states.reshape(-1, 2, 16).mean(1)),
                        ("pe-audio", lambda states: states[1:])):  # fmt: skip
        encoder = load(name, layers=(1,))
        clip = noise(encoder, 1)
        expected = whole(families.run(families.folder(name), clip)[1])[:25]
        np.testing.assert_allclose(float32(encoder, clip)[0], expected, atol=1e-5)


def test_a_codec_of_chunks_is_read_chunk_by_chunk(load):
    encoder = load("encodec of 48 kHz")
    clip = noise(encoder, 2.5)
    states = encoder.encode([clip])[0]
    assert states.shape == (1, 375, 16)
    np.testing.assert_array_equal(states[:, 150:300], encoder.encode([clip[48_000:96_000]])[0])


def test_clap_is_read_in_windows_of_ten_seconds(load):
    assert load("clap").encode([noise(load("clap"), 25)])[0].shape == (1, 80, 32)


def test_the_number_of_threads_changes_nothing(load):
    import torch

    encoder, threads = load("wav2vec2"), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = encoder.encode([noise(encoder, 1)])[0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(two, encoder.encode([noise(encoder, 1)])[0])


def test_bfloat16_stays_near(load):
    rough, exact = load("voxtral", dtype="bfloat16"), load("voxtral")
    clip = noise(exact, 1)
    error = np.linalg.norm(float32(rough, clip) - float32(exact, clip))
    assert 0 < error < 0.05 * np.linalg.norm(float32(exact, clip))


def test_a_layer_that_the_encoder_lacks_is_refused(load):
    with pytest.raises(ValueError, match="hidden states 0 to 2, asked for"):
        load("hubert", layers=(3,))


def test_a_folder_that_is_no_audio_encoder_is_refused(tiny_qwen):
    with pytest.raises(ValueError, match=r"its folder must hold config\.json, preprocessor"):
        audio_encoder(AudioSpec(model=str(tiny_qwen)))
