import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import yaml
from pandas import DataFrame
from typer.testing import CliRunner

from whisq.cli import app
from whisq.corpus.card import write_card
from whisq.corpus.clips import write_clips
from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextSpec
from whisq.store import plan
from whisq.store.audio import embed_audio
from whisq.store.text import embed_text

ROOT = Path(__file__).parents[2]
SECONDS = {"a": 0.5, "b": 0.5, "c": 0.9, "d": 1.7}
PROMPTS = ["a calm piano waltz", "drums", "a slow rag for two guitars"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder whose stage `clips` has run."""
    folder, noise = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    (folder / "raw/wav").mkdir(parents=True)
    write_card(folder / "raw", "rendered corpus")
    rows = []
    for number, (key, seconds) in enumerate(SECONDS.items()):
        path = f"raw/wav/{key}.wav"
        soundfile.write(folder / path, noise.normal(0, 0.1, round(16_000 * seconds)), 16_000)
        prompt = PROMPTS[number % len(PROMPTS)]
        rows.append(("S1", f"P{number}", prompt, path, seconds, key))
    columns = ["system", "prompt_id", "prompt", "path", "seconds", "id"]
    write_clips(DataFrame(rows, columns=columns), folder / "clips.csv")
    return folder


@pytest.fixture(scope="module")
def spec(families):
    beside = {"model": str(families.folder("pe-audio")), "layers": [2], "pool": 1}
    wav2vec2 = str(families.folder("wav2vec2"))
    return AudioSpec(model=wav2vec2, layers=[0, 2], pool=2, beside=[beside])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WHISQ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def on_disk(folder, kind):
    return sum(path.stat().st_size for path in folder.glob(f"{kind}-*/*/*.safetensors"))


def test_a_sequence_takes_steps_times_layers_times_dim_times_two_bytes_and_a_header():
    one = plan.size_of(np.array([10]), 3, 16)
    assert plan.size_of(np.array([11]), 3, 16) - one == 3 * 16 * 2
    assert 0 < one - 10 * 3 * 16 * 2 < 400
    assert plan.size_of(np.array([10, 10]), 3, 16) == 2 * one
    assert plan.size_of(np.array([], dtype=int), 3, 16) == 0


def test_steps_are_those_of_what_is_heard_at_the_encoder_s_rate_averaged_by_pool():
    encoder = SimpleNamespace(steps_per_second=50, spec=SimpleNamespace(seconds=30.0, pool=8))
    seconds = np.array([0.6, 0.61, 0.64, 0.66, 30.0, 300.0])
    assert plan.steps_of(seconds, encoder).tolist() == [4, 4, 4, 5, 188, 188]


def test_what_is_planned_is_what_a_run_writes(data, spec, cache):
    corpus = plan.Corpus.of(data)
    costs = plan.of_audio(spec, corpus.clips, device="cpu")
    assert [cost.kind for cost in costs] == ["audio", "audio", "side by side"]
    assert [cost.lacking for cost in costs] == [4, 4, 4]
    assert [cost.download for cost in costs] == [0, 0, 0]
    embed_audio({key: data / f"raw/wav/{key}.wav" for key in SECONDS}, spec, cache / "out")
    planned, written = sum(cost.disk for cost in costs), on_disk(cache, "audio")
    # A clip's end may make a step or two more or less: of 16, 32 and 96 numbers of two bytes.
    assert abs(planned - written) <= 2 * 2 * len(SECONDS) * (2 * 16 + 16 + 2 * 32)
    assert written > planned / 2


def test_of_text_the_size_is_known_to_the_byte_but_for_headers(tiny_qwen, cache):
    cost = plan.of_text(TextSpec(model=str(tiny_qwen)), PROMPTS, device="cpu")
    embed_text(PROMPTS, TextSpec(model=str(tiny_qwen)), cache / "out", device="cpu")
    assert cost.lacking == len(PROMPTS)
    assert abs(cost.disk - on_disk(cache, "text")) <= 16 * len(PROMPTS)


def test_what_the_store_has_costs_nothing(data, spec, cache):
    some = {key: data / f"raw/wav/{key}.wav" for key in "abc"}
    embed_audio(some, spec, cache / "out")
    costs = plan.of_audio(spec, plan.Corpus.of(data).clips, device="cpu")
    assert [cost.lacking for cost in costs] == [1, 1, 1]
    embed_audio({key: data / f"raw/wav/{key}.wav" for key in SECONDS}, spec, cache / "out")
    for cost in plan.of_audio(spec, plan.Corpus.of(data).clips, device="cpu"):
        assert (cost.lacking, cost.disk, cost.minutes) == (0, 0, 0)


def test_a_plan_writes_nothing_into_the_store(data, spec, cache):
    plan.of_audio(spec, plan.Corpus.of(data).clips, device="cpu")
    assert on_disk(cache, "audio") == 0


def test_twice_the_clips_take_twice_the_disk(spec):
    one, two = (
        plan.of_audio(spec, plan.Corpus.assumed(n, 1.3).clips, device="cpu") for n in (5, 10)
    )
    assert [cost.disk for cost in two] == [2 * cost.disk for cost in one]
    assert all(cost.minutes > 0 for cost in one[:2])


def test_the_clips_that_are_tried_are_of_middling_length():
    assert plan._middling([9, 1, 5, 3, 7, 2, 8, 6, 4], float) == [2, 5, 8]
    assert plan._middling([4], float) == [4]
    assert plan._middling([], float) == []


def test_without_the_weights_there_is_the_size_that_the_hub_tells_or_none(monkeypatch):
    files = [SimpleNamespace(rfilename=name, size=size) for name, size in [
        ("model.safetensors", 1000), ("config.json", 10), ("model.onnx", 5000),
    ]]  # fmt: skip
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(
        "huggingface_hub.HfApi.model_info", lambda *_, **__: SimpleNamespace(siblings=files)
    )
    spec = AudioSpec(model="no/such")
    (cost,) = plan.of_audio(spec, plan.Corpus.assumed(2, 1.0).clips, device="cpu")
    assert (cost.download, cost.disk, cost.minutes) == (1010, None, None)

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    (cost,) = plan.of_audio(spec, plan.Corpus.assumed(2, 1.0).clips, device="cpu")
    assert cost.download is None


def test_a_disk_without_room_is_told(monkeypatch):
    costs = [plan.Cost("audio", "a/b", 3, 0, 2_000, 1.0), plan.Cost("text", "c/d", 1, 500, 9, 0.5)]
    said, fits = plan.told(costs, "three clips", Path("data"), False)
    assert fits
    assert "together: download 500 bytes, disk 2.01 kB, 1.5 minutes" in said
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2_508))
    said, fits = plan.told(costs, "three clips", Path("data"), False)
    assert not fits
    assert "too little" in said
    assert not json.loads(plan.told(costs, "three clips", Path("data"), True)[0])["fits"]


def test_weights_states_and_corpus_may_each_be_on_another_disk(monkeypatch, tmp_path):
    costs = [
        plan.Cost("corpus", "full.zip", download=70, disk=100, minutes=0.0),
        plan.Cost("audio", "a/b", 3, 1_000, 2_000, 1.0),
    ]
    places = {name: tmp_path / name for name in ("cache", "hub", "data/raw")}
    disks = {place: number for number, place in enumerate(places.values())}
    free = dict(zip(disks, (2_070, 1_000, 100), strict=True))
    for place in disks:
        place.mkdir(parents=True)

    def stat(path, real=os.stat, **how):
        return real(path, **how) if how else SimpleNamespace(st_dev=disks[path])

    monkeypatch.setenv("WHISQ_CACHE", str(places["cache"]))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(places["hub"]))
    monkeypatch.setattr("os.stat", stat)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free[path]))
    assert plan.told(costs, "clips", tmp_path / "data", False)[1]
    free[places["hub"]] = 999
    said, fits = plan.told(costs, "clips", tmp_path / "data", False)
    assert not fits
    assert f"1 kB in {places['hub']} must have room, but 999 bytes are free there" in said


@pytest.fixture
def project(data, tiny_whisper, tiny_qwen, tmp_path, monkeypatch):
    """A project's folder, of tiny encoders."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["embed_audio"] |= {"model": str(tiny_whisper), "device": "cpu"}
    values["embed_text"] |= {"model": str(tiny_qwen), "device": "cpu"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    shutil.copytree(data, tmp_path / "data")
    monkeypatch.chdir(tmp_path)


def test_the_command_tells_what_the_configured_run_will_write(project):
    done = CliRunner().invoke(app, ["plan", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [part["kind"] for part in found["parts"]] == ["audio", "text"]
    assert [part["lacking"] for part in found["parts"]] == [4, 3]
    assert found["together"]["download"] == 0
    assert found["together"]["disk"] == sum(part["disk"] for part in found["parts"])
    shown = CliRunner().invoke(app, ["plan"]).stdout
    assert shown.startswith("the rendered corpus: 4 clips")


def test_a_corpus_that_is_not_there_is_assumed_or_asked_for(project):
    refused = CliRunner().invoke(app, ["plan", "--recipe", "paper"])
    assert refused.exit_code == 2
    assert "data holds the rendered corpus" in refused.stderr
    assert "--clips" in refused.stderr
    alone = CliRunner().invoke(app, ["plan", "--clips", "3"])
    assert alone.exit_code == 2
    assumed = CliRunner().invoke(app, ["plan", "--clips", "3", "--seconds", "2", "--json"])
    (heard, _) = json.loads(assumed.stdout)["parts"]
    # 2 s at 50 states a second, 8 to a step: 13 steps of 16 numbers of two bytes.
    assert heard["disk"] == plan.size_of(np.array([13, 13, 13]), 1, 16)
