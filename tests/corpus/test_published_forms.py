"""Made-up files in the forms that others publish their ratings in; see docs/corpora.md."""

import json
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from whisq.corpus.clips import read_pairs
from whisq.corpus.musiceval import read
from whisq.corpus.rated_table import Columns, RatedTable, lay_out

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clips(tmp_path, sound):
    (tmp_path / "mp3").mkdir()
    for at in range(6):
        soundfile.write(tmp_path / f"mp3/{at}.mp3", sound(0.3, at), 16_000)
    return tmp_path


def corpus_of(folder, **choices):
    lay_out(RatedTable(**choices), folder / "data/raw")
    return read(folder / "data/raw")


def test_pam_rates_both_axes_by_columns_of_its_own(clips):
    rows = [f"mp3/{at}.mp3,tune {at % 3},model {at % 2},{60 + at},{40 + at}" for at in range(6)]
    (clips / "pam.csv").write_text("\n".join(["path,prompt,model,OVL,REL", *rows]))
    named = Columns(omq="OVL", ta="REL")
    corpus = corpus_of(clips, path=str(clips / "pam.csv"), columns=named, scale="0-100")
    assert corpus.ratings["omq"].between(3.4, 3.6).all()
    assert corpus.ratings["ta"].between(2.6, 2.8).all()
    assert corpus.clips["system"].nunique() == 2


def test_songeval_rates_quality_of_songs_without_prompts(clips):
    kinds = {"Coherence": 3.5, "Musicality": 4.25, "Memorability": 2.0}
    rows = [json.dumps({"file_name": f"mp3/{at}.mp3", **kinds}) for at in range(6)]
    (clips / "songeval.jsonl").write_text("\n".join(rows))
    named = Columns(omq="Musicality")
    path = str(clips / "songeval.jsonl")
    corpus = corpus_of(clips, path=path, columns=named, protocol="clips")
    assert corpus.ratings["omq"].tolist() == [4.25] * 6
    assert corpus.ratings["ta"].isna().all()


def test_a_listening_test_has_a_row_a_rating(clips):
    rows = [f"{at}.mp3,tune {at},{rater},{3 + rater},5" for at in range(6) for rater in range(3)]
    (clips / "test.csv").write_text("\n".join(["clip,text,listener,mos,alignment", *rows]))
    path, audio = str(clips / "test.csv"), str(clips / "mp3")
    corpus = corpus_of(clips, path=path, audio=audio, scale="1-7")
    assert len(corpus.ratings) == 6
    assert corpus.ratings["omq"].tolist() == pytest.approx([3.0] * 6)


def written(folder, name, rows):
    (folder / name).write_text("\n".join(rows) + "\n")
    return str(folder / name)


def words_of(folder):
    """The corpus's preferences by the paths that its clips had."""
    named = pd.read_csv(folder / "data/raw/names.csv").set_index("id")["path"]
    words = read_pairs(folder / "data/raw")
    ends = (words[end].map(named) for end in ("a", "b"))
    return list(zip(*ends, words["vote"], words["axis"], strict=True))


def test_cmi_pref_names_its_clips_in_its_pairs_and_rates_none(clips):
    rows = [
        f"mp3/{2 * at}.mp3,mp3/{2 * at + 1}.mp3,{word},{axis},tune {at},model x,model y"
        for at in range(3)
        for axis, word in (("quality", "a"), ("alignment", "b"))
    ]
    head = "a,b,preferred,axis,prompt,model_a,model_b"
    corpus = corpus_of(clips, pairs=written(clips, "cmi.csv", [head, *rows]))
    assert len(corpus.ratings) == 6
    assert corpus.ratings[["omq", "ta"]].isna().all(axis=None)
    assert corpus.clips["system"].nunique() == 2
    assert ("mp3/2.mp3", "mp3/3.mp3", 1, "omq") in words_of(clips)
    assert ("mp3/2.mp3", "mp3/3.mp3", -1, "ta") in words_of(clips)
    by_prompt = corpus.clips.merge(corpus.ratings, on="id").groupby("prompt")["split"]
    assert (by_prompt.nunique() == 1).all()


