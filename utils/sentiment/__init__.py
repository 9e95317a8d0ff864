"""Classifiers of texts, and what they get wrong. Chapter 11.

`python -m utils.sentiment --help` trains one on a reader's own texts.
"""
