"""What a user meets at `whisq probe`."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from whisq.cli import app
from whisq.predictor import Predictor

PROMPTS = ["a calm piano waltz", "a fast march", "a slow rag for strings"]
FEW = ("--altered", 1, "--resamples", 50)


@pytest.fixture
def listed(clips, tmp_path):
    """A list of six clips by two systems and three prompts, and of one that is not there."""
    rows = [(clip, PROMPTS[at % 3], f"S{at % 2}") for at, clip in enumerate(clips[2:])]
    rows.insert(2, (tmp_path / "gone.wav", PROMPTS[0], "S0"))
    table = pd.DataFrame(rows, columns=["path", "prompt", "system"])
    table.to_csv(tmp_path / "list.csv", index=False)
    return tmp_path / "list.csv"


@pytest.fixture
def probe(tiny_model):
    def call(*words, code=0):
        given = ["probe", *map(str, words), "-m", str(tiny_model)]
        done = CliRunner().invoke(app, given)
        assert done.exit_code == code, done.output
        return done

    return call


def answering(monkeypatch, alignment):
    """Let the model's TA be a function of the prompt's number and of how long a clip is."""

    def embed(self, prompt):
        return np.full((1, 1, 1), PROMPTS.index(prompt), np.float32)

    def score(self, embedded):
        return [
            SimpleNamespace(omq=3.0, ta=None if text is None else alignment(audio, text))
            for audio, text in embedded
        ]

    monkeypatch.setattr(Predictor, "embed_prompt", embed)
    monkeypatch.setattr(Predictor, "score_embedded", score)


def test_rows_out_are_rows_in_and_each_error_is_told(probe, listed):
    done = probe(listed, "--json", *FEW, code=1)
    found = json.loads(done.stdout)
    table = pd.read_csv(listed)
    assert [clip["path"] for clip in found["clips"]] == list(table["path"])
    assert [clip["prompt"] for clip in found["clips"]] == list(table["prompt"])
    assert "can't be found" in found["clips"][2]["error"]
    assert found["clips"][2]["own_prompt"] is None
    assert found["n_clips"] == 6
    assert "6 of 7 clips have a score" in done.stderr
    assert "failed: gone" in done.stderr


def test_own_prompts_are_counted_over_all_clips_by_system_and_by_clip(probe, listed):
    found = json.loads(probe(listed, "--json", *FEW, code=1).stdout)
    own = found["own_prompt"]
    assert (own["clips"], own["prompts"], own["comparisons"]) == (6, 3, 12)
    systems = own["by_system"]
    assert {name: part["clips"] for name, part in systems.items()} == {"S0": 3, "S1": 3}
    shares = [clip["own_prompt"] for clip in found["clips"] if clip["error"] is None]
    assert own["share"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert own["share"] == pytest.approx(np.mean([part["share"] for part in systems.values()]))
    assert own["interval"][0] <= own["share"] <= own["interval"][1]
    one = json.loads(probe(listed, "--json", "--others", 1, *FEW, code=1).stdout)
    assert one["own_prompt"]["comparisons"] == 6


def test_a_model_that_ignores_prompts_is_at_chance(probe, listed, monkeypatch):
    answering(monkeypatch, lambda audio, text: float(audio.shape[1]))
    own = json.loads(probe(listed, "--json", *FEW, code=1).stdout)["own_prompt"]
    assert (own["share"], own["interval"]) == (0.5, [0.5, 0.5])
    assert "not told from chance" in probe(listed, *FEW, code=1).stdout.replace("\n", " ")


def test_a_model_that_learnt_no_alignment_is_not_asked_for_it(probe, listed, monkeypatch):
    answering(monkeypatch, lambda audio, text: None)
    own = json.loads(probe(listed, "--json", *FEW, code=1).stdout)["own_prompt"]
    assert own == {"share": None, "undefined": "the model learnt no alignment"}


@pytest.mark.parametrize(
    ("prompts", "said"), [(None, "no clip has a prompt"), (PROMPTS[:1], "all clips have one")]
)
def test_where_nothing_can_be_asked_of_prompts_faults_still_are(
    probe, clips, tmp_path, prompts, said
):
    table = pd.DataFrame({"path": clips[4:7]})
    if prompts:
        table["prompt"] = prompts * 3
    table.to_csv(tmp_path / "list.csv", index=False)
    found = json.loads(probe(tmp_path / "list.csv", "--json", *FEW).stdout)
    assert found["own_prompt"]["share"] is None
    assert said in found["own_prompt"]["undefined"]
    assert {"noise", "clipping", "abrupt_end"} <= set(found["faults"]["by_fault"])
    moved = found["invariance"]
    assert {"gain -12 dB", "48000 Hz", "flac", "mp3", "0.5 s of silence first"} <= set(moved)
    assert all(change["omq"]["mean"] >= 0 for change in moved.values())


def test_each_clip_is_encoded_once_and_altered_ones_are_drawn_from_all_systems(
    probe, listed, monkeypatch
):
    encoded = []
    embed = Predictor.embed
    monkeypatch.setattr(
        Predictor,
        "embed",
        lambda self, *given, **more: encoded.append(1) or embed(self, *given, **more),
    )
    done = probe(listed, "--json", "--altered", 2, "--resamples", 50, code=1)
    found = json.loads(done.stdout)
    assert len(encoded) == 6
    system = {clip["id"]: clip["system"] for clip in found["clips"]}
    assert {system[key] for key in found["altered"]} == {"S0", "S1"}
    assert found["faults"]["clips"] == 2


def test_the_same_seed_asks_the_same(probe, listed):
    one, two = (probe(listed, "--json", *FEW, code=1).stdout for _ in range(2))
    assert one == two


def test_people_see_tables_and_sentences(probe, listed):
    said = " ".join(probe(listed, *FEW, code=1).stdout.split())
    assert "How often TA prefers a clip's own prompt to another clip's" in said
    assert "all clips" in said
    assert "Own prompt: TA prefers it to another clip's in" in said
    assert "When a clip is given a fault" in said


def test_a_page_and_a_table_of_clips_are_written(probe, listed, tmp_path):
    page, table = tmp_path / "probe.html", tmp_path / "probe.csv"
    probe(listed, "-o", page, *FEW, code=1)
    assert page.read_text().lstrip().startswith("<!doctype html>")
    assert "gone.wav" in page.read_text()
    probe(listed, "-o", table, *FEW, code=1)
    assert list(pd.read_csv(table)["path"]) == list(pd.read_csv(listed)["path"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.csv"], "no such file"),
        (["LIST", "-o", "out.pdf"], "must end in .html, .csv"),
        (["LIST", "-o", "nowhere/out.html"], "no folder"),
        (["GONE"], "no clip can be scored, the first is 'gone'"),
    ],
)
def test_a_wrong_call_is_refused_in_a_line(probe, listed, tmp_path, words, said):
    gone = tmp_path / "gone.csv"
    gone.write_text("path\ngone.wav\n")
    places = {"LIST": listed, "GONE": gone}
    done = probe(*(places.get(word, word) for word in words), code=2)
    assert said in done.stderr
    assert done.stdout == ""


def test_help_teaches_what_is_asked(probe):
    said = " ".join(CliRunner().invoke(app, ["probe", "--help"]).stdout.split())
    assert "how often TA prefers a clip's own prompt" in said
    assert "whisq probe data/clips.csv -o probe.html" in said
