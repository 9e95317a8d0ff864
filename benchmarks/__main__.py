"""Measure everything again (`python -m benchmarks`), save what needs data of
your own; or the benchmarks named, one after the other."""

import subprocess
import sys
from pathlib import Path

HELPERS = {"__init__", "__main__", "record", "rounds", "trial"}
NEEDS_DATA = {"sentiment"}


def main() -> int:
    """Run each benchmark in a process of its own; return how many failed."""
    names = (
        {path.stem for path in Path(__file__).parent.glob("*.py")}
        - HELPERS
        - NEEDS_DATA
    )
    failed = 0
    for name in sys.argv[1:] or sorted(names):
        print(f"benchmarks.{name}", flush=True)
        failed += (
            subprocess.run(
                [sys.executable, "-m", f"benchmarks.{name}"]
            ).returncode
            != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
