"""Rows out are rows in: whatever clips are called, wherever they lie, whatever befalls them."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from filelock import FileLock
from typer.testing import CliRunner

from whisq.cli import app
from whisq.predictor import Predictor

GOOD = "a calm piano waltz"
READERS = {
    "csv": pd.read_csv,
    "jsonl": lambda path: pd.read_json(path, lines=True),
    "parquet": pd.read_parquet,
}


@pytest.fixture
def score(tiny_model, tmp_path, monkeypatch):
    """Call `whisq score` in a folder of its own: `score("a.wav", code=0, model=folder)`."""
    monkeypatch.chdir(tmp_path)

    def call(*words, code=0, model=tiny_model, **options):
        given = ["score", *map(str, words), "-m", str(model)]
        done = CliRunner().invoke(app, given, **options)
        assert done.exit_code == code, done.output
        assert isinstance(done.exception, SystemExit | None), done.exc_info
        return done

    return call


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("suffix", READERS)
def test_a_clip_whose_name_is_no_text_has_a_row_by_which_it_is_found(suffix, score, clips):
    os.mkdir("in")
    shutil.copy(clips[0], b"in/caf\xe9.wav")
    shutil.copy(clips[1], "in/plain.wav")
    (shown, plain) = rows(score("in", "-p", GOOD))
    assert (shown["id"], plain["id"]) == ("caf%E9", "plain")
    assert shown["path"] == f"file://{os.getcwd()}/in/caf%E9.wav"
    score("in", "-p", GOOD, "-o", f"o.{suffix}")
    table = READERS[suffix](f"o.{suffix}")
    assert list(table["path"]) == [shown["path"], "in/plain.wav"]
    assert list(table["omq"]) == pytest.approx([shown["omq"], plain["omq"]], abs=1e-5)
    again = rows(score(f"o.{suffix}"))
    assert [row["omq"] for row in again] == pytest.approx(list(table["omq"]), abs=1e-5)
    assert (again[0]["id"], again[0]["path"]) == (shown["id"], shown["path"])


def test_a_name_that_is_no_text_goes_on_with_resume(score, clips):
    os.mkdir("in")
    shutil.copy(clips[0], b"in/caf\xe9.wav")
    with open("in/gone.jsonl", "w") as listed:
        print(json.dumps({"path": "caf\udce9.wav"}), '{"path": "gone.wav"}', sep="\n", file=listed)
    score("in/gone.jsonl", "-o", "o.csv", "--strict", code=1)
    done = score("in/gone.jsonl", "-o", "o.csv", "--resume", code=1)
    assert "1 were scored by an earlier run" in done.stderr
    assert list(pd.read_csv("o.csv")["error"].isna()) == [True, False]


def test_a_folder_is_read_whole_and_what_is_left_out_is_named(score, clips, tmp_path):
    samples, rate = soundfile.read(clips[0])
    kinds = {"a.w64": None, "b.au": None, "c.aiff": None, "d.oga": "OGG", "e.caf": None}
    (tmp_path / "in/below").mkdir(parents=True)
    for name, kind in (kinds | {"below/f.rf64": "RF64", "below/G.WAV": None}).items():
        soundfile.write(f"in/{name}", samples, rate, format=kind)
    for name in ("m.mid", "below/cover.jpg", "._a.wav", ".hidden.wav", "a.txt", "list.json"):
        (tmp_path / "in" / name).write_text("words")
    (tmp_path / "in/.trash").mkdir()
    shutil.copy(clips[0], "in/.trash/x.wav")
    (tmp_path / "in/more").symlink_to(clips[0].parent)
    done = score("in")
    assert [row["id"] for row in rows(done)] == list("abGfcde")
    assert rows(done)[0]["prompt"] == "words"
    assert "3 file(s): below/cover.jpg, m.mid, more" in done.stderr
    shutil.rmtree("in/below")
    for name in kinds:
        os.unlink(f"in/{name}")
    assert "m.mid" in score("in", code=2).stderr


def test_lines_that_share_a_file_name_have_ids_of_their_own(score, clips, tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        shutil.copy(clips[0], f"{name}/a.wav")
    lines = [{"path": f"{name}/a.wav"} for name in "xyy"]
    done = score("-", input="".join(json.dumps(line) + "\n" for line in lines))
    assert [row["id"] for row in rows(done)] == ["a", "y/a.wav", "y/a.wav#1"]


ALIASES = {
    "the list": "list.csv",
    "the list by a link": "link.csv",
    "the list by a hard link": "hard.csv",
    "a prompt": "in/a.txt",
    "the folder's table": "in/metadata.csv",
    "a clip named as a table": "in/b.csv",
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_input_is_never_written_over(name, score, clips, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(clips[0], "in/a.wav")
    shutil.copy(clips[0], "in/b.csv")
    (tmp_path / "in/a.txt").write_text(GOOD)
    (tmp_path / "list.csv").write_text("path,listener_mean\nin/a.wav,3.5\nin/b.csv,3\n")
    (tmp_path / "link.csv").symlink_to("list.csv")
    os.link("list.csv", "hard.csv")
    if "folder" in name:
        (tmp_path / "in/metadata.csv").write_text("path\na.wav\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    source = "in" if "folder" in name else "list.csv"
    done = score(source, "-p", GOOD, "-o", ALIASES[name], code=2)
    assert "is one of the inputs" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_answers_without_prompts_keep_every_row_or_are_refused(score, clips, tmp_path):
    score(*clips[:2], "-o", "answer.txt")
    lines = (tmp_path / "answer.txt").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [clip.stem for clip in clips[:2]]
    (tmp_path / "list.csv").write_text(f"path,prompt\n{clips[0]},waltz\n{clips[1]},\n")
    refused = score("list.csv", "-o", "other.txt", code=2)
    assert f"1 of 2 clips have no prompt, '{clips[1].stem}' first" in refused.stderr
    assert not (tmp_path / "other.txt").exists()


def test_clips_that_failed_are_told_where_an_answer_file_leaves_them_out(score, clips):
    done = score(clips[0], "gone*.wav", "-o", "answer.txt", code=2)
    assert "holds no clips" in done.stderr
    with open("gone.csv", "w") as listed:
        listed.write(f"path,prompt\n{clips[0]},waltz\ngone.wav,waltz\n")
    done = score("gone.csv", "-o", "answer.txt", code=1)
    assert "failed: gone: " in done.stderr
    assert "answer.txt leaves out those that failed" in done.stderr


def test_a_clip_replaced_with_its_size_and_time_kept_is_scored_anew(score, clips, tmp_path):
    noise = np.random.default_rng(5).uniform(-0.5, 0.5, (2, 16000))
    for name, samples in zip(("one", "two"), noise, strict=True):
        soundfile.write(f"{name}.wav", samples, 16000)
    (tmp_path / "list.csv").write_text("path,prompt\none.wav,waltz\ngone.wav,waltz\n")
    score("list.csv", "-o", "o.csv", "--strict", code=1)
    kept = os.stat("one.wav")
    shutil.copy("two.wav", "one.wav")
    os.utime("one.wav", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    score("list.csv", "-o", "o.csv", "--resume", code=1)
    (alone,) = rows(score("two.wav", "-p", "waltz"))
    assert pd.read_csv("o.csv")["omq"][0] == pytest.approx(alone["omq"], abs=1e-5)


def test_a_changed_prompt_is_scored_anew_and_a_moved_clip_is_not(score, clips, tmp_path):
    shutil.copy(clips[0], "a.wav")
    shutil.copy(clips[1], "b.wav")
    listed = "path,prompt\na.wav,{}\n{}.wav,waltz\ngone.wav,waltz\n"
    (tmp_path / "list.csv").write_text(listed.format("drums", "b"))
    score("list.csv", "-o", "o.csv", "--strict", code=1)
    (tmp_path / "b.wav").rename("c.wav")
    (tmp_path / "list.csv").write_text(listed.format("a hymn", "c"))
    done = score("list.csv", "-o", "o.csv", "--resume", code=1)
    assert "1 were scored by an earlier run" in done.stderr
    table = pd.read_csv("o.csv")
    assert list(table["id"]) == ["a", "c", "gone"]
    assert list(table["prompt"]) == ["a hymn", "waltz", "waltz"]


def test_one_clip_that_changes_meanwhile_has_no_number(score, clips, tmp_path, monkeypatch):
    path, hear = shutil.copy(clips[0], tmp_path / "a.wav"), Predictor.hear

    def meddled(predictor, given, *more):
        clip = hear(predictor, given, *more)
        shutil.copy(clips[1], path)
        return clip

    monkeypatch.setattr(Predictor, "hear", meddled)
    done = score("a.wav", code=1)
    assert done.stdout == ""
    assert "changed while it was scored" in done.stderr


def test_a_clip_that_vanishes_meanwhile_has_a_row_that_says_so(score, clips, tmp_path, monkeypatch):
    paths = [shutil.copy(clip, tmp_path / f"{number}.wav") for number, clip in enumerate(clips[:5])]
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{path}\n" for path in paths))
    hear = Predictor.hear

    def meddled(predictor, path, *more):
        clip = hear(predictor, path, *more)
        if path == tmp_path / "1.wav":  # one that is read, one that is not yet
            path.unlink()
            path.with_name("4.wav").unlink()
        return clip

    with monkeypatch.context() as patched:
        patched.setattr(Predictor, "hear", meddled)
        score("list.csv", "-o", "o.csv", "--provenance", "--workers", 1, code=1)
    table = pd.read_csv("o.csv")
    assert list(table["id"]) == list(range(5))
    assert list(table["error"].isna()) == list(table["omq"].notna()) == [1, 0, 1, 1, 0]
    assert "changed while it was scored" in table["error"][1]
    assert "can't be found" in table["error"][4]
    assert table["model_sha256"].notna().all(), "the model is told of every row"
    assert list(table["seconds"].notna()) == [1, 0, 1, 1, 0], "and the clip where it has a score"


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_row_of_a_model_with_another_encoder_is_not_gone_on_with(
    kind, score, clips, tiny_model, tmp_path
):
    (tmp_path / "list.csv").write_text(f"path,prompt\n{clips[0]},waltz\ngone.wav,waltz\n")
    score("list.csv", "-o", "o.csv", "--strict", code=1)
    kept = (tmp_path / "o.csv.partial").read_bytes()
    other = shutil.copytree(tiny_model, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["weights"][kind] = "f" * 64
    (other / "config.json").write_text(json.dumps(config))
    done = score("list.csv", "-o", "o.csv", "--resume", code=2, model=other)
    assert "begun with another model" in done.stderr
    assert (tmp_path / "o.csv.partial").read_bytes() == kept
    assert not (tmp_path / "o.csv").exists()


def test_a_list_does_not_go_on_when_the_encoders_files_are_others(
    score, clips, tiny_model, tmp_path
):
    shutil.copytree(tiny_model.parent / "whisper", tmp_path / "whisper")
    model = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    config["audio"]["model"] = str(tmp_path / "whisper")
    (model / "config.json").write_text(json.dumps(config))
    (tmp_path / "list.csv").write_text(f"path\n{clips[0]}\ngone.wav\n{clips[1]}\n")
    score("list.csv", "-o", "o.csv", "--strict", code=1, model=model)
    kept = (tmp_path / "o.csv.partial").read_bytes()
    (tmp_path / "whisper/preprocessor_config.json").write_text("{}")
    done = score("list.csv", "-o", "o.csv", "--resume", code=2, model=model)
    assert config["weights"]["audio"] in done.stderr
    assert (tmp_path / "o.csv.partial").read_bytes() == kept
    assert not (tmp_path / "o.csv").exists()


def test_a_second_writer_is_told_so_and_harms_nothing(score, clips, tmp_path):
    with FileLock("o.csv.partial.lock"):
        done = score(clips[0], "-o", "o.csv", code=2)
    assert "another run is writing" in done.stderr
    assert not (tmp_path / "o.csv").exists()


def test_a_device_that_is_not_here_leaves_nothing_behind(score, clips, tmp_path):
    done = score(clips[0], "-o", "o.csv", "--device", "cuda:99", code=2)
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("batch_size", [0, -1, "many", 1.5, None])
def test_a_batch_of_no_clips_is_refused(batch_size, predictor, clips):
    with pytest.raises(ValueError, match="batch_size must be 1 or more, or auto"):
        list(predictor.score_many([(clips[0], GOOD)], batch_size))
