"""MusicEval from the hub, as a server on this machine speaks it."""

import re
import zipfile

import pytest

from whisq.corpus import musiceval
from whisq.corpus.card import read_card
from whisq.corpus.fetch import Source, fetch

PAGE = "https://huggingface.co/datasets/BAAI/MusicEval"


def told(raw, source=None, kind=OSError):
    with pytest.raises(kind) as error:
        fetch(source or Source(), raw)
    assert not raw.parent.exists()
    return str(error.value)


def heads(web):
    return [path for method, path, _ in web.asked if method == "HEAD"]


def test_without_a_source_it_is_the_hubs_own_file_at_a_commit_that_the_card_tells(served, raw):
    fetch(Source(), raw)
    assert len(musiceval.read(raw).clips) == 60
    assert heads(served) == ["/datasets/BAAI/MusicEval/resolve/main/MusicEval-full.zip"]
    card = read_card(raw)
    assert card["commit"] == served.commit
    assert card["source"] == "hf://datasets/BAAI/MusicEval/MusicEval-full.zip@main"


def test_a_revision_may_be_an_older_commit(served, raw, archive):
    old = served.commit
    served.files[archive.name] = b"another"
    fetch(Source(revision=old), raw)
    assert read_card(raw)["commit"] == old != served.commit


def test_a_revision_that_is_not_there_is_told(served, raw):
    assert "must exist, but there is no such file or revision (404)" in told(
        raw, Source(revision="no")
    )


def test_an_address_with_a_revision_of_its_own_keeps_it(served, raw):
    address = "hf://datasets/BAAI/MusicEval/MusicEval-full.zip"
    assert Source(source=f"{address}@v1", revision="v2").full == f"{address}@v1"
    assert Source(source=address, revision="v2").full == f"{address}@v2"
    assert Source(source="/a/b@c.zip", revision="v2").full == "/a/b@c.zip"


def test_before_the_download_it_is_said_how_much_it_is_and_where_it_goes(
    served, raw, tmp_path, capsys
):
    fetch(Source(), raw)
    said = capsys.readouterr().out
    assert re.search(r"Fetching http\S+/MusicEval-full.zip, 25\.\d MB, to ", said)
    assert str(tmp_path / "cache/downloads") in said


def test_a_gated_file_without_a_log_in_says_how_to_log_in_and_the_licence(served, raw):
    served.tokens = {"good": True}
    text = told(raw)
    assert "asks for a log-in (401)" in text
    for part in (f"accept its terms on {PAGE}\n", "`hf auth login`", "HF_TOKEN", "CC BY-NC 4.0"):
        assert text.count(part) == 1, part
    assert "make paper SOURCE=" in text
    assert len(served.asked) == 1


def test_a_log_in_that_has_not_accepted_the_terms_is_sent_to_them(served, raw, monkeypatch):
    served.tokens = {"asked": False}
    monkeypatch.setenv("HF_TOKEN", "asked")
    text = told(raw)
    assert "is not open to your log-in (403)" in text
    assert f"accept its terms on {PAGE}" in text


def test_a_wrong_token_is_called_so(served, raw, monkeypatch):
    served.tokens = {"good": True}
    monkeypatch.setenv("HF_TOKEN", "bad")
    assert "its token is wrong or out of date" in told(raw)


def test_a_log_in_fetches_a_gated_file_and_no_other_host_sees_its_token(served, raw, monkeypatch):
    served.tokens = {"good": True}
    monkeypatch.setenv("HF_TOKEN", "good")
    fetch(Source(), raw)
    assert len(musiceval.read(raw).clips) == 60
    assert {host.split(":")[0] for host in served.trusted} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((429, {"Retry-After": "7"}), r"asked too often \(429\); run it again in 7 s"),
        ((429, {}), r"asked too often \(429\); run it again later"),
        (503, "says 503; try again later, what was fetched is kept"),
        ((404, {"X-Error-Code": "RepoNotFound"}), r"no such file or revision \(404\); mend it"),
        ((401, {"X-Error-Code": "RepoNotFound"}), "must exist, but without a log-in none is shown"),
    ],
)
def test_what_the_hub_refuses_is_said_with_what_to_do(served, raw, archive, answer, said):
    served.refuse[archive.name] = answer
    assert re.search(said, told(raw))


def test_a_branch_that_moves_after_the_first_answer_changes_nothing(
    served, raw, archive, monkeypatch
):
    from whisq.corpus import download

    first = served.commit
    located = download.locate

    def locate(source):
        found = located(source)
        served.files[archive.name] = b"newer, and no zip"
        return found

    monkeypatch.setattr(download, "locate", locate)
    fetch(Source(), raw)
    assert read_card(raw)["commit"] == first


def test_a_new_version_is_fetched_whole_and_the_half_of_the_old_one_thrown_away(
    served, raw, archive, tmp_path
):
    served.refuse[archive.name] = 503
    told(raw)
    del served.refuse[archive.name]
    fetch(Source(), raw)
    [whole] = (tmp_path / "cache").rglob("*.zip")
    whole.rename(whole.with_name(whole.name + ".part"))
    with zipfile.ZipFile(archive, "a") as other:
        other.writestr("new.txt", "new")
    served.files[archive.name] = archive.read_bytes()
    fetch(Source(), raw)
    assert served.asked[-1][2] is None
    assert [path.read_bytes() for path in (tmp_path / "cache").rglob("*.zip*")] == [
        archive.read_bytes()
    ]


def test_without_a_network_the_commit_of_what_was_fetched_is_told_still(served, raw, monkeypatch):
    fetch(Source(), raw)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    fetch(Source(), raw)
    assert read_card(raw)["commit"] == served.commit


def test_a_disk_that_is_too_small_is_told_before_the_download(served, raw, monkeypatch):
    import shutil

    usage = shutil.disk_usage("/")._replace(free=70_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    text = told(raw)
    assert re.search(r"25\.\d MB in .*downloads.* and 5\d\.\d MB in .*raw must have room", text)
    assert "70 MB are free" in text
    assert len(served.asked) == 1
