"""Where MLflow keeps runs and models: a database beside the project, wherever that lies."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from filelock import FileLock

ARTIFACTS = "mlartifacts"
# The columns in which MLflow 3 keeps whole addresses of artifacts, by table.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)

PATIENCE = 10  # seconds in which a tracking server must answer


class TrackingServerError(OSError):
    """The tracking server that the user named does not answer."""


def point() -> Path:
    """Point MLflow at the store.

    The user's `MLFLOW_TRACKING_URI` wins. Else the store is a database beside the pipeline's
    own root, which DVC names in `DVC_ROOT` even where a stage runs in a temporary copy. If the
    project was renamed or copied since, the store is told so first.

    Returns:
        The root, absolute. A user's server that does not answer is a `TrackingServerError`.
    """
    import mlflow

    root = Path(os.environ.get("DVC_ROOT") or ".").resolve()
    own = f"sqlite:///{root}/mlflow.db"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or own
    if uri.startswith(("http://", "https://")):
        _ask(uri)
    if uri == own and _places(root) - {root.as_uri()}:
        with lock(root):
            _move(root)
    mlflow.set_tracking_uri(uri)
    return root


def _ask(uri: str) -> None:
    # MLflow itself would try for minutes. Whether there is a server can be asked without a log-in.
    place = urlsplit(uri)
    host = place.netloc.rpartition("@")[2]
    page = place._replace(netloc=host, path=f"{place.path.rstrip('/')}/health")
    try:
        urlopen(page.geturl(), timeout=PATIENCE).close()
    except HTTPError:
        return  # an answer, of a server that has no such page or wants a log-in
    except (OSError, ValueError) as error:
        raise TrackingServerError(
            f"MLflow's tracking server at {host} does not answer within {PATIENCE} s "
            f"({getattr(error, 'reason', error)}): start it, or mend MLFLOW_TRACKING_URI"
        ) from None


def lock(root: Path) -> FileLock:
    """Return the lock for what two processes must not do to a project's store at once."""
    return FileLock(root / "mlflow.db.lock")


def connect(experiment: str) -> str:
    """Return an experiment's id in the store; one of no such name is made first."""
    import mlflow

    root = point()
    local = mlflow.get_tracking_uri().startswith("sqlite:")
    # Processes that create one new database at once break it for good.
    with lock(root):
        known = mlflow.get_experiment_by_name(experiment)
        if known:
            return known.experiment_id
        artifacts = (root / ARTIFACTS).as_uri() if local else None
        return mlflow.create_experiment(experiment, artifact_location=artifacts)


def _open(root: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(root / "mlflow.db", timeout=60))


def _places(root: Path) -> set[str]:
    # Where the project lay when its experiments were made: one place, unless it was moved by hand.
    if not (root / "mlflow.db").is_file():
        return set()
    with _open(root) as database:
        if ADDRESSES[0] not in _columns(database):
            return set()  # another process is about to make it
        found = database.execute("SELECT artifact_location FROM experiments").fetchall()
    ours = [uri for (uri,) in found if uri and uri.startswith("file:///")]
    return {uri.removesuffix(f"/{ARTIFACTS}") for uri in ours if uri.endswith(f"/{ARTIFACTS}")}


def _columns(database: sqlite3.Connection) -> list[tuple[str, str]]:
    query = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?"
    return [place for place in ADDRESSES if database.execute(query, place).fetchone()]


def _move(root: Path) -> None:
    # MLflow's addresses are absolute: a renamed project would lose its models, and a copy of it
    # would write into the first one's.
    with _open(root) as database, database:  # all of it or nothing
        for old in _places(root) - {root.as_uri()}:
            path = url2pathname(urlsplit(old).path)
            for before, after in ((old, root.as_uri()), (path, str(root))):
                for table, column in _columns(database):
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?)"
                        f" WHERE substr({column}, 1, ?) = ?",
                        (after, len(before) + 1, len(before) + 1, f"{before}/"),
                    )
