import pytest

from whisq.encoders.text import MOST_CHARACTERS, check_prompt


@pytest.mark.parametrize("prompt", ["waltz", "a\nb\tc", "é 🎵 你好", "NA", "x" * MOST_CHARACTERS])
def test_words_in_any_script_are_a_prompt(prompt):
    check_prompt(prompt)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", "must hold words"),
        (" \n", "must hold words"),
        ("x" * (MOST_CHARACTERS + 1), "given 10001"),
        ("waltz\x00", r"character 5 is '\\x00'"),
        ("\udc80", "plain text"),
        (None, "must be text, given NoneType"),
        (["waltz"], "must be text, given list"),
        (b"waltz", "must be text, given bytes"),
    ],
)
def test_what_is_no_prompt_is_refused(prompt, wanted):
    with pytest.raises(ValueError, match=wanted):
        check_prompt(prompt)


def test_what_the_encoder_reads_whole_needs_no_caution(predictor):
    assert predictor.text_encoder.read("a calm piano waltz").notes == ()


def test_what_it_does_not_read_is_counted(predictor):
    encoder = predictor.text_encoder
    (said,) = encoder.read("waltz " * 600).notes
    assert said == f"only the first {encoder.longest} of the prompt's 602 tokens are read"
    (said,) = encoder.read("a waltz ☃").notes
    assert said == "1 of the prompt's 3 tokens are unknown to the encoder"


def test_a_prompt_of_which_nothing_is_known_is_refused(predictor):
    with pytest.raises(ValueError, match="knows no part of the prompt"):
        predictor.text_encoder.read("☃ ☃")
