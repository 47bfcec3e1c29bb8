"""The code that MLflow runs for a served model: rows of audio and prompt in, scores out.

MLflow copies this file into the logged model and executes it there ("models from code"), so that
no pickle is made; the weights are an artifact, `model`, beside it.
"""

from __future__ import annotations

import os
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

from whisq.audio import RATE
from whisq.devices import threads
from whisq.predictor import Predictor
from whisq.serving.payload import ROWS, audio_root, clip_of


class Endpoint(PythonModel):
    """A predictor behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load model and encoders, so that the first request is as fast as the next."""
        self.model = Predictor.load(context.artifacts["model"])
        with threads(1):
            self.model.embed(np.sin(np.arange(RATE) / 5), "a steady tone", RATE)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Score the rows of a request: columns `audio` and `prompt`, None for OMQ alone.

        Returns:
            For each row `omq`, `ta` (None without a prompt), and `note` (what to know of the
            score, else None).

        Raises:
            MlflowException: A row can't be scored; MLflow's server answers 400 with the reason.
        """
        try:
            with threads(1):  # requests come side by side: a core each
                return self._scores(model_input.to_dict("records"))
        except ValueError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error

    def _scores(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(rows) > ROWS:
            raise ValueError(f"a request may hold {ROWS} clips, given {len(rows)}: send fewer")
        root = audio_root()
        embedded, notes, problems = [], [], []
        for number, row in enumerate(rows):
            try:
                states, cautions = self.model.embed(*clip_of(row, root))
                embedded.append(states)
                notes.append("; ".join(cautions) or None)
            except ValueError as error:
                # A client is told of a file as it named it, and not where the server keeps it.
                told = str(error).replace(f"{root}{os.sep}", "")
                problems.append(f"row {number}: {told}")
        if problems:
            raise ValueError("; ".join(problems))
        scores = self.model.score_embedded(embedded)
        return [
            {"omq": score.omq, "ta": score.ta, "note": note}
            for score, note in zip(scores, notes, strict=True)
        ]


mlflow.models.set_model(Endpoint())
