import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.scoring.requests import (
    Request,
    is_clip,
    named,
    read_lines,
    read_sources,
    read_table,
    system_of,
)

NAMES = st.sampled_from(["a", "b", "a/x", "b/x", "x"])


def _ids(*paths):
    return [request.id for request in named(Request("", Path(path)) for path in paths)]


def test_a_clip_is_named_as_simply_as_can_be():
    assert _ids("in/a.wav", "in/b.wav") == ["a", "b"]
    assert _ids("in/a.wav", "out/a.wav", "b.wav") == ["in/a.wav", "out/a.wav", "b"]
    assert _ids("a.wav", "a.wav") == ["a.wav#1", "a.wav#2"]


@given(st.lists(st.tuples(NAMES, NAMES), max_size=8))
def test_every_name_is_unique(rows):
    given_ids = {index: id for id, index in {id: i for i, (id, _) in enumerate(rows)}.items()}
    requests = [
        Request(given_ids.get(index, "") if index % 2 else "", Path(f"{path}.wav"))
        for index, (_, path) in enumerate(rows)
    ]
    done = named(requests)
    assert len({request.id for request in done}) == len(rows)
    assert all(new.id == old.id for new, old in zip(done, requests, strict=True) if old.id)


def test_an_id_given_twice_is_refused():
    with pytest.raises(ValueError, match="'x' is given twice"):
        named([Request("x", Path("a.wav")), Request("x", Path("b.wav"))])


def test_a_system_is_read_from_musicevals_names_or_the_folder():
    assert system_of(Path("in/audiomos2025-track1-S013_P007.wav")) == "S013"
    assert system_of(Path("top/jukebox/1/a.wav"), Path("top")) == "jukebox"
    assert system_of(Path("top/a.wav"), Path("top")) is None
    assert system_of(Path("jukebox/a.wav")) is None


@given(st.lists(NAMES, max_size=12), st.sampled_from(["wav", "\udce9.wav"]))
def test_lines_that_come_one_by_one_get_names_of_their_own_too(paths, suffix):
    lines = [json.dumps({"path": f"{path}.{suffix}"}) for path in paths]
    ids = [request.id for request in read_lines(lines)]
    assert len(set(ids)) == len(paths)
    assert all(id.encode() for id in ids)


def test_an_id_that_comes_again_ends_the_lines():
    lines = read_lines(['{"path": "a.wav", "id": "x"}', '{"path": "b.wav", "id": "x"}'])
    assert next(lines).id == "x"
    with pytest.raises(ValueError, match="line 2: ids must be unique, but 'x' is given twice"):
        next(lines)


def test_a_name_that_reads_as_nothing_is_no_id():
    assert _ids("in/NA.wav", "nan.wav") == ["in/NA.wav", "nan.wav"]


def _read(path, text, **given):
    path.write_text(text, encoding="utf-8")
    return read_table(path, given)


def test_all_three_forms_say_the_same(tmp_path):
    rows = [
        ("x", "a.wav", 'a "calm", slow\nwaltz'),
        ("y", "b.wav", "Ünïcode 🎵"),
        ("z", "c.wav", ""),
    ]
    quoted = ['"' + prompt.replace('"', '""') + '"' for *_, prompt in rows]
    csv = "".join(f"{row[0]},{row[1]},{q}\r\n" for row, q in zip(rows, quoted, strict=True))
    tsv = csv.replace(",a.wav,", "\ta.wav\t").replace(",b.wav,", "\tb.wav\t")
    lines = [json.dumps(dict(zip(["id", "path", "prompt"], row, strict=True))) for row in rows]
    read = [
        _read(tmp_path / "l.csv", "id,path,prompt\r\n" + csv),
        _read(tmp_path / "l.tsv", "id\tpath\tprompt\n" + tsv.replace(",c.wav,", "\tc.wav\t")),
        _read(tmp_path / "l.jsonl", "\n\n".join(lines)),
    ]
    for requests in read:
        got = [(request.id, request.path.name, request.prompt) for request in requests]
        assert [(id, name) for id, name, _ in got] == [row[:2] for row in rows]
        assert got[1][2] == rows[1][2]
        assert got[2][2] is None
        assert got[0][2].replace("\r\n", "\n") == rows[0][2]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    (request,) = _read(tmp_path / "l.csv", "\ufeffpath,prompt\na.wav,waltz\n")
    assert request.prompt == "waltz"


