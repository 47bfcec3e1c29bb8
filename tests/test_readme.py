"""The README says what the files say."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from whisq.show import readme
from whisq.show.table import Table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def scores(value):
    return {level: {axis: {"srcc": value} for axis in ("omq", "ta")} for level in ("utt", "sys")}


def judged():
    interval = {axis: {"srcc": {"system": [0.25, 0.75]}} for axis in ("omq", "ta")}
    floors = {name: scores(0.5) for name in ("system_mean", "pooled_ridge")}
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
    line = readme.BLOCKS["results"][2](judged()).markdown().splitlines()[0]
    assert line == "SRCC (rendered corpus, test, systems split; 7 clips, 3 systems)"


def test_the_model_stands_with_its_interval_between_floors_and_ceiling():
    text = readme.BLOCKS["results"][2](judged()).markdown()
    assert f"| **the model** |{' **0.625** |' * 4}" in text
    assert "0.25 to 0.75" in text
    assert text.index("floor:") < text.index("the model") < text.index("ceiling:")


def test_what_is_not_defined_is_left_blank():
    unknown = judged()
    unknown["test"]["floors"]["pooled_ridge"] = {"utt": {"ta": {"srcc": None}}, "sys": {}}
    (row,) = [
        line
        for line in readme.BLOCKS["results"][2](unknown).markdown().splitlines()
        if "ridge" in line
    ]
    assert row.count("|  ") == 4


def test_the_official_split_is_told_beside_its_best_floors_alone():
    text = readme.BLOCKS["results"][2](judged()).markdown()
    assert text.count("floor:") == 2
    assert "true OMQ" not in text
    assert "way from" not in text


@pytest.mark.parametrize("name", readme.BLOCKS)
def test_renewing_twice_is_renewing_once(name):
    new = Table("new", ["column"], [])
    text = (ROOT / readme.BLOCKS[name][0]).read_text(encoding="utf-8")
    once = readme.renewed(text, name, new)
    assert readme.renewed(once, name, new) == once
    end = f"<!-- end of {name} -->"
    assert once.split(end)[1] == text.split(end)[1]


def test_a_variant_stands_out_where_its_difference_is_clear_of_zero():
    def figure(mean, interval):
        return {"mean": mean, "difference": {"default": {"mean": 0.1, "interval": interval}}}

    floors = {"floor_ta_srcc": {"mean": 0.58}, "ridge_ta_srcc": {"mean": 0.51}}
    default = {"utt_ta_srcc": {"mean": 0.5, "difference": {}}, **floors}
    better = {"utt_ta_srcc": figure(0.6, [0.05, 0.15]), "swap": figure(0.6, [-0.1, 0.3])}
    text = readme.compared(
        {"default": {"official": default, "systems": {}}, "it": {"official": better}}
    ).markdown()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert rows[0] == ["variant", "TA, by clip", "swap"]
    assert rows[2] == ["*floor: the system's training mean*", "0.580", ""]
    assert rows[3] == ["*floor: ridge on pooled embeddings*", "0.510", ""]
    assert rows[4] == ["default", "0.500", ""]
    assert rows[5] == ["it", "**0.600**", "0.600"]


def test_a_variant_that_reads_other_embeddings_stands_below_the_ridge_on_those():
    def read(ridge):
        return {"official": {"utt_omq_srcc": {"mean": 0.5}, "ridge_omq_srcc": {"mean": ridge}}}

    variants = {"default": read(0.4), "alike": read(0.4), "more": read(0.45), "also": read(0.45)}
    names = [row[0].text for row in readme.compared(variants).rows]
    assert names == [
        "*floor: ridge on pooled embeddings*",
        *("default", "alike", "*floor: the ridge on what more reads*", "more", "also"),
    ]


def test_speed_is_told_beside_the_peers_that_were_measured():
    run = {"seconds": 10, "window": "clip", "dtype": "float32", "clips_per_second": 7.34}
    run |= {"times_plain": 4.81, "share_of_floor": 0.961}
    compared = {"cores": 2, "plain_transformers": 1.528, "ctranslate2": None, "runs": [run]}
    text = readme.speed({"compare": compared}).markdown()
    assert text.endswith("| 10 s | clip | float32 | 7.3 | 4.8 | 96% |")
    assert "makes 1.53." in text
    assert (
        "CTranslate2, float32, 2.14"
        in readme.speed({"compare": compared | {"ctranslate2": 2.14}}).markdown()
    )


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="put both back"):
        readme.renewed("# whisq", "results", Table("new", ["column"], []))


def committed(path):
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True)
    if shown.returncode:
        pytest.skip(f"no {path} is committed here")
    return shown.stdout.decode()


def test_the_committed_results_are_those_of_the_committed_headline():
    headline = json.loads(committed("metrics/published.json"))["headline"]
    told = committed_figures("results")
    assert told[:2] == [f"{headline[f'test_{axis}_srcc']:.3f}" for axis in ("omq", "ta")]


def test_what_is_committed_of_the_unseen_is_that_of_the_committed_headline():
    headline = json.loads(committed("metrics/published.json"))["unseen_headline"]
    held_out = [held for held in ("systems", "prompts", "both") if f"{held}_swap" in headline]
    places = [(held, axis) for held in held_out for axis in ("omq", "ta")]
    own = [f"{headline[f'{held}_{axis}_srcc']:.3f}" for held, axis in places]
    assert committed_figures("unseen") == own
    ridge = [f"{headline[f'{held}_ridge_{axis}_srcc']:.3f}" for held, axis in places]
    assert committed_figures("unseen", "floor: ridge on pooled") == ridge


def committed_figures(block, who="**the model**"):
    """The cells of a row of one of the committed README's tables."""
    table = committed("README.md").split(f"<!-- {block}: make readme -->")[1]
    (row,) = [line for line in table.split("<!-- end")[0].splitlines() if who in line]
    return [cell.strip(" *").replace("−", "-") for cell in row.split("|")[2:-1]]


@pytest.mark.parametrize(
    "name", ["variants", "speed", "preferences", "adaptation", "text encoders"]
)
def test_the_committed_tables_are_those_of_the_committed_files(name):
    # A run in this folder may have changed metrics/ since: git knows what was written together.
    page, file, write = readme.BLOCKS[name]
    text = committed(page)
    assert readme.renewed(text, name, write(json.loads(committed(file)))) == text


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in DOCS.glob("*.md"))])
def test_every_link_to_a_file_leads_to_one(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_the_budget_s_block_holds_picture_sentences_and_points():
    def figure(mean):
        return {"mean": mean, "interval": [mean - 0.1, mean + 0.1], "draws": [mean]}

    def point(prompts, mean, first):
        less = None if first else figure(0.2)
        axis = {"srcc": figure(mean), "ridge": figure(0.3), "less_ridge": figure(0.1)}
        axis["less_first"] = less
        return {"prompts": prompts, "clips": 80, "raters": 5, "omq": axis, "ta": axis}

    found = {"corpus": "a corpus", "n_clips": 7, "n_systems": 3, "n_prompts": 4, "draws": 2}
    found["curves"] = {"prompts": [point(10, 0.25, True), point(40, 0.45, False)]}
    text = readme.budget(found).markdown()
    assert text.startswith("![SRCC over prompts")
    assert "* TA from 10 to 40 prompts (80 clips, 5 raters each): 0.25 to 0.45, +0.20" in text
    assert "| prompts | 40 | 80 | 5 | 0.450 | 0.300 | +0.200 | 0.10 to 0.30 |" in text
    assert readme.drawn(found).startswith(b"\x89PNG")
