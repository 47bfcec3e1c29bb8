import json

import numpy as np
import pytest

from whisq.show.explain import MOST_WORDS, explain, to_html, to_json, to_png, without_each_word

PROMPT = "A calm waltz for squeezebox."


@pytest.fixture(scope="module")
def explanation(predictor, clips):
    return explain(predictor, clips[3], PROMPT)


def test_the_scores_are_those_of_the_scorer(explanation, predictor, clips):
    score = predictor.score(clips[3], PROMPT)
    assert explanation.maps.omq == pytest.approx(score.omq, abs=1e-5)
    assert explanation.maps.ta == pytest.approx(score.ta, abs=1e-5)


def test_a_removal_is_the_score_of_the_prompt_without_the_word(explanation, predictor, clips):
    removal = explanation.removals[2]
    without = predictor.score(clips[3], "A calm for squeezebox.")
    assert removal.word == "waltz"
    assert removal.ta == pytest.approx(without.ta, abs=1e-5)
    assert removal.change == pytest.approx(without.ta - explanation.maps.ta, abs=1e-5)


def test_every_word_is_taken_out_once_and_a_single_word_never():
    assert without_each_word("a  b, a") == [("a", "b, a"), ("b,", "a a"), ("a", "a b,")]
    assert without_each_word("waltz") == []
    assert len(without_each_word("la " * 100)) == MOST_WORDS


def test_the_numbers_hold_every_map_of_words_by_moments(explanation):
    record = json.loads(to_json(explanation))
    assert set(record["maps"]) == {"transport", "text_to_audio", "audio_to_text"}
    for values in record["maps"].values():
        assert np.shape(values) == (len(record["words"]), len(record["edges"]) - 1)
    assert record["words"][:3] == ["A", "calm", "waltz"]


def test_the_page_needs_no_other_file_and_shows_every_map(explanation):
    page = to_html(explanation).decode()
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert page.count('class="field"') == 4  # three maps and the strip of quality
    assert "data:audio/flac" in page


def test_the_picture_is_a_png_and_the_same_twice(explanation):
    picture = to_png(explanation)
    assert picture.startswith(b"\x89PNG")
    assert picture == to_png(explanation)


def test_what_is_left_out_is_told(predictor, clips):
    long = explain(predictor, clips[0], "la " * (MOST_WORDS + 1))
    assert any(f"first {MOST_WORDS} of {MOST_WORDS + 1} words" in said for said in long.cautions)
