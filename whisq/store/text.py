"""Embedding prompts: each distinct text once."""

from __future__ import annotations

from pathlib import Path

from whisq.devices import AUTO, BatchSize, at_once, resolve
from whisq.encoders.text import PREPROCESSING, TextEncoder, TextSpec
from whisq.files import digest_of
from whisq.store.store import Counts, Store, fill


def embed_text(
    prompts: list[str],
    spec: TextSpec,
    folder: Path,
    *,
    root: Path | None = None,
    batch_size: BatchSize = AUTO,
    device: str = AUTO,
) -> Counts:
    """Embed prompts.

    Args:
        prompts: Texts, in the order to keep; repeats are left out.
        spec: What to keep of which encoder.
        folder: Where the output goes.
        root: Where the store is; the user's if None.
        batch_size: Prompts that are encoded at once; auto as `at_once` says.
        device: Where to compute, as `whisq.devices` names it. No result is named by it.

    Returns:
        What was done.
    """
    location = spec.locate()
    store = Store.of("text", spec, location, PREPROCESSING, root)
    contents = contents_of(prompts)

    def compute(missing: set[str]) -> None:
        from tqdm import tqdm

        encoder = TextEncoder(spec, location, resolve(device))
        together = at_once(batch_size, encoder.device)
        store.note(encoder.layers, encoder.dim)
        wanted = [prompt for prompt, content in contents.items() if content in missing]
        for start in tqdm(range(0, len(wanted), together), "prompts", disable=None):
            batch = wanted[start : start + together]
            for prompt, states in zip(batch, encoder.encode(batch, together), strict=True):
                store.write(contents[prompt], states)

    return fill(folder, contents, store, compute)


def contents_of(prompts: list[str]) -> dict[str, str]:
    """Return what names each distinct prompt's states in a store, in order."""
    return {prompt: digest_of("text", prompt) for prompt in dict.fromkeys(prompts)}
