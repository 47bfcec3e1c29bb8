import numpy as np
import pytest
import soundfile

from whisq.corpus import musiceval
from whisq.corpus.summary import summarise
from whisq.corpus.tables import report

PREFIX = "audiomos2025-track1-"


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def write_wav(path, samples, subtype="PCM_16"):
    soundfile.write(path, np.asarray(samples, dtype="float32"), 16_000, subtype=subtype)


def a_listed_wav(corpus, number=0):
    return sorted((corpus / "wav").glob("*.wav"))[number]


def first_row(corpus, split="train"):
    return (corpus / f"sets/{split}_mos_list.txt").read_text().split("\n")[0]


def test_a_sound_corpus_gives_every_clip_and_no_problem(corpus):
    found = musiceval.read(corpus)
    assert len(found.clips) == len(found.ratings) == 60
    assert found.problems.found == []
    assert found.clips["path"].str.match(r"raw/wav/.*\.wav").all()
    assert np.allclose(found.clips["seconds"], 0.1)
    ratings = found.ratings.set_index("id")
    mean = ratings["omq_raters"].map(lambda text: np.mean([int(x) for x in text.split()]))
    np.testing.assert_allclose(mean, ratings["omq"])
    assert (ratings["raters"].str.split().map(len) == 5).all()


def test_a_demo_clips_own_prompt_beats_the_shared_one_of_its_p_id(corpus):
    prompts = musiceval.read(corpus).clips.set_index("id")["prompt"]
    assert prompts[f"{PREFIX}S001_P001"] == "Demo piece of S001_P001"
    assert prompts[f"{PREFIX}S002_P001"] == "Shared piece 1, for children’s choir."


def test_a_clip_that_lacks_its_own_prompt_in_a_demo_system_is_warned_of(corpus):
    rows = (corpus / "demo_prompt_info.txt").read_text().split("\n")
    (corpus / "demo_prompt_info.txt").write_text("\n".join([rows[0], *rows[2:]]))
    found = musiceval.read(corpus)
    name = rows[1].split("\t")[0].removesuffix(".wav")
    [problem] = found.problems.warnings
    assert problem.kind == "no demo prompt"
    assert name in problem.what
    prompts = found.clips.set_index("id")["prompt"]
    assert prompts[name] == prompts[f"{PREFIX}S002_P001"]


def test_crlf_marks_blank_rows_and_white_space_change_nothing(corpus):
    clean = musiceval.read(corpus)
    for path in [*(corpus / "sets").glob("*.txt"), *(corpus / "person_mos").glob("*.txt")]:
        rewrite(path, lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b" \r\n") + b",,\r\n \r\n")
    found = musiceval.read(corpus)
    assert found.clips.equals(clean.clips)
    assert found.ratings.equals(clean.ratings)


def test_any_prefix_or_none_is_a_good_name(corpus):
    for path in [*(corpus / "wav").glob("*.wav")]:
        path.rename(path.with_name(path.name.removeprefix(PREFIX)))
    for path in corpus.glob("**/*.txt"):
        rewrite(path, lambda data: data.replace(PREFIX.encode(), b""))
    found = musiceval.read(corpus)
    assert "S002_P001" in set(found.clips["id"])
    assert set(found.clips["system"]) >= {"S001", "S033"}


def test_phase_1_has_no_test_split(corpus):
    for path in [*corpus.glob("*/test_*"), *corpus.glob("*/total_*")]:
        for row in path.read_text().splitlines() if path.parent.name == "sets" else []:
            if "test" in path.name:
                (corpus / "wav" / row.split(",")[0]).unlink()
        path.unlink()
    found = musiceval.read(corpus)
    assert set(found.ratings["split"]) == {"train", "dev"}
    assert len(found.clips) == len(found.ratings) < 60


def test_the_evaluation_phase_has_clips_and_no_ratings(corpus):
    ids = [path.stem for path in (corpus / "wav").glob("*.wav")]
    for folder in ("sets", "person_mos", "system_mos"):
        for path in (corpus / folder).iterdir():
            path.unlink()
    (corpus / "sets/eval_list.txt").write_text("\r\n".join(ids) + "\r\n")
    found = musiceval.read(corpus)
    assert set(found.clips["id"]) == set(ids)
    assert found.ratings.empty
    assert found.problems.found == []
    summary = summarise(found.clips, found.ratings, "unlabelled")
    assert summary["unlabelled"] == 60
    assert summary["labels"]["omq"]["mean"] is None


