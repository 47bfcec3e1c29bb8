"""Predict how listeners would rate text-to-music clips.

Usage:
    import whisq

    model = whisq.load("data/model")
    model.score("clip.wav", prompt="a calm piano waltz")  # Score(omq=3.1, ta=3.4)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whisq.predictor import Predictor as Predictor
    from whisq.scores import Score as Score

__all__ = ["Predictor", "Score", "load"]


def load(model: str = "data/model", device: str | None = None) -> Predictor:
    """Load a trained model and its front ends.

    Args:
        model: A folder that `train` wrote, an MLflow address (`models:/whisq@champion`,
            `runs:/<id>/whisq`), or a hub id (`owner/name`, `owner/name@revision`).
        device: Where to compute: auto (or None: a GPU if there is one), cpu, cuda, cuda:1 or mps.

    Returns:
        The model, ready to score clips.
    """
    from whisq.predictor import Predictor

    return Predictor.load(model, device)


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: it is left until the first model is loaded.
    if name in {"Predictor", "Score"}:
        from whisq import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module 'whisq' has no attribute {name!r}")
