"""Dress rehearsal of training at MusicEval's full size: seconds an epoch and memory.

    python tests/benchmarks/training_rehearsal.py [--clips 2748] [--lists FOLDER]

Writes sequence embeddings of true size (1,090 frames x 512 and some 25 tokens x 1,024 on average,
float16 noise; 6 GB of disk while it runs), trains the paper's network on them for two epochs and
prints JSON. `peak_gigabytes` is what the process takes above what it had after its imports, without
the pages of mapped files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import rehearsal
import torch

from whisq import params
from whisq.corpus import musiceval
from whisq.corpus.clips import write_clips, write_ratings
from whisq.files import digest_of
from whisq.store.store import Store, lay_out
from whisq.training.data import Data
from whisq.training.recipe import Recipe

PARAMS = Path(__file__).parents[2] / "params.yaml"
FRAMES = (680, 1500)
"""Fewest and most a clip; their mean is that of MusicEval's clips cut at 30 s."""
TOKENS = (10, 40)


def main() -> None:
    """Make embeddings of full size and train on them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=2748)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--lists", type=Path, help="folder with MusicEval's real lists")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), **vars(arguments)), indent=2))


def measure(folder: Path, clips: int, epochs: int, lists: Path | None) -> dict[str, float]:
    """Write the data, train and watch the memory.

    Args:
        folder: An empty folder.
        clips: How many, at most 2748.
        epochs: How many passes.
        lists: Folder with the real lists, or None.

    Returns:
        Seconds, sizes and the peak of memory.
    """
    started = time.perf_counter()
    write(folder, clips, lists)
    written = time.perf_counter()
    recipe = paper_recipe(epochs)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with Memory() as memory:
        _, history = recipe.fit(Data.open(folder), progress=False)
    seconds = [record["seconds"] for record in history.epochs]
    embeddings = sum(
        path.stat().st_size for path in (folder / "embeddings").glob("*/*.safetensors")
    )
    return {
        "clips": clips,
        "embeddings_gigabytes": round(embeddings / 1e9, 2),
        "write_seconds": round(written - started, 1),
        "fit_seconds": round(time.perf_counter() - written, 1),
        "epoch_seconds": round(float(np.mean(seconds)), 1),
        "peak_gigabytes": round(memory.peak / 1e9, 2),
        "threads": torch.get_num_threads(),
    }


def write(folder: Path, clips: int, lists: Path | None) -> None:
    """Write tables and embeddings as the pipeline's stages do.

    Args:
        folder: Where to.
        clips: How many.
        lists: Folder with the real lists, or None.
    """
    corpus = musiceval.read(rehearsal.make(folder / "raw", clips, 0.05, lists=lists))
    write_clips(corpus.clips, folder / "clips.csv")
    write_ratings(corpus.ratings, folder / "ratings.csv")
    random = np.random.default_rng(0)
    _embed(folder, "audio", list(corpus.clips["id"]), FRAMES, 512, random)
    _embed(folder, "text", list(corpus.clips["prompt"].unique()), TOKENS, 1024, random)


def _embed(
    folder: Path,
    kind: str,
    keys: list[str],
    steps: tuple[int, int],
    dim: int,
    random: np.random.Generator,
) -> None:
    about = {"kind": kind, "spec": {"model": "noise", "pool": 1}, "weights": {}, "preprocessing": 0}
    store = Store(about, folder / "store")
    store.note((6,), dim)
    contents = {key: digest_of(kind, key) for key in keys}
    noise = random.standard_normal((steps[1] + 500, dim)).astype(np.float16)
    for content in contents.values():
        start, length = random.integers(500), random.integers(steps[0], steps[1] + 1)
        store.write(content, noise[None, start : start + length])
    lay_out(folder / "embeddings" / kind, contents, store, store.whole(contents.values()))


def paper_recipe(epochs: int) -> Recipe:
    """Take params.yaml's network at the paper's resolution: every frame of the last layer.

    Args:
        epochs: How many passes.

    Returns:
        The recipe.
    """
    changes = {"model.audio_layer": 6, "model.audio_pool": 1}
    changes |= {"train.epochs": epochs, "train.patience": epochs}
    values = params.load(PARAMS, overrides=changes)
    return Recipe(values.model, values.loss, values.train, values.seed)


class Memory:
    """The most anonymous memory that the process takes inside a block, above where it began."""

    def __enter__(self) -> Memory:
        """Begin to watch."""
        self.peak, self._begin, self._done = 0, _anonymous(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, _anonymous() - self._begin)


def _anonymous() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssAnon:")[1].split()[0])


if __name__ == "__main__":
    main()
