"""What a user meets at the command line, bad inputs first of all."""

import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from whisq.cli import app

SECOND = np.random.default_rng(0).uniform(-0.5, 0.5, 16000).astype(np.float32)
GOOD = "a calm piano waltz"


def whisq(*words, **options):
    return CliRunner().invoke(app, ["score", *map(str, words)], **options)


def write(path, samples=SECOND, rate=16000, subtype=None):
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def sound(samples=SECOND, rate=16000, subtype=None):
    return lambda path: write(path, samples, rate, subtype)


def filled(value):
    return sound(np.full(16000, value, np.float32), subtype="FLOAT")


def channels(*factors):
    return sound(np.stack([factor * SECOND for factor in factors], axis=1))


def content(data):
    return lambda path: path.write_bytes(data)


def link(target):
    return lambda path: path.symlink_to(target or path)


def nothing(path):
    pass


def cut_short(path):
    size = write(path).stat().st_size
    os.truncate(path, size * 2 // 3)


def streamed(path):
    # What a program writes that can't seek back to fill in the size: not cut short.
    data = bytearray(write(path).read_bytes())
    data[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


def forbidden(path):
    write(path).chmod(0)


def listening(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


# Clips: file name, how it is made, what becomes of it: None is a score, else words of the error.
CLIPS = {
    "empty file": ("a.wav", content(b""), "not a sound file"),
    "text named wav": ("a.wav", content(b"hello " * 99), "not a sound file"),
    "a picture named wav": ("a.wav", content(b"\x89PNG" + b"1" * 999), "not a sound file"),
    "wav cut short": ("a.wav", cut_short, "cut short"),
    "flac cut short": ("a.flac", cut_short, "render it again"),
    "wav written to a pipe": ("a.wav", streamed, None),
    "zero samples": ("a.wav", sound(SECOND[:0]), "no samples"),
    "not a number": ("a.wav", filled(np.nan), "NaN"),
    "infinity": ("a.wav", filled(np.inf), "infinity"),
    "silence": ("a.wav", filled(0), "silent"),
    "nearly silence": ("a.wav", filled(1e-6), "silent"),
    "channels that cancel": ("a.wav", channels(1, -1), "cancel each other"),
    "integers stored as floats": ("a.wav", filled(20000), "integers"),
    "2 ms": ("a.wav", sound(SECOND[:32]), "at least"),
    "8 bit": ("a.wav", sound(subtype="PCM_U8"), None),
    "24 bit": ("a.wav", sound(subtype="PCM_24"), None),
    "float64": ("a.wav", sound(subtype="DOUBLE"), None),
    "96 kHz": ("a.wav", sound(rate=96000), None),
    "8 kHz": ("a.wav", sound(rate=8000), None),
    "11 025 Hz": ("a.wav", sound(rate=11025), None),
    "7 channels": ("a.wav", channels(1, 1, 1, 1, 1, 1, 1), None),
    "flac": ("a.flac", sound(), None),
    "ogg": ("a.ogg", sound(), None),
    "mp3": ("a.mp3", sound(), None),
    "suffix in capitals": ("a.WAV", sound(), None),
    "20 minutes": ("a.flac", sound(np.tile(SECOND, 600), 8000), None),
    "61 minutes": ("a.flac", sound(np.zeros(61 * 60 * 8000, np.int16), 8000), "cut it"),
    "missing": ("a.wav", nothing, "can't be found"),
    "no permission": ("a.wav", forbidden, None if os.geteuid() == 0 else "rights"),
    "a folder": ("a.wav", os.mkdir, "a folder"),
    "a device": ("a.wav", link("/dev/zero"), "a device"),
    "a pipe": ("a.wav", os.mkfifo, "pipe"),
    "a socket": ("a.wav", listening, "socket"),
    "a link to nothing": ("a.wav", link("nowhere"), "can't be found"),
    "a link to itself": ("a.wav", link(None), "can't be found"),
    "name with newline and emoji": ("a\n🎵 é.wav", sound(), None),
    "name that is too long": ("a" * 300 + ".wav", nothing, "can't be found"),
    "name with a null": ("a\0.wav", nothing, "can't be found"),
}
PROMPTS = {
    "blank prompt": ("   ", None),
    "prompt of 100 000 characters": ("waltz " * 17_000, "shorten it"),
    "prompt past the encoder's length": ("waltz " * 1_000, None),
    "prompt of control characters": ("\x00\x07\x1b", "remove it"),
    "prompt with half a character": ("waltz \ud83d", "remove it"),
    "prompt of a script unknown to the encoder": ("გთხოვთ ᠮᠣᠩᠭᠣᠯ", "language"),
    "Chinese prompt": ("一首平静的钢琴曲", None),
    "prompt with a line break": ("a calm\npiano waltz", None),
    "prompt of quotes and commas": ("a \"calm\", piano; 'waltz'", None),
    "prompt that says NA": ("NA", None),
    "prompt that is a number": ("1999", None),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, tiny_model):
    """Every bad clip and prompt in one list, as a user would meet them."""
    folder = tmp_path_factory.mktemp("bad")
    lines = []
    for index, (name, (file, make, _)) in enumerate(CLIPS.items()):
        path = folder / str(index) / file
        path.parent.mkdir()
        make(path)
        lines.append({"id": name, "path": str(path), "prompt": GOOD})
    good = write(folder / "good.wav")
    lines += [{"id": n, "path": str(good), "prompt": p} for n, (p, _) in PROMPTS.items()]
    (folder / "list.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = whisq(folder / "list.jsonl", "-m", tiny_model)
    return done, {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", CLIPS | PROMPTS)
def test_each_odd_input_has_a_defined_outcome(name, outcomes):
    *_, wanted = (CLIPS | PROMPTS)[name]
    row = outcomes[1][name]
    if wanted is None:
        assert row["error"] is None
        assert 0 < row["omq"] < 6
    else:
        assert wanted in row["error"]
        assert (row["omq"], row["ta"]) == (None, None)


def test_odd_inputs_end_in_exit_code_1_and_no_traceback(outcomes):
    done, rows = outcomes
    assert isinstance(done.exception, SystemExit), done.exc_info
    assert done.exit_code == 1
    assert list(rows) == [*CLIPS, *PROMPTS]
    assert "Traceback" not in done.stderr
    assert "failed" in done.stderr


def test_what_the_encoder_leaves_out_is_noted(outcomes):
    _, rows = outcomes
    assert "tokens are read" in rows["prompt past the encoder's length"]["note"]
    assert "unknown" in rows["Chinese prompt"]["note"]
    assert rows["blank prompt"]["ta"] is None
    assert "first 30 s of 1200.0 s" in rows["20 minutes"]["note"]
    assert rows["8 bit"]["note"] is None


LISTS = {
    "csv without a header": ("l.csv", "a.wav,waltz\nb.wav,polka\n", "add a header"),
    "csv of nothing": ("l.csv", "", "is empty"),
    "csv of a header alone": ("l.csv", "path,prompt\n", "a header alone"),
    "csv with an id twice": ("l.csv", "id,path\nx,a.wav\ny,b.wav\nx,c.wav\n", "line 4.*line 2"),
    "csv with a line too long": ("l.csv", "path,prompt\na.wav,slow, sad\n", "line 2.*quote"),
    "csv with an open quote": ("l.csv", 'path,prompt\na.wav,"slow\n', "not a readable table"),
    "csv with no path": ("l.csv", "path,prompt\n,waltz\n", "line 2: no path"),
    "csv in another encoding": ("l.csv", b"path,prompt\na.wav,caf\xe9\n", "save it as UTF-8"),
    "csv that is a sound file": ("l.csv", b"RIFF\x00\xff\xfe", "save it as UTF-8"),
    "csv with two columns of prompts": ("l.csv", "path,text,caption\na.wav,b,c\n", "--prompt-col"),
    "jsonl that is not JSON": ("l.jsonl", "{'path': 1}\n", "line 1: not JSON"),
    "jsonl of numbers": ("l.jsonl", "1\n", "must be an object"),
    "jsonl with a list for a prompt": ("l.jsonl", '{"path": "a.wav", "prompt": [3]}', "be text"),
    "jsonl without a path": ("l.jsonl", '{"prompt": "waltz"}\n', "no column is named"),
    "folder of nothing": ("folder", None, "holds no clips"),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_each_wrong_list_is_refused_with_exit_code_2(name, tmp_path, tiny_model):
    file, content, wanted = LISTS[name]
    path = tmp_path / file
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = whisq(path, "-m", tiny_model)
    assert done.exit_code == 2
    assert re.search(wanted, done.stderr)
    assert str(path) in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["nowhere.wav"], "no such file"),
        (["*.nothing"], "holds no clips"),
        (["-", "a.wav"], "must stand alone"),
        (["."], "holds no clips"),
        (["a.wav", "-p", " "], "must hold words"),
        (["a.wav", "-o", "x.xlsx"], "must end in one of"),
        (["a.wav", "-o", "nowhere/x.csv"], "make it first"),
        (["a.wav", "-o", "folder.csv"], "is a folder"),
        (["a.wav", "--resume"], "needs a file"),
        (["a.wav", "-m", "models/none"], "is no folder here"),
        (["a.wav", "-m", "."], "holds no model"),
        (["a.wav", "--batch-size", "0"], "batch-size"),
        ([], "Missing argument"),
    ],
)
def test_each_wrong_call_is_refused_with_exit_code_2(words, wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "folder.csv").mkdir()
    if words and words[0] == "a.wav":
        write(tmp_path / "a.wav")
    done = whisq(*words)
    assert done.exit_code == 2
    assert wanted in done.stderr
    assert done.stdout == ""


def test_one_clip_prints_one_object(clips, tiny_model, predictor):
    done = whisq(clips[0], "--prompt", GOOD, "-m", tiny_model)
    score = predictor.score(clips[0], GOOD)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "path": str(clips[0]),
        "prompt": GOOD,
        "omq": pytest.approx(score.omq, abs=1e-5),
        "ta": pytest.approx(score.ta, abs=1e-5),
    }


def test_one_bad_clip_prints_no_number(tmp_path, tiny_model):
    filled(0)(tmp_path / "a.wav")
    done = whisq(tmp_path / "a.wav", "-m", tiny_model)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "silent" in done.stderr


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_list_becomes_a_file_of_the_same_rows(suffix, clips, tmp_path, tiny_model, predictor):
    table = pd.DataFrame({"Audio": list(map(str, clips)), "caption": GOOD, "key": range(8)})
    table.iloc[::-1].to_csv(tmp_path / "list.csv", index=False, encoding="utf-8-sig")
    out = tmp_path / f"out.{suffix}"
    done = whisq(tmp_path / "list.csv", "-o", out, "-m", tiny_model)
    assert (done.exit_code, done.stdout) == (0, "")
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet}
    rows = readers.get(suffix, lambda path: pd.read_json(path, lines=True))(out)
    assert rows["id"].astype(int).tolist() == list(range(8))[::-1]
    expected = [predictor.score(clip, GOOD) for clip in reversed(clips)]
    assert np.allclose(rows["omq"], [score.omq for score in expected], atol=1e-5)
    assert np.allclose(rows["ta"], [score.ta for score in expected], atol=1e-5)
    assert set(tmp_path.iterdir()) == {tmp_path / "list.csv", out}


def test_an_answer_file_has_musicevals_form(clips, tmp_path, tiny_model):
    whisq(*clips[:2], "-p", GOOD, "-o", tmp_path / "answer.txt", "-m", tiny_model)
    rows = [line.split(",") for line in (tmp_path / "answer.txt").read_text().splitlines()]
    assert [row[0] for row in rows] == [clip.stem for clip in clips[:2]]
    assert all(0 < float(value) < 6 for row in rows for value in row[1:])


def test_standard_input_is_answered_line_by_line(clips, tiny_model):
    program = "from whisq.cli import app; app()"
    command = [sys.executable, "-c", program, "score", "-", "-m", str(tiny_model)]
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipe) as running:
        for clip in clips[:3]:
            print(json.dumps({"path": str(clip), "prompt": GOOD}), file=running.stdin, flush=True)
            assert json.loads(running.stdout.readline())["id"] == clip.stem
        running.stdin.close()
        assert running.wait() == 0


