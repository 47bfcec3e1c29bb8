import json
import os

import pytest

from whisq.store.prune import DAY, prune, survey, table
from whisq.store.store import Store


@pytest.fixture
def two(own_store, states):
    """Two caches: of audio, last used ten days ago, and of text, used now."""
    for kind, age in (("audio", 10), ("text", 0)):
        store = Store({"kind": kind, "spec": {"model": f"a model of {kind}"}}, own_store)
        with store.alone():
            store.write("ab12", states())
        used = os.stat(store.folder / "lock").st_mtime - age * DAY
        os.utime(store.folder / "lock", (used, used))
    return own_store


def test_a_survey_tells_size_settings_and_age(two):
    audio, text = survey(two)
    assert audio.spec == {"model": "a model of audio"}
    assert audio.sequences == 1
    assert audio.bytes > 24
    assert audio.unused_days == pytest.approx(10, abs=0.01)
    assert text.unused_days == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("days", "left"), [(11, 2), (5, 1), (0, 0)])
def test_what_was_not_used_lately_is_removed(two, days, left):
    removed = prune(two, days)
    assert len(survey(two)) == left == 2 - len(removed)


def test_a_cache_in_use_is_left(two, capsys):
    with Store({"kind": "text", "spec": {"model": "a model of text"}}, two).alone():
        prune(two, 0)
    assert [kept.name[:4] for kept in survey(two)] == ["text"]
    assert "in use" in capsys.readouterr().err


def test_an_empty_cache_is_no_error(tmp_path):
    assert survey(tmp_path / "none") == prune(tmp_path / "none", 0) == []


def test_the_table_is_for_people_or_for_programs(two):
    kept = survey(two)
    assert "audio-" in table(two, kept, [], as_json=False)
    assert "removed: text-" in table(two, [], kept, as_json=False)
    found = json.loads(table(two, kept, [], as_json=True))
    assert [one["sequences"] for one in found["kept"]] == [1, 1]


def test_the_command_shows_and_removes(two):
    from typer.testing import CliRunner

    from whisq.cli import app

    assert "audio-" in CliRunner().invoke(app, ["cache"]).stdout
    shown = CliRunner().invoke(app, ["cache", "--prune", "5", "--json"]).stdout
    assert [one["name"][:4] for one in json.loads(shown)["kept"]] == ["text"]
