"""Odd files are met in tests/test_cli_score.py; here are the rules, one by one."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from whisq import audio
from whisq.audio import RATE, Sound, read, resampled, sound

TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 32000)).astype(np.float32)


def filed(samples, rate=32000, **kind):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **({"format": "WAV", "subtype": "FLOAT"} | kind))
    return file.getvalue()


def test_a_tone_stays_the_same_tone_at_any_rate_and_in_any_form(tmp_path):
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    path = tmp_path / "a.wav"
    path.write_bytes(filed(TONE))
    forms = [
        read(TONE, 32000),
        read(TONE.astype(np.float64), 32000),
        read(torch.from_numpy(TONE).requires_grad_(), 32000),
        read(np.stack([TONE, TONE]), 32000),
        read(np.stack([TONE, TONE], axis=1), 32000),
        read(path),
        read(str(path)),
        read(path.read_bytes()),
        read(bytearray(path.read_bytes())),
        read(io.BytesIO(path.read_bytes())),
        read({"array": TONE, "sampling_rate": 32000, "path": None}),
        read({"bytes": path.read_bytes(), "path": "a.wav"}),
        read({"bytes": None, "path": str(path)}),
    ]
    for clip in forms:
        samples = resampled(clip)
        assert clip.seconds == 1
        assert samples.dtype == np.float32
        assert samples.shape == (16000,)
        assert np.abs(samples - expected)[100:-100].max() < 1e-3


def test_bfloat16_is_read_to_its_own_precision():
    found = read(torch.from_numpy(TONE).bfloat16(), 32000).samples
    np.testing.assert_allclose(found, TONE, atol=2**-8)


@pytest.mark.parametrize(
    ("clip", "rate", "words"),
    [
        (TONE, None, "needs its sampling rate"),
        (TONE, 0, "positive number of Hz"),
        (TONE, float("nan"), "positive number of Hz"),
        ((TONE * 32767).astype(np.int16), 32000, "divide 16-bit integers"),
        (TONE * 32767, 32000, "integers"),
        (TONE * 60, 32000, "given up to 30"),
        (np.array(0.5), 16000, r"given \(\)"),
        (TONE[:0], 16000, "no samples"),
        (np.zeros((0, 2), np.float32), 16000, "no samples"),
        (np.zeros((2, 2, 2)), 16000, r"given \(2, 2, 2\)"),
        (np.ones((80, 400)), 16000, r"given \(80, 400\): a spectrogram"),
        (np.ones((9, 16000)), 16000, "at most 8 channels"),
        (np.broadcast_to(np.float32(0.5), 3601 * 8000), 8000, "at most 3600 s"),
        (TONE.tolist(), 32000, r"given list; np\.asarray"),
        (None, None, "given NoneType"),
        (io.StringIO("no bytes"), None, "mode 'rb'"),
        ({"text": "a"}, None, "given 'text'"),
        (np.array([0.1, np.nan] * 400), RATE, "NaN"),
        (np.array([0.1, np.inf] * 400), RATE, "infinity"),
        (np.sin(np.arange(399)), RATE, r"at least 0\.025 s"),
    ],
)
def test_what_is_not_one_clip_is_refused_by_what_it_is(clip, rate, words):
    with pytest.raises(ValueError, match=words):
        read(clip, rate)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(8000), "silent throughout"),
        (np.full(8000, 0.5), "constant throughout"),
        (np.full(8000, 0.5) + 1e-6 * np.sin(np.arange(8000)), "constant throughout"),
        (np.concatenate([np.zeros(31 * 8000), TONE]), "silent in its first 30 s"),
        (np.concatenate([np.full(31 * 8000, 0.1), TONE]), "constant in its first 30 s"),
        (np.stack([TONE, -TONE]), "cancel each other"),
        (np.stack([TONE, -TONE * 1.01]), "cancel each other"),
    ],
)
def test_nothing_to_hear_is_told_apart(samples, words):
    with pytest.raises(ValueError, match=words):
        sound(samples.astype(np.float32), 8000)


def test_what_is_heard_is_as_long_as_the_encoder_says():
    late = np.concatenate([np.zeros(2 * 32000), TONE])
    for given in (late, {"array": late, "sampling_rate": 32000}, filed(late)):
        with pytest.raises(ValueError, match="silent in its first 2 s"):
            read(given, 32000, heard=2)
        assert read(given, 32000, heard=4).silent == pytest.approx(2 / 3, abs=0.01)
    assert sound(np.concatenate([np.zeros(31 * 8000), TONE]), 8000, heard=60).silent < 1


@pytest.mark.parametrize(
    "kind",
    [
        {"subtype": "PCM_16"},
        {"format": "MP3", "subtype": "MPEG_LAYER_III"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "OGG", "subtype": "OPUS"},
    ],
)
def test_channels_that_cancel_are_noticed_through_any_codec(kind):
    both = np.tile(np.stack([TONE, -TONE], axis=1), (2, 1))[:64000]
    with pytest.raises(ValueError, match="cancel each other"):
        read(filed(both, 16000, **kind))


def test_a_wide_stereo_image_is_music():
    left, right = np.random.default_rng(0).normal(0, 0.1, (2, 16000))
    clip = sound(np.stack([left + 0.8 * right, right - 0.8 * left]), RATE)
    assert clip.channels == 2
    assert clip.notes == ()


@pytest.mark.parametrize("first", [True, False])
def test_channels_are_averaged_and_more_than_two_are_noted(first):
    parts = 0.1 * np.random.default_rng(0).normal(size=(6, 8000)).astype(np.float32)
    clip = read(parts if first else parts.T, RATE, channels_first=first)
    np.testing.assert_allclose(clip.samples, parts.mean(0), atol=1e-7)
    assert clip.notes == ("its 6 channels are averaged",)


@pytest.mark.parametrize("clips", range(3, 9))
def test_an_array_that_may_be_a_batch_of_clips_is_asked_about(clips):
    parts = 0.1 * np.random.default_rng(0).normal(size=(clips, 8000)).astype(np.float32)
    said = rf"{clips} channels or {clips} clips\? .* \({clips}, 8000\) say channels_first=True"
    with pytest.raises(ValueError, match=said):
        read(parts, RATE)
    with pytest.raises(ValueError, match="channels_first=False"):
        read(torch.from_numpy(parts.T), RATE)
    with pytest.raises(ValueError, match="at most 8 channels"):
        read(parts, RATE, channels_first=False)


@pytest.mark.parametrize("channels", [1, 2])
def test_mono_and_stereo_are_read_in_either_layout_without_a_word(channels):
    parts = 0.1 * np.random.default_rng(0).normal(size=(channels, 8000)).astype(np.float32)
    one, other = read(parts, RATE), read(parts.T, RATE)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.channels == channels
    assert one.notes == ()


def test_what_was_read_is_not_read_again():
    clip = sound(0.1 * np.random.default_rng(0).normal(size=8000), RATE)
    assert read(clip) is clip


@pytest.mark.parametrize("seconds", [0.2, 5])
def test_loudness_is_of_what_is_long_enough_for_its_gate(seconds):
    tone = np.sin(2 * np.pi * 997 * np.arange(round(seconds * 48000)) / 48000)
    loudness = sound(tone, 48000).loudness
    # BS.1770-4: a full-scale 997 Hz tone in one channel.
    assert loudness is None if seconds < 0.4 else loudness == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize(("peak", "noted"), [(0.5, 0), (1.0, 0), (1.4, 0), (1.6, 1), (7.9, 1)])
def test_samples_over_full_scale_are_taken_as_they_are_and_noted(peak, noted):
    clip = read(filed(TONE * (peak / 0.5)))
    assert np.abs(clip.samples).max() == pytest.approx(peak, rel=1e-3)
    assert len(clip.notes) == noted


@pytest.mark.parametrize(("silent", "note"), [(0.4, None), (0.6, "60%"), (0.9, "90%")])
def test_a_clip_that_is_mostly_silent_says_how_much(silent, note):
    samples = TONE.copy()
    samples[: int(len(samples) * silent)] = 0
    notes = " ".join(sound(samples, 32000).notes)
    assert (note in notes) if note else not notes


def test_a_header_that_was_wrong_is_told_with_the_sound():
    data = bytearray(filed(TONE, subtype="PCM_16"))
    place = data.index(b"data") + 4
    data[place : place + 4] = (len(TONE) // 2).to_bytes(4, "little")
    clip = read(bytes(data))
    assert clip.seconds == 1
    assert "all of it is read" in clip.notes[0]


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_files_of_every_kind_are_decoded_at_their_own_rate(tmp_path, sound, name):
    clip = sound(0.5)
    soundfile.write(tmp_path / name, clip, 22_050)
    found = read(tmp_path / name)
    assert found.rate == 22_050
    assert np.corrcoef(found.samples[: len(clip)], clip[: len(found.samples)])[0, 1] > 0.9


def test_a_clip_at_16_khz_passes_unchanged(sound):
    clip = sound(0.3)
    np.testing.assert_array_equal(resampled(read(clip, RATE)), clip)


@pytest.mark.parametrize("rate", [8_000, 16_001, 22_050, 44_100, 44_101, 48_000, 96_001, 192_000])
def test_a_tone_keeps_its_pitch_and_loudness_when_resampled(rate):
    def tone(at):
        return np.sin(2 * np.pi * 440 * np.arange(at) / at).astype(np.float32)

    inner = slice(1000, -1000)  # the ends ring
    found = resampled(Sound(tone(rate), rate))
    assert len(found) == RATE
    np.testing.assert_allclose(found[inner], tone(RATE)[inner], atol=2e-2)


def test_an_odd_rate_takes_no_filter_of_gigabytes():
    import tracemalloc

    tracemalloc.start()
    resampled(Sound(np.zeros(96_001, np.float32), 96_001))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "can't be found"),
        (lambda path: path.mkdir(), "a folder"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"no sound at all"), "not a sound file"),
        (lambda path: soundfile.write(path, np.zeros(0), RATE), "no samples"),
    ],
)
def test_a_file_that_holds_no_clip_is_named(tmp_path, make, words):
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(ValueError, match=rf"bad\.wav.*{words}"):
        read(path)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", TONE, 32000)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match=r"can't be read \(Permission denied\): check its rights"):
        read(tmp_path / "a.wav")


def test_more_samples_than_memory_is_meant_for_are_not_decoded(monkeypatch):
    data = filed(np.stack([TONE] * 4, axis=1))
    assert len(resampled(read(data))) == 16000
    monkeypatch.setattr(audio, "LARGEST", 100_000)
    with pytest.raises(ValueError, match="mix its channels"):
        read(data)
