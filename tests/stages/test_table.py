"""A user's table from its rows to the report, with tiny encoders."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from whisq.corpus.card import read_card
from whisq.corpus.clips import read_ratings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

RATERS, SYSTEMS, PROMPTS = 3, 5, 9


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Another scale, mp3, a row a rating, and of some clips no word on alignment."""
    folder, random = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    rows = []
    for system in range(SYSTEMS):
        for prompt in range(PROMPTS):
            name = f"take {system}-{prompt}.mp3"
            noise = random.normal(0, 0.1 + 0.02 * system, 16_000)
            soundfile.write(folder / name, np.clip(noise, -1, 1), 16_000)
            for rater in range(RATERS):
                omq, ta = random.integers(1, 8, 2)
                row = {"Audio": name, "caption": f"tune {prompt}", "model": f"m{system}"}
                row |= {"listener": f"L{rater}", "overall quality": omq}
                rows.append(row | {"alignment": "" if (system + prompt) % 3 == 0 else ta})
    with (folder / "study.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "study.csv"


@pytest.fixture(scope="module")
def repro(other_project, table, make_whisper, tiny_qwen, tmp_path_factory, quick):
    """Run the pipeline: `repro("corpus.table.columns.omq=mos")`."""
    tiny = [
        "corpus.name=table",
        f"corpus.table.path={table}",
        "corpus.table.scale=1-7",
        "split.protocol=official",
        f"embed_audio.model={make_whisper(3)}",
        f"embed_text.model={tiny_qwen}",
        *quick,
    ]
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    own |= {"PYTHONPATH": str(other_project)}
    own |= {"WHISQ_CACHE": str(tmp_path_factory.mktemp("cache"))}
    own |= {"DVC_SITE_CACHE_DIR": str(tmp_path_factory.mktemp("dvc"))}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "DVC"))}

    def run(*changes):
        changes = [part for change in (*tiny, *changes) for part in ("-S", change)]
        command = [sys.executable, "-m", "dvc", "exp", "run", *changes]
        return subprocess.run(
            command, cwd=other_project, env=kept | own, capture_output=True, text=True
        )

    return run


def results(project):
    found = (
        json.loads((project / f"metrics/{name}.json").read_text())
        for name in ("evaluate", "probes")
    )
    return *found, (project / "metrics/report.html").read_text()


def test_a_table_with_every_trouble_runs_to_the_report(repro, other_project):
    done = repro()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    ratings = read_ratings(other_project / "data/ratings.csv")
    assert len(ratings) == SYSTEMS * PROMPTS
    assert ratings["ta"].isna().sum() == SYSTEMS * PROMPTS // 3
    assert set(ratings["omq_raters"].str.split().str.len()) == {RATERS}
    card = read_card(other_project / "data/raw")
    assert card["name"] == "study"
    assert card["scale"] == "1-7, mapped linearly to 1-5"
    evaluate, probes, page = results(other_project)
    for level in ("utt", "sys"):
        assert evaluate["test"][level]["ta"]["mse"] is not None
    assert probes["other_prompts"]["auc"] is not None
    assert "study, test" in page


def test_of_quality_alone_the_page_leaves_alignment_out_and_says_so(repro, other_project, table):
    bare = pd.read_csv(table, dtype=str).drop(columns="alignment")
    bare.to_csv(table.with_name("bare.csv"), index=False)
    done = repro(f"corpus.table.path={table.with_name('bare.csv')}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    evaluate, probes, page = results(other_project)
    assert evaluate["test"]["utt"]["ta"]["undefined"] == "nothing is rated on it"
    assert evaluate["test"]["utt"]["omq"]["mse"] is not None
    assert probes["other_prompts"]["undefined"] == "no clip's alignment is rated"
    assert "No clip is rated on alignment (TA)" in page


def test_pairs_without_a_rating_train_a_model_that_is_judged_by_pairs(repro, other_project, table):
    takes = [[f"take {system}-{prompt}.mp3" for system in (0, 4)] for prompt in range(PROMPTS)]
    rows = [
        [*takes[prompt], word, axis, f"tune {prompt}", "m0", "m4"]
        for prompt in range(PROMPTS)
        for axis, word in (("omq", "b"), ("ta", "a" if prompt % 2 else "tie"))
    ]
    columns = ["a", "b", "preferred", "axis", "prompt", "model_a", "model_b"]
    pairs = table.with_name("pairs.csv")
    pd.DataFrame(rows, columns=columns).to_csv(pairs, index=False)
    done = repro(
        "corpus.table.path=null",
        f"corpus.table.pairs={pairs}",
        "loss.preference_weight=1.0",
        "train.epochs=12",
        "train.averaging=0.0",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    evaluate, _, page = results(other_project)
    judged = evaluate["test"]["pairs"]
    assert judged["omq"]["n"] == judged["omq"]["n_pairs"] > 0
    assert judged["ta"]["ties"] > 0
    assert evaluate["test"]["utt"]["omq"]["undefined"] == "nothing is rated on it"
    assert "preferences (pairs, test" in page
    corpus = json.loads((other_project / "data/model/config.json").read_text())["corpus"]
    assert corpus["compared"] == "omq ta"
