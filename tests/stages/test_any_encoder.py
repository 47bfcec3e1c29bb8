"""The pipeline with encoders of other families in the paper's place, to the report."""

import json
import shutil
import subprocess

import pytest

from whisq.store.sequences import Sequences

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def project(paper_run, tmp_path):
    """A project that has run once with tiny encoders of the paper's families."""
    return shutil.copytree(paper_run, tmp_path / "project", symlinks=True)


@pytest.fixture
def changes(quick, tiny_qwen):
    """What every run here has in common."""
    text = f"embed_text.model={tiny_qwen}"
    return [
        *quick,
        "unseen.protocols=[]",
        text,
        "embed_text.revision=null",
        "embed_audio.revision=null",
    ]


@pytest.fixture
def run(project, environment):
    """Run a command in the project: `run("dvc", "exp", "run")`."""

    def run(*command):
        done = subprocess.run(
            command,
            cwd=project,
            env=environment | {"PYTHONPATH": str(project)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    return run


def config(project):
    return json.loads((project / "data/model/config.json").read_text())


def test_two_encoders_side_by_side_run_to_the_report(run, project, families, changes):
    one, other = families.folder("pe-audio"), families.folder("wav2vec2")
    changes += [f"embed_audio.model={one}", "embed_audio.layers=[1,2]", "model.audio_layer=1"]
    changes.append("embed_audio.window=clip")  # a codec below takes its time for 30 s
    changes.append(f"embed_audio.beside=[{{model:{other},layers:[0,2]}}]")
    run("make", "paper", "ARGS=" + " ".join(f"-S {change}" for change in changes))
    audio = Sequences.open(project / "data/embeddings/audio")
    assert audio.manifest["spec"]["model"] == str(one)
    assert set(audio.lengths) == {15}  # 0.6 s at 25 steps a second
    assert (config(project)["audio_dim"], config(project)["audio"]["layers"]) == (32, [1, 2])
    assert json.loads((project / "metrics/probes.json").read_text())
    assert (project / "metrics/report.html").stat().st_size > 10_000


@pytest.fixture
def run_to_the_report(run, project, families, changes):
    def run_to_the_report(name):
        folder = families.folder(name)
        own = f"embed_audio.model={folder}", "embed_audio.layers=[0]", "model.audio_layer=0"
        run("dvc", "exp", "run", *(f"-S{change}" for change in (*changes, *own)))
        audio = Sequences.open(project / "data/embeddings/audio")
        assert audio.manifest["spec"]["model"] == config(project)["audio"]["model"] == str(folder)
        assert config(project)["audio_dim"] == audio.dim
        assert (project / "metrics/report.html").stat().st_size > 10_000

    return run_to_the_report


@pytest.mark.thorough
def test_a_tiny_encoder_of_every_family_runs_to_the_report(run_to_the_report, families):
    failed = {}
    for name in families.MODELS:
        try:
            run_to_the_report(name)
        except AssertionError as error:
            failed[name] = str(error)
    assert not failed, "\n\n".join(f"{name}: {error}" for name, error in failed.items())
