"""`make paper-table` on a small corpus: what is trained, on what, and what is not trained again."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.paper_table.network import network
from stages.recipe import overrides
from whisq import params

ROOT = Path(__file__).parents[2]
RECIPE = params.changes_of("paper", ROOT / "params.yaml")
NETWORKS = ("challenge_baseline", "whisq", "no_transport")


def test_a_network_is_the_recipes_without_its_corpus_and_encoders():
    changes = network(RECIPE, {"loss.ot_weight": 0.0}, [6])
    assert {name.split(".")[0] for name in changes} == {"model", "loss", "train"}
    assert changes["loss.ot_weight"] == 0
    assert changes["model.quality_projection"] == RECIPE["model.quality_projection"]


@pytest.mark.parametrize(("stored", "read"), [([6], 6), ([2, 6], 6), ([2], 2), ([2, 3], 3)])
def test_the_last_layer_is_read_that_is_stored(stored, read):
    assert network(RECIPE, {}, stored)["model.audio_layer"] == read


def test_every_network_of_params_yaml_is_valid_with_the_recipe():
    values = params.load(ROOT / "params.yaml")
    for changes in values.paper_table.networks.values():
        changed = params.load(ROOT / "params.yaml", overrides=network(RECIPE, changes, [2]))
        shared = changed.model.architecture == "whisq"
        assert shared or changed.loss.ot_weight == 0


def test_a_recipe_is_written_as_dvc_reads_it():
    changes = {"a.list": [1, 2], "a.text": "an/encoder", "a.form": "{prompt}", "a.no": None}
    changes |= {"a.yes": True, "a.number": 0.5}
    assert overrides(changes) == [
        "a.list=[1,2]",
        "a.text=an/encoder",
        "a.form='{prompt}'",
        "a.no=null",
        "a.yes=true",
        "a.number=0.5",
    ]


@pytest.fixture(scope="module")
def make_table(paper_run, environment):
    """Run the pipeline of `make paper-table` with few networks, seeds and epochs."""
    values = yaml.safe_load((paper_run / "params.yaml").read_text())
    kept = {name: values["paper_table"]["networks"][name] for name in NETWORKS}
    values["paper_table"] = {"seeds": 2, "networks": kept}
    values["trials"]["workers"] = 1
    (paper_run / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    def run():
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "stages/paper_table/dvc.yaml"],
            cwd=paper_run,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


def trained(said):
    return set(re.findall(r"Running stage '\S*network@(\w+)'", said))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
class TestOnASmallCorpus:
    """The three steps share one project, and follow one another."""

    def test_all_networks_are_trained_and_printed_beside_the_claims(self, make_table, paper_run):
        said = make_table()
        assert trained(said) == set(NETWORKS)
        assert "OMQ +7%, TA +14%" in said
        table = pd.read_csv(paper_run / "metrics/paper_table.csv")
        assert set(table["network"]) == {*NETWORKS, "system_mean", "pooled_ridge"}
        own = table[table["network"] == "whisq"]
        assert len(own) == 4
        assert (own["n"] == 2).all()

    def test_the_corpus_goes_by_its_own_name(self, paper_run):
        table = pd.read_csv(paper_run / "metrics/paper_table.csv")
        assert set(table["corpus"]) == {"rehearsal corpus"}
        assert "layers [6], window `padded`, 1 frames a step" in table["audio"].iloc[0]

    def test_what_is_trained_is_not_trained_again(self, make_table, paper_run):
        assert trained(make_table()) == set()
        (paper_run / "metrics/paper_table/whisq.csv").unlink()
        assert trained(make_table()) == {"whisq"}

    def test_a_changed_network_is_trained_alone(self, make_table, paper_run):
        values = yaml.safe_load((paper_run / "params.yaml").read_text())
        values["paper_table"]["networks"]["no_transport"]["loss.mse_weight"] = 2.0
        (paper_run / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        assert trained(make_table()) == {"no_transport"}