def test_lines_without_a_prompt_get_the_one_given(clips, tiny_model):
    lines = [{"path": str(clips[0])}, {"path": str(clips[0]), "prompt": "drums"}]
    listed = "".join(json.dumps(line) + "\n" for line in lines)
    done = whisq("-", "--prompt", GOOD, "-m", tiny_model, input=listed)
    assert [json.loads(row)["prompt"] for row in done.stdout.splitlines()] == [GOOD, "drums"]


def test_an_encoder_that_is_gone_is_told_once(tmp_path, clips, tiny_model):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["audio"]["model"] = str(tmp_path / "no whisper")
    (folder / "config.json").write_text(json.dumps(config))
    done = whisq(*clips, "-m", folder, env={"HF_HUB_OFFLINE": "1"})
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "no weights found" in done.stderr


def test_an_answer_that_can_not_be_written_is_no_traceback(clips, tiny_model):
    done = whisq(clips[0], "-o", "/proc/a.csv", "-m", tiny_model)
    assert done.exit_code == 2
    assert "/proc/a.csv" in done.stderr


def test_strict_stops_at_the_first_bad_clip(clips, tmp_path, tiny_model):
    lines = [{"path": str(clip)} for clip in clips]
    lines.insert(2, {"path": "missing.wav"})
    listed = "".join(json.dumps(line) + "\n" for line in lines)
    done = whisq("-", "--strict", "-m", tiny_model, input=listed)
    assert done.exit_code == 1
    assert [json.loads(row)["error"] is None for row in done.stdout.splitlines()] == [1, 1, 0]
    assert "--strict" in done.stderr


