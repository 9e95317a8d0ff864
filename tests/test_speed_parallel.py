"""Two processes train what one trains, and a killed one leaves no damage."""

import os
import subprocess
import sys
import time

import psutil
import pytest
import torch
from safetensors.torch import load_file

KILLED_AT = 12


def command(folder, *more):
    return [
        *(sys.executable, "-m", "utils.speed.parallel"),
        *("--out", str(folder), *map(str, more)),
    ]


def train(folder, *more):
    return subprocess.run(
        command(folder, *more),
        env={**os.environ, "UNROLLED_PROGRESS": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def weights(folder):
    return load_file(folder / "weights.safetensors")


def still_running(folder):
    """Return the processes that were started for this folder and live."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if str(folder) in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    done = train(folder, "--processes", 2)
    assert done.returncode == 0, done.stderr
    return weights(folder)


def test_two_processes_train_what_one_trains(undisturbed, tmp_path):
    done = train(tmp_path, "--processes", 1)
    assert done.returncode == 0, done.stderr
    for name, weight in weights(tmp_path).items():
        torch.testing.assert_close(
            undisturbed[name], weight, rtol=0, atol=1e-12
        )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_other_and_the_run_resumes(
    killed, undisturbed, tmp_path
):
    run = ("--processes", 2)
    done = train(tmp_path, *run, "--kill", killed, "--at", KILLED_AT)
    assert done.returncode != 0
    # What is left says why it ended.
    assert "peer" in done.stderr.lower() or "closed" in done.stderr.lower()
    assert not (tmp_path / "weights.safetensors").exists()
    for _ in range(60):
        if not still_running(tmp_path):
            break
        time.sleep(1)
    assert not still_running(tmp_path)
    assert list((tmp_path / "checkpoints").glob("*.safetensors"))

    done = train(tmp_path, *run)
    assert done.returncode == 0, done.stderr
    for name, weight in weights(tmp_path).items():
        torch.testing.assert_close(
            weight, undisturbed[name], rtol=0, atol=1e-12
        )
