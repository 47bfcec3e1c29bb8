"""`make experiments` shows what was changed and what came out, at 100 columns."""

from io import StringIO

import pytest
from rich.console import Console

from stages.experiments import listed

BASE = {"loss": {"ot_weight": 0.1}, "train": {"epochs": 30, "patience": 8}, "seed": 0}
NAMED = {"best": {"loss.ot_weight": 0.3, "train.epochs": 5, "seed": 1, "train.patience": 2}}


def of(values, when, **figures):
    """What DVC says of a revision."""
    metrics = {"metrics/headline.json": {"data": figures}} if figures else None
    return {"timestamp": when, "params": {"params.yaml": {"data": values}}, "metrics": metrics}


def experiment(name, data, state=None):
    executor = {"state": state} if state else None
    return {"revs": [{"rev": "a" * 40, "name": name, "data": data}], "executor": executor}


@pytest.fixture
def table():
    best = {"loss": {"ot_weight": 0.3}, "train": {"epochs": 5, "patience": 2}, "seed": 1}
    none = BASE | {"loss": {"ot_weight": 0.0}, "ablations": {"one": {}}}
    figures = {
        "test_omq_srcc": 0.71,
        "test_ta_srcc": 0.5,
        "dev_omq_srcc": -0.1,
        "dev_ta_srcc": None,
    }
    experiments = [
        experiment("lofty-ires", of(none, "2026-11-25T10:00:00", **figures)),
        experiment("best", of(best, "2026-11-26T09:30:00", **figures)),
        experiment("soggy-lute", of(none, "2026-11-26T10:00:00"), state="queued"),
        experiment(None, None, state="failed"),
    ]
    commit = {"rev": "b" * 40, "name": "main", "data": of(BASE, "2026-11-24T00:00:00")}
    workspace = {"rev": "workspace", "name": None, "data": of(BASE, None), "experiments": None}
    return listed([workspace, commit | {"experiments": experiments}], NAMED)


def rows(table):
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def test_each_experiment_has_what_it_changed_and_four_figures(table):
    found = rows(table)
    assert found["lofty-ires"] == ["11-25 10:00", "ot_weight=0", "−0.100", "–", "0.710", "0.500"]
    assert found["main"][1] == "(commit)"


def test_many_changes_go_by_the_name_of_the_set_that_makes_them(table):
    assert rows(table)["best"][1] == "best"


def test_among_many_changes_those_that_tell_experiments_apart_come_first():
    crowd = {f"a{number}": 1 for number in range(9)}
    experiments = [
        experiment(name, of(crowd | {"loss": {"ot_weight": weight}}, "2026-11-26T10:00:00"))
        for name, weight in (("one", 0.05), ("two", 0.3))
    ]
    commit = {"rev": "b" * 40, "name": "main", "data": of({}, "2026-11-24T00:00:00")}
    found = rows(listed([commit, commit | {"experiments": experiments}], {}))
    assert found["one"][1].startswith("default · ot_weight=0.05 · ")
    assert found["two"][1].startswith("default · ot_weight=0.3 · ")


def test_what_waits_or_failed_says_so_in_place_of_its_time(table):
    assert rows(table)["soggy-lute"][:2] == ["queued", "ot_weight=0"]
    assert rows(table)["a" * 7][0] == "failed"


def test_the_newest_is_first(table):
    assert list(rows(table))[2:] == ["best", "lofty-ires", "main"]


def test_nothing_is_cut_off_at_100_columns(table):
    console = Console(width=100, record=True, file=StringIO())
    console.print(table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    for cell in (cell for row in table.rows for cell in row):
        assert cell.text in text
