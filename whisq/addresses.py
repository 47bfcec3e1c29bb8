"""Where a trained model lies: a folder, MLflow or the hub, brought to a folder on this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from whisq import mlflow_store
from whisq.extras import require
from whisq.model import card
from whisq.model.card import CARD, FILES

if TYPE_CHECKING:
    from whisq.model.network import Network

MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")


def bring(where: str | Path) -> Path:
    """Return a folder that holds config.json and model.safetensors, downloaded if need be.

    Args:
        where: A folder, an MLflow address, or a hub id with or without `@revision`.

    Raises:
        ValueError: There is no model there; the message says what was looked for.
    """
    address, folder = str(where), Path(where)
    if address.startswith(MLFLOW):
        return _within(_from_mlflow(address), address)
    if folder.is_dir():
        return _within(folder, address)
    if _looks_local(address):
        raise ValueError(
            f"there is no folder {address}: train a model first (`make repro` writes data/model), "
            "or give an MLflow address or a hub id"
        )
    return _from_hub(address)


def read_network(where: str | Path) -> Network:
    """Return a trained network, ready to rate.

    Args:
        where: As `bring` takes it.

    Raises:
        ValueError: There is no model, or not one that this version reads.
    """
    from safetensors import SafetensorError

    from whisq.model.build import load

    folder = bring(where)
    try:
        network = load(folder)
        _check_preprocessing(network.config.preprocessing)
    except (RuntimeError, TypeError, ValueError, SafetensorError) as error:
        reason = str(error).split("\n")[0]
        raise ValueError(
            f"{where} holds no model that this version of whisq reads ({reason}): train it again, "
            "or install the version that made it"
        ) from error
    return network


def about(where: str | Path) -> dict[str, Any]:
    """Return all that is known of a model, as `card.about` does, with its `sha256`.

    Args:
        where: As `bring` takes it. What a model is worth stands in the folder or beside it; in
            MLflow with the run that trained it.
    """
    from whisq.model.build import read_config

    folder, address = bring(where), str(where)
    config, sha256 = read_config(folder).model_dump(mode="json"), card.fingerprint(folder)
    judged = card.read(folder, folder.parent, model=sha256)
    if judged is None and address.startswith(MLFLOW):
        judged = _judged_in_mlflow(address, sha256)
    return {"model": address, "sha256": sha256, **card.about(config, judged)}


def _check_preprocessing(learnt: Mapping[str, int]) -> None:
    from whisq.encoders import audio, text

    ours = {"audio": audio.PREPROCESSING, "text": text.PREPROCESSING}
    for kind, version in learnt.items():
        if version != ours[kind]:
            raise ValueError(f"it learnt from preprocessing of {kind} {version}, not {ours[kind]}")


def _looks_local(address: str) -> bool:
    # "models/mine" has the form of a hub id too: a parent folder that exists decides.
    parts = Path(address).parts
    return len(parts) != 2 or parts[0] in {"..", "/", "~", "data"} or Path(parts[0]).is_dir()


def _within(folder: Path, address: str) -> Path:
    weights = [folder / FILES[1]]
    if not weights[0].is_file():
        weights = list(folder.rglob(FILES[1]))
    found = [path.parent for path in weights if path.with_name(FILES[0]).is_file()]
    if len(found) != 1:
        raise ValueError(f"{address} holds no model: {' and '.join(FILES)} are needed in it")
    return found[0]


def _from_mlflow(address: str) -> Path:
    require("pipeline", "mlflow", by=address)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        mlflow_store.point()
        return Path(download_artifacts(artifact_uri=address))
    except mlflow_store.TrackingServerError as error:
        raise ValueError(str(error)) from None
    except (MlflowException, OSError, sqlite3.Error) as error:
        raise ValueError(
            f"MLflow has no model at {address} ({error}); is MLFLOW_TRACKING_URI the right store?"
        ) from error


def _judged_in_mlflow(address: str, sha256: str) -> dict[str, Any] | None:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    with TemporaryDirectory() as folder:
        try:
            run = get_model_info(address).run_id
            download_artifacts(run_id=run, artifact_path=CARD, dst_path=folder)
        except (MlflowException, OSError):
            return None  # it was not judged yet
        return card.read(Path(folder), model=sha256)


def _from_hub(address: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    name, _, revision = address.partition("@")
    try:
        return Path(
            snapshot_download(name, revision=revision or None, allow_patterns=[*FILES, CARD])
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{address} is no folder here, and the hub does not give it ({reason}); check the "
            "spelling, or download the model and give its folder"
        ) from error
