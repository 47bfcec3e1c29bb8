"""Score files of several kinds, folders and lists become the clips of systems."""

import csv
import json

import pandas as pd
import pytest

from whisq.comparing.systems import distinct, is_scored, read_rows, read_systems
from whisq.scoring.rows import Row, write_rows


def rows_of(system, scores, error=None):
    """A row a prompt, as `whisq score` writes it."""
    return [
        Row(f"{system}_{place}", f"{system}/{place}.wav", f"a waltz {place}", system, omq, ta, None)
        for place, (omq, ta) in enumerate(scores)
    ] + [Row("bad", "bad.wav", "a waltz 0", system, None, None, None, text) for text in error or []]


@pytest.fixture
def write(tmp_path):
    """Write lines of text or rows: `write("a.csv", rows)`; its path as text comes back."""

    def make(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        else:
            write_rows(content, path)
        return str(path)

    return make


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_whisq_score_writes_is_read_back(write, ending):
    one = write(f"one.{ending}", rows_of("x", [(2.5, 3.5), (3, 4)]))
    two = write(f"two.{ending}", rows_of("y", [(2, 3), (4, None)], error=["no sound"]))
    systems = read_systems([one, two])
    assert systems.clips.to_dict("list") == {
        "system": ["one", "one", "two", "two"],
        "prompt": ["a waltz 0", "a waltz 1"] * 2,
        "omq": [2.5, 3, 2, 4],
        "ta": [3.5, 4, 3, pytest.approx(float("nan"), nan_ok=True)],
    }
    assert (systems.paired_by, systems.failed) == ("prompt", {"one": 0, "two": 1})


def test_of_a_single_file_its_systems_are_compared(write):
    path = write("all.csv", rows_of("x", [(1, 2)]) + rows_of("y", [(3, 4)]))
    assert read_systems([path]).names == ["x", "y"]
    assert read_systems([path], by="system").names == ["x", "y"]
    by_folder = read_systems([path], by="folder")
    assert by_folder.names == ["x", "y"]


def test_a_name_of_musicevals_form_names_the_system_too(write):
    systems = read_systems([write("answer.txt", "S001_P001.wav,3,2\nS002_P001.wav,4,1\n")])
    assert systems.names == ["S001", "S002"]


def test_systems_are_told_apart_by_any_column_in_any_number_of_files(write):
    one = write("one.csv", "prompt,run,omq\na,base,1\na,tuned,2\n")
    two = write("two.csv", "prompt,run,omq\nb,base,3\nb,tuned,4\n")
    systems = read_systems([one, two], by="run")
    assert systems.names == ["base", "tuned"]
    assert systems.clips["omq"].tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="must have a column 'step' for --by"):
        read_systems([one], by="step")


def test_clips_are_paired_by_prompt_else_by_name(write):
    ids = "id,omq\naudiomos2025-track1-S001_P007.wav,3\n"
    mine = write("mine.csv", ids)
    theirs = write("theirs.txt", "S002_P007,2.5\n")
    systems = read_systems([mine, theirs])
    assert systems.paired_by == "the prompt in the clip's name"
    assert systems.clips["prompt"].tolist() == ["P007", "P007"]
    files = [write(f"{name}.csv", f"path,omq\n{name}/007.wav,3\n") for name in ("before", "after")]
    systems = read_systems(files)
    assert systems.paired_by == "file name"
    assert systems.clips["prompt"].tolist() == ["007", "007"]


def test_spaces_in_a_prompt_do_not_part_it_from_its_like(write):
    texts = [f'prompt,omq\n"{text}",3\n' for text in ("a  calm waltz", "a calm waltz ")]
    systems = read_systems([write(f"{i}.csv", text) for i, text in enumerate(texts)])
    assert systems.left_out == {}


def test_prompts_that_not_all_have_are_told_with_the_systems_that_have_them(write):
    paths = [write(f"{name}.csv", f"prompt,omq\n{rows}") for name, rows in
             (("x", "a,1\nb,2\nb,3\n"), ("y", "b,1\nc,2\na,3\n"), ("z", "b,1\n"))]  # fmt: skip
    systems = read_systems(paths)
    assert systems.left_out == {"a": ["x", "y"], "c": ["y"]}
    assert [systems.without(name) for name in "xyz"] == [1, 1, 2]