def test_labelled_and_unlabelled_lists_may_stand_together(corpus):
    test = corpus / "sets/test_mos_list.txt"
    ids = [row.split(",")[0].removesuffix(".wav") for row in test.read_text().splitlines()]
    (corpus / "sets/eval_list.txt").write_text("\n".join(ids))
    test.unlink()
    found = musiceval.read(corpus)
    assert len(found.clips) == 60
    assert not set(found.ratings["id"]) & set(ids)


def misname(corpus, split="train"):
    old = first_row(corpus, split).split(",")[0].encode()
    path = corpus / f"sets/{split}_mos_list.txt"
    rewrite(path, lambda data: data.replace(old, b"S1_P1.wav"))


def relabel(text):
    def change(corpus):
        name, _, ta = first_row(corpus).split(",")
        row = f"{name},{text},{ta}".encode()
        rewrite(
            corpus / "sets/train_mos_list.txt",
            lambda data: data.replace(first_row(corpus).encode(), row),
        )

    return change


def append(name, source=None):
    def change(corpus):
        row = first_row(corpus, source) if source else "lonely"
        rewrite(corpus / name, lambda data: data + f"{row}\n".encode())

    return change


def half_rating(corpus):
    path = corpus / "person_mos/train_person_mos.txt"
    name, rater, *_ = path.read_text().split("\n")[0].split(",")
    rewrite(path, lambda data: data + f"{name},{rater},3.5,3\n".encode())


def other_label_in_total(corpus):
    name = first_row(corpus, "total").split(",")[0]
    rewrite(
        corpus / "sets/total_mos_list.txt",
        lambda data: f"{name},1.0,1.0\n".encode() + data.split(b"\n", 1)[1],
    )


def no_prompts(corpus):
    (corpus / "prompt_info.txt").unlink()


def no_lists(corpus):
    for path in (corpus / "sets").iterdir():
        path.unlink()


