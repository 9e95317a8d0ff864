"""Write a benchmark's results beside the provenance that makes them
checkable."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from utils.notebook import RESULTS, load_results

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "torch",
    "tensorflow",
    "keras",
    "arch",
    "sacrebleu",
)


def processor() -> str:
    """Name the processor as the operating system does."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def circumstances() -> dict[str, Any]:
    """Say when, with what, on what and from which commit something runs."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=RESULTS,
        capture_output=True,
        text=True,
        check=False,
    )
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "processor": processor(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "python": platform.python_version(),
        "versions": versions,
    }


def provenance() -> dict[str, Any]:
    """Say by which command a result was measured, and under what
    circumstances."""
    command = ["python", "-m", _module_name(), *map(_base_name, sys.argv[1:])]
    return {"command": " ".join(command), **circumstances()}


def record(name: str, results: Any) -> Path:
    """Write `benchmarks/results/<name>.json` whole or not at all, and return
    its path."""
    path = RESULTS / f"{name}.json"
    partial = path.with_suffix(".json.partial")
    body = {"provenance": provenance(), "results": results}
    partial.write_text(
        json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    os.replace(partial, path)
    return path


def recorded(name: str) -> dict[str, Any]:
    """Return the results that `benchmarks/results/<name>.json` holds so far;
    none if it is new."""
    return (
        load_results(name)["results"]
        if (RESULTS / f"{name}.json").exists()
        else {}
    )


def run_missing(name: str, runs: Mapping[str, Callable[[], Any]]) -> None:
    """Make each run that `benchmarks/results/<name>.json` does not hold, saving
    after each one.

    The command line may say `--runs 1` to make one of them and stop.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--runs", type=int, default=len(runs), help="how many runs to make"
    )
    wanted = parser.parse_args().runs
    results = recorded(name)
    for run in [run for run in runs if run not in results][:wanted]:
        print(f"{name}: {run}", flush=True)
        results[run] = runs[run]()
        record(name, results)


def _module_name() -> str:
    return f"benchmarks.{Path(sys.argv[0]).stem}"


def _base_name(argument: str) -> str:
    """Keep a path's last part: a result names its data, never the machine's
    folders."""
    return Path(argument).name if os.sep in argument else argument
