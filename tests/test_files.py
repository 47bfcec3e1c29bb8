import os
from pathlib import Path

import pytest

from whisq.files import (
    UNFINISHED,
    cache_folder,
    digest_of,
    file_digest,
    link_or_copy,
    sweep,
    whole,
    write_whole,
)


def test_a_digest_tells_contents_apart():
    assert digest_of("text", "a") != digest_of("text", "b")
    assert digest_of("ab") == digest_of(b"ab") == digest_of("a", "b")


def test_a_file_has_the_digest_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"ab" * 100_000)
    assert file_digest(tmp_path / "a") == digest_of(b"ab" * 100_000)


def test_a_file_is_there_when_it_is_whole_and_not_before(tmp_path):
    path = tmp_path / "new" / "a"
    with whole(path) as unfinished:
        unfinished.write_bytes(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert [*path.parent.iterdir()] == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a", b"old")

    def fail():
        with whole(tmp_path / "a") as unfinished:
            unfinished.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [tmp_path / "a"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_second_name_costs_no_disk_and_keeps_what_it_held(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write_whole(one, b"first")
    two.write_bytes(b"in the way")
    link_or_copy(one, two)
    assert two.samefile(one)
    write_whole(one, b"second")
    assert two.read_bytes() == b"first"


def test_on_another_disk_a_copy_is_made(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    write_whole(tmp_path / "one", b"first")
    link_or_copy(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == b"first"
    assert not (tmp_path / "two").samefile(tmp_path / "one")


def test_what_a_killed_process_left_is_swept(tmp_path):
    write_whole(tmp_path / "ab" / "whole", b"all")
    (tmp_path / "ab" / f"{UNFINISHED}x").write_bytes(b"half")
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "ab").iterdir()] == ["whole"]


def test_the_user_chooses_where_the_cache_is(monkeypatch):
    monkeypatch.setenv("WHISQ_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("WHISQ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/whisq")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "whisq"
