import pytest

from whisq.scoring.requests import is_clip, read_sources


@pytest.fixture
def folder(tmp_path):
    for name in ["b.wav", "a.flac", "jukebox/c.MP3", "notes.md", "jukebox/d.ogg"]:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "in/a.txt").write_text("\ufeffa waltz\n", encoding="utf-8")
    (tmp_path / "in/b.txt").write_text(" \n")
    return tmp_path / "in"


def _say(requests):
    return [(request.id, request.prompt, request.system) for request in requests]


def test_a_folder_is_every_clip_below_it_with_the_text_beside(folder):
    assert _say(read_sources([str(folder)])) == [
        ("a", "a waltz", None),
        ("b", None, None),
        ("c", None, "jukebox"),
        ("d", None, "jukebox"),
    ]


def test_a_table_in_the_folder_takes_its_place(folder):
    (folder / "metadata.csv").write_text("file_name,text\nb.wav,polka\njukebox/d.ogg,\n")
    assert _say(read_sources([str(folder)], prompt="any")) == [
        ("b", "polka", None),
        ("d", "any", None),
    ]
    (folder / "prompts.jsonl").touch()
    with pytest.raises(ValueError, match=r"metadata\.csv and prompts\.jsonl"):
        read_sources([str(folder)])


def test_a_given_prompt_replaces_the_text_beside_a_clip(folder):
    assert _say(read_sources([str(folder / "a.flac")], prompt="any"))[0][1] == "any"


def test_a_pattern_and_several_sources_are_one_job(folder):
    requests = read_sources([str(folder / "**/[cd].*"), str(folder / "b.wav")])
    assert [request.id for request in requests] == ["c", "d", "b"]


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    (tmp_path / "take[1].wav").touch()
    (request,) = read_sources([str(tmp_path / "take[1].wav")])
    assert request.id == "take[1]"


def test_only_a_file_that_is_no_list_is_a_clip(folder):
    (folder / "l.csv").touch()
    assert is_clip(str(folder / "a.flac"))
    assert not any(map(is_clip, [str(folder), str(folder / "l.csv"), str(folder / "*.wav")]))


def test_a_text_beside_a_clip_must_be_text(folder):
    (folder / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"a\.txt is not UTF-8"):
        read_sources([str(folder)])
