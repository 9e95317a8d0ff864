"""Recurrent layers in NumPy alone: forward and backward passes written to be read."""
