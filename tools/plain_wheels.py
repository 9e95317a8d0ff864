"""Run both commands with PyPI's own wheels: `python3 -m tools.plain_wheels`.

Most readers on Linux get PyTorch's CUDA build, with Triton; a machine set to
PyTorch's CPU index does not, and would hide what breaks for them. A fresh
clone of the last commit is set up from PyPI alone (several GB), checked, built
and deleted. PYTHON=python3.13 chooses its Python. Plain standard library.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.setup import PYTHON, ROOT

OTHER_SOURCES = {"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"}
IS_CUDA_BUILD = "import sys, torch; sys.exit(torch.version.cuda is None)"


def plain(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which pip takes packages from PyPI alone."""
    kept = {k: v for k, v in variables.items() if k not in OTHER_SOURCES}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def commands() -> list[list[str]]:
    """Return what is run in the clone, in order."""
    every = [["make", "setup"], ["make", "test"], ["make", "book"]]
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        every.insert(1, [str(PYTHON.relative_to(ROOT)), "-c", IS_CUDA_BUILD])
    return every


def main() -> int:
    """Clone, set up, test, build; return 1 at the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "unrolled"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        for command in commands():
            done = subprocess.run(command, cwd=clone, env=plain(os.environ))
            if done.returncode:
                failed = " ".join(command)
                print(f"with PyPI's wheels `{failed}` fails", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