def truncated(corpus):
    rewrite(a_listed_wav(corpus), lambda data: data[: len(data) // 2])


FATAL = {
    "malformed id": (misname, "train_mos_list.txt, row 1", "name it [prefix-]Sxxx_Pxxx.wav"),
    "label out of range": (relabel("7"), "train_mos_list.txt, row 1", "'7'; it must be"),
    "label out of range ": (relabel("nan"), "train_mos_list.txt, row 1", "'nan'"),
    "label out of range  ": (half_rating, "train_person_mos.txt, row", "one of 1, 2, 3, 4, 5"),
    "malformed row": (append("sets/dev_mos_list.txt"), "dev_mos_list.txt, row", "'lonely'"),
    "duplicate id": (append("sets/dev_mos_list.txt", "dev"), "dev_mos_list.txt", "row 1"),
    "split overlap": (append("sets/test_mos_list.txt", "train"), "test_mos_list", "train_mos_list"),
    "two labels": (other_label_in_total, "total_mos_list.txt, row 1", "make them one"),
    "missing prompt": (no_prompts, "prompt_info.txt", "add it to demo_prompt_info.txt"),
    "missing wav": (lambda corpus: a_listed_wav(corpus).unlink(), "_mos_list.txt, row", "wav/"),
    "no list": (no_lists, "sets", "eval_list.txt"),
    "unusable audio": (truncated, "wav/", "cut short"),
    "unusable audio ": (
        lambda corpus: a_listed_wav(corpus).write_bytes(b"not audio"),
        "wav/",
        "put a whole file there",
    ),
    "unusable audio  ": (lambda corpus: write_wav(a_listed_wav(corpus), []), "wav/", "no samples"),
    "unusable audio   ": (
        lambda corpus: write_wav(a_listed_wav(corpus), np.zeros(1600)),
        "wav/",
        "take it out of the lists",
    ),
    "unusable audio    ": (
        lambda corpus: write_wav(a_listed_wav(corpus), [np.nan] * 1600, "FLOAT"),
        "wav/",
        "NaN",
    ),
    "not UTF-8": (
        lambda corpus: rewrite(corpus / "prompt_info.txt", lambda data: data + b"\xff\xfe"),
        "prompt_info.txt",
        "save it as UTF-8",
    ),
}


@pytest.mark.parametrize("kind", FATAL)
def test_what_would_teach_something_false_ends_in_one_error(corpus, kind):
    damage, place, remedy = FATAL[kind]
    damage(corpus)
    with pytest.raises(ValueError, match=kind.strip()) as error:
        musiceval.read(corpus)
    [line, *_] = [line for line in str(error.value).split("\n") if kind.strip() in line]
    assert place in line
    assert remedy in line


def test_everything_that_is_wrong_is_told_at_once(corpus):
    truncated(corpus)
    (corpus / "wav" / first_row(corpus, "dev").split(",")[0]).unlink()
    relabel("0.5")(corpus)
    misname(corpus, "test")
    with pytest.raises(ValueError, match="must be mended first") as error:
        musiceval.read(corpus)
    for kind in ("unusable audio", "missing wav", "malformed id", "label out of range"):
        assert kind in str(error.value)


def warned(corpus):
    return [problem.kind for problem in musiceval.read(corpus).problems.warnings]


def test_a_nearly_silent_clip_is_warned_of(corpus):
    write_wav(a_listed_wav(corpus), 5e-5 * np.sin(np.arange(1600)))
    assert warned(corpus) == ["odd audio"]


def test_an_unlisted_wav_is_left_out_and_warned_of(corpus):
    write_wav(corpus / "wav/extra-S001_P099.wav", np.full(1600, 0.5))
    assert warned(corpus) == ["unlisted wav"]
    assert len(musiceval.read(corpus).clips) == 60


def test_what_macos_leaves_in_archives_is_no_wav(corpus):
    (corpus / "wav" / f"._{a_listed_wav(corpus).name}").write_bytes(b"litter")
    assert warned(corpus) == []


def test_a_label_that_is_not_the_raters_mean_is_warned_of(corpus):
    (corpus / "sets/total_mos_list.txt").unlink()
    relabel("1.0")(corpus)
    assert "label is not the mean" in warned(corpus)


@pytest.mark.parametrize("basis", [("train",), ("train", "dev"), ("train", "dev", "test")])
def test_it_is_told_which_clips_a_table_of_system_means_was_made_from(corpus, basis):
    for path in (corpus / "system_mos").iterdir():
        path.unlink()
    ratings = musiceval.read(corpus).ratings
    part = ratings[ratings["split"].isin(basis)]
    means = part.groupby(part["id"].str.extract(r"(S\d{3})_", expand=False))[["omq", "ta"]].mean()
    means.round(4).to_csv(corpus / "system_mos/system_mos_total.csv", header=False)
    found = musiceval.read(corpus)
    assert found.systems == {"system_mos_total.csv": "+".join(basis)}
    assert found.problems.found == []


def test_a_table_of_system_means_that_is_none_is_warned_of(corpus):
    path = corpus / "system_mos/system_mos_dev.csv"
    path.write_text("".join(f"{row.split(',')[0]},1.0,1.0\n" for row in path.read_text().split()))
    assert warned(corpus) == ["system means differ"]
    assert musiceval.read(corpus).systems["system_mos_dev.csv"] is None


def test_a_header_in_a_table_of_system_means_is_no_error(corpus):
    path = corpus / "system_mos/system_mos_train.csv"
    path.write_text("system,overall,textual\n" + path.read_text())
    found = musiceval.read(corpus)
    assert found.systems["system_mos_train.csv"] == "train"
    assert found.problems.found == []


def test_many_problems_of_one_kind_are_cut_short_with_their_count(corpus):
    for path in (corpus / "wav").glob("*.wav"):
        path.unlink()
    with pytest.raises(ValueError, match="missing wav: 40 more, 60 in all"):
        musiceval.read(corpus)


def test_warnings_are_told_as_lines(corpus):
    write_wav(corpus / "wav/extra-S001_P099.wav", np.full(1600, 0.5))
    [line] = report(musiceval.read(corpus).problems.warnings)
    assert line.strip().startswith("wav/extra-S001_P099.wav: unlisted wav: in no list; it is left")


def test_any_layout_may_have_preferences_of_its_own_clips_and_no_others(corpus):
    ids = musiceval.read(corpus).ratings["id"]
    (corpus / "pairs.csv").write_text(f"a,b,preferred,axis,rater\n{ids[0]},{ids[1]},a,omq,\n")
    assert len(musiceval.read(corpus).ratings) == len(ids)
    (corpus / "pairs.csv").write_text(f"a,b,preferred,axis,rater\n{ids[0]},S999_P999,a,omq,\n")
    with pytest.raises(ValueError, match="S999_P999 is in no split"):
        musiceval.read(corpus)
