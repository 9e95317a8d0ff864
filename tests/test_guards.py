"""Each guard catches the fault that it is there for, and lets a sound chapter pass."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output

from tools import bootstrap, chapters, guards
from tools.execute import read_source

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,-jupytext
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A sample
#
# What is a mean?

"""

BODY = """
# %%
print("mean 0.3337, share 0.957")

# %% [markdown]
# The mean is 0.334 and the share 95.7 %. Elsewhere it is
# 12.5 % ([Someone, 2001](https://doi.org/10.1000/1)).
#
# ![A line that rises](line.png)

# %% mystnb={"image": {"alt": "a line that rises"}}
figure

# %% [markdown]
# The line rises.
#
# ## Summary
#
# Means are means.
#
# ## Exercises
"""

EXERCISE = """
# %% [markdown]
# ```{{exercise-start}} Easy
# :label: ex-sample-{number}
# ```
# Compute it.
# ```{{exercise-end}}
# ```
#
# ```{{solution-start}} ex-sample-{number}
# :class: dropdown
# ```
#
# Done.
#
# ```{{solution-end}}
# ```
"""

READING = """
# %% [markdown]
# ## Further reading
#
# A book, because it is good.
"""


def write_notebook(source: Path) -> None:
    """Pretend to have executed the sample: its outputs are known."""
    notebook = read_source(source)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
    code[1].outputs = [new_output("stream", name="stdout", text="mean 0.3337, share 0.957\n")]
    code[2].outputs = [
        new_output("display_data", data={"image/png": "", "text/plain": "<Figure size 1x1>"})
    ]
    root = source.parent.parent
    notebook.metadata["unrolled"] = {"key": chapters.notebook_key(source, root)}
    nbformat.write(notebook, source.with_suffix(".ipynb"))


@pytest.fixture
def sample(tmp_path: Path) -> guards.Chapter:
    """A small chapter without a fault, in a repository of its own."""
    for folder in ("chapters", "utils", "tools", "benchmarks/results"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    (tmp_path / "tools/environment.py").write_text("")
    (tmp_path / "_toc.yml").write_text("root: intro\nchapters:\n- file: chapters/01_sample\n")
    (tmp_path / "_config.yml").write_text(
        f"repository:\n  url: {bootstrap.PLACEHOLDER}\n  branch: main\n"
    )
    cell = bootstrap.HEADER + bootstrap.bootstrap_cell(bootstrap.PLACEHOLDER, "main")
    exercises = "".join(EXERCISE.format(number=number) for number in range(4))
    source = tmp_path / "chapters/01_sample.py"
    source.write_text(HEADER + cell + BODY + exercises + READING)
    write_notebook(source)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return guards.Chapter(source, tmp_path)


def edit_source(chapter: guards.Chapter, old: str, new: str) -> None:
    """Change the source and execute it again, so that only the planted fault remains."""
    text = chapter.source.read_text()
    assert old in text
    chapter.source.write_text(text.replace(old, new, 1))
    write_notebook(chapter.source)


def edit_notebook(chapter: guards.Chapter, change: Callable[[list], None]) -> None:
    """Change the notebook's code cells behind its source's back."""
    notebook = nbformat.read(chapter.path, as_version=4)
    change([c for c in notebook.cells if c.cell_type == "code"])
    nbformat.write(notebook, chapter.path)


def test_a_sound_chapter_passes_every_guard(sample: guards.Chapter):
    assert {guard.__name__: guard(sample) for guard in guards.GUARDS} == {
        guard.__name__: [] for guard in guards.GUARDS
    }


def never_executed(chapter):
    chapter.path.unlink()


def changed_source(chapter):
    chapter.source.write_text(chapter.source.read_text() + "# more\n")


def changed_pins(chapter):
    (chapter.root / "requirements.txt").write_text("numpy==2.1\n")


def cell_added_to_notebook(chapter):
    notebook = chapter.notebook
    notebook.cells.append(nbformat.v4.new_markdown_cell("An extra."))
    nbformat.write(notebook, chapter.path)


def cell_edited_in_notebook(chapter):
    edit_notebook(chapter, lambda cells: cells[1].update(source="print('other')"))


def tag_lost_in_notebook(chapter):
    edit_notebook(chapter, lambda cells: cells[0].metadata.update(tags=["bootstrap"]))


def unexecuted_cell(chapter):
    edit_notebook(chapter, lambda cells: cells[2].update(execution_count=None))


def executed_out_of_order(chapter):
    edit_notebook(chapter, lambda cells: cells[2].update(execution_count=7))


def warning_on_stderr(chapter):
    warning = new_output("stream", name="stderr", text="DeprecationWarning: gone soon")
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(warning))


def error_in_output(chapter):
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(error))


def unknown_tag(chapter):
    edit_source(chapter, '# %%\nprint("mean', '# %% tags=["nbval-skip"]\nprint("mean')


