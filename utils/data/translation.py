"""A small parallel corpus, English to French, drawn from a grammar.

Its French needs what makes translation more than a dictionary: gender and
number agreement, adjectives before or after their noun, negation around the
verb, two-word past tenses, and elision. Sentences nest relative clauses and
join main clauses, so that lengths vary widely.
"""

from typing import NamedTuple

import numpy as np

VOWELS = "aeiouyàâéèêëîïôûh"


class Noun(NamedTuple):
    """A noun in both languages; the French gender is m or f."""

    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: str


class Adjective(NamedTuple):
    """An adjective; French forms for m, f and their plurals; its place by
    the noun."""

    english: str
    m: str
    f: str
    mp: str
    fp: str
    place: str

    @property
    def before(self) -> bool:
        """Whether French puts it before the noun."""
        return self.place == "before"


class Verb(NamedTuple):
    """A transitive verb: base, third person, past; French third persons and
    participle."""

    english: str
    english_third: str
    english_past: str
    french: str
    french_plural: str
    participle: str


def _entries(table: str) -> list[list[str]]:
    """Split a table whose entries end with a bar or a line into lists of
    words."""
    return [
        entry.split() for entry in table.replace("\n", "|").split("|") if entry
    ]


NOUNS = [
    Noun(*entry)
    for entry in _entries("""
cat cats chat chats m|dog dogs chien chiens m|bird birds oiseau oiseaux m
child children enfant enfants m|friend friends ami amis m|man men homme hommes m
neighbour neighbours voisin voisins m|baker bakers boulanger boulangers m
king kings roi rois m|wolf wolves loup loups m|woman women femme femmes f
girl girls fille filles f|queen queens reine reines f
teacher teachers maîtresse maîtresses f
mouse mice souris souris f|cow cows vache vaches f|goat goats chèvre chèvres f
student students étudiante étudiantes f|singer singers chanteuse chanteuses f
aunt aunts tante tantes f
""")
]
ADJECTIVES = [
    Adjective(*entry)
    for entry in _entries("""
small petit petite petits petites before|big grand grande grands grandes before
young jeune jeune jeunes jeunes before|pretty joli jolie jolis jolies before
bad mauvais mauvaise mauvais mauvaises before
black noir noire noirs noires after
white blanc blanche blancs blanches after
happy heureux heureuse heureux heureuses after
tired fatigué fatiguée fatigués fatiguées after
clever malin maligne malins malignes after
quiet tranquille tranquille tranquilles tranquilles after
""")
]
VERBS = [
    Verb(*entry)
    for entry in _entries("""
see sees saw voit voient vu|hear hears heard entend entendent entendu
find finds found trouve trouvent trouvé
follow follows followed suit suivent suivi
love loves loved aime aiment aimé
look-for looks-for looked-for cherche cherchent cherché
know knows knew connaît connaissent connu
wait-for waits-for waited-for attend attendent attendu
help helps helped aide aident aidé|draw draws drew dessine dessinent dessiné
""")
]
PLACES = {
    "in the garden": "dans le jardin",
    "in the house": "dans la maison",
    "near the river": "près de la rivière",
    "under the bridge": "sous le pont",
    "behind the school": "derrière l' école",
}
JOINS = {"and": "et", "but": "mais", "because": "parce que", "when": "quand"}


class SentencePair(NamedTuple):
    """One sentence as lists of English and of French words."""

    english: list[str]
    french: list[str]


class _Phrase(NamedTuple):
    english: list[str]
    french: list[str]
    plural: bool


def make_sentences(
    n: int, rng: int | np.random.Generator
) -> list[SentencePair]:
    """Draw `n` different sentences of one to three clauses with their French
    translations.

    Each English sentence has one translation, so that exact matches mean
    something. Used in chapter 9.
    """
    generator = np.random.default_rng(rng)
    pairs: dict[tuple[str, ...], SentencePair] = {}
    while len(pairs) < n:
        pair = _sentence(generator)
        pairs.setdefault(tuple(pair.english), pair)
    return list(pairs.values())


def elide(words: list[str]) -> list[str]:
    """Shorten le, la, ne, de and que before a vowel, as French does: le
    oiseau, l' oiseau."""
    short = {"le": "l'", "la": "l'", "ne": "n'", "de": "d'", "que": "qu'"}
    following = [*words[1:], ""]
    return [
        short[word]
        if word in short and after[:1] and after[0] in VOWELS
        else word
        for word, after in zip(words, following, strict=True)
    ]


