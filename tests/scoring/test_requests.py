from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.scoring.requests import Request, named, system_of

NAMES = st.sampled_from(["a", "b", "a/x", "b/x", "x"])


def _ids(*paths):
    return [request.id for request in named(Request("", Path(path)) for path in paths)]


def test_a_clip_is_named_as_simply_as_can_be():
    assert _ids("in/a.wav", "in/b.wav") == ["a", "b"]
    assert _ids("in/a.wav", "out/a.wav", "b.wav") == ["in/a.wav", "out/a.wav", "b"]
    assert _ids("a.wav", "a.wav") == ["a.wav#1", "a.wav#2"]


@given(st.lists(st.tuples(NAMES, NAMES), max_size=8))
def test_every_name_is_unique(rows):
    given_ids = {index: id for id, index in {id: i for i, (id, _) in enumerate(rows)}.items()}
    requests = [
        Request(given_ids.get(index, "") if index % 2 else "", Path(f"{path}.wav"))
        for index, (_, path) in enumerate(rows)
    ]
    done = named(requests)
    assert len({request.id for request in done}) == len(rows)
    assert all(new.id == old.id for new, old in zip(done, requests, strict=True) if old.id)


def test_an_id_given_twice_is_refused():
    with pytest.raises(ValueError, match="'x' is given twice"):
        named([Request("x", Path("a.wav")), Request("x", Path("b.wav"))])


def test_a_system_is_read_from_musicevals_names_or_the_folder():
    assert system_of(Path("in/audiomos2025-track1-S013_P007.wav")) == "S013"
    assert system_of(Path("top/jukebox/1/a.wav"), Path("top")) == "jukebox"
    assert system_of(Path("top/a.wav"), Path("top")) is None
    assert system_of(Path("jukebox/a.wav")) is None
