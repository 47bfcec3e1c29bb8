"""The tree is what the README says: imports point down, and DVC knows what each stage runs."""

import ast
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Folders and files of the package, from the ground up; a part may import those before it.
LEVELS = [
    ["devices", "exits", "extras", "files"],
    ["section"],
    ["processes", "mlflow_store", "containers", "names", "tables"],
    ["batch", "losses", "model", "foreign"],
    ["audio"],
    ["corpus", "encoders"],
    ["rendered", "store"],
    ["addresses", "scores"],
    ["predictor"],
    ["evaluation"],
    ["training"],
    ["trials"],
    ["show", "scoring"],
    ["comparing"],
]
LEAVES = ["params", "tracking"]
# They shape no output: params are DVC's own, and so is how they are checked; a log is not a result,
# nor is where something is computed, how processes end, or what is installed.
LOGS = (
    "devices", "extras", "params", "section", "mlflow_store", "processes", "stage", "tracking"
)  # fmt: skip
NOT_DEPS = {ROOT / "whisq" / f"{name}.py" for name in LOGS}


@cache
def imports(file):
    """The package's own files that a file imports, at its top or inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {path for name in names if (path := _file(name))}
    return frozenset(found)


def _file(module):
    path = ROOT / module.replace(".", "/")
    if path.parts[len(ROOT.parts)] != "whisq" or path == ROOT / "whisq":
        return None
    return next((p for p in (path.with_suffix(".py"),) if p.is_file()), None)


def closure(file):
    """All of the package's files that run when a file runs and that shape an output."""
    seen, waiting = set(), [file]
    while waiting:
        for path in imports(waiting.pop()) - seen - NOT_DEPS:
            seen.add(path)
            waiting.append(path)
    return {str(path.relative_to(ROOT)) for path in seen}


def _part(file):
    return file.relative_to(ROOT / "whisq").parts[0].removesuffix(".py")


PACKAGE = [path for path in (ROOT / "whisq").rglob("*.py") if path.read_text().strip()]


@pytest.mark.parametrize("file", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(file):
    level = {part: height for height, parts in enumerate(LEVELS) for part in parts}
    own = _part(file)
    top = len(LEVELS)
    for imported in imports(file):
        part = _part(imported)
        if part == own:
            continue
        assert level.get(part, top) < level.get(own, top + 1), f"{file} imports {imported}"


@pytest.mark.parametrize("file", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_params_and_tracking_are_read_by_stages_and_the_command_alone(file):
    if _part(file) not in (*LEAVES, "cli"):
        assert not {_part(path) for path in imports(file)} & set(LEAVES)


@pytest.mark.parametrize("file", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_transformers_is_imported_by_the_encoders_alone(file):
    if "transformers" in file.read_text() and _part(file) != "encoders":
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
                assert not any(name.split(".")[0] == "transformers" for name in names)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_modules_that_it_runs(stage):
    script = ROOT / "stages" / f"{stage}.py"
    deps = set(STAGES[stage]["deps"])
    runs = closure(script)
    covered = {file for file in runs if deps & {file, *map(str, Path(file).parents)}}
    assert str(script.relative_to(ROOT)) in deps
    assert runs - covered == set(), "runs what dvc.yaml does not list"
    listed = {dep for dep in deps if dep.startswith("whisq/")}
    unused = {
        dep for dep in listed if not any(f == dep or f.startswith(f"{dep}/") for f in covered)
    }
    assert unused == set(), "lists what it does not run"


def test_dvc_draws_what_is_named_and_no_table_by_accident():
    assert not [name for name, stage in STAGES.items() if "plots" in stage]
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    assert plots
    assert all(plot.startswith("metrics/plots/") and plot.endswith(".png") for plot in plots)


def test_an_edit_of_the_text_encoder_leaves_the_audio_embeddings_alone():
    def marked(stage):
        deps = STAGES[stage]["deps"]
        return any("whisq/encoders/text.py".startswith(dep) for dep in deps)

    assert marked("embed_text")
    assert not marked("embed_audio")


def test_importing_whisq_loads_nothing_heavy():
    heavy = "{'torch', 'transformers', 'mlflow', 'pandas', 'ray'} & set(sys.modules)"
    code = f"import sys, whisq; print({heavy} or 'light')"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "light"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_in_a_copy_of_the_project_runs_the_copy_s_code(stage, tmp_path):
    # `dvc exp run --temp` and queued experiments run in copies: an edit made meanwhile in the
    # workspace, where `whisq` is installed from, must not reach them.
    (tmp_path / "stages").mkdir()
    shutil.copy(ROOT / "stages" / f"{stage}.py", tmp_path / "stages")
    (tmp_path / "whisq").mkdir()
    (tmp_path / "whisq" / "__init__.py").write_text("raise SystemExit('the code of the copy')")
    command = shlex.split(STAGES[stage]["cmd"])[1:]
    ended = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.stderr.strip() == "the code of the copy"


def test_every_progress_bar_vanishes_where_nobody_looks():
    bare = []
    for path in (ROOT / "whisq").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if is_bar(node)):
            if "disable" not in {keyword.arg for keyword in call.keywords}:
                bare.append(f"{path}:{call.lineno}")
    assert not bare


def is_bar(node):
    named = [node.func, *node.args[:1]] if isinstance(node, ast.Call) else []
    return "tqdm" in [name.id for name in named if isinstance(name, ast.Name)]


def test_the_pipelines_lock_alone_is_committed():
    # What a side pipeline left is in nobody's cache: with its lock, pull and checkout would ask.
    listed = subprocess.run(
        ["git", "ls-files", "*dvc.lock"], cwd=ROOT, capture_output=True, text=True
    )
    assert listed.stdout.split() in (["dvc.lock"], [])  # none: not in git's hands
