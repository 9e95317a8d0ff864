"""The general models that several chapters train, a framework a file."""
