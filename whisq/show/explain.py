"""Why one clip has its score: its maps, and what each word of its prompt does to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq import audio as sounds
from whisq.encoders.whisper import LONGEST
from whisq.encoders.words import WORD, split
from whisq.show.likeness import Likeness, likeness
from whisq.show.maps import Maps, read_maps

if TYPE_CHECKING:
    from whisq.audio import Audio
    from whisq.predictor import Predictor

MOST_WORDS = 60  # are taken out in turn: each costs a run of the text encoder


@dataclass(frozen=True)
class Removal:
    """A prompt without one of its words.

    Attributes:
        word: The word.
        ta: Predicted alignment without it, 1 to 5.
        change: How much that is above the whole prompt's.
    """

    word: str
    ta: float
    change: float


@dataclass(frozen=True)
class Explanation:
    """Why one clip has its score.

    Attributes:
        clip: The clip's name.
        prompt: What it was made from.
        samples: What the model heard, 16 kHz.
        maps: What the network makes of clip and prompt, with the scores.
        removals: What taking out each word does, in the prompt's order.
        cautions: What of clip or prompt is left out.
        faults: The faults of the sound, the most alike first; none if they were not asked for.
    """

    clip: str
    prompt: str
    samples: np.ndarray
    maps: Maps
    removals: list[Removal]
    cautions: list[str]
    faults: list[Likeness] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Lay it out for JSON, without the samples.

        Returns:
            Numbers, texts and lists by name; each map has a list a word.
        """
        maps = self.maps
        arrays = {"edges": maps.edges, "word_cost": maps.word_cost}
        arrays |= {"moment_cost": maps.moment_cost, "quality_weights": maps.quality}
        return {
            "clip": self.clip,
            "prompt": self.prompt,
            "omq": maps.omq,
            "ta": maps.ta,
            "words": list(maps.words),
            "maps": {name: values.tolist() for name, values in maps.maps.items()},
            "transport_cost": maps.cost,
            "even_cost": maps.typical,
            **{name: None if array is None else array.tolist() for name, array in arrays.items()},
            "words_without_place": maps.misplaced(),
            "moments_without_word": maps.unmatched(),
            "removals": [asdict(removal) for removal in self.removals],
            "faults": [asdict(fault) for fault in self.faults],
            "cautions": self.cautions,
        }


def explain(
    predictor: Predictor,
    audio: Audio,
    prompt: str,
    rate: int | None = None,
    faults: bool = False,
) -> Explanation:
    """Explain a clip's score.

    Args:
        predictor: A trained model.
        audio: A path, a sound file's bytes, or floats in -1..1 with `rate`.
        prompt: What the clip was made from.
        rate: Of an array, Hz.
        faults: Whether to ask which faults of the sound the clip is like; costs some forty runs
            of the audio encoder.

    Returns:
        The explanation.
    """
    clip = sounds.read(audio, rate)
    samples = sounds.resampled(clip)
    (heard, text), cautions = predictor.embed(samples, prompt, sounds.RATE)
    cautions = [*clip.notes, *cautions]
    encoder = predictor.text_encoder
    words = split(encoder.tokenizer, prompt, encoder.spec.template, text.shape[1])
    seconds = min(len(samples) / sounds.RATE, LONGEST)
    maps = read_maps(predictor.network, heard, text, words, seconds)
    places = list(WORD.finditer(prompt))
    if len(places) > MOST_WORDS:
        cautions.append(f"only the first {MOST_WORDS} of {len(places)} words are taken out in turn")
    return Explanation(
        clip=str(audio) if not isinstance(audio, bytes) and rate is None else "the given sound",
        prompt=prompt,
        samples=samples[: LONGEST * sounds.RATE],
        maps=maps,
        removals=_removals(predictor, heard, prompt, maps.ta),
        cautions=cautions,
        faults=likeness(predictor, samples[: LONGEST * sounds.RATE]) if faults else [],
    )


def without_each_word(prompt: str) -> list[tuple[str, str]]:
    """Take out a prompt's words in turn.

    Args:
        prompt: The prompt.

    Returns:
        Each word and the prompt without it, of the first MOST_WORDS; none for a single word.
    """
    places = list(WORD.finditer(prompt))
    if len(places) < 2:
        return []
    return [
        (place.group(), " ".join((prompt[: place.start()] + prompt[place.end() :]).split()))
        for place in places[:MOST_WORDS]
    ]


def _removals(predictor: Predictor, heard: np.ndarray, prompt: str, ta: float) -> list[Removal]:
    words = without_each_word(prompt)
    scores = predictor.score_embedded([(heard, predictor.embed_prompt(rest)) for _, rest in words])
    return [
        Removal(word, score.ta, score.ta - ta)
        for (word, _), score in zip(words, scores, strict=True)
    ]
