"""The store is the project's own, wherever the project lies, and the user's if there is one."""

import shutil
import socket
import sqlite3

import pytest

from whisq import mlflow_store, stage, tracking
from whisq.addresses import bring

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


@pytest.fixture
def copy(store, monkeypatch):
    """A copy of a project with one run, entered; its name is one that addresses must quote."""
    (store / "note.txt").write_text("first")
    with tracking.data_run("clips", {}) as run:
        run.artifacts("note.txt")
    copy = shutil.copytree(store, store.with_name("a copy, 100%"))
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    return copy, run.id


def _tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copied_project_never_writes_into_the_first(store, copy):
    before, (root, _) = _tree(store), copy
    with tracking.data_run("clips", {"seed": 1}) as run:
        run.artifacts("note.txt")
    assert _tree(store) == before
    assert (root / "mlartifacts" / run.id / "artifacts/note.txt").is_file()


def test_a_moved_project_finds_what_its_runs_kept(store, copy):
    from mlflow.artifacts import load_text

    root, run_id = copy
    shutil.rmtree(store)
    mlflow_store.point()
    assert load_text(f"runs:/{run_id}/note.txt") == "first"
    (root / "mlartifacts" / run_id / "artifacts/note.txt").write_text("moved")
    assert load_text(f"runs:/{run_id}/note.txt") == "moved"


def test_a_project_that_was_not_moved_has_its_store_left_alone(store):
    tracking.mlflow_store.connect(tracking.MODELS)
    before = (store / "mlflow.db").read_bytes()
    mlflow_store.point()
    assert (store / "mlflow.db").read_bytes() == before


def test_a_store_is_moved_as_a_whole_or_not_at_all(copy):
    root, run_id = copy
    with sqlite3.connect(root / "mlflow.db") as database:
        stop = "BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        database.execute(f"CREATE TRIGGER stop {stop}")
        before = list(database.iterdump())
        with pytest.raises(sqlite3.Error, match="the disk is full"):
            mlflow_store.point()
        assert list(database.iterdump()) == before
        database.execute("DROP TRIGGER stop")
    mlflow_store.point()
    with sqlite3.connect(root / "mlflow.db") as database:
        (uri,) = database.execute("SELECT artifact_uri FROM runs").fetchone()
    assert uri == (root / "mlartifacts" / run_id / "artifacts").as_uri()


def test_the_users_own_store_wins_and_is_never_moved(store, copy, monkeypatch):
    root, _ = copy
    shutil.copy(root / "mlflow.db", root / "own.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/own.db")
    before = (root / "mlflow.db").read_bytes()
    with tracking.data_run("clips", {"seed": 0}):
        pass
    with sqlite3.connect(root / "own.db") as own:
        uris = [uri for (uri,) in own.execute("SELECT artifact_uri FROM runs")]
    assert len(uris) == 2
    assert all(uri.startswith(store.as_uri() + "/") for uri in uris)
    assert (root / "mlflow.db").read_bytes() == before


@pytest.mark.slow
def test_processes_that_meet_a_new_store_at_once_all_get_through(tmp_path, make_store):
    processes = [make_store(tmp_path, f"e{i}") for i in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    with sqlite3.connect(tmp_path / "mlflow.db") as made:
        names = {row[0] for row in made.execute("select name from experiments")}
    assert {"e0", "e1", "e2", "e3"} <= names


@pytest.fixture
def silent():
    """The address of a server that takes calls and answers none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://user:secret@127.0.0.1:{listening.getsockname()[1]}"


def test_a_tracking_server_that_does_not_answer_is_told_soon_and_in_a_line(silent, monkeypatch):
    monkeypatch.setattr(mlflow_store, "PATIENCE", 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent)
    # MLflow itself would try for minutes, and say so otherwise.
    with pytest.raises(ValueError, match=r"127.0.0.1:\d+ does not answer within 1 s") as told:
        bring("models:/whisq@champion")
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_stage_ends_with_that_line_alone(silent, monkeypatch, capsys):
    monkeypatch.setattr(mlflow_store, "PATIENCE", 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent)
    monkeypatch.setattr(stage, "quieten", lambda: None)
    monkeypatch.setattr(stage.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        stage.run(lambda: mlflow_store.connect("whisq"))
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_server_that_wants_a_log_in_answers(hub, monkeypatch):
    with hub.serving() as web:
        mlflow_store._ask(web.url)  # which has no such page
