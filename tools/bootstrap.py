"""The cell with which every chapter begins: find the book's code, or fetch it.

`python -m tools repository --url https://github.com/you/unrolled --ref v1.0`
writes an address and a release into `_config.yml` and into that cell of every
chapter.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import nbformat

from tools.chapters import ROOT, is_fresh, notebook_key, sources

# GitHub allows no underscore in an account's name, so nobody can ever own this
# address.
PLACEHOLDER = "https://github.com/_owner_/unrolled"
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
HEADER = '# %% tags=["bootstrap", "remove-cell"]\n'

# What Colab's image lacks. Never torch, tensorflow, keras or numpy: another
# copy breaks it.
LACKING_IN_COLAB = ("arch", "jaxtyping", "lightning-fabric", "sacrebleu")

TEMPLATE = """\
# Find the book's code in a folder above, or fetch it (as in Colab).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = "{url}"
REF = os.environ.get("UNROLLED_REF", "{ref}")
above = Path.cwd().resolve().parents
book = next((each for each in above if (each / "utils/scratch").is_dir()), None)
if book is None:
    book = Path("unrolled").resolve()
    if "/_owner_/" in REPOSITORY:
        raise RuntimeError(
            "This copy has no address yet. In its folder, run "
            "`python -m tools repository --url https://github.com/...`."
        )
    if not book.exists():
        clone = ["git", "clone", "-q", "--depth=1", "-b", REF, REPOSITORY, book]
        subprocess.run(clone, check=True)
sys.path.insert(0, str(book))
# PyTorch comes before TensorFlow: the other order can crash this kernel.
import utils.pytorch_first  # noqa: F401

needed = {needed}
lacking = [name for name in needed if not find_spec(name.replace("-", "_"))]
if lacking:
    install = [sys.executable, "-m", "pip", "install", "--quiet", *lacking]
    subprocess.run(install, check=True)
"""


def bootstrap_cell(url: str, ref: str) -> str:
    """Return the cell's source for a repository's address and release."""
    return TEMPLATE.format(
        url=url, ref=ref, needed=json.dumps(LACKING_IN_COLAB)
    )


def configured(root: Path = ROOT) -> tuple[str, str]:
    """Read the address and the branch or tag from `_config.yml`."""
    text = (root / "_config.yml").read_text(encoding="utf-8")
    found = {}
    for field in ("url", "branch"):
        match = re.search(
            rf"^repository:\n(?:[ ]+.*\n)*?[ ]+{field}:[ ]*(\S+)",
            text,
            re.MULTILINE,
        )
        if match is None:
            raise ValueError(
                f"_config.yml has no `{field}:` under `repository:`"
            )
        found[field] = match[1].strip("\"'")
    return found["url"], found["branch"]


def configure(url: str, ref: str, root: Path = ROOT) -> list[Path]:
    """Write an address and a release into `_config.yml` and every chapter;
    return what changed.

    A notebook that was fresh stays so: this cell's text bears on no output.

    Raises:
        ValueError: the address is not `https://github.com/account/name`.
    """
    if not ADDRESS.fullmatch(url):
        raise ValueError(
            f"URL is {url!r}; it must read https://github.com/account/name"
        )
    old_url, _ = configured(root)
    config = root / "_config.yml"
    text = config.read_text(encoding="utf-8").replace(old_url, url)
    text = re.sub(r"(?m)^([ ]+branch:[ ]*)\S+", rf"\g<1>{ref}", text)
    changed = [config]
    fresh = [source for source in sources(root) if is_fresh(source, root)]
    config.write_text(text, encoding="utf-8")
    for source in sources(root):
        source.write_text(
            set_cell(source.read_text(encoding="utf-8"), url, ref, source.name),
            encoding="utf-8",
        )
        changed.append(source)
        if source in fresh:
            _refresh(source, root)
            changed.append(source.with_suffix(".ipynb"))
    return changed


def set_cell(text: str, url: str, ref: str, name: str = "source") -> str:
    """Put the bootstrap cell in its place in a chapter's source.

    Raises:
        ValueError: the chapter has no cell tagged as its bootstrap.
    """
    if HEADER not in text:
        raise ValueError(f"{name} has no cell that begins {HEADER.strip()!r}")
    before, after = text.split(HEADER, 1)
    rest = re.search(r"(?m)^# %%", after)
    tail = after[rest.start() :] if rest else ""
    return f"{before}{HEADER}{bootstrap_cell(url, ref)}\n{tail}"


def _refresh(source: Path, root: Path) -> None:
    path = source.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    cell = next(
        c for c in notebook.cells if "bootstrap" in c.metadata.get("tags", [])
    )
    cell.source = bootstrap_cell(*configured(root)).rstrip("\n")
    notebook.metadata["unrolled"]["key"] = notebook_key(source, root)
    nbformat.write(notebook, path)


def main(arguments: list[str] | None = None) -> int:
    """Write the address and release given, or those of `_config.yml`, into
    every chapter."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    url, ref = configured()
    parser.add_argument(
        "--url", default=url, help=f"the repository's address (now {url})"
    )
    parser.add_argument(
        "--ref", default=ref, help=f"a branch or a release's tag (now {ref})"
    )
    options = parser.parse_args(arguments)
    try:
        changed = configure(options.url, options.ref)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
