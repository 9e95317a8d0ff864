"""How the book's figures look: style, charts and drawings."""
