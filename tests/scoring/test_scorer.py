import threading
import time

import pytest

from whisq.scores import Score
from whisq.scoring.engines import Scorer
from whisq.scoring.requests import Request, named


class Slow:
    """A model whose clips take unlike times, so that later ones are ready first."""

    def __init__(self):
        self.running = self.most = 0
        self.lock = threading.Lock()

    def ready(self, prompted):
        pass

    def hear(self, path):
        return path

    def embed(self, path, prompt):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        number = int(path.stem)
        time.sleep(0.002 * (5 - number % 5))
        with self.lock:
            self.running -= 1
        if number % 7 == 3:
            raise ValueError(f"{path} is odd")
        return (number, prompt), ["long"] if number % 7 == 5 else []

    def score_embedded(self, embedded):
        return [Score(float(number), None) for number, _ in embedded]


def _requests(tmp_path, count):
    return named(Request("", tmp_path / f"{number}.wav") for number in range(count))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_rows_come_in_order_each_with_its_own_answer(threads, batch_size, tmp_path):
    model = Slow()
    rows = list(Scorer(model).rows(_requests(tmp_path, 30), batch_size, threads))
    assert [row.id for row in rows] == [str(number) for number in range(30)]
    for number, row in enumerate(rows):
        assert row.omq == (None if number % 7 == 3 else float(number))
        assert (row.error is None) == (number % 7 != 3)
        assert row.note == ("long" if number % 7 == 5 else None)
    assert 1 <= model.most <= threads


def test_with_one_thread_no_more_is_read_than_is_answered(tmp_path):
    read = []
    requests = (read.append(request) or request for request in _requests(tmp_path, 9))
    rows = Scorer(Slow()).rows(requests, batch_size=1)
    for count in range(1, 10):
        next(rows)
        assert len(read) == count


def test_an_error_that_is_no_clips_fault_is_not_hidden(tmp_path):
    class Broken(Slow):
        def embed(self, path, prompt):
            raise RuntimeError("bug")

    for threads in (1, 3):
        with pytest.raises(RuntimeError, match="bug"):
            list(Scorer(Broken()).rows(_requests(tmp_path, 9), 2, threads))


@pytest.mark.parametrize("threads", [1, 3])
def test_an_encoder_that_can_not_be_loaded_ends_the_job(threads, tmp_path):
    class Bare(Slow):
        def ready(self, prompted):
            raise ValueError("no weights found")

    with pytest.raises(ValueError, match="no weights"):
        list(Scorer(Bare()).rows(_requests(tmp_path, 9), 2, threads))


def test_stopping_early_leaves_no_thread_behind(tmp_path):
    before = threading.active_count()
    rows = Scorer(Slow()).rows(_requests(tmp_path, 1000), 1, 4)
    next(rows)
    rows.close()
    assert threading.active_count() == before
