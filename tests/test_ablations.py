"""Every variant of params.yaml is a recipe, and its stage depends on what it runs."""

import ast
from pathlib import Path

import pytest
import torch
import yaml
from pandas import DataFrame

from stages.ablations import table
from whisq import params
from whisq.model.build import build
from whisq.model.variants import ALIGNMENT, Model, ModelConfig
from whisq.params import is_trained

ROOT = Path(__file__).parents[1]
PARTS = ("whisq.", "stages.")
# They shape no output: how a process ends, how params are checked, where is computed.
NOT_DEPS = {f"whisq/{name}.py" for name in ("processes", "section", "devices", "extras")}
VALUES = params.load(ROOT / "params.yaml").model_dump()
SCRIPTS = [("ablations", name) for name in ("layers", "variant", "table")]
SCRIPTS += [("paper_table", name) for name in ("network", "table")]
SCRIPTS += [("curves", name) for name in ("pool", "learn")]


@pytest.mark.parametrize("name", VALUES["ablations"])
def test_a_variant_is_a_recipe(name):
    changes = VALUES["ablations"][name]["changes"]
    values = params.load(ROOT / "params.yaml", overrides=changes)
    cached = {"layers": values.trials.audio_layers}
    sizes = {"audio_dim": 512, "text_dim": 384, "audio": cached}
    config = ModelConfig(**sizes, **values.model.model_dump())
    shared = config.architecture == "whisq"
    assert shared or values.loss.ot_weight == 0
    assert config.bins or not values.loss.soft_label_weight + values.loss.rater_weight


@pytest.mark.parametrize("name", VALUES["ablations"])
def test_a_variant_changes_something_that_the_pipeline_does_not(name):
    flat = params.flatten(VALUES)
    changes = VALUES["ablations"][name]["changes"]
    assert name == "default" or any(flat.get(key) != value for key, value in changes.items())
    learnt = {key.split(".")[0] for key in changes if key != "trials.seeds"}
    # What changes the corpus too has no trials on the one that is there: see `make variant`.
    assert learnt <= {"model", "loss", "train", "corpus"}
    assert is_trained(changes) == ("corpus" not in learnt)


SMALL = {"audio_dim": 12, "text_dim": 10, "audio": {"layers": [2, 3]}, "dropout": 0.0}
OTHERS = {
    "architecture": "challenge_baseline",
    "audio_layer": 3,
    "audio_pool": 1,
    "audio_scaling": "whiten",
    "text_scaling": "none",
    "width": 8,
    "dropout": 0.5,
    "quality_projection": "shared",
    "positions": "none",
    "position_unit": "share",
    "heads": 2,
    "layers": 2,
    "quality_pooling": "mean",
    "alignment_pooling": "mean",
    "interaction": "none",
    "hidden": 8,
    "bins": 5,
    "text_sequence": "mean",
    "coattention": "none",
    "quality_layers": [3],
    "frame_dropout": 0.5,
    "segments": 3,
    "bilinear": True,
}


def omq_of(config, weights=None):
    """OMQ of random clips in training, by a new network or by one that is given OMQ's weights."""
    torch.manual_seed(0)
    network = build(config)
    if weights:
        network.load_state_dict(weights, strict=False)
    torch.manual_seed(1)
    audio, text = torch.randn(3, 2, 9, 12), torch.randn(3, 5, 10)
    masks = torch.ones(3, 9, dtype=torch.bool), torch.ones(3, 5, dtype=torch.bool)
    inputs = audio, masks[0], text, masks[1]
    network.fit_scaling([inputs])
    own = network.branches().get("omq", ())
    kept = {name: value for name, value in network.state_dict().items() if name.startswith(own)}
    torch.manual_seed(1)
    return network(*inputs).omq, kept


# The ridge is no part of what is learnt: it says nothing in training.
@pytest.mark.parametrize("name", [name for name in Model.model_fields if name != "ridge"])
def test_what_only_ta_is_read_from_moves_no_omq_and_all_else_does(name):
    before, weights = omq_of(ModelConfig(**SMALL))
    config = ModelConfig(**SMALL | {name: OTHERS[name]})
    try:
        after, _ = omq_of(config, weights)
    except RuntimeError:  # the weights have other shapes
        after = before + 1
    assert torch.equal(before, after) == (name in ALIGNMENT)


def changed(**changes):
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return table.quality_of(params.load(ROOT / "params.yaml", overrides=named))


def test_omq_of_its_own_projection_is_learnt_alike_whatever_ta_is_learnt_by():
    assert changed(loss__ot_weight=0.0, model__coattention="none") == changed()
    assert changed(loss__mae_weight=1.0) != changed()
    assert changed(train__epochs=3) != changed()


def test_with_a_shared_projection_all_moves_omq():
    shared = changed(model__quality_projection="shared")
    assert shared != changed()
    assert changed(model__quality_projection="shared", loss__ot_weight=0.0) != shared
    assert changed(model__quality_projection="shared", model__coattention="none") != shared


def test_the_table_leaves_omq_out_where_it_was_learnt_before(tmp_path, monkeypatch):
    figures = {"protocol": ["official"], "seed": [0], "utt_omq_srcc": [0.5], "utt_ta_srcc": [0.4]}
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    table.FOLDER.mkdir(parents=True)
    wanted = {
        "default": {},
        "deaf": {"model.coattention": "none"},
        "shared": {"model.quality_projection": "shared"},
    }
    for name in wanted:
        DataFrame(figures).to_csv(table.FOLDER / f"{name}.csv", index=False)
    found = dict(table.trials(wanted | {"not_trained": {}}))
    assert list(found) == list(wanted)
    assert {name for name, rows in found.items() if "utt_omq_srcc" not in rows} == {"deaf"}
    assert all("utt_ta_srcc" in rows for rows in found.values())


@pytest.mark.parametrize(("pipeline", "script"), SCRIPTS)
def test_a_stage_depends_on_the_package_parts_that_it_imports(pipeline, script):
    folder = ROOT / "stages" / pipeline
    stage = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"][script]
    stage = stage.get("do", stage)
    waiting, seen = [folder / f"{script}.py"], set()
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PARTS):
                path = ROOT / (node.module.replace(".", "/") + ".py")
                if path.is_file() and path not in seen:
                    seen.add(path)
                    waiting.append(path)
    runs = {str(path.relative_to(ROOT)) for path in seen} - NOT_DEPS
    missing = {file for file in runs if not any(file.startswith(dep) for dep in stage["deps"])}
    assert missing == set()
