"""The search shows the chapter on a subject before those that mention it."""

from searching import search
from test_sphinx_unrolled import build, text

from tools.sphinx_unrolled.search import counted, introduced

GLOSSARY = """# Glossary

```{glossary}
echo
  What comes back ([chapter 02](02_later.ipynb)), as in
  [chapter 01](01_first.ipynb).

silence (none)
  What does not.
```
"""
SAID = "A stone. Pebbles. The pebble's stone.\n\n"
MENTIONS = "# Another\n\nAn echo, silence, and a canyon.\n"


def test_a_term_leads_to_the_chapter_that_it_links_first():
    assert introduced(GLOSSARY) == {"echo": "chapters/02_later"}


def test_words_and_pairs_are_counted_as_the_index_has_them():
    counts = counted(
        "A gated network. Networks, gated: see [gates](gate.md).\n\n"
        "```\ngated\n```\n"
    )
    assert (counts["gate"], counts["network"]) == (3, 2)
    assert counts["gate network"] == counts["network gate"] == 1
    assert "a" not in counts
    assert "network network" not in counts


def test_chapters_come_first_where_a_heading_or_the_glossary_says_so(tmp_path):
    (tmp_path / "book" / "chapters").mkdir(parents=True)
    build(
        tmp_path,
        {
            "chapters/glossary": GLOSSARY,
            "chapters/01_first": [text(f"{MENTIONS} Pebbles, stone.")],
            "chapters/02_later": [text("# Later\n\nAn echo.")],
            "chapters/03_canyons": [text("# Third\n\n## The canyon\n\nDeep.")],
            "chapters/04_beach": [text("# Zones\n\n" + 3 * SAID)],
        },
    )
    ask = search(tmp_path / "html")
    assert ask("echo")[:2] == ["chapters/02_later", "chapters/glossary"]
    assert ask("canyon")[:2] == ["chapters/03_canyons", "chapters/01_first"]
    assert ask("pebble")[:2] == ["chapters/04_beach", "chapters/01_first"]
    assert ask("pebble stone")[0] == "chapters/04_beach"
    assert ask("silence")[0] == "chapters/glossary"
    assert ask("nowhere") == []
