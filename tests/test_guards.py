"""Each guard catches its fault, and lets a sound chapter pass."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output

from tools import bootstrap, chapters, exemptions, guards
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
# MEANS
# What is a mean?

"""

MEANS = "\n# ".join(["mean " * 15] * 140)

BODY = """
# %% tags=["hide-input"]
import matplotlib.pyplot as plt

from utils.figures.charts import heat_map

# %%
print("mean 0.3337, share 0.957")

# %% [markdown]
# The mean is 0.334 and the share 95.7 %. Elsewhere it is
# 12.5 % ([Someone, 2001](https://doi.org/10.1000/1)).
#
# ![A line that rises](line.png)
#
# {numref}`fig-line` shows the line of {numref}`Table %s <tab-scores>`.

# %% mystnb={"image": {"alt": "a line that rises"}, \
"figure": {"name": "fig-line", "caption": "A line."}}
figure

# %% [markdown]
# The line rises.

# %% tags=["within-0.02"] \
mystnb={"figure": {"name": "tab-scores", "caption": "Two scores."}}
score = {"GRU": 0.913, "RNN": 0.702}
print(score["GRU"], score["RNN"])

# %% [markdown]
# The GRU scores 0.91.

# %%
# Identity: gru-leads
assert score["GRU"] - score["RNN"] > 0.05

# %% [markdown]
# ## Summary
#
# A mean is a sum over a count.[ᵈ](#a-sample) The GRU leads[ⁱ](#gru-leads).
#
# - An LSTM helps.[ᶜ](claims.md#networks_correct_har)
# - Others agree ([Someone, 2001](https://doi.org/10.1000/1)).
#
# ## Exercises
"""

