"""`make paper` with encoders of other families in the paper's place, from a zip to the report."""

import json
import shutil
import subprocess

import pytest

from whisq.store.sequences import Sequences

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.mark.parametrize(
    ("name", "steps", "beside"), [("wav2vec2", 30, None), ("pe-audio", 15, "wav2vec2")]
)
def test_a_tiny_encoder_of_the_family_runs_to_the_report(
    paper_run, environment, families, tiny_qwen, tmp_path, name, steps, beside
):
    project = shutil.copytree(paper_run, tmp_path / "project", symlinks=True)
    changes = {
        "embed_audio.model": families.folder(name),
        "embed_audio.revision": "null",
        "embed_audio.layers": "[1,2]",
        "model.audio_layer": 1,
        "embed_text.model": tiny_qwen,
        "embed_text.revision": "null",
        "train.epochs": 2,
        "unseen.protocols": "[]",
        "evaluate.resamples": 20,
        "evaluate.probe_clips": 2,
        "evaluate.probe_prompts": 1,
    }
    if beside:
        changes["embed_audio.beside"] = f"[{{model:{families.folder(beside)},layers:[0,2]}}]"
    given = "ARGS=" + " ".join(f"-S {key}={value}" for key, value in changes.items())
    done = subprocess.run(
        ["make", "paper", given],
        cwd=project,
        env=environment | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    audio = Sequences.open(project / "data/embeddings/audio")
    assert audio.manifest["spec"]["model"] == str(families.folder(name))
    assert set(audio.lengths) == {steps}  # 0.6 s at 50 and 25 steps a second, of the padded window
    config = json.loads((project / "data/model/config.json").read_text())
    assert (config["audio_dim"], config["audio"]["layers"]) == (32 if beside else 16, [1, 2])
    assert json.loads((project / "metrics/probes.json").read_text())
    assert (project / "metrics/report.html").stat().st_size > 10_000
