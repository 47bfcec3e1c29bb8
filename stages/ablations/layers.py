"""Embed every clip at all the layers that variants may read, the pipeline's own among them."""

from pathlib import Path

from stages.embed_audio import embed
from whisq import params, stage


def main() -> str:
    """Return a line about what was embedded."""
    values = params.load()
    section = values.embed_audio.model_dump() | {"layers": values.trials.audio_layers}
    return embed(section, Path("data/embeddings/audio_layers"))


if __name__ == "__main__":
    stage.run(main)
