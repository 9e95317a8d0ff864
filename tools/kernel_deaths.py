"""Say which chapter's kernel died and what to do: a plugin of pytest for nbval.

By itself nbval waits for an answer from the dead until the cell's time is up,
and then gives a traceback of its own for this cell and each that follows.
"""

import time
from pathlib import Path
from queue import Empty

import nbval.plugin
import pytest
from nbval.kernel import RunningKernel

SECONDS_BETWEEN_LOOKS = 1.0


def what_to_do(chapter: Path) -> str:
    """Name the likely causes of a chapter's dead kernel, and how to find it."""
    return (
        f"{chapter.stem}: the kernel died, so no cell could report an error.\n"
        "- If memory ran out, close other programs and run with --jobs 1.\n"
        "- If a library crashed, see where: in the chapters' folder, run\n"
        f"  python -X faulthandler {chapter.stem}.py\n"
        "- TensorFlow imported before PyTorch crashes: utils/pytorch_first.py."
    )


class KernelDiedError(Exception):
    """The kernel ended while nbval waited for its answer."""


class WatchedKernel(RunningKernel):
    """nbval's kernel, looked at while its answer is awaited."""

    def get_message(self, stream, timeout=None):
        """Return the next message of a stream.

        Raises:
            Empty: nothing came in `timeout` seconds.
            KernelDiedError: nothing can come any more.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while True:
            left = deadline - time.monotonic()
            wait = max(0.0, min(SECONDS_BETWEEN_LOOKS, left))
            try:
                return super().get_message(stream, timeout=wait)
            except Empty:
                if not self.is_alive():
                    raise KernelDiedError from None
                if left <= wait:
                    raise


def pytest_configure() -> None:
    """Let nbval start kernels that are watched."""
    nbval.plugin.RunningKernel = WatchedKernel


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the cells that follow a kernel's death."""
    if (
        isinstance(item, nbval.plugin.IPyNbCell)
        and not item.parent.kernel.is_alive()
    ):
        pytest.skip("the kernel died in an earlier cell")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Report a death by the chapter's name, without a traceback."""
    report = yield
    if call.excinfo and call.excinfo.errisinstance(KernelDiedError):
        report.longrepr = what_to_do(item.path)
    return report