def test_musicprefs_tells_the_winner_by_its_file(clips):
    rows = [
        f"mp3/{2 * at}.mp3,mp3/{2 * at + 1}.mp3,mp3/{2 * at + 1}.mp3,tune {at},r{at}"
        for at in range(3)
    ]
    path = written(clips, "prefs.csv", ["clip_a,clip_b,winner,prompt,annotator", *rows])
    corpus_of(clips, pairs=path)
    assert [vote for _, _, vote, _ in words_of(clips)] == [-1, -1, -1]


def test_aime_names_songs_of_another_table_by_their_ids(clips):
    songs = [f"{at + 17},mp3/{at}.mp3,rock; guitar {at % 3},model {at % 2}" for at in range(6)]
    listed = written(clips, "songs.csv", ["id,path,description,model", *songs])
    rows = ["17,20,17,quality", "18,21,21,match", "18,21,tie,quality"]
    pairs = written(clips, "survey.csv", ["a,b,choice,axis", *rows])
    with pytest.raises(ValueError, match=r"axis must be omq or ta, .*, given 'match'"):
        corpus_of(clips, path=listed, pairs=pairs)
    written(clips, "survey.csv", ["a,b,choice,axis", *rows[::2], "18,21,21,ta"])
    corpus = corpus_of(clips, path=listed, pairs=pairs)
    assert ("mp3/1.mp3", "mp3/4.mp3", -1, "ta") in words_of(clips)
    assert ("mp3/1.mp3", "mp3/4.mp3", 0, "omq") in words_of(clips)
    # Songs that nobody compared can be scored, and teach nothing.
    assert len(corpus.ratings) == 4
    assert len(corpus.clips) == 6


def test_music_arena_votes_on_the_whole_clip_and_may_call_a_tie(clips):
    words = ["a", "tie", "b"]
    rows = [f"mp3/{2 * at}.mp3,mp3/{2 * at + 1}.mp3,{words[at]},tune {at},u{at}" for at in range(3)]
    path = written(clips, "arena.csv", ["a,b,preference,prompt,user", *rows])
    corpus_of(clips, pairs=path)
    assert [word[2:] for word in words_of(clips)] == [(1, ""), (0, ""), (-1, "")]


def test_of_clips_without_prompts_a_vote_says_nothing_of_alignment(clips):
    rows = [f"mp3/{2 * at}.mp3,mp3/{2 * at + 1}.mp3,a" for at in range(3)]
    path = written(clips, "bare.csv", ["a,b,preferred", *rows])
    corpus_of(clips, pairs=path, protocol="clips")
    assert {axis for *_, axis in words_of(clips)} == {"omq"}


def test_pairs_may_stand_beside_ratings(clips):
    rows = [f"mp3/{at}.mp3,tune {at % 3},{1 + at % 5}" for at in range(5)]
    rated = written(clips, "rated.csv", ["path,prompt,omq", *rows, "mp3/5.mp3,tune 2,"])
    pairs = written(clips, "pairs.csv", ["a,b,preferred", "2.mp3,5.mp3,b"])
    corpus = corpus_of(clips, path=rated, pairs=pairs)
    assert corpus.ratings["omq"].notna().sum() == 5
    assert len(corpus.ratings) == 6
    assert words_of(clips) == [("mp3/2.mp3", "mp3/5.mp3", -1, "")]


def test_pairs_of_clips_that_are_not_there_are_told(clips):
    rows = [f"mp3/{at}.mp3,tune {at % 3},3" for at in range(5)]
    rated = written(clips, "rated.csv", ["path,prompt,omq", *rows])
    pairs = written(clips, "pairs.csv", ["a,b,preferred", "mp3/1.mp3,mp3/9.mp3,b"])
    with pytest.raises(ValueError, match=r"names 1 clip\(s\) that the table .* lacks.*\n *mp3/9"):
        corpus_of(clips, path=rated, pairs=pairs)


def test_musiceval_has_a_layout_of_its_own(corpus):
    found = read(corpus)
    assert found.ratings[["omq", "ta"]].notna().all(axis=None)
    assert (found.ratings["raters"].str.split().str.len() > 1).all()


@pytest.mark.parametrize(
    "name", ["MusicEval", "PAM", "SongEval", "CMI-Pref", "MusicPrefs", "AIME", "Music Arena"]
)
def test_each_set_stands_in_the_document(name):
    text = (ROOT / "docs/corpora.md").read_text()
    assert f"| [{name}](" in text
