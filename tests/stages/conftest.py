"""A small project of its own in which the paper's configuration has been run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ["whisq", "stages", "dvc.yaml", "params.yaml", ".dvc/config", ".dvcignore", ".gitignore"]


@pytest.fixture(scope="session")
def own_project(tmp_path_factory):
    """A copy of the project as its own repository."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    from whisq.corpus import rehearsal

    folder = tmp_path_factory.mktemp("user")
    rehearsal.make(folder / "top/MusicEval-full", clips=60, seconds=0.6)
    return Path(shutil.make_archive(str(folder / "MusicEval-full"), "zip", folder / "top"))


def paper():
    lines = (ROOT / "stages/paper.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="session")
def environment(own_project):
    """What a shell in the project has set: its own caches, and no store of another's."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    own |= {"PYTHONPATH": str(own_project), "WHISQ_CACHE": str(own_project.parent / "cache")}
    own |= {"DVC_SITE_CACHE_DIR": str(own_project.parent / "dvc"), "HF_HUB_OFFLINE": "1"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "DVC"))}
    return kept | own


@pytest.fixture(scope="session")
def paper_run(own_project, environment, archive, make_whisper, tiny_qwen):
    tiny = [
        f"corpus.musiceval.source={archive}",
        f"embed_audio.model={make_whisper(6)}",
        "embed_audio.revision=null",
        f"embed_text.model={tiny_qwen}",
        "embed_text.revision=null",
        "train.epochs=2",
        "evaluate.resamples=20",
        "evaluate.probe_clips=2",
        "evaluate.probe_prompts=1",
    ]
    changes = [part for value in [*paper(), *tiny] for part in ("-S", value)]
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "exp", "run", "--name", "paper", *changes],
        cwd=own_project,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return own_project
