"""A model's folder published in a store of its own and served there, as long as it is asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FACTS = {"corpus": "none", "protocol": "none", "data": "none", "dev_score": "0"}
PATIENCE = 120  # seconds until a server is up
ANSWERED = 300  # seconds until a client gives up


@dataclass(frozen=True)
class Served:
    """A server that is up: where it listens and its process."""

    port: int
    pid: int

    def ask(self, rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return a prediction a row.

        Raises:
            OSError: There is no answer, or one with a code other than 200, whose reason it tells.
        """
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/invocations",
            json.dumps({"dataframe_records": rows}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=ANSWERED) as answer:
            return json.load(answer)["predictions"]


@contextmanager
def publish(model: Path, folder: Path) -> Iterator[str]:
    """Put a model's folder into a store below `folder`; MLflow knows that store meanwhile."""
    import mlflow

    from whisq.serving.publish import publish

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("served", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("served")
    try:
        with mlflow.start_run():
            yield publish(model, FACTS, "to be served")
    finally:
        mlflow.set_tracking_uri(before)


@contextmanager
def serve(address: str, store: Path, root: Path) -> Iterator[Served]:
    """Serve a published model.

    Args:
        address: As MLflow knows it.
        store: The folder of the store's `mlflow.db`; the server's log goes there.
        root: The folder of the clips that may be asked for by path.
    """
    words = ["models", "serve", "-m", address, "--env-manager", "local", "-p"]
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{store}/mlflow.db"}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own["WHISQ_AUDIO_ROOT"] = str(root)
    port = _unused()
    with (
        (store / "serve.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, str(port)],
            env=os.environ | own,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as running,
    ):
        try:
            _wait_for(port, running)
            yield Served(port, running.pid)
        finally:
            os.killpg(running.pid, 15)


def _unused() -> int:
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        return end.getsockname()[1]


def _wait_for(port: int, running: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if running.poll() is not None:
            raise RuntimeError(f"the server has ended with code {running.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"the server does not answer within {PATIENCE} s")
