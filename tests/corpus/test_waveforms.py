import numpy as np
import pytest
import soundfile

from whisq.corpus.waveforms import inspect, inspect_all, missing_bytes


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.linspace(-0.5, 0.25, 8000), 16_000, subtype="FLOAT")
    return path


def test_length_rate_and_peak_are_read(wav):
    found = inspect(wav)
    assert (found.seconds, found.rate, found.channels) == (0.5, 16_000, 1)
    assert found.peak == pytest.approx(0.5)
    assert found.missing == 0


def test_the_missing_bytes_of_a_cut_file_are_counted(wav):
    data = wav.read_bytes()
    wav.write_bytes(data[:-100])
    assert missing_bytes(wav) == 100


def test_a_chunk_behind_the_samples_or_an_unknown_length_is_no_damage(wav):
    data = bytearray(wav.read_bytes())
    wav.write_bytes(data + b"LIST\x04\x00\x00\x00abcd")
    assert missing_bytes(wav) == 0
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff\xff\xff\xff"
    wav.write_bytes(data)
    assert missing_bytes(wav) == 0


def test_a_file_of_another_format_is_taken_to_be_whole(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(100), 16_000)
    assert missing_bytes(path) == 0
    assert inspect(path).peak == 0


def test_a_single_sample_that_is_not_a_number_shows_in_the_peak(tmp_path):
    samples = np.zeros(500_000)
    samples[7] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    assert np.isnan(inspect(tmp_path / "a.wav").peak)


def test_many_files_come_back_in_their_order_with_the_errors_of_the_bad(wav, tmp_path):
    bad = tmp_path / "b.wav"
    bad.write_bytes(b"RIFF")
    first, second, third = inspect_all([bad, wav, tmp_path / "absent.wav"])
    assert first.error
    assert second.seconds == 0.5
    assert third.error
