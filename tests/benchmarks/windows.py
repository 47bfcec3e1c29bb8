"""What the encoder's window is worth in agreement: the clip alone, or padded to 30 s; prints JSON.

Embeds the pipeline's corpus with both windows and trains params.yaml's network on each, over the
same seeds. `dvc repro clips embed_text` first; some 10 minutes on two cores.

    python tests/benchmarks/windows.py [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from pandas import DataFrame

from whisq import params
from whisq.corpus.clips import read_clips
from whisq.encoders.audio import AudioSpec
from whisq.store.audio import embed_audio
from whisq.training.recipe import Recipe
from whisq.trials.comparison import compare
from whisq.trials.trial import Trial, run

ROOT = Path(__file__).parents[2]
WINDOWS = ("clip", "padded")
METRICS = ("utt_omq_srcc", "utt_ta_srcc", "sys_omq_srcc", "sys_ta_srcc", "swap")


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    values = params.load(ROOT / "params.yaml")
    recipes = [Recipe(values.model, values.loss, values.train, seed) for seed in range(seeds)]
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        embed(data, values.embed_audio.model_dump())
        trials = {
            window: [Trial(recipe, "official", 1, data, window) for recipe in recipes]
            for window in WINDOWS
        }
        workers = values.trials.workers
        records = {window: DataFrame(run(those, workers)) for window, those in trials.items()}
    compared = compare(records, WINDOWS[:1], METRICS)
    found = {window: compared[window]["official"] for window in WINDOWS}
    print(json.dumps({"corpus": values.corpus.name, "seeds": seeds, **found}, indent=1))


def embed(data: Path, settings: dict) -> None:
    """Lay the pipeline's data out again, with the clips embedded by each window."""
    (data / "embeddings").mkdir(parents=True)
    for part in ("clips.csv", "ratings.csv", "raw", "embeddings/text"):
        (data / part).symlink_to(ROOT / "data" / part)
    clips = read_clips(data / "clips.csv")
    paths = dict(zip(clips["id"], (data / path for path in clips["path"]), strict=True))
    workers = settings["workers"]
    kept = {key: settings[key] for key in AudioSpec.model_fields if key in settings}
    for window in WINDOWS:
        spec = AudioSpec(**kept | {"window": window})
        embed_audio(paths, spec, data / "embeddings" / window, workers=workers)


if __name__ == "__main__":
    main()
