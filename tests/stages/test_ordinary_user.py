"""An ordinary user, whom DVC's read-only links stop, judges a model anew and mends a lost store."""

import hashlib
import os
import sqlite3
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
# root without the right to write what is read-only: the same files stop it as stop their owner.
SCORE = ["-c", "from whisq.cli import app; app()", "score"]
PLAIN = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def project(paper_run, tmp_path_factory):
    """A copy of a project that has run, with the links that DVC made in it."""
    if subprocess.run([*PLAIN, "true"], check=False).returncode:
        pytest.skip("root can't give its privileges up here")
    copy = tmp_path_factory.mktemp("ordinary") / "project"
    subprocess.run(["cp", "-a", paper_run, copy], check=True)
    return copy


@pytest.fixture(scope="module")
def run(environment):
    """Run Python in a project as that user: `run(project, "-m", "dvc", "repro")`."""

    def run(project, *arguments):
        done = subprocess.run(
            [*PLAIN, sys.executable, *arguments],
            cwd=project,
            env=environment | {"PYTHONPATH": str(project)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


def cached(project):
    """Checksums of what DVC keeps."""
    files = (path for path in (project / ".dvc/cache/files").rglob("*") if path.is_file())
    return {path: hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def runs(project):
    """`evaluate.resamples` by run, of the runs that have metrics of an evaluation."""
    query = (
        "SELECT r.run_uuid, p.value FROM runs r JOIN params p USING (run_uuid)"
        " WHERE p.key = 'evaluate.resamples' AND r.run_uuid IN"
        " (SELECT run_uuid FROM latest_metrics WHERE key LIKE 'test%')"
    )
    with sqlite3.connect(project / "mlflow.db") as database:
        return dict(database.execute(query).fetchall())


def test_the_links_are_read_only_and_hold(project):
    file = project / "data/mlflow_run.txt"
    assert file.stat().st_nlink > 1
    write = [*PLAIN, "sh", "-c", f"echo spoilt >> {file}"]
    assert subprocess.run(write, check=False, capture_output=True).returncode != 0


def test_judging_with_other_params_makes_a_run_and_spoils_nothing(project, run):
    kept, (trained,) = cached(project), runs(project)
    run(project, "-m", "dvc", "exp", "run", "-S", "evaluate.resamples=21")
    assert (project / "data/mlflow_run.txt").read_text() == f"{trained}\n"
    assert sorted(runs(project).values()) == ["20", "21"]
    assert runs(project)[trained] == "20"
    assert kept.items() <= cached(project).items()


def test_a_lost_store_costs_runs_and_no_results(project, run):
    kept = cached(project)
    (project / "mlflow.db").unlink()
    assert "up to date" in run(project, "-m", "dvc", "repro")
    run(project, "-m", "dvc", "repro", "--force", "--single-item", "evaluate")
    assert list(runs(project).values()) == ["21"]
    assert kept.items() <= cached(project).items()


def test_a_renamed_project_is_up_to_date_and_has_its_champion(paper_run, run, tmp_path):
    renamed = tmp_path / "a new name"
    subprocess.run(["cp", "-a", paper_run, renamed], check=True)
    clip = str(next((renamed / "data/raw").rglob("*.wav")))
    first = (paper_run / "mlflow.db").read_bytes()
    score = [*SCORE, clip, "-m", "models:/whisq@champion"]
    assert '"omq"' in run(renamed, *score)
    assert "up to date" in run(renamed, "-m", "dvc", "repro")
    with sqlite3.connect(renamed / "mlflow.db") as database:
        rows = [line for line in database.iterdump() if str(paper_run / "mlartifacts") in line]
    assert rows == []
    assert (paper_run / "mlflow.db").read_bytes() == first
