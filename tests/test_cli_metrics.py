import json

import numpy as np
import pytest
from typer.testing import CliRunner

from whisq.cli import app

CLIPS = [(f"S{system:03d}_P{prompt:03d}", system) for system in range(6) for prompt in range(5)]


@pytest.fixture
def files(tmp_path):
    """A MOS list, two answers of which the first is better, and a training list."""
    draw = np.random.default_rng(0)
    truth = {name: draw.normal(2 + 0.3 * system, 0.5, 2).clip(1, 5) for name, system in CLIPS}

    def write(file, noise, ending=".wav", prefix="track-"):
        rows = [
            f"{prefix}{name}{ending},{omq:.3f},{ta:.3f}"
            for name, (omq, ta) in ((n, v + draw.normal(0, noise, 2)) for n, v in truth.items())
        ]
        (tmp_path / file).write_text("\n".join(rows) + "\n")

    write("truth.txt", 0)
    write("a.txt", 0.2, ending="", prefix="")
    write("b.txt", 2.0)
    write("train.txt", 0.5)
    return tmp_path


@pytest.fixture
def call(files, monkeypatch):
    monkeypatch.chdir(files)

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["metrics", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_the_json_has_the_agreed_form(call):
    found = json.loads(call("a.txt", "truth.txt", "--json").stdout)
    for level in ("utt", "sys"):
        for axis in ("omq", "ta"):
            assert set(found[level][axis]) == {"mse", "lcc", "srcc", "ktau"}
            low, high = found["intervals"][level][axis]["srcc"]["system"]
            assert low <= found[level][axis]["srcc"] <= high
    assert (found["n_clips"], found["n_systems"]) == (30, 6)
    assert found["system_truth"] == "mean of the evaluated clips"


def test_a_perfect_answer_is_perfect(call):
    found = json.loads(call("truth.txt", "truth.txt", "--json", "--resamples", "0").stdout)
    assert found["utt"]["ta"] == {"mse": 0, "lcc": 1, "srcc": 1, "ktau": 1}
    assert found["intervals"] == {}


def test_people_get_a_table_that_names_the_system_truth(call):
    text = call("a.txt", "truth.txt", "--resamples", "20").stdout
    for part in ("by clip", "by system", "SRCC", "drawing", "mean of the evaluated clips"):
        assert part in text


def test_a_system_table_is_used_and_named(call, files):
    rows = [f"S{system:03d},{6 - 0.5 * system},{system}" for system in range(6)]
    (files / "systems.csv").write_text("\n".join(rows))
    found = json.loads(call("a.txt", "truth.txt", "--system-truth", "systems.csv", "--json").stdout)
    assert found["sys"]["omq"]["srcc"] < 0 < found["sys"]["ta"]["srcc"]
    assert found["system_truth"] == "the given table"
    (files / "systems.csv").write_text("\n".join(rows[:4]))
    error = call("a.txt", "truth.txt", "--system-truth", "systems.csv", code=2).stderr
    assert "S004" in error


def test_missing_and_extra_clips_are_listed_or_left_out_and_counted(call, files):
    lines = (files / "a.txt").read_text().splitlines()
    (files / "part.txt").write_text("\n".join([*lines[2:], "S099_P001,3,3"]))
    error = call("part.txt", "truth.txt", code=2).stderr
    for part in ("lacks 2 clip(s)", "S000_P000", "S000_P001", "S099_P001", "--allow-missing"):
        assert part in error
    found = json.loads(call("part.txt", "truth.txt", "--allow-missing", "--json").stdout)
    assert (found["n_clips"], found["missing"], found["extra"]) == (28, 2, 1)


def test_files_without_a_common_clip_are_refused(call, files):
    (files / "other.txt").write_text("S050_P001,3,3\n")
    assert "no id is in both" in call("other.txt", "truth.txt", "--allow-missing", code=2).stderr


def test_two_answers_are_compared_in_pairs(call):
    found = json.loads(call("a.txt", "truth.txt", "--against", "b.txt", "--json").stdout)
    better = found["against"]["utt"]["omq"]["srcc"]
    assert better["difference"] > 0
    assert better["clip"]["better"] > 0.95
    assert better["system"]["interval"][0] > 0
    assert "A better" in call("a.txt", "truth.txt", "--against", "b.txt").stdout
    assert (
        "resamples"
        in call("a.txt", "truth.txt", "--against", "b.txt", "--resamples", "0", code=2).stderr
    )


def test_floors_stand_beside_an_answer_and_as_answers(call):
    found = json.loads(call("a.txt", "truth.txt", "--train", "train.txt", "--json").stdout)
    alone = json.loads(
        call("floor:system_mean", "truth.txt", "--train", "train.txt", "--json").stdout
    )
    assert found["floors"]["system_mean"]["utt"] == alone["utt"]
    shown = call("a.txt", "truth.txt", "--train", "train.txt").stdout
    assert "the system's training mean" in shown
    assert "the answer" in shown
    assert "--train" in call("floor:system_mean", "truth.txt", code=2).stderr
    assert "global_mean" in call("floor:best", "truth.txt", code=2).stderr


def test_one_axis_and_systems_by_folder(call, files):
    rows = [f"{'ab'[i % 2]}/{i}.wav,{value}" for i, value in enumerate((1, 5, 2, 4))]
    (files / "folders.txt").write_text("\n".join(rows))
    found = json.loads(call("folders.txt", "folders.txt", "--by", "folder", "--json").stdout)
    assert set(found["utt"]) == {"omq"}
    assert found["n_systems"] == 2
    found = json.loads(call("folders.txt", "folders.txt", "--json").stdout)
    assert (found["n_systems"], found["sys"]["omq"]["srcc"]) == (0, None)
    assert "floors" not in found


def test_constant_predictions_are_null_with_a_reason(call, files):
    rows = [f"{name},3,{place % 4}" for place, (name, _) in enumerate(CLIPS)]
    (files / "same.txt").write_text("\n".join(rows))
    result = call("same.txt", "truth.txt", "--json")
    assert "NaN" not in result.stdout
    omq = json.loads(result.stdout)["utt"]["omq"]
    assert (omq["srcc"], omq["undefined"]) == (None, "predictions are constant")
    assert omq["mse"] > 0


def test_the_leak_of_musicevals_split_is_one_command(call, real_lists):
    lists = [str(real_lists / f"{split}_mos_list.txt") for split in ("test", "train")]
    result = call("floor:system_mean", lists[0], "--train", lists[1], "--json")
    found = json.loads(result.stdout)
    srcc = {
        (level, axis): round(found[level][axis]["srcc"], 3)
        for level in ("utt", "sys")
        for axis in ("omq", "ta")
    }
    assert srcc == {
        ("utt", "omq"): 0.793,
        ("utt", "ta"): 0.584,
        ("sys", "omq"): 0.976,
        ("sys", "ta"): 0.937,
    }
