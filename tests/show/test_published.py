import pytest

from whisq.show.published import HEADS, OWN, published
from whisq.show.table import BLANK

FIGURES = slice(3, 7)  # SRCC of OMQ and TA, and their gains


def run(corpus="MusicEval", protocol="official", **figures):
    return {"corpus": corpus, "protocol": protocol, **figures}


def rows(evaluate, ours):
    """The texts of this run's rows, or of the published ones."""
    texts = [[cell.text for cell in row] for row in published(evaluate).rows]
    return [row for row in texts if (row[0] == OWN) == ours]


def own(evaluate, split, level):
    (row,) = [row for row in rows(evaluate, ours=True) if row[1:3] == [split, level]]
    return row


@pytest.fixture
def figures():
    axes = {"omq": {"srcc": 0.9, "lcc": 0.1}, "ta": {"srcc": 0.724}}
    return {"test": {"sys": axes, "utt": axes}, "dev": {"sys": axes}}


def test_a_run_stands_beside_the_baseline_of_its_split_and_level(figures):
    row = own(run(**figures), "test", "by system")
    assert row[FIGURES] == ["0.900", "0.724", f"{100 * (0.9 / 0.818 - 1):+.1f}", "+0.0"]


def test_where_no_baseline_is_published_there_is_no_gain(figures):
    assert own(run(**figures), "test", "by clip")[FIGURES] == ["0.900", "0.724", BLANK, BLANK]


def test_what_was_not_run_is_empty(figures):
    assert own(run(**figures), "dev", "by clip")[FIGURES] == [BLANK] * 4


@pytest.mark.parametrize(
    "other",
    [
        {"corpus": "rendered corpus"},
        {"corpus": "corpus in MusicEval's layout"},
        {"protocol": "systems"},
    ],
)
def test_no_cell_is_filled_from_another_corpus_or_split(figures, other):
    ours = rows(run(**figures, **other), ours=True)
    assert len(ours) == 4
    for row in ours:
        assert row[FIGURES] == [BLANK] * 4
        assert row[7].startswith("not run on MusicEval")


def test_a_run_that_does_not_say_its_corpus_fills_nothing(figures):
    assert all(row[FIGURES] == [BLANK] * 4 for row in rows(figures, ours=True))


def test_every_published_row_says_where_it_was_published_and_on_what():
    for row in rows({}, ours=False):
        assert len(row) == len(HEADS)
        assert "" not in (*row[:3], row[8])
        assert all(0.5 < float(figure) < 1 for figure in row[3:5] if figure != BLANK)


def test_the_papers_claims_are_gains_and_not_figures():
    claims = [row for row in rows({}, ours=False) if row[8] == "arXiv 2506.05899"]
    assert claims[0][FIGURES] == [BLANK, BLANK, "+7.0", "+14.0"]
    assert claims[1][FIGURES] == [BLANK] * 4
