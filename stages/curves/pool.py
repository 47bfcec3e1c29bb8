"""The pool of the learning curves: rendered, read and embedded, in `data/curves`."""

from __future__ import annotations

from pathlib import Path

from whisq import params, stage
from whisq.corpus.clips import write_clips, write_ratings
from whisq.corpus.musiceval import read
from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextSpec
from whisq.rendered.build import build
from whisq.store.audio import embed_audio
from whisq.store.text import embed_text

DATA = Path("data/curves")


def main() -> str:
    """Return a line about the pool, once it is made."""
    values = params.load()
    build(DATA / "raw", values.curves.rendered, chosen=values.curves.pool)
    corpus = read(DATA / "raw")
    write_clips(corpus.clips, DATA / "clips.csv")
    write_ratings(corpus.ratings, DATA / "ratings.csv")
    heard, said = values.embed_audio.model_dump(), values.embed_text.model_dump()
    how = {name: heard.pop(name) for name in ("workers", "batch_size", "engine", "device")}
    paths = {clip.id: DATA / clip.path for clip in corpus.clips.itertuples()}
    embed_audio(paths, AudioSpec(**heard), DATA / "embeddings/audio", **how)
    how = {name: said.pop(name) for name in ("batch_size", "device")}
    embed_text(corpus.clips["prompt"], TextSpec(**said), DATA / "embeddings/text", **how)
    counts = corpus.clips[["system", "prompt"]].nunique()
    return f"{len(paths):,} clips of {counts['prompt']} prompts by {counts['system']} systems"


if __name__ == "__main__":
    stage.run(main)
