import re

import pytest

from whisq.scores import Score
from whisq.scoring.job import StrictError, Tally, complete, stream
from whisq.scoring.journal import Journal
from whisq.scoring.requests import Request
from whisq.scoring.rows import row_of


@pytest.fixture
def requests(tmp_path):
    return [Request(str(n), tmp_path / f"{n}.wav", "waltz" if n else None) for n in range(6)]


class Engine:
    """Answers at once, counts what it was asked, and fails at the ids it is told."""

    def __init__(self, *bad):
        self.bad, self.asked = bad, []

    def __call__(self, requests):
        for request in requests:
            self.asked.append(request.id)
            failed = "odd" if request.id in self.bad else None
            score = None if failed else Score(float(request.id), None)
            yield row_of(request, score, error=failed)


def test_a_stopped_job_asks_for_the_rest_alone(tmp_path, requests):
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        complete(requests[:4], Engine("2"), journal, Tally())
    engine, tally = Engine(), Tally()
    with Journal(tmp_path / "out.csv", "m", resume=True) as journal:
        rows = complete(requests, engine, journal, tally)
    assert engine.asked == ["2", "4", "5"], "what failed is tried again"
    assert [row.omq for row in rows] == [0, 1, 2, 3, 4, 5]
    assert "3 were scored by an earlier run" in tally.report()


def test_a_strict_job_ends_with_its_first_failure_and_keeps_what_was_done(tmp_path, requests):
    engine = Engine("3")
    with Journal(tmp_path / "out.csv", "m", resume=False) as journal:
        with pytest.raises(StrictError, match="3: odd"):
            complete(requests, engine, journal, Tally(), strict=True)
        assert [journal.known(request) is not None for request in requests[:3]] == [True] * 3
    assert engine.asked == ["0", "1", "2", "3"]


def test_a_stream_needs_no_end(requests):
    def endless():
        while True:
            yield requests[1]

    rows = stream(endless(), Engine(), Tally())
    assert [next(rows).id for _ in range(100)] == ["1"] * 100


def test_the_report_counts_and_names_a_few(requests):
    tally = Tally()
    rows = list(stream(requests, Engine("2", "3", "4"), tally))
    assert len(rows) == 6
    report = tally.report(shown=2)
    assert re.search(r"^3 of 6 clips have a score, [\d.]+ clips a second$", report, re.MULTILINE)
    assert "1 have no prompt" in report
    assert "failed: 2: odd\nfailed: 3: odd\nand 1 more failed" in report
