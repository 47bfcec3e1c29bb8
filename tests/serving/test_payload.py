import base64

import pytest

from whisq.serving import payload
from whisq.serving.payload import audio_root, clip_of

SOUND = bytes(range(256)) * 40


def test_a_path_is_taken_below_the_root(tmp_path):
    (tmp_path / "in").mkdir()
    assert clip_of({"audio": "in/a.wav"}, tmp_path) == (str(tmp_path / "in/a.wav"), None)
    absolute = str(tmp_path / "in/../a.wav")
    assert clip_of({"audio": absolute, "prompt": "waltz"}, tmp_path)[0] == str(tmp_path / "a.wav")


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.wav", "in/../../a.wav", "a\0.wav", "out"])
def test_no_path_leads_out_of_the_root(path, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path / "a.wav")
    with pytest.raises(ValueError, match="outside the folder"):
        clip_of({"audio": path}, root)


def test_base64_is_told_from_a_path_by_its_form(tmp_path):
    encoded = base64.b64encode(SOUND).decode()
    short = base64.b64encode(SOUND[:9]).decode()
    assert clip_of({"audio": encoded}, tmp_path)[0] == SOUND
    assert clip_of({"audio": f"data:audio/wav;base64,{short}"}, tmp_path)[0] == SOUND[:9]
    assert clip_of({"audio": short}, tmp_path)[0] == str(tmp_path / short)


def test_a_clip_may_be_as_large_as_the_bound_and_no_larger(tmp_path, monkeypatch):
    monkeypatch.setattr(payload, "BYTES", len(SOUND))
    assert clip_of({"audio": base64.b64encode(SOUND).decode()}, tmp_path)[0] == SOUND
    with pytest.raises(ValueError, match="MB at most"):
        clip_of({"audio": base64.b64encode(SOUND + bytes(9)).decode()}, tmp_path)


@pytest.mark.parametrize("prompt", [None, float("nan"), "nan", "None", "N/A", " "])
def test_a_missing_prompt_in_any_form_is_none(prompt, tmp_path):
    assert clip_of({"audio": "a.wav", "prompt": prompt}, tmp_path)[1] is None


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"audio": "a.wav", "promt": "waltz"}, "unknown field 'promt'"),
        ({"audio": None}, "path or base64"),
        ({"audio": ""}, "path or base64"),
        ({"prompt": "waltz"}, "path or base64"),
        ({"audio": "data:;base64,a!"}, "must be base64"),
        ({"audio": "!" * 5000}, "must be base64"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason(row, wanted, tmp_path):
    with pytest.raises(ValueError, match=wanted):
        clip_of(row, tmp_path)


def test_the_root_is_the_working_directory_unless_named(tmp_path, monkeypatch):
    monkeypatch.delenv(payload.ROOT, raising=False)
    monkeypatch.chdir(tmp_path)
    assert audio_root() == tmp_path
    monkeypatch.setenv(payload.ROOT, "/")
    assert str(audio_root()) == "/"
