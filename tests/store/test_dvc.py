"""What DVC makes of the links that a stage puts out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STAGE = """
from pathlib import Path
import numpy as np
from whisq.store.store import fill
from whisq.store.store import Store

store = Store({"kind": "audio", "spec": {}})

def compute(missing):
    store.note((0,), 3)
    for content in missing:
        store.write(content, np.full((1, 4, 3), int(content), dtype=np.float16))

fill(Path("out"), {f"clip {number}": f"{number:04}" for number in range(9)}, store, compute)
"""


@pytest.fixture
def repro(tmp_path, own_store):
    """A project of one stage, and its run: `repro()` gives the stage's output."""
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / ".dvc/config", project / ".dvc")
    (project / "stage.py").write_text(STAGE)
    command = f"{sys.executable} stage.py"
    (project / "dvc.yaml").write_text(
        f"stages:\n  embed:\n    cmd: {command}\n    deps: [stage.py]\n    outs: [out]\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    own = {"PYTHONPATH": str(ROOT), "DVC_SITE_CACHE_DIR": str(tmp_path / "dvc")}

    def run(*options):
        command = [sys.executable, "-m", "dvc", "repro", "-q", *options]
        subprocess.run(command, cwd=project, env=os.environ | own, check=True)
        return project / "out"

    return run


def test_states_are_on_the_disk_once(repro, own_store):
    output, store = repro().glob("*.safetensors"), own_store.glob("*/*/*.safetensors")
    kept = {file.stat().st_ino: file.stat().st_nlink for file in output}
    assert kept.keys() == {file.stat().st_ino for file in store}
    assert set(kept.values()) == {3}  # the store's, the stage's and DVC's name of it


def test_a_forced_run_mends_what_was_damaged_under_all_its_names(repro):
    file = next(repro().glob("*.safetensors"))
    whole = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    file.chmod(0o444)
    repro("--force")
    assert file.read_bytes() == whole
    assert file.stat().st_nlink == 3
