import pytest

from whisq.scoring.columns import Columns, find


@pytest.mark.parametrize("path", ["path", "File", "file_name", " audio ", "WAV"])
@pytest.mark.parametrize("prompt", ["prompt", "Text", "caption"])
def test_columns_are_found_by_their_usual_names(path, prompt):
    assert find(["seconds", prompt, path], {}) == Columns(path, prompt)


def test_the_pipelines_own_table_is_understood():
    header = ["id", "system", "prompt_id", "prompt", "path", "seconds"]
    assert find(header, {}) == Columns("path", "prompt", "id", "system")


def test_the_users_choice_wins_over_usual_names():
    given = {"path": "mp3", "prompt": "text", "id": None}
    assert find(["path", "mp3", "text", "caption"], given) == Columns("mp3", "text")


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match="--path-column") as error:
        find(["text", "caption", "mood"], {"id": "name"})
    for said in ["'text' and 'caption'", "--prompt-column", "no column 'name'", "'mood'"]:
        assert said in str(error.value)
