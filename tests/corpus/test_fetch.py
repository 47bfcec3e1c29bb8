import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from whisq.corpus import download, musiceval
from whisq.corpus.card import read_card, write_card
from whisq.corpus.download import locate
from whisq.corpus.fetch import Source, fetch, holds, obtain

HUB = "hf://datasets/someone/MusicEval/deep/MusicEval-full.zip@main"


def source(road, web):
    return HUB if road == "hub" else f"{web.url}/files/MusicEval-full.zip"


roads = pytest.mark.parametrize("road", ["hub", "https"])


def get(source, into, sha256=None):
    fetch(Source(source=source, sha256=sha256), into)


def gets(web):
    return [
        span
        for method, path, span in web.asked
        if method == "GET" and path.endswith(".zip") and "datasets" not in path
    ]


@roads
def test_a_zip_is_fetched_once_and_then_kept(served, road, raw, archive):
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    for _ in range(2):
        get(source(road, served), raw, digest)
        assert len(musiceval.read(raw).clips) == 60
    assert len(gets(served)) == 1


@roads
def test_killed_at_half_it_goes_on_from_there(served, road, raw, archive):
    served.stall_at = len(served.files[archive.name]) // 2
    asked = f"fetch(Source(source={source(road, served)!r}), {str(raw)!r})"
    code = f"from whisq.corpus.fetch import Source, fetch; {asked}"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert served.stalled.wait(60)
    parts = Path(os.environ["WHISQ_CACHE"]) / "downloads"
    while not any(path.stat().st_size >= 10 * 2**20 for path in parts.rglob("*.part")):
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not raw.exists()
    served.stall_at = None
    served.go_on.set()
    get(source(road, served), raw, hashlib.sha256(archive.read_bytes()).hexdigest())
    assert len(musiceval.read(raw).clips) == 60
    start = int(gets(served)[-1][6:-1])
    assert 10 * 2**20 <= start < len(archive.read_bytes())


@roads
def test_a_dropped_connection_is_taken_up_again_in_one_run(served, road, raw, archive):
    served.drop_at = len(served.files[archive.name]) // 2
    get(source(road, served), raw, hashlib.sha256(archive.read_bytes()).hexdigest())
    first, second = gets(served)
    assert first is None
    assert int(second[6:-1]) > 0
    assert len(musiceval.read(raw).clips) == 60


@roads
def test_a_reset_connection_is_taken_up_again_in_one_run(served, road, raw, archive):
    # What was on its way is lost with it, and that may be all.
    served.reset_at = len(served.files[archive.name]) // 2
    get(source(road, served), raw, hashlib.sha256(archive.read_bytes()).hexdigest())
    assert len(gets(served)) == 2
    assert len(musiceval.read(raw).clips) == 60


def refused(told, road, served, raw, sha256=None, kind=OSError):
    with pytest.raises(kind, match=told) as error:
        get(source(road, served), raw, sha256)
    assert not raw.exists()
    assert not raw.parent.exists() or list(raw.parent.iterdir()) == []
    return str(error.value)


@roads
def test_a_wrong_checksum_has_its_own_error(served, road, raw):
    text = refused("must have the SHA-256 aaaa", road, served, raw, "a" * 64, ValueError)
    assert "delete it and get it again, or mend the parameter" in text


@roads
def test_a_file_that_is_not_there_has_its_own_error(served, road, raw):
    served.files.clear()
    text = refused(r"no such file or revision \(404\); mend it", road, served, raw)
    assert "aishelltech" in text


@roads
def test_a_closed_file_has_its_own_error(served, road, raw, archive):
    served.refuse[archive.name] = 401
    told = {"hub": r"must exist, but without a log-in", "https": r"asks for permission \(401\)"}
    refused(told[road], road, served, raw)


@roads
def test_a_truncated_zip_has_its_own_error(served, road, raw, archive):
    served.files[archive.name] = served.files[archive.name][:-1000]
    refused("damaged or cut short", road, served, raw, kind=ValueError)


@roads
def test_a_server_in_trouble_has_its_own_error(served, road, raw, archive):
    served.refuse[archive.name] = 507
    refused("the server says 507; try again later", road, served, raw)


def test_what_comes_with_another_checksum_than_the_hub_tells_is_thrown_away(
    served, raw, archive, monkeypatch
):
    monkeypatch.setitem(served.told, archive.name, "b" * 64)
    refused("came damaged: its SHA-256 is not bbbb", "hub", served, raw)
    del served.told[archive.name]
    get(HUB, raw)
    assert gets(served)[-1] is None


def test_without_a_network_the_error_says_where_to_get_it_and_where_to_put_it(
    monkeypatch, tmp_path, raw
):
    monkeypatch.setenv("WHISQ_CACHE", str(tmp_path / "cache"))
    with pytest.raises(OSError, match="could not be reached") as error:
        get("http://127.0.0.1:9/MusicEval-full.zip", raw)
    assert "https://www.aishelltech.com/AISHELL_7A" in str(error.value)
    assert "-S corpus.musiceval.source=" in str(error.value)
    assert not raw.exists()


