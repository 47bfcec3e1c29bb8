"""`dvc plots` shows the project's own plots where there is no network."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLOTS = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with nothing but the plots, drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".dvc/notes"))
    subprocess.run(["git", "init", "-q"], check=True)
    (tmp_path / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", tmp_path / ".dvc")
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": PLOTS}))
    for plot in PLOTS:
        (tmp_path / plot).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "docs/compare.png", tmp_path / plot)
    return tmp_path


def test_the_page_of_dvc_s_plots_holds_every_one_and_asks_the_network_for_nothing(project):
    command = [sys.executable, "-W", "ignore", "-m", "dvc", "plots", "show", "-q"]
    subprocess.run(command, check=True)
    page = (project / "dvc_plots/index.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == len(PLOTS)
    assert "http" not in page
    for source in sources:
        assert (project / "dvc_plots" / source).read_bytes()
