"""Attention and encoder-decoders, a framework a file. Chapter 09."""