def test_without_a_network_what_was_fetched_before_is_used(served, raw, monkeypatch):
    address = source("https", served)
    get(address, raw)
    monkeypatch.setattr(
        "whisq.corpus.download.locate", lambda _: (_ for _ in ()).throw(ConnectionError("no net"))
    )
    get(address, raw)
    assert len(gets(served)) == 1


def test_a_new_version_is_not_joined_to_a_part_of_the_old_one(served, raw, archive, tmp_path):
    address = source("https", served)
    get(address, raw)
    [whole] = [path for path in (tmp_path / "cache").rglob("*.zip")]
    whole.rename(whole.with_name(whole.name + ".part"))
    other = zipfile.ZipFile(archive, "a")
    with other:
        other.writestr("new.txt", "new")
    served.files[archive.name] = archive.read_bytes()
    get(address, raw)
    assert gets(served)[-1] is None
    assert len(musiceval.read(raw).clips) == 60


def test_a_file_that_is_replaced_meanwhile_comes_whole_and_not_as_the_rest_of_another(
    served, raw, archive, monkeypatch
):
    address, old = source("https", served), archive.read_bytes()
    found = locate(address)
    with zipfile.ZipFile(archive, "a") as other:
        other.writestr("new.txt", "new")
    served.files[archive.name] = archive.read_bytes()
    part = raw.parent / "x.zip.part"
    raw.parent.mkdir()
    part.write_bytes(old[: len(old) // 2])
    download._continue(found, part, len(old) // 2)
    assert part.read_bytes() == archive.read_bytes()


def test_a_local_zip_and_a_local_folder_give_the_same(archive, corpus, tmp_path):
    get(str(archive), tmp_path / "a/raw")
    corpus = corpus.rename(archive.parent / "user")
    get(str(corpus), tmp_path / "b/raw")
    first, second = (musiceval.read(tmp_path / name / "raw") for name in "ab")
    assert first.clips.equals(second.clips)
    assert first.ratings.equals(second.ratings)


def test_a_relative_path_may_count_from_the_project(archive, raw, monkeypatch, tmp_path):
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    get(archive.name, raw)
    assert raw.exists()


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ("/no/such/MusicEval.zip", OSError, "there is no /no/such/MusicEval.zip"),
        (
            "s3://someone/MusicEval.zip",
            ValueError,
            "(?s)can't be 's3:.*its folder or zip, https://",
        ),
        ("hf://someone/MusicEval", ValueError, "must be hf://datasets/<owner>/<name>/<file>@"),
    ],
)
def test_a_source_that_is_none_is_told(given, kind, told, raw):
    with pytest.raises(kind, match=told):
        get(given, raw)


@pytest.mark.parametrize("place", [".", "..", "wav"])
def test_a_source_that_the_corpus_would_replace_is_refused(place, corpus):
    with pytest.raises(ValueError, match=r"must lie apart from .*which is replaced"):
        get(str(corpus / place), corpus)
    assert len(musiceval.read(corpus).clips) == 60


def test_a_source_is_looked_into_before_anything_is_written(archive, raw):
    assert obtain(Source(source=str(archive)), raw).path == archive
    assert not raw.parent.exists()
    with pytest.raises(ValueError, match="must hold one folder with wav/ and sets/"):
        obtain(
            Source(source=str(shutil.copytree(archive.parent / "raw/wav", archive.parent / "x"))),
            raw,
        )


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(archive, raw, monkeypatch):
    usage = shutil.disk_usage(raw.parents[1])._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"kB in .*raw must have room, but 1 kB are free there"):
        get(str(archive), raw)
    assert not raw.parent.exists()


def test_a_folder_tells_where_its_corpus_came_from(corpus, raw):
    assert not holds(raw, Source(source=str(corpus)))
    get(str(corpus), raw)
    assert holds(raw, Source(source=str(corpus)))
    assert not holds(raw, Source())


def test_a_checksum_of_a_folder_is_an_error(corpus, raw):
    with pytest.raises(ValueError, match="of an archive"):
        get(str(corpus), raw, "a" * 64)


def test_a_corpus_is_not_called_musiceval_for_its_form(corpus, raw, capsys):
    (corpus / "CORPUS.json").unlink()
    write_card(corpus, "MusicEval")
    get(str(corpus), raw)
    assert read_card(raw)["name"] == "corpus in MusicEval's layout"
    assert "not its labels" in capsys.readouterr().out


def test_a_corpus_with_a_name_of_its_own_keeps_it(corpus, raw):
    get(str(corpus), raw)
    assert read_card(raw)["name"] == "rehearsal corpus"


def test_musicevals_own_labels_are_known_and_its_licence_told_once(real_lists, corpus, raw, capsys):
    (corpus / "CORPUS.json").unlink()
    for path in (corpus / "sets").iterdir():
        path.write_bytes((real_lists / path.name).read_bytes())
    get(str(corpus), raw)
    assert read_card(raw)["name"] == "MusicEval"
    assert capsys.readouterr().out.count("CC BY-NC 4.0") == 1
