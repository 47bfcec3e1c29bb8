"""A small project of its own in which the paper's configuration has been run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = [
    "Makefile",
    "pyproject.toml",
    "constraints.txt",
    "whisq",
    "stages",
    "dvc.yaml",
    "params.yaml",
    ".dvc/config",
    ".dvcignore",
    ".gitignore",
]


@pytest.fixture(scope="session")
def own_project(tmp_path_factory):
    """A copy of the project as its own repository."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def other_project(tmp_path_factory):
    """Another one."""
    return copy_project(tmp_path_factory.mktemp("other"))


def copy_project(folder):
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != ".ready":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv/.ready").touch()
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def archive(tmp_path_factory, make_musiceval, zip_as_published):
    folder = tmp_path_factory.mktemp("user")
    corpus = make_musiceval(folder / "corpus", clips=60, seconds=0.6)
    return zip_as_published(corpus, folder / "MusicEval-full.zip")


@pytest.fixture(scope="session")
def web(hub, archive):
    """A hub on this machine that has the archive, for those who log in."""
    with hub.serving() as web:
        web.files[archive.name] = archive.read_bytes()
        web.tokens = {"good": True}
        yield web


@pytest.fixture(scope="session")
def environment(own_project, web):
    """What a shell in the project has set: its own caches and hub, and no store of another's."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    own |= {"PYTHONPATH": str(own_project), "WHISQ_CACHE": str(own_project.parent / "cache")}
    own |= {"DVC_SITE_CACHE_DIR": str(own_project.parent / "dvc")}
    own |= {"HF_ENDPOINT": web.url, "HF_TOKEN": "good", "HF_HUB_OFFLINE": "0"}
    # Python's readline, which pytest imports, sets a width of its own.
    others = ("MLFLOW", "DVC", "COLUMNS", "LINES")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    return kept | own


@pytest.fixture(scope="session")
def quick():
    """Changes that make the pipeline train and judge little."""
    return (
        "train.epochs=2",
        "unseen.protocols=[systems]",
        "unseen.folds=3",
        "unseen.workers=1",
        "evaluate.resamples=20",
        "evaluate.probe_clips=2",
        "evaluate.probe_prompts=1",
    )


@pytest.fixture(scope="session")
def make_paper(own_project, environment, make_whisper, tiny_qwen, quick):
    """Run `make paper` with tiny encoders: `make_paper("SOURCE=...", HF_TOKEN="bad")`."""
    tiny = [
        f"embed_audio.model={make_whisper(6)}",
        "embed_audio.revision=null",
        f"embed_text.model={tiny_qwen}",
        "embed_text.revision=null",
        *quick,
    ]
    changes = " ".join(f"-S {value}" for value in tiny)

    def run(*arguments, **other):
        return subprocess.run(
            ["make", "paper", f"ARGS={changes}", *arguments],
            cwd=own_project,
            env=environment | other,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="session")
def paper_run(own_project, make_paper):
    done = make_paper()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (own_project.parent / "paper.log").write_text(done.stdout + done.stderr)
    return own_project
