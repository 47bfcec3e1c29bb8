import functools
import importlib
import importlib.util
import os
import shutil
import stat
import sys
import zipfile
from pathlib import Path, PurePosixPath
from subprocess import Popen

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items):
    """Begin with the pipeline's own tests, the longest."""
    items.sort(key=lambda item: ROOT / "tests/stages" not in item.path.parents)


@pytest.fixture(scope="session", autouse=True)
def on_the_cpu():
    """Compute on the CPU where there is a GPU, too: what is expected to the last bit is the CPU's.

    Yields whether there is one; the tests that are for it ask for `real_gpu`.
    """
    import torch

    found = torch.cuda.is_available()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CUDA_VISIBLE_DEVICES", "")  # for processes that tests start
        patched.setattr("torch.cuda.is_available", lambda: False)
        patched.setattr("torch.backends.mps.is_available", functools.cache(lambda: False))
        yield found


@pytest.fixture
def real_gpu(on_the_cpu, monkeypatch):
    """The name of a real GPU; skips where there is none."""
    if not on_the_cpu:
        pytest.skip("needs a CUDA GPU")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    return "cuda"


@pytest.fixture(scope="session")
def hub():
    """The module `tests/hub.py`: `with hub.serving() as web`."""
    return module_of_tests("hub")


@pytest.fixture(scope="session")
def pretended_gpu():
    """A GPU `cuda` for a while: `with pretended_gpu(): ...`; see `tests/pretended_gpu.py`."""
    return module_of_tests("pretended_gpu").here


@pytest.fixture(scope="session")
def families(tmp_path_factory):
    """The module `tests/families.py`, with `families.folder("wavlm")`, saved when first asked."""
    module, root = module_of_tests("families"), tmp_path_factory.mktemp("families")
    module.folder = functools.cache(lambda name: module.save(name, root / name))
    return module


@pytest.fixture(scope="session")
def fuzz():
    """The module `tests/fuzz.py`: inputs at random and what may come of them."""
    return module_of_tests("fuzz")


def module_of_tests(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tests/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def rehearsal():
    """The module `tests/benchmarks/rehearsal.py`, which the benchmarks import too."""
    return module_of_tests("benchmarks/rehearsal")


@pytest.fixture(scope="session")
def roads():
    """The module `tests/benchmarks/roads.py`; it imports `served.py` beside it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(ROOT / "tests/benchmarks")
        return importlib.import_module("roads")


@pytest.fixture(scope="session")
def make_musiceval(rehearsal):
    """Write a corpus of MusicEval's form: `make_musiceval(folder, clips=60, seconds=0.2)`."""
    return rehearsal.make


@pytest.fixture(scope="session")
def zip_as_published():
    """Pack a corpus in the shape of the published archive: `zip_as_published(folder, path)`."""
    return pack_as_published


def pack_as_published(corpus, path, top="MusicEval-full/MusicEval-full/"):
    """Read-only folders and files under one or two tops, and what is no part of the corpus."""
    others = {"README.md": b"# MusicEval", "metadata/clips.json": b"{}", ".DS_Store": b"litter"}
    others |= {"wav/.DS_Store": b"litter", "wav/desktop.ini": b"litter"}
    files = {f.relative_to(corpus).as_posix(): f.read_bytes() for f in corpus.rglob("*.*")}
    files = {top + name: data for name, data in (files | others).items()}
    files |= {f"__MACOSX/{top}wav/._{n}.wav": b"litter" for n in range(3)}
    folders = {f"{parent}/" for name in files for parent in PurePosixPath(name).parents[:-1]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in sorted(folders) + sorted(files):
            info = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            kind = stat.S_IFDIR | 0o555 if name in folders else stat.S_IFREG | 0o444
            info.create_system, info.external_attr = 3, kind << 16
            opened.writestr(info, files.get(name, b""))
    return path


@pytest.fixture(scope="session")
def real_lists():
    """The folder of MusicEval's real lists."""
    folder = Path(os.environ.get("WHISQ_MUSICEVAL", ROOT / "../shared/musiceval"))
    if not (folder / "total_mos_list.txt").exists():
        pytest.skip(f"MusicEval's real lists are not in {folder}; name theirs in WHISQ_MUSICEVAL")
    return folder


@pytest.fixture(scope="session")
def make_whisper(tmp_path_factory):
    """Save a real Whisper of 16 dimensions with random weights: `make_whisper(blocks=3)`."""
    return lambda blocks: save_whisper(tmp_path_factory.mktemp("tiny-whisper"), blocks)


@pytest.fixture(scope="session")
def tiny_whisper(make_whisper):
    """A folder with a Whisper of three blocks."""
    return make_whisper(3)


def save_whisper(folder, blocks):
    import torch
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    sizes = {"d_model": 16, "encoder_layers": blocks, "decoder_layers": 1, "vocab_size": 50}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    widths = {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    WhisperModel(WhisperConfig(**sizes, **heads, **widths, **tokens)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory):
    """A real Qwen3 of two blocks and 16 dimensions, with a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

    folder = tmp_path_factory.mktemp("qwen")
    alphabet = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    end = {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **end).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"vocab_size": len(vocabulary), "hidden_size": 16, "intermediate_size": 32}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    Qwen3Model(Qwen3Config(**sizes, **heads, num_hidden_layers=2)).save_pretrained(folder)
    return folder


@pytest.fixture
def sound():
    """Make a clip: `sound(seconds, seed)`, a tone with noise, 16 kHz, float32."""
    import numpy as np

    def make(seconds=1.0, seed=0):
        generator = np.random.default_rng(seed)
        time = np.arange(round(16_000 * seconds)) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * generator.uniform(100, 2000) * time)
        return (tone + 0.05 * generator.standard_normal(len(time))).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A model's folder that loads fast: a small random Whisper, the real MiniLM, random heads."""
    import torch
    from transformers import WhisperConfig, WhisperModel

    from whisq.encoders.audio import AudioSpec
    from whisq.encoders.text import TextSpec
    from whisq.encoders.weights import fingerprint, locate
    from whisq.model.build import build
    from whisq.model.variants import ModelConfig

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    sizes = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "vocab_size": 8}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "pad_token_id": 0}
    whisper = WhisperModel(WhisperConfig(**sizes, **heads, encoder_ffn_dim=16, decoder_ffn_dim=16))
    whisper.save_pretrained(folder / "whisper")
    audio = AudioSpec(model=str(folder / "whisper"), layers=(1, 2), window="clip", pool=4).kept()
    text = TextSpec(model="sentence-transformers/all-MiniLM-L6-v2").kept()
    own = {"audio_layer": 1, "quality_layers": [2], "audio": audio | {"layers": [1, 2]}}
    own["quality_pooling"] = "attention"  # whose weights are shown
    own["weights"] = {
        "audio": fingerprint(locate(audio["model"])),
        "text": fingerprint(locate(text["model"])),
    }
    sizes = {"audio_dim": 16, "text_dim": 384, "width": 8, "hidden": 8}
    build(ModelConfig(**sizes, **own, text=text)).save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="session")
