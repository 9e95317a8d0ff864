"""Classifiers that count words: the baselines that a recurrent model must
beat. Chapter 11."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from utils.data.text import tokenize


class NaiveBayesWeights(TransformerMixin, BaseEstimator):
    r"""Scale each feature by its log-count ratio.

    $r = \log\frac{a / \lVert a \rVert_1}{b / \lVert b \rVert_1}$ with
    $a = 1 + \sum_{y_i = 1} x_i$ and $b = 1 + \sum_{y_i = 0} x_i$: what naive
    Bayes would add up. Logistic regression on $x \circ r$ starts from there.
    Wang and Manning (2012), Baselines and Bigrams, who call $a$ and $b$ $p$ and
    $q$.

    After `fit`, `ratios_` (feature,) holds $r$.
    """

    def fit(self, x: csr_matrix, y: ArrayLike) -> "NaiveBayesWeights":
        """Count each class's features (text, feature); `y` holds 0 and 1."""
        labels = np.asarray(y)
        positive = 1 + np.asarray(x[labels == 1].sum(axis=0)).ravel()
        negative = 1 + np.asarray(x[labels == 0].sum(axis=0)).ravel()
        self.ratios_ = np.log(positive / positive.sum()) - np.log(
            negative / negative.sum()
        )
        return self

    def transform(self, x: csr_matrix) -> csr_matrix:
        """Scale the features."""
        return x.multiply(self.ratios_).tocsr()


def majority() -> DummyClassifier:
    """Answer the more frequent label of the training set, whatever the text."""
    return DummyClassifier(strategy="most_frequent")


def tfidf_regression(
    longest: int = 1, inverse_penalty: float = 1.0
) -> Pipeline:
    """Build logistic regression (C = `inverse_penalty`) on TF-IDF weights of
    n-grams of up to `longest` tokens."""
    counts = TfidfVectorizer(
        tokenizer=tokenize, token_pattern=None, ngram_range=(1, longest)
    )
    regression = LogisticRegression(C=inverse_penalty, max_iter=1000)
    return make_pipeline(counts, regression)


def naive_bayes_regression(
    longest: int = 2, inverse_penalty: float = 1.0
) -> Pipeline:
    """Build logistic regression (C = `inverse_penalty`) on present n-grams,
    weighted by `NaiveBayesWeights`."""
    present = CountVectorizer(
        tokenizer=tokenize,
        token_pattern=None,
        ngram_range=(1, longest),
        binary=True,
    )
    regression = LogisticRegression(C=inverse_penalty, max_iter=1000)
    return make_pipeline(present, NaiveBayesWeights(), regression)


def character_regression(inverse_penalty: float = 1.0) -> Pipeline:
    """Build logistic regression (C = `inverse_penalty`) on TF-IDF weights of
    the 2- to 5-grams of characters within words.

    The n-grams are numbered by a hash, so that nothing is learned about texts
    that were not trained on.
    """
    counts = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        n_features=2**18,
        alternate_sign=False,
        norm=None,
    )
    regression = LogisticRegression(C=inverse_penalty, max_iter=1000)
    return make_pipeline(
        counts, TfidfTransformer(sublinear_tf=True), regression
    )