def test_the_summary_has_a_line_a_system(clips, tmp_path, tiny_model):
    done = whisq(clips[0].parent, "-o", tmp_path / "out.csv", "--summary", "-m", tiny_model)
    head, *lines = done.stdout.splitlines()
    assert head.split()[0] == "system"
    assert [line.split()[:3] for line in lines] == [["S001", "4", "0"], ["S002", "4", "0"]]
    means = pd.read_csv(tmp_path / "out.csv").groupby("system")["omq"].mean()
    assert [float(line.split()[3]) for line in lines] == pytest.approx(list(means), abs=0.005)


@pytest.mark.slow
def test_a_killed_job_goes_on_without_losing_or_repeating_a_row(clips, tmp_path, tiny_model):
    rows = [(f"r{n:03}", str(clips[n % 8]), f"waltz number {n}") for n in range(500)]
    table = pd.DataFrame(rows, columns=["id", "path", "prompt"])
    table.to_csv(tmp_path / "list.csv", index=False)
    whole, journal = tmp_path / "out.csv", tmp_path / "out.csv.partial"
    program = "from whisq.cli import app; app()"
    words = ["score", tmp_path / "list.csv", "-o", whole, "-m", tiny_model]
    command = [sys.executable, "-c", program, *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 100:
            assert running.poll() is None
            time.sleep(0.01)
        running.kill()
    kept = journal.read_bytes()
    assert not whole.exists()
    assert whisq(*words[1:]).exit_code == 2, "must not throw away what is done"
    assert journal.read_bytes() == kept

    journal.write_bytes(kept + kept.splitlines()[-1][:40])  # as if the kill had torn a line
    done = whisq(*words[1:], "--resume")
    assert done.exit_code == 0
    before = [json.loads(line) for line in kept.splitlines(keepends=True)[1:-1]]
    assert int(re.search(r"(\d+) were scored by an earlier run", done.stderr)[1]) >= len(before)
    assert not journal.exists()
    out = pd.read_csv(whole, dtype={"omq": str})  # pandas before 3.1 lost a last digit
    assert out[["id", "path", "prompt"]].equals(table)
    assert out[["omq", "ta"]].notna().all(axis=None)
    assert [float(omq) for omq in out["omq"][: len(before)]] == [row["omq"] for row in before]


@pytest.fixture
def rendered(tiny_model, tmp_path):
    """The small model, as one that learnt from the rendered corpus."""
    shutil.copytree(tiny_model, tmp_path / "rendered")
    config = json.loads((tmp_path / "rendered/config.json").read_text())
    config["corpus"] = {"name": "rendered corpus", "licence": "none"}
    (tmp_path / "rendered/config.json").write_text(json.dumps(config))
    return tmp_path / "rendered"


@pytest.mark.parametrize("several", [False, True])
def test_a_model_of_the_rendered_corpus_says_once_what_it_is_no_good_for(
    several, rendered, tiny_model, clips
):
    sources = clips[:3] if several else clips[:1]
    result = whisq(*sources, "--model", rendered)
    assert result.exit_code == 0
    assert result.stderr.count("nothing on real music") == 1
    assert "real music" not in result.stdout
    assert "real music" not in whisq(*sources, "--model", tiny_model).stderr


def about(*words):
    return CliRunner().invoke(app, ["about", *map(str, words)])


def test_a_model_is_told_about_in_words_and_as_json(rendered):
    said, found = about(rendered), json.loads(about(rendered, "--json").stdout)
    assert said.exit_code == 0
    assert said.stdout.startswith(f"# {rendered} ({found['sha256'][:16]})")
    assert found["reach"] in said.stdout
    assert found["corpus"] == {"name": "rendered corpus", "licence": "none"}
    assert found["encoders"]["text"]["licence"] == "Apache-2.0"
    assert found["judged"] is None


def test_a_model_that_is_not_there_is_told_about_in_a_line(tmp_path):
    result = about(tmp_path / "none")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "there is no folder" in result.stderr


@pytest.fixture
def stereo(tmp_path):
    """31 s of a 997 Hz tone at -23 dBFS in both of two channels, after 3 s of silence."""
    time = np.arange(31 * 48000) / 48000
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 997 * time) * (time >= 3)
    return write(tmp_path / "stereo.wav", np.stack([tone, tone], 1), 48000, "FLOAT")


