"""Embed every distinct prompt of data/clips.csv with the frozen text encoder."""

from dataclasses import asdict
from pathlib import Path

from whisq import params, stage, tracking
from whisq.corpus.clips import read_clips
from whisq.encoders.text import TextSpec
from whisq.store.text import embed_text

DATA = Path("data")
OUTPUT = DATA / "embeddings" / "text"


def main() -> str:
    """Return a line about what was embedded."""
    values = params.load().embed_text.model_dump()
    running = {name: values.pop(name) for name in ("batch_size", "device")}
    prompts = list(read_clips(DATA / "clips.csv")["prompt"])
    with tracking.data_run("embed_text", params.flatten({"embed_text": values})) as run:
        counts = embed_text(prompts, TextSpec(**values), OUTPUT, **running)
        run.metrics(asdict(counts))
    return f"{counts.keys:,} prompts in {OUTPUT}: {counts.computed:,} computed, the rest known"


if __name__ == "__main__":
    stage.run(main)
