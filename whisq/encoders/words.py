"""Which of a prompt's words each token belongs to, so that states can be told by words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from whisq.encoders.text import TextSpec

# Scripts without spaces have a word a character.
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+")


@dataclass(frozen=True)
class Words:
    """A prompt's words and its tokens' owners.

    Attributes:
        words: Those that have a token, in order.
        owner: Each token's word, -1 for special tokens and the template's, shape (tokens,).
    """

    words: tuple[str, ...]
    owner: np.ndarray


def load_tokenizer(spec: TextSpec) -> Any:
    """Return a text encoder's tokenizer without the encoder."""
    from transformers import AutoTokenizer

    location = spec.locate()
    return AutoTokenizer.from_pretrained(location.folder, **location.options)


def split(tokenizer: Any, prompt: str, template: str, tokens: int) -> Words:
    """Tell each token's word.

    Args:
        tokenizer: The encoder's, one that knows where in the text its tokens stand.
        prompt: What was encoded.
        template: What the encoder reads, with `{prompt}` in it.
        tokens: How many states the encoder has given for it.

    Returns:
        Those words that have a token.

    Raises:
        ValueError: The tokenizer makes another number of tokens.
    """
    read = tokenizer(
        template.replace("{prompt}", prompt),
        truncation=True,
        max_length=tokens,
        return_offsets_mapping=True,
        verbose=False,
    )["offset_mapping"]
    if len(read) != tokens:
        raise ValueError(
            f"a prompt's tokens must be as many as its {tokens} states, but the tokenizer makes "
            f"{len(read)} of {prompt[:60]!r}: use the encoder that made the states"
        )
    start, places = template.index("{prompt}"), list(WORD.finditer(prompt))
    spans = [(place.start() + start, place.end() + start) for place in places]
    owner = np.array([_owner(token, spans) for token in read], dtype=np.int64)
    kept = np.unique(owner[owner >= 0])
    return Words(
        words=tuple(places[index].group() for index in kept),
        owner=np.where(owner < 0, -1, np.searchsorted(kept, owner)),
    )


def _owner(token: tuple[int, int], spans: list[tuple[int, int]]) -> int:
    # The word that most of the token's characters are in.
    shared = [min(token[1], end) - max(token[0], begin) for begin, end in spans]
    best = int(np.argmax(shared)) if shared else -1
    return best if best >= 0 and shared[best] > 0 else -1
