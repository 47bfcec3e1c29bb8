"""Where a score comes from, by closed form, and each row its own clip's."""

import json
import math
import shutil
from dataclasses import fields

import numpy as np
import pytest
import soundfile

import whisq
from whisq.audio import read
from whisq.scoring.engines import Scorer
from whisq.scoring.requests import Request, named
from whisq.scoring.rows import Provenance

TOLD = Provenance("m", "a" * 64, "w@c0", None, "t", "b" * 64, "0.1", "2.6")
OF_A_CLIP = [field.name for field in fields(Provenance) if field.default is None]
FULL_SCALE = -3.01  # LUFS of a 997 Hz tone in one channel, BS.1770-4


def write(path, levels, rate=48000, seconds=2.0, silent=0.0):
    """A 997 Hz tone with a level a channel, after so many seconds of silence."""
    time = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * 997 * time) * (time >= silent)
    soundfile.write(path, np.outer(tone, levels), rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize("levels", [[1.0], [0.1], [0.5, 0.1], [0.0, 0.8], [2.0, 0.2, 0.2]])
def test_the_peak_is_of_the_loudest_channel_and_the_loudness_of_their_average(levels, tmp_path):
    told = TOLD.of_clip(read(write(tmp_path / "a.wav", levels)), 2)
    assert told.peak_dbfs == pytest.approx(20 * math.log10(max(levels)), abs=0.01)
    loudness = FULL_SCALE + 20 * math.log10(np.mean(levels))
    assert told.loudness_lufs == pytest.approx(loudness, abs=0.05)
    assert (told.source_channels, told.source_rate) == (len(levels), 48000)


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_lengths_are_in_the_clips_own_time_whatever_its_rate(rate, tmp_path):
    clip = read(write(tmp_path / "a.wav", [0.5], rate, seconds=3.2, silent=0.8))
    told = TOLD.of_clip(clip, 1.25)
    assert (told.seconds, told.seconds_heard, told.source_rate) == (3.2, 1.25, rate)
    assert told.silent_share == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("seconds", "levels"), [(0.3, [0.5]), (2, [1e-4])], ids=["too short", "below the gate"]
)
def test_what_has_no_loudness_is_told_without(seconds, levels, tmp_path):
    told = TOLD.of_clip(read(write(tmp_path / "a.wav", levels, seconds=seconds)), seconds)
    assert told.loudness_lufs is None
    assert told.peak_dbfs == pytest.approx(20 * math.log10(levels[0]), abs=0.01)


def test_the_model_is_told_by_its_own_hash_and_its_encoders_with_their_commits(
    tiny_model, tmp_path
):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["text"]["revision"] = "c0ffee"
    (folder / "config.json").write_text(json.dumps(config))
    told, before = Provenance.of("mine", folder), Provenance.of("mine", tiny_model)
    assert (told.model_id, told.audio_encoder) == ("mine", config["audio"]["model"])
    assert told.text_encoder == f"{config['text']['model']}@c0ffee"
    hashes = (told.audio_encoder_sha256, told.text_encoder_sha256)
    assert hashes == (config["weights"]["audio"], config["weights"]["text"])
    assert told.model_sha256 != before.model_sha256
    assert [getattr(told, name) for name in OF_A_CLIP] == [None] * len(OF_A_CLIP)


@pytest.mark.parametrize(
    ("threads", "together"), [(1, 1), (3, 1), (1, 3), (3, 3)], ids=lambda number: str(number)
)
def test_each_row_tells_of_its_own_clip_and_a_failed_one_of_the_model_alone(
    threads, together, predictor, tmp_path
):
    rates = [8000, 16000, 22050, 32000, 44100, 48000]
    paths = [
        write(tmp_path / f"{number}.wav", [0.1 * (number + 1)], rate, 1 + number / 4)
        for number, rate in enumerate(rates)
    ]
    write(paths[2], [0.0])
    requests = named(Request("", path, "waltz") for path in paths)
    rows = list(Scorer(predictor, TOLD).rows(requests, 4, threads, together))
    assert [row.error is None for row in rows] == [True, True, False, True, True, True]
    for number, row in enumerate(rows):
        wanted = {name: None for name in OF_A_CLIP}
        if number != 2:
            level = 0.1 * (number + 1)
            wanted = {
                "seconds": 1 + number / 4,
                "seconds_heard": 1 + number / 4,
                "source_rate": rates[number],
                "source_channels": 1,
                # A low rate bends the filter's treble a little.
                "loudness_lufs": pytest.approx(FULL_SCALE + 20 * math.log10(level), abs=0.2),
                "peak_dbfs": pytest.approx(20 * math.log10(level), abs=0.01),
                "silent_share": 0,
            }
        assert {name: row.cells[name] for name in OF_A_CLIP} == wanted
        assert row.provenance.of_model == TOLD


@pytest.fixture
def short(tiny_model, tmp_path):
    """The small model as one that hears half a second."""
    folder = shutil.copytree(tiny_model, tmp_path / "short")
    config = json.loads((folder / "config.json").read_text())
    config["audio"]["seconds"] = 0.5
    (folder / "config.json").write_text(json.dumps(config))
    return whisq.load(folder, device="cpu")


def test_silence_is_of_the_seconds_that_the_model_hears(short, predictor, tmp_path):
    late = write(tmp_path / "late.wav", [0.5], silent=0.6)
    half = write(tmp_path / "half.wav", [0.5], silent=0.3)
    requests = named(Request("", path) for path in (late, half))
    rows = list(Scorer(short, TOLD).rows(requests))
    assert "silent in its first 0.5 s" in rows[0].error
    assert rows[1].provenance.seconds_heard == 0.5
    assert rows[1].provenance.silent_share == pytest.approx(0.6, abs=0.02)
    assert "60% of what is heard of it is silent" in rows[1].note
    with pytest.raises(ValueError, match=r"silent in its first 0\.5 s"):
        short.score(late)
    whole = list(Scorer(predictor, TOLD).rows(requests))
    assert [row.error for row in whole] == [None, None]
    assert whole[0].provenance.silent_share == pytest.approx(0.3, abs=0.01)
