"""A frozen text encoder: a prompt to the sequence of its tokens' states.

Any model of the hub that yields token states serves, bidirectional or causal. Special tokens
are kept: the states of [CLS] and [SEP] carry the sentence, and a model saw them in training.

Source: token states instead of one vector, as in WhisQ (arXiv 2506.05899).
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.devices import threads
from whisq.encoders.frozen import Spec, to_float16
from whisq.encoders.weights import Location
from whisq.extras import require

if TYPE_CHECKING:
    import torch

PREPROCESSING = 2  # raise when the same prompt would give other states
MOST_CHARACTERS = 10_000  # of a prompt: some 40 times MusicEval's longest prompt
SPACES = "\n\r\t"
TOWERS = {"clap": "text_model"}  # the part of a larger model that reads text


class TextSpec(Spec):
    """What of which text encoder is kept.

    Chosen: the paper names no layer and no template.

    Attributes:
        layer: Hidden state to keep: 0 is the embedding, k after block k, -1 the model's output.
        template: What the encoder reads, with `{prompt}` where the prompt goes.
    """

    model: str = "sentence-transformers/all-MiniLM-L6-v2"
    layer: int = -1
    template: str = "{prompt}"

    def problems(self) -> list[str]:
        """Return a sentence where the template has no place for the prompt."""
        if "{prompt}" in self.template:
            return []
        return [f"template must contain {{prompt}}, given {self.template!r}"]


@dataclass(frozen=True)
class Prompt:
    """A prompt that was checked, as its encoder reads it.

    Attributes:
        text: What was given.
        tokens: What the tokenizer makes of it in the template, cut to what the encoder reads.
        notes: A sentence for each thing that is left out of it, none as a rule.
    """

    text: str
    tokens: Mapping[str, list[int]] = field(repr=False, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)


def check_prompt(prompt: str) -> None:
    """Refuse what is no prompt.

    Raises:
        ValueError: It is not text, blank, too long, or holds control characters or halves of
            characters.
    """
    if not isinstance(prompt, str):
        raise ValueError(f"a prompt must be text, given {type(prompt).__name__} {prompt!r:.60}")
    if not prompt.strip():
        raise ValueError("a prompt must hold words; give none at all to score quality alone")
    if len(prompt) > MOST_CHARACTERS:
        raise ValueError(
            f"a prompt must have at most {MOST_CHARACTERS} characters, given {len(prompt)}: "
            "shorten it"
        )
    for place, character in enumerate(prompt):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in SPACES:
            raise ValueError(
                f"a prompt must be plain text, but character {place} is {character!r}: remove it"
            )


class TextEncoder:
    """A frozen model that turns prompts into token states."""

    def __init__(
        self, spec: TextSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights and the tokenizer, which are looked for where no location is given."""
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.spec, self.device = spec, torch.device(device)
        location = location or spec.locate()
        if location.gguf:
            require("gguf", "gguf", by=f"embed_text.model: {spec.model}")
        folder, options = location.folder, location.options
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="right", **options)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, **options)
        if tower := TOWERS.get(model.config.model_type):
            model = getattr(model, tower)
        elif model.config.is_encoder_decoder:
            model = model.get_encoder()
        self.layers = spec.numbered([spec.layer], model.config.num_hidden_layers)
        self.dim = model.config.hidden_size
        self.longest = min(self.tokenizer.model_max_length, _positions(model))
        self._around = self._tokens("")[1]
        self.model = model.to(self.device, getattr(torch, spec.dtype)).eval()

    def read(self, prompt: str) -> Prompt:
        """Return a prompt as `states` takes it, with what of it is not read.

        Raises:
            ValueError: It is no prompt, or the encoder knows no part of it.
        """
        check_prompt(prompt)
        tokens, ids = self._tokens(prompt)
        # What stands around the prompt is not counted.
        length, words = len(ids), len(ids) - len(self._around)
        unk = self.tokenizer.unk_token_id
        unknown = ids.count(unk) - self._around.count(unk)
        if unknown == words:
            raise ValueError(
                f"the text encoder {self.spec.model} knows no part of the prompt: "
                "write it in the language that the model was trained on (English)"
            )
        notes = []
        if length > self.longest:
            notes.append(f"only the first {self.longest} of the prompt's {length} tokens are read")
        if unknown:
            notes.append(f"{unknown} of the prompt's {words} tokens are unknown to the encoder")
        return Prompt(prompt, tokens, tuple(notes))

    def states(self, prompts: Sequence[Prompt], batch_size: int = 1) -> list[np.ndarray]:
        """Encode prompts; a prompt's result is its own, whatever it is encoded with.

        Args:
            prompts: As `read` gives them.
            batch_size: Prompts that are run at once, at least 1, padded on the right and
                masked. With 1 the result does not depend on the other prompts in any bit,
                else to rounding.

        Returns:
            For each prompt float16, shape (1, tokens, dim).
        """
        batches = [prompts[at : at + batch_size] for at in range(0, len(prompts), batch_size)]
        return [states for batch in batches for states in self._run(batch)]

    def encode(self, prompts: list[str], batch_size: int = 1) -> list[np.ndarray]:
        """Return the states of texts, as `states` does; what is not read is warned of."""
        read = [self.read(prompt) for prompt in prompts]
        for prompt in read:
            for note in prompt.notes:
                warnings.warn(f"{note}: {prompt.text[:60]}...", stacklevel=2)
        return self.states(read, batch_size)

    def _tokens(self, prompt: str) -> tuple[dict[str, list[int]], list[int]]:
        # What is read, and the ids of all tokens.
        text = self.spec.template.replace("{prompt}", prompt)
        tokens = dict(self.tokenizer(text, verbose=False))
        ids = tokens["input_ids"]
        if len(ids) > self.longest:
            tokens = dict(self.tokenizer(text, truncation=True, max_length=self.longest))
        return tokens, ids

    def _run(self, prompts: Sequence[Prompt]) -> list[np.ndarray]:
        import torch

        fields = {name: [prompt.tokens[name] for prompt in prompts] for name in prompts[0].tokens}
        tokens = self.tokenizer.pad(fields, return_tensors="pt")
        with torch.inference_mode(), threads(1):
            output = self.model(**tokens.to(self.device), output_hidden_states=True)
        kept = output.hidden_states[self.spec.layer].float().cpu().numpy()
        lengths = tokens["attention_mask"].sum(dim=1).tolist()
        return [to_float16(row[None, :n]) for row, n in zip(kept, lengths, strict=True)]


def _positions(model: Any) -> int:
    # RoBERTa's kin count positions from after the padding's.
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    first = getattr(table, "padding_idx", None)
    positions = getattr(model.config, "max_position_embeddings", None) or 10**9
    return positions if first is None else positions - first - 1
