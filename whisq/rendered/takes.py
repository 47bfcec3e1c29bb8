"""The list of clips of a corpus: who plays what, with which faults, and what listeners say.

Everything but the sound is decided here, in one process, from one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import numpy as np
from numpy.random import Generator
from pydantic import Field

from whisq.corpus.clips import SPLITS
from whisq.rendered import listeners, requests
from whisq.rendered.faults import Fault
from whisq.rendered.requests import Request
from whisq.rendered.systems import System, follow, spoil, systems
from whisq.section import Section

SHARES = (1923, 412, 413)
"""MusicEval's clips in train, dev and test; the rendered corpus is split in the same shares."""


class Rendered(Section):
    """The size and the seed of a corpus.

    Attributes:
        systems: Systems in all.
        demo_systems: How many of them play prompts of their own; the others share theirs.
        prompts: Those that they share; four have a pair about order.
        demo_clips: Clips with prompts of their own, at least one a demo system.
        raters: Listeners who rate a clip.
        bands: Share of the prompts that ask for a band, and so of the clips that play one.
        rewordings: How often each prompt is put in other words, for `train.rewordings`.
        seed: Decides everything.
    """

    systems: Annotated[int, Field(ge=4)] = 31
    demo_systems: Annotated[int, Field(ge=0)] = 6
    prompts: Annotated[int, Field(ge=4)] = 100
    demo_clips: Annotated[int, Field(ge=0)] = 248
    raters: Annotated[int, Field(ge=1, le=listeners.PANEL)] = listeners.RATERS
    bands: Annotated[float, Field(ge=0, le=1)] = 0.0
    rewordings: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0)] = 0

    def problems(self) -> list[str]:
        """Tell where the counts do not go together.

        Returns:
            One sentence a problem.
        """
        found = []
        if self.demo_systems >= self.systems:
            found.append(f"demo_systems must be fewer than systems, given {self.demo_systems}")
        if self.demo_clips < self.demo_systems or (self.demo_clips and not self.demo_systems):
            found.append(
                f"demo_clips must be one or more for each of {self.demo_systems} demo_systems, "
                f"given {self.demo_clips}"
            )
        return found


@dataclass(frozen=True)
class Prompt:
    """One line of the prompt tables.

    Attributes:
        key: P001 and on for shared prompts; a file name with .wav for a demo clip's own.
        request: What it asks for.
        pair: Number of the pair that it belongs to, or "".
    """

    key: str
    request: Request
    pair: str


@dataclass(frozen=True)
class Take:
    """One clip before it is rendered.

    Attributes:
        id: File name without .wav.
        system: S001 and on.
        played: What is played instead of what the prompt asks for.
        failures: Respects in which that is not what was asked for.
        omq: Latent rating of its quality.
        ta: Latent rating of how it answers the prompt.
        ratings: (raters, 3) listener, omq and ta.
        seed: What `studio.render` takes.
    """

    id: str
    system: str
    prompt: Prompt
    played: Request
    faults: tuple[Fault, ...]
    failures: tuple[Fault, ...]
    omq: float
    ta: float
    ratings: np.ndarray
    split: str
    seed: tuple[int, ...]

    @property
    def file(self) -> str:
        """File name with .wav."""
        return f"{self.id}.wav"

    @property
    def mos(self) -> tuple[float, float]:
        """Mean omq and ta of its listeners."""
        omq, ta = self.ratings[:, 1:].mean(axis=0).tolist()
        return omq, ta


@dataclass(frozen=True)
class Cast:
    """A whole corpus, unrendered.

    Attributes:
        systems: Its systems, by name.
        prompts: Its prompts, shared ones first.
        takes: Its clips, by id.
    """

    systems: list[System]
    prompts: list[Prompt]
    takes: list[Take]


Chosen = Callable[[list[System], list[Prompt]], Mapping[tuple[str, str], str]]
"""From systems and shared prompts to the split of each wanted pair of a name and a key."""


def cast(choices: Rendered, chosen: Chosen | None = None) -> Cast:
    """Decide on every clip of a corpus.

    Args:
        choices: Its size and seed.
        chosen: Tells of the systems and prompts which are wanted, and in which split; None takes
            every system's answer to every prompt, in splits by chance.

    Returns:
        The corpus, the same for the same choices.
    """
    seed, counts = choices.seed, (choices.systems, choices.demo_systems, choices.demo_clips)
    made = systems(*counts, np.random.default_rng([seed, 1]))
    sizes = choices.prompts, choices.demo_clips
    asked, alone = map(iter, requests.draw(sizes, np.random.default_rng([seed, 2]), choices.bands))
    shared = [Prompt(f"P{number:03d}", *what) for number, what in enumerate(asked, start=1)]
    own: list[Prompt] = []
    todo: list[tuple[System, int, Prompt]] = []
    for system in made:
        prompts = [
            Prompt(f"{_clip_id(system.name, number)}.wav", *what)
            for number, what in enumerate(islice(alone, system.demo_clips), start=1)
        ]
        own += prompts
        played = enumerate(prompts or shared, start=1)
        todo += [(system, number, prompt) for number, prompt in played]
    if chosen is None:
        splits = _split(len(todo), np.random.default_rng([seed, 3]))
    else:
        wanted = chosen(made, shared)
        todo = [one for one in todo if (one[0].name, one[2].key) in wanted]
        splits = [wanted[system.name, prompt.key] for system, _, prompt in todo]
    panel = listeners.panel(np.random.default_rng([seed, 4]))
    heard = panel, choices.raters, seed
    takes = [_take(*what, split, *heard) for what, split in zip(todo, splits, strict=True)]
    return Cast(made, shared + own, takes)


def _clip_id(system: str, number: int) -> str:
    # As MusicEval does; a demo clip's number is not its prompt's but its own.
    return f"whisq-rendered-{system}_P{number:03d}"


def _take(
    system: System,
    number: int,
    prompt: Prompt,
    split: str,
    panel: np.ndarray,
    raters: int,
    seed: int,
) -> Take:
    clip_seed = (seed, 5, int(system.name[1:]), number)
    rng = np.random.default_rng(clip_seed)
    spoilt = spoil(system, rng)
    played, failures = follow(system, prompt.request, rng)
    omq = listeners.omq(sum(fault.damage for fault in spoilt))
    ta = listeners.ta(sum(failure.damage for failure in failures), omq)
    return Take(
        id=_clip_id(system.name, number),
        system=system.name,
        prompt=prompt,
        played=played,
        faults=spoilt,
        failures=failures,
        omq=omq,
        ta=ta,
        ratings=listeners.rate(panel, (omq, ta), rng, raters),
        split=split,
        seed=clip_seed,
    )


def _split(clips: int, rng: Generator) -> list[str]:
    train, dev, _ = (round(clips * share / sum(SHARES)) for share in SHARES)
    names = np.repeat(SPLITS, [train, dev, clips - train - dev])
    return rng.permutation(names).tolist()
