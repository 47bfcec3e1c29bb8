import re
from dataclasses import replace
from pathlib import Path

import pytest
from pandas import DataFrame

from stages.adaptation import ADAPTING, summary
from whisq.show import adaptation as shown
from whisq.show.plot import png
from whisq.training.data import Data
from whisq.trials import adaptation
from whisq.trials.adaptation import ADAPTED, BASE, SCRATCH, curve


@pytest.fixture
def data(data_folder):
    return Data.open(data_folder)


@pytest.fixture
def learnt(monkeypatch):
    """The ratings of each training of a curve, in their order."""
    seen = []
    fit = adaptation.Recipe.fit

    def noted(self, data, **options):
        seen.append((self.train.start_from, data.ratings))
        return fit(self, data, **options)

    monkeypatch.setattr(adaptation.Recipe, "fit", noted)
    return seen


def small(recipe):
    return replace(recipe, train=recipe.train.model_copy(update={"epochs": 1}))


def test_ratings_of_a_family_are_added_and_its_other_prompts_tell(data, make_recipe, learnt):
    recipe = small(make_recipe())
    records = DataFrame(curve(data, recipe, recipe, (8, 16, 999), fold=1))
    assert records["who"].tolist() == [BASE, ADAPTED, SCRATCH] * 2
    assert records["ratings"].tolist() == [8] * 3 + [16] * 3
    assert (records["test_clips"] > 0).all()
    known = data.clips.set_index("id")
    (_, base), *others = learnt
    family = set(known["system"]) - set(known["system"].loc[base["id"][base["split"] != "test"]])
    few, more = (set(others[place][1]["id"]) for place in (0, 2))
    assert few < more
    for _, rated in others:
        assert set(known["system"].loc[rated["id"]]) <= family
        parts = known["prompt"].loc[rated["id"]].groupby(rated["split"].to_numpy()).unique()
        assert not set(parts["train"]) & set(parts["dev"])
    assert [start is not None for start, _ in others] == [True, False] * 2


def test_a_base_that_no_epoch_betters_is_kept_and_scores_as_before(data, make_recipe):
    recipe = small(make_recipe())
    idle = recipe.train.model_copy(update={"learning_rate": 1e-12, "averaging": 0.0})
    records = DataFrame(curve(data, recipe, replace(recipe, train=idle), (12,), fold=0))
    base, adapted = (records[records["who"] == who].iloc[0] for who in (BASE, ADAPTED))
    assert adapted["kept_base"]
    assert adapted["omq_srcc"] == base["omq_srcc"]


def rows(gain):
    figures = {"omq_mse": 0.5, "ta_mse": 0.5, "systems": 6, "test_clips": 99}
    return [
        {"fold": fold, "ratings": count, "who": who, "kept_base": fold == 0, **figures}
        | {"omq_srcc": 0.5 + gain * (who == ADAPTED) + fold / 50, "ta_srcc": 0.4}
        for fold in range(3)
        for count in (25, 100)
        for who in (BASE, ADAPTED, SCRATCH)
    ]


@pytest.mark.parametrize(("gain", "worse"), [(0.1, 0), (-0.1, 3)])
def test_it_is_told_how_often_ratings_did_harm(gain, worse, monkeypatch):
    monkeypatch.setattr("stages.adaptation.identify", lambda _: {"corpus": "c", "data": "d"})
    found = summary(DataFrame(rows(gain)))
    told = {"runs": 3, "kept_base": 1, "omq_worse": worse, "ta_worse": 0}
    assert found["told"] == {"25": told, "100": told}
    less = found["compared"][ADAPTED]["25"]["omq_srcc"]["difference"][BASE]
    assert less["mean"] == pytest.approx(gain)
    table = shown.table(found)
    assert [row[1].text for row in table.rows] == ["25", "100"] * 2
    assert [row[-1].text for row in table.rows] == [f"{worse} of 3"] * 2 + ["0 of 3"] * 2
    assert png(shown.plots(found), "title").startswith(b"\x89PNG")


def test_the_document_adapts_as_was_measured():
    text = (Path(__file__).parents[2] / "docs/corpora.md").read_text(encoding="utf-8")
    (call,) = re.findall(r"-S train\.start_from=base(.*?)```", text, re.DOTALL)
    told = {name: float(value) for name, value in re.findall(r"-S (train\.\w+)=([\d.]+)", call)}
    assert told == ADAPTING
