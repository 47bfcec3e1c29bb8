"""Learning curves: which points they have, and which clips are rendered for them.

One pool serves all points of all curves. Systems and prompts are divided once: those tested, and
those of dev, are in no training, and their clips are the same for all points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.random import Generator
from pydantic import Field

from whisq.rendered.listeners import PANEL
from whisq.rendered.systems import System
from whisq.rendered.takes import Prompt, Rendered
from whisq.section import Positive, Section, Workers
from whisq.trials.part import Part

SPARE = 1.25  # times the prompts that a point needs are there for it, so that its draws differ


class Curves(Section):
    """The points of the curves, and the pool that they are drawn from.

    Attributes:
        prompts: Of the first curve, rising, each with `at_clips` training clips.
        clips: Of the second, rising, each of `at_prompts` prompts.
        raters: Of a clip, of the third, rising, each with `at_ratings` ratings in all.
        at_clips: See `prompts`.
        at_prompts: Of the second and third curve.
        at_raters: Of a clip, of the first and second curve.
        at_ratings: See `raters`.
        train_systems: Whose clips are learnt from.
        dev_systems: Whose clips choose the epoch.
        test_systems: Whose clips are tested.
        dev_prompts: Of those clips.
        test_prompts: Likewise.
        held_out_clips: Of each system of dev and test.
        draws: Trainings at each point, each of other training clips, and with another seed.
        seed: Of the pool.
        workers: Trainings at a time, each with one thread, or auto.
    """

    prompts: list[Positive] = Field([25, 50, 100, 200, 400, 800], min_length=2)
    clips: list[Positive] = Field([100, 200, 400, 800, 1600], min_length=2)
    raters: list[Annotated[int, Field(ge=1, le=PANEL)]] = Field([1, 2, 4, 8], min_length=2)
    at_clips: Positive = 800
    at_prompts: Positive = 100
    at_raters: Annotated[int, Field(ge=1, le=PANEL)] = 5
    at_ratings: Positive = 1600
    train_systems: Positive = 32
    dev_systems: Annotated[int, Field(ge=2)] = 8
    test_systems: Annotated[int, Field(ge=2)] = 24
    dev_prompts: Positive = 40
    test_prompts: Positive = 60
    held_out_clips: Positive = 20
    draws: Positive = 3
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Workers = "auto"

    def problems(self) -> list[str]:
        """Tell where the choices do not go together.

        Returns:
            One sentence a problem.
        """
        found = []
        for name, asked in self._asked():
            for prompts, clips, ratings in asked:
                each = clips / prompts
                if each != int(each) or not 1 <= each <= self.train_systems:
                    found.append(
                        f"{name}: {prompts} prompts must have a whole number of clips each, one to "
                        f"train_systems ({self.train_systems}), given {clips} clips"
                    )
                if ratings % clips:
                    found.append(f"{name}: {ratings} ratings must be a whole number a clip")
        if self.held_out_clips > min(self.dev_prompts, self.test_prompts):
            found.append("held_out_clips must be at most dev_prompts and test_prompts")
        return found

    @property
    def points(self) -> dict[str, list[Part]]:
        """The parts of the training clips that each curve is made of, by its name."""
        return {
            name: [
                Part(prompts, clips // prompts, ratings // clips) for prompts, clips, ratings in a
            ]
            for name, a in self._asked()
        }

    @property
    def rendered(self) -> Rendered:
        """The corpus that the pool is taken from."""
        parts = [part for curve in self.points.values() for part in curve]
        prompts = max(part.prompts for part in parts) + self.dev_prompts + self.test_prompts
        raters = max(part.raters for part in parts)
        systems = self.train_systems + self.dev_systems + self.test_systems
        sizes = {"systems": systems, "prompts": prompts, "raters": raters}
        return Rendered(**sizes, demo_systems=0, demo_clips=0, seed=self.seed)

    def pool(self, systems: list[System], prompts: list[Prompt]) -> dict[tuple[str, str], str]:
        """Choose of a corpus the clips that the curves need.

        Prompts that differ in order alone are in one split. A training prompt is answered by as
        many systems as the point needs that asks for most of it.

        Args:
            systems: All of `rendered`.
            prompts: Likewise.

        Returns:
            By the system's name and the prompt's key the clip's split.
        """
        draw = np.random.default_rng([self.seed, 6])
        names = [[system.name] for system in systems]
        *held, learnt = _divided(_mixed(names, draw), self.test_systems, self.dev_systems)
        pairs = _mixed(_pairs(prompts), draw)
        *asked, train = _divided(pairs, self.test_prompts, self.dev_prompts)
        wanted: dict[tuple[str, str], str] = {}
        for split, own, keys in zip(("test", "dev"), held, asked, strict=True):
            for name in own:
                taken = draw.choice(keys, self.held_out_clips, replace=False)
                wanted |= {(name, str(key)): split for key in taken}
        for key, count in zip(train, self._answers(len(train)), strict=True):
            wanted |= {(str(name), key): "train" for name in draw.permutation(learnt)[:count]}
        return wanted

    def _asked(self) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
        # By curve the prompts, clips and ratings of each point.
        fixed, clips, raters = self.at_prompts, self.at_clips, self.at_raters
        yield "prompts", [(count, clips, clips * raters) for count in self.prompts]
        yield "clips", [(fixed, count, count * raters) for count in self.clips]
        yield (
            "raters",
            [(fixed, self.at_ratings // n, self.at_ratings // n * n) for n in self.raters],
        )

    def _answers(self, prompts: int) -> list[int]:
        # How many systems answer the first training prompt, the second, and so on.
        parts = [part for curve in self.points.values() for part in curve]
        return [
            max((part.each for part in parts if at < SPARE * part.prompts), default=0)
            for at in range(prompts)
        ]


def _pairs(prompts: list[Prompt]) -> list[list[str]]:
    # The keys of the two of a pair, or of one by itself.
    pairs: dict[str, list[str]] = {}
    for prompt in prompts:
        pairs.setdefault(prompt.pair or prompt.key, []).append(prompt.key)
    return list(pairs.values())


def _mixed(groups: list[list[str]], draw: Generator) -> list[list[str]]:
    return [groups[at] for at in draw.permutation(len(groups))]


def _divided(groups: list[list[str]], test: int, dev: int) -> tuple[list[str], ...]:
    # The items of test, dev and train; a group goes whole to the first that has room for it.
    divided: tuple[list[str], ...] = ([], [], [])
    for group in groups:
        fits = [
            len(own) + len(group) <= size for own, size in zip(divided, (test, dev), strict=False)
        ]
        divided[fits.index(True) if True in fits else 2].extend(group)
    return divided
