"""A chapter says what it asks of its reader, and when it was last run."""

from test_sphinx_unrolled import build, code, printed, text

from tools.sphinx_unrolled.effort import minutes

RUN = {
    "date": "2026-11-21",
    "commit": "abc123",
    "python": "3.12.1",
    "processor": "A processor",
    "versions": {"numpy": "2.4.6", "torch": "2.13.0"},
    "cpu_seconds": 38,
}
CELLS = [text("# A chapter\n\nWords."), code("1", printed("1"))]


def test_minutes_go_with_the_words():
    assert minutes("") == 5
    assert minutes("word " * 3000) == 20
    assert minutes("word " * 4500) == 30


def test_a_chapter_names_its_time_and_its_last_run(tmp_path):
    page = build(tmp_path, {"01_a": CELLS, "page": "# A page"}, RUN)
    above, below = page["01_a"].select("p.effort")
    assert above.get_text() == "5 minutes to read, 38 CPU seconds to run"
    assert above.find_previous("h1")
    words = " ".join(below.get_text().split())
    assert "2026-11-21 from commit abc123 with Python 3.12.1" in words
    assert "NumPy 2.4.6, PyTorch 2.13.0 on A processor" in words
    link = below.find("a")["href"]
    assert link == "https://github.com/owner/book/actions"
    assert not page["page"].select("p.effort")


def test_a_chapter_that_never_ran_names_no_run(tmp_path):
    (line,) = build(tmp_path, {"01_a": CELLS})["01_a"].select("p.effort")
    assert line.get_text() == "5 minutes to read"