EXERCISE = """
# %% [markdown]
# ```{{exercise-start}} Compute (*easy*)
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
    code[2].outputs = [
        new_output("stream", name="stdout", text="mean 0.3337, share 0.957\n")
    ]
    code[3].outputs = [
        new_output(
            "display_data",
            data={"image/png": "", "text/plain": "<Figure size 1x1>"},
        )
    ]
    code[4].outputs = [
        new_output("stream", name="stdout", text="0.913 0.702\n")
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
    (tmp_path / "_toc.yml").write_text(
        "root: intro\nchapters:\n- file: chapters/01_sample\n"
    )
    (tmp_path / "_config.yml").write_text(
        f"repository:\n  url: {bootstrap.PLACEHOLDER}\n  branch: main\n"
    )
    cell = bootstrap.HEADER + bootstrap.bootstrap_cell(
        bootstrap.PLACEHOLDER, "main"
    )
    exercises = "".join(EXERCISE.format(number=number) for number in range(4))
    source = tmp_path / "chapters/01_sample.py"
    header = HEADER.replace("MEANS", MEANS)
    source.write_text(header + cell + BODY + exercises + READING)
    write_notebook(source)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return guards.Chapter(source, tmp_path)


def edit_source(chapter: guards.Chapter, old: str, new: str) -> None:
    """Change the source and execute it again: only that fault remains."""
    text = chapter.source.read_text()
    assert old in text
    chapter.source.write_text(text.replace(old, new, 1))
    write_notebook(chapter.source)


def edit_notebook(
    chapter: guards.Chapter, change: Callable[[list], None]
) -> None:
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
    edit_notebook(
        chapter, lambda cells: cells[1].update(source="print('other')")
    )


def tag_lost_in_notebook(chapter):
    edit_notebook(
        chapter, lambda cells: cells[0].metadata.update(tags=["bootstrap"])
    )


def unexecuted_cell(chapter):
    edit_notebook(chapter, lambda cells: cells[2].update(execution_count=None))


def executed_out_of_order(chapter):
    edit_notebook(chapter, lambda cells: cells[2].update(execution_count=7))


def warning_on_stderr(chapter):
    warning = new_output(
        "stream", name="stderr", text="DeprecationWarning: gone soon"
    )
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(warning))


def error_in_output(chapter):
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(error))


def unknown_tag(chapter):
    edit_source(
        chapter, '# %%\nprint("mean', '# %% tags=["nbval-skip"]\nprint("mean'
    )


def tolerance_without_a_number(chapter):
    edit_source(chapter, "within-0.02", "within-")


def wide_tolerance(chapter):
    edit_source(chapter, "within-0.02", "within-0.04")


def wide_share(chapter):
    edit_source(chapter, "within-0.02", "rtol-0.2")


def wide_tolerance_with_an_empty_reason(chapter):
    edit_source(chapter, "within-0.02", "within-0.04")
    edit_source(chapter, "score = ", "# tolerance:\nscore = ")


def tolerance_without_an_assert(chapter):
    edit_source(chapter, "assert score", "score")


def assert_without_a_margin(chapter):
    edit_source(
        chapter,
        'score["GRU"] - score["RNN"] > 0.05',
        'score["GRU"] > score["RNN"]',
    )


def assert_whose_number_is_an_index(chapter):
    edit_source(
        chapter, 'score["GRU"] - score["RNN"] > 0.05', "score[1] > score[2]"
    )


def assert_that_something_is_equal(chapter):
    edit_source(chapter, '["RNN"] > 0.05', '["RNN"] == 0.211')


def assert_about_something_else(chapter):
    edit_source(
        chapter,
        'score["GRU"] - score["RNN"] > 0.05',
        'np.log(n["GRU"]) - n["RNN"] > 0.05',
    )
    edit_source(chapter, 'score = {"GRU"', 'import numpy as np\nscore = {"GRU"')
    edit_source(chapter, 'print(score["GRU"]', 'print(np.abs(score["GRU"])')


def assert_in_another_section(chapter):
    edit_source(
        chapter, "# The GRU scores 0.91.", "# The GRU scores 0.91.\n#\n# ## On"
    )


def number_finer_than_its_tolerance(chapter):
    edit_source(chapter, "scores 0.91.", "scores 0.913.")


def percentage_finer_than_its_tolerance(chapter):
    edit_source(chapter, "scores 0.91.", "scores 91.3 %.")


def verdict_in_an_output(chapter):
    found = new_output("stream", name="stdout", text="GRU learns: True")
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def verdict_in_a_table(chapter):
    page = "<table><tr><th>GRU</th><td>yes</td><td>0.91</td></tr></table>"
    found = new_output("execute_result", data={"text/html": page})
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def verdict_grid_elsewhere(chapter):
    edit_source(chapter, "score = ", f"{guards.GRID[1]}\nscore = ")
    found = new_output("stream", name="stdout", text="last ✓, mean ✗")
    edit_notebook(chapter, lambda cells: cells[4].outputs.append(found))


def sentence_without_a_mark(chapter):
    edit_source(chapter, "# - An LSTM helps.", "# - It does. An LSTM helps.")


def sentence_with_two_marks(chapter):
    edit_source(chapter, "LSTM helps.", "LSTM helps[ⁱ](#gru-leads).")


def sentence_whose_citation_is_another_chapter(chapter):
    edit_source(chapter, "An LSTM helps.", "See [it](02_x.ipynb). It is best.")
    edit_source(chapter, "[ᶜ](claims.md#networks_correct_har)", "")


def claim_of_no_name(chapter):
    edit_source(chapter, "#networks_correct_har", "#networks_correct")


def claim_of_another_page(chapter):
    edit_source(chapter, "claims.md#networks", "ledger.md#lstm")


def identity_of_no_cell(chapter):
    edit_source(chapter, "# Identity: gru-leads", "# Identity: gru-lead")


def identity_that_nothing_asserts(chapter):
    edit_source(chapter, 'assert score["GRU"]', 'score["GRU"]')


def definition_of_no_heading(chapter):
    edit_source(chapter, "[ᵈ](#a-sample)", "[ᵈ](#a-simple)")


def definition_on_no_page(chapter):
    edit_source(chapter, "[ᵈ](#a-sample)", "[ᵈ](glossary.md#mean)")


def heading_that_compares(chapter):
    edit_source(
        chapter, "# The GRU scores 0.91.", "# ## GRUs win\n#\n# By 0.91."
    )


def figure_whose_title_compares(chapter):
    edit_source(chapter, "\nfigure", '\nplt.title("GRUs learn faster")')


def caption_that_compares(chapter):
    edit_source(chapter, '"A line."', '"GRUs learn faster: a line."')


def few_words(chapter):
    edit_source(chapter, MEANS, "")


def many_words(chapter):
    edit_source(chapter, "The line rises.", "The line rises. " * 1000)


def number_of_no_output(chapter):
    edit_source(chapter, "The line rises.", "The line rises by 4.21 units.")


def caption_with_a_number_of_no_output(chapter):
    edit_source(chapter, '"A line."', '"A line up to 4.21."')


def percentage_of_no_output(chapter):
    edit_source(chapter, "The line rises.", "The line rises by 31 %.")


def last_digit_changed(chapter):
    edit_source(chapter, "The mean is 0.334", "The mean is 0.335")


def number_that_lost_its_citation(chapter):
    edit_source(
        chapter,
        "([Someone, 2001](https://doi.org/10.1000/1))",
        "(Someone, 2001)",
    )


def number_of_an_ignored_output(chapter):
    edit_source(
        chapter,
        '# %%\nprint("mean',
        '# %% tags=["nbval-ignore-output"]\nprint("mean',
    )


def cell_of_thirty_lines(chapter):
    edit_source(chapter, 'print("mean', "x = 1\n" * 30 + 'print("mean')


def cells_long_on_the_whole(chapter):
    for cell in ('print("mean', "figure", "score = ", "assert score"):
        edit_source(chapter, f"\n{cell}", "\n" + "x = 1\n" * 12 + cell)


def wide_code(chapter):
    edit_source(chapter, '"RNN": 0.702}', '"RNN": 0.702}  # ' + "a " * 40)


def wide_prose(chapter):
    edit_source(chapter, "# The line rises.", "# The line rises" + ", on" * 20)


def percent_at_the_start_of_a_line(chapter):
    edit_source(chapter, "# The line rises.", "# The line rises by 80.8\n# %.")


def wide_output(chapter):
    found = new_output("stream", name="stdout", text="ok\n" + "0.5 " * 21)
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def figure_without_alt_text(chapter):
    edit_source(chapter, '"a line that rises"', '" "')


def image_without_alt_text(chapter):
    edit_source(chapter, "![A line that rises]", "![]")


def drawing_without_a_label(chapter):
    page = "<svg aria-label='A'></svg><svg role='img' aria-label=' '></svg>"
    found = new_output("execute_result", data={"text/html": page})
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def figure_without_a_name(chapter):
    edit_source(chapter, '"name": "fig-line", ', "")


def figure_without_a_caption(chapter):
    edit_source(chapter, '"A line."', '" "')


def figure_named_as_a_table(chapter):
    edit_source(chapter, "`fig-line`", "`tab-line`")
    edit_source(chapter, '"fig-line"', '"tab-line"')


def table_named_as_a_figure(chapter):
    edit_source(chapter, "<tab-scores>", "<fig-scores>")
    edit_source(chapter, '"tab-scores"', '"fig-scores"')


def table_without_a_caption(chapter):
    edit_source(chapter, '"Two scores."', '""')


def figure_to_which_no_prose_refers(chapter):
    edit_source(chapter, "{numref}`fig-line`", "`fig-line`")


def figure_numbered_by_hand(chapter):
    edit_source(chapter, "\nfigure", '\nax.set_title("Figure 2. A line")')


def figure_numbered_briefly(chapter):
    edit_source(chapter, "\nfigure", '\nplt.title(f"2. A line of {x}")')


def imports_in_sight(chapter):
    edit_source(chapter, ' tags=["hide-input"]\nimport', "\nimport")


def imports_in_two_cells(chapter):
    edit_source(chapter, "score = ", "from math import pi\nscore = ")


def drawing_in_sight(chapter):
    edit_source(chapter, "\nfigure", "\nfig, ax = plt.subplots()\nax.plot(x)")


def drawing_in_a_loop_in_sight(chapter):
    loop = "for ax, x in zip(axes, xs):\n    ax.set()\n    heat_map(ax, x)"
    edit_source(chapter, "\nfigure", f"\n_, axes = plt.subplots()\n{loop}")


def figure_without_words(chapter):
    edit_source(
        chapter,
        "# %% [markdown]\n# The line rises.\n",
        "# %%\npass\n",
    )


def missing_summary(chapter):
    edit_source(chapter, "## Summary", "## Recap")


def missing_exercises(chapter):
    text = chapter.source.read_text()
    assert ":label:" in text
    chapter.source.write_text(text.replace(":label:", ":name:"))
    write_notebook(chapter.source)


def missing_solution(chapter):
    edit_source(
        chapter, "{solution-start} ex-sample-2", "{solution-start} ex-other"
    )


def missing_level(chapter):
    text = chapter.source.read_text()
    chapter.source.write_text(text.replace("Compute (*easy*)", "Compute", 1))
    write_notebook(chapter.source)


def missing_from_contents(chapter):
    (chapter.root / "_toc.yml").write_text("root: intro\nchapters: []\n")


def untracked_colab_target(chapter):
    subprocess.run(
        ["git", "rm", "--quiet", "--cached", str(chapter.path)],
        cwd=chapter.root,
        check=True,
    )


def other_bootstrap(chapter):
    edit_source(
        chapter, bootstrap.PLACEHOLDER, "https://github.com/someone/unrolled"
    )


def absolute_path_in_output(chapter):
    place = "/" + "home/someone/unrolled"
    found = new_output("stream", name="stdout", text=f"read {place}/data.csv")
    edit_notebook(chapter, lambda cells: cells[1].outputs.append(found))


def file_address_in_output(chapter):
    found = new_output(
        "execute_result", data={"text/html": "<a href='x'>file:/" + "/data</a>"}
    )
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
    (guards.mistagged, tolerance_without_a_number),
    (guards.lax, wide_tolerance),
    (guards.lax, wide_share),
    (guards.lax, wide_tolerance_with_an_empty_reason),
    (guards.unasserted, tolerance_without_an_assert),
    (guards.unasserted, assert_without_a_margin),
    (guards.unasserted, assert_whose_number_is_an_index),
    (guards.unasserted, assert_that_something_is_equal),
    (guards.unasserted, assert_about_something_else),
    (guards.unasserted, assert_in_another_section),
    (guards.unreproduced, number_finer_than_its_tolerance),
    (guards.unreproduced, percentage_finer_than_its_tolerance),
    (guards.unreproduced, number_of_no_output),
    (guards.unreproduced, caption_with_a_number_of_no_output),
    (guards.unreproduced, percentage_of_no_output),
    (guards.unreproduced, last_digit_changed),
    (guards.unreproduced, number_that_lost_its_citation),
    (guards.unreproduced, number_of_an_ignored_output),
    (guards.decreed, verdict_in_an_output),
    (guards.decreed, verdict_in_a_table),
    (guards.decreed, verdict_grid_elsewhere),
    (guards.unmarked, sentence_without_a_mark),
    (guards.unmarked, sentence_with_two_marks),
    (guards.unmarked, sentence_whose_citation_is_another_chapter),
    (guards.misled, claim_of_no_name),
    (guards.misled, claim_of_another_page),
    (guards.misled, identity_of_no_cell),
    (guards.misled, identity_that_nothing_asserts),
    (guards.misled, definition_of_no_heading),
    (guards.misled, definition_on_no_page),
    (guards.unfounded, heading_that_compares),
    (guards.unfounded, figure_whose_title_compares),
    (guards.unfounded, caption_that_compares),
    (guards.unbalanced, few_words),
    (guards.unbalanced, many_words),
    (guards.swallowed, percent_at_the_start_of_a_line),
    (guards.overlong, cell_of_thirty_lines),
    (guards.overlong, cells_long_on_the_whole),
    (guards.overwide, wide_code),
    (guards.overwide, wide_prose),
    (guards.overwide, wide_output),
    (guards.scattered, imports_in_sight),
    (guards.scattered, imports_in_two_cells),
    (guards.scattered, drawing_in_sight),
    (guards.scattered, drawing_in_a_loop_in_sight),
    (guards.uncaptioned, figure_without_a_name),
    (guards.uncaptioned, figure_without_a_caption),
    (guards.uncaptioned, figure_named_as_a_table),
    (guards.uncaptioned, table_named_as_a_figure),
    (guards.uncaptioned, table_without_a_caption),
    (guards.uncaptioned, figure_to_which_no_prose_refers),
    (guards.uncaptioned, figure_numbered_by_hand),
    (guards.uncaptioned, figure_numbered_briefly),
    (guards.undescribed, drawing_without_a_label),
    (guards.undescribed, figure_without_alt_text),
    (guards.undescribed, image_without_alt_text),
    (guards.uninterpreted, figure_without_words),
    (guards.incomplete, missing_summary),
    (guards.incomplete, missing_exercises),
    (guards.incomplete, missing_solution),
    (guards.incomplete, missing_level),
    (guards.unlisted, missing_from_contents),
    (guards.unopenable, untracked_colab_target),
    (guards.unopenable, other_bootstrap),
    (guards.located, absolute_path_in_output),
    (guards.located, file_address_in_output),
]


@pytest.mark.parametrize(
    ("guard", "plant"), FAULTS, ids=[plant.__name__ for _, plant in FAULTS]
)
def test_a_planted_fault_is_caught(sample: guards.Chapter, guard, plant):
    plant(sample)
    assert guard(guards.Chapter(sample.source, sample.root))


def test_a_reason_allows_a_wide_tolerance(sample: guards.Chapter):
    wide_tolerance(sample)
    edit_source(sample, "score = ", "# tolerance: four seeds.\nscore = ")
    assert not guards.lax(guards.Chapter(sample.source, sample.root))


def test_a_folded_drawing_is_not_scattered(sample: guards.Chapter):
    drawing_in_sight(sample)
    edit_source(sample, "%% mystnb=", '%% tags=["hide-input"] mystnb=')
    assert not guards.scattered(guards.Chapter(sample.source, sample.root))


def test_a_cell_that_also_computes_does_not_only_draw(sample: guards.Chapter):
    drawing_in_sight(sample)
    edit_source(sample, "ax.plot(x)", "y = x**2\nax.plot(y)")
    assert not guards.scattered(guards.Chapter(sample.source, sample.root))


def test_a_cell_of_imports_may_be_long(sample: guards.Chapter):
    edit_source(sample, "\nimport matplot", "\nimport a" * 30 + "\nimport b")
    assert not guards.overlong(guards.Chapter(sample.source, sample.root))
    edit_source(sample, "import heat_map", "import heat_map\n\nx = 1")
    assert guards.overlong(guards.Chapter(sample.source, sample.root))


def test_where_nothing_is_compared_nothing_is_asserted(sample: guards.Chapter):
    tolerance_without_an_assert(sample)
    edit_source(sample, "score = ", "# no comparison: levels.\nscore = ")
    assert not guards.unasserted(guards.Chapter(sample.source, sample.root))


def test_an_exact_cell_supports_every_digit(sample: guards.Chapter):
    number_finer_than_its_tolerance(sample)
    edit_source(sample, 'tags=["within-0.02"]', "")
    assert not guards.unreproduced(guards.Chapter(sample.source, sample.root))


def test_the_invariance_grid_may_show_verdicts(sample: guards.Chapter):
    verdict_grid_elsewhere(sample)
    stem = f"05_{guards.GRID[0]}"
    for path in (sample.source, sample.path):
        path.rename(path.with_stem(stem))
    there = guards.Chapter(sample.source.with_stem(stem), sample.root)
    assert not guards.decreed(there)


@pytest.mark.parametrize(
    "plant", [heading_that_compares, figure_whose_title_compares]
)
def test_a_mark_below_it_founds_a_title(sample: guards.Chapter, plant):
    plant(sample)
    mark = "[ᶜ](claims.md#networks_correct_har)"
    edit_source(sample, "# The line rises.", f"# The line rises.{mark}")
    if plant is heading_that_compares:
        edit_source(sample, "# By 0.91.", f"# By 0.91{mark}.")
    assert not guards.unfounded(guards.Chapter(sample.source, sample.root))


def test_a_definition_may_stand_on_another_page(sample: guards.Chapter):
    definition_on_no_page(sample)
    chapter = guards.Chapter(sample.source, sample.root)
    glossary = sample.source.parent / "glossary.md"
    glossary.write_text("# Glossary\n\nmedian\n  In the middle.\n")
    assert guards.misled(chapter)
    glossary.write_text("# Glossary\n\nmean\n  A sum over a count.\n")
    assert not guards.misled(chapter)


@pytest.mark.parametrize(
    "line",
    [
        "# | a | b" + " | c" * 30,
        "# $$ " + "a + " * 30 + "\\alpha $$",
        "# see [it](https://example.org/" + "a" * 80 + ")",
    ],
)
def test_what_cannot_be_broken_may_be_wide(sample: guards.Chapter, line: str):
    edit_source(sample, "# The line rises.", f"# The line rises.\n{line}")
    assert not guards.overwide(guards.Chapter(sample.source, sample.root))


def test_every_guard_has_a_planted_fault():
    assert {guard for guard, _ in FAULTS} == set(guards.GUARDS)


def test_a_tracked_file_that_names_a_place_is_caught(tmp_path: Path):
    note = tmp_path / "note.md"
    note.write_text(
        "see [the docs](docs/home/index.html) and https://example.org/home/me\n"
    )
    assert guards.named_places(note) == []
    note.write_text("see /" + "home/someone/notes")
    assert guards.named_places(note)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_exemptions_may_only_shrink(tmp_path: Path):
    (tmp_path / "tools").mkdir()
    git(tmp_path, "init", "--quiet")
    versions = [
        "[decreed]\nlstm = 5\ngru = 2\n",
        "[decreed]\nlstm = 3\ngru = 2\n",
        "[decreed]\nlstm = 3\nscan = 1\n\n[unbalanced]\ngru = 1\n",
    ]
    for text in versions:
        (tmp_path / exemptions.NAME).write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, *"-c user.name=a -c user.email=b commit -qm c".split())
    before = exemptions.earlier(tmp_path)
    assert len(before) == 3

    def grown(**counts: dict[str, int]) -> bool:
        return any(exemptions.growth(counts, each) for each in before)

    assert not grown(**exemptions.read(tmp_path))
    assert not grown(decreed={"lstm": 1, "rnn": 3})
    assert not grown(decreed={})
    assert not grown(another={"lstm": 9})
    assert grown(decreed={"lstm": 4})
    assert grown(decreed={"lstm": 3, "scan": 2})
    assert grown(decreed={"gru": 3})
    assert grown(unbalanced={"gru": 1, "lstm": 1})
