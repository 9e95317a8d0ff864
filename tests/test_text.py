import json

import numpy as np
import pytest

from utils.data.text import Vocabulary, tokenize


def test_tokenize_words_characters_and_marks():
    assert tokenize("It ISN'T dull, 但是 café!") == [
        "it",
        "isn't",
        "dull",
        ",",
        "但",
        "是",
        "café",
        "!",
    ]
    assert tokenize(" \n") == []


def test_padding_and_unknown_have_numbers_of_their_own():
    vocabulary = Vocabulary(["a"])
    assert vocabulary.PAD != vocabulary.UNK
    assert vocabulary.encode("a b").tolist() == [2, Vocabulary.UNK]


def test_minimum_frequency_and_order():
    vocabulary = Vocabulary.from_texts(["b a b", "c b a"], minimum_frequency=2)
    assert vocabulary.tokens == ("<pad>", "<unk>", "b", "a")
    assert len(vocabulary) == 4


def test_decode_undoes_encode_and_drops_padding():
    vocabulary = Vocabulary.from_texts(["a good film"])
    padded = np.pad(vocabulary.encode("a good film"), (0, 3))
    assert vocabulary.decode(padded) == ["a", "good", "film"]


def test_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.from_texts(["a good film 好"])
    vocabulary.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json").tokens == vocabulary.tokens
    assert [path.name for path in tmp_path.iterdir()] == ["words.json"]


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1]"])
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    path = tmp_path / "words.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"words\.json"):
        Vocabulary.load(path)


def test_a_repeated_token_is_named(tmp_path):
    with pytest.raises(ValueError, match="'a' stands 2 times"):
        Vocabulary(["a", "a"])
    (tmp_path / "words.json").write_text(json.dumps(["<unk>"]))
    with pytest.raises(ValueError, match="'<unk>' stands 2 times"):
        Vocabulary.load(tmp_path / "words.json")
