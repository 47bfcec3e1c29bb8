import pytest
from rich.console import Console

from whisq.evaluation import show
from whisq.evaluation.published import COLUMNS, published_table

NUMBERS = ["omq_srcc", "ta_srcc", "omq_gain", "ta_gain"]


def run(corpus="MusicEval", protocol="official", **figures):
    return {"corpus": corpus, "protocol": protocol, **figures}


def own(table, split, level):
    rows = table[(table["system"] == "this run") & (table["split"] == split)]
    return rows[rows["level"] == level].iloc[0]


@pytest.fixture
def figures():
    axes = {"omq": {"srcc": 0.9, "lcc": 0.1}, "ta": {"srcc": 0.724}}
    return {"test": {"sys": axes, "utt": axes}, "dev": {"sys": axes}}


def test_a_run_stands_beside_the_baseline_of_its_split_and_level(figures):
    table = published_table(run(**figures))
    row = own(table, "test", "sys")
    assert (row["omq_srcc"], row["ta_srcc"]) == (0.9, 0.724)
    assert row["omq_gain"] == pytest.approx(100 * (0.9 / 0.818 - 1), abs=0.05)
    assert row["ta_gain"] == 0


def test_where_no_baseline_is_published_there_is_no_gain(figures):
    row = own(published_table(run(**figures)), "test", "utt")
    assert row["omq_srcc"] == 0.9
    assert row[["omq_gain", "ta_gain"]].isna().all()


def test_what_was_not_run_is_empty(figures):
    assert own(published_table(run(**figures)), "dev", "utt")[NUMBERS].isna().all()


@pytest.mark.parametrize(
    "other",
    [
        {"corpus": "rendered corpus"},
        {"corpus": "corpus in MusicEval's layout"},
        {"protocol": "systems"},
    ],
)
def test_no_cell_is_filled_from_another_corpus_or_split(figures, other):
    table = published_table(run(**figures, **other))
    ours = table[table["system"] == "this run"]
    assert len(ours) == 4
    assert ours[NUMBERS].isna().all(axis=None)
    assert ours["note"].str.startswith("not run on MusicEval").all()


def test_a_run_that_does_not_say_its_corpus_fills_nothing(figures):
    ours = published_table(figures).query("system == 'this run'")
    assert ours[NUMBERS].isna().all(axis=None)


def test_every_published_row_says_where_it_was_published_and_on_what():
    table = published_table({}).query("system != 'this run'")
    assert list(table.columns) == COLUMNS
    assert (table[["system", "split", "level", "source"]] != "").all(axis=None)
    assert table[["omq_srcc", "ta_srcc"]].stack().dropna().between(0.5, 1).all()


def test_the_papers_claims_are_gains_and_not_figures():
    claims = published_table({}).query("source == 'arXiv 2506.05899'")
    assert claims["omq_gain"].iloc[0] == 7
    assert claims["ta_gain"].iloc[0] == 14
    assert claims[["omq_srcc", "ta_srcc"]].isna().all(axis=None)


def test_the_printed_table_is_blank_where_nothing_was_run(figures):
    def printed(result):
        console = Console(width=200, record=True)
        console.print(show.published(published_table(result)))
        rows = [row for row in console.export_text().splitlines() if "│ this run" in row]
        return [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows]

    (judged,) = [row for row in printed(run(**figures)) if row[1:3] == ["test", "sys"]]
    assert judged[3:6] == ["0.900", "0.724", "omq +10.0%, ta +0.0%"]
    for row in printed(run("rendered corpus", **figures)):
        assert row[3:6] == ["", "", ""]
        assert "not run on MusicEval" in row[6]
