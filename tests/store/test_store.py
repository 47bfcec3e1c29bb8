import os
import subprocess
import sys
from pathlib import Path

import pytest

from whisq.store.sequences import Found
from whisq.store.store import Store


def test_what_is_kept_is_found_with_its_length(store, states):
    store.write("ab12", states(steps=7))
    found = store.whole(["ab12", "cd34"])
    assert list(found) == ["ab12"]
    assert found["ab12"].steps == 7
    assert found["ab12"].bytes == store.path("ab12").stat().st_size


def test_what_was_verified_is_not_read_again_however_often_it_is_linked(
    store, states, tmp_path, monkeypatch
):
    monkeypatch.setattr("whisq.store.known_files.SETTLED", 0)
    store.write("ab12", states())
    found = store.whole(["ab12"])
    monkeypatch.setattr("whisq.store.store.verify", lambda path: pytest.fail("read again"))
    os.link(store.path("ab12"), tmp_path / "link")
    store.path("ab12").chmod(0o444)
    assert store.whole(["ab12"]) == found


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "more"])
def test_a_torn_or_altered_output_is_found_told_and_removed(store, states, change, capsys):
    store.write("ab12", states())
    data = store.path("ab12").read_bytes()
    flipped = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    altered = {"flip": flipped, "cut": data[:-5], "empty": b"", "more": data + b"more"}[change]
    store.path("ab12").write_bytes(altered)
    assert store.whole(["ab12"]) == {}
    assert "ab12" not in store
    assert "torn or altered" in capsys.readouterr().err


def test_an_output_under_another_name_is_not_taken(store, states):
    store.write("ab12", states())
    os.replace(store.path("ab12"), store.path("abff"))
    assert store.whole(["abff"]) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"spec": {"model": "none", "revision": "v2"}},
        {"weights": "another hash"},
        {"preprocessing": 2},
    ],
)
def test_whatever_decides_the_numbers_has_a_folder_of_its_own(own_store, store, other):
    about = {"kind": "audio", "spec": {"model": "none"}}
    assert Store(about, own_store).folder == store.folder
    assert Store(about | other, own_store).folder != store.folder


def test_what_earlier_versions_kept_is_still_valid(own_store, states):
    # Names and checksum as they have been from the first: nobody's hours of encoding are lost.
    store = Store({"kind": "text", "spec": {"model": "none"}}, own_store)
    assert store.folder.name == "text-43990443825da22c"
    assert store.path("ab12").relative_to(store.folder) == Path("ab/ab12.safetensors")
    store.write("ab12", states() * 0 + 1)
    checksum = "10f398fe0776a3376d3c68cbdfe74a41520b3990c127aba57805a9294357f4ce"
    assert store.whole(["ab12"]) == {"ab12": Found(4, 192, checksum)}


def test_two_processes_do_not_fill_one_folder_at_once(store):
    code = (
        "import sys; from pathlib import Path; from whisq.store.store import Store\n"
        "with Store({'kind': 'audio', 'spec': {'model': 'none'}}, Path(sys.argv[1])).alone():\n"
        "    print('mine')"
    )
    command = [sys.executable, "-c", code, str(store.root)]
    with store.alone():
        other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "waiting for another process" in other.stderr.readline()
        assert other.poll() is None
    out, _ = other.communicate(timeout=60)
    assert out == "mine\n"


def test_what_is_known_of_an_encoder_is_kept(store):
    assert store.noted() is None
    store.note((2, 6), 512)
    assert store.noted() == {"layers": [2, 6], "dim": 512}
