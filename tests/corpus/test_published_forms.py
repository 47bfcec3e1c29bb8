"""Made-up files in the forms that others publish their ratings in; see docs/corpora.md."""

import json
from pathlib import Path

import pytest
import soundfile

from whisq.corpus.musiceval import read
from whisq.corpus.preferences import read_preferences
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


@pytest.mark.parametrize(
    "rows",
    [
        [
            "a,b,preferred,axis,prompt",
            "x/1.wav,x/2.wav,a,omq,a waltz",
            "x/1.wav,x/2.wav,b,ta,a waltz",
        ],
        ["a,b,preferred,prompt", "17,204,17,rock; guitar; loud", "17,301,b,rock; guitar; loud"],
        ["a,b,preferred,rater", "1-a,1-b,tie,u1", "2-a,2-b,a,u2"],
    ],
    ids=["CMI-Pref", "AIME", "Music Arena"],
)
def test_preferences_are_read_in_the_form_that_is_told(tmp_path, rows):
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    votes = read_preferences(tmp_path / "pairs.csv")
    assert len(votes) == 2
    assert set(votes["vote"]) <= {-1, 0, 1}


@pytest.mark.parametrize(
    "name", ["MusicEval", "PAM", "SongEval", "CMI-Pref", "MusicPrefs", "AIME", "Music Arena"]
)
def test_each_set_stands_in_the_document(name):
    text = (ROOT / "docs/corpora.md").read_text()
    assert f"| [{name}](" in text
