"""What was computed once is computed nowhere again: a remote, and a second clone that reads it."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost"]


@pytest.fixture(scope="module")
def run(environment):
    """Run a command in a project, with its own code: `run(project, "dvc", "pull")`."""

    def run(project, *command):
        own = {"PYTHONPATH": str(project), "WHISQ_CACHE": str(project.parent / "cache")}
        if command[0] == "dvc":
            command = (sys.executable, "-m", *command)
        done = subprocess.run(
            command, cwd=project, env=environment | own, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def clone(paper_run, run, tmp_path_factory):
    """A second user's clone of a project that ran, and pushed, two experiments."""
    first = tmp_path_factory.mktemp("first") / "project"
    subprocess.run(["cp", "-a", paper_run, first], check=True)
    remote, origin = (tmp_path_factory.mktemp(name) for name in ("remote", "origin"))
    run(first, "dvc", "remote", "add", "--default", "team", str(remote))
    commit = ("git", *IDENTITY, "commit", "-qm", "Run")
    run(first, "git", "add", "-A")
    run(first, *commit)
    run(first, "git", "init", "-q", "--bare", str(origin))
    run(first, "git", "remote", "add", "origin", str(origin))
    run(first, "git", "push", "-q", "origin", "HEAD")
    run(first, "dvc", "exp", "run", "-S", "loss.ot_weight=0.3")
    run(first, "git", "checkout", ".")
    run(first, "dvc", "checkout", "dvc.yaml")
    run(first, "dvc", "push", "--run-cache")
    run(first, "dvc", "exp", "push", "origin", "--all")
    second = tmp_path_factory.mktemp("second") / "project"
    run(first, "git", "clone", "-q", str(origin), str(second))
    return second


def ran(output):
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_a_second_clone_computes_nothing(clone, run):
    run(clone, "dvc", "pull", "--run-cache")
    assert (clone / "metrics/evaluate.json").exists()
    assert not ran(run(clone, "dvc", "repro"))


def test_what_was_pulled_is_the_pipelines_to_the_last_file(clone, run):
    run(clone, "dvc", "pull", "--run-cache")
    assert "up to date" in run(clone, "dvc", "status", "dvc.yaml")


def test_what_the_variants_would_write_is_missed_by_no_command(clone, run):
    run(clone, "dvc", "checkout")
    run(clone, "dvc", "pull")
    assert not (clone / "data/embeddings/audio_layers").exists()


def test_an_experiment_that_another_ran_is_read_and_not_trained_again(clone, run):
    output = run(clone, "dvc", "exp", "run", "--pull", "-S", "loss.ot_weight=0.3")
    assert not ran(output)
    assert "is cached - skipping run" in output
