import base64
import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from whisq.report.page import render
from whisq.report.results import read_results


def page_of(folder, **options):
    results = read_results(folder / "data", folder / "metrics")
    params = {"loss.ot_weight": 0.1}
    return render(results, folder / "data", params, lock=folder / "dvc.lock", seconds={}, **options)


@pytest.fixture(scope="module")
def page(run):
    return page_of(run, worst=3)


def test_the_page_needs_no_other_file(page):
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "url(http" not in page
    assert page.count("<script>") == 1


def test_every_id_is_given_once_and_every_link_leads_to_one(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert set(targets) <= set(ids)


def test_the_headline_names_corpus_split_level_both_axes_and_intervals(page):
    headline = re.search(r'class="headline">(.*?)</p>', page, re.DOTALL)[1]
    for part in ("toy corpus", "test", "official", "clip by clip", "(OMQ)", "(TA)", "95% interval"):
        assert part in headline


def test_prompts_are_shown_as_text_never_as_markup(page):
    assert "<b>drum" not in page
    assert "&lt;b&gt;drum" in page


def test_the_worst_clips_come_first_with_a_sound_that_decodes_to_the_file(run, page):
    results = read_results(run / "data", run / "metrics")
    off = (results.held_out["omq_prediction"] - results.held_out["omq"]).abs()
    off = off.combine((results.held_out["ta_prediction"] - results.held_out["ta"]).abs(), max)
    shown = re.findall(r"<h3>\d+\. (S\d+_P\d+)</h3>", page)
    assert shown == off.sort_values(ascending=False).index[:3].tolist()
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


def test_what_was_run_is_drawn(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (folder / "metrics/plots").mkdir()
    epochs = {"epoch": [1, 2], "train_loss": [2.0, 1.0], "dev_omq_utt_srcc": [0.1, 0.3]}
    pd.DataFrame(epochs).to_csv(folder / "metrics/epochs.csv", index=False)
    (folder / "metrics/train.json").write_text('{"epoch": 2}')
    curve = {"fault": "wow", "strength": [0.0, 1.0], "omq": [4.0, 2.0], "error": [0.1, 0.2]}
    pd.DataFrame(curve).to_csv(folder / "metrics/plots/fault_response.csv", index=False)
    row = {"protocol": "official", "metric": "utt_ta_srcc", "mean": 0.5, "sd": 0.1, "n": 3}
    differences = {"less_paper": -0.1, "less_paper_low": -0.2, "less_paper_high": 0.0}
    rows = [{"variant": "paper", **row}, {"variant": "no_transport", **row, **differences}]
    pd.DataFrame(rows).to_csv(folder / "metrics/ablations.csv", index=False)
    page = page_of(folder, worst=0)
    for name in ("dev-srcc", "fault-wow", "forest-official-ta"):
        assert f'id="{name}-figure_1"' in page
    assert "No variant was trained" not in page


def test_a_run_without_model_or_sound_is_still_reported(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("model", "wav"))
    page = page_of(folder, worst=2)
    assert page.count("The clip's file is not there") == 2
    assert page.count("no transport plan") == 2


def test_a_folder_without_evaluation_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="dvc repro evaluate"):
        read_results(tmp_path / "data", tmp_path / "metrics")
