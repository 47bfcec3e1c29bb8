"""Whether a prompt can be scored, and how much of it the text encoder reads."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whisq.encoders.text import TextEncoder

LONGEST = 10_000  # characters: some 40 times MusicEval's longest prompt
SPACES = "\n\r\t"


def check_prompt(prompt: str) -> None:
    """Refuse what is no prompt.

    Args:
        prompt: Text.

    Raises:
        ValueError: It is not text, blank, too long, or holds control characters or halves of
            characters.
    """
    if not isinstance(prompt, str):
        raise ValueError(f"a prompt must be text, given {type(prompt).__name__} {prompt!r:.60}")
    if not prompt.strip():
        raise ValueError("a prompt must hold words; give none at all to score quality alone")
    if len(prompt) > LONGEST:
        raise ValueError(
            f"a prompt must have at most {LONGEST} characters, given {len(prompt)}: shorten it"
        )
    for place, character in enumerate(prompt):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in SPACES:
            raise ValueError(
                f"a prompt must be plain text, but character {place} is {character!r}: remove it"
            )


def unread(encoder: TextEncoder, prompt: str) -> list[str]:
    """Tell what of a prompt its encoder does not read.

    Args:
        encoder: The model's.
        prompt: A text that `check_prompt` lets pass.

    Returns:
        A sentence for each thing that is left out, none as a rule.

    Raises:
        ValueError: The encoder knows no part of the prompt.
    """
    check_prompt(prompt)
    tokenizer = encoder.tokenizer
    filled = encoder.spec.template.replace("{prompt}", prompt)
    length = len(tokenizer(filled, verbose=False)["input_ids"])
    words = tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"]
    unknown = sum(word == tokenizer.unk_token_id for word in words)
    if unknown == len(words):
        raise ValueError(
            f"the text encoder {encoder.spec.model} knows no part of the prompt: "
            "write it in the language that the model was trained on (English)"
        )
    said = []
    if length > encoder.longest:
        said.append(f"only the first {encoder.longest} of the prompt's {length} tokens are read")
    if unknown:
        said.append(f"{unknown} of the prompt's {len(words)} tokens are unknown to the encoder")
    return said
