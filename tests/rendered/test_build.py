"""The folder that a build leaves: clips that sound, MusicEval's tables, and the ground truth."""

import csv
import itertools
import json
import re
import statistics
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from whisq.corpus import musiceval
from whisq.files import file_digest
from whisq.rendered import faults
from whisq.rendered.build import build, write_tables
from whisq.rendered.requests import from_row, reverse, sentence


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): file_digest(path) for path in files}


def test_it_is_byte_identical_whatever_the_workers(corpus, small, tmp_path):
    folder, _ = corpus
    build(tmp_path / "again", small, workers=2)
    assert _digests(tmp_path / "again") == _digests(folder)


def test_another_seed_makes_other_clips(corpus, small, tmp_path):
    folder, _ = corpus
    build(tmp_path / "other", small.model_copy(update={"seed": 4}), workers=1)
    one, other = _digests(folder), _digests(tmp_path / "other")
    wavs = [name for name in one if name.endswith(".wav") and name in other]
    assert wavs
    assert not any(one[name] == other[name] for name in wavs)


def test_the_clips_are_16_khz_mono_pcm_and_sound(corpus):
    folder, made = corpus
    assert {path.name for path in (folder / "wav").iterdir()} == {one.file for one in made.takes}
    for take in made.takes:
        info = soundfile.info(folder / "wav" / take.file)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert 5.5 <= info.duration <= 7.5
        samples, _ = soundfile.read(folder / "wav" / take.file)
        assert 0.02 < samples.std() < 0.2
        assert re.fullmatch(r"whisq-rendered-S\d{3}_P\d{3}", take.id)


def test_a_folder_that_holds_something_is_left_alone(tmp_path, small):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="must be empty"):
        build(tmp_path, small)
    assert (tmp_path / "mine.txt").read_text() == "keep"
    assert not (tmp_path / "wav").exists()


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_lists_hold_every_clip_once_with_the_mean_of_its_raters(corpus):
    folder, made = corpus
    lists = {
        name: _rows(folder / "sets" / f"{name}_mos_list.txt")
        for name in ("train", "dev", "test", "total")
    }
    parts = [tuple(row) for name in ("train", "dev", "test") for row in lists[name]]
    assert sorted(parts) == sorted(tuple(row) for row in lists["total"])
    assert [row[0] for row in lists["total"]] == [take.file for take in made.takes]
    raters = {}
    for file, rater, omq, ta in _rows(folder / "person_mos" / "total_person_mos.txt"):
        raters.setdefault(file, []).append((rater, int(omq), int(ta)))
    for file, omq, ta in lists["total"]:
        assert len({rater for rater, _, _ in raters[file]}) == 5
        assert float(omq) == pytest.approx(statistics.mean(row[1] for row in raters[file]))
        assert float(ta) == pytest.approx(statistics.mean(row[2] for row in raters[file]))


def test_the_system_tables_are_means_over_their_clips(corpus):
    folder, _ = corpus
    clips = _rows(folder / "sets" / "train_mos_list.txt")
    for system, omq, ta in _rows(folder / "system_mos" / "system_mos_train.csv"):
        own = [(float(row[1]), float(row[2])) for row in clips if f"-{system}_" in row[0]]
        assert (float(omq), float(ta)) == pytest.approx(np.mean(own, axis=0), abs=6e-5)


def test_every_clip_finds_its_prompt_by_musicevals_rule(corpus):
    folder, made = corpus
    tables = {}
    for name in ("prompt_info", "demo_prompt_info"):
        text = (folder / f"{name}.txt").read_bytes().decode("utf-8")
        assert text.startswith("id\ttext\r\n")
        tables[name] = dict(line.split("\t") for line in text.strip().split("\r\n")[1:])
    assert list(tables["prompt_info"]) == [f"P{number:03d}" for number in range(1, 9)]
    clashes = 0
    for take in made.takes:
        number = take.id[-4:]
        shared, own = tables["prompt_info"].get(number), tables["demo_prompt_info"].get(take.file)
        clashes += bool(shared and own)
        assert (own or shared) == sentence(take.prompt.request)
        assert own != shared
    assert clashes > 0


def test_the_truth_of_the_prompts_rebuilds_them(corpus):
    folder, made = corpus
    rows = _table(folder / "truth" / "prompts.csv")
    assert len(rows) == len(made.prompts) == 20
    pairs = {}
    for row in rows:
        request = from_row(row)
        assert sentence(request) == row["prompt"]
        assert row["is_order"] == str(int(bool(row["order"])))
        assert row["reversed"] == (sentence(reverse(request)) if row["order"] else "")
        pairs.setdefault(row["pair"], []).append(row)
    assert sum(row["is_order"] == "1" for row in rows) == 10
    for pair, members in pairs.items():
        if pair:
            one, other = members
            assert (one["prompt"], one["reversed"]) == (other["reversed"], other["prompt"])


