import numpy as np
import pytest
import soundfile

from whisq.encoders.audio import RATE, load, mono, prepare


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_files_of_every_kind_are_decoded_at_their_own_rate(tmp_path, sound, name):
    clip = sound(0.5)
    soundfile.write(tmp_path / name, clip, 22_050)
    samples, rate = load(tmp_path / name)
    assert rate == 22_050
    assert samples.dtype == np.float32
    assert np.corrcoef(samples[: len(clip)], clip[: len(samples)])[0, 1] > 0.9


def test_channels_are_averaged(tmp_path):
    stereo = np.tile([[0.5, -0.25]], (1000, 1))
    soundfile.write(tmp_path / "a.wav", stereo, RATE, subtype="FLOAT")
    np.testing.assert_allclose(load(tmp_path / "a.wav")[0], 0.125)


def test_a_clip_at_16_khz_passes_unchanged(sound):
    clip = sound(0.3)
    np.testing.assert_array_equal(prepare(clip, RATE), clip)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_and_loudness_when_resampled(rate):
    def tone(at):
        return np.sin(2 * np.pi * 440 * np.arange(at) / at)

    inner = slice(1000, -1000)  # the ends ring
    resampled = prepare(tone(rate), rate)
    assert len(resampled) == RATE
    np.testing.assert_allclose(resampled[inner], tone(RATE)[inner], atol=2e-2)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.wav.*no such file"):
        load(tmp_path / "gone.wav")


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound at all")
    with pytest.raises(ValueError, match=r"bad\.wav.*readable sound file"):
        load(tmp_path / "bad.wav")


def test_a_file_without_samples_is_named_not_scored_as_silence(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(ValueError, match=r"empty\.wav.*no samples"):
        load(tmp_path / "empty.wav")


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.array([0.1, np.nan]), "NaN"),
        (np.array([0.1, np.inf]), "infinity"),
        (np.zeros(500), "silent"),
        (np.ones(500, dtype=np.int16), "divide 16-bit integers"),
        (np.full(500, 3000.0), "were they integers"),
        (np.ones((2, 500)), "transpose"),
        (np.ones((2, 2, 2)), r"given \(2, 2, 2\)"),
        (np.zeros((0, 2)), "no samples"),
    ],
)
def test_what_cannot_be_scored_is_refused(samples, words):
    with pytest.raises(ValueError, match=words):
        mono(samples)


def test_a_clip_shorter_than_one_window_is_refused():
    with pytest.raises(ValueError, match=r"at least 0\.025 s"):
        prepare(np.ones(399), RATE)


def test_a_rate_of_zero_is_refused(sound):
    with pytest.raises(ValueError, match="positive number of Hz"):
        prepare(sound(0.1), 0)
