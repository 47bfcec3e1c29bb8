"""Odd files are met in tests/test_cli_score.py; here is what an array may be."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from whisq.intake import waveform

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 32000)


def test_a_tone_stays_the_same_tone_at_any_rate_and_in_any_form(tmp_path):
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / "a.wav", TONE, 32000, subtype="FLOAT")
    forms = [
        waveform.read(TONE, 32000),
        waveform.read(torch.from_numpy(TONE).requires_grad_(), 32000),
        waveform.read(np.stack([TONE, TONE]), 32000),
        waveform.read(np.stack([TONE, TONE], axis=1), 32000),
        waveform.read(tmp_path / "a.wav"),
        waveform.read(str(tmp_path / "a.wav")),
        waveform.read((tmp_path / "a.wav").read_bytes()),
    ]
    for samples in forms:
        assert samples.dtype == np.float32
        assert samples.shape == (16000,)
        assert np.abs(samples - expected)[100:-100].max() < 1e-3


@pytest.mark.parametrize(
    ("samples", "rate", "wanted"),
    [
        (TONE, None, "needs its sampling rate"),
        (TONE, 0, "positive number of Hz"),
        (TONE, float("nan"), "positive number of Hz"),
        ((TONE * 32767).astype(np.int16), 32000, "divide 16-bit integers"),
        (TONE * 32767, 32000, "integers"),
        (np.array(0.5), 16000, "must be"),
        (TONE[:0], 16000, "no samples"),
        (np.zeros((2, 2, 2)), 16000, "must be"),
        (np.broadcast_to(np.float32(0.5), 3601 * 8000), 8000, "at most 3600 s"),
    ],
)
def test_arrays_that_mean_no_clip_are_refused(samples, rate, wanted):
    with pytest.raises(ValueError, match=wanted):
        waveform.read(samples, rate)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", TONE, 32000)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match=r"can't be read \(Permission denied\): check its rights"):
        waveform.read(tmp_path / "a.wav")


def test_more_samples_than_memory_is_meant_for_are_not_decoded(monkeypatch):
    file = io.BytesIO()
    soundfile.write(file, np.stack([TONE] * 4, axis=1), 32000, format="WAV")
    assert len(waveform.read(file.getvalue())) == 16000
    monkeypatch.setattr(waveform, "LARGEST", 100_000)
    with pytest.raises(ValueError, match="mix its channels"):
        waveform.read(file.getvalue())
