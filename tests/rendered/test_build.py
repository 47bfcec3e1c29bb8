"""The folder that a build leaves: clips that sound, and the same bytes every time."""

import hashlib
import re

import pytest
import soundfile

from whisq.rendered.build import build


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_it_is_byte_identical_whatever_the_workers(corpus, small, tmp_path):
    folder, _ = corpus
    build(tmp_path / "again", **small, workers=2)
    assert _digests(tmp_path / "again") == _digests(folder)


def test_another_seed_makes_other_clips(corpus, small, tmp_path):
    folder, _ = corpus
    build(tmp_path / "other", **small | {"seed": 4}, workers=1)
    one, other = _digests(folder), _digests(tmp_path / "other")
    wavs = [name for name in one if name.endswith(".wav") and name in other]
    assert wavs
    assert not any(one[name] == other[name] for name in wavs)


def test_the_clips_are_16_khz_mono_pcm_and_sound(corpus):
    folder, made = corpus
    assert {path.name for path in (folder / "wav").iterdir()} == {one.file for one in made.takes}
    for take in made.takes:
        info = soundfile.info(folder / "wav" / take.file)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert 5.5 <= info.duration <= 7.5
        samples, _ = soundfile.read(folder / "wav" / take.file)
        assert 0.02 < samples.std() < 0.2
        assert re.fullmatch(r"whisq-rendered-S\d{3}_P\d{3}", take.id)


def test_a_folder_that_holds_something_is_left_alone(tmp_path, small):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="must be empty"):
        build(tmp_path, **small)
    assert (tmp_path / "mine.txt").read_text() == "keep"
    assert not (tmp_path / "wav").exists()
