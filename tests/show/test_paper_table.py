"""The paper's claims beside what its network reaches: whose figures, on what, and how sure."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from whisq.show.paper_table import METRICS, markdown, paper_table

PLACE = {"corpus": "a small corpus", "split": "test", "audio": "an encoder", "text": "another"}


def trials(values, protocol="official"):
    records = {"protocol": protocol, "seed": range(len(values))}
    return DataFrame(records | dict.fromkeys(METRICS, values))


@pytest.fixture
def table():
    networks = {
        "challenge_baseline": trials([0.40, 0.50, 0.60]),
        "whisq": trials([0.46, 0.55, 0.64]),
        "no_transport": trials([0.46, 0.55, 0.64]),
    }
    return paper_table(networks, {"system_mean": trials([0.7, 0.7, 0.7])}, PLACE)


def figure(table, network, metric="utt_ta_srcc"):
    (row,) = table[(table["network"] == network) & (table["metric"] == metric)].to_dict("records")
    return row


def test_every_figure_says_what_it_was_measured_on(table):
    for name, value in {**PLACE, "protocol": "official"}.items():
        assert set(table[name]) == {value}
    assert len(table) == 4 * len(METRICS)


def test_a_difference_is_paired_by_seed_with_students_interval(table):
    row = figure(table, "challenge_baseline")
    half = 4.302653 * np.std([0.06, 0.05, 0.04], ddof=1) / 3**0.5
    assert row["whisq_less"] == pytest.approx(0.05)
    assert row["whisq_less_low"] == pytest.approx(0.05 - half)
    assert row["whisq_less_high"] == pytest.approx(0.05 + half)


def test_a_gain_in_percent_is_of_the_others_mean(table):
    row = figure(table, "challenge_baseline")
    assert row["whisq_percent"] == pytest.approx(10)
    assert row["whisq_percent_low"] == pytest.approx(100 * row["whisq_less_low"] / 0.5)


def test_whisq_has_no_difference_from_itself(table):
    assert pd.isna(figure(table, "whisq")["whisq_less"])


@pytest.mark.parametrize("values", [[-0.1, -0.2], [0.0, 0.0]])
def test_a_share_of_what_is_not_above_zero_is_left_out(values):
    networks = {"challenge_baseline": trials(values), "whisq": trials([0.2, 0.1])}
    row = figure(paper_table(networks, {}, PLACE), "challenge_baseline")
    assert row["whisq_less"] > 0
    assert pd.isna(row.get("whisq_percent"))


def rows(text, title):
    lines = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines]


def test_the_papers_claims_stand_beside_the_differences(table):
    text = markdown(table)
    _, (claim, *cells) = rows(text, "the challenge's baseline head")
    assert claim == "OMQ +7%, TA +14%"
    assert cells == ["**+0.050 ± 0.025 (+10.0%)**"] * 4
    _, (claim, *cells) = rows(text, "WhisQ without transport")
    assert claim == "+10%, axis not stated"
    assert cells == ["+0.000 ± 0.000 (+0.0%)"] * 4


def test_the_line_above_names_corpus_split_protocol_and_embeddings(table):
    line = markdown(table).splitlines()[0]
    assert "a small corpus, test split, protocol `official`: means of 3 trainings" in line
    assert "an encoder" in line
    assert "MusicEval" not in markdown(table)


def test_a_floor_that_no_training_moves_has_no_interval(table):
    (means, _) = rows(markdown(table), "floor: the system's training mean")
    assert means == ["0.700"] * 4


def test_what_is_not_defined_is_blank():
    networks = {"whisq": trials([0.5, 0.6]), "challenge_baseline": trials([0.5, 0.4])}
    floors = {"system_mean": trials([None, None])}
    means, differences = rows(
        markdown(paper_table(networks, floors, PLACE)), "floor: the system's training mean"
    )
    assert means == [""] * 4
    assert differences[1:] == [""] * 4


def test_one_training_has_a_mean_and_no_interval():
    networks = {"whisq": trials([0.5]), "challenge_baseline": trials([0.4])}
    means, differences = rows(
        markdown(paper_table(networks, {}, PLACE)), "the challenge's baseline head"
    )
    assert means == ["0.400"] * 4
    assert differences[1:] == ["+0.100 (+25.0%)"] * 4


def test_a_network_whose_trainings_failed_leaves_blanks():
    failed = DataFrame({"protocol": ["official"], "seed": [0], "error": ["no"]})
    text = markdown(paper_table({"whisq": trials([0.5]), "no_transport": failed}, {}, PLACE))
    assert rows(text, "WhisQ without transport") == []
