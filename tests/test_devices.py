import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from whisq import devices
from whisq.encoders.audio import AudioSpec
from whisq.encoders.whisper import WhisperEncoder


@pytest.fixture
def machine(monkeypatch):
    """Pretend that so many GPUs are here: `machine(2)`."""

    def make(cuda=0, mps=False):
        monkeypatch.setattr("torch.cuda.is_available", lambda: cuda > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: cuda)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)

    return make


def test_auto_is_a_gpu_if_there_is_one(machine):
    machine()
    assert devices.resolve("auto") == devices.resolve(None) == torch.device("cpu")
    machine(mps=True)
    assert devices.resolve("auto") == torch.device("mps")
    machine(cuda=2)
    assert devices.resolve("auto") == torch.device("cuda:0")


def test_a_name_is_taken_at_its_word(machine):
    machine(cuda=2, mps=True)
    named = {"cpu": "cpu", "cuda": "cuda:0", "cuda:1": "cuda:1", "mps": "mps"}
    for name, device in named.items():
        assert devices.resolve(name) == torch.device(device)


def test_auto_and_cuda_stand_for_all_gpus_a_number_for_one(machine):
    machine(cuda=2)
    assert devices.every("auto") == devices.every("cuda") == ["cuda:0", "cuda:1"]
    assert devices.every("cuda:1") == ["cuda:1"]
    assert devices.every("cpu") == ["cpu"]


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_here_is_an_error_that_says_what_is(machine, name):
    machine()
    with pytest.raises(ValueError, match=rf"must be one that is here \(cpu\), given '{name}'"):
        devices.resolve(name)


def test_a_gpu_past_the_last_is_an_error(machine):
    machine(cuda=2)
    with pytest.raises(ValueError, match=r"\(cuda:0, cuda:1, cpu\), given 'cuda:2'"):
        devices.resolve("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "cpu:0"])
def test_no_other_name_is_known(name):
    with pytest.raises(ValueError, match=f"cuda:N or mps, given '{name}'"):
        devices.resolve(name)


def test_clips_are_encoded_one_by_one_on_a_cpu_and_together_on_a_gpu():
    assert devices.at_once("auto", "cpu") == devices.at_once("auto", torch.device("cpu")) == 1
    assert devices.at_once("auto", torch.device("cuda:0")) == devices.at_once("auto", "mps") == 16
    assert devices.at_once(4, "cpu") == devices.at_once(4, "cuda") == 4


@pytest.mark.parametrize(
    ("alone", "together", "chosen"),
    [
        ([9.0, 1.0, 1.1, 1.0], [0.5, 0.6, 0.5], 2),
        ([0.1, 1.0, 1.0, 1.0], [0.9, 0.9, 0.9], 1),
        ([1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 0.7], 2),
        ([0.3, 0.3, 0.3, 0.3], [0.9, 0.9, 0.9], 1),
    ],
    ids=["cores help", "they hardly do", "they do, but for others' work", "they are in the way"],
)
def test_cores_are_used_only_where_they_are_seen_to_help(alone, together, chosen, monkeypatch):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        clock, left = [0.0], {1: list(alone), 2: list(together)}

        def work():
            clock[0] += left[torch.get_num_threads()].pop(0)

        monkeypatch.setattr(devices.time, "perf_counter", lambda: clock[0])
        assert devices.quicker(work) == chosen
        assert torch.get_num_threads() == 2, "the user's own setting stays"
        torch.set_num_threads(1)
        assert devices.quicker(lambda: pytest.fail("nothing to try")) == 1
    finally:
        torch.set_num_threads(before)


def test_who_wants_another_number_of_cores_waits_and_who_wants_the_same_does_not():
    before, told = torch.get_num_threads(), []
    inside, leave = threading.Barrier(3, timeout=20), threading.Event()

    def one():
        with devices.threads(1):
            inside.wait()  # broken unless both are in at once
            leave.wait(20)
            told.append(torch.get_num_threads())

    def two():
        with devices.threads(2):
            told.append(torch.get_num_threads())

    workers = [threading.Thread(target=work) for work in (one, one, two)]
    for worker in workers[:2]:
        worker.start()
    inside.wait()
    workers[2].start()
    workers[2].join(0.2)
    assert not told
    leave.set()
    for worker in workers:
        worker.join(20)
    assert told == [1, 1, 2]
    assert torch.get_num_threads() == before


def test_one_core_inside_of_many_is_one_and_then_many_again():
    before = torch.get_num_threads()
    with devices.threads(2):
        with devices.threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before


def test_callers_at_once_each_have_one_thread_and_leave_as_many_as_there_were():
    def threads(_):
        with devices.threads(1):
            time.sleep(0.01)
            return torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(threads, range(8))) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_convolutions_keep_float32s_digits_while_anybody_needs_them(monkeypatch):
    monkeypatch.setattr("torch.backends.cudnn.allow_tf32", True)
    with devices.all_digits():
        with devices.all_digits():
            assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_who_never_let_convolutions_round_finds_it_so_again(monkeypatch):
    monkeypatch.setattr("torch.backends.cudnn.allow_tf32", False)
    with pytest.raises(KeyError), devices.all_digits():
        raise KeyError
    assert not torch.backends.cudnn.allow_tf32


def test_encoders_keep_float32s_digits(tiny_whisper, sound, monkeypatch):
    allowed, states = [], WhisperEncoder.states

    def watched(encoder, inputs, steps):
        allowed.append(torch.backends.cudnn.allow_tf32)
        return states(encoder, inputs, steps)

    monkeypatch.setattr(WhisperEncoder, "states", watched)
    WhisperEncoder(AudioSpec(model=str(tiny_whisper), layers=(1,))).encode([sound(0.5)])
    assert allowed == [False]
    assert torch.backends.cudnn.allow_tf32
