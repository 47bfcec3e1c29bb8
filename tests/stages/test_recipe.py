"""Recipes and variants go by name: they are listed, checked, and made whole before DVC runs one."""

import subprocess
import sys
from functools import reduce
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import to_hydra_overrides

from stages import recipe
from whisq import params
from whisq.encoders.weights import COMMIT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the project's params.yaml and a variant more, of another section."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["ablations"]["longer"] = {
        "why": "Is more of the window worth it?",
        "changes": {"embed_audio.pool": 4},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changes(name):
    """What DVC is told, as it understands it."""
    written = recipe.overrides(recipe.whole(params.changes_of(name)))
    return {one.key_or_group: one.value() for one in to_hydra_overrides(written)}


def test_each_has_a_line_and_the_table_says_which_it_leaves(project):
    lines = recipe.listed(params.load())
    named = params.load().named
    assert {line.split()[0] for line in lines if line} >= set(named)
    assert max(map(len, lines)) <= 110
    left = [line.split()[0] for line in lines if line.endswith("(make variant alone)")]
    assert left == ["rewordings", "longer"]


def test_a_variant_is_run_with_the_layers_that_it_reads(project):
    found = changes("best")
    assert found["embed_audio.layers"] == [2, 3]
    assert found["model.quality_layers"] == [3]
    assert not [name for name in found if name.startswith("trials.")]


def test_one_that_reads_what_is_embedded_embeds_nothing_more(project):
    assert changes("no_transport") == {"loss.ot_weight": 0.0}
    assert changes("default") == {}
    assert changes("paper")["embed_audio.layers"] == [6]
    assert COMMIT.fullmatch(changes("astar_muq")["embed_text.revision"])


def test_every_one_is_a_configuration_of_the_pipeline(project):
    for name in params.load().named:
        values = params.load(overrides=recipe.whole(params.changes_of(name)))
        assert set(values.model.audio_layers) <= set(values.embed_audio.layers)


def test_what_a_recipe_takes_from_the_hub_is_pinned_to_a_commit(project):
    for name, recipe_ in params.load().recipes.items():
        values = params.load(overrides=recipe_.changes)
        for section in (values.embed_audio, values.embed_text):
            assert COMMIT.fullmatch(section.revision or ""), f"{name}: {section.model}"


def test_a_recipe_reads_its_own_encoder_whatever_stands_beside_that_of_params_yaml(project):
    values = yaml.safe_load(Path("params.yaml").read_text())
    beside = [{"model": "a/b", "layers": [1, 2]}]
    values["embed_audio"] |= {"layers": [2, 3], "beside": beside}
    Path("params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    for recipe_ in params.load().recipes.values():
        assert params.load(overrides=recipe_.changes).embed_audio.beside == []


def test_make_recipe_and_make_variant_are_one():
    runs = {
        target: subprocess.run(
            ["make", "-n", target, "NAME=best"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for target in ("recipe", "variant")
    }
    assert runs["recipe"] == runs["variant"]
    assert "stages.recipe 'best' --run" in runs["recipe"]


@pytest.mark.parametrize("name", params.load(ROOT / "params.yaml").named)
def test_each_may_be_what_params_yaml_holds_with_all_others_beside_it(project, name):
    # As DVC writes it before a stage runs.
    values = yaml.safe_load(Path("params.yaml").read_text())
    for change, value in recipe.whole(params.changes_of(name)).items():
        *sections, key = change.split(".")
        reduce(dict.__getitem__, sections, values)[key] = value
    Path("params.yaml").write_text(yaml.safe_dump(values))
    assert params.load().model == params.load(overrides=params.changes_of(name)).model


def test_a_name_that_is_none_lists_those_that_are(project):
    done = subprocess.run(
        [sys.executable, "-m", "stages.recipe", "bets", "--run"],
        capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"must be one of {', '.join(params.load().named)}, given" in done.stderr
    assert done.stderr.endswith("given 'bets'\n")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("corpus.musiceval.source='/no/such folder'", "there is no /no/such folder"),
        ("train.epochs=many", "train.epochs: "),
    ],
)
def test_what_is_wrong_is_told_before_dvc_changes_anything(
    project, monkeypatch, capsys, given, told
):
    def never(*_):
        raise AssertionError("DVC must not be called")

    monkeypatch.setattr(recipe.os, "execv", never)
    monkeypatch.setattr(recipe, "_taken", set)
    monkeypatch.setattr(sys, "argv", ["recipe", "paper", "--run", "-S", given])
    with pytest.raises(SystemExit) as ended:
        recipe.main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_experiment_s_command_is_printed_before_it_is_run(project, monkeypatch, capfd):
    shown = ["dvc", "exp", "run", "--name", "best-2", "-S", "embed_audio.layers=[2,3]"]
    ran = []
    monkeypatch.setattr(recipe.os, "execv", lambda _, command: ran.append(command))
    monkeypatch.setattr(recipe, "_taken", lambda: {"best"})
    recipe.run("best", ["embed_audio.layers=[2,3]"])
    assert ran == [[sys.executable, "-m", *shown]]
    assert capfd.readouterr().out == "dvc exp run --name best-2 -S 'embed_audio.layers=[2,3]'\n"


def test_an_added_variant_leaves_those_that_are_trained_alone():
    """By what DVC reads of params.yaml for each variant: only its own changes, and the defaults."""
    stage = yaml.safe_load((ROOT / "stages/ablations/dvc.yaml").read_text())["stages"]["variant"]
    assert "ablations.${key}.changes" in stage["do"]["params"]
    assert "ablations" not in stage["do"]["params"]


def test_a_variant_of_other_sections_has_an_empty_table(project, capsys):
    from stages.ablations import table, variant

    variant.main("longer")
    assert "left to `make variant NAME=longer`" in capsys.readouterr().out
    assert (project / "metrics/ablations/longer.csv").read_text() == "protocol,seed\n"
    named = {name: one.changes for name, one in params.load().ablations.items()}
    assert dict(table.trials(named)) == {}
