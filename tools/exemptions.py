"""How many faults of which guard a chapter may still have.

`exemptions.toml` lists them, so that a new guard can begin before the old
chapters satisfy it. The list may only shrink.
"""

import subprocess
import tomllib
from pathlib import Path

from tools import chapters

NAME = "tools/exemptions.toml"
Counts = dict[str, dict[str, int]]


def read(root: Path = chapters.ROOT) -> Counts:
    """Read the faults that are still allowed, by guard and topic."""
    return tomllib.loads((root / NAME).read_text(encoding="utf-8"))


def earlier(root: Path = chapters.ROOT) -> list[Counts]:
    """Return every list that the commits up to this one have held."""
    commits = _git(root, "log", "--format=%H", "--", NAME).split()
    texts = [_git(root, "show", f"{commit}:{NAME}") for commit in commits]
    return [tomllib.loads(text) for text in texts]


def growth(now: Counts, before: Counts) -> list[str]:
    """Say where a list allows more than an earlier one did.

    A topic may be new, as when one chapter becomes two, if the guard's total
    does not grow. A guard may be new, with its first counts.
    """
    faults = []
    for guard in now.keys() & before.keys():
        old, new = before[guard], now[guard]
        faults += [
            f"{guard}: {topic} had {old[topic]} exemptions, has {new[topic]}"
            for topic in new.keys() & old.keys()
            if new[topic] > old[topic]
        ]
        if sum(new.values()) > sum(old.values()):
            faults.append(
                f"{guard}: there were {sum(old.values())} exemptions in all, "
                f"there are {sum(new.values())}"
            )
    return faults


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
