"""Let an environment be renamed or copied with its project: no script in it names its folder.

pip and venv write absolute paths into the scripts, `activate` and the link to the project. They
are replaced by paths from the script's own place.
"""

import re
import sys
from pathlib import Path

# The shell runs lines 1 and 2, Python takes them for a string. DVC's notes on files seen stay in
# the project: left to itself it writes them to /var/tmp, which is every user's.
HERE = '$(dirname "$(realpath "$0")")'
NOTES = f'DVC_SITE_CACHE_DIR="${{DVC_SITE_CACHE_DIR:-$(realpath "{HERE}/../..")/.cache/dvc}}"'
HEAD = f"""\
#!/bin/sh
'''exec' env {NOTES} "{HERE}/python" "$0" "$@"
' '''
""".encode()
# pip writes one of these: the second where the path is long or has a space.
START = re.compile(rb"#!(/[^\n]*python[^\n]*|/bin/sh\n'{3}exec' [^\n]*\n' '{3})\n")
# Since Python 3.12 it is exported at once, and translated first under Cygwin: that line stays.
ASSIGNED = re.compile(r"(?m)^(.*\bVIRTUAL_ENV=)(?!\$\(cygpath).*")
PLACE = '"$(cd "$(dirname "${BASH_SOURCE:-$0}")/.." && pwd)"'


def main(folder: Path) -> None:
    """Rewrite the scripts of an environment.

    Args:
        folder: The environment.
    """
    for script in filter(Path.is_file, (folder / "bin").iterdir()):
        start = START.match(script.read_bytes())
        ours = start and (str(folder).encode() in start[0] or b"$(realpath" in start[0])
        if ours and not script.is_symlink():  # those that were set up before, too
            script.write_bytes(HEAD + script.read_bytes()[start.end() :])
    activate = folder / "bin/activate"
    text = ASSIGNED.sub(lambda found: found[1] + PLACE, activate.read_text())
    activate.write_text(text)
    for link in folder.glob("lib/*/site-packages/*.pth"):
        if link.read_text().strip() == str(folder.parent):
            link.write_text("../../../..\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
