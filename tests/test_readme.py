"""The README says what the files say."""

import json
import subprocess
from pathlib import Path

import pytest

from whisq.report import readme

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def scores(value):
    return {level: {axis: {"srcc": value} for axis in ("omq", "ta")} for level in ("utt", "sys")}


def judged():
    interval = {axis: {"srcc": {"system": [0.25, 0.75]}} for axis in ("omq", "ta")}
    floors = {name: scores(0.5) for name in readme.ROWS if name not in ("model", "raters")}
    floors["gold_omq"] = {level: {"ta": {"srcc": None}} for level in ("utt", "sys")}
    test = {
        **scores(0.625),
        "n_clips": 7,
        "n_systems": 3,
        "floors": floors,
        "ceilings": {"raters": scores(0.9)},
        "intervals": {"utt": interval, "sys": interval},
    }
    return {"corpus": "rendered corpus", "protocol": "systems", "test": test}


def test_results_name_the_corpus_and_the_split():
    line = readme.results(judged()).splitlines()[0]
    assert "rendered corpus" in line
    assert "7 clips, 3 systems, protocol `systems`" in line


def test_the_model_stands_with_its_interval_between_floors_and_ceiling():
    text = readme.results(judged())
    assert "| **the model** | 0.625 | 0.625 | 0.625 | 0.625 |" in text
    assert "0.25 to 0.75" in text
    assert text.index("floor:") < text.index("the model") < text.index("ceiling:")


def test_what_is_not_defined_is_left_blank():
    (row,) = [line for line in readme.results(judged()).splitlines() if "true OMQ" in line]
    assert row.count("|  ") == 4


def test_renewing_twice_is_renewing_once():
    once = readme.renewed(TEXT, "new")
    assert readme.renewed(once, "new") == once
    assert once.split(readme.END)[1] == TEXT.split(readme.END)[1]


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="put both back"):
        readme.renewed("# whisq", "new")


def committed(path):
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True)
    if shown.returncode:
        pytest.skip(f"no {path} is committed here")
    return shown.stdout.decode()


def test_the_committed_results_are_those_of_the_committed_files():
    # A run in this folder may have changed metrics/ since: git knows what was written together.
    evaluate = json.loads(committed("metrics/evaluate.json"))
    text = committed("README.md")
    assert readme.renewed(text, readme.results(evaluate)) == text