def number_of_no_output(chapter):
    edit_source(chapter, "The line rises.", "The line rises by 4.21 units.")


def percentage_of_no_output(chapter):
    edit_source(chapter, "The line rises.", "The line rises by 31 %.")


def last_digit_changed(chapter):
    edit_source(chapter, "The mean is 0.334", "The mean is 0.335")


def number_that_lost_its_citation(chapter):
    edit_source(chapter, "([Someone, 2001](https://doi.org/10.1000/1))", "(Someone, 2001)")


def number_of_an_ignored_output(chapter):
    edit_source(chapter, '# %%\nprint("mean', '# %% tags=["nbval-ignore-output"]\nprint("mean')


def cell_of_thirty_lines(chapter):
    edit_source(chapter, 'print("mean', "x = 1\n" * 30 + 'print("mean')


def cells_long_on_the_whole(chapter):
    edit_source(chapter, "# %% mystnb", "# %%\n" + "x = 1\n" * 12 + "\n# %% mystnb")
    edit_source(chapter, 'print("mean', "x = 1\n" * 12 + 'print("mean')


def figure_without_alt_text(chapter):
    edit_source(chapter, '"a line that rises"', '" "')


def image_without_alt_text(chapter):
    edit_source(chapter, "![A line that rises]", "![]")


def figure_without_words(chapter):
    edit_source(
        chapter, "# %% [markdown]\n# The line rises.\n#\n", "# %%\npass\n\n# %% [markdown]\n"
    )


def missing_summary(chapter):
    edit_source(chapter, "## Summary", "## Recap")


def missing_exercises(chapter):
    text = chapter.source.read_text()
    assert ":label:" in text
    chapter.source.write_text(text.replace(":label:", ":name:"))
    write_notebook(chapter.source)


def missing_solution(chapter):
    edit_source(chapter, "{solution-start} ex-sample-2", "{solution-start} ex-other")


def missing_from_contents(chapter):
    (chapter.root / "_toc.yml").write_text("root: intro\nchapters: []\n")


def untracked_colab_target(chapter):
    subprocess.run(
        ["git", "rm", "--quiet", "--cached", str(chapter.path)], cwd=chapter.root, check=True
    )


def other_bootstrap(chapter):
    edit_source(chapter, bootstrap.PLACEHOLDER, "https://github.com/someone/unrolled")


def absolute_path_in_output(chapter):
    place = "/" + "home/someone/unrolled"
    found = new_output("stream", name="stdout", text=f"read {place}/data.csv")
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def file_address_in_output(chapter):
    found = new_output("execute_result", data={"text/html": "<a href='x'>file:/" + "/data</a>"})
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


FAULTS = [
    (guards.stale, never_executed),
    (guards.stale, changed_source),
    (guards.stale, changed_pins),
    (guards.unpaired, cell_added_to_notebook),
    (guards.unpaired, cell_edited_in_notebook),
    (guards.unpaired, tag_lost_in_notebook),
    (guards.unexecuted, unexecuted_cell),
    (guards.unexecuted, executed_out_of_order),
    (guards.noisy, warning_on_stderr),
    (guards.noisy, error_in_output),
    (guards.mistagged, unknown_tag),
    (guards.unreproduced, number_of_no_output),
    (guards.unreproduced, percentage_of_no_output),
    (guards.unreproduced, last_digit_changed),
    (guards.unreproduced, number_that_lost_its_citation),
    (guards.unreproduced, number_of_an_ignored_output),
    (guards.overlong, cell_of_thirty_lines),
    (guards.overlong, cells_long_on_the_whole),
    (guards.undescribed, figure_without_alt_text),
    (guards.undescribed, image_without_alt_text),
    (guards.uninterpreted, figure_without_words),
    (guards.incomplete, missing_summary),
    (guards.incomplete, missing_exercises),
    (guards.incomplete, missing_solution),
    (guards.unlisted, missing_from_contents),
    (guards.unopenable, untracked_colab_target),
    (guards.unopenable, other_bootstrap),
    (guards.located, absolute_path_in_output),
    (guards.located, file_address_in_output),
]


@pytest.mark.parametrize(("guard", "plant"), FAULTS, ids=[plant.__name__ for _, plant in FAULTS])
def test_a_planted_fault_is_caught(sample: guards.Chapter, guard, plant):
    plant(sample)
    assert guard(guards.Chapter(sample.source, sample.root))


def test_every_guard_has_a_planted_fault():
    assert {guard for guard, _ in FAULTS} == set(guards.GUARDS)


def test_a_tracked_file_that_names_a_place_is_caught(tmp_path: Path):
    note = tmp_path / "note.md"
    note.write_text("see [the docs](docs/home/index.html) and https://example.org/home/me\n")
    assert guards.named_places(note) == []
    note.write_text("see /" + "home/someone/notes")
    assert guards.named_places(note)
