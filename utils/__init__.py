"""What the chapters share; `utils.scratch` and `utils.data` need no
deep-learning framework."""
