"""A trained model with its front ends: a clip and a prompt in, a score out.

A score is a function of the clip, the prompt and the model alone: each clip and each prompt is
encoded by itself, and the network sees padding only under masks. On a GPU, where clips are encoded
together, that holds to rounding.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from whisq import audio as sounds
from whisq.addresses import read_network
from whisq.batch import Example, collate
from whisq.devices import AUTO, BatchSize, at_once, quicker, resolve, threads
from whisq.encoders.audio import AudioEncoder, AudioSpec
from whisq.encoders.beside import Beside
from whisq.encoders.frozen import Spec
from whisq.encoders.registry import audio_encoder
from whisq.encoders.text import Prompt, TextEncoder, TextSpec
from whisq.encoders.weights import Location
from whisq.scores import Score, scores_of

if TYPE_CHECKING:
    from whisq.audio import Audio, Sound
    from whisq.model.network import Network

# Audio (layers, steps, dim) and text (1, tokens, dim), which is None where there is no prompt.
Embedded = tuple[np.ndarray, np.ndarray | None]
Clip = tuple[Any, Prompt | None]  # what the audio encoder takes of a clip, and the prompt
PROMPTS_KEPT = 256  # token states of the latest prompts; a list often repeats them
BATCH = 16  # clips that the network rates at once


class ScoreWarning(UserWarning):
    """What to know of a score, such as that it is not of the whole clip or prompt."""


class Predictor:
    """A trained network and the two frozen encoders that its config names."""

    def __init__(self, network: Network, device: str | None = None) -> None:
        """Put a network in place; encoders are loaded when the first clip needs them.

        Args:
            network: Trained, its config naming both encoders.
            device: As in `load`.
        """
        self.device = resolve(device)
        self.network = network.eval().to(self.device)
        self.config = network.config
        # Tokenizers, and Python's warnings, can't be used by two threads at once.
        self._one_at_a_time = threading.Lock()
        self._trying, self._quickest = threading.Lock(), None
        # A prompt that was read to float16, shape (1, tokens, dim).
        self._states = lru_cache(PROMPTS_KEPT)(lambda read: self.text_encoder.states([read])[0])

    @classmethod
    def load(cls, where: str | Path, device: str | None = None) -> Predictor:
        """Return a trained model; see `whisq.load`."""
        return cls(read_network(where), device)

    @cached_property
    def audio_encoder(self) -> AudioEncoder | Beside:
        """The audio front end that the model was trained on."""
        spec = AudioSpec(**self.config.audio)
        return audio_encoder(spec, self._located("audio", spec), self.device)

    @cached_property
    def text_encoder(self) -> TextEncoder:
        """The text front end that the model was trained on."""
        spec = TextSpec(**self.config.text)
        return TextEncoder(spec, self._located("text", spec), self.device)

    def _located(self, kind: str, spec: Spec) -> Location:
        # The same name may lead to other weights on another day or machine.
        if kind not in self.config.weights:
            raise ValueError(
                f"the model's config.json does not say which weights its {kind} encoder, "
                f"{spec.model}, has: train it again"
            )
        return spec.locate(self.config.weights[kind])

    def ready(self, prompted: bool = True) -> None:
        """Load the encoders now, of text if prompts will be scored; else the first clip waits."""
        _ = self.audio_encoder, self.text_encoder if prompted else None

    def score(
        self,
        audio: Audio,
        prompt: str | None = None,
        *,
        rate: int | None = None,
        channels_first: bool | None = None,
    ) -> Score:
        """Return one clip's score.

        Args:
            audio: A clip in any form that `whisq.audio.read` takes: a path, a sound file's bytes,
                an open file, or floats in -1..1, numpy or torch, with `rate`.
            prompt: What the clip was made from; None asks for musical quality alone.
            rate: Of an array, Hz.
            channels_first: Of an array with more than two channels, whether its first axis holds
                them.
        """
        pairs = [(audio, prompt)]
        return next(self.score_many(pairs, rate=rate, channels_first=channels_first))

    def score_many(
        self,
        pairs: Iterable[tuple[Audio, str | None]],
        batch_size: BatchSize = AUTO,
        rate: int | None = None,
        channels_first: bool | None = None,
    ) -> Iterator[Score]:
        """Yield scores in order as clips come.

        Args:
            pairs: Clip and prompt, each as in `score`.
            batch_size: Clips that are encoded and answered at once, at least 1. Auto encodes one by
                one on a CPU, and no score depends on the others in any bit; above 1, as on a GPU,
                scores depend on them to rounding.
            rate: Of arrays, Hz.
            channels_first: Of arrays, as in `score`.
        """
        waiting, together = iter(pairs), at_once(batch_size, self.device)
        while chunk := list(islice(waiting, BATCH if batch_size == AUTO else batch_size)):
            clips = []
            for audio, prompt in chunk:
                clip, cautions = self.read(audio, prompt, rate, channels_first)
                clips.append(clip)
                for caution in cautions:
                    warnings.warn(caution, ScoreWarning, stacklevel=2)
            with threads(self._cores()):
                scores = self.score_embedded(self.encode(clips, together))
            yield from scores

    def embed(
        self, audio: Audio | Sound, prompt: str | None = None, rate: int | None = None
    ) -> tuple[Embedded, list[str]]:
        """Return what `score_embedded` takes of a clip and prompt, and what `read` says of them."""
        clip, cautions = self.read(audio, prompt, rate)
        return self.encode([clip])[0], cautions

    def read(
        self,
        audio: Audio | Sound,
        prompt: str | None = None,
        rate: int | None = None,
        channels_first: bool | None = None,
    ) -> tuple[Clip, list[str]]:
        """Decode and check a clip and its prompt, given as in `score`.

        Returns:
            What `encode` takes, and a sentence for each thing to know: what was odd in the sound,
            a clip past the window, a prompt past what its encoder reads, words that it does not
            know.
        """
        clip = self.hear(audio, rate, channels_first)
        encoder, cautions = self.audio_encoder, list(clip.notes)
        samples, heard = encoder.samples(clip), self.heard(clip)
        if heard < clip.seconds:
            cautions.append(f"only the first {heard:g} s of {clip.seconds:.1f} s are scored")
        if prompt is None:
            return (samples, None), cautions
        read = self._read_prompt(prompt)
        return (samples, read), [*cautions, *read.notes]

    def hear(
        self, audio: Audio | Sound, rate: int | None = None, channels_first: bool | None = None
    ) -> Sound:
        """Return a decoded clip, given as in `score`, in which there is something to hear."""
        return sounds.read(audio, rate, channels_first, AudioSpec(**self.config.audio).seconds)

    def heard(self, clip: Sound) -> float:
        """Return how many seconds of a clip a score is of: the first ones."""
        return min(clip.seconds, AudioSpec(**self.config.audio).seconds)

    def encode(self, clips: Sequence[Clip], together: int = 1) -> list[Embedded]:
        """Return what `score_embedded` takes of clips that are read, in order.

        Args:
            clips: As `read` gives them.
            together: How many the encoders run at once, at least 1. With 1 what is made of a clip
                does not depend on the others in any bit, else to rounding.
        """
        prompts = list(dict.fromkeys(prompt for _, prompt in clips if prompt is not None))
        with self._one_at_a_time:
            if together == 1:
                states = [self._states(prompt) for prompt in prompts]
            else:
                states = self.text_encoder.states(prompts, together) if prompts else []
        text = dict(zip(prompts, states, strict=True))
        with threads(self._cores()):
            audio = self.audio_encoder.encode([samples for samples, _ in clips], together)
        return [(heard, text.get(prompt)) for heard, (_, prompt) in zip(audio, clips, strict=True)]

    def _cores(self) -> int:
        # Tried out once, at the first clip, for which Python's other threads wait.
        if self.device.type != "cpu" or torch.get_num_threads() == 1:
            return torch.get_num_threads()
        with self._trying:
            if self._quickest is None:
                second = np.sin(np.arange(sounds.RATE, dtype=np.float32))
                tone = self.audio_encoder.samples(sounds.Sound(second, sounds.RATE))
                self._quickest = quicker(lambda: self.audio_encoder.encode([tone]))
        return self._quickest

    def embed_audio(self, samples: np.ndarray) -> np.ndarray:
        """Return a clip's states, float16, shape (layers, steps, dim), as the store holds them.

        Args:
            samples: 16 kHz, float32, shape (samples,).
        """
        clip = sounds.Sound(samples, sounds.RATE)
        return self.audio_encoder.encode([self.audio_encoder.samples(clip)])[0]

    def embed_prompt(self, prompt: str) -> np.ndarray:
        """Return a prompt's states, float16, shape (1, tokens, dim), as the store holds them."""
        read = self._read_prompt(prompt)
        with self._one_at_a_time:
            return self._states(read)

    def _read_prompt(self, prompt: str) -> Prompt:
        with self._one_at_a_time:
            return self.text_encoder.read(prompt)

    def score_embedded(self, clips: Sequence[Embedded]) -> list[Score]:
        """Return the scores of clips that are encoded, in order.

        Args:
            clips: As `embed`, or `embed_audio` and `embed_prompt`, give them; what a clip is
                batched with changes no score.
        """
        chunks = (clips[start : start + BATCH] for start in range(0, len(clips), BATCH))
        return [score for chunk in chunks for score in self._scores(chunk)]

    def _scores(self, clips: Sequence[Embedded]) -> list[Score]:
        # Quality never sees the prompt, so any text will do where there is none.
        blank = np.zeros((1, self.config.text_dim), np.float32)
        examples = [Example("", audio, blank if text is None else text[0]) for audio, text in clips]
        batch = collate(examples).to(self.device)
        with torch.inference_mode():
            output = self.network(*batch.inputs)
        aligned = "ta" not in self.config.corpus.get("unrated", "")
        return scores_of(output, [aligned and text is not None for _, text in clips])
