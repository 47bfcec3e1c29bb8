"""Embed every clip at all the layers that variants may read, the pipeline's own among them."""

from pathlib import Path

from stages.embed_audio import embed
from whisq import params


def main() -> None:
    """Run the stage."""
    values = params.load()
    section = values.embed_audio.model_dump() | {"layers": values.trials.audio_layers}
    embed(section, Path("data/embeddings/audio_layers"))


if __name__ == "__main__":
    main()
