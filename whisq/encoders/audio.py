"""What frozen audio encoders have in common: which part of a clip is heard, and what is kept of it.

An adapter brings a model's `rate`, `longest` and `steps_per_second`, makes inputs of samples
(`inputs`) and states of inputs (`states`), and says how many states are a clip's own (`own`).
All else is here: a clip's first `seconds` are read, by an encoder of a shorter window one window
after the other; inputs of one shape are run at once, so that nothing is ever padded to another
clip's length; states are averaged and rounded. `whisq.encoders.registry` chooses the adapter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from whisq.audio import HEARD, Sound, resampled
from whisq.devices import all_digits
from whisq.encoders.frozen import Spec, average, to_float16
from whisq.encoders.weights import Location, is_trusted, locate
from whisq.section import Above0, Positive

PREPROCESSING = 2  # raise when the same samples would give other states

Inputs = Mapping[str, np.ndarray]


class AudioSpec(Spec):
    """What of which audio encoder is kept.

    Chosen: the paper does not say which hidden state, nor whether padding is kept.

    Attributes:
        layers: Hidden states to keep, 0 to the number of blocks, or negative from the end.
        window: What the encoder attends to: the clip with silence up to `seconds` or to the
            encoder's own window, whichever is shorter (`padded`, as Whisper was trained), the
            clip alone (`clip`), or the clip with silence up to so many seconds. An encoder that
            reads nothing but whole windows pads for itself. In each case only the clip's own
            states are kept.
        seconds: How much of a clip is heard. The default is Whisper's window, so that encoders
            compare; an encoder with a shorter window reads one after the other.
        pool: Consecutive states that are averaged into one, at least 1; the last of a clip
            averages those that are left.
        trust_remote_code: Whether the code that a model brings is run. No result is named by it,
            and no trained model can say so: only a user can.
        beside: Further encoders whose states stand beside this one's at its steps: of each its
            `model`, and what else of it is not as above. Of `layers` it has as many or one.
        past_window: What is kept of a clip longer than `seconds`: `first`, its beginning.
    """

    model: str = "openai/whisper-base"
    layers: list[int] = Field([2], min_length=1, strict=False)
    window: str | float = "clip"
    seconds: Above0 = float(HEARD)
    pool: Positive = 8
    trust_remote_code: bool = False
    beside: list[dict[str, Any]] = Field(default_factory=list)
    past_window: Literal["first"] = Field("first", exclude=True)

    def problems(self) -> list[str]:
        """Return a sentence for layers named twice, a window that is none, a further encoder."""
        found = [
            f"beside.{place}: {problem}"
            for place, changes in enumerate(self.beside)
            for problem in self._wrong_beside(changes)
        ]
        if len(set(self.layers)) < len(self.layers):
            found.append(f"layers must be given, each once, given {self.layers}")
        timed = isinstance(self.window, float) and 0 < self.window <= self.seconds
        if not timed and self.window not in ("padded", "clip"):
            found.append(
                f"window must be padded, clip or seconds to {self.seconds:g}, given {self.window!r}"
            )
        return found

    def each(self) -> list[AudioSpec]:
        """Return the spec of this encoder alone and of each one beside it."""
        return [AudioSpec(**self._values()), *(AudioSpec(**self._values(c)) for c in self.beside)]

    def kept(self) -> dict[str, Any]:
        """Return every value by name that decides the numbers.

        A `seconds` that is the default's is left out, and so is `beside` where there is none: so
        what was stored and trained before there was a choice goes by the same name.
        """
        values = super().kept() | {"beside": [spec.kept() for spec in self.each()[1:]]}
        del values["trust_remote_code"]
        usual = {"seconds": HEARD, "beside": []}
        return {name: v for name, v in values.items() if name not in usual or v != usual[name]}

    def locate(self, sha256: str | None = None) -> Location:
        """Return where each encoder's weights are, and its code where that may run.

        Args:
            sha256: What `fingerprint` must say of them; None takes any.
        """
        wanted = sha256.split() if sha256 else repeat(None)
        first, *others = (spec._own(each) for spec, each in zip(self.each(), wanted, strict=False))
        return replace(first, beside=tuple(others))

    def _own(self, sha256: str | None) -> Location:
        code = self.trust_remote_code or is_trusted(self.model)
        return locate(self.model, self.revision, sha256, code)

    def _values(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        # Of one encoder alone. A revision is its own model's.
        own = {name: getattr(self, name) for name in AudioSpec.model_fields if name != "beside"}
        return own if changes is None else own | {"revision": None} | dict(changes)

    def _wrong_beside(self, changes: Mapping[str, Any]) -> list[str]:
        values = self._values(changes)
        if "model" not in changes or "beside" in changes:
            return [f"must name its `model`, and no further ones, given {dict(changes)}"]
        if values["seconds"] != self.seconds:
            return [f"as many seconds of a clip are heard by all, {self.seconds:g}: leave it out"]
        if problems := AudioSpec.wrong(values | {"beside": []}):
            return problems
        if len(values["layers"]) not in {1, len(self.layers)}:
            return [f"layers must be one or {len(self.layers)}, given {values['layers']}"]
        return []


class AudioEncoder(ABC):
    """A frozen model that turns clips into states.

    Attributes:
        rate: Hz of the samples that it reads.
        longest: Seconds that it reads at once.
        steps_per_second: Of its states, before any averaging.
        layers: Hidden states that are kept, counted from 0.
        dim: Of a state.
    """

    rate: int
    longest: float
    steps_per_second: float
    layers: tuple[int, ...]
    dim: int

    def __init__(self, spec: AudioSpec, device: torch.device | str = "cpu") -> None:
        """Keep what is asked for; an adapter loads its weights besides."""
        self.spec, self.device = spec, torch.device(device)

    def samples(self, clip: Sound) -> np.ndarray:
        """Return what `encode` takes of a clip: its samples at `rate`."""
        return resampled(clip, self.rate)

    @abstractmethod
    def inputs(self, clip: np.ndarray) -> Inputs:
        """Return what the model reads of samples, (samples,), by name and without a batch axis."""

    @abstractmethod
    def states(self, inputs: Inputs, steps: int) -> np.ndarray:
        """Return float32, shape (clips, layers, steps or more, dim), of a batch of inputs."""

    @abstractmethod
    def own(self, samples: int) -> int:
        """Return how many states belong to so many samples, whatever is padded after them."""

    def encode(self, clips: list[np.ndarray], batch_size: int = 1) -> list[np.ndarray]:
        """Encode clips; a clip's result is its own, whatever it is encoded with.

        Args:
            clips: Samples at `rate`, float32, each (samples,).
            batch_size: Inputs of one shape that are run at once, at least 1. With 1 the result
                does not depend on the other clips in any bit, else to rounding.

        Returns:
            For each clip float16, shape (layers, steps, dim).
        """
        cut = [self._windows(clip) for clip in clips]
        states = iter(self._encode([part for parts in cut for part in parts], batch_size))
        return [self._kept([next(states) for _ in parts]) for parts in cut]

    def _windows(self, clip: np.ndarray) -> list[np.ndarray]:
        # What is heard, window by window; a rest of less than a step is left out.
        clip, length = clip[: round(self.spec.seconds * self.rate)], round(self.longest * self.rate)
        parts = [clip[start : start + length] for start in range(0, len(clip), length)]
        whole = len(parts) == 1 or len(parts[-1]) * self.steps_per_second >= self.rate
        return parts if whole else parts[:-1]

    def _kept(self, parts: list[np.ndarray]) -> np.ndarray:
        states = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return to_float16(average(states, self.spec.pool))

    def _encode(self, parts: list[np.ndarray], batch_size: int) -> list[np.ndarray]:
        inputs = [self.inputs(part) for part in parts]
        alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for index, each in enumerate(inputs):
            alike.setdefault(tuple(array.shape for array in each.values()), []).append(index)
        done: dict[int, np.ndarray] = {}
        for group in alike.values():
            for start in range(0, len(group), batch_size):
                chosen = group[start : start + batch_size]
                batch = {
                    name: np.stack([inputs[index][name] for index in chosen])
                    for name in inputs[chosen[0]]
                }
                steps = [self.own(len(parts[index])) for index in chosen]
                with all_digits():
                    states = self.states(batch, max(steps))
                for index, state, own in zip(chosen, states, steps, strict=True):
                    done[index] = state[:, :own]
        return [done[index] for index in range(len(parts))]
