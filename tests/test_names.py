import pytest

from whisq.names import clip_id, key, system_and_prompt


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("audiomos2025-track1-S001_P045.wav", "S001_P045"),
        ("S001_P045", "S001_P045"),
        ("/data/wav/whisq-rendered-S001_P045.WAV", "S001_P045"),
        (" musicgen\\clip.1.mp3", "musicgen/clip.1"),
        ("./musicgen/clip.1.mp3", "musicgen/clip.1"),
        ("clip.v2", "clip.v2"),
        ("  ", ""),
    ],
)
def test_names_agree_whatever_their_folder_prefix_and_ending(name, expected):
    assert key(name) == expected


def test_only_the_ending_wav_is_no_part_of_an_id():
    assert [clip_id(name) for name in ("a.wav", "a.WAV", "a.flac", "wav")] == [
        "a",
        "a",
        "a.flac",
        "wav",
    ]


@pytest.mark.parametrize("name", ["S001_P002", "x-S001_P002", "a-b-S001_P002"])
def test_system_and_prompt_stand_at_a_names_end(name):
    assert system_and_prompt(name) == ("S001", "P002")


@pytest.mark.parametrize("name", ["S001P002", "xS001_P002", "S01_P002", "S001_P002.wav", ""])
def test_a_name_of_another_form_says_neither(name):
    assert system_and_prompt(name) is None
