"""Where a sentence ends, what it carries, and where that leads."""

import pytest

from tools import marks

CLAIM = "[ᶜ](claims.md#two_ways)"
IDENTITY = "[ⁱ](#same-numbers)"
LINK = "([Someone, 2001](https://doi.org/10.1000/1))"


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("One. Two!\nThree? Four", ["One.", "Two!", "Three?", "Four"]),
        (f"One.{CLAIM} Two{IDENTITY}.", [f"One{CLAIM}.", f"Two{IDENTITY}."]),
        ("- one\n  more\n- two. Three", ["one more", "two.", "Three"]),
        ("A half, 0.5, as in Lee et al. (2001).", None),
        (f"It scores 84.3 % {LINK}.", None),
        ("It holds, e.g. GRUs. Not all.", ["It holds, e.g. GRUs.", "Not all."]),
        ("By $a. B$ and `c. D`.", ["By … and …."]),
        ("One\n\ntwo\n\n```python\nx. Y\n```\n", ["One", "two"]),
        ("### Heading\n\nOne.", ["One."]),
        ("*One.* Two.", ["*One.", "Two."]),
    ],
)
def test_sentences(markdown: str, found: list[str] | None):
    assert list(marks.sentences(markdown)) == (found or [markdown])


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("Two ways win.", []),
        (f"Two ways win{CLAIM}.", ["claim"]),
        (f"They agree{IDENTITY}.", ["identity"]),
        ("A state is carried along[ᵈ](glossary.md#state).", ["definition"]),
        (f"It scores 84.3 % {LINK}, or more {LINK}.", ["citation"]),
        (f"Two ways win {LINK}{CLAIM}.", ["claim", "citation"]),
        (f"They agree{IDENTITY}{IDENTITY}.", ["identity", "identity"]),
        ("The next is [LSTM](02_lstm.ipynb).", ["citation"]),
        ("[LSTM](02_lstm.ipynb) is better.", []),
        (f"Two ways win ([chapter 7](07_b.ipynb)){CLAIM}.", ["claim"]),
    ],
)
def test_marks(sentence: str, kinds: list[str]):
    assert [mark.kind for mark in marks.marks(sentence)] == kinds


@pytest.mark.parametrize(
    "title",
    [
        "Gates win",
        "GRUs learn faster",
        "A better start helps",
        "22 coefficients beat 7,361",
        "What RNNs cannot do",
        "Errs most where the memory is longest",
        "What the mask is worth",
    ],
)
def test_titles_that_compare(title: str):
    assert marks.COMPARES.search(title)


@pytest.mark.parametrize(
    "title", ["One gate at a time", "What failed", "The lesson of winter"]
)
def test_titles_that_do_not(title: str):
    assert not marks.COMPARES.search(title)


def test_a_section_ends_where_the_next_begins():
    markdown = "# A\n\n## Summary\n\nOne.\n\n### B\n\nTwo.\n\n## C\n\nThree."
    assert list(marks.sentences(marks.section(markdown, "Summary"))) == [
        "One.",
        "Two.",
    ]
    assert marks.section(markdown, "Exercises") == ""


def test_slugs_are_the_sites():
    markdown = "# RNN basics\n\n### The shapes of `nn.RNN`, $h_t$ *again*\n"
    assert marks.slugs(markdown) == {
        "rnn-basics",
        "the-shapes-of-nnrnn--again",
    }


def test_terms_of_a_glossary():
    markdown = (
        "# Glossary\n\nEach has a name.\n\n:::{glossary}\n"
        "forget gate\n  Erases.\n\nBPTT (through time)\n  Unrolled.\n:::\n"
    )
    assert marks.terms(markdown) == {"forget-gate", "bptt-through-time"}


def test_an_identity_needs_an_assert():
    named = "# Identity: same-numbers\n"
    assert marks.identities(named + "assert a == b") == {"same-numbers"}
    closely = "np.testing.assert_allclose(a, b)"
    assert marks.identities(named + closely) == {"same-numbers"}
    assert marks.identities(named + "print(a == b)") == set()
    assert marks.identities("assert a == b") == set()


def test_titles_of_figures():
    source = (
        "plt.title('One'); axes.set_title(f'Two {n} more')\n"
        "figure.suptitle(name); frame.plot(title='Four', label='five')"
    )
    assert list(marks.figure_titles(source)) == ["One", "Two   more", "Four"]
