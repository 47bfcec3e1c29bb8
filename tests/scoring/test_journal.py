import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.scoring.journal import Journal
from whisq.scoring.requests import Request
from whisq.scoring.rows import row_of


@pytest.fixture
def requests(tmp_path):
    paths = [tmp_path / f"{n}.wav" for n in range(3)]
    for path in paths:
        path.write_bytes(b"sound")
    return [Request(path.stem, path, "wältz \ud83d") for path in paths]


def _row(request, omq=3.0):
    return row_of(request, type("Score", (), {"omq": omq, "ta": 0.1 + 0.2}))


def _fill(answer, requests):
    with Journal(answer, "m", resume=False) as journal:
        for request in requests:
            journal.add(request, _row(request))
    return journal.path


def test_what_was_added_is_known_again_to_the_last_digit(tmp_path, requests):
    path = _fill(tmp_path / "out.csv", requests[:2])
    assert path.name == "out.csv.partial"
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0]) == _row(requests[0])
        assert journal.known(requests[2]) is None
        renamed = Request("new", requests[1].path, requests[1].prompt, "S001")
        assert (journal.known(renamed).id, journal.known(renamed).system) == ("new", "S001")
        assert journal.known(Request("1", requests[1].path, "other")) is None


def test_a_clip_that_was_made_anew_is_scored_anew(tmp_path, requests):
    _fill(tmp_path / "out.csv", requests)
    requests[0].path.write_bytes(b"other sound")
    os.utime(requests[1].path, (1, 1))
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert [journal.known(request) is None for request in requests] == [True, True, False]


@given(cut=st.integers(0, 10_000))
def test_wherever_a_kill_cuts_the_rows_before_it_stay(cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    requests = [Request(str(n), folder / f"{n}.wav", "waltz") for n in range(3)]
    path = _fill(folder / "out.csv", requests)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    with Journal(folder / "out.csv", "m", resume=True) as journal:
        whole = max(content.count(b"\n") - 1, 0)
        known = [journal.known(request) is not None for request in requests]
        assert known == [True] * whole + [False] * (3 - whole)
        for request in requests[whole:]:
            journal.add(request, _row(request))
    with Journal(folder / "out.csv", "m", resume=True) as journal:
        assert all(journal.known(request) == _row(request) for request in requests)


def test_an_error_is_known_now_and_tried_again_later(tmp_path, requests):
    failed = row_of(requests[0], error="silent")
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        journal.add(requests[0], failed)
        assert journal.known(requests[0]) == failed
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0]) is None


def test_rows_of_another_model_are_never_mixed_in(tmp_path, requests):
    path = _fill(tmp_path / "out.csv", requests)
    with pytest.raises(ValueError, match="another model"):
        Journal(tmp_path / "out.csv", "other", resume=True)
    assert path.exists()


def test_two_runs_do_not_write_one_journal(tmp_path, requests):
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        journal.add(requests[0], _row(requests[0]))
        with pytest.raises(ValueError, match="another run is writing"):
            Journal(tmp_path / "out.csv", "m", resume=True)
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        assert journal.known(requests[0])
    assert [path.name for path in tmp_path.glob("out*")] == ["out.csv.partial"]


def test_an_unfinished_run_is_not_thrown_away_unasked(tmp_path, requests):
    before = _fill(tmp_path / "out.csv", requests).read_bytes()
    with pytest.raises(ValueError, match="--resume"):
        Journal(tmp_path / "out.csv", "m", resume=False)
    assert (tmp_path / "out.csv.partial").read_bytes() == before


def test_a_clip_that_is_gone_is_a_clip_of_its_own(tmp_path):
    missing = Request("a", Path("missing\0.wav"))
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        journal.add(missing, row_of(missing, error="missing"))
        assert journal.known(missing).error == "missing"
