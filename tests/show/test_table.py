import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from whisq.show.table import BLANK, Table, number, span, verbatim, word

TABLE = Table(
    "Scores (toy corpus)",
    ["who", "SRCC", "95%"],
    [
        [word("the_model", strong=True), number(-0.5, strong=True), span([-0.6, 0.25])],
        [verbatim("[a]_b"), number(None), span(None)],
    ],
    "What a reader must know.",
)


def printed(table, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_one_table_says_the_same_in_a_terminal_and_in_a_readme():
    for text in (printed(TABLE), TABLE.markdown()):
        for part in ("Scores (toy corpus)", "who", "SRCC", "the model", "−0.500", "−0.60 to 0.25"):
            assert part in text
        assert "[a]_b" in text  # to the letter, not as rich's markup


def test_a_readme_sets_strong_cells_bold_and_leaves_unknown_ones_blank():
    lines = TABLE.markdown().splitlines()
    assert lines[2:4] == ["| who | SRCC | 95% |", "| --- | --- | --- |"]
    assert lines[4] == "| **the model** | **−0.500** | −0.60 to 0.25 |"
    assert lines[5] == "| [a]_b |  |  |"


def test_a_terminal_shows_the_note_and_a_dash_for_what_is_unknown():
    text = printed(TABLE)
    assert "What a reader must know." in text
    assert BLANK in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_table_stays_within_the_terminal(width):
    assert all(len(line) <= width for line in printed(TABLE, width).splitlines())


def test_a_column_is_numeric_where_every_cell_is_a_figure_or_blank():
    assert [TABLE.numeric(place) for place in range(3)] == [False, True, True]
    assert not Table("empty", ["who"], []).numeric(0)


@given(st.floats(-1e3, 1e3), st.integers(0, 4), st.booleans())
def test_a_figure_is_sorted_by_its_value_whatever_is_shown(value, places, sign):
    cell = number(value, places, sign)
    assert cell.key == value
    assert float(cell.text.replace("−", "-")) == pytest.approx(value, abs=0.51 * 10**-places)


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_what_is_not_known_is_a_dash_and_sorted_last(unknown):
    assert (number(unknown).text, number(unknown).key) == (BLANK, None)
    assert (span([unknown, 1.0]).text, span([unknown, 1.0]).key) == (BLANK, None)
