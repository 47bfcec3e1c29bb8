"""`whisq publish` against a hub on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from whisq.model import card
from whisq.model.build import load

ROOT = Path(__file__).parents[2]
JUDGED = {"protocol": "systems", "split": "test", "table": "SRCC (toy)\n\n| who | OMQ |"}


@pytest.fixture
def web(hub):
    with hub.serving() as web:
        web.tokens = {"good": True}
        yield web


@pytest.fixture
def trained(tiny_model, tmp_path):
    """A judged model of a corpus: `trained("MusicEval")`."""

    def make(corpus, judged=True):
        network = load(tiny_model)
        network._hub_mixin_config["corpus"] = {"name": corpus, "licence": "CC BY-NC 4.0"}
        network.save_pretrained(tmp_path / "model")
        if judged:
            told = JUDGED | {"model": card.fingerprint(tmp_path / "model")}
            (tmp_path / "card.json").write_text(json.dumps(told))
        return tmp_path / "model"

    return make


@pytest.fixture
def publish(web):
    """Call `whisq publish`: `publish(folder, "--yes", token="bad")`."""

    def run(folder, *options, name="me/mine", token="good"):
        own = {"HF_ENDPOINT": web.url, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-m", "whisq", "publish", str(folder), name, *options]
        return subprocess.run(
            command, env=os.environ | own, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    return run


def test_what_is_sent_is_what_is_shown_and_loads_as_the_same_model(trained, publish, web, tmp_path):
    folder = trained("MusicEval")
    done = publish(folder, "--yes", "--private")
    assert done.returncode == 0, done.stderr
    repo = web.repos["me/mine"]
    assert repo["private"]
    sent = tmp_path / "sent"
    sent.mkdir()
    for name, content in repo["files"].items():
        (sent / name).write_bytes(content)
    assert card.fingerprint(sent) == card.fingerprint(folder)
    assert (sent / "README.md").read_text().strip() in done.stdout
    assert "It learnt from: MusicEval. Licence of the data: CC BY-NC 4.0" in done.stdout
    assert JUDGED["table"] in done.stdout
    assert load(sent).judged["split"] == "test"
    assert f"{web.url}/me/mine/commit/" in done.stdout


def test_without_a_yes_nothing_is_sent(trained, publish, web):
    done = publish(trained("MusicEval"))
    assert done.returncode == 2
    assert "call it with --yes" in done.stderr
    assert not web.asked


def test_a_model_of_the_rendered_corpus_is_refused_unless_allowed(trained, publish, web):
    folder = trained("rendered corpus")
    done = publish(folder, "--yes")
    assert done.returncode == 2
    assert "say --allow-rendered" in done.stderr
    assert not web.asked
    done = publish(folder, "--yes", "--allow-rendered")
    assert done.returncode == 0, done.stderr
    assert b"nothing on real music" in web.repos["me/mine"]["files"]["README.md"]


def test_of_a_model_that_was_not_judged_it_is_said(trained, publish):
    done = publish(trained("MusicEval", judged=False), "--yes")
    assert done.returncode == 0, done.stderr
    assert "mind: it was not judged" in done.stderr


@pytest.mark.parametrize(
    ("name", "token", "told"),
    [
        ("mine", "good", "must be OWNER/NAME"),
        ("me/../mine", "good", "must be OWNER/NAME"),
        ("me/mine", "bad", "hf auth login"),
    ],
)
def test_a_wrong_name_or_log_in_is_told_in_one_line(trained, publish, web, name, token, told):
    done = publish(trained("MusicEval"), "--yes", name=name, token=token)
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("whisq publish:")]
    assert told in line
    assert "Traceback" not in done.stderr
    assert not web.repos
