"""A prompt's way from `whisq score` to the network's head: few places, few turns back."""

import dataclasses
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from whisq.cli import app
from whisq.model.build import build, load

PACKAGE = str(Path(sys.modules["whisq"].__file__).parent)
PROMPT = "a walk of zebras, slowly"
TEXT_DIM = 384


def carries(value, deep=4):
    """Whether the prompt, or what its encoder made of it, is in a value."""
    if isinstance(value, str):
        return PROMPT in value
    if isinstance(value, np.ndarray | torch.Tensor):
        return value.ndim > 1 and value.shape[-1] == TEXT_DIM
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    return deep > 0 and any(carries(part, deep - 1) for part in value)


@contextmanager
def walked():
    """The (file, function) of this package that are handed the prompt meanwhile, in order."""
    steps = []

    def note(frame, event, _):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name[0] == "<":
            return
        given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
        if any(map(carries, given)):
            steps.append((Path(code.co_filename).relative_to(PACKAGE).as_posix(), code.co_name))

    sys.setprofile(note)
    try:
        yield steps
    finally:
        sys.setprofile(None)


@pytest.fixture
def of_the_page(tiny_model, tmp_path):
    """A model that is the paper's page alone, with no choice of the variants'."""
    config = load(tiny_model).config.model_copy(update={"quality_layers": []})
    build(config).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_prompt_passes_16_places_up_to_the_head_and_turns_back_5_times(clips, of_the_page):
    words = ["score", str(clips[0]), "--prompt", PROMPT, "-m", str(of_the_page)]
    with walked() as steps:
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    functions = [function for _, function in steps]
    begin = steps.index(("cli.py", "score"))
    end = max(n for n, function in enumerate(functions) if function == "forward")
    files = [file for file, _ in steps[begin : end + 1]]
    places = [file for n, file in enumerate(files) if n == 0 or file != files[n - 1]]
    assert {"scoring/command.py", "predictor.py", "model/whisq.py"} <= set(places)
    assert len(places) <= 16, places
    assert len(places) - len(set(places)) <= 5, places
