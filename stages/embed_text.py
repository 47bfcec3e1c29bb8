"""Embed every distinct prompt, and what was made of it, with the frozen text encoder."""

from dataclasses import asdict
from pathlib import Path

from whisq import params, stage, tracking
from whisq.corpus.clips import read_clips, read_rewordings
from whisq.encoders.text import TextSpec
from whisq.store.text import embed_text

DATA = Path("data")
OUTPUT = DATA / "embeddings" / "text"


def main() -> str:
    """Return a line about what was embedded."""
    values = params.load().embed_text.model_dump()
    running = {name: values.pop(name) for name in ("batch_size", "device")}
    made = read_rewordings(DATA / "raw")
    prompts = [*read_clips(DATA / "clips.csv")["prompt"], *made["same"], *made["other"]]
    with tracking.data_run("embed_text", params.flatten({"embed_text": values})) as run:
        counts = embed_text(prompts, TextSpec(**values), OUTPUT, **running)
        run.metrics(asdict(counts))
    return f"{counts.keys:,} prompts in {OUTPUT}: {counts.computed:,} computed, the rest known"


if __name__ == "__main__":
    stage.run(main)
