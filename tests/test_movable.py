"""An environment goes with its project: renamed or copied, its scripts run its own Python."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEADS = {
    "short": "#!{python}\n",
    "long or with a space": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
}


def _answer(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


# As `python -m venv` writes it, in the words of each version.
LATER = {
    "3.12": """\
if [ "${{OSTYPE:-}}" = "cygwin" ] || [ "${{OSTYPE:-}}" = "msys" ] ; then
    export VIRTUAL_ENV=$(cygpath "{made}")
else
    # use the path as-is
    export VIRTUAL_ENV="{made}"
fi
""",
    "3.13": """\
case "$(uname)" in
    CYGWIN*|MSYS*|MINGW*)
        VIRTUAL_ENV=$(cygpath {made})
        export VIRTUAL_ENV
        ;;
    *)
        export VIRTUAL_ENV={made}
        ;;
esac
""",
}


@pytest.fixture(params=HEADS)
def moved(request, tmp_path):
    """The environment of a project that was set up under another name, with a script in it."""
    made = tmp_path / "made/.venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    head = HEADS[request.param].format(python=made / "bin/python3")
    (made / "bin/tell").write_text(head + "import sys; print(sys.prefix, *sys.argv[1:])\n")
    (made / "bin/tell").chmod(0o755)
    (packages,) = made.glob("lib/*/site-packages")
    (packages / "_whisq.pth").write_text(str(made.parent))
    (made.parent / "whisq_here.py").touch()
    for _ in range(2):  # set up twice, as after a change of pyproject.toml
        subprocess.run([sys.executable, ROOT / ".ci/movable.py", made], check=True)
    return made.parent.rename(tmp_path / "a new name") / ".venv"


def test_a_script_runs_the_python_beside_it(moved, tmp_path):
    (tmp_path / "link").symlink_to(moved / "bin/tell")
    assert _answer(moved / "bin/tell", "a b", "c") == f"{moved} a b c"
    assert _answer(tmp_path / "link") == str(moved)


def test_dvcs_notes_stay_in_the_project_unless_the_user_says_otherwise(moved):
    script = moved / "bin/tell"
    script.write_text(
        script.read_text().rpartition("import sys")[0]
        + "import os; print(os.environ['DVC_SITE_CACHE_DIR'])"
    )
    assert _answer("env", "-u", "DVC_SITE_CACHE_DIR", script) == str(moved.parent / ".cache/dvc")
    assert _answer("env", "DVC_SITE_CACHE_DIR=/own", script) == "/own"


def test_the_project_is_found_where_it_is(moved):
    code = "import whisq_here; print(whisq_here.__file__)"
    assert _answer(moved / "bin/python", "-c", code) == str(moved.parent / "whisq_here.py")


def test_activate_names_the_folder_that_it_lies_in(moved):
    found = _answer("bash", "-c", '. "$0/bin/activate" && echo $VIRTUAL_ENV && which tell', moved)
    assert found.splitlines() == [str(moved), str(moved / "bin/tell")]


@pytest.mark.parametrize("version", LATER)
def test_activate_is_understood_as_later_pythons_write_it(version, tmp_path):
    made = tmp_path / "made/.venv"
    (made / "bin").mkdir(parents=True)
    text = LATER[version].format(made=made)
    (made / "bin/activate").write_text(text)
    subprocess.run([sys.executable, ROOT / ".ci/movable.py", made], check=True)
    moved = made.parent.rename(tmp_path / "a new name") / ".venv"
    assert _answer("bash", "-c", '. "$0/bin/activate" && echo $VIRTUAL_ENV', moved) == str(moved)
    assert (moved / "bin/activate").read_text().count("cygpath") == 1
