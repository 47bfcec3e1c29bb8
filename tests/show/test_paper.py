"""docs/paper.md says what runs: every choice of the recipe, once, with its own values."""

import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.paper_table.document import write
from whisq import params
from whisq.show.paper import CHOICES, document

ROOT = Path(__file__).parents[2]
RECIPE = params.changes_of("paper", ROOT / "params.yaml")
VALUES = params.pipeline(params.load(ROOT / "params.yaml"))
FIELDS = Counter(field for choice in CHOICES for field in choice.fields)


def test_every_value_of_the_recipe_is_argued_once():
    assert {field: FIELDS[field] for field in RECIPE} == dict.fromkeys(RECIPE, 1)


def test_every_field_that_is_argued_is_a_parameter():
    assert set(FIELDS) <= set(VALUES)


def test_every_choice_about_the_network_its_losses_and_its_training_is_on_the_page():
    settings = {
        # of choices that the recipe does not make, and of how a machine is used
        *("model.position_unit", "loss.other_prompts", "train.pairs", "train.threads"),
        *("train.device", "train.precision"),
    }
    learnt = {name for name in VALUES if name.split(".")[0] in ("model", "loss", "train")}
    assert learnt - set(FIELDS) - settings == set()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("model.quality_projection", "shared"),
        ("model.audio_scaling", "none"),
        ("model.text_scaling", "none"),
        ("model.quality_pooling", "mean"),
        ("model.interaction", "none"),
        ("model.positions", "none"),
        ("train.averaging", 0),
    ],
)
def test_what_the_paper_does_not_name_is_left_out(name, plain):
    assert RECIPE[name] == plain


def page(recipe=RECIPE, variants=None, ablations=None, measured=None, **values):
    columns = ["corpus", "variant", "protocol", "metric", "less_default"]
    columns += ["less_default_low", "less_default_high"]
    ablations = pd.DataFrame(ablations or [], columns=columns)
    return document(VALUES | values, recipe, variants or {}, ablations, measured)


def row(text, title):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_page_shows_the_recipes_value_and_what_the_default_does_instead():
    values = {"model.audio_scaling": "whiten"}
    _, read, instead, worth = row(page(**values), "Scaling of audio states")
    assert read.startswith("`model.audio_scaling: none`")
    assert (instead, worth) == ("`whiten`", "not measured")


def test_where_the_default_is_the_papers_reading_nothing_is_to_be_measured():
    _, _, instead, worth = row(page(**{"model.audio_scaling": "none"}), "Scaling of audio states")
    assert (instead, worth) == ("the same", "")


def test_a_value_that_the_recipe_leaves_alone_is_called_ours():
    _, read, _, _ = row(page(**{"model.width": 96}), "Shared space")
    assert "*ours:* `model.width: 96`" in read


MEASURED = [
    ["a corpus", "plain", "systems_and_prompts", f"utt_{axis}_srcc", -0.02, -0.03, 0.01]
    for axis in ("omq", "ta")
]


def test_the_defaults_worth_is_what_the_variant_with_the_papers_reading_loses():
    variants = {"plain": {"train.averaging": 0.0}}
    text = page(variants=variants, ablations=MEASURED, **{"train.averaging": 0.9})
    *_, worth = row(text, "Averaging of weights")
    assert worth == "OMQ +0.020 (-0.010 to +0.030), TA +0.020 (-0.010 to +0.030) (`plain`)"
    assert "(a corpus;" in text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train.averaging": 0.5},
        {"train.averaging": 0.0, "train.epochs": 3},
    ],
    ids=["nothing", "another reading", "more than this choice"],
)
def test_a_variant_that_changes_other_things_measures_nothing(changes):
    text = page(variants={"plain": changes}, ablations=MEASURED, **{"train.averaging": 0.9})
    assert row(text, "Averaging of weights")[-1] == "not measured"


def test_omq_is_not_told_of_what_only_ta_is_read_from():
    text = page(
        variants={"plain": {"model.positions": "none"}},
        ablations=MEASURED,
        **{"model.positions": "both"},
    )
    assert row(text, "Positions")[-1].startswith("TA ")


def committed(path, folder):
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True)
    if shown.returncode:
        return None
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(shown.stdout)
    return shown.stdout.decode()


def test_the_committed_page_is_that_of_the_committed_values_and_tables(tmp_path):
    # A run in this folder may have changed them since: git knows what was written together.
    for path in ("ablations.csv", "paper_table.csv", "benchmarks/windows.json"):
        committed(f"metrics/{path}", tmp_path)
    page = committed("docs/paper.md", tmp_path)
    if committed("params.yaml", tmp_path) is None or page is None:
        pytest.skip("no page is committed here")
    assert write(tmp_path) == page


def test_the_name_paper_is_the_papers_configuration_and_nothing_else():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert "paper" in values["recipes"]
    assert "paper" not in values["ablations"]
