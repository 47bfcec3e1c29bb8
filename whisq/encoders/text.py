"""A frozen text encoder: a prompt to the sequence of its tokens' states.

Any model of the hub that yields token states serves, bidirectional or causal. Special tokens
are kept: the states of [CLS] and [SEP] carry the sentence, and a model saw them in training.

Source: token states instead of one vector, as in WhisQ (arXiv 2506.05899).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.encoders.frozen import Spec, to_float16
from whisq.encoders.weights import Location, locate

if TYPE_CHECKING:
    import torch

PREPROCESSING = 2  # raise when the same prompt would give other states


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
        """Tell whether the template has no place for the prompt.

        Returns:
            One sentence a problem.
        """
        if "{prompt}" in self.template:
            return []
        return [f"template must contain {{prompt}}, given {self.template!r}"]


class TextEncoder:
    """A frozen model that turns prompts into token states."""

    def __init__(
        self, spec: TextSpec, location: Location | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """Load the weights and the tokenizer.

        Args:
            spec: What to keep of which encoder.
            location: Where the weights are, if that is known already.
            device: Where to compute, as torch names it.

        Raises:
            ValueError: The weights are not found, or the layer is not one of the model's.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.spec, self.device = spec, torch.device(device)
        folder = (location or locate(spec.model, spec.revision)).folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="right")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        model = AutoModel.from_pretrained(folder, dtype=torch.float32)
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        depth = model.config.num_hidden_layers
        if not -depth - 1 <= spec.layer <= depth:
            raise ValueError(f"{spec.model} has hidden states 0 to {depth}, asked for {spec.layer}")
        self.layers = (range(depth + 1)[spec.layer],)
        self.dim = model.config.hidden_size
        positions = getattr(model.config, "max_position_embeddings", None) or 10**9
        self.longest = min(self.tokenizer.model_max_length, positions)
        self.model = model.to(self.device, getattr(torch, spec.dtype)).eval()

    def encode(self, prompts: list[str], batch_size: int = 1) -> list[np.ndarray]:
        """Encode prompts; a prompt's result is its own, whatever it is encoded with.

        Args:
            prompts: Texts, each with at least one character that is not a space.
            batch_size: Prompts that are run at once, at least 1, padded on the right and
                masked. With 1 the result does not depend on the other prompts in any bit,
                else to rounding.

        Returns:
            For each prompt float16, shape (1, tokens, dim).

        Raises:
            ValueError: A prompt is empty.
        """
        blank = [index for index, prompt in enumerate(prompts) if not prompt.strip()]
        if blank:
            raise ValueError(f"prompts must not be empty, but those at {blank} are; give a text")
        states = []
        for start in range(0, len(prompts), batch_size):
            states += self._states(prompts[start : start + batch_size])
        return states

    def _states(self, prompts: list[str]) -> list[np.ndarray]:
        import torch

        filled = [self.spec.template.replace("{prompt}", prompt) for prompt in prompts]
        tokens = self._tokens(filled)
        with torch.inference_mode(), one_thread():
            output = self.model(**tokens.to(self.device), output_hidden_states=True)
        kept = output.hidden_states[self.spec.layer].float().cpu().numpy()
        lengths = tokens["attention_mask"].sum(dim=1).tolist()
        return [to_float16(row[None, :n]) for row, n in zip(kept, lengths, strict=True)]

    def _tokens(self, texts: list[str]) -> Any:
        limit = {"truncation": True, "max_length": self.longest + 1}
        for text, ids in zip(texts, self.tokenizer(texts, **limit)["input_ids"], strict=True):
            if len(ids) > self.longest:
                warnings.warn(
                    f"a prompt is cut to the {self.longest} tokens that {self.spec.model} reads: "
                    f"{text[:60]}...",
                    stacklevel=2,
                )
        limit["max_length"] = self.longest
        return self.tokenizer(texts, **limit, padding=True, return_tensors="pt")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one core, so that the rounding of sums does not depend on how many there are.

    A model that whitens token states makes a hundred times more of such a difference.

    Yields:
        Nothing; the number of threads is put back afterwards.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
