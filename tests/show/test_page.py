import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
import soundfile

from whisq.corpus.clips import read_ratings, write_ratings
from whisq.evaluation.gather import read_rated
from whisq.evaluation.judge import Case, judge
from whisq.model.build import build, read_config
from whisq.show.mistakes import WORST
from whisq.show.run import read_run


def test_the_page_needs_no_other_file(page):
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "url(http" not in page
    assert page.count("<script>") == 1


def test_every_id_is_given_once_and_every_link_leads_to_one(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert set(targets) <= set(ids)


def test_the_headline_says_what_the_model_is_worth_beside_the_system_and_a_listener(page):
    headline = re.search(r'class="headline">(.*?)</p>', page, re.DOTALL)[1]
    for part in ("toy corpus", "test", "(OMQ)", "(TA)", "the mean of the clip", "one listener"):
        assert part in headline


def test_way_and_intervals_of_both_axes_are_told_further_down(page):
    told = " ".join(page.partition("In more words")[2].split())
    for part in ("toy corpus, official split, clip by clip", "quality (OMQ)", "95% interval"):
        assert part in told


def test_what_is_not_of_the_first_screen_is_folded_and_links_open_it(page):
    for name in ("published", "mistakes", "ablations", "training", "corpus", "provenance"):
        inside = page.partition(f'<section id="{name}">')[0]
        assert inside.count("<details") - inside.count("</details>") == 1


def test_prompts_are_shown_as_text_never_as_markup(page):
    assert "<b>drum" not in page
    assert "&lt;b&gt;drum" in page


def test_the_worst_clips_come_first_with_a_sound_that_decodes_to_the_file(run, page):
    results = read_run(run / "data", run / "metrics")
    off = (results.held_out["omq_prediction"] - results.held_out["omq"]).abs()
    off = off.combine((results.held_out["ta_prediction"] - results.held_out["ta"]).abs(), max)
    shown = re.findall(r"<h3>\d+\. (S\d+_P\d+)</h3>", page)
    assert shown == off.sort_values(ascending=False).index[:WORST].tolist()
    sounds = re.findall(r'src="data:audio/flac;base64,([^"]+)"', page)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0])))
    original, _ = soundfile.read(run / "data/raw/wav" / f"{shown[0]}.wav")
    assert rate == 16000
    np.testing.assert_allclose(samples, original, atol=1e-4)


def test_figures_of_another_corpus_do_not_fill_the_published_table(page):
    assert "none of its figures may stand in this table" in page


def test_what_was_not_run_is_said_in_a_line(page):
    for line in ("The probes were not run", "No variant was trained", "no record of the epochs"):
        assert line in page


def test_variants_of_other_clips_are_not_shown_as_this_run_s(full_page):
    assert "no_transport" in full_page or "no transport" in full_page
    assert "of other clips" not in full_page


def test_what_was_run_is_drawn_and_said(full_page):
    for name in ("dev-srcc", "fault-wow", "forest-official-ta"):
        assert f'id="{name}-figure_1"' in full_page
    for line in (
        "75% of 40 clips that play the order asked for prefer their prompt",
        "Other prompts: not asked, all clips have one prompt",
        "falls from 0.50 to 0.10",
        "tau of −0.50",
        "gain -6 dB",
        "abc123.dir",
        "12.3",
    ):
        assert line in full_page
    for line in ("No variant was trained", "No fault was probed", "no record of the epochs"):
        assert line not in full_page


def test_a_run_without_model_or_sound_is_still_reported(run, make_page, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("model", "wav"))
    page = make_page(folder)
    assert page.count("The clip's file is not there") == WORST
    assert page.count("data/embeddings is not there") == WORST


def test_a_folder_without_evaluation_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="dvc repro evaluate"):
        read_run(tmp_path / "data", tmp_path / "metrics")


def test_a_corpus_without_raters_rows_has_no_ceiling_and_says_so(run, make_page, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    ratings = read_ratings(folder / "data/ratings.csv")
    ratings[["raters", "omq_raters", "ta_raters"]] = ""
    write_ratings(ratings, folder / "data/ratings.csv")
    rated = read_rated(folder / "data")
    predictions = read_run(folder / "data", folder / "metrics").rated[
        ["omq_prediction", "ta_prediction"]
    ]
    predictions.columns = ["omq", "ta"]
    result = judge(Case(rated, predictions), "toy corpus", "official", resamples=20, seed=0)
    (folder / "metrics/evaluate.json").write_text(json.dumps(result))
    page = make_page(folder)
    assert "an unknown share" in page
    assert "raters&#39; ceiling unknown" in page
    assert "of unknown worth" in page


def test_a_network_without_a_shared_space_has_no_map(run, make_page, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    config = read_config(folder / "data/model")
    peer = build(config.model_copy(update={"architecture": "challenge_baseline"}))
    shutil.rmtree(folder / "data/model")
    peer.save_pretrained(folder / "data/model")
    page = make_page(folder)
    assert "two sides share no space" in page
    assert 'class="field"' not in page
