import json

import pytest

from whisq.scoring.requests import read_lines, read_table


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
