import os
import time

import pytest

from whisq.store.known_files import digests, memory


@pytest.fixture
def count(own_store):
    """Hash files, and count how often: `count(paths)`, `count.calls`."""

    class Count:
        calls = 0

        def __call__(self, paths, kind="samples"):
            return digests(paths, kind, self.read, own_store)

        def read(self, path):
            self.calls += 1
            if path.read_bytes() == b"bad":
                raise ValueError(f"{path.name} is bad")
            return path.read_bytes().hex()

    return Count()


@pytest.fixture
def settled(monkeypatch):
    """Let files count as settled at once: a file's own times can't be set back."""
    monkeypatch.setattr("whisq.store.known_files.SETTLED", 0)


def test_an_unchanged_file_is_read_once(tmp_path, count, settled):
    (tmp_path / "a").write_bytes(b"one")
    assert count([tmp_path / "a"]) == count([tmp_path / "a"])
    assert count.calls == 1


def test_a_file_replaced_under_the_same_name_size_and_time_is_read_again(tmp_path, count, settled):
    old, new = tmp_path / "a", tmp_path / "b"
    old.write_bytes(b"one")
    first = count([old])[old]
    new.write_bytes(b"two")
    os.utime(new, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    os.replace(new, old)
    assert count([old])[old] != first


def test_a_file_altered_in_place_with_its_time_set_back_is_read_again(tmp_path, count, settled):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    first = count([path])[path]
    time.sleep(0.02)
    path.write_bytes(b"two")
    os.utime(path, ns=times)
    assert count([path])[path] != first


def test_a_file_touched_just_now_is_not_trusted(tmp_path, count):
    (tmp_path / "a").write_bytes(b"one")
    count([tmp_path / "a"])
    count([tmp_path / "a"])
    assert count.calls == 2


def test_two_ways_of_hashing_one_file_keep_apart(tmp_path, count, settled):
    (tmp_path / "a").write_bytes(b"one")
    count([tmp_path / "a"], "samples")
    count([tmp_path / "a"], "file")
    assert count.calls == 2


def test_all_bad_files_are_named_at_once(tmp_path, count):
    for name, data in {"a": b"bad", "b": b"good", "c": b"bad"}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=r"2 file\(s\)") as caught:
        count([tmp_path / name for name in "abc"])
    assert "a is bad" in str(caught.value)
    assert "c is bad" in str(caught.value)


def test_what_one_has_read_another_need_not_hash(tmp_path, count, settled, own_store):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with memory("samples", own_store) as known:
        stamp = known.stamp(path)
        known.learn(path, stamp, path.read_bytes().hex())
    assert count([path]) == {path: b"one".hex()}
    assert count.calls == 0


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, settled, own_store):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with memory("samples", own_store) as known:
        stamp = known.stamp(path)
        path.write_bytes(b"other")
        known.learn(path, stamp, b"one".hex())
    with memory("samples", own_store) as known:
        assert known.recall(path) is None
