"""Every variant of params.yaml is a recipe, and its stage depends on what it runs."""

import ast
from pathlib import Path

import pytest
import yaml

from whisq import params
from whisq.model.variants import ModelConfig

ROOT = Path(__file__).parents[1]
PARTS = ("whisq.", "stages.")
# They shape no output: how a process ends, how params are checked, where is computed.
NOT_DEPS = {f"whisq/{name}.py" for name in ("processes", "section", "devices", "extras")}
VALUES = params.load(ROOT / "params.yaml").model_dump()
SCRIPTS = [("ablations", name) for name in ("layers", "variant", "table")]
SCRIPTS += [("paper_table", name) for name in ("network", "table")]


@pytest.mark.parametrize("name", VALUES["ablations"])
def test_a_variant_is_a_recipe(name):
    changes = VALUES["ablations"][name]
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
    changes = VALUES["ablations"][name]
    assert name == "default" or any(flat.get(key) != value for key, value in changes.items())
    learnt = {key for key in changes if key != "trials.seeds"}
    assert {key.split(".")[0] for key in learnt} <= {"model", "loss", "train"}


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
