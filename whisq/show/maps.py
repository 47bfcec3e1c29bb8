"""What a network makes of one clip and its prompt: words against seconds.

Conventions: a map has shape (words, moments). Its entries say how many times more a word and a
moment have to do with each other than if everything were spread evenly: 1 is indifferent. The
last row stands for the encoder's special tokens and the template, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from whisq.audio import HEARD
from whisq.batch import Example, collate
from whisq.encoders.words import Words
from whisq.losses import pairwise_cost, transport_cost
from whisq.model.network import Network
from whisq.model.whisq import Output
from whisq.show.heat import TITLES, Heat

SPECIAL = "(special tokens)"
WHOLE = "(the whole prompt)"


@dataclass(frozen=True, kw_only=True)
class Maps:
    """One clip's scores and maps.

    Attributes:
        omq: Predicted quality, 1 to 5.
        ta: Predicted alignment, 1 to 5.
        words: The rows' names.
        maps: By a name of `heat.TITLES`, those that the network has.
        transport_cost: What the transport costs; None without a shared space.
        even_cost: What it would cost to move everything everywhere alike.
        edges: Where moments begin and end, seconds, shape (moments + 1,).
        word_cost: What moving each word costs, shape (words,).
        moment_cost: What moving each moment costs, shape (moments,).
        quality_weights: How much each moment counts for OMQ, as a map's entry, shape (moments,).
    """

    omq: float
    ta: float
    words: tuple[str, ...]
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    transport_cost: float | None = None
    even_cost: float | None = None
    edges: np.ndarray
    word_cost: np.ndarray | None = None
    moment_cost: np.ndarray | None = None
    quality_weights: np.ndarray | None = None

    @property
    def words_without_place(self) -> list[str]:
        """The words that cost no less to move than to move anything anywhere."""
        if self.word_cost is None:
            return []
        pairs = zip(self.words, self.word_cost, strict=True)
        return [word for word, cost in pairs if cost >= self.even_cost and word != SPECIAL]

    @property
    def moments_without_word(self) -> list[tuple[float, float]]:
        """The stretches, seconds, that cost no less to move than to move anything anywhere."""
        if self.moment_cost is None:
            return []
        flags = np.concatenate([[False], self.moment_cost >= self.even_cost, [False]])
        turns = self.edges[np.flatnonzero(flags[1:] != flags[:-1])].tolist()
        return list(zip(turns[::2], turns[1::2], strict=True))

    @property
    def heats(self) -> list[Heat]:
        """The maps as they are shown, the weights of the moments last."""
        rows = {name: (self.words, values) for name, values in self.maps.items()}
        if self.quality_weights is not None:
            rows["quality"] = ("OMQ",), self.quality_weights[None]
        return [Heat(name, *rows[name], self.edges) for name in TITLES if name in rows]

    @property
    def unplaced(self) -> str:
        """Which words and moments found nothing on the other side, in words."""
        words = ", ".join(word.strip(".,;:!?") for word in self.words_without_place)
        spans = ", ".join(f"{begin:.1f} to {end:.1f} s" for begin, end in self.moments_without_word)
        return (
            f"Words that found no place: {words or 'none'}. "
            f"Moments that matched no word: {spans or 'none'}."
        )


@torch.inference_mode()
def read_maps(
    network: Network,
    audio: np.ndarray,
    text: np.ndarray,
    words: Words,
    seconds: float,
    transport: Mapping[str, Any] | None = None,
    step: float | None = None,
) -> Maps:
    """Return a network's inner workings on one clip by words and seconds.

    Args:
        network: Trained, in evaluation mode.
        audio: The clip's states, (layers, steps, dim).
        text: The prompt's, (1, tokens, dim).
        words: The tokens' words.
        seconds: The clip's length.
        transport: Settings of `transport_cost`, such as `epsilon`.
        step: Seconds that one of the states covers; None shares out what was heard of the clip.
    """
    batch = collate([Example("", audio, text[0])]).to(network.device)
    output = network(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    names, join = _joining(words, output.text_mask.shape[1])
    frames = output.audio_mask.shape[1]
    heard = min(seconds, network.config.audio.get("seconds", HEARD))
    step = (step or heard / audio.shape[1]) * network.config.audio_pool
    found: dict[str, Any] = {"maps": _attention(output, join)}
    if output.audio is not None and output.text is not None:
        found |= _transport(output, join, found["maps"], transport or {})
    if output.quality_weights is not None:
        found["quality_weights"] = _array(output.quality_weights[0]) * frames
    return Maps(
        omq=float(output.omq[0]),
        ta=float(output.ta[0]),
        words=names,
        edges=np.minimum(np.arange(frames + 1) * step, seconds),
        **found,
    )


def _joining(words: Words, tokens: int) -> tuple[tuple[str, ...], np.ndarray]:
    # A row a word, which holds each of its tokens' share: rows sum to one.
    if tokens == 1 and len(words.owner) > 1:
        return (WHOLE,), np.ones((1, 1))
    owners, names = words.owner, list(words.words)
    if (owners < 0).any():
        names.append(SPECIAL)
        owners = np.where(owners < 0, len(names) - 1, owners)
    members = owners == np.arange(len(names))[:, None]
    return tuple(names), members / members.sum(1, keepdims=True)


def _attention(output: Output, join: np.ndarray) -> dict[str, np.ndarray]:
    # Heads are averaged; each row of attention sums to one.
    maps = {}
    if output.text_to_audio is not None:
        looks = _array(output.text_to_audio[0].mean(0))
        maps["text_to_audio"] = join @ looks * looks.shape[1]
    if output.audio_to_text is not None:
        looks = _array(output.audio_to_text[0].mean(0))
        maps["audio_to_text"] = join @ looks.T * looks.shape[1]
    return maps


def _transport(
    output: Output, join: np.ndarray, maps: dict[str, np.ndarray], settings: Mapping[str, Any]
) -> dict[str, Any]:
    sides = output.audio, output.audio_mask, output.text, output.text_mask
    solved = transport_cost(*sides, **settings)
    kind = settings.get("cost", "cosine")
    cost = _array(pairwise_cost(output.audio, output.text, kind)[0])
    plan = _array(solved.plan[0])
    frames, tokens = plan.shape
    maps["transport"] = join @ plan.T * frames * tokens
    return {
        "transport_cost": float(solved.cost[0]),
        "even_cost": float(cost.mean()),
        "word_cost": join @ (plan * cost).sum(0) * tokens,
        "moment_cost": (plan * cost).sum(1) * frames,
    }


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
