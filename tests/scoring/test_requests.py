import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.scoring.requests import Request, named, read_lines, system_of

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


@given(st.lists(NAMES, max_size=12), st.sampled_from(["wav", "\udce9.wav"]))
def test_lines_that_come_one_by_one_get_names_of_their_own_too(paths, suffix):
    lines = [json.dumps({"path": f"{path}.{suffix}"}) for path in paths]
    ids = [request.id for request in read_lines(lines)]
    assert len(set(ids)) == len(paths)
    assert all(id.encode() for id in ids)


def test_an_id_that_comes_again_ends_the_lines():
    lines = read_lines(['{"path": "a.wav", "id": "x"}', '{"path": "b.wav", "id": "x"}'])
    assert next(lines).id == "x"
    with pytest.raises(ValueError, match="line 2: ids must be unique, but 'x' is given twice"):
        next(lines)


def test_a_name_that_reads_as_nothing_is_no_id():
    assert _ids("in/NA.wav", "nan.wav") == ["in/NA.wav", "nan.wav"]
