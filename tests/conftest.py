import os
from pathlib import Path

import pytest

from whisq.corpus import rehearsal

ROOT = Path(__file__).parents[1]


@pytest.fixture
def make_musiceval():
    """Write a corpus of MusicEval's form: `make_musiceval(folder, clips=60, seconds=0.2)`."""
    return rehearsal.make


@pytest.fixture(scope="session")
def real_lists():
    """The folder of MusicEval's real lists."""
    folder = Path(os.environ.get("WHISQ_MUSICEVAL", ROOT / "../shared/musiceval"))
    if not (folder / "total_mos_list.txt").exists():
        pytest.skip(f"MusicEval's real lists are not in {folder}; name theirs in WHISQ_MUSICEVAL")
    return folder
