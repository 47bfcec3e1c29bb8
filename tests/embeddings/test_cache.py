import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from whisq.embeddings.cache import Cache, default_root
from whisq.embeddings.files import UNFINISHED, digest_of, sweep, write_whole


def test_what_is_kept_comes_back(cache, states):
    kept = states(layers=2)
    cache.write("ab12", kept)
    assert "ab12" in cache
    np.testing.assert_array_equal(cache.read("ab12"), kept)


def test_what_is_not_kept_is_none(cache):
    assert "ab12" not in cache
    assert cache.read("ab12") is None


@pytest.mark.parametrize("change", ["flip", "cut", "empty"])
def test_a_torn_or_altered_output_is_found_told_and_removed(cache, states, change, capsys):
    cache.write("ab12", states())
    data = bytearray(cache.path("ab12").read_bytes())
    data[-3] ^= 1
    altered = {"flip": data, "cut": data[:-5], "empty": b""}[change]
    cache.path("ab12").write_bytes(altered)
    assert cache.read("ab12") is None
    assert "ab12" not in cache
    assert "torn or altered" in capsys.readouterr().err


def test_an_output_under_another_name_is_not_taken(cache, states):
    cache.write("ab12", states())
    os.replace(cache.path("ab12"), cache.path("abff"))
    assert cache.read("abff") is None


@pytest.mark.parametrize(
    "other",
    [
        {"spec": {"model": "none", "revision": "v2"}},
        {"weights": "another hash"},
        {"preprocessing": 2},
    ],
)
def test_whatever_decides_the_numbers_has_a_cache_of_its_own(own_cache, cache, other):
    about = {"kind": "audio", "spec": {"model": "none"}}
    assert Cache(about, own_cache).folder == cache.folder
    assert Cache(about | other, own_cache).folder != cache.folder


def test_the_user_chooses_where_caches_are_kept(monkeypatch):
    monkeypatch.setenv("WHISQ_CACHE", "/somewhere")
    assert default_root() == Path("/somewhere")
    monkeypatch.delenv("WHISQ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_root() == Path("/caches/whisq")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_root() == Path.home() / ".cache" / "whisq"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_what_a_killed_process_left_is_swept(tmp_path):
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / f"{UNFINISHED}x").write_bytes(b"half")
    (tmp_path / "ab" / "whole").write_bytes(b"all")
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "ab").iterdir()] == ["whole"]


def test_two_processes_do_not_fill_one_cache_at_once(cache):
    code = (
        "import sys; from pathlib import Path; from whisq.embeddings.cache import Cache\n"
        "with Cache({'kind': 'audio', 'spec': {'model': 'none'}}, Path(sys.argv[1])).alone():\n"
        "    print('mine')"
    )
    command = [sys.executable, "-c", code, str(cache.folder.parent)]
    with cache.alone():
        other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "waiting for another process" in other.stderr.readline()
        assert other.poll() is None
    out, _ = other.communicate(timeout=60)
    assert out == "mine\n"


def test_a_digest_tells_contents_apart():
    assert digest_of("text", "a") != digest_of("text", "b")
    assert digest_of("ab") == digest_of(b"ab")


def test_what_is_known_of_an_encoder_is_kept(cache):
    assert cache.noted() is None
    cache.note((2, 6), 512)
    assert cache.noted() == {"layers": [2, 6], "dim": 512}