def predictor(tiny_model):
    """The small model, loaded."""
    import whisq

    return whisq.load(tiny_model, device="cpu")


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Sound files of several lengths: noise that swells, so that no two sound alike."""
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    noise = np.random.default_rng(0)
    for index in range(8):
        seconds = 0.3 + 0.17 * index
        length = int(16000 * seconds)
        samples = noise.uniform(-0.5, 0.5, length) * np.linspace(0, 1, length) ** index
        soundfile.write(folder / f"S00{index % 2 + 1}_P00{index}.wav", samples, 16000)
    return sorted(folder.glob("*.wav"))


@pytest.fixture(scope="session")
def lay_out(tmp_path_factory):
    """Write arrays by key as a stage would: `lay_out(folder, {"a": array}, layers=[2, 6])`."""
    from whisq.store.sequences import Sequences
    from whisq.store.store import Store, fill

    def make(folder, arrays, layers=None, root=None, **about):
        about = {"spec": {"model": "none"}, "weights": "0" * 64, "preprocessing": 1} | about
        about = {"kind": folder.name} | about
        store = Store(about, root or tmp_path_factory.mktemp("store"))
        kept, _, dim = next(iter(arrays.values())).shape
        contents = {key: key.encode().hex() for key in arrays}

        def compute(missing):
            store.note(tuple(layers or range(kept)), dim)
            for key, content in contents.items():
                if content in missing:
                    store.write(content, arrays[key])

        fill(folder, contents, store, compute)
        return Sequences.open(folder)

    return make


@pytest.fixture
def states():
    """Make an encoder's output: `states(seed, steps=4, layers=1, dim=3)`."""

    def make(seed=0, steps=4, layers=1, dim=3):
        return np.random.default_rng(seed).standard_normal((layers, steps, dim)).astype(np.float16)

    return make


@pytest.fixture(scope="session")
def make_store():
    """Begin to make a store in a process of its own: `make_store(root, experiment)`."""
    code = "import sys; from whisq import mlflow_store; mlflow_store.connect(sys.argv[1])"

    def make(root, experiment="whisq"):
        own = {"DVC_ROOT": str(root), "MLFLOW_TRACKING_URI": ""}
        return Popen([sys.executable, "-c", code, experiment], env=os.environ | own)

    return make


@pytest.fixture(scope="session")
def ready_store(tmp_path_factory, make_store):
    """A database that MLflow has already set up; a copy of it costs nothing."""
    root = tmp_path_factory.mktemp("store")
    assert make_store(root).wait() == 0
    return root


@pytest.fixture
def store(ready_store, tmp_path_factory, monkeypatch):
    """The folder of a project with a store, entered as in an experiment named `quiet-tuba`."""
    # Named as no other was: MLflow keeps a store by its address, also when its file is gone, and
    # the short name of one test's `tmp_path` is another's as soon as the first has passed.
    root = tmp_path_factory.mktemp("own") / "project"
    root.mkdir()
    shutil.copy(ready_store / "mlflow.db", root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("DVC_EXP_NAME", "quiet-tuba")
    return root
