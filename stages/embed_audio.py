"""Embed every clip of data/clips.csv with the frozen audio encoder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from whisq import params, stage, tracking
from whisq.corpus.clips import read_clips
from whisq.encoders.audio import AudioSpec
from whisq.store.audio import embed_audio

DATA = Path("data")
OUTPUT = DATA / "embeddings" / "audio"


def main() -> str:
    """Return a line about what was embedded."""
    return embed(params.load().embed_audio.model_dump(), OUTPUT)


def embed(values: dict[str, Any], output: Path) -> str:
    """Return a line about the clips, once they are embedded and that is logged.

    Args:
        values: The section `embed_audio`.
        output: Where the sequences go.
    """
    running = {name: values.pop(name) for name in ("workers", "batch_size", "engine", "device")}
    clips = read_clips(DATA / "clips.csv")
    paths = {clip.id: DATA / clip.path for clip in clips.itertuples()}
    with tracking.data_run("embed_audio", params.flatten({"embed_audio": values})) as run:
        counts = embed_audio(paths, AudioSpec(**values), output, **running)
        run.metrics(asdict(counts))
    return f"{counts.keys:,} clips in {output}: {counts.computed:,} computed, the rest known"


if __name__ == "__main__":
    stage.run(main)
