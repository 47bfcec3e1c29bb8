import re

import pytest

from whisq.scores import Score
from whisq.scoring.job import Journal, StrictError, Tally, complete, stream
from whisq.scoring.requests import Request
from whisq.scoring.rows import row_of


@pytest.fixture
def requests(tmp_path):
    for n in range(6):
        (tmp_path / f"{n}.wav").write_bytes(bytes([n]))
    return [Request(str(n), tmp_path / f"{n}.wav", "waltz" if n else None) for n in range(6)]


class Engine:
    """Answers at once, counts what it was asked, and fails at the ids it is told."""

    def __init__(self, *bad, meanwhile=lambda request: None):
        self.bad, self.asked, self.meanwhile = bad, [], meanwhile

    def __call__(self, requests):
        for request in requests:
            self.asked.append(request.id)
            self.meanwhile(request)
            failed = "odd" if request.id in self.bad else None
            score = None if failed else Score(float(request.id), None)
            yield row_of(request, score, error=failed)


def _complete(folder, requests, engine, tally=None, resume=False, **options):
    with Journal(folder / "out.csv", "m", resume) as journal:
        return complete(requests, engine, journal, tally or Tally(), **options)


def test_a_stopped_job_asks_for_the_rest_alone(tmp_path, requests):
    _complete(tmp_path, requests[:4], Engine("2"))
    engine, tally = Engine(), Tally()
    rows = _complete(tmp_path, requests, engine, tally, resume=True)
    assert engine.asked == ["2", "4", "5"], "what failed is tried again"
    assert [row.omq for row in rows] == [0, 1, 2, 3, 4, 5]
    assert "3 were scored by an earlier run" in tally.report()


def test_a_strict_job_ends_with_its_first_failure_and_keeps_what_was_done(tmp_path, requests):
    engine = Engine("3")
    with pytest.raises(StrictError, match="3: odd"):
        _complete(tmp_path, requests, engine, strict=True)
    assert engine.asked == ["0", "1", "2", "3"]
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        known = [journal.known(request) is not None for request in requests]
    assert known == [True] * 3 + [False] * 3


CHANGES = {
    "touched": (lambda path: path.touch(), None),
    "deleted": (lambda path: path.unlink(), "changed while it was scored"),
    "replaced": (lambda path: path.write_bytes(b"?"), "changed while it was scored"),
    "emptied": (lambda path: path.write_bytes(b""), "changed while it was scored"),
    "become a folder": (lambda path: (path.unlink(), path.mkdir()), "changed while it was scored"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("ahead", [False, True])
def test_a_clip_that_changes_while_it_is_scored_is_an_error_and_no_row_is_lost(
    name, ahead, tmp_path, requests
):
    change, wanted = CHANGES[name]

    def engine(given):
        # Some engines read far ahead of what they answer.
        rows = Engine(meanwhile=meddle)(given)
        return iter(list(rows)) if ahead else rows

    def meddle(request):
        if request.id in "14":
            change(request.path)

    rows = _complete(tmp_path, requests, engine)
    assert [row.id for row in rows] == list("012345")
    for row in rows:
        odd = row.id in "14" and wanted
        assert (row.omq is None) == bool(odd)
        assert (wanted in row.error) if odd else row.error is None
    again = Engine()
    _complete(tmp_path, requests, again, resume=True)
    assert again.asked == (["1", "4"] if wanted else [])


@pytest.mark.parametrize("lost", [0, 3, 5])
def test_an_engine_that_loses_a_row_is_caught(lost, tmp_path, requests):
    def engine(given):
        return (row for row in Engine()(given) if row.id != str(lost))

    with pytest.raises(ValueError, match=f"{lost}"):
        _complete(tmp_path, requests, engine)


def test_one_clip_with_one_prompt_may_stand_in_a_list_twice(tmp_path, requests):
    twice = [requests[1], Request("again", requests[1].path, "waltz", "S1")]
    _complete(tmp_path, twice[:1], Engine())
    rows = _complete(tmp_path, twice, Engine(), resume=True)
    assert [(row.id, row.system, row.omq) for row in rows] == [("1", None, 1), ("again", "S1", 1)]


def test_a_stream_needs_no_end(requests):
    def endless():
        while True:
            yield requests[1]

    rows = stream(endless(), Engine(), Tally())
    assert [next(rows)[0].id for _ in range(100)] == ["1"] * 100


def test_the_report_counts_and_names_a_few(requests):
    tally = Tally()
    rows = list(stream(requests, Engine("2", "3", "4"), tally))
    assert len(rows) == 6
    report = tally.report(shown=2)
    assert re.search(r"^3 of 6 clips have a score, [\d.]+ clips a second$", report, re.MULTILINE)
    assert "1 have no prompt" in report
    assert "failed: 2: odd\nfailed: 3: odd\nand 1 more failed" in report
