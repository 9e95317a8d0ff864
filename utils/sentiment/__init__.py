"""Classifiers of texts, and what they get wrong. Chapter 11."""
