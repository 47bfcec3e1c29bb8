"""The commands that the README shows run, in a small project of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from whisq.corpus.clips import read_clips
from whisq.evaluation.answers import read_scores

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What is run elsewhere: an install needs a network, CI calls the two commands, the fixture that all
# of these stand on is `make paper`, an experiment with `-S`, and `make ui` and `make search` have
# tests of their own.
ELSEWHERE = (
    "pip install",
    "make repro",
    "make test",
    "make paper",
    "source ",
    "make ui",
    "dvc exp run -S",
    "make variant NAME",
    "make search",
)
GRID = re.compile(r"(=[\d.]+,[\d.]+),\S+")  # two values of a grid are enough here

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def shown():
    """The commands in their order, without comments."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", "")
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in blocks.splitlines()]
    return [line for line in lines if line and not line.startswith(ELSEWHERE)]


@pytest.fixture(scope="module")
def project(paper_run):
    """The project with few variants and short windows."""
    shutil.copy(ROOT / "README.md", paper_run)
    values = yaml.safe_load((paper_run / "params.yaml").read_text())
    values["ablations"] = {name: values["ablations"][name] for name in ["default"]}
    values["trials"] |= {"seeds": {"official": 1}, "workers": 1}
    values["embed_audio"]["window"] = "clip"
    values["unseen"]["protocols"] = []
    (paper_run / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return paper_run


@pytest.fixture
def run(project, environment):
    """Run a command by the shell, with real files for its capitals: `run("whisq explain CLIP")`."""
    clip = read_clips(project / "data/clips.csv").iloc[0]
    stand_ins = {
        "CLIP": f"data/{clip.path}",
        "TEXT": f"'{clip.prompt}'",
        "ANSWER": "data/predictions.csv",
        "TRUTH": "data/ratings.csv",
        "BEFORE": "data/predictions.csv",
        "AFTER": "after.csv",
        "PAIRS": "pairs.csv",
    }
    shutil.copyfile(project / "data/predictions.csv", project / "after.csv")
    first, second = read_scores(project / "data/predictions.csv").index[:2]
    (project / "pairs.csv").write_text(f"a,b,preferred,axis\n{first},{second},a,omq\n")

    def run(command):
        for name, value in stand_ins.items():
            command = re.sub(rf"\b{name}\b", value, command)
        done = subprocess.run(
            ["bash", "-euc", command], cwd=project, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


@pytest.mark.parametrize("command", shown())
def test_a_command_of_the_readme_runs(run, command):
    command = GRID.sub(r"\1", command)
    said = run(command)
    if "dvc queue start" in command:
        wait_for_queue(run, 2)
    if command == "make experiments":
        # DVC's queue says Success some seconds before its table has the figures.
        for _ in range(30):
            if "ot_weight=0.05" in said:
                break
            time.sleep(2)
            said = run(command)
        assert "ot_weight=0.05" in said, said


def wait_for_queue(run, count):
    for _ in range(120):
        status = run("dvc queue status")
        if not re.search(r"Queued|Running", status):
            break
        time.sleep(2)
    tasks = re.findall(r"^([0-9a-f]{7}) .* Failed", status, re.MULTILINE)
    logs = [run(f"dvc queue logs {task} || true")[-2000:] for task in tasks]
    assert status.count("Success") == count, "\n".join([status, *logs])


def test_the_python_of_the_readme_runs(project, environment):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    clip = next((project / "data/raw").rglob("*.wav"))
    for name in ("clip.wav", "a.wav", "b.wav"):
        shutil.copy(clip, project / name)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_make_ui_opens_the_store(project, environment):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = project.parent / "ui.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            ["make", "ui", f"PORT={port}"],
            cwd=project,
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        assert b"MLflow" in first_page(f"http://127.0.0.1:{port}/"), log.read_text()
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def first_page(address):
    for _ in range(480):
        try:
            with urlopen(address, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.5)
    return b""
