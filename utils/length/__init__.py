"""Sequences of any length: padding, and the moving ball. Chapters 05 and 07."""
