import numpy as np
import pytest

from whisq.encoders.text import TextSpec
from whisq.encoders.words import load_tokenizer, split


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(TextSpec(model="sentence-transformers/all-MiniLM-L6-v2"))


def words_of(tokenizer, prompt, template="{prompt}"):
    tokens = len(tokenizer(template.replace("{prompt}", prompt))["input_ids"])
    return split(tokenizer, prompt, template, tokens)


def test_tokens_go_to_the_word_that_they_stand_in(tokenizer):
    found = words_of(tokenizer, "A squeezebox, slowly.")
    assert found.words == ("A", "squeezebox,", "slowly.")
    assert found.owner[0] == found.owner[-1] == -1  # [CLS] and [SEP]
    assert sorted(set(found.owner[1:-1].tolist())) == [0, 1, 2]
    assert (np.diff(found.owner[1:-1]) >= 0).all()
    assert (found.owner == 1).sum() >= 2  # pieces of the word, and its comma


def test_the_template_belongs_to_no_word(tokenizer):
    bare = words_of(tokenizer, "calm flute")
    filled = words_of(tokenizer, "calm flute", "music: {prompt} please")
    assert filled.words == bare.words
    assert (filled.owner >= 0).sum() == (bare.owner >= 0).sum()


def test_words_past_what_the_encoder_reads_are_left_out(tokenizer):
    found = split(tokenizer, "one two three four five", "{prompt}", 5)
    assert found.words == ("one", "two", "three")


def test_scripts_without_spaces_have_a_word_a_character(tokenizer):
    found = words_of(tokenizer, "音楽 now")
    assert set(found.words) <= {"音", "楽", "now"}
    assert found.words[-1] == "now"


def test_states_of_another_encoder_are_refused(tokenizer):
    with pytest.raises(ValueError, match="encoder that made the states"):
        split(tokenizer, "one two", "{prompt}", 9)
