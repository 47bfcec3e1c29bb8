"""What a user meets at `whisq compare`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from whisq.cli import app

PROMPTS = 12


@pytest.fixture
def files(tmp_path):
    """Scores of three systems, two seeds a prompt; `same` is as good as `before`."""
    rng = np.random.default_rng(0)
    level = rng.normal(3, 0.4, PROMPTS)
    for name, lost in (("before", 0), ("same", 0), ("worse", 0.6)):
        rows = [
            f"tune {prompt},{level[prompt] - lost + rng.normal(0, 0.1):.4f},{3 + rng.normal():.4f}"
            for prompt in range(PROMPTS)
            for seed in range(2)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(["prompt,omq,ta", *rows]))
    return tmp_path


@pytest.fixture
def call(files, monkeypatch):
    monkeypatch.chdir(files)

    def run(*words, code=0):
        result = CliRunner().invoke(app, ["compare", *map(str, words)])
        assert result.exit_code == code, result.output
        return result

    return run


def test_the_json_has_what_a_program_needs(call):
    found = json.loads(call("before.csv", "worse.csv", "--json").stdout)
    assert found["systems"] == ["before", "worse"]
    assert found["n_clips"] == {"before": 24, "worse": 24}
    assert (found["paired_by"], found["left_out"]) == ("prompt", {})
    (pair,) = found["omq"]["differences"]
    assert (pair["system"], pair["less"]) == ("worse", "before")
    assert pair["interval"][0] < pair["difference"] < pair["interval"][1] < 0
    assert pair["wins"] == 0
    assert pair["p"] == pytest.approx(2 / 2**PROMPTS, abs=1e-6)
    means = {row["system"]: row["mean"] for row in found["omq"]["ranking"]}
    assert pair["difference"] == pytest.approx(means["worse"] - means["before"], abs=1e-6)
    assert [len(scores) for scores in found["ta"]["scores"].values()] == [PROMPTS] * 2


def test_people_are_told_what_can_be_told_and_what_can_not(call):
    said = " ".join(call("before.csv", "worse.csv").stdout.split())
    assert "OMQ, musical quality: before is better than worse by 0." in said
    assert "TA, textual alignment: before and worse can't be told apart" in said
    assert "more would tell" in said


def test_the_same_seed_gives_the_same_figures_and_another_moves_intervals_alone(call):
    one, two, other = (
        json.loads(call("before.csv", "same.csv", "--json", "--seed", seed).stdout)
        for seed in (1, 1, 2)
    )
    assert one == two
    moved = [found["omq"]["differences"][0].pop("interval") for found in (one, other)]
    assert moved[0] != moved[1]
    assert moved[0] == pytest.approx(moved[1], abs=0.02)
    assert one["omq"]["differences"] == other["omq"]["differences"]


def test_the_exit_code_tells_of_a_loss_beyond_doubt(call):
    assert "OMQ: worse is worse than before by more than 0.05" in (
        call("before.csv", "worse.csv", "--fail-if-worse", 0.05, code=1).stderr
    )
    call("before.csv", "worse.csv", "--fail-if-worse", 0.7)  # a loss, but not of so much
    call("before.csv", "same.csv", "--fail-if-worse", 0)
    call("worse.csv", "before.csv", "--fail-if-worse", 0)
    assert "two systems, here are 3" in (
        call("before.csv", "same.csv", "worse.csv", "--fail-if-worse", 0, code=2).stderr
    )


def test_one_prompt_proves_nothing_and_does_not_pass_for_proof(call, files):
    for name in ("x", "y"):
        (files / f"{name}.csv").write_text("prompt,omq\na,3\n")
    assert "one prompt tells nothing" in call("x.csv", "y.csv", "-o", "one.png").stdout
    assert "two prompts" in call("x.csv", "y.csv", "--fail-if-worse", 0.1, code=2).stderr


def test_more_than_two_are_ranked_in_groups(call):
    found = json.loads(call("worse.csv", "before.csv", "same.csv", "--json").stdout)
    groups = {row["system"]: row["groups"] for row in found["omq"]["ranking"]}
    assert groups == {"before": "a", "same": "a", "worse": "b"}
    said = " ".join(call("worse.csv", "before.csv", "same.csv").stdout.split())
    assert "2 of 3 pairs are told apart" in said
    assert "no two of the 3 systems can be told apart" in said  # in TA


def test_prompts_that_one_lacks_are_named_counted_and_left_out(call, files):
    rows = (files / "same.csv").read_text().splitlines()
    (files / "short.csv").write_text("\n".join([*rows[:-4], "another,5,5"]))
    result = call("before.csv", "short.csv", "--json")
    found = json.loads(result.stdout)
    left = {"another": ["short"], "tune 10": ["before"], "tune 11": ["before"]}
    assert found["left_out"] == left
    assert (found["omq"]["n_prompts"], found["n_clips"]) == (10, {"before": 20, "short": 20})
    assert "left out: 3 prompt(s) that not all systems have:\n  another (short)\n" in result.stderr


def test_the_system_that_lacks_most_prompts_is_named_and_can_be_left_out(call, files):
    (files / "short.csv").write_text("prompt,omq\ntune 0,3\n")
    sources = ("before.csv", "short.csv", "same.csv")
    result = call(*sources, "--json")
    assert "without short the others would share 12: see --only" in result.stderr
    assert json.loads(result.stdout)["omq"]["n_prompts"] == 1
    found = json.loads(call("before.csv", "same.csv", "--json").stdout)
    assert found["omq"]["n_prompts"] == 12


def test_an_axis_that_one_system_lacks_is_left_out(call, files):
    (files / "mute.csv").write_text("prompt,omq\n" + "".join(f"tune {i},3\n" for i in range(5)))
    found = json.loads(call("before.csv", "mute.csv", "--json").stdout)
    assert found["omq"]["n_prompts"] == 5
    assert "ta" not in found


def test_failed_clips_are_counted(call, files):
    (files / "part.csv").write_text("prompt,omq,error\ntune 1,3,\ntune 2,,no sound\n")
    result = call("before.csv", "part.csv", "--json")
    assert json.loads(result.stdout)["failed"] == {"before": 0, "part": 1}
    assert "1 clip(s) of part that could not be scored" in result.stderr
    (files / "none.csv").write_text("prompt,omq,error\ntune 2,,no sound\n")
    assert "no clip of 'none' has a score" in call("before.csv", "none.csv", code=2).stderr


@pytest.mark.parametrize(
    "systems", [["before.csv", "worse.csv"], ["before.csv", "same.csv", "worse.csv"]]
)
@pytest.mark.parametrize(("ending", "start"), [("html", b"<!doctype"), ("png", b"\x89PNG")])
def test_a_picture_is_written_as_its_ending_says(call, files, systems, ending, start):
    call(*systems, "-o", f"out.{ending}")
    first = (files / f"out.{ending}").read_bytes()
    assert first.lstrip().startswith(start)
    call(*systems, "-o", f"out.{ending}")
    assert (files / f"out.{ending}").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["before.csv"], "have no system"),
        (["before.csv", "before.csv"], "given twice"),
        (["before.csv", "nowhere.csv"], "no such file"),
        (["before.csv", "same.csv", "-o", "out.pdf"], "must end in .html, .png"),
        (["before.csv", "same.csv", "-o", "nowhere/out.png"], "no folder"),
        (["before.csv", "other.csv"], "share no prompt"),
    ],
)
def test_a_wrong_call_is_refused_in_a_line(call, files, words, said):
    (files / "other.csv").write_text("prompt,omq\nanother,3\n")
    result = call(*words, code=2)
    assert said in result.stderr
    assert result.stdout == ""


def test_help_shows_an_example_and_the_rule_of_the_exit_code(call):
    said = " ".join(call("--help").stdout.split())
    assert "whisq compare before.csv after.csv --fail-if-worse 0.05" in said
    assert "the whole interval of B - A lies below -X" in said


def test_scores_are_compared_without_what_would_make_them(files):
    code = (
        "import sys; from typer.testing import CliRunner; from whisq.cli import app; "
        "CliRunner().invoke(app, ['compare', 'before.csv', 'same.csv', '-o', 'out.png']); "
        "print({'torch', 'transformers'} & set(sys.modules) or 'light')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=files, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "light"
    assert (files / "out.png").exists()
