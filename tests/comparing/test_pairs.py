"""Tables of preferences, and what a user meets at `whisq metrics --pairs`."""

import json

import pytest
from typer.testing import CliRunner

from whisq.cli import app
from whisq.corpus.preferences import read_preferences

SCORES = """id,path,prompt,system,omq,ta
x1,out/x/1.wav,a waltz,x,3.0,2.0
y1,out/y/1.wav,a waltz,y,2.0,3.0
x2,out/x/2.wav,a rag,x,4.0,4.0
y2,out/y/2.wav,a rag,y,3.0,
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Judge preferences, given as text: `call("a,b,preferred...", "--json")`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.csv").write_text(SCORES)

    def run(pairs, *words, code=0):
        (tmp_path / "pairs.csv").write_text(pairs)
        words = ("metrics", "scores.csv", "--pairs", "pairs.csv", *words)
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def read(tmp_path):
    def make(text):
        path = tmp_path / "pairs.csv"
        path.write_text(text)
        return read_preferences(path)

    return make


def test_a_preference_is_a_letter_a_clip_or_a_tie(read):
    words = ["a", "B", "tie", "equal", "out/x.wav", "y"]
    rows = "".join(f"out/x.wav,y.wav,{word}\n" for word in words)
    found = read(f"a,b,preferred\n{rows}")
    assert found["vote"].tolist() == [1, -1, 0, 0, 1, -1]
    assert (found["a"][0], found["b"][0]) == ("out/x", "y")
    assert found[["axis", "rater", "prompt"]].isna().all(axis=None)


def test_axes_go_by_their_usual_names(read):
    found = read("clip_a,clip_b,winner,axis\nx,y,a,OMQ\nx,y,b,Textual Alignment\nx,y,a,\n")
    assert found["axis"].tolist() == ["omq", "ta", None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,preferred\nx,y,z\nx,x,a\nx,,a\n", "has 3 problem"),
        ("a,b,preferred\nx,y,z\n", "preferred must be a, b, tie or one of the clips, given 'z'"),
        ("a,b,preferred\nx,x.wav,a\n", "are the same clip"),
        ("a,b,preferred\nx,y,\n", "preferred must not be blank"),
        ("a,b,preferred,axis\nx,y,a,loudness\n", "axis must be omq or ta"),
        ("a,b,better\nx,y,a\n", "no column is named as a preferred usually is"),
    ],
)
def test_rows_that_are_wrong_are_told(read, text, said):
    with pytest.raises(ValueError, match=said):
        read(text)


def test_the_json_has_both_axes_of_what_names_none(call):
    pairs = "a,b,preferred,rater\nx1,y1,a,1\nx1,y1,a,2\nx1,y1,b,3\n"
    found = json.loads(call(pairs, "--json").stdout)
    assert found["omq"]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["ta"]["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["omq"]["raters"]["n"] == 3
    assert found["missing"] == 0


def test_clips_are_found_by_id_path_or_file_name(call):
    pairs = "a,b,preferred,axis\nx1,y1.wav,a,omq\nout/x/1.wav,out/y/1.wav,a,omq\n"
    assert json.loads(call(pairs, "--json").stdout)["omq"]["accuracy"] == 1


def test_prompts_and_systems_of_the_scores_part_the_intervals(call):
    pairs = "a,b,preferred,axis\nx1,y1,a,omq\nx2,y2,a,omq\nx1,y1,b,omq\nx1,x2,b,omq\n"
    found = json.loads(call(pairs, "--json").stdout)["omq"]
    assert set(found["intervals"]["accuracy"]) == {"prompt", "system_pair"}
    assert found["log_loss"] is not None


def test_systems_that_the_pairs_name_stand_above_those_of_the_scores(call):
    bare = "a,b,preferred,axis\nx1,y1,a,omq\nx2,y2,a,omq\nx1,y1,b,omq\n"
    ends = ["", ",one,two", ",one,three", ",one,two"]
    said = "".join(
        line + (end or ",system_a,system_b") + "\n"
        for line, end in zip(bare.split(), ends, strict=True)
    )

    def drawn(pairs, *words):
        found = json.loads(call(pairs, "--json", *words).stdout)["omq"]
        return set(found["intervals"]["accuracy"])

    assert drawn(bare) == {"prompt"}  # of two systems alone
    assert drawn(said) == {"prompt", "system_pair"}
    assert drawn(said, "--by", "system") == {"prompt"}


def test_clips_without_a_score_are_named_or_left_out_and_counted(call):
    pairs = "a,b,preferred\nx1,y1,a\nx2,y2,a\nx1,elsewhere,b\n"
    error = call(pairs, code=2).stderr
    for part in ("no score of 2 clip(s)", "elsewhere", "y2", "--allow-missing"):
        assert part in error
    found = json.loads(call(pairs, "--json", "--allow-missing").stdout)
    assert (found["missing"], found["omq"]["n"], found["ta"]["n"]) == (2, 2, 1)
    assert "no row of" in call("a,b,preferred\nu,v,a\n", "--allow-missing", code=2).stderr


def test_people_get_a_table_with_the_ceiling(call):
    said = " ".join(call("a,b,preferred\nx1,y1,a\nx1,y1,a\n").stdout.split())
    for part in ("OMQ", "accuracy", "log-loss", "ceiling", "chance is 0.693"):
        assert part in said


def test_a_mos_list_or_preferences_are_needed_and_not_both(call, tmp_path):
    assert "leave out TRUTH" in call("a,b,preferred\nx1,y1,a\n", "truth.txt", code=2).output
    result = CliRunner().invoke(app, ["metrics", "scores.csv"])
    assert result.exit_code == 2
    assert "--pairs" in result.output