def test_a_score_tells_where_it_comes_from(stereo, tiny_model):
    result = whisq(stereo, "-p", GOOD, "--model", tiny_model, "--json")
    told = json.loads(result.stdout)
    found = json.loads(about(tiny_model, "--json").stdout)
    assert (told["model_id"], told["model_sha256"]) == (str(tiny_model), found["sha256"])
    for kind in ("audio", "text"):
        assert told[f"{kind}_encoder"] == found["encoders"][kind]["model"]
        assert told[f"{kind}_encoder_sha256"] == found["encoders"][kind]["sha256"]
    assert told["torch_version"].startswith(torch.__version__.split("+")[0])
    assert (told["seconds"], told["seconds_heard"]) == (31, 30)
    assert (told["source_rate"], told["source_channels"]) == (48000, 2)
    assert told["peak_dbfs"] == pytest.approx(-23, abs=0.01)
    assert told["silent_share"] == pytest.approx(0.1, abs=1e-3)
    # A full-scale 997 Hz tone in one channel has -3.01 LUFS (BS.1770-4), whatever is gated.
    assert told["loudness_lufs"] == pytest.approx(-26.0, abs=0.1)
    assert "first 30 s of 31.0 s" in told["note"]
    scores = json.loads(whisq(stereo, "-p", GOOD, "--model", tiny_model).stdout)
    assert scores == {name: told[name] for name in ("path", "prompt", "omq", "ta")}