def test_a_list_made_on_windows_finds_its_clips(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.wav").touch()
    (request,) = _read(tmp_path / "l.csv", "path,prompt\nout\\a.wav,waltz\n")
    assert request.path == tmp_path / "out/a.wav"


def test_two_columns_that_could_be_meant_are_told_apart_by_the_user(tmp_path):
    text = "path,text,caption\na.wav,one,two\n"
    with pytest.raises(ValueError, match="'text' and 'caption' could each be the prompt"):
        _read(tmp_path / "l.csv", text)
    (request,) = _read(tmp_path / "l.csv", text, prompt="caption")
    assert request.prompt == "two"


def test_paths_are_looked_for_beside_the_list_then_where_the_user_stands(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    for path in ["lists/beside.wav", "beside.wav", "here.wav"]:
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path)
    text = f"path\nbeside.wav\nhere.wav\nnowhere.wav\n{tmp_path}/here.wav\n"
    requests = _read(tmp_path / "lists/l.csv", text)
    found = [str(request.path) for request in requests]
    lists = tmp_path / "lists"
    expected = [lists / "beside.wav", "here.wav", lists / "nowhere.wav", tmp_path / "here.wav"]
    assert found == [str(path) for path in expected]


def test_all_wrong_lines_are_told_at_once_and_not_without_end(tmp_path):
    text = "id,path\n" + "x,a.wav\n" * 2 + "y,\n" * 50
    with pytest.raises(ValueError, match=r"has 51 problem\(s\)") as error:
        _read(tmp_path / "l.csv", text)
    assert "line 3: id 'x' stands on line 2 already" in str(error.value)
    assert "line 4: no path" in str(error.value)
    assert "and 31 more" in str(error.value)


def test_lines_are_read_as_they_come():
    def lines():
        yield '{"audio": "a.wav", "text": "waltz"}\n'
        yield "\n"
        raise AssertionError("read ahead")

    requests = read_lines(lines())
    first = next(requests)
    assert (first.id, str(first.path), first.prompt) == ("a", "a.wav", "waltz")


def test_a_wrong_line_of_a_stream_is_told_by_number():
    requests = read_lines(['{"path": "a.wav"}', "", "[]"])
    assert next(requests).id == "a"
    with pytest.raises(ValueError, match="standard input, line 3: must be an object"):
        next(requests)


@pytest.fixture
def folder(tmp_path):
    for name in ["b.wav", "a.flac", "jukebox/c.MP3", "notes.md", "jukebox/d.ogg"]:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "in/a.txt").write_text("\ufeffa waltz\n", encoding="utf-8")
    (tmp_path / "in/b.txt").write_text(" \n")
    return tmp_path / "in"


def _say(requests):
    return [(request.id, request.prompt, request.system) for request in requests]


def test_a_folder_is_every_clip_below_it_with_the_text_beside(folder):
    assert _say(read_sources([str(folder)])) == [
        ("a", "a waltz", None),
        ("b", None, None),
        ("c", None, "jukebox"),
        ("d", None, "jukebox"),
    ]


def test_a_table_in_the_folder_takes_its_place(folder):
    (folder / "metadata.csv").write_text("file_name,text\nb.wav,polka\njukebox/d.ogg,\n")
    assert _say(read_sources([str(folder)], prompt="any")) == [
        ("b", "polka", None),
        ("d", "any", None),
    ]
    (folder / "prompts.jsonl").touch()
    with pytest.raises(ValueError, match=r"metadata\.csv and prompts\.jsonl"):
        read_sources([str(folder)])


def test_a_given_prompt_replaces_the_text_beside_a_clip(folder):
    assert _say(read_sources([str(folder / "a.flac")], prompt="any"))[0][1] == "any"


def test_a_pattern_and_several_sources_are_one_job(folder):
    requests = read_sources([str(folder / "**/[cd].*"), str(folder / "b.wav")])
    assert [request.id for request in requests] == ["c", "d", "b"]


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    (tmp_path / "take[1].wav").touch()
    (request,) = read_sources([str(tmp_path / "take[1].wav")])
    assert request.id == "take[1]"


def test_only_a_file_that_is_no_list_is_a_clip(folder):
    (folder / "l.csv").touch()
    assert is_clip(str(folder / "a.flac"))
    assert not any(map(is_clip, [str(folder), str(folder / "l.csv"), str(folder / "*.wav")]))


def test_a_text_beside_a_clip_must_be_text(folder):
    (folder / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"a\.txt is not UTF-8"):
        read_sources([str(folder)])
