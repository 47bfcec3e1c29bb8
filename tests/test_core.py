"""`pip install whisq` scores, judges and explains; `make lowest` runs this on old releases."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Hides modules and distributions by name, then runs a module of the project.
RUN = """
import runpy, sys
from importlib import metadata
modules, distributions = {hidden!r}
sys.modules.update(dict.fromkeys(modules))
found = metadata.distribution
def distribution(name):
    if name in distributions:
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.distribution = distribution
sys.argv = {words!r}
runpy.run_module(sys.argv[0], run_name="__main__")
"""


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements):
    """All distributions that an install of these brings."""
    seen, waiting = set(), list(requirements)
    while waiting:
        needed = Requirement(waiting.pop())
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        name = plain(needed.name)
        if name not in seen:
            seen.add(name)
            try:
                waiting += distribution(name).requires or []
            except PackageNotFoundError:
                continue
    return seen


def all_but(kept):
    """Modules and distributions that are here and not among these distributions."""
    modules = {
        module
        for module, owners in packages_distributions().items()
        if not kept & {plain(owner) for owner in owners} and not module.startswith(("_", "whisq"))
    }
    gone = {plain(owner) for owners in packages_distributions().values() for owner in owners} - kept
    return sorted(modules), sorted(gone)


CORE = all_but(closure(PROJECT["dependencies"]))


def whisq(*words, hidden=CORE, cwd=None, module="whisq", **environment):
    """Run a command in a process in which some installed libraries are not there."""
    own = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **environment}
    code = RUN.format(hidden=hidden, words=[module, *map(str, words)])
    command = [sys.executable, "-c", code]
    env = os.environ | own
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bare_model(tmp_path_factory, make_whisper, tiny_qwen):
    """A model whose two encoders are small folders, so that no wheel and no hub is needed."""
    return save_model(tmp_path_factory.mktemp("bare"), make_whisper(2), tiny_qwen, 16, 16)


def save_model(folder, whisper, text, audio_dim, text_dim, weights=None):
    import torch

    from whisq.encoders.audio import AudioSpec
    from whisq.encoders.text import TextSpec
    from whisq.encoders.weights import fingerprint, locate
    from whisq.model.build import build
    from whisq.model.variants import ModelConfig

    torch.manual_seed(0)
    audio = AudioSpec(model=str(whisper), layers=(1, 2), window="clip", pool=4).kept()
    own = {"audio": audio | {"layers": [1, 2]}, "text": TextSpec(model=str(text)).kept()}
    kinds = ("audio", "text")
    own["weights"] = {kind: weights or fingerprint(locate(own[kind]["model"])) for kind in kinds}
    sizes = {"audio_dim": audio_dim, "text_dim": text_dim, "width": 8, "hidden": 8}
    layers = {"audio_layer": 1, "quality_layers": [2]}
    build(ModelConfig(**sizes, **own, **layers)).save_pretrained(folder)
    return folder


@pytest.fixture
def lists(tmp_path):
    """A MOS list, and answers with one pair of clips the wrong way round."""
    truth, answer = tmp_path / "mos.txt", tmp_path / "answer.txt"
    ids = [f"S00{system}_P00{prompt}" for system in (1, 2) for prompt in (1, 2)]
    for path, values in ((truth, (1, 2, 3, 4)), (answer, (1, 2, 4, 3))):
        rows = (f"{key},{value},{value}\n" for key, value in zip(ids, values, strict=True))
        path.write_text("".join(rows))
    return answer, truth


def test_the_core_brings_no_extra():
    extras = {"dvc", "mlflow", "scikit-learn", "music21", "symusic", "pyarrow", "ray", "pytest"}
    assert not closure(PROJECT["dependencies"]) & extras


def test_help_is_shown():
    done = whisq("--help")
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout


def test_a_list_is_judged(lists):
    done = whisq("metrics", *lists, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("omq from") == 2  # which columns were read of each list, and no more
    assert len(done.stderr.splitlines()) == 2
    figures = json.loads(done.stdout)["utt"]["omq"]
    assert figures["srcc"] == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert figures["ktau"] == pytest.approx(4 / 6)
    assert whisq("metrics", *lists).returncode == 0


def test_a_clip_is_scored_and_its_score_explained(bare_model, clips, tmp_path):
    words = (clips[3], "--prompt", "a calm waltz", "--model", bare_model)
    scored = whisq("score", *words)
    assert scored.returncode == 0, scored.stderr
    assert 1 <= json.loads(scored.stdout)["omq"] <= 5
    for name in ("why.html", "why.png"):
        explained = whisq("explain", *words, "-o", tmp_path / name)
        assert explained.returncode == 0, explained.stderr
        assert (tmp_path / name).stat().st_size > 10_000


def test_a_list_is_scored_with_a_summary(bare_model, clips, tmp_path):
    output = tmp_path / "scores.csv"
    done = whisq("score", clips[0].parent, "-m", bare_model, "-o", output, "--summary")
    assert done.returncode == 0, done.stderr
    assert len(output.read_text().splitlines()) == len(clips) + 1


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("pipeline", ["--model", "models:/whisq@champion"]),
        ("pipeline", ["--model", "runs:/0/whisq"]),
        ("parquet", ["--output", "scores.parquet"]),
        ("ray", ["--engine", "ray"]),
    ],
)
def test_what_an_extra_brings_is_refused_in_one_line_that_names_it(extra, words, clips, tmp_path):
    done = whisq("score", clips[0], *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"pip install 'whisq[{extra}]'\n")
    assert done.stderr.count("\n") == 1


def test_a_program_meets_an_import_error(monkeypatch):
    import whisq

    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"models:/whisq@champion needs mlflow: pip install"):
        whisq.load("models:/whisq@champion")


def test_without_hub_and_wheels_a_model_tells_how_to_get_its_encoders(clips, tmp_path):
    names = "openai/whisper-base", "sentence-transformers/all-MiniLM-L6-v2"
    model = save_model(tmp_path / "model", *names, 512, 384, weights="0" * 64)
    done = whisq("score", clips[0], "-m", model, HF_HOME=str(tmp_path / "hub"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no weights found for openai/whisper-base" in done.stderr
    assert "Give a folder" in done.stderr
    assert done.stderr.endswith("pip install 'whisq[offline]'\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("gone", ["music21", "symusic", "pretty_midi"])
def test_the_rendered_corpus_tells_what_it_is_made_with(gone, tmp_path):
    pytest.importorskip("pydantic")
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    done = whisq(module="stages.corpus", hidden=([gone], []), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    there = importlib.util.find_spec
    lacking = [
        name for name in ("music21", "symusic", "pretty_midi") if name == gone or not there(name)
    ]
    line = f"the rendered corpus needs {', '.join(lacking)}: pip install 'whisq[rendered]'\n"
    assert done.stderr == line
    assert not (tmp_path / "data").exists()