def test_prompts_in_other_words_are_asked_for_and_change_no_other_file(corpus, small, tmp_path):
    folder, made = corpus
    for name, count in (("without", 0), ("with", 3)):
        (tmp_path / name).mkdir()
        write_tables(tmp_path / name, made, small.model_copy(update={"rewordings": count}))
    without, reworded = _digests(tmp_path / "without"), _digests(tmp_path / "with")
    assert reworded.keys() - without.keys() == {"rewordings.csv"}
    assert without.items() <= _digests(folder).items()
    assert without.items() <= reworded.items()


def test_every_prompt_is_there_in_other_words_that_ask_for_the_same_and_for_another(
    corpus, small, tmp_path
):
    made = corpus[1]
    write_tables(tmp_path, made, small.model_copy(update={"rewordings": 4}))
    rows = _table(tmp_path / "rewordings.csv")
    requests = {sentence(prompt.request): prompt.request for prompt in made.prompts}
    assert Counter(row["prompt"] for row in rows) == dict.fromkeys(requests, 4)
    for row in rows:
        request, forms = requests[row["prompt"]], itertools.product(range(10), range(6))
        alike = {sentence(replace(request, template=t, wording=w)) for t, w in forms}
        assert row["same"] in alike
        assert row["other"] not in alike


def test_the_truth_of_the_clips_tells_what_was_done_to_them(corpus):
    folder, made = corpus
    clips = {row["id"]: row for row in _table(folder / "truth" / "clips.csv")}
    listed = _table(folder / "truth" / "faults.csv")
    assert set(clips) == {take.id for take in made.takes}
    assert {row["axis"] for row in listed} == {"omq", "ta"}
    for row in listed:
        assert 0 < float(row["strength"]) <= 1
        seconds = float(clips[row["id"]]["seconds"])
        if row["start_seconds"]:
            assert 0 <= float(row["start_seconds"]) < float(row["end_seconds"]) <= seconds
        if row["axis"] == "omq":
            assert row["fault"] in faults.NAMES
            assert float(clips[row["id"]][row["fault"]]) == float(row["strength"])
    for take in made.takes:
        info = soundfile.info(folder / "wav" / take.file)
        assert float(clips[take.id]["seconds"]) == pytest.approx(info.duration, abs=1e-3)
        assert float(clips[take.id]["omq_latent"]) == pytest.approx(take.omq, abs=1e-3)


def test_the_marker_names_the_corpus_and_its_seed(corpus):
    marker = json.loads((corpus[0] / "CORPUS.json").read_text())
    assert (marker["name"], marker["seed"]) == ("rendered corpus", 3)
    assert "simulated" in marker["licence"]


def test_the_truth_of_the_systems_tells_their_faults_and_the_reference(corpus):
    folder, made = corpus
    rows = {row["system"]: row for row in _table(folder / "truth" / "systems.csv")}
    assert list(rows) == [system.name for system in made.systems]
    weights = {name: sum(float(row[fault]) for fault in faults.NAMES) for name, row in rows.items()}
    assert sorted(weights.values())[:2] == pytest.approx([0, 1], abs=1e-3)
    for system in made.systems:
        assert int(rows[system.name]["demo_clips"]) == system.demo_clips
        assert float(rows[system.name]["quality"]) == pytest.approx(system.quality, abs=1e-4)


def test_every_moment_of_a_fault_lies_where_the_clip_was_spoilt(corpus):
    folder, made = corpus
    rows = [row for row in _table(folder / "truth" / "faults.csv") if row["axis"] == "omq"]
    expected = [(take.id, fault) for take in made.takes for fault in take.faults]
    assert [(row["id"], row["fault"]) for row in rows] == [(i, f.name) for i, f in expected]
    for row, (_, fault) in zip(rows, expected, strict=True):
        assert bool(row["start_seconds"]) == (fault.start is not None)


def test_musicevals_reader_finds_no_problem_in_it_and_the_labels_that_were_given(corpus):
    folder, made = corpus
    found = musiceval.read(folder)
    assert found.problems.found == []
    clips = found.clips.merge(found.ratings, on="id").set_index("id")
    assert set(clips.index) == {take.id for take in made.takes}
    for take in made.takes:
        clip = clips.loc[take.id]
        assert (clip["system"], clip["split"]) == (take.system, take.split)
        assert clip["prompt"] == sentence(take.prompt.request)
        assert (clip["omq"], clip["ta"]) == pytest.approx(take.ratings[:, 1:].mean(axis=0))
        assert clip["omq_raters"] == " ".join(map(str, take.ratings[:, 1]))


def test_each_table_of_system_means_is_of_its_own_split(corpus):
    bases = {"train": "train", "dev": "dev", "test": "test", "total": "train+dev+test"}
    wanted = {f"system_mos_{split}.csv": basis for split, basis in bases.items()}
    assert musiceval.read(corpus[0]).systems == wanted
