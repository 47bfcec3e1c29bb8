import os
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile

from whisq.corpus import archive, musiceval
from whisq.corpus.archive import PARTS

NOBODY = 65534


def zipped(folder, path, top="", extra=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                opened.write(file, top + file.relative_to(folder).as_posix())
        for name, data in extra:
            opened.writestr(name, data)
    return path


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("top", ["", "MusicEval-full/", "data/MusicEval-full/MusicEval-full/"])
def test_a_zip_is_unpacked_however_deep_the_corpus_lies(corpus, tmp_path, top):
    into = tmp_path / "data/raw"
    archive.extract(zipped(corpus, tmp_path / "a.zip", top), into)
    assert contents(into) == contents(corpus)


@pytest.fixture
def published(corpus, tmp_path, zip_as_published):
    (corpus / "CORPUS.json").unlink()
    return zip_as_published(corpus, tmp_path / "MusicEval-full.zip")


@pytest.mark.parametrize("top", ["MusicEval-full/", "MusicEval-full/MusicEval-full/"])
def test_the_published_archive_is_unpacked_without_what_is_no_part_of_it(
    top, corpus, tmp_path, zip_as_published
):
    archive.extract(zip_as_published(corpus, tmp_path / "a.zip", top), tmp_path / "new")
    assert contents(tmp_path / "new") == contents(corpus)


def test_its_size_is_known_before_it_is_unpacked(published, corpus):
    bytes_of = sum(map(len, contents(corpus).values()))
    assert archive.size(published) == archive.size(corpus) == bytes_of


def test_what_was_read_only_in_the_archive_is_its_owners_to_replace(published, tmp_path):
    archive.extract(published, tmp_path / "new")
    assert {
        stat.S_IMODE(path.stat().st_mode) & 0o600 for path in (tmp_path / "new").rglob("*")
    } == {0o600}


def test_a_read_only_folder_is_copied_into_one_that_is_not(corpus, tmp_path):
    modes = {path: 0o555 if path.is_dir() else 0o444 for path in corpus.rglob("*")}
    for path, mode in modes.items():
        path.chmod(mode)
    archive.extract(corpus, tmp_path / "new")
    for path in modes:
        path.chmod(0o755)
    assert all(path.stat().st_mode & 0o200 for path in (tmp_path / "new").rglob("*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_unpacks_twice_and_deletes(published, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    # Once as root, who alone may be able to read what Python loads on the way.
    code = (
        "import os, shutil, sys; from pathlib import Path; from whisq.corpus import archive\n"
        "source, new = map(Path, sys.argv[1:])\n"
        "archive.extract(source, source.with_suffix(''))\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "for _ in range(2): archive.extract(source, new)\n"
        "shutil.rmtree(new)"
    )
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    subprocess.run([sys.executable, "-c", code, published, home / "new"], check=True)
    assert list(home.iterdir()) == []


def test_litter_and_what_is_no_part_of_the_corpus_stay_behind(corpus, tmp_path):
    extra = [
        ("__MACOSX/M/wav/._a.wav", b"litter"),
        ("M/.DS_Store", b"litter"),
        ("M/wav/._audiomos2025-track1-S001_P001.wav", b"litter"),
        ("M/baseline/wav.py", b"code"),
        ("README.txt", b"words"),
    ]
    archive.extract(zipped(corpus, tmp_path / "a.zip", "M/", extra), tmp_path / "new")
    assert contents(tmp_path / "new") == contents(corpus)
    assert {path.name for path in (tmp_path / "new").iterdir()} <= set(PARTS)


def test_backslashes_of_other_systems_are_folders(corpus, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for file in corpus.rglob("*"):
            if file.is_file():
                info = zipfile.ZipInfo("M/x")
                info.filename = "M\\" + str(file.relative_to(corpus)).replace("/", "\\")
                opened.writestr(info, file.read_bytes())
    archive.extract(path, tmp_path / "new")
    assert contents(tmp_path / "new") == contents(corpus)


def test_a_wav_that_is_nearly_all_silence_is_no_bomb(corpus, tmp_path):
    [path, *_] = (corpus / "wav").glob("*.wav")
    soundfile.write(path, np.eye(1, 16_000 * 30)[0], 16_000)
    archive.extract(zipped(corpus, tmp_path / "a.zip"), tmp_path / "new")
    assert len(musiceval.read(tmp_path / "new").clips) == 60


def symlink():
    info = zipfile.ZipInfo("M/wav/link.wav")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("M/wav/../../../evil.wav", b"", "leads out of the folder"),
        ("..\\evil.wav", b"", "leads out of the folder"),
        ("/etc/evil", b"", "an absolute path"),
        ("C:\\evil", b"", "an absolute path"),
        (symlink(), b"/etc/passwd", "a symbolic link"),
        ("M/wav/bomb.wav", bytes(2 * 2**20), "bytes packed into"),
    ],
    ids=["dots", "backslash dots", "absolute", "drive", "symlink", "bomb"],
)
def test_what_could_do_harm_is_refused_by_name_before_anything_is_written(
    corpus, tmp_path, monkeypatch, name, data, reason
):
    monkeypatch.setattr(archive, "SMALL", 2**20)
    path = zipped(corpus, tmp_path / "a.zip", "M/", [(name, data)])
    with pytest.raises(ValueError, match="nothing was unpacked") as error:
        archive.extract(path, tmp_path / "data/raw")
    shown = name.filename if isinstance(name, zipfile.ZipInfo) else name
    assert f"{shown!r}: " in str(error.value)
    assert reason in str(error.value)
    assert not (tmp_path / "data").exists() or list((tmp_path / "data").iterdir()) == []


def test_many_entries_that_are_a_bomb_together_are_refused(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "SMALL", 2**20)
    extra = [(f"M/wav/{n}.wav", bytes(2**20)) for n in range(100)]
    with pytest.raises(ValueError, match="all entries together"):
        archive.extract(zipped(corpus, tmp_path / "a.zip", "M/", extra), tmp_path / "new")


def test_a_damaged_archive_leaves_the_old_corpus_as_it_was(corpus, tmp_path):
    path = zipped(corpus, tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[5000:6000] = bytes(1000)
    path.write_bytes(data)
    old = tmp_path / "data/raw"
    old.mkdir(parents=True)
    (old / "kept.txt").write_text("old")
    with pytest.raises(ValueError, match="damaged or cut short"):
        archive.extract(path, old)
    assert contents(tmp_path / "data") == {(old / "kept.txt").relative_to(old.parent): b"old"}


def test_a_new_corpus_replaces_the_old_one_and_what_a_killed_try_left(corpus, tmp_path):
    data = tmp_path / "data"
    for name in ("raw", ".raw-killed"):
        (data / name).mkdir(parents=True)
        (data / name / "old.txt").write_text("old")
    archive.extract(corpus, data / "raw")
    assert contents(data / "raw") == contents(corpus)
    assert [path.name for path in data.iterdir()] == ["raw"]


def test_a_folder_is_copied_and_not_linked(corpus, tmp_path):
    archive.extract(corpus.parent, tmp_path / "elsewhere/raw")
    [path] = (tmp_path / "elsewhere/raw/wav").glob("*S002_P001.wav")
    assert path.stat().st_nlink == 1
    assert contents(tmp_path / "elsewhere/raw") == contents(corpus)


@pytest.mark.parametrize(("tops", "found"), [(["a/", "b/"], "a, b"), ([], "none")])
def test_not_exactly_one_corpus_is_an_error_that_tells_what_was_found(
    corpus, tmp_path, tops, found
):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("README.txt", "words")
        for top in tops:
            opened.writestr(top + "wav/x.wav", b"")
            opened.writestr(top + "sets/x.txt", b"")
    with pytest.raises(ValueError, match=f"found {found}; give"):
        archive.extract(path, tmp_path / "new")


def test_a_web_page_in_a_zips_place_is_called_so(tmp_path):
    (tmp_path / "a.zip").write_text("<!doctype html><title>Sign in</title>")
    with pytest.raises(ValueError, match="it is a web page"):
        archive.extract(tmp_path / "a.zip", tmp_path / "new")
