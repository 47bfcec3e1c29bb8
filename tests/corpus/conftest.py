import shutil

import pytest

from whisq.corpus import rehearsal


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    return rehearsal.make(tmp_path_factory.mktemp("musiceval") / "raw", clips=60, seconds=0.1)


@pytest.fixture
def corpus(made_once, tmp_path):
    """A corpus of 60 clips that a test may damage."""
    return shutil.copytree(made_once, tmp_path / "raw")