def test_a_list_goes_on_with_where_its_rows_come_from(tmp_path, clips, tiny_model):
    output = tmp_path / "out.jsonl"
    words = [*clips[:3], "--model", tiny_model, "-o", output, "--provenance"]
    gone = tmp_path / "gone.wav"
    broken = whisq(clips[0], clips[1], write(gone, 0 * SECOND), clips[2], *words[3:], "--strict")
    assert broken.exit_code == 1
    result = whisq(*words, "--resume")
    assert result.exit_code == 0
    assert "scored by an earlier run" in result.stderr
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["source_rate"] for row in rows] == [16000] * 3
    assert len({row["model_sha256"] for row in rows}) == 1


@pytest.mark.parametrize("device", ["gpu", "cuda:7", "mps" if sys.platform == "linux" else "cuda"])
@pytest.mark.parametrize("command", ["score", "explain"])
def test_a_device_that_is_not_here_is_told_in_a_line(command, device, clips, tiny_model, tmp_path):
    words = [command, str(clips[0]), "-p", GOOD, "--model", str(tiny_model), "--device", device]
    words += ["-o", str(tmp_path / "why.json")] * (command == "explain")
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert f"given '{device}'" in result.stderr


def test_a_disk_that_is_full_keeps_what_was_scored(clips, tiny_model, tmp_path, monkeypatch):
    output, words = tmp_path / "out.csv", [*clips[:3], "--model", tiny_model]
    kept = []

    def full(descriptor):
        kept.append(descriptor)
        if len(kept) > 2:  # the head and the first row have room
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("whisq.scoring.job.os.fsync", full)
        result = whisq(*words, "-o", output)
    assert result.exit_code == 2
    said = result.stderr.splitlines()[-1]
    assert "No space left on device; what was scored is kept" in said
    assert not output.exists()
    again = whisq(*words, "-o", output, "--resume")
    assert again.exit_code == 0
    assert "scored by an earlier run" in again.stderr
    assert len(pd.read_csv(output)) == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_a_full_disk_behind_standard_output_is_told_in_a_line(clips, tiny_model):
    words = [sys.executable, "-m", "whisq", "score", *clips[:2], "--model", tiny_model]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert "No space left on device" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
