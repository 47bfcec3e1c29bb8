import pandas as pd
import pytest

from whisq.evaluation import truth


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "truth").mkdir()
    prompts = "key,prompt,reversed,is_order\nP001,a then b,b then a,1\nP002,c,,0\nP003,c,,0\n"
    (tmp_path / "truth" / "prompts.csv").write_text(prompts)
    (tmp_path / "truth" / "clips.csv").write_text("id,omq_latent,ta_latent\nx,1.5,2\ny,3,4\n")
    return tmp_path


def test_latent_ratings_are_read_by_clip(raw):
    rated = pd.DataFrame(index=["y", "x"])
    found = truth.latent(truth.read_clips(raw), rated)
    assert found["omq"].to_dict() == {"y": 3.0, "x": 1.5}


def test_a_prompt_is_about_order_by_its_text(raw):
    rated = pd.DataFrame({"prompt": ["c", "a then b", "not known"]})
    assert truth.about_order(truth.read_prompts(raw), rated).tolist() == [False, True, False]


def test_a_real_corpus_has_no_truth(tmp_path):
    assert truth.read_prompts(tmp_path) is None
    assert truth.latent(truth.read_clips(tmp_path), pd.DataFrame()) is None
    assert truth.about_order(None, pd.DataFrame()) is None
