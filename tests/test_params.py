"""params.yaml is read strictly, and every problem is told at once."""

import shutil
from pathlib import Path

import pytest
import yaml

from whisq import params
from whisq.section import Section

ROOT = Path(__file__).parents[1]


def test_the_projects_own_params_are_valid():
    assert params.load(ROOT / "params.yaml").loss.ot_weight >= 0


def test_every_problem_is_named_in_one_error():
    with pytest.raises(ValueError, match="problem") as error:
        params.load(
            ROOT / "params.yaml",
            overrides={"loss.otweight": 0.1, "train.epochs": "many", "split.protocol": "random"},
        )
    message = str(error.value)
    assert "3 problem(s)" in message
    assert "loss.otweight: no such parameter" in message
    assert "train.epochs" in message
    assert "'many'" in message
    assert "split.protocol" in message


def test_a_missing_key_is_an_error_that_names_it(tmp_path):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    del values["loss"]["ot_weight"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match=r"loss\.ot_weight: missing"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("name", params.Params.model_fields)
def test_a_section_s_defaults_are_what_the_file_holds(name):
    # Named sets of changes, and what to search, are no choices of the code's, and have no defaults.
    section = params.Params.model_fields[name].annotation
    if section not in (params.PaperTable, params.Search) and isinstance(section, type):
        assert issubclass(section, Section | int)
        assert section() == getattr(params.load(ROOT / "params.yaml"), name)


def test_choices_that_do_not_go_together_are_named():
    with pytest.raises(ValueError, match=r"(?s)2 problem.*  model: heads must.*  loss: one weight"):
        params.load(
            ROOT / "params.yaml",
            overrides={
                "model.width": 6,
                **dict.fromkeys(("loss.mse_weight", "loss.contrast_weight", "loss.ot_weight"), 0.0),
            },
        )


def test_what_an_encoder_cannot_keep_is_told_before_anything_runs():
    wrong = {"embed_audio.window": "wide", "embed_text.template": "music"}
    with pytest.raises(ValueError, match=r"(?s)2 problem.*embed_audio: window.*embed_text: templ"):
        params.load(ROOT / "params.yaml", overrides=wrong)


def test_a_constant_is_no_choice():
    assert "past_window" not in params.load(ROOT / "params.yaml").embed_audio.model_dump()


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r"loss\.ot_weight"):
        params.load(ROOT / "params.yaml", overrides={"loss.ot_weight": -0.1})


def test_an_override_changes_that_value_alone():
    usual = params.load(ROOT / "params.yaml")
    changed = params.load(ROOT / "params.yaml", overrides={"loss.ot_weight": 0.25})
    assert changed.loss.ot_weight == 0.25
    assert changed.model_copy(update={"loss": usual.loss}) == usual


def test_flattened_names_are_those_of_dvc():
    nested = {"loss": {"ot_weight": 0.1}, "seed": 3}
    assert params.flatten(nested) == {"loss.ot_weight": 0.1, "seed": 3}


@pytest.mark.parametrize("section", ["train", "embed_text", "embed_audio"])
def test_a_device_is_one_of_the_names_that_are_known(section):
    for name in ("auto", "cpu", "cuda", "cuda:1", "mps"):
        values = params.load(ROOT / "params.yaml", overrides={f"{section}.device": name})
        assert getattr(values, section).device == name
    with pytest.raises(ValueError, match=rf"{section}\.device: .*given 'gpu'"):
        params.load(ROOT / "params.yaml", overrides={f"{section}.device": "gpu"})


@pytest.mark.parametrize("section", ["embed_text", "embed_audio"])
def test_a_batch_size_is_a_number_or_auto(section):
    for size in ("auto", 1, 32):
        values = params.load(ROOT / "params.yaml", overrides={f"{section}.batch_size": size})
        assert getattr(values, section).batch_size == size
    with pytest.raises(ValueError, match=rf"{section}\.batch_size"):
        params.load(ROOT / "params.yaml", overrides={f"{section}.batch_size": 0})


def with_recipe(tmp_path, **changes):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["recipes"]["mine"] = {"why": "to try it", "changes": changes}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "params.yaml"


def test_a_recipe_is_taken_by_name(tmp_path):
    changes = {"corpus.name": "musiceval", "loss.ot_weight": 0.5, "embed_audio.layers": [1, 2]}
    path = with_recipe(tmp_path, **changes)
    assert params.changes_of("mine", path) == changes
    changed = params.load(path, overrides=params.changes_of("mine", path))
    assert (changed.corpus.name, changed.embed_audio.layers) == ("musiceval", [1, 2])


def test_a_recipe_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path):
    with pytest.raises(ValueError, match=r"one of .*mine, .*paper.*, given 'yours'"):
        params.changes_of("yours", with_recipe(tmp_path))


