"""The first two stages on a corpus of MusicEval's form, in a project of their own."""

import json
import runpy
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from whisq import tracking
from whisq.corpus.clips import read_clips, read_ratings

ROOT = Path(__file__).parents[2]


class Log:
    """Stands for an MLflow run."""

    def __init__(self):
        self.numbers, self.files, self.failed = {}, [], False

    def metrics(self, values):
        self.numbers |= values

    def artifacts(self, *paths):
        self.files += paths


@pytest.fixture
def log(monkeypatch):
    log = Log()

    @contextmanager
    def data_run(stage, params):
        try:
            yield log
        except Exception:
            log.failed = True
            raise

    monkeypatch.setattr(tracking, "data_run", data_run)
    return log


@pytest.fixture
def project(tmp_path, monkeypatch, make_musiceval, log):
    """A folder with params that name a corpus in it: `project(protocol="systems")`."""
    make_musiceval(tmp_path / "user/MusicEval-full", clips=60, seconds=0.1)
    (tmp_path / "metrics").mkdir()
    monkeypatch.chdir(tmp_path)

    def configure(**split):
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["corpus"] |= {"name": "musiceval"}
        params["corpus"]["musiceval"]["source"] = "user"
        params["split"] |= split
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
        return tmp_path

    return configure


def run(stage):
    runpy.run_path(str(ROOT / f"stages/{stage}.py"), run_name="__main__")


def test_a_folder_becomes_two_tables_and_a_summary(project, log):
    folder = project()
    run("corpus")
    run("clips")
    clips = read_clips("data/clips.csv")
    assert len(clips) == len(read_ratings("data/ratings.csv")) == 60
    assert all((folder / "data" / path).exists() for path in clips["path"])
    summary = json.loads(Path("metrics/corpus.json").read_text())
    assert summary["corpus"] == "rehearsal corpus"
    assert summary["clips"] == 60
    assert log.numbers["raters.omq.icc1"] == summary["raters"]["omq"]["icc1"]


def test_another_protocol_changes_the_ratings_and_not_the_clips(project):
    project()
    run("corpus")
    run("clips")
    clips, ratings = (Path(f"data/{name}.csv").read_bytes() for name in ("clips", "ratings"))
    project(protocol="systems", fold=2)
    run("clips")
    assert Path("data/clips.csv").read_bytes() == clips
    assert Path("data/ratings.csv").read_bytes() != ratings


def test_a_damaged_corpus_writes_nothing_and_fails_its_run(project, log):
    folder = project()
    run("corpus")
    [path, *_] = (folder / "data/raw/wav").glob("*.wav")
    path.unlink()
    with pytest.raises(ValueError, match=path.name):
        run("clips")
    assert log.failed
    assert not Path("data/clips.csv").exists()


def test_warnings_are_printed(project, capsys):
    folder = project()
    run("corpus")
    (folder / "data/raw/sets/total_mos_list.txt").write_text("x-S004_P099.wav,3.0,3.0\n")
    run("clips")
    assert "x-S004_P099 is in no split" in capsys.readouterr().out
    assert json.loads(Path("metrics/corpus.json").read_text())["warnings"] == 1