def test_systems_that_are_wanted_come_in_the_order_asked_for(write):
    path = write("all.csv", [row for name in "xyz" for row in rows_of(name, [(ord(name), 2)])])
    assert read_systems([path], only=["z", "x"]).names == ["z", "x"]
    assert read_systems([path], only=["z", "x"]).clips["omq"].tolist() == [ord("z"), ord("x")]
    with pytest.raises(ValueError, match="there is no system 'w', but 'x', 'y', 'z'"):
        read_systems([path], only=["x", "w"])


def test_columns_that_have_no_usual_name_are_named(write):
    path = write("odd.csv", "piece,run,musicality,faith\na,x,3,2\na,y,2,1\n")
    columns = {"prompt": "piece", "omq": "musicality", "ta": "faith"}
    assert not is_scored(path)
    assert is_scored(path, columns)
    assert read_systems([path], "run", columns).clips["ta"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prompt,omq\na,good\n", "omq of 'row 2' is not a finite number"),
        ("prompt,omq,ta\na,,\n", "'row 2' has no score"),
        ("a.wav,1,2,3,4\n", "5 column\\(s\\) and no header"),
        ("prompt,omq,overall\na,1,2\n", "could each be the omq: say which with --omq-column"),
    ],
    ids=["words", "blank", "too wide", "two columns"],
)
def test_a_file_of_scores_that_is_wrong_is_refused(write, content, said):
    with pytest.raises(ValueError, match=said):
        read_rows(write("wrong.csv", content), {})


def test_a_single_system_has_nothing_to_be_compared_with(write):
    path = write("x.csv", rows_of("x", [(1, 2)]))
    with pytest.raises(ValueError, match="one system alone, 'x'"):
        read_systems([path])
    with pytest.raises(ValueError, match="given twice"):
        read_systems([path, path])
    bare = write("bare.csv", "prompt,omq\na,1\n")
    with pytest.raises(ValueError, match=r"1 clip\(s\) have no system.*--by"):
        read_systems([bare])


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a/small.csv", "b/large.csv"], ["small", "large"]),
        (["a/scores.csv", "b/scores.csv"], ["a/scores", "b/scores"]),
        (["run/a/s.csv", "old/a/s.csv"], ["run/a/s.csv", "old/a/s.csv"]),
        (["out/v1.5/", "out/v2.0"], ["v1.5", "v2.0"]),
    ],
)
def test_sources_are_named_as_shortly_as_sets_them_apart(sources, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in sources:
        if not source.endswith(".csv"):
            (tmp_path / source).mkdir(parents=True)
    assert distinct(sources) == names


def test_folders_and_lists_of_clips_are_scored_by_one_model(clips, tiny_model, tmp_path, predictor):
    listed = tmp_path / "list.csv"
    with listed.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "prompt"], *([str(c), "a waltz"] for c in clips[:2])])
    folder = tmp_path / "new"
    folder.mkdir()
    for place, clip in enumerate(clips[2:4]):
        (folder / f"{place}.wav").write_bytes(clip.read_bytes())
        (folder / f"{place}.txt").write_text("a waltz")
    scored = tmp_path / "known.jsonl"
    scored.write_text(json.dumps({"prompt": "a waltz", "omq": 3.0, "ta": 2.0}))
    systems = read_systems([str(listed), str(folder), str(scored)], model=str(tiny_model))
    assert systems.clips["system"].tolist() == ["list"] * 2 + ["new"] * 2 + ["known"]
    known = [predictor.score(str(clip), "a waltz") for clip in clips[:4]]
    expected = pd.DataFrame([(score.omq, score.ta) for score in known], columns=["omq", "ta"])
    assert systems.clips[["omq", "ta"]][:4].to_numpy() == pytest.approx(expected, abs=1e-5)


def test_a_clip_that_fails_is_counted_for_its_system(clips, tiny_model, tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.wav").write_bytes(clips[0].read_bytes())
    (tmp_path / "y" / "2.wav").write_bytes(b"no sound")
    systems = read_systems([str(tmp_path / name) for name in "xy"], model=str(tiny_model))
    assert systems.failed == {"x": 0, "y": 1}
    assert systems.clips["ta"].isna().all()