def join_words(words: list[str]) -> str:
    """Write words as a sentence: no space after an apostrophe, a full stop
    at the end."""
    return " ".join(words).replace("' ", "'").replace("-", " ") + "."


def _sentence(rng: np.random.Generator) -> SentencePair:
    english, french = _clause(rng, depth=1)
    for _ in range(rng.integers(0, 3)):
        join = str(rng.choice(list(JOINS)))
        more_english, more_french = _clause(rng, depth=1)
        english, french = (
            [*english, join, *more_english],
            [*french, JOINS[join], *more_french],
        )
    return SentencePair(english, elide(" ".join(french).split()))


def _clause(
    rng: np.random.Generator, depth: int
) -> tuple[list[str], list[str]]:
    subject = _noun_phrase(rng, depth)
    verb = VERBS[rng.integers(len(VERBS))]
    past, negative = rng.random() < 0.4, rng.random() < 0.3
    thing = _noun_phrase(rng, depth, negative)
    said_english, said_french = _conjugate(verb, subject.plural, past, negative)
    english = [*subject.english, *said_english, *thing.english]
    french = [*subject.french, *said_french, *thing.french]
    if rng.random() < 0.4:
        place = str(rng.choice(list(PLACES)))
        english, french = (
            [*english, *place.split()],
            [*french, *PLACES[place].split()],
        )
    return english, french


def _conjugate(
    verb: Verb, plural: bool, past: bool, negative: bool
) -> tuple[list[str], list[str]]:
    if past:
        finite, rest = "ont" if plural else "a", [verb.participle]
    else:
        finite, rest = verb.french_plural if plural else verb.french, []
    french = ["ne", finite, "pas", *rest] if negative else [finite, *rest]
    if negative:
        auxiliary = "did" if past else "do" if plural else "does"
        return [auxiliary, "not", verb.english], french
    present = verb.english if plural else verb.english_third
    return [verb.english_past if past else present], french


def _noun_phrase(
    rng: np.random.Generator, depth: int, under_negation: bool = False
) -> _Phrase:
    noun = NOUNS[rng.integers(len(NOUNS))]
    adjective = (
        ADJECTIVES[rng.integers(len(ADJECTIVES))]
        if rng.random() < 0.5
        else None
    )
    plural = bool(rng.random() < 0.4)
    determiner = str(rng.choice(["the", "a", "this", "my"]))
    before = adjective is not None and adjective.before
    english = [_english_determiner(determiner, plural, under_negation)]
    english += [adjective.english] if adjective else []
    english += [noun.english_plural if plural else noun.english]
    word = noun.french_plural if plural else noun.french
    form = (
        getattr(adjective, noun.gender + ("p" if plural else ""))
        if adjective
        else None
    )
    words = [word] if form is None else [form, word] if before else [word, form]
    french = [
        _french_determiner(
            determiner, noun.gender, plural, words[0], before, under_negation
        )
    ]
    french += words
    if depth and rng.random() < 0.3:
        more_english, more_french = _relative(rng, plural)
        english, french = english + more_english, french + more_french
    return _Phrase(english, french, plural)


def _relative(
    rng: np.random.Generator, plural: bool
) -> tuple[list[str], list[str]]:
    """Return a clause in which the noun is the subject (that, qui) or the
    object (that, que)."""
    other = _noun_phrase(rng, depth=0)
    verb = VERBS[rng.integers(len(VERBS))]
    if rng.random() < 0.5:
        english, french = _conjugate(verb, plural, past=False, negative=False)
        return ["that", *english, *other.english], [
            "qui",
            *french,
            *other.french,
        ]
    english, french = _conjugate(verb, other.plural, past=False, negative=False)
    return ["that", *other.english, *english], ["que", *other.french, *french]


def _english_determiner(name: str, plural: bool, negated: bool) -> str:
    indefinite = "any" if negated else "some"
    return (
        {"a": indefinite, "this": "these"}.get(name, name) if plural else name
    )


def _french_determiner(
    name: str,
    gender: str,
    plural: bool,
    following: str,
    adjective_first: bool,
    negated: bool,
) -> str:
    if name == "a" and negated:
        return "de"
    if plural:
        indefinite = "de" if adjective_first else "des"
        return {"the": "les", "a": indefinite, "this": "ces", "my": "mes"}[name]
    vowel = following[0] in VOWELS
    if name == "this":
        return "cette" if gender == "f" else "cet" if vowel else "ce"
    if name == "my":
        return "ma" if gender == "f" and not vowel else "mon"
    return {"the": {"m": "le", "f": "la"}, "a": {"m": "un", "f": "une"}}[name][
        gender
    ]
