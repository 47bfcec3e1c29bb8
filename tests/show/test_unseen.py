"""What is shown of a model on systems and prompts that it never met."""

import copy
import json
import re
import shutil

import numpy as np
import pytest

from whisq.show import unseen
from whisq.show.run import read_run


def figure(mean, half=0.1):
    ends = None if mean is None else [mean - half, mean + half]
    return {"mean": mean, "interval": ends, "folds": [mean] * 3}


def party(srcc, agreement):
    return {axis: {"srcc": figure(srcc), "agreement": agreement} for axis in ("omq", "ta")}


def judged(model=0.625, knows_prompts=True):
    return {
        "n_clips": 96,
        "n_systems": 12,
        "n_prompts": 8,
        "parties": {
            "system_mean": party(None, 0.5),
            "prompt_mean": party(0.125 if knows_prompts else None, 0.5),
            "pooled_ridge": party(0.5, 0.66),
            "model": party(model, 0.71),
        },
        "less_ridge": dict.fromkeys(("omq", "ta"), figure(model - 0.5)),
        "swap": figure(0.75),
        "raters": {axis: {"ceiling": 0.9, "one": 0.78} for axis in ("omq", "ta")},
    }


@pytest.fixture
def found():
    protocols = {
        "systems": judged(),
        "prompts": judged(knows_prompts=False),
        "systems_and_prompts": judged(0.25, knows_prompts=False) | {"n_clips": 30},
    }
    return {"corpus": "toy corpus", "protocols": protocols}


def rows(found):
    text = unseen.standings(found).markdown()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    return {row[0]: row[1:] for row in cells}


def test_the_headline_is_of_systems_prompts_and_both_with_the_ridge_beside(found):
    numbers = unseen.headline(found)
    assert len(numbers) == 3 * 5
    assert numbers["both_ta_srcc"] == 0.25
    assert numbers["systems_omq_srcc"] == 0.625
    assert numbers["both_ridge_omq_srcc"] == 0.5
    assert numbers["prompts_swap"] == 0.75


def test_model_and_ridge_stand_beside_the_floors_of_their_own_protocol(found):
    table = rows(found)
    assert table["**the model**"] == ["**0.625**"] * 4 + ["**0.250**"] * 2
    assert table["floor: ridge on pooled embeddings"] == ["0.500"] * 6
    # A prompt's mean is known where systems alone are held out.
    assert table["floor: the prompt's training mean"] == ["0.125"] * 2 + [""] * 4
    assert table["the model less the ridge"] == ["+0.125"] * 4 + ["−0.250"] * 2
    assert table["ceiling: what the raters allow"] == ["0.900"] * 6
    order = list(table)
    assert order.index("floor: ridge on pooled embeddings") < order.index("**the model**")


def test_a_floor_that_ranks_nothing_anywhere_has_no_row(found):
    assert "floor: the system's training mean" not in rows(found)


def test_the_table_names_corpus_protocols_folds_and_clips(found):
    text = unseen.standings(found).markdown()
    for part in ("toy corpus", "3 folds", "30 to 96 test clips", "OMQ, unseen systems", "TA, both"):
        assert part in text


def test_a_sentence_tells_the_pairs_that_model_ridge_and_one_rater_rank_as_the_listeners(found):
    text = unseen.said(found)
    assert "by systems that it never heard, to prompts that it never read" in text
    assert "in 71 and 71 of 100 pairs for quality (OMQ) and alignment (TA)" in text
    assert "a ridge on the same embeddings in 66 and 66, one rater in 78 and 78" in text
    assert "toy corpus, 30 held-out clips" in text


def test_without_raters_rows_no_rater_is_told_of(found):
    found["protocols"]["systems_and_prompts"]["raters"]["ta"]["one"] = None
    assert "rater" not in unseen.said(found)


def test_the_plot_holds_each_protocol_and_stands_without_intervals(found):
    found["protocols"]["prompts"]["parties"]["model"]["ta"]["srcc"]["interval"] = None
    found["protocols"]["systems"]["parties"]["model"]["ta"]["srcc"] = figure(None)
    for plot in unseen.standing(found):
        assert "toy corpus" in plot.caption
        for name in ("unseen systems", "unseen prompts", "both unseen"):
            assert name in plot.svg


@pytest.fixture
def told(run, make_page, found, tmp_path):
    """The page of a run whose network was also tried on what it never met."""

    def page(unseen):
        folder = tmp_path / "run"
        shutil.copytree(run, folder)
        (folder / "metrics/unseen.json").write_text(json.dumps(unseen))
        return make_page(folder)

    return page


def test_a_page_begins_with_what_the_model_is_worth_where_it_is_used(told, found):
    page = told(found)
    headline = re.search(r'class="headline">(.*?)</p>', page, re.DOTALL)[1]
    assert headline == unseen.said(found)
    assert page.index('id="unseen"') < page.index('id="results"')
    first = re.search(r"<caption[^>]*>(.*?)</caption>", page, re.DOTALL)[1]
    assert "held out" in first
    assert "of the way from the best floor" in page[page.index('id="results"') :]


def test_a_run_without_such_folds_is_told_by_its_split(run, told, found):
    page = told(copy.deepcopy(found) | {"protocols": {}})
    assert 'id="unseen"' not in page
    assert "of 100 pairs" in page[: page.index("<main")]
    assert read_run(run / "data", run / "metrics").unseen is None


def test_what_is_not_defined_is_null_in_the_headline(found):
    found["protocols"]["systems"]["parties"]["model"] = party(None, 0.5)
    assert unseen.headline(found)["systems_ta_srcc"] is None
    assert np.isfinite(unseen.headline(found)["systems_ridge_ta_srcc"])


def test_a_run_that_held_nothing_out_says_so():
    table = unseen.standings({"corpus": "a corpus", "protocols": {}})
    assert "Nothing was held out" in table.markdown()
