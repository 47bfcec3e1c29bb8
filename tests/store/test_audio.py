import os

import numpy as np
import pytest
import soundfile

from whisq.audio import read, resampled
from whisq.encoders.whisper import AudioSpec, WhisperEncoder
from whisq.store.audio import embed_audio
from whisq.store.sequences import Sequences


@pytest.fixture
def spec(tiny_whisper):
    return AudioSpec(model=str(tiny_whisper), layers=(1, -1), window="clip", pool=2)


@pytest.fixture
def run(tmp_path, spec):
    """Run the embedding into one folder: `run(paths)`; gives what was done."""
    return lambda paths, use=spec, **more: embed_audio(paths, use, tmp_path / "out", **more)


def test_stored_states_are_those_of_each_clip_alone(tmp_path, run, spec, wavs):
    paths = wavs(3)
    run(paths)
    sequences, encoder = Sequences.open(tmp_path / "out"), WhisperEncoder(spec)
    assert sequences.layers == (1, 3)
    for key, path in paths.items():
        np.testing.assert_array_equal(sequences[key], encoder.encode([resampled(read(path))])[0])


def test_the_manifest_rebuilds_the_encoder(tmp_path, run, spec, wavs):
    run(wavs(1))
    assert AudioSpec(**Sequences.open(tmp_path / "out").manifest["spec"]) == spec


def test_nothing_is_computed_twice(run, wavs):
    paths = wavs(3)
    assert run(paths).computed == 3
    assert run(paths).computed == 0


def test_a_new_clip_costs_one(run, wavs):
    run(wavs(3))
    assert run(wavs(4)).computed == 1


def test_a_renamed_file_costs_none(tmp_path, run, wavs):
    paths = wavs(2)
    run(paths)
    renamed = {f"new-{key}": path.rename(tmp_path / f"{key}.wav") for key, path in paths.items()}
    assert run(renamed).computed == 0
    assert Sequences.open(tmp_path / "out").keys == list(renamed)


def test_the_same_sound_under_two_names_costs_one(run, wavs):
    ((key, path),) = wavs(1).items()
    counts = run({key: path, "again": path})
    assert (counts.keys, counts.distinct, counts.computed) == (2, 1, 1)


def test_a_wav_replaced_under_its_name_is_embedded_again(tmp_path, run, wavs, sound):
    paths = wavs(2)
    run(paths)
    key, path = next(iter(paths.items()))
    before, times = Sequences.open(tmp_path / "out")[key].copy(), path.stat()
    soundfile.write(path, sound(0.3, seed=9), 16_000)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run(paths).computed == 1
    assert not np.array_equal(Sequences.open(tmp_path / "out")[key], before)


@pytest.mark.parametrize("change", [{"layers": (2,)}, {"pool": 1}, {"window": "padded"}])
def test_another_setting_never_mixes_with_what_is_stored(tmp_path, run, spec, wavs, change):
    paths = wavs(2)
    run(paths)
    other = AudioSpec(**{**spec.__dict__, **change})
    assert run(paths, other).computed == 2
    assert AudioSpec(**Sequences.open(tmp_path / "out").manifest["spec"]) == other


def test_a_change_of_the_weights_never_mixes_with_what_is_stored(tmp_path, spec, run, wavs):
    import shutil

    folder = shutil.copytree(spec.model, tmp_path / "model")
    moved = AudioSpec(**{**spec.__dict__, "model": str(folder)})
    run(wavs(1), moved)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert run(wavs(1), moved).computed == 1


def test_a_torn_file_of_the_store_is_computed_again(
    own_store, tmp_path, run, wavs, read_all, capsys
):
    paths = wavs(3)
    run(paths)
    before = read_all(tmp_path / "out")
    torn = sorted(own_store.glob("audio-*/*/*.safetensors"))[1]
    torn.write_bytes(torn.read_bytes()[:-7])
    for file in (tmp_path / "out").iterdir():
        file.unlink()
    assert run(paths).computed == 1
    assert read_all(tmp_path / "out") == before
    assert "torn or altered" in capsys.readouterr().err


def test_all_bad_files_are_named_and_nothing_is_written(tmp_path, run, wavs):
    paths = wavs(1) | {"gone": tmp_path / "gone.wav", "bad": tmp_path / "bad.wav"}
    paths["bad"].write_bytes(b"no sound")
    with pytest.raises(ValueError, match=r"2 file\(s\)") as caught:
        run(paths)
    assert "gone.wav" in str(caught.value)
    assert "bad.wav" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_processes_and_batches_change_no_byte(tmp_path, spec, run, wavs, read_all, monkeypatch):
    monkeypatch.setattr("whisq.store.workers.FEW", 0)
    paths = wavs(5)
    run(paths)
    alone = read_all(tmp_path / "out")
    embed_audio(paths, spec, tmp_path / "many", root=tmp_path / "other", workers=2)
    assert read_all(tmp_path / "many") == alone
