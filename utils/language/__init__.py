"""Models of the next character: counted, learned, measured, and made to write.
Chapter 08."""
