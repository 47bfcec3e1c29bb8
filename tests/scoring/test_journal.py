import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisq.scores import Score
from whisq.scoring.job import Journal
from whisq.scoring.requests import Request
from whisq.scoring.rows import Provenance, row_of

SCORE = Score(3.0, 0.1 + 0.2)


@pytest.fixture
def requests(tmp_path):
    return _requests(tmp_path)


def _requests(folder):
    paths = [folder / f"{n}.wav" for n in range(3)]
    for path in paths:
        path.write_bytes(b"sound" + path.name.encode())
    return [Request(path.stem, path, "wältz \ud83d") for path in paths]


def _add(journal, request):
    clip = journal_key(request.path)
    journal.add(request, clip, row_of(request, SCORE, "long"))


def journal_key(path):
    from whisq.files import file_digest

    return file_digest(path)


def _fill(answer, requests):
    with Journal(answer, "m", resume=False) as journal:
        for request in requests:
            _add(journal, request)
    return journal.path


def test_what_was_added_is_known_again_to_the_last_digit(tmp_path, requests):
    path = _fill(tmp_path / "out.csv", requests[:2])
    assert path.name == "out.csv.partial"
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0]) == row_of(requests[0], SCORE, "long")
        assert journal.known(requests[2]) is None
        assert journal.known(Request("1", requests[1].path, "other")) is None


def test_a_score_is_known_by_the_clips_content_whatever_its_name(tmp_path, requests):
    _fill(tmp_path / "out.csv", requests)
    moved = Request("new", requests[0].path.rename(tmp_path / "m.wav"), requests[0].prompt, "S1")
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(moved) == row_of(moved, SCORE, "long")
        assert journal.known(requests[0]) is None, "is gone"


@settings(deadline=None)  # how fast a disk syncs is not the matter
@given(content=st.binary(max_size=20), touched=st.booleans())
def test_a_clip_that_was_made_anew_is_scored_anew(content, touched, tmp_path_factory):
    folder = tmp_path_factory.mktemp("anew")
    requests = _requests(folder)
    path, before = requests[0].path, requests[0].path.read_bytes()
    _fill(folder / "out.csv", requests)
    kept = os.stat(path)
    path.write_bytes(content if touched else bytes(reversed(before)))  # of one size
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    os.utime(requests[1].path, (1, 1))
    with Journal(folder / "out.csv", "m", resume=True) as journal:
        assert [journal.known(request) is None for request in requests] == [True, False, False]


@settings(deadline=None)
@given(cut=st.integers(0, 10_000))
def test_wherever_a_kill_cuts_the_rows_before_it_stay(cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    requests = _requests(folder)
    path = _fill(folder / "out.csv", requests)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    with Journal(folder / "out.csv", "m", resume=True) as journal:
        whole = max(content.count(b"\n") - 1, 0)
        known = [journal.known(request) is not None for request in requests]
        assert known == [True] * whole + [False] * (3 - whole)
        for request in requests[whole:]:
            _add(journal, request)
    with Journal(folder / "out.csv", "m", resume=True) as journal:
        assert all(journal.known(request) for request in requests)


def test_a_row_that_does_not_tell_where_it_comes_from_is_scored_anew_if_that_is_asked(
    tmp_path, requests
):
    told = Provenance("m", "a", "w", None, "t", None, "0.1", "2.6", seconds=3.0)
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        _add(journal, requests[0])
        row = row_of(requests[1], SCORE, provenance=told)
        journal.add(requests[1], journal_key(requests[1].path), row)
    with Journal(tmp_path / "out.csv", "m", resume=True, provenance=True) as journal:
        assert journal.known(requests[0]) is None
        assert journal.known(requests[1]) == row
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0])
        assert journal.known(requests[1]).provenance is None


def test_rows_of_another_model_are_never_mixed_in(tmp_path, requests):
    path = _fill(tmp_path / "out.csv", requests)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another model"):
        Journal(tmp_path / "out.csv", "other", resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"path\n", b"a", b'{"path": "a.wav"}\n'])
def test_a_file_that_is_no_journal_is_left_alone(content, tmp_path):
    (tmp_path / "out.csv.partial").write_bytes(content)
    with pytest.raises(ValueError, match="is not the rows of an unfinished run"):
        Journal(tmp_path / "out.csv", "m", resume=True)
    assert (tmp_path / "out.csv.partial").read_bytes() == content


def test_two_runs_do_not_write_one_journal(tmp_path, requests):
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        _add(journal, requests[0])
        for resume in (True, False):
            with pytest.raises(ValueError, match="another run is writing"):
                Journal(tmp_path / "out.csv", "m", resume)
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0])
    assert [path.name for path in tmp_path.glob("out*")] == ["out.csv.partial"]


def test_an_unfinished_run_is_not_thrown_away_unasked(tmp_path, requests):
    before = _fill(tmp_path / "out.csv", requests).read_bytes()
    with pytest.raises(ValueError, match="--resume"):
        Journal(tmp_path / "out.csv", "m", resume=False)
    assert (tmp_path / "out.csv.partial").read_bytes() == before


def test_a_run_that_scored_nothing_leaves_nothing(tmp_path):
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        assert journal.known(Request("a", Path("missing\0.wav"))) is None
    assert list(tmp_path.iterdir()) == []
