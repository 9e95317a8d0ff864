"""Data sets that the chapters generate or load."""
