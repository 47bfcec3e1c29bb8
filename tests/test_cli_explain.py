"""What a user meets at `whisq explain`."""

import json

import pytest
from typer.testing import CliRunner

from whisq.cli import app


def whisq(*words):
    return CliRunner().invoke(app, ["explain", *map(str, words)])


@pytest.mark.parametrize("ending", ["html", "png", "json"])
def test_an_explanation_is_written_as_its_ending_says(ending, clips, tiny_model, tmp_path):
    output = tmp_path / f"why.{ending}"
    result = whisq(clips[2], "-p", "a calm waltz", "-o", output, "--model", tiny_model)
    assert (result.exit_code, result.stdout) == (0, "")
    content = output.read_bytes()
    starts = {"html": b"<!doctype html>", "png": b"\x89PNG", "json": b"{"}
    assert content.lstrip().startswith(starts[ending])
    if ending == "json":
        assert f"ta {json.loads(content)['ta']:.3f}" in result.stderr


@pytest.mark.parametrize(
    ("clip", "prompt", "output", "said"),
    [
        ("missing.wav", "a waltz", "why.html", "can't be found"),
        (None, "  ", "why.html", "must hold words"),
        (None, "a waltz", "why.pdf", "must end in .html, .json, .png"),
        (None, "a waltz", "nowhere/why.html", "no folder"),
    ],
    ids=["no clip", "blank prompt", "unknown ending", "no folder"],
)
def test_a_wrong_call_is_refused_in_a_line(clip, prompt, output, said, clips, tiny_model, tmp_path):
    result = whisq(clip or clips[2], "-p", prompt, "-o", tmp_path / output, "--model", tiny_model)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / output).exists()


def test_the_faults_that_a_clip_is_like_are_told_when_asked_for(clips, tiny_model, tmp_path):
    output = tmp_path / "why.json"
    words = (clips[4], "-p", "a waltz", "-o", output, "--model", tiny_model)
    assert whisq(*words).exit_code == 0
    assert json.loads(output.read_text())["faults"] == []
    assert whisq(*words, "--faults").exit_code == 0
    faults = json.loads(output.read_text())["faults"]
    assert "clipping" in [fault["fault"] for fault in faults]


def test_help_shows_an_example():
    assert "whisq explain data/raw/wav" in whisq("--help").stdout