@pytest.mark.parametrize("name", params.load(ROOT / "params.yaml").recipes)
def test_every_recipe_s_network_reads_a_layer_that_is_kept(name):
    changes = params.changes_of(name, ROOT / "params.yaml")
    values = params.load(ROOT / "params.yaml", overrides=changes)
    assert set(values.model.audio_layers) <= set(values.embed_audio.layers)
    assert values.corpus.name == "musiceval"


def test_what_a_recipe_changes_is_checked_as_strictly_as_the_values(tmp_path):
    wrong = {"loss.ot_wieght": 0.1, "model.audio_scaling": True, "no.such.thing": 1}
    with pytest.raises(ValueError, match="problem") as error:
        params.load(with_recipe(tmp_path, **wrong))
    message = str(error.value)
    assert "3 problem(s)" in message
    assert "recipes.mine: loss.ot_wieght: no such parameter" in message
    assert "recipes.mine: model.audio_scaling" in message
    assert "recipes.mine: no: no such parameter" in message


def test_a_name_is_a_recipes_or_a_variants_and_not_both(tmp_path):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["recipes"]["best"] = {"why": "twice", "changes": {}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match="best is a recipe and an ablation"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("place", ["ablations", "paper_table.networks"])
def test_so_is_what_a_variant_or_a_network_changes(tmp_path, place):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    sets = values
    for part in place.split("."):
        sets = sets[part]
    odd = {"train.epochs": "many"}
    sets["odd"] = {"why": "not", "changes": odd} if place == "ablations" else odd
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match=rf"{place}\.odd: train\.epochs: .*'many'"):
        params.load(tmp_path / "params.yaml")


def test_a_change_inside_a_plain_value_is_an_error_and_no_crash():
    with pytest.raises(ValueError, match="seed: Input should be a valid integer"):
        params.load(ROOT / "params.yaml", overrides={"seed.model": 1})


def test_the_pipelines_own_values_leave_out_the_trainings_beside_it():
    values = params.load(ROOT / "params.yaml")
    named = params.pipeline(values)
    assert named["loss.ot_weight"] == values.loss.ot_weight
    assert not {name.split(".")[0] for name in named} & set(params.BESIDES)


def test_values_are_told_by_the_named_set_that_makes_most_of_them_and_by_the_rest():
    values = params.load(ROOT / "params.yaml")
    changed = params.load(ROOT / "params.yaml", overrides=values.named["paper"] | {"seed": 5})
    variant, changes, besides = params.described(
        params.pipeline(changed), params.defaults(), values.named
    )
    assert variant == "paper"
    assert besides == {"seed": 5}
    assert {"seed", "model.dropout", "corpus.name"} <= set(changes)
    assert "model.coattention" not in changes  # the recipe says it, but it is the default


def test_a_set_that_makes_few_of_the_changes_names_none_of_them():
    values = {"a": 1, "b": 1, "c": 1}
    assert params.described(values, dict.fromkeys(values, 0), {"one": {"a": 1}})[0] == "default"
    assert params.described(values, dict.fromkeys(values, 0), {"two": {"a": 1, "b": 1}})[0] == "two"


def test_a_set_names_the_changes_even_where_one_of_its_own_is_made_otherwise():
    named, defaults = {"set": {"a": 1, "b": 1, "c": 1, "d": 1}}, dict.fromkeys("abcd", 0)
    variant, _, besides = params.described(named["set"] | {"d": 2}, defaults, named)
    assert (variant, besides) == ("set", {"d": 2})
    # What is put back to the default would go untold.
    assert params.described(named["set"] | {"d": 0}, defaults, named)[0] == "default"


def test_the_values_of_the_file_are_the_default():
    values = params.pipeline(params.load(ROOT / "params.yaml"))
    assert params.described(values, params.defaults(), {}) == ("default", {}, {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["default"]),
        ({"loss.ot_weight": 0.0, "embed_audio.model": "a/b"}, ["ot_weight=0", "model=b"]),
        (dict.fromkeys("abcde", 1), ["default", "a=1", "b=1", "c=1", "2 more"]),
    ],
)
def test_changes_are_put_into_few_words(changes, words):
    assert params.in_words("default", changes, changes) == words


LISTS = [
    f"{section}.{key}"
    for section, values in yaml.safe_load((ROOT / "params.yaml").read_text()).items()
    if isinstance(values, dict)
    for key, value in values.items()
    if isinstance(value, list)
]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_may_be_changed_by_dvc_again_and_again(tmp_path, name):
    # DVC's writer spoils the file where a comment stands behind a list that becomes an empty one.
    from dvc.utils.hydra import apply_overrides

    file, (section, key) = shutil.copy(ROOT / "params.yaml", tmp_path), name.split(".")
    for value in ([1], [], [1, 2], []):
        apply_overrides(file, [f"{name}={value}"])
        assert yaml.safe_load(Path(file).read_text())[section][key] == value
