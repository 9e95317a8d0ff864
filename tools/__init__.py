"""The book's own build tools: execute, validate, guard, finish."""
