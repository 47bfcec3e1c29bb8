"""What is handed out: archives of the package alone, and files that others' tools read."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BESIDE = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"}
LEFT_BY_A_RUN = [
    "data/raw/wav/a.wav",
    "data/model/model.safetensors",
    ".dvc/cache/files/md5/00/1",
    "mlflow.db",
    "mlartifacts/1/model.bin",
    "metrics/report.html",
    "whisq/__pycache__/cli.cpython-311.pyc",
]


@pytest.fixture(scope="module")
def used_project(tmp_path_factory):
    """The project's folder after a run, without git's list of what to ignore."""
    folder = tmp_path_factory.mktemp("used")
    for name in ("pyproject.toml", *BESIDE):
        shutil.copy(ROOT / name, folder)
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("whisq", "stages", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in LEFT_BY_A_RUN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"left by a run")
    return folder


def built(folder, kind):
    code = f"from hatchling.build import build_{kind}; print(build_{kind}('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "dist" / done.stdout.split()[-1]


def package(folder):
    files = (path for path in (folder / "whisq").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if "__pycache__" not in path.parts}


def test_a_source_archive_holds_the_package_and_nothing_that_a_run_left(used_project):
    with tarfile.open(built(used_project, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == package(used_project) | BESIDE | {"pyproject.toml", "PKG-INFO"}


def test_a_wheel_holds_the_package_its_licence_and_its_description(used_project):
    with zipfile.ZipFile(built(used_project, "wheel")) as archive:
        names = archive.namelist()
    about = [name for name in names if not name.startswith("whisq/")]
    assert set(names) - set(about) == package(used_project)
    assert all(name.startswith(f"whisq-{PROJECT['version']}.dist-info/") for name in about)


def test_the_citation_has_what_its_schema_asks_for_and_the_projects_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_the_changelog_tells_of_this_version_and_of_what_is_in_work():
    titles = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[:2] == ["Unreleased", PROJECT["version"]]


def test_the_workflow_runs_the_projects_own_checks_on_every_python_that_it_promises():
    jobs = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text())["jobs"]
    commands = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert ".ci/run" in commands["two-commands"]
    assert "make lowest" in commands["lowest"]
    pythons = jobs["two-commands"]["strategy"]["matrix"]["python"]
    assert min(pythons, key=lambda text: int(text[2:])) == PROJECT["requires-python"].strip(">=")


def test_the_container_is_built_by_the_readmes_two_commands_as_an_ordinary_user():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    user = next(number for number, line in enumerate(lines) if line.startswith("USER"))
    assert lines[user] != "USER root"
    assert [line for line in lines[user:] if line.startswith("RUN")] == [
        "RUN make repro",
        "RUN make test",
    ]
