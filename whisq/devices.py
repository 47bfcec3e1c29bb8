"""Where to compute: a device's name means the same everywhere because it is resolved here alone.

Names are torch's: `cpu`, `cuda` (the first GPU of that kind), `cuda:1`, `mps`; and `auto`, a GPU if
there is one. Where many processes compute, `auto` and `cuda` stand for all GPUs, taken in turn.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    import torch

AUTO = "auto"
NAMES = r"^(auto|cpu|cuda(:\d+)?|mps)$"
TOGETHER = 16  # clips or prompts that a GPU encodes at once, where nobody says how many

BatchSize = Annotated[int, Field(ge=1)] | Literal["auto"]


def available() -> list[str]:
    """Return all that can compute here, every GPU, then the CPU, as torch names them."""
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(f"cuda:{number}" for number in range(cuda)), *mps, "cpu"]


def every(name: str | None = AUTO) -> list[str]:
    """Tell all the devices that a name stands for.

    Args:
        name: auto (or None), cpu, cuda, cuda:N or mps.

    Returns:
        One device or more, each by its full name.

    Raises:
        ValueError: There is no such device here, or no device is called so.
    """
    name = str(name or AUTO)
    if not re.match(NAMES, name):
        raise ValueError(f"a device must be auto, cpu, cuda, cuda:N or mps, given {name!r}")
    here = available()
    kind = here[0].split(":")[0] if name == AUTO else name
    found = [device for device in here if kind in (device, device.split(":")[0])]
    if not found:
        raise ValueError(
            f"the device must be one that is here ({', '.join(here)}), given {name!r}: "
            "name one of these, or auto"
        )
    return found


def resolve(name: str | None = AUTO) -> torch.device:
    """Return the first device that a name stands for, as `every` takes it."""
    import torch

    return torch.device(every(name)[0])


class _Cores:
    """Whose turn it is to say on how many cores torch computes."""

    def __init__(self) -> None:
        self.turn, self.here = threading.Condition(), threading.local()
        self.held, self.count, self.rest = 0, 0, 0

    def take(self, count: int) -> None:
        import torch

        with self.turn:
            self.turn.wait_for(lambda: not self.held or self.count == count)
            if not self.held:
                self.rest = torch.get_num_threads()
            self.held, self.count = self.held + 1, count
            torch.set_num_threads(count)

    def give_back(self) -> None:
        import torch

        with self.turn:
            self.held -= 1
            if not self.held:
                torch.set_num_threads(self.rest)
                self.turn.notify_all()


_CORES = _Cores()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on so many cores meanwhile.

    torch keeps a number for each of Python's threads, and its matrix library one for the whole
    process: who wants as many computes at the same time, who wants another number waits. With one
    core the rounding of sums does not depend on how many there are.
    """
    outer = getattr(_CORES.here, "count", None)
    if outer:  # else it would wait for itself
        _CORES.give_back()
    _CORES.take(count)
    _CORES.here.count = count
    try:
        yield
    finally:
        _CORES.give_back()
        _CORES.here.count = outer
        if outer:
            _CORES.take(outer)


class _Digits:
    """How many there are who need that a GPU's convolutions keep float32's digits."""

    def __init__(self) -> None:
        self.turn, self.held, self.rest = threading.Lock(), 0, True

    def change(self, by: int) -> None:
        from torch.backends import cudnn

        with self.turn:
            if not self.held:
                self.rest = cudnn.allow_tf32
            self.held += by
            cudnn.allow_tf32 = self.rest and not self.held


_DIGITS = _Digits()


@contextmanager
def all_digits() -> Iterator[None]:
    """Let no convolution on a GPU round float32 to TF32's ten bits meanwhile, as torch lets cuDNN.

    On an H100 Whisper's states were off by up to 3 in a thousand by it, else by 5 in a hundred
    thousand (docs/gpu.md). Matrix products are as torch has them, which is float32. The choice is
    the whole process's, which may be training something else: the last to need this gives it back.
    """
    _DIGITS.change(1)
    try:
        yield
    finally:
        _DIGITS.change(-1)


def quicker(work: Callable[[], object], repeats: int = 3) -> int:
    """Return on how many cores a work is quickest: one, or as many as torch would take.

    It is tried out. All cores may be those of a container that has a share of them, or others may
    compute on them: then they wait for each other longer than they compute. One it is unless all
    save a fifth of the time.
    """
    import torch

    every = torch.get_num_threads()
    if every == 1:
        return 1
    took = {}
    for count in (1, *[1, every] * repeats):  # the first call sets up
        with threads(count):
            started = time.perf_counter()
            work()
            lasted = time.perf_counter() - started
        took[count] = min(lasted, took.get(count, lasted))
    return every if took[every] < 0.8 * took[1] else 1


def at_once(batch_size: int | str, device: torch.device | str) -> int:
    """Tell how many clips or prompts the encoders run at once.

    One by one is as fast on a CPU, and then no state depends in any bit on its neighbours; a GPU
    is idle with one.

    Args:
        batch_size: The user's choice, at least 1, or auto.
        device: Where it is encoded.

    Returns:
        At least 1.

    Raises:
        ValueError: The user's choice is neither.
    """
    if batch_size == AUTO:
        return 1 if str(device) == "cpu" else TOGETHER
    if not (isinstance(batch_size, Integral) and batch_size >= 1):
        raise ValueError(f"batch_size must be 1 or more, or auto, given {batch_size!r}")
    return batch_size
