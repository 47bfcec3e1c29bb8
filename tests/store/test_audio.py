import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from whisq.audio import read, resampled
from whisq.encoders.audio import AudioSpec
from whisq.encoders.weights import locate
from whisq.encoders.whisper import WhisperEncoder
from whisq.processes import side_by_side
from whisq.store import audio
from whisq.store.audio import at_work, embed_audio
from whisq.store.known_files import SAMPLES, Memory
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


def test_a_clip_that_was_heard_by_the_check_is_decoded_once(run, wavs, own_store, monkeypatch):
    from stages.clips import hear

    monkeypatch.setattr("whisq.store.known_files.SETTLED", 0)
    paths, decoded = wavs(3), []
    with Memory(SAMPLES, own_store) as known:
        for path in paths.values():
            assert hear(known, path).seconds > 0
    monkeypatch.setattr(audio, "read", lambda path, **how: decoded.append(path) or read(path))
    assert run(paths).computed == 3
    assert sorted(decoded) == sorted(paths.values())


def test_a_clip_without_sound_in_the_seconds_that_are_heard_is_not_embedded(run, spec, tmp_path):
    late = np.concatenate([np.zeros(16000), 0.1 * np.sin(np.arange(16000))])
    soundfile.write(tmp_path / "late.wav", late, 16000)
    paths = {"late": tmp_path / "late.wav"}
    with pytest.raises(ValueError, match=r"late\.wav.*silent in its first 0\.5 s"):
        run(paths, spec.model_copy(update={"seconds": 0.5}))
    assert run(paths).computed == 1


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
    monkeypatch.setattr("whisq.store.audio.FEW", 0)
    paths = wavs(5)
    run(paths)
    alone = read_all(tmp_path / "out")
    embed_audio(paths, spec, tmp_path / "many", root=tmp_path / "other", workers=2)
    assert read_all(tmp_path / "many") == alone


@pytest.fixture
def setting(tiny_whisper, store):
    spec = AudioSpec(model=str(tiny_whisper), layers=(1,), window="clip")
    return spec, locate(spec.model), store


@pytest.fixture
def jobs(wavs):
    return [[(read(path).digest, path)] for path in wavs(3).values()]


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(audio, "FEW", 0)


def test_a_few_files_are_encoded_without_other_processes(setting, jobs):
    assert sum(audio.encode_here(setting, jobs, 4)) == 3
    assert all(content in setting[2] for ((content, _),) in jobs)


def test_what_was_encoded_is_known_of_the_encoder(setting, jobs):
    list(audio.encode_here(setting, jobs, 1))
    assert setting[2].noted() == {"layers": [1], "dim": 16}


def test_a_file_that_changes_meanwhile_is_named(setting, jobs):
    ((content, path),) = jobs[0]
    with pytest.raises(ValueError, match=rf"{path.name} must not change"):
        audio.Worker(*setting)([[(content[::-1], path)]])


def test_what_was_encoded_before_an_error_is_stored(setting, jobs):
    gone = [(jobs[1][0][0], jobs[1][0][1].with_name("gone.wav"))]
    with pytest.raises(ValueError, match=r"gone\.wav"):
        audio.Worker(*setting)([jobs[0], gone, jobs[2]])
    assert [content in setting[2] for ((content, _),) in jobs] == [True, False, False]


def test_a_result_that_cannot_be_stored_is_an_error(setting, jobs, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    worker = audio.Worker(*setting)
    monkeypatch.setattr(worker.store, "write", full)
    with pytest.raises(OSError, match="no space left"):
        worker(jobs)


def test_processes_take_the_gpus_in_turn(setting, monkeypatch):
    told = []
    monkeypatch.setattr(audio, "ProcessPoolExecutor", lambda *given: told.append(given))
    audio.start(setting, 3, ["cuda:0", "cuda:1"])
    waiting = told[0][3][1]
    assert [waiting.get() for _ in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]


@pytest.mark.slow
def test_an_error_in_a_process_arrives_as_it_was_raised(setting, jobs):
    spec = AudioSpec(model=setting[0].model, layers=(9,))
    with audio.start((spec, *setting[1:]), 1) as pool:
        with pytest.raises(ValueError, match="hidden states 0 to 3"):
            pool.submit(audio.work, jobs).result()
        assert pool.submit(os.getpid).result() != os.getpid()


ORPHAN = """
import os, time
from whisq.store import audio

if __name__ == "__main__":
    pool = audio.start((None, None, None), 1)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(ORPHAN)
    command = [sys.executable, tmp_path / "parent.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    ends = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < ends:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.slow
def test_a_killed_process_is_told_with_a_remedy(setting, jobs, many, monkeypatch):
    started = audio.start

    def start_and_kill(setting, *_):
        pool = started(setting, 1)
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        time.sleep(0.2)
        return pool

    monkeypatch.setattr(audio, "start", start_and_kill)
    with pytest.raises(ChildProcessError, match="run the stage again"):
        list(audio.encode_here(setting, jobs, 2))


def test_auto_is_a_process_a_gpu_and_one_a_core_without():
    assert at_work("auto", ["cuda:0", "cuda:1"]) == 2
    assert at_work("auto", ["cpu"]) == side_by_side("auto")
    assert at_work(5, ["cuda:0"]) == 5
